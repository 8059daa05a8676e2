/* The network service: routes, versions, errors. */
#include "base/memory.h"
#include "network/internal.h"

#include <string.h>

static void version_fill(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *version)
{
	yyjson_mut_val *link;

	yyjson_mut_obj_add_str(doc, version, "id", "v2.0");
	yyjson_mut_obj_add_str(doc, version, "status", "CURRENT");
	link = yyjson_mut_arr_add_obj(doc, yyjson_mut_obj_add_arr(doc, version, "links"));
	yyjson_mut_obj_add_str(doc, link, "rel", "self");
	yyjson_mut_obj_add_str(doc, link, "href",
			       http_printf(request, "%s/network/v2.0/", http_base_url(request)));
}

static bool versions(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, 200);

	(void)err;
	version_fill(request, response->json,
		     yyjson_mut_arr_add_obj(response->json,
					    yyjson_mut_obj_add_arr(response->json, root, "versions")));
	return true;
}

static bool resources(struct http_request *request, struct http_response *response, struct error *err)
{
	static const char *const names[] = {"network", "subnet",    "port",	     "segment",
					    "agent",   "extension", "security_group"};
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "resources");

	(void)err;
	for (size_t i = 0; i < ELEMENTS_OF(names); i++) {
		yyjson_mut_val *resource = yyjson_mut_arr_add_obj(response->json, list), *link;

		yyjson_mut_obj_add_str(response->json, resource, "name", names[i]);
		yyjson_mut_obj_add_str(response->json, resource, "collection",
				       http_printf(request, "%ss", names[i]));
		link = yyjson_mut_arr_add_obj(response->json,
					      yyjson_mut_obj_add_arr(response->json, resource, "links"));
		yyjson_mut_obj_add_str(response->json, link, "rel", "self");
		yyjson_mut_obj_add_str(response->json, link, "href",
				       http_printf(request, "%s/network/v2.0/%ss", http_base_url(request),
						   names[i]));
	}
	return true;
}

