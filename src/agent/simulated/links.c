/* The simulated kernel's rtnetlink: it reads the agent's own messages and answers with messages like the
 * kernel's. */
#include "agent/link.h"
#include "agent/simulated/state.h"
#include "base/memory.h"

#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <string.h>

static struct simulated_device *device_of(int ifindex)
{
	int index = ifindex - SIMULATED_IFINDEX;

	if (index < 0 || index >= simulated_now()->pfs * (simulated_now()->vfs + 1))
		return NULL;
	return *simulated_devices()[index].netdev ? &simulated_devices()[index] : NULL;
}

/* --- setting --- */

/* Like igb's driver: no link state.  The VF's MAC and the rest are the PF's to say. */
static int set_attribute(struct simulated_device *pf, const struct nlattr *nested)
{
	uint16_t type = mnl_attr_get_type(nested);
	uint32_t vf = mnl_attr_get_u32(nested);

	if (type == IFLA_VF_VLAN_LIST) /* 802.1ad */
		return EPROTONOSUPPORT;
	if (vf >= (uint32_t)pf->numvfs)
		return EINVAL;
	for (size_t i = 0; i < vf_attribute_count; i++) {
		if (vf_attributes[i].type != type || type == IFLA_VF_LINK_STATE)
			continue;
		if (mnl_attr_get_payload_len(nested) != vf_attributes[i].size)
			return EINVAL;
		vf_attributes[i].decode(mnl_attr_get_payload(nested), &pf[1 + vf].settings);
		if (type == IFLA_VF_MAC)
			pf[1 + vf].mac_is_set = *pf[1 + vf].settings.mac_address;
		return 0;
	}
	return EOPNOTSUPP;
}

static int set_vfs(struct simulated_device *pf, const struct nlattr *list)
{
	const struct nlattr *info, *nested;
	int result;

	mnl_attr_for_each_nested(info, list)
	{
		mnl_attr_for_each_nested(nested, info)
		{
			if ((result = set_attribute(pf, nested)) != 0)
				return result;
		}
	}
	return 0;
}

/* As igb: a VF chooses while its PF does not. */
static bool set_mac(struct simulated_device *vf, const struct nlattr *attribute)
{
	const unsigned char *m = mnl_attr_get_payload(attribute);
	char mac[18];

	snprintf(mac, sizeof mac, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
	if (vf->mac_is_set)
		return false;
	memcpy(vf->mac_address, mac, sizeof mac);
	memcpy(vf->settings.mac_address, mac, sizeof mac);
	return true;
}

static int set_link(struct simulated_device *pf, const struct nlmsghdr *message, const struct ifinfomsg *info)
{
	const struct nlattr *attribute;
	int result = 0;

	mnl_attr_for_each(attribute, message, sizeof *info)
	{
		if (mnl_attr_get_type(attribute) == IFLA_IFNAME && pf->up)
			return EBUSY;
		if (mnl_attr_get_type(attribute) == IFLA_IFNAME)
			snprintf(pf->netdev, sizeof pf->netdev, "%s", mnl_attr_get_str(attribute));
		if (mnl_attr_get_type(attribute) == IFLA_ADDRESS && !set_mac(pf, attribute))
			return EADDRNOTAVAIL;
		if (mnl_attr_get_type(attribute) == IFLA_MTU)
			pf->mtu = (int)mnl_attr_get_u32(attribute);
		if (mnl_attr_get_type(attribute) == IFLA_VFINFO_LIST &&
		    (result = set_vfs(pf, attribute)) != 0)
			return result;
	}
	if (info->ifi_change & IFF_UP)
		pf->up = info->ifi_flags & IFF_UP;
	return 0;
}

/* Of what was set while the device is down nothing is told. */
static int set_link_and_tell(struct simulated_device *pf, const struct nlmsghdr *message,
			     const struct ifinfomsg *info)
{
	bool was_up = pf->up;
	int result = set_link(pf, message, info);

	if (result == 0 && (was_up || pf->up))
		simulated_tell(WORLD_LINKS);
	return result;
}

/* --- answering --- */

static void put_vf(struct nlmsghdr *answer, const struct vf_settings *settings, int vf)
{
	struct nlattr *info = mnl_attr_nest_start(answer, IFLA_VF_INFO);

	for (size_t i = 0; i < vf_attribute_count; i++) {
		unsigned char data[64] = {0};

		vf_attributes[i].encode(settings, (uint32_t)vf, data);
		mnl_attr_put(answer, vf_attributes[i].type, vf_attributes[i].size, data);
	}
	mnl_attr_nest_end(answer, info);
}

static void answer_link(const struct simulated_device *pf, bool with_vfs, world_answer *answer,
			void *argument)
{
	_cleanup_free_ char *buffer = memory_alloc(64 * 1024);
	struct nlmsghdr *message = link_message(buffer, RTM_NEWLINK, SIMULATED_IFINDEX + simulated_index(pf));
	struct ifinfomsg *info = mnl_nlmsg_get_payload(message);

	info->ifi_flags = pf->up ? IFF_UP : 0;
	mnl_attr_put_strz(message, IFLA_IFNAME, pf->netdev);
	mnl_attr_put_u32(message, IFLA_MTU, (uint32_t)pf->mtu);
	if (with_vfs) {
		struct nlattr *list = mnl_attr_nest_start(message, IFLA_VFINFO_LIST);

		for (int i = 0; i < pf->numvfs; i++)
			put_vf(message, &pf[1 + i].settings, i);
		mnl_attr_nest_end(message, list);
	}
	answer(message, argument);
}

static bool asks_for_vfs(const struct nlmsghdr *message)
{
	const struct nlattr *attribute;

	mnl_attr_for_each(attribute, message, sizeof(struct ifinfomsg))
	{
		if (mnl_attr_get_type(attribute) == IFLA_EXT_MASK)
			return mnl_attr_get_u32(attribute) & RTEXT_FILTER_VF;
	}
	return false;
}

int simulated_netlink(struct nlmsghdr *message, world_answer *answer, void *argument, char *why, size_t size)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	int result = 0;

	snprintf(why, size, "%s", "");
	if (message->nlmsg_type == RTM_SETLINK)
		simulated_change("set link %d", info->ifi_index);
	simulated_enter();
	struct simulated_device *pf = device_of(info->ifi_index);
	if (!pf)
		result = ENODEV;
	else if (message->nlmsg_type == RTM_SETLINK)
		result = set_link_and_tell(pf, message, info);
	else
		answer_link(pf, asks_for_vfs(message), answer, argument);
	simulated_leave();
	return result;
}
