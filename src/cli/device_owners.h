/* Which devices servers have and which are in quarantine, as the agent has written it down in its folder:
 * grant journals, servers as they are wanted, and <state folder>/quarantine/ADDRESS.json. */
#pragma once

#include "agent/settings.h"

struct device_owner {
	char address[16], parent[16];	  /* parent: of a VF, or "" */
	char netdev[16];		  /* what it was called in the host, or "" */
	char server_id[37], *server_name; /* the name: NULL if it is not known */
	char port_id[37];		  /* or "" */
	bool macvtap;			  /* lent: the guest has a macvtap on it */
};

struct device_quarantine {
	char address[16], reason[400], since[40];
};

/* Start from {0}. */
struct device_owners {
	struct device_owner *owners;
	size_t owner_count;
	struct device_quarantine *quarantines;
	size_t quarantine_count;
	char **unseen; /* sentences: what could not be read */
	size_t unseen_count;
	bool all_seen; /* a device that no owner is named for has none */
};

void device_owners_read(const struct agent_settings *settings, struct device_owners *owners);
void device_owners_done(struct device_owners *owners);
/* NULL: none. */
const struct device_owner *device_owner_find(const struct device_owners *owners, const char *address);
const struct device_quarantine *device_quarantine_find(const struct device_owners *owners,
						       const char *address);
