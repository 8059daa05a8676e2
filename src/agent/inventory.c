/* Reading sysfs: PCI devices, CPUs, memory. */
#include "agent/inventory.h"

#include "agent/cpus.h"
#include "agent/world.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define PCI_DEVICES "/sys/bus/pci/devices"
#define NODES	    "/sys/devices/system/node"

static void read_attribute(const char *address, const char *name, char *line, size_t size)
{
	char path[128];

	snprintf(path, sizeof path, PCI_DEVICES "/%.15s/%s", address, name);
	world_line(path, line, size);
}

/* Last component of what a link points to, or "". */
static void read_link(const char *address, const char *name, char *target, size_t size)
{
	char path[128];

	snprintf(path, sizeof path, PCI_DEVICES "/%.15s/%s", address, name);
	world->link(path, target, size);
}

/* "0x8086" as "8086"; of a class the first four digits: "0x020000" as "0200". */
static void read_id(const char *address, const char *name, char id[5])
{
	char line[32];

	read_attribute(address, name, line, sizeof line);
	snprintf(id, 5, "%.4s", strlen(line) >= 6 ? line + 2 : "0000");
}

static int read_int(const char *address, const char *name, int fallback)
{
	char line[32];
	int64_t value;

	read_attribute(address, name, line, sizeof line);
	return text_to_int64(line, INT32_MIN, INT32_MAX, &value) ? (int)value : fallback;
}

static void read_netdev(struct pci_device *device)
{
	char path[128];

	snprintf(path, sizeof path, PCI_DEVICES "/%s/net", device->address);
	char **names = world->list(path);
	if (names && names[0]) {
		snprintf(device->netdev, sizeof device->netdev, "%.15s", names[0]);
		snprintf(path, sizeof path, "/sys/class/net/%s/address", device->netdev);
		world_line(path, device->mac_address, sizeof device->mac_address);
	}
	world_list_free(names);
}

/* False for what stays with the host: bridges. */
static bool device_read(const char *address, struct pci_device *device)
{
	char group[16];
	int64_t number;

	*device = (struct pci_device){.vf_index = -1, .iommu_group = -1};
	snprintf(device->address, sizeof device->address, "%.15s", address);
	read_id(address, "class", device->class_code);
	if (strncmp(device->class_code, "06", 2) == 0)
		return false;
	read_id(address, "vendor", device->vendor_id);
	read_id(address, "device", device->product_id);
	device->numa_node = read_int(address, "numa_node", -1);
	read_link(address, "iommu_group", group, sizeof group);
	if (text_to_int64(group, 0, INT32_MAX, &number))
		device->iommu_group = (int)number;
	read_link(address, "driver", device->driver, sizeof device->driver);
	read_link(address, "physfn", device->parent, sizeof device->parent);
	device->totalvfs = read_int(address, "sriov_totalvfs", 0);
	strcpy(device->type, *device->parent ? "type-VF" : device->totalvfs > 0 ? "type-PF" : "type-PCI");
	read_netdev(device);
	return true;
}

static int compare_devices(const void *a, const void *b)
{
	return strcmp(((const struct pci_device *)a)->address, ((const struct pci_device *)b)->address);
}

struct pci_device *inventory_find(struct pci_device *devices, size_t count, const char *address)
{
	struct pci_device key = {0};

	snprintf(key.address, sizeof key.address, "%.15s", address);
	return count ? bsearch(&key, devices, count, sizeof key, compare_devices) : NULL;
}

/* Counts a PF's VFs by their links (sriov_numvfs itself can block while a guest has one) and tells them which
 * they are. */
static void number_vfs(struct pci_device *pf, struct pci_device *devices, size_t count)
{
	char name[24], target[16];

	for (int i = 0;; i++) {
		snprintf(name, sizeof name, "virtfn%d", i);
		read_link(pf->address, name, target, sizeof target);
		if (!*target)
			return;
		struct pci_device *vf = inventory_find(devices, count, target);
		if (vf)
			vf->vf_index = i;
		pf->numvfs++;
	}
}

bool inventory_devices(struct pci_device **devices, size_t *count, struct error *err)
{
	char **names = world->list(PCI_DEVICES);
	struct pci_device device;

	*devices = NULL;
	*count = 0;
	if (!names)
		return error_set(err, ERROR_INTERNAL, "cannot read %s", PCI_DEVICES);
	for (char **name = names; *name; name++) {
		/* Domains of more than 16 bits are made up by the kernel (VMD) and cannot be passed through.
		 */
		if (strlen(*name) == 12 && device_read(*name, &device))
			*ARRAY_ADD(*devices, *count) = device;
	}
	world_list_free(names);
	if (*count)
		qsort(*devices, *count, sizeof **devices, compare_devices);
	for (size_t i = 0; i < *count; i++) {
		if (strcmp((*devices)[i].type, "type-PF") == 0)
			number_vfs(&(*devices)[i], *devices, *count);
	}
	return true;
}

/* --- CPUs and memory --- */

