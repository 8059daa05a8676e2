/* Making a server so, and undoing it in reverse. */
#include "agent/lifecycle.h"

#include "agent/config_drive.h"
#include "agent/file.h"
#include "agent/grant.h"
#include "agent/images.h"
#include "agent/netdev.h"
#include "agent/vf.h"
#include "agent/vm.h"
#include "agent/world.h"
#include "base/memory.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

static void step(const struct lifecycle *life, const char *name)
{
	if (life->step)
		life->step(name, life->argument);
}

static char *folder_of(const struct host_folders *folders, const char *server_id)
{
	return memory_printf("%s/%.36s", folders->instances, server_id);
}

/* --- what the folder remembers --- */

yyjson_doc *server_remembered(const struct host_folders *folders, const char *server_id)
{
	_cleanup_free_ char *folder = folder_of(folders, server_id),
			    *path = memory_printf("%s/server.json", folder);
	yyjson_doc *doc = access(path, R_OK) == 0 ? yyjson_read_file(path, 0, NULL, NULL) : NULL;
	struct error ignored;

	if (doc && server_check(yyjson_doc_get_root(doc), &ignored) &&
	    strcmp(json_text(yyjson_doc_get_root(doc), "id"), server_id) == 0)
		return doc;
	yyjson_doc_free(doc);
	return NULL;
}

static bool remember(const char *folder, yyjson_val *server, struct error *err)
{
	_cleanup_free_ char *path = memory_printf("%s/server.json", folder);
	_cleanup_free_ char *text = yyjson_val_write(server, 0, NULL);

	return file_write(path, text, FILE_WHOLE, err);
}

/* The generation in which the guest was last started. */
static int64_t started_generation(const char *folder)
{
	_cleanup_free_ char *path = memory_printf("%s/started", folder);
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	long long generation = -1;

	return file && fscanf(file, "%lld", &generation) == 1 ? generation : -1;
}

static bool remember_started(const char *folder, yyjson_val *server, struct error *err)
{
	_cleanup_free_ char *path = memory_printf("%s/started", folder);
	_cleanup_free_ char *text = memory_printf("%lld\n", (long long)json_int(server, "generation", 0));

	return started_generation(folder) == json_int(server, "generation", 0) ||
	       file_write(path, text, FILE_WHOLE, err);
}

/* --- files --- */

/* Fetches an image and makes folder/name a link to it, which also keeps it in the cache. */
static bool link_image(const struct lifecycle *life, const char *folder, yyjson_val *image, const char *name,
		       char path[IMAGE_PATH_SIZE], struct error *err)
{
	_cleanup_free_ char *link_path = memory_printf("%s/%s", folder, name);

	if (!image_fetch(life->controller, life->folders->cache, image, path, err))
		return false;
	unlink(link_path);
	return symlink(path, link_path) == 0 ||
	       error_set_errno(err, ERROR_INTERNAL, errno, "cannot make %s", link_path);
}

static bool link_boot_file(const struct lifecycle *life, const char *folder, yyjson_val *server,
			   const char *name, struct error *err)
{
	yyjson_val *image = yyjson_obj_get(server, name);
	char path[IMAGE_PATH_SIZE];

	return !yyjson_is_obj(image) || link_image(life, folder, image, name, path, err);
}

static bool setup_disk(const struct lifecycle *life, const char *folder, yyjson_val *server,
		       struct error *err)
{
	_cleanup_free_ char *disk = memory_printf("%s/disk", folder);
	yyjson_val *image = yyjson_obj_get(server, "image");
	char base[IMAGE_PATH_SIZE];

	if (access(disk, F_OK) == 0)
		return true;

	if (!yyjson_is_obj(image))
		return error_set(err, ERROR_BAD_REQUEST, "a server without an image is not built");
	return link_image(life, folder, image, "base", base, err) &&
	       image_overlay(base, image, json_int(server, "disk_gb", 0), disk, err);
}

static bool setup_files(const struct lifecycle *life, const char *folder, yyjson_val *server,
			struct error *err)
{
	_cleanup_free_ char *iso = memory_printf("%s/config.iso", folder);

