/* Tests of the small resources: agents, quotas, security groups, extensions; and of the way in. */
#include "cloud.h"

static int64_t clock_offset;
static struct sys_time time_of_tests;

static int64_t shifted_now(void)
{
	return sys_time_real.now() + clock_offset;
}

static int set_up(void **state)
{
	time_of_tests = sys_time_real;
	time_of_tests.now = shifted_now;
	sys_time = &time_of_tests;
	return cloud_set_up(state);
}

static int tear_down(void **state)
{
	sys_time = &sys_time_real;
	return cloud_tear_down(state);
}

static void agents(void **state)
{
	struct error err;

	(void)state;
	assert_true(network_agent_report(cloud_db, "h1", "{\"physnet_a\": [\"p5p1\"]}", 3, NULL, &err));
	assert_true(network_agent_report(cloud_db, "h2", "{}", 0, NULL, &err));
	assert_int_equal(cloud_call(ADMIN, "GET", "/agents?host=h1&alive=true", NULL), 200);
	assert_int_equal(cloud_size("/agents"), 1);
	const char *id = cloud_at("/agents/0/id"), *path = text("/agents/%s", id);
	assert_at("/agents/0/agent_type", "NIC Switch agent");
	assert_at("/agents/0/configurations/device_mappings", "{\"physnet_a\":[\"p5p1\"]}");
	assert_at("/agents/0/configurations/devices", "3");
	assert_int_equal(cloud_call(ADMIN, "GET", "/agents?agent_type=NIC%20Switch%20agent", NULL), 200);
	assert_int_equal(cloud_size("/agents"), 2);
	assert_int_equal(cloud_call(ADMIN, "GET", text("%s?fields=host", path), NULL), 200);
	assert_at("/agent", "{\"host\":\"h1\"}");
	assert_int_equal(cloud_call(ADMIN, "PUT", path, "{'agent': {'admin_state_up': false}}"), 200);
	assert_at("/agent/admin_state_up", "false");
	refused(400, "HTTPBadRequest", ADMIN, "PUT", path, "{'agent': {'admin_state_up': 'x'}}");
	/* Administrators' only; others see none. */
	assert_int_equal(cloud_call(MEMBER, "GET", "/agents", NULL), 200);
	assert_int_equal(cloud_size("/agents"), 0);
	refused(404, "AgentNotFound", MEMBER, "GET", path, NULL);
	refused(403, "PolicyNotAuthorized", MEMBER, "PUT", path, "{'agent': {}}");
	refused(403, "PolicyNotAuthorized", MEMBER, "DELETE", path, NULL);
	/* Who is not heard of for agent_down_time is not alive; who is heard of again is the same agent. */
	clock_offset = 76 * INT64_C(1000000);
	assert_int_equal(cloud_call(ADMIN, "GET", path, NULL), 200);
	assert_at("/agent/alive", "false");
	assert_true(network_agent_report(cloud_db, "h1", "{}", 0, NULL, &err));
	assert_int_equal(cloud_call(ADMIN, "GET", path, NULL), 200);
	assert_at("/agent/alive", "true");
	clock_offset = 0;
	assert_int_equal(cloud_call(ADMIN, "DELETE", path, NULL), 204);
	refused(404, "AgentNotFound", ADMIN, "DELETE", path, NULL);
	refused(404, "AgentNotFound", ADMIN, "PUT", path, "{'agent': {}}");
}

static void quotas(void **state)
{
	(void)state;
	make(MEMBER, "network", "");
	assert_int_equal(cloud_call(MEMBER, "GET", "/quotas/p1", NULL), 200);
	assert_at("/quota/network", "100");
	assert_at("/quota/port", "500");
	assert_at("/quota/router", "0");
	assert_int_equal(cloud_call(MEMBER, "GET", "/quotas/p1/default", NULL), 200);
	assert_at("/quota/subnet", "100");
	assert_int_equal(cloud_call(MEMBER, "GET", "/quotas/p1/details.json", NULL), 200);
	assert_at("/quota/network", "{\"limit\":100,\"used\":1,\"reserved\":0}");
	assert_at("/quota/security_group/used", "1");
	refused(403, "PolicyNotAuthorized", MEMBER, "GET", "/quotas/p2", NULL);
	refused(403, "PolicyNotAuthorized", MEMBER, "GET", "/quotas/p2/default", NULL);
	refused(403, "PolicyNotAuthorized", MEMBER, "GET", "/quotas/p2/details", NULL);
	refused(403, "PolicyNotAuthorized", MEMBER, "GET", "/quotas", NULL);
	assert_int_equal(cloud_call(ADMIN, "GET", "/quotas/p1", NULL), 200);
	assert_int_equal(cloud_call(ADMIN, "GET", "/quotas", NULL), 200);
	assert_at("/quotas", "[]");
}

