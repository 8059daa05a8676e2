/* Allocation candidates: in which ways what is asked for could be had now.  Amounts without a group are
 * spread over a host and its devices, each class from one provider; a group with a suffix is had from one
 * provider. */
#include "placement/filter.h"
#include "placement/service.h"

#include <string.h>

enum {
	GROUPS_MAX = 32,
	PARTS_MAX = 128,	/* providers that one candidate names */
	CANDIDATES_MAX = 1000,	/* that are given without a limit */
	STEPS_MAX = 200 * 1000, /* of the search on one host */
};

struct group {
	const char *suffix; /* "" for what has none */
	struct filter filter;
};

/* So much of one class of one provider, for a group. */
struct part {
	size_t provider, group;
	const char *class;
	int64_t amount;
};

struct search {
	struct http_request *request;
	const struct tree *tree;
	struct group *groups; /* the first is the one without suffix */
	size_t group_count;
	bool isolate;
	size_t root;	 /* the host that is looked at */
	size_t children; /* its devices' providers: the first, */
	size_t child_count;
	struct part parts[PARTS_MAX];
	size_t part_count;
	int steps;
	int64_t left; /* candidates that may still be found */
	bool *hosts;  /* by provider: a candidate is on this host */
	yyjson_mut_doc *doc;
	yyjson_mut_val *list;
};

/* --- reading --- */

static bool group_add(struct search *s, const char *suffix, struct error *err)
{
	for (size_t i = 0; i < s->group_count; i++) {
		if (strcmp(s->groups[i].suffix, suffix) == 0)
			return true;
	}
	if (s->group_count == GROUPS_MAX)
		return error_set(err, ERROR_BAD_REQUEST, "At most %d groups can be asked for.",
				 GROUPS_MAX - 1);
	s->groups[s->group_count++].suffix = suffix;
	return true;
}