	step(life, "image");
	if (!setup_disk(life, folder, server, err) || !link_boot_file(life, folder, server, "kernel", err) ||
	    !link_boot_file(life, folder, server, "ramdisk", err))
		return false;
	step(life, "config drive");
	/* What the guest was told at first (a password, a seed) stays what it finds. */
	return access(iso, F_OK) == 0 || config_drive_write(server, iso, err);
}

/* --- devices --- */

/* A PF must not go while one of its VFs is on its way to a guest; and the kernel takes a lock for each card.
 */
static pthread_mutex_t *card_lock(const struct granted_device *device)
{
	static pthread_mutex_t locks[16] = {
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
		PTHREAD_MUTEX_INITIALIZER,
	};
	const char *card = *device->place.parent ? device->place.parent : device->memory.address;
	unsigned hash = 0;

	for (; *card; card++)
		hash = hash * 31 + (unsigned char)*card;
	return &locks[hash % ELEMENTS_OF(locks)];
}

static yyjson_val *port_find(yyjson_val *server, const char *port_id)
{
	yyjson_val *port;
	size_t i, max;

	yyjson_arr_foreach (yyjson_obj_get(server, "ports"), i, max, port) {
		if (strcmp(json_text(port, "id"), port_id) == 0)
			return port;
	}
	return NULL;
}

static bool is_nic_vf(const struct granted_device *device)
{
	return device->place.vf_index >= 0 && *device->place.pf;
}

/* Every setting, whatever is there: an earlier owner may have left something.  A VF without a port (an
 * alias's) gets none. */
static bool vf_setup(const struct granted_device *device, yyjson_val *server, struct error *err)
{
	const struct device_place *place = &device->place;
	yyjson_val *port = port_find(server, device->port_id);
	struct vf_settings wanted = vf_clean;
	bool up;

	if (!is_nic_vf(device))
		return true;
	if (port) {
		snprintf(wanted.mac_address, sizeof wanted.mac_address, "%.17s",
			 json_text(port, "mac_address"));
		wanted.own_mac = device->macvtap;
		wanted.vlan = (int)json_int(port, "vlan", 0);
		wanted.spoof_check = json_bool(port, "port_security", true);
		wanted.trust = json_bool(port, "trusted", false);
		wanted.max_rate = vf_rate(json_int(yyjson_obj_get(port, "qos"), "max_kbps", 0));
		wanted.min_rate = vf_rate(json_int(yyjson_obj_get(port, "qos"), "min_kbps", 0));
		/* AG-14 */
		wanted.link_state = !json_bool(port, "admin_state_up", true)	       ? VF_LINK_DISABLE
				    : json_bool(port, "propagate_uplink_status", true) ? VF_LINK_AUTO
										       : VF_LINK_ENABLE;
	}
	/* A VF has no link while its PF is down. */
	if (!netdev_is_up(place->pf, &up, err) || (!up && !netdev_set_up(place->pf, true, err)))
		return false;
	return vf_program(place->pf, place->vf_index, &wanted, err);
}

/* The address is set on the VF's network device alone: drivers like igb let nobody change it any more once
 * the PF has set it, not even to the same, and libvirt sets it as well. */
static bool lend(const struct granted_device *device, yyjson_val *server, struct error *err)
{
	yyjson_val *port = port_find(server, device->port_id);

	if (!is_nic_vf(device))
		return error_set(err, ERROR_CONFLICT,
				 "%s is no VF of a network device: no macvtap can be made on it",
				 device->memory.address);
	return vf_setup(device, server, err) &&
	       device_lend(&device->memory, json_text(port, "mac_address"), err);
}

static bool device_setup(const struct granted_device *device, yyjson_val *server, struct error *err)
{
	pthread_mutex_t *lock = card_lock(device);

	pthread_mutex_lock(lock);
	bool ok = device->macvtap ? lend(device, server, err)
				  : device_take(&device->memory, err) && vf_setup(device, server, err);
	pthread_mutex_unlock(lock);
	return ok;
}

/* Clean profile first, then the driver it had, or the address of its own. */
static bool device_release(const struct granted_device *device, struct error *err)
{
	const struct device_place *place = &device->place;
	pthread_mutex_t *lock = card_lock(device);

	pthread_mutex_lock(lock);
	bool ok =
		(!is_nic_vf(device) || vf_program(place->pf, place->vf_index, &vf_clean, err)) &&
		(device->macvtap ? device_unlend(&device->memory, err) : device_return(&device->memory, err));
	pthread_mutex_unlock(lock);
	return ok;
}

