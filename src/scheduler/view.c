/* Reading what Placement shows. */
#include "scheduler/view.h"

#include "base/log.h"
#include "base/memory.h"
#include "numa/host.h"
#include "scheduler/settings.h"

#include <string.h>

#define SET(field, value) snprintf(field, sizeof(field), "%s", value)

struct scheduler_ratios scheduler_ratios(void)
{
	const struct scheduler_settings *s = &scheduler_settings;

	return (struct scheduler_ratios){.cpu = s->cpu_ratio, .ram = s->ram_ratio, .disk = s->disk_ratio};
}

/* --- hosts --- */

/* As the fleet counts them: without cells all CPUs are shared. */
static void cpus_count(const char *cells, int64_t vcpus, struct scheduler_amounts *host)
{
	yyjson_doc *doc = yyjson_read(cells, strlen(cells), 0);
	struct numa_host numa = {0};
	struct error why;

	host->shared_cpus = vcpus;
	host->dedicated_cpus = 0;
	if (numa_host_read(yyjson_doc_get_root(doc), &numa, &why) && numa.cell_count > 0) {
		host->shared_cpus = 0;
		for (int i = 0; i < numa.cell_count; i++) {
			host->shared_cpus += cpu_set_count(&numa.cells[i].shared);
			host->dedicated_cpus += cpu_set_count(&numa.cells[i].dedicated);
		}
	}
	numa_host_done(&numa);
	yyjson_doc_free(doc);
}

bool scheduler_view_hosts(struct store *db, const char *host_id, struct scheduler_amounts **hosts,
			  size_t *count, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	const char *one = "SELECT h.id, h.name, h.number, s.revision, h.enabled, h.in_placement, h.vcpus, "
			  "h.memory_mb, h.reserved_memory_mb, h.disk_gb, h.cells FROM host h JOIN host_state "
			  "s ON s.host_id = h.id WHERE h.id = ?1";
	const char *all = "SELECT h.id, h.name, h.number, s.revision, h.enabled, h.in_placement, h.vcpus, "
			  "h.memory_mb, h.reserved_memory_mb, h.disk_gb, h.cells FROM host h JOIN host_state "
			  "s ON s.host_id = h.id ORDER BY h.number";

	*hosts = NULL;
	*count = 0;
	if (!store_query(db, &rows, err, host_id ? one : all, V(host_id)))
		return false;
	while (store_next(&rows)) {
		struct scheduler_amounts *host = ARRAY_ADD(*hosts, *count);

		SET(host->id, store_text(&rows, 0));
		SET(host->name, store_text(&rows, 1));
		host->number = store_int(&rows, 2);
		host->revision = store_int(&rows, 3);
		host->enabled = store_int(&rows, 4);
		host->in_placement = store_int(&rows, 5);
		host->memory_mb = store_int(&rows, 7);
		host->reserved_memory_mb = store_int(&rows, 8);
		host->disk_gb = store_int(&rows, 9);
		cpus_count(store_text(&rows, 10), store_int(&rows, 6), host);
	}
	return store_end(&rows, err);
}

static bool id_of(struct store *db, const char *sql, struct store_value key, char id[37], struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	*id = '\0';
	if (!store_query_values(db, &rows, err, sql, &key, 1))
		return false;
	if (store_next(&rows))
		snprintf(id, 37, "%s", store_text(&rows, 0));
	return store_end(&rows, err);
}

bool scheduler_host_of_number(struct store *db, int64_t number, char id[37], struct error *err)
{
	return id_of(db, "SELECT id FROM host WHERE number = ?1", V(number), id, err);
}

bool scheduler_hosts_of_server(struct store *db, const char *server_id, char (**hosts)[37], size_t *count,
			       struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	*hosts = NULL;
	*count = 0;
	if (!store_query(db, &rows, err,
			 "SELECT host_id FROM claim WHERE server_id = ?1 UNION SELECT host_id FROM "
			 "device_claim WHERE server_id = ?1 ORDER BY 1",
			 V(server_id)))
		return false;
	while (store_next(&rows)) {
		*hosts = memory_resize(*hosts, (*count + 1) * sizeof **hosts);
		snprintf((*hosts)[(*count)++], sizeof **hosts, "%s", store_text(&rows, 0));
	}
	return store_end(&rows, err);
}

