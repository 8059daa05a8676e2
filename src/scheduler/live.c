/* What live migration asks of hosts and aliases. */
#include "base/memory.h"
#include "scheduler/scheduler.h"
#include "scheduler/settings.h"

bool scheduler_alias_is_live_migratable(const char *alias_name)
{
	const struct pci_alias *alias = pci_alias_find(&scheduler_settings.aliases, alias_name);

	for (size_t i = 0; alias && i < alias->spec_count; i++) {
		if (alias->specs[i].live_migratable != 1)
			return false;
	}
	return alias;
}

bool scheduler_host_migration(struct store *db, const char *host_id, char **json, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	*json = NULL;
	if (!store_query(db, &rows, err, "SELECT migration FROM host WHERE id = ?1", V(host_id)))
		return false;
	if (store_next(&rows))
		*json = store_is_null(&rows, 0) ? NULL : memory_copy_text(store_text(&rows, 0));
	return store_end(&rows, err);
}

/* Guests have the CPU of their host (host-passthrough), which must not change under a guest that runs. */
bool scheduler_hosts_not_for_live(struct store *db, const char *host_id,
				  void (*tell)(const char *host_id, const char *reason, void *argument),
				  void *argument, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err,
			 "SELECT h.id, h.migration IS NULL FROM host h JOIN host s ON s.id = ?1 WHERE h.id "
			 "<> s.id "
			 "AND (h.migration IS NULL OR json_extract(h.cpu_info, '$.model') IS NOT "
			 "json_extract(s.cpu_info, '$.model')) ORDER BY h.migration IS NULL, h.name",
			 V(host_id)))
		return false;
	while (store_next(&rows))
		tell(store_text(&rows, 0),
		     store_int(&rows, 1) ? "its agent cannot take over a server that runs"
					 : "has another CPU model than the server's host",
		     argument);
	return store_end(&rows, err);
}
