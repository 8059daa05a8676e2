/* Reading, making and writing grant journals. */
#include "agent/grant.h"

#include "agent/file.h"
#include "agent/ledger.h"
#include "agent/vm.h"
#include "agent/world.h"
#include "base/memory.h"

#include <string.h>
#include <unistd.h>

void grant_done(struct grant *grant)
{
	free(grant->devices);
	free(grant->leases);
	*grant = (struct grant){0};
}

#define COPY(to, object, name) snprintf(to, sizeof(to), "%.*s", (int)sizeof(to) - 1, json_text(object, name))

/* --- reading --- */

void granted_device_parse(yyjson_val *object, const char *owner, struct granted_device *device)
{
	struct device_memory *memory = &device->memory;

	COPY(memory->address, object, "address");
	COPY(memory->driver, object, "driver");
	COPY(memory->override, object, "override");
	COPY(memory->netdev, object, "netdev");
	COPY(memory->mac_address, object, "mac_address");
	memory->up = json_bool(object, "up", false);
	memory->autoprobe = json_bool(object, "autoprobe", true);
	memory->mtu = (int)json_int(object, "mtu", -1);
	memory->numvfs = (int)json_int(object, "numvfs", 0);
	COPY(device->place.parent, object, "parent");
	COPY(device->place.pf, object, "pf");
	device->place.vf_index = (int)json_int(object, "vf_index", -1);
	COPY(device->port_id, object, "port_id");
	device->macvtap = json_bool(object, "macvtap", false);
	device->grant = json_int(object, "grant", 0);
	snprintf(device->owner, sizeof device->owner, "%.36s", owner);
}

static void lease_parse(yyjson_val *object, struct granted_lease *lease)
{
	COPY(lease->network_id, object, "network_id");
	COPY(lease->mac, object, "mac");
	COPY(lease->ip, object, "ip");
	COPY(lease->port_id, object, "port_id");
}

/* A journal that was not written by grant_write() is not taken for one in which nothing is. */
static bool journal_parse(yyjson_val *root, struct grant *grant)
{
	yyjson_val *devices = yyjson_obj_get(root, "devices"), *leases = yyjson_obj_get(root, "leases"),
		   *item;
	size_t i, max;

	if (!yyjson_is_arr(devices) || !yyjson_is_arr(leases))
		return false;
	yyjson_arr_foreach (devices, i, max, item) {
		if (!is_pci_address(json_text(item, "address")))
			return false;
		granted_device_parse(item, grant->server_id, ARRAY_ADD(grant->devices, grant->device_count));
	}
	yyjson_arr_foreach (leases, i, max, item) {
		if (!*json_text(item, "network_id"))
			return false;
		lease_parse(item, ARRAY_ADD(grant->leases, grant->lease_count));
	}
	return true;
}

bool grant_read(const char *folder, struct grant *grant, struct error *err)
{
	_cleanup_free_ char *path = memory_printf("%s/grant.json", folder);
	const char *name = strrchr(folder, '/');

	*grant = (struct grant){0};
	snprintf(grant->server_id, sizeof grant->server_id, "%.36s", name ? name + 1 : folder);
	if (access(path, F_OK) != 0)
		return true;
	yyjson_doc *doc = yyjson_read_file(path, YYJSON_READ_ALLOW_INVALID_UNICODE, NULL, NULL);
	bool ok = journal_parse(yyjson_doc_get_root(doc), grant);
	yyjson_doc_free(doc);
	return ok ||
	       error_set(err, ERROR_INTERNAL,
			 "%s is no grant journal: look at it before anything of this server is given away "
			 "again",
			 path);
}

bool grant_holds_port(const char *folder, const char *port_id)
{
	_cleanup_(grant_done) struct grant grant = {0};
	struct error ignored;
	bool held = !grant_read(folder, &grant, &ignored);

	for (size_t i = 0; i < grant.device_count; i++)
		held |= strcmp(grant.devices[i].port_id, port_id) == 0;
	for (size_t i = 0; i < grant.lease_count; i++)
		held |= strcmp(grant.leases[i].port_id, port_id) == 0;
	return held;
}

/* --- writing --- */

