/* What a claim would find on each host; changes nothing. */
#include "base/memory.h"
#include "scheduler/order.h"
#include "scheduler/place.h"

static void add_devices(const struct place *place, const struct fleet_host *host, const int *chosen,
			struct text *lines)
{
	char address[PCI_ADDRESS_SIZE];

	for (size_t i = 0; i < place->slot_count; i++)
		text_addf(lines, "%s%s", i ? ", " : ", with ",
			  pci_address_format(host->devices[chosen[i]].address, address));
}

static void add_cells(const struct numa_placement *numa, struct text *lines)
{
	char text[CPU_SET_TEXT_SIZE];

	for (int i = 0; i < numa->cell_count; i++) {
		const struct numa_placement_cell *cell = &numa->cells[i];

		text_addf(lines, "%s NUMA node %d", i ? "," : ", on", cell->host_cell);
		if (!cpu_set_is_empty(&cell->taken))
			text_addf(lines, " (CPUs %s)", cpu_set_format(&cell->taken, text));
	}
}

static void look_at(const struct place *place, const struct fleet_host *host, double *best,
		    const char **where, struct text *lines)
{
	_cleanup_free_ struct numa_placement *numa = memory_alloc(sizeof *numa);
	int chosen[SCHEDULER_MAX_DEVICES];
	double weight;

	text_addf(lines, "%s: ", host->name);
	if (!place_fits(place, host, chosen, numa)) {
		place_explain(place, host, lines);
		text_add(lines, "\n");
		return;
	}
	text_add(lines, "fits");
	add_devices(place, host, chosen, lines);
	add_cells(numa, lines);
	text_add(lines, "\n");
	weight = place_weight(place, host);
	if (!*where || weight > *best) {
		*where = host->name;
		*best = weight;
	}
}

bool scheduler_dry_run(struct store *db, const struct scheduler_request *request, struct text *lines,
		       const char **where, struct error *err)
{
	_cleanup_(place_done) struct place place = {0};
	double best = 0;

	*where = NULL;
	if (!fleet_refresh(db, err) || !place_begin(&place, request, err))
		return false;
	order_hosts(); /* weights are good now */
	for (size_t i = 0; i < fleet.count; i++) {
		if (fleet.hosts[i].there && place_is_asked_for(&place, &fleet.hosts[i]))
			look_at(&place, &fleet.hosts[i], &best, where, lines);
	}
	return true;
}
