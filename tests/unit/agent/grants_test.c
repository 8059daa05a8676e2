/* What becomes of devices when things go wrong around them: whose they are, what is cleaned, what is
 * quarantined, and what nobody may touch.  The numbers are those of docs/field-notes.md. */
#include "../test.h"

#include "agent/deadline.h"
#include "agent/file.h"
#include "agent/groups.h"
#include "agent/health.h"
#include "agent/hook.h"
#include "agent/learn.h"
#include "agent/ledger.h"
#include "agent/quarantine.h"
#include "agent/report.h"
#include "agent/simulated/simulated.h"
#include "agent/vf.h"
#include "base/memory.h"
#include "failing.h"
#include "host.h"
#include "wanted.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define OTHER_ID "22222222-2222-3333-4444-555555555555"
#define VF	 "0000:10:10.1"
#define VF_3	 "0000:10:10.3"
#define PF	 "0000:11:00.0"

static struct agent_settings settings;
static char said[1000];

static int make_offering(void **state)
{
	char warning[256];
	struct error err;

	make_killable(state);
	settings = (struct agent_settings){.availability_zone = "nova"};
	snprintf(settings.state_dir, sizeof settings.state_dir, "%s", host_folder);
	assert_true(device_spec_parse("x", "{\"vendor_id\": \"8086\"}", &settings.specs, &settings.spec_count,
				      warning, &err));
	hook_configure("", 1);
	return 0;
}

static int drop_offering(void **state)
{
	device_specs_free(settings.specs, settings.spec_count);
	hook_configure("", 1);
	return drop_killable(state);
}

/* --- the agent's parts --- */

static void shell(const char *format, ...)
{
	char command[1000];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof command, format, arguments);
	va_end(arguments);
	assert_int_equal(system(command), 0);
}

/* As the agent at its start. */
static bool agent_begins(void)
{
	struct error err;
	char blocked[400];

	begin_again();
	bool complete = learn_journals(folders.instances, blocked, sizeof blocked);
	health_begin(blocked);
	free(report_inventory(&settings, &err));
	health_round();
	return complete;
}

/* Of the device in the inventory; static. */
static const char *health_of(const char *address)
{
	static char text[500];
	struct error err;
	char *inventory = report_inventory(&settings, &err);
	yyjson_doc *doc = yyjson_read(inventory, strlen(inventory), 0);
	yyjson_val *device;
	size_t i, max;

	*text = '\0';
	yyjson_arr_foreach (yyjson_obj_get(yyjson_doc_get_root(doc), "devices"), i, max, device) {
		if (strcmp(json_text(device, "address"), address) == 0)
			snprintf(text, sizeof text, "%s", json_text(device, "health"));
	}
	yyjson_doc_free(doc);
	free(inventory);
	return text;
}

static void assert_says(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" does not say \"%s\"", text, part);
}

static yyjson_doc *without_pf(void)
{
	return wanted_changed(
		"\"devices\": [{\"address\": \"0000:11:00.0\", \"type\": \"type-PF\", \"alias\": "
		"\"my_PF\", \"numa_node\": 1}]",
		"\"devices\": []", NULL);
}

static yyjson_doc *other_server(const char *vf)
{
	return wanted_changed(
		"11111111-2222", "22222222-2222",
		"\"devices\": [{\"address\": \"0000:11:00.0\", \"type\": \"type-PF\", \"alias\": "
		"\"my_PF\", \"numa_node\": 1}]",
		"\"devices\": []", VF, vf, "fa:16:3e:00:00:01", "fa:16:3e:00:00:04", "fa:16:3e:00:00:02",
		"fa:16:3e:00:00:03", "192.168.0.7\"", "192.168.0.8\"", NULL);
}

static enum server_outcome set_up_said(yyjson_doc *doc)
{
	struct error err = {0};
	enum server_outcome outcome = server_setup(&life, yyjson_doc_get_root(doc), &err);

	snprintf(said, sizeof said, "%s", err.message);
	return outcome;
}

static bool remove_said(const char *id)
{
	struct error err = {0};
	bool ok = server_teardown(&life, id, &err);

	snprintf(said, sizeof said, "%s", err.message);
	return ok;
}

