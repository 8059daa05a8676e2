/* The rows of moves, and the steps of a move: changing places, going back, the end. */
#include "compute/move.h"

#include "compute/move_step.h"
#include "compute/server_interface.h"
#include "compute/server_place.h"
#include "image/image.h"

#include <string.h>

/* --- the row --- */

static const char *const phases[] = {
#define P(name, text) [MOVE_##name] = text,
	MOVE_PHASES(P)
#undef P
};

#define MOVE_COLUMNS \
	"number, uuid, server_id, phase, failed, was_off, ifnull(image_id, ''), source_host_id, " \
	"source_host, " \
	"source_zone, source_flavor_id, source_flavor, ifnull(target_host_id, ''), ifnull(target_host, " \
	"''), " \
	"ifnull(target_zone, ''), target_flavor_id, target_flavor, ifnull(other_host_id, ''), " \
	"ifnull(other_want, ''), type = 'live-migration', other_generation, source_ended"

#define COPY(field, column) snprintf(field, sizeof(field), "%s", store_text(rows, column))

static enum move_phase phase_parse(const char *text)
{
	for (size_t i = 0; i < ELEMENTS_OF(phases); i++) {
		if (strcmp(phases[i], text) == 0)
			return (enum move_phase)i;
	}
	return MOVE_REVERTED;
}

static void side_read(struct store_rows *rows, int column, struct move_side *side)
{
	COPY(side->host_id, column);
	COPY(side->host, column + 1);
	COPY(side->zone, column + 2);
	COPY(side->flavor_id, column + 3);
	side->flavor = memory_copy_text(store_text(rows, column + 4));
}

void move_done(struct move *move)
{
	free(TAKE_PTR(move->source.flavor));
	free(TAKE_PTR(move->target.flavor));
}

bool move_find(struct store *db, const char *server_id, struct move *move, bool *found, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows cursor = {0};
	struct store_rows *rows = &cursor;

	*move = (struct move){0};
	if (!store_query(db, rows, err,
			 "SELECT " MOVE_COLUMNS " FROM server_move WHERE server_id = ?1 AND open = 1",
			 V(server_id)))
		return false;
	if ((*found = store_next(rows))) {
		move->number = store_int(rows, 0);
		COPY(move->uuid, 1);
		COPY(move->server_id, 2);
		move->phase = phase_parse(store_text(rows, 3));
		move->failed = store_int(rows, 4);
		move->was_off = store_int(rows, 5);
		COPY(move->image_id, 6);
		side_read(rows, 7, &move->source);
		side_read(rows, 12, &move->target);
		COPY(move->other_host_id, 17);
		COPY(move->other_want, 18);
		move->live = store_int(rows, 19);
		move->other_generation = store_int(rows, 20);
		move->source_ended = store_int(rows, 21);
	}
	return store_end(rows, err);
}

bool move_check_none(struct store *db, const char *server_id, struct error *err)
{
	_cleanup_(move_done) struct move move = {0};
	bool found;

	if (!move_find(db, server_id, &move, &found, err))
		return false;
	return !found ||
	       error_set(err, ERROR_CONFLICT,
			 "Instance %s has a move that is not over: the host %s has not removed what it "
			 "has of it.",
			 server_id, *move.other_host_id ? move.source.host : move.target.host);
}

