/* Within the scheduler: how many devices of each kind are free on each host, as one table for the whole
 * fleet, small and in a row: to say of most hosts that they have not enough without looking at them. */
#pragma once

#include "scheduler/place.h"

/* What fleet_count_pools() counted for the host; kinds that it has no more are none. */
void supply_set(const struct fleet_host *host);
void supply_forget(void);

/* Where one request finds its devices. */
struct supply_row {
	int node;	      /* PCI_NUMA_NONE: on no node */
	const uint16_t *free; /* by host */
};
struct supply_demand {
	struct supply_row rows[64];
	int row_count;
	unsigned count;	      /* devices that are wanted */
	bool near, with_none; /* all of one node; devices on no node count with each */
};

/* What is to be looked at for each request; demands[place->request_count].  A request of more kinds than
 * there is room for is left to place_fits(). */
void supply_demands(const struct place *place, struct supply_demand *demands);
/* false: it has certainly not enough. */
bool supply_suffices(const struct supply_demand *demands, size_t count, uint32_t host);
