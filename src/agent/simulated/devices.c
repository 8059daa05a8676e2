/* The simulated kernel's files: PCI devices and their drivers, network devices, CPUs and memory. */
#include "agent/simulated/state.h"
#include "base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NODES	  "/sys/devices/system/node"
#define DEVICES	  "/sys/bus/pci/devices"
#define FIRST_BUS 0x10
#define VF_SLOT	  0x10 /* VF 0 is 10.0, VF 8 is 11.0 */

/* --- devices --- */

int simulated_index(const struct simulated_device *device)
{
	return (int)(device - simulated_devices());
}

int simulated_group(const struct simulated_device *device)
{
	int pf = simulated_index(device) / (simulated_now()->vfs + 1);

	return 1 + (simulated_is_pf(device) ? pf / simulated_now()->share * simulated_now()->share *
						      (simulated_now()->vfs + 1)
					    : simulated_index(device));
}

bool simulated_is_pf(const struct simulated_device *device)
{
	return simulated_index(device) % (simulated_now()->vfs + 1) == 0;
}

int simulated_vf_index(const struct simulated_device *vf)
{
	return simulated_index(vf) % (simulated_now()->vfs + 1) - 1;
}

struct simulated_device *simulated_pf_of(struct simulated_device *vf)
{
	return vf - simulated_vf_index(vf) - 1;
}

void simulated_address(const struct simulated_device *device, char text[PCI_ADDRESS_SIZE])
{
	pci_address bus = (pci_address)(FIRST_BUS + simulated_index(device) / (simulated_now()->vfs + 1));
	pci_address function =
		simulated_is_pf(device) ? 0 : (VF_SLOT << 3) + (pci_address)simulated_vf_index(device);

	pci_address_format(bus << 8 | function, text);
}

struct simulated_device *simulated_find(const char *address)
{
	pci_address number;

	if (!pci_address_parse(address, &number) || number >> 8 < FIRST_BUS)
		return NULL;
	int pf = (int)(number >> 8) - FIRST_BUS, function = (int)(number & 0xff);
	int vf = function == 0 ? -1 : function - (VF_SLOT << 3);
	if (pf >= simulated_now()->pfs || vf < -1 || vf >= simulated_now()->vfs || (function != 0 && vf < 0))
		return NULL;
	struct simulated_device *device = &simulated_devices()[pf * (simulated_now()->vfs + 1) + 1 + vf];
	return device->exists ? device : NULL;
}

/* "sim0v3", as simulated_bind_vf() names a VF's.  (Not with sscanf(), which is slow: this is asked all the
 * time.) */
static bool is_vf_name(const char *name, long *card, long *vf)
{
	char *rest;

	if (strncmp(name, "sim", 3) != 0)
		return false;
	*card = strtol(name + 3, &rest, 10);
	if (rest == name + 3 || *rest != 'v')
		return false;
	const char *digits = rest + 1;
	*vf = strtol(digits, &rest, 10);
	return rest != digits && !*rest;
}

struct simulated_device *simulated_netdev(const char *name)
{
	long card, vf;

	if (is_vf_name(name, &card, &vf) && card >= 0 && card < simulated_now()->pfs && vf >= 0 &&
	    vf < simulated_now()->vfs) {
		struct simulated_device *device =
			&simulated_devices()[card * (simulated_now()->vfs + 1) + 1 + vf];

		return *device->netdev ? device : NULL;
	}
	for (int i = 0; i < simulated_now()->pfs; i++) {
		struct simulated_device *pf = &simulated_devices()[i * (simulated_now()->vfs + 1)];

		if (*pf->netdev && strcmp(pf->netdev, name) == 0)
			return pf;
	}
	return NULL;
}

/* igb takes a PF: it has a network device again, which is down. */
void simulated_bind_pf(struct simulated_device *pf, const char *netdev)
{
	strcpy(pf->driver, "igb");
	snprintf(pf->netdev, sizeof pf->netdev, "%s", netdev);
	pf->up = false;
	pf->mtu = 1500;
	pf->numvfs = 0;
}

/* igbvf takes a VF. */
static void bind_vf(struct simulated_device *vf)
{
	int index = simulated_vf_index(vf), card = simulated_index(vf) / (simulated_now()->vfs + 1);

	strcpy(vf->driver, "igbvf");
	snprintf(vf->netdev, sizeof vf->netdev, "sim%dv%d", card, index);
	snprintf(vf->mac_address, sizeof vf->mac_address, "02:00:00:00:%02x:%02x", card & 0xff, index & 0xff);
	vf->mtu = 1500;
}

