/* Tests of QoS: policies and rules, who sees and changes them, where they may be, and what hosts are told. */
#include "cloud.h"

static char told[400]; /* the servers that the hook was called for */

static bool hook(struct store *db, const char *server_id, struct error *err)
{
	(void)db;
	(void)err;
	snprintf(told + strlen(told), sizeof told - strlen(told), "%s ", server_id);
	return true;
}

static const char *told_now(void)
{
	const char *now = text("%s", told);

	*told = '\0';
	return now;
}

static int set_up(void **state)
{
	cloud_set_up(state);
	*told = '\0';
	network_on_port_change(hook);
	return 0;
}

static int tear_down(void **state)
{
	network_on_port_change(NULL);
	return cloud_tear_down(state);
}

static const char *policy_of(const char *members)
{
	assert_int_equal(cloud_call(ADMIN, "POST", "/qos/policies",
				    text("{'policy': {'name': 'q'%s}}", members)),
			 201);
	return cloud_at("/policy/id");
}

/* The status of a new rule; its id is at /<kind>_rule/id. */
static int rule_of(const char *policy, const char *kind, const char *members)
{
	return cloud_call(ADMIN, "POST", text("/qos/policies/%s/%s_rules", policy, kind),
			  text("{'%s_rule': {%s}}", kind, members));
}

static const char *limited(const char *kbps)
{
	const char *policy = policy_of(", 'shared': true");

	assert_int_equal(rule_of(policy, "bandwidth_limit", text("'max_kbps': %s", kbps)), 201);
	return policy;
}

static const char *vlan(void)
{
	return make(
		ADMIN, "network",
		"'provider:network_type': 'vlan', 'provider:physical_network': 'physnet_b', 'shared': true");
}

static const char *port_of(const char *network, const char *vnic_type, const char *more)
{
	return make(MEMBER, "port",
		    text("'network_id': '%s', 'binding:vnic_type': '%s'%s", network, vnic_type, more));
}

/* The shapes that Neutron answers with. */
static void policies_and_rules_have_their_shapes(void **state)
{
	(void)state;
	const char *id = policy_of(", 'description': 'd'"), *path = text("/qos/policies/%s", id);

	assert_at("/policy/rules", "[]");
	assert_at("/policy/is_default", "false");
	assert_at("/policy/project_id", "p0");
	assert_int_equal(rule_of(id, "bandwidth_limit", "'max_kbps': 1000, 'max_burst_kbps': 100"), 201);
	const char *limit = cloud_at("/bandwidth_limit_rule/id");
	assert_at("/bandwidth_limit_rule",
		  text("{\"max_kbps\":1000,\"max_burst_kbps\":100,\"direction\":\"egress\",\"id\":\"%s\"}",
		       limit));
	assert_int_equal(rule_of(id, "minimum_bandwidth", "'min_kbps': 1000, 'direction': 'egress'"), 201);
	assert_int_equal(rule_of(id, "dscp_marking", "'dscp_mark': 26"), 201);
	assert_at("/dscp_marking_rule/dscp_mark", "26");
	assert_int_equal(cloud_call(ADMIN, "GET", path, NULL), 200);
	assert_int_equal(cloud_size("/policy/rules"), 3);
	assert_at("/policy/rules/0/type", "bandwidth_limit");
	assert_at("/policy/rules/0/qos_policy_id", id);
	assert_at("/policy/rules/1/min_kbps", "1000");
	assert_at("/policy/revision_number", "3");
	assert_int_equal(cloud_call(ADMIN, "GET", text("%s/bandwidth_limit_rules", path), NULL), 200);
	assert_int_equal(cloud_size("/bandwidth_limit_rules"), 1);
	assert_int_equal(cloud_call(ADMIN, "GET", text("%s/bandwidth_limit_rules/%s", path, limit), NULL),
			 200);
	refused(404, "QosRuleNotFound", ADMIN, "GET", text("%s/minimum_bandwidth_rules/%s", path, limit),
		NULL);
	assert_int_equal(cloud_call(ADMIN, "GET", text("/qos/alias_bandwidth_limit_rules/%s", limit), NULL),
			 200);
	assert_at("/alias_bandwidth_limit_rule/max_kbps", "1000");
	assert_int_equal(cloud_call(ADMIN, "PUT", text("%s/bandwidth_limit_rules/%s", path, limit),
				    "{'bandwidth_limit_rule': {'max_kbps': 2000}}"),
			 200);
	assert_at("/bandwidth_limit_rule/max_kbps", "2000");
	assert_at("/bandwidth_limit_rule/max_burst_kbps", "100");
	assert_int_equal(cloud_call(ADMIN, "DELETE", text("/qos/alias_bandwidth_limit_rules/%s", limit),
				    NULL),
			 204);
	refused(404, "QosRuleNotFound", ADMIN, "DELETE", text("/qos/alias_bandwidth_limit_rules/%s", limit),
		NULL);
	assert_int_equal(cloud_call(ADMIN, "PUT", path, "{'policy': {'name': 'other'}}"), 200);
	assert_int_equal(cloud_call(ADMIN, "GET", "/qos/policies?name=other", NULL), 200);
	assert_int_equal(cloud_size("/policies"), 1);
	assert_int_equal(cloud_call(ADMIN, "DELETE", path, NULL), 204);
	refused(404, "QosPolicyNotFound", ADMIN, "GET", path, NULL);
}

