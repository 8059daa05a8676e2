/* Claims: choosing a host and its devices, writing it down, giving it back. */
#include "scheduler/claim.h"

#include "base/memory.h"
#include "numa/placement.h"
#include "scheduler/in_placement.h"
#include "scheduler/inventory.h"
#include "scheduler/order.h"
#include "scheduler/place.h"
#include "scheduler/scheduler.h"
#include "scheduler/settings.h"

#include <string.h>

#define REFUSALS_SHOWN 64

#define SET(field, value) snprintf(field, sizeof(field), "%s", value)

bool scheduler_alias_check(const char *alias_spec, struct error *err)
{
	struct pci_alias_request requests[SCHEDULER_MAX_REQUESTS];
	size_t count;

	return pci_alias_requests(&scheduler_settings.aliases, alias_spec, requests, ELEMENTS_OF(requests),
				  SCHEDULER_MAX_DEVICES, &count, err);
}

/* --- deciding --- */

static bool refuse(const struct place *place, struct text *refusals, struct error *err)
{
	size_t there = 0, refused = 0;

	for (size_t i = 0; i < fleet.count; i++) {
		there += fleet.hosts[i].there;
		if (!fleet.hosts[i].there || !place_is_asked_for(place, &fleet.hosts[i]))
			continue;
		if (refused++ >= REFUSALS_SHOWN)
			continue;
		text_addf(refusals, "%s: ", fleet.hosts[i].name);
		place_explain(place, &fleet.hosts[i], refusals);
		text_add(refusals, "\n");
	}
	if (there == 0)
		text_add(refusals, "no host has joined yet (penstock-agent)\n");
	else if (refused == 0)
		text_addf(refusals, "%.255s: no host of this name has joined\n", place->request->host);
	if (refused > REFUSALS_SHOWN)
		text_addf(refusals, "and %zu more hosts\n", refused - REFUSALS_SHOWN);
	return error_set(err, ERROR_CONFLICT, "No valid host was found.");
}

/* --- the grant --- */

static void mac_format(uint64_t mac, char text[18])
{
	text[0] = '\0';
	if (mac)
		snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", (unsigned)(mac >> 40 & 0xff),
			 (unsigned)(mac >> 32 & 0xff), (unsigned)(mac >> 24 & 0xff),
			 (unsigned)(mac >> 16 & 0xff), (unsigned)(mac >> 8 & 0xff), (unsigned)(mac & 0xff));
}

void claim_fill_device(const struct fleet_host *host, const struct fleet_device *device,
		       struct scheduler_device *out)
{
	const struct pci_kind *kind = &fleet.kinds[device->kind];

	*out = (struct scheduler_device){.numa_node = kind->numa_node, .vf_num = -1};
	pci_address_format(device->address, out->address);
	snprintf(out->vendor_id, sizeof out->vendor_id, "%04x", kind->vendor_id);
	snprintf(out->product_id, sizeof out->product_id, "%04x", kind->product_id);
	SET(out->type, pci_type_text(kind->type));
	SET(out->physical_network, kind->physical_network);
	if (device->parent >= 0) {
		pci_address_format(host->devices[device->parent].address, out->parent);
		mac_format(host->devices[device->parent].mac_address, out->pf_mac_address);
	}
	if (kind->type == PCI_TYPE_PF)
		mac_format(device->mac_address, out->mac_address);
}

static void grant_fill(const struct place *place, const struct place_choice *choice,
		       struct scheduler_grant *grant)
{
	const struct fleet_host *host = choice->host;

	SET(grant->host_id, host->id);
	SET(grant->host_name, host->name);
	SET(grant->availability_zone, host->availability_zone);
	grant->device_count = place->slot_count;
	for (size_t i = 0; i < place->slot_count; i++) {
		const struct place_request *request = &place->requests[place->slots[i]];
		struct scheduler_device *device = &grant->devices[i];

		claim_fill_device(host, &host->devices[choice->chosen[i]], device);
		if (request->alias)
			SET(device->alias, request->alias->name);
		else
			SET(device->port_id, place->request->ports[i].port_id);
	}
}

/* --- writing it down --- */

static bool usage_add(struct store *db, const char *host_id, int sign, int64_t vcpus, int64_t memory_mb,
		      int64_t disk_gb, struct error *err)
{
	return store_exec(
		db, err,
		"UPDATE host_state SET vcpus_used = vcpus_used + ?2, memory_mb_used = memory_mb_used + ?3, "
		"disk_gb_used = disk_gb_used + ?4, servers = servers + ?5 WHERE host_id = ?1",
		V(host_id), V(sign * vcpus), V(sign * memory_mb), V(sign * disk_gb), V(sign));
}

