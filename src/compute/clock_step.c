/* Deadlines count from wall-clock times that outlive the process.  A clock that is set (by hand, or by NTP
 * after a boot) would end a build an hour early, or let a deletion hang an hour longer: the times follow it.
 * What was set while nobody looked is not known; then no time is later than now. */
#include "compute/clock_step.h"

#include "base/log.h"
#include "base/timestamp.h"
#include "sys/sys.h"

#include <stdlib.h>

#define STEP_MIN (2 * TIME_SECOND) /* less is slewing, or a slow look */

static struct {
	bool known;
	int64_t offset, before; /* of the wall clock from the monotonic one */
} clock_step;

static void step_ends(void *argument, bool committed)
{
	(void)argument;
	if (!committed)
		clock_step.offset = clock_step.before;
}

static void clamp_ends(void *argument, bool committed)
{
	(void)argument;
	clock_step.known = committed;
}

static bool move_times(struct store *db, int64_t by, struct error *err)
{
	return store_exec(db, err,
			  "UPDATE server SET state_since = state_since + ?1, build_since = build_since + ?1",
			  V(by)) &&
	       store_exec(db, err, "UPDATE server_move SET phase_at = phase_at + ?1 WHERE open = 1", V(by));
}

static bool clamp_times(struct store *db, int64_t now, struct error *err)
{
	return store_exec(db, err,
			  "UPDATE server SET state_since = min(state_since, ?1), build_since = "
			  "min(build_since, ?1)"
			  " WHERE state_since > ?1 OR build_since > ?1",
			  V(now)) &&
	       store_exec(db, err, "UPDATE server_move SET phase_at = ?1 WHERE open = 1 AND phase_at > ?1",
			  V(now));
}

bool clock_step_follow(struct store *db, struct error *err)
{
	int64_t now = sys_now(), offset = now - sys_monotonic(), by = offset - clock_step.offset;

	if (!clock_step.known) {
		clock_step.known = true;
		clock_step.offset = offset;
		store_on_end(db, clamp_ends, NULL);
		return clamp_times(db, now, err);
	}
	if (llabs(by) < STEP_MIN)
		return true;
	log_info("The clock was set by %lld s; deadlines go with it.", (long long)(by / TIME_SECOND));
	clock_step.before = clock_step.offset;
	clock_step.offset = offset;
	store_on_end(db, step_ends, NULL);
	return move_times(db, by, err);
}
