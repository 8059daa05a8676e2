/* Reading, making and writing grant journals. */
#include "agent/grant.h"

#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void grant_done(struct grant *grant)
{
	free(grant->devices);
	free(grant->leases);
	*grant = (struct grant){0};
}

#define COPY(to, object, name) snprintf(to, sizeof(to), "%.*s", (int)sizeof(to) - 1, json_text(object, name))

static void device_parse(yyjson_val *object, struct granted_device *device)
{
	COPY(device->memory.address, object, "address");
	COPY(device->memory.driver, object, "driver");
	COPY(device->memory.netdev, object, "netdev");
	COPY(device->pf, object, "pf");
	COPY(device->port_id, object, "port_id");
	device->memory.up = json_bool(object, "up", false);
	device->memory.autoprobe = json_bool(object, "autoprobe", true);
	device->memory.mtu = (int)json_int(object, "mtu", -1);
	device->memory.numvfs = (int)json_int(object, "numvfs", 0);
	device->vf_index = (int)json_int(object, "vf_index", -1);
}

bool grant_read(const char *folder, struct grant *grant, struct error *err)
{
	_cleanup_free_ char *path = memory_printf("%s/grant.json", folder);
	yyjson_val *root, *item;
	size_t i, max;

	*grant = (struct grant){0};
	if (access(path, F_OK) != 0)
		return true;
	yyjson_doc *doc = yyjson_read_file(path, 0, NULL, NULL);
	if (!doc)
		return error_set(err, ERROR_INTERNAL,
				 "%s cannot be read as JSON: look at it before anything of this server "
				 "is given away again",
				 path);
	root = yyjson_doc_get_root(doc);
	yyjson_arr_foreach (yyjson_obj_get(root, "devices"), i, max, item)
		device_parse(item, ARRAY_ADD(grant->devices, grant->device_count));
	yyjson_arr_foreach (yyjson_obj_get(root, "leases"), i, max, item) {
		struct granted_lease *lease = ARRAY_ADD(grant->leases, grant->lease_count);

		COPY(lease->network_id, item, "network_id");
		COPY(lease->mac, item, "mac");
		COPY(lease->ip, item, "ip");
	}
	yyjson_doc_free(doc);
	return true;
}

static void device_write(yyjson_mut_doc *doc, yyjson_mut_val *list, const struct granted_device *device)
{
	yyjson_mut_val *object = yyjson_mut_arr_add_obj(doc, list);

	yyjson_mut_obj_add_str(doc, object, "address", device->memory.address);
	yyjson_mut_obj_add_str(doc, object, "driver", device->memory.driver);
	yyjson_mut_obj_add_str(doc, object, "netdev", device->memory.netdev);
	yyjson_mut_obj_add_str(doc, object, "pf", device->pf);
	yyjson_mut_obj_add_str(doc, object, "port_id", device->port_id);
	yyjson_mut_obj_add_bool(doc, object, "up", device->memory.up);
	yyjson_mut_obj_add_bool(doc, object, "autoprobe", device->memory.autoprobe);
	yyjson_mut_obj_add_int(doc, object, "mtu", device->memory.mtu);
	yyjson_mut_obj_add_int(doc, object, "numvfs", device->memory.numvfs);
	yyjson_mut_obj_add_int(doc, object, "vf_index", device->vf_index);
}

static char *grant_text(const struct grant *grant)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc), *list;

	yyjson_mut_doc_set_root(doc, root);
	list = yyjson_mut_obj_add_arr(doc, root, "devices");
	for (size_t i = 0; i < grant->device_count; i++)
		device_write(doc, list, &grant->devices[i]);
	list = yyjson_mut_obj_add_arr(doc, root, "leases");
	for (size_t i = 0; i < grant->lease_count; i++) {
		yyjson_mut_val *object = yyjson_mut_arr_add_obj(doc, list);

		yyjson_mut_obj_add_str(doc, object, "network_id", grant->leases[i].network_id);
		yyjson_mut_obj_add_str(doc, object, "mac", grant->leases[i].mac);
		yyjson_mut_obj_add_str(doc, object, "ip", grant->leases[i].ip);
	}
	char *text = yyjson_mut_write(doc, YYJSON_WRITE_PRETTY, NULL);
	yyjson_mut_doc_free(doc);
	return text;
}

static bool grant_write(const char *folder, const struct grant *grant, struct error *err)
{
	_cleanup_free_ char *path = memory_printf("%s/grant.json", folder),
			    *temporary = memory_printf("%s.new", path);
	_cleanup_free_ char *text = grant_text(grant);
	_cleanup_close_ int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	_cleanup_close_ int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || dir < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || fsync(fd) != 0 ||
	    rename(temporary, path) != 0 || fsync(dir) != 0)
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot write %s", path);
	return true;
}

static const struct granted_device *grant_find(const struct grant *grant, const char *address)
{
	for (size_t i = 0; i < grant->device_count; i++) {
		if (strcmp(grant->devices[i].memory.address, address) == 0)
			return &grant->devices[i];
	}
	return NULL;
}

static bool device_add(struct grant *grant, const struct grant *before, yyjson_val *device,
		       const char *port_id, const struct pci_device *inventory, size_t count,
		       struct error *err)
{
	const char *address = json_text(device, "address");
	const struct granted_device *known = grant_find(before, address);
	struct granted_device *added = ARRAY_ADD(grant->devices, grant->device_count);

	if (known) { /* taken by an earlier attempt: the memory of then counts */
		*added = *known;
		return true;
	}
	added->vf_index = -1;
	snprintf(added->port_id, sizeof added->port_id, "%s", port_id);
	if (!device_remember(address, &added->memory, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(inventory[i].address, address) != 0 || !*inventory[i].parent)
			continue;
		added->vf_index = inventory[i].vf_index;
		for (size_t k = 0; k < count; k++) {
			if (strcmp(inventory[k].address, inventory[i].parent) == 0)
				snprintf(added->pf, sizeof added->pf, "%s", inventory[k].netdev);
		}
	}
	return true;
}

static void lease_add(struct grant *grant, yyjson_val *port)
{
	struct granted_lease *lease = ARRAY_ADD(grant->leases, grant->lease_count);
	yyjson_val *ip = yyjson_arr_get_first(yyjson_obj_get(port, "fixed_ips"));

	COPY(lease->network_id, yyjson_obj_get(port, "network"), "id");
	COPY(lease->mac, port, "mac_address");
	COPY(lease->ip, ip, "ip_address");
}

bool grant_make(const char *folder, yyjson_val *server, struct grant *grant, struct error *err)
{
	_cleanup_(grant_done) struct grant before = {0};
	_cleanup_free_ struct pci_device *inventory = NULL;
	size_t count, i, max;
	yyjson_val *item;

	*grant = (struct grant){0};
	if (!grant_read(folder, &before, err) || !inventory_devices("", &inventory, &count, err))
		return false;
	yyjson_arr_foreach (yyjson_obj_get(server, "ports"), i, max, item) {
		yyjson_val *device = yyjson_obj_get(item, "device");

		if (!yyjson_is_obj(device))
			lease_add(grant, item);
		else if (!device_add(grant, &before, device, json_text(item, "id"), inventory, count, err))
			return false;
	}
	yyjson_arr_foreach (yyjson_obj_get(server, "devices"), i, max, item) {
		if (!device_add(grant, &before, item, "", inventory, count, err))
			return false;
	}
	return grant_write(folder, grant, err);
}
