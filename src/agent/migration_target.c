/* The host to which a guest goes: before it comes, and when it is there. */
#include "agent/migration.h"

#include "agent/lifecycle_step.h"
#include "agent/vm.h"
#include "agent/world.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CREATE_SECONDS 60

/* An empty disk of the same size: libvirt copies all of it.  What an earlier attempt left is thrown away. */
static bool make_disk(const char *folder, yyjson_val *facts, struct error *err)
{
	_cleanup_free_ char *disk = memory_printf("%s/disk", folder),
			    *temporary = memory_printf("%s.new", disk);
	char size[24];
	const char *argv[] = {"qemu-img", "create", "-q", "-f", "qcow2", temporary, size, NULL};

	snprintf(size, sizeof size, "%lld", (long long)json_int(facts, "disk_bytes", 0));
	unlink(temporary);
	return world->run(argv, CREATE_SECONDS, NULL, err) &&
	       (rename(temporary, disk) == 0 ||
		error_set_errno(err, ERROR_INTERNAL, errno, "cannot make %s", disk));
}

static unsigned char *decode(const char *text, size_t *size)
{
	size_t length = strlen(text);
	unsigned char *bytes = memory_alloc(length / 4 * 3 + 1);
	int count = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)length);

	if (count < 0) {
		free(bytes);
		return NULL;
	}
	for (; length > 0 && text[length - 1] == '='; length--)
		count--;
	*size = count < 0 ? 0 : (size_t)count;
	return bytes;
}

/* Byte for byte the one that the guest has mounted. */
static bool make_config_drive(const char *folder, yyjson_val *facts, struct error *err)
{
	_cleanup_free_ char *iso = memory_printf("%s/config.iso", folder),
			    *temporary = memory_printf("%s.new", iso);
	_cleanup_close_ int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t size = 0;
	_cleanup_free_ unsigned char *bytes = decode(json_text(facts, "config_drive"), &size);

	if (!bytes)
		return error_set(err, ERROR_BAD_REQUEST,
				 "the controller sent a config drive that is no base64");
	return (fd >= 0 && write(fd, bytes, size) == (ssize_t)size && rename(temporary, iso) == 0) ||
	       error_set_errno(err, ERROR_INTERNAL, errno, "cannot write %s", iso);
}

static bool make_networks(yyjson_val *server, struct error *err)
{
	yyjson_val *port;
	size_t i, max;
	bool ok = true;

	yyjson_arr_foreach (yyjson_obj_get(server, "ports"), i, max, port) {
		if (!ok || yyjson_is_obj(yyjson_obj_get(port, "device")))
			continue;
		ok = network_ensure(port, err);
		network_settle(port);
	}
	return ok;
}

/* A port's VF gets nothing of the port's yet: the other host's VF has the same address, and a switch must not
 * see it in two places. */
static bool reserve(const struct grant *grant, yyjson_val *server, struct error *err)
{
	for (size_t i = 0; i < grant->device_count; i++) {
		const struct granted_device *device = &grant->devices[i];

		if (!device->macvtap && !granted_setup(device, *device->port_id ? NULL : server, err))
			return false;
	}
	return true;
}

static bool prepare(const struct lifecycle *life, const char *folder, yyjson_val *server, struct error *err)
{
	yyjson_val *facts = yyjson_obj_get(server, "migration");
	_cleanup_(grant_done) struct grant grant = {0};

	if (!lifecycle_remember(folder, server, err))
		return false;
	lifecycle_step(life, "disk");
	if (!make_disk(folder, facts, err) || !make_config_drive(folder, facts, err) ||
	    !lifecycle_boot_files(life, folder, server, err) ||
	    !lifecycle_grant(life, folder, server, &grant, err))
		return false;
	lifecycle_step(life, "networks");
	if (!make_networks(server, err))
		return false;
	lifecycle_step(life, "devices");
	return reserve(&grant, server, err);
}

enum server_outcome migration_await(const struct lifecycle *life, yyjson_val *server, struct error *err)
{
	const char *id = json_text(server, "id");
	_cleanup_free_ char *folder = lifecycle_folder(life->folders, id);
	enum world_guest guest;
	struct error failure;

	if (mkdir(folder, 0711) != 0 && errno != EEXIST) {
		error_set_errno(err, ERROR_INTERNAL, errno, "cannot make %s", folder);
		return SERVER_FAILED;
	}
	if (!world->domain_state(id, &guest, err))
		return SERVER_LATER;
	/* It comes already, or is here: what it needs is as it shall be. */
	if (guest != WORLD_NO_GUEST || prepare(life, folder, server, err))
		return SERVER_INCOMING;
	if (err->kind == ERROR_UNAVAILABLE)
		return SERVER_LATER;
	lifecycle_step(life, "undo");
	struct error why = *err;
	if (!server_teardown(life, id, &failure))
		error_set(err, why.kind, "%.400s; and undoing it failed: %s", why.message, failure.message);
	return SERVER_FAILED;
}

enum server_outcome migration_arrive(const struct lifecycle *life, yyjson_val *server, struct error *err)
{
	_cleanup_free_ char *folder = lifecycle_folder(life->folders, json_text(server, "id"));
	enum world_guest guest;

	if (!world->domain_state(json_text(server, "id"), &guest, err))
		return SERVER_LATER;
	if (guest == WORLD_NO_GUEST)
		return SERVER_ENDED;
	if (guest == WORLD_GUEST_COMES) {
		error_set(err, ERROR_UNAVAILABLE, "the guest is still on its way");
		return SERVER_LATER;
	}
	return lifecycle_settle_running(life, folder, server, server, err);
}
