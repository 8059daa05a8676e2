/* Tests of the handlers of servers and of the agents' protocol, beside doubles of the other rooms. */
#include "calls.h"

#include "base/memory.h"
#include "compute/compute.h"

/* --- tests --- */

static void test_life(void **state)
{
	(void)state;
	make_server();
	assert_string_equal(at("/server/security_groups/0/name"), "default");
	assert_int_equal(strlen(at("/server/adminPass")), 12);
	assert_state("BUILD", "building", "spawning");
	assert_string_equal(at("/server/OS-EXT-SRV-ATTR:host"), "edge-1");
	assert_string_equal(at("/server/metadata/k"), "v");
	assert_int_equal(strlen(at("/server/hostId")), 56);
	assert_string_equal(world.bound, id);
	/* The host is told. */
	assert_int_equal(agent("GET", "/desired?since=0", NULL), 200);
	assert_string_equal(at("/revision"), "1");
	assert_string_equal(at("/full"), "true");
	assert_string_equal(at("/servers/0/want"), "running");
	assert_string_equal(at("/servers/0/ports/0/device/address"), "0000:21:10.0");
	assert_string_equal(at("/servers/0/image/properties/hw_machine_type"), "q35");
	assert_string_equal(at("/servers/0/kernel"), "null");
	assert_string_equal(at("/servers/0/config_drive/meta/k"), "v");
	assert_int_equal(strlen(at("/servers/0/config_drive/admin_pass")), 12);
	assert_int_equal(agent("GET", "/desired?since=1&wait=30", NULL), -1); /* parked */
	assert_int_equal(agent("GET", "/desired?since=1", NULL), 200);
	assert_string_equal(at("/servers"), "[]");
	assert_int_equal(agent("GET", "/desired?since=7", NULL), 410);
	/* It runs. */
	assert_int_equal(report(1, "running", ", 'ports': [{'id': '" DOUBLE_PORT "', 'status': 'ACTIVE'}]"),
			 200);
	assert_state("ACTIVE", "active", "null");
	assert_string_equal(world.port_status, "ACTIVE");
	assert_string_equal(at("/server/progress"), "0");
	assert_int_equal(agent("GET", "/desired?since=0", NULL), 200);
	assert_string_equal(at("/servers/0/config_drive/admin_pass"), "null");
	/* It goes. */
	assert_int_equal(call(MEMBER, "DELETE", path, NULL), 204);
	assert_int_equal(call(MEMBER, "DELETE", path, NULL), 204);
	assert_state("ACTIVE", "active", "deleting");
	assert_int_equal(agent("GET", "/desired?since=1", NULL), 200);
	assert_string_equal(at("/servers/0/want"), "absent");
	assert_string_equal(at("/servers/0/generation"), "2");
	assert_int_equal(report(1, "running", ""), 200); /* an older word */
	assert_string_equal(world.claimed, id);
	assert_int_equal(report(2, "gone", ""), 200);
	assert_int_equal(call(ADMIN, "GET", path, NULL), 404);
	assert_string_equal(world.claimed, "");
	assert_string_equal(world.bound, "");
	assert_int_equal(count_rows("SELECT instances + cores + memory_mb FROM project_usage"), 0);
	assert_int_equal(count_rows("SELECT count(*) FROM server_action"), 0);
	assert_int_equal(report(2, "gone", ""), 200); /* forgotten: fine */
}

static void test_no_host(void **state)
{
	(void)state;
	world.host_full = true;
	make_server();
	assert_state("ERROR", "error", "null");
	assert_string_equal(
		at("/server/fault/message"),
		"No valid host was found. edge-1: needs 1 VF of physnet_sriov; 5 of 5 are in use");
	assert_string_equal(at("/server/fault/details"),
			    "edge-1: needs 1 VF of physnet_sriov; 5 of 5 are in use\n");
	assert_string_equal(at("/server/fault/code"), "500");
	assert_string_equal(world.bound, "");
	assert_int_equal(call(MEMBER, "GET", path, NULL), 200);
	assert_string_not_equal(at("/server/fault/details"), ""); /* the owner sees why */
	assert_int_equal(call(MEMBER, "DELETE", path, NULL), 204);
	assert_int_equal(call(MEMBER, "GET", path, NULL), 404); /* at once: no host has anything of it */
}

static void test_failed(void **state)
{
	(void)state;
	make_server();
	assert_int_equal(report(1, "failed", ", 'step': 'vf', 'fault': 'VF 0 of p5p1: no such device'"), 200);
	assert_state("ERROR", "error", "null");
	/* there is no other host */
	assert_non_null(
		strstr(at("/server/fault/message"), "Exceeded maximum number of retries. Exhausted all"));
	assert_non_null(strstr(at("/server/fault/message"), "edge-1: VF 0 of p5p1: no such device"));
	assert_non_null(strstr(at("/server/fault/details"), "Other hosts:\nedge-1: needs 1 VF"));
	assert_string_equal(world.claimed, id);
	assert_string_equal(world.left, "");
	assert_int_equal(call(MEMBER, "DELETE", path, NULL), 204);
	assert_state("ERROR", "error", "deleting");
	assert_int_equal(report(2, "gone", ""), 200);
	assert_string_equal(world.claimed, "");
}

static void test_undone(void **state)
{
	(void)state;
	world.bind_fails = true;
	assert_int_equal(call(MEMBER, "POST", "/servers",
			      "{'server': {" BASE ", 'networks': [{'port': '" DOUBLE_PORT "'}]}}"),
			 409);
	assert_int_equal(count_rows("SELECT count(*) FROM server"), 0);
	assert_int_equal(count_rows("SELECT count(*) FROM project_usage"), 0);
}

