/* /v3/auth: making, showing and revoking tokens. */
#include "base/memory.h"
#include "base/timestamp.h"
#include "identity/internal.h"
#include "sys/sys.h"

#include <string.h>

static bool refused(struct error *err)
{
	return error_set(err, ERROR_UNAUTHORIZED, "The request you have made requires authentication.");
}

struct found_user {
	const char *id, *hash;
	bool enabled;
};

static bool user_find(struct http_request *request, yyjson_val *user, struct found_user *found,
		      struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_val *domain = yyjson_obj_get(user, "domain");
	const char *id = yyjson_get_str(yyjson_obj_get(user, "id")),
		   *name = yyjson_get_str(yyjson_obj_get(user, "name"));

	*found = (struct found_user){0};
	if (!id && (!name || !yyjson_is_obj(domain)))
		return error_set(
			err, ERROR_BAD_REQUEST,
			"Expecting to find user id, or user name and domain, in password. The server could "
			"not comply with the request since it is either malformed or otherwise incorrect. "
			"The "
			"client is assumed to be in error.");
	if (!store_query(
		    request->db, &rows, err,
		    "SELECT u.id, u.password_hash, u.enabled FROM user u JOIN domain d ON d.id = u.domain_id "
		    "WHERE u.id = ?1 OR (u.name = ?2 AND ?1 IS NULL AND (d.id = ?3 OR d.name = ?4))",
		    V(id), V(name), V(yyjson_get_str(yyjson_obj_get(domain, "id"))),
		    V(yyjson_get_str(yyjson_obj_get(domain, "name")))))
		return false;
	if (store_next(&rows)) {
		found->id = http_copy(request, store_text(&rows, 0));
		found->hash = store_text(&rows, 1) ? http_copy(request, store_text(&rows, 1)) : NULL;
		found->enabled = store_int(&rows, 2);
	}
	return store_end(&rows, err);
}

static bool by_password(struct http_request *request, yyjson_val *identity, struct token *token,
			struct error *err)
{
	yyjson_val *user = yyjson_obj_get(yyjson_obj_get(identity, "password"), "user");
	const char *password = yyjson_get_str(yyjson_obj_get(user, "password"));
	struct found_user found;

	if (!yyjson_is_obj(user) || !password)
		return error_set(err, ERROR_BAD_REQUEST, "'password' is a required property");
	if (!user_find(request, user, &found, err))
		return false;
	if (strlen(password) > PASSWORD_MAX || !password_matches(password, found.hash) || !found.enabled)
		return refused(err);
	snprintf(token->user_id, sizeof token->user_id, "%s", found.id);
	return true;
}

static bool by_token(struct http_request *request, yyjson_val *identity, struct token *token,
		     struct error *err)
{
	const char *text = yyjson_get_str(yyjson_obj_get(yyjson_obj_get(identity, "token"), "id"));
	struct token old;
	struct auth *auth;

	if (!text)
		return error_set(err, ERROR_BAD_REQUEST, "'token' is a required property");
	if (strlen(text) >= TOKEN_TEXT_SIZE || !token_open(text, &old))
		return error_set(err, ERROR_NOT_FOUND, "Could not recognize the token");
	if (!auth_from_token(request, text, &old, &auth, err))
		return false;
	snprintf(token->user_id, sizeof token->user_id, "%s", old.user_id);
	/* The chain's first: revoking it revokes what was made from it. */
	snprintf(token->parent_audit_id, sizeof token->parent_audit_id, "%s",
		 *old.parent_audit_id ? old.parent_audit_id : old.audit_id);
	token->expires_at = old.expires_at; /* a token does not prolong itself */
	return true;
}

/* The project asked for, by id or by name and domain; "" for an unscoped token. */
static bool scope_find(struct http_request *request, yyjson_val *scope, struct token *token,
		       struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_val *project = yyjson_obj_get(scope, "project"), *domain = yyjson_obj_get(project, "domain");

	if (!scope || yyjson_equals_str(scope, "unscoped") || yyjson_obj_get(scope, "unscoped"))
		return true;
	if (!yyjson_is_obj(project))
		return yyjson_is_obj(scope) &&
				       (yyjson_obj_get(scope, "domain") || yyjson_obj_get(scope, "system"))
			       ? refused(err) /* nobody has roles there: only projects have assignments */
			       : error_set(err, ERROR_BAD_REQUEST,
					   "'project' is a required property of 'scope'");
	if (!store_query(request->db, &rows, err,
			 "SELECT p.id FROM project p JOIN domain d ON d.id = p.domain_id "
			 "WHERE p.enabled AND (p.id = ?1 OR (?1 IS NULL AND p.name = ?2 AND (d.id = ?3 OR "
			 "d.name = ?4)))",
			 V(yyjson_get_str(yyjson_obj_get(project, "id"))),
			 V(yyjson_get_str(yyjson_obj_get(project, "name"))),
			 V(yyjson_get_str(yyjson_obj_get(domain, "id"))),
			 V(yyjson_get_str(yyjson_obj_get(domain, "name")))))
		return false;
	if (store_next(&rows))
		snprintf(token->project_id, sizeof token->project_id, "%s", store_text(&rows, 0));
	return store_end(&rows, err) && (*token->project_id || refused(err));
}

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

	if (!store_query(
		    request->db, &rows, err,
		    "SELECT r.id, r.name FROM role r WHERE r.id IN "
		    "(SELECT role_id FROM assignment WHERE project_id = ?1 AND user_id = ?2) "
		    /* admin implies member, member implies reader */
		    "OR (r.name IN ('member', 'reader') AND EXISTS (SELECT 1 FROM assignment a JOIN role x "
		    "ON x.id = a.role_id WHERE a.project_id = ?1 AND a.user_id = ?2 AND x.name = 'admin')) "
		    "OR (r.name = 'reader' AND EXISTS (SELECT 1 FROM assignment a JOIN role x "
		    "ON x.id = a.role_id WHERE a.project_id = ?1 AND a.user_id = ?2 AND x.name = 'member')) "
		    "ORDER BY r.name",
		    V(token->project_id), V(token->user_id)))
		return false;
	while (store_next(&rows)) {
		yyjson_mut_val *role = yyjson_mut_arr_add_obj(doc, roles);

		yyjson_mut_obj_add_strcpy(doc, role, "id", store_text(&rows, 0));
		yyjson_mut_obj_add_strcpy(doc, role, "name", store_text(&rows, 1));
	}
	return store_end(&rows, err);
}

