/* Tests of networks with several segments: how they are asked for and shown, /v2.0/segments, subnets on them,
 * and which one a port is bound on. */
#include "cloud.h"

#define TWO \
	"'segments': [{'provider:network_type': 'vlan', 'provider:physical_network': 'physnet_a', " \
	"'provider:segmentation_id': 101}, {'provider:network_type': 'vlan', " \
	"'provider:physical_network': 'physnet_b', 'provider:segmentation_id': 201}]"

static const char *network;

static int set_up(void **state)
{
	struct error err;

	cloud_set_up(state);
	assert_true(network_agent_report(cloud_db, "h1", "{\"physnet_a\": [\"p1\"]}", 0, NULL, &err));
	assert_true(network_agent_report(cloud_db, "h2", "{\"physnet_b\": [\"p1\"]}", 0, NULL, &err));
	assert_true(network_agent_report(cloud_db, "both",
					 "{\"physnet_a\": [\"p1\"], \"physnet_b\": [\"p2\"]}", 0, NULL,
					 &err));
	network = make(ADMIN, "network", TWO);
	return 0;
}

/* The id of the network's n-th segment. */
static const char *segment(int n)
{
	assert_int_equal(cloud_call(ADMIN, "GET", text("/segments?network_id=%s", network), NULL), 200);
	return cloud_at(text("/segments/%d/id", n));
}

static const char *subnet_on(int n, const char *cidr)
{
	return make(ADMIN, "subnet",
		    text("'network_id': '%s', 'ip_version': 4, 'cidr': '%s', 'segment_id': '%s'", network,
			 cidr, segment(n)));
}

static void several_show_as_segments(void **state)
{
	(void)state;
	const char *path = text("/networks/%s", network);

	assert_int_equal(cloud_call(ADMIN, "GET", path, NULL), 200);
	assert_int_equal(cloud_size("/network/segments"), 2);
	assert_at("/network/segments/1/provider:segmentation_id", "201");
	assert_at("/network/provider:network_type", "");
	assert_int_equal(cloud_call(ADMIN, "PUT", path, "{'network': {'shared': true}}"), 200);
	assert_int_equal(cloud_call(MEMBER, "GET", path, NULL), 200);
	assert_at("/network/segments", "");
	make(ADMIN, "network",
	     "'segments': [{'provider:network_type': 'vxlan', 'provider:segmentation_id': 9}]");
	assert_at("/network/segments", "");
	assert_at("/network/provider:segmentation_id", "9");
	assert_at("/network/provider:physical_network", "null");
	assert_at("/network/mtu", "1450");
	/* The smallest of all. */
	make(ADMIN, "network",
	     "'segments': [{'provider:network_type': 'vlan', 'provider:physical_network': 'physnet_a'}, "
	     "{'provider:network_type': 'vxlan'}]");
	assert_at("/network/mtu", "1450");
}

/* Two wishes that leave the id open get two ids. */
static void ids_that_are_left_open(void **state)
{
	(void)state;
	make(ADMIN, "network",
	     "'segments': [{'provider:network_type': 'vlan', 'provider:physical_network': 'physnet_a'}, "
	     "{'provider:network_type': 'vlan', 'provider:physical_network': 'physnet_a'}]");
	int a = atoi(cloud_at("/network/segments/0/provider:segmentation_id")),
	    b = atoi(cloud_at("/network/segments/1/provider:segmentation_id"));
	assert_int_equal(a + b, 202); /* 100 and 102: 101 is taken */
	/* There is none left, and nothing of the attempt stays. */
	refused(503, "NoNetworkAvailable", ADMIN, "POST", "/networks",
		"{'network': {'segments': [{'provider:network_type': 'vxlan', 'provider:segmentation_id': "
		"77}, "
		"{'provider:network_type': 'vlan', 'provider:physical_network': 'physnet_a'}]}}");
	make(ADMIN, "network", "'provider:network_type': 'vxlan', 'provider:segmentation_id': 77");
}

static void bad_wishes(void **state)
{
	static const char *const bad[][2] = {
		{"SegmentsSetInConjunctionWithProviders", TWO ", 'provider:network_type': 'vxlan'"},
		{"SegmentsContainDuplicateEntry",
		 "'segments': [{'provider:network_type': 'vxlan', 'provider:segmentation_id': 5}, "
		 "{'provider:network_type': 'vxlan', 'provider:segmentation_id': 5}]"},
		{"InvalidInput", "'segments': ['vlan']"},
		{"InvalidInput", "'segments': [{}]"},
		{"HTTPBadRequest", "'segments': [{'provider:network_type': 'vxlan', 'x': 1}]"},
		{"HTTPBadRequest", "'segments': 'vlan'"},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(bad); i++)
		refused(400, bad[i][0], ADMIN, "POST", "/networks", text("{'network': {%s}}", bad[i][1]));
	refused(403, "PolicyNotAuthorized", MEMBER, "POST", "/networks", "{'network': {" TWO "}}");
	refused(409, "VlanIdInUse", ADMIN, "POST", "/networks", "{'network': {" TWO "}}");
	refused(400, "InvalidInput", ADMIN, "PUT", text("/networks/%s", network),
		"{'network': {'provider:segmentation_id': 102}}");
	refused(400, "InvalidInput", ADMIN, "PUT", text("/networks/%s", network), "{'network': {" TWO "}}");
}

