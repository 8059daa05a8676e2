/* Which devices of an IOMMU group are in each other's way. */
#include "agent/groups.h"

#include "base/memory.h"

#include <string.h>

static bool grant_mates;

void groups_configure(bool grant)
{
	grant_mates = grant;
}

const char *groups_mode(void)
{
	return grant_mates ? "grant" : "refuse";
}

/* --- by group --- */

static int compare(const void *left, const void *right)
{
	const struct known_device *a = *(const struct known_device *const *)left,
				  *b = *(const struct known_device *const *)right;
	int ga = a->device.iommu_group, gb = b->device.iommu_group;

	return ga != gb ? (ga > gb) - (ga < gb) : strcmp(a->device.address, b->device.address);
}

void groups_index_make(struct groups_index *index)
{
	*index = (struct groups_index){0};
	for (size_t i = 0; i < known_count; i++) {
		if (known[i].seen && known[i].device.iommu_group >= 0)
			*ARRAY_ADD(index->devices, index->count) = &known[i];
	}
	if (index->count)
		qsort(index->devices, index->count, sizeof *index->devices, compare);
}

void groups_index_done(struct groups_index *index)
{
	free(index->devices);
}

/* The first of the group. */
static size_t index_find(const struct groups_index *index, int group)
{
	size_t low = 0, high = index->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (index->devices[middle]->device.iommu_group < group)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* --- what is in the way --- */

/* Drivers that hand a device on to guests, or to nobody. */
static bool lets_go(const char *driver)
{
	return !*driver || strstr(driver, "vfio") || strcmp(driver, "pci-stub") == 0;
}

/* VFs go when their PF is taken; a PF that is taken from its driver takes its VFs away. */
static bool is_in_the_way(const struct known_device *mate, const struct known_device *device)
{
	if (mate == device || strcmp(mate->device.parent, device->device.address) == 0 ||
	    lets_go(mate->device.driver))
		return false;
	return !grant_mates || !mate->spec || strcmp(device->device.parent, mate->device.address) == 0;
}

static void explain(const struct known_device *mate, const struct known_device *device, char *why,
		    size_t size)
{
	bool grantable = mate->spec && strcmp(device->device.parent, mate->device.address) != 0;

	snprintf(why, size, "its IOMMU group %d has %s as well, which the driver %s holds%s",
		 device->device.iommu_group, mate->device.address, mate->device.driver,
		 grantable ? ": [pci] iommu_group_mates = grant would take it along" : "");
}

bool groups_allow(const struct groups_index *index, const struct known_device *device, char *why, size_t size)
{
	int group = device->device.iommu_group;

	for (size_t i = index_find(index, group);
	     i < index->count && index->devices[i]->device.iommu_group == group; i++) {
		if (!is_in_the_way(index->devices[i], device))
			continue;
		explain(index->devices[i], device, why, size);
		return false;
	}
	return true;
}

/* --- what goes along --- */

char **groups_mates(const char *address)
{
	char **names = NULL;
	size_t count = 0;

	pthread_mutex_lock(&known_lock);
	const struct known_device *device = known_find(address);
	for (size_t i = 0; grant_mates && device && i < known_count; i++) {
		const struct known_device *mate = &known[i];

		if (mate != device && mate->seen && mate->spec && device->device.iommu_group >= 0 &&
		    mate->device.iommu_group == device->device.iommu_group &&
		    strcmp(mate->device.parent, address) != 0)
			*ARRAY_ADD(names, count) = memory_copy_text(mate->device.address);
	}
	*ARRAY_ADD(names, count) = NULL;
	pthread_mutex_unlock(&known_lock);
	return names;
}
