/* Tests of binding: through the API as an administrator, and through the door that compute uses. */
#include "cloud.h"

static const char *network, *port;
static char told[200]; /* the servers that the hook was called for */

static bool hook(struct store *db, const char *server_id, struct error *err)
{
	(void)db;
	(void)err;
	snprintf(told + strlen(told), sizeof told - strlen(told), "%s ", server_id);
	return true;
}

static void open_with(const char *settings)
{
	struct error err;

	cloud_open(settings);
	network = make(ADMIN, "network",
		       "'provider:network_type': 'vlan', 'provider:physical_network': 'physnet_a', "
		       "'provider:segmentation_id': 101, 'shared': true");
	port = make(MEMBER, "port", text("'network_id': '%s', 'binding:vnic_type': 'direct'", network));
	assert_true(network_agent_report(cloud_db, "h1", "{\"physnet_a\": [\"p5p1\"]}", 0, NULL, &err));
	assert_true(network_agent_report(cloud_db, "h2", "{\"physnet_b\": [\"p5p1\"]}", 0, NULL, &err));
	*told = '\0';
	network_on_port_change(hook);
}

static int set_up(void **state)
{
	cloud_set_up(state);
	open_with(CLOUD_SETTINGS);
	return 0;
}

static int tear_down(void **state)
{
	network_on_port_change(NULL);
	return cloud_tear_down(state);
}

static int put(const char *token, const char *id, const char *members)
{
	return cloud_call(token, "PUT", text("/ports/%s", id), text("{'port': {%s}}", members));
}

/* What an administrator's binding of this type to this host comes to. */
static const char *vif_of(const char *vnic_type, const char *host, const char *more)
{
	const char *vif;

	make(ADMIN, "port",
	     text("'network_id': '%s', 'binding:vnic_type': '%s', 'binding:host_id': '%s'%s", network,
		  vnic_type, host, more));
	vif = cloud_at("/port/binding:vif_type");
	return vif;
}

/* MD-1, MD-3, MD-6 to MD-9. */
static void as_ml2_binds(void **state)
{
	(void)state;
	assert_string_equal(vif_of("direct", "h1", ""), "hw_veb");
	assert_at("/port/binding:vif_details/vlan", "101");
	assert_at("/port/binding:vif_details/port_filter", "false");
	assert_at("/port/status", "DOWN");
	assert_string_equal(vif_of("macvtap", "h1", ""), "hw_veb");
	assert_string_equal(vif_of("direct-physical", "h1", ""), "hostdev_physical");
	assert_string_equal(vif_of("direct-physical", "nosuchhost", ""), "hostdev_physical");
	assert_string_equal(vif_of("normal", "h1", ""), "bridge");
	assert_string_equal(vif_of("direct", "h2", ""), "binding_failed");
	assert_at("/port/binding:vif_details", "{}");
	assert_string_equal(vif_of("direct", "nosuchhost", ""), "binding_failed");
	assert_string_equal(vif_of("baremetal", "h1", ""), "binding_failed");
	network = make(ADMIN, "network", "'provider:network_type': 'vxlan'");
	assert_string_equal(vif_of("direct", "h1", ""), "binding_failed");
	assert_string_equal(vif_of("direct-physical", "h1", ""), "binding_failed");
	open_with("[ml2_type_vlan]\nnetwork_vlan_ranges = physnet_a\n");
	assert_string_equal(vif_of("direct", "h1", ""), "binding_failed");
	assert_string_equal(vif_of("direct-physical", "h1", ""), "binding_failed");
	assert_string_equal(vif_of("normal", "h1", ""), "bridge");
}

/* PO-10 to PO-12. */
static void bound_ports_keep_type_and_mac(void **state)
{
	(void)state;
	assert_int_equal(put(ADMIN, port, "'binding:host_id': 'h1'"), 200);
	refused(409, "PortInUse", ADMIN, "PUT", text("/ports/%s", port),
		"{'port': {'binding:vnic_type': 'macvtap'}}");
	refused(409, "PortBound", ADMIN, "PUT", text("/ports/%s", port),
		"{'port': {'mac_address': '02:00:00:00:00:01'}}");
	refused(409, "PortInUse", ADMIN, "DELETE", text("/ports/%s", port), NULL);
	assert_int_equal(put(ADMIN, port, "'binding:host_id': 'nosuchhost'"), 200);
	assert_at("/port/binding:vif_type", "binding_failed");
	assert_int_equal(put(ADMIN, port, "'binding:host_id': ''"), 200);
	assert_at("/port/binding:vif_type", "unbound");
	assert_int_equal(put(ADMIN, port, "'binding:vnic_type': 'macvtap'"), 200);
	assert_int_equal(cloud_call(ADMIN, "DELETE", text("/ports/%s", port), NULL), 204);
}