static void the_segments_api(void **state)
{
	(void)state;
	const char *first = segment(0), *path = text("/segments/%s", first);

	assert_int_equal(cloud_size("/segments"), 2);
	assert_at("/segments/0/network_type", "vlan");
	assert_at("/segments/0/physical_network", "physnet_a");
	assert_at("/segments/0/name", "null");
	const char *third = make(ADMIN, "segment",
				 text("'network_id': '%s', 'network_type': 'vlan', 'physical_network': "
				      "'physnet_b', 'segmentation_id': 202, 'name': 'third'",
				      network));
	assert_int_equal(cloud_call(ADMIN, "GET", text("/networks/%s", network), NULL), 200);
	assert_at("/network/segments/2/provider:segmentation_id", "202");
	assert_int_equal(cloud_call(ADMIN, "PUT", path, "{'segment': {'name': 'one', 'description': 'd'}}"),
			 200);
	assert_at("/segment/name", "one");
	assert_int_equal(cloud_call(ADMIN, "PUT", path, "{'segment': {'name': null}}"), 200);
	assert_at("/segment/name", "null");
	assert_at("/segment/description", "d");
	refused(400, "HTTPBadRequest", ADMIN, "PUT", path, "{'segment': {'segmentation_id': 5}}");
	refused(409, "VlanIdInUse", ADMIN, "POST", "/segments",
		text("{'segment': {'network_id': '%s', 'network_type': 'vlan', 'physical_network': "
		     "'physnet_b', "
		     "'segmentation_id': 202}}",
		     network));
	refused(400, "HTTPBadRequest", ADMIN, "POST", "/segments", "{'segment': {'network_type': 'vlan'}}");
	refused(404, "NetworkNotFound", ADMIN, "POST", "/segments",
		"{'segment': {'network_id': '11111111-2222-3333-4444-555555555555', 'network_type': "
		"'vxlan'}}");
	/* A tunnel carries less than the network promises. */
	refused(409, "Conflict", ADMIN, "POST", "/segments",
		text("{'segment': {'network_id': '%s', 'network_type': 'vxlan'}}", network));
	assert_int_equal(cloud_call(ADMIN, "DELETE", text("/segments/%s", third), NULL), 204);
	refused(404, "SegmentNotFound", ADMIN, "DELETE", text("/segments/%s", third), NULL);
	refused(404, "SegmentNotFound", MEMBER, "GET", path, NULL);
	refused(403, "PolicyNotAuthorized", MEMBER, "DELETE", path, NULL);
	refused(403, "PolicyNotAuthorized", MEMBER, "POST", "/segments", "{'segment': {}}");
	assert_int_equal(cloud_call(MEMBER, "GET", "/segments", NULL), 200);
	assert_at("/segments", "[]");
	/* The ids are free again when the network goes. */
	assert_int_equal(cloud_call(ADMIN, "DELETE", text("/networks/%s", network), NULL), 204);
	make(ADMIN, "network", TWO);
}

static void a_segment_in_use_stays(void **state)
{
	(void)state;
	const char *first = segment(0), *second = segment(1);

	subnet_on(1, "10.0.0.0/24");
	refused(409, "SegmentInUse", ADMIN, "DELETE", text("/segments/%s", second), NULL);
	make(ADMIN, "port",
	     text("'network_id': '%s', 'binding:vnic_type': 'direct', 'fixed_ips': [], 'binding:host_id': "
		  "'h1'",
		  network));
	refused(409, "SegmentInUse", ADMIN, "DELETE", text("/segments/%s", first), NULL);
	const char *lone = make(ADMIN, "network", "'provider:network_type': 'vxlan'");
	assert_int_equal(cloud_call(ADMIN, "GET", text("/segments?network_id=%s", lone), NULL), 200);
	refused(409, "SegmentInUse", ADMIN, "DELETE", text("/segments/%s", cloud_at("/segments/0/id")), NULL);
}

