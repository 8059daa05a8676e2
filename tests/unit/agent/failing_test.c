/* Every call that the agent makes of the kernel and of libvirt goes wrong in turn: is refused, finds libvirt
 * away, loses it, is done but says that it was not, or hangs.  Whatever it was, the agent says so or goes on,
 * and when it is over the host is as it was wanted, or as it was before.  Meanwhile no device is free that is
 * not clean. */
#include "../test.h"

#include "agent/ledger.h"
#include "agent/quarantine.h"
#include "agent/simulated/simulated.h"
#include "agent/vf.h"
#include "agent/world.h"
#include "base/memory.h"
#include "failing.h"
#include "host.h"
#include "wanted.h"

#define RETRIES	  8
#define CALLS_MAX 2000

static int make_failing(void **state)
{
	make(state);
	world = failing_world();
	return 0;
}

/* --- what must hold --- */

static void assert_free_is_clean(const char *when)
{
	char **addresses = world_simulated.list("/sys/bus/pci/devices"), why[300];
	struct quarantine q;
	struct ledger_entry entry;

	for (char **address = addresses; *address; address++) {
		if (!ledger_read(*address, &entry) && !quarantine_read(*address, &q) &&
		    !simulated_device_is_pristine(*address, why, sizeof why))
			fail_msg("%s (%s): free, but %s", when, failing_what, why);
	}
	world_list_free(addresses);
}

static const char *how_text(enum failing how)
{
	static const char *const texts[] = {"",	    "refused",	      "away", "unheard",
					    "lost", "lost when done", "hangs"};

	return texts[how];
}

static void assert_vf(const char *when, int index, const char *mac, int vlan)
{
	struct vf_settings vf;
	struct error err = {0};

	if (!vf_read("sim0", index, &vf, &err) || strcmp(vf.mac_address, mac) != 0 || vf.vlan != vlan)
		fail_msg("%s (%s): VF %d has MAC %s and VLAN %d %s", when, failing_what, index,
			 vf.mac_address, vf.vlan, err.message);
}

/* --- one thing that is wanted, with and without a failure --- */

typedef bool step(struct error *err); /* true: it is so */

static yyjson_doc *doc;
static enum server_outcome outcome; /* of the last step_setup() */

static bool step_setup(struct error *err)
{
	*trouble = '\0';
	outcome = server_setup(&life, yyjson_doc_get_root(doc), err);

	return (outcome == SERVER_RUNS || outcome == SERVER_PAUSED || outcome == SERVER_SUSPENDED) &&
	       !*trouble;
}

static bool step_stop(struct error *err)
{
	return server_stop(&life, yyjson_doc_get_root(doc), err);
}

static bool step_remove(struct error *err)
{
	return server_teardown(&life, WANTED_ID, err);
}

/* What the agent does when something failed: it tries again. */
static void until_so(step *work, const char *when)
{
	struct error err = {0};

	for (int i = 0; i < RETRIES; i++) {
		if (work(&err))
			return;
	}
	fail_msg("%s (%s): still not so: %s%s", when, failing_what, err.message, trouble);
}

/* A libvirtd that is away, or goes away in the middle of a call, comes back: nothing has failed by that. */
static void assert_is_waited_for(enum failing how, const struct error *err)
{
	if (how != FAILING_AWAY && how != FAILING_LOST && how != FAILING_LOST_DONE)
		return;
	if (outcome == SERVER_FAILED || outcome == SERVER_REFUSED || *trouble)
		fail_msg("%s (%s) is a failure: %s%s", failing_what, how_text(how), err->message, trouble);
}

/* False if it took less than n calls. */
static bool with_failure(enum failing how, int n, step *work)
{
	struct error err = {0};

	failing_begin(how, n);
	bool ok = work(&err);
	if (!ok && !*err.message && !*trouble)
		fail_msg("%s failed without a word (%s)", failing_what, how_text(how));
	assert_is_waited_for(how, &err);
	assert_free_is_clean("while it fails");
	bool was = failing_end();
	assert_free_is_clean("after it failed");
	if (!was && !ok)
		fail_msg("failed by itself: %s%s", err.message, trouble);
	return was;
}

static void want(yyjson_doc *wanted)
{
	yyjson_doc_free(doc);
	doc = wanted;
}

static void remove_all(const char *when)
{
	until_so(step_remove, when);
	assert_nothing_left(failing_what);
}

#define FOR_EACH_FAILURE(how, n) \
	for (enum failing how = FAILING_REFUSED; how < FAILING_MODES; how++) \
		for (int n = 1; n < CALLS_MAX; n++)

/* --- create and delete --- */

static void assert_runs(const char *when)
{
	if (simulated_guests() != 1)
		fail_msg("%s (%s): %zu guests", when, failing_what, simulated_guests());
	assert_vf(when, 1, "fa:16:3e:00:00:01", 1010);
	assert_driver("0000:11:00.0", "vfio-pci");
}

