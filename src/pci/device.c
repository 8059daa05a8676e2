/* Names of the kinds of PCI devices. */
#include "pci/device.h"

#include <string.h>

static const struct {
	const char *text, *one, *many;
} types[] = {
#define PCI_TYPE_ROW(name, text, one, many) [name] = {text, one, many},
	PCI_TYPES(PCI_TYPE_ROW)
#undef PCI_TYPE_ROW
};

const char *pci_type_text(enum pci_type type)
{
	return types[type].text;
}

const char *pci_type_noun(enum pci_type type, long long count)
{
	return count == 1 ? types[type].one : types[type].many;
}

bool pci_type_parse(const char *text, enum pci_type *type)
{
	for (int i = 0; i < PCI_TYPE_COUNT; i++) {
		if (strcmp(types[i].text, text) == 0) {
			*type = (enum pci_type)i;
			return true;
		}
	}
	return false;
}
