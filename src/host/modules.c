/* Kernel modules: vfio-pci at boot; no drivers for VFs where the kernel cannot be told to leave them alone.
 */
#include "host/subjects.h"

#include "agent/world.h"
#include "base/memory.h"
#include "base/text.h"

#include <string.h>

#define LOAD_FILE "/etc/modules-load.d/penstock.conf"
#define DENY_FILE "/etc/modprobe.d/penstock.conf"

static bool has_line(const char *text, const char *line)
{
	size_t wanted = strlen(line);

	for (; text && *text; text += strcspn(text, "\n"), text += *text == '\n') {
		const char *start = text + strspn(text, " \t");

		if (strncmp(start, line, wanted) == 0 &&
		    (!start[wanted] || strchr(" \t\r\n#", start[wanted])))
			return true;
	}
	return false;
}

/* In a *.conf file of any of the folders? */
static bool listed_in(const char *const *folders, const char *line)
{
	bool found = false;

	for (; *folders && !found; folders++) {
		char **names = machine_list(*folders, "*.conf");

		for (size_t i = 0; names[i] && !found; i++) {
			_cleanup_free_ char *path = memory_printf("%s/%s", *folders, names[i]),
					    *text = world->read(path);

			found = has_line(text, line);
		}
		world_list_free(names);
	}
	return found;
}

bool modules_listed(const char *module)
{
	static const char *const folders[] = {"/etc/modules-load.d", "/usr/lib/modules-load.d", NULL};
	_cleanup_free_ char *debian = world->read("/etc/modules");

	return has_line(debian, module) || listed_in(folders, module);
}

bool modules_present(const char *module)
{
	_cleanup_free_ char *path = memory_printf("/sys/module/%s", module), *driver = NULL;

	for (char *c = path; (c = strchr(c, '-'));)
		*c = '_';
	driver = memory_printf("/sys/bus/pci/drivers/%s", module);
	return machine_has(path) || machine_has(driver);
}

const char *modules_vf_driver(const char *pf_driver)
{
	static const struct {
		const char *pf, *vf;
	} drivers[] = {
		{"igb", "igbvf"}, {"ixgbe", "ixgbevf"}, {"i40e", "i40evf"},   {"ice", "iavf"},
		{"fm10k", NULL},  {"bnx2x", NULL},	{"cxgb4", "cxgb4vf"}, {"enic", NULL},
	};

	for (size_t i = 0; i < ELEMENTS_OF(drivers); i++) {
		if (strcmp(drivers[i].pf, pf_driver) == 0)
			return drivers[i].vf;
	}
	return NULL;
}

/* Kernels before 4.12 have no sriov_drivers_autoprobe: there the VFs' driver is not loaded (as people did it
 * then), unless some VFs are the host's own. */
static void deny_plan(const struct machine *m, struct plan *plan)
{
	static const char *const folders[] = {"/etc/modprobe.d", NULL};
	_cleanup_free_ char *text = NULL;

	for (size_t i = 0; i < m->wishes.vfs_count; i++) {
		if (m->wishes.vfs[i].drivers)
			return;
	}
	for (size_t i = 0; i < m->nic_count; i++) {
		const struct machine_nic *nic = &m->nics[i];
		const char *driver = nic->device ? modules_vf_driver(nic->device->driver) : NULL;
		_cleanup_free_ char *line = driver ? memory_printf("blacklist %s", driver) : NULL,
				    *was = plan_read(plan, DENY_FILE);

		if (!line || !nic->wish || nic->autoprobe >= 0 || listed_in(folders, line) ||
		    has_line(was, line))
			continue;
		text = memory_printf("%s%s\n",
				     was ? was
					 : "# This kernel cannot be told to leave VFs alone: their driver "
					   "is not loaded by itself.\n",
				     line);
		plan_write(plan, DENY_FILE, text, 0644);
		free(TAKE_PTR(text));
	}
}

void modules_plan(const struct machine *m, struct plan *plan)
{
	if (!modules_listed("vfio-pci") && !modules_listed("vfio_pci"))
		plan_write(plan, LOAD_FILE, "# Hands PCI devices over to guests.\nvfio-pci\n", 0644);
	deny_plan(m, plan);
}
