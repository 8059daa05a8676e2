/* Inventories: what is taken over, what is refused, what happens to devices that somebody has; joining,
 * revisions and what is left of a transaction that was undone. */
#include "site.h"

#include "base/memory.h"

static int setup(void **state)
{
	(void)state;
	site_open(NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	site_close();
	return 0;
}

static const char *lab1(int vfs, const char *more_of_gpu)
{
	struct site_host host = {.name = "lab1"};

	site_card(&host, "0000:21", vfs, "net", 0);
	if (more_of_gpu)
		site_device(&host, "0000:61:00.0", "10de:1eb8", "type-PCI", NULL, NULL, 1, more_of_gpu);
	return site_report(&host);
}

static void test_unchanged_writes_nothing(void **state)
{
	int64_t before;

	(void)state;
	assert_non_null(lab1(3, "\"driver\":\"nvidia\""));
	before = site_count("SELECT total_changes()");
	assert_non_null(lab1(3, "\"driver\":\"nvidia\""));
	assert_int_equal(site_count("SELECT total_changes()"), before + 1); /* the credential of the join */
	assert_non_null(lab1(3, "\"driver\":\"vfio-pci\""));
	assert_int_equal(site_count("SELECT total_changes()"), before + 3);
	site_now += INT64_C(11000000);
	assert_non_null(lab1(3, "\"driver\":\"vfio-pci\"")); /* heard of */
	assert_int_equal(site_count("SELECT total_changes()"), before + 5);
}

static void test_devices_come_and_go(void **state)
{
	(void)state;
	assert_non_null(lab1(2, NULL));
	assert_true(site_claim("s1", "direct=net direct=net"));
	assert_false(site_claim("s2", "direct=net"));
	assert_non_null(lab1(4, NULL));
	assert_true(site_claim("s2", "direct=net"));
	assert_string_equal(site_granted(), "0000:21:10.2");
	/* what is free vanishes, what is used stays */
	assert_non_null(lab1(0, NULL));
	assert_int_equal(site_count("SELECT count(*) FROM device WHERE state = 'missing'"), 3);
	assert_int_equal(site_count("SELECT count(*) FROM device"), 4);
	assert_false(site_claim("s3", "direct=net"));
	assert_false(site_claim("s3", "alias=pf:1")); /* its VFs are still in use */
	site_release("s1");
	assert_int_equal(site_count("SELECT count(*) FROM device"), 2);
	/* one that comes back before it is given back stays what it was */
	assert_non_null(lab1(4, NULL));
	site_release("s2");
	assert_int_equal(site_count("SELECT count(*) FROM device WHERE state = 'present'"), 5);
	assert_true(site_claim("s4", "alias=pf:1"));
}

static void test_changes_wait_for_the_release(void **state)
{
	struct scheduler_device *devices;
	size_t count;

	(void)state;
	assert_non_null(lab1(1, "\"health\":\"ok\""));
	assert_true(site_claim("s1", "alias=gpu:1"));
	struct site_host host = {.name = "lab1"};
	site_device(&host, "0000:61:00.0", "10de:20b0", "type-PCI", NULL, "net", 0, NULL);
	assert_non_null(site_report(&host));
	assert_true(scheduler_devices_of_server(db, "s1", &devices, &count, &err));
	assert_string_equal(devices[0].product_id, "1eb8");
	assert_int_equal(devices[0].numa_node, 1);
	free(devices);
	site_release("s1");
	assert_false(site_claim("s2", "alias=gpu:1"));
	assert_string_equal(refusals.data, "lab1: alias gpu: needs 1 device: it offers none 10de:1eb8\n");
	assert_int_equal(site_count(
				 "SELECT count(*) FROM device WHERE product_id = '20b0' AND numa_node = 0"),
			 1);
}

static void test_bad_inventories(void **state)
{
	static const struct {
		const char *more, *says; /* members of a host, or of its one device if it begins with ',' */
	} cases[] = {
		{"\"version\":2", "version"},
		{"\"vcpus\":\"4\"", "vcpus"},
		{"\"vcpus\":0", "vcpus"},
		{"\"vcpus\":-1", "vcpus"},
		{"\"vcpus\":1.5", "vcpus"},
		{"\"memory_mb\":18446744073709551615", "memory_mb"},
		{"\"disk_gb\":[]", "disk_gb"},
		{"\"availability_zone\":\"\"", "availability_zone"},
		{"\"hypervisor\":3", "hypervisor"},
		{"\"hypervisor\":{\"type\":\"a hypervisor with a long name\"}", "hypervisor.type"},
		{"\"cpu\":[]", "cpu"},
		{"\"iommu_group_mates\":\"steal\"", "iommu_group_mates"},
		{"\"cells\":{}", "cells"},
		{"\"devices\":{}", "devices"},
		{"\"devices\":[3]", "devices[0]."},
		{"\"devices\":[{}]", "devices[0].address"},
		{",\"address\":\"0000:21:10.9\"", "devices[0].address"},
		{",\"address\":\"21:10.0\"", "devices[0].address"},
		{",\"address\":\"0000:2A:10.0\"", "devices[0].address"},
		{",\"address\":null", "devices[0].address"},
		{",\"vendor_id\":\"80\"", "devices[0].vendor_id"},
		{",\"product_id\":\"10CA\"", "devices[0].product_id"},
		{",\"type\":\"type-XX\"", "devices[0].type"},
		{",\"type\":\"type-VF\"", "devices[0].parent"},
		{",\"parent\":\"0000:21:00.0\"", "devices[0].parent"},
		{",\"numa_node\":\"0\"", "devices[0].numa_node"},
		{",\"mac_address\":\"a0:36:9f\"", "devices[0].mac_address"},
		{",\"mac_address\":\"a0:36:9f:8f:3f:zz\"", "devices[0].mac_address"},
		{",\"offered\":1", "devices[0].offered"},
		{",\"tags\":[]", "devices[0].tags"},
		{",\"tags\":{\"a\":{}}", "devices[0].tags"},
		{",\"physical_network\":"
		 "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"",
		 "devices[0].physical_network"},
		{",\"health\":false", "devices[0].health"},
		{",\"netdev\":\"a\\u0000b\"", "devices[0].netdev"},
	};

	(void)state;
	const char *id = lab1(1, NULL);
	int64_t before = site_count("SELECT total_changes()");
	for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
		bool device = cases[i].more[0] == ',';
		/* the first of equal members is what is read */
		_cleanup_free_ char *json =
			device ? memory_printf("{\"devices\":[{%s,\"address\":\"0000:21:00.0\",\"vendor_id\":"
					       "\"8086\","
					       "\"product_id\":\"10c9\",\"type\":\"type-PF\"}],\"vcpus\":1,"
					       "\"memory_mb\":1,\"disk_gb\":1}",
					       cases[i].more + 1)
			       : memory_printf(
					 "{%s,\"vcpus\":1,\"memory_mb\":1,\"disk_gb\":1,\"devices\":[]}",
					 cases[i].more);
		yyjson_doc *doc = yyjson_read(json, strlen(json), 0);
		assert_non_null(doc);
		bool ok = scheduler_host_report(db, id, yyjson_doc_get_root(doc), &err);
		yyjson_doc_free(doc);
		if (ok)
			fail_msg("%s was taken", json);
		assert_int_equal(err.kind, ERROR_BAD_REQUEST);
		if (strncmp(err.message, "inventory: ", 11) != 0 ||
		    strncmp(err.message + 11, cases[i].says, strlen(cases[i].says)) != 0)
			fail_msg("%s: %s", json, err.message);
	}
	assert_false(scheduler_host_report(db, id, NULL, &err));
	assert_int_equal(err.kind, ERROR_BAD_REQUEST);
	assert_int_equal(site_count("SELECT total_changes()"), before);

	struct site_host twice = {.name = "lab1"};
	site_card(&twice, "0000:21", 1, NULL, 0);
	site_card(&twice, "0000:21", 0, NULL, 0);
	assert_null(site_report(&twice));
	assert_non_null(strstr(err.message, "0000:21:00.0 is there twice"));
}

