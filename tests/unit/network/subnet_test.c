/* Tests of subnets: cidr, gateway, pools, lists, who may do what. */
#include "cloud.h"

static const char *network;

static int set_up(void **state)
{
	cloud_set_up(state);
	network = make(MEMBER, "network", "");
	return 0;
}

/* Nothing of a test before is left. */
static void fresh(void)
{
	cloud_open(CLOUD_SETTINGS);
	network = make(MEMBER, "network", "");
}

static const char *with(const char *members)
{
	return text("'network_id': '%s', %s", network, members);
}

#define FOUR(cidr) "'ip_version': 4, 'cidr': '" cidr "'"
#define SIX(cidr)  "'ip_version': 6, 'cidr': '" cidr "'"
#define QUIET	   ", 'enable_dhcp': false"

static int put(const char *id, const char *members)
{
	return cloud_call(MEMBER, "PUT", text("/subnets/%s", id), text("{'subnet': {%s}}", members));
}

#define post_refused(status, type, members) \
	refused(status, type, MEMBER, "POST", "/subnets", text("{'subnet': {%s}}", with(members)))
#define put_refused(status, type, id, members) \
	refused(status, type, MEMBER, "PUT", text("/subnets/%s", id), text("{'subnet': {%s}}", members))

/* Gateway and pools of a subnet that says no more than this. */
static void gateways_and_pools(void **state)
{
	static const struct {
		const char *members, *cidr, *gateway, *pools; /* pools: "first-last,..." */
	} cases[] = {
		{FOUR("10.1.0.0/24"), "10.1.0.0/24", "10.1.0.1", "10.1.0.2-10.1.0.254"},
		{FOUR("10.1.0.77/24"), "10.1.0.0/24", "10.1.0.1", "10.1.0.2-10.1.0.254"},
		{FOUR("10.1.0.0/30"), "10.1.0.0/30", "10.1.0.1", "10.1.0.2-10.1.0.2"},
		{FOUR("10.1.0.0/31") QUIET, "10.1.0.0/31", "10.1.0.1", "10.1.0.0-10.1.0.0"},
		{FOUR("10.1.0.0/31") QUIET ", 'gateway_ip': null", "10.1.0.0/31", "null",
		 "10.1.0.0-10.1.0.1"},
		{FOUR("10.1.0.4/32") QUIET, "10.1.0.4/32", "10.1.0.5", "10.1.0.4-10.1.0.4"},
		{FOUR("10.1.0.4") QUIET, "10.1.0.4/32", "10.1.0.5", "10.1.0.4-10.1.0.4"},
		{FOUR("10.1.0.4/32") QUIET ", 'gateway_ip': '10.1.0.4'", "10.1.0.4/32", "10.1.0.4", ""},
		{FOUR("10.1.0.0/28") ", 'gateway_ip': null", "10.1.0.0/28", "null", "10.1.0.1-10.1.0.14"},
		{FOUR("10.1.0.0/28") ", 'gateway_ip': '10.1.0.14'", "10.1.0.0/28", "10.1.0.14",
		 "10.1.0.1-10.1.0.13"},
		{FOUR("10.1.0.0/28") ", 'gateway_ip': '10.1.0.5'", "10.1.0.0/28", "10.1.0.5",
		 "10.1.0.1-10.1.0.4,10.1.0.6-10.1.0.14"},
		{FOUR("10.1.0.0/28") ", 'gateway_ip': '10.99.0.1'", "10.1.0.0/28", "10.99.0.1",
		 "10.1.0.1-10.1.0.14"},
		{SIX("2001:DB8:0::/64"), "2001:db8::/64", "2001:db8::1",
		 "2001:db8::2-2001:db8::ffff:ffff:ffff:ffff"},
		{SIX("2001:db8::/64") ", 'gateway_ip': '2001:db8::'", "2001:db8::/64",
		 "2001:db8::", "2001:db8::1-2001:db8::ffff:ffff:ffff:ffff"},
		{SIX("2001:db8::/126"), "2001:db8::/126", "2001:db8::1", "2001:db8::2-2001:db8::3"},
		{SIX("2001:db8::/127") QUIET, "2001:db8::/127", "2001:db8::1", "2001:db8::-2001:db8::"},
		{SIX("2001:db8::5/128") QUIET, "2001:db8::5/128", "2001:db8::6", "2001:db8::5-2001:db8::5"},
		{FOUR("10.1.0.0/24") ", 'allocation_pools': []", "10.1.0.0/24", "10.1.0.1", ""},
		{FOUR("10.1.0.0/24") ", 'allocation_pools': null", "10.1.0.0/24", "10.1.0.1",
		 "10.1.0.2-10.1.0.254"},
		{SIX("2001:db8::/64") ", 'allocation_pools': [{'start': '2001:DB8:0::5', 'end': "
				      "'2001:db8::9'}, {'start': '2001:db8::11', 'end': '2001:db8::11'}]",
		 "2001:db8::/64", "2001:db8::1", "2001:db8::5-2001:db8::9,2001:db8::11-2001:db8::11"},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
		const char *id = make(MEMBER, "subnet", with(cases[i].members)), *pools = "";

		for (int k = 0; k < cloud_size("/subnet/allocation_pools"); k++)
			pools = text("%s%s%s-%s", pools, k ? "," : "",
				     cloud_at(text("/subnet/allocation_pools/%d/start", k)),
				     cloud_at(text("/subnet/allocation_pools/%d/end", k)));
		assert_at("/subnet/cidr", cases[i].cidr);
		assert_at("/subnet/gateway_ip", cases[i].gateway);
		assert_string_equal(pools, cases[i].pools);
		assert_int_equal(cloud_call(MEMBER, "DELETE", text("/subnets/%s", id), NULL), 204);
	}
}