static void test_power(void **state)
{
	char action[128];

	(void)state;
	make_server();
	snprintf(action, sizeof action, "%s/action", path);
	assert_int_equal(call(MEMBER, "POST", action, "{'os-stop': null}"), 409);
	assert_non_null(strstr(at("/conflictingRequest/message"), "Cannot 'stop' instance"));
	report(1, "running", "");
	assert_int_equal(call(READER, "POST", action, "{'os-stop': null}"), 403);
	assert_int_equal(call(MEMBER, "POST", action, "{'os-stop': null}"), 202);
	assert_state("ACTIVE", "active", "powering-off");
	report(2, "stopped", "");
	assert_state("SHUTOFF", "stopped", "null");
	assert_int_equal(call(MEMBER, "POST", action, "{'reboot': {'type': 'SOFT'}}"), 409);
	assert_int_equal(call(MEMBER, "POST", action, "{'os-start': null}"), 202);
	report(3, "running", "");
	assert_int_equal(call(MEMBER, "POST", action, "{'reboot': {'type': 'HARD'}}"), 202);
	assert_state("HARD_REBOOT", "active", "rebooting_hard");
	report(4, "stopped", "");
	report(5, "running", "");
	assert_state("ACTIVE", "active", "null");
	assert_int_equal(call(MEMBER, "POST", action, "{'reboot': {'type': 'MAYBE'}}"), 400);
	assert_int_equal(call(MEMBER, "POST", action, "{'rescue': null}"), 501);
	assert_int_equal(call(MEMBER, "POST", action, "{'fly': null}"), 400);
	assert_string_equal(at("/badRequest/message"), "There is no such action: fly");
	assert_int_equal(call(MEMBER, "POST", action, "{}"), 400);
	assert_int_equal(call(MEMBER, "POST", action, "{'lock': null}"), 202);
	assert_int_equal(call(MEMBER, "POST", action, "{'os-stop': null}"), 409);
	assert_int_equal(call(MEMBER, "DELETE", path, NULL), 409);
	assert_int_equal(call(MEMBER, "POST", action, "{'unlock': null}"), 202);
	snprintf(action, sizeof action, "%s/os-instance-actions", path);
	assert_int_equal(call(MEMBER, "GET", action, NULL), 200);
	assert_string_equal(at("/instanceActions/0/action"), "unlock");
	assert_string_equal(at("/instanceActions/2/action"), "reboot");
	assert_string_equal(at("/instanceActions/5/action"), "create");
}

static void test_console(void **state)
{
	char action[128], post[128];

	(void)state;
	make_server();
	snprintf(action, sizeof action, "%s/action", path);
	snprintf(post, sizeof post, "/servers/%s/console", id);
	assert_int_equal(call(READER, "POST", action, "{'os-getConsoleOutput': {'length': 5}}"), -1);
	assert_int_equal(agent("GET", "/desired?since=1&wait=30", NULL), 200);
	assert_string_equal(at("/consoles/0"), id);
	assert_int_equal(agent("POST", post, "hello"), 204);
	assert_int_equal(call(MEMBER, "POST", action, "{'os-getConsoleOutput': {'length': 'x'}}"), 400);
}

static void test_visibility(void **state)
{
	(void)state;
	make_server();
	assert_int_equal(call(OTHER, "GET", path, NULL), 404);
	assert_int_equal(call(OTHER, "DELETE", path, NULL), 404);
	assert_int_equal(call(READER, "DELETE", path, NULL), 403);
	assert_string_equal(at("/forbidden/message"),
			    "Policy doesn't allow os_compute_api:servers:delete to be performed.");
	assert_int_equal(call(OTHER, "GET", "/servers", NULL), 200);
	assert_string_equal(at("/servers"), "[]");
	assert_int_equal(call(OTHER, "GET", "/servers?all_tenants=1", NULL), 403);
	assert_int_equal(call("p3:admin", "GET", "/servers?all_tenants=1", NULL), 200);
	assert_string_equal(at("/servers/0/id"), id);
	assert_int_equal(call(MEMBER, "GET", path, NULL), 200);
	assert_string_equal(at("/server/OS-EXT-SRV-ATTR:host"), "");
	assert_int_equal(call_with(NULL, "GET", "/compute/v2.1/servers", NULL), 401);
	assert_string_equal(at("/error/title"), "Unauthorized");
	assert_int_equal(call_with((const char *const[]){"X-Auth-Token", MEMBER, NULL}, "GET",
				   "/compute/v2.1/p1/servers", NULL),
			 200);
	assert_int_equal(call_with((const char *const[]){"X-Auth-Token", MEMBER, NULL}, "GET",
				   "/compute/v2.1/p2/servers", NULL),
			 400);
}

