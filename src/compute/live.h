/* Within the compute room: a server that goes to another host while its guest runs.
 *
 * It is a move (move.h) whose claims change places only when the target says that it has the guest.  Until
 * then the server's row stands on the source.
 *
 *	phase		server's state	source is told	target is told
 *	preparing	LIVE_PREPARING	running, to tell	-
 *	preparing	LIVE_PREPARING	"		incoming
 *	running		LIVE_LEAVING	leaving		incoming
 *	running		LIVE_STAYING	staying		incoming	(somebody wants it to stay after all)
 *	running (source: it is not here, and I do not know why) or
 *	post-migrating (source: it has left)	"	arrived: is it there?
 *	running (source: down; may not leave)	"	arrived: else the source has it
 *	post-migrating	ACTIVE, on the target	absent	running
 *	completed	"		-		"
 *
 * No host is ever told to start the guest before the other has said that it has not got it. */
#pragma once

#include "compute/move.h"

/* What a host says of a server with such a move, which its row names; *taken false: the report is to be
 * treated as any other.  `facts`: what it tells for the target, or NULL. */
bool live_report(struct store *db, struct server *server, struct move *move, enum server_report report,
		 const char *fault, yyjson_val *facts, bool *taken, struct error *err);
/* What the target says before it is the server's host. */
bool live_report_target(struct store *db, struct server *server, struct move *move, enum server_report report,
			int64_t generation, const char *fault, struct error *err);
/* The source is clean after its guest has gone, or the target after it has not come. */
bool live_other_clean(struct store *db, struct move *move, struct error *err);
/* The move takes longer than [penstock] move_timeout. */
bool live_too_late(struct store *db, struct server *server, struct move *move, struct error *err);

/* One of its hosts may be down. */
bool live_watch(struct store *db, struct server *server, struct move *move, struct error *err);

/* The user does not want it any more: at once, or as soon as the source says that it has the guest. */
bool live_cancel(struct store *db, struct server *server, struct move *move, struct error *err);
/* The guest is to be moved even if that stops it for a while. */
bool live_complete(struct store *db, struct server *server, struct move *move, struct error *err);

/* The source asks once more before it lets its guest go: 409 unless it is to go still, at this generation,
 * and the target is waiting for it. */
bool live_may_leave(struct store *db, const char *server_id, const char *host_id, int64_t generation,
		    struct error *err);
/* Adds to the server on the row (with SERVER_COLUMNS) what its host shall do for the move. */
bool live_desired(struct store *db, const char *server_id, enum server_state state, yyjson_mut_doc *doc,
		  yyjson_mut_val *object, struct error *err);
/* Adds the server as its move's other host is to have it; `want`: incoming or arrived. */
bool live_desired_target(struct store *db, const char *server_id, const char *move_id, int64_t generation,
			 const char *want, const char *facts, yyjson_mut_doc *doc, yyjson_mut_val *object,
			 struct error *err);
