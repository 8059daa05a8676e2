/* Resource providers: listing them, and each one's inventories, usages, traits, aggregates, allocations. */
#include "placement/filter.h"
#include "placement/service.h"

#include <string.h>

#define GENERATION "resource_provider_generation"

struct provider *provider_load(struct http_request *request, struct tree *tree, struct error *err)
{
	const char *id = request->params[0];
	struct provider *provider;
	char host_id[37];

	if (!tree_host_of(request->db, id, host_id, err) || !tree_load(request->db, host_id, tree, err))
		return NULL;
	provider = tree_find(tree, id);
	if (!provider)
		error_set(err, ERROR_NOT_FOUND, "No resource provider with uuid %.64s found", id);
	return provider;
}

/* --- one of them --- */

static void links_view(struct http_request *request, const char *id, yyjson_mut_doc *doc,
		       yyjson_mut_val *object)
{
	static const struct {
		const char *rel;
		int since;
	} links[] = {{"self", 0},	{"inventories", 0}, {"usages", 0},
		     {"aggregates", 1}, {"traits", 6},	    {"allocations", 11}};
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, object, "links");

	for (size_t i = 0; i < ELEMENTS_OF(links); i++) {
		yyjson_mut_val *link;

		if (!placement_since(request, links[i].since))
			continue;
		link = yyjson_mut_arr_add_obj(doc, list);
		yyjson_mut_obj_add_str(doc, link, "rel", links[i].rel);
		yyjson_mut_obj_add_str(doc, link, "href",
				       http_printf(request, "/placement/resource_providers/%s%s%s", id,
						   i ? "/" : "", i ? links[i].rel : ""));
	}
}

static void provider_view(struct http_request *request, const struct tree *tree,
			  const struct provider *provider, yyjson_mut_doc *doc, yyjson_mut_val *object)
{
	const struct provider *root = &tree->providers[provider->root];

	yyjson_mut_obj_add_strcpy(doc, object, "uuid", provider->id);
	yyjson_mut_obj_add_strcpy(doc, object, "name", provider->name);
	yyjson_mut_obj_add_int(doc, object, "generation", provider->generation);
	links_view(request, provider->id, doc, object);
	if (!placement_since(request, 14))
		return;
	yyjson_mut_obj_add_strcpy(doc, object, "root_provider_uuid", root->id);
	if (root == provider)
		yyjson_mut_obj_add_null(doc, object, "parent_provider_uuid");
	else
		yyjson_mut_obj_add_strcpy(doc, object, "parent_provider_uuid", root->id);
}

bool provider_show(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(tree_done) struct tree tree = {0};
	struct provider *provider = provider_load(request, &tree, err);

	if (!provider)
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	provider_view(request, &tree, provider, response->json, root);
	return true;
}

static const struct query_parameter list_parameters[] = {
	{"name", 0}, {"uuid", 0}, {"member_of", 3}, {"resources", 4}, {"in_tree", 14}, {"required", 18}, {0}};

bool providers_list(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(tree_done) struct tree tree = {0};
	_cleanup_(filter_done) struct filter filter = {0};
	const char *name = http_query(request, "name"), *id = http_query(request, "uuid");

	if (!query_check(request, list_parameters, err) || !tree_load(request->db, NULL, &tree, err) ||
	    !filter_read(request, "", &tree, &filter, err))
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "resource_providers");
	for (size_t i = 0; i < tree.provider_count; i++) {
		const struct provider *provider = &tree.providers[i];

		if ((!name || strcmp(name, provider->name) == 0) && (!id || strcmp(id, provider->id) == 0) &&
		    filter_fits(&filter, &tree, i))
			provider_view(request, &tree, provider, response->json,
				      yyjson_mut_arr_add_obj(response->json, list));
	}
	return true;
}

/* --- inventories and usages --- */

static void inventory_view(const struct inventory *inventory, yyjson_mut_doc *doc, yyjson_mut_val *object)
{
	yyjson_mut_obj_add_int(doc, object, "total", inventory->total);
	yyjson_mut_obj_add_int(doc, object, "reserved", inventory->reserved);
	yyjson_mut_obj_add_int(doc, object, "min_unit", 1);
	yyjson_mut_obj_add_int(doc, object, "max_unit", inventory->total);
	yyjson_mut_obj_add_int(doc, object, "step_size", 1);
	yyjson_mut_obj_add_real(doc, object, "allocation_ratio", inventory->ratio);
}

