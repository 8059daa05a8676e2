/* Checking an inventory. */
#include "scheduler/inventory.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "scheduler/scheduler.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MAX_CELLS_TEXT	65536
#define MAX_DEVICE_TEXT 16384
#define MAX_TAGS_TEXT	4096
#define MAX_AMOUNT	(INT64_C(1) << 40) /* of CPUs, MB or GB: no sum of them overflows */

/* An object of the inventory while it is read. */
struct reader {
	yyjson_val *object;
	char path[32]; /* "" or "devices[3]." */
	struct error *err;
};

static bool bad(const struct reader *r, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool bad(const struct reader *r, const char *key, const char *format, ...)
{
	char why[300];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, sizeof why, format, arguments);
	va_end(arguments);
	return error_set(r->err, ERROR_BAD_REQUEST, "inventory: %s%s: %s", r->path, key, why);
}

/* The member, or NULL if it is not there or null. */
static yyjson_val *member(const struct reader *r, const char *key)
{
	yyjson_val *value = yyjson_obj_get(r->object, key);

	return yyjson_is_null(value) ? NULL : value;
}

static bool read_int(const struct reader *r, const char *key, int64_t min, int64_t max, int64_t fallback,
		     int64_t *value)
{
	yyjson_val *json = member(r, key);

	*value = fallback;
	if (!json && fallback >= min)
		return true;
	if (yyjson_is_uint(json) && yyjson_get_uint(json) > INT64_MAX)
		json = NULL;
	*value = yyjson_get_sint(json);
	return (yyjson_is_int(json) && *value >= min && *value <= max) ||
	       bad(r, key, "expected a whole number from %lld to %lld", (long long)min, (long long)max);
}

static bool read_text(const struct reader *r, const char *key, size_t max, const char *fallback,
		      const char **value)
{
	yyjson_val *json = member(r, key);

	*value = fallback;
	if (!json)
		return true;
	*value = yyjson_get_str(json);
	return (*value && strlen(*value) == yyjson_get_len(json) && yyjson_get_len(json) <= max) ||
	       bad(r, key, "expected a text of at most %zu characters", max);
}

static bool read_bool(const struct reader *r, const char *key, bool *value)
{
	yyjson_val *json = member(r, key);

	*value = yyjson_get_bool(json);
	return !json || yyjson_is_bool(json) || bad(r, key, "expected true or false");
}

/* A part of the inventory that is kept as JSON text. */
static bool read_json(const struct reader *r, const char *key, yyjson_type type, size_t max,
		      const char *fallback, char **text)
{
	yyjson_val *json = member(r, key);

	if (!json) {
		*text = memory_copy_text(fallback);
		return true;
	}
	if (yyjson_get_type(json) != type)
		return bad(r, key, "expected %s", type == YYJSON_TYPE_OBJ ? "an object" : "a list");
	*text = yyjson_val_write(json, 0, NULL);
	return (*text && strlen(*text) <= max) || bad(r, key, "is longer than %zu bytes", max);
}

/* --- devices --- */

static bool read_address(const struct reader *r, const char *key, const char **text, pci_address *address)
{
	char canonical[PCI_ADDRESS_SIZE];

	if (!read_text(r, key, PCI_ADDRESS_SIZE - 1, NULL, text))
		return false;
	if (!*text)
		return true;
	return (pci_address_parse(*text, address) &&
		strcmp(pci_address_format(*address, canonical), *text) == 0) ||
	       bad(r, key, "expected a PCI address like 0000:21:10.0");
}

static bool read_id(const struct reader *r, const char *key, const char **id)
{
	return read_text(r, key, 4, "", id) && ((strlen(*id) == 4 && strspn(*id, "0123456789abcdef") == 4) ||
						bad(r, key, "expected four hex digits in lower case"));
}

