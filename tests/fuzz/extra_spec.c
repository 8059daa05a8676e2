/* Comparing extra specs with what a host says: first line the value, then the wish. */
#include "fuzz.h"

#include "compute/extra_spec.h"

static bool matches(const char *value, const char *operation, const char *operand)
{
	_cleanup_free_ char *wish = memory_printf("%s %s", operation, operand);

	return extra_spec_matches(value, wish);
}

/* What operators say of one another. */
static void check_operators(const char *value, const char *operand)
{
	FUZZ_CHECK(matches(value, "s==", operand) != matches(value, "s!=", operand));
	FUZZ_CHECK(matches(value, "s<", operand) != matches(value, "s>=", operand));
	FUZZ_CHECK(matches(value, "s>", operand) != matches(value, "s<=", operand));
	FUZZ_CHECK(!matches(value, "==", operand) || !matches(value, "!=", operand));
	FUZZ_CHECK(!matches(value, "==", operand) || matches(value, "<=", operand));
	FUZZ_CHECK(!matches(value, "==", operand) || matches(value, ">=", operand));
	FUZZ_CHECK(matches(value, "=", operand) == matches(value, ">=", operand));
	FUZZ_CHECK(matches(operand, "<in>", operand) && matches(operand, "<all-in>", operand));
	FUZZ_CHECK(strchr(operand, ' ') || strcmp(operand, "<or>") == 0 || matches(operand, "<or>", operand));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	_cleanup_free_ char *value = fuzz_line(&input), *wish = fuzz_rest(&input);

	extra_spec_matches(value, wish);
	extra_spec_matches(wish, value);
	if (*wish && *wish != ' ')
		check_operators(value, wish);
	return 0;
}
