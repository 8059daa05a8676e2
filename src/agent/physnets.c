/* Networks and the NUMA nodes that they are near. */
#include "agent/physnets.h"

#include "agent/inventory.h"
#include "base/memory.h"
#include "base/text.h"

#include <string.h>

#define TUNNELS "" /* is no name of a physical network */

static bool has_node(const struct host_facts *facts, int node)
{
	for (int i = 0; i < facts->cell_count; i++) {
		if (facts->cells[i].id == node)
			return true;
	}
	return false;
}

bool physnets_check(const struct agent_settings *settings, struct error *err)
{
	struct host_facts facts;

	if (settings->near_count == 0)
		return true;
	if (!inventory_host(settings->state_dir, &facts, err))
		return false;
	for (size_t i = 0; i < settings->near_count; i++) {
		const struct near_network *near = &settings->near[i];
		bool tunnels = strcmp(near->name, TUNNELS) == 0;

		if (!has_node(&facts, near->node))
			return error_set(err, ERROR_BAD_REQUEST,
					 "[%s%s] numa_nodes: this host has no NUMA node %d",
					 tunnels ? "neutron_tunnel" : "neutron_physnet_", near->name,
					 near->node);
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
		if (strcmp(near->name, TUNNELS) == 0) {
			yyjson_mut_obj_add_bool(doc, cell, "tunnels", true);
			continue;
		}
		if (!names)
			names = yyjson_mut_obj_add_arr(doc, cell, "physical_networks");
		yyjson_mut_arr_add_strcpy(doc, names, near->name);
	}
}
