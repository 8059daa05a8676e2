/* Keeping track of the host's devices. */
#include "agent/known.h"

#include "agent/report.h"
#include "base/memory.h"

#include <string.h>

pthread_mutex_t known_lock = PTHREAD_MUTEX_INITIALIZER;
struct known_device *known; /* sorted by address */
size_t known_count;

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct known_device *)a)->device.address,
		      ((const struct known_device *)b)->device.address);
}

/* Only among the first `count`, which are sorted. */
static struct known_device *find_among(const char *address, size_t count)
{
	struct known_device key = {0};

	snprintf(key.device.address, sizeof key.device.address, "%.15s", address);
	return count ? bsearch(&key, known, count, sizeof key, compare) : NULL;
}

struct known_device *known_find(const char *address)
{
	return find_among(address, known_count);
}

bool report_offers(const char *address)
{
	pthread_mutex_lock(&known_lock);
	const struct known_device *device = known_find(address);
	bool offered = device && device->seen && device->spec;
	pthread_mutex_unlock(&known_lock);
	return offered;
}

void report_remember(const char *address, const char *netdev)
{
	pthread_mutex_lock(&known_lock);
	if (!known_find(address)) {
		struct known_device *device = ARRAY_ADD(known, known_count);

		snprintf(device->device.address, sizeof device->device.address, "%.15s", address);
		snprintf(device->device.netdev, sizeof device->device.netdev, "%.15s", netdev);
		qsort(known, known_count, sizeof *known, compare);
	}
	pthread_mutex_unlock(&known_lock);
}

/* A NIC that is with a guest keeps name and address, and so does one on its way there or back: for a moment
 * it has no driver, or one whose network device is not there yet. */
static void merge(struct known_device *old, const struct pci_device *now)
{
	struct pci_device fresh = *now;

	if (!*fresh.netdev && *old->device.netdev) {
		memcpy(fresh.netdev, old->device.netdev, sizeof fresh.netdev);
		memcpy(fresh.mac_address, old->device.mac_address, sizeof fresh.mac_address);
		fresh.numvfs = old->device.numvfs;
	}
	old->device = fresh;
	old->seen = true;
}

static const struct device_spec *find_spec(const struct agent_settings *settings,
					   const struct pci_device *device)
{
	const struct known_device *pf = *device->parent ? known_find(device->parent) : NULL;

	for (size_t i = 0; i < settings->excluded_count; i++) {
		if (strcmp(settings->excluded[i].address, device->address) == 0)
			return NULL;
	}
	return device_spec_find(settings->specs, settings->spec_count,
				&(struct device_spec_device){.address = device->address,
							     .vendor_id = device->vendor_id,
							     .product_id = device->product_id,
							     .parent = device->parent,
							     .netdev =
								     pf ? pf->device.netdev : device->netdev,
							     .own_netdev = pf ? device->netdev : ""});
}

static bool is_mapped(const struct agent_settings *settings, const struct pci_device *device)
{
	for (size_t i = 0; *device->netdev && i < settings->mapping_count; i++) {
		if (strcmp(settings->mappings[i].netdev, device->netdev) == 0)
			return true;
	}
	return false;
}

static void select_devices(const struct agent_settings *settings)
{
	for (size_t i = 0; i < known_count; i++) {
		known[i].spec = find_spec(settings, &known[i].device);
		known[i].carries = is_mapped(settings, &known[i].device);
	}
	for (size_t i = 0; i < known_count; i++) {
		struct known_device *pf =
			known[i].spec && *known[i].device.parent ? known_find(known[i].device.parent) : NULL;

		if (pf)
			pf->carries = true;
	}
}

void known_update(const struct agent_settings *settings, const struct pci_device *devices, size_t count)
{
	size_t sorted = known_count;

	for (size_t i = 0; i < known_count; i++)
		known[i].seen = false;
	for (size_t i = 0; i < count; i++) {
		struct known_device *old = find_among(devices[i].address, sorted);

		merge(old ? old : ARRAY_ADD(known, known_count), &devices[i]);
	}
	if (known_count > sorted)
		qsort(known, known_count, sizeof *known, compare);
	select_devices(settings);
}
