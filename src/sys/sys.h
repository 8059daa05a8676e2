/* The outside world, part one: clock and randomness.  Handlers and agent steps reach them only through this
 * table, so that a simulation can put its own in place.  Other parts of the world (files, netlink, libvirt)
 * have tables of their own beside this one. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct sys_time {
	int64_t (*now)(void);	    /* microseconds since 1970, UTC */
	int64_t (*monotonic)(void); /* microseconds since some fixed point; never goes back */
	void (*random)(void *bytes, size_t count);
};

extern const struct sys_time sys_time_real;
/* What is used: sys_time_real unless a simulation sets another before threads start. */
extern const struct sys_time *sys_time;

static inline int64_t sys_now(void)
{
	return sys_time->now();
}

static inline int64_t sys_monotonic(void)
{
	return sys_time->monotonic();
}

static inline void sys_random(void *bytes, size_t count)
{
	sys_time->random(bytes, count);
}

#define SYS_UUID_SIZE 37
/* A random (version 4) UUID, as the 36 characters that the APIs show. */
char *sys_uuid(char text[SYS_UUID_SIZE]);
/* The same without dashes: 32 characters, as Keystone shows its ids. */
char *sys_uuid_hex(char text[SYS_UUID_SIZE]);
