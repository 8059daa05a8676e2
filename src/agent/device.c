/* Handing PCI devices over and taking them back.  Each step looks first, so that the same call finishes what
 * an earlier one began. */
#include "agent/device.h"

#include "agent/netdev.h"
#include "agent/world.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#include <string.h>

#define WAIT_MS	     15000
#define WAIT_STEP_MS 20
#define VFIO_DRIVER  "vfio-pci"

static char *device_path(const char *address, const char *name)
{
	return memory_printf("/sys/bus/pci/devices/%s/%s", address, name);
}

static bool write_attribute(const char *address, const char *name, const char *text, struct error *err)
{
	_cleanup_free_ char *path = device_path(address, name);

	return world->write(path, text, err);
}

static void read_attribute(const char *address, const char *name, char *line, size_t size)
{
	_cleanup_free_ char *path = device_path(address, name);

	world_line(path, line, size);
}

static void device_driver(const char *address, char driver[32])
{
	_cleanup_free_ char *path = device_path(address, "driver");

	world->link(path, driver, 32);
}

void device_netdev(const char *address, char name[16])
{
	_cleanup_free_ char *path = device_path(address, "net");
	char **names = world->list(path);

	snprintf(name, 16, "%.15s", names && names[0] ? names[0] : "");
	world_list_free(names);
}

/* Does a guest have a macvtap on its network device? */
static bool is_lent(const char *address)
{
	char netdev[16];
	bool lent = false;

	device_netdev(address, netdev);
	if (!*netdev)
		return false;
	_cleanup_free_ char *path = memory_printf("/sys/class/net/%s", netdev);
	char **names = world->list(path);
	for (char **name = names; name && *name; name++)
		lent |= strncmp(*name, "upper_macvtap", strlen("upper_macvtap")) == 0;
	world_list_free(names);
	return lent;
}

/* Number of VFs by their links, and whether one of them is with a guest. */
static int device_vfs(const char *address, bool *held)
{
	for (int i = 0;; i++) {
		char name[24], driver[32], vf[16];
		_cleanup_free_ char *path = NULL;

		snprintf(name, sizeof name, "virtfn%d", i);
		path = device_path(address, name);
		if (!world->link(path, vf, sizeof vf))
			return i;
		device_driver(vf, driver);
		*held |= strcmp(driver, VFIO_DRIVER) == 0 || is_lent(vf);
	}
}

void device_find(const char *address, struct device_place *place)
{
	_cleanup_free_ char *path = device_path(address, "physfn");
	char name[24], vf[16];

	*place = (struct device_place){.vf_index = -1};
	if (!world->link(path, place->parent, sizeof place->parent))
		return;
	device_netdev(place->parent, place->pf);
	for (int i = 0;; i++) {
		_cleanup_free_ char *link = NULL;

		snprintf(name, sizeof name, "virtfn%d", i);
		link = device_path(place->parent, name);
		if (!world->link(link, vf, sizeof vf))
			return;
		if (strcmp(vf, address) == 0) {
			place->vf_index = i;
			return;
		}
	}
}

static bool wait_step(int *left)
{
	if (*left <= 0)
		return false;
	*left -= WAIT_STEP_MS;
	world->pause(WAIT_STEP_MS);
	return true;
}

static bool wait_driver(const char *address, const char *wanted, struct error *err)
{
	char driver[32];

	for (int left = WAIT_MS;;) {
		device_driver(address, driver);
		if (strcmp(driver, wanted) == 0)
			return true;
		if (!wait_step(&left))
			return error_set(err, ERROR_TIMEOUT, "%s: the driver is %s, expected %s", address,
					 *driver ? driver : "none", *wanted ? wanted : "none");
	}
}

bool device_remember(const char *address, struct device_memory *memory, struct error *err)
{
	bool held = false;
	char line[32];

	*memory = (struct device_memory){.mtu = -1};
	snprintf(memory->address, sizeof memory->address, "%.15s", address);
	device_driver(address, memory->driver);
	device_netdev(address, memory->netdev);
	memory->numvfs = device_vfs(address, &held);
	read_attribute(address, "sriov_drivers_autoprobe", line, sizeof line);
	memory->autoprobe = strcmp(line, "0") != 0;
	read_attribute(address, "driver_override", line, sizeof line);
	snprintf(memory->override, sizeof memory->override, "%.31s", strcmp(line, "(null)") == 0 ? "" : line);
	if (held)
		return error_set(err, ERROR_CONFLICT, "%s: one of its VFs is with a guest", address);
	if (!*memory->netdev)
		return true;
	memory->mtu = netdev_mtu(memory->netdev);
	netdev_mac(memory->netdev, memory->mac_address);
	return netdev_is_up(memory->netdev, &memory->up, err);
}

static bool unbind(const char *address, struct error *err)
{
	char driver[32];

	device_driver(address, driver);
	return !*driver ||
	       (write_attribute(address, "driver/unbind", address, err) && wait_driver(address, "", err));
}

/* --- lending a network device --- */

static bool netdev_set(const struct device_memory *memory, const char *mac_address, bool up,
		       struct error *err)
{
	char now[18];
	bool is_up;

