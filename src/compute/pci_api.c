/* GET /os-pci, /os-pci/detail and /os-pci/{id}: Nova's former extension, with the health of each device. */
#include "compute/service.h"
#include "scheduler/device_list.h"

#include <string.h>

enum view { VIEW_INDEX, VIEW_DETAIL };

/* A number, as Nova's, that says which device of which host it is. */
static int64_t device_number(const struct scheduler_device *device)
{
	pci_address address = 0;

	pci_address_parse(device->address, &address);
	return device->host_number << 32 | address;
}

static void detail_view(const struct scheduler_device *device, yyjson_mut_doc *doc, yyjson_mut_val *object)
{
	char label[24], name[24];

	snprintf(label, sizeof label, "label_%s_%s", device->vendor_id, device->product_id);
	snprintf(name, sizeof name, "pci_%s", device->address);
	for (char *at = name; *at; at++)
		*at = *at == ':' || *at == '.' ? '_' : *at;
	compute_add_text(doc, object, "dev_id", name);
	compute_add_text(doc, object, "dev_type", device->type);
	compute_add_text(doc, object, "label", label);
	compute_add_text(doc, object, "parent_addr", *device->parent ? device->parent : NULL);
	compute_add_text(doc, object, "physical_network",
			 *device->physical_network ? device->physical_network : NULL);
	if (device->numa_node >= 0)
		yyjson_mut_obj_add_int(doc, object, "numa_node", device->numa_node);
	else
		yyjson_mut_obj_add_null(doc, object, "numa_node");
	compute_add_text(doc, object, "server_uuid", *device->server_id ? device->server_id : NULL);
	compute_add_text(doc, object, "hypervisor_hostname", device->host_name);
	compute_add_text(doc, object, "health", device->health);
}

static void device_view(const struct http_request *request, const struct scheduler_device *device,
			enum view view, yyjson_mut_doc *doc, yyjson_mut_val *object)
{
	yyjson_mut_obj_add_int(doc, object, "id", device_number(device));
	compute_add_text(doc, object, "address", device->address);
	if (request->microversion >= 2053)
		compute_add_text(doc, object, "compute_node_id", device->host_id);
	else
		yyjson_mut_obj_add_int(doc, object, "compute_node_id", device->host_number);
	compute_add_text(doc, object, "vendor_id", device->vendor_id);
	compute_add_text(doc, object, "product_id", device->product_id);
	yyjson_mut_obj_add_str(doc, object, "status", device->status);
	if (view == VIEW_DETAIL)
		detail_view(device, doc, object);
}

static bool devices_list(struct http_request *request, struct http_response *response, enum view view,
			 struct error *err)
{
	_cleanup_free_ struct scheduler_device *devices = NULL;
	size_t count;

	if (!scheduler_devices(request->db, &devices, &count, err))
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "pci_devices");
	for (size_t i = 0; i < count; i++)
		device_view(request, &devices[i], view, response->json,
			    yyjson_mut_arr_add_obj(response->json, list));
	return true;
}

static bool devices_index(struct http_request *request, struct http_response *response, struct error *err)
{
	return devices_list(request, response, VIEW_INDEX, err);
}

static bool devices_detail(struct http_request *request, struct http_response *response, struct error *err)
{
	return devices_list(request, response, VIEW_DETAIL, err);
}

static bool device_show(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_free_ struct scheduler_device *devices = NULL;
	size_t count;
	int64_t number;

	if (!scheduler_devices(request->db, &devices, &count, err))
		return false;
	if (!text_to_int64(request->params[0], 0, INT64_MAX, &number))
		number = -1;
	for (size_t i = 0; i < count; i++) {
		if (device_number(&devices[i]) != number)
			continue;
		yyjson_mut_val *root = http_json_object(response, 200);
		device_view(request, &devices[i], VIEW_DETAIL, response->json,
			    yyjson_mut_obj_add_obj(response->json, root, "pci_device"));
		return true;
	}
	return error_set(err, ERROR_NOT_FOUND, "PCI device %.64s not found", request->params[0]);
}

static const struct http_route routes[] = {
	{HTTP_GET, "/os-pci", devices_index, HTTP_READ, .flags = POLICY_PCI},
	{HTTP_GET, "/os-pci/detail", devices_detail, HTTP_READ, .flags = POLICY_PCI_DETAIL},
	{HTTP_GET, "/os-pci/{id}", device_show, HTTP_READ, .flags = POLICY_PCI_SHOW},
};

const struct compute_routes pci_routes = {routes, ELEMENTS_OF(routes)};
