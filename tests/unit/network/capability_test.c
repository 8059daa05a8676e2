/* Tests of what is refused because no NIC has it: trust, rates, 802.1ad; of address pairs that a VF would
 * drop; and of the NIC agents themselves. */
#include "cloud.h"

#define IGB "{'driver': 'igb', 'lacks': ['link_state', 'min_rate', '802.1ad'], 'note': 'n'}"

static const char *network;

/* An agent with these capabilities ("'p1': {...}") of PFs p1 and p2 of physnet_b. */
static void report(const char *host, const char *capabilities, int started)
{
	char *told = memory_copy_text(text("{'started': %d, 'capabilities': {%s}}", started, capabilities));
	struct error err;

	for (char *c = told; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	if (!network_agent_report(cloud_db, host, "{\"physnet_b\": [\"p1\", \"p2\"]}", 0, told, &err))
		fail_msg("%s", err.message);
	free(told);
}

static int set_up(void **state)
{
	cloud_set_up(state);
	cloud_open(CLOUD_SETTINGS "[DEFAULT]\nvlan_qinq = true\n");
	network = make(
		ADMIN, "network",
		"'provider:network_type': 'vlan', 'provider:physical_network': 'physnet_b', 'shared': true");
	return 0;
}

static int tear_down(void **state)
{
	return cloud_tear_down(state);
}

static int port_of(const char *vnic_type, const char *more)
{
	return cloud_call(ADMIN, "POST", "/ports",
			  text("{'port': {'network_id': '%s', 'binding:vnic_type': '%s'%s}}", network,
			       vnic_type, more));
}

static void assert_refused(int is, int status, const char *type, const char *sentence)
{
	assert_int_equal(is, status);
	assert_at("/NeutronError/type", type);
	if (!strstr(cloud_at("/NeutronError/message"), sentence))
		fail_msg("%s", cloud_at("/NeutronError/message"));
}

static const char *policy_of(const char *kind, const char *members)
{
	assert_int_equal(cloud_call(ADMIN, "POST", "/qos/policies", "{'policy': {'name': 'q'}}"), 201);
	const char *id = cloud_at("/policy/id");
	if (*kind)
		assert_int_equal(cloud_call(ADMIN, "POST", text("/qos/policies/%s/%s_rules", id, kind),
					    text("{'%s_rule': {%s}}", kind, members)),
				 201);
	return id;
}

/* Nobody has told anything, or there is nothing told of one of the PFs: it may be able to. */
static void what_is_not_known_is_not_refused(void **state)
{
	(void)state;
	const char *policy = policy_of("minimum_bandwidth", "'min_kbps': 1000");
	assert_int_equal(port_of("direct", text(", 'qos_policy_id': '%s', 'trusted': true", policy)), 201);
	report("lab1", "'p1': " IGB, 1);
	assert_int_equal(port_of("direct", text(", 'qos_policy_id': '%s'", policy)), 201);
}

static void a_rate_that_no_nic_has_is_refused(void **state)
{
	(void)state;
	const char *minimum = policy_of("minimum_bandwidth", "'min_kbps': 1000"),
		   *limit = policy_of("bandwidth_limit", "'max_kbps': 1000"), *empty = policy_of("", "");
	const char *why = "the NICs of physnet_b (igb on lab1, igb on lab2) have no minimum rate of a VF";

	report("lab1", "'p1': " IGB ", 'p2': " IGB, 1);
	report("lab2", "'p1': " IGB ", 'p2': " IGB, 1);
	assert_refused(port_of("direct", text(", 'qos_policy_id': '%s'", minimum)), 409,
		       "QosRuleNotSupported", why);
	assert_refused(port_of("macvtap", text(", 'qos_policy_id': '%s'", minimum)), 409,
		       "QosRuleNotSupported", why);
	assert_int_equal(port_of("direct-physical", text(", 'qos_policy_id': '%s'", minimum)), 201);
	assert_int_equal(port_of("direct", text(", 'qos_policy_id': '%s'", limit)), 201);
	const char *port = text("/ports/%s", cloud_at("/port/id"));
	assert_refused(cloud_call(ADMIN, "PUT", port, text("{'port': {'qos_policy_id': '%s'}}", minimum)),
		       409, "QosRuleNotSupported", why);
	/* Through the policy, and the network's. */
	assert_int_equal(cloud_call(ADMIN, "PUT", port, text("{'port': {'qos_policy_id': '%s'}}", empty)),
			 200);
	assert_refused(cloud_call(ADMIN, "POST", text("/qos/policies/%s/minimum_bandwidth_rules", empty),
				  "{'minimum_bandwidth_rule': {'min_kbps': 5}}"),
		       409, "QosRuleNotSupported", why);
	assert_int_equal(cloud_call(ADMIN, "PUT", port, "{'port': {'qos_policy_id': null}}"), 200);
	assert_refused(cloud_call(ADMIN, "PUT", text("/networks/%s", network),
				  text("{'network': {'qos_policy_id': '%s'}}", minimum)),
		       409, "QosRuleNotSupported", why);
	/* One that can is enough. */
	report("lab2", "'p1': " IGB ", 'p2': {'driver': 'ice', 'lacks': []}", 1);
	assert_int_equal(port_of("direct", text(", 'qos_policy_id': '%s'", minimum)), 201);
}

static void trust_that_no_nic_has_is_refused(void **state)
{
	(void)state;
	report("lab1",
	       "'p1': {'driver': 'bnx2x', 'lacks': ['trust', 'max_rate']}, "
	       "'p2': {'driver': 'mlx4_core', 'lacks': ['trust']}",
	       1);
	assert_refused(port_of("direct", ", 'trusted': true"), 400, "InvalidInput",
		       "the NICs of physnet_b (bnx2x on lab1, mlx4_core on lab1) have no trusted VFs");
	assert_int_equal(port_of("normal", ", 'trusted': true"), 201);
	assert_int_equal(port_of("direct", ""), 201);
	const char *port = text("/ports/%s", cloud_at("/port/id"));
	assert_refused(cloud_call(ADMIN, "PUT", port, "{'port': {'trusted': true}}"), 400, "InvalidInput",
		       "trusted");
	/* Admin state needs the link state only for its looks: the port's status is DOWN all the same. */
	report("lab1",
	       "'p1': {'driver': 'x', 'lacks': ['link_state']}, 'p2': {'driver': 'x', 'lacks': "
	       "['link_state']}",
	       1);
	assert_int_equal(cloud_call(ADMIN, "PUT", port, "{'port': {'admin_state_up': false}}"), 200);
}

/* What is there stays as it is, whatever NICs are reported later. */
static void a_port_that_is_there_can_be_renamed(void **state)
{
	(void)state;
	assert_int_equal(port_of("direct", ", 'trusted': true"), 201);
	const char *port = text("/ports/%s", cloud_at("/port/id"));
	report("lab1", "'p1': {'driver': 'x', 'lacks': ['trust']}, 'p2': {'driver': 'x', 'lacks': ['trust']}",
	       1);
	assert_int_equal(cloud_call(ADMIN, "PUT", port, "{'port': {'name': 'n'}}"), 200);
}

#define QINQ "'vlan_qinq': true, 'provider:network_type': 'vlan', 'provider:physical_network': 'physnet_b'"

static void a_network_has_vlans_of_802_1ad(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(cloud_call(ADMIN, "GET", "/extensions/qinq", NULL), 200);
	network = make(ADMIN, "network", QINQ);
	assert_at("/network/vlan_qinq", "true");
	assert_int_equal(port_of("direct", ""), 201);
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *desired = yyjson_mut_obj(doc);
	assert_true(network_port_desired(cloud_db, cloud_at("/port/id"), doc, desired, &err));
	assert_true(yyjson_mut_equals_str(yyjson_mut_obj_get(desired, "vlan_protocol"), "802.1ad"));
	yyjson_mut_doc_free(doc);
	refused(400, "InvalidInput", ADMIN, "POST", "/networks",
		"{'network': {'vlan_qinq': true, 'provider:network_type': 'flat', "
		"'provider:physical_network': "
		"'physnet_f'}}");
	report("lab1", "'p1': " IGB ", 'p2': " IGB, 1);
	assert_refused(cloud_call(ADMIN, "POST", "/networks", "{'network': {" QINQ "}}"), 400,
		       "VlanQinqDriverError",
		       "the NICs of physnet_b (igb on lab1) have no 802.1ad VLANs of VFs");
	assert_refused(port_of("direct", ""), 400, "VlanQinqDriverError", "have no 802.1ad VLANs of VFs");
	assert_int_equal(port_of("direct-physical", ""), 201);
}

/* As in Neutron: an option. */
static void without_the_option_there_is_no_802_1ad(void **state)
{
	(void)state;
	cloud_open(CLOUD_SETTINGS);
	assert_int_equal(cloud_call(ADMIN, "GET", "/extensions/qinq", NULL), 404);
	refused(400, "VlanQinqDriverError", ADMIN, "POST", "/networks", "{'network': {" QINQ "}}");
	make(ADMIN, "network", "'vlan_qinq': false");
	assert_at("/network/vlan_qinq", "");
}

#define PAIR(mac) ", 'allowed_address_pairs': [{'ip_address': '10.9.0.9', 'mac_address': '" mac "'}]"

static void an_address_pair_that_a_vf_would_drop_is_refused(void **state)
{
	const char *why = "the address pair's 02:00:00:00:00:07 would have no effect";

	(void)state;
	assert_refused(port_of("direct", PAIR("02:00:00:00:00:07")), 409, "AddressPairMacNotAllowed", why);
	assert_refused(port_of("macvtap", PAIR("02:00:00:00:00:07")), 409, "AddressPairMacNotAllowed", why);
	/* Its own MAC, however it is written; none; and on other ports. */
	assert_int_equal(port_of("direct", ", 'mac_address': '02:00:00:00:00:0a'" PAIR("02-00-00-00-00-0A")),
			 201);
	const char *port = text("/ports/%s", cloud_at("/port/id"));
	assert_int_equal(port_of("direct", ", 'allowed_address_pairs': [{'ip_address': '10.9.0.9'}]"), 201);
	assert_int_equal(port_of("normal", PAIR("02:00:00:00:00:07")), 201);
	const char *normal = text("/ports/%s", cloud_at("/port/id"));
	/* And on their way there. */
	assert_refused(cloud_call(ADMIN, "PUT", normal, "{'port': {'binding:vnic_type': 'direct'}}"), 409,
		       "AddressPairMacNotAllowed", why);
	assert_refused(cloud_call(ADMIN, "PUT", port,
				  text("{'port': {'name': 'n'%s}}", PAIR("02:00:00:00:00:07"))),
		       409, "AddressPairMacNotAllowed", why);
	/* Without the spoof check it may send what it likes. */
	assert_int_equal(cloud_call(ADMIN, "PUT", port,
				    "{'port': {'port_security_enabled': false, 'security_groups': [], "
				    "'allowed_address_pairs': []}}"),
			 200);
}

/* AP-1: when this life of the agent began, not when the first did. */
static void an_agent_that_starts_anew_says_when(void **state)
{
	(void)state;
	report("lab9", "'p1': " IGB, 1);
	assert_int_equal(cloud_call(ADMIN, "GET", "/agents?host=lab9", NULL), 200);
	assert_at("/agents/0/configurations/capabilities/p1/driver", "igb");
	assert_at("/agents/0/binary", "neutron-sriov-nic-agent");
	assert_at("/agents/0/alive", "true");
	struct error err;
	assert_true(
		store_exec(cloud_db, &err, "UPDATE agent SET created_at = 1000000, started_at = 1000000"));
	report("lab9", "", 1);
	cloud_call(ADMIN, "GET", "/agents?host=lab9", NULL);
	assert_string_equal(cloud_at("/agents/0/started_at"), cloud_at("/agents/0/created_at"));
	report("lab9", "", 2);
	cloud_call(ADMIN, "GET", "/agents?host=lab9", NULL);
	assert_string_equal(cloud_at("/agents/0/started_at"), cloud_at("/agents/0/heartbeat_timestamp"));
	assert_at("/agents/0/created_at", "1970-01-01 00:00:01");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_not_known_is_not_refused),
		TEST(a_rate_that_no_nic_has_is_refused),
		TEST(trust_that_no_nic_has_is_refused),
		TEST(a_port_that_is_there_can_be_renamed),
		TEST(a_network_has_vlans_of_802_1ad),
		TEST(without_the_option_there_is_no_802_1ad),
		TEST(an_address_pair_that_a_vf_would_drop_is_refused),
		TEST(an_agent_that_starts_anew_says_when),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
