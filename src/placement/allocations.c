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
		yyjson_mut_obj_add_strcpy(doc, root, "project_id", owner.found ? owner.project_id : NOBODY);
		yyjson_mut_obj_add_strcpy(doc, root, "user_id", owner.found ? owner.user_id : NOBODY);
	}
	if (placement_since(request, 28))
		yyjson_mut_obj_add_int(doc, root, "consumer_generation", 1);
	if (placement_since(request, 38))
		yyjson_mut_obj_add_str(doc, root, "consumer_type", "INSTANCE");
	return true;
}

/* --- a project --- */

struct sum {
	const char *class;
	int64_t amount;
};

static void sum_add(struct sum **sums, size_t *count, const char *class, int64_t amount)
{
	for (size_t i = 0; i < *count; i++) {
		if (strcmp((*sums)[i].class, class) == 0) {
			(*sums)[i].amount += amount;
			return;
		}
	}
	*ARRAY_ADD(*sums, *count) = (struct sum){.class = class, .amount = amount};
}

static void sums_view(const struct sum *sums, size_t count, yyjson_mut_doc *doc, yyjson_mut_val *object)
{
	for (size_t i = 0; i < count; i++)
		yyjson_mut_obj_add(object, yyjson_mut_strcpy(doc, sums[i].class),
				   yyjson_mut_int(doc, sums[i].amount));
}

/* Since 1.38 by the type of consumer; all are INSTANCE. */
static void usages_view(struct http_request *request, struct http_response *response, const struct sum *sums,
			size_t count, int64_t consumers)
{
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *usages = yyjson_mut_obj_add_obj(response->json, root, "usages");
	const char *type = http_query(request, "consumer_type");

	if (!placement_since(request, 38)) {
		sums_view(sums, count, response->json, usages);
		return;
	}
	if (consumers == 0 || (type && strcmp(type, "INSTANCE") != 0 && strcmp(type, "all") != 0))
		return;
	usages = yyjson_mut_obj_add_obj(response->json, usages, text_equal(type, "all") ? "all" : "INSTANCE");
	yyjson_mut_obj_add_int(response->json, usages, "consumer_count", consumers);
	sums_view(sums, count, response->json, usages);
}

static void usages_sum(const struct tree *tree, const struct map *ids, struct sum **sums, size_t *count,
		       int64_t *consumers)
{
	const char *last = "";

	for (size_t i = 0; i < tree->allocation_count; i++) {
		const struct allocation *one = &tree->allocations[i];

		if (!map_get(ids, one->consumer))
			continue;
		*consumers += strcmp(last, one->consumer) != 0;
		last = one->consumer;
		sum_add(sums, count, one->class, one->amount);
	}
}

bool usages_show(struct http_request *request, struct http_response *response, struct error *err)
{
	static const struct query_parameter known[] = {{"project_id", 0},
						       {"user_id", 0},
						       {"consumer_type", 38},
						       {0}};
	_cleanup_(tree_done) struct tree tree = {0};
	_cleanup_free_ struct sum *sums = NULL;
	const char *project = http_query(request, "project_id");
	struct map ids = {0};
	size_t count = 0;
	int64_t consumers = 0;

	if (!query_check(request, known, err))
		return false;
	if (!project)
		return error_set(err, ERROR_BAD_REQUEST,
				 "Invalid query string parameters: 'project_id' is a required property");
	bool ok = compute_consumers_of(request->db, project, http_query(request, "user_id"), &ids, err) &&
		  tree_load(request->db, NULL, &tree, err);
	if (ok) {
		usages_sum(&tree, &ids, &sums, &count, &consumers);
		usages_view(request, response, sums, count, consumers);
	}
	map_done(&ids, NULL);
	return ok;
}
