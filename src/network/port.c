/* /v2.0/ports */
#include "base/memory.h"
#include "base/text.h"
#include "network/internal.h"
#include "sys/sys.h"

#include <string.h>

#define PORT_COLUMNS \
	"p.id, p.network_id, p.project_id, p.name, p.description, p.mac_address, p.admin_state_up, " \
	"p.port_security, p.status, p.device_id, p.device_owner, p.vnic_type, p.profile, p.host_id, " \
	"p.vif_type, " \
	"p.vif_details, p.pairs, p.revision, p.created_at, p.updated_at, " \
	"(SELECT json_group_array(json_object('subnet_id', a.subnet_id, 'ip_address', a.ip_address)) " \
	"FROM address a WHERE a.port_id = p.id), " \
	"CASE WHEN p.own_groups THEN (SELECT json_group_array(h.group_id) FROM port_group h " \
	"WHERE h.port_id = p.id) ELSE (SELECT json_group_array(g.id) FROM security_group g " \
	"WHERE g.project_id = p.project_id AND g.name = 'default') END, " \
	"(SELECT n.project_id FROM network n WHERE n.id = p.network_id), p.numa_affinity_policy, " \
	"p.uplink_status, json_extract(p.profile, '$.trusted'), p.qos_policy_id, " \
	"(SELECT n.qos_policy_id FROM network n WHERE n.id = p.network_id), p.tags, p.dhcp_options"

static const struct field port_fields[] = {
	{"id"},
	{"status"},
	{"binding:vif_type"},
	{"binding:vif_details"},
	{"ip_allocation"},
	{"resource_request"},
	{"qos_network_policy_id"},
	{"revision_number"},
	{"created_at"},
	{"updated_at"},
	{"tags"},
	{"name", FIELD_TEXT, .post = true, .put = true},
	{"description", FIELD_TEXT, .post = true, .put = true},
	{"network_id", FIELD_UUID, .post = true},
	{"admin_state_up", FIELD_BOOL, .post = true, .put = true},
	{"mac_address", FIELD_TEXT, .post = true, .put = true},
	{"fixed_ips", FIELD_LIST, .post = true, .put = true},
	{"device_id", FIELD_TEXT, .post = true, .put = true},
	{"device_owner", FIELD_TEXT, .post = true, .put = true},
	{"port_security_enabled", FIELD_BOOL, .post = true, .put = true},
	{"allowed_address_pairs", FIELD_LIST, .nullable = true, .post = true, .put = true},
	{"security_groups", FIELD_LIST, .nullable = true, .post = true, .put = true},
	{"extra_dhcp_opts", FIELD_LIST, .nullable = true, .post = true, .put = true},
	{"qos_policy_id", FIELD_TEXT, .nullable = true, .post = true, .put = true},
	{"binding:vnic_type", FIELD_TEXT, .post = true, .put = true},
	{"binding:host_id", FIELD_TEXT, .nullable = true, .post = true, .put = true, .admin = true},
	{"binding:profile", FIELD_OBJECT, .nullable = true, .post = true, .put = true, .admin = true},
	{"numa_affinity_policy", FIELD_TEXT, .nullable = true, .post = true, .put = true},
	{"propagate_uplink_status", FIELD_BOOL, .post = true, .put = true},
	{"trusted", FIELD_BOOL, .nullable = true, .post = true, .put = true, .admin = true},
	{"dns_name", FIELD_TEXT, .post = true, .put = true},
	{"tenant_id", FIELD_TEXT, .post = true},
	{"project_id", FIELD_TEXT, .post = true},
};

/* Pairs without a MAC are the port's own. */
static void add_pairs(yyjson_mut_doc *doc, yyjson_mut_val *view, const char *json, const char *mac)
{
	size_t i, max;
	yyjson_mut_val *pair;

	add_json(doc, view, "allowed_address_pairs", json);
	yyjson_mut_arr_foreach (yyjson_mut_obj_get(view, "allowed_address_pairs"), i, max, pair) {
		if (!yyjson_mut_obj_get(pair, "mac_address"))
			add_text(doc, pair, "mac_address", mac);
	}
}

