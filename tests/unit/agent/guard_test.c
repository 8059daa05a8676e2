/* Tests of the guard: VFs and PFs of a simulated host that somebody else changes; and of what is looked at
 * before a VF is programmed. */
#include "../test.h"

#include "agent/guard.h"
#include "agent/health.h"
#include "agent/held.h"
#include "agent/link.h"
#include "agent/netdev.h"
#include "agent/nic_driver.h"
#include "agent/report.h"
#include "agent/simulated/simulated.h"
#include "base/log.h"
#include "base/memory.h"
#include "host.h"
#include "wanted.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#define VF	"0000:10:10.1" /* which the wanted server has */
#define IDLE_VF "0000:10:10.2"

static struct agent_settings settings;
static struct excluded_device excluded[1];
static struct world changed;
static char logged[4000];
static yyjson_doc *doc;

static void note_log(void *user, enum log_level level, const char *message)
{
	size_t length = strlen(logged);

	(void)user;
	if (level <= LOG_LEVEL_WARNING)
		snprintf(logged + length, sizeof logged - length, "%s\n", message);
}

#define assert_said(text) \
	do { \
		if (!strstr(logged, text)) \
			fail_msg("not \"%s\" but: %s", text, logged); \
	} while (0)

/* The agent looks at its host. */
static void look(void)
{
	struct error err;
	char *text = report_inventory(&settings, &err);

	assert_non_null(text);
	free(text);
}

static int begin(void **state)
{
	char warning[256];
	struct error err;

	make(state);
	memset(&settings, 0, sizeof settings);
	snprintf(settings.state_dir, sizeof settings.state_dir, "/");
	assert_true(device_spec_parse("test", SIMULATED_DEVICE_SPEC, &settings.specs, &settings.spec_count,
				      warning, &err));
	settings.excluded = excluded;
	guard_configure(true);
	changed = world_simulated;
	world = &changed;
	*logged = '\0';
	log_redirect(note_log, NULL);
	look();
	doc = wanted_server();
	return 0;
}

static int finish(void **state)
{
	struct error err;

	world = &changed;
	changed = world_simulated;
	server_teardown(&life, WANTED_ID, &err);
	guard_pass(); /* nothing of this test is left for it to remember */
	yyjson_doc_free(doc);
	log_redirect(NULL, NULL);
	device_specs_free(settings.specs, settings.spec_count);
	return drop(state);
}

/* "ip link set PF vf VF ...": one setting after the other. */
static void type(const char *pf, int vf, const struct vf_settings *typed)
{
	struct error err;

	if (!vf_program(pf, vf, typed, &err))
		fail_msg("%s", err.message);
}

static struct vf_settings read_vf(const char *pf, int vf)
{
	struct vf_settings now;
	struct error err;

	assert_true(vf_read(pf, vf, &now, &err));
	return now;
}

static bool same(const struct vf_settings *a, const struct vf_settings *b)
{
	for (size_t i = 0; i < vf_attribute_count; i++) {
		if (!vf_attributes[i].equal(a, b))
			return false;
	}
	return true;
}

static const struct vf_settings foreign = {
	.mac_address = "02:00:00:00:00:99", .vlan = 7, .spoof_check = 0, .trust = 1, .max_rate = 50};

/* --- VFs that servers have --- */

static void test_what_others_change_is_put_back_and_named(void **state)
{
	struct vf_settings now, before;

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	before = read_vf("sim0", 1);
	assert_false(guard_pass());
	assert_string_equal(logged, "");
	type("sim0", 1, &foreign);
	assert_false(guard_pass());
	now = read_vf("sim0", 1);
	assert_true(same(&now, &before));
	assert_said("VF 1 of sim0 (server " WANTED_ID ", port " WANTED_VF_PORT "): something changed "
		    "the MAC from fa:16:3e:00:00:01 to 02:00:00:00:00:99, the VLAN from 1010 to 7, spoof "
		    "check from "
		    "on to off, trust from off to on, rates from 2 to 3 Mbit/s to 0 to 50 Mbit/s: put back");
	*logged = '\0';
	assert_false(guard_pass());
	assert_string_equal(logged, "");
}

