/* Tests of the type drivers: what the configuration allows, and which segment a network gets. */
#include "cloud.h"

/* --- the configuration --- */

static bool settings(const char *ranges, struct error *err)
{
	struct config *config = config_new();
	_cleanup_free_ char *ini = memory_printf("[ml2_type_vlan]\nnetwork_vlan_ranges = %s\n", ranges);
	bool ok = config_read_text(config, "test", ini, err) && network_settings_read(config, err);

	config_free(config);
	return ok;
}

static void reads_vlan_ranges(void **state)
{
	const struct vlan_range *range = network_settings.ranges;
	struct error err;

	(void)state;
	assert_true(settings("a:10:20, b ,a:30:30,c:1:4094", &err));
	assert_int_equal(network_settings.range_count, 4);
	assert_string_equal(range[0].physical_network, "a");
	assert_int_equal(range[0].first, 10);
	assert_int_equal(range[0].last, 20);
	assert_string_equal(range[1].physical_network, "b");
	assert_int_equal(range[1].first, 1);
	assert_int_equal(range[1].last, 4094);
	assert_int_equal(range[2].first, 30);
	assert_int_equal(range[2].last, 30);
	assert_int_equal(range[3].last, 4094);
	assert_true(settings("", &err));
	assert_int_equal(network_settings.range_count, 0);
}

static void refuses_bad_vlan_ranges(void **state)
{
	static const char *const bad[] = {
		"a:10",	       "a:10:20:30",
		":10:20",      "a::20",
		"a:10:",       "a:0:20",
		"a:10:4095",   "a:20:10",
		"a:x:20",      "a:10:0x20",
		"a:-1:20",     "a:1.5:20",
		"a:10:20,b:5", "name-of-65-characters-0123456789012345678901234567890123456789012345:1:2",
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(bad); i++) {
		struct error err = {0};

		if (settings(bad[i], &err))
			fail_msg("%s is taken", bad[i]);
		assert_non_null(strstr(err.message, "network_vlan_ranges"));
	}
}

/* --- which segment a network gets --- */

#define VLAN_ON(physnet) "'provider:network_type': 'vlan', 'provider:physical_network': '" physnet "'"
#define FLAT		 "'provider:network_type': 'flat'"
#define ID		 "'provider:segmentation_id'"

static void assert_segment(const char *type, const char *physnet, const char *id)
{
	assert_at("/network/provider:network_type", type);
	assert_at("/network/provider:physical_network", physnet);
	if (id)
		assert_at("/network/provider:segmentation_id", id);
}

/* VL-14: an administrator may take any id of a known physical network. */
static void takes_the_id_that_is_given(void **state)
{
	(void)state;
	cloud_open(CLOUD_SETTINGS);
	make(ADMIN, "network", VLAN_ON("physnet_a") ", " ID ": 101");
	assert_segment("vlan", "physnet_a", "101");
	make(ADMIN, "network", VLAN_ON("physnet_a") ", " ID ": '3000'");
	assert_segment("vlan", "physnet_a", "3000");
	make(ADMIN, "network", VLAN_ON("physnet_b") ", " ID ": 101");
	assert_segment("vlan", "physnet_b", "101");
}

/* VL-10, VL-11, VL-16: each id of the range once, none of another range, then none at all. */
static void chooses_free_ids_until_there_are_none(void **state)
{
	bool seen[3] = {0};
	const char *ids[3];

	(void)state;
	cloud_open(CLOUD_SETTINGS);
	for (int i = 0; i < 3; i++) {
		ids[i] = make(ADMIN, "network", VLAN_ON("physnet_a"));
		int id = atoi(cloud_at("/network/provider:segmentation_id"));
		assert_in_range(id, 100, 102);
		assert_false(seen[id - 100]);
		seen[id - 100] = true;
	}
	refused(503, "NoNetworkAvailable", ADMIN, "POST", "/networks",
		"{'network': {" VLAN_ON("physnet_a") "}}");
	/* One that goes gives its id back (VL-20). */
	assert_int_equal(cloud_call(ADMIN, "DELETE", text("/networks/%s", ids[1]), NULL), 204);
	make(ADMIN, "network", VLAN_ON("physnet_a"));
	assert_segment("vlan", "physnet_a", NULL);
}

/* VL-17: no physical network given: any that has an id free. */
static void chooses_a_physical_network(void **state)
{
	(void)state;
	cloud_open(CLOUD_SETTINGS);
	for (int i = 0; i < 13; i++)
		make(ADMIN, "network", "'provider:network_type': 'vlan'");
	refused(503, "NoNetworkAvailable", ADMIN, "POST", "/networks",
		"{'network': {'provider:network_type': 'vlan'}}");
}

static void refuses_bad_segments(void **state)
{
	static const char *const bad[] = {
		VLAN_ON("nosuch"),
		VLAN_ON("physnet_a") ", " ID ": 0",
		VLAN_ON("physnet_a") ", " ID ": 4095",
		VLAN_ON("physnet_a") ", " ID ": -1",
		VLAN_ON("physnet_a") ", " ID ": -101",
		VLAN_ON("physnet_a") ", " ID ": 'abc'",
		"'provider:network_type': 'vlan', " ID ": 101",
		"'provider:physical_network': 'physnet_a'",
		ID ": 5",
		FLAT,
		FLAT ", 'provider:physical_network': 'physnet_a'",
		FLAT ", 'provider:physical_network': 'physnet_f', " ID ": 5",
		"'provider:network_type': 'vxlan', 'provider:physical_network': 'physnet_a'",
		"'provider:network_type': 'local', 'provider:physical_network': 'physnet_a'",
		"'provider:network_type': 'vxlan', " ID ": 0",
		"'provider:network_type': 'flat', 'provider:physical_network': 'physnet_f', " ID ": -1",
		"'provider:network_type': 'nosuch'",
		"'provider:network_type': 'gre'",
	};

	(void)state;
	cloud_open(CLOUD_SETTINGS);
	for (size_t i = 0; i < ELEMENTS_OF(bad); i++)
		refused(400, "InvalidInput", ADMIN, "POST", "/networks", text("{'network': {%s}}", bad[i]));
}

