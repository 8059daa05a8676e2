/* Comparing values with extra specs. */
#include "base/extra_spec.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum comparison {
	NUMBER_AT_LEAST,
	NUMBER_EQUAL,
	NUMBER_UNEQUAL,
	NUMBER_AT_MOST,
	TEXT_EQUAL,
	TEXT_UNEQUAL,
	TEXT_LESS,
	TEXT_AT_MOST,
	TEXT_MORE,
	TEXT_AT_LEAST,
	PART_OF,
	ALL_PARTS_OF,
};

static const struct {
	const char *text;
	enum comparison comparison;
} operators[] = {
	{"=", NUMBER_AT_LEAST},	    {">=", NUMBER_AT_LEAST}, {"==", NUMBER_EQUAL},   {"!=", NUMBER_UNEQUAL},
	{"<=", NUMBER_AT_MOST},	    {"s==", TEXT_EQUAL},     {"s!=", TEXT_UNEQUAL},  {"s<", TEXT_LESS},
	{"s<=", TEXT_AT_MOST},	    {"s>", TEXT_MORE},	     {"s>=", TEXT_AT_LEAST}, {"<in>", PART_OF},
	{"<all-in>", ALL_PARTS_OF},
};

static bool number_read(const char *text, double *number)
{
	char *end;

	*number = strtod(text, &end);
	return end != text && end[strspn(end, " ")] == '\0';
}

static bool numbers_match(enum comparison comparison, const char *value, const char *wish)
{
	double have, want;

	if (!number_read(value, &have) || !number_read(wish, &want))
		return false;
	switch (comparison) {
	case NUMBER_AT_LEAST:
		return have >= want;
	case NUMBER_EQUAL:
		return have == want;
	case NUMBER_UNEQUAL:
		return have != want;
	default:
		return have <= want;
	}
}

static bool texts_match(enum comparison comparison, const char *value, const char *wish)
{
	int order = strcmp(value, wish);

	switch (comparison) {
	case TEXT_EQUAL:
		return order == 0;
	case TEXT_UNEQUAL:
		return order != 0;
	case TEXT_LESS:
		return order < 0;
	case TEXT_AT_MOST:
		return order <= 0;
	case TEXT_MORE:
		return order > 0;
	default:
		return order >= 0;
	}
}

static bool all_parts(const char *value, char *words)
{
	char *rest = NULL;

	for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		if (!strstr(value, word))
			return false;
	}
	return true;
}

/* "<or> a <or> b": the words after each operator. */
static bool one_of(const char *value, char *words)
{
	char *rest = NULL;

	for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		if (strcmp(word, "<or>") != 0 && strcmp(word, value) == 0)
			return true;
	}
	return false;
}

bool extra_spec_matches(const char *value, const char *wish)
{
	size_t length = strcspn(wish, " ");
	const char *operand = wish + length + strspn(wish + length, " ");
	_cleanup_free_ char *words = memory_copy_text(operand);

	if (length == 4 && strncmp(wish, "<or>", 4) == 0)
		return one_of(value, words);
	for (size_t i = 0; i < ELEMENTS_OF(operators); i++) {
		enum comparison comparison = operators[i].comparison;

		if (strlen(operators[i].text) != length || strncmp(operators[i].text, wish, length) != 0 ||
		    !*operand)
			continue;
		if (comparison == PART_OF)
			return strstr(value, operand);
		if (comparison == ALL_PARTS_OF)
			return all_parts(value, words);
		return comparison <= NUMBER_AT_MOST ? numbers_match(comparison, value, operand)
						    : texts_match(comparison, value, operand);
	}
	return strcmp(value, wish) == 0;
}
