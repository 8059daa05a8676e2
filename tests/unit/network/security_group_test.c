/* Tests of security groups: groups, rules, the default one, which ports have which, and whose they are. */
#include "cloud.h"

static const char *network;

static int set_up(void **state)
{
	cloud_set_up(state);
	network = make(MEMBER, "network", "");
	return 0;
}

static const char *group_of(const char *token, const char *name)
{
	assert_int_equal(cloud_call(token, "POST", "/security-groups",
				    text("{'security_group': {'name': '%s'}}", name)),
			 201);
	return cloud_at("/security_group/id");
}

static const char *default_of(const char *token)
{
	assert_int_equal(cloud_call(token, "GET", "/security-groups?name=default", NULL), 200);
	return cloud_at("/security_groups/0/id");
}

static int rule_of(const char *group, const char *members)
{
	return cloud_call(MEMBER, "POST", "/security-group-rules",
			  text("{'security_group_rule': {'security_group_id': '%s', %s}}", group, members));
}

static void groups_come_and_go(void **state)
{
	(void)state;
	const char *id = group_of(MEMBER, "web"), *path = text("/security-groups/%s", id);

	assert_int_equal(cloud_size("/security_group/security_group_rules"), 2);
	assert_at("/security_group/security_group_rules/0/direction", "egress");
	assert_at("/security_group/stateful", "true");
	assert_at("/security_group/tags", "[]");
	assert_int_equal(
		cloud_call(MEMBER, "PUT", path,
			   "{'security_group': {'name': 'www', 'description': 'd', 'stateful': false}}"),
		200);
	assert_at("/security_group/name", "www");
	assert_at("/security_group/stateful", "false");
	assert_at("/security_group/revision_number", "2");
	assert_int_equal(cloud_call(MEMBER, "PUT", text("%s/tags/red", path), NULL), 201);
	assert_int_equal(cloud_call(MEMBER, "GET", "/security-groups?tags=red&name=www", NULL), 200);
	assert_int_equal(cloud_size("/security_groups"), 1);
	refused(404, "SecurityGroupNotFound", OTHER, "GET", path, NULL);
	refused(404, "SecurityGroupNotFound", OTHER, "PUT", path, "{'security_group': {'name': 'x'}}");
	refused(404, "SecurityGroupNotFound", OTHER, "DELETE", path, NULL);
	refused(403, "PolicyNotAuthorized", READER, "DELETE", path, NULL);
	refused(409, "SecurityGroupDefaultAlreadyExists", MEMBER, "PUT", path,
		"{'security_group': {'name': 'default'}}");
	assert_int_equal(cloud_call(MEMBER, "DELETE", path, NULL), 204);
	refused(404, "SecurityGroupNotFound", MEMBER, "DELETE", path, NULL);
	for (int i = 0; i < 9; i++)
		group_of(MEMBER, "many");
	refused(409, "OverQuota", MEMBER, "POST", "/security-groups", "{'security_group': {'name': 'more'}}");
}

static void the_default_group_stays(void **state)
{
	(void)state;
	const char *id = default_of(MEMBER), *path = text("/security-groups/%s", id);

	assert_int_equal(cloud_size("/security_groups/0/security_group_rules"), 4);
	refused(409, "SecurityGroupDefaultAlreadyExists", MEMBER, "POST", "/security-groups",
		"{'security_group': {'name': 'default'}}");
	refused(409, "SecurityGroupCannotRemoveDefault", MEMBER, "DELETE", path, NULL);
	refused(409, "SecurityGroupCannotUpdateDefault", MEMBER, "PUT", path,
		"{'security_group': {'name': 'x'}}");
	assert_int_equal(cloud_call(MEMBER, "PUT", path, "{'security_group': {'description': 'x'}}"), 200);
	make(MEMBER, "port", text("'network_id': '%s'", network));
	refused(409, "SecurityGroupInUse", ADMIN, "DELETE", path, NULL);
}

