/* Devices of ports that come to a server and leave it. */
#include "site.h"

#include "base/memory.h"
#include "numa/guest.h"

static struct scheduler_device device;
static struct text why;

static int setup(void **state)
{
	(void)state;
	site_open(NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	text_done(&why);
	why = (struct text){0};
	site_close();
	return 0;
}

static void host_with_vfs(const char *name, int vfs)
{
	struct site_host host = {.name = name, .vcpus = 4, .memory_mb = 4096};

	site_card(&host, "0000:21", vfs, "net", 0);
	assert_non_null(site_report(&host));
}

static bool claim(const char *server, const char *port, const char *vnic_type, bool commit)
{
	struct scheduler_port_request request = {.physical_network = "net"};
	struct error ignored;

	snprintf(request.port_id, sizeof request.port_id, "%s", port);
	snprintf(request.vnic_type, sizeof request.vnic_type, "%s", vnic_type);
	text_done(&why);
	why = (struct text){0};
	assert_true(store_transaction_begin(db, &ignored));
	bool ok = scheduler_claim_port(db, server, &request, NULL, &device, &why, &err);
	if (commit)
		assert_true(store_transaction_commit(db, &ignored));
	else
		store_transaction_undo(db);
	return ok;
}

static void release(const char *server, const char *port)
{
	assert_true(store_transaction_begin(db, &err));
	if (!scheduler_release_port(db, server, port, &err))
		fail_msg("%s", err.message);
	assert_true(store_transaction_commit(db, &err));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void test_a_device_comes_and_goes(void **state)
{
	struct scheduler_device *devices;
	size_t count;

	(void)state;
	host_with_vfs("lab1", 2);
	assert_true(site_claim("server", "direct=net memory=1000"));
	assert_true(claim("server", "late", "direct", true));
	assert_string_equal(device.address, "0000:21:10.1");
	assert_string_equal(device.port_id, "late");
	assert_string_equal(device.pf_mac_address, "a0:36:9f:8f:3f:b8");
	assert_false(site_claim("other", "direct=net"));
	assert_true(scheduler_devices_of_server(db, "server", &devices, &count, &err));
	assert_int_equal(count, 2);
	assert_string_equal(devices[1].port_id, "late");
	free(devices);
	assert_true(scheduler_load(db, &err)); /* a restart reads the same */
	assert_false(site_claim("other", "direct=net"));
	release("server", "port-0");
	release("server", "nothing");
	assert_true(site_claim("other", "direct=net"));
	assert_string_equal(site_granted(), "0000:21:10.0");
	assert_true(claim("server", "later", "direct", true) == false);
	release("server", "late");
	assert_true(claim("server", "later", "direct", true));
	site_release("server");
	site_release("other");
	assert_int_equal(site_count("SELECT count(*) FROM device_claim"), 0);
	assert_int_equal(site_count("SELECT sum(memory_mb_used) FROM host_state"), 0);
	assert_true(site_claim("other", "direct=net direct=net"));
}

static void test_none_left(void **state)
{
	(void)state;
	host_with_vfs("lab1", 1);
	host_with_vfs("lab2", 4); /* another host's are of no use */
	assert_true(site_claim("server", "direct=net host=lab1"));
	assert_false(claim("server", "late", "direct", true));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	assert_string_equal(why.data, "needs 1 VF of net: 1 of 1 is in use");
	assert_false(claim("server", "late", "direct-physical", true));
	assert_string_equal(why.data, "needs 1 PF of net: the PF 0000:21:00.0 has 1 of its VFs in use");
	assert_false(claim("stranger", "late", "direct", true));
	assert_string_equal(err.message, "server stranger has no claim");
}

static void test_an_undone_claim_is_free_again(void **state)
{
	(void)state;
	host_with_vfs("lab1", 2);
	assert_true(site_claim("server", "direct=net"));
	assert_true(claim("server", "late", "direct", false));
	assert_int_equal(site_count("SELECT count(*) FROM device_claim"), 1);
	assert_true(claim("server", "late", "direct", true));
	assert_string_equal(device.address, "0000:21:10.1");
}

/* The host tells of it no more while it is somebody's: it goes when it is given back. */
static void test_a_device_that_vanished(void **state)
{
	(void)state;
	host_with_vfs("lab1", 2);
	assert_true(site_claim("server", "direct=net"));
	assert_true(claim("server", "late", "direct", true));
	host_with_vfs("lab1", 1);
	assert_int_equal(site_count("SELECT count(*) FROM device WHERE state = 'missing'"), 1);
	release("server", "late");
	assert_int_equal(site_count("SELECT count(*) FROM device WHERE state = 'missing'"), 0);
	assert_int_equal(site_count("SELECT count(*) FROM device"), 2);
	assert_false(claim("server", "late", "direct", true));
}

/* Two PFs that the IOMMU cannot tell apart go to a guest together, when it is made. */
static void test_devices_with_mates_are_not_for_later(void **state)
{
	struct site_host host = {.name = "lab1",
				 .vcpus = 4,
				 .memory_mb = 4096,
				 .more = "\"iommu_group_mates\":\"grant\","};

	(void)state;
	site_device(&host, "0000:21:00.0", "8086:10c9", "type-PF", NULL, "net", 0, "\"iommu_group\":7");
	site_device(&host, "0000:21:00.1", "8086:10c9", "type-PF", NULL, "net", 0, "\"iommu_group\":7");
	site_card(&host, "0000:31", 1, "other", 0);
	assert_non_null(site_report(&host));
	assert_true(site_claim("server", "direct=other"));
	assert_false(claim("server", "late", "direct-physical", true));
	assert_non_null(strstr(why.data, "IOMMU group"));
	assert_true(site_claim("another", "direct-physical=net"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_device_comes_and_goes),
		TEST(test_none_left),
		TEST(test_an_undone_claim_is_free_again),
		TEST(test_a_device_that_vanished),
		TEST(test_devices_with_mates_are_not_for_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
