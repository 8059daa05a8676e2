/* rtnetlink: VF settings and network devices. */
#include "agent/vf.h"

#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <time.h>

#define VF_REPLY_SIZE  (256 * 1024) /* a PF with 256 VFs answers with some 60 kB */
#define VF_RETRY_MS    100
#define VF_RETRY_COUNT 100 /* "VF in reset": 10 s */

const struct vf_settings vf_clean = {.spoof_check = true};

/* Of the last netlink_ask() on this thread: decides whether to try again. */
static _Thread_local int netlink_errno;

/* The kernel's own words, if it sent some with its error (extended ACK). */
static void error_text(const struct nlmsghdr *header, char *text, size_t size)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(header);
	size_t skip = sizeof *error;
	const struct nlattr *attribute;

	*text = '\0';
	if (!(header->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(header->nlmsg_flags & NLM_F_CAPPED))
		skip += mnl_nlmsg_get_payload_len(&error->msg) > 0 ? error->msg.nlmsg_len - sizeof error->msg
								   : 0;
	mnl_attr_for_each(attribute, header, skip)
	{
		if (mnl_attr_get_type(attribute) == NLMSGERR_ATTR_MSG)
			snprintf(text, size, " (%s)", mnl_attr_get_str(attribute));
	}
}

static struct mnl_socket *netlink_open(struct error *err)
{
	struct mnl_socket *socket = mnl_socket_open(NETLINK_ROUTE);
	int on = 1;

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		error_set_errno(err, ERROR_INTERNAL, errno, "cannot open a netlink socket");
		if (socket)
			mnl_socket_close(socket);
		return NULL;
	}
	mnl_socket_setsockopt(socket, NETLINK_EXT_ACK, &on, sizeof on);
	return socket;
}

/* Sends the message and gives each answer to `parse`.  The error of the kernel is also left in netlink_errno.
 */
static bool netlink_ask(struct nlmsghdr *message,
			void (*parse)(const struct nlmsghdr *answer, void *argument), void *argument,
			const char *what, struct error *err)
{
	struct mnl_socket *socket = netlink_open(err);
	_cleanup_free_ char *buffer = memory_alloc(VF_REPLY_SIZE);
	char text[300];
	bool ok = false, done = false;

	netlink_errno = 0;
	if (!socket)
		return false;
	message->nlmsg_seq = 1;
	if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0) {
		mnl_socket_close(socket);
		return error_set_errno(err, ERROR_INTERNAL, errno, "%s: netlink", what);
	}
	while (!done) {
		ssize_t length = mnl_socket_recvfrom(socket, buffer, VF_REPLY_SIZE);
		int left = (int)length;

		if (length <= 0) {
			error_set_errno(err, ERROR_INTERNAL, errno, "%s: netlink", what);
			break;
		}
		for (struct nlmsghdr *answer = (struct nlmsghdr *)buffer; mnl_nlmsg_ok(answer, left) && !done;
		     answer = mnl_nlmsg_next(answer, &left)) {
			if (answer->nlmsg_type != NLMSG_ERROR) {
				parse(answer, argument);
				ok = done = !(message->nlmsg_flags & NLM_F_ACK);
				continue;
			}
			const struct nlmsgerr *error = mnl_nlmsg_get_payload(answer);
			done = true;
			ok = error->error == 0;
			if (ok)
				continue;
			netlink_errno = -error->error;
			error_text(answer, text, sizeof text);
			error_set(err, ERROR_INTERNAL, "%s: %s%s", what, strerror(netlink_errno), text);
		}
	}
	mnl_socket_close(socket);
	return ok;
}

static void parse_nothing(const struct nlmsghdr *answer, void *argument)
{
	(void)answer;
	(void)argument;
}

static struct nlmsghdr *link_message(char *buffer, int type, int index)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *info;

	message->nlmsg_type = (uint16_t)type;
	message->nlmsg_flags = NLM_F_REQUEST;
	info = mnl_nlmsg_put_extra_header(message, sizeof *info);
	info->ifi_family = AF_UNSPEC;
	info->ifi_index = index;
	return message;
}

static bool link_index(const char *name, int *index, struct error *err)
{
	*index = (int)if_nametoindex(name);
	return *index != 0 || error_set(err, ERROR_NOT_FOUND, "there is no network device %s", name);
}

struct vf_reading {
	int wanted;
	bool found;
	struct vf_settings *settings;
};