static void test_bad_requests(void **state)
{
	static const struct {
		const char *body;
		int status;
		const char *message;
	} cases[] = {
		{"", 400, "Malformed request body"},
		{"[]", 400, "Malformed request body"},
		{"{'server': {}}", 400, "'name' is a required property"},
		{"{'server': {" BASE ", 'x': 1}}", 400, "('x' was unexpected)"},
		{"{'server': {'name': 'vm', 'flavorRef': 'nope', 'imageRef': '" DOUBLE_IMAGE "'}}", 400,
		 "Flavor nope could not be found."},
		{"{'server': {'name': 'vm', 'flavorRef': 'f1', 'imageRef': 'x'}}", 400,
		 "Can not find requested image"},
		{"{'server': {'name': 'vm', 'flavorRef': 'f1'}}", 400, "Invalid imageRef provided"},
		{"{'server': {" BASE ", 'key_name': 'nope'}}", 400, "Invalid key_name provided."},
		{"{'server': {" BASE ", 'networks': [{}]}}", 400, "Bad networks format"},
		{"{'server': {" BASE ", 'networks': [{'uuid': '" DOUBLE_HOST "'}]}}", 400,
		 "could not be found"},
		{"{'server': {" BASE ", 'networks': [{'uuid': '" DOUBLE_BARE "'}]}}", 400,
		 "requires a subnet"},
		{"{'server': {" BASE ", 'networks': [{'port': '" DOUBLE_HOST "'}]}}", 400,
		 "could not be found"},
		{"{'server': {" BASE ", 'networks': [{'port': '" DOUBLE_PORT "'}, {'port': '" DOUBLE_PORT
		 "'}]}}",
		 409, "is still in use"},
		{"{'server': {" BASE ", 'user_data': '!'}}", 400, "is not a 'base64'"},
		{"{'server': {" BASE ", 'min_count': 2, 'max_count': 1}}", 400,
		 "min_count must be <= max_count"},
		{"{'server': {" BASE ", 'min_count': 4}}", 403,
		 "Quota exceeded for instances: Requested 4, but already "
		 "used 0 of 3 instances"},
		{"{'server': {" BASE ", 'availability_zone': 'nova:edge-1'}}", 403,
		 "servers:create:forced_host"},
		{"{'server': {" BASE ", 'availability_zone': 'mars'}}", 400,
		 "availability zone is not available"},
		{"{'server': {" BASE ", 'personality': [{'path': '/x'}]}}", 400, "use user_data"},
		{"{'server': {" BASE "}, 'os:scheduler_hints': {'group': 'g'}}", 400,
		 "UUID of a server group"},
		{"{'server': {" BASE
		 "}, 'os:scheduler_hints': {'group': '10000000-0000-4000-8000-00000000000f'}}",
		 400, "Instance group 10000000"},
		{"{'server': {" BASE "}, 'os:scheduler_hints': {'query': 'x'}}", 400,
		 "hint query needs JsonFilter"},
		{"{'server': {" BASE ", 'block_device_mapping_v2': [{'source_type': 'blank'}]}}", 400,
		 "Block Device Mapping is Invalid"},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
		int status = call(MEMBER, "POST", "/servers", cases[i].body);

		if (status != cases[i].status || !strstr(answer.body, cases[i].message))
			fail_msg("%s: %d %s", cases[i].body, status, answer.body);
	}
	assert_int_equal(count_rows("SELECT count(*) FROM server"), 0);
	assert_int_equal(count_rows("SELECT count(*) FROM project_usage"), 0);
	world.networks = 2;
	assert_int_equal(call(MEMBER, "POST", "/servers", "{'server': {" BASE "}}"), 409);
	assert_int_equal(call_at("2.37", MEMBER, "POST", "/servers", "{'server': {" BASE "}}"),
			 400); /* networks! */
	assert_int_equal(call_at("2.37", MEMBER, "POST", "/servers",
				 "{'server': {" BASE ", 'networks': 'none'}}"),
			 202);
	assert_int_equal(call(ADMIN, "POST", "/servers",
			      "{'server': {" BASE ", 'availability_zone': 'nova:mars', "
			      "'networks': [{'uuid': '" DOUBLE_NETWORK "'}]}}"),
			 400);
}

static void test_several(void **state)
{
	(void)state;
	assert_int_equal(call(MEMBER, "POST", "/servers",
			      "{'server': {" BASE ", 'max_count': '2', 'return_reservation_id': true}}"),
			 202);
	assert_int_equal(strlen(at("/reservation_id")), 10);
	assert_int_equal(call(MEMBER, "GET", "/servers?limit=1", NULL), 200);
	assert_string_equal(at("/servers/0/name"), "vm-2"); /* newest first */
	assert_string_not_equal(at("/servers_links/0/href"), "");
	char next[200];
	snprintf(next, sizeof next, "%s", at("/servers_links/0/href"));
	assert_int_equal(call(MEMBER, "GET", strstr(next, "/servers"), NULL), 200);
	assert_string_equal(at("/servers/0/name"), "vm-1");
	assert_int_equal(call(MEMBER, "GET", "/servers?sort_key=display_name&sort_dir=asc", NULL), 200);
	assert_string_equal(at("/servers/0/name"), "vm-1");
	assert_int_equal(call(MEMBER, "GET", "/servers?sort_key=display_name&sort_dir=desc&limit=1", NULL),
			 200);
	assert_string_equal(at("/servers/0/name"), "vm-2");
	snprintf(next, sizeof next, "%s", at("/servers_links/0/href"));
	assert_int_equal(call(MEMBER, "GET", strstr(next, "/servers"), NULL), 200);
	assert_string_equal(at("/servers/0/name"), "vm-1");
	assert_string_equal(at("/servers/1/name"), "");
	assert_int_equal(call(MEMBER, "GET", "/servers?name=vm-2&status=BUILD&flavor=f1", NULL), 200);
	assert_string_equal(at("/servers/0/name"), "vm-2");
	static const struct {
		const char *pattern;
		bool fits;
	} names[] = {
		{"vm", true},	 {"VM-2", true},    {"%5Evm-2$", true}, {"%5Evm$", false},
		{"2$", true},	 {"%5E2", false},   {"v.-2", true},	{"v.*2", true},
		{"vm_2", false}, {"vm%252", false}, {"v%5C.-2", false}, {"vm%5C-2", true},
		{"%5E$", false}, {"", true},
	};
	for (size_t i = 0; i < ELEMENTS_OF(names); i++) {
		char target[100];

		snprintf(target, sizeof target, "/servers?sort_key=id&name=%s", names[i].pattern);
		assert_int_equal(call(MEMBER, "GET", target, NULL), 200);
		if ((strcmp(at("/servers/0/name"), "vm-2") == 0) != names[i].fits)
			fail_msg("name=%s", names[i].pattern);
	}
	assert_int_equal(call(MEMBER, "GET", "/servers?ip=10.0.0.1", NULL), 400);
	assert_int_equal(call(MEMBER, "GET", "/servers?status=NOPE", NULL), 200);
	assert_string_equal(at("/servers"), "[]");
	assert_int_equal(call(MEMBER, "GET", "/servers?marker=x", NULL), 400);
	assert_int_equal(call(MEMBER, "GET", "/servers?limit=x", NULL), 400);
	assert_int_equal(call(MEMBER, "GET", "/servers?sort_key=x", NULL), 400);
	assert_int_equal(call(MEMBER, "GET", "/servers?changes-since=2020-01-01T00:00:00Z", NULL), 200);
	assert_string_equal(at("/servers/1/name"), "vm-1");
	assert_int_equal(call(MEMBER, "GET", "/servers?changes-since=2099-01-01T00:00:00Z", NULL), 200);
	assert_string_equal(at("/servers"), "[]");
	assert_int_equal(call(MEMBER, "GET", "/servers?changes-since=yesterday", NULL), 400);
	assert_int_equal(call(MEMBER, "GET", "/limits", NULL), 200);
	assert_string_equal(at("/limits/absolute/totalInstancesUsed"), "2");
}

