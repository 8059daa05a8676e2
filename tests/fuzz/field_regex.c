/* Regular expressions of address fields: first line the expression, then a field.  No one takes long: the
 * time limit of the fuzzer is the claim. */
#include "fuzz.h"

#include "pci/field_regex.h"

#include <time.h>

static const char *const fields[] = {"", "0", "f", "00", "ff", "0000", "ffff", "10af"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	_cleanup_free_ char *pattern = fuzz_line(&input), *field = fuzz_line(&input);
	clock_t start = clock();
	struct field_regex *regex = field_regex_new(pattern);

	FUZZ_CHECK(!regex || strlen(pattern) <= FIELD_REGEX_MAX);
	for (size_t i = 0; regex && i < ELEMENTS_OF(fields); i++)
		field_regex_fits(regex, fields[i]);
	if (regex && strlen(field) <= 4)
		FUZZ_CHECK(field_regex_fits(regex, field) == field_regex_fits(regex, field));
	field_regex_free(regex);
	FUZZ_CHECK(clock() - start < CLOCKS_PER_SEC);
	return 0;
}
