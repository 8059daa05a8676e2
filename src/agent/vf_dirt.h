/* What an earlier owner has left on a VF. */
#pragma once

#include "agent/vf.h"

/* Has somebody left something on it that would do harm: an address, a VLAN, trust, rates?  (What drivers have
 * different ideas of, spoof check and link state, is set whenever a VF is given away.) */
bool vf_is_dirty(const struct vf_settings *settings);
/* "MAC 02:.., VLAN 5, trusted" into text[160]. */
void vf_describe_dirt(const struct vf_settings *settings, char text[160]);
