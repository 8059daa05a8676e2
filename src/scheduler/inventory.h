/* Within the scheduler: what a host says that it has (docs/agent-protocol.md, PUT inventory), checked field
 * by field, and its devices' rows in the store. */
#pragma once

#include "base/error.h"
#include "pci/address.h"
#include "pci/device.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <yyjson.h>

enum { INVENTORY_MAX_DEVICES = 4096 };

/* Texts live as long as the JSON that they were read from; tags and report are owned. */
struct inventory_device {
	pci_address address;
	char address_text[PCI_ADDRESS_SIZE];
	const char *vendor_id, *product_id, *parent, *mac_address, *physical_network, *health;
	enum pci_type type;
	int64_t numa_node, iommu_group; /* -1: none */
	bool offered;
	char *tags, *report;
};

struct inventory {
	const char *availability_zone, *hypervisor_type;
	int64_t hypervisor_version, vcpus, memory_mb, reserved_memory_mb, disk_gb;
	bool grant_mates;	/* iommu_group_mates */
	char *cpu_info, *cells; /* JSON, owned */
	char *migration;	/* how guests that run come here (JSON, owned), or NULL: they cannot */
	struct inventory_device *devices;
	size_t device_count; /* sorted by address */
};

/* ERROR_BAD_REQUEST names the bad field: "devices[3].address: ...".  inventory_done() in any case. */
bool inventory_parse(yyjson_val *json, struct inventory *inventory, struct error *err);
void inventory_done(struct inventory *inventory);

/* Writes the host's and its devices' rows where they differ; *changed tells whether anything did. */
bool inventory_store(struct store *db, const char *host_id, const struct inventory *inventory, bool *changed,
		     struct error *err);
/* A device that is nobody's any more, and whose row is not as the host told it last (state): brings the row
 * up to date or removes it. */
bool inventory_device_settle(struct store *db, const char *host_id, const char *address, struct error *err);