static void parse_vf(const struct nlattr *info, struct vf_reading *reading)
{
	const struct nlattr *attribute;
	struct vf_settings seen = {0};
	bool is_it = false;

	mnl_attr_for_each_nested(attribute, info)
	{
		const void *data = mnl_attr_get_payload(attribute);

		switch (mnl_attr_get_type(attribute)) {
		case IFLA_VF_MAC: {
			const struct ifla_vf_mac *mac = data;
			const unsigned char *b = mac->mac;

			is_it = (int)mac->vf == reading->wanted;
			snprintf(seen.mac_address, sizeof seen.mac_address, "%02x:%02x:%02x:%02x:%02x:%02x",
				 b[0], b[1], b[2], b[3], b[4], b[5]);
			if (strcmp(seen.mac_address, "00:00:00:00:00:00") == 0)
				seen.mac_address[0] = '\0';
			break;
		}
		case IFLA_VF_VLAN:
			seen.vlan = (int)((const struct ifla_vf_vlan *)data)->vlan;
			break;
		case IFLA_VF_RATE:
			seen.min_rate = (int)((const struct ifla_vf_rate *)data)->min_tx_rate;
			seen.max_rate = (int)((const struct ifla_vf_rate *)data)->max_tx_rate;
			break;
		case IFLA_VF_SPOOFCHK:
			seen.spoof_check = ((const struct ifla_vf_spoofchk *)data)->setting == 1;
			break;
		case IFLA_VF_TRUST:
			seen.trust = ((const struct ifla_vf_trust *)data)->setting == 1;
			break;
		case IFLA_VF_LINK_STATE:
			seen.link_state = (int)((const struct ifla_vf_link_state *)data)->link_state;
			break;
		default:
			break;
		}
	}
	if (is_it) {
		*reading->settings = seen;
		reading->found = true;
	}
}

static void parse_link(const struct nlmsghdr *answer, void *argument)
{
	const struct nlattr *attribute, *info;

	mnl_attr_for_each(attribute, answer, sizeof(struct ifinfomsg))
	{
		if (mnl_attr_get_type(attribute) != IFLA_VFINFO_LIST)
			continue;
		mnl_attr_for_each_nested(info, attribute) parse_vf(info, argument);
	}
}

bool vf_read(const char *pf, int index, struct vf_settings *settings, struct error *err)
{
	char buffer[256];
	struct vf_reading reading = {.wanted = index, .settings = settings};
	char what[64];
	int link;

	snprintf(what, sizeof what, "reading VF %d of %s", index, pf);
	if (!link_index(pf, &link, err))
		return false;
	struct nlmsghdr *message = link_message(buffer, RTM_GETLINK, link);
	mnl_attr_put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS);
	if (!netlink_ask(message, parse_link, &reading, what, err))
		return false;
	return reading.found || error_set(err, ERROR_NOT_FOUND, "%s has no VF %d", pf, index);
}

/* Sends one attribute of one VF; tries again while the VF is in reset. */
static bool vf_send(const char *pf, int vf, uint16_t type, const void *data, size_t size, const char *name,
		    struct error *err)
{
	char buffer[512], what[96];
	int link;

	snprintf(what, sizeof what, "setting %s of VF %d of %s", name, vf, pf);
	for (int attempt = 0;; attempt++) {
		if (!link_index(pf, &link, err))
			return false;
		struct nlmsghdr *message = link_message(buffer, RTM_SETLINK, link);
		message->nlmsg_flags |= NLM_F_ACK;
		struct nlattr *list = mnl_attr_nest_start(message, IFLA_VFINFO_LIST);
		struct nlattr *info = mnl_attr_nest_start(message, IFLA_VF_INFO);
		mnl_attr_put(message, type, size, data);
		mnl_attr_nest_end(message, info);
		mnl_attr_nest_end(message, list);
		if (netlink_ask(message, parse_nothing, NULL, what, err))
			return true;
		if ((netlink_errno != EAGAIN && netlink_errno != EBUSY) || attempt == VF_RETRY_COUNT)
			return false;
		nanosleep(&(struct timespec){.tv_nsec = VF_RETRY_MS * 1000000L}, NULL);
	}
}

static bool vf_send_mac(const char *pf, int vf, const char *mac, struct error *err)
{
	struct ifla_vf_mac value = {.vf = (uint32_t)vf};

	if (*mac)
		sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &value.mac[0], &value.mac[1], &value.mac[2],
		       &value.mac[3], &value.mac[4], &value.mac[5]);
	return vf_send(pf, vf, IFLA_VF_MAC, &value, sizeof value, "MAC", err);
}

/* A driver that lacks an attribute (igb: link state) is fine while nothing but the default is wanted. */
static bool tolerated(bool sent, bool is_default)
{
	return sent || (is_default && (netlink_errno == EOPNOTSUPP || netlink_errno == EINVAL));
}

static bool vf_send_rest(const char *pf, int vf, const struct vf_settings *now,
			 const struct vf_settings *wanted, struct error *err)
{
	uint32_t n = (uint32_t)vf;
	struct ifla_vf_spoofchk spoof = {.vf = n, .setting = wanted->spoof_check};
	struct ifla_vf_trust trust = {.vf = n, .setting = wanted->trust};
	struct ifla_vf_link_state state = {.vf = n, .link_state = (uint32_t)wanted->link_state};
	struct ifla_vf_rate rate = {.vf = n,
				    .min_tx_rate = (uint32_t)wanted->min_rate,
				    .max_tx_rate = (uint32_t)wanted->max_rate};

	if (now->spoof_check != wanted->spoof_check &&
	    !vf_send(pf, vf, IFLA_VF_SPOOFCHK, &spoof, sizeof spoof, "spoof check", err))
		return false;
	if (now->trust != wanted->trust &&
	    !tolerated(vf_send(pf, vf, IFLA_VF_TRUST, &trust, sizeof trust, "trust", err), !wanted->trust))
		return false;
	if (now->link_state != wanted->link_state &&
	    !tolerated(vf_send(pf, vf, IFLA_VF_LINK_STATE, &state, sizeof state, "link state", err),
		       wanted->link_state == 0))
		return false;
	return (now->min_rate == wanted->min_rate && now->max_rate == wanted->max_rate) ||
	       tolerated(vf_send(pf, vf, IFLA_VF_RATE, &rate, sizeof rate, "rate", err),
			 wanted->min_rate == 0 && wanted->max_rate == 0);
}