static void assert_vf(int index, const char *mac, int vlan)
{
	struct vf_settings vf;
	struct error err;

	assert_true(vf_read("sim0", index, &vf, &err));
	assert_string_equal(vf.mac_address, mac);
	assert_int_equal(vf.vlan, vlan);
}

static void leave_on_vf(int index, const char *mac, int vlan)
{
	struct vf_settings settings_left = {.spoof_check = 1, .vlan = vlan};
	struct error err;

	snprintf(settings_left.mac_address, sizeof settings_left.mac_address, "%s", mac);
	assert_true(vf_program("sim0", index, &settings_left, &err));
}

static void assert_quarantined(const char *address, const char *reason)
{
	struct quarantine q;

	assert_true(quarantine_read(address, &q));
	assert_says(q.reason, reason);
	assert_non_null(strchr(q.since, 'Z'));
}

static void assert_not_quarantined(const char *address)
{
	struct quarantine q;

	if (quarantine_read(address, &q))
		fail_msg("%s is quarantined: %s", address, q.reason);
}

/* --- whose it is --- */

/* P2 */
/* Found by the simulator: kill -9 between writing and renaming. */
static void test_files_that_were_cut_short_go(void **state)
{
	_cleanup_free_ char *whole = memory_printf("%s/quarantine/" VF ".json", host_folder),
			    *part = memory_printf("%s.new", whole),
			    *folder = memory_printf("%s/quarantine", host_folder);

	(void)state;
	shell("echo '{}' > %s && echo '{' > %s", whole, part);
	file_sweep(folder);
	assert_int_equal(access(whole, F_OK), 0);
	assert_int_not_equal(access(part, F_OK), 0);
	assert_int_equal(unlink(whole), 0);
}

static void test_an_old_release_leaves_a_newer_grant_alone(void **state)
{
	yyjson_doc *doc = without_pf(), *other = other_server(VF);

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	shell("cp -r %s/" WANTED_ID " %s/old", folders.instances, host_folder);
	assert_true(remove_said(WANTED_ID));
	assert_int_equal(set_up(other), SERVER_RUNS);
	/* The old server's removal was not known to be over, and runs again. */
	shell("mv %s/old %s/" WANTED_ID, host_folder, folders.instances);
	assert_true(remove_said(WANTED_ID));
	assert_vf(1, "fa:16:3e:00:00:04", 1010);
	assert_driver(VF, "vfio-pci");
	/* Nor if the agent learns of both anew. */
	assert_true(agent_begins());
	assert_vf(1, "fa:16:3e:00:00:04", 1010);
	assert_true(remove_said(OTHER_ID));
	assert_nothing_left("after both");
	yyjson_doc_free(doc);
	yyjson_doc_free(other);
}

/* P2: both journals are there when the agent begins: the later grant is right. */
static void test_of_two_journals_the_later_grant_counts(void **state)
{
	yyjson_doc *doc = without_pf(), *other = other_server(VF);

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	shell("cp -r %s/" WANTED_ID " %s/old", folders.instances, host_folder);
	assert_true(remove_said(WANTED_ID));
	assert_int_equal(set_up(other), SERVER_RUNS);
	shell("mv %s/old %s/" WANTED_ID " && rm %s/ledger/*", host_folder, folders.instances, host_folder);
	assert_true(agent_begins());
	assert_true(remove_said(WANTED_ID));
	assert_vf(1, "fa:16:3e:00:00:04", 1010);
	assert_not_quarantined(VF);
	assert_true(remove_said(OTHER_ID));
	assert_nothing_left("after both");
	yyjson_doc_free(doc);
	yyjson_doc_free(other);
}

static void strip_grants(const char *id)
{
	shell("sed -i '/\"grant\":/d; s/\"macvtap\": false,/\"macvtap\": false/' %s/%s/grant.json",
	      folders.instances, id);
}

