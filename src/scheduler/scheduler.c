/* Placing servers: filter, weigh, choose, claim; and giving back. */
#include "scheduler/scheduler.h"

#include "base/memory.h"
#include "base/timestamp.h"
#include "scheduler/fleet.h"
#include "sys/sys.h"

#include <string.h>

#define REFUSALS_SHOWN 64

struct scheduler_settings scheduler_settings;

static bool ratio_read(const struct config *config, const char *option, double fallback, double *ratio,
		       struct error *err)
{
	const char *text = config_text(config, "DEFAULT", option, NULL);
	char *end;

	*ratio = fallback;
	if (!text)
		return true;
	*ratio = strtod(text, &end);
	if (*end || end == text || *ratio < 0 || *ratio > 1000)
		return error_set(err, ERROR_BAD_REQUEST,
				 "[DEFAULT] %s = %.40s: expected a number from 0 to 1000", option, text);
	if (*ratio == 0)
		*ratio = fallback; /* Nova: 0 means the default */
	return true;
}

static bool aliases_read(const struct config *config, const char *group, const char *option,
			 struct error *err)
{
	const char *value, *file;
	char where[300];
	int line;

	for (size_t i = 0; (value = config_multi(config, group, option, i, &file, &line)); i++) {
		snprintf(where, sizeof where, "%s:%d: [%s] %s", file, line, group, option);
		if (!pci_alias_parse(where, value, &scheduler_settings.aliases, err))
			return false;
	}
	return true;
}

bool scheduler_configure(const struct config *config, struct error *err)
{
	pci_aliases_done(&scheduler_settings.aliases);
	scheduler_settings.down_after = SCHEDULER_DOWN_AFTER;
	return ratio_read(config, "cpu_allocation_ratio", 16.0, &scheduler_settings.cpu_ratio, err) &&
	       ratio_read(config, "ram_allocation_ratio", 1.5, &scheduler_settings.ram_ratio, err) &&
	       ratio_read(config, "disk_allocation_ratio", 1.0, &scheduler_settings.disk_ratio, err) &&
	       aliases_read(config, "DEFAULT", "pci_alias", err) && aliases_read(config, "pci", "alias", err);
}

bool scheduler_alias_check(const char *alias_spec, struct error *err)
{
	struct alias_request requests[SCHEDULER_MAX_REQUESTS];
	size_t count;

	return pci_alias_requests(&scheduler_settings.aliases, alias_spec, requests, ELEMENTS_OF(requests),
				  &count, err);
}

/* One slot for each device wanted: ports first, in their order, then aliases. */
static bool slots_make(const struct scheduler_request *request, struct alias_request *aliases,
		       struct slot *slots, size_t *count, struct error *err)
{
	size_t alias_count = 0;

	*count = 0;
	for (size_t i = 0; i < request->port_count && *count < SCHEDULER_MAX_DEVICES; i++)
		slots[(*count)++] = (struct slot){.port = &request->ports[i]};
	if (request->alias_spec && !pci_alias_requests(&scheduler_settings.aliases, request->alias_spec,
						       aliases, SCHEDULER_MAX_REQUESTS, &alias_count, err))
		return false;
	for (size_t i = 0; i < alias_count; i++) {
		for (int k = 0; k < aliases[i].count; k++) {
			if (*count == SCHEDULER_MAX_DEVICES)
				return error_set(err, ERROR_BAD_REQUEST,
						 "more than %d PCI devices in one request",
						 SCHEDULER_MAX_DEVICES);
			slots[(*count)++] = (struct slot){.alias = aliases[i].name};
		}
	}
	return true;
}

static bool capacity_fits(const char *what, const char *unit, int64_t wanted, int64_t total, double ratio,
			  int64_t used, struct text *why)
{
	int64_t capacity = (int64_t)((double)total * ratio);

	if (wanted == 0 || used + wanted <= capacity)
		return true;
	text_addf(why, "needs %lld %s%s, %lld of %lld are free", (long long)wanted, unit, what,
		  (long long)(capacity > used ? capacity - used : 0), (long long)capacity);
	return false;
}

/* Everything but devices.  false: `why` has the reason. */
static bool host_fits(const struct fleet_host *host, const struct scheduler_request *request,
		      struct text *why)
{
	int64_t silent = sys_now() - host_heard_at(host->id, host->heard_at);

