/* Within the compute room: servers whose transitional state is past its deadline. */
#pragma once

#include "store/store.h"

/* [penstock] action_timeout and move_timeout, for what is neither a build nor a move. */
bool late_housekeeping(struct store *db, struct error *err);
