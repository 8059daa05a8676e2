/* Tests of ports: addresses, MAC, vNIC types, who may do what, use, quota. */
#include "cloud.h"

static const char *network, *subnet, *port_body;

static int set_up(void **state)
{
	cloud_set_up(state);
	network = make(MEMBER, "network", "");
	subnet = make(MEMBER, "subnet",
		      text("'network_id': '%s', 'ip_version': 4, 'cidr': '10.0.0.0/24', "
			   "'allocation_pools': [{'start': '10.0.0.10', 'end': '10.0.0.12'}]",
			   network));
	port_body = text("'network_id': '%s'", network);
	return 0;
}

static int tear_down(void **state)
{
	return cloud_tear_down(state);
}

static const char *with(const char *members)
{
	return text("'network_id': '%s', %s", network, members);
}

static int put(const char *token, const char *id, const char *members)
{
	return cloud_call(token, "PUT", text("/ports/%s", id), text("{'port': {%s}}", members));
}

static void erase(const char *id)
{
	assert_int_equal(cloud_call(ADMIN, "DELETE", text("/ports/%s", id), NULL), 204);
}

#define post_refused(status, type, token, members) \
	refused(status, type, token, "POST", "/ports", text("{'port': {%s}}", with(members)))
#define put_refused(status, type, token, id, members) \
	refused(status, type, token, "PUT", text("/ports/%s", id), text("{'port': {%s}}", members))

#define assert_address(wanted) assert_at("/port/fixed_ips/0/ip_address", wanted)

static void shows_what_was_asked(void **state)
{
	(void)state;
	make(MEMBER, "port", with("'name': 'a', 'device_id': 'd', 'admin_state_up': false"));
	assert_at("/port/name", "a");
	assert_at("/port/device_id", "d");
	assert_at("/port/admin_state_up", "false");
	assert_at("/port/status", "DOWN");
	assert_at("/port/binding:vnic_type", "normal");
	assert_at("/port/port_security_enabled", "true");
	assert_at("/port/ip_allocation", "immediate");
	assert_at("/port/tenant_id", "p1");
	assert_int_equal(cloud_size("/port/security_groups"), 1);
	assert_int_equal(strncmp(cloud_at("/port/mac_address"), "fa:16:3e:", 9), 0);
	assert_at("/port/binding:host_id", ""); /* not a user's to see */
	assert_at("/port/binding:profile", "");
	assert_int_equal(cloud_call(ADMIN, "GET", text("/ports?device_id=d"), NULL), 200);
	assert_at("/ports/0/binding:vif_type", "unbound");
	assert_at("/ports/0/binding:profile", "{}");
}

static void what_a_device_should_be_like(void **state)
{
	const char *id;

	(void)state;
	id = make(MEMBER, "port", with("'numa_affinity_policy': 'required'"));
	assert_at("/port/numa_affinity_policy", "required");
	assert_at("/port/propagate_uplink_status", "true");
	assert_int_equal(put(MEMBER, id, "'numa_affinity_policy': null, 'propagate_uplink_status': false"),
			 200);
	assert_at("/port/numa_affinity_policy", "null");
	assert_at("/port/propagate_uplink_status", "false");
	put_refused(400, "HTTPBadRequest", MEMBER, id, "'numa_affinity_policy': 'near'");
	post_refused(400, "HTTPBadRequest", MEMBER, "'numa_affinity_policy': 'Required'");
	/* Trust is the administrator's, and the same thing as the profile's key. */
	put_refused(403, "PolicyNotAuthorized", MEMBER, id, "'trusted': true");
	assert_int_equal(put(ADMIN, id, "'trusted': true"), 200);
	assert_at("/port/trusted", "true");
	assert_at("/port/binding:profile", "{\"trusted\":true}");
	assert_int_equal(put(ADMIN, id, "'binding:profile': {'a': 'b'}, 'trusted': false"), 200);
	assert_at("/port/binding:profile", "{\"a\":\"b\",\"trusted\":false}");
	assert_int_equal(put(ADMIN, id, "'trusted': null"), 200);
	assert_at("/port/trusted", "null");
	assert_at("/port/binding:profile", "{\"a\":\"b\"}");
}

