/* A flavor's group_policy = isolate: each device that its aliases ask for is of another provider, which for
 * VFs means of another PF.  (In Nova each device is a request group of Placement, and so it is for these.) */
#include "scheduler/place.h"
#include "scheduler/settings.h"

bool place_isolates(const struct place *place)
{
	return place->request->isolate && scheduler_settings.pci_in_placement;
}

/* The PF of a VF, or the device itself. */
static int provider_of(const struct fleet_host *host, const struct pci_candidate *candidate)
{
	int32_t parent = host->devices[candidate->device].parent;

	return parent >= 0 ? parent : candidate->device;
}

static bool is_first_of_pf(const struct fleet_host *host, const struct pci_candidate *candidates, size_t i,
			   uint64_t wanted)
{
	int provider = provider_of(host, &candidates[i]);

	for (size_t k = 0; k < i; k++) {
		if ((candidates[k].fits & wanted) && provider_of(host, &candidates[k]) == provider)
			return false;
	}
	return true;
}

/* VFs of a PF that Placement shows are alike (pci_reported_check), so that keeping the first leaves out no
 * choice. */
size_t place_isolate(const struct place *place, const struct fleet_host *host,
		     struct pci_candidate *candidates, size_t count)
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
		if (!is_first_of_pf(host, candidates, kept, of_aliases))
			candidate.fits &= ~of_aliases;
		if (candidate.fits)
			candidates[kept++] = candidate;
	}
	return kept;
}
