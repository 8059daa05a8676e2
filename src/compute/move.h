/* Within the compute room: a server on its way to another flavor or host (resize, cold migration;
 * of live migration more is in live.h).
 *
 * While it is on its way there are two claims: one in the server's name, of the host and flavor that its row
 * names, and one in the move's (its UUID).  At first the server's row stands on the source and the move has
 * claimed the target; when the source has stopped the guest and sent its disk they change places, in one
 * transaction; reverting changes them back.  The other host, which the row does not name, is told what to do
 * from the move's row.  A claim is given back when its host says that nothing is left. */
#pragma once

#include "compute/server.h"
#include "scheduler/scheduler.h"

/* P(name, text: as Nova's status) */
#define MOVE_PHASES(P) \
	P(MIGRATING, "migrating") \
	P(FINISHING, "post-migrating") \
	P(FINISHED, "finished") \
	P(CONFIRMING, "confirming") \
	P(CONFIRMED, "confirmed") \
	P(REVERTING, "reverting") \
	P(REVERTED, "reverted") \
	P(PREPARING, "preparing") \
	P(RUNNING, "running") \
	P(COMPLETED, "completed") \
	P(CANCELLED, "cancelled")

enum move_phase {
#define P(name, text) MOVE_##name,
	MOVE_PHASES(P)
#undef P
		MOVE_PHASE_COUNT
};

struct move_side {
	char host_id[37], host[256], zone[64];
	char flavor_id[256];
	char *flavor; /* JSON */
};

struct move {
	int64_t number;
	char uuid[37];
	char server_id[37];
	enum move_phase phase;
	bool failed;	   /* shown as status error; the phase is where it failed */
	bool live;	   /* the guest runs meanwhile (live.h) */
	bool was_off;	   /* the guest was switched off before */
	char image_id[37]; /* of the disk in transit; "": source and target are one host */
	struct move_side source, target;
	char other_host_id[37]; /* "": none (any more) */
	char other_want[16];	/* kept, absent; of a live migration also incoming, arrived */
	int64_t other_generation;
	bool source_ended; /* live: the source says that the guest is not there, not why */
};

void move_done(struct move *move);
/* The server's move that is not over.  *found false if there is none. */
bool move_find(struct store *db, const char *server_id, struct move *move, bool *found, struct error *err);
/* 409 if an earlier move has not been cleaned up; _settled: or if an interface is on its way in or out. */
bool move_check_none(struct store *db, const char *server_id, struct error *err);
bool move_check_settled(struct store *db, const char *server_id, struct error *err);

/* Writes a new move down: type "resize" or "migration"; its claim was made in the name of move->uuid. */
bool move_insert(struct http_request *request, const struct move *move, const char *type, struct error *err);
/* One that failed before it began, as Nova's live migration that a check refuses. */
bool move_insert_refused(struct http_request *request, const struct server *server, const char *type,
			 struct error *err);

/* A server that has left a dead host: only a note for GET /os-migrations, accepted, done and completed as
 * Nova's; what is left on the host is leftover.h's. */
bool move_insert_evacuation(struct http_request *request, const struct server *before,
			    const struct server *after, struct error *err);
/* It was built, or not; the host that it left has removed what it had of it. */
bool move_evacuation_built(struct store *db, const char *server_id, bool failed, struct error *err);
bool move_evacuation_cleaned(struct store *db, const char *server_id, const char *host_id, struct error *err);

/* The user's confirmation or second thoughts.  server->life is in the state that allows it. */
bool move_confirm(struct store *db, struct server *server, struct move *move, struct error *err);
bool move_revert(struct store *db, struct server *server, struct move *move, struct error *err);

/* --- hosts --- */

/* What a host says of a server, if that is the move's affair.  *taken: it was.  facts: of live.h, or NULL. */
bool move_report(struct store *db, struct server *server, enum server_report report, const char *fault,
		 yyjson_val *facts, bool *taken, struct error *err);
/* The same of a server that is not the host's, or gone. */
bool move_report_other(struct store *db, const char *server_id, const char *host_id,
		       enum server_report report, int64_t generation, const char *fault, struct error *err);
/* Adds what the host shall do with servers whose rows name another host. */
bool move_desired(struct store *db, const char *host_id, int64_t since, yyjson_mut_doc *doc,
		  yyjson_mut_val *servers, struct error *err);
/* The server's host has nothing of it any more and its row goes: so does what is left of its move. */
bool move_server_removed(struct store *db, const char *server_id, struct error *err);

/* Moves that take too long; those that nobody confirmed within resize_confirm_window. */
bool move_housekeeping(struct store *db, struct error *err);

/* Is it one of the states of a move? */
static inline bool move_is_of(enum server_state state)
{
	return state >= SERVER_RESIZE_MIGRATING && state <= SERVER_LIVE_STAYING;
}
static inline bool move_is_live(enum server_state state)
{
	return state >= SERVER_LIVE_PREPARING && state <= SERVER_LIVE_STAYING;
}
