/* Roles and who has them: /v3/roles, /v3/projects/{p}/users/{u}/roles, /v3/role_assignments. */
#include "base/memory.h"
#include "identity/internal.h"
#include "sys/sys.h"

#include <string.h>

/* What the services' own rules are written in terms of. */
static bool is_immutable(const char *name)
{
	static const char *const names[] = {"admin", "member", "reader", "service"};

	for (size_t i = 0; i < ELEMENTS_OF(names); i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

static void role_view(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *object,
		      struct store_rows *rows)
{
	yyjson_mut_obj_add_strcpy(doc, object, "id", store_text(rows, 0));
	yyjson_mut_obj_add_strcpy(doc, object, "name", store_text(rows, 1));
	yyjson_mut_obj_add_null(doc, object, "domain_id");
	if (store_text(rows, 2))
		yyjson_mut_obj_add_strcpy(doc, object, "description", store_text(rows, 2));
	else
		yyjson_mut_obj_add_null(doc, object, "description");
	yyjson_mut_val *options = yyjson_mut_obj_add_obj(doc, object, "options");
	if (is_immutable(store_text(rows, 1)))
		yyjson_mut_obj_add_bool(doc, options, "immutable", true);
	identity_links_self(request, doc, object, http_printf(request, "/v3/roles/%s", store_text(rows, 0)));
}

static bool role_answer(struct http_request *request, struct http_response *response, int status,
			const char *id, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err, "SELECT id, name, description FROM role WHERE id = ?1",
			 V(id)))
		return false;
	if (!store_next(&rows))
		return error_set(err, ERROR_NOT_FOUND, "Could not find role: %s.", id);
	yyjson_mut_val *root = http_json_object(response, status);
	role_view(request, response->json, yyjson_mut_obj_add_obj(response->json, root, "role"), &rows);
	return store_end(&rows, err);
}

static bool roles_answer(struct http_request *request, struct http_response *response,
			 struct store_rows *rows, struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "roles");

	while (store_next(rows))
		role_view(request, response->json, yyjson_mut_arr_add_obj(response->json, list), rows);
	identity_links_list(request, response->json, root);
	return store_end(rows, err);
}

bool role_list(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	return store_query(
		       request->db, &rows, err,
		       "SELECT id, name, description FROM role WHERE (?1 IS NULL OR name = ?1) ORDER BY name",
		       V(http_query(request, "name"))) &&
	       roles_answer(request, response, &rows, err);
}

bool role_show(struct http_request *request, struct http_response *response, struct error *err)
{
	return role_answer(request, response, 200, request->params[0], err);
}

static bool role_conflict(const char *name, struct error *err)
{
	return err->kind == ERROR_CONFLICT ? error_set(err, ERROR_CONFLICT,
						       "Conflict occurred attempting to store role - "
						       "Duplicate entry found with name %s.",
						       name)
					   : false;
}

static bool role_read(yyjson_val *body, bool creating, const char **name, const char **description,
		      struct error *err)
{
	return identity_member_name(body, creating, 255, name, err) &&
	       identity_member_text(body, "description", 4096, description, err) &&
	       identity_member_domain(body, err);
}

bool role_create(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = identity_body(request, "role", err);
	const char *name = NULL, *description = NULL;
	char id[SYS_UUID_SIZE];

	if (!body || !role_read(body, true, &name, &description, err))
		return false;
	if (!store_exec(request->db, err, "INSERT INTO role (id, name, description) VALUES (?1, ?2, ?3)",
			V(sys_uuid_hex(id)), V(name), V(description)))
		return role_conflict(name, err);
	return role_answer(request, response, 201, id, err);
}

/* The role is there and may change; `verb` is for the message. */
static bool role_check_mutable(struct http_request *request, const char *verb, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	const char *id = request->params[0];

	if (!store_query(request->db, &rows, err, "SELECT name FROM role WHERE id = ?1", V(id)))
		return false;
	if (!store_next(&rows))
		return error_set(err, ERROR_NOT_FOUND, "Could not find role: %s.", id);
	if (is_immutable(store_text(&rows, 0)))
		return error_set(err, ERROR_FORBIDDEN, "Cannot %s immutable resource: '%s'.", verb, id);
	return store_end(&rows, err);
}

bool role_update(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = identity_body(request, "role", err);
	const char *name = NULL, *description = NULL;

	if (!body || !role_read(body, false, &name, &description, err) ||
	    !role_check_mutable(request, "modify", err))
		return false;
	if (!store_exec(request->db, err,
			"UPDATE role SET name = coalesce(?2, name), description = coalesce(?3, description) "
			"WHERE id = ?1",
			V(request->params[0]), V(name), V(description)))
		return role_conflict(name, err);
	return role_answer(request, response, 200, request->params[0], err);
}

bool role_delete(struct http_request *request, struct http_response *response, struct error *err)
{
	if (!role_check_mutable(request, "delete", err) ||
	    !store_exec(request->db, err, "DELETE FROM role WHERE id = ?1", V(request->params[0])))
		return false;
	auth_forget_on_commit(request->db);
	response->status = 204;
	return true;
}

