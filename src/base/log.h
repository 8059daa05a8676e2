/* Logging: one line to stderr, with the priority prefix that journald reads ("<6>") when stderr is not a
 * terminal.  Library rooms log at debug only; who has the context logs once.  Secrets are never logged. */
#pragma once

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

/* Messages above `level` are dropped.  Set once, before threads start. */
void log_set_level(enum log_level level);
/* From now on messages go to `sink` and not to stderr; NULL: back to stderr.  Before threads start. */
void log_redirect(void (*sink)(void *user, enum log_level level, const char *message), void *user);
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)	 log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)	 log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)	 log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)