static yyjson_mut_val *port_view(struct http_request *request, yyjson_mut_doc *doc, struct store_rows *rows)
{
	yyjson_mut_val *view = yyjson_mut_obj(doc);
	bool secure = store_int(rows, 7), trusted;

	add_text(doc, view, "id", store_text(rows, 0));
	add_text(doc, view, "name", store_text(rows, 3));
	add_text(doc, view, "network_id", store_text(rows, 1));
	add_text(doc, view, "mac_address", store_text(rows, 5));
	yyjson_mut_obj_add_bool(doc, view, "admin_state_up", store_int(rows, 6));
	add_text(doc, view, "status", store_text(rows, 8));
	add_text(doc, view, "device_id", store_text(rows, 9));
	add_text(doc, view, "device_owner", store_text(rows, 10));
	add_json(doc, view, "fixed_ips", store_text(rows, 20));
	add_pairs(doc, view, store_text(rows, 16), store_text(rows, 5));
	add_json(doc, view, "extra_dhcp_opts", store_text(rows, 29));
	add_json(doc, view, "security_groups", secure ? store_text(rows, 21) : "[]");
	add_text(doc, view, "binding:vnic_type", store_text(rows, 11));
	if (request->auth->admin || request->auth->service) {
		add_json(doc, view, "binding:profile", store_text(rows, 12));
		add_text(doc, view, "binding:host_id", store_text(rows, 13));
		add_text(doc, view, "binding:vif_type", store_text(rows, 14));
		add_json(doc, view, "binding:vif_details", store_text(rows, 15));
		yyjson_mut_obj_add_null(doc, view, "resource_request");
		/* Kept in the profile, where Nova reads it too (PO-6). */
		if (store_text(rows, 25) && text_to_bool(store_text(rows, 25), &trusted))
			yyjson_mut_obj_add_bool(doc, view, "trusted", trusted);
		else
			yyjson_mut_obj_add_null(doc, view, "trusted");
	}
	add_text(doc, view, "numa_affinity_policy", store_text(rows, 23));
	yyjson_mut_obj_add_bool(doc, view, "propagate_uplink_status", store_int(rows, 24));
	yyjson_mut_obj_add_bool(doc, view, "port_security_enabled", secure);
	add_text(doc, view, "qos_policy_id", store_text(rows, 26));
	add_text(doc, view, "qos_network_policy_id", store_text(rows, 27));
	yyjson_mut_obj_add_str(doc, view, "ip_allocation",
			       strcmp(store_text(rows, 20), "[]") == 0 ? "none" : "immediate");
	add_standard(doc, view, store_text(rows, 2), store_text(rows, 4), store_text(rows, 28),
		     store_int(rows, 17), store_int(rows, 18), store_int(rows, 19));
	return view;
}

/* Its project's, and the network's owner's. */
static bool port_is_visible(struct http_request *request, struct store_rows *rows)
{
	return is_visible(request->auth, store_text(rows, 2), false) ||
	       is_visible(request->auth, store_text(rows, 22), false);
}

static yyjson_mut_val *port_load(struct http_request *request, yyjson_mut_doc *doc, const char *id,
				 struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_mut_val *view;

	if (!store_query(request->db, &rows, err, "SELECT " PORT_COLUMNS " FROM port p WHERE p.id = ?1",
			 V(id)))
		return NULL;
	if (!store_next(&rows) || !port_is_visible(request, &rows)) {
		not_found(err, "PortNotFound", id);
		return NULL;
	}
	view = port_view(request, doc, &rows);
	return store_end(&rows, err) ? view : NULL;
}

bool port_list(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "ports");

	if (!store_query(request->db, &rows, err,
			 "SELECT " PORT_COLUMNS
			 " FROM port p WHERE (?1 OR p.project_id = ?2 OR p.network_id IN (SELECT id FROM "
			 "network WHERE project_id = ?2)) ORDER BY p.created_at, p.id",
			 V(request->auth->admin), V(request->auth->project_id)))
		return false;
	while (store_next(&rows))
		yyjson_mut_arr_append(list, port_view(request, response->json, &rows));
	return store_end(&rows, err) && list_finish(request, response, list, "ports", err);
}

static void mac_make(char mac[18])
{
	const unsigned char *base = network_settings.base_mac;
	unsigned char b[3];

	sys_random(b, sizeof b);
	snprintf(mac, 18, "%02x:%02x:%02x:%02x:%02x:%02x", base[0], base[1], base[2],
		 base[3] ? base[3] : b[0], b[1], b[2]);
}

/* Unique on all networks: two VFs of one PF must never share an address. */
static bool mac_is_free(struct store *db, const char *mac, const char *port_id, bool *is_free,
			struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err, "SELECT 1 FROM port WHERE mac_address = ?1 AND id <> ?2", V(mac),
			 V(port_id)))
		return false;
	*is_free = !store_next(&rows);
	return store_end(&rows, err);
}

