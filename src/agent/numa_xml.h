/* The parts of a domain's XML that place it on NUMA cells and CPUs of the host; nothing without cells. */
#pragma once

#include "base/text.h"
#include "numa/placement.h"

/* memoryBacking, cputune and numatune. */
void numa_xml_tuning(const struct numa_placement *placement, struct text *xml);
/* <numa> of <cpu>. */
void numa_xml_cells(const struct numa_placement *placement, struct text *xml);
