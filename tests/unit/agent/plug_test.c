/* Tests of ports that come and go while the guest runs, and of guests that are suspended, on a simulated
 * host. */
#include "../test.h"

#include "agent/grant.h"
#include "agent/plug.h"
#include "agent/simulated/simulated.h"
#include "agent/vf.h"
#include "agent/world.h"
#include "base/memory.h"
#include "host.h"
#include "wanted.h"

#define NEW_PORT "12345678-2222-3333-4444-555555555555"

/* A second VF port, index 2, in front of the others. */
static const char new_vf[] =
	"\"ports\": [{\"id\": \"" NEW_PORT "\", \"index\": 2, \"mac_address\": \"fa:16:3e:00:00:09\","
	" \"vnic_type\": \"direct\", \"admin_state_up\": true, \"port_security\": true, \"vlan\": 1011,"
	" \"device\": {\"address\": \"0000:10:10.2\", \"type\": \"type-VF\", \"parent\": \"0000:10:00.0\"},"
	" \"network\": {\"id\": \"bbbbbbbb-2222-3333-4444-555555555555\", \"subnets\": []}, \"fixed_ips\": "
	"[]},";
static const char new_nic[] =
	"\"ports\": [{\"id\": \"" NEW_PORT "\", \"index\": 2, \"mac_address\": \"fa:16:3e:00:00:09\","
	" \"vnic_type\": \"normal\", \"admin_state_up\": true, \"port_security\": true, \"vlan\": null, "
	"\"device\": null,"
	" \"network\": {\"id\": \"b0b0b0b0-2222-3333-4444-555555555555\", \"subnets\": []}, \"fixed_ips\": "
	"[]},";

#define GENERATION "\"generation\": 3"

static yyjson_doc *with_port(const char *port)
{
	return wanted_changed("\"ports\": [", port, GENERATION, "\"generation\": 4", NULL);
}

static yyjson_doc *without_ports(void)
{
	return wanted_changed("\"index\": 0", "\"index\": 0, \"want\": \"absent\"", "\"index\": 1",
			      "\"index\": 1, \"want\": \"absent\"", GENERATION, "\"generation\": 5", NULL);
}

static bool plugged(const char *alias)
{
	struct error err;
	char *xml;

	assert_true(world->domain_xml(WANTED_ID, &xml, &err));
	bool found = xml && strstr(xml, alias);
	free(xml);
	return found;
}

static void assert_vf(int index, const char *mac, int vlan)
{
	struct vf_settings vf;
	struct error err;

	assert_true(vf_read("sim0", index, &vf, &err));
	assert_string_equal(vf.mac_address, mac);
	assert_int_equal(vf.vlan, vlan);
}

static void must_run(yyjson_doc *doc)
{
	*trouble = '\0';
	assert_int_equal(set_up(doc), SERVER_RUNS);
	assert_string_equal(trouble, "");
}

static void test_a_port_comes_and_goes(void **state)
{
	yyjson_doc *doc = wanted_server(), *more = with_port(new_vf);

	(void)state;
	must_run(doc);
	must_run(more);
	assert_true(plugged("ua-" NEW_PORT "'/><address type='pci' domain='0x0000' bus='0x04'"));
	assert_vf(2, "fa:16:3e:00:00:09", 1011);
	must_run(more); /* again */
	yyjson_doc *less = wanted_changed("\"ports\": [", new_vf, GENERATION, "\"generation\": 5",
					  "\"index\": 2", "\"index\": 2, \"want\": \"absent\"", NULL);
	must_run(less);
	assert_false(plugged(NEW_PORT));
	assert_vf(2, "", 0);
	assert_driver("0000:10:10.2", "");
	assert_vf(1, "fa:16:3e:00:00:01", 1010);
	take_down("at the end");
	yyjson_doc_free(doc);
	yyjson_doc_free(more);
	yyjson_doc_free(less);
}

