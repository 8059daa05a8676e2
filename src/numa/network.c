/* Networks and the cells that they are near. */
#include "numa/network.h"

#include "base/memory.h"

#include <string.h>

static uint64_t cells_near(const struct numa_host *host, const char *name)
{
	for (int i = 0; i < host->network_count; i++) {
		if (strcmp(host->networks[i].name, name) == 0)
			return host->networks[i].cells;
	}
	return 0;
}

static bool is_near(uint64_t wanted, uint64_t cells)
{
	return wanted == 0 || (wanted & cells) != 0;
}

bool numa_networks_fit(const struct numa_host *host, uint64_t cells, const struct numa_networks *networks)
{
	for (size_t i = 0; host->network_count > 0 && i < networks->physical_count; i++) {
		if (!is_near(cells_near(host, networks->physical[i]), cells))
			return false;
	}
	return !networks->tunnelled || is_near(host->tunnel_cells, cells);
}

/* --- in words --- */

static void explain_one(const struct numa_host *host, const char *name, uint64_t cells, bool *first,
			struct text *why)
{
	const char *before = __builtin_popcountll(cells) == 1 ? "NUMA node " : "NUMA nodes ";

	if (cells == 0)
		return;
	text_addf(why, "%s%s (", *first ? "" : " and ", name);
	for (; cells; cells &= cells - 1) {
		text_addf(why, "%s%d", before, host->cells[__builtin_ctzll(cells)].id);
		before = ", ";
	}
	text_add(why, ")");
	*first = false;
}

static bool was_before(const struct numa_networks *networks, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (strcmp(networks->physical[k], networks->physical[i]) == 0)
			return true;
	}
	return false;
}

void numa_networks_explain(const struct numa_host *host, const struct numa_networks *networks,
			   struct text *why)
{
	bool first = true;

	for (size_t i = 0; i < networks->physical_count; i++) {
		if (!was_before(networks, i))
			explain_one(host, networks->physical[i], cells_near(host, networks->physical[i]),
				    &first, why);
	}
	if (networks->tunnelled)
		explain_one(host, "tunnels", host->tunnel_cells, &first, why);
}

/* --- reading --- */

static bool network_add(struct numa_host *host, const char *name, uint64_t cell, struct error *err)
{
	size_t count = (size_t)host->network_count;

	if (!name || !*name || strlen(name) >= sizeof host->networks->name)
		return error_set(err, ERROR_BAD_REQUEST,
				 "cells: physical_networks must be names of at most %zu bytes",
				 sizeof host->networks->name - 1);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(host->networks[i].name, name) == 0) {
			host->networks[i].cells |= cell;
			return true;
		}
	}
	struct numa_network *network = ARRAY_ADD(host->networks, count);
	memcpy(network->name, name, strlen(name) + 1);
	network->cells = cell;
	host->network_count = (int)count;
	return true;
}

static bool cell_networks_read(yyjson_val *object, struct numa_host *host, struct error *err)
{
	const struct numa_cell *own = numa_host_cell(host, (int)yyjson_get_int(yyjson_obj_get(object, "id")));
	yyjson_val *list = yyjson_obj_get(object, "physical_networks"), *item;
	uint64_t bit = own ? UINT64_C(1) << (own - host->cells) : 0;
	size_t i, max;

	if (yyjson_get_bool(yyjson_obj_get(object, "tunnels")))
		host->tunnel_cells |= bit;
	yyjson_arr_foreach (list, i, max, item) {
		if (!network_add(host, yyjson_get_str(item), bit, err))
			return false;
	}
	return true;
}

bool numa_networks_read(yyjson_val *cells, struct numa_host *host, struct error *err)
{
	yyjson_val *item;
	size_t i, max;

	host->networks = NULL;
	host->network_count = 0;
	host->tunnel_cells = 0;
	yyjson_arr_foreach (cells, i, max, item) {
		if (!cell_networks_read(item, host, err))
			return false;
	}
	return true;
}
