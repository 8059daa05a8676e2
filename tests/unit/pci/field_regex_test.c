/* Regular expressions of address fields: what they match, and that no one keeps an agent busy or takes its
 * memory. */
#include "../test.h"

#include "base/memory.h"
#include "pci/device_spec.h"
#include "pci/field_regex.h"

#include <sys/resource.h>
#include <time.h>

static bool fits(const char *pattern, const char *field)
{
	struct field_regex *regex = field_regex_new(pattern);
	bool yes;

	assert_non_null(regex);
	yes = field_regex_fits(regex, field);
	field_regex_free(regex);
	return yes;
}

static void test_matches(void **state)
{
	(void)state;
	assert_true(fits(".*", "0000"));
	assert_true(fits("", "0000"));
	assert_true(fits("0[1-2]", "02"));
	assert_false(fits("0[1-2]", "12"));
	assert_true(fits("0", "0a"));
	assert_true(fits("0A$", "0a"));
	assert_false(fits("a", "0a"));
	assert_true(fits("a|0", "0a"));
	assert_false(fits("(a|b)$", "0a"));
	assert_true(fits("\\d+", "10"));
	assert_true(fits("(?!10)..", "11"));
	assert_false(fits("(?!10)..", "10"));
	assert_true(fits("^[0-9a-f]{1,4}$", "beef"));
}

static void test_bad(void **state)
{
	static const char *const bad[] = {"*",	    "(",     "[0-9",
					  "a{2,1}", "(?P<x", "\\",
					  "a**",    "\\C",   "01234567890123456789012345678901234567890"};

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(bad); i++) {
		if (field_regex_new(bad[i]))
			fail_msg("'%s' is taken", bad[i]);
	}
}

/* The first ones need gigabytes or hours of regcomp(), or of a matcher without limits. */
static const char *const terrible[] = {
	"((a{1,255}){1,255}){1,255}",
	"a+++++++++++++++++++++++++++++++++++++++",
	"((((((((((a+)+)+)+)+)+)+)+)+)+)+b",
	"(($|)*($|)*($|)*($|)*($|)*($|)*($|)*)*",
	"(((|)*(|)*(|)*(|)*(|)*(|)*(|)*)*){0,15}",
	"(a*)*b",
	"(0*)*(0*)*(0*)*(0*)*(0*)*(0*)*b",
	"(0|00|0*|.*|.|[0])*(0|00|0*|.*|.|[0])*b",
	"(?:(?:(?:.{0,65535}){0,65535}){0,65535})",
	"((.?){99}){99}b",
	"(?:.?.?.?.?){999}b",
	"(?R)?0?(?R)?(?R)?b",
	"((?1)?)*b",
	"(?:(?=.*)){65535}",
	"(.)(\\1|\\1\\1|(\\1)*)*b",
	"(*LIMIT_MATCH=4000000000)(0*)*b",
	"((((((((((((((((((((0))))))))))))))))))))",
};

static const char *const some_fields[] = {"0000", "aaaa", "00", "aa", "0", "f"};

static double seconds_used(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

static void test_terrible(void **state)
{
	struct rusage before, after;

	(void)state;
	getrusage(RUSAGE_SELF, &before);
	for (size_t i = 0; i < ELEMENTS_OF(terrible); i++) {
		double start = seconds_used();
		struct field_regex *regex = field_regex_new(terrible[i]);

		for (size_t k = 0; regex && k < ELEMENTS_OF(some_fields); k++)
			field_regex_fits(regex, some_fields[k]);
		field_regex_free(regex);
		if (seconds_used() - start > 0.5)
			fail_msg("'%s' takes %.1f s", terrible[i], seconds_used() - start);
	}
	getrusage(RUSAGE_SELF, &after);
	assert_in_range(after.ru_maxrss - before.ru_maxrss, 0, 32 * 1024);
}

/* The same by way of a configuration with as many of them as there may be. */
static void test_many_specs(void **state)
{
	struct device_spec_device device = {.address = "0000:aa:0a.0",
					    .vendor_id = "8086",
					    .product_id = "1"};
	struct device_spec *specs = NULL;
	size_t count = 0;
	char warning[256];
	struct error err;
	double start = seconds_used();

	(void)state;
	for (int i = 0; i < DEVICE_SPEC_MAX; i++)
		assert_true(device_spec_parse("nova.conf:1",
					      "{\"address\": {\"domain\": \"(0*)*b\", \"bus\": \"(a*)*b\"}}",
					      &specs, &count, warning, &err));
	assert_null(device_spec_find(specs, count, &device));
	device_specs_free(specs, count);
	assert_in_range((int)(seconds_used() - start), 0, 2);
}

static void test_refused(void **state)
{
	struct device_spec *specs = NULL;
	size_t count = 0;
	char warning[256];
	struct error err;

	(void)state;
	assert_false(device_spec_parse("nova.conf:1",
				       "{\"address\": {\"bus\": \"((a{1,255}){1,255}){1,255}\"}}", &specs,
				       &count, warning, &err));
	assert_string_equal(err.message,
			    "nova.conf:1: Invalid [pci]device_spec config: the address's bus "
			    "\"((a{1,255}){1,255}){1,255}\" is no regular expression, or too large a one");
	device_specs_free(specs, count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches),	 cmocka_unit_test(test_bad),
		cmocka_unit_test(test_terrible), cmocka_unit_test(test_many_specs),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
