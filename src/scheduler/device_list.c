/* Reading the devices of the hosts. */
#include "scheduler/device_list.h"

#include "base/memory.h"

#include <string.h>

#define SET(field, text) snprintf(field, sizeof(field), "%s", text)

/* Nova calls a device unavailable while its PF or one of its VFs is a server's. */
static const char *status_of(const struct scheduler_device *device, const char *state, bool kin_is_taken)
{
	if (*device->server_id)
		return "allocated";
	if (strcmp(state, "missing") == 0)
		return "removed";
	return kin_is_taken || strcmp(device->health, "ok") != 0 ? "unavailable" : "available";
}

static void device_read(struct store_rows *rows, struct scheduler_device *device)
{
	SET(device->host_id, store_text(rows, 0));
	SET(device->host_name, store_text(rows, 1));
	device->host_number = store_int(rows, 2);
	SET(device->address, store_text(rows, 3));
	SET(device->parent, store_text(rows, 4));
	SET(device->vendor_id, store_text(rows, 5));
	SET(device->product_id, store_text(rows, 6));
	SET(device->type, store_text(rows, 7));
	SET(device->physical_network, store_text(rows, 8));
	device->numa_node = (int)store_int(rows, 9);
	SET(device->server_id, store_text(rows, 10));
	SET(device->health, store_text(rows, 11));
	device->status = status_of(device, store_text(rows, 12), store_int(rows, 13));
}

bool scheduler_devices(struct store *db, struct scheduler_device **devices, size_t *count, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	*devices = NULL;
	*count = 0;
	if (!store_query(
		    db, &rows, err,
		    "SELECT h.id, h.name, h.number, d.address, ifnull(d.parent, ''), d.vendor_id, "
		    "d.product_id, "
		    "d.type, ifnull(d.physical_network, ''), ifnull(d.numa_node, -1), ifnull(c.server_id, "
		    "''), "
		    "d.health, d.state, EXISTS (SELECT 1 FROM device_claim k JOIN device o ON o.host_id = "
		    "k.host_id "
		    "AND o.address = k.address WHERE k.host_id = d.host_id AND (k.address = d.parent OR "
		    "o.parent = "
		    "d.address)) FROM device d JOIN host h ON h.id = d.host_id LEFT JOIN device_claim c ON "
		    "c.host_id = d.host_id AND c.address = d.address WHERE d.offered OR c.server_id IS NOT "
		    "NULL "
		    "ORDER BY h.number, d.address"))
		return false;
	while (store_next(&rows))
		device_read(&rows, ARRAY_ADD(*devices, *count));
	return store_end(&rows, err);
}
