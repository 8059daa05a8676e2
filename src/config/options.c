/* Finding options in the table: by their names, and by what somebody wrote instead. */
#include "config/options.h"

#include "base/memory.h"
#include "base/text.h"

#include <string.h>
#include <strings.h>

bool config_group_is(const char *a, const char *b)
{
	bool is_default = strcmp(a, "DEFAULT") == 0;

	return is_default == (strcmp(b, "DEFAULT") == 0) && (is_default || strcasecmp(a, b) == 0);
}

/* The same for the table's groups, which may end with *. */
static bool group_fits(const char *group, const char *pattern)
{
	size_t length = strlen(pattern);

	if (pattern[length - 1] != '*')
		return config_group_is(group, pattern);
	return strncasecmp(group, pattern, length - 1) == 0 && group[length - 1];
}

/* --- older names --- */

/* One of "group.name group.name". */
struct older_name {
	const char *group, *name; /* not ended */
	int group_length, name_length;
	const char *next; /* the rest, or NULL */
};

static struct older_name older_first(const char *older)
{
	const char *dot = strchr(older, '.'), *end = dot + strcspn(dot, " ");

	return (struct older_name){.group = older,
				   .name = dot + 1,
				   .group_length = (int)(dot - older),
				   .name_length = (int)(end - dot - 1),
				   .next = *end ? end + 1 : NULL};
}

static bool older_group_is(const struct older_name *older, const char *group)
{
	char name[64];

	snprintf(name, sizeof name, "%.*s", older->group_length, older->group);
	return config_group_is(name, group);
}

/* Which of the option's older names is this, from 1, or 0? */
static int older_rank(const struct config_option *option, const char *group, const char *name)
{
	const char *rest = option->older;

	for (int rank = 1; rest; rank++) {
		struct older_name older = older_first(rest);

		if (strlen(name) == (size_t)older.name_length &&
		    strncmp(older.name, name, (size_t)older.name_length) == 0 &&
		    older_group_is(&older, group))
			return rank;
		rest = older.next;
	}
	return 0;
}

const struct config_option *config_option_find(const char *group, const char *name, int *rank)
{
	for (size_t i = 0; i < config_option_count; i++) {
		const struct config_option *option = &config_options[i];
		bool today = strcmp(option->name, name) == 0 && group_fits(group, option->group);

		*rank = today ? 0 : older_rank(option, group, name);
		if (today || *rank)
			return option;
	}
	*rank = 0;
	return NULL;
}

bool config_group_known(const char *group)
{
	for (size_t i = 0; i < config_option_count; i++) {
		if (group_fits(group, config_options[i].group))
			return true;
	}
	return false;
}

bool config_group_complete(const char *group)
{
	static const char *const complete[] = {
		"penstock",  "pci",	      "sriov_nic",     "sriov_driver",	 "ml2",
		"ml2_sriov", "ml2_type_vlan", "ml2_type_flat", "ml2_type_vxlan",
	};

	for (size_t i = 0; i < ELEMENTS_OF(complete); i++) {
		if (config_group_is(group, complete[i]))
			return true;
	}
	return false;
}

/* --- typos --- */

/* How many letters may be wrong before a name is another one. */
static int tolerance(const char *name)
{
	size_t length = strlen(name);

	return length >= 8 ? 2 : length >= 4 ? 1 : 0;
}

static int least(int a, int b)
{
	return a < b ? a : b;
}

/* How far is the name from those that the option has in this group? */
static int option_distance(const struct config_option *option, const char *group, const char *name)
{
	int far = TEXT_FAR;

	if (option->state != CONFIG_ELSEWHERE && group_fits(group, option->group))
		far = text_distance(name, option->name, strlen(option->name));
	for (const char *rest = option->older; rest;) {
		struct older_name older = older_first(rest);

		if (older_group_is(&older, group))
			far = least(far, text_distance(name, older.name, (size_t)older.name_length));
		rest = older.next;
	}
	return far;
}

const struct config_option *config_option_near(const char *group, const char *name, int *distance)
{
	const struct config_option *nearest = NULL;

	*distance = tolerance(name) + 1;
	for (size_t i = 0; i < config_option_count; i++) {
		int far = option_distance(&config_options[i], group, name);

		if (far < *distance) {
			*distance = far;
			nearest = &config_options[i];
		}
	}
	return nearest;
}

const struct config_option *config_option_elsewhere(const char *group, const char *name)
{
	for (size_t i = 0; strchr(name, '_') && config_group_known(group) && i < config_option_count; i++) {
		if (config_options[i].state == CONFIG_HONOURED && strcmp(config_options[i].name, name) == 0)
			return &config_options[i];
	}
	return NULL;
}

const char *config_group_near(const char *group, int *distance)
{
	const char *nearest = NULL;

	*distance = tolerance(group) + 1;
	for (size_t i = 0; i < config_option_count; i++) {
		const char *name = config_options[i].group;
		int far = text_distance(group, name, strlen(name));

		if (far < *distance && !strchr(name, '*')) {
			*distance = far;
			nearest = name;
		}
	}
	return nearest;
}