int simulated_set_numvfs(struct simulated_device *pf, int count)
{
	if (strcmp(pf->driver, "igb") != 0)
		return ENOENT;
	if (count > simulated_now()->vfs)
		return ERANGE;
	if (count > 0 && pf->numvfs > 0)
		return EBUSY;
	for (int i = 1; i <= simulated_now()->vfs; i++) {
		if (pf[i].guest) /* the real kernel would wait until the guest is gone */
			return EDEADLK;
	}
	for (int i = 1; i <= simulated_now()->vfs; i++)
		pf[i] = (struct simulated_device){.exists = i <= count, .settings = vf_clean};
	pf->numvfs = count;
	return 0;
}

static int unbind(struct simulated_device *device)
{
	int result = 0;

	if (!*device->driver)
		return ENODEV;
	if (device->guest)
		return EDEADLK;
	if (strcmp(device->driver, "igb") == 0)
		result = simulated_set_numvfs(device, 0);
	if (result == 0) {
		*device->driver = *device->netdev = *device->mac_address = '\0';
		device->up = false;
		device->mtu = 0;
	}
	return result;
}

static int bind(struct simulated_device *device, const char *driver)
{
	char name[16];

	if (*device->driver || (*device->override && strcmp(device->override, driver) != 0))
		return ENODEV;
	if (strcmp(driver, "vfio-pci") == 0) {
		strcpy(device->driver, driver);
		return 0;
	}
	if (!simulated_is_pf(device) && strcmp(driver, "igbvf") == 0) {
		bind_vf(device);
		return 0;
	}
	if (!simulated_is_pf(device) || strcmp(driver, "igb") != 0)
		return ENODEV;
	snprintf(name, sizeof name, "eth%d", simulated_index(device));
	simulated_bind_pf(device, name);
	return 0;
}

static int probe(struct simulated_device *device)
{
	if (*device->driver)
		return 0;
	if (*device->override)
		return bind(device, device->override);
	return simulated_is_pf(device) ? bind(device, "igb") : 0;
}

/* --- writing --- */

static int write_attribute(struct simulated_device *device, const char *name, const char *text)
{
	if (strcmp(name, "driver_override") == 0) {
		snprintf(device->override, sizeof device->override, "%s",
			 strcmp(text, "\n") == 0 ? "" : text);
		return 0;
	}
	if (strcmp(name, "driver/unbind") == 0)
		return unbind(device);
	if (strcmp(name, "reset") == 0)
		return device->guest ? EDEADLK : 0;
	if (strcmp(name, "sriov_numvfs") == 0 && simulated_is_pf(device))
		return simulated_set_numvfs(device, atoi(text));
	if (strcmp(name, "sriov_drivers_autoprobe") == 0 && simulated_is_pf(device)) {
		device->autoprobe = strcmp(text, "0") != 0;
		return 0;
	}
	return ENOENT;
}

/* FOLDER/FIRST/REST, where REST may be missing: how many of the two there are.  Asked for each file that is
 * read. */
static int path_split(const char *path, const char *folder, char first[32], char rest[64])
{
	size_t length = strlen(folder);

	if (strncmp(path, folder, length) != 0 || path[length] != '/')
		return 0;
	path += length + 1;
	length = strcspn(path, "/");
	if (length == 0 || length >= 32)
		return 0;
	memcpy(first, path, length);
	first[length] = '\0';
	if (!path[length] || !path[length + 1] || strlen(path + length + 1) >= 64)
		return 1;
	strcpy(rest, path + length + 1);
	return 2;
}

static int write_locked(const char *path, const char *text)
{
	char address[32], name[64], driver[32];
	struct simulated_device *device;

	if (path_split(path, DEVICES, address, name) == 2) {
		device = simulated_find(address);
		return device ? write_attribute(device, name, text) : ENOENT;
	}
	device = simulated_find(text);
	if (strcmp(path, "/sys/bus/pci/drivers_probe") == 0)
		return device ? probe(device) : ENODEV;
	if (path_split(path, "/sys/bus/pci/drivers", driver, name) == 2 && strcmp(name, "bind") == 0)
		return device ? bind(device, driver) : ENODEV;
	return ENOENT;
}

