/* rtnetlink: VF settings. */
#include "agent/vf.h"

#include "agent/link.h"
#include "base/log.h"
#include "base/memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <string.h>

#define RETRY_MS    100
#define RETRY_COUNT 100 /* 10 s */

const struct vf_settings vf_clean = {.spoof_check = 1};

/* --- the attributes --- */

static void encode_mac(const struct vf_settings *settings, uint32_t vf, void *data)
{
	struct ifla_vf_mac *value = data;
	unsigned char *m = value->mac;

	value->vf = vf;
	if (*settings->mac_address)
		sscanf(settings->mac_address, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &m[0], &m[1], &m[2], &m[3],
		       &m[4], &m[5]);
}

static void decode_mac(const void *data, struct vf_settings *settings)
{
	static const unsigned char none[ETH_ALEN];
	const unsigned char *m = ((const struct ifla_vf_mac *)data)->mac;

	settings->mac_address[0] = '\0';
	if (memcmp(m, none, sizeof none) != 0)
		snprintf(settings->mac_address, sizeof settings->mac_address, "%02x:%02x:%02x:%02x:%02x:%02x",
			 m[0], m[1], m[2], m[3], m[4], m[5]);
}

static bool equal_mac(const struct vf_settings *a, const struct vf_settings *b)
{
	return a->own_mac || b->own_mac || strcmp(a->mac_address, b->mac_address) == 0;
}

/* A plain 802.1Q tag: IFLA_VF_VLAN.  (Other protocols would need IFLA_VF_VLAN_LIST.) */
static void encode_vlan(const struct vf_settings *settings, uint32_t vf, void *data)
{
	*(struct ifla_vf_vlan *)data = (struct ifla_vf_vlan){.vf = vf,
							     .vlan = (uint32_t)settings->vlan,
							     .qos = (uint32_t)settings->vlan_qos};
}

static void decode_vlan(const void *data, struct vf_settings *settings)
{
	settings->vlan = (int)((const struct ifla_vf_vlan *)data)->vlan;
	settings->vlan_qos = (int)((const struct ifla_vf_vlan *)data)->qos;
}

static bool equal_vlan(const struct vf_settings *a, const struct vf_settings *b)
{
	return a->vlan == b->vlan && a->vlan_qos == b->vlan_qos;
}

/* The kernel leaves -1 where the driver says nothing. */
static int decode_flag(uint32_t setting)
{
	return setting == UINT32_MAX ? VF_UNKNOWN : setting != 0;
}

static void encode_spoof_check(const struct vf_settings *settings, uint32_t vf, void *data)
{
	*(struct ifla_vf_spoofchk *)data =
		(struct ifla_vf_spoofchk){.vf = vf, .setting = (uint32_t)settings->spoof_check};
}

static void decode_spoof_check(const void *data, struct vf_settings *settings)
{
	settings->spoof_check = decode_flag(((const struct ifla_vf_spoofchk *)data)->setting);
}

static bool equal_spoof_check(const struct vf_settings *a, const struct vf_settings *b)
{
	return a->spoof_check == b->spoof_check;
}

static void encode_trust(const struct vf_settings *settings, uint32_t vf, void *data)
{
	*(struct ifla_vf_trust *)data =
		(struct ifla_vf_trust){.vf = vf, .setting = (uint32_t)settings->trust};
}

static void decode_trust(const void *data, struct vf_settings *settings)
{
	settings->trust = decode_flag(((const struct ifla_vf_trust *)data)->setting);
}

static bool equal_trust(const struct vf_settings *a, const struct vf_settings *b)
{
	return a->trust == b->trust;
}

static void encode_link_state(const struct vf_settings *settings, uint32_t vf, void *data)
{
	*(struct ifla_vf_link_state *)data =
		(struct ifla_vf_link_state){.vf = vf, .link_state = (uint32_t)settings->link_state};
}

static void decode_link_state(const void *data, struct vf_settings *settings)
{
	settings->link_state = (enum vf_link_state)((const struct ifla_vf_link_state *)data)->link_state;
}

static bool equal_link_state(const struct vf_settings *a, const struct vf_settings *b)
{
	return a->link_state == b->link_state;
}

int vf_rate(int64_t kbps)
{
	return kbps > 0 && kbps < 1000 ? 1 : (int)((kbps + 500) / 1000);
}

/* Always both: the kernel sets what is left out to 0. */
static void encode_rate(const struct vf_settings *settings, uint32_t vf, void *data)
{
	*(struct ifla_vf_rate *)data = (struct ifla_vf_rate){.vf = vf,
							     .min_tx_rate = (uint32_t)settings->min_rate,
							     .max_tx_rate = (uint32_t)settings->max_rate};
}

