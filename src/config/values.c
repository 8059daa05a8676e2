/* Typed values, as oslo.config's types read them. */
#include "config/internal.h"

#include "base/memory.h"
#include "base/text.h"
#include "config/ini.h"

#include <ctype.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#define NUMBER_MAX_LENGTH 64

/* --- parsing --- */

/* Python writes 1_000 for 1000, too; blanks around do not matter. */
static bool digits_copy(const char *text, char out[NUMBER_MAX_LENGTH])
{
	const char *end = text + strlen(text), *from = ini_skip_blanks(text, end);
	size_t length = 0;

	end = ini_drop_blanks(from, end);
	for (const char *c = from; c < end; c++) {
		if (*c == '_' && c > from && isdigit((unsigned char)c[-1]) && c + 1 < end &&
		    isdigit((unsigned char)c[1]))
			continue;
		if (length == NUMBER_MAX_LENGTH - 1 || isspace((unsigned char)*c))
			return false;
		out[length++] = *c;
	}
	out[length] = '\0';
	return true;
}

bool config_int_parse(const char *text, int64_t min, int64_t max, int64_t *value)
{
	char digits[NUMBER_MAX_LENGTH];

	return digits_copy(text, digits) && text_to_int64(digits, min, max, value);
}

bool config_number_parse(const char *text, double min, double max, double *value)
{
	char digits[NUMBER_MAX_LENGTH], *end;

	if (!digits_copy(text, digits) || !*digits || strpbrk(digits, "xXpPnN"))
		return false; /* no hexadecimal numbers, no infinity, no nan */
	*value = strtod(digits, &end);
	return !*end && isfinite(*value) && *value >= min && *value <= max;
}

bool config_bool_parse(const char *text, bool *value)
{
	static const char *const yes[] = {"true", "1", "on", "yes"}, *const no[] = {"false", "0", "off",
										    "no"};

	for (size_t i = 0; i < ELEMENTS_OF(yes); i++) {
		*value = strcasecmp(text, yes[i]) == 0;
		if (*value || strcasecmp(text, no[i]) == 0)
			return true;
	}
	return false;
}

bool config_item(const char *list, size_t i, const char **from, const char **end)
{
	while (*list) {
		const char *comma = list + strcspn(list, ",");

		*from = ini_skip_blanks(list, comma);
		*end = ini_drop_blanks(*from, comma);
		list = *comma ? comma + 1 : comma;
		if (*from < *end && i-- == 0)
			return true;
	}
	return false;
}

bool config_choice_parse(const char *text, const char *choices, const char **value)
{
	const char *from, *end;

	for (size_t i = 0; config_item(choices, i, &from, &end); i++) {
		if (strlen(text) == (size_t)(end - from) && strncmp(text, from, (size_t)(end - from)) == 0) {
			*value = text;
			return true;
		}
	}
	return false;
}

/* --- reading --- */

/* "expected ..." of what the table says; the caller frees it. */
static char *expected(const struct config_entry *entry)
{
	const struct config_option *known = entry->known;
	_cleanup_free_ char *allowed = NULL;

	if (!known)
		return memory_copy_text("expected another value");
	if (known->type == CONFIG_LIST && (known->allowed || known->choices))
		return memory_printf("expected %s%s", known->allowed ? "" : "one of ",
				     known->allowed ? known->allowed : known->choices);
	allowed = config_option_allowed(known);
	return memory_printf("expected %s", allowed);
}

bool config_value_error(const struct config *config, const struct config_entry *entry, const char *why,
			struct error *err)
{
	const char *value = entry->known && entry->known->secret ? "(not shown)" : entry->value;
	_cleanup_free_ char *table = why ? NULL : expected(entry);

	return error_set(err, ERROR_BAD_REQUEST, "%s:%d: [%s] %s = %.200s: %s", config_file_of(config, entry),
			 entry->line, entry->group, entry->option, value, why ? why : table);
}

bool config_item_error(const struct config *config, const struct config_entry *entry, const char *item,
		       const char *why, struct error *err)
{
	_cleanup_free_ char *table = why ? NULL : expected(entry);

	return error_set(err, ERROR_BAD_REQUEST, "%s:%d: [%s] %s: '%.200s': %s",
			 config_file_of(config, entry), entry->line, entry->group, entry->option, item,
			 why ? why : table);
}

bool config_refuse_item(const struct config *config, const char *group, const char *option, const char *item,
			const char *why, struct error *err)
{
	const struct config_entry *entry = config_find(config, group, option);

	if (!entry) /* a default, which is somebody else's mistake */
		return error_set(err, ERROR_BAD_REQUEST, "[%s] %s: '%.200s': %s", group, option, item,
				 why ? why : "not allowed");
	return config_item_error(config, entry, item, why, err);
}

bool config_refuse(const struct config *config, const char *group, const char *option, size_t i,
		   const char *why, struct error *err)
{
	const struct config_entry *entry = config_find(config, group, option);

	if (entry && entry->known && entry->known->multi)
		entry = config_find_nth(config, group, option, i);
	if (!entry)
		return error_set(err, ERROR_BAD_REQUEST, "[%s] %s: %s", group, option,
				 why ? why : "not allowed");
	return config_value_error(config, entry, why, err);
}

/* Is nothing written, or nothing behind the =? */
static bool is_unset(const struct config_entry *entry)
{
	return !entry || !*ini_skip_blanks(entry->value, entry->value + strlen(entry->value));
}

bool config_int(const struct config *config, const char *group, const char *option, int64_t fallback,
		int64_t min, int64_t max, int64_t *value, struct error *err)
{
	const struct config_entry *entry = config_find(config, group, option);
	char allowed[110];

	*value = fallback;
	if (is_unset(entry) || config_int_parse(entry->value, min, max, value))
		return true;
	snprintf(allowed, sizeof allowed, "expected a whole number from %lld to %lld", (long long)min,
		 (long long)max);
	return config_value_error(config, entry, allowed, err);
}

bool config_number(const struct config *config, const char *group, const char *option, double fallback,
		   double min, double max, double *value, struct error *err)
{
	const struct config_entry *entry = config_find(config, group, option);
	char allowed[110];

	*value = fallback;
	if (is_unset(entry) || config_number_parse(entry->value, min, max, value))
		return true;
	snprintf(allowed, sizeof allowed, "expected a number from %g to %g", min, max);
	return config_value_error(config, entry, allowed, err);
}

bool config_bool(const struct config *config, const char *group, const char *option, bool fallback,
		 bool *value, struct error *err)
{
	const struct config_entry *entry = config_find(config, group, option);

	*value = fallback;
	return !entry || config_bool_parse(entry->value, value) ||
	       config_value_error(config, entry, "expected true or false (or yes, no, on, off, 1, 0)", err);
}

bool config_choice(const struct config *config, const char *group, const char *option, const char *fallback,
		   const char *choices, const char **value, struct error *err)
{
	const struct config_entry *entry = config_find(config, group, option);
	_cleanup_free_ char *allowed = NULL;

	*value = fallback;
	if (!entry || config_choice_parse(entry->value, choices, value))
		return true;
	allowed = memory_printf("expected one of %s", choices);
	return config_value_error(config, entry, allowed, err);
}

bool config_list_item(const struct config *config, const char *group, const char *option, size_t i,
		      char *text, size_t size)
{
	const struct config_entry *entry = config_find(config, group, option);
	const char *from, *end;

	if (!entry || !config_item(entry->value, i, &from, &end))
		return false;
	snprintf(text, size, "%.*s", (int)(end - from), from);
	return true;
}