bool simulated_write(const char *path, const char *text, struct error *err)
{
	simulated_change("write %s > %s", strcmp(text, "\n") == 0 ? "" : text, path);
	simulated_enter();
	int result = write_locked(path, text);
	simulated_tell(WORLD_DEVICES);
	simulated_leave();
	return result == 0 ||
	       error_set_errno(err, ERROR_INTERNAL, result, "cannot write '%s' to %s", text, path);
}

/* --- reading --- */

void simulated_set_dead(const char *address, bool dead)
{
	simulated_find(address)->dead = dead;
}

void simulated_set_held(const char *address, bool held)
{
	struct simulated_device *device = simulated_find(address);

	strcpy(device->driver, held ? "vfio-pci" : "");
	strcpy(device->override, held ? "vfio-pci" : "");
	device->guest = held ? -1 : 0;
}

bool simulated_holder(const char *address, char *who, size_t size)
{
	simulated_enter();
	const struct simulated_device *device = simulated_find(address);
	bool held = device && device->guest;
	snprintf(who, size, "%s", held ? device->guest < 0 ? "other-vmm (process 4711)" : "qemu" : "");
	simulated_leave();
	return held;
}

/* A VF's ids read as ones. */
static char *read_config(const struct simulated_device *device, bool is_pf)
{
	char *bytes = memory_alloc(65);

	if (device->dead)
		memset(bytes, 0xff, 64);
	else
		memcpy(bytes, is_pf ? "\x86\x80\xc9\x10\x07" : "\xff\xff\xff\xff\x04", 5);
	return bytes;
}

static char *read_device(struct simulated_device *device, const char *name)
{
	bool is_pf = simulated_is_pf(device);

	if (strcmp(name, "config") == 0)
		return read_config(device, is_pf);
	if (strcmp(name, "reset_method") == 0)
		return memory_copy_text("flr bus\n");

	if (strcmp(name, "vendor") == 0)
		return memory_copy_text("0x8086\n");
	if (strcmp(name, "device") == 0)
		return memory_copy_text(is_pf ? "0x10c9\n" : "0x10ca\n");
	if (strcmp(name, "class") == 0)
		return memory_copy_text("0x020000\n");
	if (strcmp(name, "numa_node") == 0)
		return memory_printf("%d\n", simulated_index(device) / (simulated_now()->vfs + 1) % 2);
	if (strcmp(name, "driver_override") == 0)
		return memory_printf("%s\n", *device->override ? device->override : "(null)");
	if (is_pf && strcmp(name, "sriov_totalvfs") == 0)
		return memory_printf("%d\n", simulated_now()->vfs);
	if (is_pf && strcmp(name, "sriov_drivers_autoprobe") == 0)
		return memory_printf("%d\n", device->autoprobe);
	return NULL;
}

static char *read_netdev(const char *netdev, const char *name)
{
	const struct simulated_device *pf = simulated_netdev(netdev);

	if (!pf)
		return NULL;
	if (*pf->mac_address && strcmp(name, "address") == 0)
		return memory_printf("%s\n", pf->mac_address);
	if (strcmp(name, "ifindex") == 0)
		return memory_printf("%d\n", SIMULATED_IFINDEX + simulated_index(pf));
	if (strcmp(name, "mtu") == 0)
		return memory_printf("%d\n", pf->mtu);
	if (strcmp(name, "address") == 0)
		return memory_printf("a0:36:9f:00:%02x:%02x\n", simulated_index(pf) >> 8,
				     simulated_index(pf) & 0xff);
	return NULL;
}

static char *read_cpuinfo(void)
{
	struct text text = {0};

	for (int i = 0; i < simulated_now()->servers; i++)
		text_addf(&text, "processor\t: %d\nvendor_id\t: AuthenticAMD\nmodel name\t: simulated\n", i);
	return text_take(&text);
}

/* A server each has 1 GB; half of it on either of two nodes. */
static char *read_host(const char *path)
{
	long long memory_kb = ((long long)simulated_now()->servers + 4) * 1024 * 1024;
	int half = simulated_now()->servers / 2;
	char folder[32], name[64];

	if (strcmp(path, "/proc/cpuinfo") == 0)
		return read_cpuinfo();
	if (strcmp(path, "/proc/meminfo") == 0)
		return memory_printf("MemTotal: %lld kB\n", memory_kb);
	if (path_split(path, NODES, folder, name) != 2 ||
	    (strcmp(folder, "node0") != 0 && strcmp(folder, "node1") != 0))
		return NULL;
	int node = folder[4] - '0';
	if (strcmp(name, "cpulist") == 0)
		return node == 0 ? memory_printf("0-%d\n", half)
				 : memory_printf("%d-%d\n", half + 1, simulated_now()->servers);
	return memory_printf("Node %d MemTotal: %lld kB\n", node, memory_kb / 2);
}

