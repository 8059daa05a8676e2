/* Tests of guests that go to another host: XML for it, and both of its hosts, simulated. */
#include "../test.h"

#include "agent/migration.h"
#include "agent/migration_xml.h"
#include "agent/simulated/simulated.h"
#include "agent/vf.h"
#include "agent/world.h"
#include "base/memory.h"
#include "failing.h"
#include "host.h"
#include "wanted.h"

#include <sys/stat.h>

/* --- the XML --- */

static const char live_xml[] =
	"<domain type='kvm'><name>instance-00000001</name><uuid>" WANTED_ID "</uuid>"
	"<memory unit='KiB'>65536</memory><memoryBacking><hugepages/></memoryBacking>"
	"<vcpu placement='static' cpuset='0-3'>1</vcpu>"
	"<cputune><vcpupin vcpu='0' cpuset='2'/></cputune>"
	"<numatune><memory mode='strict' nodeset='0'/></numatune>"
	"<os><type arch='x86_64' machine='pc-q35-8.2'>hvm</type><kernel>/here/i/" WANTED_ID
	"/kernel</kernel></os>"
	"<devices><disk type='file' device='disk'><source file='/here/i/" WANTED_ID "/disk'/>"
	"<backingStore type='file'><source file='/here/images/base'/><backingStore/></backingStore></disk>"
	"<interface type='network'><source network='penstock-n'/></interface>%s"
	"<serial type='file'><source path='/here/i/" WANTED_ID "/console.log' append='on'/></serial>"
	"</devices></domain>";
static const char hostdev[] =
	"<hostdev mode='subsystem' type='pci' managed='no'><source><address domain='0x0000' bus='0x21' "
	"slot='0x10' "
	"function='0x0'/></source><alias name='ua-device-0'/><address type='pci' domain='0x0000' bus='0x05' "
	"slot='0x00' function='0x0'/></hostdev>";

static char *changed(const char *more, const char *way, struct error *err)
{
	_cleanup_free_ char *xml = memory_printf(live_xml, more);
	yyjson_doc *doc = yyjson_read(way, strlen(way), 0);
	yyjson_val *root = yyjson_doc_get_root(doc);
	_cleanup_free_ struct numa_placement *numa = server_placement(root);
	const struct migration_change change = {.from_folder = "/here/i/" WANTED_ID,
						.to_folder = "/there/<&>/" WANTED_ID,
						.cpus = yyjson_get_str(yyjson_obj_get(root, "cpus")),
						.numa = numa,
						.devices = yyjson_obj_get(root, "devices")};
	struct text out = {0};
	bool ok = migration_xml(xml, &change, &out, err);

	yyjson_doc_free(doc);
	return ok ? text_take(&out) : NULL;
}

static void test_files_and_cpus_are_the_other_hosts(void **unused)
{
	struct error err;
	char *xml = changed("", "{\"cpus\": \"4-7\"}", &err);

	(void)unused;
	assert_non_null(xml);
	assert_non_null(strstr(xml, "<source file=\"/there/&lt;&amp;&gt;/" WANTED_ID "/disk\"/></disk>"));
	assert_non_null(strstr(xml, "<kernel>/there/&lt;&amp;&gt;/" WANTED_ID "/kernel</kernel>"));
	assert_non_null(strstr(xml, "/" WANTED_ID "/console.log\""));
	assert_null(strstr(xml, "/here/"));
	assert_null(strstr(xml, "backingStore"));
	assert_non_null(strstr(xml, "cpuset=\"4-7\""));
	assert_null(strstr(xml, "cputune"));
	/* What the guest sees. */
	assert_non_null(strstr(xml, "machine=\"pc-q35-8.2\""));
	assert_non_null(strstr(xml, "<source network=\"penstock-n\"/>"));
	free(xml);
}

static void test_a_topology_moves_to_the_other_cells(void **unused)
{
	struct error err;
	char *xml =
		changed("",
			"{\"numa\": {\"cells\": [{\"node\": 1, \"memory_mb\": 64, \"page_kb\": 2048, "
			"\"vcpus\": \"0\","
			" \"floating\": \"5\", \"taken\": \"5\", \"pins\": [[0, 5]]}], \"emulator\": \"4\", "
			"\"realtime\": \"\"}}",
			&err);

	(void)unused;
	assert_non_null(xml);
	assert_non_null(strstr(xml, "<vcpupin vcpu=\"0\" cpuset=\"5\"/>"));
	assert_null(strstr(xml, "cpuset=\"2\""));
	assert_non_null(strstr(xml, "<memnode cellid=\"0\" mode=\"strict\" nodeset=\"1\"/>"));
	assert_null(strstr(xml, "nodeset=\"0\"/></numatune>"));
	assert_non_null(strstr(xml, "<page size=\"2048\""));
	assert_null(strstr(xml, "cpuset=\"0-3\""));
	free(xml);
}

