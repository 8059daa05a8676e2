/* Reading with a deadline: a process for each file, as a thread that is blocked would not let ours end. */
#include "cli/slow_lines.h"

#include "agent/world.h"
#include "base/memory.h"
#include "sys/sys.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>

/* In the child. */
static _Noreturn void line_send(const struct slow_line *line, int fd)
{
	char text[sizeof line->line];
	int nothing = open("/dev/null", O_RDWR);

	/* Who waits for the end of our output does not wait for this process. */
	for (int i = 0; i < 3 && nothing >= 0; i++)
		dup2(nothing, i);
	world_line(line->path, text, sizeof text);
	_exit(write(fd, text, sizeof text) == (ssize_t)sizeof text ? 0 : 1);
}

/* Where the answer comes from, or -1. */
static int line_ask(const struct slow_line *line, pid_t *child)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	*child = fork();
	if (*child == 0) {
		close(ends[0]);
		line_send(line, ends[1]);
	}
	close(ends[1]);
	return ends[0];
}

static void line_await(struct slow_line *line, int fd, int64_t until)
{
	struct pollfd answer = {.fd = fd, .events = POLLIN};
	int64_t left = (until - sys_monotonic()) / 1000;
	char text[sizeof line->line];

	if (poll(&answer, 1, left > 0 ? (int)left : 0) == 1 &&
	    read(fd, text, sizeof text) == (ssize_t)sizeof text)
		memcpy(line->line, text, sizeof text);
}

void slow_lines_read(struct slow_line *lines, size_t count, int deadline_ms)
{
	_cleanup_free_ int *answers = memory_alloc((count + 1) * sizeof *answers);
	_cleanup_free_ pid_t *children = memory_alloc((count + 1) * sizeof *children);
	int64_t until = sys_monotonic() + deadline_ms * INT64_C(1000);

	for (size_t i = 0; i < count; i++) {
		strcpy(lines[i].line, "?");
		answers[i] = line_ask(&lines[i], &children[i]);
	}
	for (size_t i = 0; i < count; i++) {
		if (answers[i] < 0)
			continue;
		line_await(&lines[i], answers[i], until);
		close(answers[i]);
		if (children[i] > 0 && strcmp(lines[i].line, "?") != 0)
			waitpid(children[i], NULL, 0);
	}
}
