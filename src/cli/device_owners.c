/* Reading what the agent has written down of its devices. */
#include "cli/device_owners.h"

#include "agent/grant.h"
#include "agent/ledger.h"
#include "agent/world.h"
#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

static void unseen(struct device_owners *owners, const char *what, const char *path, const char *why)
{
	*ARRAY_ADD(owners->unseen, owners->unseen_count) = memory_printf("%s: %s: %s", what, path, why);
}

/* Of grants: what has not been seen may be with a server. */
static void unseen_grants(struct device_owners *owners, const char *path, const char *why)
{
	owners->all_seen = false;
	unseen(owners, "cannot tell which servers have devices", path, why);
}

/* --- grants --- */

static void owner_add(struct device_owners *owners, const struct granted_device *device,
		      const char *server_id, const char *name)
{
	struct device_owner *owner = ARRAY_ADD(owners->owners, owners->owner_count);

	snprintf(owner->address, sizeof owner->address, "%s", device->memory.address);
	snprintf(owner->parent, sizeof owner->parent, "%s", device->place.parent);
	snprintf(owner->netdev, sizeof owner->netdev, "%s", device->memory.netdev);
	snprintf(owner->server_id, sizeof owner->server_id, "%s", server_id);
	snprintf(owner->port_id, sizeof owner->port_id, "%s", device->port_id);
	owner->server_name = *name ? memory_copy_text(name) : NULL;
	owner->macvtap = device->macvtap;
}

static void server_read(const struct agent_settings *settings, struct device_owners *owners, const char *id)
{
	_cleanup_free_ char *folder = memory_printf("%s/%s", settings->folders.instances, id),
			    *journal = memory_printf("%s/grant.json", folder);
	_cleanup_(grant_done) struct grant grant = {0};
	struct error err;

	if (access(journal, R_OK) != 0) {
		if (errno != ENOENT)
			unseen_grants(owners, journal, strerror(errno));
		return;
	}
	if (!grant_read(folder, &grant, &err)) {
		unseen_grants(owners, journal, "it is no grant journal");
		return;
	}
	yyjson_doc *server = server_remembered(&settings->folders, id);
	for (size_t i = 0; i < grant.device_count; i++)
		owner_add(owners, &grant.devices[i], id, json_text(yyjson_doc_get_root(server), "name"));
	yyjson_doc_free(server);
}

/* --- the ledger: what was entered for a server whose journal does not name it yet, or no more --- */

static void ledger_add(const struct agent_settings *settings, struct device_owners *owners,
		       const char *address)
{
	struct ledger_entry entry;

	/* What cannot be read, or is nobody's while it is being cleaned, is said by the agent's own rules. */
	if (!ledger_read(address, &entry) || entry.unreadable ||
	    strspn(entry.server_id, "0-") == strlen(entry.server_id) || device_owner_find(owners, address))
		return;
	yyjson_doc *server = server_remembered(&settings->folders, entry.server_id);
	const char *name = json_text(yyjson_doc_get_root(server), "name");
	struct device_owner *owner = ARRAY_ADD(owners->owners, owners->owner_count);
	snprintf(owner->address, sizeof owner->address, "%.15s", address);
	snprintf(owner->server_id, sizeof owner->server_id, "%s", entry.server_id);
	owner->server_name = *name ? memory_copy_text(name) : NULL;
	yyjson_doc_free(server);
}

static void ledger_look(const struct agent_settings *settings, struct device_owners *owners)
{
	_cleanup_free_ char *folder = memory_printf("%s/ledger", settings->state_dir);
	bool there = access(folder, R_OK | X_OK) == 0;
	struct error err;

	if (!there && errno != ENOENT)
		unseen_grants(owners, folder, strerror(errno));
	/* (It makes the folder if there is none.) */
	if (!ledger_configure(there ? settings->state_dir : "", &err))
		unseen_grants(owners, folder, err.message);
	char **addresses = ledger_list();
	for (char **address = addresses; there && *address; address++)
		ledger_add(settings, owners, *address);
	world_list_free(addresses);
}

