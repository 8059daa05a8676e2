/* PCI aliases: definitions, what they fit, and flavors' requests. */
#include "../test.h"

#include "base/memory.h"
#include "base/text.h"
#include "pci/alias.h"

static struct pci_aliases aliases;
static struct error err;

static bool parse(const char *json)
{
	return pci_alias_parse("nova.conf:9", json, &aliases, &err);
}

static int forget(void **state)
{
	(void)state;
	pci_aliases_done(&aliases);
	return 0;
}

static const struct pci_kind pf = {.vendor_id = 0x8086,
				   .product_id = 0x1528,
				   .type = PCI_TYPE_PF,
				   .live_migratable = PCI_TAG_UNSET},
			     vf = {.vendor_id = 0x8086,
				   .product_id = 0x1515,
				   .type = PCI_TYPE_VF,
				   .live_migratable = PCI_TAG_UNSET},
			     plain = {.vendor_id = 0x8086,
				      .product_id = 0x1528,
				      .type = PCI_TYPE_PCI,
				      .live_migratable = PCI_TAG_UNSET};

static void test_fits(void **state)
{
	(void)state;
	assert_true(parse("{\"vendor_id\": \"8086\", \"product_id\": \"1528\", \"name\": \"my_PF\"}"));
	assert_true(parse("{\"vendor_id\": \"8086\", \"product_id\": \"1515\", \"name\": \"vfs\"}"));
	assert_true(parse(
		"{\"vendor_id\": \"8086\", \"product_id\": \"1528\", \"name\": \"pfs\", \"device_type\": "
		"\"type-PF\"}"));
	assert_int_equal(pci_alias_fits(pci_alias_find(&aliases, "my_PF"), &pf), PCI_FIT_LAST);
	assert_int_equal(pci_alias_fits(pci_alias_find(&aliases, "my_PF"), &plain), PCI_FIT_YES);
	assert_int_equal(pci_alias_fits(pci_alias_find(&aliases, "my_PF"), &vf), PCI_FIT_NO);
	assert_int_equal(pci_alias_fits(pci_alias_find(&aliases, "vfs"), &vf), PCI_FIT_YES);
	assert_int_equal(pci_alias_fits(pci_alias_find(&aliases, "pfs"), &pf), PCI_FIT_YES);
	assert_int_equal(pci_alias_fits(pci_alias_find(&aliases, "pfs"), &plain), PCI_FIT_NO);
}

static void test_alternatives(void **state)
{
	struct pci_kind kind = {.vendor_id = 0x10de, .product_id = 0x1eb8, .live_migratable = PCI_TAG_UNSET};

	(void)state;
	assert_true(parse("{\"vendor_id\": \"10DE\", \"product_id\": \"1EB8\", \"name\": \"gpu\"}"));
	assert_true(parse("{\"vendor_id\": \"10de\", \"product_id\": \"20b0\", \"name\": \" gpu \"}"));
	assert_int_equal(aliases.count, 1);
	assert_int_equal(pci_alias_fits(&aliases.items[0], &kind), PCI_FIT_YES);
	kind.product_id = 0x20b0;
	assert_int_equal(pci_alias_fits(&aliases.items[0], &kind), PCI_FIT_YES);
	kind.remote_managed = true;
	assert_int_equal(pci_alias_fits(&aliases.items[0], &kind), PCI_FIT_NO);
	/* they must agree */
	assert_false(parse(
		"{\"vendor_id\": \"10de\", \"product_id\": \"20b1\", \"name\": \"gpu\", \"device_type\": "
		"\"type-PCI\"}"));
	assert_non_null(strstr(err.message, "Device type mismatch for alias 'gpu'"));
	assert_false(parse(
		"{\"vendor_id\": \"10de\", \"product_id\": \"20b1\", \"name\": \"gpu\", \"numa_policy\": "
		"\"required\"}"));
	assert_non_null(strstr(err.message, "NUMA policy mismatch for alias 'gpu'"));
}

static void test_live_migratable(void **state)
{
	struct pci_kind kind = vf;

	(void)state;
	assert_true(parse("{\"vendor_id\": \"8086\", \"product_id\": \"1515\", \"name\": \"lm\", "
			  "\"live_migratable\": \"yes\"}"));
	assert_int_equal(pci_alias_fits(&aliases.items[0], &kind), PCI_FIT_NO);
	kind.live_migratable = 0;
	assert_int_equal(pci_alias_fits(&aliases.items[0], &kind), PCI_FIT_NO);
	kind.live_migratable = 1;
	assert_int_equal(pci_alias_fits(&aliases.items[0], &kind), PCI_FIT_YES);
}

