/* /v3/auth: making, showing and revoking tokens. */
#include "base/memory.h"
#include "base/timestamp.h"
#include "identity/internal.h"
#include "sys/sys.h"

#include <string.h>

/* --- who is it? --- */

static bool expected(const char *what, const char *where, struct error *err)
{
	return error_set(err, ERROR_BAD_REQUEST,
			 "Expecting to find %.64s in %s. The server could not comply with the request since "
			 "it is either "
			 "malformed or otherwise incorrect. The client is assumed to be in error.",
			 what, where);
}

struct found_user {
	const char *id, *hash, *default_project;
	bool enabled;
};

static bool user_find(struct http_request *request, yyjson_val *user, struct found_user *found,
		      struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_val *domain = yyjson_obj_get(user, "domain");
	const char *id = yyjson_get_str(yyjson_obj_get(user, "id"));
	const char *name = yyjson_get_str(yyjson_obj_get(user, "name"));

	if (!id && !name)
		return expected("id or name", "user", err);
	if (!id && !yyjson_is_obj(domain))
		return expected("domain", "user", err);
	if (!store_query(request->db, &rows, err,
			 "SELECT u.id, u.password_hash, u.enabled, u.default_project_id FROM user u "
			 "JOIN domain d ON d.id = u.domain_id "
			 "WHERE u.id = ?1 OR (?1 IS NULL AND u.name = ?2 AND (d.id = ?3 OR d.name = ?4))",
			 V(id), V(name), V(yyjson_get_str(yyjson_obj_get(domain, "id"))),
			 V(yyjson_get_str(yyjson_obj_get(domain, "name")))))
		return false;
	*found = (struct found_user){0};
	if (store_next(&rows)) {
		found->id = http_copy(request, store_text(&rows, 0));
		found->hash = store_text(&rows, 1) ? http_copy(request, store_text(&rows, 1)) : NULL;
		found->enabled = store_int(&rows, 2);
		found->default_project =
			store_text(&rows, 3) ? http_copy(request, store_text(&rows, 3)) : NULL;
	}
	return store_end(&rows, err);
}

static bool by_password(struct http_request *request, yyjson_val *identity, struct token *token,
			const char **default_project, struct error *err)
{
	yyjson_val *method = yyjson_obj_get(identity, "password"), *user = yyjson_obj_get(method, "user");
	const char *password = yyjson_get_str(yyjson_obj_get(user, "password"));
	struct found_user found;

	if (!yyjson_is_obj(method) || !yyjson_is_obj(user))
		return expected(yyjson_is_obj(method) ? "user" : "password",
				yyjson_is_obj(method) ? "password" : "identity", err);
	if (!user_find(request, user, &found, err))
		return false;
	if (!password)
		return expected("password", "user", err);
	if (strlen(password) > PASSWORD_MAX || !password_matches(password, found.hash) || !found.enabled)
		return auth_refused(err);
	snprintf(token->user_id, sizeof token->user_id, "%s", found.id);
	*default_project = found.default_project;
	return true;
}

static bool by_token(struct http_request *request, yyjson_val *identity, struct token *token,
		     struct error *err)
{
	yyjson_val *method = yyjson_obj_get(identity, "token");
	const char *text = yyjson_get_str(yyjson_obj_get(method, "id"));
	struct token old;
	struct auth *auth;

	if (!text)
		return expected(method ? "id" : "token", method ? "token" : "identity", err);
	if (!token_open(text, &old))
		return error_set(err, ERROR_NOT_FOUND, "Could not recognize the token");
	if (!auth_resolve(request, &old, &auth, err))
		return false;
	snprintf(token->user_id, sizeof token->user_id, "%s", old.user_id);
	/* The chain's first: revoking it revokes what was made from it. */
	snprintf(token->parent_audit_id, sizeof token->parent_audit_id, "%s",
		 *old.parent_audit_id ? old.parent_audit_id : old.audit_id);
	token->expires_at = old.expires_at; /* a token does not prolong itself */
	return true;
}

static bool identify(struct http_request *request, yyjson_val *identity, struct token *token,
		     const char **default_project, struct error *err)
{
	yyjson_val *methods = yyjson_obj_get(identity, "methods");
	const char *method = yyjson_get_str(yyjson_arr_get_first(methods));

	if (!yyjson_is_obj(identity))
		return error_set(err, ERROR_BAD_REQUEST, "'identity' is a required property");
	if (!yyjson_is_arr(methods))
		return error_set(err, ERROR_BAD_REQUEST, "'methods' is a required property");
	if (yyjson_arr_size(methods) != 1)
		return auth_refused(err); /* none, or several factors: no rule asks for them */
	if (method && strcmp(method, "password") == 0)
		return by_password(request, identity, token, default_project, err);
	if (method && strcmp(method, "token") == 0)
		return by_token(request, identity, token, err);
	if (!method || !yyjson_obj_get(identity, method))
		return expected(method ? method : "text", method ? "identity" : "methods", err);
	return auth_refused(err); /* a method that is not built */
}

