/* Making the inventory. */
#include "agent/report.h"

#include "agent/bandwidths.h"
#include "agent/capabilities.h"
#include "agent/file.h"
#include "agent/groups.h"
#include "agent/health.h"
#include "agent/known.h"
#include "agent/physnets.h"
#include "agent/vm.h"
#include "agent/world.h"
#include "base/log.h"
#include "base/memory.h"
#include "sys/sys.h"

#include <string.h>
#include <sys/utsname.h>

static void add_or_null(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, const char *text)
{
	if (*text)
		yyjson_mut_obj_add_strcpy(doc, object, name, text);
	else
		yyjson_mut_obj_add_null(doc, object, name);
}

static void add_number_or_null(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, int number)
{
	if (number >= 0)
		yyjson_mut_obj_add_int(doc, object, name, number);
	else
		yyjson_mut_obj_add_null(doc, object, name);
}

/* --- devices --- */

const char *report_health(const struct known_device *item, const struct groups_index *groups, char *text)
{
	if (item->device.iommu_group < 0)
		return "the device is in no IOMMU group: the IOMMU is off";
	if (item->spec && !health_allows(item, text, REPORT_HEALTH_SIZE))
		return text;
	return item->spec && !groups_allow(groups, item, text, REPORT_HEALTH_SIZE) ? text : "ok";
}

static void add_device(yyjson_mut_doc *doc, yyjson_mut_val *list, const struct known_device *item,
		       const struct groups_index *groups)
{
	char health[REPORT_HEALTH_SIZE];
	const struct pci_device *d = &item->device;
	const struct device_spec *spec = item->spec;
	yyjson_mut_val *object = yyjson_mut_arr_add_obj(doc, list);
	yyjson_doc *tags = spec ? yyjson_read(spec->tags, strlen(spec->tags), 0) : NULL;
	bool is_pf = strcmp(d->type, "type-PF") == 0;

	yyjson_mut_obj_add_str(doc, object, "address", d->address);
	yyjson_mut_obj_add_str(doc, object, "vendor_id", d->vendor_id);
	yyjson_mut_obj_add_str(doc, object, "product_id", d->product_id);
	yyjson_mut_obj_add_str(doc, object, "class", d->class_code);
	yyjson_mut_obj_add_str(doc, object, "type", d->type);
	add_or_null(doc, object, "parent", d->parent);
	add_number_or_null(doc, object, "vf_index", d->vf_index);
	add_number_or_null(doc, object, "numa_node", d->numa_node);
	add_number_or_null(doc, object, "iommu_group", d->iommu_group);
	add_or_null(doc, object, "driver", d->driver);
	add_or_null(doc, object, "netdev", d->netdev);
	add_or_null(doc, object, "mac_address", d->mac_address);
	add_number_or_null(doc, object, "numvfs", is_pf ? d->numvfs : -1);
	add_number_or_null(doc, object, "totalvfs", is_pf ? d->totalvfs : -1);
	yyjson_mut_obj_add_bool(doc, object, "offered", spec != NULL);
	add_or_null(doc, object, "physical_network", spec ? spec->physical_network : "");
	yyjson_mut_obj_add_val(doc, object, "tags",
			       tags ? yyjson_val_mut_copy(doc, yyjson_doc_get_root(tags))
				    : yyjson_mut_obj(doc));
	yyjson_mut_obj_add_strcpy(doc, object, "health", report_health(item, groups, health));
	yyjson_doc_free(tags);
}

/* Devices that a spec selects, and PFs of selected VFs.  Returns how many VFs guests have. */
static int64_t add_devices(yyjson_mut_doc *doc, yyjson_mut_val *list)
{
	struct groups_index groups;
	int64_t held = 0;

	groups_index_make(&groups);
	for (size_t i = 0; i < known_count; i++) {
		if (!known[i].seen || (!known[i].spec && !known[i].carries))
			continue;
		add_device(doc, list, &known[i], &groups);
		held += strcmp(known[i].device.type, "type-VF") == 0 &&
			strcmp(known[i].device.driver, "vfio-pci") == 0;
	}
	groups_index_done(&groups);
	return held;
}

static void add_mapping(yyjson_mut_doc *doc, yyjson_mut_val *mappings, const char *physical_network,
			const char *netdev)
{
	yyjson_mut_val *list = yyjson_mut_obj_get(mappings, physical_network), *item;
	size_t i, max;

	if (!list) {
		list = yyjson_mut_arr(doc);
		yyjson_mut_obj_add(mappings, yyjson_mut_strcpy(doc, physical_network), list);
	}
	yyjson_mut_arr_foreach (list, i, max, item) {
		if (yyjson_mut_equals_str(item, netdev))
			return;
	}
	yyjson_mut_arr_add_strcpy(doc, list, netdev);
}

