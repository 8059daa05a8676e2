/* Where a guest's cells, CPUs and pages are on a host: what is claimed there, kept in the store and told to
 * the agent.  Pure logic. */
#pragma once

#include "base/text.h"
#include "numa/host.h"

struct numa_placement_cell {
	int host_cell; /* its id */
	int64_t memory_mb;
	int64_t page_kb;	 /* of its memory; 0: ordinary pages, which may be overcommitted */
	struct cpu_set vcpus;	 /* the guest's; pins of the placement says which are pinned */
	struct cpu_set floating; /* host CPUs for those that are not */
	struct cpu_set taken; /* host CPUs that nobody else gets: pinned ones, the emulator's own, and those
				 that `isolate` keeps idle beside them */
};

/* Large: some 30 KB. */
struct numa_placement {
	int cell_count; /* 0: no topology; nothing else counts then */
	int vcpus;
	struct cpu_set realtime;   /* vCPUs */
	struct cpu_set emulator;   /* host CPUs for the emulator's threads */
	int16_t pins[CPU_SET_MAX]; /* of each vCPU: its host CPU, or -1 */
	struct numa_placement_cell cells[NUMA_MAX_CELLS];
};

/* Adds to what is in use; ERROR_CONFLICT, and nothing added, if any of it is not free (any more). */
bool numa_claim(struct numa_host *host, const struct numa_placement *placement, struct error *err);
/* The same without a question: the guest is there, whatever the host says of itself by now. */
void numa_record(struct numa_host *host, const struct numa_placement *placement);
void numa_release(struct numa_host *host, const struct numa_placement *placement);

/* Writes it as one JSON object:
 *	{"cells": [{"node": 0, "memory_mb": 2048, "page_kb": 2048, "vcpus": "0-3", "floating": "0-1",
 *		    "taken": "4-6", "pins": [[1, 4], [2, 5], [3, 6]]}],
 *	 "emulator": "0-1", "realtime": ""}
 * and reads it.  Errors are ERROR_BAD_REQUEST. */
void numa_placement_write(const struct numa_placement *placement, struct text *text);
bool numa_placement_read(yyjson_val *object, struct numa_placement *placement, struct error *err);
bool numa_placement_parse(const char *json, struct numa_placement *placement, struct error *err);