static void decode_rate(const void *data, struct vf_settings *settings)
{
	settings->min_rate = (int)((const struct ifla_vf_rate *)data)->min_tx_rate;
	settings->max_rate = (int)((const struct ifla_vf_rate *)data)->max_tx_rate;
}

static bool equal_rate(const struct vf_settings *a, const struct vf_settings *b)
{
	return a->min_rate == b->min_rate && a->max_rate == b->max_rate;
}

#define ATTRIBUTE(text, TYPE, structure, function) \
	.name = text, .type = TYPE, .size = sizeof(struct structure), .encode = encode_##function, \
	.decode = decode_##function, .equal = equal_##function

const struct vf_attribute vf_attributes[] = {
	{ATTRIBUTE("the MAC", IFLA_VF_MAC, ifla_vf_mac, mac)},
	{ATTRIBUTE("the VLAN", IFLA_VF_VLAN, ifla_vf_vlan, vlan)},
	/* Cards without spoof check exist; Neutron goes on without, too. */
	{ATTRIBUTE("spoof check", IFLA_VF_SPOOFCHK, ifla_vf_spoofchk, spoof_check), .optional = true,
	 .always_optional = true},
	{ATTRIBUTE("trust", IFLA_VF_TRUST, ifla_vf_trust, trust), .optional = true},
	/* Neutron goes on without it: the port is reported DOWN all the same. */
	{ATTRIBUTE("link state", IFLA_VF_LINK_STATE, ifla_vf_link_state, link_state), .optional = true,
	 .always_optional = true},
	/* Drivers without rates read back none, so that nothing is sent while none are wanted; one that is
	 * there must go, whatever the driver says. */
	{ATTRIBUTE("rates", IFLA_VF_RATE, ifla_vf_rate, rate)},
};
const size_t vf_attribute_count = ELEMENTS_OF(vf_attributes);

/* --- reading --- */

/* One IFLA_VF_INFO; each of its attributes begins with the VF's number. */
static bool decode_info(const struct nlattr *info, uint32_t vf, struct vf_settings *settings)
{
	struct vf_settings seen = {.spoof_check = VF_UNKNOWN, .trust = VF_UNKNOWN};
	const struct nlattr *attribute;
	bool is_it = false;

	mnl_attr_for_each_nested(attribute, info)
	{
		for (size_t i = 0; i < vf_attribute_count; i++) {
			if (mnl_attr_get_type(attribute) != vf_attributes[i].type ||
			    mnl_attr_get_payload_len(attribute) < vf_attributes[i].size)
				continue;
			is_it |= mnl_attr_get_u32(attribute) == vf;
			vf_attributes[i].decode(mnl_attr_get_payload(attribute), &seen);
		}
	}
	if (is_it)
		*settings = seen;
	return is_it;
}

bool vf_decode(const struct nlmsghdr *answer, int vf, struct vf_settings *settings)
{
	const struct nlattr *attribute, *info;

	mnl_attr_for_each(attribute, answer, sizeof(struct ifinfomsg))
	{
		if (mnl_attr_get_type(attribute) != IFLA_VFINFO_LIST)
			continue;
		mnl_attr_for_each_nested(info, attribute)
		{
			if (decode_info(info, (uint32_t)vf, settings))
				return true;
		}
	}
	return false;
}

struct reading {
	int vf;
	bool found;
	struct vf_settings *settings;
};

static void take_vf(const struct nlmsghdr *answer, void *argument)
{
	struct reading *reading = argument;

	reading->found |= vf_decode(answer, reading->vf, reading->settings);
}

bool vf_read(const char *pf, int index, struct vf_settings *settings, struct error *err)
{
	struct reading reading = {.vf = index, .settings = settings};
	char buffer[VF_MESSAGE_SIZE], what[64];
	int link;

	snprintf(what, sizeof what, "reading VF %d of %s", index, pf);
	if (!link_index(pf, &link, err))
		return false;
	struct nlmsghdr *message = link_message(buffer, RTM_GETLINK, link);
	/* Without the statistics, or the answer of a PF with many VFs does not fit its 64 KiB. */
	mnl_attr_put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS);
	if (!link_ask(message, take_vf, &reading, what, NULL, err))
		return false;
	return reading.found || error_set(err, ERROR_NOT_FOUND, "%s has no VF %d", pf, index);
}

/* --- writing --- */