static void test_devices_that_go_along_have_new_addresses(void **unused)
{
	struct error err;
	char *xml = changed(hostdev, "{\"devices\": [\"0000:31:10.2\"]}", &err);

	(void)unused;
	assert_non_null(xml);
	assert_non_null(strstr(xml, "bus=\"0x31\" slot=\"0x10\" function=\"0x2\"/></source>"));
	assert_non_null(strstr(xml, "bus=\"0x05\" slot=\"0x00\" function=\"0x0\"/></hostdev>"));
	free(xml);
	assert_null(changed(hostdev, "{\"devices\": []}", &err));
	assert_non_null(strstr(err.message, "no counterpart"));
	assert_null(changed("<", "{}", &err));
}

/* --- two hosts --- */

static struct host {
	struct simulated *simulated;
	char file[300];
	struct host_folders folders;
} there, here;

static void host_use(struct host *host)
{
	simulated_switch(host->simulated);
	folders = host->folders;
}

static int make_two(void **state)
{
	struct error err;

	make_killable(state); /* image, folders */
	simulated_end();
	for (struct host *host = &there;; host = &here) {
		host->folders = folders;
		if (host == &there)
			snprintf(host->folders.instances, sizeof host->folders.instances, "%.200s.there",
				 folders.instances);
		mkdir(host->folders.instances, 0755);
		snprintf(host->file, sizeof host->file, "%s/host", host->folders.instances);
		assert_true(simulated_start_in(host->file, "4,2,4", &err));
		host->simulated = simulated_switch(NULL);
		if (host == &here)
			break;
	}
	migration_configure(&(struct migration_settings){.uri = "simulated:%s"});
	host_use(&here);
	return 0;
}

static int drop_two(void **state)
{
	simulated_switch(there.simulated);
	simulated_end();
	simulated_switch(here.simulated);
	return drop_killable(state);
}

static enum world_wish wanted_wish;

static enum world_wish wish(void *argument)
{
	(void)argument;
	return wanted_wish;
}

static enum error_kind leave_answer; /* the controller's */

static bool may_leave(const char *server_id, int64_t generation, struct error *err)
{
	assert_string_equal(server_id, WANTED_ID);
	assert_int_equal(generation, 5);
	return leave_answer == ERROR_NONE || error_set(err, leave_answer, "the controller says so");
}

static const struct migration_word word = {.wish = wish, .may_leave = may_leave};

/* wanted_json with another want and a migration; its flavor has no device, which could not go along. */
static yyjson_doc *wants(const char *want, const char *generation, const char *migration)
{
	_cleanup_free_ char *text = memory_printf("\"want\": \"%s\", \"migration\": %s", want, migration);
	_cleanup_free_ char *number = memory_printf("\"generation\": %s", generation);

	return wanted_changed("\"want\": \"running\"", text, "\"generation\": 3", number,
			      "{\"address\": \"0000:11:00.0\", \"type\": \"type-PF\", \"alias\": \"my_PF\", "
			      "\"numa_node\": 1}",
			      "", NULL);
}

static yyjson_doc *incoming(void)
{
	struct error err;

	host_use(&here);
	_cleanup_free_ char *facts = migration_facts(&folders, WANTED_ID, &err);
	assert_non_null(facts);
	host_use(&there);
	return wants("incoming", "4", facts);
}

static yyjson_doc *leaving(const char *want)
{
	_cleanup_free_ char *way =
		memory_printf("{\"address\": \"%s\", \"folder\": \"%s\", \"cpus\": null, \"numa\": "
			      "null, \"devices\": []}",
			      there.file, there.folders.instances);

	host_use(&here);
	return wants(want, "5", way);
}

