/* The identity service: routes, versions, errors. */
#include "base/memory.h"
#include "base/timestamp.h"
#include "identity/internal.h"

#include <string.h>

struct identity_settings identity_settings;

static void version_fill(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *version)
{
	yyjson_mut_val *links, *link, *types;

	yyjson_mut_obj_add_str(doc, version, "id", "v3.14");
	yyjson_mut_obj_add_str(doc, version, "status", "stable");
	yyjson_mut_obj_add_str(doc, version, "updated", "2020-04-07T00:00:00Z");
	links = yyjson_mut_obj_add_arr(doc, version, "links");
	link = yyjson_mut_arr_add_obj(doc, links);
	yyjson_mut_obj_add_str(doc, link, "rel", "self");
	yyjson_mut_obj_add_strcpy(doc, link, "href",
				  http_printf(request, "%s/identity/v3/", http_base_url(request)));
	types = yyjson_mut_obj_add_arr(doc, version, "media-types");
	link = yyjson_mut_arr_add_obj(doc, types);
	yyjson_mut_obj_add_str(doc, link, "base", "application/json");
	yyjson_mut_obj_add_str(doc, link, "type", "application/vnd.openstack.identity-v3+json");
}

static bool versions(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, 300);
	yyjson_mut_val *list =
		yyjson_mut_obj_add_arr(response->json,
				       yyjson_mut_obj_add_obj(response->json, root, "versions"), "values");

	(void)err;
	http_header_add(response, "Location",
			http_printf(request, "%s/identity/v3/", http_base_url(request)));
	version_fill(request, response->json, yyjson_mut_arr_add_obj(response->json, list));
	return true;
}

static bool version(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, 200);

	(void)err;
	version_fill(request, response->json, yyjson_mut_obj_add_obj(response->json, root, "version"));
	return true;
}

/* What Keystone's policy calls the actions that are administrators' business, for the sentence of a 403. */
#define ACTIONS(X) \
	X(LIST_SERVICES, "list_services") \
	X(GET_SERVICE, "get_service") \
	X(LIST_ENDPOINTS, "list_endpoints") \
	X(GET_ENDPOINT, "get_endpoint") \
	X(LIST_DOMAINS, "list_domains") \
	X(GET_DOMAIN, "get_domain") \
	X(LIST_PROJECTS, "list_projects") \
	X(CREATE_PROJECT, "create_project") \
	X(UPDATE_PROJECT, "update_project") \
	X(DELETE_PROJECT, "delete_project") \
	X(LIST_GRANTS, "list_grants") \
	X(CHECK_GRANT, "check_grant") \
	X(CREATE_GRANT, "create_grant") \
	X(REVOKE_GRANT, "revoke_grant") \
	X(LIST_USERS, "list_users") \
	X(CREATE_USER, "create_user") \
	X(UPDATE_USER, "update_user") \
	X(DELETE_USER, "delete_user") \
	X(LIST_ROLES, "list_roles") \
	X(GET_ROLE, "get_role") \
	X(CREATE_ROLE, "create_role") \
	X(UPDATE_ROLE, "update_role") \
	X(DELETE_ROLE, "delete_role") \
	X(LIST_ROLE_ASSIGNMENTS, "list_role_assignments")

#define ACTION_ENUM(symbol, name) symbol,
#define ACTION_NAME(symbol, name) name,
enum action { ACTIONS(ACTION_ENUM) };
static const char *const action_names[] = {ACTIONS(ACTION_NAME)};

/* A route's flags. */
enum {
	ROUTE_PUBLIC = 1, /* no token needed */
	ROUTE_ANY = 2,	  /* any valid token */
};
#define ADMIN(action) ((unsigned)(action) << 2) /* administrators only */

#define ROLE_OF "/v3/projects/{project}/users/{user}/roles"

