/* Reading sysfs: PCI devices, CPUs, memory, disk. */
#include "agent/inventory.h"

#include "base/memory.h"
#include "base/text.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#define PCI_DEVICES "/sys/bus/pci/devices"

/* The first line of a small file, or "" if it is not there. */
static void read_line(const char *path, char *line, size_t size)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");

	*line = '\0';
	if (file && fgets(line, (int)size, file))
		line[strcspn(line, "\n")] = '\0';
}

static void read_attribute(const char *root, const char *address, const char *name, char *line, size_t size)
{
	_cleanup_free_ char *path = memory_printf("%s" PCI_DEVICES "/%s/%s", root, address, name);

	read_line(path, line, size);
}

/* Last component of what a link points to, or "". */
static void read_link(const char *root, const char *address, const char *name, char *target, size_t size)
{
	_cleanup_free_ char *path = memory_printf("%s" PCI_DEVICES "/%s/%s", root, address, name);
	char text[512];
	ssize_t length = readlink(path, text, sizeof text - 1);

	*target = '\0';
	if (length <= 0)
		return;
	text[length] = '\0';
	const char *slash = strrchr(text, '/');
	snprintf(target, size, "%s", slash ? slash + 1 : text);
}

/* "0x8086" as "8086". */
static void read_id(const char *root, const char *address, const char *name, char *id, size_t skip)
{
	char line[32];

	read_attribute(root, address, name, line, sizeof line);
	snprintf(id, 5, "%.4s", strlen(line) >= 2 + skip + 4 ? line + 2 + skip : "0000");
}

static int read_int(const char *root, const char *address, const char *name, int fallback)
{
	char line[32];
	int64_t value;

	read_attribute(root, address, name, line, sizeof line);
	return text_to_int64(line, INT32_MIN, INT32_MAX, &value) ? (int)value : fallback;
}

static void read_netdev(const char *root, struct pci_device *device)
{
	_cleanup_free_ char *path = memory_printf("%s" PCI_DEVICES "/%s/net", root, device->address);
	_cleanup_closedir_ DIR *dir = opendir(path);

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(device->netdev, sizeof device->netdev, "%.15s", entry->d_name);
		_cleanup_free_ char *address = memory_printf("%s/%s/address", path, entry->d_name);
		read_line(address, device->mac_address, sizeof device->mac_address);
		return;
	}
}

/* Counts VFs by their links, because sriov_numvfs itself can block while a VF is in use; and tells which VF
 * of its PF a device is. */
static int count_vfs(const char *root, const char *pf, const char *vf, int *index)
{
	for (int i = 0;; i++) {
		char name[24], target[16];

		snprintf(name, sizeof name, "virtfn%d", i);
		read_link(root, pf, name, target, sizeof target);
		if (!*target)
			return i;
		if (vf && strcmp(target, vf) == 0)
			*index = i;
	}
}

static bool device_read(const char *root, const char *address, struct pci_device *device)
{
	char group[16];
	int64_t number;

	*device = (struct pci_device){.vf_index = -1, .iommu_group = -1};
	snprintf(device->address, sizeof device->address, "%.15s", address);
	read_id(root, address, "vendor", device->vendor_id, 0);
	read_id(root, address, "device", device->product_id, 0);
	read_id(root, address, "class", device->class_code, 0);
	if (strncmp(device->class_code, "06", 2) == 0)
		return false; /* bridges stay with the host */
	device->numa_node = read_int(root, address, "numa_node", -1);
	read_link(root, address, "iommu_group", group, sizeof group);
	if (text_to_int64(group, 0, INT32_MAX, &number))
		device->iommu_group = (int)number;
	read_link(root, address, "driver", device->driver, sizeof device->driver);
	read_link(root, address, "physfn", device->parent, sizeof device->parent);
	device->totalvfs = read_int(root, address, "sriov_totalvfs", 0);
	if (*device->parent) {
		strcpy(device->type, "type-VF");
		count_vfs(root, device->parent, device->address, &device->vf_index);
	} else if (device->totalvfs > 0) {
		strcpy(device->type, "type-PF");
		device->numvfs = count_vfs(root, device->address, NULL, NULL);
	} else {
		strcpy(device->type, "type-PCI");
	}
	read_netdev(root, device);
	return true;
}

