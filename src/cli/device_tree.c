/* Looking at the devices of this host, with the agent's own rules and without the agent. */
#include "cli/device_tree.h"

#include "agent/groups.h"
#include "agent/report.h"
#include "agent/world.h"
#include "base/memory.h"
#include "cli/pci_names.h"
#include "cli/slow_lines.h"

#include <string.h>

const char *device_state_text(enum device_state state)
{
#define DEVICE_STATE_TEXT(name, text) text,
	static const char *const texts[] = {DEVICE_STATES(DEVICE_STATE_TEXT)};
#undef DEVICE_STATE_TEXT

	return texts[state];
}

static bool is_type(const struct tree_device *device, const char *type)
{
	return strcmp(device->known->device.type, type) == 0;
}

/* --- which devices --- */

/* With names that they had before guests got them, so that device specs with a devname select them. */
static bool known_read(const struct agent_settings *settings, const struct device_owners *owners,
		       struct error *err)
{
	_cleanup_free_ struct pci_device *devices = NULL;
	size_t count;

	if (!inventory_devices(&devices, &count, err))
		return false;
	free(known);
	known = NULL;
	known_count = 0;
	groups_configure(settings->grant_mates);
	for (size_t i = 0; i < owners->owner_count; i++)
		report_remember(owners->owners[i].address, owners->owners[i].netdev);
	known_update(settings, devices, count);
	return true;
}

static bool is_excluded(const struct agent_settings *settings, const char *address)
{
	for (size_t i = 0; i < settings->excluded_count; i++) {
		if (strcmp(settings->excluded[i].address, address) == 0)
			return true;
	}
	return false;
}

/* A device that a server has is shown even if it is not there any more. */
static bool is_wanted(const struct device_tree *tree, const struct tree_wish *wish,
		      const struct known_device *device)
{
	const char *address = device->device.address;

	return device_owner_find(&tree->owners, address) || device_quarantine_find(&tree->owners, address) ||
	       (device->seen && (wish->all || device->spec || device->carries));
}

static void device_add(const struct agent_settings *settings, struct device_tree *tree,
		       struct known_device *device)
{
	struct tree_device *added = ARRAY_ADD(tree->devices, tree->count);
	const struct device_owner *owner = device_owner_find(&tree->owners, device->device.address);

	if (!device->seen && owner) {
		snprintf(device->device.parent, sizeof device->device.parent, "%s", owner->parent);
		device->device.vf_index = device->device.iommu_group = device->device.numa_node = -1;
	}
	added->known = device;
	added->owner = owner;
	added->excluded = is_excluded(settings, device->device.address);
	added->up = added->numvfs = -1;
}

static int by_number(const void *a, const void *b)
{
	const struct pci_device *one = &(*(struct known_device *const *)a)->device,
				*other = &(*(struct known_device *const *)b)->device;

	return one->vf_index != other->vf_index ? (one->vf_index > other->vf_index ? 1 : -1)
						: strcmp(one->address, other->address);
}

/* The VFs that go under a PF: all of them. */
static void add_vfs(const struct agent_settings *settings, struct device_tree *tree, const char *pf)
{
	struct known_device **vfs = NULL;
	size_t count = 0;

	for (size_t i = 0; i < known_count; i++) {
		const char *address = known[i].device.address;

		if (strcmp(known[i].device.parent, pf) == 0 &&
		    (known[i].seen || device_owner_find(&tree->owners, address)))
			*ARRAY_ADD(vfs, count) = &known[i];
	}
	if (count)
		qsort(vfs, count, sizeof *vfs, by_number);
	for (size_t i = 0; i < count; i++)
		device_add(settings, tree, vfs[i]);
	free(vfs);
}

/* Is the PF shown, or is it not there? */
static bool is_below(const struct known_device *device)
{
	return *device->device.parent && known_find(device->device.parent);
}

