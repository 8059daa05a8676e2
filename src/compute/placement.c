/* Rules about hosts out of hints, server groups and aggregates. */
#include "compute/placement.h"

#include "compute/aggregate.h"
#include "compute/server_group.h"

#include <string.h>

#define HINT_SERVERS_MAX 100

static void *own(struct placement *placement, void *memory)
{
	return *ARRAY_ADD(placement->owned, placement->owned_count) = memory;
}

void placement_done(struct placement *placement)
{
	for (size_t i = 0; i < placement->owned_count; i++)
		free(placement->owned[i]);
	free(placement->owned);
	*placement = (struct placement){0};
}

struct scheduler_rule *placement_rule(struct placement *placement, char *reason, bool only)
{
	struct scheduler_rule *rule = &placement->rules[placement->count++];

	own(placement, reason);

	*rule = (struct scheduler_rule){.reason = reason, .only = only};
	return rule;
}

/* The list doubles at powers of two; the old ones go with the rest. */
void placement_host_add(struct placement *placement, struct scheduler_rule *rule, const char *host_id)
{
	const char **ids = (const char **)rule->host_ids;

	if ((rule->host_count & (rule->host_count - 1)) == 0) {
		ids = own(placement,
			  memory_alloc((rule->host_count ? 2 * rule->host_count : 1) * sizeof *ids));
		if (rule->host_count)
			memcpy(ids, rule->host_ids, rule->host_count * sizeof *ids);
		rule->host_ids = ids;
	}
	ids[rule->host_count++] = own(placement, memory_copy_text(host_id));
}

/* --- networks --- */

static bool is_tunnel(const char *type)
{
	return strcmp(type, "vxlan") == 0 || strcmp(type, "gre") == 0 || strcmp(type, "geneve") == 0;
}

void placement_networks(const struct network_port *ports, size_t count, struct placement *placement)
{
	const char **names = own(placement, memory_alloc((count + 1) * sizeof *names));
	struct numa_networks *networks = &placement->networks;

	*networks = (struct numa_networks){.physical = names};
	for (size_t i = 0; i < count; i++) {
		if (*ports[i].physical_network)
			names[networks->physical_count++] = ports[i].physical_network;
		networks->tunnelled |= is_tunnel(ports[i].network_type);
	}
}

/* --- hints --- */

/* A UUID or a list of them, as Nova's schema has it. */
static bool servers_read(struct http_request *request, yyjson_val *value, const char *name, const char ***ids,
			 size_t *count, struct error *err)
{
	size_t i, max = yyjson_is_arr(value) ? yyjson_arr_size(value) : 1;

	if (max > HINT_SERVERS_MAX)
		return error_set(err, ERROR_BAD_REQUEST, "The scheduler hint %s: at most %d servers.", name,
				 HINT_SERVERS_MAX);
	*ids = http_alloc(request, (max + 1) * sizeof **ids);
	for (i = 0; i < max; i++) {
		const char *id = yyjson_get_str(yyjson_is_arr(value) ? yyjson_arr_get(value, i) : value);

		if (!id || !schema_text_fits(SCHEMA_UUID, id))
			return error_set(
				err, ERROR_BAD_REQUEST,
				"Invalid input for field/attribute %s: expected the UUID of a server "
				"or a list of them.",
				name);
		(*ids)[(*count)++] = id;
	}
	return true;
}

/* JSON, or a text that is JSON. */
static bool query_read(struct http_request *request, yyjson_val *query, struct placement_hints *out,
		       struct error *err)
{
	if (!query)
		return true;
	if (!scheduler_filter_is_enabled(FILTER_JSON))
		return error_set(err, ERROR_BAD_REQUEST,
				 "The scheduler hint query needs JsonFilter in [filter_scheduler] "
				 "enabled_filters.");
	_cleanup_free_ char *text = compute_json_text(query);
	out->query = http_copy(request, yyjson_is_str(query) ? yyjson_get_str(query) : text);
	return true;
}

bool placement_hints_read(struct http_request *request, yyjson_val *hints, struct placement_hints *out,
			  struct error *err)
{
	static const char *const unknown[] = {"target_cell", "different_cell", "build_near_host_ip", "cidr"};
	yyjson_val *group = yyjson_obj_get(hints, "group"), *same = yyjson_obj_get(hints, "same_host"),
		   *different = yyjson_obj_get(hints, "different_host");

	for (size_t i = 0; i < ELEMENTS_OF(unknown); i++) {
		if (yyjson_obj_get(hints, unknown[i]))
			return error_set(err, ERROR_BAD_REQUEST,
					 "The scheduler hint %s is not known to Penstock.", unknown[i]);
	}
	if (!query_read(request, yyjson_obj_get(hints, "query"), out, err))
		return false;
	out->group_id = yyjson_get_str(group);
	out->has_same_host = same;
	if (group && (!out->group_id || !schema_text_fits(SCHEMA_UUID, out->group_id)))
		return error_set(err, ERROR_BAD_REQUEST,
				 "Invalid input for field/attribute group: expected the UUID of a server "
				 "group.");
	return (!same ||
		servers_read(request, same, "same_host", &out->same_host, &out->same_host_count, err)) &&
	       (!different || servers_read(request, different, "different_host", &out->different_host,
					   &out->different_host_count, err));
}

/* Servers of other projects are not there for who may not see them. */
static bool host_of_server(struct store *db, const struct auth *auth, const char *server_id,
			   struct placement *placement, struct scheduler_rule *rule, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err,
			 "SELECT host_id FROM server WHERE id = ?1 AND host_id IS NOT NULL "
			 "AND (?2 = 1 OR project_id = ?3)",
			 V(server_id), V(auth->admin), V(auth->project_id)))
		return false;
	if (store_next(&rows))
		placement_host_add(placement, rule, store_text(&rows, 0));
	return store_end(&rows, err);
}

static bool hint_rule(struct store *db, const struct auth *auth, struct placement *placement,
		      const char *reason, bool only, const char *const *servers, size_t count,
		      struct error *err)
{
	struct scheduler_rule *rule = placement_rule(placement, memory_copy_text(reason), only);

	for (size_t i = 0; i < count; i++) {
		if (!host_of_server(db, auth, servers[i], placement, rule, err))
			return false;
	}
	return true;
}

bool placement_make(struct store *db, const struct auth *auth, const struct placement_hints *hints,
		    const char *extra_specs, struct placement *placement, struct error *err)
{
	placement_done(placement);
	return (!hints->has_same_host ||
		hint_rule(db, auth, placement, "has none of the servers that the hint same_host names", true,
			  hints->same_host, hints->same_host_count, err)) &&
	       (hints->different_host_count == 0 ||
		hint_rule(db, auth, placement, "has a server that the hint different_host names", false,
			  hints->different_host, hints->different_host_count, err)) &&
	       (!hints->group_id || server_group_rule(db, auth, hints, placement, err)) &&
	       aggregate_rules(db, extra_specs, placement, err);
}

bool placement_filters(struct store *db, const struct placement_subject *subject, struct placement *placement,
		       struct scheduler_request *request, struct error *err)
{
	request->extra_specs = subject->extra_specs;
	request->image = subject->image;
	request->image_id = subject->image_id;
	request->query = subject->query;
	if (!aggregate_filters(db, subject, placement, err))
		return false;
	request->rules = placement->rules;
	request->rule_count = placement->count;
	return true;
}
