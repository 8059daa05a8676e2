/* The options that are known: what they are called, what they may be, what becomes of them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_MAX_RANK 4 /* older names of one option */

struct config_option {
	const char *group, *name;
	const char *fallback; /* the default as it would be written, or NULL */
	const char *older;    /* "group.name ...", the newest first, or NULL */
};

/* By any of its names; *rank is 0 for today's name, else which of the older ones. NULL if it is unknown. */
const struct config_option *config_option_find(const char *group, const char *name, int *rank);
/* Groups are the same in any case of letters, but DEFAULT has its own. */
bool config_group_is(const char *a, const char *b);
