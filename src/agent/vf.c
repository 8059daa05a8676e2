/* rtnetlink: VF settings. */
#include "agent/vf.h"

#include "agent/link.h"
#include "base/deliberate.h"
#include "base/log.h"
#include "base/memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <string.h>

#define RETRY_MS 100
#define VFS_MAX	 65536 /* SR-IOV counts them in 16 bits */

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

static void describe_mac(const struct vf_settings *s, char text[VF_TEXT_SIZE])
{
	snprintf(text, VF_TEXT_SIZE, "%s", *s->mac_address ? s->mac_address : "none");
}

/* A plain 802.1Q tag.  One of 802.1ad goes in IFLA_VF_VLAN_LIST: vlan_list_put(). */
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

/* Without a VLAN the protocol means nothing; drivers say this or that. */
static bool equal_vlan(const struct vf_settings *a, const struct vf_settings *b)
{
	return a->vlan == b->vlan && a->vlan_qos == b->vlan_qos &&
	       (a->service_tag == b->service_tag || (a->vlan == 0 && a->vlan_qos == 0));
}

static void describe_vlan(const struct vf_settings *s, char text[VF_TEXT_SIZE])
{
	char priority[24] = "";

	if (s->vlan_qos)
		snprintf(priority, sizeof priority, ", priority %d", s->vlan_qos);
	snprintf(text, VF_TEXT_SIZE, "%d%s%s", s->vlan, priority,
		 s->vlan && s->service_tag ? ", 802.1ad" : "");
}

/* The protocol is in network byte order (struct ifla_vf_vlan_info). */
static void vlan_list_put(struct nlmsghdr *message, const struct vf_settings *settings, uint32_t vf)
{
	const struct ifla_vf_vlan_info value = {.vf = vf,
						.vlan = (uint32_t)settings->vlan,
						.qos = (uint32_t)settings->vlan_qos,
						.vlan_proto = htons(ETH_P_8021AD)};
	struct nlattr *list = mnl_attr_nest_start(message, IFLA_VF_VLAN_LIST);

	mnl_attr_put(message, IFLA_VF_VLAN_INFO, sizeof value, &value);
	mnl_attr_nest_end(message, list);
}

/* The same VLAN again, and what the plain attribute cannot say: its protocol. */
static void vlan_list_decode(const struct nlattr *list, struct vf_settings *settings)
{
	const struct nlattr *item;

	mnl_attr_for_each_nested(item, list)
	{
		const struct ifla_vf_vlan_info *value = mnl_attr_get_payload(item);

		if (mnl_attr_get_type(item) != IFLA_VF_VLAN_INFO ||
		    mnl_attr_get_payload_len(item) < sizeof *value)
			continue;
		settings->service_tag = value->vlan_proto == htons(ETH_P_8021AD);
		return;
	}
}

/* The kernel leaves -1 where the driver says nothing. */
static int decode_flag(uint32_t setting)
{
	return setting == UINT32_MAX ? VF_UNKNOWN : setting != 0;
}

