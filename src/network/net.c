/* /v2.0/networks */
#include "base/memory.h"
#include "network/internal.h"
#include "sys/sys.h"

#include <string.h>

#define NETWORK_COLUMNS \
	"n.id, n.project_id, n.name, n.description, n.admin_state_up, n.shared, n.external, " \
	"n.port_security, n.mtu, n.revision, n.created_at, n.updated_at, " \
	"(SELECT json_group_array(s.id) FROM subnet s WHERE s.network_id = n.id), " \
	"EXISTS (SELECT 1 FROM subnet s WHERE s.network_id = n.id AND s.segment_id IS NOT NULL), " \
	"(SELECT json_group_array(json_object('provider:network_type', g.type, " \
	"'provider:physical_network', g.physical_network, " \
	"'provider:segmentation_id', g.segmentation_id)) FROM (SELECT type, physical_network, " \
	"segmentation_id FROM segment WHERE network_id = n.id ORDER BY position) g), n.qos_policy_id, " \
	"n.tags, n.qinq"

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
	{"provider:network_type", FIELD_TEXT, .nullable = true, .post = true, .put = true, .admin = true},
	{"provider:physical_network", FIELD_TEXT, .nullable = true, .post = true, .put = true, .admin = true,
	 .max = 64},
	{"provider:segmentation_id", FIELD_INT, .nullable = true, .post = true, .put = true, .admin = true},
	{"segments", FIELD_LIST, .nullable = true, .post = true, .put = true, .admin = true},
	{"tenant_id", FIELD_TEXT, .post = true},
	{"project_id", FIELD_TEXT, .post = true},
	{"availability_zone_hints", FIELD_LIST, .post = true},
	{"is_default", FIELD_BOOL, .nullable = true, .post = true, .put = true},
	{"vlan_transparent", FIELD_BOOL, .nullable = true, .post = true},
	{"vlan_qinq", FIELD_BOOL, .nullable = true, .post = true},
	{"qos_policy_id", FIELD_TEXT, .nullable = true, .post = true, .put = true},
};

/* One segment shows as provider:*, several as `segments` (PR-4). */
static void add_segments(yyjson_mut_doc *doc, yyjson_mut_val *view, const char *json)
{
	yyjson_doc *list = yyjson_read(json, strlen(json), 0);
	yyjson_val *segments = yyjson_doc_get_root(list), *name, *value;
	size_t i, max;

	if (yyjson_arr_size(segments) == 1) {
		yyjson_obj_foreach (yyjson_arr_get_first(segments), i, max, name, value)
			yyjson_mut_obj_add(view, yyjson_val_mut_copy(doc, name),
					   yyjson_val_mut_copy(doc, value));
	} else {
		yyjson_mut_obj_add_val(doc, view, "segments", yyjson_val_mut_copy(doc, segments));
	}
	yyjson_doc_free(list);
}

static yyjson_mut_val *network_view(struct http_request *request, yyjson_mut_doc *doc,
				    struct store_rows *rows)
{
	yyjson_mut_val *view = yyjson_mut_obj(doc);

	add_text(doc, view, "id", store_text(rows, 0));
	add_text(doc, view, "name", store_text(rows, 2));
	yyjson_mut_obj_add_bool(doc, view, "admin_state_up", store_int(rows, 4));
	yyjson_mut_obj_add_int(doc, view, "mtu", store_int(rows, 8));
	yyjson_mut_obj_add_str(doc, view, "status", "ACTIVE");
	add_json(doc, view, "subnets", store_text(rows, 12));
	yyjson_mut_obj_add_bool(doc, view, "shared", store_int(rows, 5));
	yyjson_mut_obj_add_bool(doc, view, "router:external", store_int(rows, 6));
	yyjson_mut_obj_add_bool(doc, view, "port_security_enabled", store_int(rows, 7));
	yyjson_mut_obj_add_bool(doc, view, "vlan_transparent", false);
	if (network_settings.qinq || store_int(rows, 17))
		yyjson_mut_obj_add_bool(doc, view, "vlan_qinq", store_int(rows, 17));
	yyjson_mut_obj_add_bool(doc, view, "is_default", false);
	yyjson_mut_obj_add_bool(doc, view, "l2_adjacency", !store_int(rows, 13));
	yyjson_mut_obj_add_arr(doc, view, "availability_zone_hints");
	yyjson_mut_obj_add_arr(doc, view, "availability_zones");
	yyjson_mut_obj_add_null(doc, view, "ipv4_address_scope");
	yyjson_mut_obj_add_null(doc, view, "ipv6_address_scope");
	add_text(doc, view, "qos_policy_id", store_text(rows, 15));
	if (request->auth->admin)
		add_segments(doc, view, store_text(rows, 14));
	add_standard(doc, view, store_text(rows, 1), store_text(rows, 3), store_text(rows, 16),
		     store_int(rows, 9), store_int(rows, 10), store_int(rows, 11));
	return view;
}

