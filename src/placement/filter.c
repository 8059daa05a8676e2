/* Reading and applying what is wanted of providers. */
#include "placement/filter.h"

#include "placement/service.h"

#include <string.h>

/* --- resources --- */

static bool amount_read(char *item, const struct tree *tree, struct store *db, struct filter *filter,
			struct error *err)
{
	char *colon = strchr(item, ':');
	struct filter_amount *amount = &filter->amounts[filter->amount_count];
	bool known;

	if (!colon || colon == item || strlen(item) >= PCI_NAME_SIZE || filter->amount_count == FILTER_MAX)
		return error_set(err, ERROR_BAD_REQUEST,
				 "Badly formed resources parameter. Expected resources query string "
				 "parameter in form: ?resources=VCPU:2,MEMORY_MB:1024. Got: %.100s.",
				 item);
	*colon = '\0';
	if (!text_to_int64(colon + 1, 1, INT32_MAX, &amount->amount))
		return error_set(err, ERROR_BAD_REQUEST,
				 "Requested resource %s expected positive integer amount. Got: %.40s.", item,
				 colon + 1);
	snprintf(amount->class, sizeof amount->class, "%s", item);
	filter->amount_count++;
	if (!class_is_known(db, tree, item, &known, err))
		return false;
	return known ||
	       error_set(err, ERROR_BAD_REQUEST,
			 "Invalid resource class in resources parameter: No such resource class %s.", item);
}

static bool amounts_read(struct http_request *request, const char *value, const struct tree *tree,
			 struct filter *filter, struct error *err)
{
	char *rest = http_copy(request, value), *item;

	while ((item = strsep(&rest, ","))) {
		if (!amount_read(item, tree, request->db, filter, err))
			return false;
	}
	return true;
}

/* --- traits and aggregates --- */

static struct filter_any *any_add(struct filter_any *list, size_t *count, struct error *err)
{
	if (*count == FILTER_MAX) {
		error_set(err, ERROR_BAD_REQUEST, "At most %d items can be asked for.", FILTER_MAX);
		return NULL;
	}
	return &list[(*count)++];
}

static bool trait_check(struct http_request *request, const struct tree *tree, const char *name,
			struct error *err)
{
	bool known;

	return trait_is_known(request->db, tree, name, &known, err) &&
	       (known || error_set(err, ERROR_BAD_REQUEST, "No such trait(s): %.100s.", name));
}

/* "A,B" as ",A,B,", each looked at. */
static bool names_read(struct http_request *request, const struct tree *tree, const char *list, bool traits,
		       char **names, struct error *err)
{
	char *rest = http_copy(request, list), *item;
	struct text text = {0};
	bool ok = true;

	text_add(&text, ",");
	while (ok && (item = strsep(&rest, ","))) {
		ok = *item ? !traits || trait_check(request, tree, item, err)
			   : error_set(err, ERROR_BAD_REQUEST, "Malformed value: '%.100s'", list);
		text_addf(&text, "%s,", item);
	}
	*names = text_take(&text);
	return ok;
}

/* "HW_A,!HW_B": each by itself; "in:A,B": any of them. */
static bool traits_read(struct http_request *request, const char *value, const struct tree *tree,
			struct filter *filter, struct error *err)
{
	char *rest = http_copy(request, value), *item;
	struct filter_any *any;

	if (text_starts_with(value, "in:") && placement_since(request, 39))
		return (any = any_add(filter->traits, &filter->trait_count, err)) &&
		       names_read(request, tree, value + 3, true, &any->names, err);
	while ((item = strsep(&rest, ","))) {
		bool forbidden = *item == '!' && placement_since(request, 22);

		if (!(any = any_add(filter->traits, &filter->trait_count, err)) ||
		    !names_read(request, tree, item + forbidden, true, &any->names, err))
			return false;
		any->forbidden = forbidden;
	}
	return true;
}

static bool aggregates_read(struct http_request *request, const char *value, struct filter *filter,
			    struct error *err)
{
	struct filter_any *any = any_add(filter->aggregates, &filter->aggregate_count, err);

