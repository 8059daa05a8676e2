/* Running other programs. */
#include "agent/process.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESS_OUTPUT_MAX (1024 * 1024)

static void child(const char *const *argv, int seconds, int out, int complaints)
{
	struct rlimit cpu = {(rlim_t)seconds, (rlim_t)seconds};
	struct rlimit memory = {1u << 30, 1u << 30};
	int null = open("/dev/null", O_RDONLY);

	dup2(null, 0);
	dup2(out, 1);
	dup2(complaints, 2);
	setrlimit(RLIMIT_CPU, &cpu);
	setrlimit(RLIMIT_AS, &memory);
	execvp(argv[0], (char *const *)argv);
	_exit(127);
}

/* Reads both pipes until both are closed. */
static void collect(int out, int complaints, struct text *out_text, struct text *complaint_text)
{
	struct pollfd fds[2] = {{.fd = out, .events = POLLIN}, {.fd = complaints, .events = POLLIN}};
	struct text *texts[2] = {out_text, complaint_text};
	char buffer[4096];

	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		if (poll(fds, 2, -1) < 0)
			continue;
		for (int i = 0; i < 2; i++) {
			if (fds[i].fd < 0 || !fds[i].revents)
				continue;
			ssize_t count = read(fds[i].fd, buffer, sizeof buffer);
			if (count <= 0)
				fds[i].fd = -1;
			else if (texts[i]->length < PROCESS_OUTPUT_MAX)
				text_add_bytes(texts[i], buffer, (size_t)count);
		}
	}
}

bool process_run(const char *const *argv, int seconds, struct text *out, struct error *err)
{
	_cleanup_(text_done) struct text complaint = {0}, ignored = {0};
	int out_pipe[2], error_pipe[2], status;

	if (pipe2(out_pipe, O_CLOEXEC) != 0)
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot run %s", argv[0]);
	if (pipe2(error_pipe, O_CLOEXEC) != 0) {
		close(out_pipe[0]);
		close(out_pipe[1]);
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot run %s", argv[0]);
	}
	pid_t pid = fork();
	if (pid == 0)
		child(argv, seconds, out_pipe[1], error_pipe[1]);
	close(out_pipe[1]);
	close(error_pipe[1]);
	if (pid > 0)
		collect(out_pipe[0], error_pipe[0], out ? out : &ignored, &complaint);
	close(out_pipe[0]);
	close(error_pipe[0]);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot run %s", argv[0]);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	while (complaint.length && complaint.data[complaint.length - 1] == '\n')
		complaint.data[--complaint.length] = '\0';
	return error_set(err, ERROR_INTERNAL, "%s failed: %s", argv[0],
			 WIFEXITED(status) && WEXITSTATUS(status) == 127 ? "it is not installed"
			 : complaint.data				 ? complaint.data
									 : "no reason given");
}