/* `port_id` is who may have it already, "" if nobody. */
static bool mac_take(struct store *db, const char *wanted, const char *port_id, const char *network_id,
		     char mac[18], struct error *err)
{
	bool is_free;

	if (!mac_parse(wanted, mac))
		return error_set_typed(
			err, ERROR_BAD_REQUEST, "HTTPBadRequest",
			"Invalid input for mac_address. Reason: '%.40s' is not a valid MAC address.", wanted);
	return mac_is_free(db, mac, port_id, &is_free, err) &&
	       (is_free || error_set_typed(err, ERROR_CONFLICT, "MacAddressInUse",
					   "Unable to complete operation for network %s. The mac address %s "
					   "is in use.",
					   network_id, mac));
}

static bool mac_invent(struct store *db, char mac[18], struct error *err)
{
	bool is_free = false;

	for (int i = 0; i < 16 && !is_free; i++) {
		mac_make(mac);
		if (!mac_is_free(db, mac, "", &is_free, err))
			return false;
	}
	return is_free || error_set_typed(err, ERROR_UNAVAILABLE, "MacAddressGenerationFailure",
					  "Unable to generate unique mac.");
}

bool port_new_mac(struct store *db, const char *port_id, struct error *err)
{
	char mac[18];

	return mac_invent(db, mac, err) &&
	       store_exec(db, err, "UPDATE port SET mac_address = ?2 WHERE id = ?1", V(port_id),
			  V((const char *)mac));
}

bool port_insert(struct store *db, const struct new_port *port, char id[37], struct error *err)
{
	char mac[18], group[37];

	if (!(port->mac_address ? mac_take(db, port->mac_address, "", port->network_id, mac, err)
				: mac_invent(db, mac, err)) ||
	    !security_group_default(db, port->project_id, group, err))
		return false;
	if (!store_exec(db, err,
			"INSERT INTO port (id, network_id, project_id, name, description, mac_address, "
			"admin_state_up, "
			"port_security, status, device_id, device_owner, by_compute, vnic_type, profile, "
			"host_id, vif_type, "
			"vif_details, pairs, numa_affinity_policy, uplink_status, revision, created_at, "
			"updated_at, qos_policy_id, dhcp_options) VALUES (?1, ?2, ?3, ?4, ?5, "
			"?6, ?7, ?8, 'DOWN', "
			"?9, ?10, ?11, ?12, ?13, '', 'unbound', '{}', ?14, ?15, ?16, 1, ?17, ?17, ?18, ?19)",
			V(sys_uuid(id)), V(port->network_id), V(port->project_id), V(port->name),
			V(port->description), V((const char *)mac), V(port->admin_state_up),
			V(port->port_security), V(port->device_id), V(port->device_owner),
			V(port->by_compute), V(port->vnic_type), V(port->profile), V(port->pairs),
			V(port->numa_affinity_policy), V(!port->link_always), V(sys_now()),
			V(port->qos_policy_id), V(port->dhcp_options ? port->dhcp_options : "[]")) ||
	    (port->has_qos && !qos_port_check(db, id, err)))
		return false;
	if (port->fixed_ips)
		return address_take_list(db, id, port->network_id, port->fixed_ips, err);
	if (port->fixed_ip) {
		yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
		yyjson_mut_val *list = yyjson_mut_arr(doc);
		yyjson_mut_obj_add_str(doc, yyjson_mut_arr_add_obj(doc, list), "ip_address", port->fixed_ip);
		yyjson_doc *fixed = yyjson_mut_val_imut_copy(list, NULL);
		bool ok = address_take_list(db, id, port->network_id, yyjson_doc_get_root(fixed), err);

		yyjson_doc_free(fixed);
		yyjson_mut_doc_free(doc);
		return ok;
	}
	return address_take_any(db, id, port->network_id, err);
}

/* The pairs of a body as JSON; null is none. */
static const char *pairs_json(struct http_request *request, yyjson_val *body, const char *fallback)
{
	yyjson_val *pairs = yyjson_obj_get(body, "allowed_address_pairs");

	return yyjson_is_null(pairs) ? "[]" : field_json(request, pairs, fallback);
}