static void test_join(void **state)
{
	char first[37], again[37], whose[37];

	(void)state;
	assert_true(store_transaction_begin(db, &err));
	assert_true(scheduler_host_join(db, "edge-1", "hash-1", first, &err));
	assert_true(scheduler_host_join(db, "edge-1", "hash-2", again, &err));
	assert_string_equal(first, again);
	assert_true(scheduler_host_authenticate(db, "hash-2", whose, &err));
	assert_string_equal(whose, first);
	assert_false(scheduler_host_authenticate(db, "hash-1", whose, &err));
	assert_int_equal(err.kind, ERROR_UNAUTHORIZED);
	assert_true(scheduler_host_join(db, "edge-1", "hash-2", again, &err)); /* once more */
	assert_false(scheduler_host_join(db, "edge-2", "hash-2", again, &err));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	assert_non_null(strstr(err.message, "edge-1"));
	static const char *const bad[] = {"", "a b", "a/b", "h\xc3\xb6st", NULL};
	for (size_t i = 0; i < ELEMENTS_OF(bad); i++) {
		assert_false(scheduler_host_join(db, bad[i], "hash-3", again, &err));
		assert_int_equal(err.kind, ERROR_BAD_REQUEST);
	}
	store_transaction_undo(db);
	/* as if it had never been */
	assert_false(site_claim("s", ""));
	assert_string_equal(refusals.data, "no host has joined yet (penstock-agent)\n");
	assert_non_null(lab1(1, NULL));
	assert_true(site_claim("s", "direct=net"));
}

