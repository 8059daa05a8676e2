/* Ports and networks of clients, and the names that several change at once. */
#include "checks.h"
#include "fiber.h"
#include "history.h"
#include "servers.h"

#include <stdio.h>
#include <string.h>

/* --- promise 1: addresses --- */

static bool is_used(const struct thing *port)
{
	return port->known == THERE && !port->deleting && *port->address;
}

static void check_address(const struct thing *port)
{
	for (int i = 0; i < all_ports.count; i++) {
		const struct thing *other = all_ports.thing[i];

		if (other != port && is_used(port) && is_used(other) &&
		    strcmp(other->network, port->network) == 0 && strcmp(other->address, port->address) == 0)
			checks_broken(1, "ports %s and %s were both answered to have %s", other->id, port->id,
				      port->address);
	}
}

static void address_take(struct thing *port, yyjson_val *view)
{
	yyjson_val *first = yyjson_arr_get_first(yyjson_obj_get(view, "fixed_ips"));
	const char *address = yyjson_get_str(yyjson_obj_get(first, "ip_address"));
	const char *network = yyjson_get_str(yyjson_obj_get(view, "network_id"));

	snprintf(port->address, sizeof port->address, "%s", address ? address : "");
	snprintf(port->network, sizeof port->network, "%s", network ? network : "");
}

/* --- ports --- */

struct thing *port_make(struct client *client)
{
	struct thing *port = thing_add(&client->ports, &all_ports, "p"),
		     *own = sim_below(3) ? NULL : thing_draw_there(&client->networks);
	char body[300];

	snprintf(body, sizeof body,
		 "{\"port\": {\"name\": \"%s\", \"network_id\": \"%s\", \"binding:vnic_type\": \"%s\"}}",
		 port->name, own ? own->id : servers_site.network, sim_below(4) ? "direct" : "normal");
	struct reply reply = ask("POST", NETWORK "/ports", body);
	if (reply_is_ok(&reply))
		address_take(port, reply_member(&reply, "port"));
	port = thing_made(&client->ports, port, &reply, "port");
	if (port)
		check_address(port);
	return port;
}

void port_attach(struct client *client, struct thing *server)
{
	struct thing *port = port_make(client);
	char body[100];

	if (!port)
		return;
	snprintf(body, sizeof body, "{\"interfaceAttachment\": {\"port_id\": \"%s\"}}", port->id);
	server->calm = false;
	port->server = server;
	struct reply reply = askf("POST", body, COMPUTE "/servers/%s/os-interface", server->id);
	reply_done(&reply);
}

void port_detach(struct client *client, struct thing *server)
{
	for (int i = 0; i < client->ports.count; i++) {
		struct thing *port = client->ports.thing[i];

		if (port->server != server)
			continue;
		server->calm = false;
		server->detached = true;
		struct reply reply =
			askf("DELETE", NULL, COMPUTE "/servers/%s/os-interface/%s", server->id, port->id);
		reply_done(&reply);
		return;
	}
}

void port_delete(struct client *client)
{
	for (int i = 0; i < client->ports.count; i++) {
		struct thing *port = client->ports.thing[i];

		if (port->server || !thing_delete(&client->ports, port))
			continue;
		thing_remove(&client->ports, port);
		return;
	}
}

void port_change(struct client *client)
{
	struct thing *port = thing_draw(&client->ports);

	if (!port)
		return;
	struct reply reply = askf("PUT",
				  sim_below(2) ? "{\"port\": {\"admin_state_up\": false}}"
					       : "{\"port\": {\"admin_state_up\": true}}",
				  NETWORK "/ports/%s", port->id);
	thing_check(port, &reply, "port");
	reply_done(&reply);
}

/* --- networks --- */

static void subnet_make(const struct thing *network)
{
	char body[300];

	snprintf(body, sizeof body,
		 "{\"subnet\": {\"network_id\": \"%s\", \"ip_version\": 4, \"cidr\": \"10.1.0.0/24\", "
		 "\"enable_dhcp\": true}}",
		 network->id);
	struct reply reply = ask("POST", NETWORK "/subnets", body);
	reply_done(&reply);
}

void network_make(struct client *client)
{
	struct thing *network;
	char body[100];

	if (client->networks.count >= 2)
		return;
	network = thing_add(&client->networks, &all_networks, "n");
	snprintf(body, sizeof body, "{\"network\": {\"name\": \"%s\"}}", network->name);
	struct reply reply = ask("POST", NETWORK "/networks", body);
	if (thing_made(&client->networks, network, &reply, "network"))
		subnet_make(network);
}

/* Refused while ports are on it: then it stays. */
void network_delete(struct client *client)
{
	struct thing *network = thing_draw(&client->networks);

	if (!network)
		return;
	network->deleting = true;
	struct reply reply = askf("DELETE", NULL, "%s/%s", client->networks.path, network->id);
	if (reply_is_ok(&reply) || reply_is_missing(&reply))
		thing_remove(&client->networks, network);
	else if (!reply_is_open(&reply))
		network->deleting = false;
	reply_done(&reply);
}

/* --- names --- */

static struct things *kind_draw(void)
{
	return sim_below(2) ? &all_servers : &all_ports;
}

void name_change_any(void)
{
	const struct things *kind = kind_draw();
	struct thing *thing = thing_draw_there(kind);
	char body[100], name[60];

	if (!thing)
		return;
	snprintf(name, sizeof name, "%s-%d", thing->name, ++things_made);
	snprintf(body, sizeof body, "{\"%.*s\": {\"name\": \"%s\"}}", (int)strlen(kind->list) - 1, kind->list,
		 name);
	int operation = history_write(thing->id, name);
	struct reply reply = askf("PUT", body, "%s/%s", kind->path, thing->id);
	history_end(operation,
		    reply_is_ok(&reply)	    ? HISTORY_DONE
		    : reply_is_open(&reply) ? HISTORY_OPEN
					    : HISTORY_FAILED,
		    NULL);
	reply_done(&reply);
}

void name_read_any(void)
{
	const struct things *kind = kind_draw();
	struct thing *thing = thing_draw_there(kind);
	char object[20];

	if (!thing)
		return;
	snprintf(object, sizeof object, "%.*s", (int)strlen(kind->list) - 1, kind->list);
	int operation = history_read(thing->id);
	struct reply reply = askf("GET", NULL, "%s/%s", kind->path, thing->id);
	history_end(operation, reply_is_ok(&reply) ? HISTORY_DONE : HISTORY_FAILED,
		    reply_text(&reply, object, "name"));
	reply_done(&reply);
}
