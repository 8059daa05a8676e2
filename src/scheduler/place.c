/* Does a request fit on a host, and how well. */
#include "scheduler/place.h"

#include "base/memory.h"
#include "scheduler/order.h"
#include "scheduler/settings.h"
#include "scheduler/supply.h"
#include "sys/sys.h"

#include <string.h>
#include <strings.h>

/* --- the request --- */

/* sriovnicswitch's types; anything else takes no device and does not come here.  A macvtap port is a VF whose
 * netdev stays on the host. */
static bool port_type(const struct scheduler_port_request *port, enum pci_type *type, struct error *err)
{
	if (strcmp(port->vnic_type, "direct-physical") == 0)
		*type = PCI_TYPE_PF;
	else if (strcmp(port->vnic_type, "direct") == 0 || strcmp(port->vnic_type, "macvtap") == 0)
		*type = PCI_TYPE_VF;
	else
		return error_set(err, ERROR_BAD_REQUEST, "Port %s: no device can be had for vnic type %s.",
				 port->port_id, port->vnic_type);
	return true;
}

static struct place_request *request_of_port(struct place *place, enum pci_type type,
					     const struct scheduler_port_request *port)
{
	for (size_t i = 0; i < place->request_count; i++) {
		struct place_request *request = &place->requests[i];

		if (request->type == type && request->trusted == port->trusted &&
		    strcmp(request->numa_policy, port->numa_policy) == 0 &&
		    strcasecmp(request->physical_network, port->physical_network) == 0)
			return request;
	}
	struct place_request *request = &place->requests[place->request_count++];
	*request = (struct place_request){.type = type,
					  .physical_network = port->physical_network,
					  .numa_policy = port->numa_policy,
					  .trusted = port->trusted};
	return request;
}

static void slots_add(struct place *place, struct place_request *request, unsigned count)
{
	request->count += count;
	while (count-- > 0)
		place->slots[place->slot_count++] = (uint8_t)(request - place->requests);
}

static bool requests_of_ports(struct place *place, struct error *err)
{
	const struct scheduler_request *request = place->request;
	enum pci_type type = PCI_TYPE_VF;

	if (request->port_count > SCHEDULER_MAX_REQUESTS)
		return error_set(err, ERROR_BAD_REQUEST, "At most %d ports of a server can have devices.",
				 SCHEDULER_MAX_REQUESTS);
	for (size_t i = 0; i < request->port_count; i++) {
		if (!port_type(&request->ports[i], &type, err))
			return false;
		slots_add(place, request_of_port(place, type, &request->ports[i]), 1);
	}
	return true;
}

static bool requests_of_aliases(struct place *place, struct error *err)
{
	struct pci_alias_request aliases[SCHEDULER_MAX_REQUESTS];
	size_t count;

	if (!place->request->alias_spec)
		return true;
	if (!pci_alias_requests(&scheduler_settings.aliases, place->request->alias_spec, aliases,
				ELEMENTS_OF(aliases), SCHEDULER_MAX_DEVICES - (int)place->slot_count, &count,
				err))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct place_request *request = &place->requests[place->request_count++];

		*request = (struct place_request){.alias = aliases[i].alias,
						  .physical_network = "",
						  .numa_policy = ""};
		slots_add(place, request, (unsigned)aliases[i].count);
	}
	return true;
}

/* A port without physical network takes untagged devices (Nova: None equals a missing key). */
static enum pci_fit request_fits(const struct place_request *request, const struct pci_kind *kind)
{
	if (request->alias)
		return pci_alias_fits(request->alias, kind);
	return kind->type == request->type && !kind->remote_managed && (!request->trusted || kind->trusted) &&
			       strcasecmp(kind->physical_network, request->physical_network) == 0
		       ? PCI_FIT_YES
		       : PCI_FIT_NO;
}

/* A port's own policy goes before a flavor's or an image's, that before an alias's; without any it is legacy.
 */
static void policies_set(struct place *place)
{
	const struct numa_guest *guest = place->request->numa;

	for (size_t r = 0; r < place->request_count; r++) {
		const struct pci_alias *alias = place->requests[r].alias;
		enum pci_numa_policy policy = guest && guest->has_pci_policy ? guest->pci_policy
					      : alias			     ? alias->numa_policy
									     : PCI_NUMA_LEGACY;

		pci_numa_policy_parse(place->requests[r].numa_policy, &policy);
		place->policies[policy] |= UINT64_C(1) << r;
	}
}

