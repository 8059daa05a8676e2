/* The steps of a live migration, as reports of the two hosts lead to them. */
#include "compute/agent.h"
#include "compute/live.h"
#include "compute/move_step.h"
#include "compute/server_place.h"

#include "base/log.h"

#include <string.h>

/* Is it the move's still?  One that is in ERROR because nobody said anything goes on when somebody does. */
static bool is_open(const struct server *server)
{
	return move_is_live(server->life.state) || server->life.state == SERVER_ERROR;
}

static bool save(struct store *db, struct server *server, enum server_state next, struct error *err)
{
	return server_move(&server->life, next, err) && server_save(db, server, err);
}

/* --- the ends --- */

/* The guest is the source's, in this state; what the target has prepared goes. */
static bool abandon(struct store *db, struct server *server, struct move *move, enum server_state next,
		    const char *why, bool cancelled, struct error *err)
{
	if (cancelled)
		log_info("server %s stays on %s: %s", server->id, server->host_name, why);
	else
		log_warning("server %s stays on %s: %s", server->id, server->host_name, why);
	return (cancelled || server_set_fault(db, server->id, "Live migration failed.", why, err)) &&
	       server_action_end(db, server->id, true, err) &&
	       network_ports_unbind_ahead(db, server->id, move->target.host, err) &&
	       move_set_phase(db, move, cancelled ? MOVE_CANCELLED : move->phase, !cancelled, err) &&
	       (*move->other_host_id ? move_other_want(db, move, move->other_host_id, "absent", -1, err)
				     : move_close(db, move, err)) &&
	       save(db, server, next, err);
}

/* The target has the guest, or had it when it ended: server and move change places. */
static bool turn(struct store *db, struct server *server, struct move *move, bool runs, struct error *err)
{
	char source[sizeof server->host_name];

	snprintf(source, sizeof source, "%s", server->host_name);
	server->life.generation++;
	return move_other_want(db, move, move->source.host_id, "absent", server->life.generation, err) &&
	       move_change_places(db, server, move, &move->target, err) &&
	       network_ports_unbind_ahead(db, server->id, source, err) &&
	       move_set_phase(db, move, MOVE_FINISHING, false, err) &&
	       save(db, server, runs ? SERVER_ACTIVE : SERVER_STOPPED, err) &&
	       server_action_end(db, server->id, false, err);
}

bool live_other_clean(struct store *db, struct move *move, struct error *err)
{
	bool turned = strcmp(move->other_host_id, move->source.host_id) == 0;

	return (!turned || move_set_phase(db, move, MOVE_COMPLETED, false, err)) && move_close(db, move, err);
}

/* --- the source --- */

static bool facts_keep(struct store *db, const struct move *move, yyjson_val *facts, struct error *err)
{
	_cleanup_free_ char *json = yyjson_val_write(facts, 0, NULL);

	return store_exec(db, err, "UPDATE server_move SET facts = ?2 WHERE uuid = ?1",
			  V((const char *)move->uuid), V(json));
}

static bool source_is_ready(struct store *db, struct server *server, struct move *move, yyjson_val *facts,
			    const char *fault, struct error *err)
{
	if (*move->other_host_id)
		return true; /* said once more */
	if (!facts)
		return abandon(db, server, move, SERVER_ACTIVE,
			       fault ? fault : "The host's agent does not know live migration.", false, err);
	return facts_keep(db, move, facts, err) &&
	       move_other_want(db, move, move->target.host_id, "incoming", server->life.generation, err);
}

/* `left`: the source is sure that the guest has got there. */
static bool ask_target(struct store *db, struct move *move, bool left, struct error *err)
{
	if (left && move->phase != MOVE_FINISHING && !move_set_phase(db, move, MOVE_FINISHING, false, err))
		return false;
	return strcmp(move->other_want, "arrived") == 0 ||
	       move_other_want(db, move, move->target.host_id, "arrived", -1, err);
}

static bool report_running_phase(struct store *db, struct server *server, struct move *move,
				 enum server_report report, const char *fault, struct error *err)
{
	bool staying = server->life.want == WANT_STAYING;

	switch (report) {
	case REPORT_LEFT:
		return ask_target(db, move, true, err);
	case REPORT_STOPPED:
	case REPORT_GONE:
		return store_exec(db, err, "UPDATE server_move SET source_ended = 1 WHERE uuid = ?1",
				  V((const char *)move->uuid)) &&
		       ask_target(db, move, false, err);
	case REPORT_RUNNING:
		/* What it said before it was told to go is not meant: that has another generation. */
		return abandon(db, server, move, SERVER_ACTIVE,
			       fault	 ? fault
			       : staying ? "It was told to stay."
					 : "The host gave no reason.",
			       staying && !fault, err);
	default:
		return true;
	}
}

