/* systemd-networkd and the .link files of udev: which of them are about a NIC. */
#include "host/subjects.h"

#include "agent/world.h"
#include "base/memory.h"
#include "base/text.h"

#include <fnmatch.h>
#include <string.h>
#include <strings.h>

static const char *const folders[] = {"/etc/systemd/network", "/run/systemd/network"};

/* Is one of the words in `list` (globs, any case) this text? */
static bool one_matches(char *list, const char *text)
{
	char *save = NULL;

	for (char *word = strtok_r(list, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
		if (fnmatch(word, text, FNM_CASEFOLD) == 0)
			return true;
	}
	return false;
}

/* One line of [Match]; a key that we do not know may or may not hold. */
static bool condition_holds(const char *key, char *value, const struct machine_nic *nic)
{
	const struct pci_device *device = nic->device;
	_cleanup_free_ char *place = memory_printf("pci-%s", device ? device->address : "");

	if (strcmp(key, "Name") == 0)
		return one_matches(value, nic->name);
	if (strcmp(key, "MACAddress") == 0 || strcmp(key, "PermanentMACAddress") == 0)
		return device && one_matches(value, device->mac_address);
	if (strcmp(key, "Path") == 0)
		return device && one_matches(value, place);
	if (strcmp(key, "Driver") == 0)
		return device && one_matches(value, device->driver);
	if (strcmp(key, "Type") == 0)
		return one_matches(value, "ether");
	return strcmp(key, "OriginalName") == 0 && strcmp(value, "*") == 0;
}

bool networkd_matches(const char *text, const struct machine_nic *nic)
{
	_cleanup_free_ char *copy = memory_copy_text(text);
	bool here = false, any = false;
	char *save = NULL;

	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		line += strspn(line, " \t");
		line[strcspn(line, "\r")] = '\0';
		if (*line == '[')
			here = strcmp(line, "[Match]") == 0;
		char *value = here && *line != '#' && *line != ';' ? strchr(line, '=') : NULL;
		if (!value)
			continue;
		*value++ = '\0';
		line[strcspn(line, " \t")] = '\0';
		if (!condition_holds(line, value + strspn(value, " \t"), nic))
			return false;
		any = true;
	}
	return any;
}

/* The first file of this kind that is the NIC's, but ours. */
static bool file_find(const char *pattern, const struct machine_nic *nic, char *file, size_t size)
{
	bool found = false;

	for (size_t f = 0; f < ELEMENTS_OF(folders) && !found; f++) {
		char **names = machine_list(folders[f], pattern);

		for (size_t i = 0; names[i] && !found; i++) {
			snprintf(file, size, "%s/%s", folders[f], names[i]);
			_cleanup_free_ char *text = world->read(file);
			found = !text_starts_with(names[i], "10-penstock-") && text &&
				networkd_matches(text, nic);
		}
		world_list_free(names);
	}
	return found;
}

bool networkd_has(const struct machine_nic *nic, char *file, size_t size)
{
	return machine_unit_enabled("systemd-networkd.service") && file_find("*.network", nic, file, size);
}

bool networkd_link(const struct machine_nic *nic, char *file, size_t size)
{
	return file_find("*.link", nic, file, size);
}

bool networkd_programs_vfs(const struct machine_nic *nic, char *file, size_t size)
{
	static const char *const keys[] = {"MACAddress", "VLANId", "MACSpoofCheck", "Trust", "LinkState"};
	_cleanup_free_ char *text = networkd_has(nic, file, size) ? world->read(file) : NULL;

	for (size_t i = 0; text && i < ELEMENTS_OF(keys); i++) {
		_cleanup_free_ char *value = machine_value(text, "SR-IOV", keys[i]);

		if (value)
			return true;
	}
	return false;
}