/* Each setting by itself, too. */
static void test_each_setting_is_put_back(void **state)
{
	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	const struct vf_settings before = read_vf("sim0", 1);
	for (int i = 0; i < 5; i++) {
		struct vf_settings one = before, now;

		switch (i) {
		case 0:
			strcpy(one.mac_address, foreign.mac_address);
			break;
		case 1:
			one.vlan = 0;
			break;
		case 2:
			one.spoof_check = 0;
			break;
		case 3:
			one.trust = 1;
			break;
		case 4:
			one.max_rate = 900;
			break;
		}
		type("sim0", 1, &one);
		guard_pass();
		now = read_vf("sim0", 1);
		if (!same(&now, &before))
			fail_msg("setting %d is not put back", i);
	}
}

static void test_the_kernel_tells_when_to_look(void **state)
{
	struct error err;

	(void)state;
	world->events(0);
	assert_int_equal(world->events(0), 0);
	type("sim0", 1, &foreign);
	assert_int_equal(world->events(1000), WORLD_LINKS);
	assert_int_equal(world->events(0), 0);
	assert_true(world->write("/sys/bus/pci/devices/0000:11:00.0/sriov_numvfs", "0", &err));
	assert_int_equal(world->events(1000), WORLD_DEVICES);
	assert_true(world->write("/sys/bus/pci/devices/0000:11:00.0/sriov_numvfs", "4", &err));
	type("sim0", 1, &vf_clean);
}

/* What was programmed last counts, not what was at first. */
static void test_a_changed_port_is_what_is_put_back(void **state)
{
	yyjson_doc *open = wanted_changed("\"port_security\": true", "\"port_security\": false",
					  "\"generation\": 3", "\"generation\": 4", NULL);

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	assert_int_equal(set_up(open), SERVER_RUNS);
	guard_pass();
	assert_int_equal(read_vf("sim0", 1).spoof_check, 0);
	type("sim0", 1, &foreign);
	guard_pass();
	assert_int_equal(read_vf("sim0", 1).spoof_check, 0);
	assert_string_equal(read_vf("sim0", 1).mac_address, "fa:16:3e:00:00:01");
	yyjson_doc_free(open);
}

static void test_what_a_worker_is_at_is_left_alone(void **state)
{
	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	held_begin(VF);
	type("sim0", 1, &foreign);
	assert_true(guard_pass()); /* to be looked at again */
	assert_int_equal(read_vf("sim0", 1).vlan, 7);
	held_end_unchanged(VF);
	assert_false(guard_pass());
	assert_int_equal(read_vf("sim0", 1).vlan, 1010);
}

/* A trusted guest without spoof check may take another MAC (bonding), and NICs show that. */
static void test_a_trusted_guest_chooses_its_mac(void **state)
{
	yyjson_doc *trusted = wanted_changed("\"port_security\": true",
					     "\"port_security\": false, \"trusted\": true", NULL);
	struct vf_settings other;

	(void)state;
	assert_int_equal(set_up(trusted), SERVER_RUNS);
	other = read_vf("sim0", 1);
	strcpy(other.mac_address, foreign.mac_address);
	type("sim0", 1, &other);
	guard_pass();
	assert_string_equal(read_vf("sim0", 1).mac_address, foreign.mac_address);
	other.vlan = 7;
	type("sim0", 1, &other);
	guard_pass();
	assert_string_equal(read_vf("sim0", 1).mac_address, foreign.mac_address);
	assert_int_equal(read_vf("sim0", 1).vlan, 1010);
	yyjson_doc_free(trusted);
}

static int refusals, sets;

static int refusing_netlink(struct nlmsghdr *message, world_answer *answer, void *argument, char *why,
			    size_t size)
{
	if (message->nlmsg_type == RTM_SETLINK) {
		sets++;
		if (refusals > 0) {
			refusals--;
			snprintf(why, size, "VF is in reset");
			return EBUSY;
		}
	}
	return world_simulated.netlink(message, answer, argument, why, size);
}

/* A VF in reset does not keep the guard from the others. */
static void test_what_cannot_be_put_back_now_is_tried_again(void **state)
{
	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	type("sim0", 1, &foreign);
	changed.netlink = refusing_netlink;
	refusals = 2;
	sets = 0;
	assert_true(guard_pass());
	assert_int_equal(sets, 1);
	assert_said("putting it back failed: setting the MAC of VF 1 of sim0: Device or resource busy (VF is "
		    "in reset)");
	*logged = '\0';
	assert_true(guard_pass());
	assert_string_equal(logged, ""); /* said once */
	assert_false(guard_pass());
	assert_int_equal(read_vf("sim0", 1).vlan, 1010);
}

