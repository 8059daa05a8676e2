/* The options that are known: what they are called, what they may be, what becomes of them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_MAX_RANK 4 /* older names of one option */

enum config_type {
	CONFIG_TEXT,
	CONFIG_INT,
	CONFIG_NUMBER,
	CONFIG_BOOL,
	CONFIG_CHOICE, /* one of `choices` */
	CONFIG_LIST,   /* separated by commas; each item one of `choices` if they are given */
	CONFIG_JSON,   /* a JSON object or a list of them; whoever reads it knows its keys */
};

enum config_state {
	CONFIG_HONOURED,
	CONFIG_MEANINGLESS, /* what it is about does not exist here: `instead` says what there is */
	CONFIG_REPLACED,    /* the same, of a service that Penstock replaces: one sentence for all of them */
	CONFIG_NOT_YET,
	CONFIG_ELSEWHERE, /* of OpenStack, without effect and without a word; here so that it is no typo */
};

struct config_option {
	const char *group; /* "neutron_physnet_*" stands for all groups that begin like that */
	const char *name;
	enum config_type type;
	enum config_state state;
	bool multi;			 /* every value counts, not the last */
	bool secret;			 /* a value may have a password in it, and is not shown */
	const char *fallback;		 /* the default as it would be written, or NULL */
	int64_t min, max;		 /* of CONFIG_INT and CONFIG_NUMBER */
	const char *choices;		 /* "this,that" */
	bool (*check)(const char *text); /* of a text, or of a list's items; or NULL */
	const char *allowed;		 /* what check() takes, for a person */
	const char *older;		 /* "group.name ...", the newest first, or NULL */
	const char *instead;
	bool (*foreign)(const char *text); /* values that mean something to OpenStack only; or NULL */
	const char *help;		   /* one line */
};

/* The table, by group; CONFIG_ELSEWHERE at the end. */
extern const struct config_option config_options[];
extern const size_t config_option_count;

/* What may stand behind its =, for a person; freed by the caller. */
char *config_option_allowed(const struct config_option *option);
/* By any of its names; *rank is 0 for today's name, else which of the older ones. NULL if it is unknown. */
const struct config_option *config_option_find(const char *group, const char *name, int *rank);
/* Groups are the same in any case of letters, but DEFAULT has its own. */
bool config_group_is(const char *a, const char *b);
/* Is anything known in this group, and is everything: is an option that is unknown in it a mistake? */
bool config_group_known(const char *group);
bool config_group_complete(const char *group);

/* What somebody may have meant; NULL if nothing is near: the option of the group with nearly this name (of
 * today, or an older one); the option of exactly this name in another group; the group of nearly this name.
 * *distance: how many letters away. */
const struct config_option *config_option_near(const char *group, const char *name, int *distance);
const struct config_option *config_option_elsewhere(const char *group, const char *name);
const char *config_group_near(const char *group, int *distance);
