/* Device specs: which of a host's devices they select, and what is said of bad ones. */
#include "../test.h"

#include "base/memory.h"
#include "base/text.h"
#include "pci/device_spec.h"

static struct device_spec *specs;
static size_t spec_count;
static char warning[256];
static struct error err;

static void forget(void)
{
	device_specs_free(specs, spec_count);
	specs = NULL;
	spec_count = 0;
}

static bool parse(const char *json)
{
	return device_spec_parse("nova.conf:3", json, &specs, &spec_count, warning, &err);
}

/* A host: p5p1 is a PF with VFs, the second one with a netdev of its own; p5p2 a PF without; a GPU. */
static const struct device_spec_device host[] = {
	{"0000:21:00.0", "8086", "1528", NULL, "p5p1", NULL, "SN1"},
	{"0000:21:10.0", "8086", "1515", "0000:21:00.0", "p5p1", NULL, "SN1"},
	{"0000:21:10.2", "8086", "1515", "0000:21:00.0", "p5p1", "p5p1_1", "SN1"},
	{"0000:41:00.0", "8086", "1528", "", "p5p2", "", ""},
	{"0001:0a:00.5", "10de", "1eb8", NULL, NULL, NULL, NULL},
	{"10000:01:00.0", "8086", "1528", NULL, "vmd0", NULL, NULL},
};

/* The host's devices that are selected, as "PV-G..": one letter for each device in its order. */
static const char *selected(void)
{
	static char text[8];

	for (size_t i = 0; i < ELEMENTS_OF(host); i++)
		text[i] = device_spec_find(specs, spec_count, &host[i]) ? "PVVQGX"[i] : '-';
	text[ELEMENTS_OF(host)] = '\0';
	return text;
}

static void test_selection(void **state)
{
	static const struct {
		const char *json, *selected;
	} cases[] = {
		{"{}", "PVVQG-"},
		{"{\"vendor_id\": \"8086\", \"product_id\": \"1515\"}", "-VV---"},
		{"{\"vendor_id\": \"0x8086\"}", "PVVQ--"},
		{"{\"vendor_id\": \"10DE\"}", "----G-"},
		{"{\"vendor_id\": \"*\", \"product_id\": \"1528\"}", "P--Q--"},
		/* a PF's address or name is that of its VFs too */
		{"{\"address\": \"0000:21:00.0\"}", "PVV---"},
		{"{\"address\": \"0:21:0.0\"}", "PVV---"},
		{"{\"address\": \"0000:21:00.0\", \"product_id\": \"1515\"}", "-VV---"},
		{"{\"address\": \"0000:21:00.0\", \"product_id\": \"1528\"}", "P-----"},
		{"{\"address\": \"0000:21:10.2\"}", "--V---"},
		{"{\"devname\": \"p5p1\", \"physical_network\": \"physnet_sriov\"}", "PVV---"},
		{"{\"devname\": \"p5p2\"}", "---Q--"},
		{"{\"devname\": \"p5p1_1\"}", "--V---"},
		{"{\"devname\": \"nope\"}", "------"},
		{"{\"devname\": \"\", \"vendor_id\": \"10de\"}", "----G-"},
		{"{\"devname\": \"\", \"address\": \"0000:41:00.0\"}", "---Q--"},
		/* wildcards are whole fields; what is left out is any */
		{"{\"address\": \"*:21:10.*\"}", "-VV---"},
		{"{\"address\": \"0000:21:*\"}", "PVV---"},
		{"{\"address\": \"*:21:00.0\"}", "P-----"},
		{"{\"address\": \":0a:00.\"}", "----G-"},
		{"{\"address\": \"0a:00.5\"}", "----G-"},
		{"{\"address\": \".5\"}", "----G-"},
		{"{\"address\": \"10\"}", "-VV---"},
		{"{\"address\": \"*\"}", "PVVQG-"},
		/* regular expressions match from the beginning */
		{"{\"address\": {\"domain\": \".*\", \"bus\": \"21\", \"slot\": \"10\", \"function\": "
		 "\"[0-1]\"}}",
		 "-V----"},
		{"{\"address\": {\"slot\": \"00\", \"function\": \"[5-6]\"}}", "----G-"},
		{"{\"address\": {\"bus\": \"0\"}}", "----G-"},
		{"{\"address\": {\"bus\": \"0A\"}}", "----G-"},
		{"{\"address\": {\"domain\": \"0000\", \"bus\": \"21\", \"slot\": \"00\", \"function\": "
		 "\"0\"}}",
		 "PVV---"},
		{"{\"vendor_id\": \"8086\", \"remote_managed\": \"true\"}", "PVV---"},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
		if (!parse(cases[i].json))
			fail_msg("%s: %s", cases[i].json, err.message);
		if (strcmp(selected(), cases[i].selected) != 0)
			fail_msg("%s selects %s, not %s", cases[i].json, selected(), cases[i].selected);
		forget();
	}
}

