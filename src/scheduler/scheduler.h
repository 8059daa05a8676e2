/* Hosts, their devices, and who has what of them: inventory, placement and claims.  The tables host,
 * host_state, device, claim and device_claim belong to this room; the fleet in memory is their replica, owned
 * by the writer's thread.
 *
 * What reads (scheduler_host_load, scheduler_hosts, scheduler_host_authenticate, scheduler_devices_of_server)
 * asks the store and runs on any thread, as does scheduler_host_heard; all else runs on the writer's, in its
 * transaction, and is undone with it. */
#pragma once

#include "base/error.h"
#include "config/config.h"
#include "http/http.h"
#include "numa/guest.h"
#include "numa/network.h"
#include "store/store.h"

/* Reads [pci] alias / [DEFAULT] pci_alias, the allocation ratios ([DEFAULT] cpu_, ram_, disk_allocation_ratio
 * and initial_...; 4, 1 and 1) and [filter_scheduler] cpu_, ram_, disk_, pci_weight_multiplier.  A bad
 * value is an error that names file, line and option.  enabled_filters is not read: every filter is on,
 * always. */
bool scheduler_configure(const struct config *config, struct error *err);
/* Nova's filters that apply only if [filter_scheduler] enabled_filters has them. */
enum scheduler_filter {
	FILTER_COMPUTE_CAPABILITIES,
	FILTER_IMAGE_PROPERTIES,
	FILTER_AGGREGATE_IMAGE_PROPERTIES,
	FILTER_AGGREGATE_TENANTS,
	FILTER_AGGREGATE_TYPES,
	FILTER_JSON,
	FILTER_IO_OPS,
	FILTER_NUM_INSTANCES,
	FILTER_ISOLATED_HOSTS,
};
bool scheduler_filter_is_enabled(enum scheduler_filter filter);
/* Fills the fleet from the store; before the first request is served. */
bool scheduler_load(struct store *db, struct error *err);

extern const struct store_migration scheduler_migrations[];
extern const size_t scheduler_migration_count;

/* --- hosts --- */

#define SCHEDULER_DOWN_AFTER \
	(60 * INT64_C(1000000)) /* a host that is silent for so long is down (microseconds) */

struct scheduler_host {
	char id[37]; /* UUID; also the hypervisor's id */
	char name[256];
	char availability_zone[64];
	char aggregate_zone[64]; /* that zone, if aggregates say it; "" if the agent does */
	bool enabled;		 /* service-enable / disable */
	char disabled_reason[256];
	bool forced_down; /* the operator says that it is down */
	bool up; /* it told what it has, was heard of within SCHEDULER_DOWN_AFTER, and is not forced down */
	int64_t heard_at, created_at; /* microseconds */
	int64_t number;		      /* small integer: the service's id in old microversions */
	int64_t vcpus, vcpus_used, memory_mb, memory_mb_used, disk_gb, disk_gb_used;
	int64_t running_vms;
	char hypervisor_type[16];
	int64_t hypervisor_version;
	char cpu_info[4096]; /* JSON object */
	int64_t revision;    /* moves with each change of what the host shall run */
};

/* Makes a host known (join); the same name gets the same id.  `credential_hash`: SHA-256, hex. */
bool scheduler_host_join(struct store *db, const char *name, const char *credential_hash, char id[37],
			 struct error *err);
/* Whose credential is it?  ERROR_UNAUTHORIZED if nobody's. */
bool scheduler_host_authenticate(struct store *db, const char *credential_hash, char id[37],
				 struct error *err);
bool scheduler_host_load(struct store *db, const char *id_or_name, struct scheduler_host *host,
			 struct error *err);
/* All hosts by name; *hosts is freed by the caller. */
bool scheduler_hosts(struct store *db, struct scheduler_host **hosts, size_t *count, struct error *err);
/* Takes an inventory (docs/agent-protocol.md, PUT inventory) over.  Devices that are claimed and vanished
 * stay, marked missing. */