/* --- VFs that nobody has --- */

/* What is left on a VF of nobody's is health's to clean, which hears of it at once, and once. */
static void test_an_idle_vf_is_told_of(void **state)
{
	(void)state;
	health_is_due();
	assert_false(guard_pass());
	assert_false(health_is_due());
	type("sim0", 2, &foreign);
	guard_pass();
	assert_true(health_is_due());
	guard_pass();
	assert_false(health_is_due());
	health_round();
	assert_string_equal(read_vf("sim0", 2).mac_address, "");
	assert_int_equal(read_vf("sim0", 2).vlan, 0);
	guard_pass();
	type("sim0", 2, &foreign);
	guard_pass();
	assert_true(health_is_due());
	health_round();
}

/* What exclude_devices names is not ours. */
static void test_an_excluded_vf_is_left_alone(void **state)
{
	(void)state;
	strcpy(excluded[0].address, IDLE_VF);
	settings.excluded_count = 1;
	look();
	health_is_due();
	type("sim0", 2, &foreign);
	guard_pass();
	assert_false(health_is_due());
	health_round();
	assert_string_equal(read_vf("sim0", 2).mac_address, foreign.mac_address);
	settings.excluded_count = 0;
	look();
	health_round();
	assert_string_equal(read_vf("sim0", 2).mac_address, "");
}

/* --- PFs --- */

static bool is_up(const char *name)
{
	struct error err;
	bool up;

	assert_true(netdev_is_up(name, &up, &err));
	return up;
}

static void test_a_pf_comes_up_again(void **state)
{
	struct error err;

	(void)state;
	assert_true(netdev_set_up("sim0", false, &err));
	/* On its way back from a guest it has to be down. */
	held_begin("0000:10:00.0");
	guard_pass();
	assert_false(is_up("sim0"));
	held_end_unchanged("0000:10:00.0");
	guard_pass();
	assert_true(is_up("sim0"));
	assert_said("sim0 was down: brought up");
}

static void test_a_pf_stays_down_if_it_is_to(void **state)
{
	struct error err;

	(void)state;
	guard_configure(false);
	assert_true(netdev_set_up("sim0", false, &err));
	guard_pass();
	assert_false(is_up("sim0"));
	assert_said("sim0 is down, and [penstock] keep_pfs_up leaves it so");
	assert_true(netdev_set_up("sim0", true, &err));
}

/* --- before a VF is programmed --- */

static void test_a_stray_mac_on_another_vf_is_removed(void **state)
{
	struct vf_settings stray = vf_clean;

	(void)state;
	strcpy(stray.mac_address, "fa:16:3e:00:00:01");
	stray.vlan = 5;
	type("sim0", 3, &stray);
	assert_int_equal(set_up(doc), SERVER_RUNS);
	assert_string_equal(read_vf("sim0", 1).mac_address, "fa:16:3e:00:00:01");
	assert_string_equal(read_vf("sim0", 3).mac_address, "");
	assert_int_equal(read_vf("sim0", 3).vlan, 0);
	assert_said("VF 3 of sim0 (0000:10:10.3) is nobody's and has the MAC address of a port of "
		    "server " WANTED_ID);
}

static void test_a_mac_on_a_vf_that_is_not_ours_is_not_given(void **state)
{
	struct vf_settings stray = vf_clean;
	struct error err = {0};

	(void)state;
	strcpy(excluded[0].address, IDLE_VF);
	settings.excluded_count = 1;
	look();
	strcpy(stray.mac_address, "fa:16:3e:00:00:01");
	type("sim0", 2, &stray);
	assert_int_equal(server_setup(&life, yyjson_doc_get_root(doc), &err), SERVER_FAILED);
	assert_non_null(strstr(err.message, "VF 2 of sim0 (" IDLE_VF
					    "), which is not offered, has the port's MAC address already"));
	assert_string_equal(read_vf("sim0", 2).mac_address, "fa:16:3e:00:00:01");
	settings.excluded_count = 0;
	look();
}

