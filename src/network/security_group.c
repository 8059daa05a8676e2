/* /v2.0/security-groups.  Groups and their rules are kept, and ports have them; nothing enforces them: not on
 * VFs, as with sriovnicswitch (PS-1: vif_details says port_filter false), and not on the standard NICs
 * either. */
#include "base/memory.h"
#include "network/internal.h"
#include "sys/sys.h"

#include <string.h>

#define GROUP_COLUMNS "id, project_id, name, description, created_at, stateful, revision, updated_at, tags"

static const struct field group_fields[] = {
	{"id"},
	{"security_group_rules"},
	{"revision_number"},
	{"created_at"},
	{"updated_at"},
	{"tags"},
	{"shared"},
	{"name", FIELD_TEXT, .post = true, .put = true},
	{"description", FIELD_TEXT, .post = true, .put = true},
	{"stateful", FIELD_BOOL, .post = true, .put = true},
	{"tenant_id", FIELD_TEXT, .post = true},
	{"project_id", FIELD_TEXT, .post = true},
};

static bool group_missing(struct error *err, const char *id)
{
	return error_set_typed(err, ERROR_NOT_FOUND, "SecurityGroupNotFound",
			       "Security group %.64s does not exist", id);
}

/* --- making --- */

static bool group_insert(struct store *db, const char *project_id, const char *name, const char *description,
			 bool stateful, char id[37], struct error *err)
{
	static const char *const types[] = {"IPv6", "IPv4"};
	struct group_rule rule = {.group_id = id, .direction = "egress", .port_min = -1, .port_max = -1};
	char rule_id[37];

	if (!store_exec(
		    db, err,
		    "INSERT INTO security_group (id, project_id, name, description, created_at, stateful, "
		    "updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?5)",
		    V(sys_uuid(id)), V(project_id), V(name), V(description), V(sys_now()), V(stateful)))
		return false;
	for (size_t i = 0; i < ELEMENTS_OF(types); i++) {
		rule.ethertype = types[i];
		if (!group_rule_insert(db, &rule, rule_id, err))
			return false;
	}
	return true;
}

/* Its members may talk to each other. */
static bool default_rules(struct store *db, const char *id, struct error *err)
{
	struct group_rule rule = {.group_id = id,
				  .direction = "ingress",
				  .remote_group_id = id,
				  .port_min = -1,
				  .port_max = -1};
	char rule_id[37];

	rule.ethertype = "IPv4";
	if (!group_rule_insert(db, &rule, rule_id, err))
		return false;
	rule.ethertype = "IPv6";
	return group_rule_insert(db, &rule, rule_id, err);
}

bool security_group_default(struct store *db, const char *project_id, char id[37], struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err,
			 "SELECT id FROM security_group WHERE project_id = ?1 AND name = 'default'",
			 V(project_id)))
		return false;
	if (store_next(&rows)) {
		snprintf(id, 37, "%s", store_text(&rows, 0));
		return store_end(&rows, err);
	}
	return store_end(&rows, err) &&
	       group_insert(db, project_id, "default", "Default security group", true, id, err) &&
	       default_rules(db, id, err);
}

static bool create_one(struct http_request *request, yyjson_val *body, char id[37], struct error *err)
{
	const char *project, *name = field_text(body, "name", "");

	if (!fields_check(request, body, "security_group", group_fields, ELEMENTS_OF(group_fields), err) ||
	    !owner_find(request, body, &project, err) ||
	    !security_group_default(request->db, project, id, err))
		return false;
	if (strcmp(name, "default") == 0)
		return error_set_typed(err, ERROR_CONFLICT, "SecurityGroupDefaultAlreadyExists",
				       "Default security group already exists.");
	return quota_check(request->db, "security_group",
			   "SELECT 1 FROM security_group WHERE project_id = ?1 LIMIT ?2", project, err) &&
	       group_insert(request->db, project, name, field_text(body, "description", ""),
			    field_bool(body, "stateful", true), id, err);
}

/* --- views --- */

static bool group_view(struct store *db, yyjson_mut_doc *doc, struct store_rows *rows, yyjson_mut_val *view,
		       struct error *err)
{
	add_text(doc, view, "id", store_text(rows, 0));
	add_text(doc, view, "name", store_text(rows, 2));
	yyjson_mut_obj_add_bool(doc, view, "stateful", store_int(rows, 5));
	yyjson_mut_obj_add_bool(doc, view, "shared", false);
	add_standard(doc, view, store_text(rows, 1), store_text(rows, 3), store_text(rows, 8),
		     store_int(rows, 6), store_int(rows, 4), store_int(rows, 7));
	return group_add_rules(db, store_text(rows, 0), doc, view, err);
}

static yyjson_mut_val *group_load(struct http_request *request, yyjson_mut_doc *doc, const char *id,
				  struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_mut_val *view = yyjson_mut_obj(doc);

	if (!store_query(request->db, &rows, err,
			 "SELECT " GROUP_COLUMNS " FROM security_group WHERE id = ?1", V(id)))
		return NULL;
	if (!store_next(&rows) || !is_visible(request->auth, store_text(&rows, 1), false)) {
		group_missing(err, id);
		return NULL;
	}
	return group_view(request->db, doc, &rows, view, err) && store_end(&rows, err) ? view : NULL;
}

