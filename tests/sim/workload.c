/* Clients, each with servers and ports of its own. */
#include "workload.h"

#include "checks.h"
#include "cluster.h"
#include "faults.h"
#include "fiber.h"
#include "history.h"
#include "net.h"
#include "trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#define SECOND	 INT64_C(1000000)
#define CLIENTS	 3
#define THINGS	 400 /* servers or ports that a seed may make */
#define PATIENCE (20 * SECOND)
#define COMPUTE	 "/compute/v2.1"
#define NETWORK	 "/network/v2.0"

unsigned workload_clients = CLIENTS;

enum known { UNKNOWN, THERE, GONE };

/* A server or a port: what its client was told. */
struct thing {
	char id[37], name[40];
	enum known known;
	bool deleting;	      /* was asked for: it may go at any time */
	bool calm;	      /* of a server: seen ACTIVE, and nothing was asked since */
	bool detached;	      /* something was to be taken out of it */
	struct thing *server; /* of a port: that it was given to */
};

struct client {
	int number;
	struct thing *servers[THINGS], *ports[THINGS];
	int server_count, port_count;
};

static struct client clients[CLIENTS];
static struct thing *all_servers[CLIENTS * THINGS], *all_ports[CLIENTS * THINGS];
static int all_server_count, all_port_count;
static char image[37], plain[37], with_vf[37], network[37];
static bool ending;
static int busy, made;

/* --- requests --- */

struct result {
	enum net_outcome outcome;
	int status;
	yyjson_doc *doc;
};

static char *format_text(const char *format, va_list arguments)
{
	char *text;

	if (vasprintf(&text, format, arguments) < 0)
		abort();
	return text;
}

static struct result ask(const char *method, const char *target, const char *body)
{
	struct net_request request = {.method = method,
				      .target = target,
				      .token = cluster_token,
				      .content_type = "application/json",
				      .version = "2.90",
				      .body = body,
				      .size = body ? strlen(body) : 0,
				      .patience = PATIENCE};
	struct net_answer answer;
	struct result result = {.outcome = net_call(&request, &answer)};

	result.status = answer.status;
	if (result.outcome == NET_ANSWERED && answer.body)
		result.doc = yyjson_read(answer.body, answer.size, 0);
	trace(TRACE_CLIENT, "%s %s: %s %d %.400s", method, target,
	      (const char *[]){"", "refused", "silent", "cut"}[result.outcome], result.status,
	      answer.status >= 400 && answer.body ? answer.body : "");
	if (result.outcome == NET_ANSWERED && answer.status >= 500 && answer.status != 503 &&
	    faults_are_over())
		checks_broken(2, "%s %s is answered with %d %.200s", method, target, answer.status,
			      answer.body ? answer.body : "");
	free(answer.body);
	return result;
}

static void result_done(struct result *result)
{
	yyjson_doc_free(result->doc);
	result->doc = NULL;
}

static bool is_ok(const struct result *result)
{
	return result->outcome == NET_ANSWERED && result->status >= 200 && result->status < 300;
}

/* May it have been done all the same? */
static bool is_open(const struct result *result)
{
	return result->outcome == NET_SILENT || result->outcome == NET_CUT ||
	       (result->outcome == NET_ANSWERED && result->status >= 500);
}