static bool read_mac(const struct reader *r, const char **mac)
{
	if (!read_text(r, "mac_address", 17, NULL, mac))
		return false;
	for (int i = 0; *mac && i < 17; i++) {
		if (!strchr(i % 3 == 2 ? ":" : "0123456789abcdef", (*mac)[i]) || !(*mac)[i])
			return bad(r, "mac_address", "expected a MAC address in lower case");
	}
	return true;
}

static bool read_type(const struct reader *r, enum pci_type *type)
{
	const char *text;

	return read_text(r, "type", 16, "", &text) &&
	       (pci_type_parse(text, type) || bad(r, "type", "expected type-PCI, type-PF or type-VF"));
}

static bool read_parent(const struct reader *r, struct inventory_device *device)
{
	pci_address parent;

	if (!read_address(r, "parent", &device->parent, &parent))
		return false;
	if (device->type == PCI_TYPE_VF)
		return device->parent ? true : bad(r, "parent", "a VF has a PF");
	return !device->parent || bad(r, "parent", "only a VF has a parent");
}

/* Tags are texts: device specs are written so. */
static bool read_tags(const struct reader *r, char **tags)
{
	yyjson_val *object = member(r, "tags"), *key, *value;
	size_t i, max;

	if (!read_json(r, "tags", YYJSON_TYPE_OBJ, MAX_TAGS_TEXT, "{}", tags))
		return false;
	if (!object)
		return true;
	yyjson_obj_foreach (object, i, max, key, value) {
		if (yyjson_is_ctn(value))
			return bad(r, "tags", "%.40s must not be a list or an object", yyjson_get_str(key));
	}
	return true;
}

static bool device_parse(const struct reader *r, struct inventory_device *device)
{
	const char *address, *ignored_text;
	int64_t ignored;

	if (!yyjson_is_obj(r->object))
		return bad(r, "", "expected an object");
	if (!read_address(r, "address", &address, &device->address))
		return false;
	if (!address)
		return bad(r, "address", "is missing");
	pci_address_format(device->address, device->address_text);
	device->report = yyjson_val_write(r->object, 0, NULL);
	if (!device->report || strlen(device->report) > MAX_DEVICE_TEXT)
		return bad(r, "", "is longer than %d bytes", MAX_DEVICE_TEXT);
	return read_id(r, "vendor_id", &device->vendor_id) && read_id(r, "product_id", &device->product_id) &&
	       read_type(r, &device->type) && read_parent(r, device) &&
	       read_int(r, "numa_node", -1, 4095, -1, &device->numa_node) &&
	       read_mac(r, &device->mac_address) &&
	       read_text(r, "physical_network", PCI_PHYSNET_SIZE - 1, NULL, &device->physical_network) &&
	       read_text(r, "health", 500, "ok", &device->health) &&
	       read_bool(r, "offered", &device->offered) && read_tags(r, &device->tags) &&
	       read_text(r, "class", 6, NULL, &ignored_text) &&
	       read_text(r, "driver", 63, NULL, &ignored_text) &&
	       read_text(r, "netdev", 127, NULL, &ignored_text) &&
	       read_int(r, "vf_index", -1, 65535, -1, &ignored) &&
	       read_int(r, "iommu_group", -1, INT32_MAX, -1, &device->iommu_group) &&
	       read_int(r, "numvfs", -1, 65535, -1, &ignored) &&
	       read_int(r, "totalvfs", -1, 65535, -1, &ignored);
}

static int device_compare(const void *left, const void *right)
{
	const struct inventory_device *a = left, *b = right;

	return a->address < b->address ? -1 : a->address > b->address;
}

