/* What one guest cell needs, and whether a host cell has it (Nova's rules for one cell). */
#include "numa/need.h"

struct numa_need numa_need_of(const struct numa_guest *guest, int cell)
{
	const struct numa_guest_cell *wanted = &guest->cells[cell];
	int dedicated = cpu_set_count(&wanted->dedicated);

	return (struct numa_need){
		.dedicated = dedicated,
		.floating = cpu_set_count(&wanted->vcpus) - dedicated,
		/* always beside guest cell 0, so that it can be told where it is */
		.emulator = cell == 0 && guest->emulator_policy == NUMA_EMULATOR_ISOLATE,
		.memory_mb = wanted->memory_mb,
		.page_kb = guest->page_kb,
		.threads = guest->thread_policy,
		.exact = guest->cpu_policy != NUMA_CPU_SHARED,
	};
}

/* --- CPUs --- */

struct numa_threads numa_threads_of(const struct numa_cell *cell, bool cores)
{
	struct cpu_set free = numa_cell_free_cpus(cell);
	struct numa_threads threads = {.free = cpu_set_count(&free)};

	for (int i = 0; cores && threads.free && i < cell->core_count; i++) {
		const struct numa_core *core = &cell->cores[i];
		int count = 0;

		for (int k = 0; k < core->count; k++)
			count += cpu_set_has(&free, core->cpus[k]);
		if (count == core->count) {
			threads.whole_cores++;
			threads.in_whole += count;
		}
		threads.paired += count > 1 ? count : 0;
	}
	return threads;
}

/* `isolate`: a whole free core for each vCPU.  The emulator's CPU is on no core of theirs. */
static bool cores_suffice(const struct numa_threads *threads, const struct numa_need *need)
{
	return threads->whole_cores >= need->dedicated &&
	       (!need->emulator || threads->whole_cores > need->dedicated ||
		threads->free > threads->in_whole);
}

static enum numa_shortage cpus_fit(const struct numa_host *host, const struct numa_cell *cell,
				   const struct numa_threads *threads, const struct numa_need *need)
{
	if (need->dedicated + need->emulator > threads->free)
		return NUMA_LACKS_DEDICATED;
	if (need->threads == NUMA_THREADS_ISOLATE && !cores_suffice(threads, need))
		return NUMA_LACKS_CORES;
	if (need->threads == NUMA_THREADS_REQUIRE && need->dedicated > threads->paired)
		return NUMA_LACKS_SIBLINGS;
	return need->floating > 0 && need->floating > numa_cell_shared_left(host, cell) ? NUMA_LACKS_SHARED
											: NUMA_FITS;
}

/* --- memory --- */

/* `large` is anything but the ordinary pages, `small` these. */
bool numa_page_is_wanted(const struct numa_cell *cell, int index, const struct numa_need *need)
{
	int64_t size_kb = cell->pages[index].size_kb;

	if (need->memory_mb * 1024 % size_kb)
		return false;
	switch (need->page_kb) {
	case NUMA_PAGES_ANY:
		return true;
	case NUMA_PAGES_LARGE:
		return index > 0;
	case NUMA_PAGES_UNSET:
	case NUMA_PAGES_SMALL:
		return index == 0;
	default:
		return size_kb == need->page_kb;
	}
}

/* Largest pages first. */
static enum numa_shortage pages_fit(const struct numa_cell *cell, const struct numa_need *need,
				    int64_t *page_kb)
{
	bool there = false;

	for (int i = cell->page_count - 1; i >= 0; i--) {
		const struct numa_pages *pages = &cell->pages[i];

		if (!numa_page_is_wanted(cell, i, need))
			continue;
		there = there || pages->total > 0;
		if (numa_pages_of(pages, need->memory_mb) <= numa_pages_free(pages)) {
			*page_kb = pages->size_kb;
			return NUMA_FITS;
		}
	}
	return there ? NUMA_LACKS_PAGES : NUMA_LACKS_PAGE_SIZE;
}

enum numa_shortage numa_cell_fits(const struct numa_host *host, const struct numa_cell *cell,
				  const struct numa_threads *threads, const struct numa_need *need,
				  int64_t *page_kb)
{
	enum numa_shortage shortage = cpus_fit(host, cell, threads, need);

	*page_kb = 0;
	if (shortage != NUMA_FITS)
		return shortage;
	if (need->page_kb != NUMA_PAGES_UNSET)
		return pages_fit(cell, need, page_kb);
	return need->memory_mb <= numa_cell_ordinary_mb(host, cell, need->exact) ? NUMA_FITS
										 : NUMA_LACKS_MEMORY;
}