bool scheduler_host_report(struct store *db, const char *host_id, yyjson_val *inventory, struct error *err);
/* The agent was heard of: kept in memory (any thread, any connection); an inventory writes it down. */
bool scheduler_host_heard(struct store *db, const char *host_id, struct error *err);
bool scheduler_host_set_enabled(struct store *db, const char *host_id, bool enabled, const char *reason,
				struct error *err);
/* It counts as down, whatever it says of itself. */
bool scheduler_host_force_down(struct store *db, const char *host_id, bool down, struct error *err);
/* The zone that the operator put the host into; NULL: the one that its agent says. */
bool scheduler_host_set_zone(struct store *db, const char *host_id, const char *zone, struct error *err);
/* How guests that run come to this host (docs/agent-protocol.md, `migration` of an inventory), freed by the
 * caller; NULL: they cannot. */
bool scheduler_host_migration(struct store *db, const char *host_id, char **json, struct error *err);
/* Hosts that cannot take over a guest that runs on this one, with the reason (static text). */
bool scheduler_hosts_not_for_live(struct store *db, const char *host_id,
				  void (*tell)(const char *host_id, const char *reason, void *argument),
				  void *argument, struct error *err);
/* Moves the host's revision and returns the new one; long polls with key "host:<id>" are woken after commit.
 */
bool scheduler_host_touch(struct store *db, const char *host_id, int64_t *revision, struct error *err);

/* Runs every few seconds on the writer's thread: stores when hosts were heard of (each at most every 10 s).
 */
bool scheduler_housekeeping(struct store *db, struct error *err);

/* --- placing a server --- */

enum { SCHEDULER_MAX_REQUESTS = 32, SCHEDULER_MAX_DEVICES = 64 };

/* Devices for one port. */
struct scheduler_port_request {
	char port_id[37];
	char vnic_type[24];	   /* direct, macvtap: a VF; direct-physical: a PF */
	bool trusted;		   /* only a device whose spec says trusted (NP-3) */
	char numa_policy[16];	   /* the port's own, which goes before the flavor's (NP-7), or "" */
	char physical_network[65]; /* must equal the device's tag, in any case; "": devices without that tag
				    */
};

/* Hosts on which a server must be, must not be, or is better or worse placed, for a reason that the scheduler
 * knows nothing of: server groups, hints, aggregates. */
struct scheduler_rule {
	const char *reason; /* what a refused host is told: "has a server of group web (anti-affinity)" */
	const char *const *host_ids; /* a host may be listed several times */
	size_t host_count;
	bool only;     /* on one of these; else on none of them */
	double weight; /* not 0: no host is refused; the one that is listed most often gets this, others as
			  much of it as they are listed */
};

struct scheduler_request {
	const char *server_id;
	int64_t vcpus, memory_mb, disk_gb;
	const char *alias_spec; /* the flavor's pci_passthrough:alias, "my_PF:1,gpu:2", or NULL */
	const struct scheduler_port_request *ports;
	size_t port_count;
	const char *availability_zone; /* NULL: any */
	const char *host;	       /* forced host (az "nova:host:node", or `host`), NULL: any */
	const struct scheduler_rule *rules;
	size_t rule_count;
	const struct numa_guest *numa; /* NULL: no topology */
	/* For the filters; NULL: nothing is asked. */
	const char *extra_specs;      /* the flavor's, JSON */
	const char *image, *image_id; /* JSON with `properties` */
	const char *query;	      /* the hint for JsonFilter, JSON */
	const struct numa_networks
		*networks; /* that its ports are on, or NULL: they are near some cells only */
	bool isolate;	   /* group_policy: with pci_in_placement each device of an alias is of another PF */
};

struct scheduler_device {
	char address[16]; /* "0000:21:10.0" */
	char vendor_id[5], product_id[5];
	char type[10];	 /* "type-PCI", "type-PF", "type-VF" */
	char parent[16]; /* address of the PF of a VF, or "" */
	char physical_network[65];
	char mac_address[18];	 /* of a PF, or "" */
	char pf_mac_address[18]; /* of a VF, or "": not known */
	int vf_num;		 /* of a VF: which of its PF's; else -1 */
	int numa_node;		 /* -1: none */
	char port_id[37];	 /* for which port it was taken, or "" */
	char alias[64];		 /* for which alias, or "" */
};