bool move_check_settled(struct store *db, const char *server_id, struct error *err)
{
	_cleanup_free_ struct server_interface *list = NULL;
	size_t count;

	if (!move_check_none(db, server_id, err) ||
	    !server_interfaces_load(db, server_id, &list, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (list[i].change != INTERFACE_NONE)
			return error_set(
				err, ERROR_CONFLICT,
				"Port %s is being attached to instance %s or detached from it: wait until "
				"that is done.",
				list[i].port_id, server_id);
	}
	return true;
}

bool move_insert(struct http_request *request, const struct move *move, const char *type, struct error *err)
{
	const struct move_side *from = &move->source, *to = &move->target;

	return store_exec(
		request->db, err,
		"INSERT INTO server_move (uuid, server_id, user_id, project_id, type, phase, open, was_off, "
		"image_id, source_host_id, source_host, source_zone, source_flavor_id, source_flavor, "
		"target_host_id, target_host, target_zone, target_flavor_id, target_flavor, created_at, "
		"updated_at, phase_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?8, ?9, ?10, ?11, ?12, "
		"?13, "
		"?14, ?15, ?16, ?17, ?18, ?19, ?19, ?19)",
		V((const char *)move->uuid), V((const char *)move->server_id), V(request->auth->user_id),
		V(request->auth->project_id), V(type), V(phases[move->phase]), V(move->was_off),
		V(*move->image_id ? (const char *)move->image_id : NULL), V((const char *)from->host_id),
		V((const char *)from->host), V((const char *)from->zone), V((const char *)from->flavor_id),
		V(from->flavor), V((const char *)to->host_id), V((const char *)to->host),
		V((const char *)to->zone), V((const char *)to->flavor_id), V(to->flavor), V(sys_now()));
}

bool move_insert_refused(struct http_request *request, const struct server *server, const char *type,
			 struct error *err)
{
	char uuid[SYS_UUID_SIZE];

	return store_exec(
		request->db, err,
		"INSERT INTO server_move (uuid, server_id, user_id, project_id, type, phase, failed, open, "
		"was_off, source_host_id, source_host, source_zone, source_flavor_id, source_flavor, "
		"target_flavor_id, target_flavor, created_at, updated_at, phase_at) "
		"SELECT ?2, id, ?3, ?4, ?5, 'migrating', 1, 0, 0, host_id, host_name, availability_zone, "
		"flavor_id, flavor, flavor_id, flavor, ?6, ?6, ?6 FROM server WHERE id = ?1",
		V((const char *)server->id), V((const char *)sys_uuid(uuid)), V(request->auth->user_id),
		V(request->auth->project_id), V(type), V(sys_now()));
}

bool move_insert_evacuation(struct http_request *request, const struct server *before,
			    const struct server *after, struct error *err)
{
	char uuid[SYS_UUID_SIZE];

	return store_exec(
		request->db, err,
		"INSERT INTO server_move (uuid, server_id, user_id, project_id, type, phase, open, was_off, "
		"source_host_id, source_host, source_zone, source_flavor_id, source_flavor, target_host_id, "
		"target_host, target_zone, target_flavor_id, target_flavor, created_at, updated_at, "
		"phase_at) "
		"SELECT ?2, id, ?3, ?4, 'evacuation', 'accepted', 0, 0, ?5, ?6, '', flavor_id, flavor, ?7, "
		"?8, "
		"availability_zone, flavor_id, flavor, ?9, ?9, ?9 FROM server WHERE id = ?1",
		V((const char *)after->id), V((const char *)sys_uuid(uuid)), V(request->auth->user_id),
		V(request->auth->project_id), V(before->host_id), V(before->host_name),
		V((const char *)after->host_id), V((const char *)after->host_name), V(sys_now()));
}

bool move_evacuation_built(struct store *db, const char *server_id, bool failed, struct error *err)
{
	return store_exec(
		db, err,
		"UPDATE server_move SET phase = 'done', failed = ?2, updated_at = ?3 WHERE server_id = ?1 "
		"AND type = 'evacuation' AND phase = 'accepted'",
		V(server_id), V(failed), V(sys_now()));
}

bool move_evacuation_cleaned(struct store *db, const char *server_id, const char *host_id, struct error *err)
{
	return store_exec(db, err,
			  "UPDATE server_move SET phase = 'completed', updated_at = ?3 WHERE server_id = ?1 "
			  "AND type = 'evacuation' AND source_host_id = ?2 AND failed = 0",
			  V(server_id), V(host_id), V(sys_now()));
}

bool move_set_phase(struct store *db, struct move *move, enum move_phase phase, bool failed,
		    struct error *err)
{
	move->phase = phase;
	move->failed = failed;
	return store_exec(db, err,
			  "UPDATE server_move SET phase = ?2, failed = ?3, updated_at = ?4, phase_at = ?4 "
			  "WHERE uuid = ?1",
			  V((const char *)move->uuid), V(phases[phase]), V(failed), V(sys_now()));
}

bool move_close(struct store *db, struct move *move, struct error *err)
{
	return scheduler_release(db, move->uuid, err) && move_drop_image(db, move, err) &&
	       store_exec(db, err,
			  "UPDATE server_move SET open = 0, other_host_id = NULL, other_want = NULL, facts = "
			  "NULL, updated_at = ?2 WHERE uuid = ?1",
			  V((const char *)move->uuid), V(sys_now()));
}

bool move_drop_image(struct store *db, struct move *move, struct error *err)
{
	return !*move->image_id || image_discard(db, move->image_id, err);
}

/* --- the other host --- */

/* `generation`: one that this host has not seen of this server; -1: the next of those that the move counts.
 */
bool move_other_want(struct store *db, struct move *move, const char *host_id, const char *want,
		     int64_t generation, struct error *err)
{
	int64_t revision;

	if (host_id != move->other_host_id)
		snprintf(move->other_host_id, sizeof move->other_host_id, "%s", host_id);
	snprintf(move->other_want, sizeof move->other_want, "%s", want);
	return scheduler_host_touch(db, host_id, &revision, err) &&
	       store_exec(db, err,
			  "UPDATE server_move SET other_host_id = ?2, other_want = ?3, other_generation = "
			  "coalesce(?4, other_generation + 1), other_revision = ?5 WHERE uuid = ?1",
			  V((const char *)move->uuid), V(host_id), V(want), V_OPTIONAL(generation),
			  V(revision));
}

bool move_other_gone(struct store *db, struct move *move, struct error *err)
{
	*move->other_host_id = '\0';
	return store_exec(db, err,
			  "UPDATE server_move SET other_host_id = NULL, other_want = NULL WHERE uuid = ?1",
			  V((const char *)move->uuid));
}

/* --- the server's row --- */

bool server_order_disk(struct store *db, const char *server_id, const char *order, struct error *err)
{
	return store_exec(db, err, "UPDATE server SET disk_order = ?2 WHERE id = ?1", V(server_id), V(order));
}

bool server_order_fetch(struct store *db, const char *server_id, const char *image_id, struct error *err)
{
	_cleanup_free_ char *order = NULL;
	struct image image;

	if (!image_load(db, image_id, NULL, &image, err))
		return false;
	order = memory_printf(
		"{\"fetch\":{\"id\":\"%s\",\"disk_format\":\"%s\",\"container_format\":\"bare\","
		"\"size\":%lld,\"checksum\":\"%s\",\"sha512\":\"%s\",\"properties\":{}}}",
		image.id, image.disk_format, (long long)image.size, image.checksum, image.sha512);
	return server_order_disk(db, server_id, order, err);
}

static bool order_on_one_host(struct store *db, const struct move *move, const char *what, struct error *err)
{
	_cleanup_free_ char *order = memory_printf("{\"%s\":\"%s\"}", what, move->uuid);

	return server_order_disk(db, move->server_id, order, err);
}

/* Host, flavor and what a project uses are those of this side. */
static bool side_write(struct store *db, struct server *server, const struct move_side *side,
		       struct error *err)
{
	char hash[SERVER_HOST_HASH_SIZE];

	server_host_hash(server->project_id, side->host, hash);
	snprintf(server->host_id, sizeof server->host_id, "%s", side->host_id);
	snprintf(server->host_name, sizeof server->host_name, "%s", side->host);
	return store_exec(db, err,
			  "UPDATE project_usage SET cores = cores - ?2 + json_extract(?4, '$.vcpus'), "
			  "memory_mb = memory_mb - ?3 + json_extract(?4, '$.ram') WHERE project_id = ?1",
			  V((const char *)server->project_id), V(server->vcpus), V(server->memory_mb),
			  V(side->flavor)) &&
	       store_exec(
		       db, err,
		       "UPDATE server SET host_id = ?2, host_name = ?3, host_hash = ?4, availability_zone = "
		       "?5, flavor_id = ?6, flavor = ?7, vcpus = json_extract(?7, '$.vcpus'), memory_mb = "
		       "json_extract(?7, '$.ram'), disk_gb = json_extract(?7, '$.disk') WHERE id = ?1",
		       V((const char *)server->id), V((const char *)side->host_id),
		       V((const char *)side->host), V((const char *)hash), V((const char *)side->zone),
		       V((const char *)side->flavor_id), V(side->flavor));
}

bool move_change_places(struct store *db, struct server *server, const struct move *move,
			const struct move_side *side, struct error *err)
{
	return scheduler_claims_swap(db, server->id, move->uuid, err) && side_write(db, server, side, err) &&
	       server_ports_bind(db, server->id, side->host, side->zone, err);
}

/* A new generation, whether or not something else is wanted. */
static bool step_to(struct store *db, struct server *server, enum server_state next, struct error *err)
{
	server->life.generation++;
	return server_move(&server->life, next, err) && server_save(db, server, err);
}

/* --- steps --- */

bool move_turn(struct store *db, struct server *server, struct move *move, struct error *err)
{
	bool across = *move->image_id;
	enum server_state next = move->was_off ? SERVER_RESIZE_FINISH_OFF : SERVER_RESIZE_FINISH;

	server->life.generation++;
	return (!across ||
		move_other_want(db, move, move->source.host_id, "kept", server->life.generation, err)) &&
	       move_change_places(db, server, move, &move->target, err) &&
	       (across ? server_order_fetch(db, server->id, move->image_id, err)
		       : order_on_one_host(db, move, "keep", err)) &&
	       move_set_phase(db, move, MOVE_FINISHING, false, err) && step_to(db, server, next, err);
}

bool move_turn_back(struct store *db, struct server *server, struct move *move, struct error *err)
{
	bool across = *move->image_id;
	enum server_state next = move->was_off ? SERVER_REVERTED_OFF : SERVER_REVERTED;

	/* Across: the target has said that nothing is left on it.  On one host the devices are reset when the
	 * server is made anew. */
	return move_change_places(db, server, move, &move->source, err) &&
	       (!across || (move_other_gone(db, move, err) && scheduler_release(db, move->uuid, err))) &&
	       (across ? server_order_disk(db, server->id, NULL, err)
		       : order_on_one_host(db, move, "restore", err)) &&
	       move_set_phase(db, move, MOVE_REVERTING, false, err) && step_to(db, server, next, err);
}

bool move_abandon(struct store *db, struct server *server, struct move *move, const char *why,
		  struct error *err)
{
	enum server_state next =
		server->life.state == SERVER_RESIZE_MIGRATING ? SERVER_POWERING_ON : SERVER_STOPPED;

	return server_set_fault(db, server->id, why, why, err) &&
	       server_action_end(db, server->id, true, err) && server_order_disk(db, server->id, NULL, err) &&
	       move_set_phase(db, move, MOVE_MIGRATING, true, err) && move_close(db, move, err) &&
	       step_to(db, server, next, err);
}

bool move_confirm(struct store *db, struct server *server, struct move *move, struct error *err)
{
	bool off = server->life.state == SERVER_RESIZED_OFF;

	if (*move->other_host_id)
		return move_other_want(db, move, move->other_host_id, "absent", -1, err) &&
		       move_set_phase(db, move, MOVE_CONFIRMING, false, err) &&
		       server_move(&server->life, off ? SERVER_CONFIRMING_OFF : SERVER_CONFIRMING, err) &&
		       server_save(db, server, err);
	/* On one host the agent gave the old devices back before it started the guest anew; it is told that
	 * the old disk may go. */
	return move_set_phase(db, move, MOVE_CONFIRMED, false, err) && move_close(db, move, err) &&
	       server_order_disk(db, server->id, NULL, err) &&
	       server_action_end(db, server->id, false, err) &&
	       step_to(db, server, off ? SERVER_STOPPED : SERVER_ACTIVE, err);
}

bool move_revert(struct store *db, struct server *server, struct move *move, struct error *err)
{
	bool across = *move->image_id;

	if (across && !*move->other_host_id)
		return error_set(
			err, ERROR_CONFLICT,
			"Instance %s cannot go back: the host %s says that it has nothing of it any more.",
			server->id, move->source.host);
	return move_drop_image(db, move, err) && move_set_phase(db, move, MOVE_REVERTING, false, err) &&
	       step_to(db, server, across ? SERVER_REVERTING : SERVER_REVERTING_HERE, err);
}