void granted_device_write(yyjson_mut_doc *doc, yyjson_mut_val *object, const struct granted_device *device)
{
	const struct device_memory *memory = &device->memory;

	yyjson_mut_obj_add_str(doc, object, "address", memory->address);
	yyjson_mut_obj_add_str(doc, object, "driver", memory->driver);
	yyjson_mut_obj_add_str(doc, object, "override", memory->override);
	yyjson_mut_obj_add_str(doc, object, "netdev", memory->netdev);
	yyjson_mut_obj_add_str(doc, object, "mac_address", memory->mac_address);
	yyjson_mut_obj_add_bool(doc, object, "up", memory->up);
	yyjson_mut_obj_add_bool(doc, object, "autoprobe", memory->autoprobe);
	yyjson_mut_obj_add_int(doc, object, "mtu", memory->mtu);
	yyjson_mut_obj_add_int(doc, object, "numvfs", memory->numvfs);
	yyjson_mut_obj_add_str(doc, object, "parent", device->place.parent);
	yyjson_mut_obj_add_str(doc, object, "pf", device->place.pf);
	yyjson_mut_obj_add_int(doc, object, "vf_index", device->place.vf_index);
	yyjson_mut_obj_add_str(doc, object, "port_id", device->port_id);
	yyjson_mut_obj_add_bool(doc, object, "macvtap", device->macvtap);
	yyjson_mut_obj_add_int(doc, object, "grant", device->grant);
}

static void lease_write(yyjson_mut_doc *doc, yyjson_mut_val *list, const struct granted_lease *lease)
{
	yyjson_mut_val *object = yyjson_mut_arr_add_obj(doc, list);

	yyjson_mut_obj_add_str(doc, object, "network_id", lease->network_id);
	yyjson_mut_obj_add_str(doc, object, "mac", lease->mac);
	yyjson_mut_obj_add_str(doc, object, "ip", lease->ip);
	yyjson_mut_obj_add_str(doc, object, "port_id", lease->port_id);
}

bool grant_write(const char *folder, const struct grant *grant, struct error *err)
{
	_cleanup_free_ char *path = memory_printf("%s/grant.json", folder);
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc), *list;

	yyjson_mut_doc_set_root(doc, root);
	list = yyjson_mut_obj_add_arr(doc, root, "devices");
	for (size_t i = 0; i < grant->device_count; i++)
		granted_device_write(doc, yyjson_mut_arr_add_obj(doc, list), &grant->devices[i]);
	list = yyjson_mut_obj_add_arr(doc, root, "leases");
	for (size_t i = 0; i < grant->lease_count; i++)
		lease_write(doc, list, &grant->leases[i]);
	/* The kernel allows any bytes in the name of a network device. */
	_cleanup_free_ char *text =
		yyjson_mut_write(doc, YYJSON_WRITE_PRETTY | YYJSON_WRITE_ALLOW_INVALID_UNICODE, NULL);
	yyjson_mut_doc_free(doc);
	return file_write(path, text, FILE_DURABLE, err);
}

/* --- making --- */

const struct granted_device *grant_find_device(const struct grant *grant, const char *address)
{
	for (size_t i = 0; i < grant->device_count; i++) {
		if (strcmp(grant->devices[i].memory.address, address) == 0)
			return &grant->devices[i];
	}
	return NULL;
}

bool grant_has_lease(const struct grant *grant, const struct granted_lease *lease)
{
	for (size_t i = 0; i < grant->lease_count; i++) {
		const struct granted_lease *other = &grant->leases[i];

		if (strcmp(other->network_id, lease->network_id) == 0 && strcmp(other->mac, lease->mac) == 0)
			return true;
	}
	return false;
}

/* What was not given by us may be with a guest all the same. */
static bool is_unheld(const char *address, struct error *err)
{
	char who[80], driver[32];

	device_driver(address, driver);
	return !strstr(driver, "vfio") || !world->holder(address, who, sizeof who) ||
	       error_set(err, ERROR_CONFLICT, "%s is held by %s, which Penstock did not give it to", address,
			 who);
}

/* Entered in the ledger before it is looked at: what another server is still giving back is not taken for
 * what it shall be afterwards. */
static bool device_first_look(const char *address, const char *server_id, struct granted_device *device,
			      struct error *err)
{
	struct error ignored;

	if (!ledger_take(address, server_id, &device->grant, err))
		return false;
	snprintf(device->owner, sizeof device->owner, "%.36s", server_id);
	if (is_unheld(address, err) && device_remember(address, &device->memory, err) &&
	    device_find(address, &device->place, err))
		return true;
	ledger_drop(address, server_id, &ignored);
	return false;
}

/* `port`: whose device it is, or NULL. */
static bool device_add(struct grant *grant, const struct grant *before, const char *address, yyjson_val *port,
		       struct error *err)
{
	const struct granted_device *known = grant_find_device(before, address);
	struct granted_device *added = ARRAY_ADD(grant->devices, grant->device_count);

