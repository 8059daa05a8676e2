/* Sets of CPUs. */
#include "numa/cpu_set.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

void cpu_set_add_range(struct cpu_set *set, int first, int last)
{
	for (int cpu = first; cpu <= last; cpu++)
		cpu_set_add(set, cpu);
}

int cpu_set_count(const struct cpu_set *set)
{
	int count = 0;

	for (int i = 0; i < CPU_SET_WORDS; i++)
		count += __builtin_popcountll(set->words[i]);
	return count;
}

bool cpu_set_is_empty(const struct cpu_set *set)
{
	return cpu_set_next(set, 0) < 0;
}

bool cpu_set_equal(const struct cpu_set *a, const struct cpu_set *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

bool cpu_set_intersects(const struct cpu_set *a, const struct cpu_set *b)
{
	for (int i = 0; i < CPU_SET_WORDS; i++) {
		if (a->words[i] & b->words[i])
			return true;
	}
	return false;
}

bool cpu_set_within(const struct cpu_set *part, const struct cpu_set *whole)
{
	for (int i = 0; i < CPU_SET_WORDS; i++) {
		if (part->words[i] & ~whole->words[i])
			return false;
	}
	return true;
}

void cpu_set_or(struct cpu_set *set, const struct cpu_set *other)
{
	for (int i = 0; i < CPU_SET_WORDS; i++)
		set->words[i] |= other->words[i];
}

void cpu_set_and(struct cpu_set *set, const struct cpu_set *other)
{
	for (int i = 0; i < CPU_SET_WORDS; i++)
		set->words[i] &= other->words[i];
}

void cpu_set_and_not(struct cpu_set *set, const struct cpu_set *other)
{
	for (int i = 0; i < CPU_SET_WORDS; i++)
		set->words[i] &= ~other->words[i];
}

int cpu_set_next(const struct cpu_set *set, int from)
{
	if (from >= CPU_SET_MAX)
		return -1;
	uint64_t word = set->words[from / 64] & ~UINT64_C(0) << (from % 64);
	for (int i = from / 64;; word = set->words[i]) {
		if (word)
			return i * 64 + __builtin_ctzll(word);
		if (++i == CPU_SET_WORDS)
			return -1;
	}
}

/* --- text --- */

static const char *skip_blanks(const char *c)
{
	return c + strspn(c, " \t\n");
}

/* The number at *c, which it goes past; -1 if there is none.  Large ones are all alike. */
static int number_read(const char **c)
{
	int number = 0;

	if (!isdigit((unsigned char)**c))
		return -1;
	for (; isdigit((unsigned char)**c); (*c)++)
		number = number > CPU_SET_MAX ? number : number * 10 + (**c - '0');
	*c = skip_blanks(*c);
	return number;
}

static bool list_error(const char *name, const char *list, struct error *err)
{
	return error_set(err, ERROR_BAD_REQUEST,
			 "%s: '%.100s' is no list of CPUs: expected numbers and ranges with commas between "
			 "them, and ^ before those to leave out, as in 0-3,^2,8",
			 name, list);
}

bool cpu_set_parse(const char *name, const char *list, int limit, struct cpu_set *set, struct error *err)
{
	struct cpu_set left_out = {0};
	const char *c = skip_blanks(list);

	*set = (struct cpu_set){0};
	while (*c) {
		bool leave_out = *c == '^';

		if (*c == ',') {
			c = skip_blanks(c + 1);
			continue;
		}
		c = leave_out ? skip_blanks(c + 1) : c;
		int first = number_read(&c), last = first;
		if (first >= 0 && *c == '-') {
			c = skip_blanks(c + 1);
			last = number_read(&c);
		}
		if (first < 0 || last < first || (*c && *c != ','))
			return list_error(name, list, err);
		if (last >= limit)
			return error_set(err, ERROR_BAD_REQUEST,
					 "%s: '%.100s' names a CPU that is not there: the last one is %d",
					 name, list, limit - 1);
		cpu_set_add_range(leave_out ? &left_out : set, first, last);
	}
	cpu_set_and_not(set, &left_out);
	return true;
}

char *cpu_set_format(const struct cpu_set *set, char text[CPU_SET_TEXT_SIZE])
{
	int length = 0;

	text[0] = '\0';
	for (int cpu = cpu_set_next(set, 0); cpu >= 0; cpu = cpu_set_next(set, cpu + 1)) {
		int last = cpu;

		while (last + 1 < CPU_SET_MAX && cpu_set_has(set, last + 1))
			last++;
		length += snprintf(text + length, (size_t)(CPU_SET_TEXT_SIZE - length), "%s%d",
				   length ? "," : "", cpu);
		if (last > cpu)
			length += snprintf(text + length, (size_t)(CPU_SET_TEXT_SIZE - length), "-%d", last);
		cpu = last;
	}
	return text;
}
