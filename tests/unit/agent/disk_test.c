/* Tests of what becomes of disks: copies that are kept and put back, whenever the agent is killed. */
#include "../test.h"

#include "agent/disk.h"
#include "agent/simulated/simulated.h"
#include "agent/world.h"
#include "base/memory.h"
#include "host.h"
#include "wanted.h"

#define MOVE	   "77777777-2222-3333-4444-555555555555"
#define KEPT	   "disk.kept-" MOVE
#define GENERATION "\"generation\": 3"

static yyjson_doc *ordered(int generation, const char *want, const char *order)
{
	_cleanup_free_ char *text =
		memory_printf("\"generation\": %d, \"disk\": %s", generation, order ? order : "null");
	_cleanup_free_ char *wish = memory_printf("\"want\": \"%s\"", want);

	return wanted_changed(GENERATION, text, "\"want\": \"running\"", wish, NULL);
}

static char *path_of(const char *name)
{
	return memory_printf("%s/" WANTED_ID "/%s", folders.instances, name);
}

static void write_text(const char *name, const char *text)
{
	_cleanup_free_ char *path = path_of(name);
	_cleanup_fclose_ FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
}

static void write_disk(const char *text)
{
	write_text("disk", text);
}

static void assert_says(const char *name, const char *wanted)
{
	_cleanup_free_ char *path = path_of(name);
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	char text[100] = "";

	if (!file)
		fail_msg("there is no %s", name);
	assert_non_null(fgets(text, sizeof text, file));
	assert_string_equal(text, wanted);
}

static void stop(yyjson_doc *doc)
{
	struct error err;

	if (!server_stop(&life, yyjson_doc_get_root(doc), &err))
		fail_msg("%s", err.message);
}

/* A resize on one host that is reverted: the disk is as it was before. */
static void test_kept_and_put_back(void **state)
{
	yyjson_doc *doc = wanted_server(), *off = ordered(4, "stopped", NULL),
		   *resized = ordered(5, "running", "{\"keep\": \"" MOVE "\"}"),
		   *off_again = ordered(6, "stopped", "{\"keep\": \"" MOVE "\"}"),
		   *reverted = ordered(7, "running", "{\"restore\": \"" MOVE "\"}");

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	stop(off);
	write_disk("before");
	assert_int_equal(set_up(resized), SERVER_RUNS);
	assert_says(KEPT, "before");
	write_disk("after");
	stop(off_again);
	assert_says(KEPT, "before"); /* not copied anew */
	assert_int_equal(set_up(reverted), SERVER_RUNS);
	assert_says("disk", "before");
	assert_false(has_file(KEPT));
	stop(off);
	write_disk("since then");
	assert_int_equal(set_up(reverted), SERVER_ENDED); /* said again: it has been done */
	assert_says("disk", "since then");
	take_down("at the end");
	yyjson_doc_free(doc);
	yyjson_doc_free(off);
	yyjson_doc_free(resized);
	yyjson_doc_free(off_again);
	yyjson_doc_free(reverted);
}

/* Confirmed: the copy goes while the guest runs.  Deleted instead: it goes with the rest. */
static void test_copies_go(void **state)
{
	yyjson_doc *resized = ordered(5, "running", "{\"keep\": \"" MOVE "\"}"),
		   *off = ordered(4, "stopped", "{\"keep\": \"" MOVE "\"}"),
		   *confirmed = ordered(6, "running", NULL), *doc = wanted_server();

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(set_up(doc), SERVER_RUNS);
		stop(off);
		assert_int_equal(set_up(resized), SERVER_RUNS);
		assert_true(has_file(KEPT));
		if (i == 0) {
			assert_int_equal(set_up(confirmed), SERVER_RUNS);
			assert_false(has_file(KEPT));
		}
		take_down("at the end");
	}
	yyjson_doc_free(doc);
	yyjson_doc_free(off);
	yyjson_doc_free(resized);
	yyjson_doc_free(confirmed);
}

/* The source of a move: nothing but the guest goes, and nothing is reset. */
static void test_kept_server(void **state)
{
	yyjson_doc *doc = wanted_server(), *back = ordered(9, "running", NULL);
	struct error err;
	bool running;

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	write_disk("as it was");
	assert_true(server_keep(&life, WANTED_ID, &err));
	assert_true(world->domain_running(WANTED_ID, &running, &err));
	assert_false(running);
	assert_driver("0000:10:10.1", "vfio-pci");
	/* An agent that begins anew without its controller does not start it. */
	assert_int_equal(set_up(doc), SERVER_ENDED);
	assert_int_equal(set_up(back), SERVER_RUNS);
	assert_says("disk", "as it was");
	take_down("at the end");
	yyjson_doc_free(doc);
	yyjson_doc_free(back);
}