/* P14, P18: journals of a version without numbers cannot be told apart: nobody touches the device. */
static void test_journals_that_contradict_each_other(void **state)
{
	yyjson_doc *doc = without_pf(), *other = other_server(VF);

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	shell("cp -r %s/" WANTED_ID " %s/old", folders.instances, host_folder);
	assert_true(remove_said(WANTED_ID));
	assert_int_equal(set_up(other), SERVER_RUNS);
	shell("mv %s/old %s/" WANTED_ID " && rm %s/ledger/*", host_folder, folders.instances, host_folder);
	strip_grants(WANTED_ID);
	strip_grants(OTHER_ID);
	assert_true(agent_begins());
	assert_quarantined(VF, "both name it");
	assert_vf(1, "fa:16:3e:00:00:04", 1010);
	yyjson_doc_free(doc);
	yyjson_doc_free(other);
}

/* P18: the agent is upgraded while a guest runs. */
static void test_an_older_journal_is_read(void **state)
{
	yyjson_doc *doc = wanted_server();
	struct ledger_entry entry;

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	strip_grants(WANTED_ID);
	shell("rm -r %s/ledger %s/quarantine", host_folder, host_folder);
	assert_true(agent_begins());
	assert_int_equal(simulated_guests(), 1);
	assert_vf(1, "fa:16:3e:00:00:01", 1010);
	assert_true(ledger_read(VF, &entry) && ledger_read(PF, &entry));
	assert_string_equal(entry.server_id, WANTED_ID);
	assert_int_equal(set_up(doc), SERVER_RUNS);
	take_down("at the end");
	yyjson_doc_free(doc);
}

static void test_a_device_is_nobody_elses_while_a_server_has_it(void **state)
{
	yyjson_doc *doc = without_pf(), *other = other_server(VF);

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	assert_int_equal(set_up_said(other), SERVER_FAILED);
	assert_says(said, VF " has been given to server " WANTED_ID);
	assert_vf(1, "fa:16:3e:00:00:01", 1010);
	assert_int_equal(simulated_guests(), 1);
	take_down("at the end");
	yyjson_doc_free(doc);
	yyjson_doc_free(other);
}

static void test_a_pf_is_refused_while_a_server_has_its_vf(void **state)
{
	yyjson_doc *doc = without_pf(),
		   *other = wanted_changed(
			   "11111111-2222", "22222222-2222", PF, "0000:10:00.0",
			   "{\"address\": \"0000:10:10.1\", \"type\": \"type-VF\", \"parent\": "
			   "\"0000:10:00.0\"}",
			   "null", "fa:16:3e:00:00:02", "fa:16:3e:00:00:03", NULL);

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	assert_int_equal(set_up_said(other), SERVER_FAILED);
	assert_says(said, "VF");
	assert_driver("0000:10:00.0", "igb");
	simulated_guest_ends(WANTED_ID); /* it is off, and the VF is its own still */
	assert_int_equal(set_up_said(other), SERVER_FAILED);
	assert_driver("0000:10:00.0", "igb");
	assert_vf(1, "fa:16:3e:00:00:01", 1010);
	take_down("at the end");
	yyjson_doc_free(doc);
	yyjson_doc_free(other);
}

/* --- at the start --- */

/* P1, P3, P14: everything that the agent knew is lost. */
static void test_what_a_lost_state_folder_leaves_is_cleaned(void **state)
{
	yyjson_doc *doc = without_pf();
	struct error err;

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	simulated_guest_ends(WANTED_ID);
	assert_true(world->network_remove("eeeeeeee-2222-3333-4444-555555555555", &err));
	shell("rm -r %s/" WANTED_ID " %s/ledger", folders.instances, host_folder);
	health_begin("");
	free(report_inventory(&settings, &err));
	assert_string_equal(health_of(VF), "it has not been looked at yet");
	assert_true(agent_begins());
	assert_string_equal(health_of(VF), "ok");
	assert_nothing_left("after it was cleaned");
	yyjson_doc_free(doc);
}

/* P3: somebody has typed it, or another program has left it. */
static void test_a_foreign_mac_is_cleaned_before_it_is_offered(void **state)
{
	struct error err;

	(void)state;
	leave_on_vf(3, "02:11:22:33:44:55", 7);
	health_begin("");
	free(report_inventory(&settings, &err));
	assert_string_equal(health_of(VF_3), "it has not been looked at yet");
	assert_true(agent_begins());
	assert_string_equal(health_of(VF_3), "ok");
	assert_nothing_left("after it was cleaned");
}

