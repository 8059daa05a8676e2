/* Binding a port to a host through the API: by binding:host_id, and by /v2.0/ports/{id}/bindings, where a
 * port has inactive bindings for the hosts that it may go to (extension binding-extended).  The active one is
 * in the port's row. */
#include "base/memory.h"
#include "network/internal.h"
#include "sys/sys.h"

#include <string.h>

/* --- what a binding comes to --- */

struct outcome {
	const char *vif_type, *status;
	char details[200], segment_id[37]; /* "{}" and "" if it failed */
};

static bool agent_is_alive(struct store *db, const char *host, const char *physical_network, bool *alive,
			   struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	*alive = false;
	if (!store_query(db, &rows, err,
			 "SELECT mappings FROM agent WHERE host = ?1 AND heard_at > ?2 AND heard_at < ?3",
			 V(host), V(sys_now() - network_settings.agent_down),
			 V(sys_now() + network_settings.agent_down)))
		return false;
	if (store_next(&rows)) {
		const char *mappings = store_text(&rows, 0);
		yyjson_doc *doc = yyjson_read(mappings, strlen(mappings), 0);

		*alive = yyjson_obj_get(yyjson_doc_get_root(doc), physical_network) != NULL;
		yyjson_doc_free(doc);
	}
	return store_end(&rows, err);
}

/* Whether the port can be bound on its segment to this host, as ML2 would (MD-3, MD-6, MD-7, PV-2). */
static bool can_bind(struct store *db, const struct network_port *port, const char *host, const char *profile,
		     bool *can, struct error *err)
{
	if (strcmp(port->vnic_type, "normal") == 0)
		return *can = true;
	yyjson_doc *doc = yyjson_read(profile, strlen(profile), 0);

	*can = !binding_refusal(port, field_text(yyjson_doc_get_root(doc), "pci_vendor_info", NULL), profile);
	yyjson_doc_free(doc);
	return !*can || strcmp(port->vnic_type, "direct-physical") == 0 ||
	       agent_is_alive(db, host, port->physical_network, can, err);
}

static void segment_use(struct network_port *port, struct store_rows *rows)
{
	snprintf(port->segment_id, sizeof port->segment_id, "%s", store_text(rows, 0));
	snprintf(port->network_type, sizeof port->network_type, "%s", store_text(rows, 1));
	snprintf(port->physical_network, sizeof port->physical_network, "%s", store_text(rows, 2));
	port->segmentation_id = store_int(rows, 3);
}

/* Tries the segments in their order (MD-5): the first that can be bound. */
static bool binding_try(struct store *db, const struct network_port *wanted, const char *host,
			const char *profile, struct outcome *outcome, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	struct network_port port = *wanted;
	bool can = false;

	*outcome = (struct outcome){"binding_failed", "DOWN", "{}", ""};
	if (!store_query(db, &rows, err,
			 "SELECT c.id, c.type, ifnull(c.physical_network, ''), ifnull(c.segmentation_id, -1) "
			 "FROM port p JOIN segment c ON " SEGMENT_FITS "WHERE p.id = ?1 ORDER BY c.position",
			 V((const char *)port.id)))
		return false;
	while (!can && store_next(&rows)) {
		segment_use(&port, &rows);
		if (!can_bind(db, &port, host, profile, &can, err))
			return false;
	}
	if (!store_end(&rows, err))
		return false;
	if (!can)
		return true;
	outcome->vif_type = binding_vif(&port, outcome->details);
	snprintf(outcome->segment_id, sizeof outcome->segment_id, "%s", port.segment_id);
	/* Nobody will report a whole PF: there is no NIC agent on it any more (MD-9). */
	if (strcmp(port.vnic_type, "direct-physical") == 0)
		outcome->status = "ACTIVE";
	return true;
}

bool port_bind_host(struct store *db, const char *port_id, const char *host, const char *profile,
		    struct error *err)
{
	_cleanup_free_ char *old = NULL;
	struct network_port port;
	struct outcome outcome = {"unbound", "DOWN", "{}", ""};

