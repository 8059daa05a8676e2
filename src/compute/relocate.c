/* Taking a server to another host in one transaction. */
#include "compute/relocate.h"

#include "compute/leftover.h"
#include "compute/move.h"
#include "compute/server_place.h"

static bool stored_flavor(struct store *db, const char *server_id, struct flavor *flavor, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err, "SELECT flavor_id, flavor FROM server WHERE id = ?1", V(server_id)))
		return false;
	if (!store_next(&rows))
		return store_end(&rows, err) &&
		       error_set(err, ERROR_NOT_FOUND, "Instance %s could not be found.", server_id);
	return flavor_stored(store_text(&rows, 0), store_text(&rows, 1), flavor, err) &&
	       store_end(&rows, err);
}

static bool claim(struct store *db, const struct server *server, const struct relocation *how,
		  struct scheduler_grant *grant, struct text *refusals, struct error *err)
{
	struct flavor flavor = {0};
	const struct server_replace wish = {.server_id = server->id,
					    .claim_id = server->id,
					    .flavor = &flavor,
					    .host = how->host,
					    .not_host_id = server->host_id,
					    .retry = how->retry};
	bool ok = stored_flavor(db, server->id, &flavor, err) &&
		  server_replace(db, &wish, grant, refusals, err);

	flavor_done(&flavor);
	return ok;
}

static bool settle(struct store *db, struct server *server, const struct scheduler_grant *grant,
		   struct error *err)
{
	char hash[SERVER_HOST_HASH_SIZE];
	int64_t revision;

	snprintf(server->host_id, sizeof server->host_id, "%s", grant->host_id);
	snprintf(server->host_name, sizeof server->host_name, "%s", grant->host_name);
	server->stored_generation = server->life.generation;
	server_host_hash(server->project_id, grant->host_name, hash);
	return scheduler_host_touch(db, grant->host_id, &revision, err) &&
	       store_exec(db, err,
			  "UPDATE server SET host_id = ?2, host_name = ?3, host_hash = ?4,"
			  " availability_zone = ?5, generation = ?6, revision = ?7, build_since = ?8,"
			  " updated_at = ?8 WHERE id = ?1",
			  V((const char *)server->id), V(grant->host_id), V(grant->host_name),
			  V((const char *)hash), V(grant->availability_zone), V(server->life.generation),
			  V(revision), V(sys_now())) &&
	       server_ports_bind(db, server->id, grant->host_name, grant->availability_zone, err);
}

bool server_relocate(struct store *db, struct server *server, const struct relocation *how,
		     struct text *refusals, struct error *err)
{
	struct server before = *server;
	struct scheduler_grant grant;

	if (!move_check_none(db, server->id, err) || !store_savepoint_begin(db, err))
		return false;
	server->life.generation++;
	if (leftover_make(db, server, err) && claim(db, server, how, &grant, refusals, err) &&
	    settle(db, server, &grant, err) && store_savepoint_keep(db, err))
		return true;
	store_savepoint_undo(db);
	*server = before;
	return false;
}
