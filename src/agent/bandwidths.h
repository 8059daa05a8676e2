/* [sriov_nic] resource_provider_bandwidths, _hypervisors, _inventory_defaults. */
#pragma once

#include "agent/agent.h"
#include "config/config.h"

#include <yyjson.h>

/* Refuses what cannot be, and devices that physical_device_mappings (read before) does not name.  `host` is
 * the hypervisor where the configuration names no other. */
bool bandwidths_read(const struct config *config, const char *host, struct agent_settings *settings,
		     struct error *err);
/* Adds them to the inventory's nic_agent, in the shapes of Neutron's agent. */
void bandwidths_tell(const struct agent_settings *settings, yyjson_mut_doc *doc, yyjson_mut_val *nic);