#define DEVICES(list) CLOUD_SETTINGS "[ml2_sriov]\nsupported_pci_vendor_devs =" list "\n"
#define PROFILE(ids)  ", 'binding:profile': {'pci_vendor_info': '" ids "'}"

/* PV-1 to PV-4. */
static void supported_devices(void **state)
{
	struct config *config;
	struct error err;

	(void)state;
	open_with(DEVICES(" 8086:10ca, 8086:1520"));
	assert_string_equal(vif_of("direct", "h1", PROFILE("8086:1520")), "hw_veb");
	assert_string_equal(vif_of("direct", "h1", PROFILE("15b3:1004")), "binding_failed");
	assert_string_equal(vif_of("direct", "h1", ""), "binding_failed");
	assert_string_equal(vif_of("direct-physical", "h1", PROFILE("15b3:1004")), "binding_failed");
	assert_string_equal(vif_of("normal", "h1", ""), "bridge");
	open_with(DEVICES(""));
	assert_string_equal(vif_of("direct", "h1", PROFILE("8086:10ca")), "binding_failed");
	static const char *const bad[] = {"8086", "8086:", ":10ca", "8086:10ca:1", "x:y"};
	for (size_t i = 0; i < ELEMENTS_OF(bad); i++) {
		config = config_new();
		assert_true(config_read_text(config, "test",
					     text("[ml2_sriov]\nsupported_pci_vendor_devs = %s\n", bad[i]),
					     &err));
		if (network_settings_read(config, &err))
			fail_msg("%s is taken", bad[i]);
		config_free(config);
	}
}

/* MD-1. */
static void prohibited_types(void **state)
{
	struct config *config;
	struct error err;

	(void)state;
	open_with(CLOUD_SETTINGS "[sriov_driver]\nvnic_type_prohibit_list = macvtap, direct-physical\n");
	assert_string_equal(vif_of("direct", "h1", ""), "hw_veb");
	assert_string_equal(vif_of("macvtap", "h1", ""), "binding_failed");
	assert_string_equal(vif_of("direct-physical", "h1", ""), "binding_failed");
	static const char *const bad[] = {"normal", "nope", "direct,macvtap,direct-physical"};
	for (size_t i = 0; i < ELEMENTS_OF(bad); i++) {
		config = config_new();
		assert_true(config_read_text(config, "test",
					     text("[sriov_driver]\nvnic_type_prohibit_list = %s\n", bad[i]),
					     &err));
		if (network_settings_read(config, &err))
			fail_msg("%s is taken", bad[i]);
		config_free(config);
	}
}

/* --- compute's door --- */

static bool plug_in(const char *id, const char *server, const char *vendor_info, struct error *err)
{
	return network_port_bind(cloud_db, id,
				 &(struct network_binding){.server_id = server,
							   .host = "h1",
							   .device_owner = "compute:nova",
							   .pci_slot = "0000:81:10.0",
							   .pci_vendor_info = vendor_info},
				 err);
}

static void show(const char *id)
{
	assert_int_equal(cloud_call(ADMIN, "GET", text("/ports/%s", id), NULL), 200);
}

/* What an administrator wrote into the profile stays when servers come and go. */
static void binds_and_releases(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(put(ADMIN, port, "'binding:profile': {'trusted': 'true'}"), 200);
	assert_true(plug_in(port, "s1", "8086:10ca", &err));
	show(port);
	assert_at("/port/binding:vif_type", "hw_veb");
	assert_at("/port/binding:host_id", "h1");
	assert_at("/port/device_id", "s1");
	assert_at("/port/binding:profile",
		  "{\"trusted\":\"true\",\"pci_vendor_info\":\"8086:10ca\",\"pci_slot\":\"0000:81:10.0\","
		  "\"physical_network\":\"physnet_a\"}");
	assert_false(plug_in(port, "s2", "8086:10ca", &err));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	assert_string_equal(err.type, "PortInUse");
	assert_true(network_ports_release(cloud_db, "s1", &err));
	show(port);
	assert_at("/port/binding:vif_type", "unbound");
	assert_at("/port/device_id", "");
	assert_at("/port/binding:profile", "{\"trusted\":\"true\"}");
}

