/* Hosts: joining, credentials, views, inventory, what the operator says of them. */
#include "base/memory.h"
#include "base/text.h"
#include "scheduler/fleet.h"
#include "scheduler/in_placement.h"
#include "scheduler/inventory.h"
#include "scheduler/scheduler.h"
#include "sys/sys.h"

#include <string.h>

#define SET(field, value) snprintf(field, sizeof(field), "%s", value)

/* --- joining --- */

static bool host_id_of(struct store *db, const char *name, char id[37], bool *found, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err, "SELECT id FROM host WHERE name = ?1", V(name)))
		return false;
	*found = store_next(&rows);
	if (*found)
		snprintf(id, 37, "%s", store_text(&rows, 0));
	return store_end(&rows, err);
}

/* Revisions begin with 1: 0 is what an agent asks from when it knows nothing, and that is never waited for.
 */
static bool host_insert(struct store *db, const char *name, const char *credential_hash, char id[37],
			struct error *err)
{
	int64_t now = sys_now();

	return store_exec(db, err,
			  "INSERT INTO host (id, number, name, credential_hash, availability_zone, enabled, "
			  "disabled_reason, created_at, vcpus, memory_mb, reserved_memory_mb, disk_gb, "
			  "hypervisor_type, "
			  "hypervisor_version, cpu_info, cells) VALUES (?1, (SELECT coalesce(max(number), 0) "
			  "+ 1 FROM "
			  "host), ?2, ?3, 'nova', 1, '', ?4, 0, 0, 0, 0, 'QEMU', 0, '{}', '[]')",
			  V((const char *)sys_uuid(id)), V(name), V(credential_hash), V(now)) &&
	       store_exec(db, err,
			  "INSERT INTO host_state (host_id, heard_at, revision, vcpus_used, memory_mb_used, "
			  "disk_gb_used, servers) VALUES (?1, ?2, 1, 0, 0, 0, 0)",
			  V((const char *)id), V(now));
}

/* A host's name is shown in URLs, logs and host lists. */
static bool name_is_good(const char *name)
{
	size_t length = name ? strlen(name) : 0;

	return length > 0 && length < sizeof((struct scheduler_host *)0)->name &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == length;
}

/* A state folder that was copied from one host to another would make two hosts one. */
static bool credential_is_free(struct store *db, const char *name, const char *credential_hash,
			       struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	char other[256] = "";

	if (!store_query(db, &rows, err, "SELECT name FROM host WHERE credential_hash = ?1 AND name <> ?2",
			 V(credential_hash), V(name)))
		return false;
	if (store_next(&rows))
		snprintf(other, sizeof other, "%s", store_text(&rows, 0));
	return store_end(&rows, err) &&
	       (!*other ||
		error_set(err, ERROR_CONFLICT,
			  "this credential is that of host %s: was the agent's state folder copied from "
			  "there? Remove its file \"credential\", and join again",
			  other));
}

bool scheduler_host_join(struct store *db, const char *name, const char *credential_hash, char id[37],
			 struct error *err)
{
	bool found;

	if (!name_is_good(name))
		return error_set(err, ERROR_BAD_REQUEST,
				 "host: expected a name of 1 to 255 letters, digits, '-', '_' and '.'");
	if (!host_id_of(db, name, id, &found, err) || !credential_is_free(db, name, credential_hash, err))
		return false;
	if (found ? !store_exec(db, err, "UPDATE host SET credential_hash = ?2 WHERE id = ?1",
				V((const char *)id), V(credential_hash))
		  : !host_insert(db, name, credential_hash, id, err))
		return false;
	if (!found)
		fleet_mark_stale(db, fleet_host(id));
	return true;
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

/* --- views --- */

#define HOST_SELECT \
	"SELECT h.id, h.name, coalesce(h.aggregate_zone, h.availability_zone), h.enabled, " \
	"h.disabled_reason, h.created_at, h.number, " \
	"h.vcpus, " \
	"h.memory_mb, h.reserved_memory_mb, h.disk_gb, h.hypervisor_type, h.hypervisor_version, " \
	"h.cpu_info, " \
	"s.heard_at, s.revision, s.vcpus_used, s.memory_mb_used, s.disk_gb_used, s.servers, " \
	"ifnull(h.aggregate_zone, ''), h.forced_down " \
	"FROM host h JOIN host_state s ON s.host_id = h.id "

enum {
	HOST_ID,
	HOST_NAME,
	HOST_ZONE,
	HOST_ENABLED,
	HOST_REASON,
	HOST_CREATED,
	HOST_NUMBER,
	HOST_VCPUS,
	HOST_MEMORY,
	HOST_RESERVED,
	HOST_DISK,
	HOST_TYPE,
	HOST_VERSION,
	HOST_CPU_INFO,
	HOST_HEARD,
	HOST_REVISION,
	HOST_VCPUS_USED,
	HOST_MEMORY_USED,
	HOST_DISK_USED,
	HOST_SERVERS,
	HOST_AGGREGATE_ZONE,
	HOST_FORCED_DOWN,
};

static void host_fill(struct store_rows *rows, struct scheduler_host *host)
{
	SET(host->id, store_text(rows, HOST_ID));
	SET(host->name, store_text(rows, HOST_NAME));
	SET(host->availability_zone, store_text(rows, HOST_ZONE));
	SET(host->aggregate_zone, store_text(rows, HOST_AGGREGATE_ZONE));
	SET(host->disabled_reason, store_text(rows, HOST_REASON));
	SET(host->hypervisor_type, store_text(rows, HOST_TYPE));
	SET(host->cpu_info, store_text(rows, HOST_CPU_INFO));
	host->enabled = store_int(rows, HOST_ENABLED);
	host->heard_at = heartbeat_heard_at(host->id, store_int(rows, HOST_HEARD));
	host->created_at = store_int(rows, HOST_CREATED);
	host->number = store_int(rows, HOST_NUMBER);
	host->vcpus = store_int(rows, HOST_VCPUS);
	host->forced_down = store_int(rows, HOST_FORCED_DOWN);
	host->up = host->vcpus > 0 && !host->forced_down && heartbeat_is_up(host->heard_at);
	host->vcpus_used = store_int(rows, HOST_VCPUS_USED);
	host->memory_mb = store_int(rows, HOST_MEMORY);
	host->memory_mb_used = store_int(rows, HOST_MEMORY_USED) + store_int(rows, HOST_RESERVED);
	host->disk_gb = store_int(rows, HOST_DISK);
	host->disk_gb_used = store_int(rows, HOST_DISK_USED);
	host->running_vms = store_int(rows, HOST_SERVERS);
	host->hypervisor_version = store_int(rows, HOST_VERSION);
	host->revision = store_int(rows, HOST_REVISION);
}

static bool host_load_by(struct store *db, const char *sql, const char *key, struct scheduler_host *host,
			 bool *found, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err, sql, V(key)))
		return false;
	*found = store_next(&rows);
	if (*found)
		host_fill(&rows, host);
	return store_end(&rows, err);
}

