/* Parsing and matching device specs. */
#include "pci/device_spec.h"

#include "base/memory.h"
#include "base/text.h"
#include "pci/field_regex.h"
#include "pci/resource.h"

#include <stdarg.h>
#include <string.h>
#include <yyjson.h>

struct device_spec_regex {
	struct field_regex *fields[4]; /* domain, bus, slot, function; NULL: any */
};

/* The four fields of an address in their order. */
static const struct field {
	const char *name;
	int digits;
	unsigned max;
} fields[4] = {{"domain", 4, 0xffff}, {"bus", 2, 0xff}, {"slot", 2, 0x1f}, {"function", 1, 7}};

/* A spec while it is being read. */
struct reader {
	const char *where;
	struct device_spec *spec;
	yyjson_mut_doc *tags;
	char *warning;
	bool address, devname; /* given */
	struct error *err;
};

static bool spec_error(struct error *err, const char *where, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool spec_error(struct error *err, const char *where, const char *format, ...)
{
	char why[700];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, sizeof why, format, arguments);
	va_end(arguments);
	return error_set(err, ERROR_BAD_REQUEST, "%s: Invalid [pci]device_spec config: %s", where, why);
}

/* --- ids and addresses --- */

static bool id_read(struct reader *r, const char *key, yyjson_val *value, int *id)
{
	const char *text = yyjson_get_str(value), *digits = text;
	unsigned number;

	if (text && strcmp(text, "*") == 0) {
		*id = DEVICE_SPEC_ANY_ID;
		return true;
	}
	if (text && (text_starts_with(text, "0x") || text_starts_with(text, "0X")))
		digits += 2;
	if (!text || !pci_hex_parse(digits, (int)strnlen(digits, 16), 4, 0xffff, &number))
		return spec_error(r->err, r->where,
				  "%s \"%.40s\" does not parse as hex; allowed are \"0000\" to \"ffff\" and "
				  "\"*\", as text",
				  key, text ? text : "");
	*id = (int)number;
	return true;
}

static bool glob_field(struct reader *r, const struct field *field, const char *text, int length, int *value)
{
	unsigned number;

	*value = -1;
	if (length == 0 || (length == 1 && *text == '*'))
		return true;
	if (!pci_hex_parse(text, length, field->digits, field->max, &number))
		return spec_error(r->err, r->where,
				  "%s \"%.*s\" of the address does not parse as hex; allowed are 0 to %x and "
				  "* for any",
				  field->name, length > 40 ? 40 : length, text, field->max);
	*value = (int)number;
	return true;
}

/* What is left out is any: the text before the dot has function's elders from the right: slot, bus, domain.
 */
static bool glob_read(struct reader *r, const char *text)
{
	struct device_spec *spec = r->spec;
	int *values[4] = {&spec->domain, &spec->bus, &spec->slot, &spec->function};
	const char *dot = strchr(text, '.'), *end = dot ? dot : text + strlen(text), *part = text;
	int colons = 0;

	for (const char *c = text; c < end; c++)
		colons += *c == ':';
	if (colons > 2)
		return spec_error(r->err, r->where,
				  "the address \"%.60s\" has the wrong format; expected "
				  "domain:bus:slot.function, each a hex number or *",
				  text);
	for (int i = 2 - colons; i < 3; i++) {
		const char *colon = memchr(part, ':', (size_t)(end - part));
		const char *part_end = colon ? colon : end;

		if (!glob_field(r, &fields[i], part, (int)(part_end - part), values[i]))
			return false;
		part = part_end + 1;
	}
	if (dot && !glob_field(r, &fields[3], dot + 1, (int)strlen(dot + 1), values[3]))
		return false;
	if (spec->domain >= 0 && spec->bus >= 0 && spec->slot >= 0 && spec->function >= 0)
		spec->single = (pci_address)spec->domain << 16 | (pci_address)spec->bus << 8 |
			       (pci_address)spec->slot << 3 | (pci_address)spec->function;
	return true;
}

static bool regex_field(struct reader *r, int i, yyjson_val *value)
{
	const char *text = yyjson_get_str(value);

	if (value && (!text || yyjson_get_len(value) > FIELD_REGEX_MAX))
		return spec_error(r->err, r->where,
				  "the address's %s must be a regular expression of at most %d characters",
				  fields[i].name, FIELD_REGEX_MAX);
	if (value && !(r->spec->regex->fields[i] = field_regex_new(text)))
		return spec_error(r->err, r->where,
				  "the address's %s \"%s\" is no regular expression, or too large a one",
				  fields[i].name, text);
	return true;
}