/* Which PFs carry which physical network: as the device specs say, and as physical_device_mappings does. */
static void add_mappings(const struct agent_settings *settings, yyjson_mut_doc *doc, yyjson_mut_val *mappings)
{
	for (size_t i = 0; i < settings->mapping_count; i++)
		add_mapping(doc, mappings, settings->mappings[i].physical_network,
			    settings->mappings[i].netdev);
	for (size_t i = 0; i < known_count; i++) {
		const struct known_device *pf =
			*known[i].device.parent ? known_find(known[i].device.parent) : &known[i];

		if (known[i].seen && known[i].spec && *known[i].spec->physical_network && pf &&
		    strcmp(pf->device.type, "type-PF") == 0 && *pf->device.netdev)
			add_mapping(doc, mappings, known[i].spec->physical_network, pf->device.netdev);
	}
}

/* --- the host --- */

/* The node's part of a configured set; without any set the controller takes all CPUs for shared ones. */
static void add_set(yyjson_mut_doc *doc, yyjson_mut_val *cell, const char *name, const struct cpu_set *all,
		    const struct cpu_set *set)
{
	char text[CPU_SET_TEXT_SIZE];
	struct cpu_set here = *all;

	cpu_set_and(&here, set);
	yyjson_mut_obj_add_strcpy(doc, cell, name, cpu_set_format(&here, text));
}

static void add_cpus(const struct agent_settings *settings, const char *cpus, yyjson_mut_doc *doc,
		     yyjson_mut_val *cell)
{
	struct cpu_set all = {0};
	struct error err;

	yyjson_mut_obj_add_strcpy(doc, cell, "cpus", cpus);
	if (!cpu_set_parse("cpus", cpus, CPU_SET_MAX, &all, &err))
		return;
	if (settings->has_cpu_sets) {
		add_set(doc, cell, "shared", &all, &settings->cpu_shared_set);
		add_set(doc, cell, "dedicated", &all, &settings->cpu_dedicated_set);
	}
}

/* "0,4 1,5" as "0,4", "1,5". */
static void add_siblings(yyjson_mut_doc *doc, yyjson_mut_val *cell, const char *siblings)
{
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, cell, "siblings");

	for (size_t length; *siblings; siblings += length + (siblings[length] == ' ')) {
		length = strcspn(siblings, " ");
		yyjson_mut_arr_add_strncpy(doc, list, siblings, length);
	}
}

static int64_t reserved_pages(const struct agent_settings *settings, int node, int64_t size_kb)
{
	int64_t count = 0;

	for (size_t i = 0; i < settings->reserved_page_count; i++) {
		if (settings->reserved_pages[i].node == node &&
		    settings->reserved_pages[i].size_kb == size_kb)
			count += settings->reserved_pages[i].count;
	}
	return count;
}

static void add_cells(const struct agent_settings *settings, const struct host_facts *facts,
		      yyjson_mut_doc *doc, yyjson_mut_val *root)
{
	yyjson_mut_val *cells = yyjson_mut_obj_add_arr(doc, root, "cells");

	for (int i = 0; i < facts->cell_count; i++) {
		const struct host_cell *cell = &facts->cells[i];
		yyjson_mut_val *object = yyjson_mut_arr_add_obj(doc, cells), *pages;

		yyjson_mut_obj_add_int(doc, object, "id", cell->id);
		yyjson_mut_obj_add_int(doc, object, "socket", cell->socket);
		add_cpus(settings, cell->cpus, doc, object);
		add_siblings(doc, object, cell->siblings);
		physnets_add(settings, cell->id, doc, object);
		yyjson_mut_obj_add_int(doc, object, "memory_mb", cell->memory_mb);
		pages = yyjson_mut_obj_add_arr(doc, object, "hugepages");
		for (int k = 0; k < cell->page_count; k++) {
			yyjson_mut_val *size = yyjson_mut_arr_add_obj(doc, pages);

			yyjson_mut_obj_add_int(doc, size, "size_kb", cell->pages[k].size_kb);
			yyjson_mut_obj_add_int(doc, size, "total", cell->pages[k].total);
			yyjson_mut_obj_add_int(doc, size, "reserved",
					       reserved_pages(settings, cell->id, cell->pages[k].size_kb));
		}
	}
}

static void add_cpu(const struct host_facts *facts, yyjson_mut_doc *doc, yyjson_mut_val *root)
{
	yyjson_mut_val *cpu = yyjson_mut_obj_add_obj(doc, root, "cpu"), *topology;
	struct utsname name;

	yyjson_mut_obj_add_strcpy(doc, cpu, "arch", uname(&name) == 0 ? name.machine : "x86_64");
	yyjson_mut_obj_add_strcpy(doc, cpu, "model", facts->cpu_model);
	yyjson_mut_obj_add_strcpy(doc, cpu, "vendor", facts->cpu_vendor);
	yyjson_mut_obj_add_arr(doc, cpu, "features");
	topology = yyjson_mut_obj_add_obj(doc, cpu, "topology");
	yyjson_mut_obj_add_int(doc, topology, "sockets", facts->sockets);
	yyjson_mut_obj_add_int(doc, topology, "cores", facts->cores);
	yyjson_mut_obj_add_int(doc, topology, "threads", facts->threads);
}

