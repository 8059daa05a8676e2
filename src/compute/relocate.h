/* Within the compute room: servers that go to another host without the help of the one that they are on. */
#pragma once

#include "compute/placement.h"
#include "compute/server.h"

struct relocation {
	const char *host; /* only there, or NULL */
	bool retry;	  /* not where a build of it failed */
};

/* Claims a place on another host, binds the ports there and tells both hosts; what the server has on the old
 * one is a leftover.  Its disk does not come along: it is made anew from its image.  The life is the caller's
 * to move and to save.  Nothing is changed if it fails; no host is ERROR_BAD_REQUEST, and `refusals` says
 * why.
 */
bool server_relocate(struct store *db, struct server *server, const struct relocation *how,
		     struct text *refusals, struct error *err);