/* --- for which project? --- */

static bool query_project(struct store_rows *rows, struct token *token, bool *found, struct error *err)
{
	*found = store_next(rows);
	if (*found)
		snprintf(token->project_id, sizeof token->project_id, "%s", store_text(rows, 0));
	return store_end(rows, err);
}

/* Nothing was asked for: the user's default project, if it is any good to them. */
static bool scope_default(struct http_request *request, const char *project, struct token *token,
			  struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	bool ignored;

	return store_query(request->db, &rows, err,
			   "SELECT p.id FROM project p WHERE p.id = ?1 AND p.enabled AND EXISTS "
			   "(SELECT 1 FROM assignment a WHERE a.project_id = p.id AND a.user_id = ?2)",
			   V(project), V(token->user_id)) &&
	       query_project(&rows, token, &ignored, err);
}

/* The project asked for, by id or by name and domain; "" for an unscoped token. */
static bool scope_find(struct http_request *request, yyjson_val *scope, struct token *token,
		       struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_val *project = yyjson_obj_get(scope, "project"), *domain = yyjson_obj_get(project, "domain");
	bool found;

	if (yyjson_equals_str(scope, "unscoped") || yyjson_obj_get(scope, "unscoped"))
		return true;
	if (!yyjson_is_obj(project)) /* domain, system: only projects have assignments here */
		return yyjson_obj_size(scope) > 0 ? auth_refused(err) : expected("project", "scope", err);
	if (!store_query(request->db, &rows, err,
			 "SELECT p.id FROM project p JOIN domain d ON d.id = p.domain_id "
			 "WHERE p.enabled AND (p.id = ?1 OR (?1 IS NULL AND p.name = ?2 AND (d.id = ?3 OR "
			 "d.name = ?4)))",
			 V(yyjson_get_str(yyjson_obj_get(project, "id"))),
			 V(yyjson_get_str(yyjson_obj_get(project, "name"))),
			 V(yyjson_get_str(yyjson_obj_get(domain, "id"))),
			 V(yyjson_get_str(yyjson_obj_get(domain, "name")))))
		return false;
	return query_project(&rows, token, &found, err) && (found || auth_refused(err));
}

/* --- showing --- */

static void add_domain(yyjson_mut_doc *doc, yyjson_mut_val *object)
{
	yyjson_mut_val *domain = yyjson_mut_obj_add_obj(doc, object, "domain");

	yyjson_mut_obj_add_str(doc, domain, "id", "default");
	yyjson_mut_obj_add_str(doc, domain, "name", "Default");
}

static bool add_roles(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *view,
		      const struct token *token, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_mut_val *roles = yyjson_mut_obj_add_arr(doc, view, "roles");

	if (!store_query(request->db, &rows, err,
			 "SELECT r.id, r.name FROM effective_assignment a JOIN role r ON r.id = a.role_id "
			 "WHERE a.project_id = ?1 AND a.user_id = ?2 ORDER BY r.name",
			 V(token->project_id), V(token->user_id)))
		return false;
	while (store_next(&rows)) {
		yyjson_mut_val *role = yyjson_mut_arr_add_obj(doc, roles);

		yyjson_mut_obj_add_strcpy(doc, role, "id", store_text(&rows, 0));
		yyjson_mut_obj_add_strcpy(doc, role, "name", store_text(&rows, 1));
	}
	return store_end(&rows, err);
}

static void add_time(yyjson_mut_doc *doc, yyjson_mut_val *view, const char *name, int64_t time)
{
	char text[32];

	yyjson_mut_obj_add_strcpy(doc, view, name,
				  time_format(time / TIME_SECOND * TIME_SECOND, TIME_MICROSECONDS_Z, text));
}

static void add_token(yyjson_mut_doc *doc, yyjson_mut_val *view, const struct token *token)
{
	bool chained = *token->parent_audit_id;
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, view, "methods");

	if (chained)
		yyjson_mut_arr_add_str(doc, list, "token");
	yyjson_mut_arr_add_str(doc, list, "password"); /* every chain begins with one */
	list = yyjson_mut_obj_add_arr(doc, view, "audit_ids");
	yyjson_mut_arr_add_strcpy(doc, list, token->audit_id);
	if (chained)
		yyjson_mut_arr_add_strcpy(doc, list, token->parent_audit_id);
	add_time(doc, view, "expires_at", token->expires_at);
	add_time(doc, view, "issued_at", token->issued_at);
}

