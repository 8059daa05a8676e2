/* Files of the simulated machines: what is written, synced, lost. */
/* Both names of each call are ours. */
#undef _FILE_OFFSET_BITS
#include "disk.h"

#include "daemon.h"
#include "faults.h"
#include "fiber.h"
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SECTOR	 512
#define FDS_MAX	 4096
#define LOG_SIZE 8192

enum change { CHANGE_WRITE, CHANGE_TRUNCATE, CHANGE_MAKE, CHANGE_RENAME, CHANGE_REMOVE };

struct change_of_disk {
	struct change_of_disk *next; /* the one before it */
	enum change what;
	char *path;  /* of the file; of a rename, its new name */
	char *from;  /* its old name */
	char *saved; /* a second name of what was replaced or removed, or NULL */
	ino_t inode;
	off_t offset, old_size;
	size_t size, old_count;
	unsigned char *old_bytes, *new_bytes;
};

static char root[80];
static bool remembers;
static struct change_of_disk *newest;
static char *fd_paths[FDS_MAX];
static const char *full_folder;
static int saved_count;
static int64_t database_written_at = INT64_MIN;

int64_t disk_database_written_at(void)
{
	return database_written_at;
}

const char *disk_root(void)
{
	return root;
}

static void command(const char *text)
{
	if (system(text) != 0) {
		fprintf(stderr, "sim: %s failed\n", text);
		syscall(SYS_exit_group, 2);
	}
}

void disk_begin(void)
{
	char text[200];

	snprintf(root, sizeof root, "/dev/shm/penstock-sim.%07d", (int)getpid());
	snprintf(text, sizeof text, "rm -rf %s && mkdir -p %s", root, root);
	command(text);
}

void disk_end(void)
{
	char text[200];

	snprintf(text, sizeof text, "rm -rf %s", root);
	command(text);
}

/* --- knowing what is whose --- */

static bool is_ours(const char *path)
{
	return path && *root && strncmp(path, root, strlen(root)) == 0 && fiber_daemon();
}

static const char *fd_path(int fd)
{
	return fd >= 0 && fd < FDS_MAX && fiber_daemon() ? fd_paths[fd] : NULL;
}

static void fd_note(int descriptor, const char *path)
{
	unsigned fd = (unsigned)descriptor;

	if (fd >= FDS_MAX)
		return;
	free(fd_paths[fd]);
	fd_paths[fd] = path ? strdup(path) : NULL;
	daemon_fd(descriptor, path != NULL);
}

static bool is_below(const char *path, const char *folder)
{
	return folder && path && strncmp(path, folder, strlen(folder)) == 0;
}

static bool is_full(const char *path)
{
	return is_below(path, full_folder);
}

void disk_full(const char *folder, bool full)
{
	full_folder = full ? folder : NULL;
}

/* The name by which a fault finds it: what follows the machine's folder. */
static void seam(const char *what, const char *path)
{
	fault_seam(what, path + strlen(root), 20);
}

/* --- remembering --- */

void disk_remember(bool on)
{
	remembers = on;
}

static struct change_of_disk *change_add(enum change what, const char *path)
{
	struct change_of_disk *change = calloc(1, sizeof *change);

	*change = (struct change_of_disk){.next = newest, .what = what, .path = strdup(path)};
	newest = change;
	return change;
}

static void change_free(struct change_of_disk *change)
{
	if (change->saved)
		syscall(SYS_unlink, change->saved);
	free(change->path);
	free(change->from);
	free(change->saved);
	free(change->old_bytes);
	free(change->new_bytes);
	free(change);
}

static void remember_write(int fd, const char *path, const void *bytes, size_t size, off_t offset)
{
	struct stat file;

	if (!remembers || fstat(fd, &file) != 0)
		return;
	struct change_of_disk *change = change_add(CHANGE_WRITE, path);
	change->inode = file.st_ino;
	change->old_size = file.st_size;
	change->offset = offset;
	change->size = size;
	change->old_bytes = malloc(size + 1);
	change->new_bytes = malloc(size + 1);
	memcpy(change->new_bytes, bytes, size);
	ssize_t got = syscall(SYS_pread64, fd, change->old_bytes, size, offset);
	change->old_count = got > 0 ? (size_t)got : 0;
}

