/* Picking PFs and their VFs out of what is known of the host. */
#include "agent/guard_table.h"

#include "agent/known.h"
#include "base/memory.h"

#include <string.h>

void guarded_done(struct guarded *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->pfs[i].vfs);
	free(list->pfs);
	*list = (struct guarded){0};
}

static bool is_guarded(const struct known_device *item)
{
	const struct pci_device *d = &item->device;

	return item->seen && (item->carries || (item->spec && strcmp(d->type, "type-PF") == 0)) &&
	       *d->netdev && strcmp(d->driver, "vfio-pci") != 0;
}

static struct guarded_pf *pf_find(const struct guarded *list, const char *address)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->pfs[i].address, address) == 0)
			return &list->pfs[i];
	}
	return NULL;
}

static void add_vf(struct guarded_pf *pf, const struct known_device *item)
{
	while (pf->vf_count <= (size_t)item->device.vf_index)
		ARRAY_ADD(pf->vfs, pf->vf_count);
	struct guarded_vf *vf = &pf->vfs[item->device.vf_index];
	memcpy(vf->address, item->device.address, sizeof vf->address);
	vf->offered = item->spec != NULL;
}

void guarded_list(struct guarded *list)
{
	if (list->count == 0)
		pthread_mutex_lock(&known_lock);
	else if (pthread_mutex_trylock(&known_lock) != 0)
		return;
	guarded_done(list);
	for (size_t i = 0; i < known_count; i++) {
		const struct pci_device *d = &known[i].device;

		if (!is_guarded(&known[i]))
			continue;
		struct guarded_pf *pf = ARRAY_ADD(list->pfs, list->count);
		memcpy(pf->address, d->address, sizeof pf->address);
		memcpy(pf->netdev, d->netdev, sizeof pf->netdev);
		memcpy(pf->driver, d->driver, sizeof pf->driver);
	}
	for (size_t i = 0; i < known_count; i++) {
		struct guarded_pf *pf = known[i].seen && known[i].device.vf_index >= 0
						? pf_find(list, known[i].device.parent)
						: NULL;

		if (pf)
			add_vf(pf, &known[i]);
	}
	pthread_mutex_unlock(&known_lock);
}
