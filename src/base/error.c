/* Filling and wrapping `struct error`. */
#include "base/error.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void error_fill(struct error *err, enum error_kind kind, const char *type, const char *format,
		       va_list args)
{
	char text[sizeof err->message];

	vsnprintf(text, sizeof text, format, args); /* the old message may be one of the arguments */
	text_make_utf8(text);
	memcpy(err->message, text, sizeof text);
	err->kind = kind;
	err->type = type;
}

bool error_set(struct error *err, enum error_kind kind, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	error_fill(err, kind, NULL, format, args);
	va_end(args);
	return false;
}

bool error_set_typed(struct error *err, enum error_kind kind, const char *type, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	error_fill(err, kind, type, format, args);
	va_end(args);
	return false;
}

bool error_set_errno(struct error *err, enum error_kind kind, int errno_value, const char *format, ...)
{
	size_t used;
	va_list args;

	va_start(args, format);
	error_fill(err, kind, NULL, format, args);
	va_end(args);
	used = strlen(err->message);
	snprintf(err->message + used, sizeof err->message - used, ": %s", strerror(errno_value));
	text_make_utf8(err->message);
	return false;
}

bool error_wrap(struct error *err, const char *format, ...)
{
	char context[sizeof err->message];
	char text[2 * sizeof err->message];
	va_list args;

	va_start(args, format);
	vsnprintf(context, sizeof context, format, args);
	va_end(args);
	snprintf(text, sizeof text, "%s: %s", context, err->message);
	memcpy(err->message, text, sizeof err->message - 1);
	err->message[sizeof err->message - 1] = '\0';
	text_make_utf8(err->message);
	return false;
}