/* The lowest free one of the pools; one that goes is free again; then there are none. */
static void addresses_of_the_pools(void **state)
{
	const char *ids[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		ids[i] = make(MEMBER, "port", port_body);
		assert_address(text("10.0.0.%d", 10 + i));
	}
	refused(409, "IpAddressGenerationFailure", MEMBER, "POST", "/ports",
		text("{'port': {%s}}", port_body));
	erase(ids[1]);
	make(MEMBER, "port", port_body);
	assert_address("10.0.0.11");
	/* Outside of the pools one must ask. */
	make(MEMBER, "port", with("'fixed_ips': [{'ip_address': '10.0.0.200'}]"));
	assert_address("10.0.0.200");
}

static void addresses_that_are_asked_for(void **state)
{
	const char *id;

	(void)state;
	id = make(MEMBER, "port", with("'fixed_ips': [{'ip_address': '10.0.0.40'}]"));
	assert_address("10.0.0.40");
	assert_at("/port/fixed_ips/0/subnet_id", subnet);
	post_refused(409, "IpAddressAlreadyAllocated", MEMBER, "'fixed_ips': [{'ip_address': '10.0.0.40'}]");
	make(MEMBER, "port", with(text("'fixed_ips': [{'subnet_id': '%s'}]", subnet)));
	assert_address("10.0.0.10");
	make(MEMBER, "port",
	     with(text("'fixed_ips': [{'subnet_id': '%s', 'ip_address': '10.0.0.41'}, {'subnet_id': '%s'}]",
		       subnet, subnet)));
	assert_address("10.0.0.41");
	assert_at("/port/fixed_ips/1/ip_address", "10.0.0.11");
	make(MEMBER, "port", with("'fixed_ips': []"));
	assert_at("/port/fixed_ips", "[]");
	assert_at("/port/ip_allocation", "none");
	/* What was not taken after all is free. */
	post_refused(409, "IpAddressAlreadyAllocated", MEMBER,
		     "'fixed_ips': [{'ip_address': '10.0.0.50'}, {'ip_address': '10.0.0.40'}]");
	assert_int_equal(put(MEMBER, id, "'fixed_ips': [{'ip_address': '10.0.0.50'}]"), 200);
	assert_address("10.0.0.50");
	make(MEMBER, "port", with("'fixed_ips': [{'ip_address': '10.0.0.40'}]"));
	put_refused(409, "IpAddressAlreadyAllocated", MEMBER, id,
		    "'fixed_ips': [{'ip_address': '10.0.0.40'}]");
	assert_int_equal(put(MEMBER, id,
			     "'fixed_ips': [{'ip_address': '10.0.0.50'}, "
			     "{'ip_address': '10.0.0.51'}]"),
			 200);
	assert_int_equal(cloud_size("/port/fixed_ips"), 2);
}