static void rules(void **state)
{
	(void)state;
	const char *id = group_of(MEMBER, "web");

	assert_int_equal(rule_of(id, "'direction': 'ingress', 'protocol': 'TCP', 'port_range_min': 22, "
				     "'port_range_max': '22', 'remote_ip_prefix': '192.0.2.7'"),
			 201);
	assert_at("/security_group_rule/protocol", "tcp");
	assert_at("/security_group_rule/port_range_max", "22");
	assert_at("/security_group_rule/remote_ip_prefix", "192.0.2.7/32");
	assert_at("/security_group_rule/ethertype", "IPv4");
	assert_at("/security_group_rule/project_id", "p1");
	const char *rule = cloud_at("/security_group_rule/id"),
		   *path = text("/security-group-rules/%s", rule);
	assert_int_equal(rule_of(id, "'direction': 'ingress', 'remote_ip_prefix': '192.0.2.99/24'"), 201);
	assert_at("/security_group_rule/normalized_cidr", "192.0.2.0/24");
	assert_int_equal(rule_of(id,
				 text("'direction': 'ingress', 'remote_group_id': '%s', 'protocol': 17", id)),
			 201);
	assert_at("/security_group_rule/protocol", "17");
	assert_int_equal(rule_of(id, "'direction': 'ingress', 'protocol': 'icmp', 'port_range_min': 8"), 201);
	assert_int_equal(cloud_call(MEMBER, "GET",
				    text("/security-group-rules?security_group_id=%s&direction=ingress", id),
				    NULL),
			 200);
	assert_int_equal(cloud_size("/security_group_rules"), 4);
	assert_int_equal(cloud_call(MEMBER, "GET", text("/security-groups/%s", id), NULL), 200);
	assert_int_equal(cloud_size("/security_group/security_group_rules"), 6);
	refused(409, "SecurityGroupRuleExists", MEMBER, "POST", "/security-group-rules",
		text("{'security_group_rule': {'security_group_id': '%s', 'direction': 'ingress', "
		     "'protocol': 'tcp', "
		     "'port_range_min': 22, 'port_range_max': 22, 'remote_ip_prefix': '192.0.2.7/32'}}",
		     id));
	refused(404, "SecurityGroupRuleNotFound", OTHER, "GET", path, NULL);
	refused(404, "SecurityGroupRuleNotFound", OTHER, "DELETE", path, NULL);
	assert_int_equal(cloud_call(OTHER, "GET", "/security-group-rules", NULL), 200);
	assert_int_equal(cloud_size("/security_group_rules"), 0);
	assert_int_equal(cloud_call(MEMBER, "DELETE", path, NULL), 204);
	refused(404, "SecurityGroupRuleNotFound", MEMBER, "GET", path, NULL);
	/* Another project's group is not there. */
	make(OTHER, "network", "");
	refused(404, "SecurityGroupNotFound", MEMBER, "POST", "/security-group-rules",
		text("{'security_group_rule': {'security_group_id': '%s', 'direction': 'ingress'}}",
		     default_of(OTHER)));
	refused(404, "SecurityGroupNotFound", MEMBER, "POST", "/security-group-rules",
		text("{'security_group_rule': {'security_group_id': '%s', 'direction': 'ingress', "
		     "'remote_group_id': '%s'}}",
		     id, default_of(OTHER)));
}

