/* Handing PCI devices over and taking them back.  Each step looks first, so that the same call finishes what
 * an earlier one began. */
#include "agent/device.h"

#include "agent/vf.h"
#include "base/memory.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#define DEVICE_WAIT_MS 15000

static char *device_path(const char *address, const char *name)
{
	return memory_printf("/sys/bus/pci/devices/%s/%s", address, name);
}

static bool write_file(const char *path, const char *text, struct error *err)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot write '%s' to %s",
				       strcmp(text, "\n") == 0 ? "" : text, path);
	return true;
}

static bool write_attribute(const char *address, const char *name, const char *text, struct error *err)
{
	_cleanup_free_ char *path = device_path(address, name);

	return write_file(path, text, err);
}

static int read_number(const char *address, const char *name, int fallback)
{
	_cleanup_free_ char *path = device_path(address, name);
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	int value = fallback;

	return file && fscanf(file, "%d", &value) == 1 ? value : fallback;
}

void device_driver(const char *address, char driver[32])
{
	_cleanup_free_ char *path = device_path(address, "driver");
	char target[256];
	ssize_t length = readlink(path, target, sizeof target - 1);

	*driver = '\0';
	if (length <= 0)
		return;
	target[length] = '\0';
	const char *slash = strrchr(target, '/');
	snprintf(driver, 32, "%s", slash ? slash + 1 : target);
}

static void device_netdev(const char *address, char name[16])
{
	_cleanup_free_ char *path = device_path(address, "net");
	_cleanup_closedir_ DIR *dir = opendir(path);

	*name = '\0';
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		if (entry->d_name[0] != '.')
			snprintf(name, 16, "%.15s", entry->d_name);
	}
}

/* Number of VFs by their links, and whether one of them is with a guest. */
static int device_vfs(const char *address, bool *held)
{
	for (int i = 0;; i++) {
		char name[24], driver[32], target[256];
		_cleanup_free_ char *path = NULL;

		snprintf(name, sizeof name, "virtfn%d", i);
		path = device_path(address, name);
		ssize_t length = readlink(path, target, sizeof target - 1);
		if (length <= 0)
			return i;
		target[length] = '\0';
		device_driver(strrchr(target, '/') ? strrchr(target, '/') + 1 : target, driver);
		*held |= strcmp(driver, "vfio-pci") == 0;
	}
}

static bool wait_ms(int *left)
{
	if (*left <= 0)
		return false;
	*left -= 20;
	nanosleep(&(struct timespec){.tv_nsec = 20 * 1000000L}, NULL);
	return true;
}

static bool wait_driver(const char *address, const char *wanted, struct error *err)
{
	char driver[32];

	for (int left = DEVICE_WAIT_MS;;) {
		device_driver(address, driver);
		if (strcmp(driver, wanted) == 0)
			return true;
		if (!wait_ms(&left))
			return error_set(err, ERROR_TIMEOUT, "%s: the driver is %s, expected %s", address,
					 *driver ? driver : "none", *wanted ? wanted : "none");
	}
}

bool device_remember(const char *address, struct device_memory *memory, struct error *err)
{
	bool held = false;

	*memory = (struct device_memory){.mtu = -1};
	snprintf(memory->address, sizeof memory->address, "%s", address);
	device_driver(address, memory->driver);
	device_netdev(address, memory->netdev);
	memory->numvfs = device_vfs(address, &held);
	memory->autoprobe = read_number(address, "sriov_drivers_autoprobe", 1) != 0;
	if (strcmp(memory->driver, "vfio-pci") == 0)
		return error_set(err, ERROR_CONFLICT,
				 "%s is bound to vfio-pci already, but by no grant of ours", address);
	if (!*memory->netdev)
		return true;
	memory->mtu = netdev_mtu(memory->netdev);
	return netdev_is_up(memory->netdev, &memory->up, err);
}

static bool unbind(const char *address, struct error *err)
{
	char driver[32];

	device_driver(address, driver);
	return !*driver ||
	       (write_attribute(address, "driver/unbind", address, err) && wait_driver(address, "", err));
}

bool device_take(const struct device_memory *memory, struct error *err)
{
	const char *address = memory->address;
	char driver[32];
	bool held = false;

	device_driver(address, driver);
	if (strcmp(driver, "vfio-pci") == 0)
		return true;
	int vfs = device_vfs(address, &held);
	if (held)
		return error_set(err, ERROR_CONFLICT, "%s: one of its VFs is with a guest", address);
	/* Unbinding a PF's driver would remove its VFs anyway, but silently. */
	if (vfs > 0 && !write_attribute(address, "sriov_numvfs", "0", err))
		return false;
	return write_attribute(address, "driver_override", "vfio-pci", err) && unbind(address, err) &&
	       write_file("/sys/bus/pci/drivers_probe", address, err) &&
	       wait_driver(address, "vfio-pci", err);
}

static bool netdev_return(const struct device_memory *memory, struct error *err)
{
	char name[16];

	for (int left = DEVICE_WAIT_MS;;) {
		device_netdev(memory->address, name);
		if (*name)
			break;
		if (!wait_ms(&left))
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
	return netdev_set_up(memory->netdev, memory->up, err);
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

bool device_return(const struct device_memory *memory, struct error *err)
{
	const char *address = memory->address;
	char driver[32];

	if (!write_attribute(address, "driver_override", "\n", err))
		return false;
	device_driver(address, driver);
	if (strcmp(driver, memory->driver) != 0) {
		if (!unbind(address, err))
			return false;
		if (*memory->driver) {
			_cleanup_free_ char *bind =
				memory_printf("/sys/bus/pci/drivers/%s/bind", memory->driver);

			if (!write_file(bind, address, err))
				return false;
		}
		if (!wait_driver(address, memory->driver, err))
			return false;
	}
	if (*memory->netdev && !netdev_return(memory, err))
		return false;
	return vfs_return(memory, err);
}
