/* os-resetState: an administrator's word about a server whose state is wrong.  What is wanted of the host
 * stays as it is, and so "active" may mean off, paused or suspended here. */
#include "compute/move.h"
#include "compute/server_action.h"

#include <string.h>

static const char *const states[] = {"active", "error", NULL};
static const struct schema state_text = {.types = SCHEMA_STRING, .choices = states};
const struct schema action_reset_schema = {
	.types = SCHEMA_OBJECT,
	.fields = (const struct schema_field[]){{"state", &state_text, .required = true}, {0}}};

static bool cannot(const struct server *server, struct error *err)
{
	const struct server_state_info *now = server_state_info(server->life.state);

	return error_set(err, ERROR_CONFLICT, "Cannot 'resetState' instance %s while it is in %s %s",
			 server->id, now->task_state ? "task_state" : "vm_state",
			 now->task_state ? now->task_state : now->vm_state);
}

static bool to_error(struct server *server, struct error *err)
{
	enum server_state next =
		server_is_deleting(server->life.state) ? SERVER_ERROR_DELETING : SERVER_ERROR;

	if (server->life.state == next || server_move(&server->life, next, err))
		return true;
	return cannot(server, err);
}

/* What never ran, or is lost, or is on its way off, does not become whole by being called so. */
static bool to_active(struct http_request *request, struct server *server, struct error *err)
{
	static const enum server_state settled[WANT_COUNT] = {
		[WANT_RUNNING] = SERVER_ACTIVE,	     [WANT_PAUSED] = SERVER_PAUSED,
		[WANT_SUSPENDED] = SERVER_SUSPENDED, [WANT_STOPPED] = SERVER_STOPPED,
		[WANT_LEAVING] = SERVER_STATE_COUNT, [WANT_STAYING] = SERVER_STATE_COUNT,
		[WANT_ABSENT] = SERVER_STATE_COUNT,
	};
	enum server_state next = settled[server->life.want];
	struct server copy = *server;

	if (next == SERVER_STATE_COUNT || server_is_deleting(server->life.state) || !server->life.launched_at)
		return cannot(server, err);
	if (!move_check_none(request->db, server->id, err))
		return false;
	if (copy.life.state == next || server_move(&copy.life, next, err) ||
	    (server_move(&copy.life, SERVER_ERROR, err) && server_move(&copy.life, next, err))) {
		*server = copy;
		return true;
	}
	return cannot(server, err);
}

bool action_reset_state(struct http_request *request, struct http_response *response, struct server *server,
			yyjson_val *argument, struct error *err)
{
	bool active = strcmp(yyjson_get_str(yyjson_obj_get(argument, "state")), "active") == 0;

	return (active ? to_active(request, server, err) : to_error(server, err)) &&
	       server_action_end(request->db, server->id, true, err) && /* what was under way */
	       server_action_note(request, server->id, "resetState", err) &&
	       server_save(request->db, server, err) && compute_empty(response, 202);
}
