/* /v2.0/networks */
#include "base/memory.h"
#include "network/internal.h"
#include "sys/sys.h"

#include <string.h>

#define NETWORK_COLUMNS \
	"n.id, n.project_id, n.name, n.description, n.admin_state_up, n.shared, n.external, " \
	"n.port_security, n.mtu, " \
	"n.type, n.physical_network, n.segmentation_id, n.revision, n.created_at, n.updated_at, " \
	"(SELECT json_group_array(s.id) FROM subnet s WHERE s.network_id = n.id)"

static const struct field network_fields[] = {
	{"id"},
	{"status"},
	{"subnets"},
	{"availability_zones"},
	{"l2_adjacency"},
	{"ipv4_address_scope"},
	{"ipv6_address_scope"},
	{"revision_number"},
	{"created_at"},
	{"updated_at"},
	{"tags"},
	{"name", FIELD_TEXT, .post = true, .put = true},
	{"description", FIELD_TEXT, .post = true, .put = true},
	{"admin_state_up", FIELD_BOOL, .post = true, .put = true},
	{"shared", FIELD_BOOL, .post = true, .put = true, .admin = true},
	{"router:external", FIELD_BOOL, .post = true, .put = true, .admin = true},
	{"port_security_enabled", FIELD_BOOL, .post = true, .put = true},
	{"mtu", FIELD_INT, .post = true, .put = true},
	{"provider:network_type", FIELD_TEXT, .nullable = true, .post = true, .admin = true},
	{"provider:physical_network", FIELD_TEXT, .nullable = true, .post = true, .admin = true, .max = 64},
	{"provider:segmentation_id", FIELD_INT, .nullable = true, .post = true, .admin = true},
	{"tenant_id", FIELD_TEXT, .post = true},
	{"project_id", FIELD_TEXT, .post = true},
	{"availability_zone_hints", FIELD_LIST, .post = true},
	{"is_default", FIELD_BOOL, .nullable = true, .post = true, .put = true},
	{"vlan_transparent", FIELD_BOOL, .nullable = true, .post = true},
	{"qos_policy_id", FIELD_TEXT, .nullable = true, .post = true, .put = true},
};

static yyjson_mut_val *network_view(struct http_request *request, yyjson_mut_doc *doc,
				    struct store_rows *rows)
{
	yyjson_mut_val *view = yyjson_mut_obj(doc);

	add_text(doc, view, "id", store_text(rows, 0));
	add_text(doc, view, "name", store_text(rows, 2));
	yyjson_mut_obj_add_bool(doc, view, "admin_state_up", store_int(rows, 4));
	yyjson_mut_obj_add_int(doc, view, "mtu", store_int(rows, 8));
	yyjson_mut_obj_add_str(doc, view, "status", "ACTIVE");
	add_json(doc, view, "subnets", store_text(rows, 15));
	yyjson_mut_obj_add_bool(doc, view, "shared", store_int(rows, 5));
	yyjson_mut_obj_add_bool(doc, view, "router:external", store_int(rows, 6));
	yyjson_mut_obj_add_bool(doc, view, "port_security_enabled", store_int(rows, 7));
	yyjson_mut_obj_add_bool(doc, view, "vlan_transparent", false);
	yyjson_mut_obj_add_bool(doc, view, "is_default", false);
	yyjson_mut_obj_add_bool(doc, view, "l2_adjacency", true);
	yyjson_mut_obj_add_arr(doc, view, "availability_zone_hints");
	yyjson_mut_obj_add_arr(doc, view, "availability_zones");
	yyjson_mut_obj_add_null(doc, view, "ipv4_address_scope");
	yyjson_mut_obj_add_null(doc, view, "ipv6_address_scope");
	yyjson_mut_obj_add_null(doc, view, "qos_policy_id");
	if (request->auth->admin) {
		add_text(doc, view, "provider:network_type", store_text(rows, 9));
		add_text(doc, view, "provider:physical_network", store_text(rows, 10));
		if (store_is_null(rows, 11))
			yyjson_mut_obj_add_null(doc, view, "provider:segmentation_id");
		else
			yyjson_mut_obj_add_int(doc, view, "provider:segmentation_id", store_int(rows, 11));
	}
	add_standard(doc, view, store_text(rows, 1), store_text(rows, 3), store_int(rows, 12),
		     store_int(rows, 13), store_int(rows, 14));
	return view;
}