static void test_versions_of_view(void **state)
{
	static const struct {
		const char *version, *pointer;
		bool there;
	} cases[] = {
		{"2.1", "/server/OS-EXT-SRV-ATTR:hostname", false},
		{"2.3", "/server/OS-EXT-SRV-ATTR:hostname", true},
		{"2.8", "/server/locked", false},
		{"2.9", "/server/locked", true},
		{"2.15", "/server/host_status", false},
		{"2.16", "/server/host_status", true},
		{"2.18", "/server/description", false},
		{"2.19", "/server/description", true},
		{"2.26", "/server/tags", true},
		{"2.46", "/server/flavor/links", true},
		{"2.47", "/server/flavor/original_name", true},
		{"2.63", "/server/trusted_image_certificates", true},
		{"2.70", "/server/server_groups", false},
		{"2.71", "/server/server_groups", true},
		{"2.73", "/server/locked_reason", true},
		{"2.90", "/server/locked_reason", true},
	};

	(void)state;
	make_server();
	for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
		assert_int_equal(call_at(cases[i].version, ADMIN, "GET", path, NULL), 200);
		if ((at(cases[i].pointer)[0] != '\0') != cases[i].there)
			fail_msg("%s at %s", cases[i].pointer, cases[i].version);
	}
	assert_int_equal(call_at("2.91", ADMIN, "GET", path, NULL), 406);
	assert_string_equal(at("/computeFault/code"), "406");
	assert_int_equal(call_at("2.25", ADMIN, "GET", "/servers/x/tags", NULL), 404);
}

static void test_metadata_and_tags(void **state)
{
	char target[128];

	(void)state;
	make_server();
	snprintf(target, sizeof target, "%s/metadata", path);
	assert_int_equal(call(MEMBER, "POST", target, "{'metadata': {'m': '1'}}"), 200);
	assert_string_equal(at("/metadata/k"), "v");
	assert_int_equal(call(MEMBER, "PUT", target, "{'metadata': {'m': '2'}}"), 200);
	assert_string_equal(at("/metadata"), "{\"m\":\"2\"}");
	assert_int_equal(call(MEMBER, "PUT", target, "{'metadata': {'m': 2}}"), 400);
	strcat(target, "/m");
	assert_int_equal(call(MEMBER, "GET", target, NULL), 200);
	assert_string_equal(at("/meta/m"), "2");
	assert_int_equal(call(MEMBER, "PUT", target, "{'meta': {'n': '3'}}"), 400);
	assert_int_equal(call(MEMBER, "PUT", target, "{'meta': {'m': '3'}}"), 200);
	assert_int_equal(call(MEMBER, "DELETE", target, NULL), 204);
	assert_int_equal(call(MEMBER, "DELETE", target, NULL), 404);
	snprintf(target, sizeof target, "%s/tags/t1", path);
	assert_int_equal(call_at("2.26", MEMBER, "PUT", target, NULL), 201);
	assert_int_equal(call_at("2.26", MEMBER, "PUT", target, NULL), 204);
	assert_int_equal(call_at("2.26", MEMBER, "GET", "/servers?tags=t1", NULL), 200);
	assert_string_equal(at("/servers/0/id"), id);
	assert_int_equal(call_at("2.26", MEMBER, "GET", "/servers?tags=t1,t2", NULL), 200);
	assert_string_equal(at("/servers"), "[]");
	assert_int_equal(call_at("2.26", MEMBER, "DELETE", target, NULL), 204);
	assert_int_equal(call_at("2.26", MEMBER, "DELETE", target, NULL), 404);
	assert_int_equal(call_at("2.19", MEMBER, "PUT", path,
				 "{'server': {'name': 'n2', 'description': null}}"),
			 200);
	assert_string_equal(at("/server/name"), "n2");
	assert_string_equal(at("/server/description"), "null");
}

