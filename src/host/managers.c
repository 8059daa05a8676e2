/* Who else configures a NIC, and what it is told. */
#include "host/subjects.h"

#include "agent/world.h"
#include "base/memory.h"
#include "base/text.h"

#include <string.h>

/* Debian's /etc/network/interfaces. */
static bool ifupdown_has(const struct machine_nic *nic, char *file, size_t size)
{
	static const char more[] = "/etc/network/interfaces.d";
	_cleanup_free_ char *main_file = world->read("/etc/network/interfaces"),
			    *wanted = memory_printf("iface %s ", nic->name);
	char **names = machine_list(more, "*");
	bool found = main_file && strstr(main_file, wanted);

	snprintf(file, size, "/etc/network/interfaces");
	for (size_t i = 0; names[i] && !found; i++) {
		snprintf(file, size, "%s/%s", more, names[i]);
		_cleanup_free_ char *text = world->read(file);
		found = text && strstr(text, wanted);
	}
	world_list_free(names);
	return found;
}

void manager_find(struct machine_nic *nic)
{
	char *file = nic->managed_by;
	size_t size = sizeof nic->managed_by;

	nic->manager = MANAGER_NONE;
	if (networkmanager_enabled() && !networkmanager_ignores(nic, file, size) &&
	    networkmanager_profile(nic, file, size))
		nic->manager = MANAGER_NETWORKMANAGER;
	else if (netplan_has(nic, file, size))
		nic->manager = MANAGER_NETPLAN;
	else if (networkd_has(nic, file, size))
		nic->manager = MANAGER_NETWORKD;
	else if (ifcfg_in_force() && ifcfg_has(nic, file, size))
		nic->manager = MANAGER_NETWORK_SCRIPTS;
	else if (ifupdown_has(nic, file, size))
		nic->manager = MANAGER_IFUPDOWN;
	else if (networkmanager_enabled() && !networkmanager_ignores(nic, file, size))
		nic->manager = MANAGER_NETWORKMANAGER;
	if (nic->manager == MANAGER_NONE ||
	    (nic->manager == MANAGER_NETWORKMANAGER && !networkmanager_profile(nic, file, size)))
		*file = '\0';
}

const char *manager_name(enum machine_manager manager)
{
	switch (manager) {
	case MANAGER_NETWORKD:
		return "systemd-networkd";
	case MANAGER_NETPLAN:
		return "netplan";
	case MANAGER_NETWORKMANAGER:
		return "NetworkManager";
	case MANAGER_NETWORK_SCRIPTS:
		return "network-scripts";
	case MANAGER_IFUPDOWN:
		return "ifupdown";
	case MANAGER_NONE:
		break;
	}
	return "nobody";
}

void manager_plan(const struct machine_nic *nic, int vfs, struct plan *plan)
{
	if (nic->manager == MANAGER_NETPLAN)
		netplan_plan(nic, vfs, plan);
	else if (nic->manager == MANAGER_NETWORKMANAGER)
		networkmanager_plan(nic, vfs, plan);
	else if (nic->manager == MANAGER_NETWORK_SCRIPTS ||
		 (nic->manager == MANAGER_NONE && ifcfg_in_force()))
		ifcfg_plan(nic, plan);
}

/* --- others who make VFs at boot --- */

static bool in_text(const char *path, const char *key, int *count, char *file, size_t size)
{
	_cleanup_free_ char *text = world->read(path);
	const char *at = text ? strstr(text, key) : NULL;

	if (!at)
		return false;
	at += strlen(key);
	*count = atoi(at + strspn(at, " =:\""));
	snprintf(file, size, "%s", path);
	return true;
}

/* What people wrote before there was anything better: a rule of udev, a line in rc.local. */
static bool makes_by_hand(const struct machine_nic *nic, int *count, char *file, size_t size)
{
	static const char *const scripts[] = {"/etc/rc.local", "/etc/rc.d/rc.local", "/sbin/ifup-local"};
	char **names = machine_list("/etc/udev/rules.d", "*.rules");
	bool found = false;

	for (size_t i = 0; names[i] && !found; i++) {
		_cleanup_free_ char *path = memory_printf("/etc/udev/rules.d/%s", names[i]);

		_cleanup_free_ char *text = world->read(path);

		found = text && strstr(text, nic->name) && in_text(path, "sriov_numvfs}", count, file, size);
	}
	world_list_free(names);
	for (size_t i = 0; i < ELEMENTS_OF(scripts) && !found; i++) {
		_cleanup_free_ char *text = world->read(scripts[i]);

		found = text && strstr(text, "sriov_numvfs") && strstr(text, nic->name);
		*count = -1; /* a script may do anything */
		snprintf(file, size, "%s", scripts[i]);
	}
	return found;
}

bool manager_makes_vfs(const struct machine_nic *nic, int *count, char *file, size_t size)
{
	_cleanup_free_ char *ours = memory_printf("/etc/systemd/network/10-penstock-%s.link", nic->name);
	char link[200];

	if (in_text(ours, "SR-IOVVirtualFunctions", count, file, size))
		return true;
	if (networkd_link(nic, link, sizeof link) &&
	    in_text(link, "SR-IOVVirtualFunctions", count, file, size))
		return true;
	if (nic->manager == MANAGER_NETPLAN &&
	    in_text(nic->managed_by, "virtual-function-count", count, file, size))
		return true;
	if (nic->manager == MANAGER_NETWORKMANAGER && *nic->managed_by &&
	    in_text(nic->managed_by, "total-vfs", count, file, size))
		return true;
	return makes_by_hand(nic, count, file, size);
}
