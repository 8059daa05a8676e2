/* Keeping the fleet in step with the store. */
#include "scheduler/fleet.h"

#include "base/log.h"
#include "numa/placement.h"
#include "pci/resource.h"
#include "scheduler/order.h"
#include "scheduler/settings.h"
#include "scheduler/supply.h"

#include "base/map.h"
#include "base/memory.h"
#include "scheduler/scheduler.h"

#include <stdio.h>
#include <string.h>
#include <yyjson.h>

struct fleet fleet;

/* id -> index + 1, as a pointer */
static struct map host_index;
/* resource classes and traits of kinds */
static struct map names;

/* --- hosts --- */

struct fleet_host *fleet_host(const char *host_id)
{
	uintptr_t at = (uintptr_t)map_get(&host_index, host_id);
	struct fleet_host *host;

	if (at)
		return &fleet.hosts[at - 1];
	host = ARRAY_ADD(fleet.hosts, fleet.count);
	snprintf(host->id, sizeof host->id, "%s", host_id);
	host->heartbeat = heartbeat_of(host_id);
	host->stale = fleet.any_stale = true;
	map_put(&host_index, host_id, (void *)fleet.count);
	return host;
}

struct fleet_host *fleet_find(const char *id_or_name)
{
	uintptr_t at = (uintptr_t)map_get(&host_index, id_or_name);

	if (at && fleet.hosts[at - 1].there)
		return &fleet.hosts[at - 1];
	for (size_t i = 0; i < fleet.count; i++) {
		if (fleet.hosts[i].there && strcmp(fleet.hosts[i].name, id_or_name) == 0)
			return &fleet.hosts[i];
	}
	return NULL;
}

static void fleet_undone(void *argument, bool committed)
{
	size_t index = (uintptr_t)argument;

	if (committed || index >= fleet.count)
		return;
	fleet.hosts[index].stale = true;
	fleet.any_stale = true;
}

void fleet_watch(struct store *db, const struct fleet_host *host)
{
	store_on_end(db, fleet_undone, (void *)(uintptr_t)(host - fleet.hosts));
}

void fleet_mark_stale(struct store *db, struct fleet_host *host)
{
	fleet_watch(db, host);
	host->stale = fleet.any_stale = true;
}

static void host_forget(struct fleet_host *host)
{
	free(host->name);
	free(host->availability_zone);
	free(host->disabled_reason);
	free(host->devices);
	free(host->pools);
	free(host->groups);
	for (uint32_t i = 0; i < host->ill_count; i++)
		free(host->ill[i].why);
	free(host->ill);
	numa_host_done(&host->numa);
	*host = (struct fleet_host){.heartbeat = host->heartbeat,
				    .building = host->building,
				    .failed_builds = host->failed_builds};
}

/* --- devices --- */

