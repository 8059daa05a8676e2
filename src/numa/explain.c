/* Why a guest does not fit on a host. */
#include "numa/explain.h"

#include <stdio.h>

#define EXPLAIN_MAX_NODES 8 /* that a sentence names */

static const char *plural(long long count)
{
	return count == 1 ? "" : "s";
}

bool numa_explain_host(const struct numa_host *host, const struct numa_guest *guest, struct text *why)
{
	bool threads = numa_host_has_hyperthreads(host);

	if (guest->hyperthreads == NUMA_HYPERTHREADS_FORBIDDEN && threads)
		text_add(why, "has hyperthreads, which trait:HW_CPU_HYPERTHREADING forbids");
	else if (guest->hyperthreads == NUMA_HYPERTHREADS_REQUIRED && !threads)
		text_add(why, "has no hyperthreads, which trait:HW_CPU_HYPERTHREADING requires");
	else if (guest->cell_count && host->cell_count == 0)
		text_add(why, "has not told its NUMA nodes");
	else if (guest->cell_count > host->cell_count)
		text_addf(why, "needs %d NUMA nodes, it has %d", guest->cell_count, host->cell_count);
	else
		return false;
	return true;
}

/* --- one guest cell that fits nowhere --- */

static void page_size_text(int64_t page_kb, char text[40])
{
	if (page_kb == NUMA_PAGES_LARGE || page_kb == NUMA_PAGES_ANY || page_kb == NUMA_PAGES_SMALL)
		snprintf(text, 40, "%s pages",
			 page_kb == NUMA_PAGES_LARGE   ? "large"
			 : page_kb == NUMA_PAGES_SMALL ? "small"
						       : "any");
	else if (page_kb % 1048576 == 0)
		snprintf(text, 40, "pages of %lld GB", (long long)page_kb / 1048576);
	else if (page_kb % 1024 == 0)
		snprintf(text, 40, "pages of %lld MB", (long long)page_kb / 1024);
	else
		snprintf(text, 40, "pages of %lld KB", (long long)page_kb);
}

/* "4 dedicated CPUs" */
static void explain_need(const struct numa_need *need, enum numa_shortage shortage, struct text *why)
{
	int cpus = need->dedicated + need->emulator;
	const char *emulator = need->emulator ? " (one of them for the emulator's threads)" : "";
	char pages[40];

	page_size_text(need->page_kb, pages);
	switch (shortage) {
	case NUMA_LACKS_DEDICATED:
		text_addf(why, "%d dedicated CPU%s%s", cpus, plural(cpus), emulator);
		break;
	case NUMA_LACKS_CORES:
		text_addf(why, "%d whole core%s%s", need->dedicated, plural(need->dedicated),
			  need->emulator ? " and a dedicated CPU for the emulator's threads" : "");
		break;
	case NUMA_LACKS_SIBLINGS:
		text_addf(why, "%d dedicated CPU%s with free siblings", need->dedicated,
			  plural(need->dedicated));
		break;
	case NUMA_LACKS_SHARED:
		text_addf(why, "%d shared CPU%s", need->floating, plural(need->floating));
		break;
	case NUMA_LACKS_PAGE_SIZE:
	case NUMA_LACKS_PAGES:
		text_addf(why, "%lld MB in %s", (long long)need->memory_mb, pages);
		break;
	default:
		text_addf(why, "%lld MB of memory", (long long)need->memory_mb);
	}
}

/* The most that pages of one wanted size could give. */
static long long most_pages_mb(const struct numa_cell *cell, const struct numa_need *need)
{
	long long most = 0;

	for (int i = 0; i < cell->page_count; i++) {
		long long mb = numa_pages_free(&cell->pages[i]) * cell->pages[i].size_kb / 1024;

		if (numa_page_is_wanted(cell, i, need) && mb > most)
			most = mb;
	}
	return most;
}

static bool cell_has_hyperthreads(const struct numa_cell *cell)
{
	for (int i = 0; i < cell->core_count; i++) {
		if (cell->cores[i].count > 1)
			return true;
	}
	return false;
}

/* "2 free", or with `named` "2 dedicated CPUs free": what a cell has of what it lacks. */
static void explain_have(const struct numa_host *host, const struct numa_cell *cell,
			 const struct numa_need *need, enum numa_shortage shortage, bool named,
			 struct text *why)
{
	struct numa_threads threads = numa_threads_of(cell, true);