static const struct http_route identity_routes[] = {
	{HTTP_GET, "/", versions, HTTP_READ, ROUTE_PUBLIC},
	{HTTP_GET, "/v3", version, HTTP_READ, ROUTE_PUBLIC},
	{HTTP_POST, "/v3/auth/tokens", auth_token_create, HTTP_SLOW, ROUTE_PUBLIC},
	{HTTP_GET, "/v3/auth/tokens", auth_token_show, HTTP_READ, ROUTE_ANY},
	{HTTP_DELETE, "/v3/auth/tokens", auth_token_revoke, HTTP_WRITE, ROUTE_ANY},
	{HTTP_GET, "/v3/auth/catalog", auth_catalog, HTTP_READ, ROUTE_ANY},
	{HTTP_GET, "/v3/auth/projects", auth_projects, HTTP_READ, ROUTE_ANY},
	{HTTP_GET, "/v3/auth/domains", auth_domains, HTTP_READ, ROUTE_ANY},
	{HTTP_GET, "/v3/services", catalog_services, HTTP_READ, ADMIN(LIST_SERVICES)},
	{HTTP_GET, "/v3/services/{id}", catalog_service, HTTP_READ, ADMIN(GET_SERVICE)},
	{HTTP_GET, "/v3/endpoints", catalog_endpoints, HTTP_READ, ADMIN(LIST_ENDPOINTS)},
	{HTTP_GET, "/v3/endpoints/{id}", catalog_endpoint, HTTP_READ, ADMIN(GET_ENDPOINT)},
	{HTTP_GET, "/v3/regions", catalog_regions, HTTP_READ, ROUTE_ANY},
	{HTTP_GET, "/v3/regions/{id}", catalog_region, HTTP_READ, ROUTE_ANY},
	{HTTP_GET, "/v3/domains", domain_list, HTTP_READ, ADMIN(LIST_DOMAINS)},
	{HTTP_GET, "/v3/domains/{id}", domain_show, HTTP_READ, ADMIN(GET_DOMAIN)},
	{HTTP_GET, "/v3/projects", project_list, HTTP_READ, ADMIN(LIST_PROJECTS)},
	{HTTP_POST, "/v3/projects", project_create, HTTP_WRITE, ADMIN(CREATE_PROJECT)},
	{HTTP_GET, "/v3/projects/{id}", project_show, HTTP_READ, ROUTE_ANY},
	{HTTP_PATCH, "/v3/projects/{id}", project_update, HTTP_WRITE, ADMIN(UPDATE_PROJECT)},
	{HTTP_DELETE, "/v3/projects/{id}", project_delete, HTTP_WRITE, ADMIN(DELETE_PROJECT)},
	{HTTP_GET, ROLE_OF, role_of_user, HTTP_READ, ADMIN(LIST_GRANTS)},
	{HTTP_GET, ROLE_OF "/{role}", role_check, HTTP_READ, ADMIN(CHECK_GRANT)},
	{HTTP_PUT, ROLE_OF "/{role}", role_grant, HTTP_WRITE, ADMIN(CREATE_GRANT)},
	{HTTP_DELETE, ROLE_OF "/{role}", role_revoke, HTTP_WRITE, ADMIN(REVOKE_GRANT)},
	{HTTP_GET, "/v3/users", user_list, HTTP_READ, ADMIN(LIST_USERS)},
	{HTTP_POST, "/v3/users", user_create, HTTP_WRITE, ADMIN(CREATE_USER), .prepare = user_prepare},
	{HTTP_GET, "/v3/users/{id}", user_show, HTTP_READ, ROUTE_ANY},
	{HTTP_PATCH, "/v3/users/{id}", user_update, HTTP_WRITE, ADMIN(UPDATE_USER), .prepare = user_prepare},
	{HTTP_DELETE, "/v3/users/{id}", user_delete, HTTP_WRITE, ADMIN(DELETE_USER)},
	{HTTP_GET, "/v3/users/{id}/projects", user_projects, HTTP_READ, ROUTE_ANY},
	/* The old password in the body is authentication enough, as in Keystone. */
	{HTTP_POST, "/v3/users/{id}/password", user_password, HTTP_WRITE, ROUTE_PUBLIC,
	 .prepare = user_password_prepare},
	{HTTP_GET, "/v3/roles", role_list, HTTP_READ, ADMIN(LIST_ROLES)},
	{HTTP_POST, "/v3/roles", role_create, HTTP_WRITE, ADMIN(CREATE_ROLE)},
	{HTTP_GET, "/v3/roles/{id}", role_show, HTTP_READ, ADMIN(GET_ROLE)},
	{HTTP_PATCH, "/v3/roles/{id}", role_update, HTTP_WRITE, ADMIN(UPDATE_ROLE)},
	{HTTP_DELETE, "/v3/roles/{id}", role_delete, HTTP_WRITE, ADMIN(DELETE_ROLE)},
	{HTTP_GET, "/v3/role_assignments", role_assignments, HTTP_READ, ADMIN(LIST_ROLE_ASSIGNMENTS)},
};

