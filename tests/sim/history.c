/* Operations on registers, and whether an order explains them.  Each value is written once, so that the
 * answer needs no search: all that is known of a value (its write and its reads) lies around one stretch of
 * time, and an order exists exactly when those stretches do not get in each other's way (Gibbons and Korach,
 * "Testing Shared Memories", 1997). */
#include "history.h"

#include "base/memory.h"
#include "fiber.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct operation {
	char thing[37], value[48];
	bool write, ended;
	enum history_end end;
	int64_t from, to; /* INT64_MAX: open */
};

static struct operation *operations;
static size_t count;

static int begin(const char *thing, bool write, const char *value)
{
	struct operation *o = ARRAY_ADD(operations, count);

	*o = (struct operation){.write = write, .from = sim_now(), .to = INT64_MAX};
	snprintf(o->thing, sizeof o->thing, "%s", thing);
	snprintf(o->value, sizeof o->value, "%s", value);
	return (int)count - 1;
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
	struct operation *o = &operations[operation];

	o->ended = true;
	o->end = end;
	if (end != HISTORY_OPEN)
		o->to = sim_now();
	if (read)
		snprintf(o->value, sizeof o->value, "%s", read);
}

void history_forget(void)
{
	free(operations);
	operations = NULL;
	count = 0;
}

/* --- is there an order? --- */

/* What is known of one value of one thing. */
struct stretch {
	const char *value;
	int64_t written_from;	       /* INT64_MIN: by whoever made the thing */
	int64_t first_end, last_begin; /* of its write and its reads */
	bool read;
};

/* A write that was refused was none, a read that failed says nothing. */
static bool counts(const struct operation *o, const char *thing)
{
	return strcmp(o->thing, thing) == 0 && o->ended && o->end != HISTORY_FAILED &&
	       (o->write || o->end == HISTORY_DONE);
}

static struct stretch *stretch_of(struct stretch **all, size_t *many, const char *value)
{
	for (size_t i = 0; i < *many; i++) {
		if (strcmp((*all)[i].value, value) == 0)
			return &(*all)[i];
	}
	struct stretch *made = ARRAY_ADD(*all, *many);
	*made = (struct stretch){.value = value,
				 .written_from = INT64_MIN,
				 .first_end = INT64_MIN, /* until a write is found */
				 .last_begin = INT64_MIN};
	return made;
}

static struct stretch *stretches_find(const char *thing, size_t *many)
{
	struct stretch *all = NULL;

	*many = 0;
	for (size_t i = 0; i < count; i++) {
		const struct operation *o = &operations[i];
		if (!counts(o, thing) || !o->write)
			continue;
		struct stretch *s = stretch_of(&all, many, o->value);
		s->written_from = s->last_begin = o->from;
		s->first_end = o->to;
	}
	for (size_t i = 0; i < count; i++) {
		const struct operation *o = &operations[i];
		if (!counts(o, thing) || o->write)
			continue;
		struct stretch *s = stretch_of(&all, many, o->value);
		s->read = true;
		s->first_end = o->to < s->first_end ? o->to : s->first_end;
		s->last_begin = o->from > s->last_begin ? o->from : s->last_begin;
	}
	return all;
}

/* Its value is certainly there from the end of the first operation to the beginning of the last. */
static bool is_certain(const struct stretch *s)
{
	return s->first_end < s->last_begin;
}

/* The other one's value must have been there at a moment of it. */
static bool collide(const struct stretch *certain, const struct stretch *other)
{
	return is_certain(certain) && certain->first_end < other->last_begin &&
	       other->first_end < certain->last_begin;
}

static bool is_linear(const char *thing)
{
	size_t many;
	_cleanup_free_ struct stretch *all = stretches_find(thing, &many);

	for (size_t i = 0; i < many; i++) {
		/* What is open and was never read need never have come. */
		if (all[i].first_end == INT64_MAX && !all[i].read)
			continue;
		if (all[i].first_end < all[i].written_from)
			return false;
		for (size_t k = 0; k < many; k++) {
			if (k != i && collide(&all[i], &all[k]))
				return false;
		}
	}
	return true;
}

bool history_is_linear(char *why, int size)
{
	for (size_t i = 0; i < count; i++) {
		bool first = true;

		for (size_t k = 0; k < i && first; k++)
			first = strcmp(operations[k].thing, operations[i].thing) != 0;
		if (first && !is_linear(operations[i].thing)) {
			snprintf(why, (size_t)size, "the answers about the name of %s have no order",
				 operations[i].thing);
			return false;
		}
	}
	return true;
}