#define RESOURCE(plural, name) \
	{HTTP_GET, "/v2.0/" plural, name##_list, HTTP_READ}, \
		{HTTP_POST, "/v2.0/" plural, name##_create, HTTP_WRITE}, \
		{HTTP_GET, "/v2.0/" plural "/{id}", name##_show, HTTP_READ}, \
		{HTTP_PUT, "/v2.0/" plural "/{id}", name##_update, HTTP_WRITE}, \
	{ \
		HTTP_DELETE, "/v2.0/" plural "/{id}", name##_delete, HTTP_WRITE \
	}

#define RULES(kind, type) \
	{HTTP_GET, "/v2.0/qos/policies/{id}/" type "_rules", rule_list, HTTP_READ, ROUTE_KIND(kind)}, \
		{HTTP_POST, "/v2.0/qos/policies/{id}/" type "_rules", rule_create, HTTP_WRITE, \
		 ROUTE_KIND(kind)}, \
		{HTTP_GET, "/v2.0/qos/policies/{id}/" type "_rules/{rule}", rule_show, HTTP_READ, \
		 ROUTE_KIND(kind)}, \
		{HTTP_PUT, "/v2.0/qos/policies/{id}/" type "_rules/{rule}", rule_update, HTTP_WRITE, \
		 ROUTE_KIND(kind)}, \
		{HTTP_DELETE, "/v2.0/qos/policies/{id}/" type "_rules/{rule}", rule_delete, HTTP_WRITE, \
		 ROUTE_KIND(kind)}, \
		{HTTP_GET, "/v2.0/qos/alias_" type "_rules/{rule}", rule_show, HTTP_READ, \
		 ROUTE_KIND(kind) | ROUTE_ALIAS}, \
		{HTTP_PUT, "/v2.0/qos/alias_" type "_rules/{rule}", rule_update, HTTP_WRITE, \
		 ROUTE_KIND(kind) | ROUTE_ALIAS}, \
	{ \
		HTTP_DELETE, "/v2.0/qos/alias_" type "_rules/{rule}", rule_delete, HTTP_WRITE, \
			ROUTE_KIND(kind) | ROUTE_ALIAS \
	}

#define TAGS(kind, plural) \
	{HTTP_GET, "/v2.0/" plural "/{id}/tags", tag_list, HTTP_READ, ROUTE_KIND(kind)}, \
		{HTTP_PUT, "/v2.0/" plural "/{id}/tags", tag_replace, HTTP_WRITE, ROUTE_KIND(kind)}, \
		{HTTP_DELETE, "/v2.0/" plural "/{id}/tags", tag_clear, HTTP_WRITE, ROUTE_KIND(kind)}, \
		{HTTP_GET, "/v2.0/" plural "/{id}/tags/{tag}", tag_show, HTTP_READ, ROUTE_KIND(kind)}, \
		{HTTP_PUT, "/v2.0/" plural "/{id}/tags/{tag}", tag_put, HTTP_WRITE, ROUTE_KIND(kind)}, \
	{ \
		HTTP_DELETE, "/v2.0/" plural "/{id}/tags/{tag}", tag_delete, HTTP_WRITE, ROUTE_KIND(kind) \
	}

static const struct http_route network_routes[] = {
	{HTTP_GET, "/", versions, HTTP_READ, ROUTE_PUBLIC},
	{HTTP_GET, "/v2.0", resources, HTTP_READ},
	{HTTP_GET, "/v2.0/extensions", extension_list, HTTP_READ},
	{HTTP_GET, "/v2.0/extensions/{alias}", extension_show, HTTP_READ},
	RESOURCE("networks", network),
	RESOURCE("subnets", subnet),
	RESOURCE("ports", port),
	{HTTP_GET, "/v2.0/ports/{id}/bindings", binding_list, HTTP_READ},
	{HTTP_POST, "/v2.0/ports/{id}/bindings", binding_create, HTTP_WRITE},
	{HTTP_GET, "/v2.0/ports/{id}/bindings/{host}", binding_show, HTTP_READ},
	{HTTP_PUT, "/v2.0/ports/{id}/bindings/{host}", binding_update, HTTP_WRITE},
	{HTTP_DELETE, "/v2.0/ports/{id}/bindings/{host}", binding_delete, HTTP_WRITE},
	{HTTP_PUT, "/v2.0/ports/{id}/bindings/{host}/activate", binding_activate, HTTP_WRITE},
	TAGS(TAGGED_NETWORK, "networks"),
	TAGS(TAGGED_SUBNET, "subnets"),
	TAGS(TAGGED_PORT, "ports"),
	TAGS(TAGGED_POLICY, "policies"),
	RESOURCE("segments", segment),
	RESOURCE("qos/policies", policy),
	RULES(QOS_BANDWIDTH_LIMIT, "bandwidth_limit"),
	RULES(QOS_MINIMUM_BANDWIDTH, "minimum_bandwidth"),
	RULES(QOS_DSCP_MARKING, "dscp_marking"),
	{HTTP_GET, "/v2.0/qos/rule-types", rule_type_list, HTTP_READ},
	{HTTP_GET, "/v2.0/qos/rule-types/{type}", rule_type_show, HTTP_READ},
	{HTTP_GET, "/v2.0/agents", agent_list, HTTP_READ},
	{HTTP_GET, "/v2.0/agents/{id}", agent_show, HTTP_READ},
	{HTTP_PUT, "/v2.0/agents/{id}", agent_update, HTTP_WRITE},
	{HTTP_DELETE, "/v2.0/agents/{id}", agent_delete, HTTP_WRITE},
	{HTTP_GET, "/v2.0/network-ip-availabilities", availability_list, HTTP_READ},
	{HTTP_GET, "/v2.0/network-ip-availabilities/{id}", availability_show, HTTP_READ},
	{HTTP_GET, "/v2.0/availability_zones", zone_list, HTTP_READ},
	{HTTP_GET, "/v2.0/quotas", quota_list, HTTP_READ},
	{HTTP_GET, "/v2.0/quotas/{project}", quota_show, HTTP_READ},
	{HTTP_PUT, "/v2.0/quotas/{project}", quota_update, HTTP_WRITE},
	{HTTP_DELETE, "/v2.0/quotas/{project}", quota_delete, HTTP_WRITE},
	{HTTP_GET, "/v2.0/quotas/{project}/default", quota_default, HTTP_READ},
	{HTTP_GET, "/v2.0/quotas/{project}/details", quota_details,
	 HTTP_READ}, /* asked for as details.json */
	RESOURCE("security-groups", group),
	TAGS(TAGGED_GROUP, "security-groups"),
	{HTTP_GET, "/v2.0/security-group-rules", group_rule_list, HTTP_READ},
	{HTTP_POST, "/v2.0/security-group-rules", group_rule_create, HTTP_WRITE},
	{HTTP_GET, "/v2.0/security-group-rules/{id}", group_rule_show, HTTP_READ},
	{HTTP_DELETE, "/v2.0/security-group-rules/{id}", group_rule_delete, HTTP_WRITE},
};

static bool network_before(struct http_request *request, struct http_response *response, struct error *err)
{
	(void)response;
	if (request->route->flags & ROUTE_PUBLIC)
		return true;
	if (!identity_authenticate(request, err))
		return false;
	if (!request->auth->project_id)
		return error_set_typed(err, ERROR_FORBIDDEN, "PolicyNotAuthorized",
				       "a token scoped to a project is needed");
	return request->route->mode != HTTP_WRITE || request->auth->member || request->auth->service ||
	       error_set_typed(err, ERROR_FORBIDDEN, "PolicyNotAuthorized",
			       "role member is needed to change something: it is disallowed by policy");
}

static void unauthorized(struct http_request *request, struct http_response *response,
			 const struct error *err)
{
	yyjson_mut_val *error =
		yyjson_mut_obj_add_obj(http_json(response), http_json_object(response, 401), "error");

	yyjson_mut_obj_add_int(response->json, error, "code", 401);
	yyjson_mut_obj_add_str(response->json, error, "title", "Unauthorized");
	yyjson_mut_obj_add_strcpy(response->json, error, "message", err->message);
	http_header_set(response, "WWW-Authenticate",
			http_printf(request, "Keystone uri=\"%s/identity\"", http_base_url(request)));
}

static void network_error(struct http_request *request, struct http_response *response,
			  const struct error *err)
{
	static const char *const names[] = {[0] = "HTTPBadRequest", [3] = "PolicyNotAuthorized",
					    [4] = "HTTPNotFound",   [5] = "HTTPMethodNotAllowed",
					    [9] = "Conflict",	    [13] = "HTTPRequestEntityTooLarge"};
	const char *type = err->type;
	yyjson_mut_val *error;

	if (err->kind == ERROR_UNAUTHORIZED) {
		unauthorized(request, response, err);
		return;
	}
	if (!type && err->kind >= 400 && err->kind - 400 < (int)ELEMENTS_OF(names))
		type = names[err->kind - 400];
	error = yyjson_mut_obj_add_obj(http_json(response), http_json_object(response, (int)err->kind),
				       "NeutronError");
	yyjson_mut_obj_add_strcpy(response->json, error, "type", type ? type : "HTTPInternalServerError");
	yyjson_mut_obj_add_strcpy(response->json, error, "message", err->message);
	yyjson_mut_obj_add_str(response->json, error, "detail", "");
}

static const struct http_service network = {
	.name = "network",
	.prefix = "/network",
	.routes = network_routes,
	.route_count = ELEMENTS_OF(network_routes),
	.before = network_before,
	.render_error = network_error,
	.json_suffix = true,
};

const struct http_service *network_service(const struct config *config, struct error *err)
{
	return network_settings_read(config, err) ? &network : NULL;
}
