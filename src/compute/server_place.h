/* Within the compute room: the place of a server on a host: asking the scheduler for one, binding its ports
 * there. */
#pragma once

#include "compute/flavor.h"
#include "compute/server_request.h"
#include "network/network.h"

/* What the client said of the place, kept with the server for when it is placed anew; malloc'ed. */
char *server_wish_json(const struct server_request *wish, const struct auth *auth);

/* Where a server is to go that exists already. */
struct server_replace {
	const char *server_id;
	const char *claim_id; /* in whose name: the server's or its move's */
	const struct flavor *flavor;
	const char *zone;	 /* instead of the one that the client wished at first, or NULL */
	const char *host;	 /* only this one, or NULL */
	const char *not_host_id; /* not this one, or NULL */
	bool retry;		 /* not where a build of it failed */
	bool live;		 /* only where a guest that runs on not_host_id can go */
};

/* Claims a place for the server, under the rules of its first one (zone, hints, group) and what the flavor
 * says, on a host that has nothing of it (leftover.h).  false and ERROR_BAD_REQUEST "No valid host was found.
 * ..." with the reasons if there is none; `refusals` as of scheduler_claim(), or NULL. */
bool server_replace(struct store *db, const struct server_replace *wish, struct scheduler_grant *grant,
		    struct text *refusals, struct error *err);

/* "No valid host was found. " and why, in short; `refusals` as scheduler_claim() gives them. */
void server_no_host(const char *refusals, char *message, size_t size);

/* What was claimed for the port, or NULL. */
const struct scheduler_device *server_port_device(const struct scheduler_device *devices, size_t count,
						  const char *port_id);
/* All ports of the server, to the devices of its claim. */
bool server_ports_bind(struct store *db, const char *server_id, const char *host, const char *zone,
		       struct error *err);

#define SERVER_HOST_HASH_SIZE 57
/* What Nova calls hostId: the same for servers of one project on one host, and tells neither.  (SHA-224, hex;
 * host NULL: "".) */
void server_host_hash(const char *project, const char *host, char hash[SERVER_HOST_HASH_SIZE]);
