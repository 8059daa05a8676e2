/* POST and DELETE of /servers/{id}/os-interface: claim, port and row in one transaction, as for a new server;
 * then the host plugs it in, or takes it out. */
#include "compute/flavor.h"
#include "compute/server_interface.h"
#include "compute/server_numa.h"
#include "compute/server_port.h"

#include <string.h>

/* --- the body --- */

static const struct schema uuid_text = {.types = SCHEMA_STRING, .format = SCHEMA_UUID};
static const struct schema address = {.types = SCHEMA_STRING, .format = SCHEMA_IP};
static const struct schema address_object = {
	.types = SCHEMA_OBJECT,
	.fields = (const struct schema_field[]){{"ip_address", &address, .required = true}, {0}}};
static const struct schema address_list = {.types = SCHEMA_ARRAY,
					   .items = &address_object,
					   .shortest = 1,
					   .longest = 1};
static const struct schema tag_text = {.types = SCHEMA_STRING,
				       .shortest = 1,
				       .longest = 60,
				       .format = SCHEMA_TAG};
static const struct schema attachment = {.types = SCHEMA_OBJECT,
					 .fields = (const struct schema_field[]){{"net_id", &uuid_text},
										 {"port_id", &uuid_text},
										 {"fixed_ips", &address_list},
										 {"tag", &tag_text,
										  .since = 2049},
										 {0}}};
static const struct schema attach_body = {
	.types = SCHEMA_OBJECT,
	.fields = (const struct schema_field[]){{"interfaceAttachment", &attachment}, {0}}};

struct wish {
	struct server_nic nic;
	const char *tag; /* or NULL */
};

static bool wish_parse(struct http_request *request, struct wish *wish, struct error *err)
{
	yyjson_val *body = compute_body(request, &attach_body, err);
	yyjson_val *object = yyjson_obj_get(body, "interfaceAttachment");
	yyjson_val *ip = yyjson_arr_get_first(yyjson_obj_get(object, "fixed_ips"));

	if (!body)
		return false;
	wish->nic = (struct server_nic){.port_id = yyjson_get_str(yyjson_obj_get(object, "port_id")),
					.network_id = yyjson_get_str(yyjson_obj_get(object, "net_id")),
					.fixed_ip = yyjson_get_str(yyjson_obj_get(ip, "ip_address"))};
	wish->tag = yyjson_get_str(yyjson_obj_get(object, "tag"));
	if (wish->nic.port_id && wish->nic.network_id)
		return error_set(err, ERROR_BAD_REQUEST, "Must not input both network_id and port_id");
	if (wish->nic.fixed_ip && !wish->nic.network_id)
		return error_set(err, ERROR_BAD_REQUEST, "Must input network_id when request IP address");
	return true;
}

/* --- the server --- */

/* Only what runs or is stopped, and at which nothing is being done (AT-1). */
static bool may_change(const struct server *server, const char *action, struct error *err)
{
	const struct server_state_info *now = server_state_info(server->life.state);
	bool busy = now->task_state != NULL;

	switch (server->life.state) {
	case SERVER_ACTIVE:
	case SERVER_PAUSED:
	case SERVER_STOPPED:
		return true;
	default:
		return error_set(err, ERROR_CONFLICT, "Cannot '%s' instance %s while it is in %s %s", action,
				 server->id, busy ? "task_state" : "vm_state",
				 busy ? now->task_state : now->vm_state);
	}
}

static bool server_find(struct http_request *request, struct server *server, const char *action,
			struct error *err)
{
	return server_load(request->db, request->params[0], request->auth, server, err) &&
	       server_check_unlocked(server, request->auth, err) && may_change(server, action, err);
}

/* The server's zone, and what its flavor and image ask of devices. */
static bool server_nature(struct http_request *request, const struct server *server, const char **zone,
			  struct numa_guest *numa, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	struct flavor flavor = {.vcpus = server->vcpus, .memory_mb = server->memory_mb};
	const char *image = NULL;

	if (!store_query(
		    request->db, &rows, err,
		    "SELECT availability_zone, image, coalesce(json_extract(flavor, '$.extra_specs'), '{}')"
		    " FROM server WHERE id = ?1",
		    V((const char *)server->id)))
		return false;
	if (store_next(&rows)) {
		*zone = http_copy(request, store_text(&rows, 0));
		image = http_copy(request, store_text(&rows, 1));
		flavor.extra_specs = http_copy(request, store_text(&rows, 2));
	}
	return store_end(&rows, err) && image && server_numa_read(&flavor, image, numa, err);
}

/* --- the port --- */

static bool default_network(struct http_request *request, struct wish *wish, struct error *err)
{
	_cleanup_free_ char(*ids)[37] = NULL;
	size_t count = 0;

	if (!network_defaults(request->db, request->auth, &ids, &count, err))
		return false;
	if (count == 0)
		return error_set(err, ERROR_BAD_REQUEST,
				 "No specific network was requested and none are available for project '%s'.",
				 request->auth->project_id);
	if (count > 1)
		return error_set(
			err, ERROR_BAD_REQUEST,
			"More than one possible network found. Specify network ID(s) to select which "
			"one(s) to connect to.");
	wish->nic.network_id = http_copy(request, ids[0]);
	return true;
}

/* On this network, for this server: it goes with it. */
static bool port_make(struct http_request *request, const struct server *server, struct wish *wish,
		      struct network_port *port, struct error *err)
{
	const struct server_nic *nic = &wish->nic;
	struct network_port network;

