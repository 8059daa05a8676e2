/* What the controller orders about a server's disk (docs/agent-protocol.md, `disk`): a copy that is kept
 * until a move is confirmed, the disk's way to another host, images that are made of it. */
#pragma once

#include "agent/lifecycle.h"

/* Is the order one that makes sense? */
bool disk_check(yyjson_val *order, struct error *err);

/* While the guest is off: keeps a copy of the disk, or puts the kept one back; fetches the disk from the
 * controller if there is none.  Idempotent. */
bool disk_settle(const struct lifecycle *life, const char *folder, yyjson_val *server, struct error *err);
/* Forgets copies that the order does not name (any more). */
bool disk_forget(const char *folder, yyjson_val *server /* NULL: all */, struct error *err);

enum disk_outcome {
	DISK_SENT, /* or there is nothing to send, or nobody waits for it any more */
	DISK_LATER,
	DISK_REFUSED, /* *err says why it will not work */
};
/* Sends the disk as a qcow2 of its own, if that is ordered.  A guest that runs stands still while it is
 * copied, so that all of it is of one moment; the controller is asked before whether it still waits for it.
 */
enum disk_outcome disk_send(const struct lifecycle *life, yyjson_val *server, bool running,
			    struct error *err);
