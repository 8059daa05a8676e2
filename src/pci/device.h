/* What kinds of PCI devices there are.  One table for enum, configuration, protocol, database and API.  Pure
 * logic. */
#pragma once

#include <stdbool.h>

/* A PF is a function with the SR-IOV capability, whether or not it has VFs now (Nova, DI-2). */
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
