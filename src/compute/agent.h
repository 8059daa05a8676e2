/* Within the compute room: the controller's side of the agents' protocol (docs/agent-protocol.md). */
#pragma once

#include "compute/service.h"

#define AGENT_PROTOCOL_VERSION 1

/* Who asks; `before` leaves it in request->prepared. */
struct agent {
	char host_id[37];
	int64_t deadline; /* sys_monotonic, of a parked poll; 0: not parked yet */
};

static inline struct agent *agent_of(struct http_request *request)
{
	return request->prepared;
}

/* SHA-256 as hex: secrets are stored only so. */
void agent_hash(const char *secret, char hex[65]);

http_handler agent_desired, agent_status;

struct server;
/* Notes a host's words as the server's fault: the whole are the details; the message their beginning, as long
 * as Nova's (255), cut between characters. */
bool agent_report_fault(struct store *db, const struct server *server, const char *fault, struct error *err);
/* As if its host had reported `failed`, of a server that is not being built. */
bool agent_report_failed(struct store *db, struct server *server, const char *fault, struct error *err);

/* A server on another host than its row's: what it has there, and is to be there. */
struct agent_guest {
	const char *claim_id, *want;
	int64_t generation;
};
/* Adds what a host shall do with the server on the row (with SERVER_COLUMNS); guest NULL: the row's host. */
bool agent_desired_server(struct store *db, struct store_rows *rows, const struct agent_guest *guest,
			  yyjson_mut_doc *doc, yyjson_mut_val *object, struct error *err);