/* A row for each CPU that nobody else may have. */
static bool cpus_write(struct store *db, const char *server_id, const char *host_id,
		       const struct numa_placement *numa, struct error *err)
{
	for (int i = 0; numa && i < numa->cell_count; i++) {
		const struct cpu_set *taken = &numa->cells[i].taken;

		for (int cpu = cpu_set_next(taken, 0); cpu >= 0; cpu = cpu_set_next(taken, cpu + 1)) {
			if (!store_exec(db, err,
					"INSERT INTO cpu_claim (host_id, cpu, server_id) VALUES (?1, ?2, ?3)",
					V(host_id), V(cpu), V(server_id)))
				return false;
		}
	}
	return true;
}

static bool claim_write(struct store *db, const struct scheduler_request *request,
			const struct scheduler_grant *grant, const struct numa_placement *numa,
			struct error *err)
{
	const char *host_id = grant->host_id;
	int64_t vcpus = place_shared_vcpus(request);
	_cleanup_(text_done) struct text json = {0};

	if (numa && numa->cell_count)
		numa_placement_write(numa, &json);

	if (!store_exec(db, err,
			"INSERT INTO claim (server_id, host_id, vcpus, memory_mb, disk_gb, numa) "
			"VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
			V(request->server_id), V(host_id), V(vcpus), V(request->memory_mb),
			V(request->disk_gb), V((const char *)json.data)) ||
	    !cpus_write(db, request->server_id, host_id, numa, err))
		return false;
	for (size_t i = 0; i < grant->device_count; i++) {
		const struct scheduler_device *device = &grant->devices[i];

		if (!store_exec(db, err,
				"INSERT INTO device_claim (host_id, address, server_id, position, port_id, "
				"alias) "
				"VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
				V(host_id), V((const char *)device->address), V(request->server_id),
				V((int64_t)i), V((const char *)device->port_id),
				V((const char *)device->alias)))
			return false;
	}
	return usage_add(db, host_id, 1, vcpus, request->memory_mb, request->disk_gb, err);
}

/* Mates of an IOMMU group are claims that nobody asked for: of no port and no alias. */
static bool mates_write(struct store *db, const char *server_id, const struct place_choice *choice,
			size_t position, struct error *err)
{
	char address[PCI_ADDRESS_SIZE];

	for (size_t i = 0; i < choice->mate_count; i++) {
		pci_address_format(choice->host->devices[choice->mates[i]].address, address);
		if (!store_exec(db, err,
				"INSERT INTO device_claim (host_id, address, server_id, position, port_id, "
				"alias) VALUES (?1, ?2, ?3, ?4, '', '')",
				V((const char *)choice->host->id), V((const char *)address), V(server_id),
				V((int64_t)(position + i))))
			return false;
	}
	return true;
}

/* In a savepoint of its own: whatever fails leaves nothing behind, and the host is read again. */
static bool claim_save(struct store *db, const struct place_choice *choice,
		       const struct scheduler_request *request, const struct scheduler_grant *grant,
		       struct error *err)
{
	if (!store_savepoint_begin(db, err))
		return false;
	fleet_watch(db, choice->host);
	if (claim_write(db, request, grant, choice->numa, err) &&
	    mates_write(db, request->server_id, choice, grant->device_count, err) &&
	    in_placement_spend(db, choice->host, choice->chosen, grant->device_count, err) &&
	    store_savepoint_keep(db, err))
		return true;
	store_savepoint_undo(db);
	return false;
}

static void fleet_add_usage(struct fleet_host *host, int sign, int64_t vcpus, int64_t memory_mb,
			    int64_t disk_gb)
{
	order_moved(host);
	host->vcpus_used += sign * vcpus;
	host->memory_mb_used += sign * memory_mb;
	host->disk_gb_used += sign * disk_gb;
	host->servers += sign;
}

static void fleet_take(const struct place *place, const struct place_choice *choice)
{
	struct fleet_host *host = choice->host;

	fleet_add_usage(host, 1, place_shared_vcpus(place->request), place->request->memory_mb,
			place->request->disk_gb);
	if (choice->numa)
		numa_record(&host->numa, choice->numa);
	for (size_t i = 0; i < place->slot_count; i++)
		fleet_device_set_claimed(host, &host->devices[choice->chosen[i]], true);
	for (size_t i = 0; i < choice->mate_count; i++)
		fleet_device_set_claimed(host, &host->devices[choice->mates[i]], true);
	if (place->slot_count > 0)
		fleet_count_pools(host);
}