static enum error_kind asked_answer; /* of the controller's, when it is asked whether it waits for a disk */
static int asked;

/* In the place of HTTP. */
bool controller_send(const struct controller *asks, const char *method, const char *path,
		     const char *content_type, const char *body, size_t size, int seconds,
		     struct text *answer, struct error *err)
{
	(void)asks, (void)content_type, (void)body, (void)size, (void)seconds, (void)answer;
	assert_string_equal(method, "GET");
	assert_string_equal(path, "images/" MOVE "/awaited");
	asked++;
	return asked_answer == ERROR_NONE || error_set(err, asked_answer, "the controller says so");
}

static int pauses;

static void count_pauses(const char *what)
{
	pauses += strcmp(what, "pause or go on") == 0;
}

/* What is kept of an order goes with it. */
static void order_ends(yyjson_doc *sent, yyjson_doc *later)
{
	simulated_on_change = NULL;
	assert_int_equal(set_up(later), SERVER_RUNS);
	assert_false(has_file("disk.send-" MOVE));
	take_down("at the end");
	yyjson_doc_free(sent);
	yyjson_doc_free(later);
}

/* An agent that is started again has the order that it remembers, and the controller's word that it is done
 * may take a while: the guest is not stopped for another copy. */
static void test_what_was_sent_is_not_copied_again(void **state)
{
	yyjson_doc *sent = ordered(4, "running", "{\"send\": \"" MOVE "\"}"),
		   *later = ordered(5, "running", NULL);
	struct error err;

	(void)state;
	assert_int_equal(set_up(sent), SERVER_RUNS);
	write_text("disk.send-" MOVE, "sent\n");
	pauses = 0;
	simulated_on_change = count_pauses;
	assert_int_equal(disk_send(&life, yyjson_doc_get_root(sent), true, &err), DISK_SENT);
	assert_int_equal(pauses, 0);
	write_text("disk.send-" MOVE, "QFI");
	assert_int_equal(disk_send(&life, yyjson_doc_get_root(sent), true, &err), DISK_LATER);
	order_ends(sent, later);
}

/* Nor for one that nobody waits for any more, or may not wait for.  Found by seed 4752 of the simulator. */
static void test_a_guest_is_stopped_only_if_the_disk_is_awaited(void **state)
{
	yyjson_doc *sent = ordered(4, "running", "{\"send\": \"" MOVE "\"}");
	struct error err;

	(void)state;
	assert_int_equal(set_up(sent), SERVER_RUNS);
	pauses = asked = 0;
	simulated_on_change = count_pauses;
	asked_answer = ERROR_UNAVAILABLE;
	assert_int_equal(disk_send(&life, yyjson_doc_get_root(sent), true, &err), DISK_LATER);
	assert_string_equal(err.message, "the controller says so");
	asked_answer = ERROR_GONE;
	assert_int_equal(disk_send(&life, yyjson_doc_get_root(sent), true, &err), DISK_SENT);
	assert_int_equal(asked, 2);
	assert_int_equal(pauses, 0);
	assert_false(has_file("disk.send-" MOVE));
	asked_answer = ERROR_NONE;
	assert_int_equal(disk_send(&life, yyjson_doc_get_root(sent), true, &err), DISK_LATER);
	assert_int_equal(pauses, 2);
	/* The copy is there: it is only to be sent. */
	assert_int_equal(disk_send(&life, yyjson_doc_get_root(sent), true, &err), DISK_LATER);
	assert_int_equal(pauses, 2);
	assert_int_equal(asked, 3);
	simulated_on_change = NULL;
	take_down("at the end");
	yyjson_doc_free(sent);
}