	if (!any)
		return false;
	any->forbidden = *value == '!' && placement_since(request, 32);
	value += any->forbidden;
	return names_read(request, NULL, value + (text_starts_with(value, "in:") ? 3 : 0), false, &any->names,
			  err);
}

bool filter_read_traits(struct http_request *request, const char *value, const struct tree *tree,
			struct filter *filter, struct error *err)
{
	return !value || traits_read(request, value, tree, filter, err);
}

static void in_tree_read(const char *id, const struct tree *tree, struct filter *filter)
{
	const struct provider *provider = tree_find(tree, id);

	filter->in_tree = true;
	filter->tree_root = provider ? provider->root : SIZE_MAX;
}

bool filter_read(struct http_request *request, const char *suffix, const struct tree *tree,
		 struct filter *filter, struct error *err)
{
	const char *name, *value;
	bool ok = true;

	for (size_t at = 0; ok && http_query_next(request, &at, &name, &value);) {
		size_t length = strlen(name) - (text_ends_with(name, suffix) ? strlen(suffix) : 0);

		if (strlen(suffix) != strlen(name) - length)
			continue;
		if (length == strlen("resources") && text_starts_with(name, "resources"))
			ok = amounts_read(request, value, tree, filter, err);
		else if (length == strlen("required") && text_starts_with(name, "required"))
			ok = traits_read(request, value, tree, filter, err);
		else if (length == strlen("member_of") && text_starts_with(name, "member_of"))
			ok = aggregates_read(request, value, filter, err);
		else if (length == strlen("in_tree") && text_starts_with(name, "in_tree"))
			in_tree_read(value, tree, filter);
	}
	return ok;
}

void filter_done(struct filter *filter)
{
	for (size_t i = 0; i < filter->trait_count; i++)
		free(filter->traits[i].names);
	for (size_t i = 0; i < filter->aggregate_count; i++)
		free(filter->aggregates[i].names);
}

/* --- applying --- */

/* Has the text any of the names?  Both between commas. */
static bool has_any_of(const char *text, const char *names)
{
	char name[PCI_NAME_SIZE + 2];

	for (const char *end; names[0] && names[1]; names = end) {
		end = strchr(names + 1, ',');
		snprintf(name, sizeof name, "%.*s", (int)(end - names + 1), names);
		if (strstr(text, name))
			return true;
	}
	return false;
}

bool filter_traits_fit(const struct filter *filter, const char *traits)
{
	for (size_t i = 0; i < filter->trait_count; i++) {
		if (has_any_of(traits, filter->traits[i].names) == filter->traits[i].forbidden)
			return false;
	}
	return true;
}

static bool is_member(const struct tree *tree, size_t host, const char *aggregates)
{
	char name[64];

	for (size_t i = 0; i < tree->membership_count; i++) {
		if (tree->memberships[i].provider != host)
			continue;
		snprintf(name, sizeof name, ",%s,", tree->memberships[i].aggregate);
		if (strstr(aggregates, name))
			return true;
	}
	return false;
}

bool filter_place_fits(const struct filter *filter, const struct tree *tree, size_t provider)
{
	size_t host = tree->providers[provider].root;

	if (filter->in_tree && filter->tree_root != host)
		return false;
	for (size_t i = 0; i < filter->aggregate_count; i++) {
		if (is_member(tree, host, filter->aggregates[i].names) == filter->aggregates[i].forbidden)
			return false;
	}
	return true;
}

bool filter_fits(const struct filter *filter, const struct tree *tree, size_t provider)
{
	const struct provider *p = &tree->providers[provider];

	for (size_t i = 0; i < filter->amount_count; i++) {
		const struct inventory *inventory = provider_inventory(p, filter->amounts[i].class);

		if (!inventory || !inventory_fits(inventory, filter->amounts[i].amount))
			return false;
	}
	return filter_traits_fit(filter, p->traits) && filter_place_fits(filter, tree, provider);
}
