/* Networks and the NUMA nodes that they are near. */
#include "agent/physnets.h"

#include "agent/inventory.h"
#include "base/memory.h"
#include "base/text.h"

#include <string.h>

#define TUNNELS "" /* is no name of a physical network */

static bool nodes_read(const struct config *config, const char *group, const char *name,
		       struct agent_settings *settings, size_t *count, struct error *err)
{
	char item[32];
	int64_t node;

	for (*count = 0; config_list_item(config, group, "numa_nodes", *count, item, sizeof item); ++*count) {
		if (!text_to_int64(item, 0, 1023, &node))
			return error_set(err, ERROR_BAD_REQUEST,
					 "[%s] numa_nodes: %s: expected a list of NUMA nodes", group, item);
		struct near_network *near = ARRAY_ADD(settings->near, settings->near_count);

		snprintf(near->name, sizeof near->name, "%s", name);
		near->node = (int)node;
	}
	return true;
}

bool physnets_read(const struct config *config, struct agent_settings *settings, struct error *err)
{
	char name[80];
	size_t nodes;

	for (size_t i = 0; config_list_item(config, "neutron", "physnets", i, name, sizeof name); i++) {
		_cleanup_free_ char *group = memory_printf("neutron_physnet_%s", name);

		if (strlen(name) >= sizeof settings->near->name)
			return error_set(err, ERROR_BAD_REQUEST,
					 "[neutron] physnets: %s: a name has at most %zu bytes", name,
					 sizeof settings->near->name - 1);
		if (!nodes_read(config, group, name, settings, &nodes, err))
			return false;
		if (nodes == 0)
			return error_set(err, ERROR_BAD_REQUEST,
					 "[neutron] physnets names %s, but [%s] numa_nodes is not set", name,
					 group);
	}
	return nodes_read(config, "neutron_tunnel", TUNNELS, settings, &nodes, err);
}

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
