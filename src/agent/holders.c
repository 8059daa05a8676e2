/* Who holds what of /dev/vfio: /proc/PID/fd, looked through once for all devices that are asked for within a
 * moment. */
#include "agent/holders.h"

#include "agent/world_files.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "sys/sys.h"

#include <pthread.h>
#include <string.h>

#define FRESH (2 * TIME_SECOND)

static struct {
	pthread_mutex_t lock;
	struct map
		names; /* by "/dev/vfio/12" or "/dev/vfio/devices/vfio3": "qemu-system-x86 (process 4711)" */
	int64_t at;
} held = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void take_process(const char *pid)
{
	char path[300], folder[64], target[64], *name;

	snprintf(folder, sizeof folder, "/proc/%.20s/fd", pid);
	_cleanup_closedir_ DIR *dir = opendir(folder);
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		ssize_t length = readlink(path, target, sizeof target - 1);
		target[length > 0 ? length : 0] = '\0';
		if (!text_starts_with(target, "/dev/vfio/") || strcmp(target, "/dev/vfio/vfio") == 0)
			continue;
		snprintf(path, sizeof path, "/proc/%.20s/comm", pid);
		_cleanup_fclose_ FILE *file = fopen(path, "re");
		char comm[32] = "";
		if (file && fscanf(file, "%31[^\n]", comm) != 1)
			*comm = '\0';
		name = memory_printf("%s (process %s)", *comm ? comm : "a process", pid);
		free(map_put(&held.names, target, name));
	}
}

static void look(void)
{
	_cleanup_closedir_ DIR *dir = opendir("/proc");

	map_done(&held.names, free);
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			take_process(entry->d_name);
	}
	held.at = sys_monotonic();
}

static const char *find_locked(const char *address)
{
	_cleanup_free_ char *path = memory_printf("/sys/bus/pci/devices/%s/iommu_group", address);
	_cleanup_free_ char *devices = memory_printf("/sys/bus/pci/devices/%s/vfio-dev", address);
	const char *who = NULL;
	char name[32], node[64];

	if (world_files_link(path, name, sizeof name)) {
		snprintf(node, sizeof node, "/dev/vfio/%s", name);
		who = map_get(&held.names, node);
	}
	char **names = who ? NULL : world_files_list(devices); /* iommufd's way */
	if (names && names[0]) {
		snprintf(node, sizeof node, "/dev/vfio/devices/%.30s", names[0]);
		who = map_get(&held.names, node);
	}
	for (char **each = names; each && *each; each++)
		free(*each);
	free(names);
	return who;
}

bool holders_find(const char *address, char *who, size_t size)
{
	pthread_mutex_lock(&held.lock);
	if (held.at == 0 || sys_monotonic() - held.at > FRESH)
		look();
	const char *found = find_locked(address);
	snprintf(who, size, "%s", found ? found : "");
	pthread_mutex_unlock(&held.lock);
	return *who;
}