/* Every project that has something has its default group, and sees no other's. */
static void groups(void **state)
{
	(void)state;
	make(MEMBER, "network", "");
	make(OTHER, "network", "");
	assert_int_equal(cloud_call(MEMBER, "GET", "/security-groups?name=default", NULL), 200);
	assert_int_equal(cloud_size("/security_groups"), 1);
	const char *id = cloud_at("/security_groups/0/id"), *path = text("/security-groups/%s", id);
	assert_int_equal(cloud_call(MEMBER, "GET", path, NULL), 200);
	assert_at("/security_group/project_id", "p1");
	refused(404, "SecurityGroupNotFound", OTHER, "GET", path, NULL);
	assert_int_equal(cloud_call(ADMIN, "GET", "/security-groups", NULL), 200);
	assert_int_equal(cloud_size("/security_groups"), 2);
	const char *network = make(OTHER, "network", "");
	refused(404, "SecurityGroupNotFound", OTHER, "POST", "/ports",
		text("{'port': {'network_id': '%s', 'security_groups': ['%s']}}", network, id));
}

static void addresses_of_networks(void **state)
{
	(void)state;
	const char *network = make(MEMBER, "network", "'name': 'counted'"),
		   *path = text("/network-ip-availabilities/%s", network);

	assert_int_equal(cloud_call(ADMIN, "GET", path, NULL), 200);
	assert_at("/network_ip_availability/total_ips", "0");
	make(MEMBER, "subnet",
	     text("'network_id': '%s', 'ip_version': 4, 'cidr': '10.0.0.0/24', 'allocation_pools': "
		  "[{'start': "
		  "'10.0.0.10', 'end': '10.0.0.19'}, {'start': '10.0.0.30', 'end': '10.0.0.30'}]",
		  network));
	make(MEMBER, "port", text("'network_id': '%s'", network));
	assert_int_equal(cloud_call(ADMIN, "GET", path, NULL), 200);
	assert_at("/network_ip_availability/total_ips", "11");
	assert_at("/network_ip_availability/used_ips", "1");
	make(MEMBER, "subnet", text("'network_id': '%s', 'ip_version': 6, 'cidr': 'fd00::/64'", network));
	assert_int_equal(cloud_call(ADMIN, "GET", path, NULL), 200);
	assert_int_equal(cloud_size("/network_ip_availability/subnet_ip_availability"), 2);
	assert_at("/network_ip_availability/subnet_ip_availability/1/total_ips", "18446744073709551614");
	assert_at("/network_ip_availability/total_ips", "18446744073709551615"); /* no more can be said */
	make(OTHER, "network", "");
	assert_int_equal(cloud_call(ADMIN, "GET", "/network-ip-availabilities?network_name=counted", NULL),
			 200);
	assert_int_equal(cloud_size("/network_ip_availabilities"), 1);
	assert_at("/network_ip_availabilities/0/subnet_ip_availability/0/used_ips", "1");
	assert_int_equal(cloud_call(ADMIN, "GET", "/network-ip-availabilities?limit=1", NULL), 200);
	assert_int_equal(cloud_size("/network_ip_availabilities"), 1);
	refused(404, "NetworkNotFound", ADMIN, "GET", "/network-ip-availabilities/none", NULL);
	refused(404, "NetworkNotFound", MEMBER, "GET", path, NULL);
	assert_int_equal(cloud_call(MEMBER, "GET", "/network-ip-availabilities", NULL), 200);
	assert_int_equal(cloud_size("/network_ip_availabilities"), 0);
}

static void extensions(void **state)
{
	(void)state;
	assert_int_equal(cloud_call(READER, "GET", "/extensions", NULL), 200);
	assert_true(cloud_size("/extensions") > 10);
	assert_int_equal(cloud_call(READER, "GET", "/extensions/binding", NULL), 200);
	assert_at("/extension/alias", "binding");
	refused(404, "HTTPNotFound", READER, "GET", "/extensions/nope", NULL);
}

static void the_way_in(void **state)
{
	(void)state;
	assert_int_equal(cloud_call(NULL, "GET", "/networks", NULL), 401);
	assert_at("/error/title", "Unauthorized");
	refused(404, "HTTPNotFound", ADMIN, "GET", "/nonsense", NULL);
	refused(405, "HTTPMethodNotAllowed", ADMIN, "PATCH", "/networks/x", "{'network': {}}");
	assert_int_equal(cloud_call(ADMIN, "GET", "/networks.json", NULL), 200);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(agents),	  TEST(quotas),	    TEST(groups), TEST(addresses_of_networks),
		TEST(extensions), TEST(the_way_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
