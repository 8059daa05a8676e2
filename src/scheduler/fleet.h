/* Within the scheduler: the fleet in memory, a replica of the tables for decisions.  Belongs to the writer's
 * thread. */
#pragma once

#include "pci/alias.h"
#include "scheduler/scheduler.h"

struct fleet_device {
	struct scheduler_device device; /* port_id and alias stay empty */
	bool offered, usable;		/* usable: healthy and there */
	int parent;			/* index of the PF among the host's devices, or -1 */
	char server_id[37];		/* who has it, or "" */
};

struct fleet_host {
	char id[37], name[256], availability_zone[64];
	bool enabled;
	int64_t heard_at; /* as stored; host_heard_at() knows better */
	int64_t vcpus, memory_mb, disk_gb;
	int64_t vcpus_used, memory_used, disk_used;
	struct fleet_device *devices;
	size_t device_count;
	bool stale; /* to be read again before use */
};

struct fleet {
	struct fleet_host *hosts;
	size_t count;
};

struct scheduler_settings {
	struct pci_aliases aliases;
	double cpu_ratio, ram_ratio, disk_ratio;
	int64_t down_after;
};
extern struct scheduler_settings scheduler_settings;
extern struct fleet fleet;

/* Reads the host again from the store at the next fleet_refresh(); also if the transaction is undone. */
void fleet_touch(struct store *db, const char *host_id);
/* The host in memory was changed along with the store: read it again only if the transaction is undone. */
void fleet_watch(struct store *db, const char *host_id);
/* Reads what is stale. */
bool fleet_refresh(struct store *db, struct error *err);
/* When the host was last heard of, microseconds; `stored` if nothing newer is known. */
int64_t host_heard_at(const char *host_id, int64_t stored);

/* place.c: devices for a request on one host.  true: the indices of devices in `chosen`, in the order of the
 * slots; false: `why` has the nearest reason. */
struct slot {
	const struct scheduler_port_request *port; /* or */
	const char *alias;
};
bool place_devices(const struct fleet_host *host, const struct slot *slots, size_t count, int *chosen,
		   struct text *why);