bool identity_forbidden(const char *action, struct error *err)
{
	return error_set(err, ERROR_FORBIDDEN,
			 "You are not authorized to perform the requested action: identity:%s.", action);
}

static bool identity_before(struct http_request *request, struct http_response *response, struct error *err)
{
	unsigned flags = request->route->flags;

	http_header_set(response, "Vary", "X-Auth-Token");
	if (flags & ROUTE_PUBLIC)
		return true;
	if (!identity_authenticate(request, err))
		return false;
	return (flags & ROUTE_ANY) || request->auth->admin ||
	       identity_forbidden(action_names[flags >> 2], err);
}

static const char *title(enum error_kind kind)
{
	switch ((int)kind) {
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 409:
		return "Conflict";
	case 413:
		return "Request Entity Too Large";
	case 501:
		return "Not Implemented";
	case 503:
		return "Service Unavailable";
	default:
		return "Internal Server Error";
	}
}

/* error.type of what Flask answers in Keystone's place: no such path, no such method. */
static const char no_route[] = "NoRoute";

static void identity_no_route(struct http_request *request, bool path_known, struct error *err)
{
	(void)request;
	if (path_known)
		error_set_typed(err, ERROR_METHOD_NOT_ALLOWED, no_route,
				"The method is not allowed for the requested URL.");
	else
		error_set_typed(err, ERROR_NOT_FOUND, no_route,
				"The requested URL was not found on the server.");
}

static void error_without_route(struct http_response *response, const struct error *err)
{
	if (err->kind == ERROR_METHOD_NOT_ALLOWED)
		yyjson_mut_obj_add_strcpy(http_json(response), http_json_object(response, (int)err->kind),
					  "message", err->message);
	else
		http_text(
			response, (int)err->kind, "text/html; charset=utf-8",
			"<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n"
			"<p>The requested URL was not found on the server.</p>\n");
}

static void identity_error(struct http_request *request, struct http_response *response,
			   const struct error *err)
{
	http_header_set(response, "Vary", "X-Auth-Token");
	if (err->type == no_route) {
		error_without_route(response, err);
		return;
	}
	yyjson_mut_val *root = http_json_object(response, (int)err->kind);
	yyjson_mut_val *error = yyjson_mut_obj_add_obj(response->json, root, "error");
	yyjson_mut_obj_add_int(response->json, error, "code", (int)err->kind);
	yyjson_mut_obj_add_strcpy(
		response->json, error, "message",
		err->kind == ERROR_INTERNAL
			? "An unexpected error prevented the server from fulfilling your request."
			: err->message);
	yyjson_mut_obj_add_str(response->json, error, "title", title(err->kind));
	if (err->kind == ERROR_UNAUTHORIZED)
		http_header_set(response, "WWW-Authenticate",
				http_printf(request, "Keystone uri=\"%s/identity/v3\"",
					    http_base_url(request)));
}

static struct http_service identity = {
	.name = "identity",
	.prefix = "/identity",
	.routes = identity_routes,
	.route_count = ELEMENTS_OF(identity_routes),
	.before = identity_before,
	.render_error = identity_error,
	.no_route = identity_no_route,
};

const struct http_service *identity_service(const struct config *config, const char *state_dir,
					    struct error *err)
{
	int64_t seconds;

	if (!config_int(config, "token", "expiration", 3600, 1, 365 * 86400, &seconds, err) ||
	    !password_rounds(config, &identity_settings.rounds, err) || !token_key_load(state_dir, err))
		return NULL;
	identity_settings.expiration = seconds * TIME_SECOND;
	return &identity;
}

void identity_links_self(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *object,
			 const char *path)
{
	yyjson_mut_val *links = yyjson_mut_obj_add_obj(doc, object, "links");

	yyjson_mut_obj_add_strcpy(doc, links, "self",
				  http_printf(request, "%s/identity%s", http_base_url(request), path));
}

void identity_links_list(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *root)
{
	yyjson_mut_val *links = yyjson_mut_obj_add_obj(doc, root, "links");

	yyjson_mut_obj_add_null(doc, links, "next");
	yyjson_mut_obj_add_strcpy(doc, links, "self",
				  http_printf(request, "%s%s", http_base_url(request), request->target));
	yyjson_mut_obj_add_null(doc, links, "previous");
}
