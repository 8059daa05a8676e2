/* /v3/projects and the one domain. */
#include "base/memory.h"
#include "base/text.h"
#include "identity/internal.h"
#include "sys/sys.h"

#include <string.h>

#define PROJECT_COLUMNS \
	"p.id, p.name, p.domain_id, p.description, p.enabled, p.tags, coalesce(p.parent_id, p.domain_id)"

const char project_columns_of_user[] =
	"SELECT DISTINCT " PROJECT_COLUMNS " FROM project p JOIN assignment a "
	"ON a.project_id = p.id WHERE a.user_id = ?1 AND p.enabled ORDER BY p.name";

/* The stored JSON array as a value of this document. */
static yyjson_mut_val *tags_view(yyjson_mut_doc *doc, const char *json)
{
	yyjson_doc *tags = yyjson_read(json, strlen(json), 0);
	yyjson_mut_val *list = yyjson_val_mut_copy(doc, yyjson_doc_get_root(tags));

	yyjson_doc_free(tags);
	return list ? list : yyjson_mut_arr(doc);
}

void project_view(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *object,
		  struct store_rows *rows)
{
	yyjson_mut_obj_add_strcpy(doc, object, "id", store_text(rows, 0));
	yyjson_mut_obj_add_strcpy(doc, object, "name", store_text(rows, 1));
	yyjson_mut_obj_add_strcpy(doc, object, "domain_id", store_text(rows, 2));
	yyjson_mut_obj_add_strcpy(doc, object, "description", store_text(rows, 3));
	yyjson_mut_obj_add_bool(doc, object, "enabled", store_int(rows, 4));
	yyjson_mut_obj_add_strcpy(doc, object, "parent_id", store_text(rows, 6));
	yyjson_mut_obj_add_bool(doc, object, "is_domain", false);
	yyjson_mut_obj_add_val(doc, object, "tags", tags_view(doc, store_text(rows, 5)));
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
			 "AND (?2 IS NULL OR p.domain_id = ?2) AND (?3 IS NULL OR p.enabled = ?3) "
			 "AND (?4 IS NULL OR coalesce(p.parent_id, p.domain_id) = ?4) ORDER BY p.name",
			 V(http_query(request, "name")), V(http_query(request, "domain_id")),
			 V_OPTIONAL(identity_query_bool(request, "enabled")),
			 V(http_query(request, "parent_id"))))
		return false;
	while (store_next(&rows))
		project_view(request, response->json, yyjson_mut_arr_add_obj(response->json, list), &rows);
	identity_links_list(request, response->json, root);
	return store_end(&rows, err);
}

bool project_show(struct http_request *request, struct http_response *response, struct error *err)
{
	if (!request->auth->admin && !text_equal(request->auth->project_id, request->params[0]))
		return identity_forbidden("get_project", err);
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

#define TAGS_MAX 80

/* The body's tags as the JSON that is stored, in the request's memory; *json stays as it is without them. */
static bool tags_read(struct http_request *request, yyjson_val *body, const char **json, struct error *err)
{
	yyjson_val *tags = yyjson_obj_get(body, "tags"), *tag;
	size_t i, max;

	if (!tags)
		return true;
	if (!yyjson_is_arr(tags) || yyjson_arr_size(tags) > TAGS_MAX)
		return error_set(err, ERROR_BAD_REQUEST,
				 "Invalid input for field 'tags': it is not an array of at most %d",
				 TAGS_MAX);
	yyjson_arr_foreach (tags, i, max, tag) {
		const char *text = yyjson_get_str(tag);

		if (!text || !*text || strpbrk(text, ",/") || text_characters(text) > 255)
			return error_set(
				err, ERROR_BAD_REQUEST,
				"Invalid input for field 'tags': a tag has 1 to 255 characters, none of them "
				"a comma or a slash");
	}
	_cleanup_free_ char *text = yyjson_val_write(tags, 0, NULL);
	*json = http_copy(request, text ? text : "[]");
	return true;
}

struct project_fields {
	const char *name, *description, *tags, *parent;
	bool enabled;
};

static bool project_read(struct http_request *request, yyjson_val *body, bool creating,
			 struct project_fields *fields, struct error *err)
{
	if (!identity_member_name(body, creating, 64, &fields->name, err) ||
	    !identity_member_text(body, "description", 4096, &fields->description, err) ||
	    !identity_member_bool(body, "enabled", &fields->enabled, err) ||
	    !identity_member_domain(body, err) ||
	    !identity_member_text(body, "parent_id", 64, &fields->parent, err) ||
	    !tags_read(request, body, &fields->tags, err))
		return false;
	if (fields->parent && strcmp(fields->parent, "default") == 0)
		fields->parent = NULL;
	return true;
}

static bool project_exists(struct http_request *request, const char *id, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err, "SELECT 1 FROM project WHERE id = ?1", V(id)))
		return false;
	bool found = store_next(&rows);
	return store_end(&rows, err) &&
	       (found || error_set(err, ERROR_NOT_FOUND, "Could not find project: %s.", id));
}

bool project_create(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = identity_body(request, "project", err);
	struct project_fields fields = {.description = "", .tags = "[]", .enabled = true};
	char id[SYS_UUID_SIZE];

	if (!body || !project_read(request, body, true, &fields, err) ||
	    (fields.parent && !project_exists(request, fields.parent, err)))
		return false;
	if (!store_exec(request->db, err,
			"INSERT INTO project (id, domain_id, name, description, enabled, tags, parent_id) "
			"VALUES (?1, 'default', ?2, ?3, ?4, ?5, ?6)",
			V(sys_uuid_hex(id)), V(fields.name), V(fields.description), V(fields.enabled),
			V(fields.tags), V(fields.parent)))
		return project_conflict(fields.name, err);
	return project_answer(request, response, 201, id, err);
}

bool project_update(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = identity_body(request, "project", err);
	bool has_enabled = yyjson_obj_get(body, "enabled") != NULL;
	struct project_fields fields = {0};

	if (!body || !project_read(request, body, false, &fields, err))
		return false;
	if (fields.parent)
		return error_set(err, ERROR_FORBIDDEN, "Update of `parent_id` is not allowed.");
	if (!store_exec(
		    request->db, err,
		    "UPDATE project SET name = coalesce(?2, name), description = coalesce(?3, description), "
		    "enabled = coalesce(?4, enabled), tags = coalesce(?5, tags) WHERE id = ?1",
		    V(request->params[0]), V(fields.name), V(fields.description),
		    V_OPTIONAL(has_enabled ? (int64_t)fields.enabled : -1), V(fields.tags)))
		return project_conflict(fields.name, err);
	auth_forget_on_commit(request->db);
	return project_answer(request, response, 200, request->params[0], err);
}

bool project_delete(struct http_request *request, struct http_response *response, struct error *err)
{
	if (!store_exec(request->db, err, "DELETE FROM project WHERE id = ?1", V(request->params[0])))
		return err->kind == ERROR_CONFLICT
			       ? error_set(err, ERROR_FORBIDDEN,
					   "Cannot delete the project %s since it is not a leaf in the "
					   "hierarchy. Use the "
					   "cascade option if you want to delete a whole subtree.",
					   request->params[0])
			       : false;
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
