/* A simulated host on which one call of the agent's goes wrong: the n-th that it makes. */
#pragma once

#include "agent/world.h"

enum failing {
	FAILING_NOT,
	FAILING_REFUSED,   /* it is not done, and says so */
	FAILING_AWAY,	   /* of libvirt's: libvirtd is away */
	FAILING_UNHEARD,   /* it is done, and says that it was not */
	FAILING_LOST,	   /* of libvirt's: libvirtd goes away in the middle of it, and stays away until
			      failing_end() */
	FAILING_LOST_DONE, /* the same, but what was asked for is done */
	FAILING_HANGS,	   /* it does not return before failing_end() */
	FAILING_MODES
};

/* The simulated host with failures. */
const struct world *failing_world(void);
/* Until failing_end(); what hangs does so behind the deadlines that the agent has. */
void failing_begin(enum failing how, int n);
/* Nothing fails any more; what hung has returned.  False if n was more than there were calls. */
bool failing_end(void);
/* The call that failed, for messages. */
extern char failing_what[300];
