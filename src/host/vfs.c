/* Making VFs. */
#include "host/vfs.h"

#include "agent/inventory.h"
#include "agent/netdev.h"
#include "agent/world.h"
#include "base/memory.h"
#include "base/text.h"
#include "host/holders.h"
#include "host/host.h"
#include "host/machine.h"
#include "sys/sys.h"

#include <string.h>

#define PAUSE_MS    100
#define BOOT_WAIT_S 60

static bool netdev_await(const char *name, int seconds, struct error *err)
{
	_cleanup_free_ char *path = memory_printf("/sys/class/net/%s", name);

	for (int left = seconds * 1000; !machine_has(path); left -= PAUSE_MS) {
		if (left <= 0)
			return error_set(err, ERROR_NOT_FOUND, "there is no network device %s", name);
		world->pause(PAUSE_MS);
	}
	return true;
}

static bool up_make(const char *name, struct error *err)
{
	bool up = false;

	if (!netdev_is_up(name, &up, err))
		return false;
	return up || (netdev_set_up(name, true, err) && netdev_is_up(name, &up, err) &&
		      (up || error_set(err, ERROR_INTERNAL, "%s was set up and is not", name)));
}

static bool attribute_write(const char *name, const char *attribute, int value, struct error *err)
{
	_cleanup_free_ char *path = memory_printf("/sys/class/net/%s/device/%s", name, attribute);
	char text[16];

	snprintf(text, sizeof text, "%d", value);
	return world->write(path, text, err);
}

/* Without it the host's driver binds every VF as it appears: slow, and whoever watches for network devices
 * configures them. */
static bool autoprobe_set(const struct wish_vfs *wish, struct error *err)
{
	_cleanup_free_ char *path =
		memory_printf("/sys/class/net/%s/device/sriov_drivers_autoprobe", wish->netdev);
	char line[8];

	world_line(path, line, sizeof line);
	if (!*line || atoi(line) == wish->drivers) /* older kernels have no such switch */
		return true;
	return attribute_write(wish->netdev, "sriov_drivers_autoprobe", wish->drivers, err);
}

static const struct pci_device *pf_find(const struct pci_device *devices, size_t count, const char *netdev)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(devices[i].netdev, netdev) == 0)
			return &devices[i];
	}
	return NULL;
}

/* How many VFs there are, by their links; of a PF that has none -1. */
static bool count_read(const char *netdev, int *count, struct error *err)
{
	struct pci_device *devices = NULL;
	size_t device_count;

	if (!inventory_devices(&devices, &device_count, err))
		return false;
	const struct pci_device *pf = pf_find(devices, device_count, netdev);
	*count = pf ? pf->numvfs : -1;
	free(devices);
	return true;
}

/* numvfs goes from nothing to a number only: another number takes all VFs away first. */
static bool count_write(const struct wish_vfs *wish, int now, struct error *err)
{
	static const char no_room[] =
		"; if the kernel's log says that there are not enough MMIO resources: switch on "
		"SR-IOV and decoding above 4G in the firmware's setup, or add pci=realloc to the "
		"kernel's command line";
	int made = 0;

	if (now > 0 && !attribute_write(wish->netdev, "sriov_numvfs", 0, err))
		return false;
	if (!attribute_write(wish->netdev, "sriov_numvfs", wish->count, err)) {
		size_t length = strlen(err->message);

		snprintf(err->message + length, sizeof err->message - length, "%s", no_room);
		return false;
	}
	if (!count_read(wish->netdev, &made, err))
		return false;
	return made == wish->count || error_set(err, ERROR_INTERNAL, "%s has %d VFs after %d were asked for",
						wish->netdev, made, wish->count);
}

/* Is this number possible, and free to be set? */
static bool count_check(const struct wish_vfs *wish, const struct pci_device *devices, size_t count,
			const struct pci_device *pf, struct error *err)
{
	_cleanup_(text_done) struct text holders = {0};

	if (wish->count > pf->totalvfs)
		return error_set(err, ERROR_CONFLICT, "%s can have %d VFs, not %d: its firmware says so",
				 wish->netdev, pf->totalvfs, wish->count);
	if (pf->numvfs > 0 && pf->numvfs < wish->count && holders_find(devices, count, pf->address, &holders))
		return error_set(
			err, ERROR_CONFLICT,
			"%s has %d VFs and not %d: that number is not changed while a VF is held: %s",
			wish->netdev, pf->numvfs, wish->count, holders.data);
	return true;
}

bool vfs_apply(const struct wish_vfs *wish, int wait, struct error *err)
{
	struct pci_device *devices = NULL;
	size_t count;
	bool ok;

	/* Up before anything else: some drivers (bnxt_en) make no VFs while the PF is down. */
	if (!netdev_await(wish->netdev, wait, err) || !up_make(wish->netdev, err) ||
	    !inventory_devices(&devices, &count, err))
		return false;
	const struct pci_device *pf = pf_find(devices, count, wish->netdev);
	if (!pf || (pf->totalvfs == 0 && wish->count > 0))
		ok = error_set(err, ERROR_CONFLICT, "%s has no SR-IOV (or its firmware has it switched off)",
			       wish->netdev);
	else
		ok = count_check(wish, devices, count, pf, err) &&
		     (pf->totalvfs == 0 || autoprobe_set(wish, err)) &&
		     (pf->numvfs >= wish->count || count_write(wish, pf->numvfs, err));
	free(devices);
	return ok && up_make(wish->netdev, err);
}

int host_apply(void)
{
	struct wishes wishes = {0};
	int64_t until = sys_monotonic() + BOOT_WAIT_S * 1000000LL; /* for all of them together */
	struct error err;
	int status = 0;

	if (!wishes_read(&wishes, &err)) {
		fprintf(stderr, "penstock: %s\n", err.message);
		return 1;
	}
	for (size_t i = 0; i < wishes.vfs_count; i++) {
		int64_t left = until - sys_monotonic();
		int count = -1;

		if (vfs_apply(&wishes.vfs[i], left > 0 ? (int)(left / 1000000) : 0, &err) &&
		    count_read(wishes.vfs[i].netdev, &count, &err)) {
			printf("%s: up, %d VFs\n", wishes.vfs[i].netdev, count);
			continue;
		}
		fprintf(stderr, "penstock: %s\n", err.message);
		status = 1;
	}
	wishes_done(&wishes);
	return status;
}
