/* Choosing exact devices on one host: an assignment of slots to devices that respects the exclusion of a PF
 * and its VFs.  If one exists it is found: the search backtracks, but tries only one of several devices that
 * are alike. Devices that leave whole PFs free come first: VFs of PFs that have VFs in use already. */
#include "base/memory.h"
#include "scheduler/fleet.h"

#include <string.h>

#define PLACE_MAX_STEPS 200000 /* bounds the search on absurd requests */

struct search {
	const struct fleet_host *host;
	const struct slot *slots;
	size_t count;
	int *chosen;
	unsigned char *taken; /* by this search, per device */
	int *vfs_taken;	      /* of each PF, by anyone */
	int steps;
};

static bool slot_fits(const struct slot *slot, const struct fleet_device *d)
{
	const char *vnic;

	if (!d->offered)
		return false;
	if (slot->alias)
		return pci_alias_fits(&scheduler_settings.aliases, slot->alias, d->device.vendor_id,
				      d->device.product_id, d->device.type);
	vnic = slot->port->vnic_type;
	return strcmp(d->device.type, strcmp(vnic, "direct-physical") == 0 ? "type-PF" : "type-VF") == 0 &&
	       strcmp(d->device.physical_network, slot->port->physical_network) == 0;
}

static bool device_is_free(const struct search *s, int i)
{
	const struct fleet_device *d = &s->host->devices[i];

	if (!d->usable || *d->server_id || s->taken[i] || s->vfs_taken[i] > 0)
		return false;
	return d->parent < 0 || (!*s->host->devices[d->parent].server_id && !s->taken[d->parent]);
}

/* Would the two do the same for any slot and leave the same behind? */
static bool devices_alike(const struct search *s, int a, int b)
{
	const struct fleet_device *x = &s->host->devices[a], *y = &s->host->devices[b];

	return x->parent == y->parent && strcmp(x->device.type, "type-PF") != 0 &&
	       strcmp(x->device.type, y->device.type) == 0 &&
	       strcmp(x->device.vendor_id, y->device.vendor_id) == 0 &&
	       strcmp(x->device.product_id, y->device.product_id) == 0 &&
	       strcmp(x->device.physical_network, y->device.physical_network) == 0 &&
	       x->device.numa_node == y->device.numa_node;
}

static bool tried_alike(const struct search *s, const int *tried, int count, int device)
{
	for (int i = 0; i < count; i++) {
		if (devices_alike(s, tried[i], device))
			return true;
	}
	return false;
}

static void take(struct search *s, int device, int sign)
{
	int parent = s->host->devices[device].parent;

	s->taken[device] = sign > 0;
	if (parent >= 0)
		s->vfs_taken[parent] += sign;
}

static bool search_slot(struct search *s, size_t slot)
{
	int tried[64], tried_count = 0;

	if (slot == s->count)
		return true;
	/* First VFs of PFs in use already, then the rest; for an alias, devices that no physical network wants first. */
	for (int pass = 0; pass < 4; pass++) {
		for (int i = 0; i < (int)s->host->device_count; i++) {
			int parent = s->host->devices[i].parent;
			bool broken = parent >= 0 && s->vfs_taken[parent] > 0;
			bool wanted = s->slots[slot].alias && *s->host->devices[i].device.physical_network;

			if (broken == (pass % 2 == 1) || wanted != (pass >= 2) || !slot_fits(&s->slots[slot], &s->host->devices[i]) ||
			    !device_is_free(s, i) || tried_alike(s, tried, tried_count, i))
				continue;
			if (++s->steps > PLACE_MAX_STEPS)
				return false;
			if (tried_count < 64)
				tried[tried_count++] = i;
			take(s, i, 1);
			s->chosen[slot] = i;
			if (search_slot(s, slot + 1))
				return true;
			take(s, i, -1);
		}
	}
	return false;
}

/* Why this slot cannot be had, with numbers. */
static void explain_slot(const struct search *s, const struct slot *slot, size_t wanted, struct text *why)
{
	size_t fitting = 0, used = 0, unusable = 0, excluded = 0;
	const char *what = slot->alias						   ? "device"
			   : strcmp(slot->port->vnic_type, "direct-physical") == 0 ? "PF"
										   : "VF";

	for (int i = 0; i < (int)s->host->device_count; i++) {
		const struct fleet_device *d = &s->host->devices[i];

		if (!slot_fits(slot, d))
			continue;
		fitting++;
		if (*d->server_id)
			used++;
		else if (!d->usable)
			unusable++;
		else if (s->vfs_taken[i] > 0 || (d->parent >= 0 && *s->host->devices[d->parent].server_id))
			excluded++;
	}
	text_addf(why, "needs %zu %s%s of %s%s: ", wanted, what, wanted == 1 ? "" : "s",
		  slot->alias ? "alias " : "", slot->alias ? slot->alias : slot->port->physical_network);
	if (fitting == 0) {
		text_add(why, "the host has none");
		return;
	}
	text_addf(why, "%zu of %zu are in use", used, fitting);
	if (excluded)
		text_addf(why, ", %zu %s", excluded,
			  strcmp(what, "VF") == 0 ? "belong to a PF that is in use" : "have VFs in use");
	if (unusable)
		text_addf(why, ", %zu are missing or unhealthy", unusable);
}

static bool slots_same(const struct slot *a, const struct slot *b)
{
	if (a->alias || b->alias)
		return text_equal(a->alias, b->alias);
	return strcmp(a->port->vnic_type, b->port->vnic_type) == 0 &&
	       strcmp(a->port->physical_network, b->port->physical_network) == 0;
}

/* The first kind of slot that cannot be had by itself; otherwise their combination is what does not fit. */
static void explain(struct search *s, const struct slot *slots, size_t count, struct text *why)
{
	for (size_t i = 0; i < count; i++) {
		size_t wanted = 0;
		size_t available = 0;

		for (size_t k = 0; k < count; k++)
			wanted += slots_same(&slots[i], &slots[k]);
		for (int d = 0; d < (int)s->host->device_count; d++)
			available += slot_fits(&slots[i], &s->host->devices[d]) && device_is_free(s, d);
		if (available < wanted) {
			explain_slot(s, &slots[i], wanted, why);
			return;
		}
	}
	text_addf(why,
		  "has each of the %zu devices wanted, but not all together: a PF and its VFs exclude each "
		  "other",
		  count);
}

bool place_devices(const struct fleet_host *host, const struct slot *slots, size_t count, int *chosen,
		   struct text *why)
{
	struct search s = {.host = host, .slots = slots, .count = count, .chosen = chosen};
	_cleanup_free_ unsigned char *taken = memory_alloc(host->device_count);
	_cleanup_free_ int *vfs_taken = memory_alloc(host->device_count * sizeof *vfs_taken);

	s.taken = taken;
	s.vfs_taken = vfs_taken;
	for (size_t i = 0; i < host->device_count; i++) {
		if (host->devices[i].parent >= 0 && *host->devices[i].server_id)
			vfs_taken[host->devices[i].parent]++;
	}
	if (search_slot(&s, 0))
		return true;
	explain(&s, slots, count, why);
	return false;
}
