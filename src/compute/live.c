/* What the hosts of a live migration are told. */
#include "compute/live.h"

#include "compute/agent.h"

#include <string.h>

/* --- the source --- */

static void add_devices(const struct scheduler_device *devices, size_t count, yyjson_mut_doc *doc,
			yyjson_mut_val *object)
{
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, object, "devices");

	for (size_t i = 0; i < count; i++) {
		if (!devices[i].port_id[0])
			yyjson_mut_arr_add_strcpy(doc, list, devices[i].address);
	}
}

/* The target's own name is where it is reached, if its agent does not say. */
static bool add_target(struct store *db, const struct move *move, yyjson_mut_doc *doc, yyjson_mut_val *object,
		       struct error *err)
{
	_cleanup_free_ char *json = NULL;

	if (!scheduler_host_migration(db, move->target.host_id, &json, err))
		return false;
	yyjson_doc *facts = json ? yyjson_read(json, strlen(json), 0) : NULL;
	yyjson_val *root = yyjson_doc_get_root(facts);
	const char *address = yyjson_get_str(yyjson_obj_get(root, "address"));
	compute_add_text(doc, object, "address", address ? address : move->target.host);
	compute_add_text(doc, object, "folder", yyjson_get_str(yyjson_obj_get(root, "folder")));
	compute_add_text(doc, object, "cpus", yyjson_get_str(yyjson_obj_get(root, "cpus")));
	yyjson_doc_free(facts);
	return true;
}

static bool is_to_complete(struct store *db, const struct move *move, bool *complete, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err, "SELECT complete FROM server_move WHERE uuid = ?1",
			 V((const char *)move->uuid)))
		return false;
	*complete = store_next(&rows) && store_int(&rows, 0);
	return store_end(&rows, err);
}

/* Where the guest goes, and what its host has to change in its XML. */
static bool add_way(struct store *db, const struct move *move, yyjson_mut_doc *doc, yyjson_mut_val *object,
		    struct error *err)
{
	_cleanup_free_ struct scheduler_device *devices = NULL;
	_cleanup_free_ char *numa = NULL;
	bool complete;
	size_t count;

	if (!add_target(db, move, doc, object, err) || !is_to_complete(db, move, &complete, err) ||
	    !scheduler_numa_of_server(db, move->uuid, &numa, err) ||
	    !scheduler_devices_of_server(db, move->uuid, &devices, &count, err))
		return false;
	yyjson_mut_obj_add_bool(doc, object, "complete", complete);
	compute_add_raw(doc, object, "numa", numa, "null");
	add_devices(devices, count, doc, object);
	return true;
}

bool live_desired(struct store *db, const char *server_id, enum server_state state, yyjson_mut_doc *doc,
		  yyjson_mut_val *object, struct error *err)
{
	_cleanup_(move_done) struct move move = {0};
	bool found;

	if (!move_is_live(state) || !move_find(db, server_id, &move, &found, err))
		return !move_is_live(state);
	yyjson_mut_val *migration = yyjson_mut_obj_add_obj(doc, object, "migration");
	if (state == SERVER_LIVE_PREPARING)
		return yyjson_mut_obj_add_bool(doc, migration, "tell", true);
	return state != SERVER_LIVE_LEAVING || !found || add_way(db, &move, doc, migration, err);
}

bool live_may_leave(struct store *db, const char *server_id, const char *host_id, int64_t generation,
		    struct error *err)
{
	_cleanup_(move_done) struct move move = {0};
	struct server server;
	bool found;

	if (!server_load(db, server_id, NULL, &server, err) || !move_find(db, server_id, &move, &found, err))
		return false;
	return (found && move.live && move.phase == MOVE_RUNNING &&
		server.life.state == SERVER_LIVE_LEAVING && server.life.generation == generation &&
		strcmp(server.host_id, host_id) == 0 && strcmp(move.other_want, "incoming") == 0) ||
	       error_set(
		       err, ERROR_CONFLICT,
		       "The live migration of instance %s was given up, or is to end otherwise: it is not to "
		       "leave this host.",
		       server_id);
}

/* --- the target --- */

bool live_desired_target(struct store *db, const char *server_id, const char *move_id, int64_t generation,
			 const char *want, const char *facts, yyjson_mut_doc *doc, yyjson_mut_val *object,
			 struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	const struct agent_guest guest = {.claim_id = move_id, .generation = generation, .want = want};

	if (!store_query(db, &rows, err, "SELECT " SERVER_COLUMNS " FROM server WHERE id = ?1", V(server_id)))
		return false;
	if (store_next(&rows) && !agent_desired_server(db, &rows, &guest, doc, object, err))
		return false;
	compute_add_raw(doc, object, "migration", facts, "{}");
	return store_end(&rows, err);
}
