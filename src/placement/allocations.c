/* What consumers have: one server, or all servers of a project. */
#include "placement/service.h"

#include "base/map.h"
#include "compute/consumer.h"
#include "scheduler/view.h"

#include <string.h>

/* As Placement shows a consumer whose owner nobody told it. */
#define NOBODY "00000000-0000-0000-0000-000000000000"

/* --- one server --- */

static void allocations_of_host(struct http_request *request, const struct tree *tree, const char *consumer,
				yyjson_mut_doc *doc, yyjson_mut_val *all)
{
	for (size_t i = 0; i < tree->allocation_count;) {
		const struct provider *provider = &tree->providers[tree->allocations[i].provider];
		yyjson_mut_val *one;

		if (strcmp(tree->allocations[i].consumer, consumer) != 0) {
			i++;
			continue;
		}
		one = yyjson_mut_obj_add_obj(doc, all, http_copy(request, provider->id));
		yyjson_mut_obj_add_int(doc, one, "generation", provider->generation);
		i = allocations_view(tree, i, doc, one);
	}
}

/* While a server moves it may have something on two hosts. */
static bool allocations_of(struct http_request *request, const char *consumer, yyjson_mut_doc *doc,
			   yyjson_mut_val *all, struct error *err)
{
	char(*hosts)[37];
	size_t count;
	bool ok = scheduler_hosts_of_server(request->db, consumer, &hosts, &count, err);

	for (size_t i = 0; ok && i < count; i++) {
		_cleanup_(tree_done) struct tree tree = {0};

		ok = tree_load(request->db, hosts[i], &tree, err);
		if (ok)
			allocations_of_host(request, &tree, consumer, doc, all);
	}
	free(hosts);
	return ok;
}

bool allocations_show(struct http_request *request, struct http_response *response, struct error *err)
{
	const char *consumer = request->params[0];
	yyjson_mut_val *root = http_json_object(response, 200), *all;
	yyjson_mut_doc *doc = response->json;
	struct compute_consumer owner;

	all = yyjson_mut_obj_add_obj(doc, root, "allocations");
	if (!allocations_of(request, consumer, doc, all, err) ||
	    !compute_consumer_load(request->db, consumer, &owner, err))
		return false;
	if (yyjson_mut_obj_size(all) == 0)
		return true;
	if (placement_since(request, 12)) {
		yyjson_mut_obj_add_strcpy(doc, root, "project_id", owner.type ? owner.project_id : NOBODY);
		yyjson_mut_obj_add_strcpy(doc, root, "user_id", owner.type ? owner.user_id : NOBODY);
	}
	if (placement_since(request, 28))
		yyjson_mut_obj_add_int(doc, root, "consumer_generation", 1);
	if (placement_since(request, 38))
		yyjson_mut_obj_add_str(doc, root, "consumer_type", owner.type ? owner.type : "unknown");
	return true;
}

/* --- a project --- */

static const char *const types[] = {COMPUTE_INSTANCE, COMPUTE_MIGRATION};
enum { TYPE_COUNT = ELEMENTS_OF(types) };

struct sum {
	const char *class;
	int64_t amounts[TYPE_COUNT];
};

struct sums {
	struct sum *items;
	size_t count;
	int64_t consumers[TYPE_COUNT];
};

static void sums_done(struct sums *sums)
{
	free(sums->items);
}

static void sums_add(struct sums *sums, const char *class, size_t type, int64_t amount)
{
	size_t i = 0;

	while (i < sums->count && strcmp(sums->items[i].class, class) != 0)
		i++;
	if (i == sums->count)
		ARRAY_ADD(sums->items, sums->count)->class = class;
	sums->items[i].amounts[type] += amount;
}

static void sums_of(const struct tree *tree, const struct map *ids, struct sums *sums)
{
	const char *last = "";

	for (size_t i = 0; i < tree->allocation_count; i++) {
		const struct allocation *one = &tree->allocations[i];
		const char *name = map_get(ids, one->consumer);
		size_t type = name && strcmp(name, types[0]) != 0;

		if (!name)
			continue;
		sums->consumers[type] += strcmp(last, one->consumer) != 0;
		last = one->consumer;
		sums_add(sums, one->class, type, one->amount);
	}
}

/* Of the types whose bits are set. */
static void sums_view(const struct sums *sums, unsigned wanted, yyjson_mut_doc *doc, yyjson_mut_val *object)
{
	for (size_t i = 0; i < sums->count; i++) {
		int64_t amount = 0;

		for (size_t type = 0; type < TYPE_COUNT; type++)
			amount += wanted >> type & 1 ? sums->items[i].amounts[type] : 0;
		if (amount > 0)
			yyjson_mut_obj_add(object, yyjson_mut_strcpy(doc, sums->items[i].class),
					   yyjson_mut_sint(doc, amount));
	}
}

static void group_view(const struct sums *sums, unsigned wanted, const char *name, yyjson_mut_doc *doc,
		       yyjson_mut_val *usages)
{
	int64_t consumers = 0;
	yyjson_mut_val *group;

	for (size_t type = 0; type < TYPE_COUNT; type++)
		consumers += wanted >> type & 1 ? sums->consumers[type] : 0;
	if (consumers == 0)
		return;
	group = yyjson_mut_obj_add_obj(doc, usages, name);
	yyjson_mut_obj_add_int(doc, group, "consumer_count", consumers);
	sums_view(sums, wanted, doc, group);
}

/* Since 1.38 by the type of consumer. */
static void usages_view(struct http_request *request, struct http_response *response, const struct sums *sums)
{
	const unsigned all = (1u << TYPE_COUNT) - 1;
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *usages = yyjson_mut_obj_add_obj(response->json, root, "usages");
	const char *type = http_query(request, "consumer_type");

	if (!placement_since(request, 38)) {
		sums_view(sums, all, response->json, usages);
		return;
	}
	if (text_equal(type, "all"))
		group_view(sums, all, "all", response->json, usages);
	for (size_t i = 0; i < TYPE_COUNT && !text_equal(type, "all"); i++) {
		if (!type || strcmp(type, types[i]) == 0)
			group_view(sums, 1u << i, types[i], response->json, usages);
	}
}

bool usages_show(struct http_request *request, struct http_response *response, struct error *err)
{
	static const struct query_parameter known[] = {{"project_id", 0},
						       {"user_id", 0},
						       {"consumer_type", 38},
						       {0}};
	_cleanup_(tree_done) struct tree tree = {0};
	_cleanup_(sums_done) struct sums sums = {0};
	const char *project = http_query(request, "project_id");
	struct map ids = {0};

	if (!query_check(request, known, err))
		return false;
	if (!project)
		return error_set(err, ERROR_BAD_REQUEST,
				 "Invalid query string parameters: 'project_id' is a required property");
	bool ok = compute_consumers_of(request->db, project, http_query(request, "user_id"), &ids, err) &&
		  tree_load(request->db, NULL, &tree, err);
	if (ok) {
		sums_of(&tree, &ids, &sums);
		usages_view(request, response, &sums);
	}
	map_done(&ids, NULL);
	return ok;
}
