/* The one error object: what went wrong, as a kind (which maps to an HTTP status) and a sentence for a
 * person. Functions that can fail return bool (true = success) and take a `struct error *` last; they fill it
 * only on failure.  `err` is never NULL: who does not care passes a local and throws it away. */
#pragma once

#include <stdbool.h>

enum error_kind {
	ERROR_NONE = 0,
	ERROR_BAD_REQUEST = 400,
	ERROR_UNAUTHORIZED = 401,
	ERROR_FORBIDDEN = 403,
	ERROR_NOT_FOUND = 404,
	ERROR_METHOD_NOT_ALLOWED = 405,
	ERROR_NOT_ACCEPTABLE = 406,
	ERROR_TIMEOUT = 408,
	ERROR_CONFLICT = 409,
	ERROR_GONE = 410,
	ERROR_TOO_LARGE = 413,
	ERROR_UNSUPPORTED_MEDIA = 415,
	ERROR_RANGE = 416,
	ERROR_INTERNAL = 500,
	ERROR_NOT_IMPLEMENTED = 501,
	ERROR_UNAVAILABLE = 503,
};

struct error {
	enum error_kind kind; /* also the HTTP status that an API answers with */
	const char *type;     /* static text: the exception name that an API shows (Neutron), or NULL */
	char message[1000];   /* one sentence or several, without a trailing newline */
};

/* Fills *err and returns false, so that a caller writes `return error_set(err, ERROR_NOT_FOUND, "...")`.
 * A message that is too long is cut; what is no UTF-8 in it, as parts of characters that were cut, is left
 * out. */
bool error_set(struct error *err, enum error_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same, with the API's exception name (static text), e.g. "NetworkNotFound". */
bool error_set_typed(struct error *err, enum error_kind kind, const char *type, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Appends ": " and strerror(errno_value) to the message. */
bool error_set_errno(struct error *err, enum error_kind kind, int errno_value, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Puts "context: " in front of the message that is there; returns false. */
bool error_wrap(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
