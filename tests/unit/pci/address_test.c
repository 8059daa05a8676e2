/* PCI addresses: what parses, what does not, and back. */
#include "../test.h"

#include "base/memory.h"
#include "pci/address.h"
#include "pci/device.h"

static void test_good(void **state)
{
	static const struct {
		const char *text, *canonical;
	} good[] = {
		{"0000:21:10.0", "0000:21:10.0"}, {"0000:00:00.0", "0000:00:00.0"},
		{"21:10.7", "0000:21:10.7"},	  {"0:A:0.1", "0000:0a:00.1"},
		{"fffE:FF:1f.7", "fffe:ff:1f.7"}, {"1:2:3.4", "0001:02:03.4"},
	};
	char text[PCI_ADDRESS_SIZE];
	pci_address address;

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(good); i++) {
		assert_true(pci_address_parse(good[i].text, &address));
		assert_string_equal(pci_address_format(address, text), good[i].canonical);
	}
	assert_true(pci_address_parse("0001:02:03.4", &address));
	assert_int_equal(pci_address_domain(address), 1);
	assert_int_equal(pci_address_bus(address), 2);
	assert_int_equal(pci_address_slot(address), 3);
	assert_int_equal(pci_address_function(address), 4);
	assert_string_equal(pci_address_format(PCI_ADDRESS_NONE, text), "");
}

static void test_bad(void **state)
{
	static const char *const bad[] = {
		"",
		"21",
		"21:10",
		"0000:21:10",
		"10000:01:00.0", /* 32-bit domain */
		"0000:21:10.8",
		"0000:21:20.0",
		"0000:100:0.0",
		"0000:21:10.00",
		"0000:21:10.0 ",
		" 0000:21:10.0",
		"0000:2g:10.0",
		"0000::10.0",
		"::.",
		"0:0:0:0.0",
		"0000:21.10:0",
		"-001:21:10.0",
		"0x00:21:10.0",
		"*:21:10.0",
		"0000:21:10.",
		"ffff:ff:1f.7",
	};
	pci_address address = 42;

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(bad); i++) {
		if (pci_address_parse(bad[i], &address))
			fail_msg("\"%s\" was taken for an address", bad[i]);
		assert_int_equal(address, 42);
	}
}

static void test_order(void **state)
{
	pci_address a, b;

	(void)state;
	assert_true(pci_address_parse("0000:21:10.7", &a) && pci_address_parse("0000:21:11.0", &b) && a < b);
	assert_true(pci_address_parse("0000:ff:1f.7", &a) && pci_address_parse("0001:00:00.0", &b) && a < b);
}

static void test_types(void **state)
{
	enum pci_type type;

	(void)state;
	for (int i = 0; i < PCI_TYPE_COUNT; i++) {
		assert_true(pci_type_parse(pci_type_text((enum pci_type)i), &type));
		assert_int_equal(type, i);
	}
	assert_false(pci_type_parse("type-vf", &type));
	assert_false(pci_type_parse("", &type));
	assert_string_equal(pci_type_noun(PCI_TYPE_VF, 1), "VF");
	assert_string_equal(pci_type_noun(PCI_TYPE_VF, 0), "VFs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
