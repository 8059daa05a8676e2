/* A server that goes to another host while its guest runs (docs/agent-protocol.md, live migration): what its
 * source and its target do.  Blocking: on a worker, as all of lifecycle.h. */
#pragma once

#include "agent/lifecycle.h"
#include "agent/world.h"

/* What somebody wants of a guest that is on its way. */
typedef enum world_wish migration_wish(void *argument);

struct migration_settings {
	char scheme[16];   /* [libvirt] live_migration_scheme: how libvirt reaches the other libvirt */
	char uri[256];	   /* live_migration_uri, with %s for the other host, or "": made of the scheme */
	char address[256]; /* live_migration_inbound_addr of this host, or "": its name */
	bool post_copy, auto_converge;
	bool force_complete;	    /* live_migration_timeout_action */
	int64_t completion_seconds; /* for each GiB of memory and disk; 0: no limit */
	int64_t bandwidth;	    /* MiB/s; 0: no limit */
	int64_t downtime_ms;
};

void migration_configure(const struct migration_settings *settings);
/* Is it a name or an address of a host, of which a URI can be made? */
bool migration_address_check(const char *address);

/* --- the source --- */

/* What the target needs to know beforehand (JSON, freed by the caller); NULL and *err if it cannot be told.
 */
char *migration_facts(const struct host_folders *folders, const char *server_id, struct error *err);
/* `want` leaving: the guest goes; staying: it does not.  SERVER_LEFT: libvirt says that it runs over there;
 * SERVER_ENDED: it is not here, and nobody knows why; SERVER_REFUSED: it did not go, and has its devices
 * again; SERVER_RUNS: it was told to stay, and has them. */
enum server_outcome migration_leave(const struct lifecycle *life, yyjson_val *server, migration_wish *wish,
				    struct error *err);

/* --- the target --- */

/* `want` incoming: files, networks and devices for a guest that will come.  SERVER_INCOMING. */
enum server_outcome migration_await(const struct lifecycle *life, yyjson_val *server, struct error *err);
/* `want` arrived: the guest that came gets its devices: SERVER_RUNS; SERVER_ENDED: there is none. */
enum server_outcome migration_arrive(const struct lifecycle *life, yyjson_val *server, struct error *err);
