/* Can this host's devices be shown in Placement?  Looked at before the host joins, so that a mistake in the
 * device specs is told at once. */
#include "agent/known.h"
#include "agent/report.h"
#include "base/memory.h"
#include "pci/resource.h"

#include <string.h>

/* Offered, and without a physical network: what Placement shows. */
static struct pci_reported *reported_devices(size_t *count)
{
	struct pci_reported *devices = memory_alloc((known_count + 1) * sizeof *devices);

	*count = 0;
	for (size_t i = 0; i < known_count; i++) {
		const struct pci_device *d = &known[i].device;

		if (known[i].seen && known[i].spec && !*known[i].spec->physical_network)
			devices[(*count)++] = (struct pci_reported){.address = d->address,
								    .vendor_id = d->vendor_id,
								    .product_id = d->product_id,
								    .parent = d->parent,
								    .tags = known[i].spec->tags};
	}
	return devices;
}

bool report_check_placement(const struct agent_settings *settings, struct error *err)
{
	_cleanup_free_ char *inventory = report_inventory(settings, err);
	size_t count;

	if (!inventory)
		return false;
	pthread_mutex_lock(&known_lock);
	struct pci_reported *devices = reported_devices(&count);
	bool ok = pci_reported_check(devices, count, err) ||
		  error_wrap(err, "[pci] device_spec and report_in_placement");
	free(devices);
	pthread_mutex_unlock(&known_lock);
	return ok;
}
