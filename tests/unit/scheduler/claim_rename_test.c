/* Claims that go on under another name. */
#include "site.h"

#include "base/memory.h"
#include "numa/guest.h"

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

static void host_with_vfs(const char *name, int vfs)
{
	struct site_host host = {.name = name, .vcpus = 4, .memory_mb = 4096};

	site_card(&host, "0000:21", vfs, "net", 0);
	assert_non_null(site_report(&host));
}

static void rename_to(const char *from, const char *to)
{
	assert_true(store_transaction_begin(db, &err));
	if (!scheduler_claim_rename(db, from, to, &err))
		fail_msg("%s", err.message);
	assert_true(store_transaction_commit(db, &err));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* The server has room elsewhere, what it had is still nobody else's, and goes back with its new name. */
static void test_second_claim(void **state)
{
	(void)state;
	host_with_vfs("lab1", 1);
	assert_true(site_claim("server", "direct=net memory=1000"));
	rename_to("server", "left");
	assert_false(site_claim("other", "direct=net"));
	host_with_vfs("lab2", 1);
	assert_true(site_claim("server", "direct=net memory=2000"));
	assert_string_equal(grant.host_name, "lab2");
	assert_false(site_claim("other", "direct=net"));
	assert_int_equal(site_count("SELECT count(*) FROM claim"), 2);

	/* a restart reads the same */
	assert_true(scheduler_load(db, &err));
	assert_false(site_claim("other", "direct=net"));
	site_release("left");
	assert_true(site_claim("other", "direct=net"));
	assert_string_equal(grant.host_name, "lab1");
	assert_int_equal(site_count("SELECT sum(memory_mb_used) FROM host_state"), 2000 + 64);
	assert_int_equal(site_count("SELECT sum(servers) FROM host_state"), 2);
}

static void test_same_devices(void **state)
{
	struct scheduler_device *devices;
	size_t count;

	(void)state;
	host_with_vfs("lab1", 3);
	assert_true(site_claim("server", "direct=net direct=net"));
	rename_to("server", "left");
	assert_true(scheduler_devices_of_server(db, "left", &devices, &count, &err));
	assert_int_equal(count, 2);
	assert_string_equal(devices[1].address, "0000:21:10.1");
	assert_string_equal(devices[1].port_id, "port-1");
	free(devices);
	assert_true(scheduler_devices_of_server(db, "server", &devices, &count, &err));
	assert_int_equal(count, 0);
	free(devices);
}

/* CPUs that are one guest's alone. */
static void test_cpus(void **state)
{
	static const char inventory[] =
		"{\"vcpus\":4,\"memory_mb\":4096,\"disk_gb\":10,\"devices\":[],\"cells\":[{\"id\":0,"
		"\"socket\":0,\"cpus\":\"0-3\",\"shared\":\"0-1\",\"dedicated\":\"2-3\",\"siblings\":[],"
		"\"memory_mb\":4096,\"hugepages\":[]}]}";
	_cleanup_free_ struct numa_guest *guest = memory_alloc(sizeof *guest);
	struct scheduler_request request = {.server_id = "server",
					    .vcpus = 2,
					    .memory_mb = 64,
					    .numa = guest};
	yyjson_doc *doc = yyjson_read(inventory, strlen(inventory), 0);
	_cleanup_free_ char *json = NULL;
	char id[37];

	(void)state;
	*guest = (struct numa_guest){.cell_count = 1, .vcpus = 2, .cpu_policy = NUMA_CPU_DEDICATED};
	for (int i = 0; i < 2; i++) {
		cpu_set_add(&guest->cells[0].vcpus, i);
		cpu_set_add(&guest->cells[0].dedicated, i);
	}
	guest->cells[0].memory_mb = 64;
	assert_true(store_transaction_begin(db, &err));
	assert_true(scheduler_host_join(db, "lab1", "hash", id, &err));
	if (!scheduler_host_report(db, id, yyjson_doc_get_root(doc), &err) ||
	    !scheduler_claim(db, &request, &grant, &refusals, &err))
		fail_msg("%s %s", err.message, refusals.data ? refusals.data : "");
	assert_true(scheduler_claim_rename(db, "server", "left", &err));
	assert_int_equal(site_count("SELECT count(*) FROM cpu_claim WHERE server_id = 'left'"), 2);
	assert_true(scheduler_numa_of_server(db, "left", &json, &err));
	assert_non_null(strstr(json, "\"2-3\""));
	assert_false(scheduler_claim(db, &request, &grant, &refusals, &err));
	assert_true(scheduler_release(db, "left", &err));
	assert_true(scheduler_claim(db, &request, &grant, &refusals, &err));
	assert_true(store_transaction_commit(db, &err));
	yyjson_doc_free(doc);
}

/* Undone, the claim has its old name; nothing claimed is fine; a name that is taken is not. */
static void test_undone(void **state)
{
	(void)state;
	host_with_vfs("lab1", 2);
	assert_true(site_claim("server", "direct=net"));
	assert_true(store_transaction_begin(db, &err));
	assert_true(scheduler_claim_rename(db, "server", "left", &err));
	store_transaction_undo(db);
	site_release("left");
	assert_int_equal(site_count("SELECT count(*) FROM device_claim WHERE server_id = 'server'"), 1);

	rename_to("nobody", "left");
	assert_int_equal(site_count("SELECT count(*) FROM claim"), 1);

	assert_true(site_claim("second", "direct=net"));
	assert_true(store_transaction_begin(db, &err));
	assert_false(scheduler_claim_rename(db, "server", "second", &err));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	assert_string_equal(err.message, "second has a claim already.");
	assert_true(store_transaction_commit(db, &err));
	assert_int_equal(site_count("SELECT count(*) FROM device_claim WHERE server_id = 'second'"), 1);
}

/* A server that moves: two claims at once, which change names; each host counts what it has all along. */
static void test_swap(void **state)
{
	struct scheduler_device *devices;
	char source[37];
	size_t count;

	(void)state;
	host_with_vfs("lab1", 2);
	host_with_vfs("lab2", 1);
	assert_true(site_claim("server", "direct=net host=lab1 vcpus=1 memory=100"));
	strcpy(source, grant.host_id);
	assert_true(site_claim("move", "direct=net host=lab2 vcpus=2 memory=200"));
	for (int i = 0; i < 3; i++) {
		assert_true(store_transaction_begin(db, &err));
		assert_true(scheduler_claims_swap(db, "server", "move", &err));
		assert_true(store_transaction_commit(db, &err));
	}
	assert_int_equal(site_count("SELECT vcpus FROM claim WHERE server_id = 'server'"), 2);
	assert_int_equal(site_count("SELECT vcpus FROM claim WHERE server_id = 'move'"), 1);
	assert_int_equal(site_count("SELECT count(*) FROM claim"), 2);
	assert_true(scheduler_devices_of_server(db, "server", &devices, &count, &err));
	assert_int_equal(count, 1);
	free(devices);
	/* Both devices are taken, and the fleet knows. */
	assert_true(site_claim("other", "direct=net"));
	assert_string_equal(grant.host_id, source);
	assert_false(site_claim("one too many", "direct=net"));
	site_release("move");
	assert_true(site_claim("again", "direct=net"));
	assert_string_equal(grant.host_id, source);
	site_release("server");
	assert_int_equal(
		site_count("SELECT sum(vcpus_used) FROM host_state WHERE memory_mb_used = 0 AND servers = 0"),
		0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_second_claim), TEST(test_same_devices), TEST(test_cpus),
		TEST(test_undone),	 TEST(test_swap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
