/* Text: a growing buffer, and small questions about strings. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Start from `struct text t = {0};`, end with text_done() or `_cleanup_(text_done)`.  `data` is NULL while
 * nothing was added, and NUL-terminated afterwards. */
struct text {
	char *data;
	size_t length;
	size_t capacity;
};

void text_add(struct text *text, const char *string);
void text_add_bytes(struct text *text, const void *bytes, size_t count);
void text_addf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Adds with &, <, >, " and ' written as XML entities; characters that XML 1.0 forbids become '?'. */
void text_add_xml(struct text *text, const char *string);
void text_done(struct text *text);
/* Hands the buffer over ("" if nothing was added); the caller frees it. */
char *text_take(struct text *text);

bool text_equal(const char *a, const char *b); /* two NULLs are equal */
bool text_starts_with(const char *text, const char *prefix);
bool text_ends_with(const char *text, const char *suffix);
bool text_is_empty(const char *text); /* NULL or "" */

/* Reads all of `text` as a decimal integer within [min, max]; anything else gives false. */
bool text_to_int64(const char *text, int64_t min, int64_t max, int64_t *value);
/* "1", "true", "yes", "on", "t", "y" and their opposites in any case, as oslo's strutils; else false. */
bool text_to_bool(const char *text, bool *value);
/* How many letters one name has to get, lose or change to become the other (Levenshtein), in any case of
 * letters, "-" and " " being "_"; TEXT_FAR if a name has more than 64 bytes.  b need not be ended. */
int text_distance(const char *a, const char *b, size_t b_length);
#define TEXT_FAR 1000
/* Is it well-formed UTF-8 without NUL? */
bool text_is_utf8(const char *bytes, size_t count);
/* Leaves out what is no UTF-8: mostly parts of characters that a limit has cut. */
void text_make_utf8(char *text);
/* Characters (code points) of a UTF-8 text: what the APIs' limits on names count. */
size_t text_characters(const char *text);