static yyjson_mut_val *network_load(struct http_request *request, yyjson_mut_doc *doc, const char *id,
				    struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_mut_val *view;

	if (!store_query(request->db, &rows, err, "SELECT " NETWORK_COLUMNS " FROM network n WHERE n.id = ?1",
			 V(id)))
		return NULL;
	/* External networks are everybody's to see. */
	if (!store_next(&rows) ||
	    !is_visible(request->auth, store_text(&rows, 1), store_int(&rows, 5) || store_int(&rows, 6))) {
		not_found(err, "NetworkNotFound", id);
		return NULL;
	}
	view = network_view(request, doc, &rows);
	return store_end(&rows, err) ? view : NULL;
}

bool network_list(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "networks");

	if (!store_query(request->db, &rows, err,
			 "SELECT " NETWORK_COLUMNS
			 " FROM network n WHERE (?1 OR n.shared OR n.external OR n.project_id = ?2) "
			 "ORDER BY n.created_at, n.id",
			 V(request->auth->admin), V(request->auth->project_id)))
		return false;
	while (store_next(&rows))
		yyjson_mut_arr_append(list, network_view(request, response->json, &rows));
	return store_end(&rows, err) && list_finish(request, response, list, "networks", err);
}

static bool mtu_check(yyjson_val *body, int64_t max, struct error *err)
{
	int64_t mtu = field_int(body, "mtu", 0);

	if (mtu < 0)
		return error_set_typed(err, ERROR_BAD_REQUEST, "HTTPBadRequest",
				       "Invalid input for mtu. Reason: '%lld' should be non-negative.",
				       (long long)mtu);
	return mtu <= max || error_set_typed(err, ERROR_BAD_REQUEST, "InvalidInput",
					     "Invalid input for operation: Requested MTU is too big, "
					     "maximum is %lld.",
					     (long long)max);
}

static bool extras_check(yyjson_val *body, struct error *err)
{
	if (field_bool(body, "vlan_transparent", false))
		return error_set_typed(err, ERROR_BAD_REQUEST, "VlanTransparencyDriverError",
				       "Backend does not support VLAN Transparency.");
	return !field_bool(body, "vlan_qinq", false) || network_settings.qinq ||
	       error_set_typed(err, ERROR_BAD_REQUEST, "VlanQinqDriverError",
			       "Backend does not support VLAN QinQ: [DEFAULT] vlan_qinq is not set.");
}

/* Only VLANs have a tag, and a NIC has to make it. */
static bool qinq_check(struct store *db, yyjson_val *body, const struct segment *segments, int count,
		       struct error *err)
{
	for (int i = 0; i < count && field_bool(body, "vlan_qinq", false); i++) {
		if (strcmp(segments[i].type, "vlan") != 0)
			return error_set_typed(
				err, ERROR_BAD_REQUEST, "InvalidInput",
				"Invalid input for operation: vlan_qinq is for networks of type "
				"vlan, not %s.",
				segments[i].type);
		if (!capability_check_service_tag(db, segments[i].physical_network, err))
			return false;
	}
	return true;
}

/* The one that is asked for, or the project's default. */
static bool network_policy(struct http_request *request, yyjson_val *body, const char *project, char id[37],
			   struct error *err)
{
	const char *wish = field_text(body, "qos_policy_id", NULL);

	snprintf(id, 37, "%.36s", wish ? wish : "");
	return wish ? qos_attach_check(request, body, NULL, err) : qos_default(request->db, project, id, err);
}

static bool network_insert(struct http_request *request, yyjson_val *body, const char *project, char id[37],
			   struct error *err)
{
	char policy[37];

	if (!network_policy(request, body, project, policy, err))
		return false;
	return store_exec(
		request->db, err,
		"INSERT INTO network (id, project_id, name, description, admin_state_up, shared, external, "
		"port_security, mtu, revision, created_at, updated_at, qos_policy_id, qinq) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, 1, ?9, ?9, ?10, ?11)",
		V(sys_uuid(id)), V(project), V(field_text(body, "name", "")),
		V(field_text(body, "description", "")), V(field_bool(body, "admin_state_up", true)),
		V(field_bool(body, "shared", false)), V(field_bool(body, "router:external", false)),
		V(field_bool(body, "port_security_enabled", true)), V(sys_now()),
		V((const char *)(*policy ? policy : NULL)), V(field_bool(body, "vlan_qinq", false)));
}

