/* Names of PCI devices in Placement. */
#include "pci/resource.h"

#include "base/memory.h"
#include "base/text.h"
#include "pci/address.h"

#include <ctype.h>
#include <string.h>

#define CUSTOM "CUSTOM_"

/* --- names --- */

static int compare_text(const void *key, const void *item)
{
	return strcmp(key, *(const char *const *)item);
}

static bool is_among(const char *name, const char *const *names, size_t count)
{
	return bsearch(name, names, count, sizeof *names, compare_text);
}

bool pci_class_is_standard(const char *name)
{
	return is_among(name, pci_standard_classes, pci_standard_class_count);
}

bool pci_trait_is_standard(const char *name)
{
	return is_among(name, pci_standard_traits, pci_standard_trait_count);
}

/* Capitals, digits and single _; false if there is nothing or too much of it. */
static bool capitalise(const char *text, size_t length, char name[PCI_NAME_SIZE])
{
	size_t size = 0;

	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)toupper((unsigned char)text[i]);
		bool plain = c < 0x80 && (isalnum(c) || c == '_');

		/* a run of other characters is one _ */
		if (!plain && i > 0 && !isalnum((unsigned char)text[i - 1]) && text[i - 1] != '_')
			continue;
		if (size == PCI_NAME_SIZE - 1)
			return false;
		name[size++] = plain ? (char)c : '_';
	}
	name[size] = '\0';
	return size > 0;
}

static bool name_make(const char *text, size_t length, bool (*is_standard)(const char *name),
		      char name[PCI_NAME_SIZE])
{
	char plain[PCI_NAME_SIZE];

	if (!capitalise(text, length, plain))
		return false;
	bool known = is_standard(plain) || text_starts_with(plain, CUSTOM);
	if (!known && strlen(plain) + strlen(CUSTOM) >= PCI_NAME_SIZE)
		return false;
	snprintf(name, PCI_NAME_SIZE, "%s%s", known ? "" : CUSTOM, plain);
	return true;
}

bool pci_class_name(const char *text, char name[PCI_NAME_SIZE])
{
	return name_make(text, strlen(text), pci_class_is_standard, name);
}

char *pci_class_of_ids(uint16_t vendor_id, uint16_t product_id, char name[PCI_NAME_SIZE])
{
	snprintf(name, PCI_NAME_SIZE, CUSTOM "PCI_%04X_%04X", vendor_id, product_id);
	return name;
}

/* --- traits --- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

typedef char trait_name[PCI_NAME_SIZE];

static char *traits_join(trait_name *names, size_t count)
{
	struct text text = {0};

	if (count)
		qsort(names, count, sizeof *names, compare_names);
	text_add(&text, ",");
	for (size_t i = 0; i < count; i++) {
		if (i == 0 || strcmp(names[i], names[i - 1]) != 0)
			text_addf(&text, "%s,", names[i]);
	}
	return text_take(&text);
}

static char *trait_add(trait_name **names, size_t *count)
{
	*names = memory_resize(*names, (*count + 1) * sizeof **names);
	return (*names)[(*count)++];
}

char *pci_traits_of(const char *list)
{
	_cleanup_free_ trait_name *names = NULL;
	size_t count = 0;

	while (list && *list) {
		size_t blanks = strspn(list, " \t"), length = strcspn(list += blanks, ","), end = length;

		while (end > 0 && strchr(" \t", list[end - 1]))
			end--;
		if (end > 0 && !name_make(list, end, pci_trait_is_standard, trait_add(&names, &count)))
			return NULL;
		list += length + (list[length] == ',');
	}
	return traits_join(names, count);
}

bool pci_traits_include(const char *traits, const char *wanted)
{
	char name[PCI_NAME_SIZE + 2];

	/* from comma to comma */
	for (const char *end; wanted[0] && wanted[1]; wanted = end) {
		end = strchr(wanted + 1, ',');
		snprintf(name, sizeof name, "%.*s", (int)(end - wanted + 1), wanted);
		if (!strstr(traits, name))
			return false;
	}
	return true;
}

/* --- devices --- */

static const char *tag(yyjson_val *tags, const char *name)
{
	return yyjson_get_str(yyjson_obj_get(tags, name));
}

/* What follows from what the device is: who manages it, and what its spec says of it. */
static char *traits_of_tags(yyjson_val *tags)
{
	_cleanup_(text_done) struct text list = {0};
	const char *own = tag(tags, "traits");

	text_addf(&list, "%s,COMPUTE_MANAGED_PCI_DEVICE,OWNER_NOVA", own ? own : "");
	if (text_equal(tag(tags, "live_migratable"), "true"))
		text_add(&list, ",HW_PCI_LIVE_MIGRATABLE");
	if (text_equal(tag(tags, "one_time_use"), "true"))
		text_add(&list, ",HW_PCI_ONE_TIME_USE");
	return pci_traits_of(list.data);
}

