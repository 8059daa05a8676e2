/* /v3/projects and the one domain. */
#include "base/memory.h"
#include "identity/internal.h"
#include "sys/sys.h"

#include <string.h>

#define PROJECT_COLUMNS "p.id, p.name, p.domain_id, p.description, p.enabled"

const char project_columns_of_user[] =
	"SELECT DISTINCT " PROJECT_COLUMNS " FROM project p JOIN assignment a "
	"ON a.project_id = p.id WHERE a.user_id = ?1 AND p.enabled ORDER BY p.name";

void project_view(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *object,
		  struct store_rows *rows)
{
	yyjson_mut_obj_add_strcpy(doc, object, "id", store_text(rows, 0));
	yyjson_mut_obj_add_strcpy(doc, object, "name", store_text(rows, 1));
	yyjson_mut_obj_add_strcpy(doc, object, "domain_id", store_text(rows, 2));
	yyjson_mut_obj_add_strcpy(doc, object, "description", store_text(rows, 3));
	yyjson_mut_obj_add_bool(doc, object, "enabled", store_int(rows, 4));
	yyjson_mut_obj_add_strcpy(doc, object, "parent_id", store_text(rows, 2));
	yyjson_mut_obj_add_bool(doc, object, "is_domain", false);
	yyjson_mut_obj_add_arr(doc, object, "tags");
	yyjson_mut_obj_add_obj(doc, object, "options");
	identity_links_self(request, doc, object,
			    http_printf(request, "/v3/projects/%s", store_text(rows, 0)));
}

static bool project_answer(struct http_request *request, struct http_response *response, int status,
			   const char *id, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err, "SELECT " PROJECT_COLUMNS " FROM project p WHERE p.id = ?1",
			 V(id)))
		return false;
	if (!store_next(&rows))
		return error_set(err, ERROR_NOT_FOUND, "Could not find project: %s.", id);
	yyjson_mut_val *root = http_json_object(response, status);
	project_view(request, response->json, yyjson_mut_obj_add_obj(response->json, root, "project"), &rows);
	return store_end(&rows, err);
}

bool project_list(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "projects");

	if (!store_query(request->db, &rows, err,
			 "SELECT " PROJECT_COLUMNS " FROM project p WHERE (?1 IS NULL OR p.name = ?1) "
			 "AND (?2 IS NULL OR p.domain_id = ?2) ORDER BY p.name",
			 V(http_query(request, "name")), V(http_query(request, "domain_id"))))
		return false;
	while (store_next(&rows))
		project_view(request, response->json, yyjson_mut_arr_add_obj(response->json, list), &rows);
	identity_links_list(request, response->json, root);
	return store_end(&rows, err);
}

bool project_show(struct http_request *request, struct http_response *response, struct error *err)
{
	if (!request->auth->admin &&
	    (!request->auth->project_id || strcmp(request->auth->project_id, request->params[0]) != 0))
		return error_set(
			err, ERROR_FORBIDDEN,
			"You are not authorized to perform the requested action: identity:get_project.");
	return project_answer(request, response, 200, request->params[0], err);
}

static bool project_conflict(const char *name, struct error *err)
{
	return err->kind == ERROR_CONFLICT ? error_set(err, ERROR_CONFLICT,
						       "Conflict occurred attempting to store project - it "
						       "is not permitted to have two "
						       "projects with either the same name or same id in the "
						       "same domain: name is %s.",
						       name)
					   : false;
}

bool project_create(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = identity_body(request, "project", err);
	const char *name = NULL, *description = "";
	char id[SYS_UUID_SIZE];
	bool enabled = true;

	if (!body || !identity_member_name(body, true, 64, &name, err) ||
	    !identity_member_text(body, "description", 4096, &description, err) ||
	    !identity_member_bool(body, "enabled", &enabled, err))
		return false;
	sys_uuid_hex(id);
	if (!store_exec(request->db, err,
			"INSERT INTO project (id, domain_id, name, description, enabled) VALUES (?1, "
			"'default', ?2, ?3, ?4)",
			V(id), V(name), V(description), V(enabled)))
		return project_conflict(name, err);
	return project_answer(request, response, 201, id, err);
}

bool project_update(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = identity_body(request, "project", err);
	const char *name = NULL, *description = NULL;
	yyjson_val *enabled = yyjson_obj_get(body, "enabled");
	bool flag;

	if (!body || !identity_member_name(body, false, 64, &name, err) ||
	    !identity_member_text(body, "description", 4096, &description, err) ||
	    !identity_member_bool(body, "enabled", &flag, err))
		return false;
	if (!store_exec(
		    request->db, err,
		    "UPDATE project SET name = coalesce(?2, name), description = coalesce(?3, description), "
		    "enabled = coalesce(?4, enabled) WHERE id = ?1",
		    V(request->params[0]), V(name), V(description), V_OPTIONAL(enabled ? (int64_t)flag : -1)))
		return project_conflict(name, err);
	auth_forget_on_commit(request->db);
	return project_answer(request, response, 200, request->params[0], err);
}

bool project_delete(struct http_request *request, struct http_response *response, struct error *err)
{
	if (!store_exec(request->db, err, "DELETE FROM project WHERE id = ?1", V(request->params[0])))
		return false;
	if (store_changes(request->db) == 0)
		return error_set(err, ERROR_NOT_FOUND, "Could not find project: %s.", request->params[0]);
	auth_forget_on_commit(request->db);
	response->status = 204;
	return true;
}

static void domain_view(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *object)
{
	yyjson_mut_obj_add_str(doc, object, "id", "default");
	yyjson_mut_obj_add_str(doc, object, "name", "Default");
	yyjson_mut_obj_add_str(doc, object, "description", "The default domain");
	yyjson_mut_obj_add_bool(doc, object, "enabled", true);
	yyjson_mut_obj_add_arr(doc, object, "tags");
	yyjson_mut_obj_add_obj(doc, object, "options");
	identity_links_self(request, doc, object, "/v3/domains/default");
}

bool domain_list(struct http_request *request, struct http_response *response, struct error *err)
{
	const char *name = http_query(request, "name");
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "domains");

	(void)err;
	if (!name || strcmp(name, "Default") == 0)
		domain_view(request, response->json, yyjson_mut_arr_add_obj(response->json, list));
	identity_links_list(request, response->json, root);
	return true;
}

bool domain_show(struct http_request *request, struct http_response *response, struct error *err)
{
	if (strcmp(request->params[0], "default") != 0)
		return error_set(err, ERROR_NOT_FOUND, "Could not find domain: %s.", request->params[0]);
	yyjson_mut_val *root = http_json_object(response, 200);
	domain_view(request, response->json, yyjson_mut_obj_add_obj(response->json, root, "domain"));
	return true;
}
