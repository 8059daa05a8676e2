/* Within the scheduler: the hosts in the order of their weight.  But for rules that come with a request, a
 * host's weight depends on nothing of the request: so the order is kept from one decision to the next, and
 * the first host that fits is the best.
 *
 * The weighers are Nova's.  Nova normalises what each says over the hosts that passed the filters; here it is
 * all hosts of the site, and in a large site the ranges are those of a while ago: an eighth beyond them
 * changes nothing. */
#pragma once

#include "scheduler/fleet.h"

/* Something that its weight depends on may have changed. */
void order_moved(const struct fleet_host *host);
/* The fleet was emptied. */
void order_forget(void);

/* Higher is better.  After order_hosts(). */
double order_weight(const struct fleet_host *host);
/* Indexes of all hosts of the fleet, best first; of equals, who joined first.  Good until the next
 * order_moved(). */
const uint32_t *order_hosts(void);
