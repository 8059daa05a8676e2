/* Reading what the machine is like. */
#include "host/machine.h"

#include "agent/world.h"
#include "agent/world_files.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#include <net/if.h>
#include <string.h>

/* --- the system --- */

static void system_read(struct machine *m)
{
	_cleanup_free_ char *release = world->read("/etc/os-release"), *id = NULL, *like = NULL, *name = NULL;

	if (!release)
		release = world->read("/usr/lib/os-release");
	id = machine_value(release, NULL, "ID");
	like = machine_value(release, NULL, "ID_LIKE");
	name = machine_value(release, NULL, "PRETTY_NAME");
	_cleanup_free_ char *words = memory_printf(" %s %s ", id ? id : "", like ? like : "");
	if (strstr(words, " debian ") || strstr(words, " ubuntu "))
		m->family = FAMILY_DEBIAN;
	else if (strstr(words, " rhel ") || strstr(words, " fedora ") || strstr(words, " centos "))
		m->family = FAMILY_REDHAT;
	snprintf(m->system, sizeof m->system, "%s", name ? name : id ? id : "an unknown system");
}

static int count_entries(const char *folder)
{
	char **names = world->list(folder);
	int count = 0;

	while (names && names[count])
		count++;
	world_list_free(names);
	return count;
}

static void iommu_read(struct machine *m)
{
	_cleanup_free_ char *cpus = world->read("/proc/cpuinfo");

	m->cmdline = world->read("/proc/cmdline");
	if (!m->cmdline)
		m->cmdline = memory_copy_text("");
	m->intel = cpus && strstr(cpus, "GenuineIntel");
	m->amd = cpus && (strstr(cpus, "AuthenticAMD") || strstr(cpus, "HygonGenuine"));
	m->dmar = machine_has("/sys/firmware/acpi/tables/DMAR");
	m->ivrs = machine_has("/sys/firmware/acpi/tables/IVRS");
	m->iommus = count_entries("/sys/class/iommu");
	m->iommu_groups = count_entries("/sys/kernel/iommu_groups");
}

/* --- NICs --- */

static struct machine_nic *nic_add(struct machine *m, const char *name)
{
	for (size_t i = 0; i < m->nic_count; i++) {
		if (strcmp(m->nics[i].name, name) == 0)
			return &m->nics[i];
	}
	struct machine_nic *nic = ARRAY_ADD(m->nics, m->nic_count);
	snprintf(nic->name, sizeof nic->name, "%.15s", name);
	return nic;
}

static void nic_set_physnet(struct machine_nic *nic, const char *physnet)
{
	if (!*physnet)
		return;
	nic->physical_network = true;
	if (!*nic->physnet)
		snprintf(nic->physnet, sizeof nic->physnet, "%s", physnet);
}

static const struct pci_device *parent_of(const struct machine *m, const struct pci_device *device)
{
	return *device->parent ? inventory_find(m->devices, m->device_count, device->parent) : device;
}

/* Specs by address or ids: they select what is there. */
static void nics_of_devices(struct machine *m)
{
	for (size_t i = 0; i < m->device_count; i++) {
		const struct pci_device *device = &m->devices[i], *pf = parent_of(m, device);
		struct device_spec_device facts = {device->address,
						   device->vendor_id,
						   device->product_id,
						   device->parent,
						   pf ? pf->netdev : "",
						   device->netdev,
						   ""};
		const struct device_spec *spec =
			device_spec_find(m->settings.specs, m->settings.spec_count, &facts);

		if (spec && pf && *pf->netdev && strncmp(pf->class_code, "02", 2) == 0)
			nic_set_physnet(nic_add(m, pf->netdev), spec->physical_network);
	}
}

static bool is_asked_for(const struct host_request *request, const char *name)
{
	for (size_t i = 0; i < request->pf_count; i++) {
		if (strcmp(request->pfs[i], name) == 0)
			return true;
	}
	return request->pf_count == 0;
}

static void nics_name(const struct host_request *request, struct machine *m)
{
	for (size_t i = 0; i < m->settings.spec_count; i++) {
		if (*m->settings.specs[i].devname)
			nic_set_physnet(nic_add(m, m->settings.specs[i].devname),
					m->settings.specs[i].physical_network);
	}
	for (size_t i = 0; i < m->settings.mapping_count; i++)
		nic_set_physnet(nic_add(m, m->settings.mappings[i].netdev),
				m->settings.mappings[i].physical_network);
	nics_of_devices(m);
	for (size_t i = 0; i < m->wishes.vfs_count; i++)
		nic_add(m, m->wishes.vfs[i].netdev);
	for (size_t i = 0; i < request->pf_count; i++)
		nic_add(m, request->pfs[i]);
	for (size_t i = 0; i < m->nic_count;) { /* --pf: no others */
		if (is_asked_for(request, m->nics[i].name))
			i++;
		else
			m->nics[i] = m->nics[--m->nic_count];
	}
}

static int64_t nic_number(const struct machine_nic *nic, const char *attribute, int64_t fallback)
{
	_cleanup_free_ char *path = memory_printf("/sys/class/net/%s/%s", nic->name, attribute);
	char line[64];

	world_line(path, line, sizeof line);
	return *line ? strtoll(line, NULL, 0) : fallback;
}

static void nic_read(const struct machine *m, struct machine_nic *nic)
{
	char line[64];

	for (size_t i = 0; i < m->device_count && !nic->device; i++) {
		if (strcmp(m->devices[i].netdev, nic->name) == 0)
			nic->device = &m->devices[i];
	}
	nic->up = nic_number(nic, "flags", 0) & IFF_UP;
	nic->mtu = (int)nic_number(nic, "mtu", 0);
	nic->mac_is_permanent = nic_number(nic, "addr_assign_type", 3) == 0;
	nic->autoprobe = (int)nic_number(nic, "device/sriov_drivers_autoprobe", -1);
	_cleanup_free_ char *path = memory_printf("/sys/class/net/%s/phys_switch_id", nic->name);
	world_line(path, line, sizeof line);
	nic->switchdev = *line;
	nic->wish = wishes_find(&m->wishes, nic->name);
	manager_find(nic);
}

/* --- all --- */

static void warn(void *user, const char *sentence)
{
	(void)user;
	log_warning("%s", sentence);
}

static bool wishes_take(const struct host_request *request, struct wishes *wishes, struct error *err)
{
	for (size_t i = 0; i < request->vfs_count; i++) {
		if (!wishes_add_vfs(wishes, request->vfs[i], err))
			return false;
	}
	for (size_t i = 0; i < request->pages_count; i++) {
		if (!wishes_add_pages(wishes, request->pages[i], err))
			return false;
	}
	return true;
}

bool machine_read(const struct host_request *request, struct machine *m, struct error *err)
{
	m->root = request->root;
	if (!agent_settings_read(request->config, &m->settings, warn, NULL, err) ||
	    !wishes_read(&m->wishes, err) || !wishes_take(request, &m->wishes, err))
		return false;
	system_read(m);
	iommu_read(m);
	if (machine_has("/sys/bus/pci/devices") && !inventory_devices(&m->devices, &m->device_count, err))
		return false;
	nics_name(request, m);
	for (size_t i = 0; i < m->nic_count; i++)
		nic_read(m, &m->nics[i]);
	return true;
}

void machine_done(struct machine *m)
{
	free(m->cmdline);
	wishes_done(&m->wishes);
	agent_settings_done(&m->settings);
	free(m->devices);
	free(m->nics);
}
