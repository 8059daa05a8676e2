/* The syntax of oslo.config's files, apart from what options mean. */
#pragma once

#include "base/error.h"

#include <stdbool.h>

struct ini_assignment {
	const char *group, *option;
	const char *value; /* continuation lines joined by newlines, outer quotes gone */
	int line;	   /* of the option's name */
	int comment_line;  /* of an indented # or ;, which is no comment but part of the value; or 0 */
};

/* Calls `assign` for each assignment in order.  A bad line is an error that names file and line. */
bool ini_read(const char *name, const char *text,
	      void (*assign)(void *user, const struct ini_assignment *assignment), void *user,
	      struct error *err);
/* Where the blanks at the beginning end, and those at the end begin: what Python's strip() takes off. */
const char *ini_skip_blanks(const char *from, const char *end);
const char *ini_drop_blanks(const char *from, const char *end);
