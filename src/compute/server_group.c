/* Server groups: servers that are to be on one host, or on different ones. */
#include "compute/server_group.h"

#include <string.h>

static const char *const policies_hard[] = {"anti-affinity", "affinity", NULL};
static const char *const policies_all[] = {"anti-affinity", "affinity", "soft-anti-affinity", "soft-affinity",
					   NULL};

#define GROUP_COLUMNS "id, name, policy, max_server_per_host, project_id, user_id"
enum { GROUP_ID, GROUP_NAME, GROUP_POLICY, GROUP_MAX, GROUP_PROJECT, GROUP_USER };

/* --- views --- */

static bool members_view(struct http_request *request, const char *group_id, yyjson_mut_doc *doc,
			 yyjson_mut_val *object, struct error *err)
{
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, object, "members");
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err, "SELECT id FROM server WHERE group_id = ?1 ORDER BY number",
			 V(group_id)))
		return false;
	while (store_next(&rows))
		yyjson_mut_arr_add_strcpy(doc, list, store_text(&rows, 0));
	return store_end(&rows, err);
}

/* Until 2.63 a list of policies and metadata; since then one policy and its rules. */
static bool group_view(struct http_request *request, struct store_rows *rows, yyjson_mut_doc *doc,
		       yyjson_mut_val *object, struct error *err)
{
	compute_add_text(doc, object, "id", store_text(rows, GROUP_ID));
	compute_add_text(doc, object, "name", store_text(rows, GROUP_NAME));
	if (request->microversion < 2064) {
		yyjson_mut_arr_add_strcpy(doc, yyjson_mut_obj_add_arr(doc, object, "policies"),
					  store_text(rows, GROUP_POLICY));
		yyjson_mut_obj_add_obj(doc, object, "metadata");
	} else {
		compute_add_text(doc, object, "policy", store_text(rows, GROUP_POLICY));
		yyjson_mut_val *rules = yyjson_mut_obj_add_obj(doc, object, "rules");
		if (!store_is_null(rows, GROUP_MAX))
			yyjson_mut_obj_add_int(doc, rules, "max_server_per_host", store_int(rows, GROUP_MAX));
	}
	if (!members_view(request, store_text(rows, GROUP_ID), doc, object, err))
		return false;
	if (request->microversion >= 2013) {
		compute_add_text(doc, object, "project_id", store_text(rows, GROUP_PROJECT));
		compute_add_text(doc, object, "user_id", store_text(rows, GROUP_USER));
	}
	return true;
}

static bool group_missing(const char *id, struct error *err)
{
	return error_set(err, ERROR_NOT_FOUND, "Instance group %.200s could not be found.", id);
}

static bool group_query(struct store *db, const struct auth *auth, const char *id, struct store_rows *rows,
			struct error *err)
{
	if (!store_query(db, rows, err,
			 "SELECT " GROUP_COLUMNS
			 " FROM server_group WHERE id = ?1 AND (?2 = 1 OR project_id = ?3)",
			 V(id), V(auth->admin), V(auth->project_id)))
		return false;
	return store_next(rows) || (store_end(rows, err) && group_missing(id, err));
}

static bool group_answer(struct http_request *request, struct http_response *response, const char *id,
			 struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!group_query(request->db, request->auth, id, &rows, err))
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	return group_view(request, &rows, response->json,
			  yyjson_mut_obj_add_obj(response->json, root, "server_group"), err);
}

static bool groups_index(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	const char *offset = http_query(request, "offset");
	bool all = request->auth->admin && http_query(request, "all_projects");
	struct compute_page page = {.limit = INT32_MAX};
	int64_t skip = 0;

	if (!compute_page(request, &page, err))
		return false;
	if (offset && !text_to_int64(offset, 0, INT32_MAX, &skip))
		return error_set(err, ERROR_BAD_REQUEST,
				 "Invalid input for query parameters offset. Value: %.40s", offset);
	if (!store_query(request->db, &rows, err,
			 "SELECT " GROUP_COLUMNS " FROM server_group WHERE ?1 = 1 OR project_id = ?2 "
			 "ORDER BY created_at, id LIMIT ?3 OFFSET ?4",
			 V(all), V(request->auth->project_id), V(page.limit), V(skip)))
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "server_groups");
	while (store_next(&rows)) {
		if (!group_view(request, &rows, response->json, yyjson_mut_arr_add_obj(response->json, list),
				err))
			return false;
	}
	return store_end(&rows, err);
}