static void addresses_that_cannot_be(void **state)
{
	static const struct {
		const char *type, *members;
	} cases[] = {
		{"InvalidIpForNetwork", "'fixed_ips': [{'ip_address': '10.99.0.40'}]"},
		{"InvalidIpForNetwork", "'fixed_ips': [{'ip_address': '10.0.0.0'}]"},
		{"InvalidIpForNetwork", "'fixed_ips': [{'ip_address': '10.0.0.255'}]"},
		{"InvalidIpForNetwork", "'fixed_ips': [{'ip_address': '2001:db8::1'}]"},
		{"InvalidIpForSubnet", "'fixed_ips': [{'ip_address': '10.0.0.1'}]"}, /* the gateway's */
		{"HTTPBadRequest", "'fixed_ips': [{'ip_address': 'nope'}]"},
		{"HTTPBadRequest", "'fixed_ips': [{'ip_address': '10.0.0.61'}, {'ip_address': '10.0.0.61'}]"},
		{"HTTPBadRequest", "'fixed_ips': ['10.0.0.61']"},
		{"HTTPBadRequest", "'fixed_ips': 'x'"},
		{"InvalidInput", "'fixed_ips': [{}]"},
	};
	const char *other = make(MEMBER, "network", ""),
		   *foreign = make(MEMBER, "subnet",
				   text("'network_id': '%s', 'ip_version': 4, 'cidr': '10.5.0.0/24'", other));

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(cases); i++)
		post_refused(400, cases[i].type, MEMBER, cases[i].members);
	post_refused(400, "InvalidIpForSubnet", MEMBER,
		     text("'fixed_ips': [{'subnet_id': '%s', 'ip_address': '10.88.0.1'}]", subnet));
	post_refused(400, "InvalidIpForSubnet", MEMBER,
		     text("'fixed_ips': [{'subnet_id': '%s', 'ip_address': '10.0.0.255'}]", subnet));
	post_refused(400, "InvalidInput", MEMBER, text("'fixed_ips': [{'subnet_id': '%s'}]", foreign));
	post_refused(404, "SubnetNotFound", MEMBER,
		     "'fixed_ips': [{'subnet_id': '00000000-0000-4000-8000-000000000000'}]");
}

/* An IPv4 and an IPv6 address where there are subnets of both. */
static void both_versions(void **state)
{
	(void)state;
	make(MEMBER, "subnet", with("'ip_version': 6, 'cidr': '2001:db8::/64'"));
	make(MEMBER, "port", port_body);
	assert_int_equal(cloud_size("/port/fixed_ips"), 2);
	assert_address("10.0.0.10");
	assert_at("/port/fixed_ips/1/ip_address", "2001:db8::2");
	make(MEMBER, "port", with("'fixed_ips': [{'ip_address': '2001:DB8:0::9'}]"));
	assert_address("2001:db8::9");
	post_refused(409, "IpAddressAlreadyAllocated", MEMBER,
		     "'fixed_ips': [{'ip_address': '2001:db8::0009'}]");
	post_refused(400, "InvalidIpForNetwork", MEMBER, "'fixed_ips': [{'ip_address': '2001:db8::'}]");
}

static void macs(void **state)
{
	static const char *const bad[] = {"nope",
					  "",
					  "02:00:00:00:40",
					  "02:00:00:00:40:01:02",
					  "zz:00:00:00:40:01",
					  "02:00:00:00:40:0x",
					  "02:00:00:00:40: 1",
					  "00:00:00:00:00:00",
					  "01:00:00:00:40:01",
					  "ff:ff:ff:ff:ff:ff"};

	(void)state;
	make(MEMBER, "port", with("'mac_address': '02-00-00-AA-40-01'"));
	assert_at("/port/mac_address", "02:00:00:aa:40:01");
	post_refused(409, "MacAddressInUse", MEMBER, "'mac_address': '02:00:00:AA:40:01'");
	for (size_t i = 0; i < ELEMENTS_OF(bad); i++)
		post_refused(400, "HTTPBadRequest", MEMBER, text("'mac_address': '%s'", bad[i]));
	/* Nor on another network: two VFs of one PF never share one. */
	const char *other = make(OTHER, "network", "");
	refused(409, "MacAddressInUse", OTHER, "POST", "/ports",
		text("{'port': {'network_id': '%s', 'mac_address': '02:00:00:aa:40:01'}}", other));
	/* Another one for a port that is there is the administrator's to give. */
	const char *id = make(MEMBER, "port", port_body);
	put_refused(403, "PolicyNotAuthorized", MEMBER, id, "'mac_address': '02:00:00:aa:40:02'");
	put_refused(409, "MacAddressInUse", ADMIN, id, "'mac_address': '02:00:00:aa:40:01'");
	put_refused(400, "HTTPBadRequest", ADMIN, id, "'mac_address': 'nope'");
	assert_int_equal(put(ADMIN, id, "'mac_address': '02:00:00:AA:40:02'"), 200);
	assert_at("/port/mac_address", "02:00:00:aa:40:02");
	assert_int_equal(put(ADMIN, id, "'mac_address': '02:00:00:aa:40:02'"), 200);
}

