/* Writing small files safely. */
#include "agent/file.h"

#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>

static bool sync_folder_of(const char *path)
{
	_cleanup_free_ char *copy = memory_copy_text(path);
	_cleanup_close_ int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 && fsync(fd) == 0;
}

bool file_write(const char *path, const char *text, enum file_safety safety, struct error *err)
{
	_cleanup_free_ char *temporary = memory_printf("%s.new", path);
	_cleanup_close_ int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t length = strlen(text);

	if (fd < 0 || write(fd, text, length) != (ssize_t)length ||
	    (safety == FILE_DURABLE && fsync(fd) != 0) || rename(temporary, path) != 0 ||
	    (safety == FILE_DURABLE && !sync_folder_of(path)))
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot write %s", path);
	return true;
}

void file_sweep(const char *folder)
{
	_cleanup_closedir_ DIR *dir = opendir(folder);

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		_cleanup_free_ char *path = memory_printf("%s/%s", folder, entry->d_name);

		if (text_ends_with(entry->d_name, ".new"))
			unlink(path);
	}
}
