/* Adding placements to what is in use of a host, and taking them off. */
#include "numa/placement.h"

static int floating_count(const struct numa_placement *placement, const struct numa_placement_cell *cell)
{
	int count = 0;

	for (int v = cpu_set_next(&cell->vcpus, 0); v >= 0; v = cpu_set_next(&cell->vcpus, v + 1))
		count += placement->pins[v] < 0;
	return count;
}

static bool has_pins(const struct numa_placement *placement)
{
	for (int vcpu = 0; vcpu < placement->vcpus; vcpu++) {
		if (placement->pins[vcpu] >= 0)
			return true;
	}
	return false;
}

/* The pages that the memory is in, or NULL if there are none of that size (any more). */
static struct numa_pages *pages_of(struct numa_cell *cell, int64_t page_kb)
{
	for (int i = 0; i < cell->page_count; i++) {
		if (page_kb == 0 || cell->pages[i].size_kb == page_kb)
			return &cell->pages[i];
	}
	return NULL;
}

static bool cpus_are_free(const struct numa_host *host, const struct numa_cell *cell,
			  const struct numa_placement *placement, const struct numa_placement_cell *wanted,
			  struct error *err)
{
	struct cpu_set free = numa_cell_free_cpus(cell), missing = wanted->taken;
	char text[CPU_SET_TEXT_SIZE];

	cpu_set_and_not(&missing, &free);
	if (!cpu_set_is_empty(&missing))
		return error_set(err, ERROR_CONFLICT, "NUMA node %d: the CPUs %.100s are not free", cell->id,
				 cpu_set_format(&missing, text));
	return floating_count(placement, wanted) <= numa_cell_shared_left(host, cell) ||
	       error_set(err, ERROR_CONFLICT, "NUMA node %d: too few shared CPUs are free", cell->id);
}

static bool memory_is_free(const struct numa_host *host, struct numa_cell *cell, bool pinned,
			   const struct numa_placement_cell *wanted, struct error *err)
{
	const struct numa_pages *pages = pages_of(cell, wanted->page_kb);

	if (wanted->page_kb == 0)
		return wanted->memory_mb <= numa_cell_ordinary_mb(host, cell, pinned) ||
		       error_set(err, ERROR_CONFLICT, "NUMA node %d: %lld MB of memory are not free",
				 cell->id, (long long)wanted->memory_mb);
	return (pages && numa_pages_of(pages, wanted->memory_mb) <= numa_pages_free(pages)) ||
	       error_set(err, ERROR_CONFLICT, "NUMA node %d: %lld MB in pages of %lld KB are not free",
			 cell->id, (long long)wanted->memory_mb, (long long)wanted->page_kb);
}

bool numa_claim(struct numa_host *host, const struct numa_placement *placement, struct error *err)
{
	bool pinned = has_pins(placement);

	for (int i = 0; i < placement->cell_count; i++) {
		const struct numa_placement_cell *wanted = &placement->cells[i];
		struct numa_cell *cell = numa_host_cell(host, wanted->host_cell);

		if (!cell)
			return error_set(err, ERROR_CONFLICT, "NUMA node %d is not there", wanted->host_cell);
		if (!cpus_are_free(host, cell, placement, wanted, err) ||
		    !memory_is_free(host, cell, pinned, wanted, err))
			return false;
	}
	numa_record(host, placement);
	return true;
}

void numa_record(struct numa_host *host, const struct numa_placement *placement)
{
	for (int i = 0; i < placement->cell_count; i++) {
		const struct numa_placement_cell *wanted = &placement->cells[i];
		struct numa_cell *cell = numa_host_cell(host, wanted->host_cell);
		struct numa_pages *pages = cell ? pages_of(cell, wanted->page_kb) : NULL;

		if (!cell)
			continue;
		cpu_set_or(&cell->pinned, &wanted->taken);
		cell->shared_used += floating_count(placement, wanted);
		if (pages)
			pages->used += numa_pages_of(pages, wanted->memory_mb);
	}
}

void numa_release(struct numa_host *host, const struct numa_placement *placement)
{
	for (int i = 0; i < placement->cell_count; i++) {
		const struct numa_placement_cell *given = &placement->cells[i];
		struct numa_cell *cell = numa_host_cell(host, given->host_cell);
		struct numa_pages *pages = cell ? pages_of(cell, given->page_kb) : NULL;

		if (!cell)
			continue;
		cpu_set_and_not(&cell->pinned, &given->taken);
		cell->shared_used -= floating_count(placement, given);
		if (pages)
			pages->used -= numa_pages_of(pages, given->memory_mb);
	}
}
