/* Seeds: each runs in a process of its own, which begins with the same site. */
#pragma once

#include "director.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct seed_run {
	pid_t pid;
	int pipe;
	uint64_t seed;
};

/* `tell`: it prints its last events. */
struct seed_run seed_start(uint64_t seed, bool tell);
#define SEEDS_AT_ONCE 64
/* Waits until one of so many has ended; which. */
int seed_wait(const struct seed_run *runs, int count);
/* Waits for it; a process that crashed has broken promise -1. */
void seed_finish(const struct seed_run *run, struct director_result *result);
/* Runs a seed that failed again and prints it; `shorter`: with as little as breaks the same promise. */
void seed_explain(uint64_t seed, const struct director_result *result, bool shorter);