/* Nor is it tried again what could not be done, and was told.  Found by seed 11017 of the simulator. */
static void test_what_could_not_be_sent_is_not_tried_again(void **state)
{
	yyjson_doc *sent = ordered(4, "running", "{\"send\": \"" MOVE "\"}"),
		   *later = ordered(5, "running", NULL);
	_cleanup_free_ char *disk = path_of("disk"), *away = path_of("away");
	struct error err, again;

	(void)state;
	assert_int_equal(set_up(sent), SERVER_RUNS);
	pauses = 0;
	simulated_on_change = count_pauses;
	assert_int_equal(rename(disk, away), 0);
	assert_int_equal(disk_send(&life, yyjson_doc_get_root(sent), true, &err), DISK_REFUSED);
	assert_int_equal(pauses, 2);
	assert_int_equal(rename(away, disk), 0);
	assert_int_equal(disk_send(&life, yyjson_doc_get_root(sent), true, &again), DISK_REFUSED);
	assert_int_equal(pauses, 2);
	assert_string_equal(again.message, err.message);
	order_ends(sent, later);
}

/* Nobody is there to take it: it is tried again with the copy that was made, and the guest runs on. */
static void test_sending(void **state)
{
	yyjson_doc *doc = wanted_server(), *sent = ordered(4, "running", "{\"send\": \"" MOVE "\"}"),
		   *later = ordered(5, "running", NULL);
	struct error err;

	(void)state;
	assert_int_equal(set_up(doc), SERVER_RUNS);
	assert_int_equal(disk_send(&life, yyjson_doc_get_root(doc), true, &err), DISK_SENT); /* nothing */
	assert_int_equal(disk_send(&life, yyjson_doc_get_root(sent), true, &err), DISK_LATER);
	assert_true(has_file("disk.send-" MOVE));
	assert_int_equal(set_up(sent), SERVER_RUNS);
	assert_true(has_file("disk.send-" MOVE));
	assert_int_equal(set_up(later), SERVER_RUNS);
	assert_false(has_file("disk.send-" MOVE));
	take_down("at the end");
	yyjson_doc_free(doc);
	yyjson_doc_free(sent);
	yyjson_doc_free(later);
}

static void test_bad_orders(void **state)
{
	static const char *const orders[] = {"{\"keep\": \"../../etc\"}", "{\"send\": \"x\"}",
					     "{\"restore\": \"/\"}", "{\"fetch\": {\"id\": \"..\"}}"};

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(orders); i++) {
		yyjson_doc *doc = ordered(4, "running", orders[i]);
		struct error err;

		if (server_check(yyjson_doc_get_root(doc), &err))
			fail_msg("%s", orders[i]);
		yyjson_doc_free(doc);
	}
}

/* --- killed at each change of the host --- */

static yyjson_doc *work_doc;

static bool bring_up(void)
{
	return set_up(work_doc) == SERVER_RUNS;
}

static void test_killed(void **state)
{
	yyjson_doc *doc = wanted_server(), *off = ordered(4, "stopped", NULL),
		   *resized = ordered(5, "running", "{\"keep\": \"" MOVE "\"}"),
		   *off_again = ordered(6, "stopped", "{\"keep\": \"" MOVE "\"}"),
		   *reverted = ordered(7, "running", "{\"restore\": \"" MOVE "\"}");
	bool killed = true;

	(void)state;
	for (int n = 1; killed; n++) {
		assert_int_equal(set_up(doc), SERVER_RUNS);
		stop(off);
		write_disk("before");
		work_doc = resized;
		killed = killed_at(n, bring_up);
		assert_int_equal(set_up(resized), SERVER_RUNS);
		assert_says(KEPT, "before");
		stop(off_again);
		write_disk("after");
		work_doc = reverted;
		killed |= killed_at(n, bring_up);
		assert_int_equal(set_up(reverted), SERVER_RUNS);
		assert_says("disk", "before");
		take_down(last_change ? last_change : "at the end");
	}
	yyjson_doc_free(doc);
	yyjson_doc_free(off);
	yyjson_doc_free(resized);
	yyjson_doc_free(off_again);
	yyjson_doc_free(reverted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kept_and_put_back, make, drop),
		cmocka_unit_test_setup_teardown(test_copies_go, make, drop),
		cmocka_unit_test_setup_teardown(test_kept_server, make, drop),
		cmocka_unit_test_setup_teardown(test_sending, make, drop),
		cmocka_unit_test_setup_teardown(test_a_guest_is_stopped_only_if_the_disk_is_awaited, make,
						drop),
		cmocka_unit_test_setup_teardown(test_what_could_not_be_sent_is_not_tried_again, make, drop),
		cmocka_unit_test_setup_teardown(test_what_was_sent_is_not_copied_again, make, drop),
		cmocka_unit_test_setup_teardown(test_bad_orders, make, drop),
		cmocka_unit_test_setup_teardown(test_killed, make_killable, drop_killable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
