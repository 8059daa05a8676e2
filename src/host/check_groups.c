/* IOMMU groups: a guest gets a device only with all others of its group, or if nobody in the host has those.
 */
#include "host/check.h"

#include "base/memory.h"

#include <string.h>

static bool holds(const struct pci_device *mate)
{
	return *mate->driver && !strstr(mate->driver, "vfio") && strcmp(mate->driver, "pci-stub") != 0;
}

/* Another endpoint of the group that a driver of the host has, or NULL.  The VFs of a PF go with it. */
static const struct pci_device *in_the_way(const struct machine *m, const struct pci_device *device)
{
	for (size_t i = 0; i < m->device_count; i++) {
		const struct pci_device *mate = &m->devices[i];

		if (mate != device && mate->iommu_group == device->iommu_group && holds(mate) &&
		    strcmp(mate->parent, device->address) != 0)
			return mate;
	}
	return NULL;
}

static bool is_offered(const struct machine *m, const struct pci_device *device)
{
	const struct pci_device *pf =
		*device->parent ? inventory_find(m->devices, m->device_count, device->parent) : device;
	struct device_spec_device facts = {device->address,
					   device->vendor_id,
					   device->product_id,
					   device->parent,
					   pf ? pf->netdev : "",
					   device->netdev,
					   ""};

	if (device_spec_find(m->settings.specs, m->settings.spec_count, &facts))
		return true;
	for (size_t i = 0; i < m->nic_count; i++) /* VFs of --pf */
		if (m->nics[i].device && strcmp(m->nics[i].device->address, device->parent) == 0)
			return true;
	return false;
}

static bool check_device(struct check *check, const struct pci_device *device)
{
	const struct pci_device *mate = in_the_way(check->machine, device);
	_cleanup_free_ char *fact = memory_printf("IOMMU group of %s", device->address);

	if (device->iommu_group < 0) {
		check_not(check, CHECK_FAIL, fact, "see IOMMU: kernel", "none");
		return false;
	}
	if (!mate)
		return true;
	check_not(check, CHECK_FAIL, fact,
		  check->machine->settings.grant_mates
			  ? "plug the card into another slot (one of the CPU's own root ports), or switch on "
			    "ACS in the "
			    "firmware's setup; overriding ACS in the kernel would let guests reach each "
			    "other's devices"
			  : "plug the card into another slot, or switch on ACS in the firmware's setup; "
			    "where both are "
			    "offered: [pci] iommu_group_mates = grant. (Overriding ACS in the kernel would "
			    "let guests reach "
			    "each other's devices)",
		  "group %d is not viable: it has %s as well, which the driver %s holds", device->iommu_group,
		  mate->address, mate->driver);
	return false;
}

void check_groups(struct check *check)
{
	const struct machine *m = check->machine;
	size_t fine = 0, all = 0;

	for (size_t i = 0; i < m->device_count && m->iommu_groups > 0; i++) {
		if (!is_offered(m, &m->devices[i]))
			continue;
		all++;
		fine += check_device(check, &m->devices[i]);
	}
	if (all && fine == all)
		check_pass(check, "IOMMU groups", "of all %zu devices that are offered: viable", all);
}
