/* os-migrateLive, and /servers/{id}/migrations: live migrations that are under way. */
#include "compute/live.h"
#include "compute/move_step.h"
#include "compute/server_action.h"
#include "compute/server_place.h"
#include "compute/server_port.h"

#include <string.h>

static const struct schema host_text = {.types = SCHEMA_STRING | SCHEMA_NULL,
					.shortest = 1,
					.longest = 255,
					.format = SCHEMA_HOSTNAME};
/* Whatever it says disks go along: there is no shared storage.  (Nova refuses `false` then, which is what the
 * openstack command says unless it is told --block-migration.) */
static const char *const block_words[] = {"true",  "True", "TRUE", "t",	   "1",	  "on",	   "On",
					  "ON",	   "y",	   "yes",  "Yes",  "YES", "false", "False",
					  "FALSE", "f",	   "0",	   "off",  "Off", "OFF",   "n",
					  "no",	   "No",   "NO",   "auto", NULL};
static const struct schema block_or_auto = {.types = SCHEMA_BOOLEAN | SCHEMA_STRING, .choices = block_words};
const struct schema action_live_schema = {
	.types = SCHEMA_OBJECT,
	.fields = (const struct schema_field[]){
		{"host", &host_text, .required = true},
		{"block_migration", &schema_boolean_like, .required = true, .until = 2024},
		{"block_migration", &block_or_auto, .required = true, .since = 2025},
		{"disk_over_commit", &schema_boolean_like, .required = true, .until = 2024},
		{"force", &schema_boolean_like, .since = 2030, .until = 2067},
		{0}}};

/* --- may it? --- */

static bool precheck_failed(struct error *err, const char *why)
{
	return error_set(err, ERROR_BAD_REQUEST, "Migration pre-check error: %s", why);
}

/* Ports' devices are unplugged and plugged in again; those of the flavor go along, if their alias says that
 * they can (MV-8). */