static void bad_values_are_refused(void **state)
{
	static const char *const bad[][2] = {
		{"bandwidth_limit", ""},
		{"bandwidth_limit", "'max_kbps': -1"},
		{"bandwidth_limit", "'max_kbps': 2147483648"},
		{"bandwidth_limit", "'max_kbps': 'many'"},
		{"bandwidth_limit", "'max_kbps': null"},
		{"bandwidth_limit", "'max_kbps': 1, 'max_burst_kbps': -1"},
		{"bandwidth_limit", "'max_kbps': 1, 'direction': 'up'"},
		{"bandwidth_limit", "'max_kbps': 1, 'min_kbps': 1"},
		{"minimum_bandwidth", "'min_kbps': -1"},
		{"minimum_bandwidth", "'min_kbps': 1, 'max_burst_kbps': 1"},
		{"minimum_bandwidth", "'direction': 'egress'"},
		{"dscp_marking", "'dscp_mark': 1"},
		{"dscp_marking", "'dscp_mark': 8, 'direction': 'egress'"},
	};

	(void)state;
	const char *id = policy_of("");
	for (size_t i = 0; i < ELEMENTS_OF(bad); i++) {
		if (rule_of(id, bad[i][0], bad[i][1]) != 400)
			fail_msg("%s {%s}: %s", bad[i][0], bad[i][1], cloud_at(""));
	}
	assert_int_equal(rule_of(sys_uuid((char[SYS_UUID_SIZE]){0}), "bandwidth_limit", "'max_kbps': 1"),
			 404);
	refused(400, "HTTPBadRequest", ADMIN, "POST", "/qos/policies", "{'policy': {}}");
	refused(400, "HTTPBadRequest", ADMIN, "POST", "/qos/policies",
		"{'policy': {'name': 'a', 'rules': []}}");
}

static void rules_do_not_contradict_each_other(void **state)
{
	(void)state;
	const char *id = policy_of(""), *path = text("/qos/policies/%s/bandwidth_limit_rules", id);

	assert_int_equal(rule_of(id, "bandwidth_limit", "'max_kbps': 1000"), 201);
	const char *limit = cloud_at("/bandwidth_limit_rule/id");
	refused(409, "QoSRulesConflict", ADMIN, "POST", path, "{'bandwidth_limit_rule': {'max_kbps': 5}}");
	refused(409, "QoSRuleParameterConflict", ADMIN, "POST",
		text("/qos/policies/%s/minimum_bandwidth_rules", id),
		"{'minimum_bandwidth_rule': {'min_kbps': 1001}}");
	assert_int_equal(rule_of(id, "minimum_bandwidth", "'min_kbps': 1000"), 201);
	refused(409, "QoSRuleParameterConflict", ADMIN, "PUT", text("%s/%s", path, limit),
		"{'bandwidth_limit_rule': {'max_kbps': 999}}");
	/* The other direction is another matter. */
	assert_int_equal(rule_of(id, "bandwidth_limit", "'max_kbps': 1, 'direction': 'ingress'"), 201);
	refused(409, "QoSRulesConflict", ADMIN, "PUT", text("%s/%s", path, limit),
		"{'bandwidth_limit_rule': {'direction': 'ingress'}}");
}

