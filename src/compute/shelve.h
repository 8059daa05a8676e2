/* Within the compute room: shelving: a server becomes an image, gives its host up, and comes back anywhere.
 */
#pragma once

#include "compute/server.h"

/* What a host says of a server that is shelved or unshelved, or of which an image is made.  *taken: it was
 * that. */
bool shelve_report(struct store *db, struct server *server, enum server_report report, const char *fault,
		   bool *taken, struct error *err);
/* The server goes: so does its image. */
bool shelve_server_removed(struct store *db, const char *server_id, struct error *err);
/* Offloads what is shelved since [DEFAULT] shelved_offload_time. */
bool shelve_housekeeping(struct store *db, struct error *err);