static void remember_truncate(int fd, const char *path, off_t size)
{
	struct stat file;

	if (!remembers || fstat(fd, &file) != 0 || file.st_size <= size)
		return;
	remember_write(fd, path, "", 0, size);
	newest->what = CHANGE_TRUNCATE;
	newest->old_count = (size_t)(file.st_size - size);
	newest->old_bytes = realloc(newest->old_bytes, newest->old_count + 1);
	syscall(SYS_pread64, fd, newest->old_bytes, newest->old_count, size);
}

static char *save(const char *path)
{
	char name[200];

	snprintf(name, sizeof name, "%s/saved.%d", root, saved_count++);
	return syscall(SYS_link, path, name) == 0 ? strdup(name) : NULL;
}

static bool is_in(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	return strncmp(path, folder, length) == 0 && path[length] == '/' && !strchr(path + length + 1, '/');
}

/* The file's bytes, or the folder's names, will survive. */
static void remember_sync(int fd, const char *path)
{
	struct stat file;

	if (!remembers || fstat(fd, &file) != 0)
		return;
	for (struct change_of_disk **at = &newest; *at;) {
		struct change_of_disk *change = *at;
		bool bytes = change->what == CHANGE_WRITE || change->what == CHANGE_TRUNCATE;

		if (S_ISDIR(file.st_mode) ? !bytes && is_in(change->path, path)
					  : bytes && change->inode == file.st_ino) {
			*at = change->next;
			change_free(change);
		} else {
			at = &change->next;
		}
	}
}

/* --- a power cut --- */

static int file_open(const char *path, ino_t inode)
{
	struct stat file;
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);

	if (fd >= 0 && (fstat(fd, &file) != 0 || file.st_ino != inode)) {
		syscall(SYS_close, fd);
		fd = -1;
	}
	return fd;
}

static void undo_bytes(const struct change_of_disk *change)
{
	int fd = file_open(change->path, change->inode);

	if (fd < 0)
		return;
	if (syscall(SYS_pwrite64, fd, change->old_bytes, change->old_count, change->offset) < 0 ||
	    syscall(SYS_ftruncate, fd, change->old_size) < 0)
		abort();
	syscall(SYS_close, fd);
}

/* Sector by sector, some of them. */
static void redo_bytes(const struct change_of_disk *change)
{
	int fd = file_open(change->path, change->inode);

	for (size_t at = 0; fd >= 0 && at < change->size;) {
		off_t place = change->offset + (off_t)at;
		size_t count = SECTOR - (size_t)(place % SECTOR);

		count = count < change->size - at ? count : change->size - at;
		if (sim_chance(700000) && syscall(SYS_pwrite64, fd, change->new_bytes + at, count, place) < 0)
			abort();
		at += count;
	}
	if (fd >= 0)
		syscall(SYS_close, fd);
}

static void undo_name(const struct change_of_disk *change)
{
	if (change->what == CHANGE_MAKE)
		syscall(SYS_unlink, change->path);
	else if (change->what == CHANGE_RENAME)
		syscall(SYS_rename, change->path, change->from);
	if (change->saved && change->what != CHANGE_MAKE)
		syscall(SYS_link, change->saved, change->path);
}

/* In the order in which they were made. */
static void redo_all(const char *folder)
{
	const struct change_of_disk **all;
	size_t count = 0;

	for (const struct change_of_disk *change = newest; change; change = change->next)
		count++;
	all = malloc((count + 1) * sizeof(void *));
	count = 0;
	for (const struct change_of_disk *change = newest; change; change = change->next)
		all[count++] = change;
	while (count-- > 0) {
		if (all[count]->what == CHANGE_WRITE && is_below(all[count]->path, folder) &&
		    sim_chance(600000))
			redo_bytes(all[count]);
	}
	free(all);
}

/* Names are lost from the last one backwards, as a journal of the file system loses them. */
void disk_power_cut(const char *folder)
{
	bool lost = true;

	for (struct change_of_disk *change = newest; change; change = change->next) {
		if (!is_below(change->path, folder))
			continue;
		if (change->what == CHANGE_WRITE || change->what == CHANGE_TRUNCATE) {
			undo_bytes(change);
			continue;
		}
		lost = lost && sim_chance(500000);
		if (lost)
			undo_name(change);
	}
	redo_all(folder);
	for (struct change_of_disk **at = &newest; *at;) {
		struct change_of_disk *change = *at;

		if (is_below(change->path, folder)) {
			*at = change->next;
			change_free(change);
		} else {
			at = &change->next;
		}
	}
}

