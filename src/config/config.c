/* Configuration as oslo.config reads it.  A parsed entry is one assignment in one file; look-ups walk the
 * entries, which are few, from the last to the first. */
#include "config/config.h"

#include "base/memory.h"
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONFIG_MAX_BYTES (4 * 1024 * 1024)
#define CONFIG_MAX_DEPTH 8 /* of $references within $references */

struct config_entry {
	char *group;
	char *option;
	char *raw;   /* as written */
	char *value; /* $references resolved */
	const char *file;
	int line;
};

struct config {
	struct config_entry *entries;
	size_t count;
	char **files; /* names, owned */
	size_t file_count;
};

struct config *config_new(void)
{
	return memory_alloc(sizeof(struct config));
}

void config_free(struct config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->count; i++) {
		free(config->entries[i].group);
		free(config->entries[i].option);
		free(config->entries[i].raw);
		free(config->entries[i].value);
	}
	for (size_t i = 0; i < config->file_count; i++)
		free(config->files[i]);
	free(config->entries);
	free(config->files);
	free(config);
}

static const struct config_entry *config_find(const struct config *config, const char *group,
					      const char *option)
{
	for (size_t i = config->count; i > 0; i--) {
		const struct config_entry *entry = &config->entries[i - 1];

		if (strcmp(entry->option, option) == 0 && strcasecmp(entry->group, group) == 0)
			return entry;
	}
	return NULL;
}

static void config_resolve(const struct config *config, const char *group, const char *raw, int depth,
			   struct text *out);

/* What a `$` starts: "$$", "$name", "${name}", "$group.name".  Unknown names stay as they are written. */
static const char *config_resolve_reference(const struct config *config, const char *group, const char *at,
					    int depth, struct text *out)
{
	const char *name = at + 1, *end;
	bool braces = *name == '{';

	if (*name == '$') {
		text_add(out, "$");
		return name + 1;
	}
	name += braces;
	end = name + strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");
	if (end > name && (!braces || *end == '}')) {
		_cleanup_free_ char *full = memory_printf("%.*s", (int)(end - name), name);
		char *dot = strchr(full, '.');
		const struct config_entry *entry = NULL;

		if (dot) {
			*dot = '\0';
			entry = config_find(config, full, dot + 1);
		} else {
			entry = config_find(config, group, full);
			if (!entry)
				entry = config_find(config, "DEFAULT", full);
		}
		if (entry && depth < CONFIG_MAX_DEPTH) {
			config_resolve(config, entry->group, entry->raw, depth + 1, out);
			return end + braces;
		}
	}
	text_add(out, "$");
	return at + 1;
}

static void config_resolve(const struct config *config, const char *group, const char *raw, int depth,
			   struct text *out)
{
	for (const char *c = raw; *c;) {
		size_t plain = strcspn(c, "$");

		text_add_bytes(out, c, plain);
		c += plain;
		if (*c)
			c = config_resolve_reference(config, group, c, depth, out);
	}
}

static void config_resolve_all(struct config *config)
{
	for (size_t i = 0; i < config->count; i++) {
		struct config_entry *entry = &config->entries[i];
		struct text value = {0};

		config_resolve(config, entry->group, entry->raw, 0, &value);
		free(entry->value);
		entry->value = text_take(&value);
	}
}

/* The text between leading and trailing blanks, copied. */
static char *config_strip(const char *from, const char *end)
{
	while (from < end && isspace((unsigned char)*from))
		from++;
	while (end > from && isspace((unsigned char)end[-1]))
		end--;
	return memory_printf("%.*s", (int)(end - from), from);
}

static void config_unquote(char *value)
{
	size_t length = strlen(value);

	if (length >= 2 && value[0] == value[length - 1] && (value[0] == '"' || value[0] == '\'')) {
		memmove(value, value + 1, length - 2);
		value[length - 2] = '\0';
	}
}

/* One file being read. */
struct config_reader {
	struct config *config;
	const char *file;
	int line;
	char *group;	   /* NULL before the first section */
	bool continuation; /* may the next indented line continue the last entry? */
};

static bool config_read_section(struct config_reader *reader, const char *line, const char *end,
				struct error *err)
{
	const char *close = memchr(line, ']', (size_t)(end - line));

	if (!close || close == line + 1)
		return error_set(err, ERROR_BAD_REQUEST, "%s:%d: a section is written [name]", reader->file,
				 reader->line);
	free(reader->group);
	reader->group = config_strip(line + 1, close);
	reader->continuation = false;
	return true;
}

static bool config_read_assignment(struct config_reader *reader, const char *line, const char *end,
				   struct error *err)
{
	struct config *config = reader->config;
	const char *mark = line;

	while (mark < end && *mark != '=' && *mark != ':')
		mark++;
	if (mark == end || mark == line)
		return error_set(err, ERROR_BAD_REQUEST,
				 "%s:%d: expected `option = value`, [section] or a comment, found: %.*s",
				 reader->file, reader->line, (int)(end - line > 60 ? 60 : end - line), line);
	struct config_entry *entry = ARRAY_ADD(config->entries, config->count);
	entry->group = memory_copy_text(reader->group ? reader->group : "DEFAULT");
	entry->option = config_strip(line, mark);
	entry->raw = config_strip(mark + 1, end);
	config_unquote(entry->raw);
	entry->file = reader->file;
	entry->line = reader->line;
	reader->continuation = true;
	return true;
}