struct fleet_device *fleet_device_find(const struct fleet_host *host, pci_address address)
{
	size_t low = 0, high = host->device_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (host->devices[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < host->device_count && host->devices[low].address == address ? &host->devices[low] : NULL;
}

bool fleet_device_is_free(const struct fleet_host *host, const struct fleet_device *device)
{
	if (!device->offered || !device->healthy || device->claimed || device->vfs_claimed > 0)
		return false;
	if (device->group && host->groups[device->group - 1].closed)
		return false;
	return device->parent < 0 || !host->devices[device->parent].claimed;
}

void fleet_device_set_claimed(struct fleet_host *host, struct fleet_device *device, bool claimed)
{
	if (device->claimed == claimed)
		return;
	device->claimed = claimed;
	if (device->parent >= 0)
		host->devices[device->parent].vfs_claimed += claimed ? 1 : -1;
}

static struct fleet_pool *host_pool(struct fleet_host *host, uint32_t kind)
{
	size_t count = host->pool_count;

	for (uint32_t i = 0; i < host->pool_count; i++) {
		if (host->pools[i].kind == kind)
			return &host->pools[i];
	}
	struct fleet_pool *pool = ARRAY_ADD(host->pools, count);
	host->pool_count = (uint32_t)count;
	pool->kind = kind;
	return pool;
}

void fleet_count_pools(struct fleet_host *host)
{
	order_moved(host);
	fleet_groups_settle(host);
	host->free_devices = 0;
	for (uint32_t i = 0; i < host->pool_count; i++)
		host->pools[i].offered = host->pools[i].free = 0;
	for (int i = 0; i < host->numa.cell_count; i++)
		host->numa.cells[i].free_devices = 0;
	for (uint32_t i = 0; i < host->device_count; i++) {
		const struct fleet_device *device = &host->devices[i];

		if (!device->offered)
			continue;
		struct fleet_pool *pool = host_pool(host, device->kind);
		pool->offered++;
		if (!fleet_device_is_free(host, device))
			continue;
		pool->free++;
		host->free_devices++;
		struct numa_cell *cell = numa_host_cell(&host->numa, fleet.kinds[device->kind].numa_node);
		if (cell)
			cell->free_devices++;
	}
	supply_set(host);
}

static bool kinds_equal(const struct pci_kind *a, const struct pci_kind *b)
{
	return a->vendor_id == b->vendor_id && a->product_id == b->product_id && a->type == b->type &&
	       a->numa_node == b->numa_node && a->remote_managed == b->remote_managed &&
	       a->trusted == b->trusted && a->live_migratable == b->live_migratable &&
	       a->tag_count == b->tag_count && a->one_time_use == b->one_time_use &&
	       a->resource_class == b->resource_class && a->traits == b->traits &&
	       strcmp(a->physical_network, b->physical_network) == 0;
}

static uint32_t kind_intern(const struct pci_kind *kind)
{
	for (size_t i = 0; i < fleet.kind_count; i++) {
		if (kinds_equal(&fleet.kinds[i], kind))
			return (uint32_t)i;
	}
	*ARRAY_ADD(fleet.kinds, fleet.kind_count) = *kind;
	return (uint32_t)(fleet.kind_count - 1);
}

/* --- reading --- */

/* There are few kinds of hosts; what nobody says any more stays until the process ends. */
static const struct fleet_cpu *cpu_intern(const char *text)
{
	static struct map cpus;
	struct fleet_cpu *cpu = map_get(&cpus, text);

	if (!cpu) {
		cpu = memory_alloc(sizeof *cpu);
		cpu->doc = yyjson_read(text, strlen(text), 0);
		map_put(&cpus, text, cpu);
	}
	return cpu;
}

/* A host whose cells make no sense has none: guests with a topology do not fit there. */
static void cells_read(struct fleet_host *host, const char *text)
{
	yyjson_doc *doc = yyjson_read(text, strlen(text), 0);
	struct error why;

	host->numa = (struct numa_host){.cpu_ratio = scheduler_settings.cpu_ratio,
					.memory_ratio = scheduler_settings.ram_ratio,
					.pack = scheduler_settings.pack_cells};
	if (!numa_host_read(yyjson_doc_get_root(doc), &host->numa, &why))
		log_warning("host %s: %s", host->name, why.message);
	yyjson_doc_free(doc);
	host->shared_vcpus = host->numa.cell_count ? 0 : host->vcpus;
	for (int i = 0; i < host->numa.cell_count; i++)
		host->shared_vcpus += cpu_set_count(&host->numa.cells[i].shared);
}

static bool host_read(struct store *db, struct fleet_host *host, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err,
			 "SELECT h.name, coalesce(h.aggregate_zone, h.availability_zone), h.enabled, "
			 "h.disabled_reason, h.vcpus, h.memory_mb, "
			 "h.reserved_memory_mb, h.disk_gb, s.vcpus_used, s.memory_mb_used, s.disk_gb_used, "
			 "s.heard_at, h.cells, h.grant_mates, s.servers, h.hypervisor_version, "
			 "h.hypervisor_type, h.cpu_info, h.forced_down "
			 "FROM host h JOIN host_state s ON s.host_id = h.id WHERE h.id = ?1",
			 V((const char *)host->id)))
		return false;
	host->there = store_next(&rows);
	if (host->there) {
		host->name = memory_copy_text(store_text(&rows, 0));
		host->availability_zone = memory_copy_text(store_text(&rows, 1));
		host->enabled = store_int(&rows, 2);
		host->disabled_reason = memory_copy_text(store_text(&rows, 3));
		host->vcpus = store_int(&rows, 4);
		host->total_memory_mb = store_int(&rows, 5);
		host->memory_mb = host->total_memory_mb - store_int(&rows, 6);
		host->disk_gb = store_int(&rows, 7);
		host->vcpus_used = store_int(&rows, 8);
		host->memory_mb_used = store_int(&rows, 9);
		host->disk_gb_used = store_int(&rows, 10);
		host->heartbeat->stored_at = store_int(&rows, 11);
		if (!host->heartbeat->heard_at)
			host->heartbeat->heard_at = host->heartbeat->stored_at;
		cells_read(host, store_text(&rows, 12));
		host->grant_mates = store_int(&rows, 13);
		host->servers = store_int(&rows, 14);
		host->hypervisor_version = store_int(&rows, 15);
		snprintf(host->hypervisor_type, sizeof host->hypervisor_type, "%s", store_text(&rows, 16));
		host->cpu = cpu_intern(store_text(&rows, 17));
		host->forced_down = store_int(&rows, 18);
	}
	return store_end(&rows, err);
}

