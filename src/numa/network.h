/* Physical networks that are near some of a host's cells only ([neutron] physnets, [neutron_physnet_NAME]
 * numa_nodes), and tunnelled ones ([neutron_tunnel] numa_nodes).  Pure logic. */
#pragma once

#include "base/text.h"
#include "numa/host.h"

/* What a guest is plugged into, by ports of whatever kind. */
struct numa_networks {
	const char *const *physical; /* a name may be there several times */
	size_t physical_count;
	bool tunnelled; /* one of them is a tunnel: vxlan, gre, geneve */
};

/* May a guest with these networks be on these cells (bit i: host->cells[i])?  Of the cells that a network is
 * near, one has to be among them; networks that are near none are wherever they like (as in Nova). */
bool numa_networks_fit(const struct numa_host *host, uint64_t cells, const struct numa_networks *networks);
/* "physnet_a (NUMA node 0) and tunnels (NUMA nodes 0, 1)": the networks that mind. */
void numa_networks_explain(const struct numa_host *host, const struct numa_networks *networks,
			   struct text *why);

/* Within the room: reads "physical_networks": ["physnet_a"] and "tunnels": true of each of an inventory's
 * cells, which *host has already; what it had of networks is overwritten. */
bool numa_networks_read(yyjson_val *cells, struct numa_host *host, struct error *err);
