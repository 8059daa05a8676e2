/* Making config drives with libarchive. */
#include "agent/config_drive.h"

#include "base/memory.h"
#include "base/text.h"
#include "sys/sys.h"

#include <archive.h>
#include <archive_entry.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>

static void add_text(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, const char *text)
{
	yyjson_mut_obj_add_strcpy(doc, object, name, text);
}

static void add_keys(yyjson_mut_doc *doc, yyjson_mut_val *root, yyjson_val *keys)
{
	yyjson_mut_val *map, *list;
	yyjson_val *key;
	size_t i, max;

	if (yyjson_arr_size(keys) == 0)
		return;
	map = yyjson_mut_obj_add_obj(doc, root, "public_keys");
	list = yyjson_mut_obj_add_arr(doc, root, "keys");
	yyjson_arr_foreach (keys, i, max, key) {
		yyjson_mut_obj_add(map, yyjson_mut_strcpy(doc, json_text(key, "name")),
				   yyjson_mut_strcpy(doc, json_text(key, "data")));
		yyjson_mut_arr_append(list, yyjson_val_mut_copy(doc, key));
	}
}

/* NICs with a VLAN that the guest does not see otherwise, as Nova lists them; told apart by MAC and place. */
static void add_devices(yyjson_mut_doc *doc, yyjson_mut_val *root, yyjson_val *server)
{
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "devices");
	yyjson_val *port;
	size_t i, max;

	yyjson_arr_foreach (yyjson_obj_get(server, "ports"), i, max, port) {
		char address[16];

		if (json_int(port, "vlan", 0) == 0 || !yyjson_is_obj(yyjson_obj_get(port, "device")))
			continue;
		yyjson_mut_val *nic = yyjson_mut_arr_add_obj(doc, list);
		snprintf(address, sizeof address, "0000:%02x:00.0", server_guest_bus(port));
		add_text(doc, nic, "type", "nic");
		add_text(doc, nic, "bus", "pci");
		add_text(doc, nic, "address", address);
		add_text(doc, nic, "mac", json_text(port, "mac_address"));
		yyjson_mut_obj_add_arr(doc, nic, "tags");
		yyjson_mut_obj_add_int(doc, nic, "vlan", json_int(port, "vlan", 0));
		yyjson_mut_obj_add_bool(doc, nic, "vf_trusted", json_bool(port, "trusted", false));
	}
}

static char *write_and_free(yyjson_mut_doc *doc)
{
	char *text = yyjson_mut_write(doc, 0, NULL);

	yyjson_mut_doc_free(doc);
	return text;
}

char *config_drive_meta_data(yyjson_val *server)
{
	yyjson_val *drive = yyjson_obj_get(server, "config_drive"), *meta = yyjson_obj_get(drive, "meta");
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	unsigned char seed[512];
	char encoded[4 * (sizeof seed + 2) / 3 + 1];

	yyjson_mut_doc_set_root(doc, root);
	add_text(doc, root, "uuid", json_text(server, "id"));
	add_text(doc, root, "name", json_text(server, "name"));
	add_text(doc, root, "hostname", json_text(server, "hostname"));
	add_text(doc, root, "availability_zone", json_text(server, "availability_zone"));
	add_text(doc, root, "project_id", json_text(server, "project_id"));
	yyjson_mut_obj_add_int(doc, root, "launch_index", json_int(drive, "launch_index", 0));
	if (*json_text(drive, "admin_pass"))
		add_text(doc, root, "admin_pass", json_text(drive, "admin_pass"));
	if (yyjson_obj_size(meta))
		yyjson_mut_obj_add_val(doc, root, "meta", yyjson_val_mut_copy(doc, meta));
	add_keys(doc, root, yyjson_obj_get(drive, "keys"));
	add_devices(doc, root, server);
	yyjson_mut_obj_add_arr(doc, root, "dedicated_cpus");
	sys_random(seed, sizeof seed);
	EVP_EncodeBlock((unsigned char *)encoded, seed, sizeof seed);
	add_text(doc, root, "random_seed", encoded);
	return write_and_free(doc);
}