#define POOL(start, end) "{'start': '" start "', 'end': '" end "'}"
#define POOLS(list)	 FOUR("10.1.0.0/24") ", 'allocation_pools': [" list "]"

static void refuses_bad_input(void **state)
{
	static const struct {
		int status;
		const char *type, *members;
	} cases[] = {
		{400, "InvalidInput", FOUR("nope")},
		{400, "InvalidInput", FOUR("10.1.0.300/24")},
		{400, "InvalidInput", FOUR("10.1.0.0/33")},
		{400, "InvalidInput", FOUR("2001:db8::/64")},
		{400, "InvalidInput", SIX("10.1.0.0/24")},
		{400, "HTTPBadRequest", "'ip_version': 5, 'cidr': '10.1.0.0/24'"},
		{400, "InvalidInput", "'ip_version': 'x', 'cidr': '10.1.0.0/24'"},
		{400, "HTTPBadRequest", "'cidr': '10.1.0.0/24'"},
		{400, "BadRequest", "'ip_version': 4"},
		{400, "BadRequest", "'ip_version': 4, 'cidr': null"},
		{400, "InvalidInput", FOUR("10.1.0.0/24") ", 'enable_dhcp': 'maybe'"},
		/* what DHCP cannot serve */
		{400, "InvalidInput", FOUR("10.1.0.0")},
		{400, "InvalidInput", FOUR("10.1.0.0/32")},
		{400, "InvalidInput", FOUR("10.1.0.0/31")},
		{400, "InvalidInput", SIX("2001:db8::/127")},
		{400, "InvalidInput", FOUR("0.0.0.0/0")},
		{400, "InvalidInput", FOUR("0.0.0.0/8")},
		{400, "InvalidInput", FOUR("224.0.0.0/24")},
		{400, "InvalidInput", FOUR("127.0.0.0/24")},
		{400, "InvalidInput", SIX("ff00::/64")},
		{400, "InvalidInput", FOUR("0.0.0.0/0") QUIET},
		/* gateways */
		{400, "InvalidInput", FOUR("10.1.0.0/24") ", 'gateway_ip': '10.1.0.0'"},
		{400, "InvalidInput", FOUR("10.1.0.0/24") ", 'gateway_ip': '10.1.0.255'"},
		{400, "InvalidInput", FOUR("10.1.0.0/24") ", 'gateway_ip': '2001:db8::1'"},
		{400, "HTTPBadRequest", FOUR("10.1.0.0/24") ", 'gateway_ip': 'nope'"},
		{400, "HTTPBadRequest", FOUR("10.1.0.0/24") ", 'gateway_ip': 5"},
		/* pools */
		{409, "GatewayConflictWithAllocationPools", POOLS(POOL("10.1.0.1", "10.1.0.9"))},
		{409, "OverlappingAllocationPools",
		 POOLS(POOL("10.1.0.10", "10.1.0.50") ", " POOL("10.1.0.50", "10.1.0.60"))},
		{409, "OverlappingAllocationPools",
		 POOLS(POOL("10.1.0.20", "10.1.0.30") ", " POOL("10.1.0.10", "10.1.0.50"))},
		{400, "OutOfBoundsAllocationPool", POOLS(POOL("10.2.0.10", "10.2.0.20"))},
		{400, "OutOfBoundsAllocationPool", POOLS(POOL("10.1.0.10", "10.1.0.255"))},
		{400, "OutOfBoundsAllocationPool",
		 FOUR("10.1.0.0/24") ", 'gateway_ip': null, 'allocation_pools': [" POOL("10.1.0.0",
											"10.1.0.9") "]"},
		{400, "InvalidAllocationPool", POOLS(POOL("10.1.0.100", "10.1.0.10"))},
		{400, "InvalidAllocationPool", POOLS(POOL("2001:db8::5", "2001:db8::6"))},
		{400, "InvalidAllocationPool", POOLS(POOL("10.1.0.5", "2001:db8::6"))},
		{400, "HTTPBadRequest", POOLS("{'start': '10.1.0.10'}")},
		{400, "HTTPBadRequest", POOLS("{'start': '10.1.0.10', 'end': '10.1.0.11', 'x': 1}")},
		{400, "HTTPBadRequest", POOLS(POOL("10.1.0.10", "nope"))},
		{400, "HTTPBadRequest", POOLS("5")},
		{400, "HTTPBadRequest", FOUR("10.1.0.0/24") ", 'allocation_pools': 'x'"},
		/* what is not built */
		{400, "InvalidInput", FOUR("10.1.0.0/24") ", 'ipv6_ra_mode': 'slaac'"},
		{400, "InvalidInput", SIX("2001:db8::/64") ", 'ipv6_address_mode': 'slaac'"},
		{400, "InvalidInput", "'ip_version': 4, 'subnetpool_id': 'x'"},
		{400, "HTTPBadRequest", FOUR("10.1.0.0/24") ", 'unknown': 1"},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(cases); i++)
		post_refused(cases[i].status, cases[i].type, cases[i].members);
	refused(404, "NetworkNotFound", MEMBER, "POST", "/subnets",
		"{'subnet': {'network_id': '00000000-0000-4000-8000-000000000000', " FOUR(
			"10.0.0.0/24") "}}");
	refused(400, "HTTPBadRequest", MEMBER, "POST", "/subnets", "{'subnet': {" FOUR("10.0.0.0/24") "}}");
	refused(400, "HTTPBadRequest", MEMBER, "POST", "/subnets",
		"{'subnet': {'network_id': 'x', " FOUR("10.0.0.0/24") "}}");
}

