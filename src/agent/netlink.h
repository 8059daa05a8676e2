/* The real kernel's rtnetlink, for world_real. */
#pragma once

#include "agent/world.h"

int netlink_ask(struct nlmsghdr *message, world_answer *answer, void *argument, char *why, size_t size);
/* Is a whole message there?  `left` bytes are. */
bool netlink_is_whole(const struct nlmsghdr *header, int left);
/* The text of an extended ACK in an NLMSG_ERROR message ("" if it has none). */
void netlink_ack_text(const struct nlmsghdr *header, char *text, size_t size);