static void test_a_standard_nic_comes_and_goes(void **state)
{
	yyjson_doc *doc = wanted_server(), *more = with_port(new_nic);
	struct error err;
	char *xml;

	(void)state;
	must_run(doc);
	must_run(more);
	assert_true(plugged(NEW_PORT));
	must_run(doc);
	assert_false(plugged(NEW_PORT));
	assert_true(world->network_xml("b0b0b0b0-2222-3333-4444-555555555555", &xml, &err));
	assert_null(xml);
	take_down("at the end");
	yyjson_doc_free(doc);
	yyjson_doc_free(more);
}

static void test_all_ports_go_and_come_back(void **state)
{
	yyjson_doc *doc = wanted_server(), *none = without_ports();

	(void)state;
	must_run(doc);
	must_run(none);
	assert_false(plugged(WANTED_VF_PORT) || plugged("<interface"));
	assert_vf(1, "", 0);
	must_run(doc);
	assert_true(plugged(WANTED_VF_PORT "'/><address type='pci' domain='0x0000' bus='0x02'"));
	assert_true(plugged("<interface"));
	take_down("at the end");
	yyjson_doc_free(doc);
	yyjson_doc_free(none);
}

static void test_a_stopped_server_loses_ports(void **state)
{
	yyjson_doc *doc = wanted_server(), *none = without_ports();
	struct error err;

	(void)state;
	must_run(doc);
	assert_true(server_stop(&life, yyjson_doc_get_root(none), &err));
	assert_vf(1, "", 0);
	must_run(none);
	assert_false(plugged(WANTED_VF_PORT));
	take_down("at the end");
	yyjson_doc_free(doc);
	yyjson_doc_free(none);
}

/* Of an agent that did not write down whose lease it is. */
static void test_a_lease_of_an_older_journal(void **state)
{
	yyjson_doc *doc = wanted_server(), *none = without_ports();
	char *path = memory_printf("%s/" WANTED_ID "/grant.json", folders.instances), *text;
	size_t size;

	(void)state;
	must_run(doc);
	yyjson_doc *journal = yyjson_read_file(path, 0, NULL, NULL);
	yyjson_mut_doc *older = yyjson_doc_mut_copy(journal, NULL);
	yyjson_mut_obj_remove_key(yyjson_mut_doc_ptr_get(older, "/leases/0"), "port_id");
	text = yyjson_mut_write(older, 0, &size);
	FILE *file = fopen(path, "w");
	assert_int_equal(fwrite(text, 1, size, file), size);
	fclose(file);
	must_run(none);
	assert_false(plugged("<interface"));
	take_down("at the end");
	free(text);
	free(path);
	yyjson_mut_doc_free(older);
	yyjson_doc_free(journal);
	yyjson_doc_free(doc);
	yyjson_doc_free(none);
}

/* It stays plugged in, programmed and bound, until the guest lets go. */
static void test_a_guest_that_lets_go_of_nothing(void **state)
{
	yyjson_doc *doc = wanted_server(), *none = without_ports();

	(void)state;
	must_run(doc);
	simulated_set_stubborn(true);
	assert_int_equal(set_up(none), SERVER_RUNS);
	assert_non_null(strstr(trouble, "the guest did not let go of it within 160 s (asked 8 times)"));
	assert_true(plugged(WANTED_VF_PORT) && plugged("<interface"));
	assert_vf(1, "fa:16:3e:00:00:01", 1010);
	assert_driver("0000:10:10.1", "vfio-pci");
	must_run(doc); /* told to keep it */
	simulated_set_stubborn(false);
	must_run(none);
	assert_false(plugged(WANTED_VF_PORT));
	take_down("at the end");
	yyjson_doc_free(doc);
	yyjson_doc_free(none);
}

/* After that was given up. */
static void test_a_guest_that_lets_go_late_is_seen(void **state)
{
	yyjson_doc *doc = wanted_server(), *none = without_ports();
	struct error err;

	(void)state;
	must_run(doc);
	simulated_set_stubborn(true);
	assert_int_equal(set_up(none), SERVER_RUNS);
	must_run(doc);
	assert_false(plug_is_loose(&folders, WANTED_ID));
	simulated_set_stubborn(false);
	assert_true(world->domain_unplug(WANTED_ID, "ua-" WANTED_VF_PORT, &err));
	assert_true(plug_is_loose(&folders, WANTED_ID));
	must_run(doc);
	assert_false(plug_is_loose(&folders, WANTED_ID));
	take_down("at the end");
	yyjson_doc_free(doc);
	yyjson_doc_free(none);
}

