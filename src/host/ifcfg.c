/* network-scripts (RHEL 7 and before): ifcfg files.  The PF comes up at boot under its name. */
#include "host/subjects.h"

#include "agent/world.h"
#include "base/memory.h"
#include "base/text.h"

#include <string.h>
#include <strings.h>

#define FOLDER "/etc/sysconfig/network-scripts"

bool ifcfg_in_force(void)
{
	return machine_has("/etc/rc.d/rc3.d/S10network") || machine_unit_enabled("network.service");
}

bool ifcfg_has(const struct machine_nic *nic, char *file, size_t size)
{
	snprintf(file, size, FOLDER "/ifcfg-%s", nic->name);
	return machine_has(file);
}

bool ifcfg_is_networkmanagers(const struct machine_nic *nic)
{
	char file[256];
	_cleanup_free_ char *text = ifcfg_has(nic, file, sizeof file) ? world->read(file) : NULL,
			    *controlled = machine_value(text, NULL, "NM_CONTROLLED");

	return text && networkmanager_enabled() && !(controlled && strcasecmp(controlled, "no") == 0);
}

/* KEY=value in place of the line that has KEY, or at the end; for the caller to free. */
static char *set(const char *text, const char *key, const char *value)
{
	size_t length = strlen(key);

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		if (strncmp(line, key, length) == 0 && line[length] == '=')
			return memory_printf("%.*s%s=%s%s", (int)(line - text), text, key, value,
					     line + strcspn(line, "\n"));
	}
	return memory_printf("%s%s%s=%s\n", text, !*text || text_ends_with(text, "\n") ? "" : "\n", key,
			     value);
}

static bool is(const char *text, const char *key, const char *value)
{
	_cleanup_free_ char *now = machine_value(text, NULL, key);

	return now && strcasecmp(now, value) == 0;
}

static void change(char **text, const char *key, const char *value)
{
	if (is(*text, key, value))
		return;
	char *changed = set(*text, key, value);
	free(*text);
	*text = changed;
}

/* One that was never brought up (ONBOOT=no, as the installer leaves them) gets no address when it is. */
void ifcfg_plan(const struct machine_nic *nic, struct plan *plan)
{
	char file[256];
	bool there = ifcfg_has(nic, file, sizeof file);
	_cleanup_free_ char *text = there ? plan_read(plan, file) : NULL;

	if (!text)
		text = memory_printf(
			"# Written by `penstock host setup`.\nDEVICE=%s\nTYPE=Ethernet\nONBOOT=no\n",
			nic->name);
	if (!is(text, "ONBOOT", "yes")) {
		change(&text, "BOOTPROTO", "none");
		change(&text, "ONBOOT", "yes");
	}
	if (networkmanager_enabled() && !there)
		change(&text, "NM_CONTROLLED", "no");
	_cleanup_free_ char *hwaddr = machine_value(text, NULL, "HWADDR");
	if (!hwaddr && nic->device && nic->mac_is_permanent)
		change(&text, "HWADDR", nic->device->mac_address);
	plan_write(plan, file, text, 0644);
}