static void others_see_what_is_shared_and_change_nothing(void **state)
{
	(void)state;
	const char *own = policy_of(", 'project_id': 'p1'"), *shared = limited("1000"),
		   *hidden = policy_of("");

	assert_int_equal(cloud_call(MEMBER, "GET", "/qos/policies", NULL), 200);
	assert_int_equal(cloud_size("/policies"), 2);
	assert_int_equal(cloud_call(OTHER, "GET", "/qos/policies", NULL), 200);
	assert_int_equal(cloud_size("/policies"), 1);
	assert_int_equal(cloud_call(MEMBER, "GET", text("/qos/policies/%s", shared), NULL), 200);
	const char *rule = cloud_at("/policy/rules/0/id");
	assert_int_equal(cloud_call(OTHER, "GET", text("/qos/alias_bandwidth_limit_rules/%s", rule), NULL),
			 200);
	refused(404, "QosPolicyNotFound", MEMBER, "GET", text("/qos/policies/%s", hidden), NULL);
	refused(404, "QosPolicyNotFound", MEMBER, "GET",
		text("/qos/policies/%s/bandwidth_limit_rules", hidden), NULL);
	refused(404, "QosPolicyNotFound", MEMBER, "DELETE", text("/qos/policies/%s", hidden), NULL);
	refused(403, "PolicyNotAuthorized", MEMBER, "POST", "/qos/policies", "{'policy': {'name': 'mine'}}");
	refused(403, "PolicyNotAuthorized", MEMBER, "PUT", text("/qos/policies/%s", own),
		"{'policy': {'name': 'x'}}");
	refused(403, "PolicyNotAuthorized", MEMBER, "DELETE", text("/qos/policies/%s", own), NULL);
	refused(403, "PolicyNotAuthorized", MEMBER, "POST",
		text("/qos/policies/%s/bandwidth_limit_rules", own),
		"{'bandwidth_limit_rule': {'max_kbps': 1}}");
	refused(403, "PolicyNotAuthorized", MEMBER, "PUT", text("/qos/alias_bandwidth_limit_rules/%s", rule),
		"{'alias_bandwidth_limit_rule': {'max_kbps': 1}}");
	refused(403, "PolicyNotAuthorized", MEMBER, "DELETE",
		text("/qos/alias_bandwidth_limit_rules/%s", rule), NULL);
	/* A hidden policy's rule is not there either. */
	assert_int_equal(rule_of(hidden, "bandwidth_limit", "'max_kbps': 1"), 201);
	rule = cloud_at("/bandwidth_limit_rule/id");
	refused(404, "QosRuleNotFound", MEMBER, "GET", text("/qos/alias_bandwidth_limit_rules/%s", rule),
		NULL);
}

static void a_policy_is_attached_by_who_sees_it(void **state)
{
	(void)state;
	const char *hidden = policy_of(""), *shared = limited("1000"), *network = vlan();
	const char *port = port_of(network, "direct", ""), *path = text("/ports/%s", port);

	refused(404, "QosPolicyNotFound", MEMBER, "PUT", path,
		text("{'port': {'qos_policy_id': '%s'}}", hidden));
	refused(404, "QosPolicyNotFound", MEMBER, "POST", "/ports",
		text("{'port': {'network_id': '%s', 'qos_policy_id': '%s'}}", network, hidden));
	assert_int_equal(cloud_call(MEMBER, "PUT", path, text("{'port': {'qos_policy_id': '%s'}}", shared)),
			 200);
	assert_at("/port/qos_policy_id", shared);
	assert_at("/port/qos_network_policy_id", "null");
	/* What the administrator put there stays there. */
	assert_int_equal(cloud_call(ADMIN, "PUT", path, text("{'port': {'qos_policy_id': '%s'}}", hidden)),
			 200);
	refused(403, "PolicyRemoveAuthorizationError", MEMBER, "PUT", path,
		"{'port': {'qos_policy_id': null}}");
	refused(403, "PolicyRemoveAuthorizationError", MEMBER, "PUT", path,
		text("{'port': {'qos_policy_id': '%s'}}", shared));
	assert_int_equal(cloud_call(MEMBER, "PUT", path, "{'port': {'name': 'n'}}"), 200);
	assert_at("/port/qos_policy_id", hidden);
	assert_int_equal(cloud_call(ADMIN, "PUT", path, "{'port': {'qos_policy_id': null}}"), 200);
	assert_at("/port/qos_policy_id", "null");
}

