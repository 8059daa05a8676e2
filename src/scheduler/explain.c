/* Why a request does not fit on a host, in an operator's words. */
#include "base/memory.h"
#include "base/timestamp.h"
#include "scheduler/place.h"
#include "sys/sys.h"

#include <string.h>

static void explain_silence(const struct fleet_host *host, struct text *why)
{
	int64_t seconds = heartbeat_age(host->heartbeat->heard_at) / TIME_SECOND;

	text_add(why, "is down (last heard of ");
	if (seconds < 120)
		text_addf(why, "%lld s ago)", (long long)seconds);
	else if (seconds < 7200)
		text_addf(why, "%lld min ago)", (long long)seconds / 60);
	else if (seconds < 172800)
		text_addf(why, "%lld h ago)", (long long)seconds / 3600);
	else
		text_addf(why, "%lld days ago)", (long long)seconds / 86400);
}

static void explain_amount(const struct place_amount *a, struct text *why)
{
	int64_t left = a->capacity > a->used ? a->capacity - a->used : 0;

	text_addf(why, "needs %lld %s%s, ", (long long)a->wanted, a->unit, a->of);
	if (a->wanted > a->most)
		text_addf(why, "it has %lld in all", (long long)a->most);
	else
		text_addf(why, "%lld %s free", (long long)left, left == 1 ? "is" : "are");
}

/* What became of the devices that one request may have. */
struct census {
	unsigned offered, used, broken, blocked, unhealthy, grouped;
	const struct fleet_device *first_broken;  /* a PF with VFs in use */
	const struct fleet_device *first_blocked; /* a VF whose PF is in use */
	const struct fleet_device *first_grouped; /* one whose IOMMU group is closed */
	uint32_t first_ill;			  /* index of one that is unhealthy */
};

static void census_take(const struct place *place, const struct fleet_host *host, size_t request,
			struct census *census)
{
	for (uint32_t i = 0; i < host->device_count; i++) {
		const struct fleet_device *device = &host->devices[i];

		if (!device->offered || !(place_pool_fits(place, host, device->kind) >> request & 1))
			continue;
		census->offered++;
		if (device->claimed) {
			census->used++;
		} else if (!device->healthy) {
			if (census->unhealthy++ == 0)
				census->first_ill = i;
		} else if (device->vfs_claimed > 0) {
			census->broken++;
			if (!census->first_broken)
				census->first_broken = device;
		} else if (device->parent >= 0 && host->devices[device->parent].claimed) {
			census->blocked++;
			if (!census->first_blocked)
				census->first_blocked = device;
		} else if (device->group && host->groups[device->group - 1].closed) {
			census->grouped++;
			if (!census->first_grouped)
				census->first_grouped = device;
		}
	}
}

/* "needs 2 VFs of physnet_sriov" or "alias gpu: needs 2 devices". */
static void explain_wish(const struct place_request *request, struct text *why)
{
	bool typed = !request->alias || request->alias->typed;
	enum pci_type type = request->alias ? request->alias->type : request->type;

	if (request->alias)
		text_addf(why, "alias %s: ", request->alias->name);
	text_addf(why, "needs %u %s%s", request->count, request->trusted ? "trusted " : "",
		  pci_type_noun(typed ? type : PCI_TYPE_PCI, request->count));
	if (!request->alias && *request->physical_network)
		text_addf(why, " of %s", request->physical_network);
	else if (!request->alias)
		text_add(why, " without a physical network");
	text_add(why, ": ");
}

/* " of resource class CUSTOM_GPU in Placement with CUSTOM_BLUE and CUSTOM_LARGE" */
static void explain_resource(const struct pci_alias_spec *spec, struct text *why)
{
	if (!spec->resource_class)
		return;
	text_addf(why, "%sof resource class %s in Placement",
		  spec->has_vendor && spec->has_product ? " " : "", spec->resource_class);
	if (spec->traits[1])
		text_addf(why, " with the traits %.*s", (int)strlen(spec->traits) - 2, spec->traits + 1);
}

/* What an alias takes: ids, and what the device's spec must say of live migration. */
static void explain_ids(const struct pci_alias *alias, struct text *why)
{
	for (size_t i = 0; i < alias->spec_count; i++) {
		const struct pci_alias_spec *spec = &alias->specs[i];

		text_add(why, i == 0 ? " " : i + 1 == alias->spec_count ? " or " : ", ");
		if (spec->has_vendor && spec->has_product)
			text_addf(why, "%04x:%04x", spec->vendor_id, spec->product_id);
		explain_resource(spec, why);
		if (spec->live_migratable != PCI_TAG_UNSET)
			text_addf(why, " with live_migratable %s", spec->live_migratable ? "true" : "false");
	}
}

