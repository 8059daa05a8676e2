/* Tests of a server's whole way, on a simulated host: set up, changed, taken down, and killed before each
 * single change of the host. */
#include "../test.h"

#include "agent/netdev.h"
#include "agent/simulated/simulated.h"
#include "agent/vf.h"
#include "base/memory.h"
#include "host.h"
#include "wanted.h"

static void assert_runs(void)
{
	struct vf_settings vf;
	struct error err;
	bool running;

	assert_true(world->domain_running(WANTED_ID, &running, &err) && running);
	assert_true(vf_read("sim0", 1, &vf, &err));
	assert_string_equal(vf.mac_address, "fa:16:3e:00:00:01");
	assert_int_equal(vf.vlan, 1010);
}

static void test_up_and_down(void **state)
{
	yyjson_doc *doc = wanted_server();

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	assert_runs();
	assert_true(has_file("disk") && has_file("config.iso") && has_file("grant.json"));
	assert_int_equal(set_up(doc), SERVER_RUNS); /* again */
	assert_int_equal(simulated_guests(), 1);
	take_down("at the end");
	take_down("again");
	yyjson_doc_free(doc);
}

static void test_a_running_guests_port_changes(void **state)
{
	yyjson_doc *doc = wanted_server(),
		   *changed = wanted_changed("\"port_security\": true", "\"port_security\": false",
					     "\"generation\": 3", "\"generation\": 4", NULL);
	struct vf_settings vf;
	struct error err;

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	assert_int_equal(set_up(changed), SERVER_RUNS);
	assert_true(vf_read("sim0", 1, &vf, &err));
	assert_int_equal(vf.spoof_check, 0);
	take_down("at the end");
	yyjson_doc_free(doc);
	yyjson_doc_free(changed);
}

static void assert_rates(int min, int max)
{
	struct vf_settings vf;
	struct error err;

	assert_true(vf_read("sim0", 1, &vf, &err));
	assert_int_equal(vf.min_rate, min);
	assert_int_equal(vf.max_rate, max);
}

static void test_rates_are_set_change_and_go(void **state)
{
	yyjson_doc *doc = wanted_server(),
		   *changed = wanted_changed("\"max_kbps\": 3000", "\"max_kbps\": 5000", "\"generation\": 3",
					     "\"generation\": 4", NULL),
		   *without = wanted_changed("{\"max_kbps\": 3000, \"min_kbps\": 2000}", "null",
					     "\"generation\": 3", "\"generation\": 5", NULL);

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	assert_rates(2, 3);
	assert_int_equal(set_up(changed), SERVER_RUNS);
	assert_rates(2, 5);
	assert_int_equal(set_up(without), SERVER_RUNS);
	assert_rates(0, 0);
	assert_int_equal(set_up(changed), SERVER_RUNS);
	take_down("at the end");
	assert_rates(0, 0);
	yyjson_doc_free(doc);
	yyjson_doc_free(changed);
	yyjson_doc_free(without);
}

static void test_a_guest_that_ended_is_left_so_until_it_is_wanted_again(void **state)
{
	yyjson_doc *doc = wanted_server(),
		   *again = wanted_changed("\"generation\": 3", "\"generation\": 5", NULL);

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	simulated_guest_ends(WANTED_ID);
	assert_int_equal(set_up(doc), SERVER_ENDED);
	assert_int_equal(simulated_guests(), 0);
	assert_int_equal(set_up(again), SERVER_RUNS);
	assert_runs();
	take_down("at the end");
	yyjson_doc_free(doc);
	yyjson_doc_free(again);
}

static void test_failing_leaves_nothing(void **state)
{
	yyjson_doc *doc = wanted_server();

	(void)state;
	strcpy(not_offered, "0000:11:00.0");
	assert_int_equal(set_up(doc), SERVER_FAILED);
	assert_nothing_left("after a device that is not offered");
	yyjson_doc_free(doc);
}

/* It was stopped, has data on its disk, and cannot be started now. */
static void test_failing_to_start_again_keeps_the_disk(void **state)
{
	yyjson_doc *doc = wanted_server(),
		   *again = wanted_changed("\"generation\": 3", "\"generation\": 5", NULL);
	struct error err;

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	assert_true(server_stop(&life, yyjson_doc_get_root(doc), &err));
	strcpy(not_offered, "0000:11:00.0");
	assert_int_equal(set_up(again), SERVER_FAILED);
	assert_true(has_file("disk"));
	*not_offered = '\0';
	assert_int_equal(set_up(again), SERVER_RUNS);
	take_down("at the end");
	yyjson_doc_free(doc);
	yyjson_doc_free(again);
}