static bool has_wanted_vf(const struct device_tree *tree, const struct tree_wish *wish, const char *pf)
{
	for (size_t i = 0; i < known_count; i++) {
		if (strcmp(known[i].device.parent, pf) == 0 && is_wanted(tree, wish, &known[i]))
			return true;
	}
	return false;
}

static void devices_add(const struct agent_settings *settings, const struct tree_wish *wish,
			struct device_tree *tree)
{
	for (size_t i = 0; i < known_count; i++) {
		const char *address = known[i].device.address;

		if (is_below(&known[i]) ||
		    (!is_wanted(tree, wish, &known[i]) && !has_wanted_vf(tree, wish, address)))
			continue;
		device_add(settings, tree, &known[i]);
		add_vfs(settings, tree, address);
	}
}

/* --- what there is to say of them --- */

static void read_netdev(struct tree_device *device)
{
	char path[128], line[32];
	unsigned flags;

	if (!device->known->seen || !*device->known->device.netdev)
		return;
	snprintf(path, sizeof path, "/sys/class/net/%s/flags", device->known->device.netdev);
	world_line(path, line, sizeof line);
	if (sscanf(line, "0x%x", &flags) == 1)
		device->up = flags & 1; /* IFF_UP */
}

static void read_numvfs(struct device_tree *tree, int deadline_ms)
{
	_cleanup_free_ struct slow_line *lines = memory_alloc((tree->count + 1) * sizeof *lines);
	size_t count = 0;

	for (size_t i = 0; i < tree->count; i++) {
		if (is_type(&tree->devices[i], "type-PF"))
			snprintf(lines[count++].path, sizeof lines->path,
				 "/sys/bus/pci/devices/%.15s/sriov_numvfs",
				 tree->devices[i].known->device.address);
	}
	slow_lines_read(lines, count, deadline_ms);
	count = 0;
	for (size_t i = 0; i < tree->count; i++) {
		int64_t number;

		if (is_type(&tree->devices[i], "type-PF") &&
		    text_to_int64(lines[count++].line, 0, INT32_MAX, &number))
			tree->devices[i].numvfs = (int)number;
	}
}

/* Hundreds of VFs have the same one. */
static void read_names(struct device_tree *tree)
{
	struct pci_names *names = pci_names_read();

	for (size_t i = 0; i < tree->count; i++) {
		struct tree_device *device = &tree->devices[i], *before = i ? device - 1 : NULL;
		const struct pci_device *d = &device->known->device;

		if (before &&
		    memcmp(&before->known->device.vendor_id, &d->vendor_id, sizeof d->vendor_id) == 0 &&
		    memcmp(&before->known->device.product_id, &d->product_id, sizeof d->product_id) == 0 &&
		    memcmp(&before->known->device.class_code, &d->class_code, sizeof d->class_code) == 0) {
			device->vendor = memory_copy_text(before->vendor);
			device->product = memory_copy_text(before->product);
			device->class_name = memory_copy_text(before->class_name);
			continue;
		}
		device->vendor = pci_names_vendor(names, d->vendor_id);
		device->product = pci_names_product(names, d->vendor_id, d->product_id);
		device->class_name = pci_names_class(names, d->class_code);
	}
	pci_names_free(names);
}

static void network_add(char ***names, size_t *count, const char *name)
{
	for (size_t i = 0; i < *count; i++) {
		if (strcmp((*names)[i], name) == 0)
			return;
	}
	if (*name)
		*ARRAY_ADD(*names, *count) = memory_copy_text(name);
}

/* Of a device its spec's; of a PF those of its VFs and of physical_device_mappings as well. */
static void read_networks(const struct agent_settings *settings, struct tree_device *device)
{
	const struct pci_device *d = &device->known->device;
	size_t count = 0;

	if (device->known->spec)
		network_add(&device->physical_networks, &count, device->known->spec->physical_network);
	for (size_t i = 0; *d->netdev && !*d->parent && i < settings->mapping_count; i++) {
		if (strcmp(settings->mappings[i].netdev, d->netdev) == 0)
			network_add(&device->physical_networks, &count,
				    settings->mappings[i].physical_network);
	}
	for (size_t i = 0; i < known_count; i++) {
		if (known[i].spec && strcmp(known[i].device.parent, d->address) == 0)
			network_add(&device->physical_networks, &count, known[i].spec->physical_network);
	}
	*ARRAY_ADD(device->physical_networks, count) = NULL;
}