	netdev_mac(memory->netdev, now);
	return (!*mac_address || strcmp(now, mac_address) == 0 ||
		netdev_set_mac(memory->netdev, mac_address, err)) &&
	       netdev_is_up(memory->netdev, &is_up, err) &&
	       (is_up == up || netdev_set_up(memory->netdev, up, err));
}

bool device_lend(const struct device_memory *memory, const char *mac_address, struct error *err)
{
	if (!*memory->netdev)
		return error_set(err, ERROR_CONFLICT,
				 "%s has no network device (its driver is %s): a macvtap port needs one",
				 memory->address, *memory->driver ? memory->driver : "none");
	return netdev_set(memory, mac_address, true, err);
}

bool device_unlend(const struct device_memory *memory, struct error *err)
{
	return !*memory->netdev || netdev_set(memory, memory->mac_address, memory->up, err);
}

/* --- giving away --- */

bool device_take(const struct device_memory *memory, struct error *err)
{
	const char *address = memory->address;
	char driver[32];
	bool held = false;

	device_driver(address, driver);
	if (strcmp(driver, VFIO_DRIVER) == 0)
		return true;
	int vfs = device_vfs(address, &held);
	if (held)
		return error_set(err, ERROR_CONFLICT, "%s: one of its VFs is with a guest", address);
	/* Unbinding a PF's driver would remove its VFs anyway, but silently. */
	if (vfs > 0 && !write_attribute(address, "sriov_numvfs", "0", err))
		return false;
	return write_attribute(address, "driver_override", VFIO_DRIVER, err) && unbind(address, err) &&
	       world->write("/sys/bus/pci/drivers_probe", address, err) &&
	       wait_driver(address, VFIO_DRIVER, err);
}

/* --- giving back --- */

static bool netdev_return(const struct device_memory *memory, struct error *err)
{
	char name[16];
	bool up;

	for (int left = WAIT_MS;;) {
		device_netdev(memory->address, name);
		if (*name)
			break;
		if (!wait_step(&left))
			return error_set(err, ERROR_TIMEOUT, "%s: its network device %s did not come back",
					 memory->address, memory->netdev);
	}
	/* udev, where there is one, may name it first: then the second attempt finds it done. */
	for (int attempt = 0; strcmp(name, memory->netdev) != 0; attempt++) {
		if (netdev_rename(name, memory->netdev, err))
			break;
		device_netdev(memory->address, name);
		if (attempt == 5)
			return false;
	}
	if (memory->mtu > 0 && netdev_mtu(memory->netdev) != memory->mtu &&
	    !netdev_set_mtu(memory->netdev, memory->mtu, err))
		return false;
	return netdev_is_up(memory->netdev, &up, err) &&
	       (up == memory->up || netdev_set_up(memory->netdev, memory->up, err));
}

static bool vfs_return(const struct device_memory *memory, struct error *err)
{
	char count[16];
	bool held = false;

	if (memory->numvfs == 0 || device_vfs(memory->address, &held) == memory->numvfs)
		return true;
	snprintf(count, sizeof count, "%d", memory->numvfs);
	if (!write_attribute(memory->address, "sriov_drivers_autoprobe", memory->autoprobe ? "1" : "0",
			     err) ||
	    !write_attribute(memory->address, "sriov_numvfs", count, err))
		return false;
	int now = device_vfs(memory->address, &held);
	return now == memory->numvfs ||
	       error_set(err, ERROR_INTERNAL, "%s has %d VFs after %d were asked for", memory->address, now,
			 memory->numvfs);
}

/* vfio-pci resets a device when its last user goes, but only if it gets the locks; so once more, and a device
 * that does not answer afterwards is not given away again. */
static bool reset(const char *address, struct error *err)
{
	_cleanup_free_ char *way = device_path(address, "reset");
	_cleanup_free_ char *is_vf = device_path(address, "physfn");
	_cleanup_free_ char *config = device_path(address, "config");
	char pf[16];
	struct error why;

	if (!world->write(way, "1", &why))
		log_debug("%s", why.message); /* it has no reset */
	/* A VF's vendor id always reads ffff (PCI Express, 9.3.4.1.1). */
	if (world->link(is_vf, pf, sizeof pf))
		return true;
	_cleanup_free_ char *bytes = world->read(config);
	return !bytes || strncmp(bytes, "\xff\xff", 2) != 0 ||
	       error_set(err, ERROR_INTERNAL,
			 "%s does not answer any more after its reset: the host must be "
			 "restarted before it can be used again",
			 address);
}

static bool driver_return(const struct device_memory *memory, struct error *err)
{
	const char *address = memory->address;
	char driver[32];

	device_driver(address, driver);
	if (strcmp(driver, memory->driver) == 0)
		return strcmp(driver, VFIO_DRIVER) != 0 || reset(address, err);
	if (!unbind(address, err) || !reset(address, err))
		return false;
	if (*memory->driver) {
		_cleanup_free_ char *bind = memory_printf("/sys/bus/pci/drivers/%s/bind", memory->driver);

		if (!world->write(bind, address, err))
			return false;
	}
	return wait_driver(address, memory->driver, err);
}

bool device_return(const struct device_memory *memory, struct error *err)
{
	return write_attribute(memory->address, "driver_override",
			       *memory->override ? memory->override : "\n", err) &&
	       driver_return(memory, err) && (!*memory->netdev || netdev_return(memory, err)) &&
	       vfs_return(memory, err);
}
