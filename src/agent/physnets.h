/* Which networks are near which NUMA nodes of this host (settings->near): [neutron] physnets,
 * [neutron_physnet_NAME] numa_nodes and [neutron_tunnel] numa_nodes, as in nova.conf. */
#pragma once

#include "agent/settings.h"

#include <yyjson.h>

/* Does the host have all the nodes that are named? */
bool physnets_check(const struct config *config, const struct agent_settings *settings, struct error *err);
/* Adds "physical_networks" and "tunnels" to a cell of the inventory, if they are anything. */
void physnets_add(const struct agent_settings *settings, int node, yyjson_mut_doc *doc, yyjson_mut_val *cell);
