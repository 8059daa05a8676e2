/* Regular expressions by PCRE2, within limits. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "pci/field_regex.h"

#include <pcre2.h>
#include <string.h>

/* What matches a field of four characters in earnest needs a hundredth of these. */
#define MAX_COMPILED 4096 /* bytes: there may be four for each of a thousand specs */
#define MAX_STEPS    10000
#define MAX_HEAP_KB  64

/* struct field_regex is a name only: it is PCRE2's own object. */
static pcre2_code *code_of(const struct field_regex *regex)
{
	return (pcre2_code *)regex;
}

struct field_regex *field_regex_new(const char *pattern)
{
	int why;
	size_t where, size = 0;
	pcre2_code *code = strlen(pattern) > FIELD_REGEX_MAX
				   ? NULL
				   : pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
						   PCRE2_ANCHORED | PCRE2_CASELESS | PCRE2_NEVER_UTF |
							   PCRE2_NEVER_BACKSLASH_C,
						   &why, &where, NULL);

	if (code && (pcre2_pattern_info(code, PCRE2_INFO_SIZE, &size) != 0 || size > MAX_COMPILED)) {
		pcre2_code_free(code);
		code = NULL;
	}
	return (struct field_regex *)code;
}

void field_regex_free(struct field_regex *regex)
{
	pcre2_code_free(code_of(regex));
}

bool field_regex_fits(const struct field_regex *regex, const char *field)
{
	pcre2_match_context *limits = pcre2_match_context_create(NULL);
	pcre2_match_data *match = pcre2_match_data_create(1, NULL);
	bool fits = false;

	if (limits && match) {
		pcre2_set_match_limit(limits, MAX_STEPS);
		pcre2_set_heap_limit(limits, MAX_HEAP_KB);
		fits = pcre2_match(code_of(regex), (PCRE2_SPTR)field, strlen(field), 0, 0, match, limits) >=
		       0;
	}
	pcre2_match_data_free(match);
	pcre2_match_context_free(limits);
	return fits;
}
