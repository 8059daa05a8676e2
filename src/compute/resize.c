/* The actions that move a server: resize, migrate, and what ends them. */
#include "compute/flavor.h"
#include "compute/move.h"
#include "compute/move_step.h"
#include "compute/server_action.h"
#include "compute/server_place.h"
#include "image/image.h"

#include <string.h>

static const struct schema flavor_text = {.types = SCHEMA_STRING | SCHEMA_INTEGER, .shortest = 1};
static const char *const disk_configs[] = {"AUTO", "MANUAL", NULL};
static const struct schema disk_config = {.types = SCHEMA_STRING, .choices = disk_configs};
const struct schema action_resize_schema = {
	.types = SCHEMA_OBJECT,
	.fields = (const struct schema_field[]){{"flavorRef", &flavor_text, .required = true},
						{"OS-DCF:diskConfig", &disk_config},
						{0}}};

static const struct schema host_text = {.types = SCHEMA_STRING | SCHEMA_NULL,
					.shortest = 1,
					.longest = 255,
					.format = SCHEMA_HOSTNAME};
const struct schema action_migrate_schema = {
	.types = SCHEMA_OBJECT | SCHEMA_NULL | SCHEMA_STRING,
	.fields = (const struct schema_field[]){{"host", &host_text, .since = 2056}, {0}}};

/* --- where from --- */

bool move_source_load(struct store *db, const struct server *server, struct move_side *source,
		      struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err,
			 "SELECT availability_zone, flavor_id, flavor FROM server WHERE id = ?1",
			 V((const char *)server->id)))
		return false;
	snprintf(source->host_id, sizeof source->host_id, "%s", server->host_id);
	snprintf(source->host, sizeof source->host, "%s", server->host_name);
	if (store_next(&rows)) {
		snprintf(source->zone, sizeof source->zone, "%s", store_text(&rows, 0));
		snprintf(source->flavor_id, sizeof source->flavor_id, "%s", store_text(&rows, 1));
		source->flavor = memory_copy_text(store_text(&rows, 2));
	}
	return store_end(&rows, err);
}

/* --- may it? --- */

/* What the project would use besides.  It is counted when the server has the new flavor. */
static bool check_quota(struct store *db, const struct server *server, const struct flavor *flavor,
			struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	const struct compute_settings *limits = &compute_settings;
	int64_t cores = flavor->vcpus - server->vcpus, ram = flavor->memory_mb - server->memory_mb;
	int64_t cores_used = 0, ram_used = 0;

	if (!store_query(db, &rows, err, "SELECT cores, memory_mb FROM project_usage WHERE project_id = ?1",
			 V((const char *)server->project_id)))
		return false;
	if (store_next(&rows)) {
		cores_used = store_int(&rows, 0);
		ram_used = store_int(&rows, 1);
	}
	if (!store_end(&rows, err))
		return false;
	if (cores > 0 && limits->quota_cores >= 0 && cores_used + cores > limits->quota_cores)
		return error_set(
			err, ERROR_FORBIDDEN,
			"Quota exceeded for cores: Requested %lld, but already used %lld of %lld cores",
			(long long)cores, (long long)cores_used, (long long)limits->quota_cores);
	if (ram > 0 && limits->quota_ram_mb >= 0 && ram_used + ram > limits->quota_ram_mb)
		return error_set(err, ERROR_FORBIDDEN,
				 "Quota exceeded for ram: Requested %lld, but already used %lld of %lld ram",
				 (long long)ram, (long long)ram_used, (long long)limits->quota_ram_mb);
	return true;
}

static bool check_flavor(const struct flavor *was, const struct flavor *flavor, struct error *err)
{
	_cleanup_free_ char *alias_spec = flavor_spec(flavor, "pci_passthrough:alias");

	if (strcmp(was->id, flavor->id) == 0)
		return error_set(err, ERROR_BAD_REQUEST, "When resizing, instances must change flavor!");
	if (flavor->disk_gb == 0 && was->disk_gb != 0)
		return error_set(err, ERROR_BAD_REQUEST, "Resize to zero disk flavor is not allowed.");
	if (flavor->disk_gb < was->disk_gb)
		return error_set(
			err, ERROR_BAD_REQUEST,
			"Unable to resize disk down: the flavor %.200s has %lld GB, the server %lld GB.",
			flavor->name, (long long)flavor->disk_gb, (long long)was->disk_gb);
	return !alias_spec || scheduler_alias_check(alias_spec, err);
}