static void subnets_on_segments(void **state)
{
	(void)state;
	const char *first = segment(0), *second = segment(1), *id = subnet_on(0, "10.0.0.0/24");

	assert_at("/subnet/segment_id", first);
	assert_int_equal(cloud_call(ADMIN, "GET", text("/networks/%s", network), NULL), 200);
	assert_at("/network/l2_adjacency", "false");
	refused(400, "SubnetsNotAllAssociatedWithSegments", ADMIN, "POST", "/subnets",
		text("{'subnet': {'network_id': '%s', 'ip_version': 4, 'cidr': '10.1.0.0/24'}}", network));
	refused(404, "SegmentNotFound", ADMIN, "POST", "/subnets",
		text("{'subnet': {'network_id': '%s', 'ip_version': 4, 'cidr': '10.1.0.0/24', 'segment_id': "
		     "'%s'}}",
		     network, network));
	const char *lone = make(ADMIN, "network", "'provider:network_type': 'vxlan'");
	refused(400, "NetworkIdsDontMatch", ADMIN, "POST", "/subnets",
		text("{'subnet': {'network_id': '%s', 'ip_version': 4, 'cidr': '10.1.0.0/24', 'segment_id': "
		     "'%s'}}",
		     lone, second));
	refused(409, "SubnetSegmentAssociationChangeNotAllowed", ADMIN, "PUT", text("/subnets/%s", id),
		text("{'subnet': {'segment_id': '%s'}}", second));
	refused(409, "SubnetSegmentAssociationChangeNotAllowed", ADMIN, "PUT", text("/subnets/%s", id),
		"{'subnet': {'segment_id': null}}");
	/* The only subnet of a network may be put on a segment later. */
	id = make(ADMIN, "subnet", text("'network_id': '%s', 'ip_version': 4, 'cidr': '10.1.0.0/24'", lone));
	assert_int_equal(cloud_call(ADMIN, "GET", text("/segments?network_id=%s", lone), NULL), 200);
	const char *its = cloud_at("/segments/0/id");
	assert_int_equal(cloud_call(ADMIN, "PUT", text("/subnets/%s", id),
				    text("{'subnet': {'segment_id': '%s'}}", its)),
			 200);
	assert_at("/subnet/segment_id", its);
	refused(403, "PolicyNotAuthorized", MEMBER, "POST", "/subnets",
		text("{'subnet': {'network_id': '%s', 'ip_version': 4, 'cidr': '10.2.0.0/24', 'segment_id': "
		     "'%s'}}",
		     make(MEMBER, "network", ""), its));
}

/* MD-5: the VLAN that a new port is bound on at this host, or its vif_type if it is not. */
static const char *bound(const char *host, const char *fixed_ips)
{
	make(ADMIN, "port",
	     text("'network_id': '%s', 'binding:vnic_type': 'direct', 'fixed_ips': %s, 'binding:host_id': "
		  "'%s'",
		  network, fixed_ips, host));
	const char *vlan = cloud_at("/port/binding:vif_details/vlan");
	return *vlan ? vlan : cloud_at("/port/binding:vif_type");
}

static void a_port_is_bound_on_the_first_segment_that_fits(void **state)
{
	(void)state;
	assert_string_equal(bound("both", "[]"), "101");
	assert_string_equal(bound("h1", "[]"), "101");
	assert_string_equal(bound("h2", "[]"), "201");
	const char *second = text("[{'subnet_id': '%s'}]", subnet_on(1, "10.0.0.0/24"));
	assert_string_equal(bound("both", second), "201");
	assert_string_equal(bound("h1", second), "binding_failed");
	assert_string_equal(bound("h2", second), "201");
}

static void addresses_of_a_port_are_on_one_segment(void **state)
{
	(void)state;
	const char *a = subnet_on(0, "10.0.0.0/24"), *b = subnet_on(1, "10.0.1.0/24");
	const char *both = text("[{'subnet_id': '%s'}, {'subnet_id': '%s'}]", a, b);

	refused(400, "FixedIpsSubnetsNotOnSameSegment", ADMIN, "POST", "/ports",
		text("{'port': {'network_id': '%s', 'fixed_ips': %s}}", network, both));
	/* Any address is one of the first segment, and an IPv6 one of the same. */
	make(ADMIN, "subnet",
	     text("'network_id': '%s', 'ip_version': 6, 'cidr': 'fd00:1::/64', 'segment_id': '%s'", network,
		  segment(1)));
	make(ADMIN, "subnet",
	     text("'network_id': '%s', 'ip_version': 6, 'cidr': 'fd00:0::/64', 'segment_id': '%s'", network,
		  segment(0)));
	const char *port = make(ADMIN, "port", text("'network_id': '%s'", network));
	assert_int_equal(cloud_size("/port/fixed_ips"), 2);
	assert_at("/port/fixed_ips/0/ip_address", "10.0.0.2");
	assert_non_null(strstr(cloud_at("/port/fixed_ips/1/ip_address"), "fd00::"));
	refused(400, "FixedIpsSubnetsNotOnSameSegment", ADMIN, "PUT", text("/ports/%s", port),
		text("{'port': {'fixed_ips': %s}}", both));
	/* One that is bound stays on its segment. */
	assert_string_equal(bound("h1", text("[{'subnet_id': '%s'}]", a)), "101");
	refused(400, "FixedIpsSubnetsNotOnSameSegment", ADMIN, "PUT", text("/ports/%s", cloud_at("/port/id")),
		text("{'port': {'fixed_ips': [{'subnet_id': '%s'}]}}", b));
}

