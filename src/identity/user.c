/* /v3/users: users and their passwords.  Hashing runs on a worker before the write (`prepare`). */
#include "base/memory.h"
#include "identity/internal.h"
#include "sys/sys.h"

#include <string.h>

#define USER_COLUMNS "id, name, domain_id, email, description, default_project_id, enabled"

static void user_view(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *object,
		      struct store_rows *rows)
{
	yyjson_mut_obj_add_strcpy(doc, object, "id", store_text(rows, 0));
	yyjson_mut_obj_add_strcpy(doc, object, "name", store_text(rows, 1));
	yyjson_mut_obj_add_strcpy(doc, object, "domain_id", store_text(rows, 2));
	if (store_text(rows, 3))
		yyjson_mut_obj_add_strcpy(doc, object, "email", store_text(rows, 3));
	if (store_text(rows, 4))
		yyjson_mut_obj_add_strcpy(doc, object, "description", store_text(rows, 4));
	if (store_text(rows, 5))
		yyjson_mut_obj_add_strcpy(doc, object, "default_project_id", store_text(rows, 5));
	yyjson_mut_obj_add_bool(doc, object, "enabled", store_int(rows, 6));
	yyjson_mut_obj_add_null(doc, object, "password_expires_at");
	yyjson_mut_obj_add_obj(doc, object, "options");
	identity_links_self(request, doc, object, http_printf(request, "/v3/users/%s", store_text(rows, 0)));
}

static bool user_missing(const char *id, struct error *err)
{
	return error_set(err, ERROR_NOT_FOUND, "Could not find user: %s.", id);
}

static bool user_answer(struct http_request *request, struct http_response *response, int status,
			const char *id, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err, "SELECT " USER_COLUMNS " FROM user WHERE id = ?1", V(id)))
		return false;
	if (!store_next(&rows))
		return user_missing(id, err);
	yyjson_mut_val *root = http_json_object(response, status);
	user_view(request, response->json, yyjson_mut_obj_add_obj(response->json, root, "user"), &rows);
	return store_end(&rows, err);
}

bool user_list(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "users");

	if (!store_query(request->db, &rows, err,
			 "SELECT " USER_COLUMNS " FROM user WHERE (?1 IS NULL OR name = ?1) "
			 "AND (?2 IS NULL OR domain_id = ?2) AND (?3 IS NULL OR enabled = ?3) ORDER BY name",
			 V(http_query(request, "name")), V(http_query(request, "domain_id")),
			 V_OPTIONAL(identity_query_bool(request, "enabled"))))
		return false;
	while (store_next(&rows))
		user_view(request, response->json, yyjson_mut_arr_add_obj(response->json, list), &rows);
	identity_links_list(request, response->json, root);
	return store_end(&rows, err);
}

static bool is_self(const struct http_request *request)
{
	return strcmp(request->auth->user_id, request->params[0]) == 0;
}

bool user_show(struct http_request *request, struct http_response *response, struct error *err)
{
	if (!request->auth->admin && !is_self(request))
		return identity_forbidden("get_user", err);
	return user_answer(request, response, 200, request->params[0], err);
}

bool user_projects(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "projects");

	if (!request->auth->admin && !is_self(request))
		return error_set(err, ERROR_FORBIDDEN,
				 "You are not authorized to perform the requested action: "
				 "identity:list_user_projects.");
	if (!store_query(request->db, &rows, err, project_columns_of_user, V(request->params[0])))
		return false;
	while (store_next(&rows))
		project_view(request, response->json, yyjson_mut_arr_add_obj(response->json, list), &rows);
	identity_links_list(request, response->json, root);
	return store_end(&rows, err);
}

/* POST and PATCH: the hash of the password that is in the body, if one is. */
bool user_prepare(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = identity_body(request, "user", err);
	const char *password = NULL;
	char *hash;

	(void)response;
	if (!body || !identity_member_text(body, "password", 4096, &password, err))
		return false;
	if (!password)
		return true;
	request->prepared = hash = http_alloc(request, PASSWORD_HASH_SIZE);
	return password_check(password, err) && password_hash(password, identity_settings.rounds, hash, err);
}

struct user_fields {
	const char *name, *email, *description, *project;
	bool enabled;
};

static bool user_read(yyjson_val *body, bool creating, struct user_fields *fields, struct error *err)
{
	return identity_member_name(body, creating, 255, &fields->name, err) &&
	       identity_member_text(body, "email", 255, &fields->email, err) &&
	       identity_member_text(body, "description", 4096, &fields->description, err) &&
	       identity_member_text(body, "default_project_id", 64, &fields->project, err) &&
	       identity_member_bool(body, "enabled", &fields->enabled, err) &&
	       identity_member_domain(body, err);
}

