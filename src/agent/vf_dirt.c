/* What an earlier owner has left on a VF. */
#include "agent/vf_dirt.h"

#include <stdio.h>
#include <string.h>

bool vf_is_dirty(const struct vf_settings *s)
{
	return *s->mac_address || s->vlan || s->vlan_qos || s->trust == 1 || s->min_rate || s->max_rate;
}

void vf_describe_dirt(const struct vf_settings *s, char text[160])
{
	snprintf(text, 160, "MAC %s, VLAN %d%s%s", *s->mac_address ? s->mac_address : "none", s->vlan,
		 s->trust == 1 ? ", trusted" : "", s->min_rate || s->max_rate ? ", with rates" : "");
}
