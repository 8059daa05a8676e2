/* What the guest is told by its config drive (OpenStack's, version "latest"). */
#ifndef PROBE_CONFIG_H
#define PROBE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#define CONFIG_MAX_ADDRESSES 16

struct config_address {
	uint8_t mac[6], ip[4], netmask[4];
};

struct config {
	bool found, has_peer;
	char hostname[64], uuid[40];
	uint8_t peer[4]; /* meta.peer */
	uint32_t count;	 /* meta.count: pings to send, default 3 */
	unsigned address_count;
	struct config_address addresses[CONFIG_MAX_ADDRESSES]; /* the static IPv4 ones */
};

/* Looks for the config drive in all CD-ROM drives and reads it.  What it does not say stays zero. */
void config_read(struct config *config);

/* The address for the NIC with this MAC address, or NULL. */
const struct config_address *config_address_of(const struct config *config, const uint8_t mac[6]);

#endif
