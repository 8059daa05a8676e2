/* Parsing and matching PCI aliases. */
#include "pci/alias.h"

#include "base/memory.h"
#include "base/text.h"
#include "pci/address.h"
#include "pci/resource.h"

#include <stdarg.h>
#include <string.h>
#include <yyjson.h>

static const char *const numa_policies[] = {
#define PCI_NUMA_ROW(name, text) [name] = text,
	PCI_NUMA_POLICIES(PCI_NUMA_ROW)
#undef PCI_NUMA_ROW
};

bool pci_numa_policy_parse(const char *text, enum pci_numa_policy *policy)
{
	for (size_t i = 0; i < ELEMENTS_OF(numa_policies); i++) {
		if (strcmp(numa_policies[i], text) == 0) {
			*policy = (enum pci_numa_policy)i;
			return true;
		}
	}
	return false;
}

/* --- configuration --- */

static bool alias_error(struct error *err, const char *where, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool alias_error(struct error *err, const char *where, const char *format, ...)
{
	char why[700];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, sizeof why, format, arguments);
	va_end(arguments);
	return error_set(err, ERROR_BAD_REQUEST, "%s: Invalid PCI alias definition: %s", where, why);
}

/* One definition while it is being read. */
struct definition {
	const char *where;
	struct pci_alias alias; /* without specs */
	struct pci_alias_spec spec;
	const char *resource_class, *traits;
	struct error *err;
};

static bool id_read(struct definition *d, const char *key, const char *text, uint16_t *id)
{
	unsigned value;

	if (!text || strlen(text) != 4 || !pci_hex_parse(text, 4, 4, 0xffff, &value))
		return alias_error(d->err, d->where, "%s \"%.40s\": expected four hex digits", key,
				   text ? text : "");
	*id = (uint16_t)value;
	return true;
}

static bool name_read(struct definition *d, const char *text)
{
	size_t length;

	text = text ? text + strspn(text, " \t") : "";
	length = strlen(text);
	while (length && strchr(" \t", text[length - 1]))
		length--;
	if (length == 0 || length >= sizeof d->alias.name || memchr(text, ':', length) ||
	    memchr(text, ',', length))
		return alias_error(d->err, d->where,
				   "name must be a text of 1 to %zu characters without : and ,",
				   sizeof d->alias.name - 1);
	memcpy(d->alias.name, text, length);
	return true;
}

static bool bool_read(struct definition *d, const char *key, yyjson_val *value, int *flag)
{
	bool is_true = yyjson_get_bool(value);

	if (!yyjson_is_bool(value) &&
	    (!yyjson_is_str(value) || !text_to_bool(yyjson_get_str(value), &is_true)))
		return alias_error(d->err, d->where, "%s must be true or false", key);
	*flag = is_true;
	return true;
}

static bool key_read(struct definition *d, const char *key, yyjson_val *value)
{
	const char *text = yyjson_get_str(value);

	if (strcmp(key, "name") == 0)
		return name_read(d, text);
	if (strcmp(key, "vendor_id") == 0) {
		d->spec.has_vendor = true;
		return id_read(d, key, text, &d->spec.vendor_id);
	}
	if (strcmp(key, "product_id") == 0) {
		d->spec.has_product = true;
		return id_read(d, key, text, &d->spec.product_id);
	}
	if (strcmp(key, "live_migratable") == 0)
		return bool_read(d, key, value, &d->spec.live_migratable);
	if (strcmp(key, "device_type") == 0) {
		d->alias.typed = true;
		return (text && pci_type_parse(text, &d->alias.type)) ||
		       alias_error(d->err, d->where, "device_type must be type-PCI, type-PF or type-VF");
	}
	if (strcmp(key, "numa_policy") == 0)
		return (text && (!*text || pci_numa_policy_parse(text, &d->alias.numa_policy))) ||
		       alias_error(d->err, d->where,
				   "numa_policy must be legacy, preferred, required or socket");
	if (strcmp(key, "capability_type") == 0)
		return text_equal(text, "pci") ||
		       alias_error(d->err, d->where, "capability_type must be pci");
	if (strcmp(key, "resource_class") == 0 || strcmp(key, "traits") == 0) {
		*(*key == 't' ? &d->traits : &d->resource_class) = text;
		return text || alias_error(d->err, d->where, "%s must be a text", key);
	}
	return alias_error(d->err, d->where,
			   "unknown key \"%.40s\"; allowed are name, vendor_id, product_id, device_type, "
			   "numa_policy, live_migratable, capability_type, resource_class and traits",
			   key);
}

