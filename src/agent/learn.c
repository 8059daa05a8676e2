/* Reading all grant journals at the agent's start. */
#include "agent/learn.h"

#include "agent/ledger.h"
#include "agent/quarantine.h"
#include "agent/report.h"
#include "agent/world.h"
#include "base/log.h"
#include "base/memory.h"

#include <string.h>

/* All devices of all journals. */
struct journals {
	struct granted_device *devices;
	size_t count;
	bool complete;
};

static void journals_read(const char *instances, struct journals *all, char *why, size_t size)
{
	_cleanup_closedir_ DIR *dir = opendir(instances);
	struct error err;

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		_cleanup_free_ char *folder = memory_printf("%s/%s", instances, entry->d_name);
		_cleanup_(grant_done) struct grant grant = {0};

		if (!is_uuid(entry->d_name))
			continue;
		if (!grant_read(folder, &grant, &err)) {
			log_error("%s", err.message);
			snprintf(why, size, "%s/grant.json cannot be read", folder);
			all->complete = false;
		}
		for (size_t i = 0; i < grant.device_count; i++)
			*ARRAY_ADD(all->devices, all->count) = grant.devices[i];
	}
}

static bool is_in(const struct journals *all, const char *address, const char *server_id)
{
	for (size_t i = 0; i < all->count; i++) {
		if (strcmp(all->devices[i].memory.address, address) == 0 &&
		    strcmp(all->devices[i].owner, server_id) == 0)
			return true;
	}
	return false;
}

/* Entered, and then the agent ended before it had written its journal. */
static void strike_out(const struct journals *all)
{
	char **addresses = ledger_list();
	struct ledger_entry entry;
	struct error err;

	for (char **address = addresses; *address; address++) {
		if (!ledger_read(*address, &entry) || entry.unreadable ||
		    is_in(all, *address, entry.server_id))
			continue;
		log_info("%s was about to be given to server %s and was not", *address, entry.server_id);
		if (!ledger_drop(*address, entry.server_id, &err))
			log_error("%s", err.message);
	}
	world_list_free(addresses);
}

static void enter(const struct granted_device *device)
{
	const char *address = device->memory.address;
	struct ledger_entry entry;
	struct error err;
	bool other = ledger_read(address, &entry) && !entry.unreadable &&
		     strcmp(entry.server_id, device->owner) != 0;

	report_remember(address, device->memory.netdev);
	if (other && entry.grant == device->grant) {
		_cleanup_free_ char *why =
			memory_printf("the grant journals of the servers %s and %s both name it",
				      entry.server_id, device->owner);
		if (!quarantine_put(address, false, NULL, why, &err))
			log_error("%s", err.message);
		return;
	}
	if (other && entry.grant > device->grant)
		return;
	if (!ledger_enter(address, device->owner, device->grant, &err))
		log_error("%s", err.message);
}

bool learn_journals(const char *instances, char *why, size_t size)
{
	struct journals all = {.complete = true};

	*why = '\0';
	journals_read(instances, &all, why, size);
	if (all.complete)
		strike_out(&all);
	for (size_t i = 0; i < all.count; i++)
		enter(&all.devices[i]);
	free(all.devices);
	return all.complete;
}
