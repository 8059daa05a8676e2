/* When each host was last heard of. */
#include "scheduler/heartbeat.h"

#include "base/map.h"
#include "base/memory.h"
#include "scheduler/scheduler.h"
#include "sys/sys.h"

#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct map heartbeats;

struct heartbeat *heartbeat_of(const char *host_id)
{
	pthread_mutex_lock(&lock);
	struct heartbeat *heartbeat = map_get(&heartbeats, host_id);
	if (!heartbeat) {
		heartbeat = memory_alloc(sizeof *heartbeat);
		map_put(&heartbeats, host_id, heartbeat);
	}
	pthread_mutex_unlock(&lock);
	return heartbeat;
}

/* Wall-clock time as it was when the program began, and what has passed since: no host is down because
 * somebody sets the clock. */
static int64_t steady_now(void)
{
	static _Atomic int64_t offset = INT64_MIN;

	if (offset == INT64_MIN)
		offset = sys_now() - sys_monotonic();
	return sys_monotonic() + offset;
}

int64_t heartbeat_age(int64_t heard_at)
{
	return steady_now() - heard_at;
}

int64_t heartbeat_heard_at(const char *host_id, int64_t stored)
{
	int64_t heard_at = heartbeat_of(host_id)->heard_at;

	return heard_at ? heard_at : stored;
}

bool heartbeat_is_up(int64_t heard_at)
{
	/* One from the future is of before the clock was set back. */
	return llabs(steady_now() - heard_at) < SCHEDULER_DOWN_AFTER;
}

bool scheduler_host_heard(struct store *db, const char *host_id, struct error *err)
{
	(void)db;
	(void)err;
	heartbeat_of(host_id)->heard_at = steady_now();
	return true;
}

/* Undone with the transaction, the next write comes all the sooner. */
static void heartbeat_undone(void *argument, bool committed)
{
	struct heartbeat *heartbeat = argument;

	if (!committed)
		heartbeat->stored_at = 0;
}

bool heartbeat_store(struct store *db, const char *host_id, struct heartbeat *heartbeat, struct error *err)
{
	int64_t heard_at = heartbeat->heard_at;

	if (llabs(heard_at - heartbeat->stored_at) < HEARTBEAT_STORE_EVERY)
		return true;
	store_on_end(db, heartbeat_undone, heartbeat);
	heartbeat->stored_at = heard_at;
	return store_exec(db, err, "UPDATE host_state SET heard_at = ?2 WHERE host_id = ?1", V(host_id),
			  V(heard_at));
}
