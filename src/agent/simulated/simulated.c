/* The simulated host: its beginning and end, and what is not devices, links or guests. */
#include "agent/simulated/simulated.h"

#include "agent/process.h"
#include "agent/simulated/state.h"
#include "base/memory.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct simulated *simulated;
pthread_mutex_t simulated_lock = PTHREAD_MUTEX_INITIALIZER;
void (*simulated_on_change)(const char *what);

void simulated_change(const char *format, ...)
{
	char what[200];
	va_list arguments;

	if (!simulated_on_change)
		return;
	va_start(arguments, format);
	vsnprintf(what, sizeof what, format, arguments);
	va_end(arguments);
	simulated_on_change(what);
}

static void begin(void)
{
	char name[16];

	for (int i = 0; i < simulated->pfs; i++) {
		struct simulated_device *pf = &simulated->devices[i * (simulated->vfs + 1)];

		*pf = (struct simulated_device){.exists = true, .autoprobe = false};
		snprintf(name, sizeof name, "sim%d", i);
		simulated_bind_pf(pf, name);
		pf->up = true;
		simulated_set_numvfs(pf, simulated->vfs);
	}
}

bool simulated_start(const char *how, struct error *err)
{
	int servers, pfs = 16, vfs = 64, share = 1;
	char word[10] = "", comma = ',', rest;
	int count = sscanf(how, "%d,%d,%d,%d%c%9[a-z]%c", &servers, &pfs, &vfs, &share, &comma, word, &rest);
	bool stubborn = count == 6 && comma == ',' && strcmp(word, "stubborn") == 0;

	if (count < 1 || (count > 4 && !stubborn) || share < 1 || servers < 1 || servers > 16384 || pfs < 1 ||
	    pfs > 128 || vfs < 1 || vfs > 120)
		return error_set(
			err, ERROR_BAD_REQUEST,
			"--simulate: expected SERVERS[,PFS[,VFS[,SHARE[,stubborn]]]]: up to 16384, 128 and "
			"120, not \"%.40s\"",
			how);
	size_t devices = (size_t)pfs * ((size_t)vfs + 1) * sizeof *simulated->devices;
	size_t domains = (size_t)servers * sizeof *simulated->domains;
	size_t leases = 2 * (size_t)servers * sizeof *simulated->leases;
	size_t size = sizeof *simulated + devices + domains + leases;
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot simulate a host");
	simulated = memory;
	*simulated = (struct simulated){.size = size,
					.servers = servers,
					.pfs = pfs,
					.vfs = vfs,
					.share = share,
					.stubborn = stubborn};
	simulated->devices = (void *)(simulated + 1);
	simulated->domains = (void *)((char *)simulated->devices + devices);
	simulated->leases = (void *)((char *)simulated->domains + domains);
	begin();
	return true;
}

void simulated_end(void)
{
	munmap(simulated, simulated->size);
	simulated = NULL;
}

static bool device_is_pristine(const struct simulated_device *device, char *why, size_t size)
{
	char address[PCI_ADDRESS_SIZE], name[16] = "";
	const char *driver = simulated_is_pf(device) ? "igb" : "";
	const struct simulated_device wanted = {.exists = true,
						.up = simulated_is_pf(device),
						.mtu = simulated_is_pf(device) ? 1500 : 0,
						.numvfs = simulated_is_pf(device) ? simulated->vfs : 0};

	simulated_address(device, address);
	if (simulated_is_pf(device))
		snprintf(name, sizeof name, "sim%d", simulated_index(device) / (simulated->vfs + 1));
	snprintf(why, size,
		 "%s: driver '%s', override '%s', netdev '%s' %s, %d VFs, VF's MAC '%s', VLAN %d, guest %d",
		 address, device->driver, device->override, device->netdev, device->up ? "up" : "down",
		 device->numvfs, device->settings.mac_address, device->settings.vlan, device->guest);
	if (strcmp(device->driver, driver) != 0 || *device->override || strcmp(device->netdev, name) != 0)
		return false;
	for (size_t i = 0; i < vf_attribute_count; i++) {
		if (!simulated_is_pf(device) && !vf_attributes[i].equal(&device->settings, &vf_clean))
			return false;
	}
	return device->exists == wanted.exists && device->up == wanted.up && device->mtu == wanted.mtu &&
	       device->numvfs == wanted.numvfs && !device->autoprobe && device->guest == 0;
}

bool simulated_device_is_pristine(const char *address, char *why, size_t size)
{
	pthread_mutex_lock(&simulated_lock);
	const struct simulated_device *device = simulated_find(address);
	bool ok = !device || device_is_pristine(device, why, size);
	pthread_mutex_unlock(&simulated_lock);
	return ok;
}