/* Fields of nothing but hex digits name one address, which may be a PF's. */
static void regex_single(struct device_spec *spec, yyjson_val *object)
{
	unsigned values[4];

	for (int i = 0; i < 4; i++) {
		const char *text = yyjson_get_str(yyjson_obj_get(object, fields[i].name));

		if (!text ||
		    !pci_hex_parse(text, (int)strlen(text), fields[i].digits, fields[i].max, &values[i]))
			return;
	}
	spec->single = values[0] << 16 | values[1] << 8 | values[2] << 3 | values[3];
}

static bool regex_read(struct reader *r, yyjson_val *object)
{
	yyjson_val *key, *value;
	size_t i, max;

	yyjson_obj_foreach (object, i, max, key, value) {
		bool known = false;

		for (int k = 0; k < 4; k++)
			known |= yyjson_equals_str(key, fields[k].name);
		if (!known)
			return spec_error(
				r->err, r->where,
				"the address has a key \"%.40s\"; allowed are domain, bus, slot and "
				"function",
				yyjson_get_str(key));
	}
	r->spec->regex = memory_alloc(sizeof *r->spec->regex);
	for (int k = 0; k < 4; k++) {
		if (!regex_field(r, k, yyjson_obj_get(object, fields[k].name)))
			return false;
	}
	regex_single(r->spec, object);
	return true;
}

static bool address_read(struct reader *r, yyjson_val *value)
{
	r->address = true;
	if (yyjson_is_str(value))
		return glob_read(r, yyjson_get_str(value));
	if (yyjson_is_obj(value))
		return regex_read(r, value);
	return spec_error(r->err, r->where,
			  "address must be a text \"domain:bus:slot.function\" or an object of regular "
			  "expressions");
}

static bool devname_read(struct reader *r, yyjson_val *value)
{
	const char *text = yyjson_get_str(value);

	if (!text || strlen(text) >= sizeof r->spec->devname)
		return spec_error(r->err, r->where, "devname must be the name of a network device");
	snprintf(r->spec->devname, sizeof r->spec->devname, "%s", text);
	r->devname = *text; /* an empty name counts as none */
	return true;
}

/* --- tags --- */

enum tag_kind { TAG_TEXT, TAG_PHYSNET, TAG_BOOL, TAG_BOOL_LAX };

static const struct tag {
	const char *name;
	enum tag_kind kind;
} known_tags[] = {
	{"physical_network", TAG_PHYSNET}, {"trusted", TAG_TEXT},
	{"remote_managed", TAG_BOOL_LAX},  {"managed", TAG_BOOL},
	{"live_migratable", TAG_BOOL},	   {"one_time_use", TAG_BOOL},
	{"resource_class", TAG_TEXT},	   {"traits", TAG_TEXT},
};
static const char *const selectors[] = {"vendor_id", "product_id", "address", "devname"};

/* How unlike two keys are: their distance, less for a common beginning ("physnet" means physical_network). */
static int unlikeness(const char *a, const char *b)
{
	int common = 0;

	while (a[common] && a[common] == b[common])
		common++;
	return text_distance(a, b, strlen(b)) - 2 * common;
}

static const char *nearest_key(const char *key)
{
	const char *nearest = selectors[0];

	for (size_t i = 1; i < ELEMENTS_OF(selectors); i++) {
		if (unlikeness(key, selectors[i]) < unlikeness(key, nearest))
			nearest = selectors[i];
	}
	for (size_t i = 0; i < ELEMENTS_OF(known_tags); i++) {
		if (unlikeness(key, known_tags[i].name) < unlikeness(key, nearest))
			nearest = known_tags[i].name;
	}
	return nearest;
}

static void warn_unknown(struct reader *r, const char *key)
{
	const char *nearest = nearest_key(key);
	int distance = text_distance(key, nearest, strlen(nearest));
	size_t used = strlen(r->warning);

	snprintf(r->warning + used, 256 - used,
		 "%s%s: device spec: unknown key \"%.60s\" is kept as a tag (the nearest known key is %s, %d "
		 "letter%s away)",
		 used ? "; " : "", r->where, key, nearest, distance, distance == 1 ? "" : "s");
}

static bool tag_bool(struct reader *r, const struct tag *tag, yyjson_val *value, bool *is_true)
{
	const char *text = yyjson_get_str(value);

	*is_true = yyjson_get_bool(value);
	if (yyjson_is_bool(value) || (text && text_to_bool(text, is_true)))
		return true;
	*is_true = false; /* Nova takes any other text for remote_managed as false */
	return (tag->kind == TAG_BOOL_LAX && text) ||
	       spec_error(r->err, r->where, "Cannot parse tag '%s': \"%.40s\"; allowed are true and false",
			  tag->name, text ? text : "");
}

