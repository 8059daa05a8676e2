/* Sets of CPUs and their texts. */
#include "../test.h"

#include "numa/cpu_set.h"

static struct cpu_set set_of(const char *list)
{
	struct error err = {0};
	struct cpu_set set;

	if (!cpu_set_parse("list", list, CPU_SET_MAX, &set, &err))
		fail_msg("%s", err.message);
	return set;
}

static void check_text(const char *list, const char *expected)
{
	char text[CPU_SET_TEXT_SIZE];
	struct cpu_set set = set_of(list);

	assert_string_equal(cpu_set_format(&set, text), expected);
}

static void test_parse(void **state)
{
	(void)state;
	check_text("", "");
	check_text("0", "0");
	check_text("0-3,^2,8", "0-1,3,8");
	check_text("^2,0-3", "0-1,3"); /* wherever it stands */
	check_text("0-7,^4-5", "0-3,6-7");
	check_text(" 1 , 3 - 4 ,, 1 ", "1,3-4");
	check_text("^1", "");
	check_text("1022-1023", "1022-1023");
	check_text("63,64,65,127-128", "63-65,127-128");
}

static void check_bad(const char *list, int limit, const char *part)
{
	struct error err = {0};
	struct cpu_set set;

	assert_false(cpu_set_parse("hw:x", list, limit, &set, &err));
	assert_int_equal(err.kind, ERROR_BAD_REQUEST);
	assert_non_null(strstr(err.message, "hw:x"));
	assert_non_null(strstr(err.message, part));
}

static void test_parse_errors(void **state)
{
	static const char *const bad[] = {"a", "1-",	"-1",	 "3-1", "1 2", "0x1",
					  "^", "1,^^2", "1-2-3", "1.5", "+1"};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		check_bad(bad[i], CPU_SET_MAX, bad[i]);
	check_bad("0-4", 4, "the last one is 3");
	check_bad("0,^4", 4, "the last one is 3");
	check_bad("1024", CPU_SET_MAX, "the last one is 1023");
	check_bad("99999999999999999999", CPU_SET_MAX, "the last one is 1023");
}

/* The longest text fits its array and is read again as the same set. */
static void test_longest_text(void **state)
{
	char text[CPU_SET_TEXT_SIZE];
	struct cpu_set set = {0}, again;

	(void)state;
	for (int cpu = 0; cpu < CPU_SET_MAX; cpu++) {
		if (cpu % 3 != 2)
			cpu_set_add(&set, cpu);
	}
	cpu_set_format(&set, text);
	assert_true(strlen(text) > 2500);
	again = set_of(text);
	assert_true(cpu_set_equal(&set, &again));
}

static void test_operations(void **state)
{
	struct cpu_set a = set_of("0-3,64,200"), b = set_of("2-5,200"), c;
	char text[CPU_SET_TEXT_SIZE];

	(void)state;
	assert_int_equal(cpu_set_count(&a), 6);
	assert_true(cpu_set_intersects(&a, &b));
	c = a;
	cpu_set_or(&c, &b);
	assert_string_equal(cpu_set_format(&c, text), "0-5,64,200");
	assert_true(cpu_set_within(&a, &c) && !cpu_set_within(&c, &a));
	c = a;
	cpu_set_and(&c, &b);
	assert_string_equal(cpu_set_format(&c, text), "2-3,200");
	c = a;
	cpu_set_and_not(&c, &b);
	assert_string_equal(cpu_set_format(&c, text), "0-1,64");
	assert_false(cpu_set_intersects(&c, &b));
	cpu_set_remove(&c, 64);
	assert_false(cpu_set_has(&c, 64));
	assert_true(cpu_set_has(&c, 1));
	assert_false(cpu_set_is_empty(&c));
	c = (struct cpu_set){0};
	assert_true(cpu_set_is_empty(&c));
}

static void test_next(void **state)
{
	struct cpu_set set = set_of("0,63,64,1023");

	(void)state;
	assert_int_equal(cpu_set_next(&set, 0), 0);
	assert_int_equal(cpu_set_next(&set, 1), 63);
	assert_int_equal(cpu_set_next(&set, 64), 64);
	assert_int_equal(cpu_set_next(&set, 65), 1023);
	assert_int_equal(cpu_set_next(&set, 1024), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),	     cmocka_unit_test(test_parse_errors),
		cmocka_unit_test(test_longest_text), cmocka_unit_test(test_operations),
		cmocka_unit_test(test_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
