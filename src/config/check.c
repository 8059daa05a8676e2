/* Checking every entry of a configuration against the table of options. */
#include "config/check.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/internal.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>

struct checker {
	const struct config *config;
	void (*say)(void *user, enum config_level level, const char *sentence);
	void *user;
	bool ok;
};

static void warn(struct checker *c, const struct config_entry *entry, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void warn(struct checker *c, const struct config_entry *entry, const char *format, ...)
{
	char why[800], sentence[1200];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, sizeof why, format, arguments);
	va_end(arguments);
	snprintf(sentence, sizeof sentence, "%.250s:%d: [%.60s] %.60s: %s", config_file_of(c->config, entry),
		 entry->line, entry->group, entry->option, why);
	c->say(c->user, CONFIG_WARNING, sentence);
}

/* --- values --- */

static bool item_allowed(const struct config_option *option, const char *item)
{
	const char *choice;

	return (!option->choices || config_choice_parse(item, option->choices, &choice)) &&
	       (!option->check || option->check(item));
}

/* The first item of a list that is not allowed, or NULL; the caller frees it. */
static char *bad_item(const struct config_option *option, const char *list)
{
	const char *from, *end;

	for (size_t i = 0; config_item(list, i, &from, &end); i++) {
		_cleanup_free_ char *item = memory_printf("%.*s", (int)(end - from), from);

		if (!item_allowed(option, item))
			return TAKE_PTR(item);
	}
	return NULL;
}

static bool is_blank(const char *text)
{
	return !text[strspn(text, " \t\r\n")];
}

/* May nothing stand behind the =?  It is what the default is then. */
static bool may_be_blank(const struct config_option *option)
{
	return !option->multi && (!option->fallback || !*option->fallback);
}

static bool value_allowed(const struct config_option *option, const char *value)
{
	int64_t whole;
	double number;
	bool flag;

	switch (option->type) {
	case CONFIG_INT:
		return is_blank(value) || config_int_parse(value, option->min, option->max, &whole);
	case CONFIG_NUMBER:
		return is_blank(value) ||
		       config_number_parse(value, (double)option->min, (double)option->max, &number);
	case CONFIG_BOOL:
		return config_bool_parse(value, &flag);
	case CONFIG_CHOICE:
	case CONFIG_TEXT:
		return (is_blank(value) && may_be_blank(option)) || item_allowed(option, value);
	case CONFIG_LIST: /* check_list() */
	case CONFIG_JSON:
		break;
	}
	return true;
}

char *config_option_allowed(const struct config_option *option)
{
	const char *list = option->type == CONFIG_LIST ? "a list of " : "";

	if (option->allowed)
		return memory_printf("%s%s", list, option->allowed);
	if (option->choices)
		return memory_printf("%s%s", option->type == CONFIG_LIST ? "a list of " : "one of ",
				     option->choices);
	switch (option->type) {
	case CONFIG_INT:
		return option->min == option->max
			       ? memory_copy_text("a whole number")
			       : memory_printf("a whole number from %lld to %lld", (long long)option->min,
					       (long long)option->max);
	case CONFIG_NUMBER:
		return option->min == option->max
			       ? memory_copy_text("a number")
			       : memory_printf("a number from %lld to %lld", (long long)option->min,
					       (long long)option->max);
	case CONFIG_BOOL:
		return memory_copy_text("true or false (or yes, no, on, off, 1, 0)");
	case CONFIG_LIST:
		return memory_copy_text("a list");
	case CONFIG_JSON:
		return memory_copy_text("a JSON object, or a list of them");
	default:
		return memory_copy_text("a text");
	}
}

/* Every value of a multi-valued option counts; of another one the last. */
static bool counts(struct checker *c, const struct config_entry *entry)
{
	const struct config_option *known = entry->known;

	return known->multi || config_find(c->config, strchr(known->group, '*') ? entry->group : known->group,
					   known->name) == entry;
}

static bool check_list(const struct config *config, const struct config_entry *entry, struct error *err)
{
	_cleanup_free_ char *item = bad_item(entry->known, entry->value);

	return !item || config_item_error(config, entry, item, NULL, err);
}

static bool check_value(const struct config *config, const struct config_entry *entry, struct error *err)
{
	if (entry->endless)
		return error_set(
			err, ERROR_BAD_REQUEST,
			"%s:%d: [%s] %s = %.200s: its $references lead in a circle, or to too many others",
			config_file_of(config, entry), entry->line, entry->group, entry->option, entry->raw);
	if (entry->known->type == CONFIG_LIST)
		return check_list(config, entry, err);
	return value_allowed(entry->known, entry->value) || config_value_error(config, entry, NULL, err);
}

static void check_honoured(struct checker *c, const struct config_entry *entry)
{
	const struct config_option *option = entry->known;
	struct error err;

	if (option->foreign && option->foreign(entry->value))
		warn(c, entry, "this value is of OpenStack's, and without effect here; instead: %s",
		     option->instead);
	else if (!check_value(c->config, entry, &err)) {
		c->ok = false;
		c->say(c->user, CONFIG_ERROR, err.message);
	}
	if (entry->nothing && !entry->known->secret)
		warn(c, entry, "$%s names no option and stays as it is; a dollar is written $$",
		     entry->nothing);
}

/* --- options without effect --- */

static bool same_value(const struct config_option *option, const char *value)
{
	bool a, b;

	if (!option->fallback)
		return is_blank(value);
	if (option->type == CONFIG_BOOL && config_bool_parse(value, &a) &&
	    config_bool_parse(option->fallback, &b))
		return a == b;
	return strcasecmp(value, option->fallback) == 0;
}