static bool reprogram(const char *folder, yyjson_val *server, struct error *err)
{
	_cleanup_(grant_done) struct grant grant = {0};

	if (!grant_read(folder, &grant, err))
		return false;
	for (size_t i = 0; i < grant.device_count; i++) {
		pthread_mutex_t *lock = card_lock(&grant.devices[i]);

		pthread_mutex_lock(lock);
		bool ok = vf_setup(&grant.devices[i], server, err);
		pthread_mutex_unlock(lock);
		if (!ok)
			return false;
	}
	return vm_set_links(server, err);
}

/* --- the journal --- */

/* Gives back what an earlier attempt took and this one does not need: the server may have been given other
 * devices meanwhile. */
static bool release_unneeded(const struct grant *before, const struct grant *needed, struct error *err)
{
	for (size_t i = 0; i < before->device_count; i++) {
		if (!grant_find_device(needed, before->devices[i].memory.address) &&
		    !device_release(&before->devices[i], err))
			return false;
	}
	for (size_t i = 0; i < before->lease_count; i++) {
		const struct granted_lease *lease = &before->leases[i];

		if (!grant_has_lease(needed, lease) &&
		    !network_leave(lease->network_id, lease->mac, lease->ip, err))
			return false;
	}
	return true;
}

static bool check_offered(const struct lifecycle *life, const struct grant *grant, struct error *err)
{
	for (size_t i = 0; i < grant->device_count; i++) {
		const char *address = grant->devices[i].memory.address;

		if (!life->offered(address))
			return error_set(err, ERROR_FORBIDDEN,
					 "%s is not offered by this host's device specs", address);
	}
	return true;
}

/* The rest of the devices' IOMMU groups: a guest cannot have a device while a driver has its mate. */
static bool add_mates(const struct lifecycle *life, const struct grant *before, struct grant *grant,
		      struct error *err)
{
	size_t count = life->mates ? grant->device_count : 0;
	bool ok = true;

	for (size_t i = 0; ok && i < count; i++) {
		char **mates = life->mates(grant->devices[i].memory.address);

		for (char **mate = mates; ok && mate && *mate; mate++)
			ok = grant_add_mate(grant, before, *mate, err);
		world_list_free(mates);
	}
	return ok;
}

static bool setup_grant(const struct lifecycle *life, const char *folder, yyjson_val *server,
			struct grant *grant, struct error *err)
{
	_cleanup_(grant_done) struct grant before = {0};

	return grant_read(folder, &before, err) && grant_make(server, &before, grant, err) &&
	       add_mates(life, &before, grant, err) && check_offered(life, grant, err) &&
	       release_unneeded(&before, grant, err) && grant_write(folder, grant, err);
}

/* --- setting up --- */

static bool is_standard(yyjson_val *port)
{
	return !yyjson_is_obj(yyjson_obj_get(port, "device"));
}

static bool setup_devices(const struct grant *grant, yyjson_val *server, struct error *err)
{
	for (size_t i = 0; i < grant->device_count; i++) {
		if (!device_setup(&grant->devices[i], server, err))
			return false;
	}
	return true;
}

/* Networks that nobody is plugged into are removed by whoever leaves: they are held until the guest has
 * started. */
static bool setup_guest(const struct lifecycle *life, const char *folder, const struct grant *grant,
			yyjson_val *server, struct error *err)
{
	yyjson_val *ports = yyjson_obj_get(server, "ports"), *port;
	size_t i, max, held = 0;
	bool ok = true;

	step(life, "networks");
	yyjson_arr_foreach (ports, i, max, port) {
		if (ok && is_standard(port)) {
			ok = network_ensure(port, err);
			held = i + 1;
		}
	}
	step(life, "devices");
	ok = ok && setup_devices(grant, server, err);
	step(life, "guest");
	ok = ok && vm_start(server, folder, err) && remember_started(folder, server, err);
	yyjson_arr_foreach (ports, i, max, port) {
		if (i < held && is_standard(port))
			network_settle(port);
	}
	return ok;
}

