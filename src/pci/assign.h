/* Which device for which request: an exact assignment on one host.  Pure logic.
 *
 * Each of `count` slots wants one device, no device serves two slots, and a PF and VFs of it are never taken
 * together. If an assignment exists it is found (Nova's is greedy and refuses hosts that would do): slots and
 * devices are matched by augmenting paths; which PFs are taken whole is tried out, fewest first, with PFs
 * that are alike tried once. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PCI_ASSIGN_MAX_SLOTS = 64, PCI_ASSIGN_MAX_REQUESTS = 64 };

/* A free device that at least one slot may have.  The order of the array is the order of preference. */
struct pci_candidate {
	uint64_t fits; /* bit r: request r may have it */
	int device;    /* the caller's own */
	/* Devices of one unit are had either whole or in parts, never both: a PF (and what is taken along
	 * with it, if anything is) or its VFs.  The caller's number; -1: it excludes nothing. */
	int unit;
	bool whole;
	int numa_node; /* -1: none */
};

/* Slot i belongs to request slots[i].  true: chosen[i] is the index of its candidate.  All devices are taken
 * from one NUMA node if they can be. */
bool pci_assign(const struct pci_candidate *candidates, size_t candidate_count, const uint8_t *slots,
		size_t slot_count, int *chosen);