static void test_flavors(void **state)
{
	(void)state;
	assert_int_equal(call(MEMBER, "POST", "/flavors",
			      "{'flavor': {'name': 'm2', 'ram': 1, 'vcpus': 1, 'disk': 0}}"),
			 403);
	assert_int_equal(call(ADMIN, "POST", "/flavors",
			      "{'flavor': {'name': 'm1', 'ram': 1, 'vcpus': 1, 'disk': 0}}"),
			 409);
	assert_string_equal(at("/conflictingRequest/message"), "Flavor with name m1 already exists.");
	assert_int_equal(call(ADMIN, "POST", "/flavors",
			      "{'flavor': {'name': 'm2', 'id': 'f1', 'ram': 1, 'vcpus': 1, 'disk': 0}}"),
			 409);
	assert_string_equal(at("/conflictingRequest/message"), "Flavor with ID f1 already exists.");
	assert_int_equal(call(ADMIN, "POST", "/flavors",
			      "{'flavor': {'name': 'm2', 'id': null, 'ram': '64', 'vcpus': 1, 'disk': 0, "
			      "'rxtx_factor': 2, 'os-flavor-access:is_public': false}}"),
			 200);
	assert_string_equal(at("/flavor/rxtx_factor"), "2.0");
	assert_string_equal(at("/flavor/ram"), "64");
	assert_int_equal(call(MEMBER, "GET", "/flavors", NULL), 200);
	assert_string_equal(at("/flavors/1/name"), "");
	assert_int_equal(call(ADMIN, "GET", "/flavors?is_public=None&sort_key=memory_mb&limit=1", NULL), 200);
	assert_string_equal(at("/flavors/0/name"), "m2");
	assert_string_not_equal(at("/flavors_links/0/href"), "");
	assert_int_equal(call(ADMIN, "POST", "/flavors/f1/os-extra_specs",
			      "{'extra_specs': {'pci_passthrough:alias': 'nope:1'}}"),
			 400);
	assert_int_equal(call(ADMIN, "POST", "/flavors/f1/os-extra_specs",
			      "{'extra_specs': {'a': 'b', 'c': 1}}"),
			 200);
	assert_int_equal(call(MEMBER, "GET", "/flavors/f1/os-extra_specs", NULL), 200);
	assert_string_equal(at("/extra_specs"), "{\"a\":\"b\",\"c\":\"1\"}");
	assert_int_equal(call(ADMIN, "PUT", "/flavors/f1/os-extra_specs/a", "{'a': 'x'}"), 200);
	assert_int_equal(call(ADMIN, "PUT", "/flavors/f1/os-extra_specs/a", "{'b': 'x'}"), 400);
	assert_int_equal(call(ADMIN, "DELETE", "/flavors/f1/os-extra_specs/a", NULL), 200);
	assert_int_equal(call(ADMIN, "DELETE", "/flavors/f1/os-extra_specs/a", NULL), 404);
	assert_int_equal(call_at("2.61", MEMBER, "GET", "/flavors/f1", NULL), 200);
	assert_string_equal(at("/flavor/extra_specs/c"), "1");
	assert_int_equal(call(ADMIN, "DELETE", "/flavors/f1", NULL), 202);
	assert_int_equal(call(ADMIN, "DELETE", "/flavors/f1", NULL), 404);
	assert_int_equal(call(ADMIN, "PATCH", "/flavors/f1", NULL), 404);
}

static void test_keypairs(void **state)
{
	(void)state;
	assert_int_equal(call(MEMBER, "POST", "/os-keypairs", "{'keypair': {'name': 'k'}}"), 200);
	assert_memory_equal(at("/keypair/public_key"), "ssh-rsa ", 8);
	assert_int_equal(call_at("2.10", MEMBER, "POST", "/os-keypairs",
				 "{'keypair': {'name': 'k', 'type': 'ssh'}}"),
			 409);
	assert_int_equal(call_at("2.2", MEMBER, "POST", "/os-keypairs",
				 "{'keypair': {'name': 'x', 'public_key': 'ssh-rsa AAAA'}}"),
			 400);
	assert_int_equal(call(MEMBER, "POST", "/os-keypairs", "{'keypair': {'name': 'a/b'}}"), 400);
	assert_int_equal(call_at("2.10", MEMBER, "POST", "/os-keypairs",
				 "{'keypair': {'name': 'y', 'user_id': 'u'}}"),
			 403);
	assert_int_equal(call(ADMIN, "GET", "/os-keypairs", NULL), 200);
	assert_string_equal(at("/keypairs"), "[]"); /* another user's */
	assert_int_equal(call(MEMBER, "GET", "/os-keypairs/k", NULL), 200);
	assert_string_equal(at("/keypair/deleted"), "false");
	assert_int_equal(call(MEMBER, "POST", "/servers", "{'server': {" BASE ", 'key_name': 'k'}}"), 202);
	assert_int_equal(agent("GET", "/desired?since=0", NULL), 200);
	assert_string_equal(at("/servers/0/config_drive/keys/0/name"), "k");
	assert_int_equal(call(MEMBER, "DELETE", "/os-keypairs/k", NULL), 202);
	assert_int_equal(call(MEMBER, "DELETE", "/os-keypairs/k", NULL), 404);
}