bool scheduler_host_load(struct store *db, const char *id_or_name, struct scheduler_host *host,
			 struct error *err)
{
	bool found;

	if (!host_load_by(db, HOST_SELECT "WHERE h.id = ?1", id_or_name, host, &found, err) ||
	    (!found && !host_load_by(db, HOST_SELECT "WHERE h.name = ?1", id_or_name, host, &found, err)))
		return false;
	return found ||
	       error_set(err, ERROR_NOT_FOUND, "Compute host %.200s could not be found.", id_or_name);
}

bool scheduler_hosts(struct store *db, struct scheduler_host **hosts, size_t *count, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	*hosts = NULL;
	*count = 0;
	if (!store_query(db, &rows, err, HOST_SELECT "ORDER BY h.name"))
		return false;
	while (store_next(&rows))
		host_fill(&rows, ARRAY_ADD(*hosts, *count));
	if (store_end(&rows, err))
		return true;
	free(TAKE_PTR(*hosts));
	*count = 0;
	return false;
}

/* --- changes --- */

bool scheduler_host_set_enabled(struct store *db, const char *host_id, bool enabled, const char *reason,
				struct error *err)
{
	if (!store_exec(db, err, "UPDATE host SET enabled = ?2, disabled_reason = ?3 WHERE id = ?1",
			V(host_id), V(enabled), V(reason && !enabled ? reason : "")))
		return false;
	if (store_changes(db) == 0)
		return error_set(err, ERROR_NOT_FOUND, "Compute host %.200s could not be found.", host_id);
	fleet_mark_stale(db, fleet_host(host_id));
	return true;
}

bool scheduler_host_force_down(struct store *db, const char *host_id, bool down, struct error *err)
{
	if (!store_exec(db, err, "UPDATE host SET forced_down = ?2 WHERE id = ?1", V(host_id), V(down)))
		return false;
	fleet_mark_stale(db, fleet_host(host_id));
	return true;
}

bool scheduler_host_set_zone(struct store *db, const char *host_id, const char *zone, struct error *err)
{
	if (!store_exec(db, err, "UPDATE host SET aggregate_zone = ?2 WHERE id = ?1", V(host_id), V(zone)))
		return false;
	fleet_mark_stale(db, fleet_host(host_id));
	return true;
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
	bool found;

	if (!store_query(
		    db, &rows, err,
		    "UPDATE host_state SET revision = revision + 1 WHERE host_id = ?1 RETURNING revision",
		    V(host_id)))
		return false;
	found = store_next(&rows);
	if (found)
		*revision = store_int(&rows, 0);
	store_next(&rows); /* runs the statement to its end */
	if (!store_end(&rows, err))
		return false;
	if (!found)
		return error_set(err, ERROR_NOT_FOUND, "Compute host %.200s could not be found.", host_id);
	store_on_end(db, host_wake, memory_printf("host:%s", host_id));
	return true;
}

bool scheduler_host_report(struct store *db, const char *host_id, yyjson_val *json, struct error *err)
{
	_cleanup_(inventory_done) struct inventory inventory = {0};
	struct fleet_host *host;
	bool changed = false, reported = false;

	if (!inventory_parse(json, &inventory, err) || !fleet_refresh(db, err))
		return false;
	host = fleet_find(host_id);
	if (!host)
		return error_set(err, ERROR_NOT_FOUND, "Compute host %.200s could not be found.", host_id);
	if (!in_placement_report(db, host_id, json, &inventory, &reported, err) ||
	    !inventory_store(db, host_id, &inventory, &changed, err) ||
	    !scheduler_host_heard(db, host_id, err))
		return false;
	if (changed || reported)
		fleet_mark_stale(db, host);
	return heartbeat_store(db, host_id, host->heartbeat, err);
}