static bool config_read_continuation(struct config_reader *reader, const char *line, const char *end,
				     struct error *err)
{
	struct config_entry *entry;
	_cleanup_free_ char *more = config_strip(line, end);
	char *joined;

	if (!reader->continuation)
		return error_set(err, ERROR_BAD_REQUEST,
				 "%s:%d: an indented line continues an option, but none is before it",
				 reader->file, reader->line);
	entry = &reader->config->entries[reader->config->count - 1];
	joined = memory_printf("%s\n%s", entry->raw, more);
	free(entry->raw);
	entry->raw = joined;
	return true;
}

static bool config_read_line(struct config_reader *reader, const char *line, const char *end,
			     struct error *err)
{
	const char *first = line;

	while (first < end && isspace((unsigned char)*first))
		first++;
	if (first == end) {
		reader->continuation = false;
		return true;
	}
	if (*first == '#' || *first == ';')
		return true;
	if (first > line)
		return config_read_continuation(reader, first, end, err);
	if (*line == '[')
		return config_read_section(reader, line, end, err);
	return config_read_assignment(reader, line, end, err);
}

bool config_read_text(struct config *config, const char *name, const char *text, struct error *err)
{
	char **slot = ARRAY_ADD(config->files, config->file_count);
	struct config_reader reader = {.config = config, .line = 1};
	bool ok = true;

	*slot = memory_copy_text(name);
	reader.file = *slot;
	for (const char *line = text; ok && *line; reader.line++) {
		const char *end = line + strcspn(line, "\n");

		ok = config_read_line(&reader, line, end, err);
		line = *end ? end + 1 : end;
	}
	free(reader.group);
	config_resolve_all(config);
	return ok;
}

bool config_read_file(struct config *config, const char *path, struct error *err)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	_cleanup_(text_done) struct text text = {0};
	char buffer[16384];
	size_t count;

	if (!file)
		return error_set_errno(err, ERROR_NOT_FOUND, errno, "cannot read %s", path);
	while ((count = fread(buffer, 1, sizeof buffer, file)) > 0) {
		text_add_bytes(&text, buffer, count);
		if (text.length > CONFIG_MAX_BYTES)
			return error_set(err, ERROR_TOO_LARGE, "%s is larger than %d bytes", path,
					 CONFIG_MAX_BYTES);
	}
	if (ferror(file))
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot read %s", path);
	if (text.length && !text_is_utf8(text.data, text.length))
		return error_set(err, ERROR_BAD_REQUEST, "%s is not UTF-8 text", path);
	return config_read_text(config, path, text.data ? text.data : "", err);
}

const char *config_text(const struct config *config, const char *group, const char *option,
			const char *fallback)
{
	const struct config_entry *entry = config_find(config, group, option);

	return entry ? entry->value : fallback;
}

bool config_int(const struct config *config, const char *group, const char *option, int64_t fallback,
		int64_t min, int64_t max, int64_t *value, struct error *err)
{
	const struct config_entry *entry = config_find(config, group, option);

	*value = fallback;
	if (!entry || text_to_int64(entry->value, min, max, value))
		return true;
	return error_set(err, ERROR_BAD_REQUEST,
			 "%s:%d: [%s] %s = %s: expected a whole number from %lld to %lld", entry->file,
			 entry->line, group, option, entry->value, (long long)min, (long long)max);
}

bool config_bool(const struct config *config, const char *group, const char *option, bool fallback,
		 bool *value, struct error *err)
{
	const struct config_entry *entry = config_find(config, group, option);

	*value = fallback;
	if (!entry || text_to_bool(entry->value, value))
		return true;
	return error_set(err, ERROR_BAD_REQUEST, "%s:%d: [%s] %s = %s: expected true or false", entry->file,
			 entry->line, group, option, entry->value);
}

const char *config_multi(const struct config *config, const char *group, const char *option, size_t i,
			 const char **file, int *line)
{
	for (size_t k = 0; k < config->count; k++) {
		const struct config_entry *entry = &config->entries[k];

		if (strcmp(entry->option, option) != 0 || strcasecmp(entry->group, group) != 0 || i-- > 0)
			continue;
		if (file)
			*file = entry->file;
		if (line)
			*line = entry->line;
		return entry->value;
	}
	return NULL;
}

bool config_list_item(const struct config *config, const char *group, const char *option, size_t i,
		      char *text, size_t size)
{
	const struct config_entry *entry = config_find(config, group, option);

	for (const char *item = entry ? entry->value : ""; *item;) {
		const char *end = item + strcspn(item, ",");
		_cleanup_free_ char *stripped = config_strip(item, end);

		item = *end ? end + 1 : end;
		if (!*stripped || i-- > 0)
			continue;
		snprintf(text, size, "%s", stripped);
		return true;
	}
	return false;
}
