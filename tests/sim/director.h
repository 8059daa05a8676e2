/* The course of one seed: an hour with faults and clients, then calm, then the end of everything. */
#pragma once

#include <stdint.h>

struct director_result {
	int promise; /* that was broken; 0: none */
	char what[400];
	uint64_t hash, switches;
	int64_t simulated; /* microseconds */
};

/* Minutes with faults. */
extern int director_minutes;

void director_run(uint64_t seed, struct director_result *result);
