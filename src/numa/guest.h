/* What a guest wants of NUMA, CPUs and pages, as its flavor and its image say it.  Pure logic.
 *
 * Flavors say "hw:numa_nodes", images "hw_numa_nodes"; both together make the guest.  What they may say, and
 * who wins, is as in Nova; what Nova passes over in silence (numa_cpus.N without nodes, or beyond them) is
 * refused. docs/numa.md lists it all. */
#pragma once

#include "base/error.h"
#include "numa/cpu_set.h"
#include "pci/alias.h"

#include <stdbool.h>
#include <stdint.h>

enum { NUMA_MAX_CELLS = 64 }; /* of a guest, and of a host */

enum numa_cpu_policy { NUMA_CPU_SHARED, NUMA_CPU_DEDICATED, NUMA_CPU_MIXED };
enum numa_thread_policy {
	NUMA_THREADS_UNSET,
	NUMA_THREADS_PREFER,
	NUMA_THREADS_ISOLATE,
	NUMA_THREADS_REQUIRE
};
enum numa_emulator_policy { NUMA_EMULATOR_UNSET, NUMA_EMULATOR_SHARE, NUMA_EMULATOR_ISOLATE };
/* trait:HW_CPU_HYPERTHREADING */
enum numa_hyperthreads { NUMA_HYPERTHREADS_ANY, NUMA_HYPERTHREADS_REQUIRED, NUMA_HYPERTHREADS_FORBIDDEN };

/* A size of pages that is wanted, in KiB, or one of these. */
enum { NUMA_PAGES_UNSET = 0, NUMA_PAGES_SMALL = -1, NUMA_PAGES_LARGE = -2, NUMA_PAGES_ANY = -3 };

struct numa_guest_cell {
	struct cpu_set vcpus;	  /* may be none: a node of memory only */
	struct cpu_set dedicated; /* those of them that get a host CPU for themselves */
	int64_t memory_mb;
};

struct numa_guest {
	int cell_count; /* 0: it has no topology, and nothing but what follows `hyperthreads` counts */
	int vcpus;
	enum numa_cpu_policy cpu_policy;
	enum numa_thread_policy thread_policy;
	enum numa_emulator_policy emulator_policy;
	int64_t page_kb;	 /* or NUMA_PAGES_... */
	struct cpu_set realtime; /* vCPUs */
	enum numa_hyperthreads hyperthreads;
	bool has_pci_policy;
	enum pci_numa_policy pci_policy; /* goes before an alias's, and behind a port's */
	struct numa_guest_cell cells[NUMA_MAX_CELLS];
};

/* The value of a flavor's extra spec or of an image's property, or NULL. */
typedef const char *numa_lookup(const void *context, const char *key);

struct numa_wish {
	numa_lookup *flavor, *image; /* NULL: it says nothing */
	const void *flavor_context, *image_context;
	int64_t vcpus, memory_mb; /* the flavor's */
};

/* Errors name the option and say what is allowed: ERROR_BAD_REQUEST, but ERROR_FORBIDDEN for PCI policies of
 * flavor and image that differ. */
bool numa_guest_parse(const struct numa_wish *wish, struct numa_guest *guest, struct error *err);

/* Would both have the same topology?  A server keeps its own when it is rebuilt from another image.  The PCI
 * policy does not count (as in Nova). */
bool numa_guest_equal(const struct numa_guest *a, const struct numa_guest *b);
