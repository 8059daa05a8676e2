/* Text: a growing buffer, and small questions about strings. */
#include "base/text.h"

#include "base/memory.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static void text_reserve(struct text *text, size_t more)
{
	size_t needed = text->length + more + 1;

	if (needed <= text->capacity)
		return;
	text->capacity = needed < 2 * text->capacity ? 2 * text->capacity : needed;
	text->data = memory_resize(text->data, text->capacity);
}

void text_add_bytes(struct text *text, const void *bytes, size_t count)
{
	text_reserve(text, count);
	if (count)
		memcpy(text->data + text->length, bytes, count);
	text->length += count;
	text->data[text->length] = '\0';
}

void text_add(struct text *text, const char *string)
{
	text_add_bytes(text, string, strlen(string));
}

void text_addf(struct text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length < 0)
		return;
	text_reserve(text, (size_t)length);
	va_start(args, format);
	vsnprintf(text->data + text->length, (size_t)length + 1, format, args);
	va_end(args);
	text->length += (size_t)length;
}

void text_add_xml(struct text *text, const char *string)
{
	for (const char *c = string; *c; c++) {
		switch (*c) {
		case '&':
			text_add(text, "&amp;");
			break;
		case '<':
			text_add(text, "&lt;");
			break;
		case '>':
			text_add(text, "&gt;");
			break;
		case '"':
			text_add(text, "&quot;");
			break;
		case '\'':
			text_add(text, "&apos;");
			break;
		default:
			if ((unsigned char)*c < 0x20 && *c != '\t' && *c != '\n' && *c != '\r')
				text_add(text, "?");
			else if (strncmp(c, "\xef\xbf\xbe", 3) == 0 || strncmp(c, "\xef\xbf\xbf", 3) == 0)
				text_add(text, "?"), c += 2; /* U+FFFE and U+FFFF */
			else
				text_add_bytes(text, c, 1);
		}
	}
}

void text_done(struct text *text)
{
	free(text->data);
	*text = (struct text){0};
}

char *text_take(struct text *text)
{
	if (!text->data)
		text_add(text, "");
	char *data = text->data;
	*text = (struct text){0};
	return data;
}

bool text_equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool text_starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_ends_with(const char *text, const char *suffix)
{
	size_t length = strlen(text), end = strlen(suffix);

	return length >= end && strcmp(text + length - end, suffix) == 0;
}

bool text_is_empty(const char *text)
{
	return !text || !*text;
}

bool text_to_int64(const char *text, int64_t min, int64_t max, int64_t *value)
{
	char *end;

	if (!text || !*text || strchr(" \t\n\r\v\f", *text))
		return false;
	errno = 0;
	long long number = strtoll(text, &end, 10);
	if (errno || *end || number < min || number > max)
		return false;
	*value = number;
	return true;
}

bool text_to_bool(const char *text, bool *value)
{
	static const char *const yes[] = {"1", "true", "yes", "on", "t", "y"};
	static const char *const no[] = {"0", "false", "no", "off", "f", "n"};

	for (size_t i = 0; text && i < ELEMENTS_OF(yes); i++) {
		if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
			*value = strcasecmp(text, yes[i]) == 0;
			return true;
		}
	}
	return false;
}

/* Length of the sequence that begins with this byte, and the smallest code point it may stand for. */
static size_t utf8_sequence(unsigned char first, uint32_t *bits, uint32_t *smallest)
{
	if (first < 0x80) {
		*bits = first, *smallest = 0;
		return 1;
	}
	if ((first & 0xe0) == 0xc0) {
		*bits = first & 0x1f, *smallest = 0x80;
		return 2;
	}
	if ((first & 0xf0) == 0xe0) {
		*bits = first & 0x0f, *smallest = 0x800;
		return 3;
	}
	if ((first & 0xf8) == 0xf0) {
		*bits = first & 0x07, *smallest = 0x10000;
		return 4;
	}
	return 0;
}

#define NAME_MAX_LENGTH 64

static int plain(char c)
{
	return c == '-' || c == ' ' ? '_' : tolower((unsigned char)c);
}

static int least(int a, int b)
{
	return a < b ? a : b;
}

int text_distance(const char *a, const char *b, size_t b_length)
{
	int row[NAME_MAX_LENGTH + 1];

	if (b_length > NAME_MAX_LENGTH || strlen(a) > NAME_MAX_LENGTH)
		return TEXT_FAR;
	for (size_t k = 0; k <= b_length; k++)
		row[k] = (int)k;
	for (size_t i = 0; a[i]; i++) {
		int before = row[0]++;

		for (size_t k = 1; k <= b_length; k++) {
			int replaced = before + (plain(a[i]) != plain(b[k - 1]));

			before = row[k];
			row[k] = least(replaced, least(row[k], row[k - 1]) + 1);
		}
	}
	return row[b_length];
}

/* Bytes of the character at c, or 0 if it is none. */
static size_t utf8_character(const unsigned char *c, size_t left)
{
	uint32_t point, smallest;
	size_t length = utf8_sequence(*c, &point, &smallest);

	if (length == 0 || length > left || *c == 0)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((c[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (c[i] & 0x3f);
	}
	if (point < smallest || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		return 0;
	return length;
}

bool text_is_utf8(const char *bytes, size_t count)
{
	const unsigned char *c = (const unsigned char *)bytes, *end = c + count;

	while (c < end) {
		size_t length = utf8_character(c, (size_t)(end - c));

		if (length == 0)
			return false;
		c += length;
	}
	return true;
}

void text_make_utf8(char *text)
{
	unsigned char *from = (unsigned char *)text, *to = from, *end = from + strlen(text);

	while (from < end) {
		size_t length = utf8_character(from, (size_t)(end - from));

		memmove(to, from, length);
		to += length;
		from += length ? length : 1;
	}
	*to = '\0';
}

size_t text_characters(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}
