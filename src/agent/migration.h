/* A server that goes to another host while its guest runs (docs/agent-protocol.md, live migration): what its
 * source and its target do.  Blocking: on a worker, as all of lifecycle.h. */
#pragma once

#include "agent/lifecycle.h"
#include "agent/world.h"

/* What the controller says of a guest that is to leave, or is on its way. */
struct migration_word {
	enum world_wish (*wish)(void *argument); /* has something else been wanted since? */
	/* Is it to go still?  Asked of the controller itself before anything is taken out of the guest: what
	 * was told long ago may have been given up meanwhile, and the other host be clean.  *err of kind
	 * ERROR_CONFLICT or ERROR_NOT_FOUND: no; another: it could not be asked. */
	bool (*may_leave)(const char *server_id, int64_t generation, struct error *err);
};

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
 * SERVER_ENDED: it is not here, and nobody knows why; SERVER_REFUSED: it did not go, or is not to go any
 * more, and has its devices again; SERVER_RUNS: it was told to stay, and has them; SERVER_LATER also while
 * nobody can be asked whether it may leave: it has its devices meanwhile. */
enum server_outcome migration_leave(const struct lifecycle *life, yyjson_val *server,
				    const struct migration_word *word, struct error *err);

/* --- the target --- */

/* `want` incoming: files, networks and devices for a guest that will come.  SERVER_INCOMING. */
enum server_outcome migration_await(const struct lifecycle *life, yyjson_val *server, struct error *err);
/* `want` arrived: the guest that came gets its devices: SERVER_RUNS; SERVER_ENDED: there is none. */
enum server_outcome migration_arrive(const struct lifecycle *life, yyjson_val *server, struct error *err);
