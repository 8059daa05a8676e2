/* Within the http room: requests that wait for a key or for their deadline. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct http_parked {
	const char *key;
	int64_t deadline; /* sys_monotonic() */
	/* Called once, without locks, by whoever wakes it. */
	void (*resume)(struct http_parked *parked);
	struct http_parked *next;
};

/* How often the key was woken so far: read it before looking at the state that the key stands for. */
uint64_t http_park_epoch(void);
/* Takes the request in, unless its key was woken after `epoch`: then false, and the caller looks again. */
bool http_park_add(struct http_parked *parked, uint64_t epoch);
/* Resumes all whose deadline is over; returns the next deadline, INT64_MAX if none waits. */
int64_t http_park_expire(int64_t now);
/* Resumes all. */
void http_park_flush(void);
