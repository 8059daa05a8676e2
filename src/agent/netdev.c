/* rtnetlink: network devices as such. */
#include "agent/netdev.h"

#include "agent/deadline.h"
#include "agent/link.h"
#include "base/memory.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#define MESSAGE_SIZE 256

struct nlmsghdr *link_message(char *buffer, uint16_t type, int index)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *info;

	message->nlmsg_type = type;
	message->nlmsg_flags = type == RTM_SETLINK ? NLM_F_REQUEST | NLM_F_ACK : NLM_F_REQUEST;
	info = mnl_nlmsg_put_extra_header(message, sizeof *info);
	info->ifi_family = AF_UNSPEC;
	info->ifi_index = index;
	return message;
}

static int read_number(const char *netdev, const char *name)
{
	_cleanup_free_ char *path = memory_printf("/sys/class/net/%s/%s", netdev, name);
	char line[32];
	int64_t value;

	world_line(path, line, sizeof line);
	return text_to_int64(line, 0, INT32_MAX, &value) ? (int)value : -1;
}

bool link_index(const char *name, int *index, struct error *err)
{
	*index = read_number(name, "ifindex");
	return *index > 0 || error_set(err, ERROR_NOT_FOUND, "there is no network device %s", name);
}

bool link_ask(struct nlmsghdr *message, world_answer *answer, void *argument, const char *what, int *number,
	      struct error *err)
{
	char why[300];
	int result = world->netlink(message, answer, argument, why, sizeof why);

	if (number)
		*number = result;
	if (result == 0)
		return true;
	return error_set_typed(err, ERROR_INTERNAL, result == ETIME ? DEADLINE_HANG : NULL, "%s: %s%s%s%s", what,
			       strerror(result), *why ? " (" : "", why, *why ? ")" : "");
}

bool netdev_set_up(const char *name, bool up, struct error *err)
{
	char buffer[MESSAGE_SIZE], what[64];
	int index;

	snprintf(what, sizeof what, "setting %s %s", name, up ? "up" : "down");
	if (!link_index(name, &index, err))
		return false;
	struct nlmsghdr *message = link_message(buffer, RTM_SETLINK, index);
	struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	info->ifi_change = IFF_UP;
	info->ifi_flags = up ? IFF_UP : 0;
	return link_ask(message, NULL, NULL, what, NULL, err);
}

bool netdev_remove(const char *name, struct error *err)
{
	char buffer[MESSAGE_SIZE], what[64];
	int index;

	snprintf(what, sizeof what, "removing %s", name);
	if (!link_index(name, &index, err))
		return false;
	struct nlmsghdr *message = link_message(buffer, RTM_DELLINK, index);
	message->nlmsg_flags |= NLM_F_ACK;
	return link_ask(message, NULL, NULL, what, NULL, err);
}

static void take_flags(const struct nlmsghdr *answer, void *argument)
{
	*(unsigned *)argument = ((const struct ifinfomsg *)mnl_nlmsg_get_payload(answer))->ifi_flags;
}

bool netdev_is_up(const char *name, bool *up, struct error *err)
{
	char buffer[MESSAGE_SIZE];
	unsigned flags = 0;
	int index;

	if (!link_index(name, &index, err) ||
	    !link_ask(link_message(buffer, RTM_GETLINK, index), take_flags, &flags, name, NULL, err))
		return false;
	*up = flags & IFF_UP;
	return true;
}

bool netdev_rename(const char *from, const char *to, struct error *err)
{
	char buffer[MESSAGE_SIZE], what[64];
	int index;

	snprintf(what, sizeof what, "renaming %s to %s", from, to);
	if (!link_index(from, &index, err))
		return false;
	struct nlmsghdr *message = link_message(buffer, RTM_SETLINK, index);
	mnl_attr_put_strz(message, IFLA_IFNAME, to);
	return link_ask(message, NULL, NULL, what, NULL, err);
}

bool netdev_set_mtu(const char *name, int mtu, struct error *err)
{
	char buffer[MESSAGE_SIZE], what[64];
	int index;

	snprintf(what, sizeof what, "setting the MTU of %s", name);
	if (!link_index(name, &index, err))
		return false;
	struct nlmsghdr *message = link_message(buffer, RTM_SETLINK, index);
	mnl_attr_put_u32(message, IFLA_MTU, (uint32_t)mtu);
	return link_ask(message, NULL, NULL, what, NULL, err);
}

bool netdev_set_mac(const char *name, const char *mac, struct error *err)
{
	char buffer[MESSAGE_SIZE], what[64];
	unsigned char m[6] = {0};
	int index;

	snprintf(what, sizeof what, "setting the MAC of %s", name);
	sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5]);
	if (!link_index(name, &index, err))
		return false;
	struct nlmsghdr *message = link_message(buffer, RTM_SETLINK, index);
	mnl_attr_put(message, IFLA_ADDRESS, sizeof m, m);
	return link_ask(message, NULL, NULL, what, NULL, err);
}

void netdev_mac(const char *name, char mac[18])
{
	_cleanup_free_ char *path = memory_printf("/sys/class/net/%s/address", name);

	world_line(path, mac, 18);
}

int netdev_mtu(const char *name)
{
	return read_number(name, "mtu");
}