static void test_revisions(void **state)
{
	struct scheduler_host view;
	int64_t revision;

	(void)state;
	const char *id = lab1(1, NULL);
	assert_true(store_transaction_begin(db, &err));
	assert_true(scheduler_host_touch(db, id, &revision, &err));
	assert_int_equal(revision, 2);
	assert_true(scheduler_host_touch(db, id, &revision, &err));
	assert_int_equal(revision, 3);
	assert_true(store_transaction_commit(db, &err));
	assert_true(store_transaction_begin(db, &err));
	assert_true(scheduler_host_touch(db, id, &revision, &err));
	store_transaction_undo(db);
	assert_true(scheduler_host_load(db, id, &view, &err));
	assert_int_equal(view.revision, 3);
	assert_false(scheduler_host_touch(db, "nobody", &revision, &err));
}

static void test_hosts_in_order(void **state)
{
	struct scheduler_host *hosts;
	size_t count;

	(void)state;
	struct site_host b = {.name = "b", .zone = "east"}, a = {.name = "a"};
	assert_non_null(site_report(&b));
	assert_non_null(site_report(&a));
	assert_true(scheduler_hosts(db, &hosts, &count, &err));
	assert_int_equal(count, 2);
	assert_string_equal(hosts[0].name, "a");
	assert_int_equal(hosts[0].number, 2);
	assert_string_equal(hosts[1].availability_zone, "east");
	free(hosts);
}

/* Jobs of one batch: the first is kept, the second undone, the third sees that. */
static void test_savepoints(void **state)
{
	struct scheduler_request request = {
		.server_id = "s1", .vcpus = 1, .memory_mb = 64, .disk_gb = 1, .alias_spec = "vf:1"};

	(void)state;
	assert_non_null(lab1(3, NULL));
	assert_true(store_transaction_begin(db, &err));
	assert_true(store_savepoint_begin(db, &err));
	assert_true(scheduler_claim(db, &request, &grant, &refusals, &err));
	assert_true(store_savepoint_keep(db, &err));
	assert_true(store_savepoint_begin(db, &err));
	request.server_id = "s2";
	assert_true(scheduler_claim(db, &request, &grant, &refusals, &err));
	assert_string_equal(site_granted(), "0000:21:10.1");
	assert_true(scheduler_release(db, "s1", &err));
	store_savepoint_undo(db);
	request.server_id = "s3";
	request.alias_spec = "vf:2";
	assert_true(scheduler_claim(db, &request, &grant, &refusals, &err));
	assert_string_equal(site_granted(), "0000:21:10.1 0000:21:10.2");
	assert_true(store_transaction_commit(db, &err));
	assert_false(site_claim("s4", "direct=net"));
	assert_int_equal(site_count("SELECT sum(servers) FROM host_state"), 2);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_unchanged_writes_nothing),
		TEST(test_devices_come_and_go),
		TEST(test_changes_wait_for_the_release),
		TEST(test_bad_inventories),
		TEST(test_join),
		TEST(test_revisions),
		TEST(test_hosts_in_order),
		TEST(test_savepoints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
