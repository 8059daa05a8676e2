/* Tests of times that follow a clock that is set: in the transaction in which they are moved, and once. */
#include "../test.h"

#include "base/memory.h"
#include "base/timestamp.h"
#include "compute/clock_step.h"
#include "store/store.h"
#include "sys/sys.h"

#define HOUR (3600 * TIME_SECOND)

/* Of the tables, what has times. */
static const struct store_migration tables[] = {
	{"CREATE TABLE server (state_since INTEGER, build_since INTEGER) STRICT"},
	{"CREATE TABLE server_move (open INTEGER, phase_at INTEGER) STRICT"},
};

static struct store *db;
static int64_t wall, monotonic = HOUR;

static int64_t wall_now(void)
{
	return wall;
}

static int64_t monotonic_now(void)
{
	return monotonic;
}

static void follow(bool commit)
{
	struct error err;

	assert_true(store_transaction_begin(db, &err));
	assert_true(clock_step_follow(db, &err));
	if (commit)
		assert_true(store_transaction_commit(db, &err));
	else
		store_transaction_undo(db);
}

static int64_t ask(const char *sql)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	struct error err;

	assert_true(store_query(db, &rows, &err, sql));
	assert_true(store_next(&rows));
	return store_int(&rows, 0);
}

static int64_t since(void)
{
	return ask("SELECT state_since FROM server");
}

static int64_t phase(void)
{
	return ask("SELECT phase_at FROM server_move WHERE open = 1");
}

/* One program, one clock: the steps build on one another. */
static void test_times_follow_the_clock(void **state)
{
	struct error err;

	(void)state;
	wall = 1000 * HOUR;
	assert_true(
		store_exec(db, &err, "INSERT INTO server VALUES (?1, ?2)", V(wall + HOUR), V(wall - HOUR)));
	assert_true(store_exec(db, &err, "INSERT INTO server_move VALUES (1, ?1), (0, ?2)", V(wall + HOUR),
			       V(wall + HOUR)));

	follow(false); /* the disk is full: nothing was written, and nothing is known */
	assert_int_equal(since(), wall + HOUR);
	follow(true);
	assert_int_equal(since(), wall); /* nothing began later than now */
	assert_int_equal(phase(), wall);
	assert_int_equal(ask("SELECT build_since FROM server"), wall - HOUR);
	assert_int_equal(ask("SELECT phase_at FROM server_move WHERE open = 0"), wall + HOUR);

	wall += TIME_SECOND; /* time passes */
	monotonic += TIME_SECOND;
	follow(true);
	assert_int_equal(since(), 1000 * HOUR);

	wall -= 10 * HOUR; /* and is set back */
	follow(false);
	assert_int_equal(since(), 1000 * HOUR);
	follow(true);
	assert_int_equal(since(), 990 * HOUR);
	assert_int_equal(phase(), 990 * HOUR);
	follow(true); /* once */
	assert_int_equal(since(), 990 * HOUR);

	wall += 20 * HOUR;
	follow(true);
	assert_int_equal(since(), 1010 * HOUR);
	assert_int_equal(ask("SELECT build_since FROM server"), 1009 * HOUR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times_follow_the_clock),
	};
	struct sys_time clock = sys_time_real;
	char *folder = test_folder_make(), path[200];
	struct error err;

	clock.now = wall_now;
	clock.monotonic = monotonic_now;
	sys_time = &clock;
	snprintf(path, sizeof path, "%s/t.db", folder);
	db = store_open(path, STORE_WRITER, &err);
	if (!db || !store_migrate(db, "compute", tables, 2, &err))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	store_close(db);
	test_folder_remove(folder);
	return failed;
}
