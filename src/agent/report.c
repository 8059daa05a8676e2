/* Making the inventory. */
#include "agent/report.h"

#include "agent/vf.h"
#include "agent/vm.h"
#include "base/log.h"
#include "base/memory.h"

#include <pthread.h>
#include <string.h>

/* A PF that a guest has shows no network device, and its VFs are gone: what was known of devices stays known,
 * by address, so that names keep selecting them (Nova forgets). */
static pthread_mutex_t known_lock = PTHREAD_MUTEX_INITIALIZER;
static struct known_device {
	struct pci_device device;
	bool offered, seen;
} * known;
static size_t known_count;

static struct known_device *known_find(const char *address)
{
	for (size_t i = 0; i < known_count; i++) {
		if (strcmp(known[i].device.address, address) == 0)
			return &known[i];
	}
	return NULL;
}

bool report_offers(const char *address)
{
	pthread_mutex_lock(&known_lock);
	const struct known_device *device = known_find(address);
	bool offered = device && device->offered;
	pthread_mutex_unlock(&known_lock);
	return offered;
}

void report_remember(const char *address, const char *netdev)
{
	pthread_mutex_lock(&known_lock);
	if (!known_find(address)) {
		struct known_device *device = ARRAY_ADD(known, known_count);

		snprintf(device->device.address, sizeof device->device.address, "%.15s", address);
		snprintf(device->device.netdev, sizeof device->device.netdev, "%.15s", netdev);
	}
	pthread_mutex_unlock(&known_lock);
}

/* Takes the new look over, but keeps name and address of a NIC that is with a guest. */
static void known_update(const struct pci_device *devices, size_t count)
{
	for (size_t i = 0; i < known_count; i++)
		known[i].seen = false;
	for (size_t i = 0; i < count; i++) {
		struct known_device *old = known_find(devices[i].address);
		struct pci_device fresh = devices[i];

		if (!old)
			old = ARRAY_ADD(known, known_count);
		if (strcmp(fresh.driver, "vfio-pci") == 0 && *old->device.netdev) {
			memcpy(fresh.netdev, old->device.netdev, sizeof fresh.netdev);
			memcpy(fresh.mac_address, old->device.mac_address, sizeof fresh.mac_address);
			fresh.numvfs = old->device.numvfs;
		}
		old->device = fresh;
		old->seen = true;
	}
}

static const struct device_spec *spec_of(const struct agent_settings *settings,
					 const struct pci_device *device)
{
	const struct known_device *pf = *device->parent ? known_find(device->parent) : NULL;

	return device_spec_find(settings->specs, settings->spec_count,
				&(struct device_spec_device){.address = device->address,
							     .vendor_id = device->vendor_id,
							     .product_id = device->product_id,
							     .parent = device->parent,
							     .netdev = pf ? pf->device.netdev
									  : device->netdev});
}

static void add_or_null(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, const char *text)
{
	if (*text)
		yyjson_mut_obj_add_strcpy(doc, object, name, text);
	else
		yyjson_mut_obj_add_null(doc, object, name);
}

static void add_device(yyjson_mut_doc *doc, yyjson_mut_val *list, const struct pci_device *d,
		       const struct device_spec *spec)
{
	yyjson_mut_val *object = yyjson_mut_arr_add_obj(doc, list);
	yyjson_doc *tags = spec ? yyjson_read(spec->tags, strlen(spec->tags), 0) : NULL;

	yyjson_mut_obj_add_strcpy(doc, object, "address", d->address);
	yyjson_mut_obj_add_strcpy(doc, object, "vendor_id", d->vendor_id);
	yyjson_mut_obj_add_strcpy(doc, object, "product_id", d->product_id);
	yyjson_mut_obj_add_strcpy(doc, object, "class", d->class_code);
	yyjson_mut_obj_add_strcpy(doc, object, "type", d->type);
	add_or_null(doc, object, "parent", d->parent);
	yyjson_mut_obj_add_int(doc, object, "vf_index", d->vf_index);
	yyjson_mut_obj_add_int(doc, object, "numa_node", d->numa_node);
	yyjson_mut_obj_add_int(doc, object, "iommu_group", d->iommu_group);
	yyjson_mut_obj_add_strcpy(doc, object, "driver", d->driver);
	add_or_null(doc, object, "netdev", d->netdev);
	add_or_null(doc, object, "mac_address", d->mac_address);
	yyjson_mut_obj_add_int(doc, object, "numvfs", d->numvfs);
	yyjson_mut_obj_add_int(doc, object, "totalvfs", d->totalvfs);
	yyjson_mut_obj_add_bool(doc, object, "offered", spec != NULL);
	add_or_null(doc, object, "physical_network", spec ? spec->physical_network : "");
	yyjson_mut_obj_add_val(doc, object, "tags",
			       tags ? yyjson_val_mut_copy(doc, yyjson_doc_get_root(tags))
				    : yyjson_mut_obj(doc));
	yyjson_mut_obj_add_str(doc, object, "health",
			       d->iommu_group < 0 ? "the device is in no IOMMU group: the IOMMU is off"
						  : "ok");
	yyjson_doc_free(tags);
}