/* P17 */
static void test_what_another_process_holds_is_not_offered(void **state)
{
	yyjson_doc *doc = wanted_changed(VF, VF_3, NULL);

	(void)state;
	leave_on_vf(3, "02:11:22:33:44:55", 7);
	simulated_set_held(VF_3, true);
	assert_true(agent_begins());
	assert_says(health_of(VF_3), "held by other-vmm (process 4711)");
	assert_vf(3, "02:11:22:33:44:55", 7);
	assert_int_equal(set_up_said(doc), SERVER_FAILED);
	assert_says(said, "held by other-vmm (process 4711)");
	assert_vf(3, "02:11:22:33:44:55", 7);
	simulated_set_held(VF_3, false);
	assert_true(agent_begins());
	assert_string_equal(health_of(VF_3), "ok");
	assert_nothing_left("after it was let go of");
	yyjson_doc_free(doc);
}

/* P18: unknown means wait. */
static void test_nothing_is_cleaned_while_a_journal_cannot_be_read(void **state)
{
	yyjson_doc *doc = without_pf();

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	simulated_guest_ends(WANTED_ID);
	shell("cp %s/" WANTED_ID "/grant.json %s/kept && echo '{' > %s/" WANTED_ID
	      "/grant.json && rm -r %s/ledger",
	      folders.instances, host_folder, folders.instances, host_folder);
	assert_false(agent_begins());
	assert_says(health_of(VF), "cannot be cleaned yet: ");
	assert_vf(1, "fa:16:3e:00:00:01", 1010);
	assert_driver(VF, "vfio-pci");
	assert_false(remove_said(WANTED_ID));
	assert_says(said, "is no grant journal");
	shell("cp %s/kept %s/" WANTED_ID "/grant.json", host_folder, folders.instances);
	assert_true(agent_begins());
	take_down("with the journal");
	yyjson_doc_free(doc);
}

static bool no_list(bool only_ours, struct map *ids, struct error *err)
{
	(void)only_ours;
	(void)ids;
	return error_set(err, ERROR_UNAVAILABLE, "libvirtd is being restarted");
}

/* P18 */
static void test_nothing_is_cleaned_while_libvirt_is_away(void **state)
{
	struct world away = world_simulated;

	(void)state;
	leave_on_vf(3, "02:11:22:33:44:55", 7);
	away.domain_list = no_list;
	world = &away;
	assert_true(agent_begins());
	assert_says(health_of(VF_3), "libvirtd is being restarted");
	assert_vf(3, "02:11:22:33:44:55", 7);
	world = &world_simulated;
	health_round();
	assert_string_equal(health_of(VF_3), "ok");
	assert_nothing_left("when it was back");
}

/* Its driver was bound since the devices were looked at, and has given it an address. */
static void test_a_vf_that_has_its_driver_again_is_the_hosts(void **state)
{
	struct error err;

	(void)state;
	assert_true(agent_begins());
	assert_true(world->write("/sys/bus/pci/drivers/igbvf/bind", VF_3, &err));
	leave_on_vf(3, "02:11:22:33:44:55", 0);
	health_round();
	assert_vf(3, "02:11:22:33:44:55", 0);
	assert_string_equal(health_of(VF_3), "ok");
}

/* As on a full disk: what cannot be written down is not cleaned, and not offered. */
static void test_a_vf_that_cannot_be_cleaned_is_not_well(void **state)
{
	(void)state;
	assert_true(agent_begins());
	shell("mkdir %s/quarantine/" VF_3 ".json.new %s/ledger/" VF_3 ".new", host_folder, host_folder);
	leave_on_vf(3, "02:11:22:33:44:55", 7);
	health_round();
	assert_says(health_of(VF_3), "cannot be cleaned");
	shell("rmdir %s/quarantine/" VF_3 ".json.new %s/ledger/" VF_3 ".new", host_folder, host_folder);
	health_round();
	assert_string_equal(health_of(VF_3), "ok");
	assert_vf(3, "", 0);
	assert_nothing_left("when there was room again");
}

