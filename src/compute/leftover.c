/* What servers have left behind on hosts. */
#include "compute/leftover.h"

#include "compute/move.h"

bool leftover_make(struct store *db, const struct server *server, struct error *err)
{
	char id[SYS_UUID_SIZE];
	int64_t revision;

	return scheduler_claim_rename(db, server->id, sys_uuid(id), err) &&
	       scheduler_host_touch(db, server->host_id, &revision, err) &&
	       store_exec(db, err,
			  "INSERT INTO server_leftover (id, server_id, host_id, revision, generation, "
			  "created_at)"
			  " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
			  V((const char *)id), V((const char *)server->id), V((const char *)server->host_id),
			  V(revision), V(server->life.generation), V(sys_now()));
}

bool leftover_desired(struct store *db, const char *host_id, int64_t since, yyjson_mut_doc *doc,
		      yyjson_mut_val *servers, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(
		    db, &rows, err,
		    "SELECT server_id, generation FROM server_leftover WHERE host_id = ?1 AND revision > ?2"
		    " ORDER BY revision",
		    V(host_id), V(since)))
		return false;
	while (store_next(&rows)) {
		yyjson_mut_val *object = yyjson_mut_arr_add_obj(doc, servers);

		compute_add_text(doc, object, "id", store_text(&rows, 0));
		yyjson_mut_obj_add_int(doc, object, "generation", store_int(&rows, 1));
		yyjson_mut_obj_add_str(doc, object, "want", server_want_text(WANT_ABSENT));
	}
	return store_end(&rows, err);
}

static bool leftover_find(struct store *db, const char *server_id, const char *host_id, char id[37],
			  struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	id[0] = '\0';
	if (!store_query(db, &rows, err,
			 "SELECT id FROM server_leftover WHERE server_id = ?1 AND host_id = ?2", V(server_id),
			 V(host_id)))
		return false;
	if (store_next(&rows))
		snprintf(id, 37, "%s", store_text(&rows, 0));
	return store_end(&rows, err);
}

bool leftover_report(struct store *db, const char *server_id, const char *host_id, enum server_report report,
		     struct error *err)
{
	char id[37];

	if (report != REPORT_GONE)
		return true;
	if (!leftover_find(db, server_id, host_id, id, err))
		return false;
	return !*id ||
	       (scheduler_release(db, id, err) && move_evacuation_cleaned(db, server_id, host_id, err) &&
		store_exec(db, err, "DELETE FROM server_leftover WHERE id = ?1", V((const char *)id)));
}

bool leftover_rule(struct store *db, const char *server_id, struct placement *placement, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	struct scheduler_rule *rule = NULL;

	if (!store_query(db, &rows, err, "SELECT host_id FROM server_leftover WHERE server_id = ?1",
			 V(server_id)))
		return false;
	while (store_next(&rows)) {
		if (!rule)
			rule = placement_rule(placement,
					      memory_copy_text(
						      "has not yet removed what the server left there"),
					      false);
		placement_host_add(placement, rule, store_text(&rows, 0));
	}
	return store_end(&rows, err);
}