static bool devices_parse(const struct reader *r, struct inventory *inventory)
{
	yyjson_val *list = member(r, "devices"), *item;
	size_t i, max;

	if (!yyjson_is_arr(list) || yyjson_arr_size(list) > INVENTORY_MAX_DEVICES)
		return bad(r, "devices", "expected a list of at most %d devices", INVENTORY_MAX_DEVICES);
	yyjson_arr_foreach (list, i, max, item) {
		struct reader device = {.object = item, .err = r->err};

		snprintf(device.path, sizeof device.path, "devices[%zu].", i);
		if (!device_parse(&device, ARRAY_ADD(inventory->devices, inventory->device_count)))
			return false;
	}
	if (inventory->device_count)
		qsort(inventory->devices, inventory->device_count, sizeof *inventory->devices,
		      device_compare);
	for (i = 1; i < inventory->device_count; i++) {
		if (inventory->devices[i].address == inventory->devices[i - 1].address)
			return bad(r, "devices", "%s is there twice", inventory->devices[i].address_text);
	}
	return true;
}

/* --- the host --- */

static bool hypervisor_parse(const struct reader *r, struct inventory *inventory)
{
	struct reader hypervisor = {.object = member(r, "hypervisor"), .path = "hypervisor.", .err = r->err};

	if (hypervisor.object && !yyjson_is_obj(hypervisor.object))
		return bad(r, "hypervisor", "expected an object");
	return read_text(&hypervisor, "type", sizeof((struct scheduler_host *)0)->hypervisor_type - 1, "QEMU",
			 &inventory->hypervisor_type) &&
	       read_int(&hypervisor, "version", 0, INT32_MAX, 0, &inventory->hypervisor_version);
}

static bool zone_parse(const struct reader *r, struct inventory *inventory)
{
	return read_text(r, "availability_zone", sizeof((struct scheduler_host *)0)->availability_zone - 1,
			 "nova", &inventory->availability_zone) &&
	       (*inventory->availability_zone || bad(r, "availability_zone", "is empty"));
}

static bool mates_parse(const struct reader *r, struct inventory *inventory)
{
	const char *mates;

	if (!read_text(r, "iommu_group_mates", 16, "refuse", &mates))
		return false;
	inventory->grant_mates = strcmp(mates, "grant") == 0;
	return inventory->grant_mates || strcmp(mates, "refuse") == 0 ||
	       bad(r, "iommu_group_mates", "expected refuse or grant");
}

/* How guests that run come to this host: the agent of another one is told it. */
static bool migration_parse(const struct reader *r, struct inventory *inventory)
{
	struct reader migration = {.object = member(r, "migration"), .path = "migration.", .err = r->err};
	const char *address, *folder, *cpus;

	if (!migration.object)
		return true;
	if (!yyjson_is_obj(migration.object))
		return bad(r, "migration", "expected an object");
	if (!read_text(&migration, "address", 255, NULL, &address) ||
	    !read_text(&migration, "folder", 255, "", &folder) ||
	    !read_text(&migration, "cpus", 4096, NULL, &cpus))
		return false;
	return (*folder == '/' || bad(&migration, "folder", "expected a path")) &&
	       read_json(r, "migration", YYJSON_TYPE_OBJ, 8192, "{}", &inventory->migration);
}

bool inventory_parse(yyjson_val *json, struct inventory *inventory, struct error *err)
{
	struct reader r = {.object = json, .err = err};
	int64_t version;

	*inventory = (struct inventory){0};
	if (!yyjson_is_obj(json))
		return error_set(err, ERROR_BAD_REQUEST, "inventory: expected an object");
	if (!read_int(&r, "version", 1, 1, 1, &version) || !zone_parse(&r, inventory) ||
	    !hypervisor_parse(&r, inventory) || !read_int(&r, "vcpus", 1, 65536, 0, &inventory->vcpus) ||
	    !read_int(&r, "memory_mb", 1, MAX_AMOUNT, 0, &inventory->memory_mb) ||
	    !read_int(&r, "disk_gb", 0, MAX_AMOUNT, -1, &inventory->disk_gb) ||
	    !read_int(&r, "reserved_memory_mb", 0, MAX_AMOUNT, 0, &inventory->reserved_memory_mb) ||
	    !mates_parse(&r, inventory) ||
	    !read_json(&r, "cpu", YYJSON_TYPE_OBJ, sizeof((struct scheduler_host *)0)->cpu_info - 1, "{}",
		       &inventory->cpu_info) ||
	    !read_json(&r, "cells", YYJSON_TYPE_ARR, MAX_CELLS_TEXT, "[]", &inventory->cells) ||
	    !migration_parse(&r, inventory))
		return false;
	return devices_parse(&r, inventory);
}