static bool group_show(struct http_request *request, struct http_response *response, struct error *err)
{
	return group_answer(request, response, request->params[0], err);
}

/* --- create --- */

static const struct schema policy_hard = {.types = SCHEMA_STRING, .choices = policies_hard};
static const struct schema policy_any = {.types = SCHEMA_STRING, .choices = policies_all};
static const struct schema policy_list_hard = {.types = SCHEMA_ARRAY,
					       .items = &policy_hard,
					       .shortest = 1,
					       .longest = 1};
static const struct schema policy_list_any = {.types = SCHEMA_ARRAY,
					      .items = &policy_any,
					      .shortest = 1,
					      .longest = 1};
static const struct schema_field rules_fields[] = {{"max_server_per_host", &schema_count}, {0}};
static const struct schema rules_object = {.types = SCHEMA_OBJECT, .fields = rules_fields};
static const struct schema_field group_fields[] = {
	{"name", &schema_name, .required = true},
	{"policies", &policy_list_hard, .required = true, .until = 2014},
	{"policies", &policy_list_any, .required = true, .since = 2015, .until = 2063},
	{"policy", &policy_any, .required = true, .since = 2064},
	{"rules", &rules_object, .since = 2064},
	{0},
};
static const struct schema group_object = {.types = SCHEMA_OBJECT, .fields = group_fields};
static const struct schema group_body = {
	.types = SCHEMA_OBJECT,
	.fields = (const struct schema_field[]){{"server_group", &group_object, .required = true}, {0}}};

static bool quota_check(struct http_request *request, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	int64_t count = 0;

	if (compute_settings.quota_server_groups < 0)
		return true;
	if (!store_query(request->db, &rows, err, "SELECT count(*) FROM server_group WHERE project_id = ?1",
			 V(request->auth->project_id)))
		return false;
	if (store_next(&rows))
		count = store_int(&rows, 0);
	return store_end(&rows, err) &&
	       (count < compute_settings.quota_server_groups ||
		error_set(err, ERROR_FORBIDDEN, "Quota exceeded, too many server groups."));
}

static bool group_create(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *group = yyjson_obj_get(compute_body(request, &group_body, err), "server_group");
	yyjson_val *most = yyjson_obj_get(yyjson_obj_get(group, "rules"), "max_server_per_host");
	char id[SYS_UUID_SIZE];

	if (!group)
		return false;
	const char *policy = yyjson_get_str(
		request->microversion >= 2064 ? yyjson_obj_get(group, "policy")
					      : yyjson_arr_get_first(yyjson_obj_get(group, "policies")));
	if (most && strcmp(policy, "anti-affinity") != 0)
		return error_set(err, ERROR_BAD_REQUEST,
				 "Only anti-affinity policy supports rules with max_server_per_host.");
	return quota_check(request, err) &&
	       store_exec(request->db, err,
			  "INSERT INTO server_group (id, project_id, user_id, name, policy, "
			  "max_server_per_host, "
			  "created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
			  V((const char *)sys_uuid(id)), V(request->auth->project_id),
			  V(request->auth->user_id), V(yyjson_get_str(yyjson_obj_get(group, "name"))),
			  V(policy), V_OPTIONAL(schema_integer(most, -1)), V(sys_now())) &&
	       group_answer(request, response, id, err);
}

/* Its servers go on as servers of no group. */
static bool group_delete(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	const char *id = request->params[0];

	if (!group_query(request->db, request->auth, id, &rows, err) ||
	    !store_exec(request->db, err, "UPDATE server SET group_id = NULL WHERE group_id = ?1", V(id)) ||
	    !store_exec(request->db, err, "DELETE FROM server_group WHERE id = ?1", V(id)))
		return false;
	return compute_empty(response, 204);
}