/* Chooses each segment after the one before is in the table, so that none is taken twice; then the MTU is
 * known. */
static bool network_lay(struct http_request *request, yyjson_val *body, const char *id,
			struct segment *segments, int count, bool provider, struct error *err)
{
	char segment_id[37];

	for (int i = 0; i < count; i++) {
		if (!segment_choose(request->db, &segments[i], provider, err) ||
		    !segment_insert(request->db, id, &segments[i], NULL, NULL, segment_id, err))
			return false;
	}
	int64_t mtu = field_int(body, "mtu", 0), max = segments_mtu_max(segments, count);
	return qinq_check(request->db, body, segments, count, err) && mtu_check(body, max, err) &&
	       store_exec(request->db, err, "UPDATE network SET mtu = ?2 WHERE id = ?1", V(id),
			  V(mtu ? mtu : max));
}

/* --- segments of a body --- */

static bool segments_refuse(struct error *err, const char *type, const char *text)
{
	return error_set_typed(err, ERROR_BAD_REQUEST, type, "Invalid input for operation: %s.", text);
}

static bool segment_item_check(struct http_request *request, yyjson_val *item, struct error *err)
{
	static const struct field fields[] = {
		{"provider:network_type", FIELD_TEXT, .nullable = true, .post = true},
		{"provider:physical_network", FIELD_TEXT, .nullable = true, .post = true, .max = 64},
		{"provider:segmentation_id", FIELD_INT, .nullable = true, .post = true},
	};

	return yyjson_is_obj(item)
		       ? fields_check(request, item, "network", fields, ELEMENTS_OF(fields), err)
		       : segments_refuse(err, "InvalidInput", "each of segments must be a dictionary");
}

static bool is_same(const struct segment *a, const struct segment *b)
{
	return strcmp(a->type, b->type) == 0 && strcmp(a->physical_network, b->physical_network) == 0 &&
	       a->id == b->id && a->id >= 0;
}

/* The segments that a new network asks for: provider:*, or `segments` (PR-2).  None: *provider is false, and
 * one is to be chosen. */
static bool segments_read(struct http_request *request, yyjson_val *body, struct segment *segments,
			  int *count, bool *provider, struct error *err)
{
	yyjson_val *list = yyjson_obj_get(body, "segments"), *item;
	size_t i, max;

	*count = 1;
	*provider = segment_read(body, &segments[0]);
	if (yyjson_arr_size(list) == 0)
		return true;
	if (*provider)
		return error_set_typed(err, ERROR_BAD_REQUEST, "SegmentsSetInConjunctionWithProviders",
				       "Segments and provider values cannot both be set.");
	if (yyjson_arr_size(list) > SEGMENTS_MAX)
		return segments_refuse(err, "InvalidInput", "a network has at most 32 segments");
	yyjson_arr_foreach (list, i, max, item) {
		if (!segment_item_check(request, item, err))
			return false;
		segment_read(item, &segments[i]);
		for (size_t k = 0; k < i; k++) {
			if (is_same(&segments[k], &segments[i]))
				return error_set_typed(err, ERROR_BAD_REQUEST,
						       "SegmentsContainDuplicateEntry",
						       "Duplicate segment entry in request.");
		}
	}
	*count = (int)max;
	*provider = true;
	return true;
}

static bool create_one(struct http_request *request, yyjson_val *body, char id[37], struct error *err)
{
	struct segment segments[SEGMENTS_MAX];
	const char *project;
	char group[37];
	bool provider;
	int count;

	if (!fields_check(request, body, "network", network_fields, ELEMENTS_OF(network_fields), err) ||
	    !owner_find(request, body, &project, err) ||
	    !quota_check(request->db, "network", "SELECT 1 FROM network WHERE project_id = ?1 LIMIT ?2",
			 project, err))
		return false;
	return segments_read(request, body, segments, &count, &provider, err) && extras_check(body, err) &&
	       security_group_default(request->db, project, group, err) &&
	       network_insert(request, body, project, id, err) &&
	       network_lay(request, body, id, segments, count, provider, err);
}

static const struct resource network_resource = {"network", "networks", create_one, network_load};

bool network_create(struct http_request *request, struct http_response *response, struct error *err)
{
	return resource_create(request, response, &network_resource, err);
}

