/* Within the scheduler: the hosts in the order of their weight.  But for rules that come with a request, a
 * host's weight depends on nothing of the request but whether it wants devices: so there are two orders, kept
 * from one decision to the next, and the first host that fits is the best. */
#pragma once

#include "scheduler/fleet.h"

/* Something that its weight depends on may have changed. */
void order_moved(const struct fleet_host *host);
/* The fleet was emptied. */
void order_forget(void);

/* Higher is better. */
double order_weight(const struct fleet_host *host, bool wants_devices);
/* Indexes of all hosts of the fleet, best first; of equals, who joined first.  Good until the next
 * order_moved(). */
const uint32_t *order_hosts(bool wants_devices);
/* What host->free_devices is, from a table that fits into the processor's cache.  After order_hosts(). */
uint32_t order_free_devices(uint32_t host);