bool place_begin(struct place *place, const struct scheduler_request *request, struct error *err)
{
	*place = (struct place){.request = request};
	place_rules_begin(place);
	if (!filters_begin(request, &place->filters, err) || !requests_of_ports(place, err) ||
	    !requests_of_aliases(place, err))
		return false;
	if (place->request_count == 0)
		return true;
	policies_set(place);
	place->fits = memory_alloc((fleet.kind_count + 1) * sizeof *place->fits);
	place->fits_last = memory_alloc((fleet.kind_count + 1) * sizeof *place->fits_last);
	for (size_t kind = 0; kind < fleet.kind_count; kind++) {
		for (size_t r = 0; r < place->request_count; r++) {
			enum pci_fit fit = request_fits(&place->requests[r], &fleet.kinds[kind]);

			place->fits[kind] |= (uint64_t)(fit == PCI_FIT_YES) << r;
			place->fits_last[kind] |= (uint64_t)(fit == PCI_FIT_LAST) << r;
		}
	}
	return true;
}

void place_done(struct place *place)
{
	place_rules_done(place);
	filters_done(&place->filters);
	free(place->fits);
	free(place->fits_last);
}

/* --- amounts --- */

int64_t place_shared_vcpus(const struct scheduler_request *request)
{
	int64_t dedicated = 0;

	for (int i = 0; request->numa && i < request->numa->cell_count; i++)
		dedicated += cpu_set_count(&request->numa->cells[i].dedicated);
	return request->vcpus - dedicated;
}

/* As Placement counts: what is not reserved, times the ratio; and one server never more than the host really
 * has. */
void place_amounts(const struct place *place, const struct fleet_host *host,
		   struct place_amount amounts[PLACE_AMOUNTS])
{
	const struct scheduler_request *request = place->request;
	const struct scheduler_settings *s = &scheduler_settings;

	amounts[0] = (struct place_amount){.unit = "",
					   .of = "vCPUs",
					   .wanted = place_shared_vcpus(request),
					   .most = host->shared_vcpus,
					   .capacity = (int64_t)((double)host->shared_vcpus * s->cpu_ratio),
					   .used = host->vcpus_used};
	amounts[1] = (struct place_amount){.unit = "MB of ",
					   .of = "memory",
					   .wanted = request->memory_mb,
					   .most = host->total_memory_mb,
					   .capacity = (int64_t)((double)host->memory_mb * s->ram_ratio),
					   .used = host->memory_mb_used};
	amounts[2] = (struct place_amount){.unit = "GB of ",
					   .of = "disk",
					   .wanted = request->disk_gb,
					   .most = host->disk_gb,
					   .capacity = (int64_t)((double)host->disk_gb * s->disk_ratio),
					   .used = host->disk_gb_used};
}

bool place_amount_fits(const struct place_amount *amount)
{
	return amount->wanted <= 0 ||
	       (amount->wanted <= amount->most && amount->wanted <= amount->capacity - amount->used);
}

bool place_is_asked_for(const struct place *place, const struct fleet_host *host)
{
	const char *name = place->request->host;

	return !name || strcmp(name, host->name) == 0 || strcmp(name, host->id) == 0;
}

static bool host_fits(const struct place *place, const struct fleet_host *host)
{
	struct place_amount amounts[PLACE_AMOUNTS];
	const char *zone = place->request->availability_zone;

	if (!host->there || !host->enabled || host->forced_down || !place_is_asked_for(place, host) ||
	    (zone && strcmp(zone, host->availability_zone) != 0) ||
	    !heartbeat_is_up(host->heartbeat->heard_at) || place_rule_broken(place, host) ||
	    !filters_pass(&place->filters, host, NULL))
		return false;
	place_amounts(place, host, amounts);
	return host->vcpus > 0 && place_amount_fits(&amounts[0]) && place_amount_fits(&amounts[1]) &&
	       place_amount_fits(&amounts[2]);
}

/* --- devices --- */

uint64_t place_pool_fits(const struct place *place, const struct fleet_host *host, uint32_t kind)
{
	uint64_t last = place->fits_last[kind];

	for (uint32_t i = 0; last && i < host->pool_count; i++) {
		if (host->pools[i].offered)
			last &= ~place->fits[host->pools[i].kind];
	}
	return place->fits[kind] | last;
}