static void base_mac(void **state)
{
	static const char *const bad[] = {"nope", "01:16:3e:00:00:00", "fa:16:3e", ""};

	(void)state;
	cloud_open("[DEFAULT]\nbase_mac = 02:aa:bb:cc:00:00\n");
	network = make(MEMBER, "network", "");
	make(MEMBER, "port", text("'network_id': '%s'", network));
	assert_int_equal(strncmp(cloud_at("/port/mac_address"), "02:aa:bb:cc:", 12), 0);
	for (size_t i = 0; i < ELEMENTS_OF(bad); i++) {
		struct config *config = config_new();
		struct error err;

		assert_true(
			config_read_text(config, "test", text("[DEFAULT]\nbase_mac = %s\n", bad[i]), &err));
		if (network_settings_read(config, &err))
			fail_msg("%s is taken", bad[i]);
		config_free(config);
	}
}

static void vnic_types(void **state)
{
	static const char *const types[] = {"normal",  "direct",	"direct-physical",
					    "macvtap", "baremetal",	"virtio-forwarder",
					    "vdpa",    "remote-managed"};

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(types); i++) {
		const char *id = make(MEMBER, "port", with(text("'binding:vnic_type': '%s'", types[i])));

		assert_at("/port/binding:vnic_type", types[i]);
		erase(id);
	}
	post_refused(400, "HTTPBadRequest", MEMBER, "'binding:vnic_type': 'nope'");
	post_refused(400, "HTTPBadRequest", MEMBER, "'binding:vnic_type': ''");
	post_refused(400, "HTTPBadRequest", MEMBER, "'binding:vnic_type': 5");
	const char *id = make(MEMBER, "port", port_body);
	assert_int_equal(put(MEMBER, id, "'binding:vnic_type': 'direct'"), 200);
	put_refused(400, "HTTPBadRequest", MEMBER, id, "'binding:vnic_type': 'nope'");
}

