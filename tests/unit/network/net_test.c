/* Tests of networks: attributes, who may do what, changing the segment, MTU, several at once. */
#include "cloud.h"

#define VLAN(id) \
	"'provider:network_type': 'vlan', 'provider:physical_network': 'physnet_a', " \
	"'provider:segmentation_id': " #id

static int put(const char *token, const char *id, const char *members)
{
	return cloud_call(token, "PUT", text("/networks/%s", id), text("{'network': {%s}}", members));
}

#define put_refused(status, type, token, id, members) \
	refused(status, type, token, "PUT", text("/networks/%s", id), text("{'network': {%s}}", members))
#define post_refused(status, type, token, members) \
	refused(status, type, token, "POST", "/networks", text("{'network': {%s}}", members))

static void shows_what_was_asked(void **state)
{
	(void)state;
	make(MEMBER, "network", "'name': 'a', 'description': 'b', 'admin_state_up': 'no'");
	assert_at("/network/name", "a");
	assert_at("/network/description", "b");
	assert_at("/network/admin_state_up", "false");
	assert_at("/network/project_id", "p1");
	assert_at("/network/tenant_id", "p1");
	assert_at("/network/status", "ACTIVE");
	assert_at("/network/mtu", "1450");
	assert_at("/network/subnets", "[]");
	assert_at("/network/shared", "false");
	assert_at("/network/revision_number", "1");
	make(ADMIN, "network", "'project_id': 'p9'");
	assert_at("/network/tenant_id", "p9");
}

static void refuses_bad_bodies(void **state)
{
	static const struct {
		const char *body, *type;
	} cases[] = {
		{"{}", "HTTPBadRequest"},
		{"[]", "HTTPBadRequest"},
		{"not json", "HTTPBadRequest"},
		{"", "HTTPBadRequest"},
		{"{'net': {}}", "HTTPBadRequest"},
		{"{'network': []}", "HTTPBadRequest"},
		{"{'network': {'unknown': 1}}", "HTTPBadRequest"},
		{"{'network': {'id': 'x'}}", "HTTPBadRequest"},
		{"{'network': {'status': 'ACTIVE'}}", "HTTPBadRequest"},
		{"{'network': {'name': 5}}", "HTTPBadRequest"},
		{"{'network': {'name': null}}", "HTTPBadRequest"},
		{"{'network': {'tenant_id': 5}}", "HTTPBadRequest"},
		{"{'network': {'tenant_id': 'a', 'project_id': 'b'}}", "HTTPBadRequest"},
		{"{'network': {'mtu': -5}}", "HTTPBadRequest"},
		{"{'network': {'mtu': 1451}}", "InvalidInput"},
		{"{'network': {'mtu': 'x'}}", "InvalidInput"},
		{"{'network': {'admin_state_up': 'maybe'}}", "InvalidInput"},
		{"{'network': {'admin_state_up': 2}}", "InvalidInput"},
		{"{'network': {'vlan_transparent': true}}", "VlanTransparencyDriverError"},
		{"{'networks': []}", "HTTPBadRequest"},
		{"{'networks': [{}, 5]}", "HTTPBadRequest"},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(cases); i++)
		refused(400, cases[i].type, ADMIN, "POST", "/networks", cases[i].body);
	refused(404, "QosPolicyNotFound", ADMIN, "POST", "/networks", "{'network': {'qos_policy_id': 'x'}}");
	post_refused(400, "HTTPBadRequest", ADMIN, "'id': 'x'");
	assert_at("/NeutronError/message", "Attribute 'id' not allowed in POST");
}

/* 255 characters, however many bytes they are. */
static void counts_characters_of_names(void **state)
{
	char name[600] = "";

	(void)state;
	for (int i = 0; i < 255; i++)
		strcat(name, "ä");
	make(MEMBER, "network", text("'name': '%s'", name));
	assert_at("/network/name", name);
	post_refused(400, "HTTPBadRequest", MEMBER, text("'name': '%sx'", name));
}

static void several_at_once(void **state)
{
	(void)state;
	cloud_open(CLOUD_SETTINGS);
	assert_int_equal(cloud_call(MEMBER, "POST", "/networks",
				    "{'networks': [{'name': 'a'}, {'name': 'b'}]}"),
			 201);
	assert_int_equal(cloud_size("/networks"), 2);
	assert_at("/networks/1/name", "b");
	/* All or none. */
	refused(400, "HTTPBadRequest", MEMBER, "POST", "/networks",
		"{'networks': [{'name': 'c'}, {'name': 5}]}");
	assert_int_equal(cloud_call(MEMBER, "GET", "/networks", NULL), 200);
	assert_int_equal(cloud_size("/networks"), 2);
}