#define SERVERS(list)	    FOUR("10.1.0.0/24") ", 'dns_nameservers': [" list "]"
#define ROUTES(list)	    FOUR("10.1.0.0/24") ", 'host_routes': [" list "]"
#define ROUTE(network, hop) "{'destination': '" network "', 'nexthop': '" hop "'}"

static void servers_and_routes(void **state)
{
	static const struct {
		const char *type, *members;
	} bad[] = {
		{"HTTPBadRequest", SERVERS("'nope'")},
		{"HTTPBadRequest", SERVERS("5")},
		{"HTTPBadRequest", SERVERS("'1.1.1.1', '1.1.1.1'")},
		{"DNSNameServersExhausted",
		 SERVERS("'1.1.1.1', '1.1.1.2', '1.1.1.3', '1.1.1.4', '1.1.1.5', '1.1.1.6'")},
		{"HTTPBadRequest", ROUTES(ROUTE("nope", "10.1.0.1"))},
		{"HTTPBadRequest", ROUTES(ROUTE("10.0.0.0/8", "nope"))},
		{"HTTPBadRequest", ROUTES("{'destination': '10.0.0.0/8'}")},
		{"HTTPBadRequest", ROUTES("{'destination': '10.0.0.0/8', 'nexthop': '10.1.0.1', 'x': 1}")},
		{"HTTPBadRequest", ROUTES("'x'")},
		{"HTTPBadRequest",
		 ROUTES(ROUTE("10.0.0.0/8", "10.1.0.1") ", " ROUTE("10.0.0.0/8", "10.1.0.1"))},
		{"InvalidInput", ROUTES(ROUTE("10.0.0.0/8", "2001:db8::1"))},
		{"InvalidInput", ROUTES(ROUTE("2001:db8::/64", "10.1.0.1"))},
	};
	const char *id, *many = ROUTE("10.0.0.0/8", "10.1.0.1");

	(void)state;
	fresh();
	for (size_t i = 0; i < ELEMENTS_OF(bad); i++)
		post_refused(400, bad[i].type, bad[i].members);
	for (int i = 0; i < 20; i++)
		many = text("%s, {'destination': '10.%d.0.0/16', 'nexthop': '10.1.0.1'}", many, i);
	post_refused(400, "HostRoutesExhausted", text(FOUR("10.1.0.0/24") ", 'host_routes': [%s]", many));
	id = make(MEMBER, "subnet",
		  with(SERVERS("'1.1.1.2', '2001:db8::1'") ", 'host_routes': [" ROUTE("10.0.0.0/8",
										      "10.1.0.9") "]"));
	assert_at("/subnet/dns_nameservers", "[\"1.1.1.2\",\"2001:db8::1\"]");
	assert_at("/subnet/host_routes/0/nexthop", "10.1.0.9");
	put_refused(400, "HTTPBadRequest", id, "'dns_nameservers': ['x']");
	put_refused(400, "HTTPBadRequest", id, "'host_routes': ['x']");
	assert_int_equal(put(id, "'dns_nameservers': null, 'host_routes': []"), 200);
	assert_at("/subnet/dns_nameservers", "[]");
	assert_at("/subnet/host_routes", "[]");
	make(MEMBER, "subnet", with(FOUR("10.2.0.0/24") ", 'dns_nameservers': null, 'host_routes': null"));
	assert_at("/subnet/dns_nameservers", "[]");
	assert_at("/subnet/host_routes", "[]");
}