	if (!network_port_load(db, port_id, &port, err) || !binding_profile(db, port_id, &old, err))
		return false;
	host = host ? host : port.host_id;
	if (*host && !binding_try(db, &port, host, profile ? profile : old, &outcome, err))
		return false;
	return store_exec(db, err,
			  "UPDATE port SET host_id = ?2, vif_type = ?3, vif_details = ?4, profile = "
			  "coalesce(?5, profile), status = ?6, segment_id = ?7 WHERE id = ?1",
			  V(port_id), V(host), V(outcome.vif_type), V((const char *)outcome.details),
			  V(profile), V(outcome.status),
			  V((const char *)(*outcome.segment_id ? outcome.segment_id : NULL))) &&
	       store_exec(db, err, "DELETE FROM port_binding WHERE port_id = ?1 AND host = ?2", V(port_id),
			  V(host));
}

/* --- who may, and for which ports --- */

#define ROLE_ERROR(verb) \
	error_set_typed(err, ERROR_FORBIDDEN, "PolicyNotAuthorized", \
			"rule:%s_port_binding is disallowed by policy", verb)

static const char *verb_of(const struct http_request *request)
{
	return request->method == HTTP_GET    ? "get"
	       : request->method == HTTP_POST ? "create"
	       : request->method == HTTP_PUT  ? "update"
					      : "delete";
}

/* Loads the port; bindings are the administrator's and other services', for ports of servers (MB-1). */
static bool binding_port(struct http_request *request, struct network_port *port, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	const char *id = request->params[0];
	bool of_server;

	if (!request->auth->admin && !request->auth->service)
		return ROLE_ERROR(verb_of(request));
	if (!network_port_load(request->db, id, port, err) ||
	    !store_query(request->db, &rows, err, "SELECT device_owner FROM port WHERE id = ?1", V(id)) ||
	    !store_next(&rows))
		return false;
	of_server = text_starts_with(store_text(&rows, 0), "compute:");
	return store_end(&rows, err) &&
	       (of_server || error_set_typed(err, ERROR_BAD_REQUEST, "BadRequest",
					     "Bad port request: Invalid port %s. Operation only valid on "
					     "compute ports.",
					     id));
}

static bool binding_missing(struct error *err, const struct network_port *port, const char *host)
{
	return error_set_typed(err, ERROR_NOT_FOUND, "PortBindingNotFound",
			       "Binding for port %s for host %.100s could not be found.", port->id, host);
}

/* --- views --- */

/* The active binding and the others, in one shape. */
#define BINDINGS \
	"SELECT host_id, vif_type, vif_details, vnic_type, profile, 'ACTIVE' FROM port " \
	"WHERE id = ?1 AND host_id <> '' AND (?2 IS NULL OR host_id = ?2) UNION ALL " \
	"SELECT host, vif_type, vif_details, vnic_type, profile, 'INACTIVE' FROM port_binding " \
	"WHERE port_id = ?1 AND (?2 IS NULL OR host = ?2)"

static yyjson_mut_val *binding_view(yyjson_mut_doc *doc, struct store_rows *rows)
{
	yyjson_mut_val *view = yyjson_mut_obj(doc);

	add_text(doc, view, "host", store_text(rows, 0));
	add_text(doc, view, "vif_type", store_text(rows, 1));
	add_json(doc, view, "vif_details", store_text(rows, 2));
	add_text(doc, view, "vnic_type", store_text(rows, 3));
	add_json(doc, view, "profile", store_text(rows, 4));
	add_text(doc, view, "status", store_text(rows, 5));
	return view;
}

static bool binding_answer(struct http_request *request, struct http_response *response, int status,
			   const struct network_port *port, const char *host, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err, BINDINGS, V((const char *)port->id), V(host)))
		return false;
	if (!store_next(&rows))
		return binding_missing(err, port, host);
	yyjson_mut_val *root = http_json_object(response, status),
		       *view = binding_view(response->json, &rows);
	view_finish(request, view);
	yyjson_mut_obj_add_val(response->json, root, "binding", view);
	return store_end(&rows, err);
}

bool binding_list(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	struct network_port port;

	if (!binding_port(request, &port, err) ||
	    !store_query(request->db, &rows, err, BINDINGS, V((const char *)port.id), V_NULL))
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "bindings");
	while (store_next(&rows))
		yyjson_mut_arr_append(list, binding_view(response->json, &rows));
	return store_end(&rows, err) && list_finish(request, response, list, "bindings", err);
}