/* The other one is a server's: it stays, and the second fails with a sentence. */
static void test_a_mac_that_a_server_has_is_not_given_twice(void **state)
{
	yyjson_doc *other = wanted_changed("11111111-2222", "22222222-2222", "0000:10:10.1", "0000:10:10.3",
					   "\"devices\": [{\"address\": \"0000:11:00.0\","
					   " \"type\": \"type-PF\", \"alias\": \"my_PF\", \"numa_node\": 1}]",
					   "\"devices\": []", NULL);
	struct error err = {0};

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	assert_int_equal(server_setup(&life, yyjson_doc_get_root(other), &err), SERVER_FAILED);
	assert_non_null(strstr(err.message, "VF 1 of sim0 (" VF "), which server " WANTED_ID
					    " has, has the port's MAC address already"));
	assert_string_equal(read_vf("sim0", 1).mac_address, "fa:16:3e:00:00:01");
	assert_string_equal(read_vf("sim0", 3).mac_address, "");
	yyjson_doc_free(other);
}

/* On another PF it is no matter: a VF is known by its PF and its number. */
static void test_the_same_mac_on_another_pf_is_another_vf(void **state)
{
	yyjson_doc *without =
		wanted_changed("\"devices\": [{\"address\": \"0000:11:00.0\","
			       " \"type\": \"type-PF\", \"alias\": \"my_PF\", \"numa_node\": 1}]",
			       "\"devices\": []", NULL);
	struct vf_settings stray = vf_clean;

	(void)state;
	strcpy(stray.mac_address, "fa:16:3e:00:00:01");
	type("sim1", 1, &stray);
	assert_int_equal(set_up(without), SERVER_RUNS);
	assert_string_equal(read_vf("sim1", 1).mac_address, "fa:16:3e:00:00:01");
	assert_int_equal(read_vf("sim1", 1).vlan, 0);
	assert_int_equal(read_vf("sim0", 1).vlan, 1010);
	type("sim1", 1, &vf_clean);
	yyjson_doc_free(without);
}

static void test_a_network_of_larger_frames_than_the_pf_takes_is_refused(void **state)
{
	yyjson_doc *jumbo = wanted_changed("\"port_security\": true, \"mtu\": 1500, \"vlan\": 1010",
					   "\"port_security\": true, \"mtu\": 9000, \"vlan\": 1010", NULL);
	struct error err = {0};

	(void)state;
	assert_int_equal(server_setup(&life, yyjson_doc_get_root(jumbo), &err), SERVER_FAILED);
	assert_non_null(strstr(err.message, "the MTU of sim0 is 1500, and the network of port " WANTED_VF_PORT
					    " has 9000"));
	assert_nothing_left("after it was refused");
	assert_true(netdev_set_mtu("sim0", 9000, &err));
	assert_int_equal(set_up(jumbo), SERVER_RUNS);
	/* A guest that runs is not ended for it. */
	assert_true(netdev_set_mtu("sim0", 1500, &err));
	assert_int_equal(set_up(jumbo), SERVER_RUNS);
	yyjson_doc_free(jumbo);
}

static int sent_state; /* of the last IFLA_VF_LINK_STATE, -1: none */

static int link_state_netlink(struct nlmsghdr *message, world_answer *answer, void *argument, char *why,
			      size_t size)
{
	const struct nlattr *list, *info, *attribute;

	if (message->nlmsg_type == RTM_SETLINK &&
	    message->nlmsg_len > sizeof *message + sizeof(struct ifinfomsg)) {
		list = mnl_nlmsg_get_payload_offset(message, sizeof(struct ifinfomsg));
		info = mnl_attr_get_payload(list);
		attribute = mnl_attr_get_type(list) == IFLA_VFINFO_LIST ? mnl_attr_get_payload(info) : list;
		if (mnl_attr_get_type(attribute) == IFLA_VF_LINK_STATE)
			sent_state = (int)((const struct ifla_vf_link_state *)mnl_attr_get_payload(attribute))
					     ->link_state;
	}
	return world_simulated.netlink(message, answer, argument, why, size);
}

