/* POST /servers/{id}/action, and the log of what was done to a server. */
#include "compute/server_action.h"

#include "compute/action_events.h"
#include "compute/console.h"

#include <string.h>

#define CONSOLE_WAIT (10 * TIME_SECOND) /* for a host to send its log */

/* --- power --- */

/* Moves, logs and tells the host. */
static bool user_action(struct http_request *request, struct http_response *response, struct server *server,
			enum server_state next, const char *action, struct error *err)
{
	return server_user_move(server, next, action, err) &&
	       server_action_begin(request, server->id, action, err) &&
	       server_save(request->db, server, err) && compute_empty(response, 202);
}

static bool action_stop(struct http_request *request, struct http_response *response, struct server *server,
			yyjson_val *argument, struct error *err)
{
	(void)argument;
	return user_action(request, response, server, SERVER_POWERING_OFF, "stop", err);
}

static bool action_start(struct http_request *request, struct http_response *response, struct server *server,
			 yyjson_val *argument, struct error *err)
{
	(void)argument;
	return user_action(request, response, server, SERVER_POWERING_ON, "start", err);
}

static bool action_pause(struct http_request *request, struct http_response *response, struct server *server,
			 yyjson_val *argument, struct error *err)
{
	(void)argument;
	return user_action(request, response, server, SERVER_PAUSING, "pause", err);
}

static bool action_unpause(struct http_request *request, struct http_response *response,
			   struct server *server, yyjson_val *argument, struct error *err)
{
	(void)argument;
	return user_action(request, response, server, SERVER_UNPAUSING, "unpause", err);
}

static bool action_suspend(struct http_request *request, struct http_response *response,
			   struct server *server, yyjson_val *argument, struct error *err)
{
	(void)argument;
	return user_action(request, response, server, SERVER_SUSPENDING, "suspend", err);
}

static bool action_resume(struct http_request *request, struct http_response *response, struct server *server,
			  yyjson_val *argument, struct error *err)
{
	(void)argument;
	return user_action(request, response, server, SERVER_RESUMING, "resume", err);
}

static const char *const reboot_types[] = {"SOFT", "HARD", "soft", "hard", "Soft", "Hard", NULL};
static const struct schema reboot_type = {.types = SCHEMA_STRING, .choices = reboot_types};
static const struct schema reboot_schema = {
	.types = SCHEMA_OBJECT,
	.fields = (const struct schema_field[]){{"type", &reboot_type, .required = true}, {0}}};

static bool action_reboot(struct http_request *request, struct http_response *response, struct server *server,
			  yyjson_val *argument, struct error *err)
{
	bool hard = strcasecmp(yyjson_get_str(yyjson_obj_get(argument, "type")), "HARD") == 0;
	const struct server_life *life = &server->life;
	enum server_state next = hard ? SERVER_HARD_REBOOT_OFF : SERVER_REBOOT_OFF;

	/* What never ran, or is lost, cannot be started again: there is nothing on the host to start. */
	if (life->state == SERVER_ERROR && (!hard || life->launched_at == 0 || life->want == WANT_ABSENT))
		next = SERVER_STATE_COUNT;
	if (hard && life->state == SERVER_STOPPED)
		next = SERVER_HARD_REBOOT_ON;
	if (next == SERVER_STATE_COUNT)
		return error_set(err, ERROR_CONFLICT,
				 "Cannot 'reboot' instance %s while it is in vm_state error", server->id);
	return user_action(request, response, server, next, "reboot", err);
}

static bool action_force_delete(struct http_request *request, struct http_response *response,
				struct server *server, yyjson_val *argument, struct error *err)
{
	(void)server;
	(void)argument;
	return server_delete(request, response, err) && compute_empty(response, 202);
}

/* --- lock --- */

static const struct schema lock_reason = {.types = SCHEMA_STRING, .shortest = 1, .longest = 255};
static const struct schema lock_schema = {
	.types = SCHEMA_OBJECT | SCHEMA_NULL,
	.fields = (const struct schema_field[]){{"locked_reason", &lock_reason, .since = 2073}, {0}}};

static bool set_locked(struct http_request *request, struct http_response *response,
		       const struct server *server, bool locked, const char *reason, struct error *err)
{
	return server_action_note(request, server->id, locked ? "lock" : "unlock", err) &&
	       store_exec(request->db, err,
			  "UPDATE server SET locked = ?2, locked_reason = ?3, updated_at = ?4 WHERE id = ?1",
			  V((const char *)server->id), V(locked), V(reason), V(sys_now())) &&
	       compute_empty(response, 202);
}

