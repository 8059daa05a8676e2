/* One sentence about all options that are OpenStack's alone. */
#include "config/internal.h"

#include "base/memory.h"
#include "base/text.h"

#include <string.h>

#define SUMMARY_MAX 300 /* bytes of the names in it */

static bool same_option(const struct config_entry *a, const struct config_entry *b)
{
	return strcmp(a->option, b->option) == 0 && config_group_is(a->group, b->group);
}

/* Of entries before the i-th: is there one of its group (and of its name)? */
static bool seen(const struct config *config, const bool *foreign, size_t i, bool name_too)
{
	const struct config_entry *entries = config->entries;

	for (size_t k = 0; k < i; k++) {
		if (foreign[k] && (name_too ? same_option(&entries[k], &entries[i])
					    : config_group_is(entries[k].group, entries[i].group)))
			return true;
	}
	return false;
}

/* "[DEFAULT] my_ip, log_dir": the names, because others of this section do mean something. */
static void add_names(const struct config *config, const bool *foreign, size_t first, struct text *text)
{
	const char *group = config->entries[first].group;

	text_addf(text, "[%.60s] %.60s", group, config->entries[first].option);
	for (size_t i = first + 1; i < config->count && text->length < SUMMARY_MAX; i++) {
		if (foreign[i] && config_group_is(config->entries[i].group, group) &&
		    !seen(config, foreign, i, true))
			text_addf(text, ", %.60s", config->entries[i].option);
	}
}

char *config_summary(const struct config *config, const bool *foreign)
{
	_cleanup_(text_done) struct text names = {0};
	size_t count = 0;

	for (size_t i = 0; i < config->count; i++) {
		if (!foreign[i])
			continue;
		count += !seen(config, foreign, i, true);
		if (seen(config, foreign, i, false) || names.length >= SUMMARY_MAX)
			continue;
		text_add(&names, names.length ? "; " : "");
		if (config_group_known(config->entries[i].group))
			add_names(config, foreign, i, &names);
		else
			text_addf(&names, "[%.60s]", config->entries[i].group);
	}
	if (count == 0)
		return NULL;
	return memory_printf("%zu option%s of services that Penstock replaces, without effect here: %s%s",
			     count, count == 1 ? "" : "s", names.data,
			     names.length >= SUMMARY_MAX ? " ..." : "");
}
