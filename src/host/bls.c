/* Entries of the Boot Loader Specification: the `options` line of each kernel, and what new kernels get. */
#include "host/subjects.h"

#include "agent/world.h"
#include "base/memory.h"
#include "base/text.h"

#include <string.h>

#define FOR_NEW_KERNELS "/etc/kernel/cmdline"

static const char *const folders[] = {"/boot/loader/entries", "/boot/efi/loader/entries",
				      "/efi/loader/entries"};

/* Calls `each` with the path of every entry but those that are for rescue, which stay as they are. */
static void entries_each(void (*each)(const char *path, void *user), void *user)
{
	for (size_t f = 0; f < ELEMENTS_OF(folders); f++) {
		char **names = machine_list(folders[f], "*.conf");

		for (size_t i = 0; names[i]; i++) {
			_cleanup_free_ char *path = memory_printf("%s/%s", folders[f], names[i]);

			if (!strstr(names[i], "rescue"))
				each(path, user);
		}
		world_list_free(names);
	}
}

static void count(const char *path, void *user)
{
	(void)path;
	++*(int *)user;
}

bool bls_is_used(void)
{
	_cleanup_free_ char *defaults = world->read("/etc/default/grub"),
			    *value = machine_value(defaults, NULL, "GRUB_ENABLE_BLSCFG");
	int entries = 0;

	entries_each(count, &entries);
	return entries > 0 && (!defaults || (value && strcmp(value, "true") == 0));
}

/* Where the value of the `options` line begins and how long it is. */
static bool options_find(const char *text, size_t *start, size_t *length)
{
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		if (strncmp(line, "options", 7) != 0 || !strchr(" \t", line[7]))
			continue;
		const char *value = line + 7 + strspn(line + 7, " \t");
		*start = (size_t)(value - text);
		*length = strcspn(value, "\n");
		return true;
	}
	return false;
}

static char *changed_words(const char *words, const struct cmdline_change *change)
{
	_cleanup_free_ char *without = cmdline_remove(words, change);

	return cmdline_add(without, "", change);
}

struct planning {
	const struct cmdline_change *change;
	struct plan *plan;
};

/* RHEL 8 keeps the words in GRUB's environment block, and grubby writes that. */
static void run_grubby(const struct planning *p)
{
	for (size_t i = 0; i < p->change->add_count; i++) {
		_cleanup_free_ char *command =
			memory_printf("grubby --update-kernel=ALL --args=%s", p->change->add[i]);

		plan_run(p->plan, command);
	}
	for (size_t i = 0; i < p->change->remove_count; i++) {
		_cleanup_free_ char *command =
			memory_printf("grubby --update-kernel=ALL --remove-args=%s", p->change->remove[i]);

		plan_run(p->plan, command);
	}
	if (p->change->pages_count)
		plan_note(p->plan,
			  "huge pages: give `grubby --update-kernel=ALL --args` the pages by hand, in one "
			  "call, as this host's boot entries take their words from GRUB's environment");
}

static bool environment_is_right(const struct cmdline_change *change)
{
	_cleanup_free_ char *block = world->read("/boot/grub2/grubenv"),
			    *options = machine_value(block, NULL, "kernelopts");
	char missing[200];

	return options && cmdline_is_right(options, change, missing, sizeof missing);
}

static void entry_plan(const char *path, void *user)
{
	struct planning *p = user;
	_cleanup_free_ char *text = plan_read(p->plan, path);
	size_t start, length;

	if (!text || !options_find(text, &start, &length))
		return;
	_cleanup_free_ char *words = memory_printf("%.*s", (int)length, text + start),
			    *changed = changed_words(words, p->change);
	if (strstr(words, "$kernelopts")) {
		if (!environment_is_right(p->change))
			run_grubby(p);
		return;
	}
	_cleanup_free_ char *entry =
		memory_printf("%.*s%s%s", (int)start, text, changed, text + start + length);
	plan_write(p->plan, path, entry, 0644);
}

void bls_plan(const struct cmdline_change *change, struct plan *plan)
{
	_cleanup_free_ char *text = plan_read(plan, FOR_NEW_KERNELS);
	struct planning planning = {change, plan};

	entries_each(entry_plan, &planning);
	if (text) {
		size_t length = strcspn(text, "\n");
		_cleanup_free_ char *words = memory_printf("%.*s", (int)length, text),
				    *changed = changed_words(words, change),
				    *all = memory_printf("%s%s", changed, text + length);

		plan_write(plan, FOR_NEW_KERNELS, all, 0644);
	}
}

struct verifying {
	const struct cmdline_change *change;
	struct error *err;
	bool ok;
};

static void entry_verify(const char *path, void *user)
{
	struct verifying *v = user;
	_cleanup_free_ char *text = world->read(path);
	size_t start, length;
	char missing[200];

	if (!v->ok || !text || !options_find(text, &start, &length))
		return;
	_cleanup_free_ char *words = memory_printf("%.*s", (int)length, text + start);
	if (strstr(words, "$kernelopts") ? !environment_is_right(v->change)
					 : !cmdline_is_right(words, v->change, missing, sizeof missing))
		v->ok = error_set(v->err, ERROR_INTERNAL, "%s is not as it should be after it was changed",
				  path);
}

bool bls_verify(const struct cmdline_change *change, struct error *err)
{
	struct verifying verifying = {change, err, true};

	entries_each(entry_verify, &verifying);
	return verifying.ok;
}