/* P3, P27 */
static void test_a_mac_on_another_vf(void **state)
{
	yyjson_doc *doc = without_pf();

	(void)state;
	leave_on_vf(3, "fa:16:3e:00:00:01", 0);
	assert_int_equal(set_up(doc), SERVER_RUNS);
	assert_vf(3, "", 0);
	assert_vf(1, "fa:16:3e:00:00:01", 1010);
	take_down("at the end");
	leave_on_vf(3, "fa:16:3e:00:00:01", 0);
	simulated_set_held(VF_3, true);
	assert_int_equal(set_up_said(doc), SERVER_FAILED);
	assert_says(said, "has the port's MAC address already");
	assert_quarantined(VF_3, "held by other-vmm (process 4711)");
	assert_vf(1, "", 0);
	simulated_set_held(VF_3, false);
	assert_true(agent_begins());
	assert_nothing_left("after it was let go of");
	yyjson_doc_free(doc);
}

/* --- quarantine --- */

/* P33, P4 */
static void test_a_dead_device_is_quarantined_and_its_server_ends(void **state)
{
	yyjson_doc *doc = wanted_server();

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	simulated_set_dead(PF, true);
	assert_true(remove_said(WANTED_ID));
	assert_false(has_file(""));
	assert_quarantined(PF, "reads as all ones; ways to reset it: flr bus");
	assert_true(agent_begins());
	assert_says(health_of(PF), "quarantined: ");
	assert_int_equal(set_up_said(doc), SERVER_FAILED);
	assert_says(said, "does not answer");
	assert_vf(1, "", 0);
	assert_true(agent_begins());
	assert_quarantined(PF, "reads as all ones");
	simulated_set_dead(PF, false);
	assert_true(agent_begins());
	assert_string_equal(health_of(PF), "ok");
	assert_nothing_left("after it came back");
	yyjson_doc_free(doc);
}

/* P33: it died while nobody had it. */
static void test_a_dead_device_of_nobodys_is_not_offered(void **state)
{
	(void)state;
	simulated_set_dead(VF_3, true);
	assert_true(agent_begins());
	assert_says(health_of(VF_3), "quarantined: " VF_3 " does not answer any more");
	simulated_set_dead(VF_3, false);
	assert_true(agent_begins());
	assert_string_equal(health_of(VF_3), "ok");
}

static bool no_bind(const char *path, const char *text, struct error *err)
{
	if (strcmp(path, "/sys/bus/pci/drivers/igb/bind") == 0)
		return error_set(err, ERROR_INTERNAL, "igb does not want it");
	return world_simulated.write(path, text, err);
}

/* P4, P14 */
static void test_a_device_that_cannot_be_given_back_keeps_no_server(void **state)
{
	yyjson_doc *doc = wanted_server();
	struct world broken = world_simulated;

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	broken.write = no_bind;
	world = &broken;
	assert_false(remove_said(WANTED_ID));
	assert_says(said, "igb does not want it");
	assert_false(remove_said(WANTED_ID));
	assert_not_quarantined(PF);
	assert_true(remove_said(WANTED_ID));
	assert_quarantined(PF, "igb does not want it");
	assert_true(agent_begins());
	assert_says(health_of(PF), "quarantined: igb does not want it");
	world = &world_simulated;
	assert_true(agent_begins());
	assert_nothing_left("after it was made good");
	yyjson_doc_free(doc);
}

static bool deaf_numvfs(const char *path, const char *text, struct error *err)
{
	return (strstr(path, "sriov_numvfs") && strcmp(text, "0") != 0) ||
	       world_simulated.write(path, text, err);
}

/* P7: what was written is no proof. */
static void test_a_pf_without_its_vfs_is_not_free(void **state)
{
	yyjson_doc *doc = wanted_server();
	struct world deaf = world_simulated;

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	deaf.write = deaf_numvfs;
	world = &deaf;
	assert_false(remove_said(WANTED_ID));
	assert_says(said, "0 VFs after 4 were asked for");
	assert_true(agent_begins());
	assert_string_equal(health_of("0000:11:10.0"), ""); /* there is none */
	world = &world_simulated;
	take_down("with its VFs");
	yyjson_doc_free(doc);
}

