/* Evacuation: a server whose host is down is built anew, from its image, on another one.  Its disk is lost to
 * it (there is no shared storage); what it has on the old host stays claimed until that host is back and has
 * removed it (leftover.h). */
#include "compute/move.h"
#include "compute/relocate.h"
#include "compute/server_action.h"
#include "compute/server_request.h"
#include "image/image.h"

#include <string.h>

static const struct schema text_255 = {.types = SCHEMA_STRING, .shortest = 1, .longest = 255};
static const struct schema host_text = {.types = SCHEMA_STRING,
					.shortest = 1,
					.longest = 255,
					.format = SCHEMA_HOSTNAME};

const struct schema action_evacuate_schema = {
	.types = SCHEMA_OBJECT,
	.fields = (const struct schema_field[]){{"host", &host_text},
						{"adminPass", &text_255},
						{"onSharedStorage", &schema_boolean_like, .required = true,
						 .until = 2013},
						{"force", &schema_boolean_like, .since = 2029, .until = 2067},
						{0}}};

static bool check_source(struct http_request *request, const struct server *server, struct error *err)
{
	struct scheduler_host host;

	if (!server->life.has_host || !server->life.launched_at)
		return error_set(err, ERROR_CONFLICT, "Instance %s is in an invalid state for 'evacuate'",
				 server->id);
	if (!scheduler_host_load(request->db, server->host_id, &host, err))
		return false;
	return !host.up ||
	       error_set(err, ERROR_BAD_REQUEST, "Compute service of %s is still in use.", host.name);
}

static bool check_target(struct http_request *request, const struct server *server, const char *name,
			 struct error *err)
{
	struct scheduler_host host;

	if (!name)
		return true;
	if (!scheduler_host_load(request->db, name, &host, err))
		return err->kind == ERROR_NOT_FOUND
			       ? error_set(err, ERROR_BAD_REQUEST, "Compute host %s not found.", name)
			       : false;
	return strcmp(host.id, server->host_id) != 0 ||
	       error_set(err, ERROR_BAD_REQUEST, "The target host can't be the same one.");
}

/* There is nothing else to build it from. */
static bool check_image(struct http_request *request, const struct server *server, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	struct image image;

	if (!server_query(request, server->id, &rows, err))
		return false;
	if (image_load(request->db, store_text(&rows, COLUMN_IMAGE_ID), NULL, &image, err))
		return true;
	return err->kind == ERROR_NOT_FOUND
		       ? error_set(err, ERROR_BAD_REQUEST,
				   "Image %s of instance %s is not there any more: it cannot "
				   "be built anew.",
				   store_text(&rows, COLUMN_IMAGE_ID), server->id)
		       : false;
}

/* The state that it is in while it is built. */
static bool evacuated_state(const struct server *server, enum server_state *next, struct error *err)
{
	enum server_state state = server->life.state;
	const char *vm = server_state_info(state)->vm_state;

	*next = strcmp(vm, "stopped") == 0 ? SERVER_STOPPED_REBUILD
		: strcmp(vm, "error") == 0 ? SERVER_ERROR_REBUILD
					   : SERVER_REBUILD_ON;
	if (state == *next || server_may_move(state, *next))
		return true;
	struct server copy = *server;
	return server_user_move(&copy, *next, "evacuate", err);
}

static bool evacuate(struct http_request *request, struct server *server, const char *host,
		     enum server_state next, const char *password, struct error *err)
{
	const struct server before = *server;
	_cleanup_(text_done) struct text refusals = {0};

	if (!server_relocate(request->db, server, &(struct relocation){.host = host}, &refusals, err))
		return false;
	return (server->life.state == next || server_move(&server->life, next, err)) &&
	       move_insert_evacuation(request, &before, server, err) &&
	       store_exec(request->db, err,
			  "UPDATE server SET admin_pass = ?2, disk_generation = ?3, disk_order = NULL"
			  " WHERE id = ?1",
			  V((const char *)server->id), V(password), V(server->life.generation)) &&
	       server_action_end(request->db, server->id, true, err) && /* what the dead host was at */
	       server_action_begin(request, server->id, "evacuate", err) &&
	       server_save(request->db, server, err);
}

/* Nova answers with the password before 2.14, and with nothing since. */
static bool answer(struct http_request *request, struct http_response *response, const char *password)
{
	if (request->microversion >= 2014 || !compute_settings.password)
		return compute_empty(response, 200);
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_obj_add_strcpy(response->json, root, "adminPass", password);
	return true;
}

bool action_evacuate(struct http_request *request, struct http_response *response, struct server *server,
		     yyjson_val *argument, struct error *err)
{
	const char *host = yyjson_get_str(yyjson_obj_get(argument, "host")),
		   *password = yyjson_get_str(yyjson_obj_get(argument, "adminPass"));
	enum server_state next;

	if (schema_boolean(yyjson_obj_get(argument, "onSharedStorage"), false))
		return error_set(
			err, ERROR_BAD_REQUEST,
			"onSharedStorage: Penstock's hosts share no storage; the server is built anew "
			"from its image.");
	if (!password)
		password = server_new_password(request);
	return evacuated_state(server, &next, err) && check_source(request, server, err) &&
	       check_target(request, server, host, err) && check_image(request, server, err) &&
	       move_check_none(request->db, server->id, err) &&
	       evacuate(request, server, host, next, password, err) && answer(request, response, password);
}