static void who_may_do_what(void **state)
{
	const char *own = make(MEMBER, "network", ""), *foreign = make(OTHER, "network", ""),
		   *shared = make(ADMIN, "network", "'shared': true"),
		   *external = make(ADMIN, "network", "'router:external': true");

	(void)state;
	post_refused(403, "PolicyNotAuthorized", MEMBER, "'shared': true");
	post_refused(403, "PolicyNotAuthorized", MEMBER, "'router:external': true");
	post_refused(403, "PolicyNotAuthorized", MEMBER, VLAN(5));
	post_refused(403, "PolicyNotAuthorized", MEMBER, "'project_id': 'p2'");
	post_refused(403, "PolicyNotAuthorized", READER, "'name': 'x'");
	put_refused(403, "PolicyNotAuthorized", MEMBER, own, "'provider:segmentation_id': 5");
	put_refused(403, "PolicyNotAuthorized", READER, own, "'name': 'x'");
	refused(403, "PolicyNotAuthorized", READER, "DELETE", text("/networks/%s", own), NULL);
	assert_int_equal(cloud_call(READER, "GET", text("/networks/%s", own), NULL), 200);
	put_refused(404, "NetworkNotFound", MEMBER, foreign, "'name': 'x'");
	refused(404, "NetworkNotFound", MEMBER, "DELETE", text("/networks/%s", foreign), NULL);
	refused(404, "NetworkNotFound", MEMBER, "GET", text("/networks/%s", foreign), NULL);
	put_refused(403, "PolicyNotAuthorized", MEMBER, shared, "'name': 'x'");
	refused(403, "PolicyNotAuthorized", MEMBER, "DELETE", text("/networks/%s", shared), NULL);
	assert_int_equal(cloud_call(MEMBER, "GET", text("/networks/%s", shared), NULL), 200);
	assert_int_equal(cloud_call(MEMBER, "GET", text("/networks/%s", external), NULL), 200);
	assert_int_equal(cloud_call(MEMBER, "GET", text("/networks?id=%s", external), NULL), 200);
	assert_int_equal(cloud_size("/networks"), 1);
	assert_int_equal(cloud_call(NULL, "GET", "/networks", NULL), 401);
}

static void updates(void **state)
{
	const char *id = make(MEMBER, "network", "'name': 'a'");

	(void)state;
	assert_int_equal(put(MEMBER, id, "'name': 'b', 'admin_state_up': false"), 200);
	assert_at("/network/name", "b");
	assert_at("/network/admin_state_up", "false");
	assert_at("/network/description", "");
	assert_at("/network/revision_number", "2");
	assert_int_equal(put(ADMIN, id, "'shared': true, 'port_security_enabled': false"), 200);
	assert_at("/network/shared", "true");
	assert_at("/network/port_security_enabled", "false");
	assert_at("/network/provider:network_type", "vxlan");
	put_refused(400, "HTTPBadRequest", ADMIN, id, "'id': 'x'");
	put_refused(400, "HTTPBadRequest", ADMIN, id, "'subnets': []");
	put_refused(400, "HTTPBadRequest", ADMIN, id, "'tenant_id': 'x'");
	put_refused(404, "NetworkNotFound", ADMIN, "nope", "'name': 'x'");
	refused(400, "HTTPBadRequest", ADMIN, "PUT", text("/networks/%s", id), "{}");
}

/* MT-1: what is left when the tunnel's header is taken off; 0 means as much as there is. */
static void mtu(void **state)
{
	const char *tunnel = make(ADMIN, "network", "'mtu': 0"), *vlan;

	(void)state;
	assert_at("/network/mtu", "1450");
	put_refused(400, "InvalidInput", ADMIN, tunnel, "'mtu': 1451");
	put_refused(400, "HTTPBadRequest", ADMIN, tunnel, "'mtu': -1");
	assert_int_equal(put(ADMIN, tunnel, "'mtu': 1000"), 200);
	assert_at("/network/mtu", "1000");
	assert_int_equal(put(ADMIN, tunnel, "'name': 'x'"), 200);
	assert_at("/network/mtu", "1000");
	assert_int_equal(put(ADMIN, tunnel, "'mtu': 0"), 200);
	assert_at("/network/mtu", "1450");
	cloud_open("[DEFAULT]\nglobal_physnet_mtu = 9000\n[ml2]\nphysical_network_mtus = physnet_a:1600\n"
		   "path_mtu = 2000\n[ml2_type_vlan]\nnetwork_vlan_ranges = physnet_a,physnet_b\n");
	vlan = make(ADMIN, "network", VLAN(5));
	assert_at("/network/mtu", "1600");
	put_refused(400, "InvalidInput", ADMIN, vlan, "'mtu': 1601");
	make(ADMIN, "network", "'provider:network_type': 'vlan', 'provider:physical_network': 'physnet_b'");
	assert_at("/network/mtu", "9000");
	make(ADMIN, "network", "'provider:network_type': 'vxlan'");
	assert_at("/network/mtu", "1950");
	cloud_open(CLOUD_SETTINGS);
}