bool simulated_is_pristine(char *why, size_t size)
{
	bool ok = true;

	pthread_mutex_lock(&simulated_lock);
	for (int i = 0; ok && i < simulated->pfs * (simulated->vfs + 1); i++)
		ok = device_is_pristine(&simulated->devices[i], why, size);
	for (int i = 0; ok && i < SIMULATED_NETWORKS; i++) {
		ok = !*simulated->networks[i].id;
		snprintf(why, size, "network %s is there", simulated->networks[i].id);
	}
	for (int i = 0; ok && i < simulated->servers; i++) {
		ok = !*simulated->domains[i].id;
		snprintf(why, size, "domain %s is there", simulated->domains[i].id);
	}
	pthread_mutex_unlock(&simulated_lock);
	return ok;
}

/* --- small things --- */

static int64_t disk_gb(const char *folder)
{
	(void)folder;
	return (int64_t)simulated->servers * 20;
}

static void no_pause(int milliseconds)
{
	(void)milliseconds; /* nothing takes time here */
}

/* The header of a qcow2 of so many GB. */
static void qcow2_write(FILE *file, int gigabytes)
{
	unsigned char header[32] = "QFI\xfb";
	uint64_t size = (uint64_t)gigabytes << 30;

	for (int i = 31; i >= 24; i--, size >>= 8)
		header[i] = (unsigned char)size;
	fwrite(header, 1, sizeof header, file);
}

/* The file before the last one that is named, as it is: nothing here has a base to be flattened. */
static bool convert(const char *const *argv, struct error *err)
{
	const char *from = NULL, *to = NULL;
	char buffer[4096];
	size_t count;

	for (size_t i = 0; argv[i]; i++) {
		from = to;
		to = argv[i];
	}
	simulated_change("convert %s", from);
	_cleanup_fclose_ FILE *in = fopen(from, "re"), *out = fopen(to, "we");
	if (!in || !out)
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot convert %s", from);
	while ((count = fread(buffer, 1, sizeof buffer, in)) > 0)
		fwrite(buffer, 1, count, out);
	return true;
}

/* qemu-img, as far as it is used: "info" answers, "create" and "resize" write as much of the file, "convert"
 * copies it. */
static bool run(const char *const *argv, int seconds, struct text *out, struct error *err)
{
	const char *path = NULL, *last = NULL;

	if (strcmp(argv[0], "timeout") == 0) /* the operator's release hook */
		return process_run(argv, seconds, out, err);
	if (strcmp(argv[0], "qemu-img") != 0)
		return error_set(err, ERROR_INTERNAL, "%s is not simulated", argv[0]);
	if (strcmp(argv[1], "info") == 0) {
		text_add(out, "{\"virtual-size\": 1}");
		return true;
	}
	if (strcmp(argv[1], "convert") == 0)
		return convert(argv, err);
	for (size_t i = 0; argv[i]; i++) {
		path = strchr(argv[i], '/') ? argv[i] : path;
		last = argv[i];
	}
	simulated_change("%s %s", argv[1], path);
	_cleanup_fclose_ FILE *file = fopen(path, "we");
	if (file)
		qcow2_write(file, atoi(last));
	return file || error_set_errno(err, ERROR_INTERNAL, errno, "cannot make %s", path);
}

static bool hypervisor(struct world_hypervisor *facts, struct error *err)
{
	(void)err;
	*facts = (struct world_hypervisor){.version = 10000002};
	return true;
}

const struct world world_simulated = {
	.read = simulated_read,
	.link = simulated_link,
	.list = simulated_list,
	.write = simulated_write,
	.disk_gb = disk_gb,
	.holder = simulated_holder,
	.pause = no_pause,
	.netlink = simulated_netlink,
	.run = run,
	.hypervisor = hypervisor,
	.domain_start = simulated_domain_start,
	.domain_xml = simulated_domain_xml,
	.domain_plug = simulated_domain_plug,
	.domain_unplug = simulated_domain_unplug,
	.domain_pause = simulated_domain_pause,
	.domain_save = simulated_domain_save,
	.domain_restore = simulated_domain_restore,
	.domain_change = simulated_domain_change,
	.domain_stop = simulated_domain_stop,
	.domain_running = simulated_domain_running,
	.domain_list = simulated_domain_list,
	.network_xml = simulated_network_xml,
	.network_make = simulated_network_make,
	.network_lease = simulated_network_lease,
	.network_remove = simulated_network_remove,
};
