/* Configuration as oslo.config reads it: INI files, several of them (later wins), multi-valued options,
 * continuation lines, $references, comments, options under their older names (options.h knows them).
 * Section names in any case, but DEFAULT. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;

struct config *config_new(void);
void config_free(struct config *config);
/* Reads a file on top of what is there.  A bad line is an error that names file and line. */
bool config_read_file(struct config *config, const char *path, struct error *err);
/* The same from memory; `name` stands for the file in messages. */
bool config_read_text(struct config *config, const char *name, const char *text, struct error *err);

/* What is asked for below is an option's name of today; it finds the older names too.
 *
 * Last value of an option, $references resolved; `fallback` if it is not set.  Lives as long as the config.
 */
const char *config_text(const struct config *config, const char *group, const char *option,
			const char *fallback);
/* The same, but nothing behind the = counts as not set. */
const char *config_text_given(const struct config *config, const char *group, const char *option,
			      const char *fallback);
/* Typed values: a value that does not fit is an error that names file, line, option and what is allowed.
 * Nothing after the = leaves numbers at their fallback. */
bool config_int(const struct config *config, const char *group, const char *option, int64_t fallback,
		int64_t min, int64_t max, int64_t *value, struct error *err);
bool config_number(const struct config *config, const char *group, const char *option, double fallback,
		   double min, double max, double *value, struct error *err);
bool config_bool(const struct config *config, const char *group, const char *option, bool fallback,
		 bool *value, struct error *err);
/* `choices` is "this,that,..."; *value is `fallback` or what is written in the file. */
bool config_choice(const struct config *config, const char *group, const char *option, const char *fallback,
		   const char *choices, const char **value, struct error *err);
/* All values of a multi-valued option in the order of the files (oslo's MultiStrOpt); i from 0; NULL after
 * the last.  *file and *line (may be NULL) say where it stands. */
const char *config_multi(const struct config *config, const char *group, const char *option, size_t i,
			 const char **file, int *line);
/* Item i of a comma-separated list, blanks stripped, or false.  The item is copied into text. */
bool config_list_item(const struct config *config, const char *group, const char *option, size_t i,
		      char *text, size_t size);
/* Errors about what is set, with file, line and name: a list's item, or value i of a multi-valued option (of
 * another one i is 0).  `why` says what is wrong; NULL: what the table of options allows.  They return false.
 */
bool config_refuse_item(const struct config *config, const char *group, const char *option, const char *item,
			const char *why, struct error *err);
bool config_refuse(const struct config *config, const char *group, const char *option, size_t i,
		   const char *why, struct error *err);
/* Puts "FILE:LINE: " in front of an error about an option that is set; returns false. */
bool config_blame(const struct config *config, const char *group, const char *option, struct error *err);