/* The profile that a body makes of the one that is there (JSON, in the request's memory). */
static const char *port_profile(struct http_request *request, yyjson_val *body, const char *now)
{
	yyjson_val *profile = yyjson_obj_get(body, "binding:profile"),
		   *trusted = yyjson_obj_get(body, "trusted");
	const char *text = !profile		    ? now
			   : yyjson_is_obj(profile) ? field_json(request, profile, "{}")
						    : "{}";

	if (!trusted)
		return text;
	yyjson_doc *old = yyjson_read(text, strlen(text), 0);
	yyjson_mut_doc *doc = yyjson_doc_mut_copy(old, NULL);
	yyjson_mut_val *root = yyjson_mut_doc_get_root(doc);

	yyjson_mut_obj_remove_key(root, "trusted");
	if (!yyjson_is_null(trusted))
		yyjson_mut_obj_add_bool(doc, root, "trusted", field_bool(body, "trusted", false));
	_cleanup_free_ char *json = yyjson_mut_write(doc, 0, NULL);
	text = http_copy(request, json);
	yyjson_mut_doc_free(doc);
	yyjson_doc_free(old);
	return text;
}

static bool create_one(struct http_request *request, yyjson_val *body, char id[37], struct error *err)
{
	const char *network_id = field_text(body, "network_id", NULL), *project;
	struct network_port network;

	if (!fields_check(request, body, "port", port_fields, ELEMENTS_OF(port_fields), err))
		return false;
	if (!network_id)
		return error_set_typed(
			err, ERROR_BAD_REQUEST, "HTTPBadRequest",
			"Failed to parse request. Required attribute 'network_id' not specified");
	if (!owner_find(request, body, &project, err) ||
	    !network_check(request->db, network_id, request->auth, &network, err) ||
	    !quota_check(request->db, "port", PORT_QUOTA, project, err))
		return false;
	struct new_port port = {
		.network_id = network_id,
		.project_id = project,
		.name = field_text(body, "name", ""),
		.description = field_text(body, "description", ""),
		.mac_address = field_text(body, "mac_address", NULL),
		.device_id = field_text(body, "device_id", ""),
		.device_owner = field_text(body, "device_owner", ""),
		.vnic_type = field_text(body, "binding:vnic_type", "normal"),
		.profile = port_profile(request, body, "{}"),
		.numa_affinity_policy = field_text(body, "numa_affinity_policy", NULL),
		.qos_policy_id = field_text(body, "qos_policy_id", NULL),
		.dhcp_options = dhcp_options_merge(request, "[]", yyjson_obj_get(body, "extra_dhcp_opts")),
		.has_qos = *network.qos_policy_id || field_text(body, "qos_policy_id", NULL),
		.link_always = !field_bool(body, "propagate_uplink_status", true),
		.pairs = pairs_json(request, body, "[]"),
		.admin_state_up = field_bool(body, "admin_state_up", true),
		.port_security = field_bool(body, "port_security_enabled", network.port_security),
		.fixed_ips = yyjson_obj_get(body, "fixed_ips"),
	};
	const char *host = field_text(body, "binding:host_id", "");
	return port_body_check(request, body, network_id, err) &&
	       qos_attach_check(request, body, NULL, err) &&
	       port_pairs_check(port.pairs, port.port_security, err) &&
	       port_insert(request->db, &port, id, err) &&
	       port_groups_set(request->db, id, yyjson_obj_get(body, "security_groups"), err) &&
	       (port.port_security || port_groups_check(request->db, id, err)) &&
	       (strcmp(port.pairs, "[]") == 0 || port_pairs_of_vf_check(request->db, id, err)) &&
	       (!(port.has_qos || network.service_tag || strstr(port.profile, "trusted")) ||
		capability_check_port(request->db, id, err)) &&
	       (!*host || port_bind_host(request->db, id, host, NULL, err));
}

static const struct resource port_resource = {"port", "ports", create_one, port_load};

bool port_create(struct http_request *request, struct http_response *response, struct error *err)
{
	return resource_create(request, response, &port_resource, err);
}

bool port_show(struct http_request *request, struct http_response *response, struct error *err)
{
	return resource_answer(request, response, &port_resource, 200, request->params[0], err);
}

/* What the checks of an update need to know. */
struct port_now {
	char network_id[37], vif_type[24], vnic_type[24], device_id[256], device_owner[256];
	const char *pairs, *profile, *dhcp_options;
	const char *qos_policy_id; /* or NULL */
	bool bound, port_security;
};

