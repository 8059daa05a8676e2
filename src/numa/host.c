/* A host's NUMA cells. */
#include "numa/host.h"

#include "base/memory.h"
#include "base/text.h"
#include "numa/network.h"

#include <string.h>

/* --- questions --- */

struct numa_cell *numa_host_cell(const struct numa_host *host, int id)
{
	for (int i = 0; i < host->cell_count; i++) {
		if (host->cells[i].id == id)
			return &host->cells[i];
	}
	return NULL;
}

bool numa_host_has_hyperthreads(const struct numa_host *host)
{
	for (int i = 0; i < host->cell_count; i++) {
		for (int core = 0; core < host->cells[i].core_count; core++) {
			if (host->cells[i].cores[core].count > 1)
				return true;
		}
	}
	return false;
}

int64_t numa_pages_free(const struct numa_pages *pages)
{
	int64_t free = pages->total - pages->reserved - pages->used;

	return free > 0 ? free : 0;
}

int64_t numa_pages_of(const struct numa_pages *pages, int64_t memory_mb)
{
	return (memory_mb * 1024 + pages->size_kb - 1) / pages->size_kb;
}

int64_t numa_cell_free_mb(const struct numa_cell *cell)
{
	int64_t kb = 0;

	for (int i = 0; i < cell->page_count; i++)
		kb += numa_pages_free(&cell->pages[i]) * cell->pages[i].size_kb;
	return kb / 1024;
}

/* Only what is not in huge pages can be overcommitted: a guest that asks for none cannot use them.  (Nova
 * counts them all together, and lets such guests run out of memory beside huge pages that are free.)  No
 * guest gets more than there really is. */
int64_t numa_cell_ordinary_mb(const struct numa_host *host, const struct numa_cell *cell, bool exact)
{
	const struct numa_pages *pages = &cell->pages[0];
	int64_t usable = pages->total - pages->reserved;
	double ratio = exact || host->memory_ratio <= 0 ? 1 : host->memory_ratio;
	int64_t left = (int64_t)((double)usable * ratio) - pages->used;

	left = left < usable ? left : usable;
	return left > 0 ? left * pages->size_kb / 1024 : 0;
}

int numa_cell_shared_left(const struct numa_host *host, const struct numa_cell *cell)
{
	int count = cpu_set_count(&cell->shared);
	int left = (int)(count * (host->cpu_ratio > 0 ? host->cpu_ratio : 1)) - cell->shared_used;

	left = left < count ? left : count;
	return left > 0 ? left : 0;
}

struct cpu_set numa_cell_free_cpus(const struct numa_cell *cell)
{
	struct cpu_set free = cell->dedicated;

	cpu_set_and_not(&free, &cell->pinned);
	return free;
}

/* --- reading an inventory --- */

/* One cell while it is being read. */
struct reading {
	yyjson_val *object;
	struct numa_cell *cell;
	struct cpu_set cpus;
	struct error *err;
};

static bool cpus_read(struct reading *r, const char *key, struct cpu_set *set)
{
	yyjson_val *value = yyjson_obj_get(r->object, key);
	char name[40];

	if (!value)
		return true;
	snprintf(name, sizeof name, "cells: %s", key);
	if (!yyjson_is_str(value))
		return error_set(r->err, ERROR_BAD_REQUEST, "%s must be a list of CPUs as a text", name);
	return cpu_set_parse(name, yyjson_get_str(value), CPU_SET_MAX, set, r->err);
}

static bool number_read(struct reading *r, yyjson_val *object, const char *key, int64_t min,
			int64_t otherwise, int64_t *number)
{
	yyjson_val *value = yyjson_obj_get(object, key);

	*number = value ? yyjson_get_sint(value) : otherwise;
	return ((!value && otherwise >= min) ||
		(yyjson_is_int(value) && *number >= min && *number <= INT64_C(1) << 40)) ||
	       error_set(r->err, ERROR_BAD_REQUEST, "cells: %s must be a number from %lld", key,
			 (long long)min);
}

