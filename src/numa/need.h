/* Within the room: what one guest cell needs, and whether a host cell has it. */
#pragma once

#include "numa/host.h"

struct numa_need {
	int dedicated, floating; /* vCPUs */
	int emulator;		 /* 1: a CPU more for the emulator's threads */
	int64_t memory_mb;
	int64_t page_kb; /* or NUMA_PAGES_... */
	enum numa_thread_policy threads;
	bool exact; /* memory without overcommitment */
};

/* What is free of a host cell's dedicated CPUs. */
struct numa_threads {
	int free;
	int whole_cores; /* cores all of whose threads are free */
	int in_whole;	 /* threads of these */
	int paired;	 /* free threads with another free one on their core */
};

/* In the order in which they are looked at. */
enum numa_shortage {
	NUMA_FITS,
	NUMA_LACKS_DEDICATED,
	NUMA_LACKS_CORES,
	NUMA_LACKS_SIBLINGS,
	NUMA_LACKS_SHARED,
	NUMA_LACKS_PAGE_SIZE,
	NUMA_LACKS_PAGES,
	NUMA_LACKS_MEMORY,
	NUMA_SHORTAGE_COUNT
};

/* Needs of different guest cells are often the same: the other fields are the guest's. */
static inline bool numa_need_same(const struct numa_need *a, const struct numa_need *b)
{
	return a->dedicated == b->dedicated && a->floating == b->floating && a->emulator == b->emulator &&
	       a->memory_mb == b->memory_mb;
}

struct numa_need numa_need_of(const struct numa_guest *guest, int cell);
/* Only `free` unless its cores matter too. */
struct numa_threads numa_threads_of(const struct numa_cell *cell, bool cores);
/* *page_kb is the size of pages chosen (0: none was asked for). */
enum numa_shortage numa_cell_fits(const struct numa_host *host, const struct numa_cell *cell,
				  const struct numa_threads *threads, const struct numa_need *need,
				  int64_t *page_kb);
/* May the need be met with pages of this index?  By the wish and the memory, not by what is free. */
bool numa_page_is_wanted(const struct numa_cell *cell, int index, const struct numa_need *need);

/* Chooses host CPUs of the cell for the dedicated vCPUs, in pins, and the emulator's own (or -1); `taken` are
 * all that nobody else may have then.  Only if numa_cell_fits(). */
void numa_pin(const struct numa_cell *cell, const struct numa_need *need, const struct cpu_set *dedicated,
	      int16_t *pins, int *emulator, struct cpu_set *taken);
