/* Transitional states that last too long: the server is an ERROR that says so, whatever its host is doing.
 * Builds (server_retry.c) and moves (move_report.c) have deadlines of their own. */
#include "compute/late.h"

#include "base/deliberate.h"
#include "compute/agent.h"
#include "compute/server.h"

#include <string.h>

#define AT_ONCE 100

/* What sends a disk, or fetches one, takes as long as a move. */
static bool moves_disk(enum server_state state)
{
	static const char *const tasks[] = {"image_snapshot", "shelving_image_uploading", "unshelving",
					    "spawning",	      "rebuild_spawning",	  "rebuilding"};
	const char *task = server_state_info(state)->task_state;

	for (size_t i = 0; i < ELEMENTS_OF(tasks); i++) {
		if (strcmp(task, tasks[i]) == 0)
			return true;
	}
	return false;
}

static bool goes_on(enum server_state state)
{
	return state == SERVER_ERROR_DELETING || state == SERVER_OFFLOADING;
}

static bool has_deadline(enum server_state state)
{
	const struct server_state_info *info = server_state_info(state);

	/* A deletion that is late is ERROR_DELETING, and goes on.  A host that was told to let a shelved
	 * server go has its devices until it says so.  Both only get a reason (goes_on()). */
	return !deliberate_bug(5) && info->task_state && state != SERVER_SCHEDULING &&
	       state != SERVER_SPAWNING && !goes_on(state) && strcmp(info->status, "RESIZE") != 0 &&
	       strcmp(info->status, "REVERT_RESIZE") != 0 && strcmp(info->status, "MIGRATING") != 0;
}

static void describe(const struct server *server, const char *option, int64_t limit, char why[400])
{
	snprintf(why, 400,
		 "The host %.64s did not finish \"%s\" within [penstock] %s (%lld s). When it has done it "
		 "after "
		 "all, the server is as it was to be.",
		 server->host_name, server_state_info(server->life.state)->task_state, option,
		 (long long)(limit / TIME_SECOND));
}

static bool fail(struct store *db, const char *id, const char *option, int64_t limit, struct error *err)
{
	struct server server;
	char why[400];

	if (!server_load(db, id, NULL, &server, err))
		return false;
	describe(&server, option, limit, why);
	if (goes_on(server.life.state))
		return agent_report_fault(db, &server, why, err) &&
		       server_action_end(db, server.id, true, err);
	return agent_report_failed(db, &server, why, err);
}

struct late {
	size_t count;
	char ids[AT_ONCE][37];
};

static bool late_keep(struct store_rows *rows, struct late *late, struct error *err)
{
	while (store_next(rows))
		snprintf(late->ids[late->count++], sizeof late->ids[0], "%s", store_text(rows, 0));
	return store_end(rows, err);
}

static bool late_query(struct store *db, const char *states, int64_t before, struct late *late,
		       struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err,
			 "SELECT id FROM server WHERE state IN (SELECT value FROM json_each(?1))"
			 " AND state_since < ?2 LIMIT ?3",
			 V(states), V(before), V(AT_ONCE)))
		return false;
	return late_keep(&rows, late, err);
}

/* What goes on, and of which nothing was said yet since it began. */
static bool going_on_query(struct store *db, int64_t before, struct late *late, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err,
			 "SELECT id FROM server WHERE state IN (?1, ?2) AND state_since < ?3"
			 " AND coalesce(fault_at, 0) < state_since LIMIT ?4",
			 V(server_state_info(SERVER_ERROR_DELETING)->text),
			 V(server_state_info(SERVER_OFFLOADING)->text), V(before), V(AT_ONCE)))
		return false;
	return late_keep(&rows, late, err);
}

static bool fail_all(struct store *db, const struct late *late, const char *option, int64_t limit,
		     struct error *err)
{
	for (size_t i = 0; i < late->count; i++) {
		if (!fail(db, late->ids[i], option, limit, err))
			return false;
	}
	return true;
}

/* `disk`: those that move one, and no others.  limit 0: none. */
static bool late_of(struct store *db, bool disk, const char *option, int64_t limit, struct error *err)
{
	_cleanup_(text_done) struct text states = {0};
	struct late late = {0};

	for (int state = 0; state < SERVER_STATE_COUNT; state++) {
		if (has_deadline(state) && moves_disk(state) == disk)
			text_addf(&states, "%s\"%s\"", states.length ? "," : "[",
				  server_state_info(state)->text);
	}
	text_add(&states, "]");
	if (limit > 0 && !late_query(db, states.data, sys_now() - limit, &late, err))
		return false;
	return fail_all(db, &late, option, limit, err);
}

static bool late_going_on(struct store *db, int64_t limit, struct error *err)
{
	struct late late = {0};

	return limit <= 0 || (going_on_query(db, sys_now() - limit, &late, err) &&
			      fail_all(db, &late, "action_timeout", limit, err));
}

bool late_housekeeping(struct store *db, struct error *err)
{
	return late_of(db, false, "action_timeout", compute_settings.action_timeout, err) &&
	       late_of(db, true, "move_timeout", compute_settings.move_timeout, err) &&
	       late_going_on(db, compute_settings.action_timeout, err);
}
