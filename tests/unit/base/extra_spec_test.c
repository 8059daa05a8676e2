/* The little language of extra specs. */
#include "../test.h"
#include "base/extra_spec.h"

static void test_operators(void **state)
{
	static const struct {
		const char *value, *wish;
		bool matches;
	} cases[] = {
		{"ssd", "ssd", true},
		{"ssd", "SSD", false},
		{"ssd", "", false},
		{"12", "= 12", true},
		{"12", "= 13", false},
		{"12", ">= 12", true},
		{"12", "== 12.0", true},
		{"12", "!= 12", false},
		{"12", "<= 13", true},
		{"twelve", ">= 12", false},
		{"12", ">= twelve", false},
		{"abc", "s== abc", true},
		{"abc", "s!= abc", false},
		{"abc", "s< abd", true},
		{"abc", "s>= abd", false},
		{"abc", "<in> b", true},
		{"abc", "<in> d", false},
		{"mmx sse avx", "<all-in> avx mmx", true},
		{"mmx sse", "<all-in> avx mmx", false},
		{"v2", "<or> v1 <or> v2", true},
		{"v3", "<or> v1 <or> v2", false},
		{"=", "=", true}, /* an operator alone is a text */
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (extra_spec_matches(cases[i].value, cases[i].wish) != cases[i].matches)
			fail_msg("\"%s\" with \"%s\"", cases[i].value, cases[i].wish);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_operators)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
