/* Within the compute room: builds that fail, and where else they are tried. */
#pragma once

#include "compute/placement.h"
#include "compute/server.h"

/* The host of a server in SPAWNING could not build it, for this reason in its words (NULL: it gave none). The
 * server is tried on another host, at most [scheduler] max_attempts in all; else it is in ERROR, with what
 * each host said.  Not worth another host are a host that was asked for by name, and `kind` "image": the
 * image is the same everywhere. */
bool server_build_failed(struct store *db, struct server *server, const char *fault, const char *kind,
			 struct error *err);
/* Not on hosts where a build of it failed. */
bool retry_rule(struct store *db, const char *server_id, struct placement *placement, struct error *err);
/* Builds that take longer than instance_build_timeout, and those on hosts that have gone down meanwhile. */
bool retry_housekeeping(struct store *db, struct error *err);