static void refuses_unsupported_devices(void **state)
{
	struct error err;

	(void)state;
	open_with(DEVICES(" 8086:10ca"));
	assert_false(plug_in(port, "s1", "15b3:1004", &err));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	assert_string_equal(err.type, "PortBindingFailed");
	assert_non_null(strstr(err.message, "15b3:1004"));
	assert_true(plug_in(port, "s1", "8086:10ca", &err));
}

/* A port that is made for a server is as the network's ports are. */
static void ports_for_servers(void **state)
{
	struct network_port made;
	struct error err;

	(void)state;
	assert_true(network_port_create_for_server(cloud_db, "p1", network, NULL, "s1", &made, &err));
	assert_true(made.port_security);
	assert_true(made.created_by_compute);
	assert_int_equal(cloud_call(ADMIN, "PUT", text("/networks/%s", network),
				    "{'network': {'port_security_enabled': false}}"),
			 200);
	assert_true(network_port_create_for_server(cloud_db, "p1", network, NULL, "s2", &made, &err));
	assert_false(made.port_security);
	assert_true(network_ports_release(cloud_db, "s2", &err));
	refused(404, "PortNotFound", ADMIN, "GET", text("/ports/%s", made.id), NULL);
}

/* A device_id that a user writes plugs nothing into anybody's server. */
static void nobody_plugs_into_others(void **state)
{
	struct network_port *ports;
	struct error err;
	size_t count;

	(void)state;
	const char *mine =
		make(OTHER, "port",
		     text("'network_id': '%s', 'binding:vnic_type': 'direct', 'device_id': 's1'", network));
	assert_true(plug_in(port, "s1", "8086:10ca", &err));
	assert_true(network_ports_of_server(cloud_db, "s1", &ports, &count, &err));
	assert_int_equal(count, 1);
	assert_string_equal(ports[0].id, port);
	free(ports);
	/* Nor does one that is plugged into a server of one's own change over. */
	assert_int_equal(put(OTHER, mine, "'device_id': ''"), 200);
	assert_true(plug_in(mine, "s2", "8086:10ca", &err));
	refused(409, "PortInUse", OTHER, "PUT", text("/ports/%s", mine), "{'port': {'device_id': 's1'}}");
	refused(409, "PortInUse", OTHER, "PUT", text("/ports/%s", mine), "{'port': {'device_owner': 'x'}}");
	assert_int_equal(put(OTHER, mine, "'device_id': 's2', 'name': 'n'"), 200);
}

/* Hosts hear of what changes under their servers. */
static void hosts_are_told(void **state)
{
	struct error err;
	struct network_port made;

	(void)state;
	assert_true(plug_in(port, "s1", "8086:10ca", &err));
	assert_string_equal(told, "");
	assert_int_equal(put(MEMBER, port, "'admin_state_up': false"), 200);
	assert_string_equal(told, "s1 ");
	const char *subnet =
		make(ADMIN, "subnet",
		     text("'network_id': '%s', 'ip_version': 4, 'cidr': '10.0.0.0/24'", network));
	assert_string_equal(told, "s1 s1 ");
	assert_int_equal(cloud_call(ADMIN, "PUT", text("/subnets/%s", subnet),
				    "{'subnet': {'dns_nameservers': ['1.1.1.1']}}"),
			 200);
	assert_string_equal(told, "s1 s1 s1 ");
	assert_int_equal(cloud_call(ADMIN, "PUT", text("/networks/%s", network),
				    "{'network': {'mtu': 1400}}"),
			 200);
	assert_string_equal(told, "s1 s1 s1 s1 ");
	/* A standard NIC that is taken away by its port. */
	*told = '\0';
	assert_true(network_port_create_for_server(cloud_db, "p1", network, NULL, "s2", &made, &err));
	assert_true(network_port_bind(cloud_db, made.id,
				      &(struct network_binding){.server_id = "s2", .host = "h1"}, &err));
	assert_int_equal(cloud_call(MEMBER, "DELETE", text("/ports/%s", made.id), NULL), 204);
	assert_string_equal(told, "s2 ");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(as_ml2_binds),	  TEST(bound_ports_keep_type_and_mac),
		TEST(supported_devices),  TEST(prohibited_types),
		TEST(binds_and_releases), TEST(refuses_unsupported_devices),
		TEST(ports_for_servers),  TEST(nobody_plugs_into_others),
		TEST(hosts_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
