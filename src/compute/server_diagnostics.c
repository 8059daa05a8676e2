/* GET /servers/{id}/diagnostics.  Hosts do not measure their guests: what Nova would have measured is null.
 */
#include "compute/server.h"

static void add_nulls(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *const *keys)
{
	for (; *keys; keys++)
		yyjson_mut_obj_add_null(doc, object, *keys);
}

static void add_nics(yyjson_mut_doc *doc, yyjson_mut_val *root, const struct network_port *ports,
		     size_t count)
{
	static const char *const measured[] = {"rx_octets",  "rx_errors", "rx_drop",   "rx_packets",
					       "rx_rate",    "tx_octets", "tx_errors", "tx_drop",
					       "tx_packets", "tx_rate",	  NULL};
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "nic_details");

	for (size_t i = 0; i < count; i++) {
		yyjson_mut_val *nic = yyjson_mut_arr_add_obj(doc, list);

		compute_add_text(doc, nic, "mac_address", ports[i].mac_address);
		add_nulls(doc, nic, measured);
	}
}

static void add_cpus(yyjson_mut_doc *doc, yyjson_mut_val *root, int64_t count)
{
	static const char *const measured[] = {"time", "utilisation", NULL};
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "cpu_details");

	for (int64_t i = 0; i < count; i++) {
		yyjson_mut_val *cpu = yyjson_mut_arr_add_obj(doc, list);

		yyjson_mut_obj_add_int(doc, cpu, "id", i);
		add_nulls(doc, cpu, measured);
	}
}

/* Since 2.48: the same members whatever the hypervisor. */
static void add_standard(yyjson_mut_doc *doc, yyjson_mut_val *root, const struct server *server,
			 const struct network_port *ports, size_t count)
{
	static const char *const measured[] = {"read_bytes",	 "read_requests", "write_bytes",
					       "write_requests", "errors_count",  NULL};

	yyjson_mut_obj_add_str(doc, root, "state", "running");
	yyjson_mut_obj_add_str(doc, root, "driver", "libvirt");
	yyjson_mut_obj_add_str(doc, root, "hypervisor", "qemu");
	yyjson_mut_obj_add_str(doc, root, "hypervisor_os", "linux");
	yyjson_mut_obj_add_null(doc, root, "uptime");
	yyjson_mut_obj_add_bool(doc, root, "config_drive", true);
	yyjson_mut_obj_add_int(doc, root, "num_cpus", server->vcpus);
	yyjson_mut_obj_add_uint(doc, root, "num_nics", count);
	yyjson_mut_obj_add_int(doc, root, "num_disks", 1);
	add_nulls(doc, yyjson_mut_arr_add_obj(doc, yyjson_mut_obj_add_arr(doc, root, "disk_details")),
		  measured);
	add_cpus(doc, root, server->vcpus);
	add_nics(doc, root, ports, count);
	yyjson_mut_val *memory = yyjson_mut_obj_add_obj(doc, root, "memory_details");
	yyjson_mut_obj_add_int(doc, memory, "maximum", server->memory_mb);
	yyjson_mut_obj_add_null(doc, memory, "used");
}

bool server_diagnostics(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_free_ struct network_port *ports = NULL;
	struct server server;
	size_t count = 0;

	if (!server_load(request->db, request->params[0], request->auth, &server, err) ||
	    !network_ports_of_server(request->db, server.id, &ports, &count, err))
		return false;
	if (server_state_info(server.life.state)->power != POWER_RUNNING)
		return error_set(err, ERROR_CONFLICT,
				 "Cannot 'get_diagnostics' instance %s while it is in vm_state %s", server.id,
				 server_state_info(server.life.state)->vm_state);
	yyjson_mut_val *root = http_json_object(response, 200);
	if (request->microversion >= 2048)
		add_standard(response->json, root, &server, ports, count);
	else
		yyjson_mut_obj_add_int(response->json, root, "memory", server.memory_mb * 1024);
	return true;
}
