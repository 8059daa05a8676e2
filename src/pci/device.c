/* Names and kinds of PCI devices. */
#include "pci/device.h"

#include "base/memory.h"
#include "base/text.h"

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
	for (size_t i = 0; i < ELEMENTS_OF(types); i++) {
		if (strcmp(types[i].text, text) == 0) {
			*type = (enum pci_type)i;
			return true;
		}
	}
	return false;
}

void pci_kind_set_tags(struct pci_kind *kind, yyjson_val *tags)
{
	const char *remote = yyjson_get_str(yyjson_obj_get(tags, "remote_managed"));
	const char *live = yyjson_get_str(yyjson_obj_get(tags, "live_migratable"));
	const char *trusted = yyjson_get_str(yyjson_obj_get(tags, "trusted"));
	const char *once = yyjson_get_str(yyjson_obj_get(tags, "one_time_use"));
	bool is_true;

	kind->remote_managed = remote && text_to_bool(remote, &is_true) && is_true;
	kind->trusted = trusted && text_to_bool(trusted, &is_true) && is_true;
	kind->live_migratable = live && text_to_bool(live, &is_true) ? is_true : PCI_TAG_UNSET;
	kind->one_time_use = once && text_to_bool(once, &is_true) && is_true;
	kind->tag_count = (int)yyjson_obj_size(tags);
	/* these two are names, not properties */
	kind->tag_count -= yyjson_obj_get(tags, "resource_class") ? 1 : 0;
	kind->tag_count -= yyjson_obj_get(tags, "traits") ? 1 : 0;
}