/* What compute and the scheduler see of a port that is not bound, and of one that is. */
static void compute_is_told_of_one_segment(void **state)
{
	(void)state;
	const char *b = subnet_on(1, "10.0.1.0/24");
	struct network_port port;
	struct error err;

	const char *any =
		make(ADMIN, "port",
		     text("'network_id': '%s', 'binding:vnic_type': 'direct', 'fixed_ips': []", network));
	assert_true(network_port_load(cloud_db, any, &port, &err));
	assert_string_equal(port.physical_network, "physnet_a");
	assert_int_equal(port.segmentation_id, 101);
	const char *second = make(ADMIN, "port",
				  text("'network_id': '%s', 'binding:vnic_type': 'direct', 'fixed_ips': "
				       "[{'subnet_id': '%s'}]",
				       network, b));
	assert_true(network_port_load(cloud_db, second, &port, &err));
	assert_string_equal(port.physical_network, "physnet_b");
	struct network_binding binding = {.server_id = "s", .host = "h2", .pci_slot = "0000:21:10.0"};
	assert_true(network_port_bind(cloud_db, second, &binding, &err));
	assert_int_equal(cloud_call(ADMIN, "GET", text("/ports/%s", second), NULL), 200);
	assert_at("/port/binding:vif_details/vlan", "201");
	assert_at("/port/binding:profile/physical_network", "physnet_b");
	assert_true(network_ports_release(cloud_db, "s", &err));
	assert_true(network_port_load(cloud_db, second, &port, &err));
	assert_string_equal(port.physical_network, "physnet_b");
	/* A tunnel in front of a VLAN is no place for a device. */
	network = make(ADMIN, "network",
		       "'segments': [{'provider:network_type': 'vxlan'}, {'provider:network_type': 'vlan', "
		       "'provider:physical_network': 'physnet_b', 'provider:segmentation_id': 205}]");
	any = make(ADMIN, "port", text("'network_id': '%s', 'binding:vnic_type': 'direct'", network));
	assert_true(network_port_load(cloud_db, any, &port, &err));
	assert_int_equal(port.segmentation_id, 205);
}

/* A database of before: the network's segment is in the new table, and its bound port on it. */
static void an_older_database_is_taken_over(void **state)
{
	struct error err = {0};
	struct network_port port;

	(void)state;
	struct store *now = cloud_db, *old = store_open(":memory:", STORE_WRITER, &err);
	assert_true(store_migrate(old, "network", network_migrations, 3, &err));
	assert_true(store_exec(old, &err,
			       "INSERT INTO network VALUES ('n', 'p', 'name', '', 1, 0, 0, 1, 1500, 'vlan', "
			       "'physnet_a', 101, 0, 0, 0)"));
	assert_true(store_exec(
		old, &err,
		"INSERT INTO port (id, network_id, project_id, name, description, mac_address, "
		"admin_state_up, port_security, status, device_id, device_owner, vnic_type, profile, "
		"host_id, "
		"vif_type, vif_details, pairs, revision, created_at, updated_at) VALUES ('port', 'n', 'p', "
		"'', '', 'm', 1, 1, '', 's', '', 'direct', '{}', 'h1', 'hw_veb', '{}', '[]', 0, 0, 0)"));
	assert_true(store_migrate(old, "network", network_migrations, network_migration_count, &err));
	cloud_db = old;
	assert_true(network_port_load(cloud_db, "port", &port, &err));
	assert_string_equal(port.physical_network, "physnet_a");
	assert_int_equal(port.segmentation_id, 101);
	assert_string_equal(port.segment_id, "n");
	refused(409, "VlanIdInUse", ADMIN, "POST", "/networks",
		"{'network': {'provider:network_type': 'vlan', 'provider:physical_network': 'physnet_a', "
		"'provider:segmentation_id': 101}}");
	cloud_db = now;
	store_close(old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, cloud_tear_down)
		TEST(several_show_as_segments),
		TEST(ids_that_are_left_open),
		TEST(bad_wishes),
		TEST(the_segments_api),
		TEST(a_segment_in_use_stays),
		TEST(subnets_on_segments),
		TEST(a_port_is_bound_on_the_first_segment_that_fits),
		TEST(addresses_of_a_port_are_on_one_segment),
		TEST(compute_is_told_of_one_segment),
		TEST(an_older_database_is_taken_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