void disk_fork(void)
{
	char before[80], text[300];

	memcpy(before, root, sizeof before);
	snprintf(root, sizeof root, "/dev/shm/penstock-sim.%07d.seed", (int)getpid());
	snprintf(text, sizeof text, "mkdir %s && cp -a %s/site %s", root, before, root);
	command(text);
}

/* --- what programs call --- */

static int open_any(const char *path, int flags, mode_t mode)
{
	bool ours = is_ours(path), made;

	if (!ours || (flags & O_ACCMODE) == O_RDONLY) {
		int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);

		if (ours)
			fd_note(fd, path);
		return fd;
	}
	made = access(path, F_OK) != 0;
	if (made || (flags & O_TRUNC))
		seam("open", path);
	if (made && is_full(path)) {
		errno = ENOSPC;
		return -1;
	}
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags & ~O_TRUNC, mode);
	fd_note(fd, fd >= 0 ? path : NULL);
	if (fd >= 0 && made && remembers)
		change_add(CHANGE_MAKE, path);
	if (fd >= 0 && (flags & O_TRUNC)) {
		remember_truncate(fd, path, 0);
		if (syscall(SYS_ftruncate, fd, 0) < 0)
			abort();
	}
	return fd;
}

int open(const char *path, int flags, ...)
{
	va_list arguments;

	va_start(arguments, flags);
	mode_t mode = (mode_t)va_arg(arguments, unsigned);
	va_end(arguments);
	return open_any(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list arguments;

	va_start(arguments, flags);
	mode_t mode = (mode_t)va_arg(arguments, unsigned);
	va_end(arguments);
	return open_any(path, flags, mode);
}

int __open_2(const char *path, int flags);
int __open_2(const char *path, int flags)
{
	return open_any(path, flags, 0);
}

int __open64_2(const char *path, int flags);
int __open64_2(const char *path, int flags)
{
	return open_any(path, flags, 0);
}

int close(int fd)
{
	if (fd_path(fd))
		fd_note(fd, NULL);
	return (int)syscall(SYS_close, fd);
}

/* A line of a daemon's log. */
static ssize_t log_line(const char *text, size_t size)
{
	int length = (int)size - (size > 0 && text[size - 1] == '\n');

	trace(TRACE_LOG, "%s: %.*s", fiber_daemon()->name, length, text);
	return (ssize_t)size;
}

static ssize_t write_at(int fd, const void *bytes, size_t size, off_t offset, bool here)
{
	const char *path = fd_path(fd);

	if (path) {
		seam("write", path);
		if (strstr(path, "/penstock.db"))
			database_written_at = sim_now();
		if (is_full(path)) {
			errno = ENOSPC;
			return -1;
		}
		remember_write(fd, path, bytes, size, here ? lseek(fd, 0, SEEK_CUR) : offset);
	}
	return here ? syscall(SYS_write, fd, bytes, size) : syscall(SYS_pwrite64, fd, bytes, size, offset);
}

ssize_t write(int fd, const void *bytes, size_t size)
{
	return fd == STDERR_FILENO && fiber_daemon() ? log_line(bytes, size)
						     : write_at(fd, bytes, size, 0, true);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
	return write_at(fd, bytes, size, offset, false);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t offset)
{
	return write_at(fd, bytes, size, offset, false);
}

static int truncate_any(int fd, off_t size)
{
	const char *path = fd_path(fd);

	if (path) {
		seam("truncate", path);
		remember_truncate(fd, path, size);
	}
	return (int)syscall(SYS_ftruncate, fd, size);
}

int ftruncate(int fd, off_t size)
{
	return truncate_any(fd, size);
}

int ftruncate64(int fd, off_t size)
{
	return truncate_any(fd, size);
}

int fsync(int fd)
{
	const char *path = fd_path(fd);

	if (!path)
		return 0;
	fault_seam("sync", path + strlen(root), 2000);
	remember_sync(fd, path);
	return 0;
}

int fdatasync(int fd)
{
	return fsync(fd);
}

int rename(const char *from, const char *to)
{
	if (is_ours(to)) {
		seam("rename", to);
		if (remembers) {
			struct change_of_disk *change = change_add(CHANGE_RENAME, to);

			change->from = strdup(from);
			change->saved = save(to);
		}
	}
	return (int)syscall(SYS_rename, from, to);
}

int unlink(const char *path)
{
	if (is_ours(path)) {
		seam("unlink", path);
		if (remembers && access(path, F_OK) == 0)
			change_add(CHANGE_REMOVE, path)->saved = save(path);
	}
	return (int)syscall(SYS_unlink, path);
}