/* The host cells that a guest with a topology would be on. */
struct affinity {
	const struct numa_host *host;
	uint64_t cells;
};

static enum numa_distance distance_of(const struct affinity *affinity, int node)
{
	return affinity ? numa_distance(affinity->host, affinity->cells, node) : NUMA_NEAR;
}

/* Which requests may have a device at this distance: their policies say.  Without a topology (NUMA_NEAR)
 * every policy is satisfied, as in Nova (NU-1). */
static uint64_t policies_allow(const struct place *place, enum numa_distance distance)
{
	uint64_t allowed = 0;

	for (int policy = 0; policy < PCI_NUMA_POLICY_COUNT; policy++) {
		if (numa_policy_allows((enum pci_numa_policy)policy, distance))
			allowed |= place->policies[policy];
	}
	return allowed;
}

/* Cheap and necessary: each request by itself finds enough. */
static bool pools_suffice(const struct place *place, const struct fleet_host *host,
			  const struct affinity *affinity)
{
	uint32_t available[PCI_ASSIGN_MAX_REQUESTS] = {0};

	for (uint32_t i = 0; i < host->pool_count; i++) {
		uint32_t kind = host->pools[i].kind;
		uint64_t fits =
			host->pools[i].free
				? place_pool_fits(place, host, kind) &
					  policies_allow(place,
							 distance_of(affinity, fleet.kinds[kind].numa_node))
				: 0;

		for (; fits; fits &= fits - 1)
			available[__builtin_ctzll(fits)] += host->pools[i].free;
	}
	for (size_t r = 0; r < place->request_count; r++) {
		if (available[r] < place->requests[r].count)
			return false;
	}
	return true;
}

struct ranked {
	uint64_t rank;
	struct pci_candidate candidate;
};

/* Lowest first: near the guest; fewer tags, so that what only few requests may have is kept for them (as in
 * Nova); VFs of PFs that are broken up already or cannot be had whole, fullest first, so that whole PFs stay
 * free as long as they can; PFs with few VFs; then by address. */
static uint64_t device_rank(const struct fleet_host *host, const struct fleet_device *device,
			    const struct affinity *affinity)
{
	const struct pci_kind *kind = &fleet.kinds[device->kind];
	uint64_t tags = kind->tag_count < 63 ? (uint64_t)kind->tag_count : 63, use = 0, count = 0;

	if (kind->type == PCI_TYPE_PF)
		count = device->vfs;
	if (device->parent >= 0) {
		const struct fleet_device *pf = &host->devices[device->parent];

		use = pf->vfs_claimed > 0 ? 0 : pf->offered ? 2 : 1;
		count = (uint64_t)(pf->vfs - pf->vfs_claimed);
	}
	return (uint64_t)distance_of(affinity, kind->numa_node) << 62 | tags << 56 | use << 54 | count << 32 |
	       (uint64_t)(device - host->devices);
}

static int ranked_compare(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;

	return a->rank < b->rank ? -1 : a->rank > b->rank;
}

/* Of VFs of one PF that are alike, more than there are slots make no difference. */
struct alike {
	uint32_t kind;
	uint32_t count; /* that were taken for candidates */
};

static bool is_wanted_still(const struct place *place, const struct fleet_device *vf,
			    const struct alike *alike)
{
	const struct alike *a = vf->parent >= 0 ? &alike[vf->parent] : NULL;

	return !a || a->count < place->slot_count || a->kind != vf->kind;
}

/* The first VF of each PF says of which kind they are counted. */
static void alike_count(const struct fleet_device *vf, struct alike *alike)
{
	struct alike *a = vf->parent >= 0 ? &alike[vf->parent] : NULL;

	if (a && a->count == 0)
		a->kind = vf->kind;
	if (a && a->kind == vf->kind)
		a->count++;
}