static void explain_none(const struct place_request *request, struct text *why)
{
	explain_wish(request, why);
	text_add(why, "it offers none");
	if (request->alias)
		explain_ids(request->alias, why);
}

static void explain_broken(const struct census *c, struct text *why)
{
	char address[PCI_ADDRESS_SIZE];

	text_addf(why, "the PF %s has %u of its VFs in use",
		  pci_address_format(c->first_broken->address, address), c->first_broken->vfs_claimed);
	if (c->broken > 1)
		text_addf(why, " and %u more PFs have", c->broken - 1);
}

static void explain_blocked(const struct fleet_host *host, const struct census *c, struct text *why)
{
	const struct fleet_device *pf = &host->devices[c->first_blocked->parent];
	char address[PCI_ADDRESS_SIZE];

	text_addf(why, "%u of %u go with a PF that is in use (%s)", c->blocked, c->offered,
		  pci_address_format(pf->address, address));
}

/* Whose mate it is that is in use. */
static void explain_grouped(const struct fleet_host *host, const struct census *c, struct text *why)
{
	char address[PCI_ADDRESS_SIZE];
	const struct fleet_device *mate = NULL;

	for (uint32_t i = 0; i < host->device_count && !mate; i++) {
		const struct fleet_device *device = &host->devices[i];

		if (device->group == c->first_grouped->group && (device->claimed || device->vfs_claimed > 0))
			mate = device;
	}
	if (mate)
		text_addf(why, "%u of %u share an IOMMU group with %s%s, which %s in use", c->grouped,
			  c->offered, mate->claimed ? "" : "VFs of ",
			  pci_address_format(mate->address, address), mate->claimed ? "is" : "are");
	else
		text_addf(
			why,
			"%u of %u are in an IOMMU group with VFs and other devices, which cannot go together",
			c->grouped, c->offered);
}

static void explain_unhealthy(const struct fleet_host *host, const struct census *c, struct text *why)
{
	char address[PCI_ADDRESS_SIZE];

	text_addf(why, "%u of %u cannot be used now", c->unhealthy, c->offered);
	for (uint32_t i = 0; i < host->ill_count; i++) {
		if (host->ill[i].device == c->first_ill)
			text_addf(why, " (%s: %s)",
				  pci_address_format(host->devices[c->first_ill].address, address),
				  host->ill[i].why);
	}
}

static void add_part(struct text *why, bool *first)
{
	if (!*first)
		text_add(why, ", ");
	*first = false;
}

static void explain_shortage(const struct fleet_host *host, const struct place_request *request,
			     const struct census *c, struct text *why)
{
	bool first = true;

	if (request->alias && c->offered == 1 && c->broken == 1) {
		text_addf(why, "alias %s: ", request->alias->name);
		explain_broken(c, why);
		return;
	}
	explain_wish(request, why);
	if (c->used + c->broken + c->blocked + c->unhealthy + c->grouped == 0)
		text_addf(why, "it has %u", c->offered);
	if (c->used) {
		add_part(why, &first);
		text_addf(why, "%u of %u %s in use", c->used, c->offered, c->used == 1 ? "is" : "are");
	}
	if (c->broken) {
		add_part(why, &first);
		explain_broken(c, why);
	}
	if (c->blocked) {
		add_part(why, &first);
		explain_blocked(host, c, why);
	}
	if (c->grouped) {
		add_part(why, &first);
		explain_grouped(host, c, why);
	}
	if (c->unhealthy) {
		add_part(why, &first);
		explain_unhealthy(host, c, why);
	}
}

static void explain_devices(const struct place *place, const struct fleet_host *host, struct text *why)
{
	for (size_t r = 0; r < place->request_count; r++) {
		struct census census = {0};

		census_take(place, host, r, &census);
		if (census.offered == 0) {
			explain_none(&place->requests[r], why);
			return;
		}
		if (census.offered - census.used - census.broken - census.blocked - census.unhealthy -
			    census.grouped <
		    place->requests[r].count) {
			explain_shortage(host, &place->requests[r], &census, why);
			return;
		}
	}
	text_addf(why,
		  "has devices for each wish, but not for all %zu together: they want the same ones, or a PF "
		  "and VFs "
		  "of it%s",
		  place->slot_count,
		  place_isolates(place) ? ", or (group_policy isolate) VFs of the same PF" : "");
}

/* --- cells --- */