static enum server_outcome does(yyjson_doc *doc, struct error *err)
{
	yyjson_val *server = yyjson_doc_get_root(doc);
	const char *want = json_text(server, "want");
	enum server_outcome outcome = strcmp(want, "incoming") == 0 ? migration_await(&life, server, err)
				      : strcmp(want, "arrived") == 0
					      ? migration_arrive(&life, server, err)
					      : migration_leave(&life, server, &word, err);

	yyjson_doc_free(doc);
	return outcome;
}

static bool runs_on(struct host *host)
{
	struct error err;
	bool running;

	host_use(host);
	assert_true(world->domain_running(WANTED_ID, &running, &err));
	return running;
}

static void assert_vf_mac(struct host *host, const char *mac)
{
	struct vf_settings vf;
	struct error err;

	host_use(host);
	assert_true(vf_read("sim0", 1, &vf, &err));
	assert_string_equal(vf.mac_address, mac);
}

static bool has_vf(struct host *host)
{
	struct error err;
	char *xml;

	host_use(host);
	assert_true(world->domain_xml(WANTED_ID, &xml, &err));
	bool has = xml && strstr(xml, "ua-" WANTED_VF_PORT);
	free(xml);
	return has;
}

static void start_here(void)
{
	yyjson_doc *doc = wants("running", "3", "null");

	host_use(&here);
	wanted_wish = WORLD_GO_ON;
	*trouble = '\0';
	assert_int_equal(set_up(doc), SERVER_RUNS);
	yyjson_doc_free(doc);
}

static void clean_both(void)
{
	host_use(&there);
	take_down("there");
	host_use(&here);
	take_down("here");
}

static void test_a_guest_goes(void **state)
{
	struct error err;

	(void)state;
	start_here();
	assert_int_equal(does(incoming(), &err), SERVER_INCOMING);
	/* The VF is taken and has nothing of the port's yet: the guest's other VF has that address. */
	assert_driver("0000:10:10.1", "vfio-pci");
	assert_vf_mac(&there, "");
	assert_int_equal(does(incoming(), &err), SERVER_INCOMING); /* said once more */
	assert_int_equal(does(leaving("leaving"), &err), SERVER_LEFT);
	assert_true(!runs_on(&here) && runs_on(&there) && !has_vf(&there));
	assert_int_equal(does(leaving("leaving"), &err), SERVER_LEFT);
	assert_int_equal(does(incoming(), &err), SERVER_INCOMING);
	host_use(&there);
	assert_int_equal(does(wants("arrived", "6", "{}"), &err), SERVER_RUNS);
	assert_true(has_vf(&there));
	assert_vf_mac(&there, "fa:16:3e:00:00:01");
	clean_both();
}

static void test_a_guest_that_does_not_let_go_stays(void **state)
{
	struct error err;

	(void)state;
	start_here();
	assert_int_equal(does(incoming(), &err), SERVER_INCOMING);
	host_use(&here);
	simulated_set_stubborn(true);
	assert_int_equal(does(leaving("leaving"), &err), SERVER_REFUSED);
	assert_non_null(strstr(err.message, "the guest did not let go of it"));
	assert_true(runs_on(&here) && has_vf(&here) && !runs_on(&there));
	simulated_set_stubborn(false);
	clean_both();
}

static void test_a_guest_that_cannot_go_has_its_devices_again(void **state)
{
	struct error err;

	(void)state;
	start_here();
	/* The target is not prepared: libvirt over there does not find the network. */
	assert_int_equal(does(leaving("leaving"), &err), SERVER_REFUSED);
	assert_true(runs_on(&here) && has_vf(&here) && !runs_on(&there));
	assert_vf_mac(&here, "fa:16:3e:00:00:01");
	assert_string_equal(trouble, "");
	/* Told to stay while it goes, and afterwards. */
	assert_int_equal(does(incoming(), &err), SERVER_INCOMING);
	wanted_wish = WORLD_STAY;
	assert_int_equal(does(leaving("leaving"), &err), SERVER_REFUSED);
	assert_int_equal(does(leaving("staying"), &err), SERVER_RUNS);
	assert_true(runs_on(&here) && has_vf(&here) && !runs_on(&there));
	clean_both();
}

static bool leave_work(void)
{
	struct error err;

	return does(leaving("leaving"), &err) == SERVER_LEFT;
}

/* Killed when it had taken the devices out, started again, and cut off: what was told long ago may be given
 * up.  Found by seed 1796055919 of the simulator. */