bool live_report(struct store *db, struct server *server, struct move *move, enum server_report report,
		 const char *fault, yyjson_val *facts, bool *taken, struct error *err)
{
	*taken = is_open(server) && strcmp(server->host_id, move->source.host_id) == 0 &&
		 !(*move->other_host_id && strcmp(move->other_want, "absent") == 0);
	if (!*taken)
		return true;
	if (move->phase == MOVE_RUNNING)
		return report_running_phase(db, server, move, report, fault, err);
	if (move->phase != MOVE_PREPARING)
		return true;
	if (report == REPORT_RUNNING)
		return source_is_ready(db, server, move, facts, fault, err);
	if (report != REPORT_STOPPED && report != REPORT_GONE && report != REPORT_FAILED)
		return true;
	/* What it is now is as with any other server. */
	*taken = false;
	return server->life.state == SERVER_ERROR ||
	       abandon(db, server, move, SERVER_ACTIVE, "The guest has ended.", false, err);
}

/* --- the target --- */

static bool target_is_ready(struct store *db, struct server *server, struct move *move, struct error *err)
{
	if (move->phase != MOVE_PREPARING || server->life.state != SERVER_LIVE_PREPARING)
		return true;
	return move_set_phase(db, move, MOVE_RUNNING, false, err) &&
	       save(db, server, SERVER_LIVE_LEAVING, err);
}

/* Neither host has the guest: it ended on its way.  Where it was last is where its disk is good.  A source
 * that was asked about because it was down has not said anything, and has it as far as anybody knows; whether
 * it is up again by now does not matter. */
static bool target_has_none(struct store *db, struct server *server, struct move *move, struct error *err)
{
	if (move->phase == MOVE_FINISHING)
		return turn(db, server, move, false, err);
	if (!move->source_ended)
		return abandon(db, server, move, SERVER_ACTIVE,
			       "The host went down before the guest had left it.", false, err);
	return abandon(db, server, move, SERVER_STOPPED, "The guest ended before it got to the other host.",
		       false, err);
}

bool live_report_target(struct store *db, struct server *server, struct move *move, enum server_report report,
			int64_t generation, const char *fault, struct error *err)
{
	bool asked = strcmp(move->other_want, "arrived") == 0;

	if (!is_open(server) || generation != move->other_generation ||
	    strcmp(server->host_id, move->source.host_id) != 0)
		return true;
	switch (report) {
	case REPORT_INCOMING:
		return target_is_ready(db, server, move, err);
	case REPORT_FAILED:
		return move->phase != MOVE_PREPARING ||
		       abandon(db, server, move, SERVER_ACTIVE, fault ? fault : "The host gave no reason.",
			       false, err);
	case REPORT_RUNNING:
		return !asked || turn(db, server, move, true, err);
	case REPORT_STOPPED:
		return !asked || target_has_none(db, server, move, err);
	default:
		return true;
	}
}

/* --- users and clocks --- */

bool live_cancel(struct store *db, struct server *server, struct move *move, struct error *err)
{
	if (move->phase == MOVE_PREPARING)
		return abandon(db, server, move, SERVER_ACTIVE, "It was told to stay.", true, err);
	return server->life.state == SERVER_LIVE_STAYING || save(db, server, SERVER_LIVE_STAYING, err);
}

bool live_complete(struct store *db, struct server *server, struct move *move, struct error *err)
{
	return store_exec(db, err, "UPDATE server_move SET complete = 1 WHERE uuid = ?1",
			  V((const char *)move->uuid)) &&
	       server_touch(db, server, err);
}

static bool is_up(struct store *db, const char *host_id, bool *up, struct error *err)
{
	struct scheduler_host host;

	if (!scheduler_host_load(db, host_id, &host, err))
		return false;
	*up = host.up;
	return true;
}

/* A guest whose source is down may have got to the target, which is asked; one that has got to a target that
 * is down is that host's, from where it can be evacuated. */
bool live_watch(struct store *db, struct server *server, struct move *move, struct error *err)
{
	bool source_up, target_up;

	if (!is_open(server) || strcmp(server->host_id, move->source.host_id) != 0 ||
	    strcmp(move->other_want, "absent") == 0)
		return true;
	if (!is_up(db, move->source.host_id, &source_up, err) ||
	    !is_up(db, move->target.host_id, &target_up, err))
		return false;
	if (move->phase == MOVE_PREPARING && !(source_up && target_up))
		return abandon(db, server, move, SERVER_ACTIVE, "One of the hosts went down meanwhile.",
			       false, err);
	if (move->phase == MOVE_RUNNING && !source_up)
		return ask_target(db, move, false, err);
	return move->phase != MOVE_FINISHING || target_up || turn(db, server, move, true, err);
}

bool live_too_late(struct store *db, struct server *server, struct move *move, struct error *err)
{
	static const char why[] = "The live migration did not end within [penstock] move_timeout.";

	if (move->phase == MOVE_PREPARING && is_open(server))
		return abandon(db, server, move, SERVER_ACTIVE, why, false, err);
	if (move->phase == MOVE_RUNNING && server->life.state == SERVER_LIVE_LEAVING)
		return move_set_phase(db, move, move->phase, false, err) &&
		       save(db, server, SERVER_LIVE_STAYING, err);
	/* One of the hosts does not say whether it has the guest; it is believed when it does. */
	if (move_is_live(server->life.state))
		return move_set_phase(db, move, move->phase, true, err) &&
		       save(db, server, SERVER_ERROR, err) && agent_report_fault(db, server, why, err) &&
		       server_action_end(db, server->id, true, err);
	return move_set_phase(db, move, move->phase, move->failed,
			      err); /* the other host is still to clean up */
}