static bool definition_read(struct definition *d, yyjson_val *object)
{
	yyjson_val *key, *value;
	size_t i, max;

	if (!yyjson_is_obj(object))
		return alias_error(d->err, d->where,
				   "expected a JSON object with name, vendor_id and product_id");
	yyjson_obj_foreach (object, i, max, key, value) {
		/* yyjson finds the first of two equal keys */
		if (yyjson_obj_get(object, yyjson_get_str(key)) != value)
			return alias_error(d->err, d->where, "the key \"%.40s\" is given twice",
					   yyjson_get_str(key));
		if (!key_read(d, yyjson_get_str(key), value))
			return false;
	}
	if (!*d->alias.name)
		return alias_error(d->err, d->where, "name is missing");
	return true;
}

/* Nova: with ids alone the class is what devices without one of their own have. */
static bool placement_read(struct definition *d)
{
	char name[PCI_NAME_SIZE];

	if (text_is_empty(d->resource_class))
		pci_class_of_ids(d->spec.vendor_id, d->spec.product_id, name);
	else if (!pci_class_name(d->resource_class, name))
		return alias_error(d->err, d->where, "resource_class is longer than %d characters",
				   PCI_NAME_SIZE - 1);
	d->spec.traits = pci_traits_of(d->traits);
	if (!d->spec.traits)
		return alias_error(d->err, d->where, "traits: a name is longer than %d characters",
				   PCI_NAME_SIZE - 1);
	d->spec.resource_class = memory_copy_text(name);
	return true;
}

/* Which devices: by their ids, or, with Placement, by their class. */
static bool definition_check(struct definition *d, const struct pci_aliases *aliases)
{
	bool has_ids = d->spec.has_vendor && d->spec.has_product;

	if (!aliases->in_placement)
		return has_ids ||
		       alias_error(d->err, d->where, "vendor_id and product_id must be set for alias %s",
				   d->alias.name);
	if (!has_ids && text_is_empty(d->resource_class))
		return alias_error(d->err, d->where,
				   "vendor_id and product_id, or resource_class, must be set for alias %s",
				   d->alias.name);
	if (pci_alias_find(aliases, d->alias.name))
		return alias_error(
			d->err, d->where,
			"alias %s is defined twice: with [filter_scheduler] pci_in_placement it can "
			"have one definition",
			d->alias.name);
	return placement_read(d);
}

static bool definition_add(struct definition *d, struct pci_aliases *aliases)
{
	struct pci_alias *alias = (struct pci_alias *)pci_alias_find(aliases, d->alias.name);

	if (!alias) {
		alias = ARRAY_ADD(aliases->items, aliases->count);
		*alias = d->alias;
	}
	if (alias->typed != d->alias.typed || alias->type != d->alias.type)
		return alias_error(d->err, d->where, "Device type mismatch for alias '%s'", alias->name);
	if (alias->numa_policy != d->alias.numa_policy)
		return alias_error(d->err, d->where, "NUMA policy mismatch for alias '%s'", alias->name);
	*ARRAY_ADD(alias->specs, alias->spec_count) = d->spec;
	return true;
}

static void spec_done(struct pci_alias_spec *spec)
{
	free(spec->resource_class);
	free(spec->traits);
}

static bool alias_read(const char *where, yyjson_val *object, struct pci_aliases *aliases, struct error *err)
{
	struct definition d = {.where = where, .spec.live_migratable = PCI_TAG_UNSET, .err = err};

	if (definition_read(&d, object) && definition_check(&d, aliases) && definition_add(&d, aliases))
		return true;
	spec_done(&d.spec);
	return false;
}