static void refuses_overlaps(void **state)
{
	static const char *const bad[] = {FOUR("10.1.0.0/24"), FOUR("10.1.0.128/25"), FOUR("10.0.0.0/8")};

	(void)state;
	fresh();
	make(MEMBER, "subnet", with(FOUR("10.1.0.0/24")));
	for (size_t i = 0; i < ELEMENTS_OF(bad); i++)
		post_refused(400, "InvalidInput", bad[i]);
	make(MEMBER, "subnet", with(FOUR("10.1.1.0/24")));
	make(MEMBER, "subnet", with(SIX("2001:db8::/64")));
	/* Another network may have the same. */
	network = make(MEMBER, "network", "");
	make(MEMBER, "subnet", with(FOUR("10.1.0.0/24")));
}

static void updates(void **state)
{
	(void)state;
	fresh();
	const char *id = make(MEMBER, "subnet", with(FOUR("10.1.0.0/24") ", 'name': 'a'"));

	assert_int_equal(put(id, "'name': 'b', 'enable_dhcp': false"), 200);
	assert_at("/subnet/name", "b");
	assert_at("/subnet/enable_dhcp", "false");
	assert_at("/subnet/gateway_ip", "10.1.0.1");
	assert_at("/subnet/revision_number", "1");
	assert_int_equal(put(id, "'allocation_pools': [" POOL("10.1.0.10", "10.1.0.11") "]"), 200);
	assert_at("/subnet/allocation_pools", "[{\"start\":\"10.1.0.10\",\"end\":\"10.1.0.11\"}]");
	assert_int_equal(put(id, "'gateway_ip': '10.1.0.9'"), 200);
	assert_at("/subnet/gateway_ip", "10.1.0.9");
	put_refused(409, "GatewayConflictWithAllocationPools", id, "'gateway_ip': '10.1.0.10'");
	put_refused(409, "GatewayConflictWithAllocationPools", id,
		    "'allocation_pools': [" POOL("10.1.0.8", "10.1.0.11") "]");
	put_refused(400, "OutOfBoundsAllocationPool", id,
		    "'allocation_pools': [" POOL("10.7.0.8", "10.7.0.9") "]");
	put_refused(400, "InvalidInput", id, "'gateway_ip': '10.1.0.255'");
	assert_int_equal(put(id, "'gateway_ip': null"), 200);
	assert_at("/subnet/gateway_ip", "null");
	assert_int_equal(put(id, "'description': 'd'"), 200);
	assert_at("/subnet/gateway_ip", "null");
	assert_at("/subnet/allocation_pools/0/end", "10.1.0.11");
	assert_at("/subnet/enable_dhcp", "false");
	put_refused(400, "HTTPBadRequest", id, "'cidr': '10.9.0.0/24'");
	put_refused(400, "HTTPBadRequest", id, "'ip_version': 6");
	put_refused(400, "HTTPBadRequest", id, text("'network_id': '%s'", network));
	put_refused(404, "SubnetNotFound", "nope", "'name': 'x'");
	/* What DHCP cannot serve cannot get it later either. */
	id = make(MEMBER, "subnet", with(FOUR("10.2.0.0/31") QUIET));
	put_refused(400, "InvalidInput", id, "'enable_dhcp': true");
}