/* The value of a line like "Node 0 MemTotal:  1310720 kB". */
static int64_t meminfo(const char *path, const char *key)
{
	_cleanup_free_ char *text = world->read(path);
	char *found = text ? strstr(text, key) : NULL;
	long long kb = 0;

	if (found)
		sscanf(found + strlen(key), " %lld", &kb);
	return kb;
}

static void read_pages(const char *node, struct host_cell *cell)
{
	_cleanup_free_ char *folder = memory_printf("%s/hugepages", node);
	char **names = world->list(folder), line[32];
	int64_t size, total;

	for (char **name = names; name && *name && cell->page_count < HOST_PAGES_MAX; name++) {
		_cleanup_free_ char *path = memory_printf("%s/%s/nr_hugepages", folder, *name);
		char digits[24];

		if (sscanf(*name, "hugepages-%20[0-9]kB", digits) != 1 ||
		    !text_to_int64(digits, 1, INT64_MAX, &size))
			continue;
		world_line(path, line, sizeof line);
		if (text_to_int64(line, 0, INT64_MAX, &total))
			cell->pages[cell->page_count++] =
				(struct host_pages){.size_kb = size, .total = total};
	}
	world_list_free(names);
}

/* CPUs do not change places: looked at once, and again when a node's CPUs are others. */
static void read_topology(struct host_cell *cell, int position)
{
	static struct {
		char cpus[256], siblings[2048];
		int socket;
	} known[HOST_CELLS_MAX];

	if (strcmp(known[position].cpus, cell->cpus) != 0) {
		cpus_topology(cell->cpus, &known[position].socket, known[position].siblings,
			      sizeof known[position].siblings);
		memcpy(known[position].cpus, cell->cpus, sizeof cell->cpus);
	}
	cell->socket = known[position].socket;
	memcpy(cell->siblings, known[position].siblings, sizeof cell->siblings);
}

/* A bit for each node's number below 64. */
static uint64_t nodes_there(void)
{
	char **names = world->list(NODES);
	uint64_t there = 0;
	int64_t id;

	for (char **name = names; name && *name; name++) {
		if (text_starts_with(*name, "node") && text_to_int64(*name + 4, 0, 63, &id))
			there |= UINT64_C(1) << id;
	}
	world_list_free(names);
	return there;
}

static void read_cells(struct host_facts *facts)
{
	const uint64_t there = nodes_there();

	for (int id = 0; id < 64 && facts->cell_count < HOST_CELLS_MAX; id++) {
		struct host_cell *cell = &facts->cells[facts->cell_count];
		char node[64], path[80];

		if (!(there >> id & 1))
			continue;
		snprintf(node, sizeof node, NODES "/node%d", id);
		snprintf(path, sizeof path, "%s/cpulist", node);
		_cleanup_free_ char *cpus = world->read(path);
		if (!cpus)
			continue;
		facts->cell_count++;
		cell->id = id;
		snprintf(cell->cpus, sizeof cell->cpus, "%.*s", (int)strcspn(cpus, "\n"), cpus);
		snprintf(path, sizeof path, "%s/meminfo", node);
		cell->memory_mb = meminfo(path, "MemTotal:") / 1024;
		read_pages(node, cell);
		read_topology(cell, facts->cell_count - 1);
	}
}

static void cpuinfo_value(const char *line, const char *key, char *value, size_t size)
{
	const char *colon = strchr(line, ':');

	if (!*value && strncmp(line, key, strlen(key)) == 0 && colon && colon[1] == ' ')
		snprintf(value, size, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
}

static void read_cpus(const char *cpuinfo, struct host_facts *facts)
{
	char cores[16] = "", siblings[16] = "";
	int64_t core_count = 1, thread_count = 1;

	for (const char *line = cpuinfo; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		facts->vcpus += strncmp(line, "processor", 9) == 0;
		cpuinfo_value(line, "model name", facts->cpu_model, sizeof facts->cpu_model);
		cpuinfo_value(line, "vendor_id", facts->cpu_vendor, sizeof facts->cpu_vendor);
		cpuinfo_value(line, "cpu cores", cores, sizeof cores);
		cpuinfo_value(line, "siblings", siblings, sizeof siblings);
	}
	text_to_int64(cores, 1, 4096, &core_count);
	if (!text_to_int64(siblings, 1, 8192, &thread_count))
		thread_count = core_count;
	facts->cores = (int)core_count;
	facts->threads = (int)(thread_count >= core_count ? thread_count / core_count : 1);
	facts->sockets = (int)(facts->vcpus >= thread_count ? facts->vcpus / thread_count : 1);
}

bool inventory_host(const char *state_dir, struct host_facts *facts, struct error *err)
{
	_cleanup_free_ char *cpuinfo = world->read("/proc/cpuinfo");

	*facts = (struct host_facts){0};
	if (!cpuinfo)
		return error_set(err, ERROR_INTERNAL, "cannot read /proc/cpuinfo");
	read_cpus(cpuinfo, facts);
	facts->memory_mb = meminfo("/proc/meminfo", "MemTotal:") / 1024;
	facts->disk_gb = world->disk_gb(state_dir);
	read_cells(facts);
	return true;
}
