/* Looking for who has a device. */
#include "agent/owner.h"

#include "agent/grant.h"
#include "agent/world.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

static char journals[300];

void owner_configure(const char *instances_folder)
{
	snprintf(journals, sizeof journals, "%s", instances_folder);
}

static bool is_in_journal(const char *server_id, const char *address, bool *owned, struct error *err)
{
	_cleanup_(grant_done) struct grant grant = {0};
	_cleanup_free_ char *folder = memory_printf("%s/%s", journals, server_id);

	if (!grant_read(folder, &grant, err))
		return false;
	*owned = grant_find_device(&grant, address) != NULL;
	return true;
}

static bool find_in_journals(const char *address, bool *owned, char who[80], struct error *err)
{
	_cleanup_closedir_ DIR *dir = *journals ? opendir(journals) : NULL;

	if (!dir && *journals && errno != ENOENT)
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot look into %s", journals);
	for (struct dirent *entry; dir && !*owned && (entry = readdir(dir));) {
		if (!is_uuid(entry->d_name))
			continue;
		if (!is_in_journal(entry->d_name, address, owned, err))
			return false;
		if (*owned)
			snprintf(who, 80, "server %.36s", entry->d_name);
	}
	return true;
}

void owner_list(struct map *addresses)
{
	_cleanup_closedir_ DIR *dir = *journals ? opendir(journals) : NULL;
	struct error ignored;

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		_cleanup_(grant_done) struct grant grant = {0};
		_cleanup_free_ char *folder = memory_printf("%s/%s", journals, entry->d_name);

		if (!is_uuid(entry->d_name) || !grant_read(folder, &grant, &ignored))
			continue;
		for (size_t i = 0; i < grant.device_count; i++)
			map_put(addresses, grant.devices[i].memory.address, addresses);
	}
}

/* As libvirt writes a host device's address: <address domain='0x0000' bus='0x21' slot='0x10'
 * function='0x3'/>. */
static void source_text(const char *address, char text[100])
{
	unsigned domain = 0, bus = 0, slot = 0, function = 0;

	sscanf(address, "%x:%x:%x.%x", &domain, &bus, &slot, &function);
	snprintf(text, 100, "domain='0x%04x' bus='0x%02x' slot='0x%02x' function='0x%x'", domain, bus, slot,
		 function);
}

/* Guests that something else runs on this host. */
static bool find_in_guests(const char *address, bool *owned, char who[80], struct error *err)
{
	struct map guests = {0};
	struct map_entry *slot;
	char source[100];
	bool ok = world->domain_list(false, &guests, err);

	source_text(address, source);
	for (size_t position = 0; ok && !*owned && (slot = map_next(&guests, &position));) {
		_cleanup_free_ char *xml = NULL;

		ok = world->domain_xml(slot->key, &xml, err);
		*owned = ok && xml && strstr(xml, source);
		if (*owned)
			snprintf(who, 80, "the guest %.36s", slot->key);
	}
	map_done(&guests, NULL);
	return ok;
}

bool owner_find(const char *address, bool *owned, char who[80], struct error *err)
{
	*owned = false;
	*who = '\0';
	return find_in_journals(address, owned, who, err) &&
	       (*owned || find_in_guests(address, owned, who, err));
}