/* "_compute1", "1": 1.25 has numbers only, 1.33 what follows. */
static bool suffix_is_good(const struct http_request *request, const char *suffix)
{
	static const char digits[] = "0123456789",
			  all[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-";
	size_t length = strlen(suffix);

	if (length == 0)
		return true;
	if (!placement_since(request, 33))
		return placement_since(request, 25) && *suffix != '0' && strspn(suffix, digits) == length;
	return length <= 64 && strspn(suffix, all) == length;
}

static bool parameter_read(struct search *s, const char *name, struct error *err)
{
	static const struct query_parameter plain[] = {{"limit", 16},
						       {"group_policy", 25},
						       {"root_required", 35}};
	static const struct query_parameter grouped[] = {{"resources", 10},
							 {"required", 17},
							 {"member_of", 21},
							 {"in_tree", 31}};

	for (size_t i = 0; i < ELEMENTS_OF(plain); i++) {
		if (strcmp(name, plain[i].name) == 0 && placement_since(s->request, plain[i].since))
			return true;
	}
	if (strcmp(name, "same_subtree") == 0 && placement_since(s->request, 36))
		return error_set(err, ERROR_NOT_IMPLEMENTED,
				 "same_subtree cannot be asked for: Penstock does not have this.");
	for (size_t i = 0; i < ELEMENTS_OF(grouped); i++) {
		size_t length = strlen(grouped[i].name);

		if (strncmp(name, grouped[i].name, length) == 0 &&
		    placement_since(s->request, grouped[i].since) &&
		    suffix_is_good(s->request, name + length))
			return group_add(s, name + length, err);
	}
	return error_set(
		err, ERROR_BAD_REQUEST,
		"Invalid query string parameters: Additional properties are not allowed ('%.100s' was "
		"unexpected)",
		name);
}

static bool policy_read(struct search *s, struct error *err)
{
	const char *policy = http_query(s->request, "group_policy");

	s->isolate = text_equal(policy, "isolate");
	if (policy && !s->isolate && strcmp(policy, "none") != 0)
		return error_set(err, ERROR_BAD_REQUEST,
				 "The group_policy parameter must be one of 'none' and 'isolate'.");
	return policy || s->group_count <= 2 ||
	       error_set(err, ERROR_BAD_REQUEST,
			 "The \"group_policy\" parameter is required when specifying more than one "
			 "\"resources{N}\" parameter.");
}

static bool limit_read(struct search *s, struct error *err)
{
	const char *limit = http_query(s->request, "limit");

	s->left = CANDIDATES_MAX;
	return !limit || text_to_int64(limit, 1, INT32_MAX, &s->left) ||
	       error_set(err, ERROR_BAD_REQUEST,
			 "Invalid query string parameters: 'limit' must be a number above 0");
}

static bool groups_read(struct search *s, struct error *err)
{
	const char *name, *value;
	size_t amounts = 0;

	group_add(s, "", err);
	for (size_t at = 0; http_query_next(s->request, &at, &name, &value);) {
		if (!parameter_read(s, name, err))
			return false;
	}
	for (size_t i = 0; i < s->group_count; i++) {
		struct group *group = &s->groups[i];

		if (!filter_read(s->request, group->suffix, s->tree, &group->filter, err))
			return false;
		amounts += group->filter.amount_count;
		if (i > 0 && group->filter.amount_count == 0)
			return error_set(err, ERROR_BAD_REQUEST,
					 "All traits and aggregates must be associated with resources: there "
					 "is no resources%s.",
					 group->suffix);
	}
	if (amounts == 0)
		return error_set(err, ERROR_BAD_REQUEST,
				 "Invalid query string parameters: 'resources' is a required property");
	return policy_read(s, err) && limit_read(s, err);
}

static void groups_done(struct search *s)
{
	for (size_t i = 0; i < s->group_count; i++)
		filter_done(&s->groups[i].filter);
}

/* --- one candidate --- */

static bool is_of_group(const struct search *s, size_t provider, size_t group)
{
	for (size_t i = 0; i < s->part_count; i++) {
		if (s->parts[i].provider == provider && s->parts[i].group == group)
			return true;
	}
	return false;
}

static void resources_view(struct search *s, size_t provider, yyjson_mut_val *object)
{
	for (size_t i = 0; i < s->part_count; i++) {
		const struct part *part = &s->parts[i];
		yyjson_mut_val *before = yyjson_mut_obj_get(object, part->class);
		int64_t amount = part->amount + (before ? yyjson_mut_get_sint(before) : 0);

		if (part->provider == provider)
			yyjson_mut_obj_put(object, yyjson_mut_strcpy(s->doc, part->class),
					   yyjson_mut_sint(s->doc, amount));
	}
}

static bool is_first(const struct search *s, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (s->parts[i].provider == s->parts[at].provider)
			return false;
	}
	return true;
}

static void mappings_view(struct search *s, yyjson_mut_val *candidate)
{
	yyjson_mut_val *mappings = yyjson_mut_obj_add_obj(s->doc, candidate, "mappings");

	for (size_t group = 0; group < s->group_count; group++) {
		yyjson_mut_val *list = NULL;

		for (size_t i = 0; i < s->part_count; i++) {
			if (!is_first(s, i) || !is_of_group(s, s->parts[i].provider, group))
				continue;
			if (!list)
				list = yyjson_mut_obj_add_arr(s->doc, mappings,
							      http_copy(s->request, s->groups[group].suffix));
			yyjson_mut_arr_add_strcpy(s->doc, list, s->tree->providers[s->parts[i].provider].id);
		}
	}
}