static bool token_view(struct http_request *request, struct http_response *response, int status,
		       const struct token *token, const struct auth *auth, struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, status);
	yyjson_mut_doc *doc = response->json;
	yyjson_mut_val *view = yyjson_mut_obj_add_obj(doc, root, "token");
	yyjson_mut_val *user = yyjson_mut_obj_add_obj(doc, view, "user");

	add_domain(doc, user);
	yyjson_mut_obj_add_strcpy(doc, user, "id", auth->user_id);
	yyjson_mut_obj_add_strcpy(doc, user, "name", auth->user_name);
	yyjson_mut_obj_add_null(doc, user, "password_expires_at");
	add_token(doc, view, token);
	if (!auth->project_id)
		return true;
	yyjson_mut_val *project = yyjson_mut_obj_add_obj(doc, view, "project");
	add_domain(doc, project);
	yyjson_mut_obj_add_strcpy(doc, project, "id", auth->project_id);
	yyjson_mut_obj_add_strcpy(doc, project, "name", auth->project_name);
	yyjson_mut_obj_add_bool(doc, view, "is_domain", false);
	if (!add_roles(request, doc, view, token, err))
		return false;
	if (!http_query(request, "nocatalog"))
		catalog_view(request, doc, view);
	return true;
}

bool auth_token_create(struct http_request *request, struct http_response *response, struct error *err)
{
	/* The time before anything is read: if the password changes while it is being checked, the token is
	 * older than the change, and worth nothing. */
	struct token token = {.issued_at = sys_now()};
	yyjson_val *body = identity_json(request, err), *request_auth = yyjson_obj_get(body, "auth"), *scope;
	const char *default_project = NULL;
	char text[TOKEN_TEXT_SIZE];
	struct auth *auth;

	if (!body)
		return false;
	if (!yyjson_is_obj(request_auth))
		return expected("auth", "request body", err);
	token.expires_at = (token.issued_at + identity_settings.expiration) / TIME_SECOND * TIME_SECOND;
	if (!identify(request, yyjson_obj_get(request_auth, "identity"), &token, &default_project, err))
		return false;
	scope = yyjson_obj_get(request_auth, "scope");
	if (scope ? !scope_find(request, scope, &token, err)
		  : !scope_default(request, default_project, &token, err))
		return false;
	token_audit_id(token.audit_id);
	if (!token_seal(&token, text, err) || !auth_resolve(request, &token, &auth, err))
		return false;
	http_header_add(response, "X-Subject-Token", text);
	return token_view(request, response, 201, &token, auth, err);
}

/* The token that the request is about.  Others' tokens are for administrators and services. */
static bool subject_find(struct http_request *request, struct token *token, struct auth **auth,
			 struct error *err)
{
	const char *text = http_header(request, "X-Subject-Token");

	if (!text || !*text)
		return error_set(err, ERROR_NOT_FOUND, "No token in the request");
	if (!auth_from_token(request, text, token, auth, err))
		return err->kind == ERROR_UNAUTHORIZED
			       ? error_set(err, ERROR_NOT_FOUND, "Failed to validate token")
			       : false;
	if (!request->auth->admin && !request->auth->service &&
	    strcmp(request->auth->user_id, token->user_id) != 0)
		return error_set(
			err, ERROR_FORBIDDEN,
			"You are not authorized to perform the requested action: identity:validate_token.");
	return true;
}

bool auth_token_show(struct http_request *request, struct http_response *response, struct error *err)
{
	struct token token;
	struct auth *auth;

	if (!subject_find(request, &token, &auth, err))
		return false;
	http_header_add(response, "X-Subject-Token", http_header(request, "X-Subject-Token"));
	return token_view(request, response, 200, &token, auth, err);
}

bool auth_token_revoke(struct http_request *request, struct http_response *response, struct error *err)
{
	struct token token;
	struct auth *auth;

	if (!subject_find(request, &token, &auth, err) ||
	    !store_exec(request->db, err, "DELETE FROM revocation WHERE expires_at < ?1", V(sys_now())) ||
	    !store_exec(request->db, err,
			"INSERT OR IGNORE INTO revocation (audit_id, expires_at) VALUES (?1, ?2)",
			V(token.audit_id), V(token.expires_at)))
		return false;
	auth_forget_on_commit(request->db);
	response->status = 204;
	return true;
}

bool auth_catalog(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, 200);

	(void)err;
	catalog_view(request, response->json, root);
	identity_links_self(request, response->json, root, "/v3/auth/catalog");
	return true;
}

bool auth_projects(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "projects");

	if (!store_query(request->db, &rows, err, project_columns_of_user, V(request->auth->user_id)))
		return false;
	while (store_next(&rows))
		project_view(request, response->json, yyjson_mut_arr_add_obj(response->json, list), &rows);
	identity_links_list(request, response->json, root);
	return store_end(&rows, err);
}

bool auth_domains(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, 200);

	(void)err;
	yyjson_mut_obj_add_arr(response->json, root, "domains");
	identity_links_list(request, response->json, root);
	return true;
}