static bool check_devices(struct http_request *request, const struct server *server, struct error *err)
{
	_cleanup_free_ struct scheduler_device *devices = NULL;
	size_t count;

	if (!scheduler_devices_of_server(request->db, server->id, &devices, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (devices[i].alias[0] && !scheduler_alias_is_live_migratable(devices[i].alias))
			return precheck_failed(
				err, http_printf(request,
						 "The alias %s of device %s does not explicitly request "
						 "live-migratable devices ([pci] alias, live_migratable).",
						 devices[i].alias, devices[i].address));
	}
	return true;
}

/* --- the beginning --- */

static bool bind_ahead(struct store *db, const struct move *move, struct error *err)
{
	_cleanup_free_ struct scheduler_device *devices = NULL;
	_cleanup_free_ struct network_port *ports = NULL;
	const struct server_seat seat = {.server_id = move->server_id,
					 .host_name = move->target.host,
					 .zone = move->target.zone,
					 .ahead = true};
	size_t count, device_count;

	if (!scheduler_devices_of_server(db, move->uuid, &devices, &device_count, err) ||
	    !network_ports_of_server(db, move->server_id, &ports, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!server_port_bind(db, &seat, &ports[i],
				      server_port_device(devices, device_count, ports[i].id), (int)i, err))
			return false;
	}
	return true;
}

static bool place(struct store *db, const struct server *server, struct move *move, const char *host,
		  struct error *err)
{
	_cleanup_free_ struct scheduler_grant *grant = memory_alloc(sizeof *grant);
	_cleanup_(flavor_done) struct flavor flavor = {0};
	const struct server_replace wish = {.server_id = server->id,
					    .claim_id = move->uuid,
					    .flavor = &flavor,
					    .host = host,
					    .not_host_id = server->host_id,
					    .live = true};

	if (!flavor_stored(move->source.flavor_id, move->source.flavor, &flavor, err) ||
	    !server_replace(db, &wish, grant, NULL, err))
		return false;
	move_target_set(move, grant, &flavor);
	return true;
}

static bool begin(struct http_request *request, struct server *server, yyjson_val *argument,
		  struct error *err)
{
	_cleanup_(move_done) struct move move = {.live = true, .phase = MOVE_PREPARING};
	const char *host = yyjson_get_str(yyjson_obj_get(argument, "host"));

	sys_uuid(move.uuid);
	memcpy(move.server_id, server->id, sizeof move.server_id);
	server->life.generation++;
	return check_devices(request, server, err) &&
	       server_user_move(server, SERVER_LIVE_PREPARING, "os-migrateLive", err) &&
	       move_source_load(request->db, server, &move.source, err) &&
	       place(request->db, server, &move, host, err) &&
	       server_action_begin(request, server->id, "live-migration", err) &&
	       move_insert(request, &move, "live-migration", err) && bind_ahead(request->db, &move, err) &&
	       server_save(request->db, server, err);
}

/* The server goes on as it was; the refusal is to be seen in os-migrations and in its actions. */
static bool note_refusal(struct http_request *request, const struct server *server, const char *why,
			 struct error *err)
{
	return server_action_begin(request, server->id, "live-migration", err) &&
	       server_action_end(request->db, server->id, true, err) &&
	       move_insert_refused(request, server, "live-migration", err) &&
	       server_set_fault(request->db, server->id, "Live migration failed.", why, err);
}

/* Before 2.34 a refusal is the answer, since then a migration in error (MV-12). */
bool action_migrate_live(struct http_request *request, struct http_response *response, struct server *server,
			 yyjson_val *argument, struct error *err)
{
	const struct server before = *server;
	struct error why;

	if (server->life.state != SERVER_ACTIVE)
		return server_user_move(server, SERVER_LIVE_PREPARING, "os-migrateLive", err);
	if (!move_check_host(request->db, server, yyjson_get_str(yyjson_obj_get(argument, "host")), err) ||
	    !move_check_settled(request->db, server->id, err) || !store_savepoint_begin(request->db, err))
		return false;
	if (begin(request, server, argument, &why))
		return store_savepoint_keep(request->db, err) && compute_empty(response, 202);
	store_savepoint_undo(request->db);
	if (why.kind == ERROR_BAD_REQUEST && request->microversion >= 2034)
		return note_refusal(request, &before, why.message, err) && compute_empty(response, 202);
	*err = why;
	return false;
}

/* --- what is under way --- */

enum {
	LIVE_NUMBER,
	LIVE_UUID,
	LIVE_USER,
	LIVE_PROJECT,
	LIVE_STATUS,
	LIVE_SOURCE,
	LIVE_TARGET,
	LIVE_CREATED,
	LIVE_UPDATED
};

/* ?1 server, ?2 number or NULL */
#define UNDER_WAY \
	"SELECT number, uuid, user_id, project_id, phase, source_host, target_host, created_at, updated_at " \
	"FROM server_move WHERE server_id = ?1 AND type = 'live-migration' AND failed = 0 AND phase IN " \
	"('preparing', 'running', 'post-migrating') AND (?2 IS NULL OR number = ?2) ORDER BY number DESC"

/* How far it has got is the host's to know. */
static void live_view(struct http_request *request, struct store_rows *rows, yyjson_mut_doc *doc,
		      yyjson_mut_val *object)
{
	static const char *const bytes[] = {"memory_total_bytes",     "memory_processed_bytes",
					    "memory_remaining_bytes", "disk_total_bytes",
					    "disk_processed_bytes",   "disk_remaining_bytes"};

	yyjson_mut_obj_add_int(doc, object, "id", store_int(rows, LIVE_NUMBER));
	if (request->microversion >= 2059)
		compute_add_text(doc, object, "uuid", store_text(rows, LIVE_UUID));
	compute_add_text(doc, object, "server_uuid", request->params[0]);
	compute_add_text(doc, object, "status", store_text(rows, LIVE_STATUS));
	compute_add_text(doc, object, "source_compute", store_text(rows, LIVE_SOURCE));
	compute_add_text(doc, object, "source_node", store_text(rows, LIVE_SOURCE));
	compute_add_text(doc, object, "dest_compute", store_text(rows, LIVE_TARGET));
	compute_add_text(doc, object, "dest_node", store_text(rows, LIVE_TARGET));
	yyjson_mut_obj_add_null(doc, object, "dest_host");
	for (size_t i = 0; i < ELEMENTS_OF(bytes); i++)
		yyjson_mut_obj_add_null(doc, object, bytes[i]);
	if (request->microversion >= 2080) {
		compute_add_text(doc, object, "user_id", store_text(rows, LIVE_USER));
		compute_add_text(doc, object, "project_id", store_text(rows, LIVE_PROJECT));
	}
	compute_add_time_long(doc, object, "created_at", store_int(rows, LIVE_CREATED));
	compute_add_time_long(doc, object, "updated_at", store_int(rows, LIVE_UPDATED));
}

bool live_index(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	struct server server;

	if (!compute_since(request, 2023, err) ||
	    !server_load(request->db, request->params[0], request->auth, &server, err) ||
	    !store_query(request->db, &rows, err, UNDER_WAY, V((const char *)server.id), V_NULL))
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "migrations");
	while (store_next(&rows))
		live_view(request, &rows, response->json, yyjson_mut_arr_add_obj(response->json, list));
	return store_end(&rows, err);
}