static void device_done(struct inventory_device *device)
{
	free(device->tags);
	free(device->report);
}

void inventory_done(struct inventory *inventory)
{
	for (size_t i = 0; i < inventory->device_count; i++)
		device_done(&inventory->devices[i]);
	free(inventory->devices);
	free(inventory->cpu_info);
	free(inventory->cells);
	free(inventory->migration);
}

/* --- rows --- */

static bool device_insert(struct store *db, const char *host_id, const struct inventory_device *d,
			  struct error *err)
{
	return store_exec(
		db, err,
		"INSERT INTO device (host_id, address, vendor_id, product_id, type, parent, numa_node, "
		"mac_address, physical_network, tags, offered, health, state, report, iommu_group) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 'present', ?13, ?14) "
		"ON CONFLICT (host_id, address) DO UPDATE SET vendor_id = excluded.vendor_id, "
		"product_id = excluded.product_id, type = excluded.type, parent = excluded.parent, "
		"numa_node = excluded.numa_node, mac_address = excluded.mac_address, "
		"physical_network = excluded.physical_network, tags = excluded.tags, "
		"offered = excluded.offered, health = excluded.health, state = excluded.state, "
		"report = excluded.report, iommu_group = excluded.iommu_group",
		V(host_id), V((const char *)d->address_text), V(d->vendor_id), V(d->product_id),
		V(pci_type_text(d->type)), V(d->parent), V_OPTIONAL(d->numa_node), V(d->mac_address),
		V(d->physical_network), V(d->tags), V(d->offered), V(d->health), V(d->report),
		V_OPTIONAL(d->iommu_group));
}

static bool device_delete(struct store *db, const char *host_id, const char *address, struct error *err)
{
	return store_exec(db, err, "DELETE FROM device WHERE host_id = ?1 AND address = ?2", V(host_id),
			  V(address));
}

/* Somebody has the device: what it was when it was given stays true for that server until it is given back.
 */
static bool device_keep(struct store *db, const char *host_id, const char *address, const char *state,
			const char *report, struct error *err)
{
	return store_exec(db, err,
			  "UPDATE device SET state = ?3, report = coalesce(?4, report) "
			  "WHERE host_id = ?1 AND address = ?2",
			  V(host_id), V(address), V(state), V(report));
}

bool inventory_device_settle(struct store *db, const char *host_id, const char *address, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	_cleanup_free_ char *report = NULL;

	if (!store_query(db, &rows, err,
			 "SELECT report, state FROM device WHERE host_id = ?1 AND address = ?2", V(host_id),
			 V(address)))
		return false;
	if (store_next(&rows) && strcmp(store_text(&rows, 1), "missing") != 0)
		report = memory_copy_text(store_text(&rows, 0));
	if (!store_end(&rows, err))
		return false;
	if (!report)
		return device_delete(db, host_id, address, err);
	struct inventory_device device = {0};
	yyjson_doc *doc = yyjson_read(report, strlen(report), 0);
	struct reader r = {.object = yyjson_doc_get_root(doc), .err = err};
	bool ok = device_parse(&r, &device) && device_insert(db, host_id, &device, err);
	device_done(&device);
	yyjson_doc_free(doc);
	return ok;
}

/* What is to be done to the rows that are there. */
struct row_change {
	char address[PCI_ADDRESS_SIZE];
	const struct inventory_device *device; /* NULL: not reported */
	bool claimed;
};

static struct inventory_device *find_device(const struct inventory *inventory, const char *address)
{
	struct inventory_device key = {0};

	if (!inventory->device_count || !pci_address_parse(address, &key.address))
		return NULL;
	return bsearch(&key, inventory->devices, inventory->device_count, sizeof key, device_compare);
}