static struct result askf(const char *method, const char *body, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static struct result askf(const char *method, const char *body, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	char *target = format_text(format, arguments);
	va_end(arguments);
	struct result result = ask(method, target, body);
	free(target);
	return result;
}

static const char *text_in(const struct result *result, const char *object, const char *member)
{
	yyjson_val *value = yyjson_obj_get(yyjson_obj_get(yyjson_doc_get_root(result->doc), object), member);

	return yyjson_is_str(value) ? yyjson_get_str(value) : "";
}

/* --- before all seeds --- */

static void make(const char *path, const char *object, const char *body, char id[37])
{
	struct result result = ask("POST", path, body);

	if (!is_ok(&result)) {
		printf("sim: %s: %d\n", path, result.status);
		trace_tell();
		abort();
	}
	if (id)
		snprintf(id, 37, "%s",
			 object ? text_in(&result, object, "id")
				: yyjson_get_str(yyjson_obj_get(yyjson_doc_get_root(result.doc), "id")));
	result_done(&result);
}

static void log_in(void)
{
	struct net_request request = {
		.method = "POST",
		.target = "/identity/v3/auth/tokens",
		.content_type = "application/json",
		.body = "{\"auth\": {\"identity\": {\"methods\": [\"password\"], \"password\": {\"user\": "
			"{\"name\": "
			"\"admin\", \"domain\": {\"id\": \"default\"}, \"password\": \"secret\"}}}, "
			"\"scope\": "
			"{\"project\": {\"name\": \"admin\", \"domain\": {\"id\": \"default\"}}}}}",
		.patience = PATIENCE};
	struct net_answer answer;

	request.size = strlen(request.body);
	if (net_call(&request, &answer) != NET_ANSWERED || answer.status != 201)
		abort();
	snprintf(cluster_token, sizeof cluster_token, "%s", answer.subject_token ? answer.subject_token : "");
	free(answer.subject_token);
	free(answer.body);
}

static void image_make(void)
{
	static char bytes[4096];
	struct net_request request = {.method = "PUT",
				      .token = cluster_token,
				      .content_type = "application/octet-stream",
				      .body = bytes,
				      .size = sizeof bytes,
				      .patience = PATIENCE};
	struct net_answer answer;
	char target[100];

	make("/image/v2/images", NULL,
	     "{\"name\": \"i\", \"disk_format\": \"raw\", \"container_format\": \"bare\"}", image);
	snprintf(target, sizeof target, "/image/v2/images/%s/file", image);
	request.target = target;
	if (net_call(&request, &answer) != NET_ANSWERED || answer.status != 204)
		abort();
	free(answer.body);
}

void workload_prepare(void)
{
	char body[300];

	log_in();
	image_make();
	make(COMPUTE "/flavors", "flavor",
	     "{\"flavor\": {\"name\": \"plain\", \"ram\": 64, \"disk\": 1, \"vcpus\": 1}}", plain);
	make(COMPUTE "/flavors", "flavor",
	     "{\"flavor\": {\"name\": \"vf\", \"ram\": 64, \"disk\": 1, \"vcpus\": 1}}", with_vf);
	snprintf(body, sizeof body, COMPUTE "/flavors/%s/os-extra_specs", with_vf);
	make(body, "extra_specs", "{\"extra_specs\": {\"pci_passthrough:alias\": \"vf:1\"}}", NULL);
	make(NETWORK "/networks", "network",
	     "{\"network\": {\"name\": \"n\", \"provider:network_type\": \"vlan\", "
	     "\"provider:physical_network\": "
	     "\"physnet_sriov\"}}",
	     network);
	snprintf(body, sizeof body,
		 "{\"subnet\": {\"network_id\": \"%s\", \"ip_version\": 4, \"cidr\": \"10.0.0.0/20\", "
		 "\"enable_dhcp\": "
		 "true}}",
		 network);
	make(NETWORK "/subnets", "subnet", body, NULL);
}

/* --- servers and ports --- */

static struct thing *thing_add(struct thing **list, int *count, struct thing **all, int *all_count,
			       const char *prefix)
{
	struct thing *thing = calloc(1, sizeof *thing);

	snprintf(thing->name, sizeof thing->name, "%s%d", prefix, ++made);
	list[(*count)++] = thing;
	all[(*all_count)++] = thing;
	return thing;
}

static void thing_remove(struct thing **list, int *count, const struct thing *thing)
{
	for (int i = 0; i < *count; i++) {
		if (list[i] == thing)
			list[i] = list[--*count];
	}
}

/* Was it made, when nobody said so?  By its name, as a client looks. */
static void find_by_name(struct thing *thing, const char *path, const char *list)
{
	for (int tries = 0; tries < 200 && thing->known == UNKNOWN; tries++) {
		struct result result = askf("GET", NULL, "%s?name=%s", path, thing->name);
		yyjson_val *first =
			yyjson_arr_get_first(yyjson_obj_get(yyjson_doc_get_root(result.doc), list));

		if (is_ok(&result)) {
			const char *id = yyjson_get_str(yyjson_obj_get(first, "id"));

			/* One that is still under way may yet come: who hears nothing asks for a while. */
			if (id)
				snprintf(thing->id, sizeof thing->id, "%s", id);
			if (id || tries > 5)
				thing->known = id ? THERE : GONE;
		}
		result_done(&result);
		fiber_sleep(3 * SECOND);
	}
}

static struct thing *port_make(struct client *client)
{
	struct thing *port = thing_add(client->ports, &client->port_count, all_ports, &all_port_count, "p");
	char body[300];

	snprintf(body, sizeof body,
		 "{\"port\": {\"name\": \"%s\", \"network_id\": \"%s\", \"binding:vnic_type\": \"%s\"}}",
		 port->name, network, sim_below(4) ? "direct" : "normal");
	struct result result = ask("POST", NETWORK "/ports", body);
	if (is_ok(&result)) {
		snprintf(port->id, sizeof port->id, "%s", text_in(&result, "port", "id"));
		port->known = THERE;
	} else if (is_open(&result)) {
		find_by_name(port, NETWORK "/ports", "ports");
	} else {
		port->known = GONE;
	}
	result_done(&result);
	if (port->known != THERE)
		thing_remove(client->ports, &client->port_count, port);
	return port->known == THERE ? port : NULL;
}

static void server_make(struct client *client)
{
	struct thing *port = sim_below(3) ? port_make(client) : NULL, *server;
	char body[500], networks[100] = "\"none\"";

	server = thing_add(client->servers, &client->server_count, all_servers, &all_server_count, "s");
	if (port)
		snprintf(networks, sizeof networks, "[{\"port\": \"%s\"}]", port->id);
	snprintf(body, sizeof body,
		 "{\"server\": {\"name\": \"%s\", \"imageRef\": \"%s\", \"flavorRef\": \"%s\", \"networks\": "
		 "%s}}",
		 server->name, image, sim_below(3) ? plain : with_vf, networks);
	struct result result = ask("POST", COMPUTE "/servers", body);
	if (is_ok(&result)) {
		snprintf(server->id, sizeof server->id, "%s", text_in(&result, "server", "id"));
		server->known = THERE;
	} else if (is_open(&result)) {
		find_by_name(server, COMPUTE "/servers", "servers");
	} else {
		server->known = GONE;
	}
	result_done(&result);
	if (port)
		port->server = server;
	if (server->known != THERE)
		thing_remove(client->servers, &client->server_count, server);
}

static void server_look(struct thing *server)
{
	struct result result = askf("GET", NULL, COMPUTE "/servers/%s", server->id);
	yyjson_val *view = yyjson_obj_get(yyjson_doc_get_root(result.doc), "server");

	if (result.outcome == NET_ANSWERED && result.status == 404 && !server->deleting)
		checks_broken(2, "server %s was answered with 2xx, nobody deleted it, and it is not there",
			      server->id);
	if (is_ok(&result) && strcmp(text_in(&result, "server", "status"), "ACTIVE") == 0 &&
	    yyjson_is_null(yyjson_obj_get(view, "OS-EXT-STS:task_state")) && !server->deleting)
		server->calm = true;
	result_done(&result);
}

static bool delete_thing(const char *path, struct thing *thing)
{
	thing->deleting = true;
	thing->calm = false;
	struct result result = askf("DELETE", NULL, "%s/%s", path, thing->id);
	bool ok = is_ok(&result) || (result.outcome == NET_ANSWERED && result.status == 404);
	result_done(&result);
	return ok;
}

static void server_delete(struct client *client, struct thing *server)
{
	while (!delete_thing(COMPUTE "/servers", server))
		fiber_sleep(5 * SECOND);
	thing_remove(client->servers, &client->server_count, server);
	for (int i = 0; i < client->port_count; i++) {
		if (client->ports[i]->server == server)
			client->ports[i]->server = NULL;
	}
}

static void server_act(struct thing *server)
{
	static const char *const actions[] = {"{\"os-stop\": null}",
					      "{\"os-start\": null}",
					      "{\"reboot\": {\"type\": \"HARD\"}}",
					      "{\"pause\": null}",
					      "{\"unpause\": null}",
					      "{\"os-start\": null}",
					      "{\"reboot\": {\"type\": \"SOFT\"}}"};

	server->calm = false;
	struct result result = askf("POST", actions[sim_below(sizeof actions / sizeof *actions)],
				    COMPUTE "/servers/%s/action", server->id);
	result_done(&result);
}

static void port_attach(struct client *client, struct thing *server)
{
	struct thing *port = port_make(client);
	char body[100];

	if (!port)
		return;
	snprintf(body, sizeof body, "{\"interfaceAttachment\": {\"port_id\": \"%s\"}}", port->id);
	server->calm = false;
	struct result result = askf("POST", body, COMPUTE "/servers/%s/os-interface", server->id);
	result_done(&result);
	port->server = server;
}

static void port_detach(struct client *client, struct thing *server)
{
	for (int i = 0; i < client->port_count; i++) {
		struct thing *port = client->ports[i];

		if (port->server != server)
			continue;
		server->calm = false;
		server->detached = true;
		struct result result =
			askf("DELETE", NULL, COMPUTE "/servers/%s/os-interface/%s", server->id, port->id);
		result_done(&result);
		return;
	}
}

static void rename_server(struct thing *server)
{
	char body[100], name[40];

	snprintf(name, sizeof name, "%s-%d", server->name, ++made);
	snprintf(body, sizeof body, "{\"server\": {\"name\": \"%s\"}}", name);
	int operation = history_write(server->id, name);
	struct result result = askf("PUT", body, COMPUTE "/servers/%s", server->id);
	history_end(operation,
		    is_ok(&result)     ? HISTORY_DONE
		    : is_open(&result) ? HISTORY_OPEN
				       : HISTORY_FAILED,
		    NULL);
	result_done(&result);
}

/* Anybody's: so that several are at one server. */
static void read_any(void)
{
	struct thing *server = all_server_count ? all_servers[sim_below((uint64_t)all_server_count)] : NULL;

	if (!server || server->known != THERE || server->deleting)
		return;
	int operation = history_read(server->id);
	struct result result = askf("GET", NULL, COMPUTE "/servers/%s", server->id);
	history_end(operation, is_ok(&result) ? HISTORY_DONE : HISTORY_FAILED,
		    text_in(&result, "server", "name"));
	result_done(&result);
}

static void rename_any(void)
{
	struct thing *server = all_server_count ? all_servers[sim_below((uint64_t)all_server_count)] : NULL;

	if (server && server->known == THERE && !server->deleting)
		rename_server(server);
}

static void port_delete(struct client *client)
{
	for (int i = 0; i < client->port_count; i++) {
		struct thing *port = client->ports[i];

		if (port->server || !delete_thing(NETWORK "/ports", port))
			continue;
		thing_remove(client->ports, &client->port_count, port);
		return;
	}
}

static void port_change(struct client *client)
{
	if (client->port_count == 0)
		return;
	struct thing *port = client->ports[sim_below((uint64_t)client->port_count)];
	struct result result = askf("PUT",
				    sim_below(2) ? "{\"port\": {\"admin_state_up\": false}}"
						 : "{\"port\": {\"admin_state_up\": true}}",
				    NETWORK "/ports/%s", port->id);
	if (result.outcome == NET_ANSWERED && result.status == 404 && !port->deleting)
		checks_broken(2, "port %s was answered with 2xx, nobody deleted it, and it is not there",
			      port->id);
	result_done(&result);
}

/* --- a client --- */

static void client_step(struct client *client)
{
	struct thing *server =
		client->server_count ? client->servers[sim_below((uint64_t)client->server_count)] : NULL;

	switch (sim_below(16)) {
	case 0:
	case 1:
	case 2:
		if (client->server_count < 4 && made < THINGS - 4)
			server_make(client);
		break;
	case 3:
	case 4:
		if (server)
			server_act(server);
		break;
	case 5:
	case 6:
		if (server)
			server_delete(client, server);
		break;
	case 7:
		if (server)
			port_attach(client, server);
		break;
	case 8:
		if (server)
			port_detach(client, server);
		break;
	case 9:
		port_change(client);
		break;
	case 10:
		port_delete(client);
		break;
	case 11:
		rename_any();
		break;
	case 12:
	case 13:
		read_any();
		break;
	default:
		for (int i = 0; i < client->server_count; i++)
			server_look(client->servers[i]);
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

/* An operator takes hosts out of the choice and puts them back. */
static void *operator_loop(void *unused)
{
	char body[100];

	(void)unused;
	while (!ending) {
		fiber_sleep((int64_t)sim_below(300 * SECOND));
		snprintf(body, sizeof body, "{\"host\": \"h%d\", \"binary\": \"nova-compute\"}",
			 1 + (int)sim_below((uint64_t)cluster_hosts()));
		struct result result =
			askf("PUT", body, COMPUTE "/os-services/%s", sim_below(3) ? "enable" : "disable");
		result_done(&result);
	}
	busy--;
	return NULL;
}

void workload_begin(void)
{
	for (int i = 0; i < CLIENTS && i < (int)workload_clients; i++) {
		clients[i].number = i;
		busy++;
		fiber_start(NULL, "client", client_loop, &clients[i]);
	}
	busy++;
	fiber_start(NULL, "operator", operator_loop, NULL);
}

void workload_end(void)
{
	ending = true;
}

bool workload_is_over(void)
{
	return busy == 0;
}

bool workload_delete_all(void)
{
	bool over = true;

	for (int i = 0; i < all_server_count; i++) {
		struct thing *server = all_servers[i];

		if (*server->id && server->known != GONE)
			over &= delete_thing(COMPUTE "/servers", server);
	}
	for (int i = 0; over && i < all_port_count; i++) {
		struct thing *port = all_ports[i];

		if (*port->id && port->known != GONE)
			over &= delete_thing(NETWORK "/ports", port);
	}
	return over;
}

/* --- promise 4 --- */

static struct thing *find(const char *id)
{
	for (int i = 0; i < all_server_count; i++) {
		if (strcmp(all_servers[i]->id, id) == 0)
			return all_servers[i];
	}
	return NULL;
}

bool workload_may_touch(const char *server)
{
	const struct thing *thing = find(server);

	return !thing || !thing->calm;
}

bool workload_may_unplug(const char *server)
{
	const struct thing *thing = find(server);

	return !thing || thing->detached || !thing->calm;
}

void workload_guest_touched(const char *server)
{
	struct thing *thing = find(server);

	if (thing)
		thing->calm = false;
}