static bool is_missing(struct http_request *request, struct error *err)
{
	return error_set(err, ERROR_NOT_FOUND, "In-progress live migration %.40s is not found for server %s.",
			 request->params[1], request->params[0]);
}

static bool number_of(struct http_request *request, int64_t *number, struct error *err)
{
	return text_to_int64(request->params[1], 0, INT64_MAX, number) || is_missing(request, err);
}

bool live_show(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	struct server server;
	int64_t number;

	if (!compute_since(request, 2023, err) ||
	    !server_load(request->db, request->params[0], request->auth, &server, err) ||
	    !number_of(request, &number, err) ||
	    !store_query(request->db, &rows, err, UNDER_WAY, V((const char *)server.id), V(number)))
		return false;
	if (!store_next(&rows))
		return store_end(&rows, err) && is_missing(request, err);
	yyjson_mut_val *root = http_json_object(response, 200);
	live_view(request, &rows, response->json, yyjson_mut_obj_add_obj(response->json, root, "migration"));
	return store_end(&rows, err);
}

/* --- abort and force_complete --- */

static bool not_now(const struct server *server, const char *verb, struct error *err)
{
	const struct server_state_info *now = server_state_info(server->life.state);

	return error_set(err, ERROR_CONFLICT, "Cannot '%s' instance %s while it is in %s %s", verb,
			 server->id, now->task_state ? "task_state" : "vm_state",
			 now->task_state ? now->task_state : now->vm_state);
}

static bool wrong_phase(struct http_request *request, const char *verb, const char *state, struct error *err)
{
	return error_set(
		err, ERROR_BAD_REQUEST,
		"Migration %.40s state of instance %s is %s. Cannot %s while the migration is in this "
		"state.",
		request->params[1], request->params[0], state, verb);
}

/* The server's live migration of this number. */
static bool live_find(struct http_request *request, struct server *server, struct move *move,
		      const char *verb, struct error *err)
{
	int64_t number;
	bool found;

	if (!server_load(request->db, request->params[0], request->auth, server, err) ||
	    !server_check_unlocked(server, request->auth, err))
		return false;
	if (!move_is_live(server->life.state))
		return not_now(server, verb, err);
	return number_of(request, &number, err) && move_find(request->db, server->id, move, &found, err) &&
	       ((found && move->live && move->number == number) ||
		error_set(err, ERROR_NOT_FOUND, "Migration %.40s not found for instance %s",
			  request->params[1], server->id));
}

bool live_delete(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(move_done) struct move move = {0};
	struct server server;

	if (!compute_since(request, 2024, err) ||
	    !live_find(request, &server, &move, "abort live migration", err))
		return false;
	if (move.phase == MOVE_PREPARING && request->microversion < 2065)
		return wrong_phase(request, "abort live migration", "preparing", err);
	if (move.phase != MOVE_PREPARING && move.phase != MOVE_RUNNING)
		return wrong_phase(request, "abort live migration", "post-migrating", err);
	return server_action_note(request, server.id, "live_migration_cancel", err) &&
	       live_cancel(request->db, &server, &move, err) && compute_empty(response, 202);
}

static const struct schema nothing = {.types = SCHEMA_NULL};
static const struct schema complete_body = {
	.types = SCHEMA_OBJECT,
	.fields = (const struct schema_field[]){{"force_complete", &nothing, .required = true}, {0}}};

bool live_action(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(move_done) struct move move = {0};
	struct server server;

	if (!compute_since(request, 2022, err) || !compute_body(request, &complete_body, err) ||
	    !live_find(request, &server, &move, "force_complete", err))
		return false;
	if (move.phase != MOVE_RUNNING || server.life.state != SERVER_LIVE_LEAVING)
		return wrong_phase(request, "force_complete",
				   move.phase == MOVE_PREPARING ? "preparing" : "post-migrating", err);
	return server_action_note(request, server.id, "live_migration_force_complete", err) &&
	       live_complete(request->db, &server, &move, err) && compute_empty(response, 202);
}