/* Pools that were changed are what ports get. */
static void ports_follow_the_pools(void **state)
{
	(void)state;
	fresh();
	const char *id = make(MEMBER, "subnet", with(FOUR("10.1.0.0/24"))),
		   *port = text("'network_id': '%s'", network);

	make(MEMBER, "port", port);
	assert_at("/port/fixed_ips/0/ip_address", "10.1.0.2");
	assert_int_equal(put(id, "'allocation_pools': [" POOL("10.1.0.10", "10.1.0.10") "]"), 200);
	make(MEMBER, "port", port);
	assert_at("/port/fixed_ips/0/ip_address", "10.1.0.10");
	refused(409, "IpAddressGenerationFailure", MEMBER, "POST", "/ports", text("{'port': {%s}}", port));
}

static void who_may_do_what(void **state)
{
	(void)state;
	fresh();
	const char *id = make(MEMBER, "subnet", with(FOUR("10.1.0.0/24"))), *path = text("/subnets/%s", id),
		   *shared = make(ADMIN, "network", "'shared': true"),
		   *common = make(ADMIN, "subnet", text("'network_id': '%s', " FOUR("10.1.0.0/24"), shared));

	refused(404, "SubnetNotFound", OTHER, "GET", path, NULL);
	refused(404, "SubnetNotFound", OTHER, "PUT", path, "{'subnet': {'name': 'x'}}");
	refused(404, "SubnetNotFound", OTHER, "DELETE", path, NULL);
	refused(404, "NetworkNotFound", OTHER, "POST", "/subnets",
		text("{'subnet': {%s}}", with(FOUR("10.2.0.0/24"))));
	/* All may use a shared network; its subnets are its owner's. */
	assert_int_equal(cloud_call(OTHER, "GET", text("/subnets/%s", common), NULL), 200);
	assert_int_equal(cloud_call(OTHER, "GET", "/subnets", NULL), 200);
	assert_int_equal(cloud_size("/subnets"), 1);
	refused(403, "PolicyNotAuthorized", OTHER, "POST", "/subnets",
		text("{'subnet': {'network_id': '%s', " FOUR("10.2.0.0/24") "}}", shared));
	refused(403, "PolicyNotAuthorized", OTHER, "PUT", text("/subnets/%s", common),
		"{'subnet': {'name': 'x'}}");
	refused(403, "PolicyNotAuthorized", OTHER, "DELETE", text("/subnets/%s", common), NULL);
	/* What the administrator makes in a project's network the project sees. */
	const char *given = make(ADMIN, "subnet", with(FOUR("10.3.0.0/24")));
	assert_int_equal(cloud_call(MEMBER, "GET", text("/subnets/%s", given), NULL), 200);
	assert_int_equal(cloud_call(MEMBER, "DELETE", text("/subnets/%s", given), NULL), 204);
}

