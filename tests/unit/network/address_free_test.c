/* The ranges of free addresses: always exactly what the pools have and no port holds. */
#include "../test.h"
#include "network/internal.h"

static struct store *db;
static struct error err;

static int open_subnet(void **state)
{
	(void)state;
	db = store_open(":memory:", STORE_WRITER, &err);
	assert_non_null(db);
	assert_true(store_migrate(db, "network", network_migrations, network_migration_count, &err));
	assert_true(store_exec(db, &err,
			       "INSERT INTO network (id, project_id, name, description, admin_state_up, "
			       "shared, external, port_security, mtu, revision, created_at, updated_at) "
			       "VALUES ('n', 'p', '', '', 1, 0, 0, 1, 1500, 0, 0, 0)"));
	assert_true(store_exec(
		db, &err,
		"INSERT INTO port (id, network_id, project_id, name, description, mac_address, "
		"admin_state_up, port_security, status, device_id, device_owner, vnic_type, profile, "
		"host_id, "
		"vif_type, vif_details, pairs, revision, created_at, updated_at) VALUES ('port', 'n', 'p', "
		"'', '', '', 1, 1, '', '', '', '', '', '', '', '', '', 0, 0, 0)"));
	return 0;
}

static int close_subnet(void **state)
{
	(void)state;
	store_close(db);
	return 0;
}

static void subnet(const char *pools)
{
	assert_true(store_exec(
		db, &err,
		"INSERT INTO subnet (id, network_id, project_id, name, description, ip_version, cidr, "
		"enable_dhcp, pools, dns_nameservers, host_routes, revision, created_at, updated_at) "
		"VALUES ('s', 'n', 'p', '', '', 4, '10.0.0.0/8', 0, ?1, '[]', '[]', 0, 0, 0)",
		V(pools)));
}

static const char *lowest(void)
{
	static char text[IP_TEXT];

	assert_true(address_free_lowest(db, "s", text, &err));
	return text;
}

static void take(const char *text)
{
	struct ip ip;

	assert_true(ip_parse(text, &ip));
	assert_true(address_free_take(db, "s", &ip, &err));
}

static void give(const char *text)
{
	assert_true(address_free_give(db, "s", text, &err));
}

/* The ranges as "first-last first-last" in their keys' digits. */
static const char *ranges(void)
{
	static char text[4000];
	struct store_rows rows = {0};

	*text = '\0';
	assert_true(
		store_query(db, &rows, &err, "SELECT first || '-' || last FROM address_free ORDER BY first"));
	while (store_next(&rows))
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", *text ? " " : "",
			 store_text(&rows, 0));
	assert_true(store_end(&rows, &err));
	return text;
}

static void test_pools_are_used_lowest_first_to_their_end(void **state)
{
	(void)state;
	subnet("[{\"start\":\"10.0.0.9\",\"end\":\"10.0.0.10\"},{\"start\":\"10.0.1.0\",\"end\":\"10.0.1.0\"}"
	       "]");
	assert_string_equal(lowest(), "10.0.0.9");
	take("10.0.0.9");
	assert_string_equal(lowest(), "10.0.0.10");
	take("10.0.0.10");
	assert_string_equal(lowest(), "10.0.1.0");
	take("10.0.1.0");
	assert_string_equal(lowest(), "");
	give("10.0.0.10");
	assert_string_equal(lowest(), "10.0.0.10");
}

static void test_what_is_outside_the_pools_is_left_alone(void **state)
{
	(void)state;
	subnet("[{\"start\":\"10.0.0.9\",\"end\":\"10.0.0.10\"}]");
	take("10.0.0.1");
	give("10.0.0.1");
	give("10.0.0.11");
	give("not an address");
	assert_string_equal(ranges(), "0a000009-0a00000a");
	give("10.0.0.9"); /* is free already */
	assert_string_equal(ranges(), "0a000009-0a00000a");
}

static void test_ranges_split_and_join(void **state)
{
	(void)state;
	subnet("[{\"start\":\"10.0.0.1\",\"end\":\"10.0.0.9\"}]");
	take("10.0.0.5");
	assert_string_equal(ranges(), "0a000001-0a000004 0a000006-0a000009");
	take("10.0.0.6");
	take("10.0.0.4");
	assert_string_equal(ranges(), "0a000001-0a000003 0a000007-0a000009");
	give("10.0.0.5");
	assert_string_equal(ranges(), "0a000001-0a000003 0a000005-0a000005 0a000007-0a000009");
	give("10.0.0.6");
	give("10.0.0.4");
	assert_string_equal(ranges(), "0a000001-0a000009");
}

static void test_the_ends_of_the_address_space(void **state)
{
	(void)state;
	subnet("[{\"start\":\"0.0.0.0\",\"end\":\"0.0.0.1\"},{\"start\":\"255.255.255.254\",\"end\":\"255."
	       "255."
	       "255.255\"}]");
	take("255.255.255.255");
	take("0.0.0.0");
	assert_string_equal(ranges(), "00000001-00000001 fffffffe-fffffffe");
	give("255.255.255.255");
	give("0.0.0.0");
	assert_string_equal(ranges(), "00000000-00000001 fffffffe-ffffffff");
}

static void test_ipv6(void **state)
{
	(void)state;
	subnet("[{\"start\":\"fd00::fffe\",\"end\":\"fd00::ffff:ffff\"}]");
	take("fd00::fffe");
	take("fd00::ffff");
	assert_string_equal(lowest(), "fd00::1:0");
	give("fd00::ffff");
	assert_string_equal(lowest(), "fd00::ffff");
}

static void test_a_subnet_of_before_learns_what_is_free(void **state)
{
	(void)state;
	subnet("[{\"start\":\"10.0.0.1\",\"end\":\"10.0.0.9\"}]");
	assert_true(store_exec(db, &err,
			       "INSERT INTO address VALUES ('port', 's', '10.0.0.1'), ('port', 's', "
			       "'10.0.0.3'), ('port', 's', '10.0.0.77')"));
	give("10.0.0.3"); /* nothing is known yet */
	assert_string_equal(ranges(), "");
	assert_string_equal(lowest(), "10.0.0.2");
	assert_string_equal(ranges(), "0a000002-0a000002 0a000004-0a000009");
	assert_true(addresses_release(db, "port", &err));
	assert_string_equal(ranges(), "0a000001-0a000009");
}

/* Any order of taking and giving leaves what a plain list of all addresses would. */
static void test_any_order(void **state)
{
	bool taken[64] = {0};
	char text[32];

	(void)state;
	subnet("[{\"start\":\"10.0.0.0\",\"end\":\"10.0.0.63\"}]");
	for (int step = 0; step < 2000; step++) {
		int which = rand() % 64, first = 0, rows = 0;

		snprintf(text, sizeof text, "10.0.0.%d", which);
		(taken[which] ? give : take)(text);
		taken[which] = !taken[which];
		while (first < 64 && taken[first])
			first++;
		snprintf(text, sizeof text, "10.0.0.%d", first);
		assert_string_equal(lowest(), first < 64 ? text : "");
		for (int i = 0; i < 64; i++)
			rows += !taken[i] && (i == 0 || taken[i - 1]);
		assert_int_equal((strlen(ranges()) + 1) / 18, rows);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_subnet, close_subnet)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pools_are_used_lowest_first_to_their_end),
		TEST(test_what_is_outside_the_pools_is_left_alone),
		TEST(test_ranges_split_and_join),
		TEST(test_the_ends_of_the_address_space),
		TEST(test_ipv6),
		TEST(test_a_subnet_of_before_learns_what_is_free),
		TEST(test_any_order),
	};

	srand(1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