static void bad_rules(void **state)
{
	static const char *const bad[][2] = {
		{"HTTPBadRequest", "'direction': 'sideways'"},
		{"HTTPBadRequest", "'ethertype': 'IPv4'"},
		{"SecurityGroupRuleInvalidEtherType", "'direction': 'ingress', 'ethertype': 'IPX'"},
		{"SecurityGroupRuleInvalidProtocol", "'direction': 'ingress', 'protocol': 'nope'"},
		{"SecurityGroupRuleInvalidProtocol", "'direction': 'ingress', 'protocol': 256"},
		{"SecurityGroupRuleInvalidProtocol", "'direction': 'ingress', 'protocol': ['tcp']"},
		{"SecurityGroupProtocolRequiredWithPorts",
		 "'direction': 'ingress', 'port_range_min': 1, 'port_range_max': 10"},
		{"SecurityGroupInvalidPortRange",
		 "'direction': 'ingress', 'protocol': 'tcp', 'port_range_min': 100, 'port_range_max': 10"},
		{"SecurityGroupInvalidPortValue",
		 "'direction': 'ingress', 'protocol': 'tcp', 'port_range_min': 0, 'port_range_max': 70000"},
		{"SecurityGroupInvalidPortValue",
		 "'direction': 'ingress', 'protocol': 'tcp', 'port_range_min': 5"},
		{"SecurityGroupInvalidPortValue",
		 "'direction': 'ingress', 'protocol': 'tcp', 'port_range_min': -1, 'port_range_max': 5"},
		{"SecurityGroupMissingIcmpType",
		 "'direction': 'ingress', 'protocol': 'icmp', 'port_range_max': 1"},
		{"SecurityGroupInvalidIcmpValue",
		 "'direction': 'ingress', 'protocol': 'icmp', 'port_range_min': 256"},
		{"InvalidCIDR", "'direction': 'ingress', 'remote_ip_prefix': 'nope'"},
		{"SecurityGroupRuleParameterConflict",
		 "'direction': 'ingress', 'ethertype': 'IPv6', 'remote_ip_prefix': '10.0.0.0/8'"},
		{"SecurityGroupRemoteGroupAndRemoteIpPrefix",
		 "'direction': 'ingress', 'remote_ip_prefix': '10.0.0.0/8', "
		 "'remote_group_id': '11111111-2222-3333-4444-555555555555'"},
	};

	(void)state;
	const char *id = group_of(MEMBER, "web");
	for (size_t i = 0; i < ELEMENTS_OF(bad); i++)
		refused(400, bad[i][0], MEMBER, "POST", "/security-group-rules",
			text("{'security_group_rule': {'security_group_id': '%s', %s}}", id, bad[i][1]));
	refused(400, "HTTPBadRequest", MEMBER, "POST", "/security-group-rules",
		"{'security_group_rule': {'direction': 'ingress'}}");
}

static void ports_have_groups(void **state)
{
	(void)state;
	const char *a = group_of(MEMBER, "a"), *b = group_of(MEMBER, "b");
	const char *port = make(MEMBER, "port", text("'network_id': '%s'", network)),
		   *path = text("/ports/%s", port);

	const char *first = cloud_at("/port/security_groups");
	assert_string_equal(first, text("[\"%s\"]", default_of(MEMBER)));
	assert_int_equal(cloud_call(MEMBER, "PUT", path,
				    text("{'port': {'security_groups': ['%s', '%s', '%s']}}", a, b, a)),
			 200);
	assert_int_equal(cloud_size("/port/security_groups"), 2);
	refused(409, "SecurityGroupInUse", MEMBER, "DELETE", text("/security-groups/%s", a), NULL);
	assert_int_equal(cloud_call(MEMBER, "GET", text("/ports?security_groups=%s", b), NULL), 200);
	assert_int_equal(cloud_size("/ports"), 1);
	refused(409, "PortSecurityPortHasSecurityGroup", MEMBER, "PUT", path,
		"{'port': {'port_security_enabled': false}}");
	assert_int_equal(cloud_call(MEMBER, "PUT", path,
				    "{'port': {'security_groups': [], 'port_security_enabled': false}}"),
			 200);
	assert_at("/port/security_groups", "[]");
	assert_int_equal(cloud_call(MEMBER, "DELETE", text("/security-groups/%s", a), NULL), 204);
	make(MEMBER, "port", text("'network_id': '%s', 'security_groups': ['%s']", network, b));
	assert_at("/port/security_groups", text("[\"%s\"]", b));
	const char *second = cloud_at("/port/id");
	make(MEMBER, "port", text("'network_id': '%s', 'security_groups': []", network));
	assert_at("/port/security_groups", "[]");
	make(OTHER, "network", "");
	refused(404, "SecurityGroupNotFound", MEMBER, "PUT", path,
		text("{'port': {'security_groups': ['%s']}}", default_of(OTHER)));
	assert_int_equal(cloud_call(MEMBER, "DELETE", text("/ports/%s", second), NULL), 204);
	assert_int_equal(cloud_call(MEMBER, "DELETE", text("/security-groups/%s", b), NULL), 204);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, cloud_tear_down)
		TEST(groups_come_and_go), TEST(the_default_group_stays), TEST(rules),
		TEST(bad_rules),	  TEST(ports_have_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