bool pci_resource_of(uint16_t vendor_id, uint16_t product_id, yyjson_val *tags, struct pci_resource *resource,
		     struct error *err)
{
	const char *own = tag(tags, "resource_class");

	resource->traits = traits_of_tags(tags);
	if (!resource->traits)
		return error_set(err, ERROR_BAD_REQUEST, "traits: a name is longer than %d characters",
				 PCI_NAME_SIZE - 1);
	if (text_is_empty(own))
		pci_class_of_ids(vendor_id, product_id, resource->resource_class);
	else if (!pci_class_name(own, resource->resource_class))
		return error_set(err, ERROR_BAD_REQUEST, "resource_class is longer than %d characters",
				 PCI_NAME_SIZE - 1);
	return true;
}

void pci_resource_done(struct pci_resource *resource)
{
	free(resource->traits);
	resource->traits = NULL;
}

/* --- what contradicts itself --- */

struct reported {
	const struct pci_reported *device;
	struct pci_resource resource;
};

struct reports {
	struct reported *items;
	size_t count;
};

static void reports_done(struct reports *reports)
{
	for (size_t i = 0; i < reports->count; i++)
		pci_resource_done(&reports->items[i].resource);
	free(reports->items);
}

static const char *parent_of(const struct pci_reported *device)
{
	return device->parent ? device->parent : "";
}

/* VFs of a PF stand beside each other, and so do devices without parent, by address. */
static int compare_reported(const void *a, const void *b)
{
	const struct pci_reported *left = ((const struct reported *)a)->device,
				  *right = ((const struct reported *)b)->device;
	int order = strcmp(parent_of(left), parent_of(right));

	return order ? order : strcmp(left->address, right->address);
}

static bool resource_read(struct reported *item, struct error *err)
{
	const struct pci_reported *device = item->device;
	yyjson_doc *doc = yyjson_read(device->tags, strlen(device->tags), 0);
	yyjson_val *tags = yyjson_doc_get_root(doc);
	unsigned vendor = 0, product = 0;
	bool ok = true;

	pci_hex_parse(device->vendor_id, 4, 4, 0xffff, &vendor);
	pci_hex_parse(device->product_id, 4, 4, 0xffff, &product);
	if (*parent_of(device) && yyjson_obj_get(tags, "one_time_use"))
		ok = error_set(
			err, ERROR_CONFLICT,
			"the VF %s has the tag one_time_use: with [pci] report_in_placement only whole "
			"devices may have it",
			device->address);
	ok = ok && (pci_resource_of((uint16_t)vendor, (uint16_t)product, tags, &item->resource, err) ||
		    error_wrap(err, "%s", device->address));
	yyjson_doc_free(doc);
	return ok;
}

static bool vf_check(const struct reports *reports, size_t i, struct error *err)
{
	const struct reported *item = &reports->items[i], *before = i > 0 ? item - 1 : NULL;
	const char *pf = parent_of(item->device);
	const struct pci_reported wanted = {.address = pf};
	const struct reported key = {.device = &wanted};

	if (bsearch(&key, reports->items, reports->count, sizeof key, compare_reported))
		return error_set(err, ERROR_CONFLICT,
				 "the PF %s and its VF %s are both selected by [pci] device_spec: with "
				 "report_in_placement only one of them can be",
				 pf, item->device->address);
	if (!before || strcmp(parent_of(before->device), pf) != 0)
		return true;
	if (strcmp(before->resource.resource_class, item->resource.resource_class) != 0)
		return error_set(err, ERROR_CONFLICT,
				 "VFs of the PF %s have different resource classes: %s has %s, %s has %s", pf,
				 before->device->address, before->resource.resource_class,
				 item->device->address, item->resource.resource_class);
	if (strcmp(before->resource.traits, item->resource.traits) != 0)
		return error_set(err, ERROR_CONFLICT, "VFs of the PF %s have different traits: %s and %s", pf,
				 before->device->address, item->device->address);
	return true;
}

bool pci_reported_check(const struct pci_reported *devices, size_t count, struct error *err)
{
	_cleanup_(reports_done) struct reports reports = {.items = memory_alloc((count + 1) *
										sizeof *reports.items),
							  .count = count};

	for (size_t i = 0; i < count; i++) {
		reports.items[i].device = &devices[i];
		if (!resource_read(&reports.items[i], err))
			return false;
	}
	if (count)
		qsort(reports.items, count, sizeof *reports.items, compare_reported);
	for (size_t i = 0; i < count; i++) {
		if (*parent_of(reports.items[i].device) && !vf_check(&reports, i, err))
			return false;
	}
	return true;
}