static void test_hosts(void **state)
{
	(void)state;
	assert_int_equal(call(MEMBER, "GET", "/os-services", NULL), 403);
	assert_int_equal(call(ADMIN, "GET", "/os-services", NULL), 200);
	assert_string_equal(at("/services/0/id"), "1");
	assert_int_equal(call_at("2.53", ADMIN, "GET", "/os-services?binary=nova-scheduler", NULL), 200);
	assert_string_equal(at("/services"), "[]");
	assert_int_equal(call(ADMIN, "PUT", "/os-services/disable",
			      "{'host': 'edge-1', 'binary': 'nova-compute'}"),
			 200);
	assert_int_equal(call(ADMIN, "PUT", "/os-services/disable",
			      "{'host': 'x', 'binary': 'nova-compute'}"),
			 404);
	assert_int_equal(call_at("2.53", ADMIN, "PUT", "/os-services/" DOUBLE_HOST,
				 "{'status': 'disabled', 'disabled_reason': 'r'}"),
			 200);
	assert_int_equal(call_at("2.53", ADMIN, "PUT", "/os-services/" DOUBLE_HOST, "{}"), 400);
	assert_int_equal(call(ADMIN, "GET", "/os-hypervisors/detail", NULL), 200);
	assert_string_equal(at("/hypervisors/0/cpu_info"), "{\"model\":\"EPYC\"}");
	assert_int_equal(call_at("2.88", ADMIN, "GET", "/os-hypervisors/" DOUBLE_HOST, NULL), 200);
	assert_string_equal(at("/hypervisor/vcpus"), "");
	assert_string_equal(at("/hypervisor/uptime"), "null");
	assert_int_equal(call(ADMIN, "GET", "/os-hypervisors/1", NULL), 200);
	assert_int_equal(call(ADMIN, "GET", "/os-hypervisors/2", NULL), 404);
	assert_int_equal(call(ADMIN, "GET", "/os-hypervisors/1/uptime", NULL), 501);
	assert_int_equal(call(ADMIN, "GET", "/os-hypervisors/2/uptime", NULL), 404);
	assert_int_equal(call(ADMIN, "GET", "/os-hypervisors/statistics", NULL), 200);
	assert_int_equal(call(MEMBER, "GET", "/os-availability-zone", NULL), 200);
	assert_string_equal(at("/availabilityZoneInfo/0/zoneName"), "nova");
	assert_int_equal(call(ADMIN, "GET", "/os-availability-zone/detail", NULL), 200);
	assert_string_equal(at("/availabilityZoneInfo/0/hosts/edge-1/nova-compute/active"), "true");
	assert_int_equal(call(MEMBER, "GET", "/os-quota-sets/p1", NULL), 200);
	assert_string_equal(at("/quota_set/instances"), "3");
	assert_int_equal(call(MEMBER, "GET", "/os-quota-sets/p2", NULL), 403);
}

static void test_discovery(void **state)
{
	(void)state;
	assert_int_equal(call_with(NULL, "GET", "/compute/", NULL), 200);
	assert_string_equal(at("/versions/0/id"), "v2.1");
	assert_int_equal(call_with(NULL, "GET", "/compute/v2.1/", NULL), 200);
	assert_string_equal(at("/version/links/0/href"), "http://c/compute/v2.1/");
	assert_int_equal(call(ADMIN, "GET", "/nonsense", NULL), 404);
	assert_non_null(strstr(answer.body, "<html>"));
}

static void test_agent_access(void **state)
{
	(void)state;
	assert_int_equal(call_with(NULL, "GET", "/agent/v1/desired?since=0", NULL), 401);
	assert_int_equal(call_with((const char *const[]){"X-Agent-Credential", "guess", NULL}, "GET",
				   "/agent/v1/desired?since=0", NULL),
			 401);
	assert_int_equal(agent("POST", "/join", "{'version': 1, 'token': 'guess', 'host': 'edge-2'}"), 401);
	assert_int_equal(agent("POST", "/join", "{'version': 2, 'token': 'guess', 'host': 'edge-2'}"), 400);
	assert_int_equal(agent("POST", "/join", "{'version': 1, 'token': 'guess', 'host': '../x'}"), 400);
	assert_int_equal(count_rows("SELECT count(*) FROM agent_token"), 1);
	assert_int_equal(agent("POST", "/status", "{'servers': [{'id': 'x'}]}"), 400);
	assert_int_equal(agent("GET", "/images/" DOUBLE_IMAGE, NULL),
			 404); /* no server of this host needs it */
	make_server();
	assert_int_equal(agent("GET", "/images/" DOUBLE_IMAGE, NULL), 200);
	assert_string_equal(answer.body, "abcd");
	assert_int_equal(call_with((const char *const[]){"X-Agent-Credential", credential, "Range",
							 "bytes=2-", NULL},
				   "GET", "/agent/v1/images/" DOUBLE_IMAGE, NULL),
			 206);
	assert_string_equal(answer.body, "cd");
	assert_int_equal(call_with((const char *const[]){"X-Agent-Credential", credential, "Range",
							 "bytes=4-", NULL},
				   "GET", "/agent/v1/images/" DOUBLE_IMAGE, NULL),
			 416);
}

/* An agent that draws its credential itself joins as often as it is heard, once. */
static void test_joining_twice(void **state)
{
#define OWN "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	char token[65], first[40];
	struct error err;

	(void)state;
	assert_true(compute_agent_token(db, token, &err));
	_cleanup_free_ char *join =
		memory_printf("{'version': 1, 'token': '%s', 'host': 'edge-9', 'credential': '" OWN "'}",
			      token);
	_cleanup_free_ char *easy =
		memory_printf("{'version': 1, 'token': '%s', 'host': 'edge-8', 'credential': 'secret'}",
			      token);
	_cleanup_free_ char *odd =
		memory_printf("{'version': 1, 'token': '%s', 'host': 'edge-8', 'credential': 'X%.63s'}",
			      token, &OWN[1]);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(agent("POST", "/join", join), 201);
		assert_string_equal(at("/credential"), OWN);
		if (i == 0)
			snprintf(first, sizeof first, "%s", at("/host_id"));
		assert_string_equal(at("/host_id"), first);
	}
	assert_int_equal(agent("POST", "/join", easy), 400);
	assert_int_equal(agent("POST", "/join", odd), 400);
	snprintf(credential, sizeof credential, "%s", OWN);
	assert_int_equal(agent("GET", "/desired?since=0", NULL), 200);
}