/* Without either set all is shared. */
static bool sets_read(struct reading *r)
{
	struct numa_cell *cell = r->cell;

	if (!cpus_read(r, "cpus", &r->cpus) || !cpus_read(r, "shared", &cell->shared) ||
	    !cpus_read(r, "dedicated", &cell->dedicated))
		return false;
	if (!yyjson_obj_get(r->object, "shared") && !yyjson_obj_get(r->object, "dedicated"))
		cell->shared = r->cpus;
	if (!cpu_set_within(&cell->shared, &r->cpus) || !cpu_set_within(&cell->dedicated, &r->cpus))
		return error_set(r->err, ERROR_BAD_REQUEST,
				 "cells: shared and dedicated of node %d must be among its cpus", cell->id);
	return !cpu_set_intersects(&cell->shared, &cell->dedicated) ||
	       error_set(r->err, ERROR_BAD_REQUEST,
			 "cells: shared and dedicated of node %d must have no CPU in common", cell->id);
}

static void core_add(struct reading *r, const struct cpu_set *cpus)
{
	struct numa_core *core = &r->cell->cores[r->cell->core_count++];

	for (int cpu = cpu_set_next(cpus, 0); cpu >= 0; cpu = cpu_set_next(cpus, cpu + 1))
		core->cpus[core->count++] = (uint16_t)cpu;
}

static bool siblings_read(struct reading *r)
{
	yyjson_val *list = yyjson_obj_get(r->object, "siblings"), *item;
	struct cpu_set left = r->cpus;
	size_t i, max;

	r->cell->cores = memory_alloc((size_t)cpu_set_count(&r->cpus) * sizeof *r->cell->cores + 1);
	yyjson_arr_foreach (list, i, max, item) {
		struct cpu_set core;

		if (!yyjson_is_str(item) ||
		    !cpu_set_parse("cells: siblings", yyjson_get_str(item), CPU_SET_MAX, &core, r->err) ||
		    cpu_set_is_empty(&core) || !cpu_set_within(&core, &left) ||
		    cpu_set_count(&core) > NUMA_MAX_THREADS)
			return error_set(
				r->err, ERROR_BAD_REQUEST,
				"cells: siblings of node %d must be lists of 1 to %d of its cpus, each "
				"of which is in one of them",
				r->cell->id, NUMA_MAX_THREADS);
		core_add(r, &core);
		cpu_set_and_not(&left, &core);
	}
	for (int cpu = cpu_set_next(&left, 0); cpu >= 0; cpu = cpu_set_next(&left, cpu + 1)) {
		struct cpu_set core = {0};

		cpu_set_add(&core, cpu);
		core_add(r, &core);
	}
	return true;
}

static bool hugepages_read(struct reading *r, int64_t *huge_kb)
{
	yyjson_val *list = yyjson_obj_get(r->object, "hugepages"), *item;
	struct numa_cell *cell = r->cell;
	size_t i, max;

	yyjson_arr_foreach (list, i, max, item) {
		struct numa_pages pages = {0};
		int at = cell->page_count;

		if (!number_read(r, item, "size_kb", 1, 0, &pages.size_kb) ||
		    !number_read(r, item, "total", 0, -1, &pages.total) ||
		    !number_read(r, item, "reserved", 0, 0, &pages.reserved))
			return false;
		if (pages.total > (INT64_C(1) << 50) / pages.size_kb)
			return error_set(r->err, ERROR_BAD_REQUEST,
					 "cells: node %d has more huge pages than can be", cell->id);
		for (; at > 1 && cell->pages[at - 1].size_kb > pages.size_kb; at--)
			cell->pages[at] = cell->pages[at - 1];
		if (cell->pages[at - 1].size_kb >= pages.size_kb)
			return error_set(
				r->err, ERROR_BAD_REQUEST,
				"cells: hugepages of node %d must differ in size_kb and be larger than "
				"page_kb",
				cell->id);
		cell->pages[at] = pages;
		*huge_kb += pages.size_kb * pages.total;
		if (++cell->page_count == NUMA_MAX_PAGES && i + 1 < max)
			return error_set(r->err, ERROR_BAD_REQUEST,
					 "cells: node %d has more than %d sizes of pages", cell->id,
					 NUMA_MAX_PAGES);
	}
	return true;
}

