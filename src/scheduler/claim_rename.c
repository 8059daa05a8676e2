/* A claim that goes on under another holder's name: what a server has left behind on a host, or is about to
 * leave, while the server itself claims on another host; and the two claims of a server that moves. */
#include "scheduler/scheduler.h"

/* A copy of the claim first: devices and CPUs refer to it. */
static bool rename_write(struct store *db, const char *from, const char *to, struct error *err)
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

/* The fleet in memory counts what is claimed and not by whom: a new name changes nothing there, and a host
 * that has to be read again finds the same sums. */
bool scheduler_claim_rename(struct store *db, const char *from, const char *to, struct error *err)
{
	if (!store_savepoint_begin(db, err))
		return false;
	if (rename_write(db, from, to, err) && store_savepoint_keep(db, err))
		return true;
	store_savepoint_undo(db);
	if (err->kind == ERROR_CONFLICT)
		error_set(err, ERROR_CONFLICT, "%.36s has a claim already.", to);
	return false;
}

#define NOBODY "-" /* no UUID: nobody else's */

bool scheduler_claims_swap(struct store *db, const char *server_id, const char *move_id, struct error *err)
{
	return rename_write(db, server_id, NOBODY, err) && rename_write(db, move_id, server_id, err) &&
	       rename_write(db, NOBODY, move_id, err);
}
