/* Operations on registers, and the search for an order (Wing and Gong, with what was seen before left out).
 */
#include "history.h"

#include "fiber.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPERATIONS 4000
#define OF_ONE	   64 /* operations at one thing that are searched */

struct operation {
	char thing[37], value[48];
	bool write, ended;
	enum history_end end;
	int64_t from, to; /* INT64_MAX: open */
};

static struct operation operations[OPERATIONS];
static int count;

static int begin(const char *thing, bool write, const char *value)
{
	if (count == OPERATIONS)
		return -1;
	struct operation *o = &operations[count];
	*o = (struct operation){.write = write, .from = sim_now(), .to = INT64_MAX};
	snprintf(o->thing, sizeof o->thing, "%s", thing);
	snprintf(o->value, sizeof o->value, "%s", value);
	return count++;
}

int history_write(const char *thing, const char *name)
{
	return begin(thing, true, name);
}

int history_read(const char *thing)
{
	return begin(thing, false, "");
}

void history_end(int operation, enum history_end end, const char *read)
{
	if (operation < 0)
		return;
	struct operation *o = &operations[operation];
	o->ended = true;
	o->end = end;
	if (end != HISTORY_OPEN)
		o->to = sim_now();
	if (read)
		snprintf(o->value, sizeof o->value, "%s", read);
}

/* --- the search --- */

struct search {
	const struct operation *of[OF_ONE];
	int count;
	uint64_t seen[4096]; /* (done, last write) that led nowhere, hashed */
	long steps;
};

#define STEPS_MAX 2000000

static bool may_be_next(const struct search *s, uint64_t done, int i)
{
	for (int k = 0; k < s->count; k++) {
		if (!(done & UINT64_C(1) << k) && k != i && s->of[k]->to < s->of[i]->from)
			return false;
	}
	return true;
}

/* `value`: of the register, NULL: not known yet. */
static bool order_exists(struct search *s, uint64_t done, const char *value)
{
	uint64_t key = done * UINT64_C(0x9e3779b97f4a7c15);
	bool all = true;

	for (const char *c = value ? value : "?"; *c; c++)
		key = (key ^ (unsigned char)*c) * UINT64_C(1099511628211);
	if (s->seen[key % 4096] == key || ++s->steps > STEPS_MAX)
		return s->steps > STEPS_MAX;
	for (int i = 0; i < s->count; i++) {
		const struct operation *o = s->of[i];

		if (done & UINT64_C(1) << i)
			continue;
		all &= o->to == INT64_MAX; /* what is open need never have come */
		if (!may_be_next(s, done, i) || (!o->write && value && strcmp(o->value, value) != 0))
			continue;
		if (order_exists(s, done | UINT64_C(1) << i, o->value))
			return true;
	}
	s->seen[key % 4096] = all ? 0 : key;
	return all;
}

static bool is_linear(const char *thing)
{
	struct search *s = calloc(1, sizeof *s);

	for (int i = 0; i < count && s->count < OF_ONE; i++) {
		const struct operation *o = &operations[i];

		/* A write that was refused was none, a read that failed says nothing. */
		if (strcmp(o->thing, thing) == 0 && o->ended && o->end != HISTORY_FAILED &&
		    (o->write || o->end == HISTORY_DONE))
			s->of[s->count++] = o;
	}
	bool linear = order_exists(s, 0, NULL);
	free(s);
	return linear;
}

bool history_is_linear(char *why, int size)
{
	for (int i = 0; i < count; i++) {
		bool first = true;

		for (int k = 0; k < i && first; k++)
			first = strcmp(operations[k].thing, operations[i].thing) != 0;
		if (first && !is_linear(operations[i].thing)) {
			snprintf(why, (size_t)size, "the answers about the name of %s have no order",
				 operations[i].thing);
			return false;
		}
	}
	return true;
}
