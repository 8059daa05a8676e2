/* Handing PCI devices over and taking them back.  Each step looks first, so that the same call finishes what
 * an earlier one began. */
#include "agent/device.h"

#include "agent/deadline.h"
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

static void read_override(const char *address, char override[32])
{
	char line[32];

	read_attribute(address, "driver_override", line, sizeof line);
	snprintf(override, 32, "%.31s", strcmp(line, "(null)") == 0 ? "" : line);
}

void device_driver(const char *address, char driver[32])
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

static int count_of(char **names)
{
	int count = 0;

	while (names && names[count])
		count++;
	return count;
}

/* By their links: reading sriov_numvfs can block.  The folder is listed first, so that a link that cannot be
 * read is not taken for the end of the list. */
char **device_vfs(const char *address, struct error *err)
{
	_cleanup_free_ char *folder = device_path(address, "");
	char **names = world->list(folder), **vfs = NULL, vf[16];
	int links = 0;
	size_t count = 0;

	if (!names) {
		error_set(err, ERROR_INTERNAL, "%s is not there", address);
		return NULL;
	}
	for (char **name = names; *name; name++)
		links += text_starts_with(*name, "virtfn");
	world_list_free(names);
	for (int i = 0; i < links; i++) {
		_cleanup_free_ char *path = memory_printf("%svirtfn%d", folder, i);

		if (!world->link(path, vf, sizeof vf)) {
			error_set(err, ERROR_INTERNAL, "%s: it cannot be told which its VF %d is", address,
				  i);
			while (count > 0)
				free(vfs[--count]);
			free(vfs);
			return NULL;
		}
		*ARRAY_ADD(vfs, count) = memory_copy_text(vf);
	}
	*ARRAY_ADD(vfs, count) = NULL;
	return vfs;
}

/* Number of VFs; ERROR_CONFLICT if one of them is with a guest. */
static bool free_vfs(const char *address, int *count, struct error *err)
{
	char **vfs = device_vfs(address, err), driver[32];
	bool ok = vfs != NULL;

	*count = count_of(vfs);
	for (char **vf = vfs; ok && *vf; vf++) {
		device_driver(*vf, driver);
		if (strcmp(driver, VFIO_DRIVER) == 0 || is_lent(*vf))
			ok = error_set(err, ERROR_CONFLICT, "%s: one of its VFs is with a guest (%s)",
				       address, *vf);
	}
	world_list_free(vfs);
	return ok;
}

static bool look_place(const char *address, struct device_place *place, struct error *err)
{
	_cleanup_free_ char *path = device_path(address, "physfn");

	memset(place, 0, sizeof *place);
	place->vf_index = -1;
	if (!world->link(path, place->parent, sizeof place->parent))
		return true;
	device_netdev(place->parent, place->pf);
	char **vfs = device_vfs(place->parent, err);
	for (int i = 0; vfs && vfs[i]; i++) {
		if (strcmp(vfs[i], address) == 0)
			place->vf_index = i;
	}
	world_list_free(vfs);
	return vfs != NULL;
}

#define LOOKS 5

