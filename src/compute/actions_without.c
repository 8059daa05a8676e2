/* Actions that end with an answer: what Nova itself has given up, and what needs something that Penstock does
 * not have, as Nova answers without it (no guest agent, no graphical consoles). */
#include "compute/server_action.h"

#include <string.h>

/* --- gone from Nova --- */

bool action_gone(struct http_request *request, struct http_response *response, struct server *server,
		 yyjson_val *argument, struct error *err)
{
	(void)request;
	(void)response;
	(void)server;
	(void)argument;
	return error_set(err, ERROR_GONE,
			 "This resource is no longer available.  No forwarding address is given.");
}

/* --- soft deletion --- */

/* What is deleted is deleted: no server is ever in the state from which it could be restored. */
bool action_restore(struct http_request *request, struct http_response *response, struct server *server,
		    yyjson_val *argument, struct error *err)
{
	const struct server_state_info *now = server_state_info(server->life.state);

	(void)request;
	(void)response;
	(void)argument;
	return error_set(err, ERROR_CONFLICT, "Cannot 'restore' instance %s while it is in vm_state %s",
			 server->id, now->vm_state);
}

/* --- passwords --- */

static const struct schema password = {.types = SCHEMA_STRING, .longest = 255};
const struct schema action_password_schema = {
	.types = SCHEMA_OBJECT,
	.fields = (const struct schema_field[]){{"adminPass", &password, .required = true}, {0}}};

bool action_change_password(struct http_request *request, struct http_response *response,
			    struct server *server, yyjson_val *argument, struct error *err)
{
	const struct server_state_info *now = server_state_info(server->life.state);

	(void)request;
	(void)response;
	(void)argument;
	if (strcmp(now->vm_state, "active") != 0 || server_is_deleting(server->life.state))
		return error_set(err, ERROR_CONFLICT,
				 "Cannot 'changePassword' instance %s while it is in vm_state %s", server->id,
				 now->vm_state);
	return error_set(err, ERROR_CONFLICT, "QEMU guest agent is not enabled");
}

/* --- consoles --- */

static const char *const vnc_types[] = {"novnc", "xvpvnc", NULL};
static const char *const spice_types[] = {"spice-html5", NULL};
static const char *const rdp_types[] = {"rdp-html5", NULL};
static const char *const serial_types[] = {"serial", NULL};
static const char *const all_types[] = {"novnc",  "xvpvnc", "spice-html5", "rdp-html5",
					"serial", "webmks", NULL};
static const char *const protocols[] = {"vnc", "spice", "rdp", "serial", "mks", NULL};

static const struct schema vnc_type = {.types = SCHEMA_STRING, .choices = vnc_types};
static const struct schema spice_type = {.types = SCHEMA_STRING, .choices = spice_types};
static const struct schema rdp_type = {.types = SCHEMA_STRING, .choices = rdp_types};
static const struct schema serial_type = {.types = SCHEMA_STRING, .choices = serial_types};
static const struct schema any_type = {.types = SCHEMA_STRING, .choices = all_types};
static const struct schema protocol = {.types = SCHEMA_STRING, .choices = protocols};

#define CONSOLE_SCHEMA(type) \
	{ \
		.types = SCHEMA_OBJECT, .fields = (const struct schema_field[]) \
		{ \
			{"type", &(type), .required = true}, \
			{ \
				0 \
			} \
		} \
	}
const struct schema action_vnc_schema = CONSOLE_SCHEMA(vnc_type);
const struct schema action_spice_schema = CONSOLE_SCHEMA(spice_type);
const struct schema action_rdp_schema = CONSOLE_SCHEMA(rdp_type);
const struct schema action_serial_schema = CONSOLE_SCHEMA(serial_type);

static const struct schema remote_object = {
	.types = SCHEMA_OBJECT,
	.fields = (const struct schema_field[]){{"protocol", &protocol, .required = true},
						{"type", &any_type, .required = true},
						{0}}};
static const struct schema remote_body = {
	.types = SCHEMA_OBJECT,
	.fields = (const struct schema_field[]){{"remote_console", &remote_object, .required = true}, {0}}};

static bool console_unavailable(const struct server *server, const char *type, struct error *err)
{
	if (!server->life.has_host)
		return error_set(err, ERROR_CONFLICT, "Instance %s is not ready", server->id);
	return error_set(err, ERROR_BAD_REQUEST, "Unavailable console type %s.", type);
}

/* Until 2.5; since then POST /servers/{id}/remote-consoles. */
bool action_remote_console(struct http_request *request, struct http_response *response,
			   struct server *server, yyjson_val *argument, struct error *err)
{
	(void)response;
	if (request->microversion >= 2006)
		return error_set(err, ERROR_NOT_FOUND, "API version '2.%d' is not supported on this method.",
				 request->microversion - 2000);
	return console_unavailable(server, yyjson_get_str(yyjson_obj_get(argument, "type")), err);
}

bool server_remote_console(struct http_request *request, struct http_response *response, struct error *err)
{
	struct server server;

	(void)response;
	if (!compute_since(request, 2006, err))
		return false;
	yyjson_val *body = compute_body(request, &remote_body, err);
	return body && server_load(request->db, request->params[0], request->auth, &server, err) &&
	       console_unavailable(&server,
				   yyjson_get_str(
					   yyjson_obj_get(yyjson_obj_get(body, "remote_console"), "type")),
				   err);
}
