/* The real clock and randomness, and UUIDs made from it. */
#include "sys/sys.h"

#include "base/timestamp.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static int64_t real_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * TIME_SECOND + t.tv_nsec / 1000;
}

static int64_t real_now(void)
{
	return real_clock(CLOCK_REALTIME);
}

static int64_t real_monotonic(void)
{
	return real_clock(CLOCK_MONOTONIC);
}

static void real_random(void *bytes, size_t count)
{
	for (unsigned char *to = bytes; count;) {
		ssize_t got = getrandom(to, count, 0);

		if (got < 0)
			continue; /* EINTR: the only failure there is once the pool is seeded */
		to += got;
		count -= (size_t)got;
	}
}

const struct sys_time sys_time_real = {
	.now = real_now,
	.monotonic = real_monotonic,
	.random = real_random,
};
const struct sys_time *sys_time = &sys_time_real;

static void uuid_bytes(unsigned char b[16])
{
	sys_random(b, 16);
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
}

static char *uuid_text(char *text, const unsigned char b[16], const char *dash)
{
	char *to = text;

	for (int i = 0; i < 16; i++)
		to += sprintf(to, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? dash : "", b[i]);
	return text;
}

char *sys_uuid(char text[SYS_UUID_SIZE])
{
	unsigned char b[16];

	uuid_bytes(b);
	return uuid_text(text, b, "-");
}

char *sys_uuid_hex(char text[SYS_UUID_SIZE])
{
	unsigned char b[16];

	uuid_bytes(b);
	return uuid_text(text, b, "");
}
