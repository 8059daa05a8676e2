/* /v2.0/quotas: limits are the configuration's, for every project the same. */
#include "base/memory.h"
#include "network/internal.h"

/* `count`: how many project ?1 has; NULL: none of this can be made. */
static const struct quota {
	const char *resource;
	const int64_t *limit; /* NULL: 0 */
	const char *count;
} quotas[] = {
	{"network", &network_settings.quota_network, "SELECT count(*) FROM network WHERE project_id = ?1"},
	{"subnet", &network_settings.quota_subnet, "SELECT count(*) FROM subnet WHERE project_id = ?1"},
	{"port", &network_settings.quota_port, "SELECT count(*) FROM port WHERE project_id = ?1"},
	{"security_group", &(const int64_t){10}, "SELECT count(*) FROM security_group WHERE project_id = ?1"},
	{"security_group_rule", &(const int64_t){100}, NULL},
	{"subnetpool"},
	{"router"},
	{"floatingip"},
	{"rbac_policy"},
	{"trunk"},
};

static bool quota_visible(struct http_request *request, const char *project, struct error *err)
{
	return is_visible(request->auth, project, false) ||
	       error_set_typed(err, ERROR_FORBIDDEN, "PolicyNotAuthorized",
			       "rule:get_quota is disallowed by policy");
}

static int64_t limit_of(const struct quota *quota)
{
	return quota->limit ? *quota->limit : 0;
}

bool quota_show(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *view = yyjson_mut_obj_add_obj(response->json, root, "quota");

	if (!quota_visible(request, request->params[0], err))
		return false;
	for (size_t i = 0; i < ELEMENTS_OF(quotas); i++)
		yyjson_mut_obj_add_int(response->json, view, quotas[i].resource, limit_of(&quotas[i]));
	return true;
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
	int64_t used;

	if (!quota_visible(request, request->params[0], err))
		return false;
	for (size_t i = 0; i < ELEMENTS_OF(quotas); i++) {
		yyjson_mut_val *item = yyjson_mut_obj_add_obj(response->json, view, quotas[i].resource);

		if (!used_of(request->db, &quotas[i], request->params[0], &used, err))
			return false;
		yyjson_mut_obj_add_int(response->json, item, "limit", limit_of(&quotas[i]));
		yyjson_mut_obj_add_int(response->json, item, "used", used);
		yyjson_mut_obj_add_int(response->json, item, "reserved", 0);
	}
	return true;
}

/* Projects with limits of their own: none. */
bool quota_list(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, 200);

	yyjson_mut_obj_add_arr(response->json, root, "quotas");
	return request->auth->admin || error_set_typed(err, ERROR_FORBIDDEN, "PolicyNotAuthorized",
						       "rule:get_quota is disallowed by policy");
}