static bool port_writable(struct http_request *request, const char *id, struct port_now *now,
			  struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err, "SELECT " PORT_COLUMNS " FROM port p WHERE p.id = ?1",
			 V(id)))
		return false;
	if (!store_next(&rows) || !port_is_visible(request, &rows))
		return not_found(err, "PortNotFound", id);
	snprintf(now->network_id, sizeof now->network_id, "%s", store_text(&rows, 1));
	snprintf(now->vif_type, sizeof now->vif_type, "%s", store_text(&rows, 14));
	snprintf(now->vnic_type, sizeof now->vnic_type, "%s", store_text(&rows, 11));
	snprintf(now->device_id, sizeof now->device_id, "%s", store_text(&rows, 9));
	snprintf(now->device_owner, sizeof now->device_owner, "%s", store_text(&rows, 10));
	now->port_security = store_int(&rows, 7);
	now->pairs = http_copy(request, store_text(&rows, 16));
	now->profile = http_copy(request, store_text(&rows, 12));
	now->dhcp_options = http_copy(request, store_text(&rows, 29));
	now->qos_policy_id = store_text(&rows, 26) ? http_copy(request, store_text(&rows, 26)) : NULL;
	now->bound = strcmp(now->vif_type, "unbound") != 0 && strcmp(now->vif_type, "binding_failed") != 0;
	return store_end(&rows, err);
}

/* Which server has a port that is plugged in is not the user's to say: it could name somebody else's. */
static bool device_check(struct http_request *request, yyjson_val *body, const struct port_now *now,
			 struct error *err)
{
	return !now->bound || request->auth->admin || request->auth->service ||
	       (strcmp(field_text(body, "device_id", now->device_id), now->device_id) == 0 &&
		strcmp(field_text(body, "device_owner", now->device_owner), now->device_owner) == 0) ||
	       error_set_typed(err, ERROR_CONFLICT, "PortInUse",
			       "Unable to complete operation on port %s. It is in use by device %s.",
			       request->params[0], now->device_id);
}

static bool update_check(struct http_request *request, yyjson_val *body, const struct port_now *now,
			 struct error *err)
{
	const char *vnic_type = field_text(body, "binding:vnic_type", now->vnic_type),
		   *id = request->params[0];

	if (!port_body_check(request, body, now->network_id, err) ||
	    !qos_attach_check(request, body, now->qos_policy_id, err) ||
	    !port_pairs_check(pairs_json(request, body, now->pairs),
			      field_bool(body, "port_security_enabled", now->port_security), err) ||
	    !device_check(request, body, now, err))
		return false;
	if (strcmp(vnic_type, now->vnic_type) != 0 && strcmp(now->vif_type, "unbound") != 0)
		return error_set_typed(
			err, ERROR_CONFLICT, "PortInUse",
			"Unable to complete operation on port %s. The vNIC type of a bound port cannot be "
			"changed.",
			id);
	if (yyjson_obj_get(body, "mac_address") && now->bound)
		return error_set_typed(
			err, ERROR_CONFLICT, "PortBound",
			"Unable to complete operation on port %s, port is already bound, port type: %s.", id,
			now->vif_type);
	return true;
}

/* Another policy, or another vNIC type, which may not have the rules of the one that there is. */
static bool port_policy_update(struct store *db, yyjson_val *body, const char *id, struct error *err)
{
	bool given = yyjson_obj_get(body, "qos_policy_id");

	if (given && !store_exec(db, err, "UPDATE port SET qos_policy_id = ?2 WHERE id = ?1", V(id),
				 V(field_text(body, "qos_policy_id", NULL))))
		return false;
	return (!given && !yyjson_obj_get(body, "binding:vnic_type")) || qos_port_check(db, id, err);
}

static bool options_update(struct http_request *request, yyjson_val *body, const char *id, const char *now,
			   struct error *err)
{
	yyjson_val *list = yyjson_obj_get(body, "extra_dhcp_opts");

	return yyjson_arr_size(list) == 0 ||
	       store_exec(request->db, err, "UPDATE port SET dhcp_options = ?2 WHERE id = ?1", V(id),
			  V(dhcp_options_merge(request, now, list)));
}

static bool has_any(yyjson_val *body, const char *const *names)
{
	while (*names && !yyjson_obj_get(body, *names))
		names++;
	return *names;
}

