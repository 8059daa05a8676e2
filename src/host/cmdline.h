/* The kernel's command line as words.  Pure: nothing is read or written here.  Words are separated by blanks;
 * blanks between double quotes belong to a word. */
#pragma once

#include "host/wishes.h"

#include <stdbool.h>
#include <stddef.h>

#define CMDLINE_MAX_WORDS 8

/* What is to become of a command line. */
struct cmdline_change {
	const char *add[CMDLINE_MAX_WORDS]; /* static texts */
	size_t add_count;
	const char *remove[CMDLINE_MAX_WORDS];
	size_t remove_count;
	const struct wish_pages *pages; /* huge pages; each size is replaced as a pair of words */
	size_t pages_count;
};

bool cmdline_has(const char *line, const char *word);
/* Takes out what is to go (and, of huge pages that are asked for in another number, the old pair); for the
 * caller to free. */
char *cmdline_remove(const char *line, const struct cmdline_change *change);
/* Adds to `line` what neither it nor `elsewhere` (other parts of the same command line, or "") has; for the
 * caller to free. */
char *cmdline_add(const char *line, const char *elsewhere, const struct cmdline_change *change);
/* Does it have all of it, and nothing of what is to go?  If not, `missing` says one thing that is wrong. */
bool cmdline_is_right(const char *line, const struct cmdline_change *change, char *missing, size_t size);
