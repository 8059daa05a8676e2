/* Who holds the VFs of a PF: while anybody does, its number of VFs is not touched. */
#pragma once

#include "agent/inventory.h"
#include "base/text.h"

/* Adds a sentence for each VF that is held ("VF 0000:21:10.0: qemu-system-x86 of instance-00000001 (process
 * 4711)"), separated by "; ".  False: none is. */
bool holders_find(const struct pci_device *devices, size_t count, const char *pf, struct text *sentences);
