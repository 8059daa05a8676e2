/* What hosts say of servers on their way, what they are told of them, and moves that take too long. */
#include "base/log.h"
#include "compute/agent.h"
#include "compute/compute.h"
#include "compute/live.h"
#include "compute/move_step.h"
#include "image/image.h"

#include <string.h>

/* --- the host that the server's row names --- */

/* In a part of the transaction of its own: what cannot be done is undone, and *why says what. */
typedef bool move_step(struct store *db, struct server *server, struct move *move, struct error *err);

static bool try_step(struct store *db, move_step *step, struct server *server, struct move *move, bool *done,
		     struct error *why, struct error *err)
{
	struct server before = *server;

	if (!store_savepoint_begin(db, err))
		return false;
	*done = step(db, server, move, why);
	if (*done)
		return store_savepoint_keep(db, err);
	store_savepoint_undo(db);
	*server = before;
	if (why->kind < ERROR_INTERNAL)
		return true;
	*err = *why;
	return false;
}

static bool disk_came(struct store *db, const struct move *move)
{
	struct image image;
	struct error ignored;

	return !*move->image_id || (image_load(db, move->image_id, NULL, &image, &ignored) &&
				    strcmp(image.status, "active") == 0);
}

static bool source_stopped(struct store *db, struct server *server, struct move *move, const char *fault,
			   struct error *err)
{
	struct error why = {0};
	bool done;

	if (!disk_came(db, move))
		return move_abandon(db, server, move,
				    fault ? fault : "The host did not send the disk of the server.", err);
	if (!try_step(db, move_turn, server, move, &done, &why, err))
		return false;
	return done || move_abandon(db, server, move, why.message, err);
}

/* It is in ERROR; the move stays open, so that it can be reverted, or go on if the host makes it after all.
 */
static bool fail(struct store *db, struct server *server, struct move *move, const char *fault,
		 struct error *err)
{
	return move_set_phase(db, move, move->phase, true, err) &&
	       server_move(&server->life, SERVER_ERROR, err) && server_save(db, server, err) &&
	       agent_report_fault(db, server, fault, err) && server_action_end(db, server->id, true, err);
}

static bool target_made_it(struct store *db, struct server *server, struct move *move, bool runs,
			   struct error *err)
{
	bool across = *move->image_id;

	server->life.launched_at = sys_now();
	return (!across ||
		(move_drop_image(db, move, err) && server_order_disk(db, server->id, NULL, err))) &&
	       move_set_phase(db, move, MOVE_FINISHED, false, err) &&
	       server_move(&server->life, runs ? SERVER_RESIZED : SERVER_RESIZED_OFF, err) &&
	       server_save(db, server, err) && server_action_end(db, server->id, false, err);
}

static bool turn_back(struct store *db, struct server *server, struct move *move, struct error *err)
{
	struct error why = {0};
	bool done;

	return try_step(db, move_turn_back, server, move, &done, &why, err) &&
	       (done || fail(db, server, move, why.message, err));
}

static bool source_made_it(struct store *db, struct server *server, struct move *move, bool runs,
			   struct error *err)
{
	return move_set_phase(db, move, MOVE_REVERTED, false, err) && move_close(db, move, err) &&
	       server_order_disk(db, server->id, NULL, err) &&
	       server_move(&server->life, runs ? SERVER_ACTIVE : SERVER_STOPPED, err) &&
	       server_save(db, server, err) && server_action_end(db, server->id, false, err);
}

static bool report_migrating(struct store *db, struct server *server, struct move *move,
			     enum server_report report, const char *fault, struct error *err)
{
	if (report == REPORT_STOPPED)
		return source_stopped(db, server, move, fault, err);
	return report != REPORT_FAILED ||
	       move_abandon(db, server, move, fault ? fault : "The host gave no reason.", err);
}

/* Has the host brought it to where it is wanted? */
static bool is_there(const struct server *server, enum server_report report)
{
	return report == REPORT_STOPPED || (report == REPORT_RUNNING && server->life.want == WANT_RUNNING);
}

static bool report_finishing(struct store *db, struct server *server, struct move *move,
			     enum server_report report, const char *fault, struct error *err)
{
	if (is_there(server, report))
		return target_made_it(db, server, move, report == REPORT_RUNNING, err);
	return report != REPORT_FAILED || server->life.state == SERVER_ERROR ||
	       fail(db, server, move, fault, err);
}

static bool report_reverting(struct store *db, struct server *server, struct move *move,
			     enum server_report report, const char *fault, struct error *err)
{
	if (server->life.state == SERVER_REVERTING_HERE)
		return report != REPORT_STOPPED || turn_back(db, server, move, err);
	if (is_there(server, report))
		return source_made_it(db, server, move, report == REPORT_RUNNING, err);
	return report != REPORT_FAILED || server->life.state == SERVER_ERROR ||
	       fail(db, server, move, fault, err);
}

