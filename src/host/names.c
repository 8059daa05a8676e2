/* A PF keeps its name when a card is added, as configuration says devname: by its permanent MAC, or by where
 * it is plugged in if that is not known. */
#include "host/subjects.h"

#include "agent/world.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

static void link_path(const struct machine_nic *nic, char path[128])
{
	snprintf(path, 128, "/etc/systemd/network/10-penstock-%s.link", nic->name);
}

/* eth0 and its like are the kernel's own: giving one of them to a device races with the kernel. */
static bool is_kernels(const char *name)
{
	return strncmp(name, "eth", 3) == 0 && strspn(name + 3, "0123456789") == strlen(name + 3);
}

/* A rule of udev that somebody wrote: NAME="p5p1". */
static bool has_rule(const struct machine_nic *nic, char *file, size_t size)
{
	static const char folder[] = "/etc/udev/rules.d";
	_cleanup_free_ char *wanted = memory_printf("NAME=\"%s\"", nic->name);
	char **names = machine_list(folder, "*.rules");
	bool found = false;

	for (size_t i = 0; names[i] && !found; i++) {
		snprintf(file, size, "%s/%s", folder, names[i]);
		_cleanup_free_ char *text = world->read(file);
		found = text && strstr(text, wanted);
	}
	world_list_free(names);
	return found;
}

/* netplan's set-name goes with a match. */
static bool has_set_name(const struct machine_nic *nic, char *file, size_t size)
{
	_cleanup_free_ char *wanted = memory_printf("set-name: %s\n", nic->name),
			    *quoted = memory_printf("set-name: \"%s\"\n", nic->name), *text = NULL;

	text = netplan_has(nic, file, size) ? world->read(file) : NULL;
	return text && (strstr(text, wanted) || strstr(text, quoted));
}

static bool has_hwaddr(const struct machine_nic *nic, char *file, size_t size)
{
	_cleanup_free_ char *text = ifcfg_has(nic, file, size) ? world->read(file) : NULL,
			    *hwaddr = machine_value(text, NULL, "HWADDR");

	return hwaddr && *hwaddr;
}

static bool has_named_link(const struct machine_nic *nic, char *file, size_t size)
{
	_cleanup_free_ char *text = networkd_link(nic, file, size) ? world->read(file) : NULL,
			    *name = machine_value(text, "Link", "Name");

	return name && strcmp(name, nic->name) == 0;
}

bool names_are_stable(const struct machine_nic *nic, char *file, size_t size)
{
	char ours[128];

	link_path(nic, ours);
	if (machine_has(ours)) {
		snprintf(file, size, "%s", ours);
		return true;
	}
	return has_named_link(nic, file, size) || has_set_name(nic, file, size) ||
	       has_hwaddr(nic, file, size) || has_rule(nic, file, size);
}

/* systemd before 244 (RHEL 8 has 239) does not know PermanentMACAddress=. */
static const char *match_key(void)
{
	_cleanup_free_ char *release = world->read("/etc/os-release"),
			    *platform = machine_value(release, NULL, "PLATFORM_ID");

	return platform && strcmp(platform, "platform:el8") == 0 ? "MACAddress" : "PermanentMACAddress";
}

static char *link_text(const struct machine_nic *nic, int vfs)
{
	struct text text = {0};

	text_addf(&text, "# Written by `penstock host setup`: %s keeps its name.\n[Match]\n", nic->name);
	if (nic->mac_is_permanent)
		text_addf(&text, "%s=%s\n", match_key(), nic->device->mac_address);
	else
		text_addf(&text, "Path=pci-%s\n", nic->device->address);
	text_addf(&text, "\n[Link]\nName=%s\nAlternativeNamesPolicy=database onboard slot path\n", nic->name);
	if (vfs >= 0)
		text_addf(&text, "SR-IOVVirtualFunctions=%d\n", vfs);
	return text_take(&text);
}

/* The operator's own .link file stays as it is: the number of VFs goes into a folder beside it. */
static void drop_in_plan(const char *file, int vfs, struct plan *plan)
{
	_cleanup_free_ char *path = memory_printf("%s.d/penstock.conf", file),
			    *text = memory_printf("[Link]\nSR-IOVVirtualFunctions=%d\n", vfs);

	if (vfs >= 0)
		plan_write(plan, path, text, 0644);
}

void names_plan(const struct machine_nic *nic, int vfs, struct plan *plan)
{
	int told = nic->manager == MANAGER_NETWORKD ? vfs : -1;
	char file[256], ours[128];

	link_path(nic, ours);
	if (!nic->device)
		return;
	if (is_kernels(nic->name)) {
		plan_note(plan,
			  "%s is a name of the kernel's, which nothing can make stable: give the device "
			  "another "
			  "one, in a .link file and in the configuration",
			  nic->name);
		return;
	}
	if (networkd_link(nic, file, sizeof file)) {
		drop_in_plan(file, told, plan);
		return;
	}
	if (names_are_stable(nic, file, sizeof file) && strcmp(file, ours) != 0)
		return;
	if (ifcfg_in_force() || ifcfg_is_networkmanagers(nic)) /* HWADDR= names it there */
		return;
	/* What is there stays where the count may not be told now. */
	if (told < 0 && nic->manager == MANAGER_NETWORKD && machine_has(ours))
		return;
	_cleanup_free_ char *text = link_text(nic, told);
	plan_write(plan, ours, text, 0644);
}
