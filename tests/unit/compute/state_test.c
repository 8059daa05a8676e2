/* Tests of the life of a server: moves, reports, invariants. */
#include "../test.h"

#include "compute/server_state.h"

static struct server_life life_in(enum server_state state)
{
	return (struct server_life){.state = state,
				    .want = server_state_info(state)->want,
				    .has_host = true,
				    .generation = 5,
				    .launched_at = state == SERVER_SPAWNING ? 0 : 77};
}

static void test_texts_are_distinct(void **unused)
{
	(void)unused;
	for (int i = 0; i < SERVER_STATE_COUNT; i++) {
		const struct server_state_info *info = server_state_info(i);

		assert_int_equal(server_state_parse(info->text), i);
		assert_int_equal(server_want_parse(server_want_text(info->want)), info->want);
	}
	assert_int_equal(server_state_parse("nonsense"), SERVER_ERROR);
}

static void test_build(void **unused)
{
	struct server_life life = life_in(SERVER_SPAWNING);
	bool lost;

	(void)unused;
	assert_false(server_life_report(&life, REPORT_BUILDING, 9, &lost));
	assert_true(server_life_report(&life, REPORT_RUNNING, 9, &lost));
	assert_int_equal(life.state, SERVER_ACTIVE);
	assert_int_equal(life.launched_at, 9);
	assert_int_equal(life.generation, 5); /* nothing new is wanted */
	/* Saying it again changes nothing. */
	assert_false(server_life_report(&life, REPORT_RUNNING, 10, &lost));
}

static void test_failed_build(void **unused)
{
	struct server_life life = life_in(SERVER_SPAWNING);
	bool lost;

	(void)unused;
	assert_true(server_life_report(&life, REPORT_FAILED, 9, &lost));
	assert_int_equal(life.state, SERVER_ERROR);
	assert_true(life.has_host); /* its claims stay until it is deleted */
	/* A host that makes it after all is believed. */
	assert_true(server_life_report(&life, REPORT_RUNNING, 10, &lost));
	assert_int_equal(life.state, SERVER_ACTIVE);
}

static void test_stop_start(void **unused)
{
	struct server_life life = life_in(SERVER_ACTIVE);
	struct error err;
	bool lost;

	(void)unused;
	assert_true(server_move(&life, SERVER_POWERING_OFF, &err));
	assert_int_equal(life.want, WANT_STOPPED);
	assert_int_equal(life.generation, 6);
	assert_false(server_life_report(&life, REPORT_RUNNING, 9, &lost)); /* not there yet */
	assert_true(server_life_report(&life, REPORT_STOPPED, 9, &lost));
	assert_int_equal(life.state, SERVER_STOPPED);
	assert_true(server_move(&life, SERVER_POWERING_ON, &err));
	assert_int_equal(life.generation, 7);
	assert_false(server_life_report(&life, REPORT_STOPPED, 9, &lost));
	assert_true(server_life_report(&life, REPORT_RUNNING, 9, &lost));
	assert_int_equal(life.state, SERVER_ACTIVE);
	assert_int_equal(life.launched_at, 77);
}

static void test_guest_ends_by_itself(void **unused)
{
	struct server_life life = life_in(SERVER_ACTIVE);
	bool lost;

	(void)unused;
	assert_true(server_life_report(&life, REPORT_STOPPED, 9, &lost));
	assert_int_equal(life.state, SERVER_STOPPED);
	assert_int_equal(life.want, WANT_STOPPED); /* and the host is told that this is fine */
	assert_int_equal(life.generation, 6);
}

static void test_reboot(void **unused)
{
	struct server_life life = life_in(SERVER_ACTIVE);
	struct error err;
	bool lost;

	(void)unused;
	assert_true(server_move(&life, SERVER_REBOOT_OFF, &err));
	assert_true(server_life_report(&life, REPORT_STOPPED, 9, &lost));
	assert_int_equal(life.state, SERVER_REBOOT_ON);
	assert_int_equal(life.want, WANT_RUNNING);
	assert_int_equal(life.generation, 7);
	assert_true(server_life_report(&life, REPORT_RUNNING, 9, &lost));
	assert_int_equal(life.state, SERVER_ACTIVE);
}

static void test_delete_from_anywhere(void **unused)
{
	struct error err;

	(void)unused;
	for (int i = SERVER_SPAWNING; i < SERVER_BUILDING_DELETING; i++) {
		struct server_life life = life_in(i);

		assert_true(server_move(&life, server_deleting(i), &err));
		assert_true(server_is_deleting(life.state));
		assert_int_equal(life.want, WANT_ABSENT);
		assert_int_equal(life.generation, 6);
		/* The vm_state that is shown stays. */
		assert_string_equal(server_state_info(life.state)->vm_state, server_state_info(i)->vm_state);
	}
}

