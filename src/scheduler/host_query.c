/* JsonFilter: [">=", "$free_ram_mb", 1024], ["and", [...], [...]]. */
#include "scheduler/filters.h"

#include "base/memory.h"

#include <string.h>

#define QUERY_MAX_DEPTH 16

static const char *const commands[] = {"=", "<", ">", "in", "<=", ">=", "not", "or", "and"};

static bool is_command(const char *text)
{
	for (size_t i = 0; text && i < ELEMENTS_OF(commands); i++) {
		if (strcmp(commands[i], text) == 0)
			return true;
	}
	return false;
}

static bool check_at(yyjson_val *query, int depth, struct error *err)
{
	yyjson_val *item;
	size_t i, max;

	if (yyjson_arr_size(query) == 0 && depth > 0 && yyjson_is_arr(query))
		return true;
	if (!yyjson_is_arr(query) || depth > QUERY_MAX_DEPTH ||
	    !is_command(yyjson_get_str(yyjson_arr_get_first(query))))
		return error_set(
			err, ERROR_BAD_REQUEST,
			"The scheduler hint query must be a JSON list that begins with one of =, <, >, "
			"in, <=, >=, not, or, and.");
	yyjson_arr_foreach (query, i, max, item) {
		if (yyjson_is_arr(item) && !check_at(item, depth + 1, err))
			return false;
	}
	return true;
}

bool host_query_check(yyjson_val *query, struct error *err)
{
	return check_at(query, 0, err);
}

/* --- values --- */

struct value {
	enum { VALUE_NONE, VALUE_TEXT, VALUE_NUMBER } kind;
	double number; /* also of true and false */
	char text[FACT_SIZE];
};

static bool holds(yyjson_val *query, const struct fleet_host *host);

/* "$cpu_info.arch" */
static void look_up(const char *name, const struct fleet_host *host, struct value *value)
{
	const char *path[8];
	size_t depth = 0;
	char copy[128], *rest = NULL;

	snprintf(copy, sizeof copy, "%s", name);
	for (char *part = strtok_r(copy, ".", &rest); part && depth < ELEMENTS_OF(path);
	     part = strtok_r(NULL, ".", &rest))
		path[depth++] = part;
	if (depth && facts_number(host, path, depth, &value->number))
		value->kind = VALUE_NUMBER;
	else if (depth && facts_get(host, path, depth, value->text))
		value->kind = VALUE_TEXT;
}

static void value_read(yyjson_val *json, const struct fleet_host *host, struct value *value)
{
	const char *text = yyjson_get_str(json);

	value->kind = VALUE_NONE;
	if (yyjson_is_arr(json) || yyjson_is_bool(json)) {
		value->kind = VALUE_NUMBER;
		value->number = yyjson_is_arr(json) ? holds(json, host) : yyjson_get_bool(json);
	} else if (yyjson_is_num(json)) {
		value->kind = VALUE_NUMBER;
		value->number = yyjson_get_num(json);
	} else if (text && *text == '$') {
		look_up(text + 1, host, value);
	} else if (text && *text) {
		value->kind = VALUE_TEXT;
		snprintf(value->text, sizeof value->text, "%s", text);
	}
}

static bool is_true(const struct value *value)
{
	return value->kind == VALUE_NUMBER ? value->number != 0 : value->kind == VALUE_TEXT;
}

/* Values of different kinds are neither equal nor in any order. */
static bool compare(const char *command, const struct value *a, const struct value *b)
{
	double order = a->kind == VALUE_NUMBER ? a->number - b->number : strcmp(a->text, b->text);

	if (a->kind != b->kind)
		return false;
	if (strcmp(command, "=") == 0 || strcmp(command, "in") == 0)
		return order == 0;
	if (command[0] == '<' ? order < 0 : order > 0)
		return true;
	return command[1] == '=' && order == 0;
}

/* --- commands --- */

/* The first argument against all others; `in`: it is one of them. */
static bool compare_all(const char *command, yyjson_val *query, const struct fleet_host *host)
{
	struct value first, other;
	bool is_in = strcmp(command, "in") == 0, found = false, all = true;
	size_t i, max, count = 0;
	yyjson_val *item;

	yyjson_arr_foreach (query, i, max, item) {
		struct value *value = count == 0 ? &first : &other;

		if (i == 0)
			continue;
		value_read(item, host, value);
		if (value->kind == VALUE_NONE)
			continue;
		if (count++ == 0)
			continue;
		bool match = compare(command, &first, &other);
		found |= match;
		all &= match;
	}
	return count > 1 && (is_in ? found : all);
}

/* `not` is true if any argument is not (Nova's list of results, of which any will do). */
static bool combine(const char *command, yyjson_val *query, const struct fleet_host *host)
{
	bool any = false, all = true, any_not = false;
	struct value value;
	yyjson_val *item;
	size_t i, max;

	yyjson_arr_foreach (query, i, max, item) {
		if (i == 0)
			continue;
		value_read(item, host, &value);
		if (value.kind == VALUE_NONE)
			continue;
		any |= is_true(&value);
		all &= is_true(&value);
		any_not |= !is_true(&value);
	}
	return strcmp(command, "or") == 0 ? any : strcmp(command, "and") == 0 ? all : any_not;
}

static bool holds(yyjson_val *query, const struct fleet_host *host)
{
	const char *command = yyjson_get_str(yyjson_arr_get_first(query));

	if (!command)
		return true;
	if (strcmp(command, "not") == 0 || strcmp(command, "or") == 0 || strcmp(command, "and") == 0)
		return combine(command, query, host);
	return compare_all(command, query, host);
}

bool host_query_holds(yyjson_val *query, const struct fleet_host *host)
{
	return holds(query, host);
}
