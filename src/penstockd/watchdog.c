/* Is penstockd well?  Its writer is if it commits; its HTTP thread if it reacts to a connection, be it by
 * closing it because there are too many. */
#include "penstockd/watchdog.h"

#include "base/log.h"
#include "base/memory.h"

#include <netdb.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#define ANSWER_MS 5000

static atomic_bool writer_works = true; /* it made the tables */

bool watchdog_is_on(void)
{
	return sd_watchdog_enabled(0, NULL) > 0;
}

void watchdog_writer_works(void)
{
	atomic_store(&writer_works, true);
}

/* Connected, or -1. */
static int server_connect(const char *address, uint16_t port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV},
			*found;
	char service[8];

	/* Who listens on all addresses listens on the loopback's. */
	if (strcmp(address, "0.0.0.0") == 0)
		address = "127.0.0.1";
	else if (strcmp(address, "::") == 0)
		address = "::1";
	snprintf(service, sizeof service, "%u", port);
	if (getaddrinfo(address, service, &hints, &found) != 0)
		return -1;
	int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
		close(fd);
		fd = -1;
	}
	freeaddrinfo(found);
	return fd;
}

static bool server_answers(const char *address, uint16_t port)
{
	static const char question[] = "GET / HTTP/1.0\r\n\r\n";
	_cleanup_close_ int fd = server_connect(address, port);
	struct pollfd answer = {.fd = fd, .events = POLLIN};

	return fd >= 0 && send(fd, question, strlen(question), MSG_NOSIGNAL) > 0 &&
	       poll(&answer, 1, ANSWER_MS) == 1;
}

void watchdog_tell(const char *address, uint16_t port)
{
	if (!watchdog_is_on())
		return;
	if (!atomic_exchange(&writer_works, false))
		log_warning("the database has committed nothing for some seconds");
	else if (!server_answers(address, port))
		log_warning("penstockd does not answer its own request");
	else
		sd_notify(0, "WATCHDOG=1");
}