static bool physnet_read(struct reader *r, yyjson_val *value)
{
	const char *text = yyjson_get_str(value);

	if (yyjson_is_null(value))
		return true;
	if (!text || !*text || strlen(text) >= sizeof r->spec->physical_network)
		return spec_error(r->err, r->where,
				  "physical_network must be a text of 1 to 64 characters or null");
	snprintf(r->spec->physical_network, sizeof r->spec->physical_network, "%s", text);
	r->spec->has_physical_network = true;
	return true;
}

static void tag_add(struct reader *r, yyjson_val *key, yyjson_mut_val *value)
{
	yyjson_mut_obj_add(yyjson_mut_doc_get_root(r->tags), yyjson_val_mut_copy(r->tags, key), value);
}

static bool known_tag_read(struct reader *r, const struct tag *tag, yyjson_val *key, yyjson_val *value)
{
	bool is_true;

	if (tag->kind == TAG_PHYSNET && !physnet_read(r, value))
		return false;
	if (tag->kind == TAG_TEXT || tag->kind == TAG_PHYSNET) {
		tag_add(r, key, yyjson_val_mut_copy(r->tags, value));
		return true;
	}
	if (!tag_bool(r, tag, value, &is_true))
		return false;
	if (strcmp(tag->name, "one_time_use") == 0)
		r->spec->one_time_use = is_true;
	if (strcmp(tag->name, "remote_managed") == 0)
		r->spec->remote_managed = is_true;
	tag_add(r, key, yyjson_mut_str(r->tags, is_true ? "true" : "false"));
	return true;
}

#define TAG_MAX 255 /* characters of a key or a value */

static bool tag_read(struct reader *r, yyjson_val *key, yyjson_val *value)
{
	const char *name = yyjson_get_str(key);

	if (yyjson_get_len(key) > TAG_MAX || yyjson_get_len(value) > TAG_MAX || yyjson_is_ctn(value))
		return spec_error(r->err, r->where,
				  "the tag \"%.40s\" must be a text of at most %d characters", name, TAG_MAX);
	for (size_t i = 0; i < ELEMENTS_OF(known_tags); i++) {
		if (strcmp(name, known_tags[i].name) == 0)
			return known_tag_read(r, &known_tags[i], key, value);
	}
	warn_unknown(r, name);
	tag_add(r, key, yyjson_val_mut_copy(r->tags, value));
	return true;
}

/* --- specs --- */

static bool key_read(struct reader *r, yyjson_val *key, yyjson_val *value)
{
	const char *name = yyjson_get_str(key);

	if (strcmp(name, "vendor_id") == 0)
		return id_read(r, name, value, &r->spec->vendor_id);
	if (strcmp(name, "product_id") == 0)
		return id_read(r, name, value, &r->spec->product_id);
	if (strcmp(name, "address") == 0)
		return address_read(r, value);
	if (strcmp(name, "devname") == 0)
		return devname_read(r, value);
	return tag_read(r, key, value);
}

static bool keys_read(struct reader *r, yyjson_val *object)
{
	yyjson_val *key, *value;
	size_t i, max;

	yyjson_obj_foreach (object, i, max, key, value) {
		/* yyjson finds the first of two equal keys */
		if (yyjson_obj_get(object, yyjson_get_str(key)) != value)
			return spec_error(r->err, r->where, "the key \"%.40s\" is given twice",
					  yyjson_get_str(key));
		if (!key_read(r, key, value))
			return false;
	}
	return !(r->address && r->devname) ||
	       spec_error(r->err, r->where, "give either devname or address, not both");
}

static bool spec_read(const char *where, yyjson_val *object, struct device_spec **specs, size_t *count,
		      char warning[256], struct error *err)
{
	struct reader r = {.where = where, .warning = warning, .err = err};
	bool ok;

	if (!yyjson_is_obj(object))
		return spec_error(err, where, "Expecting dict: each item of the list must be a JSON object");
	if (*count == DEVICE_SPEC_MAX)
		return spec_error(err, where, "more than %d specs", DEVICE_SPEC_MAX);
	r.spec = ARRAY_ADD(*specs, *count);
	*r.spec = (struct device_spec){.vendor_id = DEVICE_SPEC_ANY_ID,
				       .product_id = DEVICE_SPEC_ANY_ID,
				       .domain = -1,
				       .bus = -1,
				       .slot = -1,
				       .function = -1,
				       .single = PCI_ADDRESS_NONE};
	r.tags = yyjson_mut_doc_new(NULL);
	yyjson_mut_doc_set_root(r.tags, yyjson_mut_obj(r.tags));
	ok = keys_read(&r, object);
	r.spec->tags = yyjson_mut_write(r.tags, 0, NULL);
	yyjson_mut_doc_free(r.tags);
	return ok;
}

