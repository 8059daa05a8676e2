/* Who holds a VF: a process that has its group of /dev/vfio open, vfio-pci, or the host's own network. */
#include "host/holders.h"

#include "agent/world.h"
#include "agent/world_files.h"
#include "base/memory.h"

#include <net/if.h>
#include <string.h>
#include <unistd.h>

/* What a link says, whole. */
static bool link_read(const char *path, char *target, size_t size)
{
	_cleanup_free_ char *full = world_files_path(path);
	ssize_t length = readlink(full, target, size - 1);

	target[length > 0 ? length : 0] = '\0';
	return length > 0;
}

static bool has_open(const char *pid, const char *group, const char *device)
{
	_cleanup_free_ char *folder = memory_printf("/proc/%s/fd", pid);
	char **numbers = world->list(folder), target[128];
	bool found = false;

	for (size_t i = 0; numbers && numbers[i] && !found; i++) {
		_cleanup_free_ char *path = memory_printf("%s/%s", folder, numbers[i]);

		found = link_read(path, target, sizeof target) &&
			(strcmp(target, group) == 0 || strcmp(target, device) == 0);
	}
	world_list_free(numbers);
	return found;
}

/* A guest's name in QEMU's arguments ("guest=instance-00000001,debug-threads=on"), or "". */
static void guest_name(const char *pid, char *name, size_t size)
{
	_cleanup_free_ char *path = memory_printf("/proc/%s/cmdline", pid), *full = world_files_path(path);
	_cleanup_fclose_ FILE *file = fopen(full, "r");
	char bytes[4096];
	size_t count = file ? fread(bytes, 1, sizeof bytes - 1, file) : 0;

	*name = '\0';
	bytes[count] = '\0';
	for (size_t i = 0; i < count; i += strlen(bytes + i) + 1) {
		if (strncmp(bytes + i, "guest=", 6) == 0)
			snprintf(name, size, "%.*s", (int)strcspn(bytes + i + 6, ","), bytes + i + 6);
	}
}

/* "" if no process has it. */
static void process_find(const struct pci_device *vf, char *who, size_t size)
{
	char group[64], device[64] = "?", name[64], comm[64];
	_cleanup_free_ char *folder = memory_printf("/sys/bus/pci/devices/%s/vfio-dev", vf->address);
	char **files = world->list(folder), **pids = world->list("/proc");

	*who = '\0';
	snprintf(group, sizeof group, "/dev/vfio/%d", vf->iommu_group);
	if (files && files[0])
		snprintf(device, sizeof device, "/dev/vfio/devices/%s", files[0]);
	for (size_t i = 0; pids && pids[i] && !*who; i++) {
		if (!strchr("123456789", *pids[i]) || !has_open(pids[i], group, device))
			continue;
		_cleanup_free_ char *path = memory_printf("/proc/%s/comm", pids[i]);
		world_line(path, comm, sizeof comm);
		guest_name(pids[i], name, sizeof name);
		snprintf(who, size, "%s%s%s (process %s)", comm, *name ? " of " : "", name, pids[i]);
	}
	world_list_free(files);
	world_list_free(pids);
}

static bool is_up(const char *netdev)
{
	_cleanup_free_ char *path = memory_printf("/sys/class/net/%s/flags", netdev);
	char line[32];

	world_line(path, line, sizeof line);
	return strtoul(line, NULL, 0) & IFF_UP;
}

static void holder_find(const struct pci_device *vf, char *who, size_t size)
{
	process_find(vf, who, size);
	if (*who)
		return;
	if (strstr(vf->driver, "vfio"))
		snprintf(who, size, "%s has it for a guest", vf->driver);
	else if (*vf->netdev && is_up(vf->netdev))
		snprintf(who, size, "the host uses it as %s, which is up", vf->netdev);
}

bool holders_find(const struct pci_device *devices, size_t count, const char *pf, struct text *sentences)
{
	bool any = false;
	char who[256];

	for (size_t i = 0; i < count; i++) {
		if (strcmp(devices[i].parent, pf) != 0)
			continue;
		holder_find(&devices[i], who, sizeof who);
		if (*who)
			text_addf(sentences, "%sVF %s: %s", any ? "; " : "", devices[i].address, who);
		any |= *who != '\0';
	}
	return any;
}
