/* A flavor's group_policy = isolate: each device that its aliases ask for is of another provider, which for
 * VFs means of another PF.  (In Nova each device is a request group of Placement, and so it is for these.) */
#include "scheduler/place.h"
#include "scheduler/settings.h"

bool place_isolates(const struct place *place)
{
	return place->request->isolate && scheduler_settings.pci_in_placement;
}

static bool is_first_of_pf(const struct pci_candidate *candidates, size_t i, uint64_t wanted)
{
	for (size_t k = 0; k < i; k++) {
		if (candidates[k].pf == candidates[i].pf && (candidates[k].fits & wanted))
			return false;
	}
	return true;
}

/* VFs of a PF that Placement shows are alike (pci_reported_check), so that keeping the first leaves out no
 * choice. */
size_t place_isolate(const struct place *place, struct pci_candidate *candidates, size_t count)
{
	uint64_t of_aliases = 0;
	size_t kept = 0;

	if (!place_isolates(place))
		return count;
	for (size_t r = 0; r < place->request_count; r++)
		of_aliases |= (uint64_t)(place->requests[r].alias != NULL) << r;
	for (size_t i = 0; i < count; i++) {
		struct pci_candidate candidate = candidates[i];

		candidates[kept] = candidate;
		if (candidate.pf >= 0 && !is_first_of_pf(candidates, kept, of_aliases))
			candidate.fits &= ~of_aliases;
		if (candidate.fits)
			candidates[kept++] = candidate;
	}
	return kept;
}
