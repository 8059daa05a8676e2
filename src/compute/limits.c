/* Limits, quotas and what is used of them. */
#include "compute/service.h"

#include <string.h>

struct use {
	int64_t instances, cores, memory_mb, server_groups;
};

static bool use_load(struct http_request *request, const char *project, struct use *use, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	*use = (struct use){0};
	if (!store_query(
		    request->db, &rows, err,
		    "SELECT ifnull(sum(instances), 0), ifnull(sum(cores), 0), ifnull(sum(memory_mb), 0), "
		    "(SELECT count(*) FROM server_group WHERE project_id = ?1) FROM project_usage WHERE "
		    "project_id = ?1",
		    V(project)))
		return false;
	if (store_next(&rows))
		*use = (struct use){store_int(&rows, 0), store_int(&rows, 1), store_int(&rows, 2),
				    store_int(&rows, 3)};
	return store_end(&rows, err);
}

/* --- /limits --- */

/* What Nova answers beside what is limited here: numbers of things that are not built, or belong elsewhere.
 * Those of networks and of images were dropped with 2.36, those of files with 2.57. */
static bool limits_show(struct http_request *request, struct http_response *response, struct error *err)
{
	const struct compute_settings *limits = &compute_settings;
	const char *asked = http_query(request, "tenant_id");
	const char *project = request->auth->project_id;
	struct use use;

	if (asked && !text_equal(asked, project)) {
		if (!request->auth->admin)
			return compute_forbidden(err, "limits:other_project");
		project = asked;
	}
	if (!use_load(request, project, &use, err))
		return false;
	const struct {
		const char *name;
		int64_t value;
		int until; /* microversion; 0: still */
	} items[] = {
		{"maxTotalInstances", limits->quota_instances, 0},
		{"maxTotalCores", limits->quota_cores, 0},
		{"maxTotalRAMSize", limits->quota_ram_mb, 0},
		{"maxServerMeta", limits->quota_metadata_items, 0},
		{"maxImageMeta", limits->quota_metadata_items, 2038},
		{"maxPersonality", 0, 2056},
		{"maxPersonalitySize", 0, 2056},
		{"maxTotalKeypairs", limits->quota_key_pairs, 0},
		{"maxServerGroups", limits->quota_server_groups, 0},
		{"maxServerGroupMembers", limits->quota_server_group_members, 0},
		{"maxTotalFloatingIps", -1, 2035},
		{"maxSecurityGroups", -1, 2035},
		{"maxSecurityGroupRules", -1, 2035},
		{"totalRAMUsed", use.memory_mb, 0},
		{"totalCoresUsed", use.cores, 0},
		{"totalInstancesUsed", use.instances, 0},
		{"totalFloatingIpsUsed", 0, 2035},
		{"totalSecurityGroupsUsed", 0, 2035},
		{"totalServerGroupsUsed", use.server_groups, 0},
	};
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *object = yyjson_mut_obj_add_obj(response->json, root, "limits");
	yyjson_mut_obj_add_arr(response->json, object, "rate");
	yyjson_mut_val *absolute = yyjson_mut_obj_add_obj(response->json, object, "absolute");
	for (size_t i = 0; i < ELEMENTS_OF(items); i++) {
		if (!items[i].until || request->microversion <= items[i].until)
			yyjson_mut_obj_add_int(response->json, absolute, items[i].name, items[i].value);
	}
	return true;
}

/* --- /os-quota-sets --- */

static void quota_item(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, int64_t limit,
		       int64_t used, bool detail)
{
	if (!detail) {
		yyjson_mut_obj_add_int(doc, object, name, limit);
		return;
	}
	yyjson_mut_val *item = yyjson_mut_obj_add_obj(doc, object, name);
	yyjson_mut_obj_add_int(doc, item, "limit", limit);
	yyjson_mut_obj_add_int(doc, item, "in_use", used);
	yyjson_mut_obj_add_int(doc, item, "reserved", 0);
}

static bool quota_answer(struct http_request *request, struct http_response *response, bool detail,
			 struct error *err)
{
	const struct compute_settings *limits = &compute_settings;
	const char *project = request->params[0];
	struct use use;

	if (!request->auth->admin && !text_equal(project, request->auth->project_id))
		return compute_forbidden(err, detail ? "os-quota-sets:detail" : "os-quota-sets:show");
	if (!use_load(request, project, &use, err))
		return false;
	const struct {
		const char *name;
		int64_t limit, used;
		int until;
	} items[] = {
		{"cores", limits->quota_cores, use.cores, 0},
		{"fixed_ips", -1, 0, 2035},
		{"floating_ips", -1, 0, 2035},
		{"injected_file_content_bytes", 0, 0, 2056},
		{"injected_file_path_bytes", 0, 0, 2056},
		{"injected_files", 0, 0, 2056},
		{"instances", limits->quota_instances, use.instances, 0},
		{"key_pairs", limits->quota_key_pairs, 0, 0},
		{"metadata_items", limits->quota_metadata_items, 0, 0},
		{"ram", limits->quota_ram_mb, use.memory_mb, 0},
		{"security_group_rules", -1, 0, 2035},
		{"security_groups", -1, 0, 2035},
		{"server_group_members", limits->quota_server_group_members, 0, 0},
		{"server_groups", limits->quota_server_groups, use.server_groups, 0},
	};
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *object = yyjson_mut_obj_add_obj(response->json, root, "quota_set");
	compute_add_text(response->json, object, "id", project);
	for (size_t i = 0; i < ELEMENTS_OF(items); i++) {
		if (!items[i].until || request->microversion <= items[i].until)
			quota_item(response->json, object, items[i].name, items[i].limit, items[i].used,
				   detail);
	}
	return true;
}

static bool quota_show(struct http_request *request, struct http_response *response, struct error *err)
{
	return quota_answer(request, response, false, err);
}

static bool quota_detail(struct http_request *request, struct http_response *response, struct error *err)
{
	return quota_answer(request, response, true, err);
}

static bool quota_update(struct http_request *request, struct http_response *response, struct error *err)
{
	(void)request;
	(void)response;
	return compute_not_built(err,
				 "change quotas of a project; they are set in [quota] of the configuration");
}

static const struct http_route routes[] = {
	{HTTP_GET, "/limits", limits_show, HTTP_READ, .flags = POLICY_LIMITS},
	{HTTP_GET, "/os-quota-sets/{project}", quota_show, HTTP_READ, .flags = POLICY_QUOTA_SHOW},
	{HTTP_PUT, "/os-quota-sets/{project}", quota_update, HTTP_READ, .flags = POLICY_QUOTA_UPDATE},
	{HTTP_GET, "/os-quota-sets/{project}/detail", quota_detail, HTTP_READ, .flags = POLICY_QUOTA_DETAIL},
	{HTTP_GET, "/os-quota-sets/{project}/defaults", quota_show, HTTP_READ, .flags = POLICY_QUOTA_SHOW},
};

const struct compute_routes limits_routes = {routes, ELEMENTS_OF(routes)};
