/* Reading the files that a command line names. */
#include "config/sources.h"

#include "base/memory.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_FILE   "/etc/penstock/penstock.conf"
#define DEFAULT_FOLDER "/etc/penstock/penstock.conf.d"

bool config_sources_add(struct config_sources *sources, const char *path, bool folder)
{
	if (sources->count == CONFIG_MAX_SOURCES)
		return false;
	sources->items[sources->count++] = (struct config_source){.path = path, .folder = folder};
	return true;
}

/* What `ls *.conf` shows: nothing that begins with a dot. */
static int is_wanted(const struct dirent *entry)
{
	return *entry->d_name != '.' && text_ends_with(entry->d_name, ".conf");
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

bool config_read_folder(struct config *config, const char *path, struct error *err)
{
	struct dirent **entries = NULL;
	int count = scandir(path, &entries, is_wanted, by_bytes);
	bool ok =
		count >= 0 || error_set_errno(err, ERROR_NOT_FOUND, errno, "cannot read the folder %s", path);

	for (int i = 0; i < count; i++) {
		_cleanup_free_ char *file = memory_printf("%s/%s", path, entries[i]->d_name);

		ok = ok && config_read_file(config, file, err);
		free(entries[i]);
	}
	free(entries);
	return ok;
}

static bool has(const struct config_sources *sources, bool folder)
{
	for (size_t i = 0; i < sources->count; i++) {
		if (sources->items[i].folder == folder)
			return true;
	}
	return false;
}

bool config_read_sources(struct config *config, const struct config_sources *sources, struct error *err)
{
	bool ok = true;

	if (!has(sources, false) && access(DEFAULT_FILE, F_OK) == 0)
		ok = config_read_file(config, DEFAULT_FILE, err);
	if (ok && !has(sources, true) && access(DEFAULT_FOLDER, F_OK) == 0)
		ok = config_read_folder(config, DEFAULT_FOLDER, err);
	for (size_t i = 0; ok && i < sources->count; i++) {
		const struct config_source *source = &sources->items[i];

		ok = source->folder ? config_read_folder(config, source->path, err)
				    : config_read_file(config, source->path, err);
	}
	return ok;
}