/* What guests with a topology have of the cells. */
static bool placements_read(struct store *db, struct fleet_host *host, struct error *err)
{
	_cleanup_free_ struct numa_placement *placement = memory_alloc(sizeof *placement);
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err, "SELECT numa FROM claim WHERE host_id = ?1 AND numa IS NOT NULL",
			 V((const char *)host->id)))
		return false;
	while (store_next(&rows)) {
		if (!numa_placement_parse(store_text(&rows, 0), placement, err))
			return false;
		numa_record(&host->numa, placement);
	}
	return store_end(&rows, err);
}

enum {
	DEVICE_ADDRESS,
	DEVICE_VENDOR,
	DEVICE_PRODUCT,
	DEVICE_TYPE,
	DEVICE_NUMA,
	DEVICE_PHYSNET,
	DEVICE_TAGS,
	DEVICE_OFFERED,
	DEVICE_HEALTH,
	DEVICE_STATE,
	DEVICE_MAC,
	DEVICE_SERVER,
	DEVICE_PARENT,
	DEVICE_GROUP,
	DEVICE_IN_PLACEMENT,
};

/* The same text for the same name, so that kinds compare by pointers. */
static const char *name_intern(const char *name)
{
	char *known = map_get(&names, name);

	if (!known) {
		known = memory_copy_text(name);
		map_put(&names, name, known);
	}
	return known;
}

/* Names that are too long leave the device out, as in Placement's own view. */
static void kind_set_resource(struct pci_kind *kind, yyjson_val *tags)
{
	struct pci_resource resource = {0};
	struct error ignored;

	if (pci_resource_of(kind->vendor_id, kind->product_id, tags, &resource, &ignored)) {
		kind->resource_class = name_intern(resource.resource_class);
		kind->traits = name_intern(resource.traits);
	}
	pci_resource_done(&resource);
}

static uint32_t kind_read(struct store_rows *rows)
{
	struct pci_kind kind = {.numa_node = store_is_null(rows, DEVICE_NUMA)
						     ? PCI_NUMA_NONE
						     : (int)store_int(rows, DEVICE_NUMA)};
	const char *physnet = store_text(rows, DEVICE_PHYSNET), *tags = store_text(rows, DEVICE_TAGS);
	yyjson_doc *doc = yyjson_read(tags, strlen(tags), 0);
	unsigned id = 0;

	if (pci_hex_parse(store_text(rows, DEVICE_VENDOR), 4, 4, 0xffff, &id))
		kind.vendor_id = (uint16_t)id;
	if (pci_hex_parse(store_text(rows, DEVICE_PRODUCT), 4, 4, 0xffff, &id))
		kind.product_id = (uint16_t)id;
	pci_type_parse(store_text(rows, DEVICE_TYPE), &kind.type);
	snprintf(kind.physical_network, sizeof kind.physical_network, "%s", physnet ? physnet : "");
	pci_kind_set_tags(&kind, yyjson_doc_get_root(doc));
	if (store_int(rows, DEVICE_IN_PLACEMENT) && !*kind.physical_network)
		kind_set_resource(&kind, yyjson_doc_get_root(doc));
	yyjson_doc_free(doc);
	return kind_intern(&kind);
}

static uint64_t mac_parse(const char *text)
{
	unsigned b[6];

	if (!text || sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5]) != 6)
		return 0;
	return (uint64_t)b[0] << 40 | (uint64_t)b[1] << 32 | (uint64_t)b[2] << 24 | b[3] << 16 | b[4] << 8 |
	       b[5];
}

static void device_read(struct store_rows *rows, struct fleet_device *device, pci_address *parent)
{
	const char *parent_text = store_text(rows, DEVICE_PARENT);

	pci_address_parse(store_text(rows, DEVICE_ADDRESS), &device->address);
	device->kind = kind_read(rows);
	device->offered = store_int(rows, DEVICE_OFFERED);
	device->healthy = strcmp(store_text(rows, DEVICE_HEALTH), "ok") == 0 &&
			  strcmp(store_text(rows, DEVICE_STATE), "missing") != 0;
	device->mac_address = mac_parse(store_text(rows, DEVICE_MAC));
	device->claimed = !store_is_null(rows, DEVICE_SERVER);
	device->parent = -1;
	if (!parent_text || !pci_address_parse(parent_text, parent))
		*parent = PCI_ADDRESS_NONE;
}

