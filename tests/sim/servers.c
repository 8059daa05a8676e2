/* Servers of clients: made, asked for all that a server can do, deleted. */
#include "servers.h"

#include "fiber.h"
#include "hosts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OWN_SNAPSHOTS 6

struct servers_site servers_site;

static const char *flavor_draw(void)
{
	const char *const flavors[] = {servers_site.plain, servers_site.plain, servers_site.with_vf,
				       servers_site.pinned};

	return flavors[sim_below(4)];
}

void server_make(struct client *client)
{
	struct thing *port = sim_below(3) ? port_make(client) : NULL, *server;
	char body[500], networks[100] = "\"none\"";

	server = thing_add(&client->servers, &all_servers, "s");
	if (port)
		snprintf(networks, sizeof networks, "[{\"port\": \"%s\"}]", port->id);
	snprintf(body, sizeof body,
		 "{\"server\": {\"name\": \"%s\", \"imageRef\": \"%s\", \"flavorRef\": \"%s\", \"networks\": "
		 "%s}}",
		 server->name, servers_site.image, flavor_draw(), networks);
	struct reply reply = ask("POST", COMPUTE "/servers", body);
	if (port)
		port->server = server;
	thing_made(&client->servers, server, &reply, "server");
}

void server_look(struct thing *server)
{
	struct reply reply = askf("GET", NULL, COMPUTE "/servers/%s", server->id);
	yyjson_val *view = reply_member(&reply, "server");

	thing_check(server, &reply, "server");
	if (reply_is_ok(&reply) && strcmp(reply_text(&reply, "server", "status"), "ACTIVE") == 0 &&
	    yyjson_is_null(yyjson_obj_get(view, "OS-EXT-STS:task_state")) && !server->deleting) {
		snprintf(server->host, sizeof server->host, "%s",
			 reply_text(&reply, "server", "OS-EXT-SRV-ATTR:host"));
		/* Of a host whose power was cut the controller may not know yet. */
		server->calm = *server->host && hosts_runs(atoi(server->host + 1), server->id);
	}
	if (reply_is_ok(&reply))
		snprintf(server->status, sizeof server->status, "%s", reply_text(&reply, "server", "status"));
	reply_done(&reply);
}

void server_delete(struct client *client, struct thing *server)
{
	while (!thing_delete(&client->servers, server))
		fiber_sleep(5 * SECOND);
	thing_remove(&client->servers, server);
	for (int i = 0; i < client->ports.count; i++) {
		if (client->ports.thing[i]->server == server)
			client->ports.thing[i]->server = NULL;
	}
}

static const char *const actions[] = {
	"{\"os-stop\": null}",
	"{\"os-start\": null}",
	"{\"reboot\": {\"type\": \"HARD\"}}",
	"{\"reboot\": {\"type\": \"SOFT\"}}",
	"{\"pause\": null}",
	"{\"unpause\": null}",
	"{\"suspend\": null}",
	"{\"resume\": null}",
	"{\"shelve\": null}",
	"{\"shelveOffload\": null}",
	"{\"unshelve\": null}",
	"{\"migrate\": null}",
	"{\"confirmResize\": null}",
	"{\"revertResize\": null}",
	"{\"os-migrateLive\": {\"host\": null, \"block_migration\": \"auto\"}}",
	"{\"os-migrateLive\": {\"host\": null, \"block_migration\": \"auto\"}}",
};
/* What brings it back, by the status that the client saw last. */
static const struct {
	const char *status, *action;
} ways_back[] = {
	{"SHUTOFF", "{\"os-start\": null}"},	       {"PAUSED", "{\"unpause\": null}"},
	{"SUSPENDED", "{\"resume\": null}"},	       {"SHELVED", "{\"unshelve\": null}"},
	{"SHELVED_OFFLOADED", "{\"unshelve\": null}"}, {"VERIFY_RESIZE", "{\"confirmResize\": null}"},
	{"VERIFY_RESIZE", "{\"revertResize\": null}"}, {"ERROR", "{\"reboot\": {\"type\": \"HARD\"}}"}};

static const char *way_back(const struct thing *server)
{
	const char *action = NULL;

	for (size_t i = 0; i < sizeof ways_back / sizeof *ways_back; i++) {
		if (strcmp(server->status, ways_back[i].status) == 0 && (!action || sim_below(2)))
			action = ways_back[i].action;
	}
	return action;
}

#define PLAIN_ACTIONS (sizeof actions / sizeof *actions)

static void action_draw(char *body, size_t size)
{
	static int snapshots;
	uint64_t drawn = sim_below(PLAIN_ACTIONS + 4);

	if (drawn < PLAIN_ACTIONS)
		snprintf(body, size, "%s", actions[drawn]);
	else if (drawn < PLAIN_ACTIONS + 2)
		snprintf(body, size, "{\"resize\": {\"flavorRef\": \"%s\"}}", flavor_draw());
	else if (drawn == PLAIN_ACTIONS + 2 && snapshots < OWN_SNAPSHOTS)
		snprintf(body, size, "{\"createImage\": {\"name\": \"i%d\"}}", ++snapshots);
	else
		snprintf(body, size, "{\"rebuild\": {\"imageRef\": \"%s\"}}", servers_site.image);
}

void server_act(struct thing *server)
{
	const char *back = sim_below(4) ? way_back(server) : NULL;
	char body[200];

	if (back)
		snprintf(body, sizeof body, "%s", back);
	else
		action_draw(body, sizeof body);
	server->calm = false;
	if (strstr(body, "esize") || strstr(body, "igrate") || strstr(body, "suspend") ||
	    strstr(body, "shelve"))
		server->detached = true; /* devices go and come with it */
	struct reply reply = askf("POST", body, COMPUTE "/servers/%s/action", server->id);
	reply_done(&reply);
}