static const struct resource group_resource = {"security_group", "security_groups", create_one, group_load};

bool group_create(struct http_request *request, struct http_response *response, struct error *err)
{
	return resource_create(request, response, &group_resource, err);
}

bool group_show(struct http_request *request, struct http_response *response, struct error *err)
{
	return resource_answer(request, response, &group_resource, 200, request->params[0], err);
}

bool group_list(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "security_groups");

	if (!store_query(request->db, &rows, err,
			 "SELECT " GROUP_COLUMNS
			 " FROM security_group WHERE ?1 OR project_id = ?2 ORDER BY created_at, id",
			 V(request->auth->admin), V(request->auth->project_id)))
		return false;
	while (store_next(&rows)) {
		if (!group_view(request->db, response->json, &rows,
				yyjson_mut_arr_add_obj(response->json, list), err))
			return false;
	}
	return store_end(&rows, err) && list_finish(request, response, list, "security_groups", err);
}

/* --- changes --- */

bool group_find(struct http_request *request, const char *id, bool *is_default, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err, "SELECT project_id, name FROM security_group WHERE id = ?1",
			 V(id)))
		return false;
	if (!store_next(&rows) || !is_visible(request->auth, store_text(&rows, 0), false))
		return group_missing(err, id);
	*is_default = strcmp(store_text(&rows, 1), "default") == 0;
	return store_end(&rows, err);
}

bool group_update(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = network_body(request, "security_group", err);
	const char *id = request->params[0];
	bool is_default;

	if (!body || !group_find(request, id, &is_default, err) ||
	    !fields_check(request, body, "security_group", group_fields, ELEMENTS_OF(group_fields), err))
		return false;
	if (is_default && yyjson_obj_get(body, "name"))
		return error_set_typed(err, ERROR_CONFLICT, "SecurityGroupCannotUpdateDefault",
				       "Updating default security group not allowed.");
	if (text_equal(field_text(body, "name", NULL), "default"))
		return error_set_typed(err, ERROR_CONFLICT, "SecurityGroupDefaultAlreadyExists",
				       "Default security group already exists.");
	return store_exec(request->db, err,
			  "UPDATE security_group SET name = coalesce(?2, name), description = coalesce(?3, "
			  "description), stateful = coalesce(?4, stateful), revision = revision + 1, "
			  "updated_at = ?5 WHERE id = ?1",
			  V(id), V(field_text(body, "name", NULL)), V(field_text(body, "description", NULL)),
			  V_OPTIONAL(yyjson_obj_get(body, "stateful")
					     ? (int64_t)field_bool(body, "stateful", true)
					     : -1),
			  V(sys_now())) &&
	       resource_answer(request, response, &group_resource, 200, id, err);
}

static bool group_in_use(struct store *db, const char *id, bool *used, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(
		    db, &rows, err,
		    "SELECT EXISTS (SELECT 1 FROM port_group WHERE group_id = g.id) OR (g.name = 'default' "
		    "AND EXISTS (SELECT 1 FROM port p WHERE p.project_id = g.project_id AND NOT "
		    "p.own_groups AND p.port_security)) FROM security_group g WHERE g.id = ?1",
		    V(id)) ||
	    !store_next(&rows))
		return false;
	*used = store_int(&rows, 0);
	return store_end(&rows, err);
}

bool group_delete(struct http_request *request, struct http_response *response, struct error *err)
{
	const char *id = request->params[0];
	bool is_default, used;

	response->status = 204;
	if (!group_find(request, id, &is_default, err) || !group_in_use(request->db, id, &used, err))
		return false;
	if (is_default && !request->auth->admin)
		return error_set_typed(err, ERROR_CONFLICT, "SecurityGroupCannotRemoveDefault",
				       "Insufficient rights for removing default security group.");
	if (used)
		return error_set_typed(err, ERROR_CONFLICT, "SecurityGroupInUse", "Security Group %s in use.",
				       id);
	return store_exec(request->db, err, "DELETE FROM security_group WHERE id = ?1", V(id));
}

/* --- ports --- */

bool port_groups_set(struct store *db, const char *port_id, yyjson_val *list, struct error *err)
{
	size_t i, max;
	yyjson_val *item;

	if (!list)
		return true;
	if (!store_exec(db, err, "UPDATE port SET own_groups = 1 WHERE id = ?1", V(port_id)) ||
	    !store_exec(db, err, "DELETE FROM port_group WHERE port_id = ?1", V(port_id)))
		return false;
	yyjson_arr_foreach (list, i, max, item) {
		if (!store_exec(db, err,
				"INSERT INTO port_group (port_id, group_id) VALUES (?1, ?2) "
				"ON CONFLICT (port_id, group_id) DO NOTHING",
				V(port_id), V(yyjson_get_str(item))))
			return false;
	}
	return true;
}

bool port_groups_check(struct store *db, const char *port_id, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err,
			 "SELECT 1 FROM port p WHERE p.id = ?1 AND NOT p.port_security AND EXISTS "
			 "(SELECT 1 FROM port_group h WHERE h.port_id = p.id)",
			 V(port_id)))
		return false;
	if (store_next(&rows))
		return error_set_typed(
			err, ERROR_CONFLICT, "PortSecurityPortHasSecurityGroup",
			"Port has security group associated. Cannot disable port security or ip "
			"address until security group is removed.");
	return store_end(&rows, err);
}
