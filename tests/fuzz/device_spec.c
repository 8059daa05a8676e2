/* Device specs: first line "address vendor product parent netdev own_netdev" of a device, then a value of
 * [pci] device_spec.  One object selects what a plain reading of it selects, and the same after it was
 * written back. */
#include "fuzz.h"

#include "pci/device_spec.h"

#include <yyjson.h>

static const struct device_spec_device host[] = {
	{"0000:21:00.0", "8086", "1528", NULL, "p5p1", NULL, "SN1"},
	{"0000:21:10.0", "8086", "1515", "0000:21:00.0", "p5p1", NULL, "SN1"},
	{"0000:21:10.2", "8086", "1515", "0000:21:00.0", "p5p1", "p5p1_1", "SN1"},
	{"0000:41:00.0", "8086", "1528", "", "p5p2", "", ""},
	{"0001:0a:00.5", "10de", "1eb8", NULL, NULL, NULL, NULL},
	{"ffff:ff:1f.6", "ffff", "ffff", "ffff:ff:00.0", "e", "f", "g"},
	{"10000:01:00.0", "8086", "1528", NULL, "vmd0", NULL, NULL},
};

/* --- a plain reading of glob addresses --- */

static bool part_selects(const char *part, size_t length, unsigned number)
{
	char copy[16];

	if (length == 0 || (length == 1 && *part == '*'))
		return true;
	snprintf(copy, sizeof copy, "%.*s", (int)length, part);
	return strtoul(copy, NULL, 16) == number;
}

static bool glob_selects(const char *glob, pci_address address)
{
	const unsigned numbers[3] = {pci_address_slot(address), pci_address_bus(address),
				     pci_address_domain(address)};
	const char *dot = strchr(glob, '.'), *end = dot ? dot : glob + strlen(glob);

	if (dot && !part_selects(dot + 1, strlen(dot + 1), pci_address_function(address)))
		return false;
	for (int i = 0; i < 3; i++) { /* from the right */
		const char *from = end;

		while (from > glob && from[-1] != ':')
			from--;
		if (!part_selects(from, (size_t)(end - from), numbers[i]))
			return false;
		if (from == glob)
			return true;
		end = from - 1;
	}
	return true;
}

static bool id_selects(yyjson_val *value, const char *id)
{
	const char *text = yyjson_get_str(value);

	return !text || strcmp(text, "*") == 0 ||
	       (id && strspn(id, "0123456789abcdefABCDEF") == strlen(id) &&
		strtoul(text, NULL, 16) == strtoul(id, NULL, 16));
}

/* An object without regular expressions and devname; VFs of a PF that is named are left to unit tests. */
static void check_plainly(yyjson_val *object, const struct device_spec *spec,
			  const struct device_spec_device *device)
{
	const char *glob = yyjson_get_str(yyjson_obj_get(object, "address"));
	pci_address address;
	bool selected = device_spec_find(spec, 1, device);

	if (!device->address || !pci_address_parse(device->address, &address)) {
		FUZZ_CHECK(!selected);
		return;
	}
	if (spec->regex || *spec->devname || spec->remote_managed || !text_is_empty(device->parent) ||
	    (device->vendor_id && strlen(device->vendor_id) != 4) ||
	    (device->product_id && strlen(device->product_id) != 4))
		return;
	FUZZ_CHECK(selected == ((!glob || glob_selects(glob, address)) &&
				id_selects(yyjson_obj_get(object, "vendor_id"), device->vendor_id) &&
				id_selects(yyjson_obj_get(object, "product_id"), device->product_id)));
}

/* --- writing back --- */

static void add_number(struct text *text, int number, const char *format, const char *behind)
{
	if (number < 0)
		text_add(text, "*");
	else
		text_addf(text, format, (unsigned)number);
	text_add(text, behind);
}

