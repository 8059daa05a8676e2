/* Devices of ports that come to a server, and leave it, after it was placed. */
#include "base/memory.h"
#include "scheduler/claim.h"
#include "scheduler/in_placement.h"
#include "scheduler/inventory.h"
#include "scheduler/order.h"
#include "scheduler/place.h"

#include <string.h>

/* What the server has already. */
struct tenure {
	char host_id[37];
	int64_t position; /* of the next device */
	struct numa_placement *numa;
};

static void tenure_done(struct tenure *tenure)
{
	free(tenure->numa);
}

static bool tenure_read(struct store *db, const char *server_id, struct tenure *tenure, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(
		    db, &rows, err,
		    "SELECT host_id, numa, (SELECT ifnull(max(position) + 1, 0) FROM device_claim d WHERE "
		    "d.server_id = c.server_id) FROM claim c WHERE server_id = ?1",
		    V(server_id)))
		return false;
	if (!store_next(&rows))
		return store_end(&rows, err) &&
		       error_set(err, ERROR_INTERNAL, "server %s has no claim", server_id);
	snprintf(tenure->host_id, sizeof tenure->host_id, "%s", store_text(&rows, 0));
	tenure->position = store_int(&rows, 2);
	if (!store_is_null(&rows, 1)) {
		tenure->numa = memory_alloc(sizeof *tenure->numa);
		if (!numa_placement_parse(store_text(&rows, 1), tenure->numa, err))
			return false;
	}
	return store_end(&rows, err);
}

static bool port_write(struct store *db, const char *server_id, const struct tenure *tenure,
		       const struct scheduler_device *device, struct error *err)
{
	return store_exec(db, err,
			  "INSERT INTO device_claim (host_id, address, server_id, position, port_id, alias) "
			  "VALUES (?1, ?2, ?3, ?4, ?5, '')",
			  V((const char *)tenure->host_id), V((const char *)device->address), V(server_id),
			  V(tenure->position), V((const char *)device->port_id));
}

/* In a savepoint of its own: if it fails the host is read again. */
static bool port_save(struct store *db, const char *server_id, const struct fleet_host *host,
		      const struct tenure *tenure, const struct scheduler_device *device, int chosen,
		      struct error *err)
{
	if (!store_savepoint_begin(db, err))
		return false;
	fleet_watch(db, host);
	if (port_write(db, server_id, tenure, device, err) && in_placement_spend(db, host, &chosen, 1, err) &&
	    store_savepoint_keep(db, err))
		return true;
	store_savepoint_undo(db);
	return false;
}

static bool has_mates(const struct fleet_host *host, const int *chosen)
{
	_cleanup_free_ uint32_t *mates = NULL;

	return fleet_mates(host, chosen, 1, &mates) > 0;
}

/* *again: the store knew better than the fleet. */
static bool claim_once(struct store *db, const struct scheduler_request *request,
		       struct scheduler_device *device, struct text *why, bool *again, struct error *err)
{
	_cleanup_(place_done) struct place place = {0};
	_cleanup_(tenure_done) struct tenure tenure = {0};
	struct fleet_host *host;
	int chosen[SCHEDULER_MAX_DEVICES];

	*again = false;
	if (!fleet_refresh(db, err) || !tenure_read(db, request->server_id, &tenure, err) ||
	    !place_begin(&place, request, err))
		return false;
	host = fleet_host(tenure.host_id);
	if (!place_devices_beside(&place, host, tenure.numa, chosen)) {
		place_explain_beside(&place, host, why);
		return error_set(err, ERROR_CONFLICT, "The host has no device for the port.");
	}
	if (has_mates(host, chosen)) {
		text_add(why,
			 "has one only in an IOMMU group with others, which go to a guest when it is made");
		return error_set(err, ERROR_CONFLICT, "The device cannot be had alone.");
	}
	claim_fill_device(host, &host->devices[chosen[0]], device);
	snprintf(device->port_id, sizeof device->port_id, "%s", request->ports[0].port_id);
	if (!claim_number_device(db, tenure.host_id, device, err))
		return false;
	if (!port_save(db, request->server_id, host, &tenure, device, chosen[0], err)) {
		*again = err->kind == ERROR_CONFLICT;
		return false;
	}
	fleet_device_set_claimed(host, &host->devices[chosen[0]], true);
	fleet_count_pools(host);
	order_moved(host);
	return true;
}

bool scheduler_claim_port(struct store *db, const char *server_id, const struct scheduler_port_request *port,
			  const struct numa_guest *numa, struct scheduler_device *device, struct text *why,
			  struct error *err)
{
	_cleanup_free_ struct numa_guest *policy = memory_alloc(sizeof *policy);
	const struct scheduler_request request = {.server_id = server_id,
						  .ports = port,
						  .port_count = 1,
						  .numa = policy};
	bool again = true;

	/* Its cells are where they are. */
	if (numa) {
		policy->has_pci_policy = numa->has_pci_policy;
		policy->pci_policy = numa->pci_policy;
	}
	for (int i = 0; i < CLAIM_ATTEMPTS && again; i++) {
		if (claim_once(db, &request, device, why, &again, err))
			return true;
	}
	if (again)
		err->kind = ERROR_INTERNAL;
	return false;
}

/* --- giving it back --- */

struct left {
	char host_id[37], address[PCI_ADDRESS_SIZE];
	bool settled; /* its row is as the host told it last */
};

static bool left_read(struct store *db, const char *server_id, const char *port_id, struct left *left,
		      struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(
		    db, &rows, err,
		    "SELECT c.host_id, c.address, d.state FROM device_claim c JOIN device d ON d.host_id = "
		    "c.host_id AND d.address = c.address WHERE c.server_id = ?1 AND c.port_id = ?2",
		    V(server_id), V(port_id)))
		return false;
	if (store_next(&rows)) {
		snprintf(left->host_id, sizeof left->host_id, "%s", store_text(&rows, 0));
		snprintf(left->address, sizeof left->address, "%s", store_text(&rows, 1));
		left->settled = strcmp(store_text(&rows, 2), "present") == 0;
	}
	return store_end(&rows, err);
}

bool scheduler_release_port(struct store *db, const char *server_id, const char *port_id, struct error *err)
{
	struct left left = {0};
	pci_address address;

	if (!fleet_refresh(db, err) || !left_read(db, server_id, port_id, &left, err))
		return false;
	if (!*left.host_id)
		return true;
	struct fleet_host *host = fleet_host(left.host_id);
	fleet_watch(db, host);
	if (!store_exec(db, err, "DELETE FROM device_claim WHERE server_id = ?1 AND port_id = ?2",
			V(server_id), V(port_id)) ||
	    (!left.settled && !inventory_device_settle(db, left.host_id, left.address, err)))
		return false;
	struct fleet_device *device =
		pci_address_parse(left.address, &address) ? fleet_device_find(host, address) : NULL;
	if (!device || !left.settled) {
		fleet_mark_stale(db, host);
		return true;
	}
	fleet_device_set_claimed(host, device, false);
	fleet_count_pools(host);
	order_moved(host);
	return true;
}
