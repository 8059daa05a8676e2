/* GET /agent/v1/desired: what a host shall run, as a long poll. */
#include "compute/agent.h"
#include "compute/console.h"
#include "compute/leftover.h"
#include "compute/live.h"
#include "compute/move.h"
#include "compute/server.h"
#include "compute/server_interface.h"

#include <string.h>

#define WAIT_MAX 60 /* seconds */

/* --- one server --- */

static void add_device(yyjson_mut_doc *doc, yyjson_mut_val *object, const struct scheduler_device *device)
{
	compute_add_text(doc, object, "address", device->address);
	compute_add_text(doc, object, "type", device->type);
	compute_add_text(doc, object, "parent", device->parent[0] ? device->parent : NULL);
}

static bool add_ports(struct store *db, const char *server_id, const struct scheduler_device *devices,
		      size_t device_count, yyjson_mut_doc *doc, yyjson_mut_val *object, struct error *err)
{
	_cleanup_free_ struct network_port *ports = NULL;
	_cleanup_free_ struct server_interface *known = NULL;
	size_t known_count;
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, object, "ports");
	size_t count = 0;

	if (!network_ports_of_server(db, server_id, &ports, &count, err) ||
	    !server_interfaces_load(db, server_id, &known, &known_count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		yyjson_mut_val *port = yyjson_mut_arr_add_obj(doc, list);
		const struct scheduler_device *device = NULL;

		if (!network_port_desired(db, ports[i].id, doc, port, err))
			return false;
		for (size_t k = 0; k < device_count && !device; k++)
			device = strcmp(devices[k].port_id, ports[i].id) == 0 ? &devices[k] : NULL;
		yyjson_mut_obj_add_int(doc, port, "index", ports[i].index);
		if (server_interface_goes(server_interface_find(known, known_count, ports[i].id)))
			yyjson_mut_obj_add_str(doc, port, "want", "absent");
		if (device)
			add_device(doc, yyjson_mut_obj_add_obj(doc, port, "device"), device);
		else
			yyjson_mut_obj_add_null(doc, port, "device");
	}
	return true;
}

static void add_alias_devices(const struct scheduler_device *devices, size_t count, yyjson_mut_doc *doc,
			      yyjson_mut_val *object)
{
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, object, "devices");

	for (size_t i = 0; i < count; i++) {
		if (devices[i].port_id[0])
			continue;
		yyjson_mut_val *device = yyjson_mut_arr_add_obj(doc, list);
		add_device(doc, device, &devices[i]);
		compute_add_text(doc, device, "alias", devices[i].alias);
		if (devices[i].numa_node < 0)
			yyjson_mut_obj_add_null(doc, device, "numa_node");
		else
			yyjson_mut_obj_add_int(doc, device, "numa_node", devices[i].numa_node);
	}
}

static void add_config_drive(struct store_rows *rows, yyjson_mut_doc *doc, yyjson_mut_val *object)
{
	yyjson_mut_val *drive = yyjson_mut_obj_add_obj(doc, object, "config_drive");
	const char *key_name = store_text(rows, COLUMN_KEY_NAME);

	compute_add_raw(doc, drive, "meta", store_text(rows, COLUMN_METADATA), "{}");
	compute_add_text(doc, drive, "user_data", store_text(rows, COLUMN_USER_DATA));
	yyjson_mut_val *keys = yyjson_mut_obj_add_arr(doc, drive, "keys");
	if (key_name) {
		yyjson_mut_val *key = yyjson_mut_arr_add_obj(doc, keys);

		compute_add_text(doc, key, "name", key_name);
		yyjson_mut_obj_add_str(doc, key, "type", "ssh");
		compute_add_text(doc, key, "data", store_text(rows, COLUMN_KEY_DATA));
	}
	compute_add_text(doc, drive, "admin_pass", store_text(rows, COLUMN_ADMIN_PASS));
	yyjson_mut_obj_add_int(doc, drive, "launch_index", store_int(rows, COLUMN_LAUNCH_INDEX));
}

static void add_nature(struct store_rows *rows, yyjson_mut_doc *doc, yyjson_mut_val *object)
{
	char instance_name[32];

	snprintf(instance_name, sizeof instance_name, "instance-%08llx",
		 (unsigned long long)store_int(rows, COLUMN_NUMBER));
	compute_add_text(doc, object, "name", store_text(rows, COLUMN_NAME));
	compute_add_text(doc, object, "hostname", store_text(rows, COLUMN_HOSTNAME));
	compute_add_text(doc, object, "instance_name", instance_name);
	compute_add_text(doc, object, "project_id", store_text(rows, COLUMN_PROJECT));
	compute_add_text(doc, object, "user_id", store_text(rows, COLUMN_USER));
	compute_add_text(doc, object, "availability_zone", store_text(rows, COLUMN_ZONE));
	yyjson_mut_obj_add_int(doc, object, "vcpus", store_int(rows, COLUMN_VCPUS));
	yyjson_mut_obj_add_int(doc, object, "memory_mb", store_int(rows, COLUMN_MEMORY));
	yyjson_mut_obj_add_int(doc, object, "disk_gb", store_int(rows, COLUMN_DISK));
	compute_add_raw(doc, object, "image", store_text(rows, COLUMN_IMAGE), "null");
	compute_add_raw(doc, object, "kernel", store_text(rows, COLUMN_KERNEL), "null");
	compute_add_raw(doc, object, "ramdisk", store_text(rows, COLUMN_RAMDISK), "null");
}