/* Devices that a spec selects, and PFs of selected VFs. */
static size_t add_devices(const struct agent_settings *settings, yyjson_mut_doc *doc, yyjson_mut_val *list)
{
	size_t held = 0;

	for (size_t i = 0; i < known_count; i++) {
		const struct device_spec *spec = spec_of(settings, &known[i].device);
		bool parent_of_offered = false;

		known[i].offered = spec && known[i].seen;
		if (!known[i].seen)
			continue;
		for (size_t k = 0; !spec && k < known_count; k++)
			parent_of_offered |= strcmp(known[k].device.parent, known[i].device.address) == 0 &&
					     spec_of(settings, &known[k].device);
		if (spec || parent_of_offered)
			add_device(doc, list, &known[i].device, spec);
		held += strcmp(known[i].device.type, "type-VF") == 0 &&
			strcmp(known[i].device.driver, "vfio-pci") == 0;
	}
	return held;
}

/* Which PFs carry which physical network, as the NIC agent's device_mappings. */
static void add_mappings(const struct agent_settings *settings, yyjson_mut_doc *doc, yyjson_mut_val *mappings)
{
	for (size_t i = 0; i < known_count; i++) {
		const struct pci_device *d = &known[i].device;
		const struct device_spec *spec = spec_of(settings, d);
		yyjson_mut_val *list;

		if (!known[i].seen || strcmp(d->type, "type-PF") != 0 || !spec || !*spec->physical_network ||
		    !*d->netdev)
			continue;
		list = yyjson_mut_obj_get(mappings, spec->physical_network);
		if (!list) {
			list = yyjson_mut_arr(doc);
			yyjson_mut_obj_add(mappings, yyjson_mut_strcpy(doc, spec->physical_network), list);
		}
		yyjson_mut_arr_add_strcpy(doc, list, d->netdev);
	}
}

static void add_facts(const struct agent_settings *settings, const struct host_facts *facts,
		      yyjson_mut_doc *doc, yyjson_mut_val *root)
{
	yyjson_mut_val *object;
	int64_t version = vm_version();

	yyjson_mut_obj_add_int(doc, root, "version", 1);
	object = yyjson_mut_obj_add_obj(doc, root, "hypervisor");
	yyjson_mut_obj_add_str(doc, object, "type", "QEMU");
	yyjson_mut_obj_add_int(doc, object, "version", version);
	yyjson_mut_obj_add_str(doc, root, "availability_zone", "nova");
	object = yyjson_mut_obj_add_obj(doc, root, "cpu");
	yyjson_mut_obj_add_str(doc, object, "arch", "x86_64");
	yyjson_mut_obj_add_strcpy(doc, object, "model", facts->cpu_model);
	yyjson_mut_obj_add_strcpy(doc, object, "vendor", facts->cpu_vendor);
	yyjson_mut_obj_add_arr(doc, object, "features");
	object = yyjson_mut_obj_add_obj(doc, object, "topology");
	yyjson_mut_obj_add_int(doc, object, "sockets", facts->sockets);
	yyjson_mut_obj_add_int(doc, object, "cores", facts->cores);
	yyjson_mut_obj_add_int(doc, object, "threads", facts->threads);
	yyjson_mut_obj_add_int(doc, root, "vcpus", facts->vcpus);
	yyjson_mut_obj_add_int(doc, root, "memory_mb", facts->memory_mb);
	yyjson_mut_obj_add_int(doc, root, "disk_gb", facts->disk_gb);
	yyjson_mut_obj_add_int(doc, root, "reserved_memory_mb", settings->reserved_memory_mb);
	object = yyjson_mut_obj_add_arr(doc, root, "cells");
	for (int i = 0; i < facts->cell_count; i++) {
		yyjson_mut_val *cell = yyjson_mut_arr_add_obj(doc, object);

		yyjson_mut_obj_add_int(doc, cell, "id", facts->cells[i].id);
		yyjson_mut_obj_add_strcpy(doc, cell, "cpus", facts->cells[i].cpus);
		yyjson_mut_obj_add_int(doc, cell, "memory_mb", facts->cells[i].memory_mb);
	}
}

char *report_inventory(const struct agent_settings *settings, struct error *err)
{
	_cleanup_free_ struct pci_device *devices = NULL;
	struct host_facts facts;
	yyjson_mut_val *root, *nic;
	size_t count, held;

	if (!inventory_devices("", &devices, &count, err) ||
	    !inventory_host("", settings->state_dir, &facts, err))
		return NULL;
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	root = yyjson_mut_obj(doc);
	yyjson_mut_doc_set_root(doc, root);
	add_facts(settings, &facts, doc, root);
	pthread_mutex_lock(&known_lock);
	known_update(devices, count);
	held = add_devices(settings, doc, yyjson_mut_obj_add_arr(doc, root, "devices"));
	nic = yyjson_mut_obj_add_obj(doc, root, "nic_agent");
	add_mappings(settings, doc, yyjson_mut_obj_add_obj(doc, nic, "device_mappings"));
	pthread_mutex_unlock(&known_lock);
	yyjson_mut_obj_add_int(doc, nic, "devices", (int64_t)held);
	char *text = yyjson_mut_write(doc, 0, NULL);
	yyjson_mut_doc_free(doc);
	return text;
}

void report_raise_pfs(void)
{
	struct error err;
	bool up;

	pthread_mutex_lock(&known_lock);
	for (size_t i = 0; i < known_count; i++) {
		const struct pci_device *d = &known[i].device;

		if (!known[i].seen || strcmp(d->type, "type-PF") != 0 || !known[i].offered || !*d->netdev ||
		    strcmp(d->driver, "vfio-pci") == 0 || !netdev_is_up(d->netdev, &up, &err) || up)
			continue;
		if (netdev_set_up(d->netdev, true, &err))
			log_info("%s was down: brought up", d->netdev);
		else
			log_warning("%s", err.message);
	}
	pthread_mutex_unlock(&known_lock);
}