/* The fleet has no use for it, a port's binding shows it. */
bool claim_number_device(struct store *db, const char *host_id, struct scheduler_device *device,
			 struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!*device->parent)
		return true;
	if (!store_query(db, &rows, err,
			 "SELECT json_extract(report, '$.vf_index') FROM device WHERE host_id = ?1 AND "
			 "address = ?2",
			 V(host_id), V((const char *)device->address)))
		return false;
	if (store_next(&rows) && !store_is_null(&rows, 0))
		device->vf_num = (int)store_int(&rows, 0);
	return store_end(&rows, err);
}

static bool grant_number(struct store *db, struct scheduler_grant *grant, struct error *err)
{
	for (size_t i = 0; i < grant->device_count; i++) {
		if (!claim_number_device(db, grant->host_id, &grant->devices[i], err))
			return false;
	}
	return true;
}

/* One choice and its rows.  *again: the store knew better than the fleet, which is mended at the next
 * attempt. */
static bool claim_once(struct store *db, const struct scheduler_request *request,
		       struct scheduler_grant *grant, struct text *refusals, bool *again, struct error *err)
{
	_cleanup_(place_done) struct place place = {0};
	_cleanup_(place_choice_done) struct place_choice choice = {0};

	*again = false;
	if (!fleet_refresh(db, err) || !place_begin(&place, request, err))
		return false;
	place_choose(&place, &choice);
	if (!choice.host)
		return refuse(&place, refusals, err);
	grant_fill(&place, &choice, grant);
	if (!grant_number(db, grant, err))
		return false;
	if (!claim_save(db, &choice, request, grant, err)) {
		*again = err->kind == ERROR_CONFLICT;
		return false;
	}
	fleet_take(&place, &choice);
	return true;
}

bool scheduler_claim(struct store *db, const struct scheduler_request *request, struct scheduler_grant *grant,
		     struct text *refusals, struct error *err)
{
	bool again = true;

	for (int i = 0; i < CLAIM_ATTEMPTS && again; i++) {
		if (claim_once(db, request, grant, refusals, &again, err))
			return true;
	}
	if (again)
		err->kind = ERROR_INTERNAL; /* not "no host fits": the store contradicts itself */
	return false;
}

/* --- giving it back --- */

struct released {
	char host_id[37];
	int64_t vcpus, memory_mb, disk_gb;
	struct released_device {
		char address[PCI_ADDRESS_SIZE];
		bool settled; /* its row is as the host told it last */
	} * devices;
	size_t device_count;
	char *numa; /* the placement, or NULL */
};

static void released_done(struct released *released)
{
	free(released->numa);
	free(released->devices);
}

static bool released_read(struct store *db, const char *server_id, struct released *released,
			  struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err,
			 "SELECT c.host_id, c.vcpus, c.memory_mb, c.disk_gb, d.address, d.state, c.numa FROM "
			 "claim c "
			 "LEFT JOIN device_claim dc ON dc.server_id = c.server_id "
			 "LEFT JOIN device d ON d.host_id = dc.host_id AND d.address = dc.address WHERE "
			 "c.server_id = ?1",
			 V(server_id)))
		return false;
	while (store_next(&rows)) {
		SET(released->host_id, store_text(&rows, 0));
		released->vcpus = store_int(&rows, 1);
		released->memory_mb = store_int(&rows, 2);
		released->disk_gb = store_int(&rows, 3);
		if (!released->numa && !store_is_null(&rows, 6))
			released->numa = memory_copy_text(store_text(&rows, 6));
		if (store_is_null(&rows, 4))
			continue;
		struct released_device *device = ARRAY_ADD(released->devices, released->device_count);
		SET(device->address, store_text(&rows, 4));
		device->settled = strcmp(store_text(&rows, 5), "present") == 0;
	}
	return store_end(&rows, err);
}

static bool released_write(struct store *db, const char *server_id, const struct released *released,
			   struct error *err)
{
	const char *host_id = released->host_id;