static bool network_answer(struct http_request *request, struct http_response *response, int status,
			   const char *id, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err, "SELECT " NETWORK_COLUMNS " FROM network n WHERE n.id = ?1",
			 V(id)))
		return false;
	if (!store_next(&rows) || !is_visible(request->auth, store_text(&rows, 1), store_int(&rows, 5)))
		return not_found(err, "NetworkNotFound", id);
	yyjson_mut_val *root = http_json_object(response, status);
	yyjson_mut_val *view = network_view(request, response->json, &rows);
	view_finish(request, view);
	yyjson_mut_obj_add_val(response->json, root, "network", view);
	return store_end(&rows, err);
}

bool network_list(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "networks");

	if (!store_query(request->db, &rows, err,
			 "SELECT " NETWORK_COLUMNS
			 " FROM network n WHERE (?1 OR n.shared OR n.project_id = ?2) "
			 "ORDER BY n.created_at, n.id",
			 V(request->auth->admin), V(request->auth->project_id)))
		return false;
	while (store_next(&rows))
		yyjson_mut_arr_append(list, network_view(request, response->json, &rows));
	return store_end(&rows, err) && list_finish(request, response, list, "networks", err);
}

bool network_show(struct http_request *request, struct http_response *response, struct error *err)
{
	return network_answer(request, response, 200, request->params[0], err);
}

static bool mtu_check(int64_t mtu, int64_t max, struct error *err)
{
	if (mtu >= 0 && mtu <= max)
		return true;
	return error_set_typed(err, ERROR_BAD_REQUEST, "InvalidInput",
			       "Invalid input for operation: Requested MTU is too big, maximum is %lld.",
			       (long long)max);
}

/* A tunnel's header takes 50 bytes of what the physical network carries (MT-1). */
static int64_t mtu_max(const char *type)
{
	bool tunnel = strcmp(type, "vxlan") == 0 || strcmp(type, "geneve") == 0;

	return network_settings.mtu - (tunnel ? 50 : 0);
}

bool network_create(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = network_body(request, "network", err);
	struct segment segment = {.id = -1};
	char id[SYS_UUID_SIZE], group[37];
	const char *project;
	int64_t now = sys_now(), mtu;

	if (!body ||
	    !fields_check(request, body, "network", network_fields, ELEMENTS_OF(network_fields), err) ||
	    !owner_find(request, body, &project, err) ||
	    !quota_check(request->db, "network", "SELECT count(*) FROM network WHERE project_id = ?1",
			 project, err))
		return false;
	snprintf(segment.type, sizeof segment.type, "%s", field_text(body, "provider:network_type", ""));
	snprintf(segment.physical_network, sizeof segment.physical_network, "%s",
		 field_text(body, "provider:physical_network", ""));
	segment.id = field_int(body, "provider:segmentation_id", -1);
	if (!segment_choose(request->db, &segment,
			    *segment.type || *segment.physical_network || segment.id >= 0, err))
		return false;
	mtu = field_int(body, "mtu", 0);
	if (!mtu_check(mtu, mtu_max(segment.type), err) ||
	    !security_group_default(request->db, project, group, err))
		return false;
	if (!store_exec(request->db, err,
			"INSERT INTO network (id, project_id, name, description, admin_state_up, shared, "
			"external, "
			"port_security, mtu, type, physical_network, segmentation_id, revision, created_at, "
			"updated_at) "
			"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 1, ?13, ?13)",
			V(sys_uuid(id)), V(project), V(field_text(body, "name", "")),
			V(field_text(body, "description", "")), V(field_bool(body, "admin_state_up", true)),
			V(field_bool(body, "shared", false)), V(field_bool(body, "router:external", false)),
			V(field_bool(body, "port_security_enabled", true)),
			V(mtu ? mtu : mtu_max(segment.type)), V((const char *)segment.type),
			V((const char *)(*segment.physical_network ? segment.physical_network : NULL)),
			V_OPTIONAL(segment.id), V(now)))
		return false;
	return network_answer(request, response, 201, id, err);
}

/* Is it there, and may the requester change it? */
static bool network_writable(struct http_request *request, const char *id, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err, "SELECT project_id, shared FROM network WHERE id = ?1",
			 V(id)))
		return false;
	if (!store_next(&rows) || !is_visible(request->auth, store_text(&rows, 0), store_int(&rows, 1)))
		return not_found(err, "NetworkNotFound", id);
	if (!is_visible(request->auth, store_text(&rows, 0), false))
		return error_set_typed(err, ERROR_FORBIDDEN, "PolicyNotAuthorized",
				       "rule:%s_network is disallowed by policy",
				       request->method == HTTP_DELETE ? "delete" : "update");
	return store_end(&rows, err);
}

