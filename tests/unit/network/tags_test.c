/* Tests of tags, of filters by them, of limits of projects, and of DHCP options of ports. */
#include "cloud.h"

static const char *network;

static int set_up(void **state)
{
	cloud_set_up(state);
	network = make(MEMBER, "network", "'name': 'n'");
	return 0;
}

static const char *policy(void)
{
	assert_int_equal(cloud_call(ADMIN, "POST", "/qos/policies",
				    "{'policy': {'name': 'q', 'shared': true}}"),
			 201);
	return cloud_at("/policy/id");
}

static void every_resource_has_tags(void **state)
{
	(void)state;
	const char *subnet =
		make(MEMBER, "subnet",
		     text("'network_id': '%s', 'ip_version': 4, 'cidr': '10.0.0.0/24'", network));
	const char *port = make(MEMBER, "port", text("'network_id': '%s'", network)), *qos = policy();
	const struct {
		const char *path, *view, *at, *token;
	} kinds[] = {
		{text("/networks/%s", network), text("/networks/%s", network), "/network/tags", MEMBER},
		{text("/subnets/%s", subnet), text("/subnets/%s", subnet), "/subnet/tags", MEMBER},
		{text("/ports/%s", port), text("/ports/%s", port), "/port/tags", MEMBER},
		{text("/policies/%s", qos), text("/qos/policies/%s", qos), "/policy/tags", ADMIN},
	};

	for (size_t i = 0; i < ELEMENTS_OF(kinds); i++) {
		const char *token = kinds[i].token, *tags = text("%s/tags", kinds[i].path);

		assert_int_equal(cloud_call(token, "PUT", text("%s/red", tags), NULL), 201);
		assert_int_equal(cloud_call(token, "PUT", text("%s/red", tags), NULL), 201);
		assert_int_equal(cloud_call(token, "PUT", text("%s/black", tags), NULL), 201);
		assert_int_equal(cloud_call(token, "GET", tags, NULL), 200);
		assert_at("/tags", "[\"black\",\"red\"]");
		assert_int_equal(cloud_call(token, "GET", text("%s/red", tags), NULL), 204);
		assert_int_equal(cloud_call(token, "GET", kinds[i].view, NULL), 200);
		assert_at(kinds[i].at, "[\"black\",\"red\"]");
		assert_int_equal(cloud_call(token, "DELETE", text("%s/red", tags), NULL), 204);
		refused(404, "TagNotFound", token, "DELETE", text("%s/red", tags), NULL);
		refused(404, "TagNotFound", token, "GET", text("%s/red", tags), NULL);
		assert_int_equal(cloud_call(token, "PUT", tags, "{'tags': ['green', 'blue', 'green']}"), 200);
		assert_at("/tags", "[\"blue\",\"green\"]");
		assert_int_equal(cloud_call(token, "DELETE", tags, NULL), 204);
		assert_int_equal(cloud_call(token, "GET", tags, NULL), 200);
		assert_at("/tags", "[]");
	}
}

static void bad_tags(void **state)
{
	static const char *const bad[] = {
		"{'tags': 'a'}",	  "{'tags': [1]}", "{'tags': ['']}", "{'tags': ['a,b']}", "{}",
		"{'tags': [], 'more': 1}"};
	char many[51 * 8] = "", length[300];

	(void)state;
	const char *path = text("/networks/%s/tags", network);
	for (size_t i = 0; i < ELEMENTS_OF(bad); i++)
		refused(400, "InvalidInput", MEMBER, "PUT", path, bad[i]);
	for (int i = 0; i < 51; i++)
		snprintf(many + strlen(many), sizeof many - strlen(many), "%s't%d'", i ? "," : "", i);
	refused(400, "InvalidInput", MEMBER, "PUT", path, text("{'tags': [%s]}", many));
	memset(length, 'x', sizeof length);
	length[256] = '\0';
	refused(400, "InvalidInput", MEMBER, "PUT", text("%s/%s", path, length), NULL);
	length[255] = '\0';
	assert_int_equal(cloud_call(MEMBER, "PUT", text("%s/%s", path, length), NULL), 201);
}

static void tags_are_their_projects(void **state)
{
	(void)state;
	const char *path = text("/networks/%s/tags", network);

	refused(404, "NetworkNotFound", OTHER, "GET", path, NULL);
	refused(404, "NetworkNotFound", OTHER, "PUT", text("%s/a", path), NULL);
	refused(403, "PolicyNotAuthorized", READER, "PUT", text("%s/a", path), NULL);
	assert_int_equal(cloud_call(ADMIN, "PUT", text("/networks/%s", network),
				    "{'network': {'shared': true}}"),
			 200);
	assert_int_equal(cloud_call(OTHER, "GET", path, NULL), 200);
	refused(403, "PolicyNotAuthorized", OTHER, "PUT", text("%s/a", path), NULL);
	refused(403, "PolicyNotAuthorized", OTHER, "DELETE", path, NULL);
	refused(404, "NetworkNotFound", ADMIN, "GET", "/networks/none/tags", NULL);
}