static void test_the_operators_word(void **state)
{
	yyjson_doc *doc = without_pf();
	char *path = memory_printf("%s/quarantine/" VF ".release", host_folder),
	     *answer = memory_printf("%s/quarantine/" VF ".answer", host_folder);
	struct error err;

	(void)state;
	assert_true(agent_begins());
	assert_true(quarantine_put(VF, false, NULL, "the operator says so", &err));
	assert_int_equal(set_up_said(doc), SERVER_FAILED);
	assert_says(said, VF " is quarantined: the operator says so");
	assert_true(agent_begins());
	assert_quarantined(VF, "the operator says so");
	simulated_set_dead(VF, true);
	shell("echo check > %s", path);
	health_round();
	assert_quarantined(VF, "the operator says so");
	shell("grep -q 'does not answer' %s && ! test -e %s", answer, path);
	simulated_set_dead(VF, false);
	shell("echo check > %s", path);
	health_round();
	assert_not_quarantined(VF);
	shell("test -e %s && ! test -s %s", answer, answer);
	assert_string_equal(health_of(VF), "ok");
	simulated_set_dead(VF, true);
	assert_true(quarantine_put(VF, false, NULL, "the operator says so", &err));
	shell("echo force > %s", path);
	health_round();
	assert_string_equal(health_of(VF), "ok");
	health_round();
	assert_says(health_of(VF), "does not answer"); /* out of this one, and into the next */
	simulated_set_dead(VF, false);
	free(path);
	free(answer);
	yyjson_doc_free(doc);
}

/* --- what hangs --- */

/* P16, P34: the reset of a device does not end. */
static void test_a_reset_that_hangs(void **state)
{
	yyjson_doc *doc = wanted_server();
	int n = 1;

	(void)state;
	failing_world();
	do {
		failing_end();
		world = &world_simulated;
		assert_true(remove_said(WANTED_ID));
		assert_int_equal(set_up(doc), SERVER_RUNS);
		failing_begin(FAILING_HANGS, n++);
		assert_false(remove_said(WANTED_ID) && n > 1000);
	} while (!strstr(failing_what, PF "/reset"));
	assert_says(said, "/reset has not returned yet");
	assert_quarantined(PF, "has not returned yet");
	assert_true(has_file("grant.json")); /* its server stays deleting */
	assert_false(remove_said(WANTED_ID));
	assert_says(said, "/reset has not returned yet");
	failing_end();
	world = &world_simulated;
	take_down("after it has returned");
	yyjson_doc_free(doc);
}

/* P16: a driver that does not let go. */
static void test_creating_fails_with_a_sentence_when_a_device_hangs(void **state)
{
	yyjson_doc *doc = wanted_server();
	int n = 1;

	(void)state;
	failing_world();
	do {
		failing_end();
		world = &world_simulated;
		assert_true(remove_said(WANTED_ID));
		failing_begin(FAILING_HANGS, n++);
		set_up_said(doc);
	} while (!strstr(failing_what, PF "/driver/unbind"));
	assert_says(said, "/driver/unbind has not returned yet");
	assert_quarantined(PF, "/driver/unbind has not returned yet");
	assert_true(agent_begins()); /* does not hang either */
	assert_says(health_of(PF), "quarantined: writing");
	failing_end();
	world = &world_simulated;
	take_down("after it has returned");
	yyjson_doc_free(doc);
}

/* --- the release hook (P35) --- */

static char *hook_make(const char *script)
{
	char *path = memory_printf("%s/hook", host_folder);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fprintf(file, "#!/bin/sh\n%s\n", script);
	fclose(file);
	chmod(path, 0700);
	hook_configure(path, 10);
	return path;
}

static bool work_down(void)
{
	struct error err;

	return server_teardown(&life, WANTED_ID, &err);
}

