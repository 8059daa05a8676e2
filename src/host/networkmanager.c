/* NetworkManager: a NIC that has no profile is taken out of its hands; one that has is left to it, with as
 * many VFs as it shall have if the profile speaks of VFs.
 *
 * A profile gets no [sriov] section of ours: NetworkManager removes all VFs when a profile with such a
 * section is deactivated, under the guests that have them. */
#include "host/subjects.h"

#include "agent/world.h"
#include "base/memory.h"
#include "base/text.h"

#include <string.h>
#include <strings.h>

#define CONFIG	 "/etc/NetworkManager"
#define PROFILES CONFIG "/system-connections"
#define OURS	 CONFIG "/conf.d/90-penstock.conf"

bool networkmanager_enabled(void)
{
	return machine_unit_enabled("NetworkManager.service");
}

/* Does a list like "interface-name:p5p1;mac:..." name it? */
static bool names_it(const char *list, const struct machine_nic *nic)
{
	_cleanup_free_ char *copy = memory_copy_text(list), *by_name = NULL, *by_mac = NULL;
	char *save = NULL;

	by_name = memory_printf("interface-name:%s", nic->name);
	by_mac = memory_printf("mac:%s", nic->device ? nic->device->mac_address : "?");
	for (char *item = copy ? strtok_r(copy, ";, ", &save) : NULL; item;
	     item = strtok_r(NULL, ";, ", &save)) {
		if (strcmp(item, by_name) == 0 || strcasecmp(item, by_mac) == 0)
			return true;
	}
	return false;
}

/* [device-anything] match-device=... managed=0 */
static bool ignored_by_section(const char *text, const struct machine_nic *nic)
{
	for (const char *at = text; (at = strstr(at, "[device")); at++) {
		_cleanup_free_ char *section = memory_printf("%.*s", (int)strcspn(at + 1, "]\n"), at + 1),
				    *match = machine_value(text, section, "match-device"),
				    *managed = machine_value(text, section, "managed");

		if (managed && match && names_it(match, nic) &&
		    (strcmp(managed, "0") == 0 || strcasecmp(managed, "false") == 0))
			return true;
	}
	return false;
}

static bool ignored_by(const char *text, const struct machine_nic *nic)
{
	_cleanup_free_ char *set = machine_value(text, "keyfile", "unmanaged-devices"),
			    *added = machine_value(text, "keyfile", "unmanaged-devices+");

	return (set && names_it(set, nic)) || (added && names_it(added, nic)) ||
	       ignored_by_section(text, nic);
}

bool networkmanager_ignores(const struct machine_nic *nic, char *file, size_t size)
{
	char **names = machine_list(CONFIG "/conf.d", "*.conf");
	_cleanup_free_ char *main_file = world->read(CONFIG "/NetworkManager.conf");
	bool found = main_file && ignored_by(main_file, nic);

	snprintf(file, size, CONFIG "/NetworkManager.conf");
	for (size_t i = 0; names[i] && !found; i++) {
		snprintf(file, size, CONFIG "/conf.d/%s", names[i]);
		_cleanup_free_ char *text = world->read(file);
		found = text && ignored_by(text, nic);
	}
	world_list_free(names);
	return found;
}

static bool profile_is_its(const char *text, const struct machine_nic *nic)
{
	_cleanup_free_ char *name = machine_value(text, "connection", "interface-name"),
			    *mac = machine_value(text, "ethernet", "mac-address");

	return (name && strcmp(name, nic->name) == 0) ||
	       (mac && nic->device && strcasecmp(mac, nic->device->mac_address) == 0);
}

bool networkmanager_profile(const struct machine_nic *nic, char *file, size_t size)
{
	char **names = machine_list(PROFILES, "*");
	bool found = false;

	for (size_t i = 0; names[i] && !found; i++) {
		snprintf(file, size, PROFILES "/%s", names[i]);
		_cleanup_free_ char *text = text_ends_with(names[i], "~") ? NULL : world->read(file);
		found = text && profile_is_its(text, nic);
	}
	world_list_free(names);
	return found || (ifcfg_has(nic, file, size) && ifcfg_is_networkmanagers(nic));
}

/* total-vfs of a profile that has it. */
static void profile_plan(const struct machine_nic *nic, const char *file, int vfs, struct plan *plan)
{
	_cleanup_free_ char *text = plan_read(plan, file), *count = machine_value(text, "sriov", "total-vfs"),
			    *changed = NULL;

	if (!count)
		return;
	plan_note(
		plan,
		"%s has a [sriov] section: `nmcli connection down` removes the VFs of %s, under guests that "
		"have them; without the section " UNIT_NAME " makes them just as well",
		file, nic->name);
	if (vfs < 0 || atoi(count) == vfs)
		return;
	const char *section = strstr(text, "[sriov]"), *at = section ? strstr(section, "total-vfs") : NULL;
	const char *rest = at ? at + strcspn(at, "\n") : NULL;
	if (!at)
		return;
	changed = memory_printf("%.*stotal-vfs=%d%s", (int)(at - text), text, vfs, rest);
	plan_write(plan, file, changed, 0600);
	plan_run(plan, "nmcli connection reload");
}

/* What is there of our file, and one section more. */
static void ignore_plan(const struct machine_nic *nic, struct plan *plan)
{
	_cleanup_free_ char *was = plan_read(plan, OURS), *text = NULL;

	text = memory_printf("%s\n[device-penstock-%s]\nmatch-device=interface-name:%s\nmanaged=0\n",
			     was ? was
				 : "# Written by `penstock host setup`: Penstock brings these up itself.\n",
			     nic->name, nic->name);
	plan_write(plan, OURS, text, 0644);
	plan_run(plan, "nmcli general reload conf");
}

void networkmanager_plan(const struct machine_nic *nic, int vfs, struct plan *plan)
{
	char file[256];

	if (networkmanager_ignores(nic, file, sizeof file))
		return;
	if (networkmanager_profile(nic, file, sizeof file))
		profile_plan(nic, file, vfs, plan);
	else
		ignore_plan(nic, plan);
}