static void add_netmask(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *cidr, int version)
{
	const char *slash = strchr(cidr, '/');
	unsigned char bytes[16] = {0};
	char text[INET6_ADDRSTRLEN];
	int64_t prefix = 0;

	text_to_int64(slash ? slash + 1 : "", 0, 128, &prefix);
	for (int i = 0; i < prefix; i++)
		bytes[i / 8] |= (unsigned char)(0x80 >> i % 8);
	inet_ntop(version == 6 ? AF_INET6 : AF_INET, bytes, text, sizeof text);
	add_text(doc, object, "netmask", text);
}

static void add_route(yyjson_mut_doc *doc, yyjson_mut_val *routes, const char *network, const char *netmask,
		      const char *gateway)
{
	yyjson_mut_val *route = yyjson_mut_arr_add_obj(doc, routes);

	add_text(doc, route, "network", network);
	add_text(doc, route, "netmask", netmask);
	add_text(doc, route, "gateway", gateway);
}

static void add_routes(yyjson_mut_doc *doc, yyjson_mut_val *object, yyjson_val *subnet, int version)
{
	yyjson_mut_val *routes = yyjson_mut_obj_add_arr(doc, object, "routes");
	yyjson_val *route;
	size_t i, max;

	if (*json_text(subnet, "gateway_ip"))
		add_route(doc, routes, version == 6 ? "::" : "0.0.0.0", version == 6 ? "::" : "0.0.0.0",
			  json_text(subnet, "gateway_ip"));
	yyjson_arr_foreach (yyjson_obj_get(subnet, "host_routes"), i, max, route) {
		const char *destination = json_text(route, "destination");
		yyjson_mut_val *added = yyjson_mut_arr_add_obj(doc, routes);
		_cleanup_free_ char *network =
			memory_printf("%.*s", (int)strcspn(destination, "/"), destination);

		add_text(doc, added, "network", network);
		add_netmask(doc, added, destination, version);
		add_text(doc, added, "gateway", json_text(route, "nexthop"));
	}
}

static void add_services(yyjson_mut_doc *doc, yyjson_mut_val *services, yyjson_val *subnet)
{
	yyjson_val *address;
	size_t i, max;

	yyjson_arr_foreach (yyjson_obj_get(subnet, "dns_nameservers"), i, max, address) {
		yyjson_mut_val *service = yyjson_mut_arr_add_obj(doc, services);

		add_text(doc, service, "type", "dns");
		add_text(doc, service, "address", yyjson_get_str(address));
	}
}

/* A subnet's DHCP server is on the host's bridge, where a VF cannot reach it. */
static bool has_dhcp(yyjson_val *port, yyjson_val *subnet)
{
	return json_bool(subnet, "enable_dhcp", false) && strcmp(json_text(port, "vnic_type"), "normal") == 0;
}

static void add_network(yyjson_mut_doc *doc, yyjson_mut_val *networks, yyjson_val *port, yyjson_val *ip,
			const char *link)
{
	yyjson_val *network = yyjson_obj_get(port, "network");
	yyjson_val *subnet = server_subnet(network, json_text(ip, "subnet_id"));
	int version = (int)json_int(subnet, "ip_version", 4);
	yyjson_mut_val *object = yyjson_mut_arr_add_obj(doc, networks);
	bool dhcp = has_dhcp(port, subnet);
	char id[32];

	snprintf(id, sizeof id, "network%zu", yyjson_mut_arr_size(networks) - 1);
	add_text(doc, object, "id", id);
	add_text(doc, object, "network_id", json_text(network, "id"));
	add_text(doc, object, "link", link);
	add_text(doc, object, "type",
		 dhcp ? (version == 6 ? "ipv6_dhcp" : "ipv4_dhcp") : (version == 6 ? "ipv6" : "ipv4"));
	if (dhcp)
		return;
	add_text(doc, object, "ip_address", json_text(ip, "ip_address"));
	add_netmask(doc, object, json_text(subnet, "cidr"), version);
	add_routes(doc, object, subnet, version);
	add_services(doc, yyjson_mut_obj_add_arr(doc, object, "services"), subnet);
}

/* The guest learns the MTU from DHCP where there is one. */
static void add_mtu(yyjson_mut_doc *doc, yyjson_mut_val *link, yyjson_val *port)
{
	yyjson_val *subnets = yyjson_obj_get(yyjson_obj_get(port, "network"), "subnets"), *subnet;
	bool dhcp = false;
	size_t i, max;

	yyjson_arr_foreach (subnets, i, max, subnet)
		dhcp |= has_dhcp(port, subnet);
	if (dhcp)
		yyjson_mut_obj_add_null(doc, link, "mtu");
	else
		yyjson_mut_obj_add_int(doc, link, "mtu", json_int(port, "mtu", 1500));
}