/* AG-14: down goes before all. */
static void test_the_link_state_follows_the_port(void **state)
{
	static const struct {
		const char *port;
		int sent; /* -1: auto is there already */
	} cases[] = {{"\"admin_state_up\": true, \"port_security\": true, \"mtu\": 1500, \"vlan\": 1010", -1},
		     {"\"admin_state_up\": true, \"propagate_uplink_status\": false, \"vlan\": 1010",
		      VF_LINK_ENABLE},
		     {"\"admin_state_up\": false, \"propagate_uplink_status\": true, \"vlan\": 1010",
		      VF_LINK_DISABLE},
		     {"\"admin_state_up\": false, \"propagate_uplink_status\": false, \"vlan\": 1010",
		      VF_LINK_DISABLE}};

	(void)state;
	changed.netlink = link_state_netlink;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		yyjson_doc *wish = wanted_changed(cases[0].port, cases[i].port, NULL);

		sent_state = -1;
		assert_int_equal(set_up(wish), SERVER_RUNS);
		assert_int_equal(sent_state, cases[i].sent);
		yyjson_doc_free(wish);
	}
}

static char order[4000];

static void note_change(const char *what)
{
	size_t length = strlen(order);

	snprintf(order + length, sizeof order - length, "%s\n", what);
}

/* A VF's driver reads its MAC when it begins, and some say "reload the VF driver" when it changes under them:
 * the VF has left its driver, and no other but vfio-pci has it, before anything of it is set. */
static void test_a_vf_has_no_driver_when_its_mac_is_set(void **state)
{
	struct error err;

	(void)state;
	assert_true(world->write("/sys/bus/pci/drivers/igbvf/bind", VF, &err));
	look();
	*order = '\0';
	simulated_on_change = note_change;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	simulated_on_change = NULL;
	const char *override = strstr(order, "write vfio-pci > /sys/bus/pci/devices/" VF "/driver_override"),
		   *unbind = strstr(order, "/sys/bus/pci/devices/" VF "/driver/unbind"),
		   *probe = strstr(order, "write " VF " > /sys/bus/pci/drivers_probe"),
		   *set = strstr(order, "set link");
	assert_true(override && unbind && probe && set);
	assert_true(override < unbind && unbind < probe && probe < set);
	assert_true(server_teardown(&life, WANTED_ID, &err));
	assert_driver(VF, "igbvf");
	assert_true(world->write("/sys/bus/pci/devices/" VF "/driver/unbind", VF, &err));
}

/* --- drivers --- */

static void test_what_drivers_lack_is_known(void **state)
{
	struct vf_settings vf = vf_clean;
	struct vf_table table = {.vfs = &vf, .count = 1};
	unsigned lacks = 0;

	(void)state;
	assert_int_equal(nic_lacks("igb", &table), NIC_LINK_STATE | NIC_MIN_RATE | NIC_SERVICE_TAG);
	assert_int_equal(nic_lacks("ice", &table), 0);
	assert_int_equal(nic_lacks("nobody-knows", &table), 0);
	/* What the kernel tells counts besides: -1, and it is nobody's. */
	vf.trust = VF_UNKNOWN;
	assert_int_equal(nic_lacks("nobody-knows", &table), NIC_TRUST);
	vf.spoof_check = VF_UNKNOWN;
	assert_int_equal(nic_lacks("ice", &table), NIC_TRUST | NIC_SPOOF_CHECK);
	guard_pass();
	assert_true(guard_lacks("0000:10:00.0", &lacks));
	assert_int_equal(lacks, NIC_LINK_STATE | NIC_MIN_RATE | NIC_SERVICE_TAG);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_others_change_is_put_back_and_named),
		TEST(test_each_setting_is_put_back),
		TEST(test_the_kernel_tells_when_to_look),
		TEST(test_a_changed_port_is_what_is_put_back),
		TEST(test_what_a_worker_is_at_is_left_alone),
		TEST(test_a_trusted_guest_chooses_its_mac),
		TEST(test_what_cannot_be_put_back_now_is_tried_again),
		TEST(test_an_idle_vf_is_told_of),
		TEST(test_an_excluded_vf_is_left_alone),
		TEST(test_a_pf_comes_up_again),
		TEST(test_a_pf_stays_down_if_it_is_to),
		TEST(test_a_stray_mac_on_another_vf_is_removed),
		TEST(test_a_mac_on_a_vf_that_is_not_ours_is_not_given),
		TEST(test_a_mac_that_a_server_has_is_not_given_twice),
		TEST(test_the_same_mac_on_another_pf_is_another_vf),
		TEST(test_a_network_of_larger_frames_than_the_pf_takes_is_refused),
		TEST(test_a_vf_has_no_driver_when_its_mac_is_set),
		TEST(test_the_link_state_follows_the_port),
		TEST(test_what_drivers_lack_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
