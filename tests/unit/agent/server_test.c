/* Tests: nothing that the controller says is believed unchecked. */
#include "../test.h"

#include "agent/server.h"
#include "wanted.h"

/* Is the server accepted with one text of it changed? */
static bool accepted(const char *from, const char *to)
{
	yyjson_doc *doc = wanted_changed(from, to, NULL);
	struct error err;
	bool ok = server_check(yyjson_doc_get_root(doc), &err);

	yyjson_doc_free(doc);
	return ok;
}

static void test_a_server_is_accepted(void **state)
{
	(void)state;
	assert_true(accepted("\"vcpus\": 1", "\"vcpus\": 2"));
	assert_true(accepted("\"vlan\": 1010", "\"vlan\": null"));
	assert_true(accepted("\"gateway_ip\": \"10.0.0.1\"", "\"gateway_ip\": null"));
	assert_true(accepted("\"ip_address\": \"10.0.0.100\"", "\"ip_address\": \"2001:db8::1\""));
}

static void test_what_names_files_or_devices_is_checked(void **state)
{
	(void)state;
	assert_false(accepted("11111111-2222", "../../../etc/"));
	assert_false(accepted("instance-00000001", "a/b"));
	assert_false(accepted("99999999-2222", "../../../99-9"));
	assert_false(accepted("ee26b0dd", "../../x/"));
	assert_false(accepted("0000:10:10.1", "0000:10:10.9"));
	assert_false(accepted("0000:10:10.1", "0000:10:1f.7/../x"));
	assert_false(accepted("\"address\": \"0000:11:00.0\"", "\"address\": \"0000:11:00.0'/><x\""));
}

static void test_what_goes_into_xml_is_checked(void **state)
{
	(void)state;
	assert_false(accepted("fa:16:3e:00:00:01", "fa:16:3e:00:00:0'"));
	assert_false(accepted("fa:16:3e:00:00:01", "fa:16:3e-00:00:01"));
	assert_false(accepted("10.0.0.100", "10.0.0.1'"));
	assert_false(accepted("192.168.0.0/24", "192.168.0.0/33"));
	assert_false(accepted("192.168.0.0/24", "192.168.0.0/24'/>"));
	assert_false(accepted("\"gateway_ip\": \"192.168.0.1\"", "\"gateway_ip\": \"x' y='\""));
	assert_false(accepted("\"8.8.8.8\"", "\"<dns>\""));
	assert_false(accepted("\"8.8.8.8\"", "8"));
	assert_false(accepted("\"nexthop\": \"10.0.0.9\"", "\"nexthop\": \"\""));
}

static void test_sizes_are_limited(void **state)
{
	(void)state;
	assert_false(accepted("\"vlan\": 1010", "\"vlan\": 4095"));
	assert_false(accepted("\"max_kbps\": 3000", "\"max_kbps\": -1"));
	assert_false(accepted("\"min_kbps\": 2000", "\"min_kbps\": 2147483648"));
	assert_false(accepted("\"memory_mb\": 64", "\"memory_mb\": -1"));
	assert_false(accepted("\"memory_mb\": 64", "\"memory_mb\": 9000000000"));
	assert_false(accepted("\"vcpus\": 1", "\"vcpus\": 0"));
	assert_false(accepted("\"disk_gb\": 1", "\"disk_gb\": 99999999999"));
	assert_false(accepted("\"index\": 1", "\"index\": 64"));
	assert_false(accepted("\"index\": 1", "\"index\": -1"));
	assert_false(accepted("\"mtu\": 1500", "\"mtu\": 0"));
	assert_false(accepted("\"want\": \"running\"", "\"want\": \"flying\""));
	assert_false(accepted("\"generation\": 3", "\"generation\": \"3\""));
}

/* One cell on node `node` with vCPU 0 on a CPU of its own. */
#define NUMA(node, taken, pins) \
	"\"numa\": {\"cells\": [{\"node\": " node \
	", \"memory_mb\": 64, \"page_kb\": 4, \"vcpus\": \"0\", \"floating\": \"\"," \
	" \"taken\": \"" taken "\", \"pins\": " pins \
	"}], \"emulator\": \"\", \"realtime\": \"\"}, \"vcpus\": 1"

static void test_cells_and_pins_are_checked(void **state)
{
	(void)state;
	assert_true(accepted("\"vcpus\": 1", NUMA("1", "4", "[[0, 4]]")));
	assert_false(accepted("\"vcpus\": 1", NUMA("-1", "4", "[[0, 4]]")));
	assert_false(accepted("\"vcpus\": 1", NUMA("1", "4'/>", "[[0, 4]]")));
	assert_false(accepted("\"vcpus\": 1", NUMA("1", "4", "[[0, 5]]")));
	assert_false(accepted("\"vcpus\": 1", NUMA("1", "4", "[]")));
	assert_false(accepted("\"vcpus\": 1", NUMA("1", "4", "[[1, 4]]")));
}

static void test_absent_needs_no_more_than_an_id(void **state)
{
	static const char text[] = "{\"id\": \"" WANTED_ID "\", \"generation\": 9, \"want\": \"absent\"}";
	yyjson_doc *doc = yyjson_read(text, strlen(text), 0);
	struct error err;

	(void)state;
	assert_true(server_check(yyjson_doc_get_root(doc), &err));
	yyjson_doc_free(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_server_is_accepted),
		cmocka_unit_test(test_what_names_files_or_devices_is_checked),
		cmocka_unit_test(test_what_goes_into_xml_is_checked),
		cmocka_unit_test(test_sizes_are_limited),
		cmocka_unit_test(test_cells_and_pins_are_checked),
		cmocka_unit_test(test_absent_needs_no_more_than_an_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
