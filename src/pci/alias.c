/* Parsing and matching PCI aliases. */
#include "pci/alias.h"

#include "base/memory.h"
#include "base/text.h"

#include <ctype.h>
#include <string.h>
#include <yyjson.h>

static bool alias_error(struct error *err, const char *where, const char *why)
{
	return error_set(err, ERROR_BAD_REQUEST, "%s: Invalid PCI alias definition: %s", where, why);
}

static bool id_read(yyjson_val *object, const char *key, char id[5])
{
	yyjson_val *value = yyjson_obj_get(object, key);
	const char *text = yyjson_get_str(value);

	if (!value || yyjson_equals_str(value, "*"))
		return true;
	if (!text || strlen(text) != 4 || strspn(text, "0123456789abcdefABCDEF") != 4)
		return false;
	for (int i = 0; i < 5; i++)
		id[i] = (char)tolower((unsigned char)text[i]);
	return true;
}

static bool alias_read(const char *where, yyjson_val *object, struct pci_alias *alias, struct error *err)
{
	const char *name = yyjson_get_str(yyjson_obj_get(object, "name"));
	yyjson_val *type = yyjson_obj_get(object, "device_type");

	if (!yyjson_is_obj(object) || !name || !*name || strlen(name) >= sizeof alias->name)
		return alias_error(err, where,
				   "expected a JSON object with a \"name\" of 1 to 63 characters");
	if (strpbrk(name, ":,"))
		return alias_error(err, where, "a name must not contain : or ,");
	snprintf(alias->name, sizeof alias->name, "%s", name);
	if (!id_read(object, "vendor_id", alias->vendor_id) ||
	    !id_read(object, "product_id", alias->product_id))
		return alias_error(err, where, "vendor_id and product_id are four hex digits");
	if (type && !yyjson_equals_str(type, "type-PCI") && !yyjson_equals_str(type, "type-PF") &&
	    !yyjson_equals_str(type, "type-VF"))
		return alias_error(err, where, "device_type is type-PCI, type-PF or type-VF");
	if (type)
		snprintf(alias->device_type, sizeof alias->device_type, "%s", yyjson_get_str(type));
	return true;
}

bool pci_alias_parse(const char *where, const char *json, struct pci_aliases *aliases, struct error *err)
{
	yyjson_doc *doc = yyjson_read(json, strlen(json), 0);
	yyjson_val *root = yyjson_doc_get_root(doc), *item;
	size_t i, max;
	bool ok = true;

	if (!yyjson_is_arr(root))
		ok = alias_read(where, root, ARRAY_ADD(aliases->items, aliases->count), err);
	yyjson_arr_foreach (root, i, max, item) {
		ok = ok && alias_read(where, item, ARRAY_ADD(aliases->items, aliases->count), err);
	}
	yyjson_doc_free(doc);
	return ok;
}

void pci_aliases_done(struct pci_aliases *aliases)
{
	free(aliases->items);
	*aliases = (struct pci_aliases){0};
}

bool pci_alias_known(const struct pci_aliases *aliases, const char *name)
{
	for (size_t i = 0; i < aliases->count; i++) {
		if (strcmp(aliases->items[i].name, name) == 0)
			return true;
	}
	return false;
}

bool pci_alias_fits(const struct pci_aliases *aliases, const char *name, const char *vendor_id,
		    const char *product_id, const char *type)
{
	for (size_t i = 0; i < aliases->count; i++) {
		const struct pci_alias *alias = &aliases->items[i];
		bool type_fits = *alias->device_type ? strcmp(alias->device_type, type) == 0
						     : strcmp(type, "type-VF") != 0;

		if (strcmp(alias->name, name) == 0 && type_fits &&
		    (!*alias->vendor_id || strcmp(alias->vendor_id, vendor_id) == 0) &&
		    (!*alias->product_id || strcmp(alias->product_id, product_id) == 0))
			return true;
	}
	return false;
}

static bool request_read(const struct pci_aliases *aliases, const char *item, struct alias_request *request,
			 struct error *err)
{
	const char *colon = strchr(item, ':');
	int64_t number = 0;

	if (!colon || colon == item || colon - item >= (int)sizeof request->name ||
	    !text_to_int64(colon + 1, 1, 64, &number))
		return error_set(err, ERROR_BAD_REQUEST,
				 "PCI alias request '%.80s' is malformed: expected alias:count with a count "
				 "from 1 to 64",
				 item);
	snprintf(request->name, sizeof request->name, "%.*s", (int)(colon - item), item);
	request->count = (int)number;
	return pci_alias_known(aliases, request->name) ||
	       error_set(err, ERROR_BAD_REQUEST, "PCI alias %s is not defined", request->name);
}

bool pci_alias_requests(const struct pci_aliases *aliases, const char *spec, struct alias_request *requests,
			size_t max, size_t *count, struct error *err)
{
	_cleanup_free_ char *copy = memory_copy_text(spec);
	char *rest = copy, *item;

	*count = 0;
	while ((item = strsep(&rest, ","))) {
		while (*item == ' ')
			item++;
		for (size_t n = strlen(item); n && item[n - 1] == ' ';)
			item[--n] = '\0';
		if (*count == max)
			return error_set(err, ERROR_BAD_REQUEST, "more than %zu PCI aliases in one request",
					 max);
		if (!request_read(aliases, item, &requests[(*count)++], err))
			return false;
	}
	return true;
}
