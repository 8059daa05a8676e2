/* /v2.0/qos/policies */
#include "base/memory.h"
#include "network/internal.h"
#include "sys/sys.h"

#include <string.h>

#define POLICY_COLUMNS \
	"id, project_id, name, description, shared, is_default, revision, created_at, updated_at, tags"

static const struct field policy_fields[] = {
	{"id"},
	{"rules"},
	{"revision_number"},
	{"created_at"},
	{"updated_at"},
	{"tags"},
	{"name", FIELD_TEXT, .post = true, .put = true},
	{"description", FIELD_TEXT, .post = true, .put = true},
	{"shared", FIELD_BOOL, .post = true, .put = true},
	{"is_default", FIELD_BOOL, .post = true, .put = true},
	{"tenant_id", FIELD_TEXT, .post = true},
	{"project_id", FIELD_TEXT, .post = true},
};

static bool policy_view(struct store *db, yyjson_mut_doc *doc, struct store_rows *rows, yyjson_mut_val *view,
			struct error *err)
{
	add_text(doc, view, "id", store_text(rows, 0));
	add_text(doc, view, "name", store_text(rows, 2));
	yyjson_mut_obj_add_bool(doc, view, "shared", store_int(rows, 4));
	yyjson_mut_obj_add_bool(doc, view, "is_default", store_int(rows, 5));
	add_standard(doc, view, store_text(rows, 1), store_text(rows, 3), store_text(rows, 9),
		     store_int(rows, 6), store_int(rows, 7), store_int(rows, 8));
	return qos_add_rules(db, store_text(rows, 0), doc, view, err);
}

static yyjson_mut_val *policy_load(struct http_request *request, yyjson_mut_doc *doc, const char *id,
				   struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_mut_val *view = yyjson_mut_obj(doc);

	if (!store_query(request->db, &rows, err, "SELECT " POLICY_COLUMNS " FROM qos_policy WHERE id = ?1",
			 V(id)))
		return NULL;
	if (!store_next(&rows) || !is_visible(request->auth, store_text(&rows, 1), store_int(&rows, 4))) {
		qos_policy_missing(err, id);
		return NULL;
	}
	return policy_view(request->db, doc, &rows, view, err) && store_end(&rows, err) ? view : NULL;
}

bool policy_list(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "policies");

	if (!store_query(request->db, &rows, err,
			 "SELECT " POLICY_COLUMNS
			 " FROM qos_policy WHERE (?1 OR shared OR project_id = ?2) ORDER BY created_at, id",
			 V(request->auth->admin), V(request->auth->project_id)))
		return false;
	while (store_next(&rows)) {
		if (!policy_view(request->db, response->json, &rows,
				 yyjson_mut_arr_add_obj(response->json, list), err))
			return false;
	}
	return store_end(&rows, err) && list_finish(request, response, list, "policies", err);
}

bool qos_admin_check(struct http_request *request, const char *what, struct error *err)
{
	const char *verb = request->method == HTTP_POST	 ? "create"
			   : request->method == HTTP_PUT ? "update"
							 : "delete";

	return request->auth->admin || error_set_typed(err, ERROR_FORBIDDEN, "PolicyNotAuthorized",
						       "rule:%s_%s is disallowed by policy", verb, what);
}

/* Policies are made by administrators.  What others cannot see is not there for them. */
static bool policy_writable(struct http_request *request, const char *id, struct error *err)
{
	bool visible;

	return qos_policy_visible(request, id, &visible, err) &&
	       (visible ? qos_admin_check(request, "policy", err) : qos_policy_missing(err, id));
}

static bool default_taken(struct error *err, const char *project)
{
	return err->kind == ERROR_CONFLICT
		       ? error_set_typed(err, ERROR_CONFLICT, "QoSPolicyDefaultAlreadyExists",
					 "A default QoS policy exists for project %s.", project)
		       : false;
}