	switch (shortage) {
	case NUMA_LACKS_DEDICATED:
		text_addf(why, "%d %sfree", threads.free, named ? "dedicated CPUs " : "");
		break;
	case NUMA_LACKS_CORES:
		text_addf(why, "%d %sfree", threads.whole_cores, named ? "whole cores " : "");
		break;
	case NUMA_LACKS_SIBLINGS:
		if (cell_has_hyperthreads(cell))
			text_addf(why, "%d%s", threads.paired,
				  named ? " dedicated CPUs with free siblings" : "");
		else
			text_add(why, "no hyperthreads");
		break;
	case NUMA_LACKS_SHARED:
		text_addf(why, "%d %sfree", numa_cell_shared_left(host, cell), named ? "shared CPUs " : "");
		break;
	case NUMA_LACKS_PAGE_SIZE:
		text_add(why, named ? "no pages of a size that would do" : "none of them");
		break;
	case NUMA_LACKS_PAGES:
		text_addf(why, "%lld MB %sfree", most_pages_mb(cell, need), named ? "in such pages " : "");
		break;
	default:
		text_addf(why, "%lld MB %sfree", (long long)numa_cell_ordinary_mb(host, cell, need->exact),
			  named ? "of ordinary memory " : "");
	}
}

/* Then it is a matter of configuration, not of use. */
static bool host_dedicates_cpus(const struct numa_host *host)
{
	for (int i = 0; i < host->cell_count; i++) {
		if (!cpu_set_is_empty(&host->cells[i].dedicated))
			return true;
	}
	return false;
}

static void explain_cell(const struct numa_host *host, const struct numa_guest *guest, int guest_cell,
			 struct text *why)
{
	struct numa_need need = numa_need_of(guest, guest_cell);
	enum numa_shortage shortages[NUMA_MAX_CELLS];
	unsigned kinds = 0;
	bool first = true;

	for (int i = 0; i < host->cell_count; i++) {
		struct numa_threads threads = numa_threads_of(&host->cells[i], true);
		int64_t page_kb;

		shortages[i] = numa_cell_fits(host, &host->cells[i], &threads, &need, &page_kb);
		kinds |= 1u << shortages[i];
	}
	text_add(why, "needs ");
	for (int kind = NUMA_FITS + 1; kind < NUMA_SHORTAGE_COUNT; kind++) {
		/* both say the same need */
		if (!(kinds >> kind & 1) || (kind == NUMA_LACKS_PAGES && kinds >> NUMA_LACKS_PAGE_SIZE & 1))
			continue;
		text_add(why, first ? "" : " and ");
		explain_need(&need, (enum numa_shortage)kind, why);
		first = false;
	}
	text_add(why, " on one NUMA node");
	if (guest->cell_count > 1)
		text_addf(why, " for guest node %d", guest_cell);
	if (kinds == 1u << NUMA_LACKS_DEDICATED && !host_dedicates_cpus(host)) {
		text_add(why, "; it has none ([compute] cpu_dedicated_set)");
		return;
	}
	for (int i = 0; i < host->cell_count && i < EXPLAIN_MAX_NODES; i++) {
		text_addf(why, "%s node %d has ", i ? "," : ";", host->cells[i].id);
		explain_have(host, &host->cells[i], &need, shortages[i], kinds & (kinds - 1), why);
	}
	if (host->cell_count > EXPLAIN_MAX_NODES)
		text_addf(why, ", and so on for %d more nodes", host->cell_count - EXPLAIN_MAX_NODES);
}

/* --- all together --- */

/* "nodes 0, 1 and 2" of the bits that are set; `order` NULL: bits are numbers. */
static void explain_nodes(const struct numa_host *host, const int *order, uint64_t bits, struct text *why)
{
	int count = __builtin_popcountll(bits);

	text_addf(why, "node%s", plural(count));
	for (int done = 0; bits; bits &= bits - 1, done++) {
		int bit = __builtin_ctzll(bits);

		text_addf(why, "%s%d",
			  done == 0	      ? " "
			  : done + 1 == count ? " and "
					      : ", ",
			  order ? host->cells[order[bit]].id : bit);
	}
}

void numa_explain(const struct numa_host *host, const struct numa_guest *guest,
		  const struct numa_match *match, const int *order, struct text *why)
{
	uint64_t guests, hosts, usable = 0;

	for (int i = 0; i < guest->cell_count; i++) {
		if (!match->fits[i]) {
			explain_cell(host, guest, i, why);
			return;
		}
		usable |= match->fits[i];
	}
	if (!numa_match_check(match, &guests, &hosts)) {
		text_add(why, "needs different NUMA nodes for guest ");
		explain_nodes(host, NULL, guests, why);
		text_add(why, ", of which each fits only on ");
		explain_nodes(host, order, hosts, why);
		return;
	}
	text_add(why, "has the CPUs and the memory on NUMA ");
	explain_nodes(host, order, usable, why);
	text_add(why, ", but not with the devices and networks that are wanted");
	if (match->tries >= NUMA_MATCH_MAX_TRIES)
		text_addf(why, " (%d choices of nodes were tried)", match->tries);
}