static bool is_wanted_otherwise(void *argument)
{
	(void)argument;
	return true;
}

static void test_waiting_for_a_guest_ends_when_something_else_is_wanted(void **state)
{
	yyjson_doc *doc = wanted_server(), *none = without_ports();
	struct lifecycle other = life;
	struct error err;

	(void)state;
	must_run(doc);
	simulated_set_stubborn(true);
	other.superseded = is_wanted_otherwise;
	assert_int_equal(server_setup(&other, yyjson_doc_get_root(none), &err), SERVER_LATER);
	assert_true(plugged(WANTED_VF_PORT));
	take_down("at the end");
	yyjson_doc_free(doc);
	yyjson_doc_free(none);
}

static void test_a_port_that_cannot_be_plugged_in_leaves_nothing(void **state)
{
	yyjson_doc *doc = wanted_server(), *more = with_port(new_vf);

	(void)state;
	must_run(doc);
	strcpy(not_offered, "0000:10:10.2");
	assert_int_equal(set_up(more), SERVER_RUNS);
	assert_string_equal(trouble, NEW_PORT ": 0000:10:10.2 is not offered by this host's device specs");
	assert_false(plugged(NEW_PORT));
	*not_offered = '\0';
	must_run(more);
	take_down("at the end");
	yyjson_doc_free(doc);
	yyjson_doc_free(more);
}

static bool no_room(const char *id, const char *device_xml, struct error *err)
{
	(void)id;
	(void)device_xml;
	return error_set(err, ERROR_INTERNAL, "libvirt: No more available PCI slots");
}

static void test_a_guest_without_room_refuses_a_port(void **state)
{
	yyjson_doc *doc = wanted_server(),
		   *far = wanted_changed("\"ports\": [", new_vf, "\"index\": 2", "\"index\": 40", GENERATION,
					 "\"generation\": 4", NULL);
	struct world full = world_simulated;

	(void)state;
	must_run(doc);
	must_run(far); /* libvirt finds a place */
	assert_true(plugged(NEW_PORT "'/><address type='pci' domain='0x0000' bus='0x04'"));
	must_run(doc);
	full.domain_plug = no_room;
	world = &full;
	assert_int_equal(set_up(far), SERVER_RUNS);
	assert_non_null(strstr(trouble, "No more available PCI slots"));
	assert_vf(2, "", 0);
	world = &world_simulated;
	take_down("at the end");
	yyjson_doc_free(doc);
	yyjson_doc_free(far);
}

/* Other sizes and devices of the flavor wait until the guest is off. */
static void test_a_running_guest_keeps_the_devices_of_its_flavor(void **state)
{
	yyjson_doc *doc = wanted_server(),
		   *other = wanted_changed("\"address\": \"0000:11:00.0\", \"type\": \"type-PF\"",
					   "\"address\": \"0000:10:10.3\", \"type\": \"type-VF\"", GENERATION,
					   "\"generation\": 4", NULL);

	(void)state;
	must_run(doc);
	must_run(other);
	assert_driver("0000:11:00.0", "vfio-pci");
	assert_driver("0000:10:10.3", "");
	take_down("at the end");
	yyjson_doc_free(doc);
	yyjson_doc_free(other);
}

/* The host was started again with fewer VFs, say.  Each device has its three tries, not each of them those of
 * all the others. */
static void test_removed_with_vfs_that_are_gone(void **state)
{
	yyjson_doc *doc = with_port(new_vf);
	struct error err;
	int tries = 0;

	(void)state;
	must_run(doc);
	simulated_guest_ends(WANTED_ID);
	assert_true(world->write("/sys/bus/pci/devices/0000:10:00.0/sriov_numvfs", "0", &err));
	while (!server_teardown(&life, WANTED_ID, &err)) {
		assert_non_null(strstr(err.message, "sim0 has no VF"));
		tries++;
	}
	assert_in_range(tries, 1, 3);
	yyjson_doc_free(doc);
}

