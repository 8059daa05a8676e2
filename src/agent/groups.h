/* IOMMU groups of this host's devices.  A guest can have a device only if no driver of the host has another
 * endpoint of its group; bridges are no endpoints. */
#pragma once

#include "agent/known.h"

/* Whether [pci] iommu_group_mates (an option of ours) is `grant`: offered devices of a group are taken from
 * their drivers together with the one that a guest gets.  Else, `refuse`, they are left alone.  Before any
 * thread starts. */
void groups_configure(bool grant);
/* "refuse" or "grant", as the inventory has it. */
const char *groups_mode(void);

/* The known devices by group, for as long as known_lock is held; groups_index_done() in any case. */
struct groups_index {
	const struct known_device **devices; /* those that are there and in a group, by group */
	size_t count;
};
void groups_index_make(struct groups_index *index);
void groups_index_done(struct groups_index *index);
/* Can a guest have this device?  If not, `why` says which other device of its group is in the way. */
bool groups_allow(const struct groups_index *index, const struct known_device *device, char *why,
		  size_t size);

/* Addresses of the devices that are to be taken from their drivers with this one (none under `refuse`), ended
 * by NULL, for world_list_free().  As of the last inventory; any thread. */
char **groups_mates(const char *address);