bool network_show(struct http_request *request, struct http_response *response, struct error *err)
{
	return resource_answer(request, response, &network_resource, 200, request->params[0], err);
}

/* Is it there, and may the requester change it? */
static bool network_writable(struct http_request *request, const char *id, struct error *err)
{
	bool own;

	return network_is_own(request, id, &own, err) &&
	       (own || error_set_typed(err, ERROR_FORBIDDEN, "PolicyNotAuthorized",
				       "rule:%s_network is disallowed by policy",
				       request->method == HTTP_DELETE ? "delete" : "update"));
}

/* The ids of the network's ports for which `sql` holds, "a,b", cut; "" if there are none. */
static bool ports_of(struct store *db, const char *sql, const char *network_id, char text[300],
		     struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	size_t length = 0;

	*text = '\0';
	if (!store_query(db, &rows, err, sql, V(network_id)))
		return false;
	while (length < 256 && store_next(&rows))
		length += (size_t)snprintf(text + length, 300 - length, "%s%s", length ? "," : "",
					   store_text(&rows, 0));
	return store_end(&rows, err);
}

static bool provider_refuse(struct error *err, const char *text)
{
	return error_set_typed(err, ERROR_BAD_REQUEST, "InvalidInput", "Invalid input for operation: %s",
			       text);
}

static bool segment_unbound_check(struct store *db, const char *network_id, struct error *err)
{
	char bound[300];

	return ports_of(db,
			"SELECT id FROM port WHERE network_id = ?1 AND vif_type NOT IN ('unbound', "
			"'binding_failed')",
			network_id, bound, err) &&
	       (!*bound ||
		error_set_typed(err, ERROR_BAD_REQUEST, "InvalidInput",
				"Invalid input for operation: provider:segmentation_id cannot change "
				"while ports are bound: %s.",
				bound));
}

/* Another VLAN for a network whose ports are not plugged in anywhere (VL-22); nothing else of a segment
 * changes (VL-23). */
static bool provider_update(struct http_request *request, yyjson_val *body, const char *id,
			    struct segment *now, int count, struct error *err)
{
	struct segment wish;

	if (!segment_read(body, &wish) && !yyjson_arr_size(yyjson_obj_get(body, "segments")))
		return true;
	if (count != 1)
		return provider_refuse(err, "Provider network attributes can be updated only if the network "
					    "has a single segment.");
	if ((*wish.type && strcmp(wish.type, now->type) != 0) ||
	    (*wish.physical_network && strcmp(wish.physical_network, now->physical_network) != 0) ||
	    (wish.id >= 0 && wish.id != now->id && strcmp(now->type, "vlan") != 0) ||
	    yyjson_arr_size(yyjson_obj_get(body, "segments")))
		return provider_refuse(err, "Plugin does not support updating the following provider network "
					    "attributes: provider:physical_network, provider:network_type.");
	if (wish.id < 0 || wish.id == now->id)
		return true;
	now->id = wish.id;
	return segment_unbound_check(request->db, id, err) && segment_choose(request->db, now, true, err) &&
	       store_exec(request->db, err,
			  "UPDATE segment SET segmentation_id = ?2, revision = revision + 1, updated_at = ?3 "
			  "WHERE network_id = ?1",
			  V(id), V(now->id), V(sys_now()));
}

static bool network_policy_update(struct http_request *request, yyjson_val *body, const char *id,
				  struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!yyjson_obj_get(body, "qos_policy_id"))
		return true;
	if (!store_query(request->db, &rows, err, "SELECT qos_policy_id FROM network WHERE id = ?1", V(id)) ||
	    !store_next(&rows) || !qos_attach_check(request, body, store_text(&rows, 0), err) ||
	    !store_end(&rows, err))
		return false;
	return store_exec(request->db, err, "UPDATE network SET qos_policy_id = ?2 WHERE id = ?1", V(id),
			  V(field_text(body, "qos_policy_id", NULL))) &&
	       qos_network_check(request->db, id, err) &&
	       capability_check_ports(request->db,
				      "SELECT id FROM port WHERE network_id = ?1 AND qos_policy_id IS NULL",
				      id, err);
}

