/* PCI aliases ([pci] alias, once pci_alias) and what flavors ask by them.  Pure logic. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct pci_alias {
	char name[64];
	char vendor_id[5], product_id[5]; /* "" = any */
	char device_type[10];		  /* "type-PCI", "type-PF", "type-VF", or "" */
};

/* Several aliases of one name are alternatives. */
struct pci_aliases {
	struct pci_alias *items;
	size_t count;
};

/* Adds what one value of the option says: a JSON object or a list of them. */
bool pci_alias_parse(const char *where, const char *json, struct pci_aliases *aliases, struct error *err);
void pci_aliases_done(struct pci_aliases *aliases);
bool pci_alias_known(const struct pci_aliases *aliases, const char *name);
/* Does a device satisfy the alias?  Without device_type Nova takes type-PCI only, which makes the well-known
 * alias
 * {"vendor_id": .., "product_id": .., "name": ..} fail for a NIC as soon as its SR-IOV is on; here it takes a
 * type-PF as well.  VFs are taken only by device_type "type-VF". */
bool pci_alias_fits(const struct pci_aliases *aliases, const char *name, const char *vendor_id,
		    const char *product_id, const char *type);

struct alias_request {
	char name[64];
	int count;
};

/* "my_PF:1,gpu:2": up to `max` requests; false and Nova's words if it is malformed or an alias is unknown. */
bool pci_alias_requests(const struct pci_aliases *aliases, const char *spec, struct alias_request *requests,
			size_t max, size_t *count, struct error *err);
