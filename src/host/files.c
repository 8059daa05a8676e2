/* Small questions about the distribution's files. */
#include "host/machine.h"

#include "agent/world.h"
#include "agent/world_files.h"
#include "base/memory.h"
#include "base/text.h"

#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>

/* lstat: a link that leads nowhere in a tree of another machine is there all the same. */
bool machine_has(const char *path)
{
	_cleanup_free_ char *full = world_files_path(path);
	struct stat status;

	return lstat(full, &status) == 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char **machine_list(const char *folder, const char *pattern)
{
	char **names = world->list(folder), **kept = NULL;
	size_t count = 0;

	for (size_t i = 0; names && names[i]; i++) {
		if (fnmatch(pattern, names[i], 0) == 0)
			*ARRAY_ADD(kept, count) = memory_copy_text(names[i]);
	}
	world_list_free(names);
	if (count)
		qsort(kept, count, sizeof *kept, compare_names);
	*ARRAY_ADD(kept, count) = NULL;
	return kept;
}

bool machine_unit_enabled(const char *unit)
{
	static const char *const targets[] = {"multi-user.target", "network-online.target", "sysinit.target"};

	for (size_t i = 0; i < ELEMENTS_OF(targets); i++) {
		_cleanup_free_ char *link =
			memory_printf("/etc/systemd/system/%s.wants/%s", targets[i], unit);

		if (machine_has(link))
			return true;
	}
	return false;
}

/* "  Key = 'value' " -> value, if it is this key. */
static char *line_value(const char *line, size_t length, const char *key)
{
	size_t start = strspn(line, " \t"), name = strlen(key), end = length;

	if (start + name >= length || memcmp(line + start, key, name) != 0)
		return NULL;
	start += name;
	start += strspn(line + start, " \t");
	if (start >= length || line[start++] != '=')
		return NULL;
	start += strspn(line + start, " \t");
	while (end > start && strchr(" \t\r", line[end - 1]))
		end--;
	if (end >= start + 2 && strchr("\"'", line[start]) && line[end - 1] == line[start]) {
		start++;
		end--;
	}
	return start <= end ? memory_printf("%.*s", (int)(end - start), line + start) : memory_copy_text("");
}

char *machine_value(const char *text, const char *section, const char *key)
{
	bool here = section == NULL;
	char *found = NULL;

	for (const char *line = text; line && *line;) {
		size_t length = strcspn(line, "\n");

		if (section && *line == '[')
			here = length >= strlen(section) + 2 && line[strlen(section) + 1] == ']' &&
			       memcmp(line + 1, section, strlen(section)) == 0;
		char *value = here ? line_value(line, length, key) : NULL;
		if (value) {
			free(found);
			found = value;
		}
		line += length + (line[length] == '\n');
	}
	return found;
}
