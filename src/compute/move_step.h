/* Within the compute room: the steps of a move that reports of hosts lead to, and what all who order a host
 * to do something with a disk need. */
#pragma once

#include "compute/flavor.h"
#include "compute/move.h"

bool move_set_phase(struct store *db, struct move *move, enum move_phase phase, bool failed,
		    struct error *err);
/* It is over: its claim is given back. */
bool move_close(struct store *db, struct move *move, struct error *err);
bool move_drop_image(struct store *db, struct move *move, struct error *err);

bool move_other_want(struct store *db, struct move *move, const char *host_id, const char *want,
		     int64_t generation, struct error *err);
bool move_other_gone(struct store *db, struct move *move, struct error *err);

/* The server has this side's claim, row and ports; the other claim is the move's. */
bool move_change_places(struct store *db, struct server *server, const struct move *move,
			const struct move_side *side, struct error *err);
/* The source has stopped the guest and sent its disk: server and move change places, the target begins. */
bool move_turn(struct store *db, struct server *server, struct move *move, struct error *err);
/* Nothing is left on the target (on one host: the guest is off): they change places again, the source begins.
 */
bool move_turn_back(struct store *db, struct server *server, struct move *move, struct error *err);
/* It cannot go on before they changed places: the guest is as it was, on the source. */
bool move_abandon(struct store *db, struct server *server, struct move *move, const char *why,
		  struct error *err);

/* Where the server is, and with which flavor. */
bool move_source_load(struct store *db, const struct server *server, struct move_side *source,
		      struct error *err);
/* What the scheduler chose. */
void move_target_set(struct move *move, const struct scheduler_grant *grant, const struct flavor *flavor);
/* A host that the client named (or NULL): 400 if there is none, or if the server is there. */
bool move_check_host(struct store *db, const struct server *server, const char *name, struct error *err);

/* What the host shall do about the server's disk (JSON, docs/agent-protocol.md), NULL: nothing. */
bool server_order_disk(struct store *db, const char *server_id, const char *order, struct error *err);
/* Its disk is this image. */
bool server_order_fetch(struct store *db, const char *server_id, const char *image_id, struct error *err);