/* Rows that differ go to *changes; seen[i]: device i has a row. */
static bool rows_compare(struct store *db, const char *host_id, const struct inventory *inventory, bool *seen,
			 struct row_change **changes, size_t *count, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err,
			 "SELECT d.address, d.report, d.state, c.server_id IS NOT NULL FROM device d "
			 "LEFT JOIN device_claim c ON c.host_id = d.host_id AND c.address = d.address "
			 "WHERE d.host_id = ?1",
			 V(host_id)))
		return false;
	while (store_next(&rows)) {
		const struct inventory_device *device = find_device(inventory, store_text(&rows, 0));
		bool missing = strcmp(store_text(&rows, 2), "missing") == 0;

		if (device)
			seen[device - inventory->devices] = true;
		if (device ? !missing && strcmp(device->report, store_text(&rows, 1)) == 0 : missing)
			continue;
		struct row_change *change = ARRAY_ADD(*changes, *count);
		snprintf(change->address, sizeof change->address, "%s", store_text(&rows, 0));
		change->device = device;
		change->claimed = store_int(&rows, 3);
	}
	return store_end(&rows, err);
}

static bool row_change_apply(struct store *db, const char *host_id, const struct row_change *change,
			     struct error *err)
{
	/* A device that is being given to a guest differs in many ways, which is nothing to be told of. */
	if (change->claimed && (!change->device || !change->device->offered))
		log_warning("host %s: the device %s, which a server has, is not %s any more; it stays that "
			    "server's until "
			    "it is deleted",
			    host_id, change->address, change->device ? "offered" : "there or not offered");
	if (change->claimed)
		return device_keep(db, host_id, change->address, change->device ? "stale" : "missing",
				   change->device ? change->device->report : NULL, err);
	return change->device ? device_insert(db, host_id, change->device, err)
			      : device_delete(db, host_id, change->address, err);
}

static bool devices_store(struct store *db, const char *host_id, const struct inventory *inventory,
			  bool *changed, struct error *err)
{
	_cleanup_free_ bool *seen = memory_alloc(inventory->device_count + 1);
	_cleanup_free_ struct row_change *changes = NULL;
	size_t count = 0;

	if (!rows_compare(db, host_id, inventory, seen, &changes, &count, err))
		return false;
	*changed |= count > 0;
	for (size_t i = 0; i < count; i++) {
		if (!row_change_apply(db, host_id, &changes[i], err))
			return false;
	}
	for (size_t i = 0; i < inventory->device_count; i++) {
		if (seen[i])
			continue;
		*changed = true;
		if (!device_insert(db, host_id, &inventory->devices[i], err))
			return false;
	}
	return true;
}

bool inventory_store(struct store *db, const char *host_id, const struct inventory *inventory, bool *changed,
		     struct error *err)
{
	if (!store_exec(
		    db, err,
		    "UPDATE host SET availability_zone = ?2, vcpus = ?3, memory_mb = ?4, reserved_memory_mb "
		    "= ?5, "
		    "disk_gb = ?6, hypervisor_type = ?7, hypervisor_version = ?8, cpu_info = ?9, cells = "
		    "?10, "
		    "grant_mates = ?11, migration = ?12 "
		    "WHERE id = ?1 AND (availability_zone, vcpus, memory_mb, reserved_memory_mb, disk_gb, "
		    "hypervisor_type, hypervisor_version, cpu_info, cells, grant_mates, migration) IS DISTINCT FROM "
		    "(?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
		    V(host_id), V(inventory->availability_zone), V(inventory->vcpus), V(inventory->memory_mb),
		    V(inventory->reserved_memory_mb), V(inventory->disk_gb), V(inventory->hypervisor_type),
		    V(inventory->hypervisor_version), V(inventory->cpu_info), V(inventory->cells),
		    V(inventory->grant_mates), V(inventory->migration)))
		return false;
	*changed = store_changes(db) > 0;
	return devices_store(db, host_id, inventory, changed, err);
}
