/* The guard: PFs stay up, and VFs stay as they were programmed, whatever else is typed on this host.  It
 * looks when the kernel tells of a change, and every second besides, as events get lost and some changes are
 * not told (those of a PF that is down, those that a guest makes). */
#pragma once

#include "agent/guard_table.h"

/* [penstock] keep_pfs_up; before threads start. */
void guard_configure(bool keep_pfs_up);
/* One look at all PFs that the last inventory knows.  True: something is to be looked at again soon. */
bool guard_pass(void);
/* What the PF cannot do (NIC_...); false if it was not looked at yet.  Any thread. */
bool guard_lacks(const char *pf_address, unsigned *lacks);
/* Looks until the agent is to end: a thread of its own. */
void *guard_loop(void *argument);
