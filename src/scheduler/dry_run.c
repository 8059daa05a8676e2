/* What a claim would find on each host; changes nothing. */
#include "base/memory.h"
#include "scheduler/place.h"

static void add_devices(const struct place *place, const struct fleet_host *host, const int *chosen,
			struct text *lines)
{
	char address[PCI_ADDRESS_SIZE];

	for (size_t i = 0; i < place->slot_count; i++)
		text_addf(lines, "%s%s", i ? ", " : ", with ",
			  pci_address_format(host->devices[chosen[i]].address, address));
}

static void look_at(const struct place *place, const struct fleet_host *host, double *best,
		    const char **where, struct text *lines)
{
	int chosen[SCHEDULER_MAX_DEVICES];
	double weight;

	text_addf(lines, "%s: ", host->name);
	if (!place_fits(place, host, chosen)) {
		place_explain(place, host, lines);
		text_add(lines, "\n");
		return;
	}
	text_add(lines, "fits");
	add_devices(place, host, chosen, lines);
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
	for (size_t i = 0; i < fleet.count; i++) {
		if (fleet.hosts[i].there && place_is_asked_for(&place, &fleet.hosts[i]))
			look_at(&place, &fleet.hosts[i], &best, where, lines);
	}
	return true;
}
