/* The inventory that the controller gets (docs/agent-protocol.md, PUT inventory). */
#pragma once

#include "agent/agent.h"

/* Looks at the host; devices that a guest has are described as they were remembered before.  The text is the
 * caller's. */
char *report_inventory(const struct agent_settings *settings, struct error *err);
/* With [pci] report_in_placement: can the devices that are offered be shown in Placement?  ERROR_CONFLICT
 * says which contradict each other. */
bool report_check_placement(const struct agent_settings *settings, struct error *err);
/* Do the device specs of this host offer the device?  As of the last inventory; any thread. */
bool report_offers(const char *address);
/* A device that a guest has since before this process began, with the network device that it was. */
void report_remember(const char *address, const char *netdev);
