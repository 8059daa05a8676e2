/* Carrying a plan out: every step may be the last one, and the next setup goes on from there. */
#include "host/plan.h"

#include "agent/world.h"
#include "agent/world_files.h"
#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Names that end with ~ are passed over by everyone who reads all files of a folder: network-scripts takes
 * any other ifcfg-* for an interface, NetworkManager any other file for a profile. */
#define KEPT	  ".before-penstock~"
#define MAX_WORDS 16

/* --- files, in one step each --- */

static bool folders_make(const char *path, struct error *err)
{
	_cleanup_free_ char *full = world_files_path(path);

	for (char *slash = full + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdir(full, 0755) != 0 && errno != EEXIST)
			return error_set_errno(err, ERROR_INTERNAL, errno, "cannot make the folder %s", full);
		*slash = '/';
	}
	return true;
}

static bool folder_sync(const char *full)
{
	_cleanup_free_ char *folder = memory_copy_text(full);

	*strrchr(folder, '/') = '\0';
	_cleanup_close_ int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && fsync(fd) == 0;
}

static bool bytes_write(int fd, const char *text)
{
	for (size_t left = strlen(text); left > 0;) {
		ssize_t count = write(fd, text, left);

		if (count < 0)
			return false;
		text += count;
		left -= (size_t)count;
	}
	return fsync(fd) == 0;
}

/* The file itself where PATH is a link of the operator's, for the caller to free; NULL if it leads out of the
 * tree. */
static char *place_find(const char *path)
{
	_cleanup_free_ char *full = world_files_path(path), *root = world_files_path(""), *real = NULL;
	struct stat status;

	if (lstat(full, &status) != 0 || !S_ISLNK(status.st_mode))
		return TAKE_PTR(full);
	real = realpath(full, NULL);
	return real && text_starts_with(real, root) ? TAKE_PTR(real) : NULL;
}

/* Writes PATH.penstock-new~ and renames it.  Mode and owner are those of the file that is there. */
static bool file_replace(const char *path, const char *text, mode_t mode, struct error *err)
{
	_cleanup_free_ char *full = place_find(path), *fresh = NULL;
	_cleanup_close_ int fd = -1;
	struct stat status;

	if (!full)
		return error_set(err, ERROR_CONFLICT, "%s is a link to nowhere, or out of the tree", path);
	if (!folders_make(path, err))
		return false;
	fresh = memory_printf("%s.penstock-new~", full);
	bool there = stat(full, &status) == 0;
	unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || (there && fchown(fd, status.st_uid, status.st_gid) != 0) || fchmod(fd, mode) != 0 ||
	    !bytes_write(fd, text) || rename(fresh, full) != 0 || !folder_sync(full))
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot write %s", path);
	return true;
}

/* What it was before we changed it for the first time. */
static bool file_keep(const struct plan_file *file, struct error *err)
{
	_cleanup_free_ char *kept = memory_printf("%s" KEPT, file->path), *full = world_files_path(kept);

	if (!file->old || access(full, F_OK) == 0)
		return true;
	return file_replace(kept, file->old, file->mode, err);
}

static bool link_make(const struct plan_file *file, struct error *err)
{
	_cleanup_free_ char *full = world_files_path(file->path);

	if (!folders_make(file->path, err))
		return false;
	if ((symlink(file->text, full) != 0 && errno != EEXIST) || !folder_sync(full))
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot make the link %s", file->path);
	return true;
}

static bool file_carry_out(const struct plan_file *file, struct error *err)
{
	bool ok = file->is_link
			  ? link_make(file, err)
			  : file_keep(file, err) && file_replace(file->path, file->text, file->mode, err);

	if (ok)
		printf("%s %s\n", file->old ? "changed" : "made", file->path);
	return ok;
}

/* --- programs --- */

void plan_resume(struct plan *plan)
{
	_cleanup_free_ char *pending = world->read(PLAN_PENDING);
	char *save = NULL;

	for (char *line = pending ? strtok_r(pending, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save))
		plan_run(plan, line);
}

/* The commands from this one on are still to be run. */
static bool pending_write(const struct plan *plan, size_t from, struct error *err)
{
	_cleanup_(text_done) struct text text = {0};
	_cleanup_free_ char *full = world_files_path(PLAN_PENDING), *was = world->read(PLAN_PENDING);

	for (size_t i = from; i < plan->command_count; i++)
		text_addf(&text, "%s\n", plan->commands[i]);
	if (text_equal(was, text.data))
		return true;
	if (text.length)
		return file_replace(PLAN_PENDING, text.data, 0644, err);
	if (unlink(full) != 0 && errno != ENOENT)
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot remove %s", PLAN_PENDING);
	return true;
}

/* With the terminal as it is: whoever waits sees what it says. */
static bool command_run(const char *command, struct error *err)
{
	_cleanup_free_ char *copy = memory_copy_text(command);
	char *argv[MAX_WORDS + 1] = {0}, *save = NULL;
	int count = 0, status = 0;

	for (char *word = strtok_r(copy, " ", &save); word && count < MAX_WORDS;
	     word = strtok_r(NULL, " ", &save))
		argv[count++] = word;
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(1, 2);
		execvp(argv[0], argv);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	return error_set(err, ERROR_INTERNAL, "`%s` failed; `penstock host setup` runs it again", command);
}

static bool commands_run(const struct plan *plan, bool record_only, struct error *err)
{
	for (size_t i = 0; i < plan->command_count; i++) {
		printf("%s: %s\n", record_only ? "would run, and recorded in " PLAN_PENDING : "running",
		       plan->commands[i]);
		if (record_only)
			continue;
		if (!command_run(plan->commands[i], err) || !pending_write(plan, i + 1, err))
			return false;
	}
	return true;
}

bool plan_carry_out(const struct plan *plan, bool record_only, struct error *err)
{
	if (!pending_write(plan, 0, err))
		return false;
	for (size_t i = 0; i < plan->file_count; i++) {
		if (!file_carry_out(&plan->files[i], err))
			return false;
	}
	return commands_run(plan, record_only, err);
}