struct scheduler_grant {
	char host_id[37];
	char host_name[256];
	char availability_zone[64];
	struct scheduler_device
		devices[SCHEDULER_MAX_DEVICES]; /* ports first in the request's order, then aliases */
	size_t device_count;
};

/* Is the alias specification well-formed and are its aliases configured?  ERROR_BAD_REQUEST if not
 * (PciInvalidAlias wording of Nova). */
bool scheduler_alias_check(const char *alias_spec, struct error *err);
/* Does the alias say that its devices can go along with a guest that runs ([pci] alias, live_migratable)? */
bool scheduler_alias_is_live_migratable(const char *alias);

/* Chooses a host and exact devices and claims them, with CPU, memory and disk, in the caller's transaction.
 * true: *grant is filled.  false with kind ERROR_NONE... is never given: no host fits is ERROR_CONFLICT with
 * "No valid host was found." and then `refusals` has a line for each host, why ("edge-1: needs 1 VF of
 * physnet_sriov: 5 of 5 are in use\n"), at most 64 lines and a count of the rest. */
bool scheduler_claim(struct store *db, const struct scheduler_request *request, struct scheduler_grant *grant,
		     struct text *refusals, struct error *err);
/* What scheduler_claim() would find: a line for each host, "edge-1: fits, with 0000:21:10.0" or why not;
 * *where is the name of the host that it would choose (good until the fleet changes), or NULL.  Changes
 * nothing. */
bool scheduler_dry_run(struct store *db, const struct scheduler_request *request, struct text *lines,
		       const char **where, struct error *err);
/* Adds a device for one more port to what the server has claimed, on its host and as near to its cells as its
 * policies want: the port's own, or that of its flavor and image (`numa`: of that only the policy counts; or
 * NULL).  ERROR_CONFLICT: there is none, and `why` says so in words. */
bool scheduler_claim_port(struct store *db, const char *server_id, const struct scheduler_port_request *port,
			  const struct numa_guest *numa, struct scheduler_device *device, struct text *why,
			  struct error *err);
/* Gives back what was claimed for this port.  Nothing is fine. */
bool scheduler_release_port(struct store *db, const char *server_id, const char *port_id, struct error *err);
/* A host begins to build a server, and how that ended. */
enum scheduler_build {
	SCHEDULER_BUILD_DONE,
	SCHEDULER_BUILD_FAILED,
	SCHEDULER_BUILD_LEFT /* deleted meanwhile */
};
void scheduler_build_begins(struct store *db, const char *host_id);
void scheduler_build_ends(struct store *db, const char *host_id, enum scheduler_build build);
/* Gives everything of this server back.  Nothing claimed is fine. */
bool scheduler_release(struct store *db, const char *server_id, struct error *err);
/* The claim of `from` is `to`'s from now on (ids; `to` is any UUID): same host, devices and CPUs, and `from`
 * may claim again.  scheduler_release(to) gives it back.  Nothing claimed is fine; ERROR_CONFLICT if `to` has
 * a claim. */
bool scheduler_claim_rename(struct store *db, const char *from, const char *to, struct error *err);
/* A server that moves has two claims, the other one in the name of its move: each gets the name of the other.
 * Hosts and devices are as they were. */
bool scheduler_claims_swap(struct store *db, const char *server_id, const char *move_id, struct error *err);
/* The server's place on NUMA cells and CPUs as its agent is told it (JSON, docs/agent-protocol.md), freed by
 * the caller; NULL if it has no topology. */
bool scheduler_numa_of_server(struct store *db, const char *server_id, char **json, struct error *err);
/* Devices that a server has, *devices freed by the caller; not those that are only mates of their IOMMU
 * groups. */
bool scheduler_devices_of_server(struct store *db, const char *server_id, struct scheduler_device **devices,
				 size_t *count, struct error *err);
