/* Logging to stderr, a line in one write. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static enum log_level log_level = LOG_LEVEL_INFO;
static void (*log_sink)(void *user, enum log_level level, const char *message);
static void *log_user;

void log_set_level(enum log_level level)
{
	log_level = level;
}

void log_redirect(void (*sink)(void *user, enum log_level level, const char *message), void *user)
{
	log_sink = sink;
	log_user = user;
}

static int log_prefix(char *line, size_t size, enum log_level level)
{
	static const char *const names[] = {
		[LOG_LEVEL_ERROR] = "error", [LOG_LEVEL_WARNING] = "warning", [5] = "notice",
		[LOG_LEVEL_INFO] = "info",   [LOG_LEVEL_DEBUG] = "debug",
	};
	struct timespec now;
	struct tm local;

	if (getenv("JOURNAL_STREAM")) /* systemd sets it when stderr is the journal */
		return snprintf(line, size, "<%d>", level);
	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &local);
	int length = (int)strftime(line, size, "%Y-%m-%d %H:%M:%S", &local);
	return length + snprintf(line + length, size - (size_t)length, ".%03ld %s: ", now.tv_nsec / 1000000,
				 names[level]);
}

void log_write(enum log_level level, const char *format, ...)
{
	char line[4096];
	va_list args;

	if (level > log_level)
		return;
	int length = log_sink ? 0 : log_prefix(line, sizeof line, level);
	va_start(args, format);
	length += vsnprintf(line + length, sizeof line - (size_t)length - 1, format, args);
	va_end(args);
	if (length > (int)sizeof line - 2)
		length = (int)sizeof line - 2;
	if (log_sink) {
		log_sink(log_user, level, line);
		return;
	}
	line[length] = '\n';
	ssize_t written = write(STDERR_FILENO, line, (size_t)length + 1);
	(void)written; /* nowhere to report it */
}
