/* Reading the config drive: an ISO 9660 volume named config-2 with JSON files. */
#include "config.h"

#include "ahci.h"
#include "iso9660.h"
#include "json.h"
#include "machine.h"
#include "serial.h"

enum {
	DEFAULT_COUNT = 3,
	MAX_COUNT = 1000,
	FILE_SIZE = 128 * 1024,
	TEXT_SIZE = 64,
};

static char file[FILE_SIZE];

static bool parse_number(const char **text, unsigned base, uint32_t limit, uint32_t *ret)
{
	uint32_t value = 0;
	bool any = false;

	for (;; (*text)++) {
		char c = **text;
		uint32_t digit = c >= '0' && c <= '9'		      ? (uint32_t)(c - '0')
				 : (c | 32) >= 'a' && (c | 32) <= 'f' ? (uint32_t)((c | 32) - 'a') + 10
								      : base;

		if (digit >= base)
			break;
		value = value * base + digit;
		if (value > limit)
			return false;
		any = true;
	}
	*ret = value;
	return any;
}

/* Bytes with one character between them: addresses of IPv4 (base 10, '.') and Ethernet (base 16, ':'). */
static bool parse_bytes(const char *text, unsigned base, char separator, uint8_t *bytes, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		uint32_t value;

		if (i && *text++ != separator)
			return false;
		if (!parse_number(&text, base, 255, &value))
			return false;
		bytes[i] = (uint8_t)value;
	}
	return *text == '\0';
}

static bool member_ip(struct json object, const char *name, uint8_t ip[4])
{
	char text[TEXT_SIZE];

	return json_member_text(object, name, text, sizeof text) && parse_bytes(text, 10, '.', ip, 4);
}

/* The MAC address of the link with this id. */
static bool link_mac(struct json links, const char *id, uint8_t mac[6])
{
	char text[TEXT_SIZE];
	struct json link;

	for (unsigned i = 0; json_element(links, i, &link); i++)
		if (json_member_text(link, "id", text, sizeof text) && strlen(text) == strlen(id) &&
		    memcmp(text, id, strlen(id)) == 0)
			return json_member_text(link, "ethernet_mac_address", text, sizeof text) &&
			       parse_bytes(text, 16, ':', mac, 6);
	return false;
}

static void read_networks(struct config *config, struct json root)
{
	char type[TEXT_SIZE], id[TEXT_SIZE];
	struct json links, networks, network;

	if (!json_member(root, "links", &links) || !json_member(root, "networks", &networks))
		return;
	for (unsigned i = 0; json_element(networks, i, &network); i++) {
		struct config_address *address = &config->addresses[config->address_count];

		if (config->address_count == CONFIG_MAX_ADDRESSES)
			return;
		if (json_member_text(network, "type", type, sizeof type) &&
		    memcmp(type, "ipv4", sizeof "ipv4") == 0 &&
		    json_member_text(network, "link", id, sizeof id) && link_mac(links, id, address->mac) &&
		    member_ip(network, "ip_address", address->ip) &&
		    member_ip(network, "netmask", address->netmask))
			config->address_count++;
	}
}

static void read_meta_data(struct config *config, struct json root)
{
	char text[TEXT_SIZE];
	const char *digits = text;
	struct json meta;
	uint32_t count;

	json_member_text(root, "hostname", config->hostname, sizeof config->hostname);
	json_member_text(root, "uuid", config->uuid, sizeof config->uuid);
	if (!json_member(root, "meta", &meta))
		return;
	config->has_peer = member_ip(meta, "peer", config->peer);
	if (json_member_text(meta, "count", text, sizeof text) &&
	    parse_number(&digits, 10, MAX_COUNT, &count))
		config->count = count;
}

static bool read_json(const struct iso9660 *volume, const char *path, struct json *ret)
{
	size_t length;

	if (!iso9660_read(volume, path, file, sizeof file, &length)) {
		serial_print("PROBE the config drive has no readable %s\n", path);
		return false;
	}
	*ret = (struct json){file, file + length};
	return true;
}

void config_read(struct config *config)
{
	struct iso9660 volume;
	struct json root;

	memset(config, 0, sizeof *config);
	config->count = DEFAULT_COUNT;
	for (unsigned i = 0; i < ahci_cdrom_count() && !config->found; i++)
		config->found = iso9660_open(&volume, i, "config-2");
	if (!config->found)
		return;
	if (read_json(&volume, "openstack/latest/meta_data.json", &root))
		read_meta_data(config, root);
	if (read_json(&volume, "openstack/latest/network_data.json", &root))
		read_networks(config, root);
}

const struct config_address *config_address_of(const struct config *config, const uint8_t mac[6])
{
	for (unsigned i = 0; i < config->address_count; i++)
		if (memcmp(config->addresses[i].mac, mac, 6) == 0)
			return &config->addresses[i];
	return NULL;
}
