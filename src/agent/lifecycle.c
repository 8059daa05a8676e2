/* Making a server so, and undoing it in reverse. */
#include "agent/lifecycle.h"

#include "agent/config_drive.h"
#include "agent/grant.h"
#include "agent/images.h"
#include "agent/vf.h"
#include "agent/vm.h"
#include "base/log.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Binding and unbinding take the kernel's locks of the whole bus; and a PF must not go while one of its VFs
 * is on its way to a guest. */
static pthread_mutex_t device_lock = PTHREAD_MUTEX_INITIALIZER;

static char *folder_of(const struct host_folders *folders, const char *server_id)
{
	return memory_printf("%s/%s", folders->instances, server_id);
}

static bool link_boot_file(const struct host_folders *folders, const struct controller *controller,
			   const char *folder, yyjson_val *image, const char *name, struct error *err)
{
	_cleanup_free_ char *link_path = memory_printf("%s/%s", folder, name);
	char path[512];

	if (!yyjson_is_obj(image))
		return true;
	if (!image_fetch(controller, folders->cache, image, path, err))
		return false;
	unlink(link_path);
	return symlink(path, link_path) == 0 ||
	       error_set_errno(err, ERROR_INTERNAL, errno, "cannot make %s", link_path);
}

static bool setup_files(const struct host_folders *folders, const struct controller *controller,
			const char *folder, yyjson_val *server, struct error *err)
{
	_cleanup_free_ char *disk = memory_printf("%s/disk", folder),
			    *iso = memory_printf("%s/config.iso", folder);
	yyjson_val *image = yyjson_obj_get(server, "image");
	char base[512];

	if (!yyjson_is_obj(image))
		return error_set(err, ERROR_BAD_REQUEST, "a server without an image is not built");
	return image_fetch(controller, folders->cache, image, base, err) &&
	       image_overlay(base, image, json_int(server, "disk_gb", 0), disk, err) &&
	       link_boot_file(folders, controller, folder, yyjson_obj_get(server, "kernel"), "kernel", err) &&
	       link_boot_file(folders, controller, folder, yyjson_obj_get(server, "ramdisk"), "ramdisk",
			      err) &&
	       config_drive_write(server, iso, err);
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

static bool vf_setup(const struct granted_device *device, yyjson_val *server, struct error *err)
{
	yyjson_val *port = port_find(server, device->port_id);
	struct vf_settings wanted = vf_clean;
	bool up;

	if (device->vf_index < 0 || !port)
		return true;
	snprintf(wanted.mac_address, sizeof wanted.mac_address, "%.17s", json_text(port, "mac_address"));
	wanted.vlan = (int)json_int(port, "vlan", 0);
	wanted.spoof_check = json_bool(port, "port_security", true);
	/* A VF has no link while its PF is down. */
	if (!netdev_is_up(device->pf, &up, err) || (!up && !netdev_set_up(device->pf, true, err)))
		return false;
	return vf_program(device->pf, device->vf_index, &wanted, err);
}

static bool setup_devices(const struct grant *grant, yyjson_val *server, device_offered *offered,
			  struct error *err)
{
	for (size_t i = 0; i < grant->device_count; i++) {
		const char *address = grant->devices[i].memory.address;

		if (!offered(address))
			return error_set(err, ERROR_FORBIDDEN,
					 "%s is not offered by this host's device specs", address);
		pthread_mutex_lock(&device_lock);
		bool ok = device_take(&grant->devices[i].memory, err) &&
			  vf_setup(&grant->devices[i], server, err);
		pthread_mutex_unlock(&device_lock);
		if (!ok)
			return false;
	}
	return true;
}

static bool setup_networks(yyjson_val *server, struct error *err)
{
	yyjson_val *port;
	size_t i, max;

	yyjson_arr_foreach (yyjson_obj_get(server, "ports"), i, max, port) {
		if (!yyjson_is_obj(yyjson_obj_get(port, "device")) && !network_ensure(port, err))
			return false;
	}
	return true;
}

static bool setup_steps(const struct host_folders *folders, const struct controller *controller,
			yyjson_val *server, device_offered *offered, struct error *err)
{
	_cleanup_free_ char *folder = folder_of(folders, json_text(server, "id"));
	_cleanup_(grant_done) struct grant grant = {0};
	bool running;

	if (mkdir(folder, 0711) != 0 && errno != EEXIST)
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot make %s", folder);
	if (!vm_is_running(json_text(server, "id"), &running, err))
		return false;
	if (running)
		return server_reprogram(folders, server, err);
	return setup_files(folders, controller, folder, server, err) &&
	       grant_make(folder, server, &grant, err) && setup_networks(server, err) &&
	       setup_devices(&grant, server, offered, err) && vm_start(server, folder, err);
}

bool server_setup(const struct host_folders *folders, const struct controller *controller, yyjson_val *server,
		  device_offered *offered, struct error *err)
{
	struct error why, undo;

	if (setup_steps(folders, controller, server, offered, &why))
		return true;
	*err = why;
	if (!server_teardown(folders, json_text(server, "id"), &undo))
		error_set(err, why.kind, "%s; and undoing it failed: %s", why.message, undo.message);
	return false;
}

bool server_reprogram(const struct host_folders *folders, yyjson_val *server, struct error *err)
{
	_cleanup_free_ char *folder = folder_of(folders, json_text(server, "id"));
	_cleanup_(grant_done) struct grant grant = {0};

	if (!grant_read(folder, &grant, err))
		return false;
	for (size_t i = 0; i < grant.device_count; i++) {
		if (!vf_setup(&grant.devices[i], server, err))
			return false;
	}
	return true;
}

/* Clean profile first, then the driver it had. */
static bool device_release(const struct granted_device *device, struct error *err)
{
	pthread_mutex_lock(&device_lock);
	bool ok = (device->vf_index < 0 || vf_program(device->pf, device->vf_index, &vf_clean, err)) &&
		  device_return(&device->memory, err);
	pthread_mutex_unlock(&device_lock);
	return ok;
}

/* The journal goes last: while it is there, the next attempt knows what was taken. */
static bool folder_remove(const char *folder, struct error *err)
{
	static const char *const first[] = {"disk",   "disk.new", "config.iso",
					    "kernel", "ramdisk",  "console.log"};
	static const char *const last[] = {"grant.json.new", "grant.json"};

	for (size_t i = 0; i < ELEMENTS_OF(first) + ELEMENTS_OF(last); i++) {
		const char *name = i < ELEMENTS_OF(first) ? first[i] : last[i - ELEMENTS_OF(first)];
		_cleanup_free_ char *path = memory_printf("%s/%s", folder, name);

		if (unlink(path) != 0 && errno != ENOENT)
			return error_set_errno(err, ERROR_INTERNAL, errno, "cannot remove %s", path);
	}
	return rmdir(folder) == 0 || errno == ENOENT ||
	       error_set_errno(err, ERROR_INTERNAL, errno, "cannot remove %s", folder);
}

bool server_teardown(const struct host_folders *folders, const char *server_id, struct error *err)
{
	_cleanup_free_ char *folder = folder_of(folders, server_id);
	_cleanup_(grant_done) struct grant grant = {0};

	if (!vm_stop(server_id, err) || !grant_read(folder, &grant, err))
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
	return folder_remove(folder, err);
}
