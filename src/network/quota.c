/* /v2.0/quotas: limits are the configuration's, but for what an administrator set for a project. */
#include "base/memory.h"
#include "network/internal.h"

#include <string.h>

/* `count`: how many project ?1 has; NULL: none of this can be made. */
static const struct quota {
	const char *resource;
	const int64_t *limit; /* NULL: 0 */
	const char *count;
} quotas[] = {
	{"network", &network_settings.quota_network, "SELECT count(*) FROM network WHERE project_id = ?1"},
	{"subnet", &network_settings.quota_subnet, "SELECT count(*) FROM subnet WHERE project_id = ?1"},
	{"port", &network_settings.quota_port, "SELECT count(*) FROM port WHERE project_id = ?1"},
	{"security_group", &network_settings.quota_group,
	 "SELECT count(*) FROM security_group WHERE project_id = ?1"},
	{"security_group_rule", &network_settings.quota_group_rule,
	 "SELECT count(*) FROM security_group_rule r JOIN security_group g ON g.id = r.group_id "
	 "WHERE g.project_id = ?1"},
	{"subnetpool"},
	{"router"},
	{"floatingip"},
	{"rbac_policy"},
	{"trunk"},
};

static const struct quota *quota_find(const char *resource)
{
	for (size_t i = 0; i < ELEMENTS_OF(quotas); i++) {
		if (strcmp(quotas[i].resource, resource) == 0)
			return &quotas[i];
	}
	return NULL;
}

static int64_t default_of(const struct quota *quota)
{
	return quota->limit ? *quota->limit : 0;
}

bool quota_limit(struct store *db, const char *resource, const char *project, int64_t *limit,
		 struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err,
			 "SELECT quota_limit FROM quota WHERE project_id = ?1 AND resource = ?2", V(project),
			 V(resource)))
		return false;
	*limit = store_next(&rows) ? store_int(&rows, 0) : default_of(quota_find(resource));
	return store_end(&rows, err);
}

static bool quota_visible(struct http_request *request, const char *project, struct error *err)
{
	return is_visible(request->auth, project, false) ||
	       error_set_typed(err, ERROR_FORBIDDEN, "PolicyNotAuthorized",
			       "rule:get_quota is disallowed by policy");
}

static bool quota_admin(struct http_request *request, const char *verb, struct error *err)
{
	return request->auth->admin || error_set_typed(err, ERROR_FORBIDDEN, "PolicyNotAuthorized",
						       "rule:%s_quota is disallowed by policy", verb);
}

static bool limits_add(struct store *db, const char *project, yyjson_mut_doc *doc, yyjson_mut_val *view,
		       struct error *err)
{
	int64_t limit;

	for (size_t i = 0; i < ELEMENTS_OF(quotas); i++) {
		if (!quota_limit(db, quotas[i].resource, project, &limit, err))
			return false;
		yyjson_mut_obj_add_int(doc, view, quotas[i].resource, limit);
	}
	return true;
}

static bool quota_answer(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, 200);

	return limits_add(request->db, request->params[0], response->json,
			  yyjson_mut_obj_add_obj(response->json, root, "quota"), err);
}

bool quota_show(struct http_request *request, struct http_response *response, struct error *err)
{
	return quota_visible(request, request->params[0], err) && quota_answer(request, response, err);
}

bool quota_default(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *view = yyjson_mut_obj_add_obj(response->json, root, "quota");

	for (size_t i = 0; i < ELEMENTS_OF(quotas); i++)
		yyjson_mut_obj_add_int(response->json, view, quotas[i].resource, default_of(&quotas[i]));
	return quota_visible(request, request->params[0], err);
}

static bool used_of(struct store *db, const struct quota *quota, const char *project, int64_t *used,
		    struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	*used = 0;
	if (!quota->count)
		return true;
	if (!store_query(db, &rows, err, quota->count, V(project)))
		return false;
	if (store_next(&rows))
		*used = store_int(&rows, 0);
	return store_end(&rows, err);
}