/* A list before 1.12, an object since. */
static void candidate_found(struct search *s)
{
	yyjson_mut_val *candidate = yyjson_mut_arr_add_obj(s->doc, s->list), *all, *one;
	bool object = placement_since(s->request, 12);

	s->left--;
	s->hosts[s->root] = true;
	all = object ? yyjson_mut_obj_add_obj(s->doc, candidate, "allocations")
		     : yyjson_mut_obj_add_arr(s->doc, candidate, "allocations");
	for (size_t i = 0; i < s->part_count; i++) {
		const char *id = http_copy(s->request, s->tree->providers[s->parts[i].provider].id);

		if (!is_first(s, i))
			continue;
		if (object) {
			one = yyjson_mut_obj_add_obj(s->doc, all, id);
		} else {
			one = yyjson_mut_arr_add_obj(s->doc, all);
			yyjson_mut_obj_add_str(s->doc,
					       yyjson_mut_obj_add_obj(s->doc, one, "resource_provider"),
					       "uuid", id);
		}
		resources_view(s, s->parts[i].provider, yyjson_mut_obj_add_obj(s->doc, one, "resources"));
	}
	if (placement_since(s->request, 34))
		mappings_view(s, candidate);
}

/* --- the search on one host --- */

/* The host and its devices, one after the other; SIZE_MAX after the last. */
static size_t provider_at(const struct search *s, size_t i)
{
	if (i == 0)
		return s->root;
	return i <= s->child_count ? s->children + i - 1 : SIZE_MAX;
}

static void look_for_group(struct search *s, size_t group);

/* Can the provider give this beside what the candidate takes of it already? */
static bool part_fits(const struct search *s, size_t provider, const char *class, int64_t amount)
{
	const struct inventory *inventory = provider_inventory(&s->tree->providers[provider], class);

	for (size_t i = 0; i < s->part_count; i++) {
		if (s->parts[i].provider == provider && strcmp(s->parts[i].class, class) == 0)
			amount += s->parts[i].amount;
	}
	return inventory && inventory_fits(inventory, amount) && s->part_count < PARTS_MAX;
}

static void part_push(struct search *s, size_t provider, size_t group, const struct filter_amount *amount)
{
	s->parts[s->part_count++] = (struct part){.provider = provider,
						  .group = group,
						  .class = amount->class,
						  .amount = amount->amount};
}

/* Traits of what has no group may be on any of the providers that give something. */
static bool traits_together_fit(const struct search *s)
{
	_cleanup_(text_done) struct text traits = {0};

	for (size_t i = 0; i < s->part_count; i++)
		text_add(&traits, s->tree->providers[s->parts[i].provider].traits);
	return filter_traits_fit(&s->groups[0].filter, traits.data ? traits.data : ",");
}

/* Each class of what has no group, from any provider of the host. */
static void look_for_amount(struct search *s, size_t index)
{
	const struct filter *filter = &s->groups[0].filter;

	if (index == filter->amount_count) {
		if (traits_together_fit(s))
			look_for_group(s, 1);
		return;
	}
	for (size_t i = 0, p; (p = provider_at(s, i)) != SIZE_MAX && s->left > 0 && s->steps > 0; i++) {
		const struct filter_amount *amount = &filter->amounts[index];

		s->steps--;
		if (!part_fits(s, p, amount->class, amount->amount))
			continue;
		part_push(s, p, 0, amount);
		look_for_amount(s, index + 1);
		s->part_count--;
	}
}

/* isolate: no two groups with a suffix of one provider. */
static bool is_apart(const struct search *s, size_t provider)
{
	for (size_t i = 0; s->isolate && i < s->part_count; i++) {
		if (s->parts[i].group > 0 && s->parts[i].provider == provider)
			return false;
	}
	return true;
}

/* Adds all of the group's amounts, or none. */
static bool group_push(struct search *s, size_t provider, size_t group)
{
	const struct filter *filter = &s->groups[group].filter;
	size_t before = s->part_count;

	for (size_t i = 0; i < filter->amount_count; i++) {
		if (!part_fits(s, provider, filter->amounts[i].class, filter->amounts[i].amount)) {
			s->part_count = before;
			return false;
		}
		part_push(s, provider, group, &filter->amounts[i]);
	}
	return true;
}

static void look_for_group(struct search *s, size_t group)
{
	size_t before = s->part_count;

	if (group == s->group_count) {
		candidate_found(s);
		return;
	}
	for (size_t i = 0, p; (p = provider_at(s, i)) != SIZE_MAX && s->left > 0 && s->steps > 0; i++) {
		s->steps--;
		if (!is_apart(s, p) || !filter_fits(&s->groups[group].filter, s->tree, p) ||
		    !group_push(s, p, group))
			continue;
		look_for_group(s, group + 1);
		s->part_count = before;
	}
}

