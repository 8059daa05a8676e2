/* Within the scheduler: the fleet in memory, a replica of the tables for decisions.  It belongs to the
 * writer's thread; readers on other threads ask the store.
 *
 * It is changed in step with the store, and each change is watched (fleet_watch): if the transaction or its
 * savepoint is undone, the host is read again from the store before its next use. */
#pragma once

#include "base/error.h"
#include "numa/host.h"
#include "pci/address.h"
#include "pci/device.h"
#include "scheduler/heartbeat.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <yyjson.h>

struct fleet_device {
	pci_address address;
	int32_t parent;		   /* index of a VF's PF among the host's devices, or -1 */
	uint32_t kind;		   /* fleet.kinds */
	uint16_t vfs, vfs_claimed; /* of a PF */
	bool offered;
	bool healthy; /* and there */
	bool claimed;
	uint16_t group;	      /* 1 + index of host->groups; 0: alone in its IOMMU group */
	uint64_t mac_address; /* of a PF: six bytes, 0 if unknown */
};

/* The devices of a host that are alike. */
struct fleet_pool {
	uint32_t kind;
	uint32_t offered; /* in use or not */
	uint32_t free;	  /* could be had now, each by itself */
};

/* An IOMMU group of several devices (groups.c). */
struct fleet_group {
	uint32_t first; /* device: stands for the group */
	bool mixed;	/* VFs beside other things */
	bool closed;	/* none of it can be had now */
};

/* A device that must not be handed out, and why. */
struct fleet_ill {
	uint32_t device;
	char *why;
};

/* What hosts say of their CPUs; hosts that say the same share it. */
struct fleet_cpu {
	yyjson_doc *doc;
};

/* What every decision looks at comes first. */
struct fleet_host {
	bool stale; /* to be read again before use */
	bool there; /* false: its joining was undone */
	bool enabled;
	bool forced_down;
	bool grant_mates; /* [pci] iommu_group_mates = grant */
	int building;	  /* builds.c */
	struct heartbeat *heartbeat;
	int64_t vcpus, memory_mb,
		disk_gb; /* as reported, memory without what is reserved; vcpus 0: not yet reported */
	int64_t total_memory_mb;
	int64_t shared_vcpus; /* CPUs that vCPUs may float on: all, but those that are dedicated */
	int64_t vcpus_used, memory_mb_used, disk_gb_used; /* by claims */
	int64_t servers;				  /* claims */
	struct fleet_pool *pools;
	uint32_t pool_count, group_count;
	uint32_t free_devices;
	uint32_t device_count;
	struct fleet_device *devices; /* by address */
	struct fleet_group *groups;
	struct numa_host numa; /* its cells, with what guests that have a topology use of them */
	char *name, *availability_zone, *disabled_reason;
	char id[37];
	char hypervisor_type[16];
	int64_t hypervisor_version;
	const struct fleet_cpu *cpu;
	struct fleet_ill *ill;
	uint32_t ill_count;
	uint32_t failed_builds;
};

struct fleet {
	struct fleet_host *hosts; /* in the order of joining; never removed, so that an index stays good */
	size_t count;
	struct pci_kind *kinds; /* of the whole site */
	size_t kind_count;
	bool any_stale;
};

extern struct fleet fleet;

/* Reads what is stale; before any use. */
bool fleet_refresh(struct store *db, struct error *err);
/* Adds the host if it is new.  Valid until the next call. */
struct fleet_host *fleet_host(const char *host_id);
/* NULL if there is none; takes a name too. */
struct fleet_host *fleet_find(const char *id_or_name);
/* What is changed in this transaction is read again if it is undone.  Call it before the change. */
void fleet_watch(struct store *db, const struct fleet_host *host);
/* The store has changed in a way that is not repeated here: read it again before the next use. */
void fleet_mark_stale(struct store *db, struct fleet_host *host);

/* Could it be had now?  Offered, healthy, nobody's, and for a PF none of its VFs, for a VF its PF nobody's;
 * nor is a mate of its IOMMU group anybody's. */
bool fleet_device_is_free(const struct fleet_host *host, const struct fleet_device *device);
void fleet_device_set_claimed(struct fleet_host *host, struct fleet_device *device, bool claimed);
struct fleet_device *fleet_device_find(const struct fleet_host *host, pci_address address);
/* Counts the pools anew, after devices were claimed or given back. */
void fleet_count_pools(struct fleet_host *host);

/* --- groups.c --- */

/* Puts devices with equal numbers (-1: none) into groups. */
void fleet_groups_make(struct fleet_host *host, const int32_t *numbers);
/* Which groups are closed now; before devices are looked at, after any were claimed or given back. */
void fleet_groups_settle(struct fleet_host *host);
/* What is taken whole with this device, or, for a VF, what must not be: a number of PFs (and of mates that
 * are taken with them) of the host, or -1: nothing else. */
int fleet_device_unit(const struct fleet_host *host, const struct fleet_device *device);
/* Devices that go with those that are chosen; *mates is freed by the caller. */
size_t fleet_mates(const struct fleet_host *host, const int *chosen, size_t count, uint32_t **mates);
