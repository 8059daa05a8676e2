/* Regular expressions of one field of a PCI address.  Pure logic.
 *
 * They are written by operators in Python's syntax (Nova's), which is PCRE2's but for rare things.  Whatever
 * is written, neither reading nor matching one takes long or much memory: length, compiled size, steps and
 * heap of a match have limits.  (regcomp() has none: 22 characters keep it busy for minutes or take all
 * memory.) */
#pragma once

#include <stdbool.h>

enum { FIELD_REGEX_MAX = 40 }; /* characters */

struct field_regex;

/* NULL if it is none, or too large. */
struct field_regex *field_regex_new(const char *pattern);
void field_regex_free(struct field_regex *regex);
/* Does the field begin as the expression says, in any case of letters?  A match that needs too many steps is
 * none. */
bool field_regex_fits(const struct field_regex *regex, const char *field);