static const char *policy_text(const struct place *place, size_t request)
{
	static const char *const texts[] = {
#define TEXT(name, text) [name] = text,
		PCI_NUMA_POLICIES(TEXT)
#undef TEXT
	};

	for (int policy = 0; policy < PCI_NUMA_POLICY_COUNT; policy++) {
		if (place->policies[policy] >> request & 1)
			return texts[policy];
	}
	return "none";
}

static unsigned free_on(const struct place *place, const struct fleet_host *host, size_t request, int node)
{
	unsigned count = 0;

	for (uint32_t i = 0; i < host->device_count; i++) {
		const struct fleet_device *device = &host->devices[i];

		count += fleet.kinds[device->kind].numa_node == node && fleet_device_is_free(host, device) &&
			 (place_pool_fits(place, host, device->kind) >> request & 1);
	}
	return count;
}

/* Devices, CPUs and memory are there, but not beside each other: the first request whose policy minds. */
static void explain_affinity(const struct place *place, const struct fleet_host *host, struct text *why)
{
	size_t r = 0;

	while (r + 1 < place->request_count && (place->policies[PCI_NUMA_PREFERRED] >> r & 1))
		r++;
	explain_wish(&place->requests[r], why);
	text_addf(why, "NUMA policy %s; ", policy_text(place, r));
	for (int i = 0; i < host->numa.cell_count; i++)
		text_addf(why, "node %d has %u free, ", host->numa.cells[i].id,
			  free_on(place, host, r, host->numa.cells[i].id));
	text_addf(why, "%u free on no node; not enough where the guest's CPUs and memory fit",
		  free_on(place, host, r, PCI_NUMA_NONE));
}

void place_explain_beside(const struct place *place, const struct fleet_host *host, struct text *why)
{
	if (place_devices_fit(place, host))
		explain_affinity(place, host, why);
	else
		explain_devices(place, host, why);
}

static bool networks_accept(void *context, const struct numa_host *host, uint64_t cells)
{
	return numa_networks_fit(host, cells, context);
}

/* CPUs and memory are there, but not near the networks, whatever the devices say. */
static bool explain_networks(const struct place *place, const struct fleet_host *host, struct text *why)
{
	const struct numa_networks *networks = place->request->networks;
	const struct numa_fit how = {.accept = networks_accept, .context = (void *)networks};
	int cells = place->request->numa->cell_count;

	if (!networks || numa_fit(&host->numa, place->request->numa, &how, NULL, NULL))
		return false;
	text_add(why, "needs to be near the networks ");
	numa_networks_explain(&host->numa, networks, why);
	if (cells == 1)
		text_add(why, ": no NUMA node near all of them has the CPUs and the memory");
	else
		text_addf(why, ": no %d NUMA nodes near all of them have the CPUs and the memory", cells);
	return true;
}

static void explain_fit(const struct place *place, const struct fleet_host *host, struct text *why)
{
	const struct numa_fit how = {.wants_devices = place->slot_count > 0};
	_cleanup_free_ struct numa_placement *numa = memory_alloc(sizeof *numa);

	if (place_has_topology(place) && !numa_fit(&host->numa, place->request->numa, &how, numa, why))
		return;
	if (place_has_topology(place) && explain_networks(place, host, why))
		return;
	if (place_has_topology(place) && place_devices_fit(place, host))
		explain_affinity(place, host, why);
	else
		explain_devices(place, host, why);
}

void place_explain(const struct place *place, const struct fleet_host *host, struct text *why)
{
	const char *zone = place->request->availability_zone;
	const struct scheduler_rule *broken = place_rule_broken(place, host);
	struct place_amount amounts[PLACE_AMOUNTS];

	if (zone && strcmp(zone, host->availability_zone) != 0) {
		text_addf(why, "is in availability zone %s, not %.63s", host->availability_zone, zone);
		return;
	}
	if (!host->enabled) {
		text_add(why, "is disabled");
		if (*host->disabled_reason)
			text_addf(why, " (%.200s)", host->disabled_reason);
		return;
	}
	if (host->vcpus == 0) {
		text_add(why, "has not told yet what it has");
		return;
	}
	if (host->forced_down) {
		text_add(why, "is forced down");
		return;
	}
	if (!heartbeat_is_up(host->heartbeat->heard_at)) {
		explain_silence(host, why);
		return;
	}
	if (broken) {
		text_add(why, broken->reason);
		return;
	}
	if (!filters_pass(&place->filters, host, why))
		return;
	place_amounts(place, host, amounts);
	for (int i = 0; i < PLACE_AMOUNTS; i++) {
		if (!place_amount_fits(&amounts[i])) {
			explain_amount(&amounts[i], why);
			return;
		}
	}
	explain_fit(place, host, why);
}