static bool vf_matches(const struct vf_settings *now, const struct vf_settings *wanted)
{
	return strcmp(now->mac_address, wanted->mac_address) == 0 && now->vlan == wanted->vlan &&
	       now->spoof_check == wanted->spoof_check && now->trust == wanted->trust &&
	       now->min_rate == wanted->min_rate && now->max_rate == wanted->max_rate;
}

bool vf_program(const char *pf, int index, const struct vf_settings *wanted, struct error *err)
{
	struct ifla_vf_vlan vlan = {.vf = (uint32_t)index, .vlan = (uint32_t)wanted->vlan};
	struct vf_settings now;

	if (!vf_read(pf, index, &now, err))
		return false;
	if (strcmp(now.mac_address, wanted->mac_address) != 0 &&
	    !vf_send_mac(pf, index, wanted->mac_address, err))
		return false;
	if (now.vlan != wanted->vlan && !vf_send(pf, index, IFLA_VF_VLAN, &vlan, sizeof vlan, "VLAN", err))
		return false;
	if (!vf_send_rest(pf, index, &now, wanted, err) || !vf_read(pf, index, &now, err))
		return false;
	return vf_matches(&now, wanted) ||
	       error_set(err, ERROR_INTERNAL,
			 "VF %d of %s reads back as MAC %s, VLAN %d, spoof check %s: the driver did not "
			 "take what was set",
			 index, pf, *now.mac_address ? now.mac_address : "none", now.vlan,
			 now.spoof_check ? "on" : "off");
}

bool vf_is_clean(const struct vf_settings *settings)
{
	return !*settings->mac_address && settings->vlan == 0 && !settings->trust &&
	       settings->min_rate == 0 && settings->max_rate == 0;
}

bool netdev_set_up(const char *name, bool up, struct error *err)
{
	char buffer[256], what[64];
	int link;

	snprintf(what, sizeof what, "setting %s %s", name, up ? "up" : "down");
	if (!link_index(name, &link, err))
		return false;
	struct nlmsghdr *message = link_message(buffer, RTM_SETLINK, link);
	struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	message->nlmsg_flags |= NLM_F_ACK;
	info->ifi_change = IFF_UP;
	info->ifi_flags = up ? IFF_UP : 0;
	return netlink_ask(message, parse_nothing, NULL, what, err);
}

static void parse_flags(const struct nlmsghdr *answer, void *argument)
{
	*(unsigned *)argument = ((const struct ifinfomsg *)mnl_nlmsg_get_payload(answer))->ifi_flags;
}

bool netdev_is_up(const char *name, bool *up, struct error *err)
{
	char buffer[256];
	unsigned flags = 0;
	int link;

	if (!link_index(name, &link, err) ||
	    !netlink_ask(link_message(buffer, RTM_GETLINK, link), parse_flags, &flags, name, err))
		return false;
	*up = flags & IFF_UP;
	return true;
}

bool netdev_rename(const char *from, const char *to, struct error *err)
{
	char buffer[256], what[64];
	int link;

	snprintf(what, sizeof what, "renaming %s to %s", from, to);
	if (!link_index(from, &link, err))
		return false;
	struct nlmsghdr *message = link_message(buffer, RTM_SETLINK, link);
	message->nlmsg_flags |= NLM_F_ACK;
	mnl_attr_put_strz(message, IFLA_IFNAME, to);
	return netlink_ask(message, parse_nothing, NULL, what, err);
}

bool netdev_set_mtu(const char *name, int mtu, struct error *err)
{
	char buffer[256], what[64];
	int link;

	snprintf(what, sizeof what, "setting the MTU of %s", name);
	if (!link_index(name, &link, err))
		return false;
	struct nlmsghdr *message = link_message(buffer, RTM_SETLINK, link);
	message->nlmsg_flags |= NLM_F_ACK;
	mnl_attr_put_u32(message, IFLA_MTU, (uint32_t)mtu);
	return netlink_ask(message, parse_nothing, NULL, what, err);
}

int netdev_mtu(const char *name)
{
	_cleanup_free_ char *path = memory_printf("/sys/class/net/%s/mtu", name);
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	int mtu = -1;

	if (file && fscanf(file, "%d", &mtu) != 1)
		mtu = -1;
	return mtu;
}
