/* The site: a controller, some hosts with their agents, and what looks at them from outside. */
#pragma once

#include "daemon.h"

#define HOSTS_MAX 4

struct daemon *cluster_controller(void);
struct daemon *cluster_agent(int host); /* 1 ... */
int cluster_hosts(void);

/* Loads modules, makes a site with a first administrator; once for all seeds.  `work` is done while its
 * controller runs. */
void cluster_prepare(const char *build, void (*work)(void));
/* In the process of a seed: its own disks; everything starts. */
void cluster_begin(void);
/* Kills and starts again, after a while. */
void cluster_strike(struct daemon *daemon, int64_t down);
/* The machine that it runs on loses power: its disk forgets, its guests end. */
void cluster_power_cut(struct daemon *daemon, int64_t down);
/* The host's device_spec has all of its VFs, or some: written, and its agent started again. */
void cluster_offer(int host, bool all);
bool cluster_offers(int host, int vf);
/* Symbol of the module with which hosts are looked at (hosts.c). */
void *cluster_eye(const char *symbol);
/* The file that a simulated host is in. */
const char *cluster_host_file(int host);
/* The administrator's token. */
extern char cluster_token[400];
