/* Hosts: joining, inventory, state. */
#include "base/memory.h"
#include "scheduler/fleet.h"
#include "sys/sys.h"

#include <string.h>

bool scheduler_host_join(struct store *db, const char *name, const char *credential_hash, char id[37],
			 struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_exec(db, err,
			"INSERT INTO host (id, number, name, credential_hash, availability_zone, enabled, "
			"disabled_reason, "
			"created_at, heard_at, vcpus, memory_mb, reserved_mb, disk_gb, hypervisor_type, "
			"hypervisor_version, "
			"cpu_info, revision) VALUES (?1, (SELECT ifnull(max(number), 0) + 1 FROM host), ?2, "
			"?3, 'nova', 1, '', "
			"?4, ?4, 0, 0, 0, 0, 'QEMU', 0, '{}', 0) "
			"ON CONFLICT (name) DO UPDATE SET credential_hash = excluded.credential_hash",
			V(sys_uuid(id)), V(name), V(credential_hash), V(sys_now())) ||
	    !store_query(db, &rows, err, "SELECT id FROM host WHERE name = ?1", V(name)))
		return false;
	if (store_next(&rows))
		snprintf(id, 37, "%s", store_text(&rows, 0));
	fleet_touch(db, id);
	return store_end(&rows, err);
}

bool scheduler_host_authenticate(struct store *db, const char *credential_hash, char id[37],
				 struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	bool found;

	if (!store_query(db, &rows, err, "SELECT id FROM host WHERE credential_hash = ?1",
			 V(credential_hash)))
		return false;
	found = store_next(&rows);
	if (found)
		snprintf(id, 37, "%s", store_text(&rows, 0));
	return store_end(&rows, err) &&
	       (found ||
		error_set(err, ERROR_UNAUTHORIZED, "this credential belongs to no host: join again"));
}

#define HOST_SELECT \
	"SELECT h.id, h.name, h.availability_zone, h.enabled, h.disabled_reason, h.heard_at, h.created_at, " \
	"h.number, " \
	"h.vcpus, ifnull(sum(c.vcpus), 0), h.memory_mb, ifnull(sum(c.memory_mb), 0) + h.reserved_mb, " \
	"h.disk_gb, " \
	"ifnull(sum(c.disk_gb), 0), count(c.server_id), h.hypervisor_type, h.hypervisor_version, " \
	"h.cpu_info, " \
	"h.revision FROM host h LEFT JOIN claim c ON c.host_id = h.id "

static void host_fill(struct store_rows *rows, struct scheduler_host *host)
{
	*host = (struct scheduler_host){0};
	snprintf(host->id, sizeof host->id, "%s", store_text(rows, 0));
	snprintf(host->name, sizeof host->name, "%s", store_text(rows, 1));
	snprintf(host->availability_zone, sizeof host->availability_zone, "%s", store_text(rows, 2));
	host->enabled = store_int(rows, 3);
	snprintf(host->disabled_reason, sizeof host->disabled_reason, "%s", store_text(rows, 4));
	host->heard_at = host_heard_at(host->id, store_int(rows, 5));
	host->up = sys_now() - host->heard_at < SCHEDULER_DOWN_AFTER;
	host->created_at = store_int(rows, 6);
	host->number = store_int(rows, 7);
	host->vcpus = store_int(rows, 8);
	host->vcpus_used = store_int(rows, 9);
	host->memory_mb = store_int(rows, 10);
	host->memory_mb_used = store_int(rows, 11);
	host->disk_gb = store_int(rows, 12);
	host->disk_gb_used = store_int(rows, 13);
	host->running_vms = store_int(rows, 14);
	snprintf(host->hypervisor_type, sizeof host->hypervisor_type, "%s", store_text(rows, 15));
	host->hypervisor_version = store_int(rows, 16);
	snprintf(host->cpu_info, sizeof host->cpu_info, "%s", store_text(rows, 17));
	host->revision = store_int(rows, 18);
}

