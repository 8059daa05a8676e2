/* The two claims of a server that moves.  The fleet knows not whose a claim is: only the rows change. */
#include "scheduler/scheduler.h"

/* No UUID: nobody else's. */
#define NOBODY "-"

static bool claim_rename(struct store *db, const char *from, const char *to, struct error *err)
{
	return store_exec(
		       db, err,
		       "INSERT INTO claim (server_id, host_id, vcpus, memory_mb, disk_gb, numa) "
		       "SELECT ?2, host_id, vcpus, memory_mb, disk_gb, numa FROM claim WHERE server_id = ?1",
		       V(from), V(to)) &&
	       store_exec(db, err, "UPDATE device_claim SET server_id = ?2 WHERE server_id = ?1", V(from),
			  V(to)) &&
	       store_exec(db, err, "UPDATE cpu_claim SET server_id = ?2 WHERE server_id = ?1", V(from),
			  V(to)) &&
	       store_exec(db, err, "DELETE FROM claim WHERE server_id = ?1", V(from));
}

bool scheduler_claims_swap(struct store *db, const char *server_id, const char *move_id, struct error *err)
{
	return claim_rename(db, server_id, NOBODY, err) && claim_rename(db, move_id, server_id, err) &&
	       claim_rename(db, NOBODY, move_id, err);
}