bool binding_show(struct http_request *request, struct http_response *response, struct error *err)
{
	struct network_port port;

	return binding_port(request, &port, err) &&
	       binding_answer(request, response, 200, &port, request->params[1], err);
}

/* --- changes --- */

static bool binding_body(struct http_request *request, yyjson_val **body, struct error *err)
{
	static const struct field fields[] = {
		{"vif_type"},
		{"vif_details"},
		{"status"},
		{"host", FIELD_TEXT, .post = true},
		{"vnic_type", FIELD_TEXT, .post = true, .put = true},
		{"profile", FIELD_OBJECT, .nullable = true, .post = true, .put = true},
		{"project_id", FIELD_TEXT, .post = true},
		{"tenant_id", FIELD_TEXT, .post = true},
	};

	*body = network_body(request, "binding", err);
	return *body && fields_check(request, *body, "port_binding", fields, ELEMENTS_OF(fields), err) &&
	       port_binding_check(request, field_text(*body, "vnic_type", NULL),
				  yyjson_obj_get(*body, "profile"), err);
}

static bool could_not(struct error *err, const struct network_port *port, const char *host)
{
	return error_set_typed(err, ERROR_CONFLICT, "PortBindingError",
			       "Binding for port %s on host %.100s could not be created or updated.",
			       port->id, host);
}

/* Writes an inactive binding; one that cannot be bound is refused (MB-2). */
static bool binding_write(struct store *db, const struct network_port *port, const char *host,
			  const char *profile, struct error *err)
{
	struct outcome outcome;

	if (!binding_try(db, port, host, profile, &outcome, err))
		return false;
	if (!*outcome.segment_id)
		return could_not(err, port, host);
	return store_exec(
		db, err,
		"INSERT INTO port_binding (port_id, host, vnic_type, profile, vif_type, vif_details, "
		"segment_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (port_id, host) DO UPDATE SET "
		"vnic_type = excluded.vnic_type, profile = excluded.profile, vif_type = excluded.vif_type, "
		"vif_details = excluded.vif_details, segment_id = excluded.segment_id",
		V((const char *)port->id), V(host), V((const char *)port->vnic_type), V(profile),
		V(outcome.vif_type), V((const char *)outcome.details), V((const char *)outcome.segment_id));
}

/* What there is of the binding; *status is NULL if there is none. */
static bool binding_find(struct http_request *request, const struct network_port *port, const char *host,
			 const char **status, const char **vnic_type, const char **profile, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	*status = NULL;
	if (!store_query(request->db, &rows, err, BINDINGS, V((const char *)port->id), V(host)))
		return false;
	if (store_next(&rows)) {
		*vnic_type = http_copy(request, store_text(&rows, 3));
		*profile = http_copy(request, store_text(&rows, 4));
		*status = http_copy(request, store_text(&rows, 5));
	}
	return store_end(&rows, err);
}

static bool binding_set(struct http_request *request, struct network_port *port, const char *host,
			bool active, const char *vnic_type, const char *profile, struct error *err)
{
	snprintf(port->vnic_type, sizeof port->vnic_type, "%s", vnic_type);
	if (!active)
		return binding_write(request->db, port, host, profile, err);
	return store_exec(request->db, err, "UPDATE port SET vnic_type = ?2 WHERE id = ?1",
			  V((const char *)port->id), V(vnic_type)) &&
	       port_bind_host(request->db, port->id, host, profile, err);
}

static const char *profile_of(struct http_request *request, yyjson_val *body, const char *now)
{
	yyjson_val *profile = yyjson_obj_get(body, "profile");

	return yyjson_is_null(profile) ? "{}" : field_json(request, profile, now);
}