/* A guest that was stopped for a task is started again by the task, if that fails: nobody else may. */
static void test_a_task_is_not_interrupted(void **state)
{
	static const char *const cases[][3] = {{"resize-migrating", "stopped", "{'os-start': null}"},
					       {"shelving", "stopped", "{'os-start': null}"},
					       {"stopped-rebuild", "running", "{'os-stop': null}"},
					       {"unshelving-anew", "running", "{'shelveOffload': null}"}};
	char action[80];
	struct error err;

	(void)state;
	make_server();
	report(1, "running", "");
	snprintf(action, sizeof action, "%s/action", path);
	for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
		assert_true(store_exec(db, &err, "UPDATE server SET state = ?1, want = ?2",
				       V((const char *)cases[i][0]), V((const char *)cases[i][1])));
		assert_int_equal(call(ADMIN, "POST", action, cases[i][2]), 409);
		assert_non_null(strstr(answer.body, "task_state"));
	}
}

static void test_lost(void **state)
{
	(void)state;
	make_server();
	report(1, "running", "");
	assert_int_equal(report(1, "gone", ""), 200);
	assert_state("ERROR", "error", "null");
	assert_int_equal(agent("GET", "/desired?since=0", NULL), 200);
	assert_string_equal(at("/servers/0/want"), "absent");
	assert_string_equal(world.claimed, id);
	assert_int_equal(call(MEMBER, "DELETE", path, NULL), 204);
	assert_int_equal(agent("GET", "/desired?since=2", NULL), 200);
	assert_string_equal(at("/servers/0/want"), "absent");
	report(2, "gone", "");
	assert_string_equal(world.claimed, "");
}

static void test_port_changed(void **state)
{
	struct error err = {0};

	(void)state;
	make_server();
	report(1, "running", "");
	assert_true(world.port_changed(db, id, &err));
	assert_int_equal(agent("GET", "/desired?since=1", NULL), 200);
	assert_string_equal(at("/servers/0/generation"), "2");
	assert_string_equal(at("/servers/0/want"), "running");
	assert_state("ACTIVE", "active", "null");
	assert_true(world.port_changed(db, DOUBLE_HOST, &err)); /* no server of ours */
}

/* --- going elsewhere --- */

static char first_credential[65], second_credential[65];

/* edge-2 is there too. */
static void second_host(void)
{
	char token[65];
	struct error err;

	world.spare = true;
	assert_true(compute_agent_token(db, token, &err));
	_cleanup_free_ char *join = memory_printf("{'version': 1, 'token': '%s', 'host': 'edge-2'}", token);
	snprintf(first_credential, sizeof first_credential, "%s", credential);
	assert_int_equal(agent("POST", "/join", join), 201);
	snprintf(second_credential, sizeof second_credential, "%s", at("/credential"));
}

static void as_host(int number)
{
	snprintf(credential, sizeof credential, "%s", number == 2 ? second_credential : first_credential);
}

static void test_retry(void **state)
{
	(void)state;
	second_host();
	make_server();
	assert_int_equal(report(1, "failed", ", 'fault': 'no room'"), 200);
	assert_state("BUILD", "building", "spawning");
	assert_string_equal(at("/server/OS-EXT-SRV-ATTR:host"), "edge-2");
	assert_string_equal(world.claimed, id);
	assert_int_equal(strlen(world.left), 36);

	/* its words are not about the server any more */
	assert_int_equal(agent("GET", "/desired?since=0", NULL), 200);
	assert_string_equal(at("/servers/0/want"), "absent");
	assert_string_equal(at("/servers/0/id"), id);
	assert_string_equal(at("/servers/1"), "");
	report(1, "failed", ", 'fault': 'said again'");
	report(2, "running", "");
	assert_state("BUILD", "building", "spawning");
	as_host(2);
	assert_int_equal(agent("GET", "/desired?since=0", NULL), 200);
	assert_string_equal(at("/servers/0/want"), "running");
	assert_string_equal(at("/servers/0/generation"), "2");
	report(2, "gone", ""); /* of what it shall have: nothing is left of the server, the leftover stays */
	assert_int_equal(strlen(world.left), 36);
	as_host(1);
	report(2, "gone", "");
	assert_string_equal(world.left, "");
	assert_int_equal(count_rows("SELECT count(*) FROM server_leftover"), 0);
	report(2, "gone", ""); /* again */
	assert_string_equal(world.claimed, id);
}

static void test_retry_ends(void **state)
{
	(void)state;
	second_host();
	make_server();
	report(1, "failed", ", 'fault': 'no room'");
	as_host(2);
	report(2, "failed", ", 'fault': 'no room either'");
	assert_state("ERROR", "error", "null");
	assert_string_equal(at("/server/OS-EXT-SRV-ATTR:host"), "edge-2");
	assert_non_null(strstr(at("/server/fault/details"),
			       "edge-1: no room\nedge-2: no room either\nOther hosts:\n"));
	/* the server goes, and what is left on the first host is still to be removed */
	assert_int_equal(call(MEMBER, "DELETE", path, NULL), 204);
	report(3, "gone", "");
	assert_int_equal(call(MEMBER, "GET", path, NULL), 404);
	assert_int_equal(strlen(world.left), 36);
	as_host(1);
	assert_int_equal(agent("GET", "/desired?since=0", NULL), 200);
	assert_string_equal(at("/servers/0/want"), "absent");
	report(2, "gone", "");
	assert_string_equal(world.left, "");
}

static void test_not_retried(void **state)
{
	(void)state;
	second_host();
	make_server();
	report(1, "failed", ", 'fault': 'the image names another file', 'fault_kind': 'image'");
	assert_state("ERROR", "error", "null");
	assert_string_equal(at("/server/fault/message"), "the image names another file");
	assert_string_equal(world.left, "");
	/* a host that makes it after all is believed */
	report(1, "running", "");
	assert_state("ACTIVE", "active", "null");
	/* and what ran once is not built anew somewhere else */
	report(1, "failed", ", 'fault': 'it broke'");
	assert_state("ERROR", "error", "null");
	assert_string_equal(world.left, "");
}

