/* Does a guest with a topology fit on a host, and where.  Pure logic.
 *
 * Guest cells go to different host cells, each of which has the CPUs, pages and memory (Nova's rules for one
 * cell; docs/numa.md says where ours are others).  If there is a way it is found, but for hosts and guests of
 * very many cells whose devices and networks refuse thousands of sets of host cells (match.h). */
#pragma once

#include "base/text.h"
#include "numa/placement.h"

/* May the guest be on these host cells (bit i: host->cells[i]), for all that is not looked at here: its
 * devices' NUMA policies, its networks?  Each set is asked about once, preferred ones first. */
typedef bool numa_accept(void *context, const struct numa_host *host, uint64_t cells);

struct numa_fit {
	numa_accept *accept; /* NULL: any */
	void *context;
	bool wants_devices; /* prefer cells with free_devices; without, cells that have none */
};

/* Fills *placement (NULL: it is only asked whether).  If it does not fit, what stands nearest against it is
 * added to *reason (may be NULL), as what follows a host's name: "needs 4 dedicated CPUs on one NUMA node;
 * node 0 has 2 free, node 1 has 3 free". A guest without topology fits with a placement without cells, if
 * only its trait does. */
bool numa_fit(const struct numa_host *host, const struct numa_guest *guest, const struct numa_fit *how,
	      struct numa_placement *placement, struct text *reason);

/* How near a device is to a guest on these host cells.  One cell of them is enough (as in Nova). */
enum numa_distance { NUMA_NEAR, NUMA_SAME_SOCKET, NUMA_UNKNOWN, NUMA_FAR };
/* numa_node: the device's, or PCI_NUMA_NONE.  If any host cell's socket is unknown, none counts (as in Nova).
 */
enum numa_distance numa_distance(const struct numa_host *host, uint64_t cells, int numa_node);
/* Nearer devices go before those that are allowed too. */
bool numa_policy_allows(enum pci_numa_policy policy, enum numa_distance distance);