static void test_failed_removal(void **unused)
{
	struct server_life life = life_in(SERVER_ACTIVE_DELETING);
	bool lost;

	(void)unused;
	assert_false(server_life_report(&life, REPORT_RUNNING, 9, &lost));
	assert_true(server_life_report(&life, REPORT_FAILED, 9, &lost));
	assert_int_equal(life.state, SERVER_ERROR_DELETING);
	assert_int_equal(life.want, WANT_ABSENT);
	assert_int_equal(life.generation, 5); /* the host goes on trying */
}

static void test_lost(void **unused)
{
	struct server_life life = life_in(SERVER_ACTIVE);
	bool lost;

	(void)unused;
	assert_true(server_life_report(&life, REPORT_GONE, 9, &lost));
	assert_true(lost);
	assert_int_equal(life.state, SERVER_ERROR);
	assert_int_equal(life.want, WANT_ABSENT); /* not built anew in silence */
	assert_int_equal(life.generation, 6);
	assert_false(server_life_report(&life, REPORT_GONE, 9, &lost));
	assert_false(server_life_report(&life, REPORT_RUNNING, 9, &lost));
}

static void test_refused_moves(void **unused)
{
	struct server_life life = life_in(SERVER_STOPPED), before = life;
	struct error err;

	(void)unused;
	assert_false(server_move(&life, SERVER_POWERING_OFF, &err));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	assert_memory_equal(&life, &before, sizeof life);
	/* ACTIVE without ever having run breaks the invariant though the table allows the move. */
	life = life_in(SERVER_SPAWNING);
	assert_false(server_move(&life, SERVER_ACTIVE, &err));
	/* So does leaving SCHEDULING without a host. */
	life = life_in(SERVER_SCHEDULING);
	life.has_host = false;
	assert_false(server_move(&life, SERVER_SPAWNING, &err));
	assert_true(server_move(&life, SERVER_ERROR, &err));
	for (int i = SERVER_BUILDING_DELETING; i < SERVER_STATE_COUNT; i++)
		assert_false(server_may_move(i, SERVER_ACTIVE));
}

static void test_live_migration(void **unused)
{
	struct server_life life = life_in(SERVER_ACTIVE);
	struct error err;
	bool lost;

	(void)unused;
	assert_true(server_move(&life, SERVER_LIVE_PREPARING, &err));
	assert_int_equal(life.generation, 5);
	assert_int_equal(life.want, WANT_RUNNING);
	/* What a host says of it is the move's affair, until it ends. */
	assert_false(server_life_report(&life, REPORT_RUNNING, 9, &lost));
	assert_true(server_move(&life, SERVER_LIVE_LEAVING, &err));
	assert_int_equal(life.generation, 6);
	assert_int_equal(life.want, WANT_LEAVING);
	assert_false(server_life_report(&life, REPORT_LEFT, 9, &lost));
	assert_false(server_life_report(&life, REPORT_STOPPED, 9, &lost));
	assert_true(server_move(&life, SERVER_LIVE_STAYING, &err));
	assert_int_equal(life.generation, 7);
	assert_false(server_move(&life, SERVER_LIVE_LEAVING, &err));
	assert_false(server_move(&life, SERVER_POWERING_OFF, &err));
	assert_true(server_move(&life, SERVER_ACTIVE, &err));
	assert_int_equal(life.generation, 8);
	assert_int_equal(life.want, WANT_RUNNING);
}

static void test_filters(void **unused)
{
	char text[SERVER_STATES_TEXT];

	(void)unused;
	server_states_of_status("active", text);
	assert_string_equal(text,
			    "|active|powering-off|snapshot|shelving|pausing|suspending|active-deleting|");
	server_states_of_status("NOPE", text);
	assert_string_equal(text, "");
	server_states_of_vm_state("stopped", text);
	assert_string_equal(
		text, "|stopped|powering-on|resize-migrating-off|resize-finish-off|snapshot-off|shelving-off|"
		      "stopped-rebuild|stopped-deleting|");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts_are_distinct),
		cmocka_unit_test(test_build),
		cmocka_unit_test(test_failed_build),
		cmocka_unit_test(test_stop_start),
		cmocka_unit_test(test_guest_ends_by_itself),
		cmocka_unit_test(test_reboot),
		cmocka_unit_test(test_delete_from_anywhere),
		cmocka_unit_test(test_failed_removal),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_refused_moves),
		cmocka_unit_test(test_live_migration),
		cmocka_unit_test(test_filters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