/* --- states --- */

static bool has_host_driver(const struct pci_device *device)
{
	return *device->driver && !strstr(device->driver, "vfio") && strcmp(device->driver, "pci-stub") != 0;
}

/* A PF goes only while none of its VFs is taken, and its VFs only while it is not. */
static bool is_kept_by_its_card(const struct device_tree *tree, struct tree_device *device)
{
	const struct pci_device *d = &device->known->device;
	int taken = 0;

	for (size_t i = 0; i < tree->owners.owner_count; i++)
		taken += strcmp(tree->owners.owners[i].parent, d->address) == 0;
	if (taken > 0)
		snprintf(device->reason, sizeof device->reason, "%d of its VFs %s taken", taken,
			 taken == 1 ? "is" : "are");
	else if (*d->parent && device_owner_find(&tree->owners, d->parent))
		snprintf(device->reason, sizeof device->reason, "its PF %s is taken", d->parent);
	return *device->reason != '\0';
}

static enum device_state state_of_offered(const struct device_tree *tree, struct tree_device *device,
					  const struct groups_index *groups)
{
	char text[REPORT_HEALTH_SIZE];
	const char *health = report_health(device->known, groups, text);

	if (strcmp(health, "ok") != 0) {
		snprintf(device->reason, sizeof device->reason, "%s", health);
		return DEVICE_UNAVAILABLE;
	}
	if (is_kept_by_its_card(tree, device))
		return DEVICE_UNAVAILABLE;
	return tree->owners.all_seen ? DEVICE_FREE : DEVICE_UNKNOWN;
}

static enum device_state state_of(const struct device_tree *tree, struct tree_device *device,
				  const struct groups_index *groups)
{
	const struct device_quarantine *quarantine =
		device_quarantine_find(&tree->owners, device->known->device.address);

	if (quarantine) {
		snprintf(device->reason, sizeof device->reason, "%s", quarantine->reason);
		snprintf(device->since, sizeof device->since, "%s", quarantine->since);
		return DEVICE_QUARANTINED;
	}
	if (device->owner && !device->known->seen)
		snprintf(device->reason, sizeof device->reason, "it is not on this host any more");
	if (device->owner)
		return DEVICE_TAKEN;
	if (device->known->spec)
		return state_of_offered(tree, device, groups);
	return has_host_driver(&device->known->device) || device->excluded ? DEVICE_HOST : DEVICE_NOT_OFFERED;
}

bool device_tree_look(const struct agent_settings *settings, const struct tree_wish *wish,
		      struct device_tree *tree, struct error *err)
{
	struct groups_index groups;

	*tree = (struct device_tree){0};
	snprintf(tree->host, sizeof tree->host, "%s", settings->host);
	device_owners_read(settings, &tree->owners);
	if (!known_read(settings, &tree->owners, err))
		return false;
	devices_add(settings, wish, tree);
	groups_index_make(&groups);
	for (size_t i = 0; i < tree->count; i++) {
		read_netdev(&tree->devices[i]);
		read_networks(settings, &tree->devices[i]);
		tree->devices[i].state = state_of(tree, &tree->devices[i], &groups);
	}
	groups_index_done(&groups);
	read_names(tree);
	read_numvfs(tree, wish->deadline_ms);
	return true;
}

void device_tree_done(struct device_tree *tree)
{
	for (size_t i = 0; i < tree->count; i++) {
		free(tree->devices[i].vendor);
		free(tree->devices[i].product);
		free(tree->devices[i].class_name);
		world_list_free(tree->devices[i].physical_networks);
	}
	free(tree->devices);
	device_owners_done(&tree->owners);
	*tree = (struct device_tree){0};
}