static size_t candidates_find(const struct place *place, const struct fleet_host *host,
			      const struct affinity *affinity, struct pci_candidate *candidates)
{
	_cleanup_free_ struct ranked *ranked = memory_alloc(host->device_count * sizeof *ranked);
	_cleanup_free_ struct alike *alike = memory_alloc(host->device_count * sizeof *alike);
	size_t count = 0;

	for (uint32_t i = 0; i < host->device_count; i++) {
		const struct fleet_device *device = &host->devices[i];
		const struct pci_kind *kind = &fleet.kinds[device->kind];
		uint64_t fits = 0;

		if (is_wanted_still(place, device, alike) && fleet_device_is_free(host, device))
			fits = place_pool_fits(place, host, device->kind) &
			       policies_allow(place, distance_of(affinity, kind->numa_node));
		if (!fits)
			continue;
		alike_count(device, alike);
		ranked[count++] = (struct ranked){.rank = device_rank(host, device, affinity),
						  .candidate = {.fits = fits,
								.device = (int)i,
								.unit = fleet_device_unit(host, device),
								.whole = device->parent < 0,
								.numa_node = kind->numa_node}};
	}
	qsort(ranked, count, sizeof *ranked, ranked_compare);
	for (size_t i = 0; i < count; i++)
		candidates[i] = ranked[i].candidate;
	return count;
}

static bool devices_fit(const struct place *place, const struct fleet_host *host,
			const struct affinity *affinity, int *chosen)
{
	_cleanup_free_ struct pci_candidate *candidates = NULL;
	size_t count;

	if (!pools_suffice(place, host, affinity))
		return false;
	candidates = memory_alloc(host->device_count * sizeof *candidates);
	count = place_isolate(place, host, candidates, candidates_find(place, host, affinity, candidates));
	if (!pci_assign(candidates, count, place->slots, place->slot_count, chosen))
		return false;
	for (size_t i = 0; i < place->slot_count; i++)
		chosen[i] = candidates[chosen[i]].device;
	return true;
}

bool place_devices_fit(const struct place *place, const struct fleet_host *host)
{
	int chosen[SCHEDULER_MAX_DEVICES];

	return place->slot_count == 0 || devices_fit(place, host, NULL, chosen);
}

bool place_devices_beside(const struct place *place, const struct fleet_host *host,
			  const struct numa_placement *numa, int *chosen)
{
	struct affinity affinity = {.host = &host->numa};

	for (int i = 0; numa && i < numa->cell_count; i++) {
		for (int k = 0; k < host->numa.cell_count; k++) {
			if (host->numa.cells[k].id == numa->cells[i].host_cell)
				affinity.cells |= UINT64_C(1) << k;
		}
	}
	return devices_fit(place, host, numa && numa->cell_count ? &affinity : NULL, chosen);
}

/* --- cells --- */

struct cells_try {
	const struct place *place;
	const struct fleet_host *host;
	int *chosen;
};

static bool cells_accept(void *context, const struct numa_host *numa, uint64_t cells)
{
	const struct cells_try *try = context;
	const struct affinity affinity = {.host = numa, .cells = cells};
	const struct numa_networks *networks = try->place->request->networks;

	return (!networks || numa_networks_fit(numa, cells, networks)) &&
	       (try->place->slot_count == 0 || devices_fit(try->place, try->host, &affinity, try->chosen));
}

static bool cells_matter(const struct place *place, const struct numa_host *numa)
{
	return place->slot_count > 0 ||
	       (place->request->networks && (numa->network_count > 0 || numa->tunnel_cells));
}

bool place_has_topology(const struct place *place)
{
	const struct numa_guest *guest = place->request->numa;

	return guest && (guest->cell_count > 0 || guest->hyperthreads != NUMA_HYPERTHREADS_ANY);
}

static bool cells_fit(const struct place *place, const struct fleet_host *host, int *chosen,
		      struct numa_placement *numa)
{
	struct cells_try try = {.place = place, .host = host, .chosen = chosen};
	struct numa_fit how = {.accept = cells_matter(place, &host->numa) ? cells_accept : NULL,
			       .context = &try,
			       .wants_devices = place->slot_count > 0};

	if (!numa_fit(&host->numa, place->request->numa, &how, numa, NULL))
		return false;
	/* A trait alone makes no cells: the devices were not looked at. */
	return numa->cell_count > 0 || place->slot_count == 0 || devices_fit(place, host, NULL, chosen);
}

bool place_fits(const struct place *place, const struct fleet_host *host, int *chosen,
		struct numa_placement *numa)
{
	if (numa)
		numa->cell_count = 0;
	if (!host_fits(place, host))
		return false;
	if (place_has_topology(place))
		return cells_fit(place, host, chosen, numa);
	return place->slot_count == 0 || devices_fit(place, host, NULL, chosen);
}

/* --- weight --- */

double place_weight(const struct place *place, const struct fleet_host *host)
{
	return place_rules_weight(place, host) + order_weight(host);
}

/* --- the choice --- */

