/* The files that were read, and which of their entries counts.  Look-ups walk all entries, which are few. */
#include "config/internal.h"

#include "base/memory.h"
#include "base/text.h"
#include "config/ini.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define CONFIG_MAX_BYTES (4 * 1024 * 1024)

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
		free(config->entries[i].nothing);
	}
	for (size_t i = 0; i < config->file_count; i++)
		free(config->files[i]);
	free(config->entries);
	free(config->files);
	free(config);
}

/* --- reading --- */

static char *group_name(const char *written)
{
	char *group = memory_copy_text(written);

	for (char *c = group; *c && strcmp(written, "DEFAULT") != 0; c++)
		*c = (char)tolower((unsigned char)*c);
	return group;
}

static void entry_add(void *user, const struct ini_assignment *assignment)
{
	struct config *config = user;
	struct config_entry *entry = ARRAY_ADD(config->entries, config->count);

	entry->group = group_name(assignment->group);
	entry->option = memory_copy_text(assignment->option);
	entry->raw = memory_copy_text(assignment->value);
	entry->known = config_option_find(entry->group, entry->option, &entry->rank);
	entry->file = config->file_count - 1;
	entry->line = assignment->line;
	entry->comment_line = assignment->comment_line;
}

bool config_read_text(struct config *config, const char *name, const char *text, struct error *err)
{
	char **file = ARRAY_ADD(config->files, config->file_count);
	bool ok;

	*file = memory_copy_text(name);
	ok = ini_read(name, text, entry_add, config, err);
	config_resolve(config);
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

/* --- look-ups --- */

static bool entry_is(const struct config_entry *entry, const struct config_option *known, const char *group,
		     const char *option)
{
	if (known || entry->known)
		return entry->known == known &&
		       (!strchr(known->group, '*') || config_group_is(entry->group, group));
	return strcmp(entry->option, option) == 0 && config_group_is(entry->group, group);
}

/* What is known under this name of today. */
static const struct config_option *known_today(const char *group, const char *option)
{
	int rank = 0;
	const struct config_option *known = config_option_find(group, option, &rank);

	return rank == 0 ? known : NULL;
}

const struct config_entry *config_find(const struct config *config, const char *group, const char *option)
{
	const struct config_option *known = known_today(group, option);
	const struct config_entry *best = NULL;

	for (size_t i = config->count; i > 0; i--) {
		const struct config_entry *entry = &config->entries[i - 1];

		if (best && entry->file != best->file)
			break;
		if (entry_is(entry, known, group, option) && (!best || entry->rank < best->rank))
			best = entry;
	}
	return best;
}

const struct config_entry *config_find_nth(const struct config *config, const char *group, const char *option,
					   size_t i)
{
	const struct config_option *known = known_today(group, option);

	for (size_t file = 0; file < config->file_count; file++) {
		for (int rank = CONFIG_MAX_RANK; rank >= 0; rank--) {
			for (size_t k = 0; k < config->count; k++) {
				const struct config_entry *entry = &config->entries[k];

				if (entry->file == file && entry->rank == rank &&
				    entry_is(entry, known, group, option) && i-- == 0)
					return entry;
			}
		}
	}
	return NULL;
}

const char *config_file_of(const struct config *config, const struct config_entry *entry)
{
	return config->files[entry->file];
}

const char *config_text(const struct config *config, const char *group, const char *option,
			const char *fallback)
{
	const struct config_entry *entry = config_find(config, group, option);

	return entry ? entry->value : fallback;
}

const char *config_text_given(const struct config *config, const char *group, const char *option,
			      const char *fallback)
{
	const char *value = config_text(config, group, option, NULL);

	return text_is_empty(value) ? fallback : value;
}

const char *config_multi(const struct config *config, const char *group, const char *option, size_t i,
			 const char **file, int *line)
{
	const struct config_entry *entry = config_find_nth(config, group, option, i);

	if (entry && file)
		*file = config_file_of(config, entry);
	if (entry && line)
		*line = entry->line;
	return entry ? entry->value : NULL;
}

bool config_blame(const struct config *config, const char *group, const char *option, struct error *err)
{
	const struct config_entry *entry = config_find(config, group, option);

	return entry ? error_wrap(err, "%s:%d", config_file_of(config, entry), entry->line) : false;
}