static void a_policy_in_use_stays(void **state)
{
	(void)state;
	const char *policy = limited("1000"), *path = text("/qos/policies/%s", policy), *network = vlan();
	const char *port = port_of(network, "direct", text(", 'qos_policy_id': '%s'", policy));

	refused(409, "QosPolicyInUse", ADMIN, "DELETE", path, NULL);
	refused(409, "RbacPolicyInUse", ADMIN, "PUT", path, "{'policy': {'shared': false}}");
	assert_int_equal(cloud_call(ADMIN, "DELETE", text("/ports/%s", port), NULL), 204);
	assert_int_equal(cloud_call(ADMIN, "PUT", text("/networks/%s", network),
				    text("{'network': {'qos_policy_id': '%s'}}", policy)),
			 200);
	assert_at("/network/qos_policy_id", policy);
	refused(409, "QosPolicyInUse", ADMIN, "DELETE", path, NULL);
	assert_int_equal(cloud_call(ADMIN, "PUT", path, "{'policy': {'shared': false}}"), 200);
	assert_int_equal(cloud_call(ADMIN, "PUT", text("/networks/%s", network),
				    "{'network': {'qos_policy_id': null}}"),
			 200);
	assert_int_equal(cloud_call(ADMIN, "DELETE", path, NULL), 204);
}

/* A project has one default policy, which its new networks get. */
static void default_policies(void **state)
{
	(void)state;
	const char *id = policy_of(", 'project_id': 'p1', 'is_default': true");

	refused(409, "QoSPolicyDefaultAlreadyExists", ADMIN, "POST", "/qos/policies",
		"{'policy': {'name': 'b', 'project_id': 'p1', 'is_default': true}}");
	const char *other = policy_of(", 'project_id': 'p1'");
	refused(409, "QoSPolicyDefaultAlreadyExists", ADMIN, "PUT", text("/qos/policies/%s", other),
		"{'policy': {'is_default': true}}");
	const char *network = make(MEMBER, "network", "");
	assert_at("/network/qos_policy_id", id);
	make(MEMBER, "network", text("'qos_policy_id': '%s'", other));
	assert_at("/network/qos_policy_id", other);
	make(OTHER, "network", "");
	assert_at("/network/qos_policy_id", "null");
	make(MEMBER, "port", text("'network_id': '%s'", network));
	assert_at("/port/qos_network_policy_id", id);
	assert_at("/port/qos_policy_id", "null");
	refused(404, "QosPolicyNotFound", OTHER, "POST", "/networks",
		text("{'network': {'qos_policy_id': '%s'}}", other));
}

/* QO-1, QO-5, QO-7: a rule is only where something enforces it. */
static void rules_are_refused_where_nobody_enforces_them(void **state)
{
	static const struct {
		const char *kind, *members, *fits;
	} rules[] = {
		{"bandwidth_limit", "'max_kbps': 1000", "direct macvtap"},
		{"bandwidth_limit", "'max_kbps': 1000, 'direction': 'ingress'", ""},
		{"minimum_bandwidth", "'min_kbps': 1000", "direct macvtap direct-physical"},
		{"minimum_bandwidth", "'min_kbps': 1000, 'direction': 'ingress'",
		 "direct macvtap direct-physical"},
		{"dscp_marking", "'dscp_mark': 26", ""},
	};
	static const char *const types[] = {"direct", "macvtap", "direct-physical", "normal"};
	const char *network = vlan();

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(rules); i++) {
		const char *policy = policy_of("");

		assert_int_equal(rule_of(policy, rules[i].kind, rules[i].members), 201);
		for (size_t k = 0; k < ELEMENTS_OF(types); k++) {
			const char *fits = strstr(rules[i].fits, types[k]);
			bool fit = fits &&
				   (fits[strlen(types[k])] == ' ' || !fits[strlen(types[k])] ||
				    strcmp(types[k], "direct") == 0) &&
				   !(strcmp(types[k], "direct") == 0 && fits[6] == '-');
			const char *body = text("{'port': {'network_id': '%s', 'binding:vnic_type': '%s', "
						"'qos_policy_id': '%s'}}",
						network, types[k], policy);

			if (fit)
				assert_int_equal(cloud_call(ADMIN, "POST", "/ports", body), 201);
			else
				refused(409, "QosRuleNotSupported", ADMIN, "POST", "/ports", body);
		}
	}
}