/* The first is active, the others are not (MB-2). */
bool binding_create(struct http_request *request, struct http_response *response, struct error *err)
{
	struct network_port port;
	yyjson_val *body;
	const char *host, *status, *vnic_type, *profile;

	if (!binding_port(request, &port, err) || !binding_body(request, &body, err))
		return false;
	host = field_text(body, "host", "");
	if (!*host)
		return error_set_typed(err, ERROR_BAD_REQUEST, "HTTPBadRequest",
				       "Failed to parse request. Required attribute 'host' not specified");
	if (!binding_find(request, &port, host, &status, &vnic_type, &profile, err))
		return false;
	if (status)
		return error_set_typed(err, ERROR_CONFLICT, "PortBindingAlreadyExists",
				       "Binding for port %s on host %s already exists.", port.id, host);
	return binding_set(request, &port, host, !*port.host_id,
			   field_text(body, "vnic_type", http_copy(request, port.vnic_type)),
			   profile_of(request, body, "{}"), err) &&
	       binding_answer(request, response, 201, &port, host, err);
}

bool binding_update(struct http_request *request, struct http_response *response, struct error *err)
{
	const char *host = request->params[1], *status, *vnic_type, *profile;
	struct network_port port;
	yyjson_val *body;

	if (!binding_port(request, &port, err) || !binding_body(request, &body, err) ||
	    !binding_find(request, &port, host, &status, &vnic_type, &profile, err))
		return false;
	if (!status)
		return binding_missing(err, &port, host);
	bool active = strcmp(status, "ACTIVE") == 0;
	return binding_set(request, &port, host, active, field_text(body, "vnic_type", vnic_type),
			   profile_of(request, body, profile), err) &&
	       (!active || port_changed(request->db, port.id, err)) &&
	       binding_answer(request, response, 200, &port, host, err);
}

bool binding_delete(struct http_request *request, struct http_response *response, struct error *err)
{
	const char *host = request->params[1], *status, *vnic_type, *profile;
	struct network_port port;

	if (!binding_port(request, &port, err) ||
	    !binding_find(request, &port, host, &status, &vnic_type, &profile, err))
		return false;
	if (!status)
		return binding_missing(err, &port, host);
	if (strcmp(status, "ACTIVE") == 0)
		return error_set_typed(err, ERROR_CONFLICT, "PortInUse",
				       "Binding for port %s on host %s is the active one: it goes with the "
				       "server, or with binding:host_id.",
				       port.id, host);
	response->status = 204;
	return store_exec(request->db, err, "DELETE FROM port_binding WHERE port_id = ?1 AND host = ?2",
			  V((const char *)port.id), V(host));
}

/* The two change places in one transaction, so that exactly one is active (MB-3). */
static bool binding_swap(struct store *db, const struct network_port *port, const char *host,
			 struct error *err)
{
	return store_exec(db, err,
			  "INSERT INTO port_binding (port_id, host, vnic_type, profile, vif_type, "
			  "vif_details, segment_id) SELECT id, host_id, vnic_type, profile, vif_type, "
			  "vif_details, segment_id FROM port WHERE id = ?1 AND host_id <> ''",
			  V((const char *)port->id)) &&
	       store_exec(
		       db, err,
		       "UPDATE port SET (host_id, vnic_type, profile, vif_type, vif_details, segment_id) = "
		       "(SELECT b.host, b.vnic_type, b.profile, b.vif_type, b.vif_details, b.segment_id "
		       "FROM port_binding b WHERE b.port_id = port.id AND b.host = ?2), status = 'DOWN', "
		       "revision = revision + 1, updated_at = ?3 WHERE id = ?1",
		       V((const char *)port->id), V(host), V(sys_now())) &&
	       store_exec(db, err, "DELETE FROM port_binding WHERE port_id = ?1 AND host = ?2",
			  V((const char *)port->id), V(host));
}

bool binding_activate(struct http_request *request, struct http_response *response, struct error *err)
{
	const char *host = request->params[1], *status, *vnic_type, *profile;
	struct network_port port;

	if (!binding_port(request, &port, err) ||
	    !binding_find(request, &port, host, &status, &vnic_type, &profile, err))
		return false;
	if (!status)
		return binding_missing(err, &port, host);
	if (strcmp(status, "ACTIVE") == 0)
		return error_set_typed(err, ERROR_CONFLICT, "PortBindingAlreadyActive",
				       "Binding for port %s on host %s is already active.", port.id, host);
	return binding_swap(request->db, &port, host, err) && port_changed(request->db, port.id, err) &&
	       binding_answer(request, response, 200, &port, host, err);
}
