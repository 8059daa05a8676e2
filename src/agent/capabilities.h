/* What the PFs of this host cannot do, told with the inventory (nic_agent.capabilities). */
#pragma once

#include "agent/agent.h"

#include <yyjson.h>

/* With known_lock held. */
void capabilities_tell(yyjson_mut_doc *doc, yyjson_mut_val *nic);