/* --- what there is of hosts with candidates --- */

static void summary_view(struct search *s, const struct provider *provider, yyjson_mut_val *summaries)
{
	yyjson_mut_val *one = yyjson_mut_obj_add_obj(s->doc, summaries, http_copy(s->request, provider->id));
	yyjson_mut_val *resources = yyjson_mut_obj_add_obj(s->doc, one, "resources");
	const struct provider *root = &s->tree->providers[provider->root];

	for (size_t i = 0; i < provider->inventory_count; i++) {
		const struct inventory *inventory = &provider->inventories[i];
		yyjson_mut_val *amount =
			yyjson_mut_obj_add_obj(s->doc, resources, http_copy(s->request, inventory->class));

		yyjson_mut_obj_add_int(s->doc, amount, "capacity", inventory_capacity(inventory));
		yyjson_mut_obj_add_int(s->doc, amount, "used", inventory->used);
	}
	if (placement_since(s->request, 17))
		traits_view(http_copy(s->request, provider->traits), s->doc,
			    yyjson_mut_obj_add_arr(s->doc, one, "traits"));
	if (!placement_since(s->request, 29))
		return;
	if (root == provider)
		yyjson_mut_obj_add_null(s->doc, one, "parent_provider_uuid");
	else
		yyjson_mut_obj_add_strcpy(s->doc, one, "parent_provider_uuid", root->id);
	yyjson_mut_obj_add_strcpy(s->doc, one, "root_provider_uuid", root->id);
}

/* root_required: of the host itself. */
static bool root_fits(const struct search *s, const struct filter *root)
{
	if (!filter_place_fits(&s->groups[0].filter, s->tree, s->root))
		return false;
	return filter_traits_fit(root, s->tree->providers[s->root].traits);
}

static void search_run(struct search *s, const struct filter *root)
{
	size_t hosts = 0;

	while (hosts < s->tree->provider_count && s->tree->providers[hosts].root == hosts)
		hosts++;
	s->children = hosts;
	for (s->root = 0; s->root < hosts && s->left > 0; s->root++) {
		s->children += s->child_count;
		s->child_count = 0;
		while (s->children + s->child_count < s->tree->provider_count &&
		       s->tree->providers[s->children + s->child_count].root == s->root)
			s->child_count++;
		s->steps = STEPS_MAX;
		if (root_fits(s, root))
			look_for_amount(s, 0);
	}
}

static void search_view(struct search *s, struct http_response *response, const struct filter *root)
{
	yyjson_mut_val *object = http_json_object(response, 200), *summaries;

	s->doc = response->json;
	s->list = yyjson_mut_obj_add_arr(s->doc, object, "allocation_requests");
	search_run(s, root);
	summaries = yyjson_mut_obj_add_obj(s->doc, object, "provider_summaries");
	for (size_t p = 0; p < s->tree->provider_count; p++) {
		if (s->hosts[s->tree->providers[p].root])
			summary_view(s, &s->tree->providers[p], summaries);
	}
}

bool candidates_list(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(tree_done) struct tree tree = {0};
	_cleanup_(filter_done) struct filter root = {0};
	_cleanup_free_ struct group *groups = memory_alloc(GROUPS_MAX * sizeof *groups);
	_cleanup_free_ struct search *s = memory_alloc(sizeof *s);
	_cleanup_free_ bool *hosts = NULL;

	*s = (struct search){.request = request, .tree = &tree, .groups = groups};
	bool ok = tree_load(request->db, NULL, &tree, err) && groups_read(s, err) &&
		  filter_read_traits(request, http_query(request, "root_required"), &tree, &root, err);
	if (ok) {
		s->hosts = hosts = memory_alloc(tree.provider_count + 1);
		search_view(s, response, &root);
	}
	groups_done(s);
	return ok;
}