static bool create_one(struct http_request *request, yyjson_val *body, char id[37], struct error *err)
{
	const char *project;

	if (!qos_admin_check(request, "policy", err) ||
	    !fields_check(request, body, "policy", policy_fields, ELEMENTS_OF(policy_fields), err) ||
	    !owner_find(request, body, &project, err))
		return false;
	if (!field_text(body, "name", NULL))
		return error_set_typed(err, ERROR_BAD_REQUEST, "HTTPBadRequest",
				       "Failed to parse request. Required attribute 'name' not specified");
	return store_exec(request->db, err,
			  "INSERT INTO qos_policy (id, project_id, name, description, shared, is_default, "
			  "revision, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?7)",
			  V(sys_uuid(id)), V(project), V(field_text(body, "name", "")),
			  V(field_text(body, "description", "")), V(field_bool(body, "shared", false)),
			  V(field_bool(body, "is_default", false)), V(sys_now())) ||
	       default_taken(err, project);
}

static const struct resource policy_resource = {"policy", "policies", create_one, policy_load};

bool policy_create(struct http_request *request, struct http_response *response, struct error *err)
{
	return resource_create(request, response, &policy_resource, err);
}

bool policy_show(struct http_request *request, struct http_response *response, struct error *err)
{
	return resource_answer(request, response, &policy_resource, 200, request->params[0], err);
}

/* The first thing for which `sql` finds the policy in use ("port" or "network", and its id). */
static bool use_check(struct store *db, const char *sql, const char *id, const char *type, const char *suffix,
		      struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err, sql, V(id)))
		return false;
	if (store_next(&rows))
		return error_set_typed(err, ERROR_CONFLICT, type, "QoS Policy %s is used by %s %s%s.", id,
				       store_text(&rows, 0), store_text(&rows, 1), suffix);
	return store_end(&rows, err);
}

/* What other projects use stays shared. */
static bool unshare_check(struct http_request *request, yyjson_val *body, const char *id, struct error *err)
{
	return field_bool(body, "shared", true) ||
	       use_check(request->db,
			 "SELECT 'port', t.id FROM port t JOIN qos_policy q ON q.id = t.qos_policy_id "
			 "WHERE q.id = ?1 AND t.project_id <> q.project_id UNION ALL "
			 "SELECT 'network', t.id FROM network t JOIN qos_policy q ON q.id = t.qos_policy_id "
			 "WHERE q.id = ?1 AND t.project_id <> q.project_id LIMIT 1",
			 id, "RbacPolicyInUse", " of another project", err);
}

bool policy_update(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = network_body(request, "policy", err);
	const char *id = request->params[0];

	if (!body || !policy_writable(request, id, err) ||
	    !fields_check(request, body, "policy", policy_fields, ELEMENTS_OF(policy_fields), err) ||
	    !unshare_check(request, body, id, err))
		return false;
#define CHANGED(name) V_OPTIONAL(yyjson_obj_get(body, name) ? (int64_t)field_bool(body, name, false) : -1)
	if (!store_exec(request->db, err,
			"UPDATE qos_policy SET name = coalesce(?2, name), description = coalesce(?3, "
			"description), shared = coalesce(?4, shared), is_default = coalesce(?5, is_default), "
			"revision = revision + 1, updated_at = ?6 WHERE id = ?1",
			V(id), V(field_text(body, "name", NULL)), V(field_text(body, "description", NULL)),
			CHANGED("shared"), CHANGED("is_default"), V(sys_now())))
		return default_taken(err, "of the policy");
#undef CHANGED
	return resource_answer(request, response, &policy_resource, 200, id, err);
}

bool policy_delete(struct http_request *request, struct http_response *response, struct error *err)
{
	const char *id = request->params[0];

	response->status = 204;
	return policy_writable(request, id, err) &&
	       use_check(request->db,
			 "SELECT 'network', id FROM network WHERE qos_policy_id = ?1 UNION ALL "
			 "SELECT 'port', id FROM port WHERE qos_policy_id = ?1 LIMIT 1",
			 id, "QosPolicyInUse", "", err) &&
	       store_exec(request->db, err, "DELETE FROM qos_policy WHERE id = ?1", V(id));
}
