/* Within what speaks rtnetlink: messages about one network device. */
#pragma once

#include "agent/world.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

/* Begins an RTM_GETLINK or RTM_SETLINK request in `buffer`; SETLINK asks for an acknowledgement. */
struct nlmsghdr *link_message(char *buffer, uint16_t type, int index);
/* Looks the device's index up; none: ERROR_NOT_FOUND. */
bool link_index(const char *name, int *index, struct error *err);
/* Sends it; `what` stands in front of the kernel's complaint.  *number (may be NULL) gets the errno. */
bool link_ask(struct nlmsghdr *message, world_answer *answer, void *argument, const char *what, int *number,
	      struct error *err);
