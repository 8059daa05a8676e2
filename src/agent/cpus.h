/* CPUs of the host: lists of them, threads of a core, sockets. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Walks through "0-3,8"; `from` starts with the list and is moved on.  -1 at the end. */
struct cpu_walk {
	const char *rest;
	int next, last;
};
int cpus_next(struct cpu_walk *walk);

/* The socket of these CPUs (-1: unknown) and their cores as lists of threads, one after the other with a
 * blank between: "0,4 1,5"; "" where cores have one thread or do not tell. */
void cpus_topology(const char *cpus, int *socket, char *siblings, size_t size);
