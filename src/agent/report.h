/* The inventory that the controller gets (docs/agent-protocol.md, PUT inventory). */
#pragma once

#include "agent/agent.h"

struct known_device;
struct groups_index;

/* Looks at the host; devices that a guest has are described as they were remembered before.  The text is the
 * caller's. */
char *report_inventory(const struct agent_settings *settings, struct error *err);
/* With [pci] report_in_placement: can the devices that are offered be shown in Placement?  ERROR_CONFLICT
 * says which contradict each other. */
bool report_check_placement(const struct agent_settings *settings, struct error *err);
#define REPORT_HEALTH_SIZE 450
/* "ok", or why the device must not be handed out, in text[REPORT_HEALTH_SIZE]; for as long as known_lock is
 * held. */
const char *report_health(const struct known_device *device, const struct groups_index *groups, char *text);
/* Do the device specs of this host offer the device?  As of the last inventory; any thread. */
bool report_offers(const char *address);
/* A device that a guest has since before this process began, with the network device that it was. */
void report_remember(const char *address, const char *netdev);
/* Leaves the inventory in the state folder (inventory.json), for `penstock device list`. */
void report_keep(const struct agent_settings *settings, const char *inventory);