static void refuses_bad_bodies(void **state)
{
	static const struct {
		int status;
		const char *type, *members;
	} cases[] = {
		{400, "HTTPBadRequest", "'unknown': 1"},
		{400, "HTTPBadRequest", "'status': 'ACTIVE'"},
		{400, "HTTPBadRequest", "'binding:vif_type': 'ovs'"},
		{400, "HTTPBadRequest", "'binding:profile': 'x'"},
		{400, "HTTPBadRequest", "'security_groups': 'x'"},
		{400, "HTTPBadRequest", "'security_groups': [5]"},
		{404, "SecurityGroupNotFound", "'security_groups': ['00000000-0000-4000-8000-000000000000']"},
		{400, "PortSecurityAndIPRequiredForSecurityGroups",
		 "'port_security_enabled': false, 'security_groups': ['x']"},
		{400, "HTTPBadRequest", "'allowed_address_pairs': [{'ip_address': 'nope'}]"},
		{400, "HTTPBadRequest", "'allowed_address_pairs': [{'ip_address': '10.0.0.9', 'x': 1}]"},
		{400, "HTTPBadRequest",
		 "'allowed_address_pairs': [{'ip_address': '10.0.0.9', 'mac_address': 'x'}]"},
		{400, "AllowedAddressPairsMissingIP",
		 "'allowed_address_pairs': [{'mac_address': '02:00:00:00:00:01'}]"},
		{400, "DuplicateAddressPairInRequest",
		 "'allowed_address_pairs': [{'ip_address': '10.0.0.9'}, {'ip_address': '10.0.0.9'}]"},
		{409, "AddressPairAndPortSecurityRequired",
		 "'port_security_enabled': false, 'allowed_address_pairs': [{'ip_address': '10.0.0.9'}]"},
		{400, "InvalidInput", "'extra_dhcp_opts': [{'opt_name': ''}]"},
		{400, "InvalidInput", "'admin_state_up': 'x'"},
		{404, "QosPolicyNotFound", "'qos_policy_id': 'x'"},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(cases); i++)
		post_refused(cases[i].status, cases[i].type, ADMIN, cases[i].members);
	refused(400, "HTTPBadRequest", MEMBER, "POST", "/ports", "{'port': {}}");
	refused(400, "HTTPBadRequest", MEMBER, "POST", "/ports", "{'port': {'network_id': 'nope'}}");
	refused(404, "NetworkNotFound", MEMBER, "POST", "/ports",
		"{'port': {'network_id': '00000000-0000-4000-8000-000000000000'}}");
	refused(400, "HTTPBadRequest", MEMBER, "POST", "/ports", "{'ports': []}");
	refused(400, "HTTPBadRequest", MEMBER, "POST", "/ports", "{'ports': [5]}");
	const char *id = make(MEMBER, "port", port_body);
	put_refused(400, "HTTPBadRequest", MEMBER, id, port_body);
	put_refused(400, "HTTPBadRequest", MEMBER, id, "'status': 'ACTIVE'");
	put_refused(404, "PortNotFound", MEMBER, "nope", "'name': 'x'");
}

static void profiles(void **state)
{
	char *big = calloc(1, 5000);

	(void)state;
	memset(big, 'x', 4100);
	const char *id = make(ADMIN, "port", with("'binding:profile': {'trusted': true}"));
	assert_at("/port/binding:profile", "{\"trusted\":true}");
	post_refused(403, "PolicyNotAuthorized", MEMBER, "'binding:profile': {'a': 'b'}");
	post_refused(403, "PolicyNotAuthorized", MEMBER, "'binding:host_id': 'h'");
	put_refused(403, "PolicyNotAuthorized", MEMBER, id, "'binding:profile': {}");
	post_refused(400, "InvalidInput", ADMIN, text("'binding:profile': {'a': '%s'}", big));
	put_refused(400, "InvalidInput", ADMIN, id, text("'binding:profile': {'a': '%s'}", big));
	assert_int_equal(put(ADMIN, id, "'binding:profile': null"), 200);
	assert_at("/port/binding:profile", "{}");
	free(big);
}

static void pairs(void **state)
{
	const char *id = make(MEMBER, "port",
			      with("'mac_address': '02:00:00:00:00:05', 'allowed_address_pairs': "
				   "[{'ip_address': '10.0.0.0/25'}, {'ip_address': '10.0.0.9', "
				   "'mac_address': '02:00:00:00:00:06'}]"));

	(void)state;
	assert_at("/port/allowed_address_pairs/0/mac_address", "02:00:00:00:00:05");
	assert_at("/port/allowed_address_pairs/1/mac_address", "02:00:00:00:00:06");
	put_refused(409, "AddressPairAndPortSecurityRequired", MEMBER, id, "'port_security_enabled': false");
	assert_int_equal(put(MEMBER, id, "'allowed_address_pairs': null"), 200);
	assert_at("/port/allowed_address_pairs", "[]");
	assert_int_equal(put(MEMBER, id, "'port_security_enabled': false"), 200);
	assert_at("/port/security_groups", "[]");
	put_refused(409, "AddressPairAndPortSecurityRequired", MEMBER, id,
		    "'allowed_address_pairs': [{'ip_address': '10.0.0.9'}]");
}