static void test_list_and_order(void **state)
{
	(void)state;
	assert_true(parse("[{\"address\": \"0000:21:10.0\", \"physical_network\": \"a\"},"
			  " {\"devname\": \"p5p1\", \"physical_network\": \"b\"}]"));
	assert_true(parse("{\"vendor_id\": \"8086\", \"physical_network\": null}"));
	assert_int_equal(spec_count, 3);
	assert_string_equal(device_spec_find(specs, spec_count, &host[1])->physical_network, "a");
	assert_string_equal(device_spec_find(specs, spec_count, &host[2])->physical_network, "b");
	assert_false(device_spec_find(specs, spec_count, &host[3])->has_physical_network);
	assert_string_equal(device_spec_find(specs, spec_count, &host[3])->tags,
			    "{\"physical_network\":null}");
	forget();
}

static void test_tags(void **state)
{
	(void)state;
	assert_true(parse("{\"devname\": \"p5p1\", \"vendor_id\": \"8086\", \"physical_network\": \"net\", "
			  "\"trusted\": \"True\", \"managed\": \"no\", \"live_migratable\": true, "
			  "\"remote_managed\": \"maybe\"}"));
	assert_string_equal(warning, "");
	assert_string_equal(specs[0].tags,
			    "{\"physical_network\":\"net\",\"trusted\":\"True\",\"managed\":\"false\","
			    "\"live_migratable\":\"true\",\"remote_managed\":\"false\"}");
	assert_true(specs[0].has_physical_network);
	assert_string_equal(specs[0].physical_network, "net");
	forget();
}

static void test_unknown_key(void **state)
{
	static const struct {
		const char *json, *nearest;
	} cases[] = {{"{\"physnet\": \"a\"}", "physical_network"},
		     {"{\"vendorid\": \"8086\"}", "vendor_id"},
		     {"{\"dev_name\": \"eth0\"}", "devname"},
		     {"{\"adress\": \"0000:21:00.0\"}", "address"}};

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
		assert_true(parse(cases[i].json));
		if (!strstr(warning, "nova.conf:3") || !strstr(warning, cases[i].nearest))
			fail_msg("%s: %s", cases[i].json, warning);
		forget();
	}
}

static void test_bad(void **state)
{
	static const struct {
		const char *json, *says;
	} cases[] = {
		{"", "Invalid entry"},
		{"{'vendor_id': '8086'}", "Invalid entry"},
		{"{\"vendor_id\": \"8086\"", "Invalid entry"},
		{"\"8086\"", "Expecting list or dict"},
		{"17", "Expecting list or dict"},
		{"[{}, 3]", "Expecting dict"},
		{"{\"devname\": \"p5p1\", \"address\": \"0000:21:00.0\"}", "either devname or address"},
		{"{\"vendor_id\": \"zz\"}", "vendor_id"},
		{"{\"vendor_id\": \"18086\"}", "vendor_id"},
		{"{\"vendor_id\": 8086}", "vendor_id"},
		{"{\"product_id\": \"\"}", "product_id"},
		{"{\"address\": \"0000:0*:00.0\"}", "bus \"0*\" of the address does not parse as hex"},
		{"{\"address\": \"0000:21:20.0\"}", "slot"},
		{"{\"address\": \"0000:21:00.8\"}", "function"},
		{"{\"address\": \"10000:21:00.0\"}", "domain"},
		{"{\"address\": \"0:0:0:0.0\"}", "wrong format"},
		{"{\"address\": 7}", "address"},
		{"{\"address\": {\"bus\": \"[0\"}}", "bus"},
		{"{\"address\": {\"bus\": 3}}", "bus"},
		{"{\"address\": {\"buss\": \"0\"}}", "buss"},
		{"{\"address\": {\"bus\": \"((((((((((a{9}){9}){9}){9}){9}){9}){9}){9}\"}}", "bus"},
		{"{\"managed\": \"maybe\"}", "Cannot parse tag 'managed'"},
		{"{\"one_time_use\": \"perhaps\"}", "one_time_use"},
		{"{\"physical_network\": 3}", "physical_network"},
		{"{\"physical_network\": \"\"}", "physical_network"},
		{"{\"trusted\": {}}", "trusted"},
		{"{\"vendor_id\": \"8086\", \"vendor_id\": \"10de\"}", "twice"},
		{"{\"devname\": 3}", "devname"},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
		if (parse(cases[i].json))
			fail_msg("%s was taken", cases[i].json);
		if (!strstr(err.message, cases[i].says) || !text_starts_with(err.message, "nova.conf:3: "))
			fail_msg("%s: %s", cases[i].json, err.message);
		forget();
	}
}

static void test_placement(void **state)
{
	static const struct {
		const char *json;
		bool silent, reporting; /* may it be so without and with report_in_placement */
	} cases[] = {
		{"{\"product_id\": \"1533\"}", true, true},
		{"{\"product_id\": \"1533\", \"one_time_use\": true}", false, true},
		{"{\"product_id\": \"1533\", \"one_time_use\": \"no\"}", true, true},
		{"{\"devname\": \"p5p1\", \"physical_network\": \"p\"}", true, false},
		{"{\"devname\": \"\", \"product_id\": \"1533\"}", true, true},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
		assert_true(parse(cases[i].json));
		assert_int_equal(device_spec_check_placement("w", specs, false, &err), cases[i].silent);
		assert_int_equal(device_spec_check_placement("w", specs, true, &err), cases[i].reporting);
		forget();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_selection), cmocka_unit_test(test_list_and_order),
		cmocka_unit_test(test_tags),	  cmocka_unit_test(test_unknown_key),
		cmocka_unit_test(test_bad),	  cmocka_unit_test(test_placement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
