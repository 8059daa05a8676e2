/* PCI aliases ([pci] alias, once [DEFAULT] pci_alias) and what flavors ask by them.  Pure logic.
 *
 * One value of the option is a JSON object (a list of them is taken too) with
 *	name			1 to 63 characters without : and ,
 *	vendor_id, product_id	four hex digits each, both needed (but see in_placement)
 *	device_type		type-PCI, type-PF or type-VF; optional, see below
 *	numa_policy		legacy, preferred, required or socket; optional
 *	live_migratable		true or false; optional
 *	resource_class, traits	of devices in Placement (pci/resource.h); without effect unless in_placement
 *is set capability_type		taken and without effect Several definitions of one name are
 *alternatives; they must agree in device_type and numa_policy.
 *
 * Without device_type Nova's alias takes type-PCI and type-VF devices and never a PF (its guide says type-PCI
 *only), so that the alias of many a guide, {"vendor_id": "8086", "product_id": "1528", "name": "my_PF"},
 *finds nothing on a NIC that can SR-IOV.  Here it takes a PF as well, on a host that offers no type-PCI or
 *type-VF device with these ids. */
#pragma once

#include "base/error.h"
#include "pci/device.h"

#include <stdbool.h>
#include <stddef.h>

#define PCI_ALIAS_NAME_SIZE 64

#define PCI_NUMA_POLICIES(X) \
	X(PCI_NUMA_LEGACY, "legacy") \
	X(PCI_NUMA_PREFERRED, "preferred") \
	X(PCI_NUMA_REQUIRED, "required") \
	X(PCI_NUMA_SOCKET, "socket")

#define PCI_NUMA_ENUM(name, text) name,
enum pci_numa_policy { PCI_NUMA_POLICIES(PCI_NUMA_ENUM) PCI_NUMA_POLICY_COUNT };
#undef PCI_NUMA_ENUM

bool pci_numa_policy_parse(const char *text, enum pci_numa_policy *policy);

/* One alternative. */
struct pci_alias_spec {
	bool has_vendor, has_product; /* else any */
	uint16_t vendor_id, product_id;
	int live_migratable; /* 0, 1 or PCI_TAG_UNSET */
	/* With in_placement, else NULL; owned.  The class is that of the ids if the alias names none. */
	char *resource_class, *traits;
};

struct pci_alias {
	char name[PCI_ALIAS_NAME_SIZE];
	struct pci_alias_spec *specs;
	size_t spec_count;
	bool typed; /* device_type was given */
	enum pci_type type;
	enum pci_numa_policy numa_policy;
};

/* Start from {0}.  in_placement ([filter_scheduler] pci_in_placement) is set before the first is parsed: then
 * a name has one definition, with both ids or a resource_class, and only devices that Placement shows fit. */
struct pci_aliases {
	bool in_placement;
	struct pci_alias *items;
	size_t count;
};

/* Adds what one value of the option says.  Errors have `where` ("nova.conf:12: [pci] alias") in front. */
bool pci_alias_parse(const char *where, const char *json, struct pci_aliases *aliases, struct error *err);
void pci_aliases_done(struct pci_aliases *aliases);
const struct pci_alias *pci_alias_find(const struct pci_aliases *aliases, const char *name); /* or NULL */

enum pci_fit {
	PCI_FIT_NO,
	PCI_FIT_LAST, /* a PF for an alias without device_type: if the host offers nothing else that fits */
	PCI_FIT_YES,
};

/* Does a device of this kind satisfy the alias?  Devices managed by a SmartNIC (remote_managed) never do. */
enum pci_fit pci_alias_fits(const struct pci_alias *alias, const struct pci_kind *kind);

struct pci_alias_request {
	const struct pci_alias *alias; /* lives as long as the aliases do and none is added */
	int count;		       /* at least 1 */
};

/* A flavor's pci_passthrough:alias, "my_PF:1,gpu:2": at most `max` requests of at most `max_devices` devices
 * together. Blanks around items do not matter; equal names stay separate requests; a count of 0 asks for
 * nothing. ERROR_BAD_REQUEST in Nova's words if it is malformed or an alias is unknown. */
bool pci_alias_requests(const struct pci_aliases *aliases, const char *spec,
			struct pci_alias_request *requests, size_t max, int max_devices, size_t *count,
			struct error *err);
