/* Networks and the NUMA nodes that they are near. */
#include "agent/physnets.h"

#include "agent/inventory.h"

#include <string.h>

static bool has_node(const struct host_facts *facts, int node)
{
	for (int i = 0; i < facts->cell_count; i++) {
		if (facts->cells[i].id == node)
			return true;
	}
	return false;
}

bool physnets_check(const struct config *config, const struct agent_settings *settings, struct error *err)
{
	struct host_facts facts;

	if (settings->near_count == 0)
		return true;
	if (!inventory_host(settings->state_dir, &facts, err))
		return false;
	for (size_t i = 0; i < settings->near_count; i++) {
		const struct near_network *near = &settings->near[i];
		bool tunnels = strcmp(near->name, NEAR_TUNNELS) == 0;
		char group[100], node[20];

		snprintf(group, sizeof group, "%s%s", tunnels ? "neutron_tunnel" : "neutron_physnet_",
			 near->name);
		snprintf(node, sizeof node, "%d", near->node);
		if (!has_node(&facts, near->node))
			return config_refuse_item(config, group, "numa_nodes", node,
						  "this host has no such NUMA node", err);
	}
	return true;
}

void physnets_add(const struct agent_settings *settings, int node, yyjson_mut_doc *doc, yyjson_mut_val *cell)
{
	yyjson_mut_val *names = NULL;

	for (size_t i = 0; i < settings->near_count; i++) {
		const struct near_network *near = &settings->near[i];

		if (near->node != node)
			continue;
		if (strcmp(near->name, NEAR_TUNNELS) == 0) {
			yyjson_mut_obj_add_bool(doc, cell, "tunnels", true);
			continue;
		}
		if (!names)
			names = yyjson_mut_obj_add_arr(doc, cell, "physical_networks");
		yyjson_mut_arr_add_strcpy(doc, names, near->name);
	}
}
