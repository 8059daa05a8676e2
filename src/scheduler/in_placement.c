/* Hosts whose PCI devices Placement shows. */
#include "scheduler/in_placement.h"

#include "base/memory.h"
#include "base/text.h"
#include "pci/resource.h"
#include "scheduler/view.h"

#include <string.h>

static bool is_shown(const struct inventory_device *device)
{
	return device->offered && text_is_empty(device->physical_network);
}

static bool devices_check(const struct inventory *inventory, struct error *err)
{
	_cleanup_free_ struct pci_reported *shown =
		memory_alloc((inventory->device_count + 1) * sizeof *shown);
	size_t count = 0;

	for (size_t i = 0; i < inventory->device_count; i++) {
		const struct inventory_device *d = &inventory->devices[i];

		if (is_shown(d))
			shown[count++] = (struct pci_reported){.address = d->address_text,
							       .vendor_id = d->vendor_id,
							       .product_id = d->product_id,
							       .parent = d->parent,
							       .tags = d->tags};
	}
	return pci_reported_check(shown, count, err);
}

/* A device that Placement shows and a server has. */
struct held {
	char address[PCI_ADDRESS_SIZE], parent[PCI_ADDRESS_SIZE];
};

static bool held_read(struct store *db, const char *host_id, struct held **held, size_t *count,
		      struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err,
			 "SELECT d.address, ifnull(d.parent, '') FROM device_claim c JOIN device d ON "
			 "d.host_id = c.host_id AND d.address = c.address WHERE c.host_id = ?1 AND "
			 "ifnull(d.physical_network, '') = ''",
			 V(host_id)))
		return false;
	while (store_next(&rows)) {
		struct held *one = ARRAY_ADD(*held, *count);

		snprintf(one->address, sizeof one->address, "%s", store_text(&rows, 0));
		snprintf(one->parent, sizeof one->parent, "%s", store_text(&rows, 1));
	}
	return store_end(&rows, err);
}

/* Does the host offer a device now that goes with one that a server has?  Placement would show one provider
 * for two things. */
static bool held_check(const struct held *held, const struct inventory *inventory, struct error *err)
{
	for (size_t i = 0; i < inventory->device_count; i++) {
		const struct inventory_device *d = &inventory->devices[i];

		if (!is_shown(d))
			continue;
		if (text_equal(d->parent, held->address))
			return error_set(err, ERROR_CONFLICT,
					 "a server has the PF %s, whose VF %s is in [pci] device_spec now: "
					 "with report_in_placement a PF cannot become its VFs before the "
					 "server is deleted",
					 held->address, d->address_text);
		if (strcmp(d->address_text, held->parent) == 0)
			return error_set(err, ERROR_CONFLICT,
					 "a server has the VF %s, whose PF %s is in [pci] device_spec now: "
					 "with report_in_placement VFs cannot become their PF before the "
					 "server is deleted",
					 held->address, d->address_text);
	}
	return true;
}

/* Nova never forgets that it reported; here it is enough that there is nothing left to be hidden. */
static bool off_check(const struct inventory *inventory, size_t held, struct error *err)
{
	bool any = held > 0;

	for (size_t i = 0; i < inventory->device_count && !any; i++)
		any = is_shown(&inventory->devices[i]);
	return !any ||
	       error_set(err, ERROR_CONFLICT,
			 "[pci] report_in_placement was on and cannot be switched off while Placement shows "
			 "devices of this host: take those without physical_network out of [pci] device_spec "
			 "first, and delete the servers that have them");
}

static bool flag_read(yyjson_val *json, bool *flag, struct error *err)
{
	yyjson_val *value = yyjson_obj_get(json, "report_in_placement");

	*flag = yyjson_get_bool(value);
	return !value || yyjson_is_bool(value) || yyjson_is_null(value) ||
	       error_set(err, ERROR_BAD_REQUEST, "inventory: report_in_placement: expected true or false");
}

static bool flag_load(struct store *db, const char *host_id, bool *flag, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err, "SELECT in_placement FROM host WHERE id = ?1", V(host_id)))
		return false;
	*flag = store_next(&rows) && store_int(&rows, 0);
	return store_end(&rows, err);
}

bool in_placement_report(struct store *db, const char *host_id, yyjson_val *json,
			 const struct inventory *inventory, bool *changed, struct error *err)
{
	_cleanup_free_ struct held *held = NULL;
	size_t count = 0;
	bool now, before;

	if (!flag_read(json, &now, err) || !flag_load(db, host_id, &before, err))
		return false;
	if (!now && !before)
		return true;
	if (!held_read(db, host_id, &held, &count, err))
		return false;
	if (now ? !devices_check(inventory, err) : !off_check(inventory, count, err))
		return false;
	for (size_t i = 0; now && i < count; i++) {
		if (!held_check(&held[i], inventory, err))
			return false;
	}
	if (now == before)
		return true;
	*changed = true;
	return store_exec(db, err, "UPDATE host SET in_placement = ?2 WHERE id = ?1", V(host_id), V(now));
}

/* --- used once --- */

bool in_placement_spend(struct store *db, const struct fleet_host *host, const int *chosen, size_t count,
			struct error *err)
{
	char address[PCI_ADDRESS_SIZE];

	for (size_t i = 0; i < count; i++) {
		const struct fleet_device *device = &host->devices[chosen[i]];

		if (!fleet.kinds[device->kind].one_time_use)
			continue;
		pci_address_format(device->address, address);
		if (!scheduler_device_set_spent(db, host->id, address, true, err))
			return false;
	}
	return true;
}

bool scheduler_device_set_spent(struct store *db, const char *host_id, const char *address, bool spent,
				struct error *err)
{
	if (spent ? !store_exec(db, err,
				"INSERT OR IGNORE INTO device_spent (host_id, address) VALUES (?1, ?2)",
				V(host_id), V(address))
		  : !store_exec(db, err, "DELETE FROM device_spent WHERE host_id = ?1 AND address = ?2",
				V(host_id), V(address)))
		return false;
	fleet_mark_stale(db, fleet_host(host_id));
	return true;
}
