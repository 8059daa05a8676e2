/* Keeping the fleet in step with the store. */
#include "scheduler/fleet.h"

#include "base/map.h"
#include "base/memory.h"
#include "sys/sys.h"

#include <pthread.h>
#include <string.h>

struct fleet fleet;

/* Heartbeats are many and matter only while they are fresh: they live in memory, shared by all threads. */
static pthread_mutex_t heard_lock = PTHREAD_MUTEX_INITIALIZER;
static struct map heard;

bool scheduler_host_heard(struct store *db, const char *host_id, struct error *err)
{
	(void)db;
	(void)err;
	pthread_mutex_lock(&heard_lock);
	int64_t *at = map_get(&heard, host_id);
	if (!at) {
		at = memory_alloc(sizeof *at);
		map_put(&heard, host_id, at);
	}
	*at = sys_now();
	pthread_mutex_unlock(&heard_lock);
	return true;
}

int64_t host_heard_at(const char *host_id, int64_t stored)
{
	pthread_mutex_lock(&heard_lock);
	const int64_t *at = map_get(&heard, host_id);
	int64_t last = at && *at > stored ? *at : stored;
	pthread_mutex_unlock(&heard_lock);
	return last;
}

static struct fleet_host *fleet_find(const char *host_id)
{
	for (size_t i = 0; i < fleet.count; i++) {
		if (strcmp(fleet.hosts[i].id, host_id) == 0)
			return &fleet.hosts[i];
	}
	return NULL;
}

static void fleet_undone(void *argument, bool committed)
{
	_cleanup_free_ char *host_id = argument;
	struct fleet_host *host = fleet_find(host_id);

	if (!committed && host)
		host->stale = true;
}

void fleet_touch(struct store *db, const char *host_id)
{
	struct fleet_host *host = fleet_find(host_id);

	if (!host) {
		host = ARRAY_ADD(fleet.hosts, fleet.count);
		snprintf(host->id, sizeof host->id, "%s", host_id);
	}
	host->stale = true;
	fleet_watch(db, host_id);
}

void fleet_watch(struct store *db, const char *host_id)
{
	store_on_end(db, fleet_undone, memory_copy_text(host_id));
}

static bool host_read(struct store *db, struct fleet_host *host, bool *there, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err,
			 "SELECT h.name, h.availability_zone, h.enabled, h.heard_at, h.vcpus, h.memory_mb - "
			 "h.reserved_mb, "
			 "h.disk_gb, ifnull(sum(c.vcpus), 0), ifnull(sum(c.memory_mb), 0), "
			 "ifnull(sum(c.disk_gb), 0) "
			 "FROM host h LEFT JOIN claim c ON c.host_id = h.id WHERE h.id = ?1 GROUP BY h.id",
			 V((const char *)host->id)))
		return false;
	*there = store_next(&rows);
	if (*there) {
		snprintf(host->name, sizeof host->name, "%s", store_text(&rows, 0));
		snprintf(host->availability_zone, sizeof host->availability_zone, "%s", store_text(&rows, 1));
		host->enabled = store_int(&rows, 2);
		host->heard_at = store_int(&rows, 3);
		host->vcpus = store_int(&rows, 4);
		host->memory_mb = store_int(&rows, 5);
		host->disk_gb = store_int(&rows, 6);
		host->vcpus_used = store_int(&rows, 7);
		host->memory_used = store_int(&rows, 8);
		host->disk_used = store_int(&rows, 9);
	}
	return store_end(&rows, err);
}

static void device_fill(struct store_rows *rows, struct fleet_device *d)
{
	snprintf(d->device.address, sizeof d->device.address, "%s", store_text(rows, 0));
	snprintf(d->device.vendor_id, sizeof d->device.vendor_id, "%s", store_text(rows, 1));
	snprintf(d->device.product_id, sizeof d->device.product_id, "%s", store_text(rows, 2));
	snprintf(d->device.type, sizeof d->device.type, "%s", store_text(rows, 3));
	snprintf(d->device.parent, sizeof d->device.parent, "%s", store_text(rows, 4));
	snprintf(d->device.physical_network, sizeof d->device.physical_network, "%s", store_text(rows, 5));
	snprintf(d->device.mac_address, sizeof d->device.mac_address, "%s", store_text(rows, 6));
	d->device.numa_node = (int)store_int(rows, 7);
	d->offered = store_int(rows, 8);
	d->usable = strcmp(store_text(rows, 9), "ok") == 0 && !store_int(rows, 10);
	snprintf(d->server_id, sizeof d->server_id, "%s", store_text(rows, 11) ? store_text(rows, 11) : "");
	d->parent = -1;
}

static bool devices_read(struct store *db, struct fleet_host *host, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	free(host->devices);
	host->devices = NULL;
	host->device_count = 0;
	if (!store_query(db, &rows, err,
			 "SELECT d.address, d.vendor_id, d.product_id, d.type, d.parent, d.physical_network, "
			 "d.mac_address, "
			 "d.numa_node, d.offered, d.health, d.missing, c.server_id FROM device d LEFT JOIN "
			 "device_claim c "
			 "ON c.host_id = d.host_id AND c.address = d.address WHERE d.host_id = ?1 ORDER BY "
			 "d.address",
			 V((const char *)host->id)))
		return false;
	while (store_next(&rows))
		device_fill(&rows, ARRAY_ADD(host->devices, host->device_count));
	for (size_t i = 0; i < host->device_count; i++) {
		for (size_t k = 0; *host->devices[i].device.parent && k < host->device_count; k++) {
			if (strcmp(host->devices[k].device.address, host->devices[i].device.parent) == 0)
				host->devices[i].parent = (int)k;
		}
	}
	return store_end(&rows, err);
}

bool fleet_refresh(struct store *db, struct error *err)
{
	bool there;

	for (size_t i = 0; i < fleet.count; i++) {
		struct fleet_host *host = &fleet.hosts[i];

		if (!host->stale)
			continue;
		if (!host_read(db, host, &there, err) || !devices_read(db, host, err))
			return false;
		host->stale = false;
		if (!there) { /* its join was undone */
			free(host->devices);
			fleet.hosts[i--] = fleet.hosts[--fleet.count];
		}
	}
	return true;
}

bool scheduler_load(struct store *db, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	for (size_t i = 0; i < fleet.count; i++)
		free(fleet.hosts[i].devices);
	free(fleet.hosts);
	fleet = (struct fleet){0};
	if (!store_query(db, &rows, err, "SELECT id FROM host ORDER BY name"))
		return false;
	while (store_next(&rows)) {
		struct fleet_host *host = ARRAY_ADD(fleet.hosts, fleet.count);

		snprintf(host->id, sizeof host->id, "%s", store_text(&rows, 0));
		host->stale = true;
	}
	return store_end(&rows, err) && fleet_refresh(db, err);
}
