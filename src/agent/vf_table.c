/* rtnetlink: all VFs of a PF at once. */
#include "agent/vf_table.h"

#include "agent/link.h"
#include "base/memory.h"

#include <linux/if_link.h>
#include <string.h>

struct table {
	struct vf_settings *settings;
	int count, found;
};

static void take_all(const struct nlmsghdr *answer, void *argument)
{
	struct table *table = argument;

	for (int i = 0; i < table->count; i++)
		table->found += vf_decode(answer, i, &table->settings[i]);
}

struct vf_settings *vf_read_all(const char *pf, int count, struct error *err)
{
	struct table table = {.count = count};
	char buffer[VF_MESSAGE_SIZE], what[64];
	int link;

	snprintf(what, sizeof what, "reading the VFs of %s", pf);
	if (!link_index(pf, &link, err))
		return NULL;
	struct nlmsghdr *message = link_message(buffer, RTM_GETLINK, link);
	mnl_attr_put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS);
	table.settings = memory_alloc(((size_t)count + 1) * sizeof *table.settings);
	if (link_ask(message, take_all, &table, what, NULL, err) && table.found < count)
		error_set(err, ERROR_NOT_FOUND, "%s has %d VFs, expected %d", pf, table.found, count);
	if (table.found >= count)
		return table.settings;
	free(table.settings);
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