/* Resized on its host while it is off: other devices, more of everything. */
static void test_a_stopped_server_is_made_anew(void **state)
{
	yyjson_doc *doc = wanted_server(),
		   *off = wanted_changed("\"generation\": 3", "\"generation\": 4", "running", "stopped",
					 NULL),
		   *resized = wanted_changed("\"generation\": 3", "\"generation\": 5",
					     "\"vcpus\": 1, \"memory_mb\": 64, \"disk_gb\": 1",
					     "\"vcpus\": 2, \"memory_mb\": 128, \"disk_gb\": 7",
					     "\"address\": \"0000:11:00.0\", \"type\": \"type-PF\"",
					     "\"address\": \"0000:11:10.2\", \"type\": \"type-VF\"", NULL);
	struct error err;
	unsigned char header[32];
	char *xml;

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	assert_true(server_stop(&life, yyjson_doc_get_root(off), &err));
	assert_int_equal(set_up(resized), SERVER_RUNS);
	assert_true(world->domain_xml(WANTED_ID, &xml, &err));
	assert_non_null(strstr(xml, "<memory unit='MiB'>128</memory>\n  <vcpu>2</vcpu>"));
	free(xml);
	assert_driver("0000:11:10.2", "vfio-pci");
	assert_driver("0000:11:00.0", "igb");
	char *path = memory_printf("%s/" WANTED_ID "/disk", folders.instances);
	FILE *disk = fopen(path, "r");
	assert_int_equal(fread(header, 1, 32, disk), 32);
	assert_int_equal(header[27] << 8 | header[28], 7 << 6); /* GB */
	fclose(disk);
	free(path);
	take_down("at the end");
	yyjson_doc_free(doc);
	yyjson_doc_free(off);
	yyjson_doc_free(resized);
}

/* What a stopped server is not to have any more is clean when it is told that it is stopped. */
static void test_a_stopped_server_gives_back_what_it_lost(void **state)
{
	yyjson_doc *doc = wanted_server(),
		   *less = wanted_changed("\"generation\": 3", "\"generation\": 4", "running", "stopped",
					  "\"address\": \"0000:11:00.0\"", "\"address\": \"0000:11:10.2\"",
					  "0000:10:10.1", "0000:10:10.3", NULL);
	struct vf_settings vf;
	struct error err;

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	assert_true(server_stop(&life, yyjson_doc_get_root(less), &err));
	assert_true(vf_read("sim0", 1, &vf, &err));
	assert_string_equal(vf.mac_address, "");
	assert_true(vf_read("sim1", 0, &vf, &err)); /* the PF is back, with its VFs */
	assert_true(server_stop(&life, yyjson_doc_get_root(less), &err));
	take_down("at the end");
	yyjson_doc_free(doc);
	yyjson_doc_free(less);
}

/* A VF that stays with its driver: the guest has a macvtap on its network device. */
static void test_a_macvtap_port(void **state)
{
	yyjson_doc *doc = wanted_changed("\"vnic_type\": \"direct\"", "\"vnic_type\": \"macvtap\"", NULL);
	struct vf_settings vf;
	char mac[18];
	struct error err = {0};
	bool up;

	(void)state;
	assert_int_equal(set_up(doc), SERVER_FAILED); /* no driver, no network device */
	assert_nothing_left("without a network device");
	assert_true(world->write("/sys/bus/pci/drivers/igbvf/bind", "0000:10:10.1", &err));
	assert_int_equal(set_up(doc), SERVER_RUNS);
	assert_int_equal(set_up(doc), SERVER_RUNS); /* again */
	assert_runs();
	netdev_mac("sim0v1", mac);
	assert_string_equal(mac, "fa:16:3e:00:00:01");
	assert_true(netdev_is_up("sim0v1", &up, &err) && up);
	assert_true(server_teardown(&life, WANTED_ID, &err));
	netdev_mac("sim0v1", mac);
	assert_string_equal(mac, "02:00:00:00:00:01");
	assert_true(netdev_is_up("sim0v1", &up, &err) && !up);
	assert_true(vf_read("sim0", 1, &vf, &err));
	assert_int_equal(vf.vlan, 0);
	assert_true(vf_program("sim0", 1, &vf_clean, &err));
	assert_true(world->write("/sys/bus/pci/devices/0000:10:10.1/driver/unbind", "0000:10:10.1", &err));
	assert_nothing_left("after its driver went");
	yyjson_doc_free(doc);
}