/* --- the beginning --- */

/* The disk's way leads through penstockd: the hosts need not reach each other. */
static bool begin_transit(struct store *db, struct move *move, struct error *err)
{
	_cleanup_free_ char *order = NULL;

	sys_uuid(move->image_id);
	order = memory_printf("{\"send\":\"%s\"}", move->image_id);
	return image_make(db, move->image_id,
			  &(struct image_wish){.name = "",
					       .visibility = IMAGE_IN_TRANSIT,
					       .disk_format = "qcow2"},
			  err) &&
	       server_order_disk(db, move->server_id, order, err);
}

void move_target_set(struct move *move, const struct scheduler_grant *grant, const struct flavor *flavor)
{
	struct move_side *target = &move->target;

	snprintf(target->host_id, sizeof target->host_id, "%s", grant->host_id);
	snprintf(target->host, sizeof target->host, "%s", grant->host_name);
	snprintf(target->zone, sizeof target->zone, "%s", grant->availability_zone);
	snprintf(target->flavor_id, sizeof target->flavor_id, "%s", flavor->id);
	target->flavor = flavor_embedded(flavor);
}

static bool move_begin(struct http_request *request, struct server *server, struct move *move,
		       const struct flavor *flavor, const char *host, bool here, const char *type,
		       struct error *err)
{
	_cleanup_free_ struct scheduler_grant *grant = memory_alloc(sizeof *grant);
	const struct server_replace wish = {.server_id = server->id,
					    .claim_id = move->uuid,
					    .flavor = flavor,
					    .host = host,
					    .not_host_id = here ? NULL : server->host_id};

	if (!server_replace(request->db, &wish, grant, NULL, err))
		return false;
	move_target_set(move, grant, flavor);
	return (strcmp(move->target.host_id, server->host_id) == 0 ||
		begin_transit(request->db, move, err)) &&
	       move_insert(request, move, type, err) && server_save(request->db, server, err);
}

/* The server is on its way to the state; `action` for the log and for the sentence if it may not. */
static bool move_prepare(struct http_request *request, struct server *server, struct move *move,
			 const char *action, struct error *err)
{
	*move = (struct move){.was_off = server->life.state == SERVER_STOPPED};
	sys_uuid(move->uuid);
	memcpy(move->server_id, server->id, sizeof move->server_id);
	server->life.generation++;
	return server_user_move(server, move->was_off ? SERVER_RESIZE_MIGRATING_OFF : SERVER_RESIZE_MIGRATING,
				action, err) &&
	       move_check_settled(request->db, server->id, err) &&
	       move_source_load(request->db, server, &move->source, err) &&
	       server_action_begin(request, server->id, action, err);
}

static bool resize_to(struct http_request *request, struct server *server, struct move *move,
		      const char *flavor_id, struct error *err)
{
	_cleanup_(flavor_done) struct flavor flavor = {0}, was = {0};

	if (!flavor_load(request->db, flavor_id, request->auth, &flavor, err)) {
		if (err->kind == ERROR_NOT_FOUND)
			err->kind = ERROR_BAD_REQUEST;
		return false;
	}
	return flavor_stored(move->source.flavor_id, move->source.flavor, &was, err) &&
	       check_flavor(&was, &flavor, err) && check_quota(request->db, server, &flavor, err) &&
	       move_begin(request, server, move, &flavor, NULL, compute_settings.resize_to_same_host,
			  "resize", err);
}

