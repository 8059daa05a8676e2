/* Within the compute room: deadlines that are in the database, when somebody sets the clock. */
#pragma once

#include "store/store.h"

/* Moves the times from which deadlines count by as much as the wall clock was set since the last call; with
 * the first call, those that lie in the future begin now.  Before deadlines are looked at, on the writer's
 * thread, in a transaction. */
bool clock_step_follow(struct store *db, struct error *err);