static bool add_numa(struct store *db, const char *id, yyjson_mut_doc *doc, yyjson_mut_val *object,
		     struct error *err)
{
	_cleanup_free_ char *numa = NULL;

	if (!scheduler_numa_of_server(db, id, &numa, err))
		return false;
	compute_add_raw(doc, object, "numa", numa, "null");
	return true;
}

bool agent_desired_server(struct store *db, struct store_rows *rows, const struct agent_guest *guest,
			  yyjson_mut_doc *doc, yyjson_mut_val *object, struct error *err)
{
	_cleanup_free_ struct scheduler_device *devices = NULL;
	const char *id = store_text(rows, COLUMN_ID), *claim_id = guest ? guest->claim_id : id,
		   *want = guest ? guest->want : store_text(rows, COLUMN_WANT);
	size_t count = 0;

	compute_add_text(doc, object, "id", id);
	yyjson_mut_obj_add_int(doc, object, "generation",
			       guest ? guest->generation : store_int(rows, COLUMN_GENERATION));
	compute_add_text(doc, object, "want", want);
	if (!guest && server_want_parse(want) == WANT_ABSENT)
		return true;
	add_nature(rows, doc, object);
	if (!add_numa(db, claim_id, doc, object, err))
		return false;
	if (!scheduler_devices_of_server(db, claim_id, &devices, &count, err) ||
	    !add_ports(db, id, devices, count, doc, object, err))
		return false;
	add_alias_devices(devices, count, doc, object);
	add_config_drive(rows, doc, object);
	yyjson_mut_obj_add_int(doc, object, "disk_generation", store_int(rows, COLUMN_DISK_GENERATION));
	compute_add_raw(doc, object, "disk", store_text(rows, COLUMN_DISK_ORDER), "null");
	return guest ||
	       live_desired(db, id, server_state_parse(store_text(rows, COLUMN_STATE)), doc, object, err);
}

/* --- the poll --- */

struct poll {
	int64_t since, revision;
	bool full;
	yyjson_mut_val *servers, *consoles;
	size_t count;
};

static bool poll_servers(struct http_request *request, struct poll *poll, yyjson_mut_doc *doc,
			 struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!poll->full && poll->since == poll->revision)
		return true;
	if (!store_query(request->db, &rows, err,
			 "SELECT " SERVER_COLUMNS
			 " FROM server WHERE host_id = ?1 AND (?2 = 0 OR revision > ?2)"
			 " ORDER BY revision, number",
			 V((const char *)agent_of(request)->host_id), V(poll->since)))
		return false;
	for (; store_next(&rows); poll->count++) {
		if (!agent_desired_server(request->db, &rows, NULL, doc,
					  yyjson_mut_arr_add_obj(doc, poll->servers), err))
			return false;
	}
	return store_end(&rows, err) &&
	       move_desired(request->db, agent_of(request)->host_id, poll->since, doc, poll->servers, err) &&
	       leftover_desired(request->db, agent_of(request)->host_id, poll->since, doc, poll->servers,
				err);
}

static bool poll_parse(struct http_request *request, struct poll *poll, int64_t *wait, struct error *err)
{
	const char *since = http_query(request, "since"), *seconds = http_query(request, "wait");

	*wait = 0;
	if (since && !text_to_int64(since, 0, INT64_MAX, &poll->since))
		return error_set(err, ERROR_BAD_REQUEST, "since must be a revision");
	if (seconds && !text_to_int64(seconds, 0, WAIT_MAX, wait))
		return error_set(err, ERROR_BAD_REQUEST, "wait must be 0 to %d seconds", WAIT_MAX);
	return true;
}

bool agent_desired(struct http_request *request, struct http_response *response, struct error *err)
{
	struct agent *agent = agent_of(request);
	struct scheduler_host host;
	struct poll poll = {0};
	int64_t wait, now = sys_monotonic();

	if (!poll_parse(request, &poll, &wait, err) ||
	    !scheduler_host_heard(request->db, agent->host_id, err) ||
	    !scheduler_host_load(request->db, agent->host_id, &host, err))
		return false;
	/* A controller that was set back to an older state cannot tell what changed since. */
	if (poll.since > host.revision)
		return error_set(err, ERROR_GONE, "Revision %lld is not known; ask with since=0.",
				 (long long)poll.since);
	poll.full = poll.since == 0;
	poll.revision = host.revision;
	if (!agent->deadline)
		agent->deadline = now + wait * TIME_SECOND;
	yyjson_mut_doc *doc = http_json(response);
	poll.servers = yyjson_mut_arr(doc);
	poll.consoles = yyjson_mut_arr(doc);
	if (!poll_servers(request, &poll, doc, err))
		return false;
	console_tell(agent->host_id, doc, poll.consoles);
	bool news = poll.full || poll.revision > poll.since || yyjson_mut_arr_size(poll.consoles) > 0;
	if (!news && now < agent->deadline) {
		http_park(request, http_printf(request, "host:%s", agent->host_id), agent->deadline);
		return true;
	}
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_obj_add_int(doc, root, "revision", poll.revision);
	yyjson_mut_obj_add_bool(doc, root, "full", poll.full);
	yyjson_mut_obj_add_val(doc, root, "servers", poll.servers);
	if (yyjson_mut_arr_size(poll.consoles) > 0)
		yyjson_mut_obj_add_val(doc, root, "consoles", poll.consoles);
	return true;
}