static const char *flag_text(int flag)
{
	return flag == VF_UNKNOWN ? "unknown" : flag ? "on" : "off";
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

static void describe_spoof_check(const struct vf_settings *s, char text[VF_TEXT_SIZE])
{
	snprintf(text, VF_TEXT_SIZE, "%s", flag_text(s->spoof_check));
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

static void describe_trust(const struct vf_settings *s, char text[VF_TEXT_SIZE])
{
	snprintf(text, VF_TEXT_SIZE, "%s", flag_text(s->trust));
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

static void describe_link_state(const struct vf_settings *s, char text[VF_TEXT_SIZE])
{
	snprintf(text, VF_TEXT_SIZE, "%s",
		 s->link_state == VF_LINK_AUTO	   ? "auto"
		 : s->link_state == VF_LINK_ENABLE ? "enable"
						   : "disable");
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

static void describe_rate(const struct vf_settings *s, char text[VF_TEXT_SIZE])
{
	snprintf(text, VF_TEXT_SIZE, "%d to %d Mbit/s", s->min_rate, s->max_rate);
}

#define ATTRIBUTE(text, TYPE, structure, function) \
	.name = text, .type = TYPE, .size = sizeof(struct structure), .encode = encode_##function, \
	.decode = decode_##function, .equal = equal_##function, .describe = describe_##function

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

/* One IFLA_VF_INFO; each of its attributes begins with the VF's number.  False if none is known. */
static bool decode_info(const struct nlattr *info, uint32_t *vf, struct vf_settings *settings)
{
	const struct nlattr *attribute;
	bool any = false;

	*settings = (struct vf_settings){.spoof_check = VF_UNKNOWN, .trust = VF_UNKNOWN};
	mnl_attr_for_each_nested(attribute, info)
	{
		if (mnl_attr_get_type(attribute) == IFLA_VF_VLAN_LIST)
			vlan_list_decode(attribute, settings);
		for (size_t i = 0; i < vf_attribute_count; i++) {
			if (mnl_attr_get_type(attribute) != vf_attributes[i].type ||
			    mnl_attr_get_payload_len(attribute) < vf_attributes[i].size)
				continue;
			*vf = mnl_attr_get_u32(attribute);
			vf_attributes[i].decode(mnl_attr_get_payload(attribute), settings);
			any = true;
		}
	}
	return any;
}

bool vf_decode(const struct nlmsghdr *answer, int vf, struct vf_settings *settings)
{
	const struct nlattr *attribute, *info;
	struct vf_settings seen;
	uint32_t number;

	mnl_attr_for_each(attribute, answer, sizeof(struct ifinfomsg))
	{
		if (mnl_attr_get_type(attribute) != IFLA_VFINFO_LIST)
			continue;
		mnl_attr_for_each_nested(info, attribute)
		{
			if (!decode_info(info, &number, &seen) || number != (uint32_t)vf)
				continue;
			*settings = seen;
			return true;
		}
	}
	return false;
}

/* The kernel leaves out a VF whose driver cannot tell. */
static void take_vfs(const struct nlattr *list, struct vf_table *table)
{
	const struct nlattr *info;
	struct vf_settings seen;
	uint32_t number;

	mnl_attr_for_each_nested(info, list)
	{
		if (!decode_info(info, &number, &seen) || number < table->count || number >= VFS_MAX)
			continue;
		while (table->count < number)
			ARRAY_ADD(table->vfs, table->count)->untold = true;
		*ARRAY_ADD(table->vfs, table->count) = seen;
	}
}

void vf_table_take(const struct nlmsghdr *answer, void *argument)
{
	struct vf_table *table = argument;
	const struct nlattr *attribute;

	if (mnl_nlmsg_get_payload_len(answer) < sizeof(struct ifinfomsg))
		return;
	table->link = ((const struct ifinfomsg *)mnl_nlmsg_get_payload(answer))->ifi_index;
	table->up = ((const struct ifinfomsg *)mnl_nlmsg_get_payload(answer))->ifi_flags & IFF_UP;
	mnl_attr_for_each(attribute, answer, sizeof(struct ifinfomsg))
	{
		if (mnl_attr_get_type(attribute) == IFLA_VFINFO_LIST)
			take_vfs(attribute, table);
		if (mnl_attr_get_type(attribute) == IFLA_MTU && mnl_attr_get_payload_len(attribute) >= 4)
			table->mtu = (int)mnl_attr_get_u32(attribute);
	}
}

static bool table_read(const char *pf, int link, struct vf_table *table, struct error *err)
{
	char buffer[VF_MESSAGE_SIZE], what[64];

	*table = (struct vf_table){0};
	snprintf(what, sizeof what, "reading the VFs of %s", pf);
	struct nlmsghdr *message = link_message(buffer, RTM_GETLINK, link);
	/* Without the statistics, or the answer of a PF with many VFs does not fit its 64 KiB. */
	mnl_attr_put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS);
	if (link_ask(message, vf_table_take, table, what, NULL, err))
		return true;
	vf_table_done(table);
	return false;
}

bool vf_table_read(const char *pf, struct vf_table *table, struct error *err)
{
	int link;

	*table = (struct vf_table){0};
	return link_index(pf, &link, err) && table_read(pf, link, table, err);
}

void vf_table_done(struct vf_table *table)
{
	free(table->vfs);
	*table = (struct vf_table){0};
}

static bool read_one(const char *pf, int link, int index, struct vf_settings *settings, struct error *err)
{
	_cleanup_(vf_table_done) struct vf_table table;

	if (!table_read(pf, link, &table, err))
		return false;
	if (index < 0 || (size_t)index >= table.count || table.vfs[index].untold)
		return error_set(err, ERROR_NOT_FOUND, "%s has no VF %d", pf, index);
	*settings = table.vfs[index];
	return true;
}

bool vf_read(const char *pf, int index, struct vf_settings *settings, struct error *err)
{
	int link;

	return link_index(pf, &link, err) && read_one(pf, link, index, settings, err);
}

/* --- writing --- */

struct nlmsghdr *vf_message(char *buffer, int pf_index, int vf, const struct vf_attribute *attribute,
			    const struct vf_settings *settings)
{
	unsigned char data[64] = {0};
	struct nlmsghdr *message = link_message(buffer, RTM_SETLINK, pf_index);
	struct nlattr *list = mnl_attr_nest_start(message, IFLA_VFINFO_LIST);
	struct nlattr *info = mnl_attr_nest_start(message, IFLA_VF_INFO);

	if (attribute->type == IFLA_VF_VLAN && settings->service_tag) {
		vlan_list_put(message, settings, (uint32_t)vf);
	} else {
		attribute->encode(settings, (uint32_t)vf, data);
		mnl_attr_put(message, attribute->type, attribute->size, data);
	}
	mnl_attr_nest_end(message, info);
	mnl_attr_nest_end(message, list);
	return message;
}

/* One VF's programming. */
struct programming {
	const char *pf;
	int link, vf, patience;
	const struct vf_settings *wanted;
};

/* Tries again while the VF is in reset.  *number is the errno of the last attempt. */
static bool attribute_send(const struct programming *p, const struct vf_attribute *attribute, int *number,
			   struct error *err)
{
	char buffer[VF_MESSAGE_SIZE], what[96];

	*number = 0;
	snprintf(what, sizeof what, "setting %s of VF %d of %s", attribute->name, p->vf, p->pf);
	for (int attempt = 0;; attempt++) {
		if (link_ask(vf_message(buffer, p->link, p->vf, attribute, p->wanted), NULL, NULL, what,
			     number, err))
			return true;
		if ((*number != EAGAIN && *number != EBUSY) || attempt >= p->patience)
			return false;
		world->pause(RETRY_MS);
	}
}

/* What drivers say to what they do not have: EOPNOTSUPP without a word for it, EPROTONOSUPPORT (mlx4 to a
 * minimum rate; all to 802.1ad), and often enough no more than EINVAL. */
static bool is_refusal(int number)
{
	return number == EINVAL || number == EOPNOTSUPP || number == EPROTONOSUPPORT;
}

/* Most drivers know no minimum and say no more than "invalid": whether that is it shows without it.  Then the
 * limit at least is set, as Neutron leaves it (QO-4), and the caller hears of the rest. */
static bool minimum_refused(const struct programming *p, const struct vf_attribute *attribute, int number,
			    struct error *err)
{
	struct vf_settings without = *p->wanted;
	struct programming limit = *p;
	struct error ignored;

	if (attribute->type != IFLA_VF_RATE || without.min_rate == 0 || !is_refusal(number))
		return false;
	without.min_rate = 0;
	limit.wanted = &without;
	if (!attribute_send(&limit, attribute, &number, &ignored))
		return false;
	error_set(
		err, ERROR_CONFLICT,
		"VF %d of %s: its driver cannot guarantee a minimum rate (%d Mbit/s, of a minimum_bandwidth "
		"rule of the port's QoS policy)",
		p->vf, p->pf, p->wanted->min_rate);
	return true;
}

/* *skipped: the driver does not have it, and that is fine. */
static bool attribute_set(const struct programming *p, const struct vf_attribute *attribute, bool *skipped,
			  struct error *err)
{
	int number;
	bool is_clean = attribute->equal(p->wanted, &vf_clean);

	*skipped = false;
	if (attribute_send(p, attribute, &number, err))
		return true;
	if (minimum_refused(p, attribute, number, err))
		return false;
	*skipped = attribute->optional && (number == EOPNOTSUPP || (number == EINVAL && is_clean)) &&
		   (is_clean || attribute->always_optional);
	if (*skipped && !is_clean)
		log_warning("%s", err->message);
	return *skipped;
}

static bool not_taken(const struct programming *p, const struct vf_attribute *attribute,
		      const struct vf_settings *now, struct error *err)
{
	char is[VF_TEXT_SIZE], wanted[VF_TEXT_SIZE];

	attribute->describe(now, is);
	attribute->describe(p->wanted, wanted);
	return error_set(err, ERROR_INTERNAL,
			 "VF %d of %s: the driver did not take %s: it reads back as %s, not %s", p->vf, p->pf,
			 attribute->name, is, wanted);
}

bool vf_program_from(const char *pf, int link, int index, const struct vf_settings *wanted, int patience,
		     struct vf_settings *now, struct error *err)
{
	const struct programming p = {
		.pf = pf, .link = link, .vf = index, .patience = patience, .wanted = wanted};
	bool skipped[ELEMENTS_OF(vf_attributes)] = {false}, changed = false;

	for (size_t i = 0; i < vf_attribute_count; i++) {
		if (vf_attributes[i].equal(now, wanted))
			continue;
		if (!attribute_set(&p, &vf_attributes[i], &skipped[i], err))
			return false;
		changed = true;
	}
	if (changed && !read_one(pf, link, index, now, err))
		return false;
	for (size_t i = 0; i < vf_attribute_count; i++) {
		if (!skipped[i] && !vf_attributes[i].equal(now, wanted))
			return not_taken(&p, &vf_attributes[i], now, err);
	}
	return true;
}

bool vf_program(const char *pf, int index, const struct vf_settings *wanted, struct error *err)
{
	struct vf_settings now;
	int link;

	if (deliberate_bug(3) && wanted == &vf_clean)
		return true;
	return link_index(pf, &link, err) && read_one(pf, link, index, &now, err) &&
	       vf_program_from(pf, link, index, wanted, VF_PATIENCE, &now, err);
}