/* VL-22, VL-23. */
static void changes_the_vlan(void **state)
{
	const char *id = make(ADMIN, "network", VLAN(101)), *tunnel;

	(void)state;
	make(ADMIN, "network", VLAN(102));
	assert_int_equal(put(ADMIN, id, "'provider:segmentation_id': 3000"), 200);
	assert_at("/network/provider:segmentation_id", "3000");
	assert_int_equal(put(ADMIN, id, VLAN(3000)), 200);
	put_refused(409, "VlanIdInUse", ADMIN, id, "'provider:segmentation_id': 102");
	put_refused(400, "InvalidInput", ADMIN, id, "'provider:segmentation_id': 0");
	put_refused(400, "InvalidInput", ADMIN, id, "'provider:segmentation_id': 4095");
	put_refused(400, "InvalidInput", ADMIN, id, "'provider:network_type': 'vxlan'");
	put_refused(400, "InvalidInput", ADMIN, id, "'provider:physical_network': 'physnet_b'");
	tunnel = make(ADMIN, "network", "");
	/* Another than it has: that was drawn. */
	put_refused(400, "InvalidInput", ADMIN, tunnel,
		    strcmp(cloud_at("/network/provider:segmentation_id"), "900") == 0
			    ? "'provider:segmentation_id': 901"
			    : "'provider:segmentation_id': 900");
	/* Not under a port that is plugged in. */
	const char *port = make(ADMIN, "port", text("'network_id': '%s'", id));
	assert_int_equal(put(ADMIN, id, "'provider:segmentation_id': 3001"), 200);
	assert_int_equal(cloud_call(ADMIN, "PUT", text("/ports/%s", port),
				    "{'port': {'binding:host_id': 'h'}}"),
			 200);
	put_refused(400, "InvalidInput", ADMIN, id, "'provider:segmentation_id': 3002");
}

static void deletes(void **state)
{
	const char *id = make(MEMBER, "network", ""),
		   *port = make(MEMBER, "port", text("'network_id': '%s'", id));

	(void)state;
	make(MEMBER, "subnet", text("'network_id': '%s', 'ip_version': 4, 'cidr': '10.0.0.0/24'", id));
	const char *subnet = cloud_at("/subnet/id");
	refused(409, "NetworkInUse", MEMBER, "DELETE", text("/networks/%s", id), NULL);
	assert_non_null(strstr(cloud_at("/NeutronError/message"), port));
	assert_int_equal(cloud_call(MEMBER, "DELETE", text("/ports/%s", port), NULL), 204);
	assert_int_equal(cloud_call(MEMBER, "DELETE", text("/networks/%s", id), NULL), 204);
	refused(404, "SubnetNotFound", ADMIN, "GET", text("/subnets/%s", subnet), NULL);
	refused(404, "NetworkNotFound", MEMBER, "DELETE", text("/networks/%s", id), NULL);
}

static void quota(void **state)
{
	(void)state;
	cloud_open(CLOUD_SETTINGS "[quotas]\nquota_network = 2\n");
	const char *id = make(MEMBER, "network", "");
	make(MEMBER, "network", "");
	post_refused(409, "OverQuota", MEMBER, "");
	make(OTHER, "network", "");
	assert_int_equal(cloud_call(MEMBER, "DELETE", text("/networks/%s", id), NULL), 204);
	refused(409, "OverQuota", MEMBER, "POST", "/networks", "{'networks': [{}, {}]}");
	make(MEMBER, "network", "");
	cloud_open(CLOUD_SETTINGS "[quotas]\nquota_network = -1\n");
	make(MEMBER, "network", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows_what_was_asked),
		cmocka_unit_test(refuses_bad_bodies),
		cmocka_unit_test(counts_characters_of_names),
		cmocka_unit_test(several_at_once),
		cmocka_unit_test(who_may_do_what),
		cmocka_unit_test(updates),
		cmocka_unit_test(mtu),
		cmocka_unit_test(changes_the_vlan),
		cmocka_unit_test(deletes),
		cmocka_unit_test(quota),
	};

	return cmocka_run_group_tests(tests, cloud_set_up, cloud_tear_down);
}
