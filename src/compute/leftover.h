/* Within the compute room: what servers have left behind on hosts that they went away from without taking
 * leave (a build that failed, a host that died).
 *
 * The claim there goes on in the leftover's name, so that its devices and CPUs are nobody else's; the host is
 * told `absent`, and when it says that nothing is left (devices reset and read back) the claim is given back.
 * That may take as long as the host is away, and goes on when the server itself is gone. */
#pragma once

#include "compute/placement.h"
#include "compute/server.h"

/* The server's claim becomes a leftover on the host that its row names; the server has none afterwards. */
bool leftover_make(struct store *db, const struct server *server, struct error *err);
/* Adds what the host is to remove since this revision (0: all). */
bool leftover_desired(struct store *db, const char *host_id, int64_t since, yyjson_mut_doc *doc,
		      yyjson_mut_val *servers, struct error *err);
/* A host's word about a server that is not (or no more) its own. */
bool leftover_report(struct store *db, const char *server_id, const char *host_id, enum server_report report,
		     struct error *err);
/* Not on hosts that have something of the server: an agent knows a server once. */
bool leftover_rule(struct store *db, const char *server_id, struct placement *placement, struct error *err);
