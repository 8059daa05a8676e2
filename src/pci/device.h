/* What kinds of PCI devices there are, and what of a device decides whether a request may have it.  Pure
 * logic. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <yyjson.h>

/* One table for enum, configuration, protocol, database and API, and for messages.  A PF is a function with
 * the SR-IOV capability, whether or not it has VFs now (as in Nova). */
#define PCI_TYPES(X) \
	X(PCI_TYPE_PCI, "type-PCI", "device", "devices") \
	X(PCI_TYPE_PF, "type-PF", "PF", "PFs") \
	X(PCI_TYPE_VF, "type-VF", "VF", "VFs")

#define PCI_TYPE_ENUM(name, text, one, many) name,
enum pci_type { PCI_TYPES(PCI_TYPE_ENUM) PCI_TYPE_COUNT };
#undef PCI_TYPE_ENUM

/* "type-PF" */
const char *pci_type_text(enum pci_type type);
/* What a person calls so many of them: "PF", "PFs". */
const char *pci_type_noun(enum pci_type type, long long count);
/* false if it is none of them. */
bool pci_type_parse(const char *text, enum pci_type *type);

#define PCI_PHYSNET_SIZE 65

enum { PCI_NUMA_NONE = -1, PCI_TAG_UNSET = -1 };

/* Devices of one kind are alike for every request (Nova's pool, without the address). */
struct pci_kind {
	uint16_t vendor_id, product_id;
	enum pci_type type;
	int numa_node;				 /* or PCI_NUMA_NONE */
	char physical_network[PCI_PHYSNET_SIZE]; /* or "" */
	bool remote_managed;
	bool trusted;	     /* a VF that may be given to ports that ask for a trusted one */
	int live_migratable; /* 0, 1 or PCI_TAG_UNSET */
	bool one_time_use;   /* once it was given to a server nobody gets it before the operator says so */
	int tag_count;	     /* devices with fewer tags are given away first */
	/* As Placement shows the device (pci/resource.h), or NULL if it does not. */
	const char *resource_class, *traits;
};

/* Takes over what a device spec's tags (a JSON object, or NULL) say; physical_network is not among it. */
void pci_kind_set_tags(struct pci_kind *kind, yyjson_val *tags);