bool network_update(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = network_body(request, "network", err);
	const char *id = request->params[0];
	struct segment segments[SEGMENTS_MAX];
	int count;

	if (!body || !network_writable(request, id, err) ||
	    !fields_check(request, body, "network", network_fields, ELEMENTS_OF(network_fields), err) ||
	    !extras_check(body, err) || !segments_load(request->db, id, segments, &count, err) ||
	    !provider_update(request, body, id, segments, count, err) ||
	    !mtu_check(body, segments_mtu_max(segments, count), err) ||
	    !network_policy_update(request, body, id, err))
		return false;
	int64_t mtu = yyjson_obj_get(body, "mtu") ? field_int(body, "mtu", 0) : -1;
	if (mtu == 0)
		mtu = segments_mtu_max(segments, count);
#define CHANGED(name) V_OPTIONAL(yyjson_obj_get(body, name) ? (int64_t)field_bool(body, name, false) : -1)
	if (!store_exec(
		    request->db, err,
		    "UPDATE network SET name = coalesce(?2, name), description = coalesce(?3, description), "
		    "admin_state_up = coalesce(?4, admin_state_up), shared = coalesce(?5, shared), "
		    "external = coalesce(?6, external), port_security = coalesce(?7, port_security), "
		    "mtu = coalesce(?8, mtu), revision = revision + 1, updated_at = ?9 WHERE id = ?1",
		    V(id), V(field_text(body, "name", NULL)), V(field_text(body, "description", NULL)),
		    CHANGED("admin_state_up"), CHANGED("shared"), CHANGED("router:external"),
		    CHANGED("port_security_enabled"), V_OPTIONAL(mtu), V(sys_now())))
		return false;
#undef CHANGED
	return network_changed(request->db, id, err) &&
	       resource_answer(request, response, &network_resource, 200, id, err);
}

bool network_delete(struct http_request *request, struct http_response *response, struct error *err)
{
	const char *id = request->params[0];
	char ports[300];

	if (!network_writable(request, id, err) ||
	    !ports_of(request->db, "SELECT id FROM port WHERE network_id = ?1 LIMIT 8", id, ports, err))
		return false;
	if (*ports)
		return error_set_typed(
			err, ERROR_CONFLICT, "NetworkInUse",
			"Unable to complete operation on network %s. There are one or more ports still in "
			"use on the network, id for these ports is: %s.",
			id, ports);
	response->status = 204;
	return store_exec(request->db, err, "DELETE FROM subnet WHERE network_id = ?1", V(id)) &&
	       store_exec(request->db, err, "DELETE FROM network WHERE id = ?1", V(id));
}

bool network_is_own(struct http_request *request, const char *network_id, bool *own, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err, "SELECT project_id, shared FROM network WHERE id = ?1",
			 V(network_id)))
		return false;
	if (!store_next(&rows) || !is_visible(request->auth, store_text(&rows, 0), store_int(&rows, 1)))
		return not_found(err, "NetworkNotFound", network_id);
	*own = is_visible(request->auth, store_text(&rows, 0), false);
	return store_end(&rows, err);
}

bool network_check(struct store *db, const char *network_id, const struct auth *auth,
		   struct network_port *port, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	*port = (struct network_port){.segmentation_id = -1};
	if (!store_query(db, &rows, err,
			 "SELECT n.name, s.type, ifnull(s.physical_network, ''), ifnull(s.segmentation_id, "
			 "-1), n.mtu, n.project_id, n.shared, n.port_security, n.qos_policy_id, n.qinq FROM "
			 "network n "
			 "LEFT JOIN segment s ON s.id = (SELECT id FROM segment WHERE network_id = n.id "
			 "ORDER BY position LIMIT 1) WHERE n.id = ?1",
			 V(network_id)))
		return false;
	if (!store_next(&rows) || !is_visible(auth, store_text(&rows, 5), store_int(&rows, 6)))
		return not_found(err, "NetworkNotFound", network_id);
	snprintf(port->network_id, sizeof port->network_id, "%s", network_id);
	snprintf(port->network_name, sizeof port->network_name, "%s", store_text(&rows, 0));
	snprintf(port->network_type, sizeof port->network_type, "%s",
		 store_text(&rows, 1) ? store_text(&rows, 1) : "");
	snprintf(port->physical_network, sizeof port->physical_network, "%s", store_text(&rows, 2));
	snprintf(port->vnic_type, sizeof port->vnic_type, "normal");
	port->segmentation_id = store_int(&rows, 3);
	port->mtu = store_int(&rows, 4);
	port->port_security = store_int(&rows, 7);
	port->service_tag = store_int(&rows, 9);
	port->admin_state_up = true;
	if (store_text(&rows, 8))
		snprintf(port->qos_policy_id, sizeof port->qos_policy_id, "%s", store_text(&rows, 8));
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
