/* DELETE of a server: the host is told to remove it; the row goes when the host says that nothing is left. */
#include "base/deliberate.h"
#include "compute/server.h"

bool server_delete(struct http_request *request, struct http_response *response, struct error *err)
{
	struct server server;

	if (!server_load(request->db, request->params[0], request->auth, &server, err) ||
	    !server_check_unlocked(&server, request->auth, err))
		return false;
	if (!server.life.has_host)
		return server_remove(request->db, &server, err) && compute_empty(response, 204);
	/* Asking twice is fine: the host is at it. */
	if (server_is_deleting(server.life.state))
		return compute_empty(response, 204);
	if (deliberate_bug(1) && !scheduler_release(request->db, server.id, err))
		return false;
	if (server.life.state == SERVER_SPAWNING)
		scheduler_build_ends(request->db, server.host_id, SCHEDULER_BUILD_LEFT);
	return server_user_move(&server, server_deleting(server.life.state), "delete", err) &&
	       server_action_begin(request, server.id, "delete", err) &&
	       server_save(request->db, &server, err) && compute_empty(response, 204);
}
