/* The host that the agent works on, as one table of functions: the kernel's small files (sysfs, procfs),
 * rtnetlink, other programs, libvirt.  Everything that the agent looks at or changes outside its own folders
 * goes through it, so that a simulated host (src/agent/simulated/) can stand in.  Functions may block; any
 * thread may call them. */
#pragma once

#include "base/error.h"
#include "base/map.h"
#include "base/text.h"

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Is given each message of an answer of the kernel. */
typedef void world_answer(const struct nlmsghdr *answer, void *argument);

/* What changed: a network device or something of its VFs; a PCI or network device came or went. */
enum { WORLD_LINKS = 1, WORLD_DEVICES = 2 };

struct world_hypervisor {
	int64_t version; /* as libvirt counts: 10000002 is 10.0.2 */
	bool kvm;	 /* it can start guests with KVM, not only emulate them */
};

/* How a guest is. */
enum world_guest {
	WORLD_NO_GUEST,
	WORLD_GUEST_RUNS,
	WORLD_GUEST_PAUSED,
	WORLD_GUEST_COMES, /* from another host: it does not run here yet */
	WORLD_GUEST_GOES,  /* libvirt is sending it to another host */
};

/* What is wanted of a guest that goes. */
enum world_wish {
	WORLD_GO_ON,
	WORLD_COMPLETE, /* even if that stops it for a while */
	WORLD_STAY,
};

struct world_migration {
	const char *uri;      /* of the other host's libvirt */
	const char *data_uri; /* where its memory and disk go to */
	const char *xml;      /* of the guest there */
	bool post_copy, auto_converge;
	int64_t bandwidth;   /* MiB/s; 0: no limit */
	int64_t downtime_ms; /* that is aimed at */
	int64_t seconds;     /* after which it is given up, or completed; 0: never */
	bool force_complete; /* completed */
	bool complete;	     /* from the beginning */
	/* Asked now and then. */
	enum world_wish (*wish)(void *argument);
	void *argument;
};

struct world {
	/* --- the kernel's files, by absolute path --- */

	/* What a file says, for the caller to free; NULL if it is not there. */
	char *(*read)(const char *path);
	/* The last component of what a symbolic link points to, or "" and false. */
	bool (*link)(const char *path, char *name, size_t size);
	/* Names in a folder, ended by NULL, for world_list_free(); NULL if it is not there. */
	char **(*list)(const char *path);
	bool (*write)(const char *path, const char *text, struct error *err);
	/* Size of the file system that holds the folder. */
	int64_t (*disk_gb)(const char *folder);
	/* The process that has the device by VFIO, as "NAME (process PID)"; false and "" if nobody has. */
	bool (*holder)(const char *address, char *who, size_t size);
	void (*pause)(int milliseconds);

	/* --- the rest of the host --- */

	/* Sends one rtnetlink request; 0, or an errno and what the kernel says of it (extended ACK; "" if
	 * nothing). */
	int (*netlink)(struct nlmsghdr *message, world_answer *answer, void *argument, char *why,
		       size_t size);
	/* Waits, at most so long, until the kernel tells of changes; what it told, or 0.  It is told nothing
	 * that only this would know: events get lost.  For one thread. */
	unsigned (*events)(int milliseconds);
	/* Runs argv[0] (found in PATH), with at most `seconds` of CPU time and 1 GiB of memory.  Standard
	 * output goes into `out` (may be NULL); an exit status but 0 is an error with what it wrote to
	 * standard error. */
	bool (*run)(const char *const *argv, int seconds, struct text *out, struct error *err);
	/* Kills the processes whose name begins so and that have these words (one space between them) on
	 * their command line, and returns when they are gone; *count: how many.  None is fine. */
	bool (*end_processes)(const char *name, const char *words, int *count, struct error *err);

	/* --- libvirt; ids are UUIDs --- */

	bool (*hypervisor)(struct world_hypervisor *facts, struct error *err);
	bool (*domain_start)(const char *xml, struct error *err); /* transient */
	/* What a domain that runs is like, for the caller to free; NULL if it does not run. */
	bool (*domain_xml)(const char *id, char **xml, struct error *err);
	/* Into one that runs; refused if it has no place for it. */
	bool (*domain_plug)(const char *id, const char *device_xml, struct error *err);
	/* Asks the guest to let go of the device with this alias; it is out when domain_xml() shows it no
	 * more.  None is fine. */
	bool (*domain_unplug)(const char *id, const char *alias, struct error *err);
	/* Stops its CPUs, or lets them go on (idempotent). */
	bool (*domain_pause)(const char *id, bool paused, struct error *err);
	/* Ends it with its memory in a file, and starts it from there.  An error with a type (WORLD_LOST, or
	 * what hangs): it may have been done. */
	bool (*domain_save)(const char *id, const char *path, struct error *err);
	bool (*domain_restore)(const char *path, struct error *err);
	bool (*domain_change)(const char *id, const char *device_xml, struct error *err);
	bool (*domain_stop)(const char *id, struct error *err); /* none is fine */
	/* Of one that has no process (any more) and that libvirt cannot end (WORLD_STUCK): from now on there
	 * is none, but it cannot be started either as long as libvirt holds on to it. */
	bool (*domain_forget)(const char *id, struct error *err);
	bool (*domain_state)(const char *id, enum world_guest *state, struct error *err);
	/* What it is to be told on another host, for the caller to free; NULL if there is no guest. */
	bool (*domain_migratable_xml)(const char *id, char **xml, struct error *err);
	/* Returns when the guest runs on the other host (true), or is here as before, or has ended. */
	bool (*domain_migrate)(const char *id, const struct world_migration *how, struct error *err);
	/* Of one that goes: it is to stay.  None is fine. */
	bool (*domain_migrate_abort)(const char *id, struct error *err);
	bool (*domain_running)(const char *id, bool *running, struct error *err);
	/* The running domains, or only those that carry our metadata: ids as keys (the values mean nothing).
	 */
	bool (*domain_list)(bool only_ours, struct map *ids, struct error *err);
	/* *xml for the caller to free, NULL if there is no such network. */
	bool (*network_xml)(const char *id, char **xml, struct error *err);
	bool (*network_make)(const char *xml, struct error *err);
	bool (*network_lease)(const char *id, bool add, const char *host_xml, struct error *err);
	bool (*network_remove)(const char *id, struct error *err);
};

extern const struct world world_real;
/* What is used: world_real unless main() or a test sets another before threads start. */
extern const struct world *world;

/* The id in a domain's or a network's XML. */
void world_id_in(const char *xml, char id[37]);
void world_list_free(char **names);
/* The first line of a file, "" if it is not there. */
void world_line(const char *path, char *line, size_t size);

/* The kernel's files are looked for below this folder ("" by default): a tree of a test. */
void world_files_set_root(const char *root);

/* Type of an error (ERROR_UNAVAILABLE): libvirt went away in the middle of the call. */
#define WORLD_LOST "lost"
/* Type of an error: libvirt was killed while it was at something with this guest, and cannot get at it now.
 */
#define WORLD_STUCK "stuck"
bool world_is_stuck(const struct error *err);

/* What a guest's XML carries so that we know it for ours. */
#define WORLD_DOMAIN_NAMESPACE "https://penstock.example/xmlns/domain/1"
