/* Looking into and checking desired servers. */
#include "agent/server.h"

#include "agent/disk.h"
#include "agent/migration.h"
#include "base/memory.h"
#include "base/text.h"
#include "pci/address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#define SIZE_LIMIT (1 << 30) /* MB of memory or GB of disk */

const char *json_text(yyjson_val *object, const char *name)
{
	const char *text = yyjson_get_str(yyjson_obj_get(object, name));

	return text ? text : "";
}

int64_t json_int(yyjson_val *object, const char *name, int64_t fallback)
{
	yyjson_val *value = yyjson_obj_get(object, name);

	return yyjson_is_int(value) ? yyjson_get_sint(value) : fallback;
}

bool json_bool(yyjson_val *object, const char *name, bool fallback)
{
	yyjson_val *value = yyjson_obj_get(object, name);

	return yyjson_is_bool(value) ? yyjson_get_bool(value) : fallback;
}

bool is_uuid(const char *text)
{
	for (int i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : !text[i] || !strchr("0123456789abcdef", text[i]))
			return false;
	}
	return text[36] == '\0';
}

bool is_pci_address(const char *text)
{
	char canonical[PCI_ADDRESS_SIZE];
	pci_address address;

	return pci_address_parse(text, &address) && strcmp(pci_address_format(address, canonical), text) == 0;
}

bool is_mac(const char *text)
{
	for (int i = 0; i < 17; i++) {
		if (!text[i] || !strchr(i % 3 == 2 ? ":" : "0123456789abcdef", text[i]))
			return false;
	}
	return text[17] == '\0';
}