	if (!nic->network_id && !default_network(request, wish, err))
		return false;
	if (!network_check(request->db, nic->network_id, request->auth, &network, err))
		return err->kind != ERROR_NOT_FOUND
			       ? false
			       : error_set(err, ERROR_NOT_FOUND, "Network %s could not be found.",
					   nic->network_id);
	if (!network_port_create_for_server(request->db, server->project_id, nic->network_id, nic->fixed_ip,
					    server->id, port, err)) {
		bool taken = text_equal(err->type, "IpAddressAlreadyAllocated");

		server_port_refused(nic, err);
		err->kind = taken ? ERROR_CONFLICT : err->kind;
		return false;
	}
	return port->address_count > 0 ||
	       error_set(err, ERROR_BAD_REQUEST,
			 "Network %s requires a subnet in order to attach an interface.", nic->network_id);
}

static bool port_claim(struct http_request *request, const struct server *server,
		       const struct network_port *port, const struct numa_guest *numa,
		       struct scheduler_device *device, struct error *err)
{
	_cleanup_(text_done) struct text why = {0};
	struct scheduler_port_request ask;

	server_port_request(port, &ask);
	if (scheduler_claim_port(request->db, server->id, &ask, numa, device, &why, err))
		return true;
	if (err->kind != ERROR_CONFLICT)
		return false;
	return error_set(err, ERROR_BAD_REQUEST,
			 "Failed to claim PCI device for port %s of instance %s: its host %s.", port->id,
			 server->id, why.data ? why.data : "has none");
}

/* The lowest that no other has, so that it has a place of its own on the guest's bus. */
static bool index_find(struct store *db, const char *server_id, int *index, struct error *err)
{
	_cleanup_free_ struct network_port *ports = NULL;
	size_t count;

	if (!network_ports_of_server(db, server_id, &ports, &count, err))
		return false;
	*index = 0;
	for (size_t i = 0; i < count; i++) {
		if (*ports[i].host_id && ports[i].index == *index) {
			++*index;
			i = (size_t)-1;
		}
	}
	return true;
}

/* --- attach --- */

static bool attach(struct http_request *request, struct server *server, const struct network_port *port,
		   const char *tag, struct error *err)
{
	_cleanup_free_ struct numa_guest *numa = memory_alloc(sizeof *numa);
	struct server_seat seat = {.server_id = server->id, .host_name = server->host_name};
	bool wants_device = server_port_takes_device(port->vnic_type);
	struct scheduler_device device;
	int index;

	return server_nature(request, server, &seat.zone, numa, err) &&
	       (!wants_device || port_claim(request, server, port, numa, &device, err)) &&
	       index_find(request->db, server->id, &index, err) &&
	       server_port_bind(request->db, &seat, port, wants_device ? &device : NULL, index, err) &&
	       server_action_begin(request, server->id, "attach_interface", err) &&
	       store_exec(
		       request->db, err,
		       "INSERT OR REPLACE INTO server_interface (server_id, port_id, tag, change, request_id)"
		       " VALUES (?1, ?2, ?3, 'attaching', ?4)",
		       V((const char *)server->id), V((const char *)port->id), V(tag ? tag : ""),
		       V((const char *)request->request_id)) &&
	       server_touch(request->db, server, err);
}

bool server_interfaces_attach(struct http_request *request, struct http_response *response, struct error *err)
{
	struct network_port port;
	struct server server;
	struct wish wish;

	if (!wish_parse(request, &wish, err) || !server_find(request, &server, "attach_interface", err))
		return false;
	if (!(wish.nic.port_id ? server_port_find(request, wish.nic.port_id, &port, err)
			       : port_make(request, &server, &wish, &port, err)))
		return false;
	return attach(request, &server, &port, wish.tag, err) &&
	       server_interface_answer(request, response, server.id, port.id, err);
}

/* --- detach --- */

static bool is_attached(struct store *db, const char *server_id, const char *port_id, bool *attached,
			struct error *err)
{
	_cleanup_free_ struct network_port *ports = NULL;
	size_t count;

	*attached = false;
	if (!network_ports_of_server(db, server_id, &ports, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		*attached |= strcmp(ports[i].id, port_id) == 0;
	return true;
}

static bool detach(struct http_request *request, struct server *server, const char *port_id,
		   struct error *err)
{
	return server_action_begin(request, server->id, "detach_interface", err) &&
	       store_exec(request->db, err,
			  "INSERT INTO server_interface (server_id, port_id, tag, change, request_id)"
			  " VALUES (?1, ?2, '', 'detaching', ?3)"
			  " ON CONFLICT (server_id, port_id) DO UPDATE SET change = 'detaching', request_id "
			  "= ?3",
			  V((const char *)server->id), V(port_id), V((const char *)request->request_id)) &&
	       server_touch(request->db, server, err);
}

/* Of one that is being attached the first action ends here; of one that goes already nothing more is asked.
 */
bool server_interfaces_detach(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_free_ struct server_interface *list = NULL;
	const char *port_id = request->params[1];
	const struct server_interface *now;
	struct server server;
	bool attached;
	size_t count;

	if (!server_find(request, &server, "detach_interface", err) ||
	    !is_attached(request->db, server.id, port_id, &attached, err))
		return false;
	if (!attached)
		return error_set(err, ERROR_NOT_FOUND, "Port id %s could not be found.", port_id);
	if (!server_interfaces_load(request->db, server.id, &list, &count, err))
		return false;
	now = server_interface_find(list, count, port_id);
	if (now && now->change == INTERFACE_DETACHING)
		return compute_empty(response, 202);
	if (now && *now->request_id &&
	    !server_action_finish(request->db, server.id, now->request_id, false, err))
		return false;
	return detach(request, &server, port_id, err) && compute_empty(response, 202);
}