/* --- paused, suspended --- */

static void test_paused_and_going_on(void **state)
{
	yyjson_doc *doc = wanted_server(),
		   *paused = wanted_changed("running", "paused", GENERATION, "\"generation\": 4", NULL);

	(void)state;
	must_run(doc);
	assert_int_equal(set_up(paused), SERVER_PAUSED);
	assert_int_equal(set_up(paused), SERVER_PAUSED);
	must_run(doc);
	simulated_guest_ends(WANTED_ID);
	assert_int_equal(set_up(paused), SERVER_ENDED);
	take_down("at the end");
	yyjson_doc_free(doc);
	yyjson_doc_free(paused);
}

static yyjson_doc *suspended(void)
{
	return wanted_changed("running", "suspended", GENERATION, "\"generation\": 4", NULL);
}

static yyjson_doc *resumed(void)
{
	return wanted_changed(GENERATION, "\"generation\": 5", NULL);
}

static void test_suspended_and_resumed_with_the_same_devices(void **state)
{
	yyjson_doc *doc = wanted_server(), *off = suspended(), *on = resumed();

	(void)state;
	must_run(doc);
	assert_int_equal(set_up(off), SERVER_SUSPENDED);
	assert_int_equal(simulated_guests(), 0);
	assert_true(has_file("memory"));
	assert_driver("0000:10:10.1", "vfio-pci");
	assert_int_equal(set_up(off), SERVER_SUSPENDED);
	must_run(on);
	assert_false(has_file("memory") || has_file("memory.restoring"));
	assert_true(plugged(WANTED_VF_PORT "'/><address type='pci' domain='0x0000' bus='0x02'"));
	assert_true(plugged("ua-device-0'/><address type='pci' domain='0x0000' bus='0x08'"));
	assert_true(plugged("<interface"));
	take_down("at the end");
	yyjson_doc_free(doc);
	yyjson_doc_free(off);
	yyjson_doc_free(on);
}

/* A port that is being taken out when its server is suspended goes first: it does not stay with the memory,
 * and not with the host. */
static void test_suspended_while_a_port_goes(void **state)
{
	yyjson_doc *doc = wanted_server(),
		   *off = wanted_changed("running", "suspended", GENERATION, "\"generation\": 4",
					 "\"index\": 0", "\"index\": 0, \"want\": \"absent\"", NULL);
	_cleanup_free_ char *folder = memory_printf("%s/" WANTED_ID, folders.instances);

	(void)state;
	must_run(doc);
	assert_true(grant_holds_port(folder, WANTED_VF_PORT));
	assert_int_equal(set_up(off), SERVER_SUSPENDED);
	assert_false(grant_holds_port(folder, WANTED_VF_PORT));
	assert_vf(1, "", 0);
	assert_driver("0000:10:10.1", "");
	take_down("at the end");
	yyjson_doc_free(doc);
	yyjson_doc_free(off);
}

/* The guest holds on to its standard NIC. */
static bool unplug_but_nics(const char *id, const char *alias, struct error *err)
{
	return !strstr(alias, "device-") && !strstr(alias, WANTED_VF_PORT)
		       ? true
		       : world_simulated.domain_unplug(id, alias, err);
}

/* A NIC that could not be taken out is in the saved memory; the agent, started again, knows of the wish that
 * it goes, and not yet that it stays after all. */
static void test_suspended_with_a_port_that_stays_after_all(void **state)
{
	yyjson_doc *doc = wanted_server(), *on = resumed(),
		   *off = wanted_changed("running", "suspended", GENERATION, "\"generation\": 4",
					 "\"index\": 1", "\"index\": 1, \"want\": \"absent\"", NULL);
	struct world changed = world_simulated;

	(void)state;
	world = &changed;
	changed.domain_unplug = unplug_but_nics;
	must_run(doc);
	*trouble = '\0';
	assert_int_equal(set_up(off), SERVER_SUSPENDED);
	assert_non_null(strstr(trouble, "did not let go"));
	assert_int_equal(set_up(off), SERVER_SUSPENDED);
	must_run(on);
	assert_true(plugged("<interface"));
	world = &world_simulated;
	take_down("at the end"); /* with its network */
	yyjson_doc_free(doc);
	yyjson_doc_free(on);
	yyjson_doc_free(off);
}