static bool is_ip(const char *text)
{
	unsigned char bytes[16];

	return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

static bool is_cidr(const char *text)
{
	const char *slash = strchr(text, '/');
	char address[INET6_ADDRSTRLEN];
	int64_t prefix;

	if (!slash || (size_t)(slash - text) >= sizeof address)
		return false;
	snprintf(address, sizeof address, "%.*s", (int)(slash - text), text);
	return is_ip(address) && text_to_int64(slash + 1, 0, strchr(address, ':') ? 128 : 32, &prefix);
}

static bool bad(struct error *err, const char *what)
{
	return error_set(err, ERROR_BAD_REQUEST, "the controller sent a server with a bad %s", what);
}

static bool device_check(yyjson_val *device, struct error *err)
{
	const char *parent = json_text(device, "parent");

	return (is_pci_address(json_text(device, "address")) && (!*parent || is_pci_address(parent))) ||
	       bad(err, "device address");
}

static bool image_check(yyjson_val *image, struct error *err)
{
	const char *format = json_text(image, "disk_format");

	if (!image || yyjson_is_null(image))
		return true;
	if (!is_uuid(json_text(image, "id")) || strlen(json_text(image, "sha512")) != 128 ||
	    strspn(json_text(image, "sha512"), "0123456789abcdef") != 128)
		return bad(err, "image");
	return strcmp(format, "raw") == 0 || strcmp(format, "qcow2") == 0 || strcmp(format, "ami") == 0 ||
	       strcmp(format, "aki") == 0 || strcmp(format, "ari") == 0 ||
	       error_set(err, ERROR_BAD_REQUEST, "disk format %.20s is not built: use raw or qcow2", format);
}

static bool subnet_check(yyjson_val *subnet, struct error *err)
{
	const char *gateway = json_text(subnet, "gateway_ip");
	yyjson_val *item;
	size_t i, max;

	if (!is_uuid(json_text(subnet, "id")) || !is_cidr(json_text(subnet, "cidr")) ||
	    (*gateway && !is_ip(gateway)))
		return bad(err, "subnet");
	yyjson_arr_foreach (yyjson_obj_get(subnet, "dns_nameservers"), i, max, item) {
		if (!yyjson_is_str(item) || !is_ip(yyjson_get_str(item)))
			return bad(err, "name server");
	}
	yyjson_arr_foreach (yyjson_obj_get(subnet, "host_routes"), i, max, item) {
		if (!is_cidr(json_text(item, "destination")) || !is_ip(json_text(item, "nexthop")))
			return bad(err, "host route");
	}
	return true;
}

static bool network_check(yyjson_val *network, struct error *err)
{
	yyjson_val *subnet;
	size_t i, max;

	if (!is_uuid(json_text(network, "id")))
		return bad(err, "network");
	yyjson_arr_foreach (yyjson_obj_get(network, "subnets"), i, max, subnet) {
		if (!subnet_check(subnet, err))
			return false;
	}
	return true;
}

/* Rates that are none, or that the kernel can take. */
static bool qos_check(yyjson_val *qos, struct error *err)
{
	int64_t max = json_int(qos, "max_kbps", 0), min = json_int(qos, "min_kbps", 0);

	return (max >= 0 && max <= INT32_MAX && min >= 0 && min <= INT32_MAX) || bad(err, "rate");
}

static bool port_check(yyjson_val *port, struct error *err)
{
	yyjson_val *device = yyjson_obj_get(port, "device"), *ip;
	int64_t vlan = json_int(port, "vlan", 0), mtu = json_int(port, "mtu", 1500),
		index = json_int(port, "index", 0);
	size_t i, max;

	if (!is_uuid(json_text(port, "id")) || !is_mac(json_text(port, "mac_address")) || vlan < 0 ||
	    vlan > 4094 || mtu < 68 || mtu > 65535 || index < 0 || index >= SERVER_PORTS_MAX)
		return bad(err, "port");
	yyjson_arr_foreach (yyjson_obj_get(port, "fixed_ips"), i, max, ip) {
		if (!is_ip(json_text(ip, "ip_address")))
			return bad(err, "IP address");
	}
	return qos_check(yyjson_obj_get(port, "qos"), err) &&
	       network_check(yyjson_obj_get(port, "network"), err) &&
	       (!device || yyjson_is_null(device) || device_check(device, err));
}

static bool numa_check(yyjson_val *numa, int64_t vcpus, struct error *err)
{
	_cleanup_free_ struct numa_placement *placement = memory_alloc(sizeof *placement);

	if (!numa || yyjson_is_null(numa))
		return true;
	return (numa_placement_read(numa, placement, err) && placement->vcpus == vcpus) ||
	       bad(err, "NUMA placement");
}

struct numa_placement *server_placement(yyjson_val *server)
{
	struct numa_placement *placement = memory_alloc(sizeof *placement);
	struct error err;

	if (!numa_placement_read(yyjson_obj_get(server, "numa"), placement, &err))
		placement->cell_count = 0;
	return placement;
}

static bool is_want(const char *want)
{
	static const char *const wants[] = {"running", "stopped", "paused",  "suspended",
					    "leaving", "staying", "arrived", "incoming"};

	for (size_t i = 0; i < ELEMENTS_OF(wants); i++) {
		if (strcmp(wants[i], want) == 0)
			return true;
	}
	return false;
}

static bool is_folder(const char *path)
{
	for (const char *at = path; *at; at++) {
		if (iscntrl((unsigned char)*at))
			return false;
	}
	return *path == '/' && strlen(path) < 256 && !strstr(path, "/../");
}

/* Where the guest goes to (want leaving), or what comes along with it (want incoming). */
static bool migration_check(yyjson_val *server, struct error *err)
{
	yyjson_val *migration = yyjson_obj_get(server, "migration"), *item;
	const char *want = json_text(server, "want"), *cpus = json_text(migration, "cpus");
	int64_t bytes = json_int(migration, "disk_bytes", 0);
	size_t i, max;

	if (strcmp(want, "incoming") == 0)
		return (bytes > 0 && bytes <= (int64_t)SIZE_LIMIT << 30) || bad(err, "size of a disk");
	if (strcmp(want, "leaving") != 0)
		return true;
	if (!migration_address_check(json_text(migration, "address")) ||
	    !is_folder(json_text(migration, "folder")) || cpus[strspn(cpus, "0123456789,-^")])
		return bad(err, "host that it is to go to");
	yyjson_arr_foreach (yyjson_obj_get(migration, "devices"), i, max, item) {
		if (!yyjson_is_str(item) || !is_pci_address(yyjson_get_str(item)))
			return bad(err, "device address");
	}
	return numa_check(yyjson_obj_get(migration, "numa"), json_int(server, "vcpus", 0), err);
}

bool server_check(yyjson_val *server, struct error *err)
{
	const char *want = json_text(server, "want"), *name = json_text(server, "instance_name");
	yyjson_val *item;
	size_t i, max;

	if (!is_uuid(json_text(server, "id")) || json_int(server, "generation", -1) < 0)
		return bad(err, "id or generation");
	if (strcmp(want, "absent") == 0 || strcmp(want, "kept") == 0)
		return true;
	if (!is_want(want))
		return bad(err, "want");
	if (!*name || strlen(name) > 63 || name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")])
		return bad(err, "instance_name");
	if (json_int(server, "vcpus", 0) < 1 || json_int(server, "vcpus", 0) > 4096 ||
	    json_int(server, "memory_mb", 0) < 1 || json_int(server, "memory_mb", 0) > SIZE_LIMIT ||
	    json_int(server, "disk_gb", -1) < 0 || json_int(server, "disk_gb", 0) > SIZE_LIMIT)
		return bad(err, "size");
	if (yyjson_arr_size(yyjson_obj_get(server, "ports")) > SERVER_PORTS_MAX ||
	    yyjson_arr_size(yyjson_obj_get(server, "devices")) > SERVER_DEVICES_MAX)
		return bad(err, "number of ports or devices");
	yyjson_arr_foreach (yyjson_obj_get(server, "ports"), i, max, item) {
		if (!port_check(item, err))
			return false;
	}
	yyjson_arr_foreach (yyjson_obj_get(server, "devices"), i, max, item) {
		if (!device_check(item, err))
			return false;
	}
	return disk_check(yyjson_obj_get(server, "disk"), err) && migration_check(server, err) &&
	       image_check(yyjson_obj_get(yyjson_obj_get(server, "disk"), "fetch"), err) &&
	       numa_check(yyjson_obj_get(server, "numa"), json_int(server, "vcpus", 0), err) &&
	       image_check(yyjson_obj_get(server, "image"), err) &&
	       image_check(yyjson_obj_get(server, "kernel"), err) &&
	       image_check(yyjson_obj_get(server, "ramdisk"), err);
}

void server_network_name(const char *network_id, char text[64])
{
	snprintf(text, 64, "penstock-%.36s", network_id);
}

void server_bridge_name(const char *network_id, char text[16])
{
	snprintf(text, 16, "pbr%.11s", network_id);
}

int server_guest_bus(yyjson_val *port)
{
	return 2 + (int)json_int(port, "index", 0);
}

bool server_port_absent(yyjson_val *port)
{
	return strcmp(json_text(port, "want"), "absent") == 0;
}

yyjson_doc *server_without_absent(yyjson_val *server)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *copy = yyjson_val_mut_copy(doc, server), *ports = yyjson_mut_arr(doc);
	yyjson_val *port;
	size_t i, max;

	yyjson_mut_doc_set_root(doc, copy);
	yyjson_arr_foreach (yyjson_obj_get(server, "ports"), i, max, port) {
		if (!server_port_absent(port))
			yyjson_mut_arr_append(ports, yyjson_val_mut_copy(doc, port));
	}
	if (yyjson_obj_get(server, "ports"))
		yyjson_mut_obj_put(copy, yyjson_mut_str(doc, "ports"), ports);
	yyjson_doc *imut = yyjson_mut_doc_imut_copy(doc, NULL);
	yyjson_mut_doc_free(doc);
	return imut;
}

yyjson_val *server_subnet(yyjson_val *network, const char *subnet_id)
{
	yyjson_val *subnet;
	size_t i, max;

	yyjson_arr_foreach (yyjson_obj_get(network, "subnets"), i, max, subnet) {
		if (strcmp(json_text(subnet, "id"), subnet_id) == 0)
			return subnet;
	}
	return NULL;
}