/* A port that cannot be bound there: all is as it was. */
static void test_retry_undone(void **state)
{
	(void)state;
	second_host();
	make_server();
	world.bind_fails = true;
	assert_int_equal(report(1, "failed", ", 'fault': 'no room'"), 200);
	assert_state("ERROR", "error", "null");
	assert_string_equal(at("/server/OS-EXT-SRV-ATTR:host"), "edge-1");
	assert_non_null(strstr(at("/server/fault/details"), "is bound elsewhere"));
	assert_string_equal(world.claimed, id);
	assert_string_equal(world.left, "");
	assert_int_equal(count_rows("SELECT count(*) FROM server_leftover"), 0);
}

static void test_rebuild(void **state)
{
	char action[128];

	(void)state;
	make_server();
	snprintf(action, sizeof action, "%s/action", path);
	assert_int_equal(call(MEMBER, "POST", action, "{'rebuild': {'imageRef': '" DOUBLE_IMAGE "'}}"), 409);
	report(1, "running", "");
	assert_int_equal(call(READER, "POST", action, "{'rebuild': {'imageRef': '" DOUBLE_IMAGE "'}}"), 403);
	assert_int_equal(call(MEMBER, "POST", action,
			      "{'rebuild': {'imageRef': '" DOUBLE_IMAGE "', 'x': 1}}"),
			 400);
	assert_int_equal(call(MEMBER, "POST", action,
			      "{'rebuild': {'imageRef': '" DOUBLE_IMAGE "', 'name': 'n2', 'metadata': {}}}"),
			 202);
	assert_string_equal(at("/server/name"), "n2");
	assert_string_equal(at("/server/metadata"), "{}");
	assert_state("REBUILD", "active", "rebuilding");
	assert_int_equal(call(MEMBER, "POST", action, "{'rebuild': {'imageRef': '" DOUBLE_IMAGE "'}}"), 409);
	report(1, "running", ""); /* before it heard of it */
	assert_state("REBUILD", "active", "rebuilding");
	report(2, "stopped", "");
	assert_state("REBUILD", "active", "rebuild_spawning");
	assert_int_equal(agent("GET", "/desired?since=0", NULL), 200);
	assert_string_equal(at("/servers/0/disk_generation"), "2");
	report(3, "failed", ", 'fault': 'the disk is full'");
	assert_state("ERROR", "error", "null");
	assert_string_equal(at("/server/fault/message"), "the disk is full");
	assert_int_equal(call(MEMBER, "POST", action, "{'rebuild': {'imageRef': '" DOUBLE_IMAGE "'}}"), 202);
	assert_state("REBUILD", "error", "rebuilding");
	report(4, "stopped", "");
	report(5, "running", "");
	assert_state("ACTIVE", "active", "null");
	/* what the host lost comes back with it */
	report(5, "gone", "");
	assert_int_equal(call(MEMBER, "POST", action, "{'rebuild': {'imageRef': '" DOUBLE_IMAGE "'}}"), 202);
	assert_state("REBUILD", "error", "rebuild_spawning");
	report(7, "running", "");
	assert_state("ACTIVE", "active", "null");
}

static void test_evacuate(void **state)
{
	char action[128];

	(void)state;
	second_host();
	make_server();
	snprintf(action, sizeof action, "%s/action", path);
	world.down = true;
	assert_int_equal(call_at("2.14", ADMIN, "POST", action, "{'evacuate': {}}"), 409); /* never ran */
	report(1, "running", "");
	assert_int_equal(call_at("2.14", MEMBER, "POST", action, "{'evacuate': {}}"), 403);
	world.down = false;
	assert_int_equal(call_at("2.14", ADMIN, "POST", action, "{'evacuate': {}}"), 400);
	world.down = true;
	world.host_full = true;
	assert_int_equal(call_at("2.14", ADMIN, "POST", action, "{'evacuate': {}}"), 400);
	assert_state("ACTIVE", "active", "null");
	assert_string_equal(world.claimed, id);
	world.host_full = false;
	assert_int_equal(call_at("2.14", ADMIN, "POST", action, "{'evacuate': {}}"), 200);
	assert_state("REBUILD", "active", "rebuild_spawning");
	assert_string_equal(at("/server/OS-EXT-SRV-ATTR:host"), "edge-2");
	report(1, "stopped", ""); /* the dead host's last words */
	assert_state("REBUILD", "active", "rebuild_spawning");
	as_host(2);
	assert_int_equal(agent("GET", "/desired?since=0", NULL), 200);
	int generation = atoi(at("/servers/0/generation"));
	assert_true(generation > 1);
	report(generation, "failed", ", 'fault': 'no room'");
	assert_state("ERROR", "error", "null"); /* it is not tried elsewhere: the operator decides */
	assert_int_equal(count_rows("SELECT count(*) FROM server_move WHERE phase = 'done' AND failed"), 1);
	report(generation, "running", "");
	assert_state("ACTIVE", "active", "null");
	as_host(1);
	report(generation, "gone", "");
	assert_string_equal(world.left, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(test_life),
		TEST(test_no_host),
		TEST(test_failed),
		TEST(test_undone),
		TEST(test_power),
		TEST(test_console),
		TEST(test_visibility),
		TEST(test_bad_requests),
		TEST(test_several),
		TEST(test_flavors),
		TEST(test_versions_of_view),
		TEST(test_metadata_and_tags),
		TEST(test_keypairs),
		TEST(test_hosts),
		TEST(test_discovery),
		TEST(test_agent_access),
		TEST(test_joining_twice),
		TEST(test_a_task_is_not_interrupted),
		TEST(test_lost),
		TEST(test_port_changed),
		TEST(test_retry),
		TEST(test_retry_ends),
		TEST(test_not_retried),
		TEST(test_retry_undone),
		TEST(test_rebuild),
		TEST(test_evacuate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