bool action_resize(struct http_request *request, struct http_response *response, struct server *server,
		   yyjson_val *argument, struct error *err)
{
	_cleanup_(move_done) struct move move = {0};
	yyjson_val *ref = yyjson_obj_get(argument, "flavorRef");
	const char *id = yyjson_get_str(ref);
	const char *config = yyjson_get_str(yyjson_obj_get(argument, "OS-DCF:diskConfig"));

	if (!id)
		id = http_printf(request, "%lld", (long long)yyjson_get_sint(ref));
	return move_prepare(request, server, &move, "resize", err) &&
	       resize_to(request, server, &move, id, err) &&
	       (!config || store_exec(request->db, err, "UPDATE server SET disk_config = ?2 WHERE id = ?1",
				      V((const char *)server->id), V(config))) &&
	       compute_empty(response, 202);
}

bool move_check_host(struct store *db, const struct server *server, const char *name, struct error *err)
{
	struct scheduler_host host;

	if (!name)
		return true;
	if (!scheduler_host_load(db, name, &host, err))
		return err->kind == ERROR_NOT_FOUND ? error_set(err, ERROR_BAD_REQUEST,
								"Compute host %s could not be found.", name)
						    : false;
	return strcmp(host.id, server->host_id) != 0 ||
	       error_set(err, ERROR_BAD_REQUEST,
			 "Cannot migrate the instance %s to the host %s, where it is.", server->id, name);
}

bool action_migrate(struct http_request *request, struct http_response *response, struct server *server,
		    yyjson_val *argument, struct error *err)
{
	_cleanup_(move_done) struct move move = {0};
	_cleanup_(flavor_done) struct flavor flavor = {0};
	const char *host = yyjson_get_str(yyjson_obj_get(argument, "host"));

	return move_prepare(request, server, &move, "migrate", err) &&
	       move_check_host(request->db, server, host, err) &&
	       flavor_stored(move.source.flavor_id, move.source.flavor, &flavor, err) &&
	       move_begin(request, server, &move, &flavor, host, false, "migration", err) &&
	       compute_empty(response, 202);
}

/* --- the end --- */

static bool no_such_state(struct server *server, const char *action, struct error *err)
{
	return server_user_move(server, SERVER_SCHEDULING, action, err);
}

static bool find_move(struct http_request *request, const struct server *server, struct move *move,
		      struct error *err)
{
	bool found;

	return move_find(request->db, server->id, move, &found, err) &&
	       (found || error_set(err, ERROR_BAD_REQUEST, "Instance has not been resized."));
}

bool action_confirm_resize(struct http_request *request, struct http_response *response,
			   struct server *server, yyjson_val *argument, struct error *err)
{
	_cleanup_(move_done) struct move move = {0};
	enum server_state state = server->life.state;

	(void)argument;
	if (state != SERVER_RESIZED && state != SERVER_RESIZED_OFF)
		return no_such_state(server, "confirmResize", err);
	return find_move(request, server, &move, err) &&
	       server_action_begin(request, server->id, "confirmResize", err) &&
	       move_confirm(request->db, server, &move, err) && compute_empty(response, 204);
}

bool action_revert_resize(struct http_request *request, struct http_response *response, struct server *server,
			  yyjson_val *argument, struct error *err)
{
	_cleanup_(move_done) struct move move = {0};
	enum server_state state = server->life.state;
	bool found;

	(void)argument;
	if (state != SERVER_RESIZED && state != SERVER_RESIZED_OFF && state != SERVER_ERROR)
		return no_such_state(server, "revertResize", err);
	if (!move_find(request->db, server->id, &move, &found, err))
		return false;
	/* From ERROR only where the target did not make it: Nova leaves such a server to the administrator.
	 */
	if (state == SERVER_ERROR &&
	    (!found || (move.phase != MOVE_FINISHING && move.phase != MOVE_FINISHED)))
		return no_such_state(server, "revertResize", err);
	if (!found)
		return error_set(err, ERROR_BAD_REQUEST, "Instance has not been resized.");
	return server_action_begin(request, server->id, "revertResize", err) &&
	       move_revert(request->db, server, &move, err) && compute_empty(response, 202);
}
