/* Servers in the database: loading, the life written back, faults, the end; and the log of actions. */
#include "compute/move.h"
#include "compute/shelve.h"

#include <string.h>

static bool server_missing(const char *id, struct error *err)
{
	return error_set(err, ERROR_NOT_FOUND, "Instance %s could not be found.", id);
}

bool server_query(struct http_request *request, const char *id, struct store_rows *rows, struct error *err)
{
	const struct auth *auth = request->auth;

	if (!store_query(request->db, rows, err,
			 "SELECT " SERVER_COLUMNS
			 " FROM server WHERE id = ?1 AND (?2 = 1 OR project_id = ?3)",
			 V(id), V(auth->admin), V(auth->project_id)))
		return false;
	return store_next(rows) || (store_end(rows, err) && server_missing(id, err));
}

static void copy_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

#define COPY(field, column) copy_text(field, sizeof(field), store_text(&rows, column))

bool server_load(struct store *db, const char *id, const struct auth *auth, struct server *server,
		 struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err,
			 "SELECT id, project_id, user_id, host_id, host_name, vcpus, memory_mb, locked, "
			 "state, want,"
			 " generation, launched_at FROM server WHERE id = ?1 AND (?2 = 1 OR project_id = ?3)",
			 V(id), V(!auth || auth->admin), V(auth ? auth->project_id : NULL)))
		return false;
	if (!store_next(&rows))
		return store_end(&rows, err) && server_missing(id, err);
	*server = (struct server){.vcpus = store_int(&rows, 5),
				  .memory_mb = store_int(&rows, 6),
				  .locked = store_int(&rows, 7),
				  .stored_generation = store_int(&rows, 10)};
	COPY(server->id, 0);
	COPY(server->project_id, 1);
	COPY(server->user_id, 2);
	COPY(server->host_id, 3);
	COPY(server->host_name, 4);
	server->life = (struct server_life){.state = server_state_parse(store_text(&rows, 8)),
					    .want = server_want_parse(store_text(&rows, 9)),
					    .has_host = server->host_id[0],
					    .generation = store_int(&rows, 10),
					    .launched_at = store_int(&rows, 11)};
	return true;
}

bool server_save(struct store *db, struct server *server, struct error *err)
{
	const struct server_life *life = &server->life;
	int64_t revision = -1;

	if (life->generation != server->stored_generation && life->has_host &&
	    !scheduler_host_touch(db, server->host_id, &revision, err))
		return false;
	server->stored_generation = life->generation;
	return store_exec(
		db, err,
		"UPDATE server SET state = ?2, want = ?3, generation = ?4, revision = coalesce(?5, revision),"
		" launched_at = ?6, updated_at = ?7,"
		" state_since = CASE WHEN state = ?2 THEN state_since ELSE ?7 END WHERE id = ?1",
		V((const char *)server->id), V(server_state_info(life->state)->text),
		V(server_want_text(life->want)), V(life->generation), V_OPTIONAL(revision),
		V(life->launched_at), V(sys_now()));
}

bool server_touch(struct store *db, struct server *server, struct error *err)
{
	if (!server->life.has_host)
		return true;
	server->life.generation++;
	return server_save(db, server, err);
}

bool server_set_fault(struct store *db, const char *id, const char *message, const char *details,
		      struct error *err)
{
	return store_exec(
		db, err,
		"UPDATE server SET fault_code = 500, fault_message = ?2, fault_details = ?3, fault_at = ?4"
		" WHERE id = ?1",
		V(id), V(message), V(details), V(sys_now()));
}

bool server_remove(struct store *db, const struct server *server, struct error *err)
{
	const char *id = server->id;

	return scheduler_release(db, id, err) && network_ports_release(db, id, err) &&
	       move_server_removed(db, id, err) && shelve_server_removed(db, id, err) &&
	       store_exec(db, err, "DELETE FROM server WHERE id = ?1", V(id)) &&
	       store_exec(db, err,
			  "UPDATE project_usage SET instances = instances - 1, cores = cores - ?2,"
			  " memory_mb = memory_mb - ?3 WHERE project_id = ?1",
			  V((const char *)server->project_id), V(server->vcpus), V(server->memory_mb));
}

bool server_check_unlocked(const struct server *server, const struct auth *auth, struct error *err)
{
	if (!server->locked || auth->admin)
		return true;
	return error_set(err, ERROR_CONFLICT, "Instance %s is locked", server->id);
}

bool server_user_move(struct server *server, enum server_state next, const char *action, struct error *err)
{
	const struct server_state_info *now = server_state_info(server->life.state);
	bool busy = now->task_state != NULL,
	     may_interrupt = server_is_deleting(next) || next == SERVER_HARD_REBOOT_OFF;

	/* What a task may become by itself is not what somebody may ask for meanwhile. */
	if ((!busy || may_interrupt) && server_move(&server->life, next, err))
		return true;
	return error_set(err, ERROR_CONFLICT, "Cannot '%s' instance %s while it is in %s %s", action,
			 server->id, busy ? "task_state" : "vm_state",
			 busy ? now->task_state : now->vm_state);
}

bool server_action_begin(struct http_request *request, const char *server_id, const char *action,
			 struct error *err)
{
	return store_exec(
		request->db, err,
		"INSERT INTO server_action (server_id, action, request_id, user_id, project_id, started_at)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
		V(server_id), V(action), V((const char *)request->request_id), V(request->auth->user_id),
		V(request->auth->project_id), V(sys_now()));
}

bool server_action_finish(struct store *db, const char *server_id, const char *request_id, bool failed,
			  struct error *err)
{
	return store_exec(db, err,
			  "UPDATE server_action SET finished_at = ?3, failed = ?4 WHERE server_id = ?1 AND "
			  "request_id = ?2 AND finished_at = 0",
			  V(server_id), V(request_id), V(sys_now()), V(failed));
}

bool server_action_note(struct http_request *request, const char *server_id, const char *action,
			struct error *err)
{
	return store_exec(
		request->db, err,
		"INSERT INTO server_action (server_id, action, request_id, user_id, project_id, started_at,"
		" finished_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
		V(server_id), V(action), V((const char *)request->request_id), V(request->auth->user_id),
		V(request->auth->project_id), V(sys_now()));
}

bool server_action_end(struct store *db, const char *server_id, bool failed, struct error *err)
{
	return store_exec(db, err,
			  "UPDATE server_action SET finished_at = ?2, failed = ?3 WHERE server_id = ?1 AND "
			  "finished_at = 0",
			  V(server_id), V(sys_now()), V(failed));
}

bool server_port_changed(struct store *db, const char *server_id, struct error *err)
{
	struct server server;

	/* A port may name a device that is no server of ours. */
	if (!server_load(db, server_id, NULL, &server, err))
		return err->kind == ERROR_NOT_FOUND;
	/* One that is on its way has a new generation where it gets. */
	return server.life.want == WANT_ABSENT || move_is_live(server.life.state) ||
	       server_touch(db, &server, err);
}