/* A file that could not be read once must not decide what is done with the device later. */
bool device_find(const char *address, struct device_place *place, struct error *err)
{
	struct device_place before;

	if (!look_place(address, place, err))
		return false;
	for (int i = 1; i < LOOKS; i++) {
		before = *place;
		if (!look_place(address, place, err))
			return false;
		if (memcmp(&before, place, sizeof before) == 0)
			return true;
	}
	return error_set(err, ERROR_UNAVAILABLE, "%s: where it belongs changes while it is looked at",
			 address);
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

static bool look_memory(const char *address, struct device_memory *memory, struct error *err)
{
	char line[32];

	memset(memory, 0, sizeof *memory);
	memory->mtu = -1;
	snprintf(memory->address, sizeof memory->address, "%.15s", address);
	device_driver(address, memory->driver);
	device_netdev(address, memory->netdev);
	if (!free_vfs(address, &memory->numvfs, err))
		return false;
	if (memory->numvfs > 0)
		read_attribute(address, "sriov_drivers_autoprobe", line, sizeof line);
	memory->autoprobe = memory->numvfs == 0 || strcmp(line, "0") != 0;
	read_override(address, memory->override);
	if (deadline_hangs(address, err) || !*memory->netdev)
		return !deadline_hangs(address, err);
	memory->mtu = netdev_mtu(memory->netdev);
	netdev_mac(memory->netdev, memory->mac_address);
	return netdev_is_up(memory->netdev, &memory->up, err);
}

bool device_remember(const char *address, struct device_memory *memory, struct error *err)
{
	struct device_memory before;

	if (!look_memory(address, memory, err))
		return false;
	for (int i = 1; i < LOOKS; i++) {
		before = *memory;
		if (!look_memory(address, memory, err))
			return false;
		if (memcmp(&before, memory, sizeof before) == 0)
			return true;
	}
	return error_set(err, ERROR_UNAVAILABLE, "%s changes while it is looked at", address);
}

bool device_answers(const char *address, struct error *err)
{
	_cleanup_free_ char *config = device_path(address, "config");
	_cleanup_free_ char *bytes = world->read(config);
	char ways[64];

	if (deadline_hangs(address, err))
		return false;
	/* A VF's vendor and device id always read as ones (PCI Express, 9.3.4.1.1). */
	if (!bytes || strspn(bytes, "\xff") < 8)
		return true;
	read_attribute(address, "reset_method", ways, sizeof ways);
	return error_set_typed(
		err, ERROR_INTERNAL, DEVICE_FAILS,
		"%s does not answer any more (its configuration space reads as all ones; ways to "
		"reset it: %s): mostly only a restart of the host helps",
		address, *ways ? ways : "none");
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
	int vfs;

	device_driver(address, driver);
	if (strcmp(driver, VFIO_DRIVER) == 0)
		return true;
	if (!free_vfs(address, &vfs, err))
		return false;
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
	int now;

	if (memory->numvfs == 0)
		return true;
	if (!free_vfs(memory->address, &now, err) || now == memory->numvfs)
		return now == memory->numvfs;
	snprintf(count, sizeof count, "%d", memory->numvfs);
	if (!write_attribute(memory->address, "sriov_drivers_autoprobe", memory->autoprobe ? "1" : "0",
			     err) ||
	    !write_attribute(memory->address, "sriov_numvfs", count, err))
		return false;
	return (free_vfs(memory->address, &now, err) && now == memory->numvfs) ||
	       error_set(err, ERROR_INTERNAL, "%s has %d VFs after %d were asked for", memory->address, now,
			 memory->numvfs);
}

/* vfio-pci resets a device when its last user goes, but only if it gets the locks; so once more, and a device
 * that does not answer afterwards is not given away again. */
static bool reset(const char *address, struct error *err)
{
	struct error why = {0};

	if (!write_attribute(address, "reset", "1", &why)) {
		if (deadline_is_hang(&why)) {
			*err = why;
			return false;
		}
		log_debug("%s", why.message); /* it has no reset of its own */
	}
	return device_answers(address, err);
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

static bool not_back(const struct device_memory *memory, struct error *err, const char *what, const char *is,
		     const char *was)
{
	return error_set(err, ERROR_INTERNAL, "%s is not as it was: %s is %s, was %s", memory->address, what,
			 *is ? is : "none", *was ? was : "none");
}

/* What was written is no proof: looked at as if nothing had been done. */
static bool is_back(const struct device_memory *memory, struct error *err)
{
	struct device_memory now;
	char is[16], was[16];

	if (!device_remember(memory->address, &now, err))
		return false;
	if (strcmp(now.driver, memory->driver) != 0)
		return not_back(memory, err, "its driver", now.driver, memory->driver);
	if (strcmp(now.override, memory->override) != 0)
		return not_back(memory, err, "its driver_override", now.override, memory->override);
	if (*memory->netdev && strcmp(now.netdev, memory->netdev) != 0)
		return not_back(memory, err, "its network device", now.netdev, memory->netdev);
	snprintf(is, sizeof is, "%d", now.mtu);
	snprintf(was, sizeof was, "%d", memory->mtu);
	if (*memory->netdev && memory->mtu > 0 && now.mtu != memory->mtu)
		return not_back(memory, err, "its MTU", is, was);
	if (*memory->netdev && now.up != memory->up)
		return not_back(memory, err, "its link", now.up ? "up" : "down", memory->up ? "up" : "down");
	snprintf(is, sizeof is, "%d", now.numvfs);
	snprintf(was, sizeof was, "%d", memory->numvfs);
	return memory->numvfs == 0 || now.numvfs == memory->numvfs ||
	       not_back(memory, err, "the number of its VFs", is, was);
}

bool device_return(const struct device_memory *memory, struct error *err)
{
	return write_attribute(memory->address, "driver_override",
			       *memory->override ? memory->override : "\n", err) &&
	       driver_return(memory, err) && (!*memory->netdev || netdev_return(memory, err)) &&
	       vfs_return(memory, err) && is_back(memory, err);
}
