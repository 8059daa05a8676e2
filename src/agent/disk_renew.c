/* Disks that are made anew: a file beside the disk says the generation before which nothing is left. */
#include "agent/disk_renew.h"

#include "agent/file.h"
#include "agent/server.h"
#include "base/memory.h"

#include <errno.h>
#include <unistd.h>

static int64_t made_generation(const char *path)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	long long generation = 0;

	return file && fscanf(file, "%lld", &generation) == 1 ? generation : 0;
}

/* First everything goes, then that is written down: after a crash it goes once more. */
bool disk_renew(const char *folder, yyjson_val *server, struct error *err)
{
	static const char *const names[] = {"config.iso",	"kernel",   "ramdisk", "memory",
					    "memory.restoring", "disk.new", "disk",    "base"};
	_cleanup_free_ char *note = memory_printf("%s/disk_generation", folder);
	int64_t wanted = json_int(server, "disk_generation", 0);

	if (made_generation(note) == wanted)
		return true;
	for (size_t i = 0; i < ELEMENTS_OF(names); i++) {
		_cleanup_free_ char *path = memory_printf("%s/%s", folder, names[i]);

		if (unlink(path) != 0 && errno != ENOENT)
			return error_set_errno(err, ERROR_INTERNAL, errno, "cannot remove %s", path);
	}
	_cleanup_free_ char *text = memory_printf("%lld\n", (long long)wanted);
	return file_write(note, text, FILE_DURABLE, err);
}