bool scheduler_host_load(struct store *db, const char *id_or_name, struct scheduler_host *host,
			 struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err, HOST_SELECT "WHERE h.id = ?1 OR h.name = ?1 GROUP BY h.id",
			 V(id_or_name)))
		return false;
	if (!store_next(&rows))
		return error_set(err, ERROR_NOT_FOUND, "Compute host %.200s could not be found.", id_or_name);
	host_fill(&rows, host);
	return store_end(&rows, err);
}

bool scheduler_hosts(struct store *db, struct scheduler_host **hosts, size_t *count, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	*hosts = NULL;
	*count = 0;
	if (!store_query(db, &rows, err, HOST_SELECT "GROUP BY h.id ORDER BY h.name"))
		return false;
	while (store_next(&rows))
		host_fill(&rows, ARRAY_ADD(*hosts, *count));
	return store_end(&rows, err);
}

bool scheduler_host_set_enabled(struct store *db, const char *host_id, bool enabled, const char *reason,
				struct error *err)
{
	fleet_touch(db, host_id);
	return store_exec(db, err, "UPDATE host SET enabled = ?2, disabled_reason = ?3 WHERE id = ?1",
			  V(host_id), V(enabled), V(reason ? reason : ""));
}

static void host_wake(void *argument, bool committed)
{
	_cleanup_free_ char *key = argument;

	if (committed)
		http_wake(key);
}

bool scheduler_host_touch(struct store *db, const char *host_id, int64_t *revision, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err,
			 "UPDATE host SET revision = revision + 1 WHERE id = ?1 RETURNING revision",
			 V(host_id)))
		return false;
	*revision = store_next(&rows) ? store_int(&rows, 0) : 0;
	store_next(&rows); /* runs the statement to its end */
	store_on_end(db, host_wake, memory_printf("host:%s", host_id));
	return store_end(&rows, err);
}

static bool bad(struct error *err, const char *what)
{
	return error_set(err, ERROR_BAD_REQUEST, "inventory: %s", what);
}

static bool inventory_int(yyjson_val *inventory, const char *name, int64_t max, int64_t *value,
			  struct error *err)
{
	yyjson_val *member = yyjson_obj_get(inventory, name);

	*value = yyjson_get_sint(member);
	if (yyjson_is_int(member) && *value >= 0 && *value <= max)
		return true;
	return error_set(err, ERROR_BAD_REQUEST, "inventory: %s must be a whole number from 0 to %lld", name,
			 (long long)max);
}

static const char *text_or(yyjson_val *object, const char *name, const char *fallback)
{
	const char *text = yyjson_get_str(yyjson_obj_get(object, name));

	return text ? text : fallback;
}

static bool host_write(struct store *db, const char *host_id, yyjson_val *inventory, struct error *err)
{
	yyjson_val *hypervisor = yyjson_obj_get(inventory, "hypervisor"),
		   *cpu = yyjson_obj_get(inventory, "cpu");
	_cleanup_free_ char *cpu_info =
		yyjson_is_obj(cpu) ? yyjson_val_write(cpu, 0, NULL) : memory_copy_text("{}");
	const char *zone = text_or(inventory, "availability_zone", "nova"),
		   *type = text_or(hypervisor, "type", "QEMU");
	int64_t vcpus, memory, reserved, disk;

	if (!inventory_int(inventory, "vcpus", 65536, &vcpus, err) ||
	    !inventory_int(inventory, "memory_mb", INT64_C(1) << 40, &memory, err) ||
	    !inventory_int(inventory, "disk_gb", INT64_C(1) << 40, &disk, err) ||
	    !inventory_int(inventory, "reserved_memory_mb", INT64_C(1) << 40, &reserved, err))
		return false;
	if (!cpu_info || strlen(cpu_info) >= sizeof((struct scheduler_host *)0)->cpu_info ||
	    strlen(zone) > 63 || strlen(type) > 15)
		return bad(err, "cpu, availability_zone or hypervisor.type is too long");
	return store_exec(
		db, err,
		"UPDATE host SET availability_zone = ?2, heard_at = ?3, vcpus = ?4, memory_mb = ?5, "
		"reserved_mb = ?6, disk_gb = ?7, hypervisor_type = ?8, hypervisor_version = ?9, cpu_info = "
		"?10 "
		"WHERE id = ?1",
		V(host_id), V(zone), V(sys_now()), V(vcpus), V(memory), V(reserved), V(disk), V(type),
		V(yyjson_get_sint(yyjson_obj_get(hypervisor, "version"))), V((const char *)cpu_info));
}

