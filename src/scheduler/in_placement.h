/* Within the scheduler: what is particular to hosts whose PCI devices Placement shows ([pci]
 * report_in_placement): what they may not report, and devices that are used once. */
#pragma once

#include "scheduler/fleet.h"
#include "scheduler/inventory.h"

/* Takes the inventory's report_in_placement over; before the devices' rows are changed.  ERROR_CONFLICT if
 * the host cannot be shown as it says: devices that contradict each other (pci_reported_check), a PF for its
 * VFs or VFs for their PF while a server has the other, or the switch turned off while there are such
 * devices. */
bool in_placement_report(struct store *db, const char *host_id, yyjson_val *json,
			 const struct inventory *inventory, bool *changed, struct error *err);

/* Those of the chosen devices that have one_time_use are not given to anybody else before the operator says
 * so. */
bool in_placement_spend(struct store *db, const struct fleet_host *host, const int *chosen, size_t count,
			struct error *err);