	if (request->host && strcmp(request->host, host->name) != 0 && strcmp(request->host, host->id) != 0)
		text_addf(why, "is not the host asked for, %.100s", request->host);
	else if (request->availability_zone &&
		 strcmp(request->availability_zone, host->availability_zone) != 0)
		text_addf(why, "is in availability zone %s, not %.60s", host->availability_zone,
			  request->availability_zone);
	else if (!host->enabled)
		text_add(why, "is disabled");
	else if (silent > scheduler_settings.down_after)
		text_addf(why, "is down (last heard of %lld s ago)", (long long)(silent / TIME_SECOND));
	else
		return capacity_fits("vCPUs", "", request->vcpus, host->vcpus, scheduler_settings.cpu_ratio,
				     host->vcpus_used, why) &&
		       capacity_fits("memory", "MB of ", request->memory_mb, host->memory_mb,
				     scheduler_settings.ram_ratio, host->memory_used, why) &&
		       capacity_fits("disk", "GB of ", request->disk_gb, host->disk_gb,
				     scheduler_settings.disk_ratio, host->disk_used, why);
	return false;
}

/* Higher is better: hosts with devices are kept for servers that need them (Nova's PCI weigher), then the one
 * with more free memory (its RAM weigher). */
static int64_t host_weight(const struct fleet_host *host, size_t devices_wanted)
{
	int64_t offered = 0;

	for (size_t i = 0; i < host->device_count; i++)
		offered += host->devices[i].offered && !*host->devices[i].server_id;
	return (devices_wanted ? 0 : -offered * (INT64_C(1) << 40)) + host->memory_mb - host->memory_used;
}

struct decision {
	struct fleet_host *host;
	int64_t weight;
	int chosen[SCHEDULER_MAX_DEVICES];
	size_t refused;
};

static void host_consider(struct fleet_host *host, const struct scheduler_request *request,
			  const struct slot *slots, size_t count, struct decision *best,
			  struct text *refusals)
{
	_cleanup_(text_done) struct text why = {0};
	int chosen[SCHEDULER_MAX_DEVICES];
	int64_t weight = host_weight(host, count);

	if (host_fits(host, request, &why) && place_devices(host, slots, count, chosen, &why)) {
		if (best->host && weight <= best->weight)
			return;
		best->host = host;
		best->weight = weight;
		memcpy(best->chosen, chosen, sizeof chosen);
		return;
	}
	if (best->refused++ < REFUSALS_SHOWN)
		text_addf(refusals, "%s: %s\n", host->name, why.data);
}

static bool nothing_fits(const struct decision *decision, struct text *refusals, struct error *err)
{
	if (fleet.count == 0)
		text_add(refusals, "no host has joined yet (penstock-agent)\n");
	if (decision->refused > REFUSALS_SHOWN)
		text_addf(refusals, "... and %zu more hosts\n", decision->refused - REFUSALS_SHOWN);
	return error_set(err, ERROR_CONFLICT, "No valid host was found.");
}

static bool claim_write(struct store *db, const struct scheduler_request *request,
			const struct scheduler_grant *grant, struct error *err)
{
	if (!store_exec(db, err,
			"INSERT INTO claim (server_id, host_id, vcpus, memory_mb, disk_gb) VALUES (?1, ?2, "
			"?3, ?4, ?5)",
			V(request->server_id), V((const char *)grant->host_id), V(request->vcpus),
			V(request->memory_mb), V(request->disk_gb)))
		return false;
	for (size_t i = 0; i < grant->device_count; i++) {
		const struct scheduler_device *device = &grant->devices[i];

		if (!store_exec(db, err,
				"INSERT INTO device_claim (host_id, address, server_id, position, port_id, "
				"alias) "
				"VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
				V((const char *)grant->host_id), V((const char *)device->address),
				V(request->server_id), V((int64_t)i), V((const char *)device->port_id),
				V((const char *)device->alias)))
			return false;
	}
	return true;
}

/* The fleet follows at once: the next claim of the same batch must see this one.  Reading the host again
 * would cost more than these few additions; that is done only if the transaction is undone. */
