/* What the files of this room share: the entries that were read. */
#pragma once

#include "config/config.h"
#include "config/options.h"

/* One assignment in one file. */
struct config_entry {
	char *group;			   /* small letters, but DEFAULT */
	char *option;			   /* as written */
	char *raw;			   /* as written */
	char *value;			   /* $references resolved */
	const struct config_option *known; /* or NULL */
	int rank;			   /* 0: the option's name of today; 1 ...: its older names */
	size_t file;			   /* index */
	int line, comment_line;
	bool endless;  /* its references lead in a circle, or to too many others */
	char *nothing; /* a reference that names no option, or NULL */
};

struct config {
	struct config_entry *entries;
	size_t count;
	char **files; /* names, owned */
	size_t file_count;
};

/* The entry that counts: of the last file, there by the newest name, there the last.  NULL if none. */
const struct config_entry *config_find(const struct config *config, const char *group, const char *option);
/* Entry i of all of a multi-valued option, in oslo's order: file by file, older names first. */
const struct config_entry *config_find_nth(const struct config *config, const char *group, const char *option,
					   size_t i);
const char *config_file_of(const struct config *config, const struct config_entry *entry);
/* Fills every entry's value. */
void config_resolve(struct config *config);

/* One sentence about the entries for which `foreign` is true; NULL if there are none.  Freed by the caller.
 */
char *config_summary(const struct config *config, const bool *foreign);

/* The entry's value, or an item of it, does not fit: the error says where it stands and why. */
bool config_value_error(const struct config *config, const struct config_entry *entry, const char *why,
			struct error *err);
bool config_item_error(const struct config *config, const struct config_entry *entry, const char *item,
		       const char *why, struct error *err);
bool config_int_parse(const char *text, int64_t min, int64_t max, int64_t *value);
bool config_number_parse(const char *text, double min, double max, double *value);
bool config_bool_parse(const char *text, bool *value);
bool config_choice_parse(const char *text, const char *choices, const char **value);
/* Item i of a comma-separated list: its beginning and end, or false. */
bool config_item(const char *list, size_t i, const char **from, const char **end);