char *simulated_read(const char *path)
{
	char first[32], name[64];
	struct simulated_device *device;
	char *text = NULL;

	simulated_enter();
	if (path_split(path, DEVICES, first, name) == 2) {
		device = simulated_find(first);
		text = device ? read_device(device, name) : NULL;
	} else if (path_split(path, "/sys/class/net", first, name) == 2) {
		text = read_netdev(first, name);
	} else {
		text = read_host(path);
	}
	simulated_leave();
	return text;
}

static void link_locked(struct simulated_device *device, const char *link, char *name, size_t size)
{
	char address[PCI_ADDRESS_SIZE];
	int vf;

	if (strcmp(link, "driver") == 0) {
		snprintf(name, size, "%s", device->driver);
	} else if (strcmp(link, "iommu_group") == 0) {
		snprintf(name, size, "%d", simulated_group(device));
	} else if (strcmp(link, "physfn") == 0 && !simulated_is_pf(device)) {
		simulated_address(simulated_pf_of(device), address);
		snprintf(name, size, "%s", address);
	} else if (simulated_is_pf(device) && sscanf(link, "virtfn%d", &vf) == 1 && vf < device->numvfs) {
		simulated_address(device + 1 + vf, address);
		snprintf(name, size, "%s", address);
	}
}

bool simulated_link(const char *path, char *name, size_t size)
{
	char address[32], link[64];
	struct simulated_device *device;

	*name = '\0';
	simulated_enter();
	if (path_split(path, DEVICES, address, link) == 2 && (device = simulated_find(address)))
		link_locked(device, link, name, size);
	simulated_leave();
	return *name;
}

static char **list_devices(void)
{
	char **names = NULL, address[PCI_ADDRESS_SIZE];
	size_t count = 0;

	for (int i = 0; i < simulated_now()->pfs * (simulated_now()->vfs + 1); i++) {
		if (!simulated_devices()[i].exists)
			continue;
		simulated_address(&simulated_devices()[i], address);
		*ARRAY_ADD(names, count) = memory_copy_text(address);
	}
	*ARRAY_ADD(names, count) = NULL;
	return names;
}

static char **list_netdev(const struct simulated_device *device)
{
	char **names = NULL;
	size_t count = 0;

	if (!*device->netdev)
		return NULL;
	*ARRAY_ADD(names, count) = memory_copy_text(device->netdev);
	*ARRAY_ADD(names, count) = NULL;
	return names;
}

static char **list_links(const struct simulated_device *device)
{
	char **names = NULL;
	size_t count = 0;

	*ARRAY_ADD(names, count) = memory_copy_text("vendor");
	if (!simulated_is_pf(device))
		*ARRAY_ADD(names, count) = memory_copy_text("physfn");
	for (int i = 0; i < device->numvfs; i++)
		*ARRAY_ADD(names, count) = memory_printf("virtfn%d", i);
	*ARRAY_ADD(names, count) = NULL;
	return names;
}

static char **list_nodes(void)
{
	char **names = NULL;
	size_t count = 0;

	*ARRAY_ADD(names, count) = memory_copy_text("node0");
	*ARRAY_ADD(names, count) = memory_copy_text("node1");
	*ARRAY_ADD(names, count) = NULL;
	return names;
}

char **simulated_list(const char *path)
{
	const struct simulated_device *device;
	char address[32], name[64], **names = NULL;
	int parts = path_split(path, DEVICES, address, name);

	simulated_enter();
	if (strcmp(path, DEVICES) == 0) {
		names = list_devices();
	} else if (parts == 1) {
		device = simulated_find(address);
		names = device ? list_links(device) : NULL;
	} else if (parts == 2) {
		device = simulated_find(address);
		names = device && strcmp(name, "net") == 0 ? list_netdev(device) : NULL;
	} else if (strcmp(path, NODES) == 0) {
		names = list_nodes();
	} else if (strcmp(path, "/sys/bus/pci/drivers/vfio-pci") == 0) {
		names = memory_alloc(sizeof *names);
	}
	simulated_leave();
	return names;
}