static void filters(void **state)
{
	static const struct {
		const char *query;
		int count;
	} cases[] = {{"tags=a", 2},	      {"tags=a,b", 1},	    {"tags-any=b,c", 2},
		     {"not-tags=a,b", 3},     {"not-tags=c", 3},    {"not-tags-any=a", 2},
		     {"not-tags-any=b,c", 2}, {"tags=a&tags=b", 1}, {"tags=nothing", 0}};

	(void)state;
	const char *sets[] = {"'a', 'b'", "'a'", "'c'"};
	for (size_t i = 0; i < ELEMENTS_OF(sets); i++) {
		const char *id = make(MEMBER, "network", "");
		assert_int_equal(cloud_call(MEMBER, "PUT", text("/networks/%s/tags", id),
					    text("{'tags': [%s]}", sets[i])),
				 200);
	}
	for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
		assert_int_equal(cloud_call(MEMBER, "GET", text("/networks?%s", cases[i].query), NULL), 200);
		if (cloud_size("/networks") != cases[i].count)
			fail_msg("%s: %d", cases[i].query, cloud_size("/networks"));
	}
}

static void limits_of_a_project(void **state)
{
	(void)state;
	refused(403, "PolicyNotAuthorized", MEMBER, "PUT", "/quotas/p1", "{'quota': {'network': 5}}");
	refused(403, "PolicyNotAuthorized", MEMBER, "DELETE", "/quotas/p1", NULL);
	refused(400, "HTTPBadRequest", ADMIN, "PUT", "/quotas/p1", "{'quota': {'network': -5}}");
	refused(400, "InvalidInput", ADMIN, "PUT", "/quotas/p1", "{'quota': {'network': 'x'}}");
	refused(400, "HTTPBadRequest", ADMIN, "PUT", "/quotas/p1", "{'quota': {'nope': 5}}");
	refused(400, "InvalidQuotaValue", ADMIN, "PUT", "/quotas/p1",
		"{'quota': {'network': 0, 'check_limit': true}}");
	assert_int_equal(cloud_call(ADMIN, "PUT", "/quotas/p1",
				    "{'quota': {'network': 1, 'port': '0', 'subnet': -1}}"),
			 200);
	assert_at("/quota/network", "1");
	assert_at("/quota/port", "0");
	assert_at("/quota/subnet", "-1");
	refused(409, "OverQuota", MEMBER, "POST", "/networks", "{'network': {}}");
	refused(409, "OverQuota", MEMBER, "POST", "/ports", text("{'port': {'network_id': '%s'}}", network));
	make(OTHER, "network", "");
	assert_int_equal(cloud_call(MEMBER, "GET", "/quotas/p1/default", NULL), 200);
	assert_at("/quota/port", "500");
	assert_int_equal(cloud_call(MEMBER, "GET", "/quotas/p1/details.json", NULL), 200);
	assert_at("/quota/network", "{\"limit\":1,\"used\":1,\"reserved\":0}");
	assert_int_equal(cloud_call(ADMIN, "GET", "/quotas", NULL), 200);
	assert_int_equal(cloud_size("/quotas"), 1);
	assert_at("/quotas/0/project_id", "p1");
	assert_int_equal(cloud_call(ADMIN, "DELETE", "/quotas/p1", NULL), 204);
	make(MEMBER, "network", "");
	assert_int_equal(cloud_call(MEMBER, "GET", "/quotas/p1", NULL), 200);
	assert_at("/quota/port", "500");
}

static void dhcp_options(void **state)
{
	static const char *const bad[] = {"[{'opt_name': 'a'}]",
					  "[{'opt_value': 'a'}]",
					  "[{'opt_name': '', 'opt_value': 'a'}]",
					  "[{'opt_name': 'a', 'opt_value': 1}]",
					  "['a']",
					  "[{'opt_name': 'a', 'opt_value': 'b', 'ip_version': 5}]"};

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(bad); i++)
		refused(400, "InvalidInput", MEMBER, "POST", "/ports",
			text("{'port': {'network_id': '%s', 'extra_dhcp_opts': %s}}", network, bad[i]));
	const char *port =
		make(MEMBER, "port",
		     text("'network_id': '%s', 'extra_dhcp_opts': [{'opt_name': 'a', 'opt_value': '1'}, "
			  "{'opt_name': 'a', 'opt_value': '6', 'ip_version': 6}]",
			  network));
	assert_at("/port/extra_dhcp_opts/0", "{\"opt_name\":\"a\",\"opt_value\":\"1\",\"ip_version\":4}");
	assert_int_equal(cloud_size("/port/extra_dhcp_opts"), 2);
	assert_int_equal(cloud_call(MEMBER, "PUT", text("/ports/%s", port),
				    "{'port': {'extra_dhcp_opts': [{'opt_name': 'a', 'opt_value': null}, "
				    "{'opt_name': 'b', 'opt_value': '2'}]}}"),
			 200);
	assert_int_equal(cloud_size("/port/extra_dhcp_opts"), 2);
	assert_at("/port/extra_dhcp_opts/0/ip_version", "6");
	assert_at("/port/extra_dhcp_opts/1/opt_name", "b");
	assert_int_equal(cloud_call(MEMBER, "PUT", text("/ports/%s", port),
				    "{'port': {'extra_dhcp_opts': []}}"),
			 200);
	assert_int_equal(cloud_size("/port/extra_dhcp_opts"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, cloud_tear_down)
		TEST(every_resource_has_tags), TEST(bad_tags),
		TEST(tags_are_their_projects), TEST(filters),
		TEST(limits_of_a_project),     TEST(dhcp_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
