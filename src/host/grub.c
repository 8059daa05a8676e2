/* The kernel's command line in GRUB's settings: /etc/default/grub, and /etc/default/grub.d where it is used.
 */
#include "host/subjects.h"

#include "agent/world.h"
#include "agent/world_files.h"
#include "base/memory.h"
#include "base/text.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#define DEFAULTS "/etc/default/grub"
#define FOLDER	 DEFAULTS ".d"

static const char linux_name[] = "GRUB_CMDLINE_LINUX", default_name[] = "GRUB_CMDLINE_LINUX_DEFAULT";

/* --- NAME="value" in a shell file --- */

struct assignment {
	size_t start, length; /* of the value, without quotes */
	char quote;	      /* 0: none */
	bool seen;	      /* there is one, whether we understand it or not */
};

/* The last one of this name; false if there is none, or the shell would make something else of it than we do:
 * it goes on in the next line, or has a word without quotes that means more than itself. */
static bool assignment_find(const char *text, const char *name, struct assignment *found)
{
	size_t name_length = strlen(name);
	bool any = false;

	*found = (struct assignment){0};
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *at = line + strspn(line, " \t");

		at += text_starts_with(at, "export ") ? 7 : 0;
		if (strncmp(at, name, name_length) != 0 || at[name_length] != '=')
			continue;
		at += name_length + 1;
		found->quote = *at == '"' || *at == '\'' ? *at : '\0';
		at += found->quote != '\0';
		size_t length = 0;
		while (at[length] && at[length] != '\n' &&
		       (found->quote ? at[length] != found->quote : !strchr(" \t#", at[length])))
			length += at[length] == '\\' && at[length + 1] && found->quote == '"' ? 2 : 1;
		any = found->quote ? at[length] == found->quote : strcspn(at, "\\'\"`$;&|()<>") >= length;
		found->seen = true;
		found->start = (size_t)(at - text);
		found->length = length;
	}
	return any;
}

static char *assignment_value(const char *text, const char *name)
{
	struct assignment at;

	return text && assignment_find(text, name, &at)
		       ? memory_printf("%.*s", (int)at.length, text + at.start)
		       : memory_copy_text("");
}

char *grub_change(const char *text, const char *name, const char *elsewhere,
		  const struct cmdline_change *change, bool add)
{
	struct assignment at;

	if (!assignment_find(text, name, &at))
		return NULL;
	_cleanup_free_ char *value = memory_printf("%.*s", (int)at.length, text + at.start),
			    *without = cmdline_remove(value, change),
			    *with = add ? cmdline_add(without, elsewhere, change) : memory_copy_text(without);
	const char *quote = at.quote || strcmp(value, with) == 0 ? "" : "\"";

	return memory_printf("%.*s%s%s%s%s", (int)at.start, text, quote, with, quote,
			     text + at.start + at.length);
}

/* --- the files, in the order in which grub-mkconfig reads them --- */

static char **files_list(void)
{
	char **names = machine_list(FOLDER, "*.cfg"), **paths = NULL;
	size_t count = 0;

	*ARRAY_ADD(paths, count) = memory_copy_text(DEFAULTS);
	for (size_t i = 0; names[i]; i++)
		*ARRAY_ADD(paths, count) = memory_printf("%s/%s", FOLDER, names[i]);
	*ARRAY_ADD(paths, count) = NULL;
	world_list_free(names);
	return paths;
}

/* The last value of this name in all files; one that names itself ("$GRUB_CMDLINE_LINUX more") goes on. */
static char *value_of(const struct plan *plan, const char *name)
{
	char **paths = files_list(), *value = memory_copy_text("");

	for (size_t i = 0; paths[i]; i++) {
		_cleanup_free_ char *text = plan_read(plan, paths[i]), *here = NULL;
		struct assignment at;

		if (!text || !assignment_find(text, name, &at))
			continue;
		here = assignment_value(text, name);
		char *joined =
			strchr(here, '$') ? memory_printf("%s %s", value, here) : memory_copy_text(here);
		free(value);
		value = joined;
	}
	world_list_free(paths);
	return value;
}

/* GRUB_CMDLINE_LINUX and GRUB_CMDLINE_LINUX_DEFAULT as they would be now, for the caller to free. */
static char *grub_cmdline(const struct plan *plan)
{
	_cleanup_free_ char *all = value_of(plan, linux_name), *usual = value_of(plan, default_name);

	return memory_printf("%s %s", all, usual);
}