/* Asked once libvirt answers, and kept: libvirtd going away for a moment does not change what the host is. */
static void hypervisor_facts(struct world_hypervisor *facts)
{
	static struct world_hypervisor known_facts;
	struct error err;

	if (world->hypervisor(facts, &err))
		known_facts = *facts;
	*facts = known_facts;
}

/* How guests that run come here. */
static void add_migration(const struct agent_settings *settings, yyjson_mut_doc *doc, yyjson_mut_val *root)
{
	yyjson_mut_val *object = yyjson_mut_obj_add_obj(doc, root, "migration");
	char cpus[CPU_SET_TEXT_SIZE];

	if (*settings->migration.address)
		yyjson_mut_obj_add_str(doc, object, "address", settings->migration.address);
	yyjson_mut_obj_add_str(doc, object, "folder", settings->folders.instances);
	if (!cpu_set_is_empty(&settings->cpu_shared_set))
		yyjson_mut_obj_add_strcpy(doc, object, "cpus",
					  cpu_set_format(&settings->cpu_shared_set, cpus));
}

static void add_facts(const struct agent_settings *settings, const struct host_facts *facts,
		      yyjson_mut_doc *doc, yyjson_mut_val *root)
{
	struct world_hypervisor hypervisor;
	yyjson_mut_val *object;

	hypervisor_facts(&hypervisor);
	yyjson_mut_obj_add_int(doc, root, "version", 1);
	object = yyjson_mut_obj_add_obj(doc, root, "hypervisor");
	yyjson_mut_obj_add_str(doc, object, "type", "QEMU");
	yyjson_mut_obj_add_int(doc, object, "version", hypervisor.version);
	yyjson_mut_obj_add_str(doc, object, "accelerator", hypervisor.kvm ? "kvm" : "tcg");
	yyjson_mut_obj_add_str(doc, root, "availability_zone", settings->availability_zone);
	add_cpu(facts, doc, root);
	yyjson_mut_obj_add_int(doc, root, "vcpus", facts->vcpus);
	yyjson_mut_obj_add_int(doc, root, "memory_mb", facts->memory_mb);
	yyjson_mut_obj_add_int(doc, root, "disk_gb", facts->disk_gb);
	yyjson_mut_obj_add_int(doc, root, "reserved_memory_mb", settings->reserved_memory_mb);
	yyjson_mut_obj_add_bool(doc, root, "report_in_placement", settings->report_in_placement);
	yyjson_mut_obj_add_str(doc, root, "iommu_group_mates", groups_mode());
	add_migration(settings, doc, root);
	add_cells(settings, facts, doc, root);
}

/* Tells this life of the agent from others. */
static int64_t started_at(void)
{
	static int64_t at;

	if (!at)
		at = sys_now();
	return at;
}

char *report_inventory(const struct agent_settings *settings, struct error *err)
{
	_cleanup_free_ struct pci_device *devices = NULL;
	struct host_facts facts;
	yyjson_mut_val *root, *nic;
	size_t count;

	if (!inventory_devices(&devices, &count, err) || !inventory_host(settings->state_dir, &facts, err))
		return NULL;
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	root = yyjson_mut_obj(doc);
	yyjson_mut_doc_set_root(doc, root);
	add_facts(settings, &facts, doc, root);
	pthread_mutex_lock(&known_lock);
	known_update(settings, devices, count);
	int64_t held = add_devices(doc, yyjson_mut_obj_add_arr(doc, root, "devices"));
	nic = yyjson_mut_obj_add_obj(doc, root, "nic_agent");
	add_mappings(settings, doc, yyjson_mut_obj_add_obj(doc, nic, "device_mappings"));
	yyjson_mut_obj_add_int(doc, nic, "devices", held);
	bandwidths_tell(settings, doc, nic);
	capabilities_tell(doc, nic);
	yyjson_mut_obj_add_int(doc, nic, "started", started_at());
	char *text = yyjson_mut_write(doc, 0, NULL);
	pthread_mutex_unlock(&known_lock);
	yyjson_mut_doc_free(doc);
	return text;
}

void report_keep(const struct agent_settings *settings, const char *inventory)
{
	_cleanup_free_ char *path = memory_printf("%s/inventory.json", settings->state_dir);
	struct error err;

	if (!file_write(path, inventory, FILE_WHOLE, &err))
		log_warning("%s", err.message);
}
