/* Tests of servers that take too long, and of clocks that are set meanwhile. */
#include "calls.h"

#include "base/memory.h"
#include "base/timestamp.h"
#include "compute/compute.h"
#include "sys/sys.h"

#define BUILD_TIME (601 * TIME_SECOND)

static int64_t late_now(void)
{
	return sys_time_real.now() + BUILD_TIME;
}

static int64_t late_monotonic(void)
{
	return sys_time_real.monotonic() + BUILD_TIME;
}

static int64_t early_now(void)
{
	return sys_time_real.now() - 10 * BUILD_TIME;
}

static int64_t early_and_late(void)
{
	return early_now() + BUILD_TIME;
}

static int64_t much_later_now(void)
{
	return sys_time_real.now() + 3 * BUILD_TIME;
}

static int64_t much_later_monotonic(void)
{
	return sys_time_real.monotonic() + 3 * BUILD_TIME;
}

/* What is done when so much time has passed. */
static void keep_house_at(int64_t (*now)(void), int64_t (*monotonic)(void))
{
	struct sys_time late = sys_time_real;
	struct error err;

	late.now = now;
	late.monotonic = monotonic;
	sys_time = &late;
	bool ok = compute_housekeeping(db, &err);
	sys_time = &sys_time_real;
	assert_true(ok);
}

/* Deadlines go with the clock when somebody sets it. */
static void test_the_clock_is_set_while_a_server_is_built(void **state)
{
	(void)state;
	make_server();
	keep_house_at(sys_time_real.now, sys_time_real.monotonic);
	keep_house_at(late_now, sys_time_real.monotonic); /* by ten minutes, forward */
	assert_state("BUILD", "building", "spawning");
	keep_house_at(early_now, sys_time_real.monotonic);
	assert_state("BUILD", "building", "spawning");
	keep_house_at(early_and_late, late_monotonic); /* and ten minutes pass */
	assert_state("ERROR", "error", "null");
	keep_house_at(sys_time_real.now, sys_time_real.monotonic);
}

static void test_build_timeout(void **state)
{
	struct error err;

	(void)state;
	make_server();
	assert_true(compute_housekeeping(db, &err));
	assert_state("BUILD", "building", "spawning");
	keep_house_at(late_now, late_monotonic);
	assert_state("ERROR", "error", "null");
	assert_non_null(strstr(at("/server/fault/details"), "instance_build_timeout"));
	assert_string_equal(world.claimed, id);
}

/* What failed and whose host does not answer its deletion either says that, and not what failed once. */
static void test_deletion_timeout_of_an_error(void **state)
{
	struct error err;

	(void)state;
	make_server();
	report(1, "running", "");
	report(1, "failed", ", 'fault': 'no memory'");
	assert_state("ERROR", "error", "null");
	assert_int_equal(call(MEMBER, "DELETE", path, NULL), 204);
	assert_true(compute_housekeeping(db, &err));
	assert_state("ERROR", "error", "deleting");
	assert_string_equal(at("/server/fault/message"), "no memory");
	keep_house_at(much_later_now, much_later_monotonic);
	assert_state("ERROR", "error", "deleting");
	assert_non_null(strstr(at("/server/fault/details"), "did not finish \"deleting\""));
	_cleanup_free_ char *created = memory_copy_text(at("/server/fault/created"));
	assert_true(compute_housekeeping(db, &err));
	assert_state("ERROR", "error", "deleting");
	assert_string_equal(at("/server/fault/created"), created); /* once */
	report(2, "gone", "");
	assert_int_equal(call(MEMBER, "GET", path, NULL), 404);
}

/* Its devices are the host's until that says otherwise, however long it takes. */
static void test_a_shelved_server_that_is_not_let_go_of(void **state)
{
	struct error err;

	(void)state;
	make_server();
	report(1, "running", "");
	assert_true(compute_housekeeping(db, &err));
	assert_true(store_exec(db, &err, "UPDATE server SET state = 'offloading', state_since = ?1",
			       V(sys_now())));
	keep_house_at(much_later_now, much_later_monotonic);
	assert_state("SHELVED", "shelved", "shelving_offloading");
	assert_int_equal(count_rows("SELECT count(*) FROM server WHERE fault_details LIKE 'The host edge-1 "
				    "did not finish \"shelving_offloading\"%'"),
			 1);
	assert_string_equal(world.claimed, id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(test_build_timeout),
		TEST(test_deletion_timeout_of_an_error),
		TEST(test_a_shelved_server_that_is_not_let_go_of),
		TEST(test_the_clock_is_set_while_a_server_is_built),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