static void every_way_to_a_rule_is_checked(void **state)
{
	(void)state;
	const char *empty = policy_of(""), *bad = policy_of(""), *network = vlan();
	const char *port = port_of(network, "direct", ""), *path = text("/ports/%s", port);
	const char *rules = text("/qos/policies/%s/dscp_marking_rules", empty);

	assert_int_equal(rule_of(bad, "bandwidth_limit", "'max_kbps': 1, 'direction': 'ingress'"), 201);
	refused(409, "QosRuleNotSupported", ADMIN, "PUT", path,
		text("{'port': {'qos_policy_id': '%s'}}", bad));
	/* A network's policy is its ports'. */
	refused(409, "QosRuleNotSupported", ADMIN, "PUT", text("/networks/%s", network),
		text("{'network': {'qos_policy_id': '%s'}}", bad));
	assert_int_equal(cloud_call(ADMIN, "PUT", text("/networks/%s", network),
				    text("{'network': {'qos_policy_id': '%s'}}", empty)),
			 200);
	refused(409, "QosRuleNotSupported", ADMIN, "POST", rules, "{'dscp_marking_rule': {'dscp_mark': 8}}");
	assert_int_equal(rule_of(empty, "bandwidth_limit", "'max_kbps': 1000"), 201);
	const char *limit = cloud_at("/bandwidth_limit_rule/id");
	refused(409, "QosRuleNotSupported", ADMIN, "PUT", text("/qos/alias_bandwidth_limit_rules/%s", limit),
		"{'alias_bandwidth_limit_rule': {'direction': 'ingress'}}");
	/* Another type of port, a new port, and one that compute makes. */
	refused(409, "QosRuleNotSupported", ADMIN, "PUT", path, "{'port': {'binding:vnic_type': 'normal'}}");
	refused(409, "QosRuleNotSupported", ADMIN, "POST", "/ports",
		text("{'port': {'network_id': '%s'}}", network));
	struct network_port made;
	struct error err = {0};
	assert_true(store_transaction_begin(cloud_db, &err));
	assert_false(network_port_create_for_server(cloud_db, "p1", network, NULL, "s", &made, &err));
	store_transaction_undo(cloud_db);
	assert_string_equal(err.type, "QosRuleNotSupported");
	/* Its own policy goes before the network's. */
	const char *own = policy_of("");
	assert_int_equal(cloud_call(ADMIN, "PUT", path, text("{'port': {'qos_policy_id': '%s'}}", own)), 200);
	assert_int_equal(cloud_call(ADMIN, "PUT", text("/qos/alias_bandwidth_limit_rules/%s", limit),
				    "{'alias_bandwidth_limit_rule': {'direction': 'ingress'}}"),
			 200);
}

/* --- what hosts are told --- */

static const char *desired_qos(const char *port)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *object = yyjson_mut_obj(doc);
	struct error err;

	assert_true(network_port_desired(cloud_db, port, doc, object, &err));
	char *json = yyjson_mut_val_write(yyjson_mut_obj_get(object, "qos"), 0, NULL);
	const char *kept = text("%s", json);
	free(json);
	yyjson_mut_doc_free(doc);
	return kept;
}

static const char *plugged(const char *network, const char *server, const char *more)
{
	const char *port = port_of(network, "direct", more);
	struct network_binding binding = {.server_id = server, .host = "h1", .pci_slot = "0000:21:10.0"};
	struct error err;

	if (!network_port_bind(cloud_db, port, &binding, &err))
		fail_msg("%s", err.message);
	return port;
}

