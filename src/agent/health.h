/* The devices that nobody has: are they fit to be given away?  What somebody has left on a VF of nobody's is
 * removed, what another process holds is not offered, and quarantined devices are looked at again.  It has a
 * thread of its own, because it may hang. */
#pragma once

#include "agent/known.h"

/* From now on a device is fit only after it has been looked at.  `blocked`: why nothing may be cleaned, or
 * "". */
void health_begin(const char *blocked);
/* Looks at all of them. */
void health_round(void);
/* Is it fit?  If not, `why` says why not.  Looks at files only.  With known_lock held. */
bool health_allows(const struct known_device *device, char *why, size_t size);
/* A round is due: something was left on a VF of nobody's.  Any thread. */
void health_call(void);
/* Is one (which it is then no more)? */
bool health_is_due(void);
/* Rounds until it is time to end. */
void *health_loop(void *argument);
