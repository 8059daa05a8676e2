/* The images' bytes on disk: state_dir/images/<id>, and <id>.part while an upload is under way.  A file has
 * its final name only after it is complete and on disk; the row says active only after that. */
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "image/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

bool image_id_is_valid(const char *id)
{
	static const char pattern[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (strlen(id) != sizeof pattern - 1)
		return false;
	for (size_t i = 0; id[i]; i++) {
		if (pattern[i] == '-' ? id[i] != '-' : !strchr("0123456789abcdefABCDEF", id[i]))
			return false;
	}
	return true;
}

char *image_path(const char *id, const char *suffix)
{
	return memory_printf("%s/%s%s", image_settings.folder, id, suffix);
}

int image_open(const char *id, struct error *err)
{
	_cleanup_free_ char *path = image_id_is_valid(id) ? image_path(id, "") : NULL;
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;

	if (fd < 0)
		error_set(err, ERROR_NOT_FOUND, "The bytes of image %.40s are not on disk.", id);
	return fd;
}

struct unlink_later {
	char *path;
	bool when_committed;
};

static void unlink_now(void *argument, bool committed)
{
	struct unlink_later *later = argument;

	if (committed == later->when_committed && unlink(later->path) != 0 && errno != ENOENT)
		log_error("cannot remove %s: %s", later->path, strerror(errno));
	free(later->path);
	free(later);
}

void image_unlink_on_end(struct store *db, const char *id, bool when_committed)
{
	struct unlink_later *later = memory_alloc(sizeof *later);

	*later = (struct unlink_later){.path = image_path(id, ""), .when_committed = when_committed};
	store_on_end(db, unlink_now, later);
}

static bool has_bytes(struct store *db, const char *id, bool *found, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err,
			 "SELECT 1 FROM image WHERE id = ?1 AND status IN ('active', 'deactivated')", V(id)))
		return false;
	*found = store_next(&rows);
	return store_end(&rows, err);
}

bool image_recover(struct store *db, struct error *err)
{
	_cleanup_closedir_ DIR *dir = opendir(image_settings.folder);
	struct dirent *entry;

	if (!dir)
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot read %s", image_settings.folder);
	while ((entry = readdir(dir))) {
		bool part = text_ends_with(entry->d_name, ".part"), keep = false;

		if (entry->d_name[0] == '.' || (!part && !image_id_is_valid(entry->d_name)))
			continue;
		if (!part && !has_bytes(db, entry->d_name, &keep, err))
			return false;
		if (keep)
			continue;
		log_info("image %.36s: an upload was cut short, its bytes are thrown away", entry->d_name);
		unlinkat(dirfd(dir), entry->d_name, 0);
	}
	return true;
}