static void test_create_fails_anywhere_and_is_tried_again(void **state)
{
	int most = 0;

	(void)state;
	want(wanted_server());
	FOR_EACH_FAILURE(how, n)
	{
		bool was = with_failure(how, n, step_setup);

		until_so(step_setup, "created at last");
		assert_runs("created at last");
		remove_all("removed");
		most = n > most ? n : most;
		if (!was)
			break;
	}
	assert_in_range(most, 60, CALLS_MAX - 1);
}

static void test_create_fails_anywhere_and_is_removed(void **state)
{
	(void)state;
	want(wanted_server());
	FOR_EACH_FAILURE(how, n)
	{
		bool was = with_failure(how, n, step_setup);

		remove_all("removed");
		if (!was)
			break;
	}
}

static void test_delete_fails_anywhere(void **state)
{
	int most = 0;

	(void)state;
	want(wanted_server());
	FOR_EACH_FAILURE(how, n)
	{
		until_so(step_setup, "created");
		bool was = with_failure(how, n, step_remove);

		remove_all("removed");
		most = n > most ? n : most;
		if (!was)
			break;
	}
	assert_in_range(most, 60, CALLS_MAX - 1);
}

/* --- stop and start --- */

static yyjson_doc *stopped(void)
{
	return wanted_changed("\"generation\": 3", "\"generation\": 4", "running", "stopped", NULL);
}

static yyjson_doc *started(void)
{
	return wanted_changed("\"generation\": 3", "\"generation\": 5", NULL);
}

static void test_stop_and_start_fail_anywhere(void **state)
{
	(void)state;
	FOR_EACH_FAILURE(how, n)
	{
		want(wanted_server());
		until_so(step_setup, "created");
		want(stopped());
		bool was = with_failure(how, n, step_stop);
		until_so(step_stop, "stopped at last");
		assert_int_equal(simulated_guests(), 0);
		want(started());
		was |= with_failure(how, n, step_setup);
		until_so(step_setup, "started at last");
		assert_runs("started at last");
		remove_all("removed");
		if (!was)
			break;
	}
}

/* --- ports that come and go --- */

#define NEW_PORT "12345678-2222-3333-4444-555555555555"

static yyjson_doc *with_port(const char *generation, const char *absent)
{
	char text[700];

	snprintf(text, sizeof text,
		 "\"ports\": [{\"id\": \"" NEW_PORT
		 "\", \"index\": 2, %s\"mac_address\": \"fa:16:3e:00:00:09\","
		 " \"vnic_type\": \"direct\", \"admin_state_up\": true, \"port_security\": true, \"vlan\": "
		 "1011,"
		 " \"device\": {\"address\": \"0000:10:10.2\", \"type\": \"type-VF\", \"parent\": "
		 "\"0000:10:00.0\"},"
		 " \"network\": {\"id\": \"bbbbbbbb-2222-3333-4444-555555555555\", \"subnets\": []}, "
		 "\"fixed_ips\": []},",
		 absent);
	return wanted_changed("\"ports\": [", text, "\"generation\": 3", generation, NULL);
}

static void test_attach_fails_anywhere(void **state)
{
	(void)state;
	FOR_EACH_FAILURE(how, n)
	{
		want(wanted_server());
		until_so(step_setup, "created");
		want(with_port("\"generation\": 4", ""));
		bool was = with_failure(how, n, step_setup);
		assert_runs("while a port comes");
		until_so(step_setup, "attached at last");
		assert_vf("attached at last", 2, "fa:16:3e:00:00:09", 1011);
		remove_all("removed");
		if (!was)
			break;
	}
}

static void test_detach_fails_anywhere(void **state)
{
	(void)state;
	FOR_EACH_FAILURE(how, n)
	{
		want(with_port("\"generation\": 4", ""));
		until_so(step_setup, "created");
		want(with_port("\"generation\": 5", "\"want\": \"absent\", "));
		bool was = with_failure(how, n, step_setup);
		assert_runs("while a port goes");
		until_so(step_setup, "detached at last");
		assert_vf("detached at last", 2, "", 0);
		remove_all("removed");
		if (!was)
			break;
	}
}

static void test_suspend_and_resume_fail_anywhere(void **state)
{
	(void)state;
	FOR_EACH_FAILURE(how, n)
	{
		want(wanted_server());
		until_so(step_setup, "created");
		want(wanted_changed("\"generation\": 3", "\"generation\": 4", "running", "suspended", NULL));
		bool was = with_failure(how, n, step_setup);
		until_so(step_setup, "suspended at last");
		assert_int_equal(simulated_guests(), 0);
		want(started());
		was |= with_failure(how, n, step_setup);
		until_so(step_setup, "resumed at last");
		assert_runs("resumed at last");
		remove_all("removed");
		if (!was)
			break;
	}
}

static int drop_failing(void **state)
{
	want(NULL);
	return drop(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define FAILING(name) cmocka_unit_test_setup_teardown(name, make_failing, drop_failing)
		FAILING(test_create_fails_anywhere_and_is_tried_again),
		FAILING(test_create_fails_anywhere_and_is_removed),
		FAILING(test_delete_fails_anywhere),
		FAILING(test_stop_and_start_fail_anywhere),
		FAILING(test_attach_fails_anywhere),
		FAILING(test_detach_fails_anywhere),
		FAILING(test_suspend_and_resume_fail_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
