/* What a libvirtd that was killed leaves behind: guests that it cannot get at, processes that it does not
 * know of. */
#include "../test.h"

#include "agent/process.h"
#include "agent/simulated/simulated.h"
#include "base/memory.h"
#include "host.h"
#include "wanted.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#define NETWORK "eeeeeeee-2222-3333-4444-555555555555"

static struct world killed; /* the simulated host, of which libvirtd is killed while it starts a guest */
static bool for_ever, is_away;

static bool killed_in_start(const char *xml, struct error *err)
{
	if (!world_simulated.domain_start(xml, err))
		return false;
	simulated_guest_sticks(WANTED_ID, for_ever);
	is_away = true;
	return error_set_typed(err, ERROR_UNAVAILABLE, WORLD_LOST, "end of file while reading data");
}

static bool stop_unless_away(const char *id, struct error *err)
{
	return is_away ? error_set(err, ERROR_UNAVAILABLE, "connection refused")
		       : world_simulated.domain_stop(id, err);
}

static void start_is_cut_short(yyjson_doc *doc, bool sticks_for_ever)
{
	killed = world_simulated;
	killed.domain_start = killed_in_start;
	killed.domain_stop = stop_unless_away;
	for_ever = sticks_for_ever;
	world = &killed;
	assert_int_equal(set_up(doc), SERVER_LATER);
	world = &world_simulated;
	is_away = false;
	assert_int_equal(simulated_guests(), 1);
}

static void test_dnsmasq_of_a_network_that_libvirt_does_not_have_is_ended(void **state)
{
	yyjson_doc *doc = wanted_server();

	(void)state;
	simulated_network_remains(NETWORK); /* it was killed while it made it */
	assert_int_equal(set_up(doc), SERVER_RUNS);
	simulated_guest_ends(WANTED_ID);
	simulated_network_remains(NETWORK); /* ... or ended it */
	take_down("at the end");
	yyjson_doc_free(doc);
}

static void test_a_start_that_was_cut_short_is_begun_anew(void **state)
{
	yyjson_doc *doc = wanted_server();

	(void)state;
	start_is_cut_short(doc, false);
	assert_int_equal(set_up(doc), SERVER_LATER);
	assert_int_equal(simulated_guests(), 0);
	assert_int_equal(set_up(doc), SERVER_RUNS);
	take_down("at the end");
	yyjson_doc_free(doc);
}

/* That it ran at some time before does not count. */
static void test_a_later_start_that_was_cut_short_is_begun_anew(void **state)
{
	yyjson_doc *doc = wanted_server(),
		   *later = wanted_changed("\"generation\": 3", "\"generation\": 5", NULL);

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	simulated_guest_ends(WANTED_ID);
	start_is_cut_short(later, false);
	assert_int_equal(set_up(later), SERVER_LATER);
	assert_int_equal(simulated_guests(), 0);
	assert_int_equal(set_up(later), SERVER_RUNS);
	take_down("at the end");
	yyjson_doc_free(doc);
	yyjson_doc_free(later);
}

static void test_a_guest_that_libvirt_holds_on_to_fails_until_that_is_restarted(void **state)
{
	yyjson_doc *doc = wanted_server();
	char why[300];

	(void)state;
	start_is_cut_short(doc, true);
	assert_int_equal(set_up(doc), SERVER_LATER);
	assert_int_equal(set_up(doc), SERVER_FAILED);
	simulated_libvirtd_restarts();
	assert_true(simulated_is_pristine(why, sizeof why)); /* its devices are free */
	assert_int_equal(set_up(doc), SERVER_RUNS);
	take_down("at the end");
	yyjson_doc_free(doc);
}

static void test_a_guest_that_has_run_is_not_touched(void **state)
{
	yyjson_doc *doc = wanted_server(),
		   *changed = wanted_changed("\"generation\": 3", "\"generation\": 4", NULL);

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	simulated_guest_sticks(WANTED_ID, false);
	assert_int_equal(set_up(doc), SERVER_LATER);
	assert_int_equal(set_up(changed), SERVER_LATER);
	assert_int_equal(simulated_guests(), 1);
	take_down("at the end"); /* it is to go */
	yyjson_doc_free(doc);
	yyjson_doc_free(changed);
}

static bool goes(void)
{
	struct error err;

	return server_teardown(&life, WANTED_ID, &err);
}

static void test_killed_while_it_ends_a_guest_without_libvirt(void **state)
{
	yyjson_doc *doc = wanted_server();
	int n = 0;
	bool killed_there;

	(void)state;
	do {
		assert_int_equal(set_up(doc), SERVER_RUNS);
		simulated_guest_sticks(WANTED_ID, true);
		killed_there = killed_at(++n, goes);
		begin_again();
		assert_true(goes());
		simulated_libvirtd_restarts();
		assert_nothing_left(last_change);
	} while (killed_there);
	assert_true(n > 10);
	yyjson_doc_free(doc);
}

/* --- processes of the real world --- */

static pid_t sleeps(const char *more)
{
	pid_t pid;

	assert_int_equal(posix_spawnp(&pid, "sleep", NULL, NULL,
				      (char *const[]){(char *)"sleep", (char *)"1000", (char *)more, NULL},
				      NULL),
			 0);
	return pid;
}

static void test_only_processes_with_that_name_and_these_words_are_ended(void **state)
{
	struct error err;
	int count, status;

	(void)state;
	pid_t first = sleeps("0.125"), other = sleeps("0.1255");
	/* Until it has become sleep its command line is this program's. */
	do {
		assert_true(process_end("sleep", "1000 0.125", &count, &err));
	} while (count == 0);
	assert_int_equal(count, 1);
	assert_int_equal(waitpid(first, &status, 0), first);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_true(process_end("qemu", "1000 0.1255", &count, &err));
	assert_true(process_end("sleep", "1000 0.12", &count, &err));
	assert_int_equal(count, 0);
	assert_int_equal(waitpid(other, &status, WNOHANG), 0);
	kill(other, SIGKILL);
	waitpid(other, &status, 0);
}

#define TEST(name)   cmocka_unit_test_setup_teardown(name, make, drop)
#define KILLED(name) cmocka_unit_test_setup_teardown(name, make_killable, drop_killable)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_dnsmasq_of_a_network_that_libvirt_does_not_have_is_ended),
		TEST(test_a_start_that_was_cut_short_is_begun_anew),
		TEST(test_a_later_start_that_was_cut_short_is_begun_anew),
		TEST(test_a_guest_that_libvirt_holds_on_to_fails_until_that_is_restarted),
		TEST(test_a_guest_that_has_run_is_not_touched),
		KILLED(test_killed_while_it_ends_a_guest_without_libvirt),
		cmocka_unit_test(test_only_processes_with_that_name_and_these_words_are_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