/* Words that are to go, wherever they stand. */
static void remove_everywhere(char *const *paths, const struct cmdline_change *change, struct plan *plan)
{
	for (size_t i = 0; paths[i]; i++) {
		_cleanup_free_ char *text = plan_read(plan, paths[i]), *first = NULL, *second = NULL;

		if (!text)
			continue;
		first = grub_change(text, linux_name, "", change, false);
		second = grub_change(first ? first : text, default_name, "", change, false);
		if (first || second)
			plan_write(plan, paths[i], second ? second : first, 0644);
	}
}

/* The last file that sets it: what an earlier one says has no effect.  (On a RHEL it is the only one.) */
static const char *file_to_change(char *const *paths, const struct plan *plan)
{
	const char *path = paths[0];

	for (size_t i = 1; paths[i]; i++) {
		_cleanup_free_ char *text = plan_read(plan, paths[i]), *value = NULL;
		struct assignment at;

		if (!text || !assignment_find(text, linux_name, &at))
			continue;
		value = assignment_value(text, linux_name);
		if (!strchr(value, '$'))
			path = paths[i];
	}
	return path;
}

static bool add_words(const char *path, const struct cmdline_change *change, struct plan *plan,
		      struct error *err)
{
	_cleanup_free_ char *text = plan_read(plan, path), *all = grub_cmdline(plan), *changed = NULL;
	struct assignment at;
	char missing[200];

	if (cmdline_is_right(all, change, missing, sizeof missing))
		return true;
	changed = grub_change(text, linux_name, all, change, true);
	if (!changed && (assignment_find(text, linux_name, &at) || at.seen))
		return error_set(
			err, ERROR_CONFLICT,
			"%s: GRUB_CMDLINE_LINUX is more than a text in quotes; change it by hand: %s", path,
			missing);
	if (!changed) {
		_cleanup_free_ char *with = cmdline_add("", all, change);

		changed = memory_printf("%s%sGRUB_CMDLINE_LINUX=\"%s\"\n", text,
					text_is_empty(text) || text_ends_with(text, "\n") ? "" : "\n", with);
	}
	plan_write(plan, path, changed, 0644);
	return true;
}

/* --- grub.cfg --- */

/* What one of the distribution's links in /etc says ("../boot/grub2/grub.cfg"). */
static bool link_leads(const char *link, char path[PATH_MAX])
{
	_cleanup_free_ char *full = world_files_path(link);
	char target[PATH_MAX];
	ssize_t length = readlink(full, target, sizeof target - 1);

	if (length <= 0)
		return false;
	target[length] = '\0';
	snprintf(path, PATH_MAX, "%s", text_starts_with(target, "../") ? target + 2 : target);
	return true;
}

static void config_path(char path[PATH_MAX])
{
	if ((machine_has("/sys/firmware/efi") && link_leads("/etc/grub2-efi.cfg", path)) ||
	    link_leads("/etc/grub2.cfg", path))
		return;
	strcpy(path, machine_has("/boot/grub2") ? "/boot/grub2/grub.cfg" : "/boot/grub/grub.cfg");
}

static void run_mkconfig(struct plan *plan)
{
	_cleanup_free_ char *command = NULL;
	char path[PATH_MAX];

	config_path(path);
	if (machine_has("/usr/sbin/update-grub")) {
		plan_run(plan, "update-grub");
		return;
	}
	command = memory_printf("%s -o %s",
				machine_has("/usr/sbin/grub2-mkconfig") ? "grub2-mkconfig" : "grub-mkconfig",
				path);
	plan_run(plan, command);
}

bool grub_plan(const struct cmdline_change *change, bool entries, struct plan *plan, struct error *err)
{
	char **paths = files_list();
	bool ok;

	remove_everywhere(paths, change, plan);
	ok = add_words(file_to_change(paths, plan), change, plan, err);
	world_list_free(paths);
	/* Where entries are used GRUB reads them itself. */
	if (ok && !entries && plan_changes(plan, DEFAULTS))
		run_mkconfig(plan);
	return ok;
}

bool grub_verify(const struct cmdline_change *change, struct error *err)
{
	char path[PATH_MAX];
	config_path(path);
	_cleanup_free_ char *text = world->read(path);
	char missing[200] = "it starts no Linux", *save = NULL;

	for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		line += strspn(line, " \t");
		if (strncmp(line, "linux", 5) == 0 && cmdline_is_right(line, change, missing, sizeof missing))
			return true;
	}
	return text ? error_set(err, ERROR_INTERNAL,
				"%s is not as it should be after it was made anew: %s; what else sets "
				"GRUB_CMDLINE_LINUX?",
				path, missing)
		    : true;
}