void place_choice_done(struct place_choice *choice)
{
	free(choice->numa);
	free(choice->mates);
	*choice = (struct place_choice){0};
}

/* Fills in the host if it fits. */
static bool choose(const struct place *place, struct fleet_host *host, struct place_choice *choice)
{
	if (!host->there || !place_fits(place, host, choice->chosen, choice->numa))
		return false;
	choice->host = host;
	choice->weight = place_weight(place, host);
	return true;
}

static void choice_copy(const struct place *place, const struct place_choice *from, struct place_choice *to)
{
	to->host = from->host;
	to->weight = from->weight;
	memcpy(to->chosen, from->chosen, place->slot_count * sizeof *to->chosen);
	if (to->numa)
		*to->numa = *from->numa;
}

/* Rules that weigh hosts: one further down the order may be the best, unless the rules cannot lift it up. */
static void choose_with_rules(const struct place *place, const uint32_t *hosts, struct place_choice *best)
{
	struct place_choice choice = {.numa = best->numa ? memory_alloc(sizeof *choice.numa) : NULL};
	double most = place_rules_most(place);

	for (size_t i = 0; i < fleet.count; i++) {
		struct fleet_host *host = &fleet.hosts[hosts[i]];

		if (best->host && order_weight(host) + most <= best->weight)
			break;
		if ((!best->host || place_weight(place, host) > best->weight) && choose(place, host, &choice))
			choice_copy(place, &choice, best);
	}
	place_choice_done(&choice);
}

/* The first hosts of the order that fit, at most `most`; *best is what would be had on the last of them. */
static size_t find_fitting(const struct place *place, const uint32_t *hosts, size_t from, size_t most,
			   uint32_t *fitting, struct place_choice *best)
{
	_cleanup_free_ struct supply_demand *demands = NULL;
	size_t count = 0;

	if (place->request_count) {
		demands = memory_alloc(place->request_count * sizeof *demands);
		supply_demands(place, demands);
	}
	for (size_t i = from; i < fleet.count && count < most; i++) {
		if (supply_suffices(demands, place->request_count, hosts[i]) &&
		    choose(place, &fleet.hosts[hosts[i]], best))
			fitting[count++] = (uint32_t)i;
	}
	return count;
}

static size_t random_below(size_t limit)
{
	uint64_t number;

	sys_random(&number, sizeof number);
	return (size_t)(number % limit);
}

/* Some host that is as good as the first that fits. */
static uint32_t any_equal(const struct place *place, const uint32_t *hosts, uint32_t first,
			  struct place_choice *best)
{
	double weight = order_weight(&fleet.hosts[hosts[first]]);
	size_t end = first + 1;
	uint32_t other;

	while (end < fleet.count && order_weight(&fleet.hosts[hosts[end]]) == weight)
		end++;
	size_t from = first + random_below(end - first);
	if (find_fitting(place, hosts, from, 1, &other, best) == 1 && other < end)
		return other;
	return first;
}

/* Of the best hosts, as many as host_subset_size, any. */
static void choose_in_order(const struct place *place, const uint32_t *hosts, struct place_choice *best)
{
	const struct scheduler_settings *s = &scheduler_settings;
	size_t most = (uint64_t)s->subset_size < fleet.count ? (size_t)s->subset_size : fleet.count;
	_cleanup_free_ uint32_t *fitting = memory_alloc((most + 1) * sizeof *fitting);
	size_t count = find_fitting(place, hosts, 0, most, fitting, best);
	uint32_t chosen;

	if (count == 0 || (most == 1 && !s->shuffle))
		return;
	chosen = fitting[random_below(count)];
	if (s->shuffle && chosen == fitting[0])
		chosen = any_equal(place, hosts, chosen, best);
	choose(place, &fleet.hosts[hosts[chosen]], best);
}

static void find_best(const struct place *place, struct place_choice *best)
{
	const uint32_t *hosts = order_hosts();

	*best = (struct place_choice){.numa = place_has_topology(place) ? memory_alloc(sizeof *best->numa)
									: NULL};
	if (place_rules_weigh(place))
		choose_with_rules(place, hosts, best);
	else
		choose_in_order(place, hosts, best);
}

/* The best of the hosts that fit; of equals, the one that joined first. */
void place_choose(const struct place *place, struct place_choice *best)
{
	find_best(place, best);
	if (best->host)
		best->mate_count = fleet_mates(best->host, best->chosen, place->slot_count, &best->mates);
}
