/* Messages on their way. */
#include "net.h"

#include "checks.h"
#include "cluster.h"
#include "daemon.h"
#include "faults.h"
#include "fiber.h"
#include "trace.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct net_message {
	char *method, *target, *body;
	char *headers[8]; /* in the order of `names` */
	size_t size;
	struct daemon *from; /* NULL: a client */
	int server;	     /* the controller's incarnation that has it; 0: none yet */
	int users;	     /* client, server, messages under way: freed when there are none */
	bool over;	     /* the client knows, or has given up */
	enum net_outcome outcome;
	struct net_answer answer;
	struct net_message *next; /* of those that the controller has */
};

static const char *const names[] = {"X-Auth-Token", "X-Agent-Credential",
				    "Content-Type", "X-OpenStack-Nova-API-Version",
				    "Range",	    "X-Image-Checksum-Sha512"};
static void (*listener)(struct net_message *message);
static int listener_incarnation;
static struct net_message *at_server;

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

static void leave(struct net_message *message)
{
	if (--message->users > 0)
		return;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		free(message->headers[i]);
	free(message->method);
	free(message->target);
	free(message->body);
	free(message->answer.body);
	free(message->answer.subject_token);
	free(message);
}

static struct net_message *message_make(const struct net_request *request)
{
	struct net_message *message = calloc(1, sizeof *message);
	const char *const headers[] = {request->token,	 request->credential, request->content_type,
				       request->version, request->range,      request->checksum};

	message->method = copy(request->method);
	message->target = copy(request->target);
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
		message->headers[i] = copy(headers[i]);
	message->body = malloc(request->size + 1);
	memcpy(message->body, request->body ? request->body : "", request->size);
	message->body[request->size] = '\0';
	message->size = request->size;
	message->from = fiber_daemon();
	message->users = 1;
	return message;
}

static void end(struct net_message *message, enum net_outcome outcome)
{
	if (message->over)
		return;
	message->over = true;
	message->outcome = outcome;
	fiber_wake(message, true);
}

/* --- there --- */

static void *deliver(void *argument)
{
	struct net_message *message = argument;

	fiber_sleep(fault_latency(message->from));
	if (cluster_controller()->runs && listener &&
	    listener_incarnation == cluster_controller()->incarnation) {
		message->server = listener_incarnation;
		message->users++;
		message->next = at_server;
		at_server = message;
		listener(message);
	} else {
		end(message, NET_REFUSED);
	}
	leave(message);
	return NULL;
}

static void send_there(struct net_message *message)
{
	if (fault_loses(message->from)) {
		trace(TRACE_FAULT, "lost: %s %s", message->method, message->target);
		return;
	}
	message->users++;
	fiber_detach(fiber_start(NULL, "message", deliver, message));
}

enum net_outcome net_call(const struct net_request *request, struct net_answer *answer)
{
	struct net_message *message = message_make(request);
	int64_t until = sim_now() + request->patience;
	enum net_outcome outcome;

	*answer = (struct net_answer){0};
	if (message->from && strstr(message->target, "/inventory")) /* its heartbeat */
		checks_heard(message->from);
	send_there(message);
	if (message->from && fault_doubles()) {
		struct net_message *again = message_make(request);

		trace(TRACE_FAULT, "doubled: %s %s", message->method, message->target);
		again->over = true; /* nobody waits for its answer */
		send_there(again);
		leave(again);
	}
	while (!message->over && fiber_block(message, until)) {
	}
	outcome = message->over ? message->outcome : NET_SILENT;
	message->over = true;
	if (outcome == NET_ANSWERED) {
		*answer = message->answer;
		message->answer = (struct net_answer){0};
	}
	leave(message);
	return outcome;
}

/* --- the server --- */

void net_listen(void (*arrived)(struct net_message *message))
{
	listener = arrived;
	listener_incarnation = fiber_daemon()->incarnation;
	/* What an earlier life had is cut. */
	for (struct net_message *message = at_server, *next; message; message = next) {
		next = message->next;
		end(message, NET_CUT);
		leave(message);
	}
	at_server = NULL;
}

void net_server_died(void)
{
	for (struct net_message *message = at_server; message; message = message->next)
		end(message, NET_CUT);
}

const char *net_method(const struct net_message *message)
{
	return message->method;
}

const char *net_target(const struct net_message *message)
{
	return message->target;
}

const char *net_header(const struct net_message *message, const char *name)
{
	if (strcasecmp(name, "Host") == 0)
		return "controller:5000";
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strcasecmp(names[i], name) == 0)
			return message->headers[i];
	}
	return NULL;
}

const char *net_body(const struct net_message *message, size_t *size)
{
	*size = message->size;
	return message->body;
}

static void *deliver_back(void *argument)
{
	struct net_message *message = argument;

	fiber_sleep(fault_latency(message->from));
	if (fault_cuts(message->from)) {
		trace(TRACE_FAULT, "cut: the answer to %s %s", message->method, message->target);
		end(message, NET_CUT);
	} else if (!fault_loses(message->from)) {
		end(message, NET_ANSWERED);
	}
	leave(message);
	return NULL;
}

void net_reply(struct net_message *message, int status, char *body, size_t size, char *subject_token)
{
	for (struct net_message **at = &at_server; *at; at = &(*at)->next) {
		if (*at == message) {
			*at = message->next;
			break;
		}
	}
	message->answer = (struct net_answer){.status = status,
					      .body = body,
					      .size = size,
					      .subject_token = subject_token};
	/* The server's share of it becomes the answer's. */
	fiber_detach(fiber_start(NULL, "answer", deliver_back, message));
}