static bool user_conflict(const char *name, struct error *err)
{
	return err->kind == ERROR_CONFLICT ? error_set(err, ERROR_CONFLICT,
						       "Conflict occurred attempting to store user - "
						       "Duplicate entry found with name %s at "
						       "domain ID default.",
						       name)
					   : false;
}

bool user_create(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = identity_body(request, "user", err);
	struct user_fields fields = {.enabled = true};
	char id[SYS_UUID_SIZE];

	if (!body || !user_read(body, true, &fields, err))
		return false;
	sys_uuid_hex(id);
	if (!store_exec(request->db, err,
			"INSERT INTO user (id, domain_id, name, password_hash, email, description, "
			"default_project_id, "
			"enabled) VALUES (?1, 'default', ?2, ?3, ?4, ?5, ?6, ?7)",
			V(id), V(fields.name), V((const char *)request->prepared), V(fields.email),
			V(fields.description), V(fields.project), V(fields.enabled)))
		return user_conflict(fields.name, err);
	return user_answer(request, response, 201, id, err);
}

bool user_update(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = identity_body(request, "user", err);
	bool has_enabled = yyjson_obj_get(body, "enabled") != NULL;
	struct user_fields fields = {0};

	if (!body || !user_read(body, false, &fields, err))
		return false;
	if (!store_exec(
		    request->db, err,
		    "UPDATE user SET name = coalesce(?2, name), password_hash = coalesce(?3, password_hash), "
		    "email = coalesce(?4, email), description = coalesce(?5, description), "
		    "default_project_id = coalesce(?6, default_project_id), enabled = coalesce(?7, enabled) "
		    "WHERE id = ?1",
		    V(request->params[0]), V(fields.name), V((const char *)request->prepared),
		    V(fields.email), V(fields.description), V(fields.project),
		    V_OPTIONAL(has_enabled ? (int64_t)fields.enabled : -1)))
		return user_conflict(fields.name, err);
	if (store_changes(request->db) == 0)
		return user_missing(request->params[0], err);
	auth_forget_on_commit(request->db);
	if ((request->prepared || (has_enabled && !fields.enabled)) &&
	    !auth_revoke_user(request->db, request->params[0], err))
		return false;
	return user_answer(request, response, 200, request->params[0], err);
}

bool user_delete(struct http_request *request, struct http_response *response, struct error *err)
{
	if (!store_exec(request->db, err, "DELETE FROM user WHERE id = ?1", V(request->params[0])))
		return false;
	if (store_changes(request->db) == 0)
		return user_missing(request->params[0], err);
	auth_forget_on_commit(request->db);
	response->status = 204;
	return true;
}

struct password_change {
	char before[PASSWORD_HASH_SIZE], after[PASSWORD_HASH_SIZE];
};

static bool hash_load(struct http_request *request, const char *user_id, char hash[PASSWORD_HASH_SIZE],
		      struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err, "SELECT password_hash FROM user WHERE id = ?1 AND enabled",
			 V(user_id)))
		return false;
	if (store_next(&rows) && store_text(&rows, 0))
		snprintf(hash, PASSWORD_HASH_SIZE, "%s", store_text(&rows, 0));
	return store_end(&rows, err);
}

/* POST /users/{id}/password: the user's own; the old password is checked and the new one hashed on a worker.
 */
bool user_password_prepare(struct http_request *request, struct http_response *response, struct error *err)
{
	struct password_change *change = http_alloc(request, sizeof *change);
	yyjson_val *body = identity_body(request, "user", err);
	const char *fresh = NULL, *old = NULL;

	(void)response;
	if (!body || !identity_member_text(body, "password", 4096, &fresh, err) ||
	    !identity_member_text(body, "original_password", 4096, &old, err))
		return false;
	if (!fresh || !old)
		return error_set(err, ERROR_BAD_REQUEST, "'%s' is a required property",
				 fresh ? "original_password" : "password");
	if (!password_check(fresh, err) || !hash_load(request, request->params[0], change->before, err))
		return false;
	if (!password_matches(old, *change->before ? change->before : NULL) || strlen(old) > PASSWORD_MAX)
		return auth_refused(err);
	request->prepared = change;
	return password_hash(fresh, identity_settings.rounds, change->after, err);
}

bool user_password(struct http_request *request, struct http_response *response, struct error *err)
{
	const struct password_change *change = request->prepared;

	/* Unless it was changed meanwhile: then the old password was not the right one any more. */
	if (!store_exec(request->db, err,
			"UPDATE user SET password_hash = ?2 WHERE id = ?1 AND enabled AND password_hash = ?3",
			V(request->params[0]), V((const char *)change->after),
			V((const char *)change->before)))
		return false;
	if (store_changes(request->db) == 0)
		return auth_refused(err);
	response->status = 204;
	return auth_revoke_user(request->db, request->params[0], err);
}
