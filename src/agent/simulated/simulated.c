/* The simulated host: its beginning and end, and what is not devices, links or guests. */
#include "agent/simulated/simulated.h"

#include "agent/process.h"
#include "agent/simulated/state.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct simulated *simulated_host;
_Thread_local struct simulated *simulated_other;
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

void simulated_enter(void)
{
	if (pthread_mutex_lock(&simulated_now()->lock) == EOWNERDEAD)
		pthread_mutex_consistent(&simulated_now()->lock);
}

void simulated_leave(void)
{
	pthread_mutex_unlock(&simulated_now()->lock);
}

struct simulated_device *simulated_devices(void)
{
	return (struct simulated_device *)(simulated_now() + 1);
}

struct simulated_domain *simulated_domains(void)
{
	return (struct simulated_domain *)(simulated_devices() +
					   (size_t)simulated_now()->pfs * ((size_t)simulated_now()->vfs + 1));
}

struct simulated_lease *simulated_leases(void)
{
	return (struct simulated_lease *)(simulated_domains() + simulated_now()->servers);
}

static void lock_make(void)
{
	pthread_mutexattr_t how;

	pthread_mutexattr_init(&how);
	pthread_mutexattr_setpshared(&how, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&how, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&simulated_now()->lock, &how);
	pthread_mutexattr_destroy(&how);
}

/* --- events, of this process --- */

static pthread_cond_t told_now = PTHREAD_COND_INITIALIZER;
static pthread_mutex_t told_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned told;

void simulated_tell(unsigned what)
{
	pthread_mutex_lock(&told_lock);
	told |= what;
	pthread_cond_broadcast(&told_now);
	pthread_mutex_unlock(&told_lock);
}

unsigned simulated_events(int milliseconds)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += milliseconds % 1000 * 1000000L;
	until.tv_sec += milliseconds / 1000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&told_lock);
	while (told == 0 && pthread_cond_clockwait(&told_now, &told_lock, CLOCK_MONOTONIC, &until) == 0) {
	}
	unsigned what = told;
	told = 0;
	pthread_mutex_unlock(&told_lock);
	return what;
}

static void begin(void)
{
	char name[16];

	for (int i = 0; i < simulated_now()->pfs; i++) {
		struct simulated_device *pf = &simulated_devices()[i * (simulated_now()->vfs + 1)];

		*pf = (struct simulated_device){.exists = true, .autoprobe = false};
		snprintf(name, sizeof name, "sim%d", i);
		simulated_bind_pf(pf, name);
		pf->up = true;
		simulated_set_numvfs(pf, simulated_now()->vfs);
	}
}

static bool host_make(void *memory, const struct simulated *host, struct error *err)
{
	if (memory == MAP_FAILED)
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot simulate a host");
	simulated_host = memory;
	if (simulated_now()->size == host->size)
		return true; /* an earlier process has made it */
	*simulated_host = *host;
	lock_make();
	begin();
	return true;
}

static bool host_in_memory(const struct simulated *host, struct error *err)
{
	return host_make(mmap(NULL, host->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0),
			 host, err);
}

static bool host_in_file(const char *path, const struct simulated *host, struct error *err)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, (off_t)host->size) != 0)
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot simulate a host in %s", path);
	return host_make(mmap(NULL, host->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), host, err);
}

struct simulated *simulated_map(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC);
	struct stat file;

	if (fd < 0 || fstat(fd, &file) != 0 || (size_t)file.st_size < sizeof(struct simulated))
		return NULL;
	void *memory = mmap(NULL, (size_t)file.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

bool simulated_start_in(const char *file, const char *how, struct error *err)
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
	const struct simulated host = {.servers = servers,
				       .pfs = pfs,
				       .vfs = vfs,
				       .share = share,
				       .stubborn = stubborn,
				       .size = sizeof host +
					       (size_t)pfs * ((size_t)vfs + 1) *
						       sizeof(struct simulated_device) +
					       (size_t)servers * (sizeof(struct simulated_domain) +
								  2 * sizeof(struct simulated_lease))};
	return file ? host_in_file(file, &host, err) : host_in_memory(&host, err);
}

bool simulated_start(const char *how, struct error *err)
{
	return simulated_start_in(NULL, how, err);
}

struct simulated *simulated_switch(struct simulated *host)
{
	struct simulated *before = simulated_host;

	simulated_host = host;
	return before;
}

void simulated_end(void)
{
	munmap(simulated_host, simulated_host->size);
	simulated_host = NULL;
}

static bool device_is_pristine(const struct simulated_device *device, char *why, size_t size)
{
	char address[PCI_ADDRESS_SIZE], name[16] = "";
	const char *driver = simulated_is_pf(device) ? "igb" : "";
	const struct simulated_device wanted = {.exists = true,
						.up = simulated_is_pf(device),
						.mtu = simulated_is_pf(device) ? 1500 : 0,
						.numvfs = simulated_is_pf(device) ? simulated_now()->vfs : 0};

	simulated_address(device, address);
	if (simulated_is_pf(device))
		snprintf(name, sizeof name, "sim%d", simulated_index(device) / (simulated_now()->vfs + 1));
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
	simulated_enter();
	const struct simulated_device *device = simulated_find(address);
	bool ok = !device || device_is_pristine(device, why, size);
	simulated_leave();
	return ok;
}

bool simulated_is_pristine(char *why, size_t size)
{
	bool ok = true;

	simulated_enter();
	for (int i = 0; ok && i < simulated_now()->pfs * (simulated_now()->vfs + 1); i++)
		ok = device_is_pristine(&simulated_devices()[i], why, size);
	for (int i = 0; ok && i < SIMULATED_NETWORKS; i++) {
		ok = !*simulated_now()->networks[i].id;
		snprintf(why, size, "network %s is there", simulated_now()->networks[i].id);
	}
	for (int i = 0; ok && i < simulated_now()->servers; i++) {
		ok = !*simulated_domains()[i].id;
		snprintf(why, size, "domain %s is there", simulated_domains()[i].id);
	}
	if (ok && *simulated_now()->dnsmasq) {
		ok = false;
		snprintf(why, size, "dnsmasq of network %s is there", simulated_now()->dnsmasq);
	}
	simulated_leave();
	return ok;
}

/* --- small things --- */

static int64_t disk_gb(const char *folder)
{
	(void)folder;
	return (int64_t)simulated_now()->servers * 20;
}

static void no_pause(int milliseconds)
{
	(void)milliseconds; /* nothing takes time here */
}

/* The header of a qcow2 of this size: "2G", or bytes. */
static void qcow2_write(FILE *file, const char *text)
{
	unsigned char header[32] = "QFI\xfb";
	uint64_t size = strtoull(text, NULL, 10) << (text_ends_with(text, "G") ? 30 : 0);

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
		qcow2_write(file, last);
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
	.events = simulated_events,
	.run = run,
	.end_processes = simulated_end_processes,
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
	.domain_forget = simulated_domain_forget,
	.domain_state = simulated_domain_state,
	.domain_migratable_xml = simulated_domain_xml,
	.domain_migrate = simulated_domain_migrate,
	.domain_migrate_abort = simulated_domain_migrate_abort,
	.domain_running = simulated_domain_running,
	.domain_list = simulated_domain_list,
	.network_xml = simulated_network_xml,
	.network_make = simulated_network_make,
	.network_lease = simulated_network_lease,
	.network_remove = simulated_network_remove,
};