/* In a shared network one takes what is given. */
static void who_may_do_what(void **state)
{
	static const char *const owners[] = {
		"'mac_address': '02:00:00:00:00:07'", "'port_security_enabled': false",
		"'allowed_address_pairs': []",	      "'fixed_ips': [{'ip_address': '10.0.0.77'}]",
		"'device_owner': 'network:dhcp'",
	};

	(void)state;
	refused(404, "NetworkNotFound", OTHER, "POST", "/ports", text("{'port': {%s}}", port_body));
	assert_int_equal(cloud_call(ADMIN, "PUT", text("/networks/%s", network),
				    "{'network': {'shared': true}}"),
			 200);
	const char *foreign = make(OTHER, "port", port_body), *own = make(MEMBER, "port", port_body);
	for (size_t i = 0; i < ELEMENTS_OF(owners); i++) {
		post_refused(403, "PolicyNotAuthorized", OTHER, owners[i]);
		put_refused(403, "PolicyNotAuthorized", OTHER, foreign, owners[i]);
	}
	assert_int_equal(put(OTHER, foreign, "'name': 'x'"), 200);
	erase(make(OTHER, "port", with(text("'fixed_ips': [{'subnet_id': '%s'}]", subnet))));
	/* Ports are their project's, and the network's owner's. */
	refused(404, "PortNotFound", OTHER, "GET", text("/ports/%s", own), NULL);
	put_refused(404, "PortNotFound", OTHER, own, "'name': 'x'");
	refused(404, "PortNotFound", OTHER, "DELETE", text("/ports/%s", own), NULL);
	assert_int_equal(cloud_call(OTHER, "GET", "/ports", NULL), 200);
	assert_int_equal(cloud_size("/ports"), 1);
	assert_int_equal(cloud_call(MEMBER, "GET", "/ports", NULL), 200);
	assert_int_equal(cloud_size("/ports"), 2);
	refused(403, "PolicyNotAuthorized", READER, "DELETE", text("/ports/%s", own), NULL);
	refused(403, "PolicyNotAuthorized", OTHER, "POST", "/ports",
		text("{'port': {'project_id': 'p1', 'network_id': '%s'}}", network));
	assert_int_equal(cloud_call(MEMBER, "DELETE", text("/ports/%s", foreign), NULL), 204);
}

static void several_at_once(void **state)
{
	(void)state;
	assert_int_equal(cloud_call(MEMBER, "POST", "/ports",
				    text("{'ports': [{%s}, {%s}]}", with("'name': 'a'"),
					 with("'name': 'b'"))),
			 201);
	assert_at("/ports/1/name", "b");
	assert_at("/ports/1/fixed_ips/0/ip_address", "10.0.0.11");
	/* All or none: there is one address left. */
	refused(409, "IpAddressGenerationFailure", MEMBER, "POST", "/ports",
		text("{'ports': [{%s}, {%s}]}", port_body, port_body));
	make(MEMBER, "port", port_body);
	assert_address("10.0.0.12");
}

static void quota(void **state)
{
	cloud_open(CLOUD_SETTINGS "[quotas]\nquota_port = 2\n");
	(void)state;
	network = make(MEMBER, "network", "");
	port_body = text("'network_id': '%s'", network);
	const char *id = make(MEMBER, "port", port_body);
	make(MEMBER, "port", port_body);
	refused(409, "OverQuota", MEMBER, "POST", "/ports", text("{'port': {%s}}", port_body));
	make(ADMIN, "port", port_body);
	erase(id);
	make(MEMBER, "port", port_body);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(shows_what_was_asked),
		TEST(what_a_device_should_be_like),
		TEST(addresses_of_the_pools),
		TEST(addresses_that_are_asked_for),
		TEST(addresses_that_cannot_be),
		TEST(both_versions),
		TEST(macs),
		TEST(base_mac),
		TEST(vnic_types),
		TEST(refuses_bad_bodies),
		TEST(profiles),
		TEST(pairs),
		TEST(who_may_do_what),
		TEST(several_at_once),
		TEST(quota),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
