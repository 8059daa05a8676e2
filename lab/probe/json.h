/* Looking values up in JSON text, without building anything. */
#ifndef PROBE_JSON_H
#define PROBE_JSON_H

#include <stdbool.h>
#include <stddef.h>

/* One value, from its first character on; the text goes on behind it until `end`. */
struct json {
	const char *at, *end;
};

/* The value of the object's member `name`; false if it is no object or has no such member. */
bool json_member(struct json object, const char *name, struct json *ret);

/* The array's element number `index`; false if it is no array or has fewer. */
bool json_element(struct json array, unsigned index, struct json *ret);

/*
 * The string's characters, cut to size - 1; \uXXXX beyond ASCII becomes "?".  False, and an empty text, if
 * the value is no string.
 */
bool json_text(struct json value, char *buffer, size_t size);

/* json_text of a member. */
bool json_member_text(struct json object, const char *name, char *buffer, size_t size);

#endif