/* Nothing of the server is on the host that its row names.  *taken: this was wanted. */
static bool report_gone(struct store *db, struct server *server, struct move *move, bool *taken,
			struct error *err)
{
	bool on_target = *move->image_id && strcmp(server->host_id, move->target.host_id) == 0;

	*taken = on_target && move->phase == MOVE_REVERTING;
	if (*taken)
		return turn_back(db, server, move, err);
	if (move->phase == MOVE_CONFIRMING)
		return true;
	/* Lost.  What the source keeps is there still; else there is nothing to go back to. */
	return move_set_phase(db, move, move->phase, true, err) && (on_target || move_close(db, move, err));
}

bool move_report(struct store *db, struct server *server, enum server_report report, const char *fault,
		 yyjson_val *facts, bool *taken, struct error *err)
{
	_cleanup_(move_done) struct move move = {0};

	*taken = false;
	if (!move_is_of(server->life.state) && server->life.state != SERVER_ERROR)
		return true;
	if (!move_find(db, server->id, &move, taken, err))
		return false;
	if (!*taken)
		return true;
	if (move.live)
		return live_report(db, server, &move, report, fault, facts, taken, err);
	if (report == REPORT_GONE)
		return report_gone(db, server, &move, taken, err);
	switch (move.phase) {
	case MOVE_MIGRATING:
		return report_migrating(db, server, &move, report, fault, err);
	case MOVE_FINISHING:
		return report_finishing(db, server, &move, report, fault, err);
	case MOVE_REVERTING:
		return report_reverting(db, server, &move, report, fault, err);
	default:
		*taken = false; /* a guest like any other */
		return true;
	}
}

/* --- the other host --- */

static bool source_is_clean(struct store *db, struct server *server, struct move *move, struct error *err)
{
	enum server_state state = server->life.state;

	if (move->live)
		return live_other_clean(db, move, err);
	if (move->phase == MOVE_CONFIRMING && !move_set_phase(db, move, MOVE_CONFIRMED, false, err))
		return false;
	if (!move_close(db, move, err))
		return false;
	if (state != SERVER_CONFIRMING && state != SERVER_CONFIRMING_OFF)
		return true;
	return server_move(&server->life, state == SERVER_CONFIRMING ? SERVER_ACTIVE : SERVER_STOPPED, err) &&
	       server_save(db, server, err) && server_action_end(db, server->id, false, err);
}

/* The target of a live migration has more to say than that it is clean. */
static bool report_live(struct store *db, struct move *move, enum server_report report, int64_t generation,
			const char *fault, struct error *err)
{
	struct server server;

	if (!server_load(db, move->server_id, NULL, &server, err))
		return err->kind == ERROR_NOT_FOUND;
	return live_report_target(db, &server, move, report, generation, fault, err);
}

bool move_report_other(struct store *db, const char *server_id, const char *host_id,
		       enum server_report report, int64_t generation, const char *fault, struct error *err)
{
	_cleanup_(move_done) struct move move = {0};
	struct server server;
	bool found;

	if (!move_find(db, server_id, &move, &found, err))
		return false;
	if (!found || strcmp(move.other_host_id, host_id) != 0)
		return true;
	if (move.live && strcmp(move.other_want, "absent") != 0)
		return report_live(db, &move, report, generation, fault, err);
	if (report != REPORT_GONE)
		return true;
	if (strcmp(move.other_want, "absent") != 0) {
		log_warning(
			"server %s: the host %s has lost what it had to keep: the move cannot be reverted",
			server_id, move.source.host);
		return scheduler_release(db, move.uuid, err) && move_other_gone(db, &move, err);
	}
	if (server_load(db, server_id, NULL, &server, err))
		return source_is_clean(db, &server, &move, err);
	return err->kind == ERROR_NOT_FOUND && move_close(db, &move, err) &&
	       store_exec(db, err, "DELETE FROM server_move WHERE server_id = ?1", V(server_id));
}

bool move_desired(struct store *db, const char *host_id, int64_t since, yyjson_mut_doc *doc,
		  yyjson_mut_val *servers, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err,
			 "SELECT server_id, other_generation, other_want, uuid, facts FROM server_move WHERE "
			 "other_host_id = ?1 AND (?2 = 0 OR other_revision > ?2)",
			 V(host_id), V(since)))
		return false;
	while (store_next(&rows)) {
		yyjson_mut_val *object = yyjson_mut_arr_add_obj(doc, servers);
		const char *want = store_text(&rows, 2);

		if (strcmp(want, "incoming") == 0 || strcmp(want, "arrived") == 0) {
			if (!live_desired_target(db, store_text(&rows, 0), store_text(&rows, 3),
						 store_int(&rows, 1), want, store_text(&rows, 4), doc, object,
						 err))
				return false;
			continue;
		}
		compute_add_text(doc, object, "id", store_text(&rows, 0));
		yyjson_mut_obj_add_int(doc, object, "generation", store_int(&rows, 1));
		compute_add_text(doc, object, "want", want);
	}
	return store_end(&rows, err);
}

