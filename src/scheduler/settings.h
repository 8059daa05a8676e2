/* Within the scheduler: what the configuration says. */
#pragma once

#include "pci/alias.h"

struct scheduler_settings {
	struct pci_aliases aliases;
	double cpu_ratio, ram_ratio, disk_ratio; /* allocation ratios */
	bool pci_in_placement;			 /* [filter_scheduler] */
	bool pack_cells;			 /* [compute] packing_host_numa_cells_allocation_strategy */
	double cpu_weight, ram_weight, disk_weight, pci_weight; /* weight multipliers */
};

extern struct scheduler_settings scheduler_settings;