/* What a VF cannot be, if the body says anything of it: a port that is there stays as it is. */
static bool vf_update_check(struct store *db, yyjson_val *body, const char *id, struct error *err)
{
	static const char *const of_pairs[] = {"allowed_address_pairs", "binding:vnic_type", "mac_address",
					       NULL},
				 *const of_nic[] = {"trusted", "qos_policy_id", "binding:profile",
						    "binding:vnic_type", NULL};

	return (!has_any(body, of_pairs) || port_pairs_of_vf_check(db, id, err)) &&
	       (!has_any(body, of_nic) || capability_check_port(db, id, err));
}

bool port_update(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = network_body(request, "port", err), *fixed = yyjson_obj_get(body, "fixed_ips");
	const char *id = request->params[0], *wanted_mac = field_text(body, "mac_address", NULL);
	struct port_now now;
	char mac[18];

	if (!body || !port_writable(request, id, &now, err) ||
	    !fields_check(request, body, "port", port_fields, ELEMENTS_OF(port_fields), err) ||
	    !update_check(request, body, &now, err) ||
	    (wanted_mac && !mac_take(request->db, wanted_mac, id, now.network_id, mac, err)))
		return false;
#define CHANGED(name) V_OPTIONAL(yyjson_obj_get(body, name) ? (int64_t)field_bool(body, name, false) : -1)
	if (!store_exec(
		    request->db, err,
		    "UPDATE port SET name = coalesce(?2, name), description = coalesce(?3, description), "
		    "admin_state_up = coalesce(?4, admin_state_up), port_security = coalesce(?5, "
		    "port_security), "
		    "device_id = coalesce(?6, device_id), device_owner = coalesce(?7, device_owner), "
		    "vnic_type = coalesce(?8, vnic_type), pairs = coalesce(?9, pairs), "
		    "mac_address = coalesce(?10, mac_address), "
		    "numa_affinity_policy = CASE WHEN ?12 THEN ?13 ELSE numa_affinity_policy END, "
		    "uplink_status = coalesce(?14, uplink_status), revision = revision + 1, updated_at = ?11 "
		    "WHERE id = ?1",
		    V(id), V(field_text(body, "name", NULL)), V(field_text(body, "description", NULL)),
		    CHANGED("admin_state_up"), CHANGED("port_security_enabled"),
		    V(field_text(body, "device_id", NULL)), V(field_text(body, "device_owner", NULL)),
		    V(field_text(body, "binding:vnic_type", NULL)), V(pairs_json(request, body, NULL)),
		    V((const char *)(wanted_mac ? mac : NULL)), V(sys_now()),
		    V(yyjson_obj_get(body, "numa_affinity_policy") != NULL),
		    V(field_text(body, "numa_affinity_policy", NULL)), CHANGED("propagate_uplink_status")))
		return false;
#undef CHANGED
	if (!port_policy_update(request->db, body, id, err) ||
	    !options_update(request, body, id, now.dhcp_options, err) ||
	    !port_groups_set(request->db, id, yyjson_obj_get(body, "security_groups"), err) ||
	    !port_groups_check(request->db, id, err))
		return false;
	if (fixed && (!addresses_release(request->db, id, err) ||
		      !address_take_list(request->db, id, now.network_id, fixed, err)))
		return false;
	yyjson_val *host = yyjson_obj_get(body, "binding:host_id");
	bool profile = yyjson_obj_get(body, "binding:profile") || yyjson_obj_get(body, "trusted");
	if ((host || profile) &&
	    !port_bind_host(request->db, id, host ? field_text(body, "binding:host_id", "") : NULL,
			    profile ? port_profile(request, body, now.profile) : NULL, err))
		return false;
	return vf_update_check(request->db, body, id, err) && port_changed(request->db, id, err) &&
	       resource_answer(request, response, &port_resource, 200, id, err);
}

bool port_remove(struct store *db, const char *port_id, struct error *err)
{
	return addresses_release(db, port_id, err) &&
	       store_exec(db, err, "DELETE FROM port WHERE id = ?1", V(port_id));
}

bool port_delete(struct http_request *request, struct http_response *response, struct error *err)
{
	const char *id = request->params[0];
	struct port_now now;

	if (!port_writable(request, id, &now, err))
		return false;
	if (now.bound && strcmp(now.vnic_type, "normal") != 0)
		return error_set_typed(err, ERROR_CONFLICT, "PortInUse",
				       "Port %s has a device of a server bound to it: detach it first, or "
				       "delete the server.",
				       id);
	response->status = 204;
	return port_remove(request->db, id, err) &&
	       (!now.bound || device_changed(request->db, now.device_id, err));
}