	if (known) /* taken by an earlier attempt: the memory of then counts */
		*added = *known;
	bool ok = known ? ledger_retake(address, grant->server_id, known->grant, err)
			: device_first_look(address, grant->server_id, added, err);
	snprintf(added->port_id, sizeof added->port_id, "%.36s", json_text(port, "id"));
	added->macvtap = strcmp(json_text(port, "vnic_type"), "macvtap") == 0;
	grant->device_count -= !ok;
	return ok;
}

static void lease_add(struct grant *grant, yyjson_val *port)
{
	struct granted_lease *lease = ARRAY_ADD(grant->leases, grant->lease_count);
	const char *ip = network_lease_ip(port);

	COPY(lease->network_id, yyjson_obj_get(port, "network"), "id");
	COPY(lease->mac, port, "mac_address");
	COPY(lease->port_id, port, "id");
	snprintf(lease->ip, sizeof lease->ip, "%.45s", ip ? ip : "");
}

bool grant_make(yyjson_val *server, const struct grant *before, struct grant *grant, struct error *err)
{
	size_t i, max;
	yyjson_val *item;

	*grant = (struct grant){0};
	COPY(grant->server_id, server, "id");
	yyjson_arr_foreach (yyjson_obj_get(server, "ports"), i, max, item) {
		yyjson_val *device = yyjson_obj_get(item, "device");

		if (!yyjson_is_obj(device))
			lease_add(grant, item);
		else if (!device_add(grant, before, json_text(device, "address"), item, err))
			return false;
	}
	yyjson_arr_foreach (yyjson_obj_get(server, "devices"), i, max, item) {
		if (!device_add(grant, before, json_text(item, "address"), NULL, err))
			return false;
	}
	return true;
}

bool grant_device_is_wanted(yyjson_val *server, const struct granted_device *device)
{
	yyjson_val *item;
	size_t i, max;

	yyjson_arr_foreach (yyjson_obj_get(server, "ports"), i, max, item) {
		if (strcmp(json_text(yyjson_obj_get(item, "device"), "address"), device->memory.address) == 0)
			return true;
	}
	yyjson_arr_foreach (yyjson_obj_get(server, "devices"), i, max, item) {
		if (strcmp(json_text(item, "address"), device->memory.address) == 0)
			return true;
	}
	return false;
}

bool grant_lease_is_wanted(yyjson_val *server, const struct granted_lease *lease)
{
	yyjson_val *port;
	size_t i, max;

	yyjson_arr_foreach (yyjson_obj_get(server, "ports"), i, max, port) {
		if (!yyjson_is_obj(yyjson_obj_get(port, "device")) &&
		    strcmp(json_text(yyjson_obj_get(port, "network"), "id"), lease->network_id) == 0 &&
		    strcmp(json_text(port, "mac_address"), lease->mac) == 0)
			return true;
	}
	return false;
}

bool grant_add_port(struct grant *grant, yyjson_val *port, struct error *err)
{
	const char *address = json_text(yyjson_obj_get(port, "device"), "address");
	struct granted_lease lease = {0};

	COPY(lease.network_id, yyjson_obj_get(port, "network"), "id");
	COPY(lease.mac, port, "mac_address");
	if (!*address && !grant_has_lease(grant, &lease))
		lease_add(grant, port);
	return !*address || grant_find_device(grant, address) ||
	       device_add(grant, &(struct grant){0}, address, port, err);
}

void grant_drop_device(struct grant *grant, size_t index)
{
	grant->devices[index] = grant->devices[--grant->device_count];
}

void grant_drop_lease(struct grant *grant, size_t index)
{
	grant->leases[index] = grant->leases[--grant->lease_count];
}

void grant_keep(yyjson_val *server, const struct grant *before, struct grant *kept)
{
	*kept = (struct grant){0};
	COPY(kept->server_id, server, "id");
	for (size_t i = 0; i < before->device_count; i++) {
		if (grant_device_is_wanted(server, &before->devices[i]))
			*ARRAY_ADD(kept->devices, kept->device_count) = before->devices[i];
	}
	for (size_t i = 0; i < before->lease_count; i++) {
		if (grant_lease_is_wanted(server, &before->leases[i]))
			*ARRAY_ADD(kept->leases, kept->lease_count) = before->leases[i];
	}
}

bool grant_add_mate(struct grant *grant, const struct grant *before, const char *address, struct error *err)
{
	return grant_find_device(grant, address) || device_add(grant, before, address, NULL, err);
}