/* libvirt went away while it started the guest from its memory, and the guest with it. */
static bool restore_and_lose(const char *path, struct error *err)
{
	assert_true(world_simulated.domain_restore(path, err));
	simulated_guest_ends(WANTED_ID);
	return error_set_typed(err, ERROR_UNAVAILABLE, WORLD_LOST, "libvirt: End of file while reading data");
}

static bool cannot_restore(const char *path, struct error *err)
{
	(void)path;
	return error_set(err, ERROR_UNAVAILABLE, "libvirt: Failed to connect socket");
}

/* Its disk may be newer than what was saved: that must not be used a second time. */
static void test_memory_is_used_once(void **state)
{
	yyjson_doc *doc = wanted_server(), *off = suspended(), *on = resumed();
	struct world changed = world_simulated;

	(void)state;
	must_run(doc);
	assert_int_equal(set_up(off), SERVER_SUSPENDED);
	world = &changed;
	changed.domain_restore = cannot_restore;
	assert_int_equal(set_up(on), SERVER_LATER);
	assert_true(has_file("memory"));
	changed.domain_restore = restore_and_lose;
	assert_int_equal(set_up(on), SERVER_LATER);
	assert_false(has_file("memory"));
	world = &world_simulated;
	must_run(on);
	assert_false(has_file("memory") || has_file("memory.restoring"));
	take_down("at the end");
	yyjson_doc_free(doc);
	yyjson_doc_free(off);
	yyjson_doc_free(on);
}

static void test_a_guest_that_cannot_be_suspended_runs_on(void **state)
{
	yyjson_doc *doc = wanted_server(), *off = suspended(), *on = resumed();

	(void)state;
	must_run(doc);
	simulated_set_stubborn(true);
	assert_int_equal(set_up(off), SERVER_REFUSED);
	assert_int_equal(simulated_guests(), 1);
	must_run(on);
	assert_true(plugged(WANTED_VF_PORT));
	take_down("at the end");
	yyjson_doc_free(doc);
	yyjson_doc_free(off);
	yyjson_doc_free(on);
}

/* An agent that is started again, and cannot ask, goes by what the folder remembers. */
static void test_what_could_not_be_suspended_is_not_suspended_later(void **state)
{
	yyjson_doc *doc = wanted_server(), *off = suspended();

	(void)state;
	must_run(doc);
	simulated_set_stubborn(true);
	assert_int_equal(set_up(off), SERVER_REFUSED);
	simulated_set_stubborn(false);
	yyjson_doc *remembered = server_remembered(&folders, WANTED_ID);
	assert_int_equal(json_int(yyjson_doc_get_root(remembered), "generation", 0), 4);
	must_run(remembered);
	assert_int_equal(simulated_guests(), 1);
	assert_true(plugged(WANTED_VF_PORT));
	/* Nor is it started if it has ended since. */
	simulated_guest_ends(WANTED_ID);
	assert_int_equal(set_up(remembered), SERVER_ENDED);
	take_down("at the end");
	yyjson_doc_free(doc);
	yyjson_doc_free(off);
	yyjson_doc_free(remembered);
}

static void test_a_suspended_server_is_stopped_and_removed(void **state)
{
	yyjson_doc *doc = wanted_server(), *off = suspended(), *on = resumed();
	struct error err;

	(void)state;
	must_run(doc);
	assert_int_equal(set_up(off), SERVER_SUSPENDED);
	assert_true(server_stop(&life, yyjson_doc_get_root(off), &err));
	assert_false(has_file("memory"));
	must_run(on); /* boots */
	assert_int_equal(set_up(off), SERVER_SUSPENDED);
	take_down("while suspended");
	yyjson_doc_free(doc);
	yyjson_doc_free(off);
	yyjson_doc_free(on);
}