/* Does the entry ask for anything but the default? */
static bool asks(struct checker *c, const struct config_entry *entry)
{
	const struct config_option *option = entry->known;

	return !same_value(option, entry->value) &&
	       (!option->multi || config_find_nth(c->config, option->group, option->name, 0) == entry);
}

static void check_effect(struct checker *c, const struct config_entry *entry)
{
	if (asks(c, entry) && entry->known->state == CONFIG_MEANINGLESS)
		warn(c, entry, "taken and without effect here; instead: %s", entry->known->instead);
	else if (asks(c, entry))
		warn(c, entry, "not built yet, without effect");
}

/* --- names --- */

/* An older name is said once, however often it stands there. */
static void check_age(struct checker *c, const struct config_entry *entry)
{
	const struct config_option *known = entry->known;

	if (entry->rank == 0)
		return;
	for (const struct config_entry *before = c->config->entries; known->multi && before < entry;
	     before++) {
		if (before->known == known && before->rank == entry->rank)
			return;
	}
	warn(c, entry, "older name of [%s] %s, and taken as that", known->group, known->name);
}

#define AWAY_SIZE 30

/* How sure is a guess?  Nothing where only large letters or dashes differ. */
static const char *away_format(int distance, char text[AWAY_SIZE])
{
	*text = '\0';
	if (distance > 0)
		snprintf(text, AWAY_SIZE, ", %d letter%s away", distance, distance == 1 ? "" : "s");
	return text;
}

/* False if there is nothing to say: then it is an option of OpenStack's that Penstock knows nothing of. */
static bool check_unknown(struct checker *c, const struct config_entry *entry)
{
	int distance;
	char away[AWAY_SIZE];
	const struct config_option *near = config_option_near(entry->group, entry->option, &distance);
	const struct config_option *elsewhere =
		near ? NULL : config_option_elsewhere(entry->group, entry->option);

	if (near && config_group_is(near->group, entry->group))
		warn(c, entry, "there is no such option; did you mean %s%s?", near->name,
		     away_format(distance, away));
	else if (near)
		warn(c, entry, "there is no such option; did you mean %s in [%s]%s?", near->name, near->group,
		     away_format(distance, away));
	else if (elsewhere)
		warn(c, entry, "there is no such option in [%s]; it stands in [%s]", entry->group,
		     elsewhere->group);
	else if (config_group_complete(entry->group))
		warn(c, entry, "there is no such option");
	else
		return false;
	return true;
}

/* Is this the first entry of its group? */
static bool begins_group(const struct checker *c, const struct config_entry *entry)
{
	for (const struct config_entry *before = c->config->entries; before < entry; before++) {
		if (config_group_is(before->group, entry->group))
			return false;
	}
	return true;
}

/* False if nothing is like it. */
static bool check_group(struct checker *c, const struct config_entry *entry)
{
	int distance;
	const char *near = config_group_near(entry->group, &distance);
	char sentence[600], away[AWAY_SIZE];

	if (near && begins_group(c, entry)) {
		snprintf(sentence, sizeof sentence,
			 "%.250s:%d: [%.60s]: there is no such section; did you mean [%s]%s?",
			 config_file_of(c->config, entry), entry->line, entry->group, near,
			 away_format(distance, away));
		c->say(c->user, CONFIG_WARNING, sentence);
	}
	return near;
}

/* --- all --- */

/* What is not in the table; false if there is nothing to say about it. */
static bool check_stranger(struct checker *c, const struct config_entry *entry)
{
	return config_group_known(entry->group) ? check_unknown(c, entry) : check_group(c, entry);
}

/* True if the entry belongs into the summary. */
static bool check_entry(struct checker *c, const struct config_entry *entry)
{
	const struct config_option *known = entry->known;

	if (entry->comment_line)
		warn(c, entry, "the indented line %d is part of its value and no comment",
		     entry->comment_line);
	if (!known)
		return !check_stranger(c, entry);
	if (known->state == CONFIG_ELSEWHERE || !counts(c, entry))
		return known->state == CONFIG_ELSEWHERE;
	if (known->state == CONFIG_REPLACED)
		return asks(c, entry);
	if (known->state == CONFIG_HONOURED) {
		check_honoured(c, entry);
		check_age(c, entry);
	} else {
		check_effect(c, entry);
	}
	return false;
}

bool config_check(const struct config *config,
		  void (*say)(void *user, enum config_level level, const char *sentence), void *user)
{
	struct checker c = {.config = config, .say = say, .user = user, .ok = true};
	_cleanup_free_ bool *foreign = memory_alloc(config->count + 1);
	_cleanup_free_ char *summary = NULL;

	for (size_t i = 0; i < config->count; i++)
		foreign[i] = check_entry(&c, &config->entries[i]);
	summary = config_summary(config, foreign);
	if (summary)
		say(user, CONFIG_WARNING, summary);
	return c.ok;
}

static void say_at_start(void *user, enum config_level level, const char *sentence)
{
	struct error *err = user;

	if (level == CONFIG_WARNING)
		log_warning("%s", sentence);
	else if (err->kind == ERROR_NONE)
		error_set(err, ERROR_BAD_REQUEST, "%s", sentence);
}

bool config_accept(const struct config *config, struct error *err)
{
	err->kind = ERROR_NONE;
	return config_check(config, say_at_start, err);
}