/* VL-18, FL-2. */
static void refuses_what_is_taken(void **state)
{
	(void)state;
	cloud_open(CLOUD_SETTINGS);
	make(ADMIN, "network", VLAN_ON("physnet_a") ", " ID ": 101");
	refused(409, "VlanIdInUse", ADMIN, "POST", "/networks",
		"{'network': {" VLAN_ON("physnet_a") ", " ID ": 101}}");
	make(ADMIN, "network", FLAT ", 'provider:physical_network': 'physnet_f'");
	assert_segment("flat", "physnet_f", "null");
	refused(409, "FlatNetworkInUse", ADMIN, "POST", "/networks",
		"{'network': {" FLAT ", 'provider:physical_network': 'physnet_f'}}");
	make(ADMIN, "network", "'provider:network_type': 'vxlan', " ID ": 7");
	refused(409, "TunnelIdInUse", ADMIN, "POST", "/networks",
		"{'network': {'provider:network_type': 'vxlan', " ID ": 7}}");
}

/* FL-1: no option and "*" mean any, an empty list none. */
static void reads_flat_networks(void **state)
{
	static const struct {
		const char *option;
		int status;
	} cases[] = {{"", 201},
		     {"[ml2_type_flat]\nflat_networks = *\n", 201},
		     {"[ml2_type_flat]\nflat_networks = x,y\n", 201},
		     {"[ml2_type_flat]\nflat_networks = y\n", 400},
		     {"[ml2_type_flat]\nflat_networks =\n", 400}};

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
		cloud_open(cases[i].option);
		assert_int_equal(cloud_call(ADMIN, "POST", "/networks",
					    "{'network': {" FLAT ", 'provider:physical_network': 'x'}}"),
				 cases[i].status);
	}
}

/* VL-9: the tenant's types in order, and in the order of the configuration. */
static void tenant_networks(void **state)
{
	(void)state;
	cloud_open("[ml2]\nproject_network_types = vlan,vxlan\n"
		   "[ml2_type_vlan]\nnetwork_vlan_ranges = b:5:5,a:7:7\n"
		   "[ml2_type_vxlan]\nvni_ranges = 9:9\n");
	make(ADMIN, "network", "");
	assert_segment("vlan", "b", "5");
	make(ADMIN, "network", "");
	assert_segment("vlan", "a", "7");
	make(ADMIN, "network", "");
	assert_segment("vxlan", "null", "9");
	refused(503, "NoNetworkAvailable", ADMIN, "POST", "/networks", "{'network': {}}");
	/* Flat networks are nobody's, whatever the list says (FL-2). */
	cloud_open("[ml2]\ntenant_network_types = flat,local\n");
	make(ADMIN, "network", "");
	assert_segment("local", "null", "null");
	/* An ordinary user's network has a segment but shows none (PR-1). */
	cloud_open(CLOUD_SETTINGS);
	make(MEMBER, "network", "");
	assert_at("/network/provider:network_type", "");
	refused(403, "PolicyNotAuthorized", MEMBER, "POST", "/networks",
		"{'network': {" VLAN_ON("physnet_a") "}}");
}

/* What is not loaded is as if it were not there. */
static void reads_type_drivers(void **state)
{
	struct config *config = config_new();
	struct error err = {0};

	(void)state;
	cloud_open("[ml2]\ntype_drivers = flat,vxlan\nproject_network_types = vxlan\n");
	make(ADMIN, "network", "'provider:network_type': 'vxlan'");
	refused(400, "InvalidInput", ADMIN, "POST", "/networks",
		"{'network': {'provider:network_type': 'local'}}");
	assert_true(config_read_text(config, "test",
				     "[ml2]\ntype_drivers = vlan\ntenant_network_types = gre\n", &err));
	assert_false(network_settings_read(config, &err));
	assert_non_null(strstr(err.message, "'gre'"));
	config_free(config);
}

static void reads_vni_ranges(void **state)
{
	static const char *const bad[] = {"5", "0:5", "5:4", "1:16777216", "a:b"};

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(bad); i++) {
		struct config *config = config_new();
		struct error err = {0};

		assert_true(config_read_text(config, "test",
					     text("[ml2_type_vxlan]\nvni_ranges = %s\n", bad[i]), &err));
		if (network_settings_read(config, &err))
			fail_msg("%s is taken", bad[i]);
		config_free(config);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_vlan_ranges),
		cmocka_unit_test(refuses_bad_vlan_ranges),
		cmocka_unit_test(takes_the_id_that_is_given),
		cmocka_unit_test(chooses_free_ids_until_there_are_none),
		cmocka_unit_test(chooses_a_physical_network),
		cmocka_unit_test(refuses_bad_segments),
		cmocka_unit_test(refuses_what_is_taken),
		cmocka_unit_test(reads_flat_networks),
		cmocka_unit_test(tenant_networks),
		cmocka_unit_test(reads_type_drivers),
		cmocka_unit_test(reads_vni_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, cloud_tear_down);
}
