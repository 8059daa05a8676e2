/* Small random histories of one register: there is an order exactly when trying all of them finds one.
 *
 * PENSTOCK_TEST_SEED=N repeats a run. */
#include "../test.h"

#include "base/memory.h"
#include "fiber.h"
#include "history.h"

#include <time.h>

enum { MOST = 6, VALUES = 4, CASES = 20000 };

static int64_t now;

int64_t sim_now(void)
{
	return now;
}

struct operation {
	bool write, open, done;
	int64_t from, to;
	unsigned value; /* 0: what it had at the beginning */
	int number;
};

static unsigned below(unsigned limit)
{
	return (unsigned)rand() % limit;
}

/* --- the truth: all orders --- */

static bool may_be_next(const struct operation *o, int count, int next)
{
	for (int i = 0; i < count; i++) {
		if (!o[i].done && i != next && !o[i].open && o[i].to < o[next].from)
			return false;
	}
	return !o[next].done;
}

static bool order_exists(struct operation *o, int count, unsigned value)
{
	bool over = true;

	for (int i = 0; i < count; i++)
		over &= o[i].done || o[i].open;
	for (int i = 0; !over && i < count; i++) {
		if (!may_be_next(o, count, i) || (!o[i].write && o[i].value != value))
			continue;
		o[i].done = true;
		over = order_exists(o, count, o[i].write ? o[i].value : value);
		o[i].done = false;
	}
	return over;
}

/* --- a history --- */

static int draw(struct operation *o)
{
	int count = 1 + (int)below(MOST);
	unsigned written = 0;

	for (int i = 0; i < count; i++) {
		o[i] = (struct operation){.from = below(12), .write = written < VALUES && below(2)};
		o[i].to = o[i].from + below(6);
		o[i].open = o[i].write && below(4) == 0;
		o[i].value = o[i].write ? ++written : below(VALUES);
	}
	for (int i = 0; i < count; i++) /* what nobody wrote is not read */
		o[i].value = o[i].value > written ? 0 : o[i].value;
	return count;
}

static void tell(struct operation *o, int count)
{
	char name[20];

	for (now = 0; now < 20; now++) {
		for (int i = 0; i < count; i++) {
			snprintf(name, sizeof name, "name-%u", o[i].value);
			if (o[i].from == now)
				o[i].number = o[i].write ? history_write("port", name) : history_read("port");
		}
		for (int i = 0; i < count; i++) {
			snprintf(name, sizeof name, "name-%u", o[i].value);
			if (o[i].to == now)
				history_end(o[i].number, o[i].open ? HISTORY_OPEN : HISTORY_DONE,
					    o[i].write ? NULL : name);
		}
	}
}

static void print(const struct operation *o, int count)
{
	for (int i = 0; i < count; i++)
		print_error("%s %u from %d to %d%s\n", o[i].write ? "write" : "read", o[i].value,
			    (int)o[i].from, (int)o[i].to, o[i].open ? " or later" : "");
}

static void an_order_is_found_exactly_when_there_is_one(void **state)
{
	const char *given = getenv("PENSTOCK_TEST_SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
	struct operation o[MOST];
	int linear = 0;
	char why[200];

	(void)state;
	srand(seed);
	for (int i = 0; i < CASES; i++) {
		int count = draw(o);

		tell(o, count);
		bool truth = order_exists(o, count, 0);
		if (history_is_linear(why, sizeof why) != truth) {
			print(o, count);
			fail_msg("seed %u: there is %s order", seed, truth ? "an" : "no");
		}
		linear += truth;
		history_forget();
	}
	assert_in_range(linear, CASES / 10, CASES * 9 / 10);
}

static void other_things_and_what_was_refused_say_nothing(void **state)
{
	char why[200];

	(void)state;
	now = 1;
	int refused = history_write("port", "a"), other = history_write("server", "b");
	now = 2;
	history_end(refused, HISTORY_FAILED, NULL);
	history_end(other, HISTORY_DONE, NULL);
	int read = history_read("port");
	now = 3;
	history_end(read, HISTORY_DONE, "first");
	assert_true(history_is_linear(why, sizeof why));
	read = history_read("server");
	now = 4;
	history_end(read, HISTORY_DONE, "first");
	assert_false(history_is_linear(why, sizeof why));
	assert_non_null(strstr(why, "server"));
	history_forget();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_order_is_found_exactly_when_there_is_one),
		cmocka_unit_test(other_things_and_what_was_refused_say_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
