/* [sriov_nic] resource_provider_bandwidths, _hypervisors, _inventory_defaults. */
#pragma once

#include "agent/agent.h"

#include <yyjson.h>

/* Adds them to the inventory's nic_agent, in the shapes of Neutron's agent. */
void bandwidths_tell(const struct agent_settings *settings, yyjson_mut_doc *doc, yyjson_mut_val *nic);
