/* The table of free devices by kind and host. */
#include "scheduler/supply.h"

#include "base/memory.h"

#include <string.h>

static struct {
	uint16_t **free;     /* [kind][host] */
	size_t kinds, hosts; /* that there is room for */
} supply;

/* Rows grow with the fleet, by doubling. */
static void make_room(void)
{
	size_t hosts = supply.hosts ? supply.hosts : 64;

	while (hosts < fleet.count)
		hosts *= 2;
	for (size_t k = 0; hosts > supply.hosts && k < supply.kinds; k++) {
		supply.free[k] = memory_resize(supply.free[k], hosts * sizeof **supply.free);
		memset(supply.free[k] + supply.hosts, 0, (hosts - supply.hosts) * sizeof **supply.free);
	}
	supply.hosts = hosts;
	while (supply.kinds < fleet.kind_count) {
		uint16_t *row = memory_alloc(hosts * sizeof *row);

		*ARRAY_ADD(supply.free, supply.kinds) = row;
	}
}

void supply_set(const struct fleet_host *host)
{
	size_t index = (size_t)(host - fleet.hosts);

	make_room();
	for (size_t k = 0; k < supply.kinds; k++)
		supply.free[k][index] = 0;
	for (uint32_t i = 0; i < host->pool_count; i++) {
		uint32_t free_now = host->pools[i].free;

		supply.free[host->pools[i].kind][index] =
			(uint16_t)(free_now < UINT16_MAX ? free_now : UINT16_MAX);
	}
}

void supply_forget(void)
{
	for (size_t k = 0; k < supply.kinds; k++)
		free(supply.free[k]);
	free(supply.free);
	supply.free = NULL;
	supply.kinds = supply.hosts = 0;
}

/* A guest of one cell is on one node: with these policies so are its devices, or on none. */
static void demand_nearness(const struct place *place, size_t request, struct supply_demand *demand)
{
	const struct numa_guest *guest = place->request->numa;
	bool one = guest && guest->cell_count == 1;

	demand->with_none = place->policies[PCI_NUMA_LEGACY] >> request & 1;
	demand->near = one && (demand->with_none || (place->policies[PCI_NUMA_REQUIRED] >> request & 1));
}

void supply_demands(const struct place *place, struct supply_demand *demands)
{
	for (size_t r = 0; r < place->request_count; r++) {
		struct supply_demand *demand = &demands[r];

		demand->count = place->requests[r].count;
		demand->row_count = 0;
		demand_nearness(place, r, demand);
		for (size_t k = 0; k < supply.kinds; k++) {
			if (!((place->fits[k] | place->fits_last[k]) >> r & 1))
				continue;
			if (demand->row_count == (int)ELEMENTS_OF(demand->rows)) {
				demand->count = 0; /* too many to be worth it */
				break;
			}
			demand->rows[demand->row_count++] =
				(struct supply_row){.node = fleet.kinds[k].numa_node, .free = supply.free[k]};
		}
	}
}

/* The most that one node has, with what is on none. */
static unsigned most_near(const struct supply_demand *demand, uint32_t host)
{
	unsigned most = 0;

	for (int i = 0; i < demand->row_count; i++) {
		unsigned sum = 0;

		for (int k = 0; k < demand->row_count; k++) {
			if (demand->rows[k].node == demand->rows[i].node ||
			    (demand->with_none && demand->rows[k].node < 0))
				sum += demand->rows[k].free[host];
		}
		if (demand->rows[i].node >= 0 || demand->with_none)
			most = sum > most ? sum : most;
	}
	return most;
}

bool supply_suffices(const struct supply_demand *demands, size_t count, uint32_t host)
{
	for (size_t r = 0; r < count; r++) {
		const struct supply_demand *demand = &demands[r];
		unsigned sum = 0;

		for (int i = 0; i < demand->row_count; i++)
			sum += demand->rows[i].free[host];
		if (sum < demand->count || (demand->near && most_near(demand, host) < demand->count))
			return false;
	}
	return true;
}
