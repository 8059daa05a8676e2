/* Servers whose disk is made anew, also by an agent that is killed meanwhile. */
#include "../test.h"
#include "host.h"
#include "wanted.h"

#include "agent/simulated/simulated.h"
#include "base/memory.h"

static char *path_of(const char *name)
{
	return memory_printf("%s/%s/%s", folders.instances, WANTED_ID, name);
}

/* What the guest wrote, and what is in the drive of its first life. */
static void mark(const char *name)
{
	_cleanup_free_ char *path = path_of(name);
	_cleanup_fclose_ FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs("old", file);
}

static bool is_marked(const char *name)
{
	_cleanup_free_ char *path = path_of(name);
	_cleanup_fclose_ FILE *file = fopen(path, "r");
	char text[4] = "";

	return file && fread(text, 1, 3, file) == 3 && strcmp(text, "old") == 0;
}

static yyjson_doc *first, *off, *rebuilt;

static int make_docs(void **state)
{
	first = wanted_server();
	off = wanted_changed("\"generation\": 3", "\"generation\": 4, \"disk_generation\": 4", "running",
			     "stopped", NULL);
	rebuilt = wanted_changed("\"generation\": 3", "\"generation\": 5, \"disk_generation\": 4", NULL);
	return make_killable(state);
}

static int drop_docs(void **state)
{
	yyjson_doc_free(first);
	yyjson_doc_free(off);
	yyjson_doc_free(rebuilt);
	return drop_killable(state);
}

static void first_life(void)
{
	struct error err;

	assert_int_equal(set_up(first), SERVER_RUNS);
	mark("disk");
	mark("config.iso");
	assert_true(server_stop(&life, yyjson_doc_get_root(off), &err));
	assert_true(is_marked("disk")); /* it goes when there is to be a new one */
}

static void test_a_new_disk(void **state)
{
	yyjson_doc *again =
		wanted_changed("\"generation\": 3", "\"generation\": 6, \"disk_generation\": 4", NULL);
	struct error err;

	(void)state;
	first_life();
	assert_int_equal(set_up(rebuilt), SERVER_RUNS);
	assert_true(has_file("disk") && has_file("config.iso"));
	assert_false(is_marked("disk"));
	assert_false(is_marked("config.iso"));
	assert_driver("0000:10:10.1", "vfio-pci"); /* the device is still the guest's */

	/* it is that disk from now on */
	mark("disk");
	assert_int_equal(set_up(rebuilt), SERVER_RUNS);
	assert_true(server_stop(&life, yyjson_doc_get_root(off), &err));
	assert_int_equal(set_up(again), SERVER_RUNS);
	assert_true(is_marked("disk"));
	take_down("at the end");
	yyjson_doc_free(again);
}

/* What cannot be built leaves what the server has of the host its own; the next attempt begins without the
 * old disk. */
static void test_failing(void **state)
{
	(void)state;
	first_life();
	strcpy(not_offered, "0000:11:00.0");
	assert_int_equal(set_up(rebuilt), SERVER_FAILED);
	assert_false(is_marked("disk"));
	*not_offered = '\0';
	assert_int_equal(set_up(rebuilt), SERVER_RUNS);
	take_down("at the end");
}

/* Killed before it was written down that the old one is gone, with the new one made already. */
static void test_not_written_down(void **state)
{
	_cleanup_free_ char *note = path_of("disk_generation");

	(void)state;
	first_life();
	assert_int_equal(set_up(rebuilt), SERVER_RUNS);
	assert_int_equal(unlink(note), 0);
	mark("disk");
	simulated_guest_ends(WANTED_ID);
	yyjson_doc *again =
		wanted_changed("\"generation\": 3", "\"generation\": 6, \"disk_generation\": 4", NULL);
	assert_int_equal(set_up(again), SERVER_RUNS);
	assert_false(is_marked("disk"));
	take_down("at the end");
	yyjson_doc_free(again);
}

static bool rebuild(void)
{
	return set_up(rebuilt) == SERVER_RUNS;
}

static void test_killed_anywhere(void **state)
{
	int n = 1;

	(void)state;
	for (bool killed = true; killed; n++) {
		first_life();
		killed = killed_at(n, rebuild);
		assert_int_equal(set_up(rebuilt), SERVER_RUNS);
		assert_true(has_file("disk") && has_file("config.iso"));
		assert_false(is_marked("disk"));
		assert_false(is_marked("config.iso"));
		take_down(last_change);
	}
	assert_in_range(n, 3, 60);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_docs, drop_docs)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_new_disk),
		TEST(test_failing),
		TEST(test_not_written_down),
		TEST(test_killed_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
