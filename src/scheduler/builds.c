/* What hosts are building and what they failed to build of late: two weighers and a filter look at it.  It is
 * kept in memory only, as Nova keeps it, and begins anew with the process. */
#include "base/memory.h"
#include "scheduler/fleet.h"
#include "scheduler/order.h"
#include "scheduler/scheduler.h"

#include <string.h>

struct undo {
	char host_id[37];
	int building;
	uint32_t failed_builds; /* before */
};

static void change(struct fleet_host *host, int building, uint32_t failed_builds)
{
	host->building += building;
	host->failed_builds = failed_builds;
	order_moved(host);
}

static void build_undone(void *argument, bool committed)
{
	_cleanup_free_ struct undo *undo = argument;
	struct fleet_host *host = committed ? NULL : fleet_find(undo->host_id);

	if (host)
		change(host, -undo->building, undo->failed_builds);
}

static void build_changes(struct store *db, const char *host_id, int building, bool failed, bool done)
{
	struct fleet_host *host = fleet_find(host_id);
	struct undo *undo;

	if (!host)
		return;
	undo = memory_alloc(sizeof *undo);
	memcpy(undo->host_id, host->id, sizeof undo->host_id);
	undo->building = building;
	undo->failed_builds = host->failed_builds;
	store_on_end(db, build_undone, undo);
	change(host, building, failed ? host->failed_builds + 1 : done ? 0 : host->failed_builds);
}

void scheduler_build_begins(struct store *db, const char *host_id)
{
	build_changes(db, host_id, 1, false, false);
}

void scheduler_build_ends(struct store *db, const char *host_id, enum scheduler_build build)
{
	const struct fleet_host *host = fleet_find(host_id);
	int ends = host && host->building > 0; /* else it began before the process did */

	build_changes(db, host_id, -ends, build == SCHEDULER_BUILD_FAILED, build == SCHEDULER_BUILD_DONE);
}