static void hosts_are_told_of_every_change(void **state)
{
	(void)state;
	const char *policy = policy_of(", 'shared': true"), *network = vlan();
	const char *a = plugged(network, "server-a", text(", 'qos_policy_id': '%s'", policy));
	const char *b = plugged(network, "server-b", "");

	port_of(network, "direct", text(", 'qos_policy_id': '%s', 'device_id': 'not-plugged'", policy));
	told_now();
	assert_string_equal(desired_qos(a), "null");
	assert_int_equal(rule_of(policy, "bandwidth_limit", "'max_kbps': 3000"), 201);
	const char *limit = cloud_at("/bandwidth_limit_rule/id");
	assert_string_equal(told_now(), "server-a ");
	assert_string_equal(desired_qos(a), "{\"max_kbps\":3000,\"min_kbps\":0}");
	assert_string_equal(desired_qos(b), "null");
	assert_int_equal(rule_of(policy, "minimum_bandwidth", "'min_kbps': 2000"), 201);
	assert_string_equal(told_now(), "server-a ");
	assert_string_equal(desired_qos(a), "{\"max_kbps\":3000,\"min_kbps\":2000}");
	/* What is received is not the host's. */
	assert_int_equal(rule_of(policy, "minimum_bandwidth", "'min_kbps': 5, 'direction': 'ingress'"), 201);
	assert_string_equal(desired_qos(a), "{\"max_kbps\":3000,\"min_kbps\":2000}");
	told_now();
	assert_int_equal(cloud_call(ADMIN, "PUT", text("/networks/%s", network),
				    text("{'network': {'qos_policy_id': '%s'}}", policy)),
			 200);
	assert_non_null(strstr(told_now(), "server-b"));
	assert_string_equal(desired_qos(b), "{\"max_kbps\":3000,\"min_kbps\":2000}");
	assert_int_equal(cloud_call(ADMIN, "DELETE", text("/qos/alias_bandwidth_limit_rules/%s", limit),
				    NULL),
			 204);
	const char *both = told_now();
	assert_true(strstr(both, "server-a") && strstr(both, "server-b"));
	assert_string_equal(desired_qos(b), "{\"max_kbps\":0,\"min_kbps\":2000}");
	/* The port's own goes before the network's. */
	assert_int_equal(cloud_call(ADMIN, "PUT", text("/ports/%s", b),
				    text("{'port': {'qos_policy_id': '%s'}}", limited("7000"))),
			 200);
	assert_string_equal(told_now(), "server-b ");
	assert_string_equal(desired_qos(b), "{\"max_kbps\":7000,\"min_kbps\":0}");
	assert_int_equal(cloud_call(MEMBER, "PUT", text("/ports/%s", a), "{'port': {'qos_policy_id': null}}"),
			 200);
	assert_string_equal(desired_qos(a),
			    "{\"max_kbps\":0,\"min_kbps\":2000}"); /* the network's, the same */
}

static void rule_types(void **state)
{
	(void)state;
	assert_int_equal(cloud_call(READER, "GET", "/qos/rule-types", NULL), 200);
	assert_at("/rule_types", "[{\"type\":\"bandwidth_limit\"},{\"type\":\"minimum_bandwidth\"}]");
	assert_int_equal(cloud_call(READER, "GET", "/qos/rule-types?all_rules=true", NULL), 200);
	assert_int_equal(cloud_size("/rule_types"), 3);
	assert_int_equal(cloud_call(ADMIN, "GET", "/qos/rule-types/bandwidth_limit", NULL), 200);
	assert_at("/rule_type/drivers/0/supported_parameters/0/parameter_name", "max_kbps");
	assert_at("/rule_type/drivers/0/supported_parameters/2/parameter_values", "[\"egress\"]");
	assert_int_equal(cloud_call(ADMIN, "GET", "/qos/rule-types/dscp_marking", NULL), 200);
	assert_at("/rule_type/drivers", "[]");
	refused(404, "QosRuleTypeNotFound", ADMIN, "GET", "/qos/rule-types/nonsense", NULL);
	refused(403, "PolicyNotAuthorized", MEMBER, "GET", "/qos/rule-types/bandwidth_limit", NULL);
	cloud_open("");
	assert_int_equal(cloud_call(READER, "GET", "/qos/rule-types", NULL), 200);
	assert_at("/rule_types", "[]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(policies_and_rules_have_their_shapes),
		TEST(bad_values_are_refused),
		TEST(rules_do_not_contradict_each_other),
		TEST(others_see_what_is_shared_and_change_nothing),
		TEST(a_policy_is_attached_by_who_sees_it),
		TEST(a_policy_in_use_stays),
		TEST(default_policies),
		TEST(rules_are_refused_where_nobody_enforces_them),
		TEST(every_way_to_a_rule_is_checked),
		TEST(hosts_are_told_of_every_change),
		TEST(rule_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