static void test_a_guest_leaves_only_if_the_controller_says_so_still(void **state)
{
	struct error err;

	(void)state;
	start_here();
	assert_int_equal(does(incoming(), &err), SERVER_INCOMING);
	bool in_the_middle = false;
	for (int n = 1; !in_the_middle && killed_at(n, leave_work); n++)
		in_the_middle = !has_vf(&here) && runs_on(&here);
	assert_true(in_the_middle);
	leave_answer = ERROR_UNAVAILABLE;
	assert_int_equal(does(leaving("leaving"), &err), SERVER_LATER);
	assert_string_equal(err.message, "the controller says so");
	assert_true(runs_on(&here) && has_vf(&here) && !runs_on(&there));
	leave_answer = ERROR_CONFLICT;
	assert_int_equal(does(leaving("leaving"), &err), SERVER_REFUSED);
	assert_string_equal(err.message, "the controller says so");
	assert_true(runs_on(&here) && has_vf(&here) && !runs_on(&there));
	assert_vf_mac(&here, "fa:16:3e:00:00:01");
	leave_answer = ERROR_NONE;
	assert_int_equal(does(leaving("leaving"), &err), SERVER_LEFT);
	clean_both();
}

static void test_a_target_that_cannot_take_it_is_clean(void **state)
{
	struct error err;

	(void)state;
	start_here();
	strcpy(not_offered, "0000:10:10.1");
	assert_int_equal(does(incoming(), &err), SERVER_FAILED);
	host_use(&there);
	assert_nothing_left("after it was refused");
	*not_offered = '\0';
	clean_both();
}

static void test_a_guest_that_is_nowhere(void **state)
{
	struct error err;

	(void)state;
	start_here();
	assert_int_equal(does(incoming(), &err), SERVER_INCOMING);
	host_use(&here);
	simulated_guest_ends(WANTED_ID);
	assert_int_equal(does(leaving("leaving"), &err), SERVER_ENDED); /* nobody knows where to */
	assert_int_equal(does(leaving("staying"), &err), SERVER_ENDED);
	host_use(&there);
	assert_int_equal(does(wants("arrived", "6", "{}"), &err), SERVER_ENDED);
	assert_false(runs_on(&there));
	clean_both();
}

/* Killed before each change of either host: the same work, done again, ends as if nothing had been. */
static bool await_work(void)
{
	struct error err;

	return does(incoming(), &err) == SERVER_INCOMING;
}

static bool arrive_work(void)
{
	struct error err;

	host_use(&there);
	return does(wants("arrived", "6", "{}"), &err) == SERVER_RUNS;
}

static void test_killed_at_each_step(void **state)
{
	bool (*const works[])(void) = {await_work, leave_work, arrive_work};
	int kills = 0;

	(void)state;
	for (size_t w = 0; w < ELEMENTS_OF(works); w++) {
		for (int n = 1, more = true; more; n++) {
			struct error err;

			start_here();
			for (size_t before = 0; before < w; before++)
				assert_true(works[before]());
			more = killed_at(n, works[w]);
			kills += more;
			if (runs_on(&here) + runs_on(&there) != 1)
				fail_msg("killed at %d of work %zu: %s: not one guest", n, w, last_change);
			/* Killed after the guest had gone and before that was noted: nobody knows, and the
			 * target is asked. */
			if (w == 1 && runs_on(&there))
				assert_true(does(leaving("leaving"), &err) ==
					    (more ? SERVER_ENDED : SERVER_LEFT));
			else
				assert_true(works[w]());
			for (size_t after = w + 1; after < ELEMENTS_OF(works); after++)
				assert_true(works[after]());
			assert_true(!runs_on(&here) && has_vf(&there));
			clean_both();
		}
	}
	assert_true(kills > 10);
}

/* --- each call of either host goes wrong in turn --- */

static yyjson_doc *doc_await(void)
{
	return incoming();
}

static yyjson_doc *doc_leave(void)
{
	return leaving("leaving");
}

static yyjson_doc *doc_arrive(void)
{
	host_use(&there);
	return wants("arrived", "6", "{}");
}

static const struct {
	yyjson_doc *(*doc)(void);
	enum server_outcome wanted;
} steps[] = {{doc_await, SERVER_INCOMING}, {doc_leave, SERVER_LEFT}, {doc_arrive, SERVER_RUNS}};