static void test_bad_definitions(void **state)
{
	static const struct {
		const char *json, *says;
	} cases[] = {
		{"{", "JSON"},
		{"[3]", "object"},
		{"\"x\"", "object"},
		{"{\"vendor_id\": \"8086\", \"product_id\": \"1528\"}", "name is missing"},
		{"{\"name\": \"\"}", "name"},
		{"{\"name\": \"a:b\"}", "name"},
		{"{\"name\": 3}", "name"},
		{"{\"name\": \"a\", \"vendor_id\": \"8086\"}", "vendor_id and product_id must be set"},
		{"{\"name\": \"a\", \"vendor_id\": \"0x8086\", \"product_id\": \"1528\"}", "four hex digits"},
		{"{\"name\": \"a\", \"vendor_id\": \"*\", \"product_id\": \"1528\"}", "four hex digits"},
		{"{\"name\": \"a\", \"device_type\": \"vdpa\"}", "type-PCI, type-PF or type-VF"},
		{"{\"name\": \"a\", \"device_type\": null}", "type-PCI, type-PF or type-VF"},
		{"{\"name\": \"a\", \"numa_policy\": \"near\"}", "numa_policy"},
		{"{\"name\": \"a\", \"vendor\": \"8086\"}", "unknown key \"vendor\""},
		{"{\"name\": \"a\", \"name\": \"b\"}", "twice"},
		{"{\"name\": \"a\", \"live_migratable\": \"maybe\"}", "live_migratable"},
		{"{\"name\": \"a\", \"capability_type\": \"usb\"}", "capability_type"},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
		if (parse(cases[i].json))
			fail_msg("%s was taken", cases[i].json);
		if (!text_starts_with(err.message, "nova.conf:9: Invalid PCI alias definition: ") ||
		    !strstr(err.message, cases[i].says))
			fail_msg("%s: %s", cases[i].json, err.message);
	}
}

static bool requests(const char *spec, struct pci_alias_request *out, size_t *count)
{
	return pci_alias_requests(&aliases, spec, out, 4, 8, count, &err);
}

static void test_requests(void **state)
{
	struct pci_alias_request out[4];
	size_t count;

	(void)state;
	assert_true(parse("[{\"vendor_id\": \"8086\", \"product_id\": \"1528\", \"name\": \"a1\"},"
			  " {\"vendor_id\": \"8086\", \"product_id\": \"1515\", \"name\": \"a2\"}]"));
	assert_true(requests("a1:1", out, &count));
	assert_int_equal(count, 1);
	assert_string_equal(out[0].alias->name, "a1");
	assert_true(requests(" a1:1, a2 : 2 ", out, &count));
	assert_int_equal(count, 2);
	assert_int_equal(out[1].count, 2);
	assert_true(requests("a1:1,a1:2", out, &count));
	assert_int_equal(count, 2);
	assert_true(requests("a1:0,a2:1", out, &count));
	assert_int_equal(count, 1);
	assert_string_equal(out[0].alias->name, "a2");

	assert_false(requests("nope:1", out, &count));
	assert_int_equal(err.kind, ERROR_BAD_REQUEST);
	assert_string_equal(err.message, "PCI alias nope is not defined");
	static const char *const bad[] = {
		"",	 "a1",	  "a1:",  ":1",	       "a1:x",		 "a1:-1",
		"a1:1,", ",a1:1", "a1:9", "a1:5,a2:4", "a1:99999999999", "a1:1,a1:1,a1:1,a1:1,a1:1"};
	for (size_t i = 0; i < ELEMENTS_OF(bad); i++) {
		if (requests(bad[i], out, &count))
			fail_msg("\"%s\" was taken", bad[i]);
		assert_int_equal(err.kind, ERROR_BAD_REQUEST);
	}
}

/* With pci_in_placement: by class and traits, and once each. */
static void test_in_placement(void **state)
{
	static const char *const bad[] = {
		"{\"name\": \"x\", \"vendor_id\": \"8086\"}",
		"{\"name\": \"x\", \"traits\": \"blue\"}",
		"{\"name\": \"gpu\", \"resource_class\": \"other\"}",
		"{\"name\": \"x\", \"resource_class\": 3}",
	};
	struct pci_kind kind = vf;

	(void)state;
	aliases.in_placement = true;
	assert_true(parse("{\"name\": \"gpu\", \"resource_class\": \"gpu\", \"traits\": \"blue, big\"}"));
	assert_true(parse("{\"name\": \"vf\", \"vendor_id\": \"8086\", \"product_id\": \"1515\"}"));
	for (size_t i = 0; i < ELEMENTS_OF(bad); i++)
		assert_false(parse(bad[i]));
	assert_int_equal(pci_alias_fits(pci_alias_find(&aliases, "vf"), &kind), PCI_FIT_NO); /* not shown */
	kind.resource_class = "CUSTOM_PCI_8086_1515";
	kind.traits = ",CUSTOM_BIG,CUSTOM_BLUE,CUSTOM_RED,";
	assert_int_equal(pci_alias_fits(pci_alias_find(&aliases, "vf"), &kind), PCI_FIT_YES);
	assert_int_equal(pci_alias_fits(pci_alias_find(&aliases, "gpu"), &kind), PCI_FIT_NO);
	kind.resource_class = "CUSTOM_GPU";
	assert_int_equal(pci_alias_fits(pci_alias_find(&aliases, "vf"), &kind), PCI_FIT_NO);
	assert_int_equal(pci_alias_fits(pci_alias_find(&aliases, "gpu"), &kind), PCI_FIT_YES);
	kind.traits = ",CUSTOM_BLUE,";
	assert_int_equal(pci_alias_fits(pci_alias_find(&aliases, "gpu"), &kind), PCI_FIT_NO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_fits, forget),
		cmocka_unit_test_teardown(test_alternatives, forget),
		cmocka_unit_test_teardown(test_live_migratable, forget),
		cmocka_unit_test_teardown(test_bad_definitions, forget),
		cmocka_unit_test_teardown(test_requests, forget),
		cmocka_unit_test_teardown(test_in_placement, forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