/* --- what a group says of a new member --- */

struct group {
	char name[256], policy[32];
	int64_t most; /* on one host */
};

static bool group_find(struct store *db, const struct auth *auth, const char *id, struct group *group,
		       struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!group_query(db, auth, id, &rows, err)) {
		if (err->kind == ERROR_NOT_FOUND)
			err->kind = ERROR_BAD_REQUEST;
		return false;
	}
	group->most = store_is_null(&rows, GROUP_MAX) ? 1 : store_int(&rows, GROUP_MAX);
	snprintf(group->name, sizeof group->name, "%s", store_text(&rows, GROUP_NAME));
	snprintf(group->policy, sizeof group->policy, "%s", store_text(&rows, GROUP_POLICY));
	return true;
}

/* The hosts of the members: those with at least `least` of them, each once, or each as often as it has one.
 */
static bool hosts_add(struct store *db, const struct placement_hints *hints, int64_t least, bool each,
		      struct placement *placement, struct scheduler_rule *rule, int64_t *members,
		      struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	*members = 0;
	if (!store_query(db, &rows, err,
			 "SELECT host_id, count(*) FROM server WHERE group_id = ?1 AND (?2 IS NULL OR id <> "
			 "?2) GROUP BY host_id",
			 V(hints->group_id), V(hints->self)))
		return false;
	while (store_next(&rows)) {
		int64_t here = store_int(&rows, 1);

		*members += here;
		for (int64_t i = 0; !store_is_null(&rows, 0) && here >= least && i < (each ? here : 1); i++)
			placement_host_add(placement, rule, store_text(&rows, 0));
	}
	return store_end(&rows, err);
}

bool server_group_rule(struct store *db, const struct auth *auth, const struct placement_hints *hints,
		       struct placement *placement, struct error *err)
{
	struct group group;
	struct scheduler_rule *rule;
	int64_t members;

	if (!group_find(db, auth, hints->group_id, &group, err))
		return false;
	bool soft = strncmp(group.policy, "soft-", 5) == 0, together = !strstr(group.policy, "anti");
	rule = placement_rule(
		placement,
		memory_printf(together ? "has no server of the group %s, whose policy is %s"
				       : "has as many servers of the group %s as its policy %s allows",
			      group.name, group.policy),
		together);
	if (soft)
		rule->weight = together ? compute_settings.soft_affinity_weight
					: -compute_settings.soft_anti_affinity_weight;
	if (!hosts_add(db, hints, soft || together ? 1 : group.most, soft, placement, rule, &members, err))
		return false;
	if (soft ? rule->weight == 0 : together && rule->host_count == 0)
		placement->count--; /* it says nothing; of a hard one the first may be anywhere */
	return compute_settings.quota_server_group_members < 0 ||
	       members < compute_settings.quota_server_group_members ||
	       error_set(err, ERROR_FORBIDDEN, "Quota exceeded, too many servers in group");
}

bool server_group_add(struct http_request *request, const char *server_id, yyjson_mut_doc *doc,
		      yyjson_mut_val *object, struct error *err)
{
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, object, "server_groups");
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err,
			 "SELECT group_id FROM server WHERE id = ?1 AND group_id IS NOT NULL", V(server_id)))
		return false;
	if (store_next(&rows))
		yyjson_mut_arr_add_strcpy(doc, list, store_text(&rows, 0));
	return store_end(&rows, err);
}

static const struct http_route routes[] = {
	{HTTP_GET, "/os-server-groups", groups_index, HTTP_READ, .flags = POLICY_GROUPS},
	{HTTP_POST, "/os-server-groups", group_create, HTTP_WRITE, .flags = POLICY_GROUPS_CREATE},
	{HTTP_GET, "/os-server-groups/{id}", group_show, HTTP_READ, .flags = POLICY_GROUPS_SHOW},
	{HTTP_DELETE, "/os-server-groups/{id}", group_delete, HTTP_WRITE, .flags = POLICY_GROUPS_DELETE},
};

const struct compute_routes group_routes = {routes, ELEMENTS_OF(routes)};
