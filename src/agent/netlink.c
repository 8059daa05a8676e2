/* Requests to the kernel by rtnetlink, and their answers. */
#include "agent/netlink.h"

#include "base/memory.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <pthread.h>
#include <stdatomic.h>

#define ANSWER_SIZE (256 * 1024) /* a PF with 256 VFs answers with some 60 kB */
#define IDLE_MAX    4

/* A socket and room for an answer, for one request at a time.  Making one takes longer than most requests. */
struct line {
	struct mnl_socket *socket;
	char *buffer;
};

static struct {
	pthread_mutex_t lock;
	struct line idle[IDLE_MAX];
	int count;
} lines = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void line_close(struct line *line)
{
	if (line->socket)
		mnl_socket_close(line->socket);
	free(line->buffer);
	*line = (struct line){0};
}

/* 0 or an errno. */
static int line_open(struct line *line)
{
	int on = 1, result = 0;

	*line = (struct line){.socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC)};
	if (!line->socket || mnl_socket_bind(line->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		result = errno;
		line_close(line);
		return result;
	}
	mnl_socket_setsockopt(line->socket, NETLINK_EXT_ACK, &on, sizeof on);
	line->buffer = memory_alloc(ANSWER_SIZE);
	return 0;
}

static int line_take(struct line *line)
{
	*line = (struct line){0};
	pthread_mutex_lock(&lines.lock);
	if (lines.count > 0)
		*line = lines.idle[--lines.count];
	pthread_mutex_unlock(&lines.lock);
	return line->socket ? 0 : line_open(line);
}

static void line_give(struct line *line)
{
	pthread_mutex_lock(&lines.lock);
	if (lines.count < IDLE_MAX) {
		lines.idle[lines.count++] = *line;
		*line = (struct line){0};
	}
	pthread_mutex_unlock(&lines.lock);
	line_close(line);
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

static int converse(struct line *line, struct nlmsghdr *message, world_answer *answer, void *argument,
		    char *why, size_t size, bool *whole)
{
	bool acknowledged = message->nlmsg_flags & NLM_F_ACK;
	int result = EIO;

	if (mnl_socket_sendto(line->socket, message, message->nlmsg_len) < 0)
		return errno;
	for (;;) {
		ssize_t length = mnl_socket_recvfrom(line->socket, line->buffer, ANSWER_SIZE);
		int left = (int)length;

		if (length < 0)
			return errno;
		for (const struct nlmsghdr *each = (const void *)line->buffer; netlink_is_whole(each, left);
		     each = mnl_nlmsg_next(each, &left)) {
			/* Of an earlier request that nobody waited for to its end. */
			if (each->nlmsg_seq != message->nlmsg_seq)
				continue;
			if (answer_take(each, acknowledged, answer, argument, &result, why, size)) {
				*whole = true;
				return result;
			}
		}
	}
}

int netlink_ask(struct nlmsghdr *message, world_answer *answer, void *argument, char *why, size_t size)
{
	static atomic_uint sequence;
	struct line line;
	bool whole = false;
	int result = line_take(&line);

	*why = '\0';
	message->nlmsg_seq = ++sequence;
	if (result != 0)
		return result;
	result = converse(&line, message, answer, argument, why, size, &whole);
	if (whole)
		line_give(&line);
	else
		line_close(&line);
	return result;
}