bool device_spec_parse(const char *where, const char *json, struct device_spec **specs, size_t *count,
		       char warning[256], struct error *err)
{
	size_t size = strlen(json);
	yyjson_read_err why = {0};
	yyjson_doc *doc =
		size > DEVICE_SPEC_MAX_TEXT ? NULL : yyjson_read_opts((char *)json, size, 0, NULL, &why);
	yyjson_val *root = yyjson_doc_get_root(doc), *item;
	bool ok = true;
	size_t i, max;

	*warning = '\0';
	if (!doc)
		ok = spec_error(err, where,
				"Invalid entry: it is not JSON (%s, character %zu); expected an object "
				"like {\"devname\": \"eth3\", \"physical_network\": \"physnet1\"} or a list "
				"of them",
				why.msg ? why.msg : "too long", why.pos + 1);
	else if (yyjson_is_obj(root))
		ok = spec_read(where, root, specs, count, warning, err);
	else if (!yyjson_is_arr(root))
		ok = spec_error(err, where, "Expecting list or dict: a JSON object or a list of objects");
	yyjson_arr_foreach (root, i, max, item) {
		ok = ok && spec_read(where, item, specs, count, warning, err);
	}
	yyjson_doc_free(doc);
	return ok;
}

void device_specs_free(struct device_spec *specs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct device_spec_regex *regex = specs[i].regex;

		for (int k = 0; regex && k < 4; k++)
			field_regex_free(regex->fields[k]);
		free(regex);
		free(specs[i].tags);
	}
	free(specs);
}

bool device_spec_check_placement(const char *where, const struct device_spec *spec, bool report_in_placement,
				 struct error *err)
{
	struct pci_resource resource = {0};
	struct error why;

	if (!report_in_placement)
		return !spec->one_time_use ||
		       spec_error(err, where,
				  "one_time_use needs [pci] report_in_placement, which is not set");
	if (*spec->devname)
		return spec_error(err, where,
				  "devname \"%s\": with [pci] report_in_placement devices are selected by "
				  "vendor_id, product_id and address, as names of network devices change",
				  spec->devname);
	yyjson_doc *tags = yyjson_read(spec->tags, strlen(spec->tags), 0);
	bool ok = pci_resource_of(0, 0, yyjson_doc_get_root(tags), &resource, &why) ||
		  spec_error(err, where, "%s", why.message);
	pci_resource_done(&resource);
	yyjson_doc_free(tags);
	return ok;
}

/* --- matching --- */

static bool number_fits(int wanted, unsigned value)
{
	return wanted < 0 || (unsigned)wanted == value;
}

static bool id_fits(int wanted, const char *id)
{
	unsigned value;

	if (wanted == DEVICE_SPEC_ANY_ID)
		return true;
	return id && pci_hex_parse(id, (int)strnlen(id, 8), 4, 0xffff, &value) && number_fits(wanted, value);
}

static bool regex_fits(const struct device_spec_regex *regex, pci_address address)
{
	char text[PCI_ADDRESS_SIZE];
	const char *const parts[4] = {text, text + 5, text + 8, text + 11};

	pci_address_format(address, text);
	text[4] = text[7] = text[10] = '\0';
	for (int i = 0; i < 4; i++) {
		if (regex->fields[i] && !field_regex_fits(regex->fields[i], parts[i]))
			return false;
	}
	return true;
}

static bool address_fits(const struct device_spec *spec, pci_address address, const char *parent)
{
	pci_address pf;

	if (spec->single != PCI_ADDRESS_NONE && parent && *parent && pci_address_parse(parent, &pf) &&
	    pf == spec->single)
		return true;
	if (spec->regex)
		return regex_fits(spec->regex, address);
	return number_fits(spec->domain, pci_address_domain(address)) &&
	       number_fits(spec->bus, pci_address_bus(address)) &&
	       number_fits(spec->slot, pci_address_slot(address)) &&
	       number_fits(spec->function, pci_address_function(address));
}

static bool devname_fits(const struct device_spec *spec, const struct device_spec_device *device)
{
	return !*spec->devname || text_equal(spec->devname, device->netdev) ||
	       text_equal(spec->devname, device->own_netdev);
}

const struct device_spec *device_spec_find(const struct device_spec *specs, size_t count,
					   const struct device_spec_device *device)
{
	pci_address address;

	if (!device->address || !pci_address_parse(device->address, &address))
		return NULL;
	for (size_t i = 0; i < count; i++) {
		const struct device_spec *spec = &specs[i];

		if (id_fits(spec->vendor_id, device->vendor_id) &&
		    id_fits(spec->product_id, device->product_id) && devname_fits(spec, device) &&
		    address_fits(spec, address, device->parent) &&
		    (!spec->remote_managed || !text_is_empty(device->card_serial)))
			return spec;
	}
	return NULL;
}
