/* A host's NUMA cells: what they have, and what of it guests with a topology use.  Pure logic. */
#pragma once

#include "numa/guest.h"

#include <yyjson.h>

enum { NUMA_MAX_THREADS = 8, NUMA_MAX_PAGES = 6, NUMA_NO_SOCKET = -1 };

/* Pages of one size. */
struct numa_pages {
	int64_t size_kb, total;
	int64_t used;	  /* by guests; more than there are if memory is overcommitted */
	int64_t reserved; /* not for guests (Nova's reserved_huge_pages) */
};

/* The threads that share a core. */
struct numa_core {
	uint16_t cpus[NUMA_MAX_THREADS];
	uint16_t count;
};

struct numa_cell {
	int id;	    /* the kernel's number of the node */
	int socket; /* or NUMA_NO_SOCKET */
	/* Nova's cpu_shared_set and cpu_dedicated_set, of this node: they have no CPU in common. */
	struct cpu_set shared, dedicated;
	struct cpu_set pinned; /* nobody else may have them now */
	int shared_used;       /* vCPUs that float here */
	int free_devices;      /* PCI devices here; whoever counts them sets it */
	struct numa_core *cores;
	int core_count;
	struct numa_pages pages[NUMA_MAX_PAGES]; /* by size; the first are the ordinary ones */
	int page_count;				 /* at least 1 */
};

/* A physical network that is near some of the cells (bit i: cells[i]). */
struct numa_network {
	char name[65];
	uint64_t cells;
};

/* Start from {0}. */
struct numa_host {
	struct numa_cell *cells; /* by id */
	int cell_count;
	int network_count;
	struct numa_network *networks;	/* those that are near any */
	uint64_t tunnel_cells;		/* near which tunnels end; 0: it does not matter */
	double cpu_ratio, memory_ratio; /* overcommitment of what floats; 0 counts as 1 */
	bool pack; /* [compute] packing_host_numa_cells_allocation_strategy: fullest cells first */
};

/* Reads an inventory's `cells`: a list of
 *	{"id": 0, "socket": 0, "cpus": "0-15", "dedicated": "2-15", "shared": "0-1", "siblings": ["0,8",
 *"1,9"], "memory_mb": 65536, "page_kb": 4, "hugepages": [{"size_kb": 2048, "total": 512, "reserved": 0}],
 *	 "physical_networks": ["physnet_a"], "tunnels": true}
 * Without socket it is unknown; without dedicated and shared all CPUs are shared (as in Nova); CPUs that no
 * siblings name are a core each; page_kb is 4 unless it is said.  Nothing is in use afterwards.  Replaces the
 * cells of *host only if all is well. */
bool numa_host_read(yyjson_val *cells, struct numa_host *host, struct error *err);
void numa_host_done(struct numa_host *host);

struct numa_cell *numa_host_cell(const struct numa_host *host, int id); /* or NULL */
/* Has any core more than one thread? */
bool numa_host_has_hyperthreads(const struct numa_host *host);

int64_t numa_pages_free(const struct numa_pages *pages); /* never less than 0 */
/* So many pages hold the memory. */
int64_t numa_pages_of(const struct numa_pages *pages, int64_t memory_mb);
/* The memory of free pages of all sizes. */
int64_t numa_cell_free_mb(const struct numa_cell *cell);
/* What a guest that floats may still have of ordinary memory, with the host's ratio; `exact` without. */
int64_t numa_cell_ordinary_mb(const struct numa_host *host, const struct numa_cell *cell, bool exact);
/* vCPUs that may float here beside those that do, with the host's ratio. */
int numa_cell_shared_left(const struct numa_host *host, const struct numa_cell *cell);
/* CPUs that can be dedicated now. */
struct cpu_set numa_cell_free_cpus(const struct numa_cell *cell);