bool pci_alias_parse(const char *where, const char *json, struct pci_aliases *aliases, struct error *err)
{
	yyjson_read_err why = {0};
	yyjson_doc *doc = yyjson_read_opts((char *)json, strlen(json), 0, NULL, &why);
	yyjson_val *root = yyjson_doc_get_root(doc), *item;
	bool ok = true;
	size_t i, max;

	if (!doc)
		ok = alias_error(err, where, "it is not JSON (%s, character %zu)", why.msg, why.pos + 1);
	else if (!yyjson_is_arr(root))
		ok = alias_read(where, root, aliases, err);
	yyjson_arr_foreach (root, i, max, item) {
		ok = ok && alias_read(where, item, aliases, err);
	}
	yyjson_doc_free(doc);
	return ok;
}

void pci_aliases_done(struct pci_aliases *aliases)
{
	for (size_t i = 0; i < aliases->count; i++) {
		for (size_t k = 0; k < aliases->items[i].spec_count; k++)
			spec_done(&aliases->items[i].specs[k]);
		free(aliases->items[i].specs);
	}
	free(aliases->items);
	*aliases = (struct pci_aliases){0};
}

const struct pci_alias *pci_alias_find(const struct pci_aliases *aliases, const char *name)
{
	for (size_t i = 0; i < aliases->count; i++) {
		if (strcmp(aliases->items[i].name, name) == 0)
			return &aliases->items[i];
	}
	return NULL;
}

static bool placement_fits(const struct pci_alias_spec *spec, const struct pci_kind *kind)
{
	return kind->resource_class && strcmp(kind->resource_class, spec->resource_class) == 0 &&
	       pci_traits_include(kind->traits, spec->traits);
}

enum pci_fit pci_alias_fits(const struct pci_alias *alias, const struct pci_kind *kind)
{
	if (kind->remote_managed || (alias->typed && alias->type != kind->type))
		return PCI_FIT_NO;
	for (size_t i = 0; i < alias->spec_count; i++) {
		const struct pci_alias_spec *spec = &alias->specs[i];

		if ((spec->has_vendor && spec->vendor_id != kind->vendor_id) ||
		    (spec->has_product && spec->product_id != kind->product_id))
			continue;
		if (spec->resource_class && !placement_fits(spec, kind))
			continue;
		if (spec->live_migratable != PCI_TAG_UNSET && spec->live_migratable != kind->live_migratable)
			continue;
		return !alias->typed && kind->type == PCI_TYPE_PF ? PCI_FIT_LAST : PCI_FIT_YES;
	}
	return PCI_FIT_NO;
}

/* --- a flavor's request --- */

static char *strip(char *text)
{
	size_t length;

	text += strspn(text, " \t");
	length = strlen(text);
	while (length && strchr(" \t", text[length - 1]))
		text[--length] = '\0';
	return text;
}

/* `item` is "name:count" and is cut apart. */
static bool item_read(const struct pci_aliases *aliases, char *item, int max_devices,
		      struct pci_alias_request *request, struct error *err)
{
	char *colon = strchr(item, ':');
	int64_t number;

	if (!colon || colon == item || !text_to_int64(strip(colon + 1), 0, INT32_MAX, &number))
		return error_set(
			err, ERROR_BAD_REQUEST,
			"PCI alias request '%.80s' is malformed: expected ALIAS:COUNT[,ALIAS:COUNT ...]",
			item);
	*colon = '\0';
	request->alias = pci_alias_find(aliases, strip(item));
	request->count = number > max_devices ? max_devices + 1 : (int)number;
	return request->alias ||
	       error_set(err, ERROR_BAD_REQUEST, "PCI alias %.100s is not defined", strip(item));
}

bool pci_alias_requests(const struct pci_aliases *aliases, const char *spec,
			struct pci_alias_request *requests, size_t max, int max_devices, size_t *count,
			struct error *err)
{
	_cleanup_free_ char *copy = memory_copy_text(spec);
	char *rest = copy, *item;
	int devices = 0;

	*count = 0;
	while ((item = strsep(&rest, ","))) {
		struct pci_alias_request request;

		if (!item_read(aliases, strip(item), max_devices, &request, err))
			return false;
		if (request.count == 0)
			continue;
		devices += request.count;
		if (*count == max || devices > max_devices)
			return error_set(
				err, ERROR_BAD_REQUEST,
				"PCI alias request '%.80s' asks for too much: at most %zu aliases and "
				"%d devices",
				spec, max, max_devices);
		requests[(*count)++] = request;
	}
	return true;
}