static char *written(const struct device_spec *spec)
{
	yyjson_doc *tags = yyjson_read(spec->tags, strlen(spec->tags), 0);
	yyjson_mut_doc *doc = yyjson_doc_mut_copy(tags, NULL);
	yyjson_mut_val *root = yyjson_mut_doc_get_root(doc);
	_cleanup_(text_done) struct text address = {0}, vendor = {0}, product = {0};
	char *json;

	FUZZ_CHECK(yyjson_mut_is_obj(root));
	add_number(&vendor, spec->vendor_id, "%04x", "");
	add_number(&product, spec->product_id, "%04x", "");
	add_number(&address, spec->domain, "%04x", ":");
	add_number(&address, spec->bus, "%02x", ":");
	add_number(&address, spec->slot, "%02x", ".");
	add_number(&address, spec->function, "%x", "");
	yyjson_mut_obj_add_str(doc, root, "vendor_id", vendor.data);
	yyjson_mut_obj_add_str(doc, root, "product_id", product.data);
	if (*spec->devname)
		yyjson_mut_obj_add_str(doc, root, "devname", spec->devname);
	else
		yyjson_mut_obj_add_str(doc, root, "address", address.data);
	json = yyjson_mut_write(doc, 0, NULL);
	yyjson_mut_doc_free(doc);
	yyjson_doc_free(tags);
	return json;
}

static bool same_spec(const struct device_spec *a, const struct device_spec *b)
{
	return a->vendor_id == b->vendor_id && a->product_id == b->product_id && a->domain == b->domain &&
	       a->bus == b->bus && a->slot == b->slot && a->function == b->function &&
	       a->single == b->single && strcmp(a->devname, b->devname) == 0 &&
	       strcmp(a->physical_network, b->physical_network) == 0 &&
	       a->has_physical_network == b->has_physical_network && a->remote_managed == b->remote_managed &&
	       strcmp(a->tags, b->tags) == 0;
}

static void check_written(const struct device_spec *spec)
{
	_cleanup_free_ char *json = spec->regex ? NULL : written(spec);
	struct device_spec *again = NULL;
	size_t count = 0;
	char warning[256];
	struct error err;

	if (!json)
		return;
	FUZZ_CHECK(device_spec_parse("again", json, &again, &count, warning, &err));
	FUZZ_CHECK(count == 1 && same_spec(spec, again));
	device_specs_free(again, count);
}

static void check_specs(const char *json, const struct device_spec *specs, size_t count,
			const struct device_spec_device *device)
{
	yyjson_doc *doc = yyjson_read(json, strlen(json), 0);
	yyjson_val *root = yyjson_doc_get_root(doc);

	FUZZ_CHECK(root);
	for (size_t i = 0; i < count; i++)
		check_written(&specs[i]);
	for (size_t i = 0; i < count && i < 8; i++) {
		yyjson_val *object = yyjson_is_arr(root) ? yyjson_arr_get(root, i) : root;

		check_plainly(object, &specs[i], device);
		for (size_t k = 0; k < ELEMENTS_OF(host); k++)
			check_plainly(object, &specs[i], &host[k]);
	}
	yyjson_doc_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	_cleanup_free_ char *line = fuzz_line(&input), *json = fuzz_rest(&input);
	char *rest = line;
	const struct device_spec_device device = {.address = strsep(&rest, " "),
						  .vendor_id = strsep(&rest, " "),
						  .product_id = strsep(&rest, " "),
						  .parent = strsep(&rest, " "),
						  .netdev = strsep(&rest, " "),
						  .own_netdev = strsep(&rest, " ")};
	struct device_spec *specs = NULL;
	size_t count = 0;
	char warning[256];
	struct error err = {0};
	bool ok = device_spec_parse("nova.conf:1: [pci] device_spec", json, &specs, &count, warning, &err);

	FUZZ_CHECK_ERROR(ok, &err);
	FUZZ_CHECK(strlen(warning) < sizeof warning);
	if (ok) {
		const struct device_spec *found = device_spec_find(specs, count, &device);

		FUZZ_CHECK(!found || (found >= specs && found < specs + count));
		check_specs(json, specs, count, &device);
	}
	device_specs_free(specs, count);
	return 0;
}