static void claim_apply(struct store *db, const struct decision *decision,
			const struct scheduler_request *request, size_t count)
{
	struct fleet_host *host = decision->host;

	fleet_watch(db, host->id);
	host->vcpus_used += request->vcpus;
	host->memory_used += request->memory_mb;
	host->disk_used += request->disk_gb;
	for (size_t i = 0; i < count; i++)
		snprintf(host->devices[decision->chosen[i]].server_id, 37, "%s", request->server_id);
}

bool scheduler_claim(struct store *db, const struct scheduler_request *request, struct scheduler_grant *grant,
		     struct text *refusals, struct error *err)
{
	struct alias_request aliases[SCHEDULER_MAX_REQUESTS];
	struct slot slots[SCHEDULER_MAX_DEVICES];
	struct decision best = {0};
	size_t count;

	if (!fleet_refresh(db, err) || !slots_make(request, aliases, slots, &count, err))
		return false;
	for (size_t i = 0; i < fleet.count; i++)
		host_consider(&fleet.hosts[i], request, slots, count, &best, refusals);
	if (!best.host)
		return nothing_fits(&best, refusals, err);
	*grant = (struct scheduler_grant){.device_count = count};
	snprintf(grant->host_id, sizeof grant->host_id, "%s", best.host->id);
	snprintf(grant->host_name, sizeof grant->host_name, "%s", best.host->name);
	for (size_t i = 0; i < count; i++) {
		grant->devices[i] = best.host->devices[best.chosen[i]].device;
		snprintf(grant->devices[i].port_id, sizeof grant->devices[i].port_id, "%s",
			 slots[i].port ? slots[i].port->port_id : "");
		snprintf(grant->devices[i].alias, sizeof grant->devices[i].alias, "%s",
			 slots[i].alias ? slots[i].alias : "");
	}
	if (!claim_write(db, request, grant, err))
		return false;
	claim_apply(db, &best, request, count);
	return true;
}

bool scheduler_release(struct store *db, const char *server_id, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	char host_id[37] = "";

	if (!store_query(db, &rows, err, "SELECT host_id FROM claim WHERE server_id = ?1", V(server_id)))
		return false;
	if (store_next(&rows))
		snprintf(host_id, sizeof host_id, "%s", store_text(&rows, 0));
	if (!store_end(&rows, err))
		return false;
	if (!*host_id)
		return true;
	fleet_touch(db, host_id);
	return store_exec(db, err, "DELETE FROM claim WHERE server_id = ?1", V(server_id)) &&
	       store_exec(db, err,
			  "DELETE FROM device WHERE host_id = ?1 AND missing = 1 AND NOT EXISTS (SELECT 1 "
			  "FROM device_claim c "
			  "WHERE c.host_id = device.host_id AND c.address = device.address)",
			  V((const char *)host_id));
}

bool scheduler_devices_of_server(struct store *db, const char *server_id, struct scheduler_device **devices,
				 size_t *count, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	*devices = NULL;
	*count = 0;
	if (!store_query(db, &rows, err,
			 "SELECT d.address, d.vendor_id, d.product_id, d.type, d.parent, d.physical_network, "
			 "d.mac_address, "
			 "d.numa_node, c.port_id, c.alias FROM device_claim c JOIN device d ON d.host_id = "
			 "c.host_id "
			 "AND d.address = c.address WHERE c.server_id = ?1 ORDER BY c.position",
			 V(server_id)))
		return false;
	while (store_next(&rows)) {
		struct scheduler_device *d = ARRAY_ADD(*devices, *count);

		snprintf(d->address, sizeof d->address, "%s", store_text(&rows, 0));
		snprintf(d->vendor_id, sizeof d->vendor_id, "%s", store_text(&rows, 1));
		snprintf(d->product_id, sizeof d->product_id, "%s", store_text(&rows, 2));
		snprintf(d->type, sizeof d->type, "%s", store_text(&rows, 3));
		snprintf(d->parent, sizeof d->parent, "%s", store_text(&rows, 4));
		snprintf(d->physical_network, sizeof d->physical_network, "%s", store_text(&rows, 5));
		snprintf(d->mac_address, sizeof d->mac_address, "%s", store_text(&rows, 6));
		d->numa_node = (int)store_int(&rows, 7);
		snprintf(d->port_id, sizeof d->port_id, "%s", store_text(&rows, 8));
		snprintf(d->alias, sizeof d->alias, "%s", store_text(&rows, 9));
	}
	return store_end(&rows, err);
}
