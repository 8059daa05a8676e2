/* The devices of a host as JSON.  Keys stay what they are; docs/host-devices.md tells of each. */
#include "base/memory.h"
#include "cli/device_tree.h"

#include <string.h>
#include <yyjson.h>

static void add_text(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, const char *text)
{
	if (text && *text)
		yyjson_mut_obj_add_str(doc, object, name, text);
	else
		yyjson_mut_obj_add_null(doc, object, name);
}

static void add_number(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, int number)
{
	if (number >= 0)
		yyjson_mut_obj_add_int(doc, object, name, number);
	else
		yyjson_mut_obj_add_null(doc, object, name);
}

static void add_what_it_is(yyjson_mut_doc *doc, yyjson_mut_val *object, const struct tree_device *device)
{
	const struct pci_device *d = &device->known->device;
	bool is_pf = strcmp(d->type, "type-PF") == 0;

	yyjson_mut_obj_add_str(doc, object, "address", d->address);
	add_text(doc, object, "type", d->type);
	add_text(doc, object, "parent", d->parent);
	add_number(doc, object, "vf_index", d->vf_index);
	add_text(doc, object, "vendor_id", d->vendor_id);
	add_text(doc, object, "product_id", d->product_id);
	add_text(doc, object, "class", d->class_code);
	add_text(doc, object, "vendor", device->vendor);
	add_text(doc, object, "product", device->product);
	add_text(doc, object, "class_name", device->class_name);
	add_number(doc, object, "numa_node", d->numa_node);
	add_number(doc, object, "iommu_group", d->iommu_group);
	add_text(doc, object, "driver", d->driver);
	add_text(doc, object, "netdev", d->netdev);
	add_text(doc, object, "mac_address", d->mac_address);
	if (device->up >= 0)
		yyjson_mut_obj_add_bool(doc, object, "up", device->up);
	else
		yyjson_mut_obj_add_null(doc, object, "up");
	add_number(doc, object, "vfs", is_pf ? d->numvfs : -1);
	add_number(doc, object, "numvfs", is_pf ? device->numvfs : -1);
	add_number(doc, object, "totalvfs", is_pf ? d->totalvfs : -1);
}

static void add_server(yyjson_mut_doc *doc, yyjson_mut_val *object, const struct device_owner *owner)
{
	yyjson_mut_val *server;

	if (!owner) {
		yyjson_mut_obj_add_null(doc, object, "server");
		return;
	}
	server = yyjson_mut_obj_add_obj(doc, object, "server");
	yyjson_mut_obj_add_str(doc, server, "id", owner->server_id);
	add_text(doc, server, "name", owner->server_name);
	add_text(doc, server, "port_id", owner->port_id);
	yyjson_mut_obj_add_bool(doc, server, "macvtap", owner->macvtap);
}

static void add_device(yyjson_mut_doc *doc, yyjson_mut_val *list, const struct tree_device *device)
{
	yyjson_mut_val *object = yyjson_mut_arr_add_obj(doc, list), *networks;

	add_what_it_is(doc, object, device);
	yyjson_mut_obj_add_bool(doc, object, "present", device->known->seen);
	yyjson_mut_obj_add_bool(doc, object, "offered", device->known->spec != NULL);
	networks = yyjson_mut_obj_add_arr(doc, object, "physical_networks");
	for (char **name = device->physical_networks; *name; name++)
		yyjson_mut_arr_add_str(doc, networks, *name);
	yyjson_mut_obj_add_str(doc, object, "state", device_state_text(device->state));
	add_text(doc, object, "reason", device->reason);
	add_text(doc, object, "since", device->since);
	add_server(doc, object, device->owner);
}

void device_tree_json(const struct device_tree *tree, struct text *out)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc), *list;

	yyjson_mut_doc_set_root(doc, root);
	yyjson_mut_obj_add_str(doc, root, "host", tree->host);
	list = yyjson_mut_obj_add_arr(doc, root, "devices");
	for (size_t i = 0; i < tree->count; i++)
		add_device(doc, list, &tree->devices[i]);
	list = yyjson_mut_obj_add_arr(doc, root, "unseen");
	for (size_t i = 0; i < tree->owners.unseen_count; i++)
		yyjson_mut_arr_add_str(doc, list, tree->owners.unseen[i]);
	_cleanup_free_ char *text =
		yyjson_mut_write(doc, YYJSON_WRITE_PRETTY_TWO_SPACES | YYJSON_WRITE_ALLOW_INVALID_UNICODE,
				 NULL);
	yyjson_mut_doc_free(doc);
	text_add(out, text);
	text_add(out, "\n");
}