static bool failing_domain_running(const char *id, bool *running, struct error *err)
{
	(void)id;
	*running = false;
	return error_set(err, ERROR_UNAVAILABLE, "libvirtd is being restarted");
}

static void test_without_libvirt_nothing_is_undone(void **state)
{
	yyjson_doc *doc = wanted_server();
	struct world away = world_simulated;

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	away.domain_running = failing_domain_running;
	world = &away;
	assert_int_equal(set_up(doc), SERVER_LATER);
	world = &world_simulated;
	assert_runs();
	take_down("at the end");
	yyjson_doc_free(doc);
}

static void test_without_the_controller_an_image_is_waited_for(void **state)
{
	yyjson_doc *doc = wanted_server();
	char *image = memory_printf("%s/" IMAGE, folders.cache);

	(void)state;
	strcpy(controller.url, "http://127.0.0.1:1"); /* refused */
	unlink(image);
	assert_int_equal(set_up(doc), SERVER_LATER);
	assert_nothing_left("without an image");
	*controller.url = '\0';
	free(image);
	yyjson_doc_free(doc);
}

/* Killed while it was set up, and then the controller gave it other devices. */
static void test_devices_of_an_earlier_attempt_go_back(void **state)
{
	yyjson_doc *doc = wanted_server(),
		   *moved = wanted_changed("0000:10:10.1", "0000:10:10.2", "\"generation\": 3",
					   "\"generation\": 4", NULL);
	struct vf_settings vf;
	struct error err;

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	simulated_guest_ends(WANTED_ID);
	assert_int_equal(set_up(moved), SERVER_RUNS);
	assert_true(vf_read("sim0", 1, &vf, &err));
	assert_string_equal(vf.mac_address, "");
	assert_true(vf_read("sim0", 2, &vf, &err));
	assert_string_equal(vf.mac_address, "fa:16:3e:00:00:01");
	take_down("at the end");
	yyjson_doc_free(doc);
	yyjson_doc_free(moved);
}

/* Two servers on one network: it goes with the last of them. */
static void test_a_network_stays_while_somebody_needs_it(void **state)
{
	yyjson_doc *doc = wanted_server(),
		   *other = wanted_changed("11111111-2222", "22222222-2222",
					   "\"devices\": [{\"address\": \"0000:11:00.0\","
					   " \"type\": \"type-PF\", \"alias\": \"my_PF\", \"numa_node\": 1}]",
					   "\"devices\": []", "0000:10:10.1", "0000:10:10.3",
					   "fa:16:3e:00:00:01", "fa:16:3e:00:00:04", "fa:16:3e:00:00:02", "fa:16:3e:00:00:03", "192.168.0.7\"",
					   "192.168.0.8\"", NULL);
	char *xml;
	struct error err;

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	assert_int_equal(set_up(other), SERVER_RUNS);
	assert_true(server_teardown(&life, WANTED_ID, &err));
	assert_true(world->network_xml("eeeeeeee-2222-3333-4444-555555555555", &xml, &err));
	assert_non_null(xml);
	assert_null(strstr(xml, "192.168.0.7"));
	assert_non_null(strstr(xml, "<host mac='fa:16:3e:00:00:03' ip='192.168.0.8'/>"));
	free(xml);
	assert_true(server_teardown(&life, "22222222-2222-3333-4444-555555555555", &err));
	assert_nothing_left("after both");
	yyjson_doc_free(doc);
	yyjson_doc_free(other);
}

/* --- killed --- */

static yyjson_doc *(*wanted)(void) = wanted_server;

static bool work_up(void)
{
	yyjson_doc *doc = wanted();

	return set_up(doc) == SERVER_RUNS;
}

static bool work_down(void)
{
	struct error err;

	return server_teardown(&life, WANTED_ID, &err);
}

static void test_killed_anywhere_while_set_up_and_then_removed(void **state)
{
	int n = 1;

	(void)state;
	while (killed_at(n++, work_up))
		take_down(last_change);
	assert_in_range(n, 12, 60); /* there was something to be killed at */
	take_down("after the whole way");
}

static void test_killed_anywhere_while_set_up_and_then_set_up_again(void **state)
{
	yyjson_doc *doc = wanted_server();

	(void)state;
	for (int n = 1; killed_at(n, work_up); n++) {
		if (set_up(doc) != SERVER_RUNS)
			fail_msg("%s", last_change);
		assert_runs();
		take_down(last_change);
	}
	take_down("after the whole way");
	yyjson_doc_free(doc);
}

