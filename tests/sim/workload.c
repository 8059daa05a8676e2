/* What all seeds begin with, the clients' loops, and the end of everything. */
#include "workload.h"

#include "fiber.h"
#include "servers.h"
#include "trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned workload_clients = CLIENTS_MAX;

static struct client clients[CLIENTS_MAX];
static bool ending;
static int busy;

/* --- before all seeds --- */

static void make(const char *path, const char *object, const char *body, char id[37])
{
	struct reply reply = ask("POST", path, body);

	if (!reply_is_ok(&reply)) {
		printf("sim: %s: %d\n", path, reply.status);
		trace_tell();
		abort();
	}
	if (id)
		snprintf(id, 37, "%s",
			 object ? reply_text(&reply, object, "id")
				: yyjson_get_str(reply_member(&reply, "id")));
	reply_done(&reply);
}

static void flavor_make(const char *name, const char *specs, char id[37])
{
	char text[200];

	snprintf(text, sizeof text,
		 "{\"flavor\": {\"name\": \"%s\", \"ram\": 64, \"disk\": 1, \"vcpus\": 1}}", name);
	make(COMPUTE "/flavors", "flavor", text, id);
	snprintf(text, sizeof text, COMPUTE "/flavors/%s/os-extra_specs", id);
	if (specs)
		make(text, "extra_specs", specs, NULL);
}

void workload_prepare(void)
{
	struct servers_site *site = &servers_site;
	char body[300];

	ask_log_in();
	make("/image/v2/images", NULL,
	     "{\"name\": \"i\", \"disk_format\": \"raw\", \"container_format\": \"bare\"}", site->image);
	if (!ask_upload(site->image))
		abort();
	flavor_make("plain", NULL, site->plain);
	flavor_make("vf", "{\"extra_specs\": {\"pci_passthrough:alias\": \"vf:1\"}}", site->with_vf);
	flavor_make("pinned", "{\"extra_specs\": {\"hw:cpu_policy\": \"dedicated\"}}", site->pinned);
	make(NETWORK "/networks", "network",
	     "{\"network\": {\"name\": \"n\", \"provider:network_type\": \"vlan\", "
	     "\"provider:physical_network\": \"physnet_sriov\"}}",
	     site->network);
	snprintf(body, sizeof body,
		 "{\"subnet\": {\"network_id\": \"%s\", \"ip_version\": 4, \"cidr\": \"10.0.0.0/20\", "
		 "\"enable_dhcp\": true}}",
		 site->network);
	make(NETWORK "/subnets", "subnet", body, NULL);
}

/* --- a client --- */

static void things_step(struct client *client, struct thing *server)
{
	switch (sim_below(8)) {
	case 0:
		if (server)
			port_attach(client, server);
		break;
	case 1:
		if (server)
			port_detach(client, server);
		break;
	case 2:
		port_change(client);
		break;
	case 3:
		port_delete(client);
		break;
	case 4:
		name_change_any();
		break;
	case 5:
	case 6:
		name_read_any();
		break;
	default:
		if (sim_below(2))
			network_make(client);
		else
			network_delete(client);
	}
}

static void client_step(struct client *client)
{
	struct thing *server = thing_draw(&client->servers);

	switch (sim_below(20)) {
	case 0:
	case 1:
	case 2:
		if (client->servers.count < 4 && all_servers.count < THINGS_MAX - 4 &&
		    all_ports.count < THINGS_MAX - 8)
			server_make(client);
		break;
	case 3:
	case 4:
	case 5:
	case 6:
	case 7:
		if (server)
			server_act(server);
		break;
	case 8:
		if (server)
			server_delete(client, server);
		break;
	case 9:
	case 10:
	case 11:
		for (int i = 0; i < client->servers.count; i++)
			server_look(client->servers.thing[i]);
		break;
	default:
		things_step(client, server);
	}
}

static void *client_loop(void *argument)
{
	struct client *client = argument;

	while (!ending) {
		fiber_sleep((int64_t)sim_below(20 * SECOND));
		if (ending)
			break;
		client_step(client);
	}
	busy--;
	return NULL;
}

void workload_begin(void)
{
	for (int i = 0; i < CLIENTS_MAX && i < (int)workload_clients; i++) {
		client_init(&clients[i]);
		busy++;
		fiber_start(NULL, "client", client_loop, &clients[i]);
	}
}

void workload_end(void)
{
	ending = true;
}

bool workload_is_over(void)
{
	return busy == 0;
}

static bool delete_all(const struct things *things)
{
	bool over = true;

	for (int i = 0; i < things->count; i++) {
		struct thing *thing = things->thing[i];

		if (*thing->id && thing->known != GONE)
			over &= thing_delete(things, thing);
	}
	return over;
}

bool workload_delete_all(void)
{
	return delete_all(&all_servers) && delete_all(&all_ports) && delete_all(&all_networks);
}

/* --- promise 4 --- */

bool workload_may_touch(const char *server, const char *host)
{
	const struct thing *thing = thing_find(&all_servers, server);

	/* A host that was away while it built the server may have built it after all, when another had. */
	return !thing || !thing->calm || strcmp(thing->host, host) != 0;
}

bool workload_may_unplug(const char *server)
{
	const struct thing *thing = thing_find(&all_servers, server);

	return !thing || thing->detached || !thing->calm;
}

void workload_guest_touched(const char *server)
{
	struct thing *thing = thing_find(&all_servers, server);

	if (thing)
		thing->calm = false;
}