bool network_update(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = network_body(request, "network", err);
	const char *id = request->params[0];

	if (!body || !network_writable(request, id, err) ||
	    !fields_check(request, body, "network", network_fields, ELEMENTS_OF(network_fields), err))
		return false;
	yyjson_val *mtu = yyjson_obj_get(body, "mtu");
	if (mtu && !mtu_check(field_int(body, "mtu", 0), network_settings.mtu, err))
		return false;
#define CHANGED(name) V_OPTIONAL(yyjson_obj_get(body, name) ? (int64_t)field_bool(body, name, false) : -1)
	if (!store_exec(
		    request->db, err,
		    "UPDATE network SET name = coalesce(?2, name), description = coalesce(?3, description), "
		    "admin_state_up = coalesce(?4, admin_state_up), shared = coalesce(?5, shared), "
		    "external = coalesce(?6, external), port_security = coalesce(?7, port_security), "
		    "mtu = coalesce(?8, mtu), revision = revision + 1, updated_at = ?9 WHERE id = ?1",
		    V(id), V(field_text(body, "name", NULL)), V(field_text(body, "description", NULL)),
		    CHANGED("admin_state_up"), CHANGED("shared"), CHANGED("router:external"),
		    CHANGED("port_security_enabled"), V_OPTIONAL(mtu ? field_int(body, "mtu", 0) : -1),
		    V(sys_now())))
		return false;
#undef CHANGED
	return network_answer(request, response, 200, id, err);
}

bool network_delete(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	const char *id = request->params[0];

	if (!network_writable(request, id, err) ||
	    !store_query(request->db, &rows, err, "SELECT 1 FROM port WHERE network_id = ?1 LIMIT 1", V(id)))
		return false;
	if (store_next(&rows))
		return error_set_typed(
			err, ERROR_CONFLICT, "NetworkInUse",
			"Unable to complete operation on network %s. There are one or more ports still in "
			"use on the network.",
			id);
	response->status = 204;
	return store_end(&rows, err) &&
	       store_exec(request->db, err, "DELETE FROM subnet WHERE network_id = ?1", V(id)) &&
	       store_exec(request->db, err, "DELETE FROM network WHERE id = ?1", V(id));
}

bool network_check(struct store *db, const char *network_id, const struct auth *auth,
		   struct network_port *port, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	*port = (struct network_port){.segmentation_id = -1};
	if (!store_query(db, &rows, err,
			 "SELECT name, type, ifnull(physical_network, ''), ifnull(segmentation_id, -1), mtu, "
			 "project_id, "
			 "shared, port_security FROM network WHERE id = ?1",
			 V(network_id)))
		return false;
	if (!store_next(&rows) || !is_visible(auth, store_text(&rows, 5), store_int(&rows, 6)))
		return not_found(err, "NetworkNotFound", network_id);
	snprintf(port->network_id, sizeof port->network_id, "%s", network_id);
	snprintf(port->network_name, sizeof port->network_name, "%s", store_text(&rows, 0));
	snprintf(port->network_type, sizeof port->network_type, "%s", store_text(&rows, 1));
	snprintf(port->physical_network, sizeof port->physical_network, "%s", store_text(&rows, 2));
	snprintf(port->vnic_type, sizeof port->vnic_type, "normal");
	port->segmentation_id = store_int(&rows, 3);
	port->mtu = store_int(&rows, 4);
	port->port_security = store_int(&rows, 7);
	port->admin_state_up = true;
	return store_end(&rows, err);
}

bool network_defaults(struct store *db, const struct auth *auth, char (**ids)[37], size_t *count,
		      struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	*ids = NULL;
	*count = 0;
	if (!store_query(db, &rows, err, "SELECT id FROM network WHERE project_id = ?1 ORDER BY created_at",
			 V(auth->project_id)))
		return false;
	while (store_next(&rows)) {
		*ids = memory_resize(*ids, (*count + 1) * sizeof **ids);
		snprintf((*ids)[(*count)++], sizeof **ids, "%s", store_text(&rows, 0));
	}
	return store_end(&rows, err);
}