bool quota_details(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *view = yyjson_mut_obj_add_obj(response->json, root, "quota");
	const char *project = request->params[0];
	int64_t used, limit;

	if (!quota_visible(request, project, err))
		return false;
	for (size_t i = 0; i < ELEMENTS_OF(quotas); i++) {
		yyjson_mut_val *item = yyjson_mut_obj_add_obj(response->json, view, quotas[i].resource);

		if (!used_of(request->db, &quotas[i], project, &used, err) ||
		    !quota_limit(request->db, quotas[i].resource, project, &limit, err))
			return false;
		yyjson_mut_obj_add_int(response->json, item, "limit", limit);
		yyjson_mut_obj_add_int(response->json, item, "used", used);
		yyjson_mut_obj_add_int(response->json, item, "reserved", 0);
	}
	return true;
}

/* Projects with limits of their own. */
bool quota_list(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "quotas");

	if (!quota_admin(request, "get", err) ||
	    !store_query(request->db, &rows, err,
			 "SELECT DISTINCT project_id FROM quota ORDER BY project_id"))
		return false;
	while (store_next(&rows)) {
		yyjson_mut_val *view = yyjson_mut_arr_add_obj(response->json, list);

		if (!limits_add(request->db, store_text(&rows, 0), response->json, view, err))
			return false;
		add_text(response->json, view, "project_id", store_text(&rows, 0));
		add_text(response->json, view, "tenant_id", store_text(&rows, 0));
	}
	return store_end(&rows, err);
}

/* --- changes --- */

static bool limit_read(yyjson_val *body, const char *name, yyjson_val *value, int64_t *limit,
		       struct error *err)
{
	char text[64];

	*limit = field_int(body, name, INT64_MIN);
	if (*limit >= -1 && *limit <= INT32_MAX)
		return true;
	if (*limit == INT64_MIN) {
		snprintf(text, sizeof text, "%.60s",
			 yyjson_is_str(value) ? yyjson_get_str(value) : "the value");
		return error_set_typed(err, ERROR_BAD_REQUEST, "InvalidInput",
				       "Invalid input for operation: '%s' is not an integer.", text);
	}
	return error_set_typed(err, ERROR_BAD_REQUEST, "HTTPBadRequest",
			       "Invalid input for %s. Reason: '%lld' is too %s - must be at %s '%d'.", name,
			       (long long)*limit, *limit < 0 ? "small" : "large",
			       *limit < 0 ? "least" : "most", *limit < 0 ? -1 : INT32_MAX);
}

/* What the project has already stays, unless the request says check_limit. */
static bool limit_fits(struct http_request *request, yyjson_val *body, const struct quota *quota,
		       int64_t limit, struct error *err)
{
	int64_t used;

	if (limit < 0 || !field_bool(body, "check_limit", false))
		return true;
	if (!used_of(request->db, quota, request->params[0], &used, err))
		return false;
	return used <= limit || error_set_typed(err, ERROR_BAD_REQUEST, "InvalidQuotaValue",
						"Change would make usage less than 0 for the following "
						"resources: ['%s'].",
						quota->resource);
}

static bool limit_set(struct http_request *request, yyjson_val *body, const char *name, yyjson_val *value,
		      struct error *err)
{
	const struct quota *quota = quota_find(name);
	int64_t limit;

	if (strcmp(name, "force") == 0 || strcmp(name, "check_limit") == 0 ||
	    strcmp(name, "tenant_id") == 0 || strcmp(name, "project_id") == 0)
		return true;
	if (!quota)
		return error_set_typed(err, ERROR_BAD_REQUEST, "HTTPBadRequest",
				       "Unrecognized attribute(s) '%.200s'", name);
	return limit_read(body, name, value, &limit, err) && limit_fits(request, body, quota, limit, err) &&
	       store_exec(request->db, err,
			  "INSERT INTO quota (project_id, resource, quota_limit) VALUES (?1, ?2, ?3) "
			  "ON CONFLICT (project_id, resource) DO UPDATE SET quota_limit = "
			  "excluded.quota_limit",
			  V(request->params[0]), V(name), V(limit));
}

bool quota_update(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = network_body(request, "quota", err), *key, *value;
	size_t i, max;

	if (!body || !quota_admin(request, "update", err))
		return false;
	yyjson_obj_foreach (body, i, max, key, value) {
		if (!limit_set(request, body, yyjson_get_str(key), value, err))
			return false;
	}
	return quota_answer(request, response, err);
}

/* Back to the configuration's. */
bool quota_delete(struct http_request *request, struct http_response *response, struct error *err)
{
	response->status = 204;
	return quota_admin(request, "delete", err) &&
	       store_exec(request->db, err, "DELETE FROM quota WHERE project_id = ?1", V(request->params[0]));
}