/* What is not in huge pages is in ordinary ones. */
static bool memory_read(struct reading *r)
{
	struct numa_pages *ordinary = &r->cell->pages[0];
	int64_t memory_mb, huge_kb = 0;

	r->cell->page_count = 1;
	if (!number_read(r, r->object, "memory_mb", 0, -1, &memory_mb) ||
	    !number_read(r, r->object, "page_kb", 1, 4, &ordinary->size_kb) || !hugepages_read(r, &huge_kb))
		return false;
	if (memory_mb * 1024 > huge_kb)
		ordinary->total = (memory_mb * 1024 - huge_kb) / ordinary->size_kb;
	return true;
}

static bool cell_read(yyjson_val *object, struct numa_cell *cell, struct cpu_set *seen, struct error *err)
{
	struct reading r = {.object = object, .cell = cell, .err = err};
	int64_t id, socket;

	if (!number_read(&r, object, "id", 0, -1, &id) ||
	    !number_read(&r, object, "socket", NUMA_NO_SOCKET, NUMA_NO_SOCKET, &socket))
		return false;
	if (id > INT16_MAX || socket > INT16_MAX)
		return error_set(err, ERROR_BAD_REQUEST, "cells: id and socket must be up to %d", INT16_MAX);
	cell->id = (int)id;
	cell->socket = (int)socket;
	if (!sets_read(&r) || !siblings_read(&r) || !memory_read(&r))
		return false;
	if (cpu_set_intersects(&r.cpus, seen))
		return error_set(err, ERROR_BAD_REQUEST, "cells: node %d has cpus that another node has",
				 cell->id);
	cpu_set_or(seen, &r.cpus);
	return true;
}

static int cell_compare(const void *left, const void *right)
{
	return ((const struct numa_cell *)left)->id - ((const struct numa_cell *)right)->id;
}

static void cells_free(struct numa_cell *cells, int count)
{
	for (int i = 0; i < count; i++)
		free(cells[i].cores);
	free(cells);
}

static bool cells_read(yyjson_val *list, struct numa_cell *cells, int *count, struct error *err)
{
	struct cpu_set seen = {0};
	yyjson_val *item;
	size_t i, max;

	yyjson_arr_foreach (list, i, max, item) {
		if (!cell_read(item, &cells[(*count)++], &seen, err))
			return false;
	}
	qsort(cells, (size_t)*count, sizeof *cells, cell_compare);
	for (int k = 1; k < *count; k++) {
		if (cells[k].id == cells[k - 1].id)
			return error_set(err, ERROR_BAD_REQUEST, "cells: node %d is given twice",
					 cells[k].id);
	}
	return true;
}

bool numa_host_read(yyjson_val *list, struct numa_host *host, struct error *err)
{
	size_t size = yyjson_arr_size(list);
	struct numa_host fresh = *host;

	if (!yyjson_is_arr(list) || size > NUMA_MAX_CELLS)
		return error_set(err, ERROR_BAD_REQUEST, "cells must be a list of at most %d NUMA nodes",
				 NUMA_MAX_CELLS);
	fresh.cells = memory_alloc(size * sizeof *fresh.cells + 1);
	fresh.cell_count = 0;
	if (!cells_read(list, fresh.cells, &fresh.cell_count, err) ||
	    !numa_networks_read(list, &fresh, err)) {
		cells_free(fresh.cells, fresh.cell_count);
		free(fresh.networks);
		return false;
	}
	cells_free(host->cells, host->cell_count);
	free(host->networks);
	*host = fresh;
	return true;
}

void numa_host_done(struct numa_host *host)
{
	cells_free(host->cells, host->cell_count);
	free(host->networks);
	*host = (struct numa_host){0};
}
