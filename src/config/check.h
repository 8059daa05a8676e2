/* What is wrong with a configuration before anything reads it: values that are not allowed, names that are
 * nearly those of options, options without effect. */
#pragma once

#include "config/config.h"

enum config_level { CONFIG_WARNING, CONFIG_ERROR };

/* Says everything, a sentence at a time, in the order of the files.  False if a value is not allowed. */
bool config_check(const struct config *config,
		  void (*say)(void *user, enum config_level level, const char *sentence), void *user);
/* For daemons: logs the warnings; the first error stops them. */
bool config_accept(const struct config *config, struct error *err);