static enum server_outcome step_do(size_t step, struct error *err)
{
	*trouble = '\0';
	return does(steps[step].doc(), err);
}

/* As the agent does it, until there is an answer. */
static enum server_outcome step_until(size_t step)
{
	struct error err = {0};
	enum server_outcome outcome = SERVER_LATER;

	for (int i = 0; i < 8 && (outcome == SERVER_LATER || *trouble); i++)
		outcome = step_do(step, &err);
	if (outcome == SERVER_LATER || *trouble)
		fail_msg("%s: step %zu: still not so: %s%s", failing_what, step, err.message, trouble);
	return outcome;
}

static bool step_with_failure(size_t step, enum failing how, int n, enum server_outcome *outcome)
{
	struct error err = {0};
	yyjson_doc *doc = steps[step].doc();

	*trouble = '\0';
	failing_begin(how, n);
	*outcome = does(doc, &err);
	bool was = failing_end();
	if (*outcome != steps[step].wanted && !*err.message && *outcome != SERVER_ENDED)
		fail_msg("%s: step %zu failed without a word", failing_what, step);
	if (runs_on(&here) + runs_on(&there) != 1)
		fail_msg("%s (%d): step %zu: not one guest", failing_what, (int)how, step);
	return was;
}

/* It goes in the end, or stays with all that it had. */
static void assert_is_somewhere(size_t step, enum server_outcome outcome)
{
	if (step == 0 && outcome != SERVER_INCOMING)
		outcome = step_until(0);
	if (step == 0 && outcome == SERVER_INCOMING)
		outcome = step_until(1);
	else if (step == 1 && outcome == SERVER_LATER)
		outcome = step_until(1);
	if (runs_on(&there)) {
		assert_int_equal(step_until(2), SERVER_RUNS);
		if (runs_on(&here) || !has_vf(&there))
			fail_msg("%s: it has not arrived", failing_what);
		assert_vf_mac(&there, "fa:16:3e:00:00:01");
		return;
	}
	struct error err;

	if (outcome == SERVER_REFUSED && !has_vf(&here))
		fail_msg("%s: it has stayed without its VF", failing_what);
	host_use(&here);
	*trouble = '\0';
	enum server_outcome stays = does(leaving("staying"), &err);
	if (stays != SERVER_RUNS || !has_vf(&here))
		fail_msg("%s: it has not stayed (%d): %s", failing_what, (int)stays, err.message);
	assert_vf_mac(&here, "fa:16:3e:00:00:01");
}

static void test_each_call_fails(void **state)
{
	int failures = 0;

	(void)state;
	for (size_t step = 0; step < ELEMENTS_OF(steps); step++) {
		for (enum failing how = FAILING_REFUSED; how < FAILING_MODES; how++) {
			bool more = true;

			for (int n = 1; more && n < 500; n++) {
				enum server_outcome outcome;

				start_here();
				for (size_t before = 0; before < step; before++)
					assert_int_equal(step_until(before), steps[before].wanted);
				more = step_with_failure(step, how, n, &outcome);
				failures += more;
				assert_is_somewhere(step, outcome);
				clean_both();
			}
			assert_false(more);
		}
	}
	assert_true(failures > 100);
}

static int make_two_failing(void **state)
{
	make_two(state);
	world = failing_world();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files_and_cpus_are_the_other_hosts),
		cmocka_unit_test(test_a_topology_moves_to_the_other_cells),
		cmocka_unit_test(test_devices_that_go_along_have_new_addresses),
		cmocka_unit_test_setup_teardown(test_a_guest_goes, make_two, drop_two),
		cmocka_unit_test_setup_teardown(test_a_guest_that_does_not_let_go_stays, make_two, drop_two),
		cmocka_unit_test_setup_teardown(test_a_guest_leaves_only_if_the_controller_says_so_still,
						make_two, drop_two),
		cmocka_unit_test_setup_teardown(test_a_guest_that_cannot_go_has_its_devices_again, make_two,
						drop_two),
		cmocka_unit_test_setup_teardown(test_a_target_that_cannot_take_it_is_clean, make_two,
						drop_two),
		cmocka_unit_test_setup_teardown(test_a_guest_that_is_nowhere, make_two, drop_two),
		cmocka_unit_test_setup_teardown(test_killed_at_each_step, make_two, drop_two),
		cmocka_unit_test_setup_teardown(test_each_call_fails, make_two_failing, drop_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