	if (!store_exec(db, err, "DELETE FROM device_claim WHERE server_id = ?1", V(server_id)) ||
	    !store_exec(db, err, "DELETE FROM cpu_claim WHERE server_id = ?1", V(server_id)) ||
	    !store_exec(db, err, "DELETE FROM claim WHERE server_id = ?1", V(server_id)) ||
	    !usage_add(db, host_id, -1, released->vcpus, released->memory_mb, released->disk_gb, err))
		return false;
	for (size_t i = 0; i < released->device_count; i++) {
		const struct released_device *device = &released->devices[i];

		if (!device->settled && !inventory_device_settle(db, host_id, device->address, err))
			return false;
	}
	return true;
}

static void numa_give_back(struct store *db, struct fleet_host *host, const char *json)
{
	_cleanup_free_ struct numa_placement *numa = memory_alloc(sizeof *numa);
	struct error why;

	if (numa_placement_parse(json, numa, &why))
		numa_release(&host->numa, numa);
	else
		fleet_mark_stale(db, host);
}

static void fleet_give_back(struct store *db, struct fleet_host *host, const struct released *released)
{
	pci_address address;

	fleet_add_usage(host, -1, released->vcpus, released->memory_mb, released->disk_gb);
	if (released->numa)
		numa_give_back(db, host, released->numa);
	for (size_t i = 0; i < released->device_count; i++) {
		struct fleet_device *device = pci_address_parse(released->devices[i].address, &address)
						      ? fleet_device_find(host, address)
						      : NULL;

		if (!device || !released->devices[i].settled) {
			fleet_mark_stale(db, host);
			return;
		}
		fleet_device_set_claimed(host, device, false);
	}
	if (released->device_count > 0)
		fleet_count_pools(host);
}

bool scheduler_release(struct store *db, const char *server_id, struct error *err)
{
	_cleanup_(released_done) struct released released = {0};
	struct fleet_host *host;

	if (!fleet_refresh(db, err) || !released_read(db, server_id, &released, err))
		return false;
	if (!*released.host_id)
		return true;
	host = fleet_host(released.host_id);
	fleet_watch(db, host);
	if (!released_write(db, server_id, &released, err))
		return false;
	fleet_give_back(db, host, &released);
	return true;
}

/* --- what a server has --- */

bool scheduler_numa_of_server(struct store *db, const char *server_id, char **json, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	*json = NULL;
	if (!store_query(db, &rows, err, "SELECT numa FROM claim WHERE server_id = ?1 AND numa IS NOT NULL",
			 V(server_id)))
		return false;
	if (store_next(&rows))
		*json = memory_copy_text(store_text(&rows, 0));
	return store_end(&rows, err);
}

static void device_fill(struct store_rows *rows, struct scheduler_device *device)
{
	const char *parent = store_text(rows, 4), *physnet = store_text(rows, 5), *mac = store_text(rows, 6);

	SET(device->address, store_text(rows, 0));
	SET(device->vendor_id, store_text(rows, 1));
	SET(device->product_id, store_text(rows, 2));
	SET(device->type, store_text(rows, 3));
	SET(device->parent, parent ? parent : "");
	SET(device->physical_network, physnet ? physnet : "");
	if (strcmp(device->type, pci_type_text(PCI_TYPE_PF)) == 0)
		SET(device->mac_address, mac ? mac : "");
	device->numa_node = store_is_null(rows, 7) ? PCI_NUMA_NONE : (int)store_int(rows, 7);
	SET(device->port_id, store_text(rows, 8));
	SET(device->alias, store_text(rows, 9));
	SET(device->pf_mac_address, store_is_null(rows, 10) ? "" : store_text(rows, 10));
	device->vf_num = store_is_null(rows, 11) ? -1 : (int)store_int(rows, 11);
}

bool scheduler_devices_of_server(struct store *db, const char *server_id, struct scheduler_device **devices,
				 size_t *count, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	*devices = NULL;
	*count = 0;
	if (!store_query(db, &rows, err,
			 "SELECT d.address, d.vendor_id, d.product_id, d.type, d.parent, d.physical_network, "
			 "d.mac_address, d.numa_node, c.port_id, c.alias, p.mac_address, "
			 "json_extract(d.report, '$.vf_index') FROM device_claim c "
			 "JOIN device d ON d.host_id = c.host_id AND d.address = c.address "
			 "LEFT JOIN device p ON p.host_id = d.host_id AND p.address = d.parent "
			 "WHERE c.server_id = ?1 AND (c.port_id <> '' OR c.alias <> '') ORDER BY c.position",
			 V(server_id)))
		return false;
	while (store_next(&rows))
		device_fill(&rows, ARRAY_ADD(*devices, *count));
	if (store_end(&rows, err))
		return true;
	free(TAKE_PTR(*devices));
	*count = 0;
	return false;
}
