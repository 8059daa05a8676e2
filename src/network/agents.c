/* /v2.0/agents: the NIC-agent role of each host's agent. */
#include "base/memory.h"
#include "base/timestamp.h"
#include "network/internal.h"
#include "sys/sys.h"

#include <stdlib.h>
#include <string.h>

#define AGENT_COLUMNS \
	"id, host, mappings, devices, admin_state_up, created_at, heard_at, resources, started_at"

/* What the host said of its PFs: bandwidths, and (which Neutron has not) drivers and what they lack; one that
 * says nothing has none. */
static void add_resources(yyjson_mut_doc *doc, yyjson_mut_val *settings, const char *json)
{
	static const char *const names[] = {"resource_provider_bandwidths", "resource_provider_hypervisors",
					    "resource_provider_inventory_defaults", "capabilities"};
	yyjson_doc *resources = yyjson_read(json, strlen(json), 0);

	for (size_t i = 0; i < ELEMENTS_OF(names); i++) {
		yyjson_val *said = yyjson_obj_get(yyjson_doc_get_root(resources), names[i]);

		if (yyjson_is_obj(said))
			yyjson_mut_obj_add_val(doc, settings, names[i], yyjson_val_mut_copy(doc, said));
		else
			yyjson_mut_obj_add_obj(doc, settings, names[i]);
	}
	yyjson_doc_free(resources);
}

static yyjson_mut_val *agent_view(yyjson_mut_doc *doc, struct store_rows *rows)
{
	yyjson_mut_val *view = yyjson_mut_obj(doc), *settings;
	char time[32];

	add_text(doc, view, "id", store_text(rows, 0));
	yyjson_mut_obj_add_str(doc, view, "agent_type", "NIC Switch agent");
	yyjson_mut_obj_add_str(doc, view, "binary", "neutron-sriov-nic-agent");
	yyjson_mut_obj_add_str(doc, view, "topic", "N/A");
	add_text(doc, view, "host", store_text(rows, 1));
	yyjson_mut_obj_add_bool(doc, view, "admin_state_up", store_int(rows, 4));
	yyjson_mut_obj_add_bool(doc, view, "alive",
				llabs(sys_now() - store_int(rows, 6)) < network_settings.agent_down);
	add_text(doc, view, "created_at", time_format(store_int(rows, 5), TIME_SPACED, time));
	add_text(doc, view, "started_at", time_format(store_int(rows, 8), TIME_SPACED, time));
	add_text(doc, view, "heartbeat_timestamp", time_format(store_int(rows, 6), TIME_SPACED, time));
	yyjson_mut_obj_add_null(doc, view, "description");
	yyjson_mut_obj_add_null(doc, view, "availability_zone");
	yyjson_mut_obj_add_null(doc, view, "resources_synced");
	settings = yyjson_mut_obj_add_obj(doc, view, "configurations");
	add_json(doc, settings, "device_mappings", store_text(rows, 2));
	yyjson_mut_obj_add_int(doc, settings, "devices", store_int(rows, 3));
	yyjson_mut_arr_add_str(doc, yyjson_mut_obj_add_arr(doc, settings, "extensions"), "qos");
	add_resources(doc, settings, store_text(rows, 7));
	return view;
}

static bool admin_only(struct http_request *request, const char *rule, struct error *err)
{
	return request->auth->admin || error_set_typed(err, ERROR_FORBIDDEN, "PolicyNotAuthorized",
						       "rule:%s is disallowed by policy", rule);
}

bool agent_list(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "agents");

	if (!request->auth->admin)
		return true; /* others see none */
	if (!store_query(request->db, &rows, err, "SELECT " AGENT_COLUMNS " FROM agent ORDER BY host"))
		return false;
	while (store_next(&rows))
		yyjson_mut_arr_append(list, agent_view(response->json, &rows));
	return store_end(&rows, err) && list_finish(request, response, list, "agents", err);
}

bool agent_show(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err, "SELECT " AGENT_COLUMNS " FROM agent WHERE id = ?1",
			 V(request->params[0])))
		return false;
	if (!store_next(&rows) || !request->auth->admin)
		return not_found(err, "AgentNotFound", request->params[0]);
	yyjson_mut_val *root = http_json_object(response, 200), *view = agent_view(response->json, &rows);
	view_finish(request, view);
	yyjson_mut_obj_add_val(response->json, root, "agent", view);
	return store_end(&rows, err);
}

bool agent_update(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = network_body(request, "agent", err), *up = yyjson_obj_get(body, "admin_state_up");

	if (!body || !admin_only(request, "update_agent", err))
		return false;
	if (up && !yyjson_is_bool(up))
		return error_set_typed(err, ERROR_BAD_REQUEST, "HTTPBadRequest",
				       "Invalid input for admin_state_up. Reason: it is not a boolean.");
	return store_exec(request->db, err,
			  "UPDATE agent SET admin_state_up = coalesce(?2, admin_state_up) WHERE id = ?1",
			  V(request->params[0]), V_OPTIONAL(up ? (int64_t)yyjson_get_bool(up) : -1)) &&
	       agent_show(request, response, err);
}

bool agent_delete(struct http_request *request, struct http_response *response, struct error *err)
{
	if (!admin_only(request, "delete_agent", err) ||
	    !store_exec(request->db, err, "DELETE FROM agent WHERE id = ?1", V(request->params[0])))
		return false;
	response->status = 204;
	return store_changes(request->db) > 0 || not_found(err, "AgentNotFound", request->params[0]);
}

bool network_agent_report(struct store *db, const char *host, const char *mappings_json, int64_t device_count,
			  const char *resources_json, struct error *err)
{
	char id[SYS_UUID_SIZE];

	return store_exec(
		db, err,
		"INSERT INTO agent (id, host, mappings, devices, admin_state_up, created_at, heard_at, "
		"resources, started_at) VALUES (?1, ?2, ?3, ?4, 1, ?5, ?5, ?6, ?5) ON CONFLICT (host) DO "
		"UPDATE "
		"SET mappings = excluded.mappings, devices = excluded.devices, heard_at = excluded.heard_at, "
		/* another life of the agent says another number */
		"started_at = CASE WHEN json_extract(agent.resources, '$.started') IS "
		"json_extract(excluded.resources, '$.started') THEN agent.started_at ELSE excluded.heard_at "
		"END, "
		"resources = excluded.resources",
		V(sys_uuid(id)), V(host), V(mappings_json), V(device_count), V(sys_now()),
		V(resources_json ? resources_json : "{}"));
}