static const char *link_type(const char *vnic_type)
{
	return strcmp(vnic_type, "normal") == 0		   ? "bridge"
	       : strcmp(vnic_type, "direct-physical") == 0 ? "phy"
							   : "hw_veb";
}

char *config_drive_network_data(yyjson_val *server)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc), *links, *networks, *services;
	yyjson_val *port, *ip;
	size_t i, k, max, count;

	yyjson_mut_doc_set_root(doc, root);
	links = yyjson_mut_obj_add_arr(doc, root, "links");
	networks = yyjson_mut_obj_add_arr(doc, root, "networks");
	services = yyjson_mut_obj_add_arr(doc, root, "services");
	yyjson_arr_foreach (yyjson_obj_get(server, "ports"), i, max, port) {
		yyjson_mut_val *link = yyjson_mut_arr_add_obj(doc, links);
		char id[32];

		snprintf(id, sizeof id, "tap%.11s", json_text(port, "id"));
		add_text(doc, link, "id", id);
		add_text(doc, link, "vif_id", json_text(port, "id"));
		add_text(doc, link, "type", link_type(json_text(port, "vnic_type")));
		add_text(doc, link, "ethernet_mac_address", json_text(port, "mac_address"));
		add_mtu(doc, link, port);
		yyjson_arr_foreach (yyjson_obj_get(port, "fixed_ips"), k, count, ip)
			add_network(doc, networks, port, ip, id);
		yyjson_arr_foreach (yyjson_obj_get(yyjson_obj_get(port, "network"), "subnets"), k, count, ip)
			add_services(doc, services, ip);
	}
	return write_and_free(doc);
}

/* --- the volume --- */

/* Nova's; what is newer than a version stays in it, which no reader minds. */
static const char *const older_versions[] = {"2012-08-10", "2013-04-04", "2013-10-17",
					     "2015-10-15", "2016-06-30", "2016-10-06",
					     "2017-02-22", "2018-08-27", "2020-10-14"};

/* Of each file: in "latest" and in every older version.  libarchive links only what says that it has several.
 */
#define FILE_NAMES (ELEMENTS_OF(older_versions) + 1)

static bool archive_failed(struct archive *archive, struct error *err)
{
	return error_set(err, ERROR_INTERNAL, "config drive: %s", archive_error_string(archive));
}

static bool add_file(struct archive *archive, const char *path, const void *bytes, size_t size,
		     struct error *err)
{
	struct archive_entry *entry = archive_entry_new();

	archive_entry_set_pathname(entry, path);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0444);
	archive_entry_set_size(entry, (la_int64_t)size);
	archive_entry_set_nlink(entry, FILE_NAMES);
	archive_entry_set_mtime(entry, 0, 0);
	bool ok = archive_write_header(archive, entry) == ARCHIVE_OK &&
		  archive_write_data(archive, bytes, size) == (la_ssize_t)size;
	archive_entry_free(entry);
	return ok || archive_failed(archive, err);
}

static bool add_folder(struct archive *archive, const char *path, struct error *err)
{
	struct archive_entry *entry = archive_entry_new();

	archive_entry_set_pathname(entry, path);
	archive_entry_set_filetype(entry, AE_IFDIR);
	archive_entry_set_perm(entry, 0555);
	archive_entry_set_mtime(entry, 0, 0);
	bool ok = archive_write_header(archive, entry) == ARCHIVE_OK;
	archive_entry_free(entry);
	return ok || archive_failed(archive, err);
}

static bool add_user_data(struct archive *archive, const char *folder, const char *encoded, struct error *err)
{
	size_t length = strlen(encoded);
	_cleanup_free_ unsigned char *bytes = memory_alloc(length + 4);
	_cleanup_free_ char *path = memory_printf("%s/user_data", folder);

	if (length == 0)
		return true;
	int size = length % 4 == 0 ? EVP_DecodeBlock(bytes, (const unsigned char *)encoded, (int)length) : -1;
	if (size < 0)
		return error_set(err, ERROR_BAD_REQUEST, "user data is not base64");
	for (size_t i = length; i > 0 && encoded[i - 1] == '='; i--)
		size--;
	return add_file(archive, path, bytes, (size_t)size, err);
}