/* --- killed --- */

static bool work_with(yyjson_doc *doc, enum server_outcome wanted)
{
	return set_up(doc) == wanted;
}

static bool work_plug(void)
{
	return work_with(with_port(new_vf), SERVER_RUNS);
}

static bool work_unplug(void)
{
	return work_with(without_ports(), SERVER_RUNS);
}

static bool work_suspend(void)
{
	return work_with(suspended(), SERVER_SUSPENDED);
}

static bool work_resume(void)
{
	return work_with(resumed(), SERVER_RUNS);
}

/* Killed at each change; then either the same is wanted still, or it is not wanted any more. */
static void kill_everywhere(bool (*work)(void), yyjson_doc *before, yyjson_doc *wanted,
			    enum server_outcome outcome, int fewest)
{
	yyjson_doc *doc = wanted_server();
	bool again = true;
	int n = 1;

	for (; again; n++) {
		for (int go_on = 0; go_on < 2; go_on++) {
			must_run(doc);
			if (before)
				assert_int_equal(set_up(before), SERVER_SUSPENDED);
			again = killed_at(n, work);
			*trouble = '\0';
			if (go_on && set_up(wanted) != outcome)
				fail_msg("%s", last_change);
			if (!go_on && set_up(doc) == SERVER_FAILED)
				fail_msg("%s", last_change);
			assert_string_equal(trouble, "");
			take_down(last_change);
		}
	}
	assert_in_range(n, fewest, 60);
	yyjson_doc_free(doc);
	yyjson_doc_free(before);
	yyjson_doc_free(wanted);
}

static void test_killed_anywhere_while_a_port_comes(void **state)
{
	(void)state;
	kill_everywhere(work_plug, NULL, with_port(new_vf), SERVER_RUNS, 6);
}

static void test_killed_anywhere_while_ports_go(void **state)
{
	(void)state;
	kill_everywhere(work_unplug, NULL, without_ports(), SERVER_RUNS, 6);
}

static void test_killed_anywhere_while_suspended(void **state)
{
	(void)state;
	kill_everywhere(work_suspend, NULL, suspended(), SERVER_SUSPENDED, 4);
}

static void test_killed_anywhere_while_resumed(void **state)
{
	(void)state;
	kill_everywhere(work_resume, suspended(), resumed(), SERVER_RUNS, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name)   cmocka_unit_test_setup_teardown(name, make, drop)
#define KILLED(name) cmocka_unit_test_setup_teardown(name, make_killable, drop_killable)
		TEST(test_a_port_comes_and_goes),
		TEST(test_a_standard_nic_comes_and_goes),
		TEST(test_all_ports_go_and_come_back),
		TEST(test_a_stopped_server_loses_ports),
		TEST(test_a_lease_of_an_older_journal),
		TEST(test_a_guest_that_lets_go_of_nothing),
		TEST(test_a_guest_that_lets_go_late_is_seen),
		TEST(test_waiting_for_a_guest_ends_when_something_else_is_wanted),
		TEST(test_a_port_that_cannot_be_plugged_in_leaves_nothing),
		TEST(test_a_guest_without_room_refuses_a_port),
		TEST(test_a_running_guest_keeps_the_devices_of_its_flavor),
		TEST(test_removed_with_vfs_that_are_gone),
		TEST(test_paused_and_going_on),
		TEST(test_suspended_and_resumed_with_the_same_devices),
		TEST(test_suspended_while_a_port_goes),
		TEST(test_suspended_with_a_port_that_stays_after_all),
		TEST(test_memory_is_used_once),
		TEST(test_a_guest_that_cannot_be_suspended_runs_on),
		TEST(test_what_could_not_be_suspended_is_not_suspended_later),
		TEST(test_a_suspended_server_is_stopped_and_removed),
		KILLED(test_killed_anywhere_while_a_port_comes),
		KILLED(test_killed_anywhere_while_ports_go),
		KILLED(test_killed_anywhere_while_suspended),
		KILLED(test_killed_anywhere_while_resumed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
