/* rtnetlink: all VFs of a PF at once. */
#include "agent/vf_table.h"

#include <stdio.h>
#include <string.h>

struct vf_settings *vf_read_all(const char *pf, int count, struct error *err)
{
	struct vf_table table;
	int found = 0;

	if (!vf_table_read(pf, &table, err))
		return NULL;
	while (found < count && (size_t)found < table.count && !table.vfs[found].untold)
		found++;
	if (found == count && table.vfs)
		return table.vfs;
	error_set(err, ERROR_NOT_FOUND, "%s has %d VFs, expected %d", pf, found, count);
	vf_table_done(&table);
	return NULL;
}

bool vf_is_dirty(const struct vf_settings *s)
{
	return *s->mac_address || s->vlan || s->vlan_qos || s->trust == 1 || s->min_rate || s->max_rate;
}

void vf_describe_dirt(const struct vf_settings *s, char text[160])
{
	snprintf(text, 160, "MAC %s, VLAN %d%s%s", *s->mac_address ? s->mac_address : "none", s->vlan,
		 s->trust == 1 ? ", trusted" : "", s->min_rate || s->max_rate ? ", with rates" : "");
}
