/* The promises (docs/promises.md), looked at all the time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct daemon;

/* Something was done to the daemon, or to what it talks to: promises with a time begin anew. */
void checks_disturbed(const struct daemon *daemon);
void checks_disturbed_until(const struct daemon *daemon, int64_t until);
/* It says something. */
void checks_heard(const struct daemon *daemon);
/* Starts the fiber that looks. */
void checks_begin(void);
/* After the faults: is everything as wanted?  If not, `why` says what is not. */
bool checks_settled(char *why, int size);
/* After all servers were deleted: is nothing left? */
bool checks_pristine(char *why, int size);

/* A promise was broken: the first one counts, and ends the seed. */
void checks_broken(int promise, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* 0: none. */
int checks_verdict(void);
const char *checks_what(void);