static void test_the_release_hook_is_told_what_it_is_about(void **state)
{
	yyjson_doc *doc = wanted_server();
	char *hook = hook_make(
		"echo \"$@ $PENSTOCK_DEVICE $PENSTOCK_CLASS $PENSTOCK_DRIVER $PENSTOCK_SERVER\" >> $0.ran");

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	shell("! test -e %s.ran", hook);
	take_down("with a hook");
	shell("test \"$(cat %s.ran)\" = '" PF " 020000 igb " WANTED_ID " " PF " 020000 igb " WANTED_ID "\n" VF
	      " 020000  " WANTED_ID " " VF " 020000  " WANTED_ID "'",
	      hook);
	free(hook);
	yyjson_doc_free(doc);
}

static void test_a_release_hook_that_fails(void **state)
{
	yyjson_doc *doc = without_pf();
	char *hook = hook_make("test -e $0.fine || { echo 'cannot format it' >&2; exit 3; }");
	struct quarantine q;

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	assert_true(remove_said(WANTED_ID));
	assert_quarantined(VF, "cannot format it");
	assert_true(quarantine_read(VF, &q) && !q.heals);
	shell("touch %s.fine", hook);
	assert_true(agent_begins()); /* not by itself: who knows what is on it */
	assert_says(health_of(VF), "cannot format it");
	shell("echo check > %s/quarantine/" VF ".release", host_folder);
	health_round();
	assert_string_equal(health_of(VF), "ok");
	shell("rm %s.fine", hook);
	free(hook_make("exec sleep 100"));
	hook_configure(hook, 1);
	assert_int_equal(set_up(doc), SERVER_RUNS);
	assert_true(remove_said(WANTED_ID));
	assert_quarantined(VF, "sending signal TERM");
	free(hook);
	yyjson_doc_free(doc);
}

/* The agent dies in the middle of it. */
static void test_the_release_hook_runs_again_after_a_crash(void **state)
{
	yyjson_doc *doc = without_pf();
	/* its parent is timeout, and that one's is the agent */
	char *hook = hook_make("echo ran >> $0.ran; test -e $0.twice && exit 0; touch $0.twice; "
			       "kill -9 $(ps -o ppid= -p $PPID)");
	int status;

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	pid_t pid = fork();
	if (pid == 0)
		_exit(work_down() ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_true(agent_begins());
	take_down("after the crash");
	shell("test $(wc -l < %s.ran) = 2", hook);
	free(hook);
	yyjson_doc_free(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_offering, drop_offering)
		/* First, because it forks: the deadlines' threads are not there in a child. */
		TEST(test_files_that_were_cut_short_go),
		TEST(test_the_release_hook_runs_again_after_a_crash),
		TEST(test_an_old_release_leaves_a_newer_grant_alone),
		TEST(test_of_two_journals_the_later_grant_counts),
		TEST(test_journals_that_contradict_each_other),
		TEST(test_an_older_journal_is_read),
		TEST(test_a_device_is_nobody_elses_while_a_server_has_it),
		TEST(test_a_pf_is_refused_while_a_server_has_its_vf),
		TEST(test_what_a_lost_state_folder_leaves_is_cleaned),
		TEST(test_a_foreign_mac_is_cleaned_before_it_is_offered),
		TEST(test_what_another_process_holds_is_not_offered),
		TEST(test_nothing_is_cleaned_while_a_journal_cannot_be_read),
		TEST(test_nothing_is_cleaned_while_libvirt_is_away),
		TEST(test_a_vf_that_cannot_be_cleaned_is_not_well),
		TEST(test_a_vf_that_has_its_driver_again_is_the_hosts),
		TEST(test_a_mac_on_another_vf),
		TEST(test_a_dead_device_is_quarantined_and_its_server_ends),
		TEST(test_a_dead_device_of_nobodys_is_not_offered),
		TEST(test_a_device_that_cannot_be_given_back_keeps_no_server),
		TEST(test_a_pf_without_its_vfs_is_not_free),
		TEST(test_the_operators_word),
		TEST(test_a_reset_that_hangs),
		TEST(test_creating_fails_with_a_sentence_when_a_device_hangs),
		TEST(test_the_release_hook_is_told_what_it_is_about),
		TEST(test_a_release_hook_that_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
