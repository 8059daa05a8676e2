/* Ending processes that others have left. */
#include "agent/process.h"

#include "base/memory.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>

#define END_MS (30 * 1000) /* giving back a guest's pinned memory takes seconds */

static bool has_name(const char *pid, const char *name)
{
	_cleanup_free_ char *path = memory_printf("/proc/%s/comm", pid);
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	char comm[32];

	return file && fgets(comm, sizeof comm, file) && text_starts_with(comm, name);
}

/* A zombie has no command line. */
static bool has_words(const char *pid, const char *words)
{
	_cleanup_free_ char *path = memory_printf("/proc/%s/cmdline", pid),
			    *between = memory_printf(" %s ", words);
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	_cleanup_(text_done) struct text line = {0};
	char buffer[4096];
	size_t count;

	text_add(&line, " ");
	while (file && (count = fread(buffer, 1, sizeof buffer, file)) > 0)
		text_add_bytes(&line, buffer, count);
	for (size_t i = 0; i < line.length; i++)
		line.data[i] = line.data[i] ? line.data[i] : ' ';
	return strstr(line.data, between);
}

/* It is looked at only when it is held, so that its number cannot have become another's meanwhile. */
static bool end(const char *pid, const char *name, const char *words, int *count, struct error *err)
{
	_cleanup_close_ int held = pidfd_open((pid_t)strtol(pid, NULL, 10), 0);
	struct pollfd ends = {.fd = held, .events = POLLIN};

	if (held < 0 || !has_name(pid, name) || !has_words(pid, words))
		return true;
	if (pidfd_send_signal(held, SIGKILL, NULL, 0) != 0 && errno != ESRCH)
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot kill %s (process %s)", name, pid);
	if (poll(&ends, 1, END_MS) != 1)
		return error_set(err, ERROR_UNAVAILABLE, "%s (process %s) was killed and does not end", name,
				 pid);
	++*count;
	return true;
}

bool process_end(const char *name, const char *words, int *count, struct error *err)
{
	_cleanup_closedir_ DIR *dir = opendir("/proc");
	bool ok = true;

	*count = 0;
	for (struct dirent *entry; dir && ok && (entry = readdir(dir));) {
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && has_name(entry->d_name, name))
			ok = end(entry->d_name, name, words, count, err);
	}
	return ok;
}