static bool token_view(struct http_request *request, struct http_response *response, int status,
		       const struct token *token, const struct auth *auth, const char *method,
		       struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, status);
	yyjson_mut_doc *doc = response->json;
	yyjson_mut_val *view = yyjson_mut_obj_add_obj(doc, root, "token");
	yyjson_mut_val *user, *list;
	char time[32];

	list = yyjson_mut_obj_add_arr(doc, view, "methods");
	yyjson_mut_arr_add_str(doc, list, method);
	user = yyjson_mut_obj_add_obj(doc, view, "user");
	add_domain(doc, user);
	yyjson_mut_obj_add_strcpy(doc, user, "id", auth->user_id);
	yyjson_mut_obj_add_strcpy(doc, user, "name", auth->user_name);
	yyjson_mut_obj_add_null(doc, user, "password_expires_at");
	list = yyjson_mut_obj_add_arr(doc, view, "audit_ids");
	yyjson_mut_arr_add_strcpy(doc, list, token->audit_id);
	if (*token->parent_audit_id)
		yyjson_mut_arr_add_strcpy(doc, list, token->parent_audit_id);
	yyjson_mut_obj_add_strcpy(doc, view, "expires_at",
				  time_format(token->expires_at, TIME_MICROSECONDS_Z, time));
	yyjson_mut_obj_add_strcpy(doc, view, "issued_at",
				  time_format(token->issued_at, TIME_MICROSECONDS_Z, time));
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
	yyjson_val *body = http_body_json(request, err), *auth_body, *identity, *methods;
	struct token token = {.issued_at = sys_now() / TIME_SECOND * TIME_SECOND};
	char text[TOKEN_TEXT_SIZE];
	struct auth *auth;
	const char *method;

	if (!body)
		return false;
	auth_body = yyjson_obj_get(body, "auth");
	identity = yyjson_obj_get(auth_body, "identity");
	methods = yyjson_obj_get(identity, "methods");
	method = yyjson_get_str(yyjson_arr_get_first(methods));
	if (!yyjson_is_obj(auth_body) || !yyjson_is_obj(identity))
		return error_set(err, ERROR_BAD_REQUEST, "'%s' is a required property",
				 yyjson_is_obj(auth_body) ? "identity" : "auth");
	if (yyjson_arr_size(methods) != 1 || !method)
		return error_set(err, ERROR_BAD_REQUEST,
				 "'methods' must be a list with one method: password or token");
	token.expires_at = token.issued_at + identity_settings.expiration;
	if (strcmp(method, "password") == 0 ? !by_password(request, identity, &token, err)
	    : strcmp(method, "token") == 0  ? !by_token(request, identity, &token, err)
					    : !refused(err))
		return false;
	if (!scope_find(request, yyjson_obj_get(auth_body, "scope"), &token, err))
		return false;
	/* Rounded down for the client's eyes, but a floor set in this very second must not hit it. */
	token.issued_at = sys_now();
	token_audit_id(token.audit_id);
	token_seal(&token, text);
	if (!auth_from_token(request, text, &token, &auth, err))
		return false;
	http_header_add(response, "X-Subject-Token", text);
	return token_view(request, response, 201, &token, auth, method, err);
}

/* The token that the request is about.  Others' tokens are for administrators and services. */
static bool subject_find(struct http_request *request, struct token *token, struct auth **auth,
			 struct error *err)
{
	const char *text = http_header(request, "X-Subject-Token");
	struct error why;

	if (!text || !*text)
		return error_set(err, ERROR_NOT_FOUND, "No token in the request");
	if (strlen(text) >= TOKEN_TEXT_SIZE || !auth_from_token(request, text, token, auth, &why))
		return error_set(err, ERROR_NOT_FOUND, "Failed to validate token");
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
	return token_view(request, response, 200, &token, auth, *token.parent_audit_id ? "token" : "password",
			  err);
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