/* --- quarantines --- */

/* {"address", "reason", "since"}; a file that says nothing is one as well. */
static void quarantine_read(struct device_owners *owners, const char *folder, const char *file)
{
	_cleanup_free_ char *path = memory_printf("%s/%s", folder, file);
	struct device_quarantine *q = ARRAY_ADD(owners->quarantines, owners->quarantine_count);
	yyjson_doc *doc = yyjson_read_file(path, YYJSON_READ_ALLOW_INVALID_UNICODE, NULL, NULL);
	yyjson_val *root = yyjson_doc_get_root(doc);

	snprintf(q->address, sizeof q->address, "%.*s", (int)(strlen(file) - strlen(".json")), file);
	snprintf(q->reason, sizeof q->reason, "%s", json_text(root, "reason"));
	snprintf(q->since, sizeof q->since, "%s", json_text(root, "since"));
	if (!*q->reason)
		snprintf(q->reason, sizeof q->reason, "%.250s gives no reason that can be read", path);
	text_make_utf8(q->reason);
	text_make_utf8(q->since);
	yyjson_doc_free(doc);
}

/* --- folders --- */

static bool is_journal_folder(const char *name)
{
	return is_uuid(name);
}

static bool is_quarantine(const char *name)
{
	return text_ends_with(name, ".json") && strlen(name) == strlen("0000:00:00.0.json");
}

/* Names in a folder, in their order; NULL and errno if it cannot be read. */
static char **names_in(const char *path, bool (*wanted)(const char *name))
{
	struct dirent **entries = NULL;
	int found = scandir(path, &entries, NULL, alphasort);
	char **names = NULL;
	size_t count = 0;

	if (found < 0)
		return NULL;
	for (int i = 0; i < found; i++) {
		if (wanted(entries[i]->d_name))
			*ARRAY_ADD(names, count) = memory_copy_text(entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	*ARRAY_ADD(names, count) = NULL;
	return names;
}

void device_owners_read(const struct agent_settings *settings, struct device_owners *owners)
{
	_cleanup_free_ char *quarantine = memory_printf("%s/quarantine", settings->state_dir);
	char **names = names_in(settings->folders.instances, is_journal_folder);

	*owners = (struct device_owners){.all_seen = true};
	if (!names && errno != ENOENT)
		unseen_grants(owners, settings->folders.instances, strerror(errno));
	for (char **name = names; name && *name; name++)
		server_read(settings, owners, *name);
	world_list_free(names);
	ledger_look(settings, owners);
	names = names_in(quarantine, is_quarantine);
	if (!names && errno != ENOENT)
		unseen(owners, "cannot tell which devices are in quarantine", quarantine, strerror(errno));
	for (char **name = names; name && *name; name++)
		quarantine_read(owners, quarantine, *name);
	world_list_free(names);
}

void device_owners_done(struct device_owners *owners)
{
	for (size_t i = 0; i < owners->owner_count; i++)
		free(owners->owners[i].server_name);
	for (size_t i = 0; i < owners->unseen_count; i++)
		free(owners->unseen[i]);
	free(owners->owners);
	free(owners->quarantines);
	free(owners->unseen);
	*owners = (struct device_owners){0};
}

const struct device_owner *device_owner_find(const struct device_owners *owners, const char *address)
{
	for (size_t i = 0; i < owners->owner_count; i++) {
		if (strcmp(owners->owners[i].address, address) == 0)
			return &owners->owners[i];
	}
	return NULL;
}

const struct device_quarantine *device_quarantine_find(const struct device_owners *owners,
						       const char *address)
{
	for (size_t i = 0; i < owners->quarantine_count; i++) {
		if (strcmp(owners->quarantines[i].address, address) == 0)
			return &owners->quarantines[i];
	}
	return NULL;
}