/* The three of /v3/projects/{p}/users/{u}/roles/{r} must be there. */
static bool grant_check(struct http_request *request, struct error *err)
{
	static const struct {
		const char *what, *sql;
	} parts[] = {
		{"role", "SELECT 1 FROM role WHERE id = ?1"},
		{"user", "SELECT 1 FROM user WHERE id = ?1"},
		{"project", "SELECT 1 FROM project WHERE id = ?1"},
	};

	for (int i = 0; i < 3; i++) {
		_cleanup_(store_rows_done) struct store_rows rows = {0};
		const char *id = request->params[2 - i];

		if (!store_query(request->db, &rows, err, parts[i].sql, V(id)))
			return false;
		if (!store_next(&rows))
			return error_set(err, ERROR_NOT_FOUND, "Could not find %s: %s.", parts[i].what, id);
	}
	return true;
}

bool role_grant(struct http_request *request, struct http_response *response, struct error *err)
{
	if (!grant_check(request, err))
		return false;
	auth_forget_on_commit(request->db);
	response->status = 204;
	return store_exec(
		request->db, err,
		"INSERT OR IGNORE INTO assignment (project_id, user_id, role_id) VALUES (?1, ?2, ?3)",
		V(request->params[0]), V(request->params[1]), V(request->params[2]));
}

static bool no_grant(const struct http_request *request, struct error *err)
{
	return error_set(err, ERROR_NOT_FOUND,
			 "Could not find role assignment with role: %s, user or group: %s, project, domain, "
			 "or system: %s.",
			 request->params[2], request->params[1], request->params[0]);
}

bool role_check(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err,
			 "SELECT 1 FROM assignment WHERE project_id = ?1 AND user_id = ?2 AND role_id = ?3",
			 V(request->params[0]), V(request->params[1]), V(request->params[2])))
		return false;
	response->status = 204;
	return store_next(&rows) || no_grant(request, err);
}

bool role_revoke(struct http_request *request, struct http_response *response, struct error *err)
{
	if (!store_exec(request->db, err,
			"DELETE FROM assignment WHERE project_id = ?1 AND user_id = ?2 AND role_id = ?3",
			V(request->params[0]), V(request->params[1]), V(request->params[2])))
		return false;
	if (store_changes(request->db) == 0)
		return no_grant(request, err);
	auth_forget_on_commit(request->db);
	response->status = 204;
	return true;
}

bool role_of_user(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	return store_query(
		       request->db, &rows, err,
		       "SELECT r.id, r.name, r.description FROM assignment a JOIN role r ON r.id = a.role_id "
		       "WHERE a.project_id = ?1 AND a.user_id = ?2 ORDER BY r.name",
		       V(request->params[0]), V(request->params[1])) &&
	       roles_answer(request, response, &rows, err);
}

static void add_named(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *object,
		      const char *id, const char *name, bool in_domain)
{
	yyjson_mut_obj_add_strcpy(doc, object, "id", id);
	if (identity_query_bool(request, "include_names") != 1)
		return;
	yyjson_mut_obj_add_strcpy(doc, object, "name", name);
	if (in_domain) {
		yyjson_mut_val *domain = yyjson_mut_obj_add_obj(doc, object, "domain");

		yyjson_mut_obj_add_str(doc, domain, "id", "default");
		yyjson_mut_obj_add_str(doc, domain, "name", "Default");
	}
}

static void assignment_view(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *object,
			    struct store_rows *rows)
{
	yyjson_mut_val *links = yyjson_mut_obj_add_obj(doc, object, "links");
	yyjson_mut_val *scope = yyjson_mut_obj_add_obj(doc, object, "scope");
	const char *path =
		http_printf(request, "%s/identity/v3/projects/%s/users/%s/roles/%s", http_base_url(request),
			    store_text(rows, 0), store_text(rows, 2), store_text(rows, 4));

	yyjson_mut_obj_add_strcpy(doc, links, "assignment", path);
	add_named(request, doc, yyjson_mut_obj_add_obj(doc, scope, "project"), store_text(rows, 0),
		  store_text(rows, 1), true);
	add_named(request, doc, yyjson_mut_obj_add_obj(doc, object, "user"), store_text(rows, 2),
		  store_text(rows, 3), true);
	add_named(request, doc, yyjson_mut_obj_add_obj(doc, object, "role"), store_text(rows, 4),
		  store_text(rows, 5), false);
}

bool role_assignments(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "role_assignments");

	if (!store_query(
		    request->db, &rows, err,
		    "SELECT p.id, p.name, u.id, u.name, r.id, r.name FROM effective_assignment a "
		    "JOIN project p ON p.id = a.project_id JOIN user u ON u.id = a.user_id "
		    "JOIN role r ON r.id = a.role_id WHERE (?1 IS NULL OR u.id = ?1) "
		    "AND (?2 IS NULL OR p.id = ?2) AND (?3 IS NULL OR r.id = ?3) "
		    "AND (?4 = 1 OR EXISTS (SELECT 1 FROM assignment b WHERE b.project_id = a.project_id "
		    "AND b.user_id = a.user_id AND b.role_id = a.role_id)) ORDER BY p.name, u.name, r.name",
		    V(http_query(request, "user.id")), V(http_query(request, "scope.project.id")),
		    V(http_query(request, "role.id")), V(identity_query_bool(request, "effective"))))
		return false;
	while (store_next(&rows))
		assignment_view(request, response->json, yyjson_mut_arr_add_obj(response->json, list), &rows);
	identity_links_list(request, response->json, root);
	return store_end(&rows, err);
}