/* Another name of a file that is there already: its content is written once. */
static bool add_link(struct archive *archive, const char *folder, const char *name, struct error *err)
{
	_cleanup_free_ char *path = memory_printf("%s/%s", folder, name),
			    *target = memory_printf("openstack/latest/%s", name);
	struct archive_entry *entry = archive_entry_new();

	archive_entry_set_pathname(entry, path);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0444);
	archive_entry_set_hardlink(entry, target);
	archive_entry_set_nlink(entry, FILE_NAMES);
	archive_entry_set_mtime(entry, 0, 0);
	bool ok = archive_write_header(archive, entry) == ARCHIVE_OK;
	archive_entry_free(entry);
	return ok || archive_failed(archive, err);
}

static bool add_older_version(struct archive *archive, const char *version, bool user_data, struct error *err)
{
	_cleanup_free_ char *folder = memory_printf("openstack/%s", version);

	return add_folder(archive, folder, err) && add_link(archive, folder, "meta_data.json", err) &&
	       add_link(archive, folder, "network_data.json", err) &&
	       add_link(archive, folder, "vendor_data.json", err) &&
	       (!user_data || add_link(archive, folder, "user_data", err));
}

static bool add_version(struct archive *archive, const char *version, const char *meta, const char *network,
			const char *user_data, struct error *err)
{
	_cleanup_free_ char *folder = memory_printf("openstack/%s", version);
	_cleanup_free_ char *meta_path = memory_printf("%s/meta_data.json", folder);
	_cleanup_free_ char *network_path = memory_printf("%s/network_data.json", folder);
	_cleanup_free_ char *vendor_path = memory_printf("%s/vendor_data.json", folder);

	return add_folder(archive, folder, err) && add_file(archive, meta_path, meta, strlen(meta), err) &&
	       add_file(archive, network_path, network, strlen(network), err) &&
	       add_file(archive, vendor_path, "{}", 2, err) && add_user_data(archive, folder, user_data, err);
}

static bool volume_write(struct archive *archive, yyjson_val *server, const char *path, struct error *err)
{
	if (archive_write_set_format_iso9660(archive) != ARCHIVE_OK ||
	    archive_write_set_options(
		    archive, "iso9660:volume-id=config-2,iso9660:joliet=long,iso9660:rockridge=useful,"
			     "iso9660:!pad") != ARCHIVE_OK ||
	    archive_write_open_filename(archive, path) != ARCHIVE_OK)
		return archive_failed(archive, err);
	_cleanup_free_ char *meta = config_drive_meta_data(server),
			    *network = config_drive_network_data(server);
	const char *user_data = json_text(yyjson_obj_get(server, "config_drive"), "user_data");
	if (!add_folder(archive, "openstack", err) ||
	    !add_version(archive, "latest", meta, network, user_data, err))
		return false;
	for (size_t i = 0; i < ELEMENTS_OF(older_versions); i++) {
		if (!add_older_version(archive, older_versions[i], *user_data, err))
			return false;
	}
	return (archive_write_close(archive) == ARCHIVE_OK || archive_failed(archive, err));
}

/* libarchive keeps to the letters that ISO 9660 allows in the primary descriptor ("CONFIG_2") and writes
 * "config-2" only into Joliet's.  Guests look for "config-2" in either, as the tools that Nova uses write it.
 */
static bool volume_name(const char *path, struct error *err)
{
	static const char label[33] = "config-2                        ";
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	/* It may hold a password. */
	return (fd >= 0 && fchmod(fd, 0600) == 0 && pwrite(fd, label, 32, 16 * 2048 + 40) == 32) ||
	       error_set_errno(err, ERROR_INTERNAL, errno, "config drive: cannot name the volume %s", path);
}

bool config_drive_write(yyjson_val *server, const char *path, struct error *err)
{
	_cleanup_free_ char *temporary = memory_printf("%s.new", path);
	struct archive *archive = archive_write_new();
	bool ok = volume_write(archive, server, temporary, err);

	archive_write_free(archive);
	if (!ok || !volume_name(temporary, err))
		return false;
	return rename(temporary, path) == 0 ||
	       error_set_errno(err, ERROR_INTERNAL, errno, "cannot make %s", path);
}