static bool address_is_good(const char *a)
{
	return a && strlen(a) == 12 && a[4] == ':' && a[7] == ':' && a[10] == '.' &&
	       strspn(a, "0123456789abcdef:.") == 12;
}

static bool device_write(struct store *db, const char *host_id, yyjson_val *device, struct error *err)
{
	const char *address = text_or(device, "address", NULL), *vendor = text_or(device, "vendor_id", ""),
		   *product = text_or(device, "product_id", ""), *type = text_or(device, "type", ""),
		   *parent = text_or(device, "parent", ""),
		   *physnet = text_or(device, "physical_network", ""),
		   *health = text_or(device, "health", "ok"), *mac = text_or(device, "mac_address", "");
	yyjson_val *numa = yyjson_obj_get(device, "numa_node");

	if (!address_is_good(address) || strlen(vendor) != 4 || strlen(product) != 4 ||
	    (strcmp(type, "type-PCI") != 0 && strcmp(type, "type-PF") != 0 && strcmp(type, "type-VF") != 0) ||
	    (*parent && !address_is_good(parent)) || strlen(physnet) > 64 || strlen(health) > 500 ||
	    strlen(mac) > 17)
		return error_set(err, ERROR_BAD_REQUEST,
				 "inventory: the device %.40s is not described as the protocol says",
				 address ? address : "without address");
	return store_exec(
		db, err,
		"INSERT INTO device (host_id, address, vendor_id, product_id, type, parent, "
		"physical_network, "
		"mac_address, numa_node, offered, health, missing) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, "
		"?9, ?10, ?11, "
		"0) ON CONFLICT (host_id, address) DO UPDATE SET vendor_id = excluded.vendor_id, product_id "
		"= "
		"excluded.product_id, type = excluded.type, parent = excluded.parent, physical_network = "
		"excluded.physical_network, mac_address = excluded.mac_address, numa_node = "
		"excluded.numa_node, "
		"offered = excluded.offered, health = excluded.health, missing = 0",
		V(host_id), V(address), V(vendor), V(product), V(type), V(parent), V(physnet), V(mac),
		V(yyjson_is_int(numa) ? yyjson_get_sint(numa) : INT64_C(-1)),
		V(yyjson_get_bool(yyjson_obj_get(device, "offered"))), V(health));
}

bool scheduler_host_report(struct store *db, const char *host_id, yyjson_val *inventory, struct error *err)
{
	yyjson_val *devices = yyjson_obj_get(inventory, "devices"), *device;
	size_t i, max;

	if (!yyjson_is_arr(devices) || yyjson_arr_size(devices) > 65536)
		return bad(err, "devices must be a list of at most 65536");
	fleet_touch(db, host_id);
	scheduler_host_heard(db, host_id, err);
	if (!host_write(db, host_id, inventory, err) ||
	    !store_exec(db, err, "UPDATE device SET missing = 1 WHERE host_id = ?1", V(host_id)))
		return false;
	yyjson_arr_foreach (devices, i, max, device) {
		if (!device_write(db, host_id, device, err))
			return false;
	}
	/* What vanished and is nobody's is forgotten; what a server has stays, marked missing. */
	return store_exec(db, err,
			  "DELETE FROM device WHERE host_id = ?1 AND missing = 1 AND NOT EXISTS (SELECT 1 "
			  "FROM device_claim c "
			  "WHERE c.host_id = device.host_id AND c.address = device.address)",
			  V(host_id));
}
