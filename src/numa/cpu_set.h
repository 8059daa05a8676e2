/* Sets of CPUs: of a host, or of a guest.  Pure logic.
 *
 * As text they are what cpusets are to libvirt and Nova: "0-3,8" with parts to leave out, "0-7,^2,^4-5". */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum { CPU_SET_MAX = 1024, CPU_SET_WORDS = CPU_SET_MAX / 64 };

/* The longest text that cpu_set_format() writes, with its end: all but every third CPU, "1021-1022,". */
enum { CPU_SET_TEXT_SIZE = (CPU_SET_MAX / 3 + 1) * 10 + 1 };

/* Start from {0}, the empty set. */
struct cpu_set {
	uint64_t words[CPU_SET_WORDS];
};

static inline bool cpu_set_has(const struct cpu_set *set, int cpu)
{
	return set->words[cpu / 64] >> (cpu % 64) & 1;
}

static inline void cpu_set_add(struct cpu_set *set, int cpu)
{
	set->words[cpu / 64] |= UINT64_C(1) << (cpu % 64);
}

static inline void cpu_set_remove(struct cpu_set *set, int cpu)
{
	set->words[cpu / 64] &= ~(UINT64_C(1) << (cpu % 64));
}

/* Adds first to last, both included. */
void cpu_set_add_range(struct cpu_set *set, int first, int last);
int cpu_set_count(const struct cpu_set *set);
bool cpu_set_is_empty(const struct cpu_set *set);
bool cpu_set_equal(const struct cpu_set *a, const struct cpu_set *b);
bool cpu_set_intersects(const struct cpu_set *a, const struct cpu_set *b);
/* Are all of `part` in `whole`? */
bool cpu_set_within(const struct cpu_set *part, const struct cpu_set *whole);

void cpu_set_or(struct cpu_set *set, const struct cpu_set *other);
void cpu_set_and(struct cpu_set *set, const struct cpu_set *other);
void cpu_set_and_not(struct cpu_set *set, const struct cpu_set *other);

/* The lowest CPU that is at least `from`, or -1:
 * for (int cpu = cpu_set_next(&set, 0); cpu >= 0; cpu = cpu_set_next(&set, cpu + 1)) */
int cpu_set_next(const struct cpu_set *set, int from);

/* Reads a list of numbers and ranges; those with ^ are taken out at the end, wherever they stand.  Blanks and
 * empty items do not matter.  `name` is what errors (ERROR_BAD_REQUEST) call it; numbers must be below
 * `limit` (at most CPU_SET_MAX). */
bool cpu_set_parse(const char *name, const char *list, int limit, struct cpu_set *set, struct error *err);
/* Writes "0-3,8" ("" for the empty set); returns text. */
char *cpu_set_format(const struct cpu_set *set, char text[CPU_SET_TEXT_SIZE]);
