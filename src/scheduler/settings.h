/* Within the scheduler: what the configuration says. */
#pragma once

#include "pci/alias.h"

enum weigher {
	WEIGHER_CPU,
	WEIGHER_RAM,
	WEIGHER_DISK,
	WEIGHER_PCI,
	WEIGHER_INSTANCES,
	WEIGHER_IO_OPS,
	WEIGHER_BUILD_FAILURE,
	WEIGHER_VERSION,
	WEIGHER_COUNT
};

struct scheduler_settings {
	struct pci_aliases aliases;
	double cpu_ratio, ram_ratio, disk_ratio; /* allocation ratios */
	bool pci_in_placement;			 /* [filter_scheduler] */
	bool pack_cells;			 /* [compute] packing_host_numa_cells_allocation_strategy */
	double weights[WEIGHER_COUNT];		 /* multipliers */
	int64_t subset_size;			 /* host_subset_size */
	bool shuffle;				 /* shuffle_best_same_weighed_hosts */
};

extern struct scheduler_settings scheduler_settings;