static bool action_lock(struct http_request *request, struct http_response *response, struct server *server,
			yyjson_val *argument, struct error *err)
{
	return set_locked(request, response, server, true,
			  yyjson_get_str(yyjson_obj_get(argument, "locked_reason")), err);
}

static bool action_unlock(struct http_request *request, struct http_response *response, struct server *server,
			  yyjson_val *argument, struct error *err)
{
	(void)argument;
	return set_locked(request, response, server, false, NULL, err);
}

/* --- console --- */

static const struct schema console_length = {.types = SCHEMA_INTEGER | SCHEMA_STRING | SCHEMA_NULL,
					     .ranged = true,
					     .minimum = -1,
					     .maximum = INT32_MAX};
static const struct schema console_schema = {
	.types = SCHEMA_OBJECT, .fields = (const struct schema_field[]){{"length", &console_length}, {0}}};

/* Waits, parked, until the host has sent the log. */
static bool action_console(struct http_request *request, struct http_response *response,
			   struct server *server, yyjson_val *argument, struct error *err)
{
	_cleanup_(text_done) struct text log = {0};
	int64_t *since = request->prepared;

	if (!server->life.has_host || server->life.want == WANT_ABSENT)
		return error_set(err, ERROR_CONFLICT, "Instance %s is not ready", server->id);
	if (!request->resumed) {
		*since = sys_monotonic();
		console_want(server->id, server->host_id);
	} else if (console_take(server->id, *since, schema_integer(yyjson_obj_get(argument, "length"), -1),
				&log)) {
		yyjson_mut_val *root = http_json_object(response, 200);
		yyjson_mut_obj_add_strcpy(response->json, root, "output", log.data ? log.data : "");
		return true;
	} else if (sys_monotonic() >= *since + CONSOLE_WAIT) {
		return error_set(err, ERROR_UNAVAILABLE,
				 "The host %s of instance %s did not send its console log.",
				 server->host_name, server->id);
	}
	http_park(request, http_printf(request, "console:%s", server->id), *since + CONSOLE_WAIT);
	return true;
}

/* --- the table --- */

static const struct schema any_argument = {.types = SCHEMA_OBJECT | SCHEMA_NULL | SCHEMA_STRING |
						    SCHEMA_BOOLEAN | SCHEMA_ARRAY | SCHEMA_NUMBER,
					   .open = true,
					   .fields = (const struct schema_field[]){{0}}};

static const struct action {
	const char *name;
	const char *rule; /* policy, after "os_compute_api:" */
	action_handler *handler;
	const struct schema *argument;
	bool reads; /* changes nothing: for readers too, and not in a transaction */
	bool admin; /* for administrators only */
} actions[] = {
	{"os-stop", "servers:stop", action_stop, &any_argument},
	{"os-start", "servers:start", action_start, &any_argument},
	{"reboot", "servers:reboot", action_reboot, &reboot_schema},
	{"pause", "os-pause-server:pause", action_pause, &any_argument},
	{"unpause", "os-pause-server:unpause", action_unpause, &any_argument},
	{"suspend", "os-suspend-server:suspend", action_suspend, &any_argument},
	{"resume", "os-suspend-server:resume", action_resume, &any_argument},
	{"forceDelete", "os-deferred-delete:force", action_force_delete, &any_argument},
	{"lock", "os-lock-server:lock", action_lock, &lock_schema},
	{"unlock", "os-lock-server:unlock", action_unlock, &any_argument},
	{"resize", "servers:resize", action_resize, &action_resize_schema},
	{"confirmResize", "servers:confirm_resize", action_confirm_resize, &any_argument},
	{"revertResize", "servers:revert_resize", action_revert_resize, &any_argument},
	{"migrate", "os-migrate-server:migrate", action_migrate, &action_migrate_schema, .admin = true},
	{"os-migrateLive", "os-migrate-server:migrate_live", action_migrate_live, &action_live_schema,
	 .admin = true},
	{"createImage", "servers:create_image", action_create_image, &action_image_schema},
	{"shelve", "os-shelve:shelve", action_shelve, &any_argument},
	{"shelveOffload", "os-shelve:shelve_offload", action_shelve_offload, &any_argument, .admin = true},
	{"unshelve", "os-shelve:unshelve", action_unshelve, &action_unshelve_schema},
	{"rebuild", "servers:rebuild", action_rebuild, &action_rebuild_schema},
	{"evacuate", "os-evacuate", action_evacuate, &action_evacuate_schema, .admin = true},
	{"os-resetState", "os-admin-actions:reset_state", action_reset_state, &action_reset_schema,
	 .admin = true},
	{"resetNetwork", "os-admin-actions:reset_network", action_gone, &any_argument, .admin = true},
	{"injectNetworkInfo", "os-admin-actions:inject_network_info", action_gone, &any_argument,
	 .admin = true},
	{"restore", "os-deferred-delete:restore", action_restore, &any_argument},
	{"changePassword", "os-admin-password", action_change_password, &action_password_schema},
	{"addSecurityGroup", "os-security-groups:add", action_add_group, &action_group_schema},
	{"removeSecurityGroup", "os-security-groups:remove", action_remove_group, &action_group_schema},
	{"os-getVNCConsole", "os-remote-consoles", action_remote_console, &action_vnc_schema},
	{"os-getSPICEConsole", "os-remote-consoles", action_remote_console, &action_spice_schema},
	{"os-getRDPConsole", "os-remote-consoles", action_remote_console, &action_rdp_schema},
	{"os-getSerialConsole", "os-remote-consoles", action_remote_console, &action_serial_schema},
	{"os-getConsoleOutput", "os-console-output", action_console, &console_schema, .reads = true},
};

