/* A server's addresses, interfaces and security groups, as the network room knows them. */
#include "compute/server.h"
#include "compute/server_interface.h"

#include <string.h>

bool server_addresses(struct store *db, const char *id, yyjson_mut_doc *doc, yyjson_mut_val *object,
		      bool bare, struct error *err)
{
	size_t i, k, networks, count;
	yyjson_mut_val *name, *list, *address;

	if (!network_addresses_view(db, id, doc, object, err))
		return false;
	if (!bare)
		return true;
	yyjson_mut_obj_foreach (object, i, networks, name, list) {
		yyjson_mut_arr_foreach (list, k, count, address) {
			yyjson_mut_obj_remove_key(address, "OS-EXT-IPS:type");
			yyjson_mut_obj_remove_key(address, "OS-EXT-IPS-MAC:mac_addr");
		}
	}
	return true;
}

static bool addresses(struct http_request *request, struct http_response *response, yyjson_mut_val **object,
		      struct error *err)
{
	struct server server;

	if (!server_load(request->db, request->params[0], request->auth, &server, err))
		return false;
	*object = yyjson_mut_obj(http_json(response));
	return server_addresses(request->db, server.id, response->json, *object, true, err);
}

bool server_ips_index(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_val *object;

	if (!addresses(request, response, &object, err))
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_obj_add_val(response->json, root, "addresses", object);
	return true;
}

bool server_ips_show(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_val *object;

	if (!addresses(request, response, &object, err))
		return false;
	yyjson_mut_val *list = yyjson_mut_obj_get(object, request->params[1]);
	if (!list)
		return error_set(err, ERROR_NOT_FOUND, "Instance is not a member of specified network");
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_obj_add_val(response->json, root, request->params[1], list);
	return true;
}

struct interfaces {
	struct network_port *ports;
	struct server_interface *known;
	size_t count, known_count;
};

static void interfaces_done(struct interfaces *interfaces)
{
	free(interfaces->ports);
	free(interfaces->known);
}

static void interface_view(struct http_request *request, const struct interfaces *interfaces, size_t index,
			   yyjson_mut_doc *doc, yyjson_mut_val *object)
{
	const struct network_port *port = &interfaces->ports[index];
	const struct server_interface *known =
		server_interface_find(interfaces->known, interfaces->known_count, port->id);

	compute_add_text(doc, object, "net_id", port->network_id);
	compute_add_text(doc, object, "port_id", port->id);
	compute_add_text(doc, object, "mac_addr", port->mac_address);
	compute_add_text(doc, object, "port_state", port->status);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, object, "fixed_ips");
	for (int i = 0; i < port->address_count; i++) {
		yyjson_mut_val *address = yyjson_mut_arr_add_obj(doc, list);

		compute_add_text(doc, address, "subnet_id", port->addresses[i].subnet_id);
		compute_add_text(doc, address, "ip_address", port->addresses[i].ip_address);
	}
	if (request->microversion >= 2070)
		compute_add_text(doc, object, "tag", known && *known->tag ? known->tag : NULL);
}

static bool interfaces_read(struct store *db, const char *server_id, struct interfaces *interfaces,
			    struct error *err)
{
	return network_ports_of_server(db, server_id, &interfaces->ports, &interfaces->count, err) &&
	       server_interfaces_load(db, server_id, &interfaces->known, &interfaces->known_count, err);
}

bool server_interfaces_index(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(interfaces_done) struct interfaces interfaces = {0};
	struct server server;

	if (!server_load(request->db, request->params[0], request->auth, &server, err) ||
	    !interfaces_read(request->db, server.id, &interfaces, err))
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "interfaceAttachments");
	for (size_t i = 0; i < interfaces.count; i++)
		interface_view(request, &interfaces, i, response->json,
			       yyjson_mut_arr_add_obj(response->json, list));
	return true;
}

bool server_interface_answer(struct http_request *request, struct http_response *response,
			     const char *server_id, const char *port_id, struct error *err)
{
	_cleanup_(interfaces_done) struct interfaces interfaces = {0};
	size_t i = 0;

	if (!interfaces_read(request->db, server_id, &interfaces, err))
		return false;
	while (i < interfaces.count && strcmp(interfaces.ports[i].id, port_id) != 0)
		i++;
	if (i == interfaces.count)
		return error_set(err, ERROR_NOT_FOUND, "Instance %s does not have a port with id %s",
				 server_id, port_id);
	yyjson_mut_val *root = http_json_object(response, 200);
	interface_view(request, &interfaces, i, response->json,
		       yyjson_mut_obj_add_obj(response->json, root, "interfaceAttachment"));
	return true;
}

bool server_interfaces_show(struct http_request *request, struct http_response *response, struct error *err)
{
	struct server server;

	return server_load(request->db, request->params[0], request->auth, &server, err) &&
	       server_interface_answer(request, response, server.id, request->params[1], err);
}

/* Servers belong to no security group that the network service would know of. */
bool server_security_groups(struct http_request *request, struct http_response *response, struct error *err)
{
	struct server server;

	if (!server_load(request->db, request->params[0], request->auth, &server, err))
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_obj_add_arr(response->json, root, "security_groups");
	return true;
}
