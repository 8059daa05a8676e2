/* Reads oslo.config's files line by line: what its iniparser takes is taken, what it refuses is refused, so
 * that a file means here what it means there. */
#include "config/ini.h"

#include "base/memory.h"
#include "base/text.h"

#include <string.h>

#define SHOWN_MAX 60 /* bytes of a bad line in a message */

struct ini_reader {
	const char *file;
	int line;
	char *group;  /* NULL before the first section */
	char *option; /* NULL unless the next indented line continues it */
	struct text value;
	int option_line, comment_line;
	void (*assign)(void *user, const struct ini_assignment *assignment);
	void *user;
	struct error *err;
};

/* --- blanks, as Python counts them: web pages leave no-break spaces in files --- */

static const char *const wide_blanks[] = {"\xc2\x85",	  "\xc2\xa0",	  "\xe1\x9a\x80", "\xe2\x80\x80",
					  "\xe2\x80\x81", "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84",
					  "\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88",
					  "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8", "\xe2\x80\xa9",
					  "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};

static bool blank_is_narrow(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || (c >= '\x1c' && c <= '\x1f');
}

/* Length of the wide blank at the beginning (or at the end) of the text, or 0. */
static size_t wide_blank(const char *from, const char *end, bool at_end)
{
	for (size_t i = 0; i < ELEMENTS_OF(wide_blanks); i++) {
		size_t length = strlen(wide_blanks[i]);

		if ((size_t)(end - from) >= length &&
		    memcmp(at_end ? end - length : from, wide_blanks[i], length) == 0)
			return length;
	}
	return 0;
}

const char *ini_skip_blanks(const char *from, const char *end)
{
	size_t wide;

	while (from < end) {
		if (blank_is_narrow(*from))
			from++;
		else if ((wide = wide_blank(from, end, false)))
			from += wide;
		else
			break;
	}
	return from;
}

const char *ini_drop_blanks(const char *from, const char *end)
{
	size_t wide;

	while (from < end) {
		if (blank_is_narrow(end[-1]))
			end--;
		else if ((wide = wide_blank(from, end, true)))
			end -= wide;
		else
			break;
	}
	return end;
}

static char *copy(const char *from, const char *end)
{
	return memory_printf("%.*s", (int)(end - from), from);
}

/* --- lines --- */

static bool line_error(struct ini_reader *r, const char *line, const char *end, const char *expected)
{
	const char *cut = end - line > SHOWN_MAX ? line + SHOWN_MAX : end;

	while (cut < end && cut > line && ((unsigned char)*cut & 0xc0) == 0x80)
		cut--; /* not inside a character */
	return error_set(r->err, ERROR_BAD_REQUEST, "%s:%d: expected %s, found: %.*s%s", r->file, r->line,
			 expected, (int)(cut - line), line, cut < end ? "..." : "");
}

/* The option is complete. */
static void flush(struct ini_reader *r)
{
	struct ini_assignment done = {.group = r->group,
				      .option = r->option,
				      .value = r->value.data ? r->value.data : "",
				      .line = r->option_line,
				      .comment_line = r->comment_line};

	if (r->option)
		r->assign(r->user, &done);
	free(r->option);
	r->option = NULL;
	text_done(&r->value);
}

static bool read_section(struct ini_reader *r, const char *line, const char *end)
{
	if (end[-1] != ']')
		return line_error(r, line, end, "[section] with nothing after it");
	if (end - line <= 2)
		return line_error(r, line, end, "a section with a name");
	free(r->group);
	r->group = copy(line + 1, end - 1);
	return true;
}

static bool read_option(struct ini_reader *r, const char *line, const char *end)
{
	const char *mark = line, *name_end, *value;

	while (mark < end && *mark != '=' && *mark != ':')
		mark++;
	if (mark == end)
		return line_error(r, line, end, "`option = value`, [section] or a comment");
	line = ini_skip_blanks(line, mark);
	name_end = ini_drop_blanks(line, mark);
	if (name_end == line)
		return line_error(r, line, end, "an option's name before the = or :");
	if (!r->group)
		return line_error(r, line, end, "a [section] before the first option, say [DEFAULT]");
	value = ini_skip_blanks(mark + 1, end);
	if (value < end && *value == end[-1] && (*value == '"' || *value == '\'')) {
		value++;
		end = end > value ? end - 1 : end;
	}
	r->option = copy(line, name_end);
	r->option_line = r->line;
	r->comment_line = 0;
	text_add_bytes(&r->value, value, (size_t)(end - value));
	return true;
}

static bool read_continuation(struct ini_reader *r, const char *line, const char *end)
{
	const char *more = ini_skip_blanks(line, end);

	if (!r->option)
		return line_error(r, line, end,
				  "an option before this indented line, which would continue it (blank lines "
				  "and comments end an option)");
	if ((*more == '#' || *more == ';') && !r->comment_line)
		r->comment_line = r->line;
	text_add(&r->value, "\n");
	text_add_bytes(&r->value, more, (size_t)(end - more));
	return true;
}

static bool read_line(struct ini_reader *r, const char *line, const char *end)
{
	end = ini_drop_blanks(line, end);
	if (end > line && (*line == ' ' || *line == '\t'))
		return read_continuation(r, line, end);
	flush(r);
	if (end == line || *line == '#' || *line == ';')
		return true;
	return *line == '[' ? read_section(r, line, end) : read_option(r, line, end);
}

bool ini_read(const char *name, const char *text,
	      void (*assign)(void *user, const struct ini_assignment *assignment), void *user,
	      struct error *err)
{
	struct ini_reader reader = {.file = name, .line = 1, .assign = assign, .user = user, .err = err};
	bool ok = true;

	if (text_starts_with(text, "\xef\xbb\xbf"))
		text += 3; /* a byte order mark */
	for (const char *line = text; ok && *line; reader.line++) {
		const char *end = line + strcspn(line, "\r\n");

		ok = read_line(&reader, line, end);
		line = end + (*end == '\r' && end[1] == '\n') + (*end != '\0');
	}
	if (ok)
		flush(&reader);
	free(reader.option);
	free(reader.group);
	text_done(&reader.value);
	return ok;
}