/* What Nova has and Penstock has not. */
static const char *const not_built[] = {"rescue",	    "unrescue",		 "createBackup",
					"addFixedIp",	    "removeFixedIp",	 "addFloatingIp",
					"removeFloatingIp", "trigger_crash_dump"};

static bool is_not_built(const char *name)
{
	for (size_t i = 0; i < ELEMENTS_OF(not_built); i++) {
		if (strcmp(not_built[i], name) == 0)
			return true;
	}
	return false;
}

static const struct action *action_find(const char *name)
{
	for (size_t i = 0; i < ELEMENTS_OF(actions); i++) {
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
	}
	return NULL;
}

/* The action that the body names, with its argument checked. */
static const struct action *action_parse(struct http_request *request, yyjson_val **argument,
					 struct error *err)
{
	yyjson_val *body = compute_body(request, &any_argument, err);
	yyjson_obj_iter iterator;

	if (!body)
		return NULL;
	yyjson_obj_iter_init(body, &iterator);
	yyjson_val *key = yyjson_obj_iter_next(&iterator);
	const char *name = key ? yyjson_get_str(key) : "None";
	const struct action *action = action_find(name);
	if (is_not_built(name)) {
		error_set(err, ERROR_NOT_IMPLEMENTED,
			  "Unable to %s instance %s: Penstock does not have this action.", name,
			  request->params[0]);
		return NULL;
	}
	if (!action || yyjson_obj_size(body) != 1) {
		error_set(err, ERROR_BAD_REQUEST, "There is no such action: %s", name);
		return NULL;
	}
	*argument = yyjson_obj_iter_get_val(key);
	struct schema whole = {.types = SCHEMA_OBJECT,
			       .fields =
				       (const struct schema_field[]){{action->name, action->argument}, {0}}};
	return schema_check(&whole, body, request->microversion, err) ? action : NULL;
}

bool server_action(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *argument;
	const struct action *action = action_parse(request, &argument, err);
	const struct auth *auth = request->auth;
	struct server server;

	if (!action)
		return false;
	if (!auth->admin && (action->admin || (!action->reads && !auth->member)))
		return compute_forbidden(err, action->rule);
	if (!server_load(request->db, request->params[0], auth, &server, err))
		return false;
	bool lockless = action->reads || action->handler == action_lock || action->handler == action_unlock;
	return (lockless || server_check_unlocked(&server, auth, err)) &&
	       action->handler(request, response, &server, argument, err);
}

/* A console log is read, not written, and waits for its host: such a request goes on as HTTP_READ, so that it
 * does not stand in the writer's way (the server looks at the route again after `prepare`). */
bool server_action_prepare(struct http_request *request, struct http_response *response, struct error *err)
{
	static const struct http_route reading = {HTTP_POST, "/servers/{id}/action", server_action,
						  HTTP_READ};
	yyjson_val *argument;
	const struct action *action = action_parse(request, &argument, err);

	(void)response;
	request->prepared = http_alloc(request, sizeof(int64_t));
	if (action && action->reads)
		request->route = &reading;
	return action;
}