bool move_server_removed(struct store *db, const char *server_id, struct error *err)
{
	_cleanup_(move_done) struct move move = {0};
	bool found;

	if (!move_find(db, server_id, &move, &found, err))
		return false;
	/* The other host goes on removing what it has, with its claim, whether or not there is a server. */
	if (found && *move.other_host_id)
		return move_drop_image(db, &move, err) && move_set_phase(db, &move, move.phase, true, err) &&
		       (strcmp(move.other_want, "absent") == 0 ||
			move_other_want(db, &move, move.other_host_id, "absent", -1, err));
	return (!found || move_close(db, &move, err)) &&
	       store_exec(db, err, "DELETE FROM server_move WHERE server_id = ?1", V(server_id));
}

/* --- deadlines --- */

static bool too_late(struct store *db, struct server *server, struct move *move, struct error *err)
{
	static const char why[] = "The move did not end within [penstock] move_timeout.";
	bool confirming =
		server->life.state == SERVER_CONFIRMING || server->life.state == SERVER_CONFIRMING_OFF;

	if (move->live)
		return live_too_late(db, server, move, err);
	/* The guest runs where it shall: what is left is the source's to remove. */
	if (confirming)
		return server_move(&server->life,
				   server->life.state == SERVER_CONFIRMING ? SERVER_ACTIVE : SERVER_STOPPED,
				   err) &&
		       server_save(db, server, err) && server_action_end(db, server->id, true, err) &&
		       move_set_phase(db, move, MOVE_CONFIRMING, false, err);
	if (!move_is_of(server->life.state))
		return move_set_phase(db, move, move->phase, true, err);
	if (!fail(db, server, move, why, err))
		return false;
	/* The target has not been told anything yet. */
	return move->phase != MOVE_MIGRATING ||
	       (server_order_disk(db, server->id, NULL, err) && move_close(db, move, err));
}

static bool confirm_now(struct store *db, struct server *server, struct move *move, struct error *err)
{
	bool finished = server->life.state == SERVER_RESIZED || server->life.state == SERVER_RESIZED_OFF;

	return !finished || move_confirm(db, server, move, err);
}

#define AT_ONCE 100 /* a few at a time: the writer serves others too */

static bool each_since(struct store *db, const char *sql, int64_t before, move_step *step, struct error *err)
{
	char late[AT_ONCE][37];
	size_t count = 0;
	struct store_rows rows;

	if (!store_query(db, &rows, err, sql, V(before), V(AT_ONCE)))
		return false;
	while (store_next(&rows))
		snprintf(late[count++], sizeof *late, "%s", store_text(&rows, 0));
	bool ok = store_end(&rows, err);
	for (size_t i = 0; ok && i < count; i++) {
		_cleanup_(move_done) struct move move = {0};
		struct server server;
		bool found;

		if (!server_load(db, late[i], NULL, &server, err)) {
			ok = err->kind == ERROR_NOT_FOUND;
			continue;
		}
		ok = move_find(db, late[i], &move, &found, err) && (!found || step(db, &server, &move, err));
	}
	return ok;
}

bool move_housekeeping(struct store *db, struct error *err)
{
	int64_t now = sys_now();

	if (!each_since(db,
			"SELECT server_id FROM server_move WHERE open = 1 AND type = 'live-migration' AND phase IN "
			"('preparing', 'running', 'post-migrating') AND phase_at < ?1 LIMIT ?2",
			now, live_watch, err))
		return false;
	if (compute_settings.move_timeout > 0 &&
	    !each_since(db,
			"SELECT server_id FROM server_move WHERE open = 1 AND failed = 0 AND phase IN "
			"('migrating', 'post-migrating', 'confirming', 'reverting', 'preparing', 'running') "
			"AND phase_at < ?1 LIMIT ?2",
			now - compute_settings.move_timeout, too_late, err))
		return false;
	return compute_settings.confirm_window == 0 ||
	       each_since(db,
			  "SELECT server_id FROM server_move WHERE open = 1 AND phase = 'finished' AND "
			  "phase_at < "
			  "?1 LIMIT ?2",
			  now - compute_settings.confirm_window, confirm_now, err);
}
