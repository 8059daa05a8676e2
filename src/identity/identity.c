/* The identity service: routes, versions, errors, bootstrap. */
#include "base/memory.h"
#include "base/timestamp.h"
#include "identity/internal.h"
#include "sys/sys.h"

#include <crypt.h>
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
	{HTTP_GET, "/v3/services", catalog_services, HTTP_READ},
	{HTTP_GET, "/v3/services/{id}", catalog_service, HTTP_READ},
	{HTTP_GET, "/v3/endpoints", catalog_endpoints, HTTP_READ},
	{HTTP_GET, "/v3/endpoints/{id}", catalog_endpoint, HTTP_READ},
	{HTTP_GET, "/v3/regions", catalog_regions, HTTP_READ, ROUTE_ANY},
	{HTTP_GET, "/v3/regions/{id}", catalog_region, HTTP_READ, ROUTE_ANY},
	{HTTP_GET, "/v3/domains", domain_list, HTTP_READ},
	{HTTP_GET, "/v3/domains/{id}", domain_show, HTTP_READ},
	{HTTP_GET, "/v3/projects", project_list, HTTP_READ},
	{HTTP_POST, "/v3/projects", project_create, HTTP_WRITE},
	{HTTP_GET, "/v3/projects/{id}", project_show, HTTP_READ, ROUTE_ANY},
	{HTTP_PATCH, "/v3/projects/{id}", project_update, HTTP_WRITE},
	{HTTP_DELETE, "/v3/projects/{id}", project_delete, HTTP_WRITE},
	{HTTP_GET, ROLE_OF, role_of_user, HTTP_READ},
	{HTTP_GET, ROLE_OF "/{role}", role_check, HTTP_READ},
	{HTTP_PUT, ROLE_OF "/{role}", role_grant, HTTP_WRITE},
	{HTTP_DELETE, ROLE_OF "/{role}", role_revoke, HTTP_WRITE},
	{HTTP_GET, "/v3/users", user_list, HTTP_READ},
	{HTTP_POST, "/v3/users", user_create, HTTP_WRITE, .prepare = user_prepare},
	{HTTP_GET, "/v3/users/{id}", user_show, HTTP_READ, ROUTE_ANY},
	{HTTP_PATCH, "/v3/users/{id}", user_update, HTTP_WRITE, .prepare = user_prepare},
	{HTTP_DELETE, "/v3/users/{id}", user_delete, HTTP_WRITE},
	{HTTP_GET, "/v3/users/{id}/projects", user_projects, HTTP_READ, ROUTE_ANY},
	{HTTP_POST, "/v3/users/{id}/password", user_password, HTTP_WRITE, ROUTE_PUBLIC,
	 .prepare = user_password_prepare},
	{HTTP_GET, "/v3/roles", role_list, HTTP_READ, ROUTE_ANY},
	{HTTP_POST, "/v3/roles", role_create, HTTP_WRITE},
	{HTTP_GET, "/v3/roles/{id}", role_show, HTTP_READ, ROUTE_ANY},
	{HTTP_DELETE, "/v3/roles/{id}", role_delete, HTTP_WRITE},
	{HTTP_GET, "/v3/role_assignments", role_assignments, HTTP_READ},
};

/* The action's name in Keystone's policy, for the sentence of a 403: "list_users", "create_project". */
static const char *action_name(struct http_request *request)
{
	static const char *const verbs[] = {[HTTP_GET] = "get",
					    [HTTP_POST] = "create",
					    [HTTP_PUT] = "create",
					    [HTTP_PATCH] = "update",
					    [HTTP_DELETE] = "delete"};
	const char *pattern = request->route->pattern, *from = pattern + strlen("/v3/");
	size_t length = strcspn(from, "/");
	bool one = strchr(pattern, '{') || request->route->method != HTTP_GET;

	if (strstr(pattern, "/roles") && strchr(pattern, '{') && strncmp(from, "projects", 8) == 0)
		return http_printf(request, "%s_grant", verbs[request->route->method]);
	if (one && from[length - 1] == 's')
		length--;
	return http_printf(request, "%s_%.*s", one ? verbs[request->route->method] : "list", (int)length,
			   from);
}

static bool identity_before(struct http_request *request, struct http_response *response, struct error *err)
{
	http_header_add(response, "Vary", "X-Auth-Token");
	if (request->route->flags & ROUTE_PUBLIC)
		return true;
	if (!identity_authenticate(request, err))
		return false;
	if ((request->route->flags & ROUTE_ANY) || request->auth->admin)
		return true;
	return error_set(err, ERROR_FORBIDDEN,
			 "You are not authorized to perform the requested action: identity:%s.",
			 action_name(request));
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
	case 503:
		return "Service Unavailable";
	default:
		return "Internal Server Error";
	}
}

static void identity_error(struct http_request *request, struct http_response *response,
			   const struct error *err)
{
	yyjson_mut_val *error = yyjson_mut_obj_add_obj(http_json(response),
						       http_json_object(response, (int)err->kind), "error");

	yyjson_mut_obj_add_int(response->json, error, "code", (int)err->kind);
	yyjson_mut_obj_add_strcpy(response->json, error, "message", err->message);
	yyjson_mut_obj_add_str(response->json, error, "title", title(err->kind));
	if (err->kind == ERROR_UNAUTHORIZED)
		http_header_set(response, "WWW-Authenticate",
				http_printf(request, "Keystone uri=\"%s/identity\"", http_base_url(request)));
}

static struct http_service identity = {
	.name = "identity",
	.prefix = "/identity",
	.routes = identity_routes,
	.route_count = ELEMENTS_OF(identity_routes),
	.before = identity_before,
	.render_error = identity_error,
};

