/* Parsing and matching device specs. */
#include "pci/device_spec.h"

#include "base/memory.h"
#include "base/text.h"

#include <ctype.h>
#include <fnmatch.h>
#include <string.h>
#include <yyjson.h>

static bool spec_error(struct error *err, const char *where, const char *why)
{
	return error_set(err, ERROR_BAD_REQUEST, "%s: device spec: %s", where, why);
}

/* "8086", "0x8086", "*" as four lower-case digits or "*". */
static bool id_parse(const char *text, char id[8])
{
	if (strcmp(text, "*") == 0) {
		strcpy(id, "*");
		return true;
	}
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		text += 2;
	size_t length = strlen(text);
	if (length == 0 || length > 4 || strspn(text, "0123456789abcdefABCDEF") != length)
		return false;
	snprintf(id, 8, "%.*s%s", (int)(4 - length), "0000", text);
	for (char *c = id; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return true;
}

/* "0000:21:10.0", "21:10.0", "*:21:*.*", "0000:21:*", with the parts that are left out as wildcards. */
static bool address_parse(const char *text, char pattern[64])
{
	const char *colon = strchr(text, ':'), *second = colon ? strchr(colon + 1, ':') : NULL;
	size_t length = strlen(text);

	if (length == 0 || length > 40 || strspn(text, "0123456789abcdefABCDEF:.*") != length)
		return false;
	if (!colon)
		return strcmp(text, "*") == 0 && strcpy(pattern, "*");
	snprintf(pattern, 64, "%s%s", second ? "" : "0000:", text);
	if (!strchr(second ? second : colon, '.') && text[length - 1] == '*')
		strcat(pattern, ".*");
	for (char *c = pattern; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return true;
}

static const char *const known_tags[] = {"physical_network", "trusted",	     "remote_managed", "managed",
					 "live_migratable",  "one_time_use", "resource_class", "traits"};
static const char *const selectors[] = {"vendor_id", "product_id", "address", "devname"};

static size_t common_prefix(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] && a[n] == b[n])
		n++;
	return n;
}

static void unknown_key_warn(const char *where, const char *key, char warning[256])
{
	const char *nearest = selectors[0];

	for (size_t i = 0; i < ELEMENTS_OF(known_tags) + ELEMENTS_OF(selectors); i++) {
		const char *name =
			i < ELEMENTS_OF(known_tags) ? known_tags[i] : selectors[i - ELEMENTS_OF(known_tags)];

		if (strcmp(name, key) == 0)
			return;
		if (common_prefix(name, key) > common_prefix(nearest, key))
			nearest = name;
	}
	snprintf(warning, 256,
		 "%s: device spec: unknown key \"%.60s\" (nearest known: %s); it is kept as a tag", where,
		 key, nearest);
}

static bool selector_read(const char *where, struct device_spec *spec, const char *key, const char *text,
			  struct error *err)
{
	bool ok = text != NULL;

	if (ok && strcmp(key, "vendor_id") == 0)
		ok = id_parse(text, spec->vendor_id);
	else if (ok && strcmp(key, "product_id") == 0)
		ok = id_parse(text, spec->product_id);
	else if (ok && strcmp(key, "address") == 0)
		ok = address_parse(text, spec->address);
	else if (ok)
		ok = *text && strlen(text) < sizeof spec->devname &&
		     snprintf(spec->devname, sizeof spec->devname, "%s", text);
	return ok || error_set(err, ERROR_BAD_REQUEST, "%s: device spec: %s = \"%.40s\": expected %s", where,
			       key, text ? text : "",
			       strcmp(key, "address") == 0   ? "domain:bus:slot.function with * as wildcard"
			       : strcmp(key, "devname") == 0 ? "a network device's name"
							     : "four hex digits or *");
}

static bool is_selector(const char *key)
{
	for (size_t i = 0; i < ELEMENTS_OF(selectors); i++) {
		if (strcmp(key, selectors[i]) == 0)
			return true;
	}
	return false;
}

static bool spec_read(const char *where, yyjson_val *object, struct device_spec *spec, char warning[256],
		      struct error *err)
{
	yyjson_mut_doc *tags = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(tags);
	yyjson_val *key, *value;
	size_t i, max;
	bool ok = true;

	strcpy(spec->vendor_id, "*");
	strcpy(spec->product_id, "*");
	yyjson_mut_doc_set_root(tags, root);
	yyjson_obj_foreach (object, i, max, key, value) {
		const char *name = yyjson_get_str(key), *text = yyjson_get_str(value);

		unknown_key_warn(where, name, warning);
		if (is_selector(name)) {
			ok = ok && selector_read(where, spec, name, text, err);
			continue;
		}
		if (strcmp(name, "physical_network") == 0 && text) {
			snprintf(spec->physical_network, sizeof spec->physical_network, "%s", text);
			spec->has_physical_network = true;
		}
		yyjson_mut_obj_add(root, yyjson_val_mut_copy(tags, key), yyjson_val_mut_copy(tags, value));
	}
	if (ok && *spec->address && *spec->devname)
		ok = spec_error(err, where, "give either address or devname, not both");
	spec->tags = yyjson_mut_write(tags, 0, NULL);
	yyjson_mut_doc_free(tags);
	return ok;
}

bool device_spec_parse(const char *where, const char *json, struct device_spec **specs, size_t *count,
		       char warning[256], struct error *err)
{
	yyjson_doc *doc = yyjson_read(json, strlen(json), 0);
	yyjson_val *root = yyjson_doc_get_root(doc), *item;
	bool ok = yyjson_is_obj(root) || yyjson_is_arr(root);
	size_t i, max;

	*warning = '\0';
	if (!ok)
		spec_error(err, where,
			   "expected a JSON object like {\"devname\": \"eth3\", \"physical_network\": "
			   "\"physnet1\"} "
			   "or a list of them");
	if (yyjson_is_obj(root))
		ok = spec_read(where, root, ARRAY_ADD(*specs, *count), warning, err);
	yyjson_arr_foreach (root, i, max, item) {
		if (!ok)
			break;
		ok = yyjson_is_obj(item)
			     ? spec_read(where, item, ARRAY_ADD(*specs, *count), warning, err)
			     : spec_error(err, where, "the list has an item that is no JSON object");
	}
	yyjson_doc_free(doc);
	return ok;
}

void device_specs_free(struct device_spec *specs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(specs[i].tags);
	free(specs);
}

static bool id_fits(const char *wanted, const char *id)
{
	return strcmp(wanted, "*") == 0 || strcmp(wanted, id) == 0;
}

const struct device_spec *device_spec_find(const struct device_spec *specs, size_t count,
					   const struct device_spec_device *device)
{
	for (size_t i = 0; i < count; i++) {
		const struct device_spec *spec = &specs[i];

		if (!id_fits(spec->vendor_id, device->vendor_id) ||
		    !id_fits(spec->product_id, device->product_id))
			continue;
		if (*spec->devname && strcmp(spec->devname, device->netdev) != 0)
			continue;
		if (*spec->address && fnmatch(spec->address, device->address, 0) != 0 &&
		    (!*device->parent || fnmatch(spec->address, device->parent, 0) != 0))
			continue;
		return spec;
	}
	return NULL;
}