static bool setup_steps(const struct lifecycle *life, const char *folder, yyjson_val *server,
			struct error *err)
{
	_cleanup_(grant_done) struct grant grant = {0};

	return remember(folder, server, err) && setup_files(life, folder, server, err) &&
	       setup_grant(life, folder, server, &grant, err) &&
	       setup_guest(life, folder, &grant, server, err);
}

static bool update_running(const struct lifecycle *life, const char *folder, yyjson_val *server,
			   struct error *err)
{
	step(life, "ports");
	return remember(folder, server, err) && reprogram(folder, server, err) &&
	       remember_started(folder, server, err);
}

static bool release(const char *folder, const char *server_id, struct error *err)
{
	_cleanup_(grant_done) struct grant grant = {0};
	_cleanup_free_ char *journal = memory_printf("%s/grant.json", folder);

	if (!world->domain_stop(server_id, err) || !grant_read(folder, &grant, err))
		return false;
	for (size_t i = grant.device_count; i > 0; i--) {
		if (!device_release(&grant.devices[i - 1], err))
			return false;
	}
	for (size_t i = 0; i < grant.lease_count; i++) {
		const struct granted_lease *lease = &grant.leases[i];

		if (!network_leave(lease->network_id, lease->mac, lease->ip, err))
			return false;
	}
	return unlink(journal) == 0 || errno == ENOENT ||
	       error_set_errno(err, ERROR_INTERNAL, errno, "cannot remove %s", journal);
}

/* The disk goes only if this attempt made it. */
static void undo(const struct lifecycle *life, const char *folder, const char *server_id, bool keep_disk,
		 struct error *err)
{
	struct error why = *err, failure;

	step(life, "undo");
	if (keep_disk ? !release(folder, server_id, &failure) : !server_teardown(life, server_id, &failure))
		error_set(err, why.kind, "%s; and undoing it failed: %s", why.message, failure.message);
}

enum server_outcome server_setup(const struct lifecycle *life, yyjson_val *server, struct error *err)
{
	const char *id = json_text(server, "id");
	_cleanup_free_ char *folder = folder_of(life->folders, id), *disk = memory_printf("%s/disk", folder);
	bool had_disk = access(disk, F_OK) == 0, running;

	if (mkdir(folder, 0711) != 0 && errno != EEXIST) {
		error_set_errno(err, ERROR_INTERNAL, errno, "cannot make %s", folder);
		return SERVER_FAILED;
	}
	if (!world->domain_running(id, &running, err))
		return SERVER_LATER;
	if (running)
		return update_running(life, folder, server, err) ? SERVER_RUNS : SERVER_LATER;
	if (started_generation(folder) == json_int(server, "generation", 0))
		return SERVER_ENDED;
	if (setup_steps(life, folder, server, err))
		return SERVER_RUNS;
	undo(life, folder, id, had_disk, err);
	return err->kind == ERROR_UNAVAILABLE ? SERVER_LATER : SERVER_FAILED;
}

/* --- taking down --- */

bool server_stop(const struct lifecycle *life, const char *server_id, struct error *err)
{
	step(life, "stop");
	return world->domain_stop(server_id, err);
}

static bool folder_remove(const char *folder, struct error *err)
{
	static const char *const names[] = {
		"disk",	   "disk.new",	  "config.iso",	    "config.iso.new", "kernel",
		"ramdisk", "base",	  "console.log",    "server.json",    "server.json.new",
		"started", "started.new", "grant.json.new", "grant.json"};

	for (size_t i = 0; i < ELEMENTS_OF(names); i++) {
		_cleanup_free_ char *path = memory_printf("%s/%s", folder, names[i]);

		if (unlink(path) != 0 && errno != ENOENT && errno != ENOTDIR)
			return error_set_errno(err, ERROR_INTERNAL, errno, "cannot remove %s", path);
	}
	return rmdir(folder) == 0 || errno == ENOENT ||
	       error_set_errno(err, ERROR_INTERNAL, errno, "cannot remove %s", folder);
}

bool server_teardown(const struct lifecycle *life, const char *server_id, struct error *err)
{
	_cleanup_free_ char *folder = folder_of(life->folders, server_id);

	step(life, "remove");
	return release(folder, server_id, err) && folder_remove(folder, err);
}
