/* Tests of config: what values with a syntax of their own mean.  (What is refused: check_test.c.) */
#include "../test.h"

#include "base/memory.h"
#include "base/text.h"
#include "config/items.h"

static char physnet[ITEM_PHYSNET_SIZE], netdev[ITEM_NETDEV_SIZE], hypervisor[ITEM_HYPERVISOR_SIZE];

static void test_ranges(void **state)
{
	int64_t first, last;

	(void)state;
	assert_true(item_vlan_range(" physnet1 : 100 : 199", physnet, &first, &last));
	assert_string_equal(physnet, "physnet1");
	assert_int_equal(first, 100);
	assert_int_equal(last, 199);
	assert_true(item_vlan_range("external", physnet, &first, &last));
	assert_int_equal(first, 1);
	assert_int_equal(last, 4094);
	assert_true(item_vlan_range("a:5:5", physnet, &first, &last));
	assert_false(item_vlan_range("a:", physnet, &first, &last));
	assert_false(item_vlan_range("", physnet, &first, &last));
	assert_true(item_vni_range("1:16777215", &first, &last));
	assert_int_equal(last, 16777215);
}

/* The longest name that there may be, and one byte more. */
static void test_names_have_their_length(void **state)
{
	_cleanup_free_ char *longest = memory_printf("%064d", 0), *longer = memory_printf("%065d", 0);
	_cleanup_free_ char *mapping = memory_printf("%s:fifteen_letters", longest);
	int64_t mtu;

	(void)state;
	assert_true(item_physnet(longest, physnet));
	assert_string_equal(physnet, longest);
	assert_false(item_physnet(longer, physnet));
	assert_false(item_physnet("", physnet));
	assert_true(item_mapping(mapping, physnet, netdev));
	assert_string_equal(netdev, "fifteen_letters");
	assert_false(item_mapping("a:sixteen_letters_", physnet, netdev));
	assert_true(item_physnet_mtu("a: 9000", physnet, &mtu));
	assert_int_equal(mtu, 9000);
	assert_true(item_mapping(" physnet2 : eth3 ", physnet, netdev));
	assert_string_equal(physnet, "physnet2");
	assert_string_equal(netdev, "eth3");
}

static void add_address(void *user, const char *address)
{
	text_addf(user, "%s,", address);
}

static void test_excluded_devices(void **state)
{
	_cleanup_(text_done) struct text addresses = {0};

	(void)state;
	assert_true(item_exclusion("eth1 : 0000:07:00.2 ;0000:0A:1f.7;", netdev, add_address, &addresses));
	assert_string_equal(netdev, "eth1");
	assert_string_equal(addresses.data, "0000:07:00.2,0000:0a:1f.7,");
	assert_true(item_exclusion("eth2:", netdev, NULL, NULL));
	assert_string_equal(netdev, "eth2");
	assert_false(item_exclusion("eth2:07:00.2", netdev, NULL, NULL));
	assert_false(item_exclusion("eth2:0000:07:00.2x", netdev, NULL, NULL));
	assert_false(item_exclusion(":0000:07:00.2", netdev, NULL, NULL));
}

static void test_bandwidths(void **state)
{
	struct item_inventory inventory = {.allocation_ratio = 1, .min_unit = 1, .step_size = 1};
	int64_t egress, ingress;

	(void)state;
	assert_true(item_bandwidth("eth0:10000000:", netdev, &egress, &ingress));
	assert_int_equal(egress, 10000000);
	assert_int_equal(ingress, ITEM_RATE_NONE);
	assert_true(item_bandwidth("eth0::", netdev, &egress, &ingress));
	assert_int_equal(egress, ITEM_RATE_NONE);
	assert_true(item_hypervisor("eth0:a:b", netdev, hypervisor));
	assert_string_equal(hypervisor, "a:b");
	assert_true(item_inventory("allocation_ratio:2.5", &inventory));
	assert_true(item_inventory("reserved : 7", &inventory));
	assert_true(inventory.allocation_ratio == 2.5);
	assert_int_equal(inventory.reserved, 7);
	assert_int_equal(inventory.min_unit, 1);
	assert_false(item_inventory("min_unit:0", &inventory));
	assert_false(item_inventory("total:1", &inventory));
}

static void test_device_ids(void **state)
{
	unsigned vendor, product;

	(void)state;
	assert_true(item_device_ids("8086:10CA", &vendor, &product));
	assert_int_equal(vendor, 0x8086);
	assert_int_equal(product, 0x10ca);
	assert_false(item_device_ids("0x8086:10ca", &vendor, &product));
	assert_false(item_device_ids("8086:+1", &vendor, &product));
	assert_false(item_device_ids("80860:10ca", &vendor, &product));
	assert_false(item_device_ids("8086:", &vendor, &product));
}

static void test_huge_pages(void **state)
{
	static const struct {
		const char *text;
		int node;
		int64_t size_kb, count;
	} good[] = {
		{"node:0,size:2048,count:64", 0, 2048, 64},
		{"node:1,size:1GB,count:1", 1, 1048576, 1},
		{"size: 2MiB , count: 0 , node: 3", 3, 2048, 0},
		{"node:0,size:2m,count:5", 0, 2048, 5},
		{"node:0,size:4KB,count:5", 0, 4, 5},
	};
	static const char *const bad[] = {
		"",
		"node:0",
		"node:0,size:2048,count:",
		"node:0,size:2048,count:1,",
		"node:0,size:2048,count:-1",
		"node:1024,size:2048,count:1",
		"node:0,size:0,count:1",
		"node:0,size:MB,count:1",
		"node:0,size:2PB,count:1",
		"node:0,size:9999999999GB,count:1",
		"node:0,node:0,size:2048,count:1",
		"node:0:1,size:2048,count:1",
	};
	int64_t size_kb, count;
	int node;

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(good); i++) {
		if (!item_huge_pages(good[i].text, &node, &size_kb, &count) || node != good[i].node ||
		    size_kb != good[i].size_kb || count != good[i].count)
			fail_msg("%s: %d %lld %lld", good[i].text, node, (long long)size_kb,
				 (long long)count);
	}
	for (size_t i = 0; i < ELEMENTS_OF(bad); i++) {
		if (item_huge_pages(bad[i], &node, &size_kb, &count))
			fail_msg("%s is taken", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),		 cmocka_unit_test(test_names_have_their_length),
		cmocka_unit_test(test_excluded_devices), cmocka_unit_test(test_bandwidths),
		cmocka_unit_test(test_device_ids),	 cmocka_unit_test(test_huge_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
