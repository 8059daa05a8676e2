/* A site for the scheduler's tests: a store in memory, a clock that stands still, hosts with inventories. */
#pragma once

#include "../test.h"

#include "base/text.h"
#include "scheduler/scheduler.h"

extern struct store *db;
extern int64_t site_now;       /* microseconds */
extern int64_t site_clock_set; /* by so much somebody has set the wall clock */
extern struct error err;

/* Opens the store and reads the configuration (nova.conf's text; NULL for SITE_CONF). */
void site_open(const char *conf);
void site_close(void);
#define SITE_CONF \
	"[DEFAULT]\n" \
	"cpu_allocation_ratio = 1.0\nram_allocation_ratio = 1.0\ndisk_allocation_ratio = 1.0\n" \
	"pci_alias = {\"vendor_id\": \"8086\", \"product_id\": \"10c9\", \"name\": \"my_PF\"}\n" \
	"pci_alias = {\"vendor_id\": \"10de\", \"product_id\": \"1eb8\", \"name\": \"gpu\"}\n" \
	"pci_alias = {\"vendor_id\": \"10de\", \"product_id\": \"1eb8\", \"name\": \"gpu_lm\", " \
	"\"live_migratable\": \"yes\"}\n" \
	"[pci]\n" \
	"alias = {\"vendor_id\": \"8086\", \"product_id\": \"10c9\", \"name\": \"pf\", \"device_type\": " \
	"\"type-PF\"}\n" \
	"alias = {\"vendor_id\": \"8086\", \"product_id\": \"10ca\", \"name\": \"vf\"}\n"

/* An inventory while it is written: host_begin(), devices, host_end() joins and reports. */
struct site_host {
	const char *name;
	const char *zone;
	int64_t vcpus, memory_mb, disk_gb, reserved_memory_mb;
	const char *more; /* members of the inventory, ended by a comma, or NULL */
	struct text devices;
};
/* One device as the protocol has it; physnet and parent may be NULL, node -1. */
void site_device(struct site_host *host, const char *address, const char *ids, const char *type,
		 const char *parent, const char *physnet, int node, const char *more);
/* A PF 8086:10c9 at bus:00.0 and its VFs 8086:10ca at bus:10.0 on. */
void site_card(struct site_host *host, const char *bus, int vfs, const char *physnet, int node);
/* Joins if need be and reports, in a transaction of its own; frees the devices' text.  The host's id, valid
 * until the next call, or NULL and err. */
const char *site_report(struct site_host *host);

/* A claim in a transaction of its own; false and err if refused.  `want`: ports and aliases separated by
 * blanks: "direct=physnet_sriov direct-physical=physnet_b alias=gpu:1,my_PF:1 host=lab1 zone=nova memory=512
 * vcpus=1 disk=1 isolate=yes" */
bool site_claim(const char *server, const char *want);
void site_release(const char *server);
extern struct scheduler_grant grant;
extern struct text refusals; /* of the last claim */
/* Addresses of the grant, "0000:21:10.0 0000:21:10.1". */
const char *site_granted(void);
int64_t site_count(const char *sql);
