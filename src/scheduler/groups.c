/* IOMMU groups: devices that the IOMMU cannot tell apart.  Devices of one group are never two servers'.
 *
 * Under `refuse` a device cannot be had while a mate of it is somebody's.  Under `grant` ([pci]
 * iommu_group_mates of the host) whoever gets a device gets the offered mates as well, though only the device
 * goes into the guest: they are detached from their drivers with it.  A PF's own VFs are no mates of it: they
 * go when it is taken. */
#include "base/memory.h"
#include "scheduler/fleet.h"

struct member {
	int32_t number; /* of the group, as the host tells it */
	uint32_t device;
};

static int member_compare(const void *left, const void *right)
{
	const struct member *a = left, *b = right;

	return a->number != b->number ? (a->number > b->number) - (a->number < b->number)
				      : (a->device > b->device) - (a->device < b->device);
}

static bool is_vf(const struct fleet_device *device)
{
	return fleet.kinds[device->kind].type == PCI_TYPE_VF;
}

/* VFs beside devices that are not VFs of the same PF: taking the one would take the other's PF away. */
static bool is_mixed(const struct fleet_host *host, const struct member *members, size_t count)
{
	const struct fleet_device *first = &host->devices[members[0].device];

	for (size_t i = 1; i < count; i++) {
		const struct fleet_device *device = &host->devices[members[i].device];

		if (is_vf(device) != is_vf(first) || (is_vf(device) && device->parent != first->parent))
			return true;
	}
	return false;
}

void fleet_groups_make(struct fleet_host *host, const int32_t *numbers)
{
	_cleanup_free_ struct member *members = memory_alloc(host->device_count * sizeof *members + 1);
	size_t count = 0, groups = 0;

	for (uint32_t i = 0; i < host->device_count; i++) {
		if (numbers[i] >= 0)
			members[count++] = (struct member){.number = numbers[i], .device = i};
	}
	qsort(members, count, sizeof *members, member_compare);
	for (size_t i = 0, end; i < count; i = end) {
		for (end = i + 1; end < count && members[end].number == members[i].number;)
			end++;
		if (end - i == 1)
			continue;
		*ARRAY_ADD(host->groups, groups) =
			(struct fleet_group){.first = members[i].device,
					     .mixed = is_mixed(host, &members[i], end - i)};
		for (size_t k = i; k < end; k++)
			host->devices[members[k].device].group = (uint16_t)groups;
	}
	host->group_count = (uint32_t)groups;
}

void fleet_groups_settle(struct fleet_host *host)
{
	for (uint32_t g = 0; g < host->group_count; g++)
		host->groups[g].closed = host->grant_mates && host->groups[g].mixed;
	for (uint32_t i = 0; host->group_count > 0 && i < host->device_count; i++) {
		const struct fleet_device *device = &host->devices[i];

		if (device->group &&
		    (device->claimed || (host->grant_mates && device->offered && device->vfs_claimed > 0)))
			host->groups[device->group - 1].closed = true;
	}
}

int fleet_device_unit(const struct fleet_host *host, const struct fleet_device *device)
{
	const struct fleet_device *whole = device->parent >= 0 ? &host->devices[device->parent] : device;

	if (!whole->offered)
		return -1; /* nobody can have it whole */
	if (host->grant_mates && whole->group)
		return (int)host->groups[whole->group - 1].first;
	return fleet.kinds[whole->kind].type == PCI_TYPE_PF ? (int)(whole - host->devices) : -1;
}

static bool is_chosen(const int *chosen, size_t count, int device)
{
	for (size_t i = 0; i < count; i++) {
		if (chosen[i] == device)
			return true;
	}
	return false;
}

static bool has_mate(const struct fleet_host *host, const int *chosen, size_t count, uint16_t group)
{
	for (size_t i = 0; i < count; i++) {
		if (host->devices[chosen[i]].group == group)
			return true;
	}
	return false;
}

size_t fleet_mates(const struct fleet_host *host, const int *chosen, size_t count, uint32_t **mates)
{
	size_t mate_count = 0;

	*mates = NULL;
	for (uint32_t i = 0; host->grant_mates && host->group_count > 0 && i < host->device_count; i++) {
		const struct fleet_device *device = &host->devices[i];

		if (device->group && device->offered && !device->claimed &&
		    has_mate(host, chosen, count, device->group) && !is_chosen(chosen, count, (int)i) &&
		    !is_chosen(chosen, count, device->parent))
			*ARRAY_ADD(*mates, mate_count) = i;
	}
	return mate_count;
}
