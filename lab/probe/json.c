/* A scanner for JSON that is known to be well formed; text that is not makes it find nothing, not run away.
 */
#include "json.h"

#include "machine.h"

static void skip_blanks(struct json *value)
{
	while (value->at < value->end && (*value->at == ' ' || *value->at == '\t' || *value->at == '\n' ||
					  *value->at == '\r' || *value->at == ',' || *value->at == ':'))
		value->at++;
}

static void skip_string(struct json *value)
{
	for (value->at++; value->at < value->end && *value->at != '"'; value->at++)
		if (*value->at == '\\')
			value->at++;
	value->at++;
}

/* Skips a number, a word, a string, or everything up to the bracket that closes the first one. */
static void skip_value(struct json *value)
{
	int depth = 0;

	do {
		char c = *value->at;

		if (c == '"') {
			skip_string(value);
		} else if (c == '{' || c == '[') {
			depth++;
			value->at++;
		} else if (c == '}' || c == ']') {
			depth--;
			value->at++;
		} else {
			while (value->at < value->end && *value->at != ',' && *value->at != '}' &&
			       *value->at != ']')
				value->at++;
		}
		if (depth > 0)
			skip_blanks(value);
	} while (depth > 0 && value->at < value->end);
	skip_blanks(value);
}

static bool enter(struct json *value, char bracket)
{
	skip_blanks(value);
	if (value->at >= value->end || *value->at != bracket)
		return false;
	value->at++;
	skip_blanks(value);
	return true;
}

static bool is_key(struct json key, const char *name)
{
	size_t length = strlen(name);

	return (size_t)(key.end - key.at) > length + 1 && memcmp(key.at + 1, name, length) == 0 &&
	       key.at[length + 1] == '"';
}

bool json_member(struct json object, const char *name, struct json *ret)
{
	if (!enter(&object, '{'))
		return false;
	while (object.at < object.end && *object.at == '"') {
		bool found = is_key(object, name);

		skip_string(&object);
		skip_blanks(&object);
		if (object.at >= object.end)
			return false;
		if (found) {
			*ret = object;
			return true;
		}
		skip_value(&object);
	}
	return false;
}

bool json_element(struct json array, unsigned index, struct json *ret)
{
	if (!enter(&array, '['))
		return false;
	while (array.at < array.end && *array.at != ']') {
		if (index-- == 0) {
			*ret = array;
			return true;
		}
		skip_value(&array);
	}
	return false;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 0;
}

/* The character after a backslash; *at is left on the last one that belongs to it. */
static char unescape(const char **at, const char *end)
{
	int code = 0;

	switch (**at) {
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case 'r':
	case 'b':
	case 'f':
		return ' ';
	case 'u':
		for (int i = 0; i < 4 && *at + 1 < end; i++)
			code = code << 4 | hex_digit(*++*at);
		return code > 0 && code < 128 ? (char)code : '?';
	default:
		return **at;
	}
}

bool json_text(struct json value, char *buffer, size_t size)
{
	size_t length = 0;

	buffer[0] = '\0';
	skip_blanks(&value);
	if (value.at >= value.end || *value.at != '"')
		return false;
	for (const char *at = value.at + 1; at < value.end && *at != '"'; at++) {
		char c = *at;

		if (c == '\\' && ++at < value.end)
			c = unescape(&at, value.end);
		if (length + 1 < size)
			buffer[length++] = c;
	}
	buffer[length] = '\0';
	return true;
}

bool json_member_text(struct json object, const char *name, char *buffer, size_t size)
{
	struct json value;

	buffer[0] = '\0';
	return json_member(object, name, &value) && json_text(value, buffer, size);
}