static void ill_add(struct fleet_host *host, uint32_t device, const char *health)
{
	size_t count = host->ill_count;

	*ARRAY_ADD(host->ill, count) = (struct fleet_ill){.device = device, .why = memory_copy_text(health)};
	host->ill_count = (uint32_t)count;
}

/* A PF that the agent does not tell of needs no bookkeeping: it cannot be claimed. */
static void devices_link(struct fleet_host *host, const pci_address *parents)
{
	for (uint32_t i = 0; i < host->device_count; i++) {
		struct fleet_device *pf =
			parents[i] == PCI_ADDRESS_NONE ? NULL : fleet_device_find(host, parents[i]);

		if (!pf || pf == &host->devices[i])
			continue;
		host->devices[i].parent = (int32_t)(pf - host->devices);
		pf->vfs++;
		pf->vfs_claimed += host->devices[i].claimed;
	}
}

static bool devices_read(struct store *db, struct fleet_host *host, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	_cleanup_free_ pci_address *parents = NULL;
	_cleanup_free_ int32_t *groups = NULL;
	size_t count = 0, parent_count = 0, group_count = 0;

	if (!store_query(db, &rows, err,
			 "SELECT d.address, d.vendor_id, d.product_id, d.type, d.numa_node, "
			 "d.physical_network, d.tags, "
			 "d.offered, iif(u.address IS NULL, d.health, 'it was used once ([pci] "
			 "one_time_use)'), d.state, d.mac_address, c.server_id, d.parent, d.iommu_group, "
			 "h.in_placement FROM device d JOIN host h ON h.id = d.host_id "
			 "LEFT JOIN device_spent u ON u.host_id = d.host_id AND u.address = d.address "
			 "LEFT JOIN device_claim c ON c.host_id = d.host_id AND c.address = d.address "
			 "WHERE d.host_id = ?1 ORDER BY d.address",
			 V((const char *)host->id)))
		return false;
	while (store_next(&rows)) {
		const char *health = store_text(&rows, DEVICE_HEALTH);

		if (strcmp(health, "ok") != 0)
			ill_add(host, (uint32_t)count, health);
		device_read(&rows, ARRAY_ADD(host->devices, count), ARRAY_ADD(parents, parent_count));
		*ARRAY_ADD(groups, group_count) =
			store_is_null(&rows, DEVICE_GROUP) ? -1 : (int32_t)store_int(&rows, DEVICE_GROUP);
	}
	host->device_count = (uint32_t)count;
	devices_link(host, parents);
	fleet_groups_make(host, groups);
	fleet_count_pools(host);
	return store_end(&rows, err);
}

static bool host_reload(struct store *db, struct fleet_host *host, struct error *err)
{
	char id[sizeof host->id];

	memcpy(id, host->id, sizeof id);
	host_forget(host);
	memcpy(host->id, id, sizeof id);
	host->stale = true; /* until all of it is read */
	if (!host_read(db, host, err) || !placements_read(db, host, err) || !devices_read(db, host, err))
		return false;
	host->stale = false;
	order_moved(host);
	return true;
}

bool fleet_refresh(struct store *db, struct error *err)
{
	if (!fleet.any_stale)
		return true;
	for (size_t i = 0; i < fleet.count; i++) {
		if (fleet.hosts[i].stale && !host_reload(db, &fleet.hosts[i], err))
			return false;
	}
	fleet.any_stale = false;
	return true;
}

bool scheduler_load(struct store *db, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	for (size_t i = 0; i < fleet.count; i++)
		host_forget(&fleet.hosts[i]);
	free(fleet.hosts);
	free(fleet.kinds);
	map_done(&host_index, NULL);
	map_done(&names, free);
	fleet = (struct fleet){0};
	order_forget();
	supply_forget();
	if (!store_query(db, &rows, err, "SELECT id FROM host ORDER BY number"))
		return false;
	while (store_next(&rows))
		fleet_host(store_text(&rows, 0));
	return store_end(&rows, err) && fleet_refresh(db, err);
}

bool scheduler_housekeeping(struct store *db, struct error *err)
{
	for (size_t i = 0; i < fleet.count; i++) {
		if (!heartbeat_store(db, fleet.hosts[i].id, fleet.hosts[i].heartbeat, err))
			return false;
	}
	return true;
}