static void in_use(void **state)
{
	(void)state;
	fresh();
	const char *id = make(MEMBER, "subnet", with(FOUR("10.1.0.0/24"))),
		   *port = make(MEMBER, "port", text("'network_id': '%s'", network));

	refused(409, "SubnetInUse", MEMBER, "DELETE", text("/subnets/%s", id), NULL);
	assert_int_equal(cloud_call(MEMBER, "DELETE", text("/ports/%s", port), NULL), 204);
	assert_int_equal(cloud_call(MEMBER, "DELETE", text("/subnets/%s", id), NULL), 204);
	refused(404, "SubnetNotFound", MEMBER, "DELETE", text("/subnets/%s", id), NULL);
}

static void several_at_once(void **state)
{
	(void)state;
	fresh();
	assert_int_equal(cloud_call(MEMBER, "POST", "/subnets",
				    text("{'subnets': [{%s}, {%s}]}", with(FOUR("10.1.0.0/24")),
					 with(SIX("2001:db8::/64")))),
			 201);
	assert_at("/subnets/1/cidr", "2001:db8::/64");
	refused(400, "InvalidInput", MEMBER, "POST", "/subnets",
		text("{'subnets': [{%s}, {%s}]}", with(FOUR("10.2.0.0/24")), with(FOUR("10.2.0.0/24"))));
	assert_int_equal(cloud_call(MEMBER, "GET", text("/networks/%s", network), NULL), 200);
	assert_int_equal(cloud_size("/network/subnets"), 2);
}

static void quota(void **state)
{
	(void)state;
	cloud_open(CLOUD_SETTINGS "[quotas]\nquota_subnet = 1\n");
	network = make(MEMBER, "network", "");
	make(MEMBER, "subnet", with(FOUR("10.1.0.0/24")));
	post_refused(409, "OverQuota", FOUR("10.2.0.0/24"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gateways_and_pools),
		cmocka_unit_test(refuses_bad_input),
		cmocka_unit_test(servers_and_routes),
		cmocka_unit_test(refuses_overlaps),
		cmocka_unit_test(updates),
		cmocka_unit_test(ports_follow_the_pools),
		cmocka_unit_test(who_may_do_what),
		cmocka_unit_test(in_use),
		cmocka_unit_test(several_at_once),
		cmocka_unit_test(quota),
	};

	return cmocka_run_group_tests(tests, set_up, cloud_tear_down);
}