static int compare_devices(const void *a, const void *b)
{
	return strcmp(((const struct pci_device *)a)->address, ((const struct pci_device *)b)->address);
}

bool inventory_devices(const char *root, struct pci_device **devices, size_t *count, struct error *err)
{
	_cleanup_free_ char *path = memory_printf("%s" PCI_DEVICES, root);
	_cleanup_closedir_ DIR *dir = opendir(path);
	struct pci_device device;

	*devices = NULL;
	*count = 0;
	if (!dir)
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot read %s", path);
	for (struct dirent *entry; (entry = readdir(dir));) {
		/* Domains of more than 16 bits are made up by the kernel (VMD) and cannot be passed through.
		 */
		if (entry->d_name[0] != '.' && strlen(entry->d_name) == 12 &&
		    device_read(root, entry->d_name, &device))
			*ARRAY_ADD(*devices, *count) = device;
	}
	if (*count)
		qsort(*devices, *count, sizeof **devices, compare_devices);
	return true;
}

static int64_t meminfo(const char *path, const char *key)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	char line[256];

	while (file && fgets(line, sizeof line, file)) {
		char *found = strstr(line, key);
		long long kb;

		if (found && sscanf(found + strlen(key), " %lld", &kb) == 1)
			return kb;
	}
	return 0;
}

static void read_cells(const char *root, struct host_facts *facts)
{
	for (int id = 0; id < 64 && facts->cell_count < 16; id++) {
		_cleanup_free_ char *node = memory_printf("%s/sys/devices/system/node/node%d", root, id);
		_cleanup_free_ char *cpus = memory_printf("%s/cpulist", node);
		_cleanup_free_ char *memory = memory_printf("%s/meminfo", node);
		_cleanup_free_ char *pages =
			memory_printf("%s/hugepages/hugepages-2048kB/nr_hugepages", node);
		struct host_cell *cell = &facts->cells[facts->cell_count];
		char line[32];

		if (access(cpus, R_OK) != 0)
			continue;
		facts->cell_count++;
		cell->id = id;
		read_line(cpus, cell->cpus, sizeof cell->cpus);
		cell->memory_mb = meminfo(memory, "MemTotal:") / 1024;
		read_line(pages, line, sizeof line);
		text_to_int64(line, 0, INT64_MAX, &cell->hugepages_2m);
	}
}

static void cpuinfo_value(const char *line, const char *key, char *value, size_t size)
{
	const char *colon = strchr(line, ':');

	if (!*value && strncmp(line, key, strlen(key)) == 0 && colon && colon[1] == ' ') {
		snprintf(value, size, "%s", colon + 2);
		value[strcspn(value, "\n")] = '\0';
	}
}

bool inventory_host(const char *root, const char *state_dir, struct host_facts *facts, struct error *err)
{
	_cleanup_free_ char *cpuinfo = memory_printf("%s/proc/cpuinfo", root);
	_cleanup_free_ char *memory = memory_printf("%s/proc/meminfo", root);
	_cleanup_fclose_ FILE *file = fopen(cpuinfo, "re");
	char line[8192], cores[16] = "";
	struct statvfs disk;
	int64_t number = 1;

	*facts = (struct host_facts){.sockets = 1, .cores = 1, .threads = 1};
	if (!file)
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot read %s", cpuinfo);
	while (fgets(line, sizeof line, file)) {
		facts->vcpus += strncmp(line, "processor", 9) == 0;
		cpuinfo_value(line, "model name", facts->cpu_model, sizeof facts->cpu_model);
		cpuinfo_value(line, "vendor_id", facts->cpu_vendor, sizeof facts->cpu_vendor);
		cpuinfo_value(line, "cpu cores", cores, sizeof cores);
	}
	text_to_int64(cores, 1, 4096, &number);
	facts->cores = (int)number;
	facts->sockets = (int)(facts->vcpus / number > 0 ? facts->vcpus / number : 1);
	facts->memory_mb = meminfo(memory, "MemTotal:") / 1024;
	if (statvfs(state_dir, &disk) == 0)
		facts->disk_gb = (int64_t)(disk.f_blocks * disk.f_frsize >> 30);
	read_cells(root, facts);
	return true;
}
