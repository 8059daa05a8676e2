/* Tests of /v2.0/ports/{id}/bindings. */
#include "cloud.h"

static const char *port, *path;
static int told; /* how often the hook was called */

static bool hook(struct store *db, const char *server_id, struct error *err)
{
	(void)db;
	(void)err;
	told += strcmp(server_id, "server") == 0;
	return true;
}

/* A port that compute bound to h1. */
static int set_up(void **state)
{
	struct error err;

	cloud_set_up(state);
	const char *network =
		make(ADMIN, "network",
		     "'provider:network_type': 'vlan', 'provider:physical_network': 'physnet_a', "
		     "'provider:segmentation_id': 101, 'shared': true");
	port = make(MEMBER, "port", text("'network_id': '%s', 'binding:vnic_type': 'direct'", network));
	path = text("/ports/%s/bindings", port);
	for (int i = 1; i <= 3; i++)
		assert_true(network_agent_report(cloud_db, text("h%d", i), "{\"physnet_a\": [\"p1\"]}", 0,
						 NULL, &err));
	assert_true(network_agent_report(cloud_db, "other", "{\"physnet_b\": [\"p1\"]}", 0, NULL, &err));
	assert_true(network_port_bind(cloud_db, port,
				      &(struct network_binding){.server_id = "server",
								.host = "h1",
								.pci_slot = "0000:21:10.1",
								.pci_vendor_info = "8086:10ca"},
				      &err));
	assert_true(network_port_set_status(cloud_db, port, "ACTIVE", &err));
	told = 0;
	network_on_port_change(hook);
	return 0;
}

static int tear_down(void **state)
{
	network_on_port_change(NULL);
	return cloud_tear_down(state);
}

static int post(const char *host, const char *slot)
{
	return cloud_call(ADMIN, "POST", path,
			  text("{'binding': {'host': '%s', 'profile': {'pci_slot': '%s'}}}", host, slot));
}

/* The port's host, its VF, and how many bindings are active and not. */
static void assert_port(const char *host, const char *slot, const char *status, int active, int inactive)
{
	assert_int_equal(cloud_call(ADMIN, "GET", text("/ports/%s", port), NULL), 200);
	assert_at("/port/binding:host_id", host);
	assert_at("/port/binding:profile/pci_slot", slot);
	assert_at("/port/status", status);
	assert_int_equal(cloud_call(ADMIN, "GET", text("%s?status=ACTIVE", path), NULL), 200);
	assert_int_equal(cloud_size("/bindings"), active);
	assert_int_equal(cloud_call(ADMIN, "GET", text("%s?status=INACTIVE", path), NULL), 200);
	assert_int_equal(cloud_size("/bindings"), inactive);
}

static void one_is_active(void **state)
{
	(void)state;
	assert_port("h1", "0000:21:10.1", "ACTIVE", 1, 0);
	assert_int_equal(post("h2", "0000:41:10.2"), 201);
	assert_at("/binding/status", "INACTIVE");
	assert_at("/binding/vif_type", "hw_veb");
	assert_at("/binding/vif_details/vlan", "101");
	assert_at("/binding/vnic_type", "direct");
	assert_int_equal(post("h3", "0000:61:10.3"), 201);
	assert_port("h1", "0000:21:10.1", "ACTIVE", 1, 2);
	assert_int_equal(told, 0);
	assert_int_equal(cloud_call(ADMIN, "PUT", text("%s/h2/activate", path), NULL), 200);
	assert_at("/binding/status", "ACTIVE");
	assert_int_equal(told, 1);
	assert_port("h2", "0000:41:10.2", "DOWN", 1, 2);
	assert_int_equal(cloud_call(ADMIN, "GET", text("%s/h1", path), NULL), 200);
	assert_at("/binding/profile/pci_slot", "0000:21:10.1");
	assert_at("/binding/status", "INACTIVE");
	assert_int_equal(cloud_call(ADMIN, "PUT", text("%s/h1/activate", path), NULL), 200);
	assert_port("h1", "0000:21:10.1", "DOWN", 1, 2);
	assert_int_equal(cloud_call(ADMIN, "DELETE", text("%s/h2", path), NULL), 204);
	assert_port("h1", "0000:21:10.1", "DOWN", 1, 1);
}