/* --- devices --- */

#define DEVICE_SELECT \
	"SELECT d.host_id, d.address, ifnull(d.parent, ''), d.vendor_id, d.product_id, d.tags, d.health, " \
	"d.state, ifnull(c.server_id, ''), s.address IS NOT NULL FROM device d JOIN host h ON h.id = " \
	"d.host_id LEFT JOIN device_claim c ON c.host_id = d.host_id AND c.address = d.address LEFT JOIN " \
	"device_spent s ON s.host_id = d.host_id AND s.address = d.address WHERE h.in_placement AND " \
	"d.offered AND ifnull(d.physical_network, '') = ''"

static bool device_read(struct store_rows *rows, struct scheduler_shown *device, struct error *err)
{
	const char *text = store_text(rows, 5);
	yyjson_doc *doc = yyjson_read(text, strlen(text), 0);
	yyjson_val *tags = yyjson_doc_get_root(doc);
	struct pci_kind kind = {0};
	unsigned vendor = 0, product = 0;

	SET(device->host_id, store_text(rows, 0));
	SET(device->address, store_text(rows, 1));
	SET(device->parent, store_text(rows, 2));
	pci_hex_parse(store_text(rows, 3), 4, 4, 0xffff, &vendor);
	pci_hex_parse(store_text(rows, 4), 4, 4, 0xffff, &product);
	device->usable =
		strcmp(store_text(rows, 6), "ok") == 0 && strcmp(store_text(rows, 7), "missing") != 0;
	SET(device->server_id, store_text(rows, 8));
	device->spent = store_int(rows, 9);
	pci_kind_set_tags(&kind, tags);
	device->one_time_use = kind.one_time_use;
	bool ok = pci_resource_of((uint16_t)vendor, (uint16_t)product, tags, &device->resource, err);
	yyjson_doc_free(doc);
	return ok;
}

bool scheduler_view_devices(struct store *db, const char *host_id, struct scheduler_shown **devices,
			    size_t *count, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	*devices = NULL;
	*count = 0;
	if (!store_query(db, &rows, err,
			 host_id ? DEVICE_SELECT " AND d.host_id = ?1 ORDER BY d.address"
				 : DEVICE_SELECT " ORDER BY h.number, d.address",
			 V(host_id)))
		return false;
	while (store_next(&rows)) {
		struct scheduler_shown *device = ARRAY_ADD(*devices, *count);

		/* a name too long, from before the host was asked not to */
		if (!device_read(&rows, device, err)) {
			pci_resource_done(&device->resource);
			(*count)--;
		}
	}
	return store_end(&rows, err);
}

void scheduler_shown_free(struct scheduler_shown *devices, size_t count)
{
	for (size_t i = 0; i < count; i++)
		pci_resource_done(&devices[i].resource);
	free(devices);
}

/* --- claims --- */

#define SHARE_SELECT \
	"SELECT c.server_id, c.host_id, c.vcpus, c.memory_mb, c.disk_gb, (SELECT count(*) FROM cpu_claim u " \
	"WHERE u.server_id = c.server_id AND u.host_id = c.host_id) FROM claim c "

bool scheduler_view_shares(struct store *db, const char *host_id, struct scheduler_share **shares,
			   size_t *count, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	*shares = NULL;
	*count = 0;
	if (!store_query(db, &rows, err,
			 host_id ? SHARE_SELECT "WHERE c.host_id = ?1 ORDER BY c.server_id"
				 : SHARE_SELECT "ORDER BY c.host_id, c.server_id",
			 V(host_id)))
		return false;
	while (store_next(&rows)) {
		struct scheduler_share *share = ARRAY_ADD(*shares, *count);

		SET(share->server_id, store_text(&rows, 0));
		SET(share->host_id, store_text(&rows, 1));
		share->vcpus = store_int(&rows, 2);
		share->memory_mb = store_int(&rows, 3);
		share->disk_gb = store_int(&rows, 4);
		share->pcpus = store_int(&rows, 5);
	}
	return store_end(&rows, err);
}
