/* Listening to the kernel.  What it tells is only when to look: rtnetlink says nothing of which VF was
 * changed (RTM_NEWLINK of the PF, for each setting that was taken, and only while the PF is up), and what
 * does not fit the socket's buffer is lost (ENOBUFS), which counts as an event. */
#include "agent/events.h"

#include "agent/world.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <string.h>

#define BUFFER_SIZE  (64 * 1024)
#define UEVENT_GROUP 1 /* the kernel's own; 2 is udev's */

enum { LINKS, UEVENTS, SOURCES };

static struct mnl_socket *sockets[SOURCES];

static struct mnl_socket *listen_to(int bus, unsigned groups)
{
	struct mnl_socket *socket = mnl_socket_open2(bus, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (socket && mnl_socket_bind(socket, groups, MNL_SOCKET_AUTOPID) == 0)
		return socket;
	log_warning("cannot listen to the kernel's events (%s): it is looked every second", strerror(errno));
	if (socket)
		mnl_socket_close(socket);
	return NULL;
}

/* "add@/devices/...", then "KEY=VALUE", each ended by a 0. */
static bool is_about_devices(const char *buffer, size_t size)
{
	for (const char *line = buffer; line < buffer + size; line += strlen(line) + 1) {
		if (strcmp(line, "SUBSYSTEM=net") == 0 || strcmp(line, "SUBSYSTEM=pci") == 0)
			return true;
	}
	return false;
}

/* Reads all that has come. */
static unsigned drain(int source)
{
	_cleanup_free_ char *buffer = memory_alloc(BUFFER_SIZE + 1);
	unsigned told = 0;

	for (;;) {
		ssize_t size = mnl_socket_recvfrom(sockets[source], buffer, BUFFER_SIZE);

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0 && errno != ENOBUFS && errno != ENOSPC)
			return told;
		if (size < 0) {
			told |= WORLD_LINKS | WORLD_DEVICES;
			continue;
		}
		buffer[size] = '\0';
		if (source == LINKS)
			told |= WORLD_LINKS;
		else if (is_about_devices(buffer, (size_t)size))
			told |= WORLD_DEVICES;
	}
}

unsigned events_wait(int milliseconds)
{
	static bool begun;
	struct pollfd waited[SOURCES];
	unsigned told = 0;

	if (!begun) {
		sockets[LINKS] = listen_to(NETLINK_ROUTE, RTMGRP_LINK);
		sockets[UEVENTS] = listen_to(NETLINK_KOBJECT_UEVENT, UEVENT_GROUP);
		begun = true;
	}
	for (int i = 0; i < SOURCES; i++)
		waited[i] = (struct pollfd){.fd = sockets[i] ? mnl_socket_get_fd(sockets[i]) : -1,
					    .events = POLLIN};
	if (poll(waited, SOURCES, milliseconds) <= 0)
		return 0;
	for (int i = 0; i < SOURCES; i++)
		told |= waited[i].revents ? drain(i) : 0;
	return told;
}