static void updates(void **state)
{
	(void)state;
	assert_int_equal(post("h2", "0000:41:10.2"), 201);
	assert_int_equal(cloud_call(ADMIN, "PUT", text("%s/h2", path),
				    "{'binding': {'profile': {'pci_slot': 'x'}}}"),
			 200);
	assert_at("/binding/profile/pci_slot", "x");
	assert_port("h1", "0000:21:10.1", "ACTIVE", 1, 1);
	assert_int_equal(cloud_call(ADMIN, "PUT", text("%s/h2", path),
				    "{'binding': {'vnic_type': 'macvtap'}}"),
			 200);
	assert_at("/binding/profile/pci_slot", "x");
	assert_at("/binding/vnic_type", "macvtap");
	assert_int_equal(cloud_call(ADMIN, "PUT", text("%s/h1", path),
				    "{'binding': {'profile': {'pci_slot': 'y'}}}"),
			 200);
	assert_at("/binding/status", "ACTIVE");
	assert_port("h1", "y", "DOWN", 1, 1);
	refused(400, "HTTPBadRequest", ADMIN, "PUT", text("%s/h1", path), "{'binding': {'host': 'h3'}}");
	refused(400, "HTTPBadRequest", ADMIN, "PUT", text("%s/h1", path),
		"{'binding': {'vnic_type': 'nonsense'}}");
}

static void errors(void **state)
{
	(void)state;
	refused(409, "PortBindingAlreadyExists", ADMIN, "POST", path, "{'binding': {'host': 'h1'}}");
	assert_int_equal(post("h2", "a"), 201);
	refused(409, "PortBindingAlreadyExists", ADMIN, "POST", path, "{'binding': {'host': 'h2'}}");
	refused(409, "PortBindingError", ADMIN, "POST", path, "{'binding': {'host': 'other'}}");
	refused(400, "HTTPBadRequest", ADMIN, "POST", path, "{'binding': {}}");
	refused(409, "PortBindingAlreadyActive", ADMIN, "PUT", text("%s/h1/activate", path), NULL);
	refused(404, "PortBindingNotFound", ADMIN, "PUT", text("%s/h3/activate", path), NULL);
	refused(404, "PortBindingNotFound", ADMIN, "GET", text("%s/h3", path), NULL);
	refused(404, "PortBindingNotFound", ADMIN, "DELETE", text("%s/h3", path), NULL);
	refused(404, "PortBindingNotFound", ADMIN, "PUT", text("%s/h3", path), "{'binding': {}}");
	refused(409, "PortInUse", ADMIN, "DELETE", text("%s/h1", path), NULL);
	refused(403, "PolicyNotAuthorized", MEMBER, "GET", path, NULL);
	refused(403, "PolicyNotAuthorized", MEMBER, "POST", path, "{'binding': {'host': 'h3'}}");
	refused(404, "PortNotFound", ADMIN, "GET", "/ports/11111111-2222-3333-4444-555555555555/bindings",
		NULL);
	const char *network = make(MEMBER, "network", "");
	const char *free_port = make(MEMBER, "port", text("'network_id': '%s'", network));
	refused(400, "BadRequest", ADMIN, "GET", text("/ports/%s/bindings", free_port), NULL);
}

/* The first binding of a port is active (MB-2). */
static void the_first_is_active(void **state)
{
	struct error err;

	(void)state;
	assert_true(network_ports_release(cloud_db, "server", &err));
	assert_int_equal(cloud_call(ADMIN, "PUT", text("/ports/%s", port),
				    "{'port': {'device_owner': 'compute:x'}}"),
			 200);
	assert_int_equal(post("h3", "z"), 201);
	assert_at("/binding/status", "ACTIVE");
	assert_port("h3", "z", "DOWN", 1, 0);
}

/* Bindings go with the port, and with the server. */
static void nothing_is_left(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(post("h2", "a"), 201);
	assert_true(network_ports_release(cloud_db, "server", &err));
	assert_int_equal(cloud_call(ADMIN, "PUT", text("/ports/%s", port),
				    "{'port': {'device_owner': 'compute:x'}}"),
			 200);
	assert_int_equal(cloud_call(ADMIN, "GET", path, NULL), 200);
	assert_at("/bindings", "[]");
	assert_int_equal(post("h1", "a"), 201);
	assert_int_equal(post("h2", "a"), 201);
	/* Bound to the host of an inactive binding by other means: there is only that one. */
	assert_int_equal(cloud_call(ADMIN, "PUT", text("/ports/%s", port),
				    "{'port': {'binding:host_id': 'h2'}}"),
			 200);
	assert_port("h2", "a", "DOWN", 1, 0);
	/* And by compute. */
	assert_int_equal(post("h1", "a"), 201);
	assert_true(network_port_bind(cloud_db, port,
				      &(struct network_binding){.server_id = "server",
								.host = "h1",
								.pci_slot = "c",
								.pci_vendor_info = "8086:10ca"},
				      &err));
	assert_port("h1", "c", "DOWN", 1, 0);
	assert_int_equal(post("h3", "b"), 201);
	assert_int_equal(cloud_call(ADMIN, "PUT", text("/ports/%s", port),
				    "{'port': {'binding:host_id': null}}"),
			 200);
	assert_int_equal(cloud_call(ADMIN, "DELETE", text("/ports/%s", port), NULL), 204);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(one_is_active),	   TEST(updates),	  TEST(errors),
		TEST(the_first_is_active), TEST(nothing_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