struct nlmsghdr *vf_message(char *buffer, int pf_index, int vf, const struct vf_attribute *attribute,
			    const struct vf_settings *settings)
{
	unsigned char data[64] = {0};
	struct nlmsghdr *message = link_message(buffer, RTM_SETLINK, pf_index);
	struct nlattr *list = mnl_attr_nest_start(message, IFLA_VFINFO_LIST);
	struct nlattr *info = mnl_attr_nest_start(message, IFLA_VF_INFO);

	attribute->encode(settings, (uint32_t)vf, data);
	mnl_attr_put(message, attribute->type, attribute->size, data);
	mnl_attr_nest_end(message, info);
	mnl_attr_nest_end(message, list);
	return message;
}

/* Tries again while the VF is in reset.  *number is the errno of the last attempt. */
static bool attribute_send(const char *pf, int vf, const struct vf_attribute *attribute,
			   const struct vf_settings *wanted, int *number, struct error *err)
{
	char buffer[VF_MESSAGE_SIZE], what[96];
	int link;

	*number = 0;
	snprintf(what, sizeof what, "setting %s of VF %d of %s", attribute->name, vf, pf);
	for (int attempt = 0;; attempt++) {
		if (!link_index(pf, &link, err))
			return false;
		if (link_ask(vf_message(buffer, link, vf, attribute, wanted), NULL, NULL, what, number, err))
			return true;
		if ((*number != EAGAIN && *number != EBUSY) || attempt == RETRY_COUNT)
			return false;
		world->pause(RETRY_MS);
	}
}

/* Most drivers know no minimum and say no more than "invalid": whether that is it shows without it.  Then the
 * limit at least is set, as Neutron leaves it (QO-4), and the caller hears of the rest. */
static bool minimum_refused(const char *pf, int vf, const struct vf_attribute *attribute,
			    const struct vf_settings *wanted, int number, struct error *err)
{
	struct vf_settings without = *wanted;
	struct error ignored;

	if (attribute->type != IFLA_VF_RATE || wanted->min_rate == 0 ||
	    (number != EINVAL && number != EOPNOTSUPP))
		return false;
	without.min_rate = 0;
	if (!attribute_send(pf, vf, attribute, &without, &number, &ignored))
		return false;
	error_set(
		err, ERROR_CONFLICT,
		"VF %d of %s: its driver cannot guarantee a minimum rate (%d Mbit/s, of a minimum_bandwidth "
		"rule of the port's QoS policy)",
		vf, pf, wanted->min_rate);
	return true;
}

/* *skipped: the driver does not have it, and that is fine. */
static bool attribute_set(const char *pf, int vf, const struct vf_attribute *attribute,
			  const struct vf_settings *wanted, bool *skipped, struct error *err)
{
	int number;
	bool is_clean = attribute->equal(wanted, &vf_clean);

	*skipped = false;
	if (attribute_send(pf, vf, attribute, wanted, &number, err))
		return true;
	if (minimum_refused(pf, vf, attribute, wanted, number, err))
		return false;
	*skipped = attribute->optional && (number == EOPNOTSUPP || (number == EINVAL && is_clean)) &&
		   (is_clean || attribute->always_optional);
	if (*skipped && !is_clean)
		log_warning("%s", err->message);
	return *skipped;
}

static void describe(const struct vf_settings *s, char text[200])
{
	static const char *const flags[] = {"unknown", "off", "on"}; /* -1, 0, 1 */

	snprintf(text, 200, "MAC %s, VLAN %d, spoof check %s, trust %s, rates %d to %d",
		 *s->mac_address ? s->mac_address : "none", s->vlan, flags[1 + s->spoof_check],
		 flags[1 + s->trust], s->min_rate, s->max_rate);
}

bool vf_program(const char *pf, int index, const struct vf_settings *wanted, struct error *err)
{
	struct vf_settings now;
	bool skipped[ELEMENTS_OF(vf_attributes)] = {false};
	char text[200];

	if (!vf_read(pf, index, &now, err))
		return false;
	for (size_t i = 0; i < vf_attribute_count; i++) {
		if (!vf_attributes[i].equal(&now, wanted) &&
		    !attribute_set(pf, index, &vf_attributes[i], wanted, &skipped[i], err))
			return false;
	}
	if (!vf_read(pf, index, &now, err))
		return false;
	for (size_t i = 0; i < vf_attribute_count; i++) {
		if (skipped[i] || vf_attributes[i].equal(&now, wanted))
			continue;
		describe(&now, text);
		return error_set(err, ERROR_INTERNAL,
				 "VF %d of %s reads back as %s: the driver did not take %s", index, pf, text,
				 vf_attributes[i].name);
	}
	return true;
}