const struct http_service *identity_service(const struct config *config, const char *state_dir,
					    struct error *err)
{
	int64_t seconds;

	if (!config_int(config, "token", "expiration", 3600, 1, 365 * 86400, &seconds, err) ||
	    !config_int(config, "identity", "password_hash_rounds", 12, 4, 31, &identity_settings.rounds,
			err) ||
	    !token_key_load(state_dir, err))
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

yyjson_val *identity_body(struct http_request *request, const char *name, struct error *err)
{
	yyjson_val *body = http_body_json(request, err), *member = yyjson_obj_get(body, name);

	if (body && !yyjson_is_obj(member))
		error_set(err, ERROR_BAD_REQUEST, "'%s' is a required property", name);
	return body && yyjson_is_obj(member) ? member : NULL;
}

bool identity_member_text(yyjson_val *object, const char *name, size_t max, const char **value,
			  struct error *err)
{
	yyjson_val *member = yyjson_obj_get(object, name);

	if (!member || yyjson_is_null(member))
		return true;
	if (!yyjson_is_str(member))
		return error_set(err, ERROR_BAD_REQUEST,
				 "Invalid input for field '%s': it is not of type 'string'", name);
	if (yyjson_get_len(member) > max)
		return error_set(err, ERROR_BAD_REQUEST,
				 "Invalid input for field '%s': it is longer than %zu bytes", name, max);
	*value = yyjson_get_str(member);
	return true;
}

bool identity_member_bool(yyjson_val *object, const char *name, bool *value, struct error *err)
{
	yyjson_val *member = yyjson_obj_get(object, name);

	if (!member)
		return true;
	if (!yyjson_is_bool(member))
		return error_set(err, ERROR_BAD_REQUEST,
				 "Invalid input for field '%s': it is not of type 'boolean'", name);
	*value = yyjson_get_bool(member);
	return true;
}

bool identity_member_name(yyjson_val *object, bool required, size_t max, const char **value,
			  struct error *err)
{
	yyjson_val *member = yyjson_obj_get(object, "name");

	if (!member && !required)
		return true;
	if (!member)
		return error_set(err, ERROR_BAD_REQUEST, "'name' is a required property");
	if (!yyjson_is_str(member))
		return error_set(err, ERROR_BAD_REQUEST,
				 "Invalid input for field 'name': it is not of type 'string'");
	const char *name = yyjson_get_str(member);
	if (name[strspn(name, " \t\r\n")] == '\0')
		return error_set(err, ERROR_BAD_REQUEST,
				 "Invalid input for field 'name': '%.40s' is too short", name);
	return identity_member_text(object, "name", max, value, err);
}

bool identity_is_bootstrapped(struct store *db)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	struct error ignored;

	return store_query(db, &rows, &ignored,
			   "SELECT 1 FROM assignment a JOIN role r ON r.id = a.role_id WHERE r.name = "
			   "'admin' LIMIT 1") &&
	       store_next(&rows);
}

static bool bootstrap_roles(struct store *db, struct error *err)
{
	static const char *const names[] = {"admin", "member", "reader", "service"};
	char id[SYS_UUID_SIZE];

	for (size_t i = 0; i < ELEMENTS_OF(names); i++) {
		if (!store_exec(db, err, "INSERT OR IGNORE INTO role (id, name) VALUES (?1, ?2)",
				V(sys_uuid_hex(id)), V(names[i])))
			return false;
	}
	return true;
}

static bool bootstrap_hash(const char *password, char hash[CRYPT_OUTPUT_SIZE], struct error *err)
{
	_cleanup_free_ struct crypt_data *data = memory_alloc(sizeof *data);
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	if (strlen(password) > PASSWORD_MAX || !*password)
		return error_set(err, ERROR_BAD_REQUEST, "the password must have 1 to %d bytes",
				 PASSWORD_MAX);
	if (!crypt_gensalt_rn("$2b$", 12, NULL, 0, setting, sizeof setting) ||
	    !crypt_r(password, setting, data))
		return error_set(err, ERROR_INTERNAL, "the password cannot be hashed");
	snprintf(hash, CRYPT_OUTPUT_SIZE, "%s", data->output);
	return true;
}

bool identity_bootstrap(struct store *db, const char *user, const char *password, const char *project,
			struct error *err)
{
	char hash[CRYPT_OUTPUT_SIZE], user_id[SYS_UUID_SIZE], project_id[SYS_UUID_SIZE];

	return bootstrap_hash(password, hash, err) &&
	       store_exec(db, err,
			  "INSERT OR IGNORE INTO domain (id, name, description) "
			  "VALUES ('default', 'Default', 'The default domain')") &&
	       bootstrap_roles(db, err) &&
	       store_exec(db, err,
			  "INSERT INTO project (id, domain_id, name, description, enabled) VALUES (?1, "
			  "'default', ?2, "
			  "'The first project.', 1) ON CONFLICT (domain_id, name) DO UPDATE SET enabled = 1",
			  V(sys_uuid_hex(project_id)), V(project)) &&
	       store_exec(db, err,
			  "INSERT INTO user (id, domain_id, name, password_hash, enabled) VALUES (?1, "
			  "'default', ?2, ?3, "
			  "1) ON CONFLICT (domain_id, name) DO UPDATE SET password_hash = "
			  "excluded.password_hash, "
			  "enabled = 1",
			  V(sys_uuid_hex(user_id)), V(user), V(hash)) &&
	       store_exec(db, err,
			  "INSERT OR IGNORE INTO assignment (project_id, user_id, role_id) SELECT p.id, "
			  "u.id, r.id "
			  "FROM project p, user u, role r WHERE p.name = ?1 AND u.name = ?2 AND r.name = "
			  "'admin'",
			  V(project), V(user));
}
