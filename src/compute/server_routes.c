/* The routes of servers. */
#include "compute/server.h"

static bool server_show(struct http_request *request, struct http_response *response, struct error *err)
{
	return server_answer(request, response, request->params[0], SERVER_VIEW_SHOW, err);
}

/* What exists of a server in Nova and is always empty here. */
static bool empty_list(struct http_request *request, struct http_response *response, const char *key,
		       struct error *err)
{
	struct server server;

	if (!server_load(request->db, request->params[0], request->auth, &server, err))
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_obj_add_arr(response->json, root, key);
	return true;
}

static bool server_volumes(struct http_request *request, struct http_response *response, struct error *err)
{
	return empty_list(request, response, "volumeAttachments", err);
}

#define SERVER "/servers/{id}"

static const struct http_route routes[] = {
	{HTTP_GET, "/servers", server_index, HTTP_READ, .flags = POLICY_SERVER_INDEX},
	{HTTP_POST, "/servers", server_create, HTTP_WRITE, .flags = POLICY_SERVER_CREATE},
	{HTTP_GET, "/servers/detail", server_detail, HTTP_READ, .flags = POLICY_SERVER_DETAIL},
	{HTTP_GET, SERVER, server_show, HTTP_READ, .flags = POLICY_SERVER_SHOW},
	{HTTP_PUT, SERVER, server_update, HTTP_WRITE, .flags = POLICY_SERVER_UPDATE},
	{HTTP_DELETE, SERVER, server_delete, HTTP_WRITE, .flags = POLICY_SERVER_DELETE},
	{HTTP_POST, SERVER "/action", server_action, HTTP_WRITE, .flags = POLICY_SERVER_ACTION,
	 .prepare = server_action_prepare},
	{HTTP_GET, SERVER "/metadata", server_metadata_index, HTTP_READ, .flags = POLICY_METADATA_INDEX},
	{HTTP_PUT, SERVER "/metadata", server_metadata_replace, HTTP_WRITE, .flags = POLICY_METADATA_CHANGE},
	{HTTP_POST, SERVER "/metadata", server_metadata_merge, HTTP_WRITE, .flags = POLICY_METADATA_CHANGE},
	{HTTP_GET, SERVER "/metadata/{key}", server_metadata_show, HTTP_READ, .flags = POLICY_METADATA_INDEX},
	{HTTP_PUT, SERVER "/metadata/{key}", server_metadata_put, HTTP_WRITE,
	 .flags = POLICY_METADATA_CHANGE},
	{HTTP_DELETE, SERVER "/metadata/{key}", server_metadata_delete, HTTP_WRITE,
	 .flags = POLICY_METADATA_CHANGE},
	{HTTP_GET, SERVER "/tags", server_tags_index, HTTP_READ, .flags = POLICY_TAGS_INDEX},
	{HTTP_PUT, SERVER "/tags", server_tags_replace, HTTP_WRITE, .flags = POLICY_TAGS_CHANGE},
	{HTTP_DELETE, SERVER "/tags", server_tags_clear, HTTP_WRITE, .flags = POLICY_TAGS_CHANGE},
	{HTTP_GET, SERVER "/tags/{tag}", server_tags_show, HTTP_READ, .flags = POLICY_TAGS_INDEX},
	{HTTP_PUT, SERVER "/tags/{tag}", server_tags_put, HTTP_WRITE, .flags = POLICY_TAGS_CHANGE},
	{HTTP_DELETE, SERVER "/tags/{tag}", server_tags_delete, HTTP_WRITE, .flags = POLICY_TAGS_CHANGE},
	{HTTP_GET, SERVER "/ips", server_ips_index, HTTP_READ, .flags = POLICY_IPS_INDEX},
	{HTTP_GET, SERVER "/ips/{label}", server_ips_show, HTTP_READ, .flags = POLICY_IPS_INDEX},
	{HTTP_GET, SERVER "/os-interface", server_interfaces_index, HTTP_READ,
	 .flags = POLICY_INTERFACE_INDEX},
	{HTTP_POST, SERVER "/os-interface", server_interfaces_attach, HTTP_WRITE,
	 .flags = POLICY_INTERFACE_CHANGE},
	{HTTP_GET, SERVER "/os-interface/{port}", server_interfaces_show, HTTP_READ,
	 .flags = POLICY_INTERFACE_INDEX},
	{HTTP_DELETE, SERVER "/os-interface/{port}", server_interfaces_detach, HTTP_WRITE,
	 .flags = POLICY_INTERFACE_CHANGE},
	{HTTP_GET, SERVER "/os-security-groups", server_security_groups, HTTP_READ,
	 .flags = POLICY_SERVER_GROUPS_OF},
	{HTTP_GET, SERVER "/os-instance-actions", server_actions_index, HTTP_READ,
	 .flags = POLICY_ACTIONS_INDEX},
	{HTTP_GET, SERVER "/os-instance-actions/{request}", server_actions_show, HTTP_READ,
	 .flags = POLICY_ACTIONS_INDEX},
	{HTTP_POST, SERVER "/remote-consoles", server_remote_console, HTTP_READ,
	 .flags = POLICY_REMOTE_CONSOLES},
	{HTTP_GET, SERVER "/diagnostics", server_diagnostics, HTTP_READ, .flags = POLICY_DIAGNOSTICS},
	{HTTP_GET, SERVER "/os-volume_attachments", server_volumes, HTTP_READ, .flags = POLICY_SERVER_SHOW},
	{HTTP_GET, SERVER "/migrations", live_index, HTTP_READ, .flags = POLICY_LIVE_INDEX},
	{HTTP_GET, SERVER "/migrations/{number}", live_show, HTTP_READ, .flags = POLICY_LIVE_SHOW},
	{HTTP_DELETE, SERVER "/migrations/{number}", live_delete, HTTP_WRITE, .flags = POLICY_LIVE_DELETE},
	{HTTP_POST, SERVER "/migrations/{number}/action", live_action, HTTP_WRITE,
	 .flags = POLICY_LIVE_COMPLETE},
};

const struct compute_routes server_routes = {routes, ELEMENTS_OF(routes)};
