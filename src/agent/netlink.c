/* One request to the kernel by rtnetlink, and its answer. */
#include "agent/netlink.h"

#include "base/memory.h"

#include <errno.h>
#include <libmnl/libmnl.h>

#define ANSWER_SIZE (256 * 1024) /* a PF with 256 VFs answers with some 60 kB */
#define SEQUENCE    1		 /* each request has a socket of its own */

static void socket_done(struct mnl_socket **socket)
{
	if (*socket)
		mnl_socket_close(*socket);
}

/* libmnl counts in int and takes a length of 2^31 and more for a small one. */
bool netlink_is_whole(const struct nlmsghdr *header, int left)
{
	return mnl_nlmsg_ok(header, left) && header->nlmsg_len <= (unsigned)left;
}

void netlink_ack_text(const struct nlmsghdr *header, char *text, size_t size)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(header);
	size_t skip = sizeof *error;
	const struct nlattr *attribute;

	*text = '\0';
	if (!(header->nlmsg_flags & NLM_F_ACK_TLVS) || mnl_nlmsg_get_payload_len(header) < sizeof *error)
		return;
	/* The request stands in front of the attributes unless the kernel has cut it off. */
	if (!(header->nlmsg_flags & NLM_F_CAPPED) && error->msg.nlmsg_len > sizeof error->msg)
		skip += error->msg.nlmsg_len - sizeof error->msg;
	if (skip >= mnl_nlmsg_get_payload_len(header))
		return;
	mnl_attr_for_each(attribute, header, skip)
	{
		if (mnl_attr_get_type(attribute) == NLMSGERR_ATTR_MSG)
			snprintf(text, size, "%.*s", (int)mnl_attr_get_payload_len(attribute),
				 mnl_attr_get_str(attribute));
	}
}

/* True when nothing more comes; then *result is 0 or an errno. */
static bool answer_take(const struct nlmsghdr *message, bool acknowledged, world_answer *answer,
			void *argument, int *result, char *why, size_t size)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);

	if (message->nlmsg_type != NLMSG_ERROR) {
		if (answer)
			answer(message, argument);
		*result = 0;
		return !acknowledged;
	}
	*result = mnl_nlmsg_get_payload_len(message) < sizeof *error ? EIO : -error->error;
	if (*result != 0)
		netlink_ack_text(message, why, size);
	return true;
}

int netlink_ask(struct nlmsghdr *message, world_answer *answer, void *argument, char *why, size_t size)
{
	_cleanup_(socket_done) struct mnl_socket *socket = mnl_socket_open(NETLINK_ROUTE);
	_cleanup_free_ char *buffer = memory_alloc(ANSWER_SIZE);
	bool acknowledged = message->nlmsg_flags & NLM_F_ACK;
	int on = 1, result = EIO;

	*why = '\0';
	message->nlmsg_seq = SEQUENCE;
	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return errno;
	mnl_socket_setsockopt(socket, NETLINK_EXT_ACK, &on, sizeof on);
	if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
		return errno;
	for (;;) {
		ssize_t length = mnl_socket_recvfrom(socket, buffer, ANSWER_SIZE);
		int left = (int)length;

		if (length < 0)
			return errno;
		for (const struct nlmsghdr *each = (const void *)buffer; netlink_is_whole(each, left);
		     each = mnl_nlmsg_next(each, &left)) {
			if (answer_take(each, acknowledged, answer, argument, &result, why, size))
				return result;
		}
	}
}
