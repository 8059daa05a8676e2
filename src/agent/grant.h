/* The grant journal: what was taken from the host for a server, written down before it is taken.  It lies as
 * grant.json in the server's folder until everything was given back and that was verified. */
#pragma once

#include "agent/device.h"
#include "agent/server.h"

struct granted_device {
	struct device_memory memory;
	char pf[16];  /* of a VF: its PF's network device, or "" */
	int vf_index; /* -1: no VF */
	char port_id[37];
};

struct granted_lease {
	char network_id[37], mac[18], ip[46];
};

struct grant {
	struct granted_device *devices;
	size_t device_count;
	struct granted_lease *leases;
	size_t lease_count;
};

/* Reads folder/grant.json; none there: an empty grant. */
bool grant_read(const char *folder, struct grant *grant, struct error *err);
/* What the server needs, looked at on the host as it is now; writes folder/grant.json before it returns. */
bool grant_make(const char *folder, yyjson_val *server, struct grant *grant, struct error *err);
void grant_done(struct grant *grant);