/* --- the log --- */

enum { LOG_ACTION, LOG_REQUEST, LOG_USER, LOG_PROJECT, LOG_STARTED, LOG_FINISHED, LOG_FAILED, LOG_NUMBER };
#define LOG_COLUMNS "action, request_id, user_id, project_id, started_at, finished_at, failed, number"

static void log_view(struct http_request *request, struct store_rows *rows, yyjson_mut_doc *doc,
		     yyjson_mut_val *object)
{
	int64_t finished = store_int(rows, LOG_FINISHED);

	compute_add_text(doc, object, "action", store_text(rows, LOG_ACTION));
	compute_add_text(doc, object, "instance_uuid", request->params[0]);
	compute_add_text(doc, object, "request_id", store_text(rows, LOG_REQUEST));
	compute_add_text(doc, object, "user_id", store_text(rows, LOG_USER));
	compute_add_text(doc, object, "project_id", store_text(rows, LOG_PROJECT));
	compute_add_time_long(doc, object, "start_time", store_int(rows, LOG_STARTED));
	compute_add_text(doc, object, "message", store_int(rows, LOG_FAILED) ? "Error" : NULL);
	if (request->microversion >= 2058)
		compute_add_time_long(doc, object, "updated_at",
				      finished ? finished : store_int(rows, LOG_STARTED));
}

static bool log_marker(struct http_request *request, const char *marker, int64_t *number, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	*number = -1;
	if (!marker)
		return true;
	if (!store_query(request->db, &rows, err,
			 "SELECT number FROM server_action WHERE server_id = ?1 AND request_id = ?2",
			 V(request->params[0]), V(marker)))
		return false;
	if (!store_next(&rows))
		return store_end(&rows, err) &&
		       error_set(err, ERROR_BAD_REQUEST, "marker [%s] not found", marker);
	*number = store_int(&rows, 0);
	return true;
}

bool server_actions_index(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	struct compute_page page = {.limit = INT32_MAX};
	struct server server;
	const char *last = NULL;
	size_t count = 0;
	int64_t marker;

	if (!server_load(request->db, request->params[0], request->auth, &server, err) ||
	    (request->microversion >= 2058 && !compute_page(request, &page, err)) ||
	    !log_marker(request, page.marker, &marker, err) ||
	    !store_query(request->db, &rows, err,
			 "SELECT " LOG_COLUMNS
			 " FROM server_action WHERE server_id = ?1 AND (?2 IS NULL OR number < ?2)"
			 " ORDER BY number DESC LIMIT ?3",
			 V((const char *)server.id), V_OPTIONAL(marker), V(page.limit)))
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_doc *doc = response->json;
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "instanceActions");
	for (; store_next(&rows); count++) {
		log_view(request, &rows, doc, yyjson_mut_arr_add_obj(doc, list));
		last = http_copy(request, store_text(&rows, LOG_REQUEST));
	}
	if (last)
		compute_add_next(request, doc, root, "links", &page,
				 http_printf(request, "servers/%s/os-instance-actions", server.id), count,
				 last);
	return store_end(&rows, err);
}

bool server_actions_show(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	struct server server;

	if (!server_load(request->db, request->params[0], request->auth, &server, err) ||
	    !store_query(request->db, &rows, err,
			 "SELECT " LOG_COLUMNS " FROM server_action WHERE server_id = ?1 AND request_id = ?2",
			 V((const char *)server.id), V(request->params[1])))
		return false;
	if (!store_next(&rows))
		return store_end(&rows, err) &&
		       error_set(err, ERROR_NOT_FOUND, "Action for request_id %s on instance %s not found",
				 request->params[1], server.id);
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_doc *doc = response->json;
	yyjson_mut_val *object = yyjson_mut_obj_add_obj(doc, root, "instanceAction");
	log_view(request, &rows, doc, object);
	return action_events_view(request, &server,
				  &(struct action_entry){.action = store_text(&rows, LOG_ACTION),
							 .started_at = store_int(&rows, LOG_STARTED),
							 .finished_at = store_int(&rows, LOG_FINISHED),
							 .failed = store_int(&rows, LOG_FAILED)},
				  doc, object, err);
}
