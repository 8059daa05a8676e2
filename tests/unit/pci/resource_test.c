/* Names of PCI devices in Placement, and what cannot be shown together. */
#include "../test.h"

#include "base/memory.h"
#include "base/text.h"
#include "pci/resource.h"

static struct error err;

static void test_standard_names(void **state)
{
	(void)state;
	for (size_t i = 1; i < pci_standard_trait_count; i++)
		assert_true(strcmp(pci_standard_traits[i - 1], pci_standard_traits[i]) < 0);
	for (size_t i = 1; i < pci_standard_class_count; i++)
		assert_true(strcmp(pci_standard_classes[i - 1], pci_standard_classes[i]) < 0);
	assert_true(pci_class_is_standard("VCPU"));
	assert_false(pci_class_is_standard("CUSTOM_X"));
	assert_true(pci_trait_is_standard("HW_PCI_ONE_TIME_USE"));
	assert_false(pci_trait_is_standard("HW_PCI"));
}

static void test_classes(void **state)
{
	static const struct {
		const char *text, *name;
	} cases[] = {{"MY_VF", "CUSTOM_MY_VF"}, {"my vf", "CUSTOM_MY_VF"}, {"CUSTOM_foo", "CUSTOM_FOO"},
		     {"vgpu", "VGPU"},		{"a.-!b", "CUSTOM_A_B"},   {"a _b", "CUSTOM_A__B"},
		     {"\xc3\xa9x", "CUSTOM__X"}};
	char name[PCI_NAME_SIZE], text[300] = {0};

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
		assert_true(pci_class_name(cases[i].text, name));
		assert_string_equal(name, cases[i].name);
	}
	assert_string_equal(pci_class_of_ids(0x8086, 0x15ca, name), "CUSTOM_PCI_8086_15CA");
	assert_false(pci_class_name("", name));
	memset(text, 'a', 248);
	assert_true(pci_class_name(text, name));
	assert_int_equal(strlen(name), 255);
	text[248] = 'a';
	assert_false(pci_class_name(text, name));
	memset(text, 'a', 299);
	assert_false(pci_class_name(text, name));
}

static void traits_are(const char *list, const char *wanted)
{
	_cleanup_free_ char *traits = pci_traits_of(list);

	assert_string_equal(traits, wanted);
}

static void test_traits(void **state)
{
	char text[300] = {0};

	(void)state;
	traits_are(NULL, ",");
	traits_are("", ",");
	traits_are(" , ,", ",");
	traits_are("green, BLUE ,green", ",CUSTOM_BLUE,CUSTOM_GREEN,");
	traits_are("HW_NIC_SRIOV,a", ",CUSTOM_A,HW_NIC_SRIOV,");
	memset(text, 'x', 260);
	assert_null(pci_traits_of(text));
	assert_true(pci_traits_include(",A,B,C,", ",B,"));
	assert_true(pci_traits_include(",A,B,C,", ",A,C,"));
	assert_true(pci_traits_include(",A,", ","));
	assert_false(pci_traits_include(",A,BB,", ",B,"));
	assert_false(pci_traits_include(",", ",B,"));
	assert_false(pci_traits_include(",A,B,", ",B,C,"));
}

static void test_device(void **state)
{
	static const char json[] = "{\"traits\": \"blue\", \"live_migratable\": \"true\", \"one_time_use\": "
				   "\"false\", \"resource_class\": \"\"}";
	yyjson_doc *doc = yyjson_read(json, strlen(json), 0);
	struct pci_resource resource = {0};

	(void)state;
	assert_true(pci_resource_of(0x8086, 0x1515, yyjson_doc_get_root(doc), &resource, &err));
	assert_string_equal(resource.resource_class, "CUSTOM_PCI_8086_1515");
	assert_string_equal(resource.traits,
			    ",COMPUTE_MANAGED_PCI_DEVICE,CUSTOM_BLUE,HW_PCI_LIVE_MIGRATABLE,OWNER_NOVA,");
	pci_resource_done(&resource);
	yyjson_doc_free(doc);
	assert_true(pci_resource_of(1, 2, NULL, &resource, &err));
	assert_string_equal(resource.resource_class, "CUSTOM_PCI_0001_0002");
	pci_resource_done(&resource);
}

/* "address[<parent] tags;..." */
static bool check(const char *text)
{
	_cleanup_free_ char *copy = memory_copy_text(text);
	struct pci_reported devices[8] = {0};
	size_t count = 0;
	char *rest = copy, *item;

	while ((item = strsep(&rest, ";"))) {
		char *parent = strchr(item, '<'), *tags = strchr(item, ' ');

		devices[count] = (struct pci_reported){.address = item,
						       .vendor_id = "8086",
						       .product_id = "1515",
						       .parent = parent ? parent + 1 : NULL,
						       .tags = tags ? tags + 1 : "{}"};
		if (parent)
			*parent = '\0';
		if (tags)
			*tags = '\0';
		count++;
	}
	return pci_reported_check(devices, count, &err);
}

static void test_contradictions(void **state)
{
	(void)state;
	assert_true(check("0000:81:00.0"));
	assert_true(check("0000:81:00.0;0000:82:10.0<0000:82:00.0;0000:82:10.1<0000:82:00.0"));
	assert_false(check("0000:81:10.1<0000:81:00.0;0000:80:00.0;0000:81:00.0"));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	assert_non_null(strstr(err.message, "the PF 0000:81:00.0 and its VF 0000:81:10.1"));
	assert_false(check("0000:81:10.0<0000:81:00.0 {\"traits\":\"a\"};0000:82:10.0<0000:82:00.0;"
			   "0000:81:10.1<0000:81:00.0 {\"traits\":\"b\"}"));
	assert_non_null(strstr(err.message, "different traits"));
	assert_true(check("0000:81:10.0<0000:81:00.0 {\"traits\":\"a,b\"};"
			  "0000:81:10.1<0000:81:00.0 {\"traits\":\"B, A\"}"));
	assert_false(check("0000:81:10.0<0000:81:00.0;0000:81:10.1<0000:81:00.0 {\"resource_class\":\"x\"}"));
	assert_non_null(strstr(err.message, "CUSTOM_X"));
	assert_false(check("0000:81:10.0<0000:81:00.0 {\"one_time_use\":\"false\"}"));
	assert_true(check("0000:81:00.0 {\"one_time_use\":\"true\"}"));
	assert_true(pci_reported_check(NULL, 0, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_standard_names), cmocka_unit_test(test_classes),
		cmocka_unit_test(test_traits),	       cmocka_unit_test(test_device),
		cmocka_unit_test(test_contradictions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
