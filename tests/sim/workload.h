/* Clients of the site: they make, change and delete servers and ports, as SDKs do, and remember what they
 * were answered. */
#pragma once

#include <stdbool.h>

/* Image, flavors, network; once for all seeds, with the controller running. */
void workload_prepare(void);
/* Starts clients and an operator. */
void workload_begin(void);
/* No new work; true when all clients are done. */
void workload_end(void);
bool workload_is_over(void);
/* Everything that clients made goes; true when nothing is left of it. */
bool workload_delete_all(void);

/* A guest that runs is to be left alone: does the agent of this host have a reason to end it, or to take
 * something out of it? */
bool workload_may_touch(const char *server, const char *host);
/* It was once told to let go of something, and its guest may have taken its time. */
bool workload_may_unplug(const char *server);
/* A fault has ended it. */
void workload_guest_touched(const char *server);
/* How many clients there are, at most three. */
extern unsigned workload_clients;
