/* Reading and writing the kernel's small files. */
#include "agent/world_files.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>

#define PCI_HEADER_SIZE 64
#define FILE_MAX_SIZE	(4 * 1024 * 1024) /* /proc/cpuinfo of a large host */

static char files_root[256];

void world_files_set_root(const char *root)
{
	snprintf(files_root, sizeof files_root, "%s", root);
}

char *world_files_path(const char *path)
{
	return memory_printf("%s%s", files_root, path);
}

char *world_files_read(const char *path)
{
	_cleanup_free_ char *full = world_files_path(path);
	_cleanup_close_ int fd = open(full, O_RDONLY | O_CLOEXEC);
	_cleanup_(text_done) struct text text = {0};
	/* Of a device's configuration space only the header: reading the rest may crash odd devices
	 * (lspci(8)). */
	size_t most = text_ends_with(path, "/config") ? PCI_HEADER_SIZE : FILE_MAX_SIZE;
	char buffer[4096];
	ssize_t count;

	if (fd < 0)
		return NULL;
	while (text.length < most &&
	       (count = read(fd, buffer, most < sizeof buffer ? most : sizeof buffer)) > 0)
		text_add_bytes(&text, buffer, (size_t)count);
	return text_take(&text);
}

bool world_files_link(const char *path, char *name, size_t size)
{
	_cleanup_free_ char *full = world_files_path(path);
	char target[512];
	ssize_t length = readlink(full, target, sizeof target - 1);

	*name = '\0';
	if (length <= 0)
		return false;
	target[length] = '\0';
	const char *slash = strrchr(target, '/');
	snprintf(name, size, "%s", slash ? slash + 1 : target);
	return true;
}

char **world_files_list(const char *path)
{
	_cleanup_free_ char *full = world_files_path(path);
	_cleanup_closedir_ DIR *dir = opendir(full);
	char **names = NULL;
	size_t count = 0;

	if (!dir)
		return NULL;
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (entry->d_name[0] != '.')
			*ARRAY_ADD(names, count) = memory_copy_text(entry->d_name);
	}
	*ARRAY_ADD(names, count) = NULL;
	return names;
}

bool world_files_write(const char *path, const char *text, struct error *err)
{
	_cleanup_free_ char *full = world_files_path(path);
	_cleanup_close_ int fd = open(full, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot write '%s' to %s",
				       strcmp(text, "\n") == 0 ? "" : text, path);
	return true;
}

int64_t world_files_disk_gb(const char *folder)
{
	struct statvfs disk;

	return statvfs(folder, &disk) == 0 ? (int64_t)(disk.f_blocks * disk.f_frsize >> 30) : 0;
}