static void test_killed_anywhere_while_taken_down(void **state)
{
	yyjson_doc *doc = wanted_server();
	int n = 1;

	(void)state;
	for (;; n++) {
		assert_int_equal(set_up(doc), SERVER_RUNS);
		bool killed = killed_at(n, work_down);
		take_down(last_change);
		if (!killed)
			break;
	}
	assert_in_range(n, 12, 60);
	yyjson_doc_free(doc);
}

/* Killed again and again, each time one change further on. */
static void test_killed_over_and_over(void **state)
{
	yyjson_doc *doc = wanted_server();

	(void)state;
	for (int n = 1; n < 8; n++) {
		for (int times = 0; killed_at(n, work_up) && times < 100; times++) {
		}
		for (int times = 0; killed_at(n, work_down) && times < 100; times++) {
		}
		take_down("after being killed over and over");
	}
	yyjson_doc_free(doc);
}

/* --- IOMMU groups --- */

/* A server with the PF 0000:11:00.0, which the IOMMU cannot tell from 0000:10:00.0. */
static yyjson_doc *wanted_grouped(void)
{
	return wanted_changed("{\"address\": \"0000:10:10.1\", \"type\": \"type-VF\", \"parent\": "
			      "\"0000:10:00.0\"}",
			      "null", "\"vlan\": 1010", "\"vlan\": null", NULL);
}

static char **the_other_pf(const char *address)
{
	char **names = NULL;
	size_t count = 0;

	assert_string_equal(address, "0000:11:00.0");
	*ARRAY_ADD(names, count) = memory_copy_text("0000:10:00.0");
	*ARRAY_ADD(names, count) = NULL;
	return names;
}

static int make_grouped(void **state)
{
	(void)state;
	wanted = wanted_grouped;
	return make_killable_host("4,2,4,2");
}

static int drop_grouped(void **state)
{
	wanted = wanted_server;
	return drop_killable(state);
}

static void test_a_mate_goes_along(void **state)
{
	yyjson_doc *doc = wanted_grouped();
	char driver[32];

	(void)state;
	assert_int_equal(set_up(doc), SERVER_FAILED); /* the group is not viable, and the kernel says so */
	assert_nothing_left("after a group that is not viable");
	life.mates = the_other_pf;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	world->link("/sys/bus/pci/devices/0000:10:00.0/driver", driver, sizeof driver);
	assert_string_equal(driver, "vfio-pci");
	take_down("at the end"); /* both are as they were, with their VFs */
	yyjson_doc_free(doc);
}

static void test_killed_anywhere_with_a_mate(void **state)
{
	yyjson_doc *doc = wanted_grouped();
	int n = 1;

	(void)state;
	life.mates = the_other_pf;
	while (killed_at(n++, work_up)) {
		if (n % 2 && set_up(doc) != SERVER_RUNS)
			fail_msg("%s", last_change);
		take_down(last_change);
	}
	assert_in_range(n, 12, 80);
	for (n = 1; killed_at(n, work_down); n++) {
		take_down(last_change);
		assert_int_equal(set_up(doc), SERVER_RUNS);
	}
	assert_in_range(n, 10, 80);
	take_down("at the end");
	yyjson_doc_free(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name)   cmocka_unit_test_setup_teardown(name, make, drop)
#define KILLED(name) cmocka_unit_test_setup_teardown(name, make_killable, drop_killable)
		TEST(test_up_and_down),
		TEST(test_a_running_guests_port_changes),
		TEST(test_rates_are_set_change_and_go),
		TEST(test_a_guest_that_ended_is_left_so_until_it_is_wanted_again),
		TEST(test_failing_leaves_nothing),
		TEST(test_failing_to_start_again_keeps_the_disk),
		TEST(test_a_stopped_server_is_made_anew),
		TEST(test_a_stopped_server_gives_back_what_it_lost),
		TEST(test_without_libvirt_nothing_is_undone),
		TEST(test_without_the_controller_an_image_is_waited_for),
		TEST(test_devices_of_an_earlier_attempt_go_back),
		TEST(test_a_macvtap_port),
		TEST(test_a_network_stays_while_somebody_needs_it),
		KILLED(test_killed_anywhere_while_set_up_and_then_removed),
		KILLED(test_killed_anywhere_while_set_up_and_then_set_up_again),
		KILLED(test_killed_anywhere_while_taken_down),
		KILLED(test_killed_over_and_over),
		cmocka_unit_test_setup_teardown(test_a_mate_goes_along, make_grouped, drop_grouped),
		cmocka_unit_test_setup_teardown(test_killed_anywhere_with_a_mate, make_grouped, drop_grouped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