bool provider_inventories(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(tree_done) struct tree tree = {0};
	struct provider *provider = provider_load(request, &tree, err);

	if (!provider)
		return false;
	yyjson_mut_val *root = http_json_object(response, 200), *object;
	yyjson_mut_doc *doc = response->json;
	yyjson_mut_obj_add_int(doc, root, GENERATION, provider->generation);
	object = yyjson_mut_obj_add_obj(doc, root, "inventories");
	for (size_t i = 0; i < provider->inventory_count; i++)
		inventory_view(&provider->inventories[i], doc,
			       yyjson_mut_obj_add_obj(doc, object,
						      http_copy(request, provider->inventories[i].class)));
	return true;
}

bool provider_inventory_show(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(tree_done) struct tree tree = {0};
	struct provider *provider = provider_load(request, &tree, err);
	struct inventory *inventory = provider ? provider_inventory(provider, request->params[1]) : NULL;

	if (!inventory)
		return provider && error_set(err, ERROR_NOT_FOUND, "No inventory of class %.255s for %s",
					     request->params[1], provider->id);
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_obj_add_int(response->json, root, GENERATION, provider->generation);
	inventory_view(inventory, response->json, root);
	return true;
}

bool provider_usages(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(tree_done) struct tree tree = {0};
	struct provider *provider = provider_load(request, &tree, err);

	if (!provider)
		return false;
	yyjson_mut_val *root = http_json_object(response, 200), *object;
	yyjson_mut_doc *doc = response->json;
	yyjson_mut_obj_add_int(doc, root, GENERATION, provider->generation);
	object = yyjson_mut_obj_add_obj(doc, root, "usages");
	for (size_t i = 0; i < provider->inventory_count; i++)
		yyjson_mut_obj_add_int(doc, object, http_copy(request, provider->inventories[i].class),
				       provider->inventories[i].used);
	return true;
}

/* --- traits and aggregates --- */

bool provider_traits(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(tree_done) struct tree tree = {0};
	struct provider *provider = provider_load(request, &tree, err);

	if (!provider)
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_obj_add_int(response->json, root, GENERATION, provider->generation);
	/* the list is copied: the tree's texts go with it */
	traits_view(http_copy(request, provider->traits), response->json,
		    yyjson_mut_obj_add_arr(response->json, root, "traits"));
	return true;
}

bool provider_aggregates(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(tree_done) struct tree tree = {0};
	struct provider *provider = provider_load(request, &tree, err);

	if (!provider)
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "aggregates");
	for (size_t i = 0; i < tree.membership_count; i++) {
		if (&tree.providers[tree.memberships[i].provider] == provider)
			yyjson_mut_arr_add_strcpy(response->json, list, tree.memberships[i].aggregate);
	}
	if (placement_since(request, 19))
		yyjson_mut_obj_add_int(response->json, root, GENERATION, provider->generation);
	return true;
}

/* --- allocations --- */

size_t allocations_view(const struct tree *tree, size_t at, yyjson_mut_doc *doc, yyjson_mut_val *object)
{
	const struct allocation *first = &tree->allocations[at];
	yyjson_mut_val *resources = yyjson_mut_obj_add_obj(doc, object, "resources");

	for (; at < tree->allocation_count; at++) {
		const struct allocation *one = &tree->allocations[at];

		if (one->provider != first->provider || strcmp(one->consumer, first->consumer) != 0)
			break;
		yyjson_mut_obj_add(resources, yyjson_mut_strcpy(doc, one->class),
				   yyjson_mut_int(doc, one->amount));
	}
	return at;
}

bool provider_allocations(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(tree_done) struct tree tree = {0};
	struct provider *provider = provider_load(request, &tree, err);
	size_t index = provider ? (size_t)(provider - tree.providers) : 0;

	if (!provider)
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *all = yyjson_mut_obj_add_obj(response->json, root, "allocations");
	for (size_t i = 0; i < tree.allocation_count;) {
		yyjson_mut_val *one;

		if (tree.allocations[i].provider != index) {
			i++;
			continue;
		}
		one = yyjson_mut_obj_add_obj(response->json, all,
					     http_copy(request, tree.allocations[i].consumer));
		if (placement_since(request, 28))
			yyjson_mut_obj_add_int(response->json, one, "consumer_generation", 1);
		i = allocations_view(&tree, i, response->json, one);
	}
	yyjson_mut_obj_add_int(response->json, root, GENERATION, provider->generation);
	return true;
}
