/* What vendors call their devices: pci.ids, as lspci reads it. */
#pragma once

#include <stdbool.h>

struct pci_names;

/* Reads pci.ids of this host; without one nothing has a name.  For pci_names_free(). */
struct pci_names *pci_names_read(void);
/* The same from a text. */
struct pci_names *pci_names_parse(const char *text);
void pci_names_free(struct pci_names *names);

/* Ids are four hex digits.  What is found is freed by the caller; NULL: it is not in there. */
char *pci_names_vendor(const struct pci_names *names, const char *vendor_id);
char *pci_names_product(const struct pci_names *names, const char *vendor_id, const char *product_id);
/* Of a class like "0200": "Ethernet controller", or what its first two digits mean. */
char *pci_names_class(const struct pci_names *names, const char *class_code);
