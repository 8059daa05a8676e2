/* Host aggregates: named sets of hosts with metadata, and the availability zones that they make. */
#include "compute/aggregate.h"

#include "base/extra_spec.h"

#include <string.h>

#define SCOPE "aggregate_instance_extra_specs:"

#define AGGREGATE_COLUMNS "number, uuid, name, availability_zone, metadata, created_at, updated_at"
enum {
	AGGREGATE_NUMBER,
	AGGREGATE_UUID,
	AGGREGATE_NAME,
	AGGREGATE_ZONE,
	AGGREGATE_METADATA,
	AGGREGATE_CREATED,
	AGGREGATE_UPDATED
};

/* --- views --- */

static bool hosts_view(struct http_request *request, int64_t number, yyjson_mut_doc *doc,
		       yyjson_mut_val *object, struct error *err)
{
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, object, "hosts");
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err,
			 "SELECT host_name FROM aggregate_host WHERE aggregate = ?1 ORDER BY host_name",
			 V(number)))
		return false;
	while (store_next(&rows))
		yyjson_mut_arr_add_strcpy(doc, list, store_text(&rows, 0));
	return store_end(&rows, err);
}

static void metadata_view(struct store_rows *rows, yyjson_mut_doc *doc, yyjson_mut_val *object)
{
	const char *text = store_text(rows, AGGREGATE_METADATA);
	yyjson_mut_val *metadata = yyjson_mut_obj_add_obj(doc, object, "metadata");
	yyjson_doc *stored = yyjson_read(text, strlen(text), 0);
	yyjson_val *key, *value;
	size_t i, max;

	if (!store_is_null(rows, AGGREGATE_ZONE))
		compute_add_text(doc, metadata, "availability_zone", store_text(rows, AGGREGATE_ZONE));
	yyjson_obj_foreach (yyjson_doc_get_root(stored), i, max, key, value)
		yyjson_mut_obj_add(metadata, yyjson_val_mut_copy(doc, key), yyjson_val_mut_copy(doc, value));
	yyjson_doc_free(stored);
}

/* The answer to a creation tells neither hosts nor metadata. */
static bool aggregate_view(struct http_request *request, struct store_rows *rows, bool whole,
			   yyjson_mut_doc *doc, yyjson_mut_val *object, struct error *err)
{
	yyjson_mut_obj_add_int(doc, object, "id", store_int(rows, AGGREGATE_NUMBER));
	if (request->microversion >= 2041)
		compute_add_text(doc, object, "uuid", store_text(rows, AGGREGATE_UUID));
	compute_add_text(doc, object, "name", store_text(rows, AGGREGATE_NAME));
	if (whole) {
		if (!hosts_view(request, store_int(rows, AGGREGATE_NUMBER), doc, object, err))
			return false;
		metadata_view(rows, doc, object);
	}
	compute_add_time_long(doc, object, "created_at", store_int(rows, AGGREGATE_CREATED));
	compute_add_time_long(doc, object, "updated_at", store_int(rows, AGGREGATE_UPDATED));
	yyjson_mut_obj_add_null(doc, object, "deleted_at");
	yyjson_mut_obj_add_bool(doc, object, "deleted", false);
	compute_add_text(doc, object, "availability_zone", store_text(rows, AGGREGATE_ZONE));
	return true;
}

/* --- reading --- */

struct aggregate {
	int64_t number;
	const char *name, *zone, *metadata; /* in the request's memory; zone: NULL: none */
};

static bool aggregate_query(struct http_request *request, const char *id, struct store_rows *rows,
			    struct error *err)
{
	int64_t number;

	if (!text_to_int64(id, INT64_MIN, INT64_MAX, &number))
		return error_set(err, ERROR_BAD_REQUEST, "Invalid input received: id must be an integer");
	if (!store_query(request->db, rows, err,
			 "SELECT " AGGREGATE_COLUMNS " FROM aggregate WHERE number = ?1", V(number)))
		return false;
	return store_next(rows) ||
	       (store_end(rows, err) &&
		error_set(err, ERROR_NOT_FOUND, "Aggregate %lld could not be found.", (long long)number));
}

static bool aggregate_load(struct http_request *request, struct aggregate *aggregate, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!aggregate_query(request, request->params[0], &rows, err))
		return false;
	*aggregate =
		(struct aggregate){.number = store_int(&rows, AGGREGATE_NUMBER),
				   .name = http_copy(request, store_text(&rows, AGGREGATE_NAME)),
				   .metadata = http_copy(request, store_text(&rows, AGGREGATE_METADATA))};
	if (!store_is_null(&rows, AGGREGATE_ZONE))
		aggregate->zone = http_copy(request, store_text(&rows, AGGREGATE_ZONE));
	return true;
}

static bool aggregate_answer(struct http_request *request, struct http_response *response, const char *id,
			     bool whole, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!aggregate_query(request, id, &rows, err))
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	return aggregate_view(request, &rows, whole, response->json,
			      yyjson_mut_obj_add_obj(response->json, root, "aggregate"), err);
}

static bool aggregates_index(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "aggregates");

	if (!store_query(request->db, &rows, err,
			 "SELECT " AGGREGATE_COLUMNS " FROM aggregate ORDER BY number"))
		return false;
	while (store_next(&rows)) {
		if (!aggregate_view(request, &rows, true, response->json,
				    yyjson_mut_arr_add_obj(response->json, list), err))
			return false;
	}
	return store_end(&rows, err);
}

static bool aggregate_show(struct http_request *request, struct http_response *response, struct error *err)
{
	return aggregate_answer(request, response, request->params[0], true, err);
}

/* --- zones: what the aggregates say of hosts --- */

/* Tells the scheduler the zone of one host anew.  A host with servers keeps its zone: they were promised it.
 */
static bool zone_settle(struct http_request *request, const struct aggregate *aggregate, const char *host_id,
			const char *what, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	struct scheduler_host host;
	const char *zone = NULL;
	bool has_servers = false;

	if (!scheduler_host_load(request->db, host_id, &host, err) ||
	    !store_query(request->db, &rows, err,
			 "SELECT (SELECT max(a.availability_zone) FROM aggregate a JOIN aggregate_host h ON "
			 "h.aggregate "
			 "= a.number WHERE h.host_id = ?1), EXISTS (SELECT 1 FROM server WHERE host_id = ?1)",
			 V(host_id)))
		return false;
	if (store_next(&rows)) {
		zone = store_is_null(&rows, 0) ? NULL : http_copy(request, store_text(&rows, 0));
		has_servers = store_int(&rows, 1);
	}
	if (!store_end(&rows, err))
		return false;
	if (strcmp(zone ? zone : "", host.aggregate_zone) == 0)
		return true;
	if (has_servers)
		return error_set(
			err, ERROR_CONFLICT,
			"Cannot %s aggregate %lld. Reason: One or more hosts contain instances in this zone.",
			what, (long long)aggregate->number);
	return scheduler_host_set_zone(request->db, host_id, zone, err);
}

/* A host is in one zone. */
static bool zone_check(struct http_request *request, const struct aggregate *aggregate, const char *host_id,
		       const char *zone, const char *what, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!zone)
		return true;
	if (!store_query(request->db, &rows, err,
			 "SELECT a.availability_zone, h.host_name FROM aggregate a JOIN aggregate_host h ON "
			 "h.aggregate "
			 "= a.number WHERE h.host_id = ?1 AND a.number <> ?2 AND a.availability_zone <> ?3",
			 V(host_id), V(aggregate->number), V(zone)))
		return false;
	if (store_next(&rows))
		return error_set(err, ERROR_CONFLICT,
				 "Cannot %s aggregate %lld. Reason: Host %s already in availability zone %s.",
				 what, (long long)aggregate->number, store_text(&rows, 1),
				 store_text(&rows, 0));
	return store_end(&rows, err);
}

/* After the aggregate's zone was changed: all its hosts. */
static bool zones_settle(struct http_request *request, const struct aggregate *aggregate, const char *zone,
			 struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err, "SELECT host_id FROM aggregate_host WHERE aggregate = ?1",
			 V(aggregate->number)))
		return false;
	while (store_next(&rows)) {
		if (!zone_check(request, aggregate, store_text(&rows, 0), zone, "update", err) ||
		    !zone_settle(request, aggregate, store_text(&rows, 0), "update", err))
			return false;
	}
	return store_end(&rows, err);
}

/* --- create, update, delete --- */

static const struct schema zone_text = {.types = SCHEMA_STRING | SCHEMA_NULL,
					.shortest = 1,
					.longest = 63,
					.format = SCHEMA_NAME};
static const struct schema_field create_fields[] = {{"name", &schema_name, .required = true},
						    {"availability_zone", &zone_text},
						    {0}};
static const struct schema create_object = {.types = SCHEMA_OBJECT, .fields = create_fields};
static const struct schema create_body = {
	.types = SCHEMA_OBJECT,
	.fields = (const struct schema_field[]){{"aggregate", &create_object, .required = true}, {0}}};
static const struct schema_field update_fields[] = {{"name", &schema_name},
						    {"availability_zone", &zone_text},
						    {0}};
static const struct schema update_object = {.types = SCHEMA_OBJECT, .fields = update_fields, .shortest = 1};
static const struct schema update_body = {
	.types = SCHEMA_OBJECT,
	.fields = (const struct schema_field[]){{"aggregate", &update_object, .required = true}, {0}}};

/* ':' would be read as "zone:host" when a server is made. */
static bool zone_name_check(const char *zone, struct error *err)
{
	return !zone || !strchr(zone, ':') ||
	       error_set(err, ERROR_BAD_REQUEST,
			 "Invalid input for field/attribute availability_zone. Value: %s. A zone's name has "
			 "no colon.",
			 zone);
}

static bool name_taken(const char *name, struct error *err)
{
	return err->kind == ERROR_CONFLICT
		       ? error_set(err, ERROR_CONFLICT, "Aggregate %s already exists.", name)
		       : false;
}

static bool aggregate_create(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = yyjson_obj_get(compute_body(request, &create_body, err), "aggregate");
	const char *name = yyjson_get_str(yyjson_obj_get(body, "name"));
	const char *zone = yyjson_get_str(yyjson_obj_get(body, "availability_zone"));
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	char uuid[SYS_UUID_SIZE];

	if (!body || !zone_name_check(zone, err))
		return false;
	if (!store_exec(
		    request->db, err,
		    "INSERT INTO aggregate (uuid, name, availability_zone, metadata, created_at, updated_at) "
		    "VALUES (?1, ?2, ?3, '{}', ?4, 0)",
		    V((const char *)sys_uuid(uuid)), V(name), V(zone), V(sys_now())))
		return name_taken(name, err);
	if (!store_query(request->db, &rows, err, "SELECT number FROM aggregate WHERE uuid = ?1",
			 V((const char *)uuid)))
		return false;
	const char *id =
		store_next(&rows) ? http_printf(request, "%lld", (long long)store_int(&rows, 0)) : "";
	return store_end(&rows, err) && aggregate_answer(request, response, id, false, err);
}

static bool aggregate_save(struct http_request *request, const struct aggregate *aggregate, struct error *err)
{
	return store_exec(request->db, err,
			  "UPDATE aggregate SET name = ?2, availability_zone = ?3, metadata = ?4, updated_at "
			  "= ?5 "
			  "WHERE number = ?1",
			  V(aggregate->number), V(aggregate->name), V(aggregate->zone),
			  V(aggregate->metadata), V(sys_now())) ||
	       name_taken(aggregate->name, err);
}

static bool aggregate_update(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = yyjson_obj_get(compute_body(request, &update_body, err), "aggregate");
	yyjson_val *zone = yyjson_obj_get(body, "availability_zone");
	const char *name = yyjson_get_str(yyjson_obj_get(body, "name"));
	struct aggregate aggregate;

	if (!body || !zone_name_check(yyjson_get_str(zone), err) || !aggregate_load(request, &aggregate, err))
		return false;
	aggregate.name = name ? name : aggregate.name;
	aggregate.zone = zone ? yyjson_get_str(zone) : aggregate.zone;
	return aggregate_save(request, &aggregate, err) &&
	       zones_settle(request, &aggregate, aggregate.zone, err) &&
	       aggregate_answer(request, response, request->params[0], true, err);
}

static bool aggregate_delete(struct http_request *request, struct http_response *response, struct error *err)
{
	struct aggregate aggregate;

	if (!aggregate_load(request, &aggregate, err))
		return false;
	if (store_exec(request->db, err, "DELETE FROM aggregate WHERE number = ?1", V(aggregate.number)))
		return compute_empty(response, 200);
	return err->kind == ERROR_CONFLICT ? error_set(err, ERROR_BAD_REQUEST,
						       "Cannot remove host from aggregate %lld. Reason: Host "
						       "aggregate is not empty.",
						       (long long)aggregate.number)
					   : false;
}

/* --- actions --- */

static const struct schema host_name = {.types = SCHEMA_STRING, .shortest = 1, .longest = 255};
static const struct schema_field host_fields[] = {{"host", &host_name, .required = true}, {0}};
static const struct schema host_object = {.types = SCHEMA_OBJECT, .fields = host_fields};
static const struct schema metadata_value = {.types = SCHEMA_STRING | SCHEMA_NULL, .longest = 255};
static const struct schema metadata_object = {.types = SCHEMA_OBJECT,
					      .items = &metadata_value,
					      .keys = SCHEMA_METADATA_KEY,
					      .shortest = 1,
					      .longest = 128};
static const struct schema_field metadata_fields[] = {{"metadata", &metadata_object, .required = true}, {0}};
static const struct schema set_object = {.types = SCHEMA_OBJECT, .fields = metadata_fields};
static const struct schema_field action_fields[] = {{"add_host", &host_object},
						    {"remove_host", &host_object},
						    {"set_metadata", &set_object},
						    {0}};
static const struct schema action_body = {.types = SCHEMA_OBJECT,
					  .fields = action_fields,
					  .shortest = 1,
					  .longest = 1};

static bool host_add(struct http_request *request, const struct aggregate *aggregate, const char *name,
		     struct error *err)
{
	struct scheduler_host host;

	if (!scheduler_host_load(request->db, name, &host, err))
		return false;
	if (!store_exec(request->db, err,
			"INSERT INTO aggregate_host (aggregate, host_id, host_name) VALUES (?1, ?2, ?3)",
			V(aggregate->number), V((const char *)host.id), V((const char *)host.name)))
		return err->kind == ERROR_CONFLICT
			       ? error_set(err, ERROR_CONFLICT, "Aggregate %lld already has host %s.",
					   (long long)aggregate->number, name)
			       : false;
	return zone_check(request, aggregate, host.id, aggregate->zone, "add host to", err) &&
	       zone_settle(request, aggregate, host.id, "add host to", err);
}

static bool host_remove(struct http_request *request, const struct aggregate *aggregate, const char *name,
			struct error *err)
{
	struct scheduler_host host;

	if (!scheduler_host_load(request->db, name, &host, err) ||
	    !store_exec(request->db, err, "DELETE FROM aggregate_host WHERE aggregate = ?1 AND host_id = ?2",
			V(aggregate->number), V((const char *)host.id)))
		return false;
	if (store_changes(request->db) == 0)
		return error_set(err, ERROR_NOT_FOUND, "Aggregate %lld has no host %s.",
				 (long long)aggregate->number, name);
	return zone_settle(request, aggregate, host.id, "remove host from", err);
}

/* null takes a key away. */
static bool metadata_set(struct http_request *request, struct aggregate *aggregate, yyjson_val *changes,
			 struct error *err)
{
	yyjson_doc *stored = yyjson_read(aggregate->metadata, strlen(aggregate->metadata), 0);
	yyjson_mut_doc *doc = yyjson_doc_mut_copy(stored, NULL);
	yyjson_mut_val *metadata = yyjson_mut_doc_get_root(doc);
	yyjson_val *key, *value;
	size_t i, max;

	yyjson_obj_foreach (changes, i, max, key, value) {
		const char *name = yyjson_get_str(key);

		if (strcmp(name, "availability_zone") == 0) {
			aggregate->zone = yyjson_get_str(value);
			continue;
		}
		yyjson_mut_obj_remove_key(metadata, name);
		if (!yyjson_is_null(value))
			yyjson_mut_obj_add(metadata, yyjson_val_mut_copy(doc, key),
					   yyjson_val_mut_copy(doc, value));
	}
	_cleanup_free_ char *text = yyjson_mut_write(doc, 0, NULL);
	aggregate->metadata = http_copy(request, text);
	yyjson_mut_doc_free(doc);
	yyjson_doc_free(stored);
	return zone_name_check(aggregate->zone, err) && aggregate_save(request, aggregate, err) &&
	       zones_settle(request, aggregate, aggregate->zone, err);
}

static bool aggregate_action(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = compute_body(request, &action_body, err);
	yyjson_val *add = yyjson_obj_get(body, "add_host"), *remove = yyjson_obj_get(body, "remove_host");
	struct aggregate aggregate;

	if (!body || !aggregate_load(request, &aggregate, err))
		return false;
	bool ok = add	   ? host_add(request, &aggregate, yyjson_get_str(yyjson_obj_get(add, "host")), err)
		  : remove ? host_remove(request, &aggregate, yyjson_get_str(yyjson_obj_get(remove, "host")),
					 err)
			   : metadata_set(request, &aggregate,
					  yyjson_obj_get(yyjson_obj_get(body, "set_metadata"), "metadata"),
					  err);
	return ok && aggregate_answer(request, response, request->params[0], true, err);
}

/* --- rules for new servers --- */

static bool metadata_matches(const char *metadata, const char *key, const char *wish)
{
	yyjson_doc *doc = yyjson_read(metadata, strlen(metadata), 0);
	const char *value = yyjson_get_str(yyjson_obj_get(yyjson_doc_get_root(doc), key));
	bool matches = value && extra_spec_matches(value, wish);

	yyjson_doc_free(doc);
	return matches;
}

static bool spec_rule(struct store *db, const char *key, const char *wish, struct placement *placement,
		      struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	struct scheduler_rule *rule;

	if (placement->count == PLACEMENT_RULES_MAX)
		return error_set(err, ERROR_BAD_REQUEST,
				 "The flavor has too many extra specs of " SCOPE " (at most %d).",
				 PLACEMENT_RULES_MAX - 3);
	rule = placement_rule(placement,
			      memory_printf("is in no aggregate with %s %s%s", key,
					    strchr(wish, ' ') ? "" : "= ", wish),
			      true);
	if (!store_query(db, &rows, err,
			 "SELECT h.host_id, a.metadata FROM aggregate_host h JOIN aggregate a ON a.number = "
			 "h.aggregate"))
		return false;
	while (store_next(&rows)) {
		if (metadata_matches(store_text(&rows, 1), key, wish))
			placement_host_add(placement, rule, store_text(&rows, 0));
	}
	return store_end(&rows, err);
}

bool aggregate_rules(struct store *db, const char *extra_specs, struct placement *placement,
		     struct error *err)
{
	yyjson_doc *doc = extra_specs ? yyjson_read(extra_specs, strlen(extra_specs), 0) : NULL;
	yyjson_val *key, *value;
	size_t i, max;
	bool ok = true;

	yyjson_obj_foreach (yyjson_doc_get_root(doc), i, max, key, value) {
		if (ok && text_starts_with(yyjson_get_str(key), SCOPE))
			ok = spec_rule(db, yyjson_get_str(key) + strlen(SCOPE), yyjson_get_str(value),
				       placement, err);
	}
	yyjson_doc_free(doc);
	return ok;
}

/* --- filters of aggregates --- */

/* Is it an item of the list "a, b"? */
static bool list_has(const char *list, const char *item)
{
	size_t length = strlen(item);

	for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',') {
		at += strspn(at, " ");
		if (strncmp(at, item, length) == 0 && strspn(at + length, " ") == strcspn(at + length, ","))
			return true;
	}
	return false;
}

/* Hosts may have only what one of their aggregates names under the key (or under keys that begin with it);
 * hosts whose aggregates have no such key take everything. */
struct isolation {
	const char *key;
	bool prefix;
	const char *value; /* NULL: none, which is named nowhere */
};

static void isolation_look(const struct isolation *isolation, const char *metadata, bool *isolated,
			   bool *named)
{
	yyjson_doc *doc = yyjson_read(metadata, strlen(metadata), 0);
	size_t i, max, length = strlen(isolation->key);
	yyjson_val *key, *value;

	yyjson_obj_foreach (yyjson_doc_get_root(doc), i, max, key, value) {
		if (strncmp(yyjson_get_str(key), isolation->key, length) != 0 ||
		    (!isolation->prefix && yyjson_get_len(key) != length) || !yyjson_is_str(value))
			continue;
		*isolated = true;
		*named |= isolation->value && list_has(yyjson_get_str(value), isolation->value);
	}
	yyjson_doc_free(doc);
}

/* One rule against the hosts that are isolated and do not name the value; none if there are none. */
static bool isolation_rule(struct store *db, const struct isolation *isolation, char *reason,
			   struct placement *placement, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	struct scheduler_rule *rule;
	bool isolated = false, named = false, more;
	char host[37] = "";

	if (placement->count == PLACEMENT_RULES_MAX) {
		free(reason);
		return error_set(err, ERROR_BAD_REQUEST,
				 "Too many rules of aggregates apply to the server (at most %d).",
				 PLACEMENT_RULES_MAX);
	}
	rule = placement_rule(placement, reason, false);
	if (!store_query(db, &rows, err,
			 "SELECT h.host_id, a.metadata FROM aggregate_host h JOIN aggregate a ON a.number = "
			 "h.aggregate ORDER BY h.host_id"))
		return false;
	do {
		more = store_next(&rows);
		if (!more || strcmp(host, store_text(&rows, 0)) != 0) {
			if (isolated && !named)
				placement_host_add(placement, rule, host);
			isolated = named = false;
		}
		if (!more)
			break;
		snprintf(host, sizeof host, "%s", store_text(&rows, 0));
		isolation_look(isolation, store_text(&rows, 1), &isolated, &named);
	} while (more);
	placement->count -= rule->host_count == 0;
	return store_end(&rows, err);
}

static bool image_rules(struct store *db, const char *image, struct placement *placement, struct error *err)
{
	yyjson_doc *doc = image ? yyjson_read(image, strlen(image), 0) : NULL;
	yyjson_val *key, *value;
	size_t i, max;
	bool ok = true;

	yyjson_obj_foreach (yyjson_obj_get(yyjson_doc_get_root(doc), "properties"), i, max, key, value) {
		const struct isolation isolation = {.key = yyjson_get_str(key),
						    .value = yyjson_get_str(value)};

		if (!ok || !isolation.value || !*isolation.value)
			continue;
		ok = isolation_rule(
			db, &isolation,
			memory_printf("is in an aggregate that takes no images with %.60s = %.60s",
				      isolation.key, isolation.value),
			placement, err);
	}
	yyjson_doc_free(doc);
	return ok;
}

bool aggregate_filters(struct store *db, const struct placement_subject *subject, struct placement *placement,
		       struct error *err)
{
	if (scheduler_filter_is_enabled(FILTER_AGGREGATE_TENANTS) && subject->project_id &&
	    !isolation_rule(db,
			    &(struct isolation){.key = "filter_tenant_id",
						.prefix = true,
						.value = subject->project_id},
			    memory_copy_text("is in an aggregate for other projects (filter_tenant_id)"),
			    placement, err))
		return false;
	if (scheduler_filter_is_enabled(FILTER_AGGREGATE_TYPES) && subject->flavor_name &&
	    !isolation_rule(db, &(struct isolation){.key = "instance_type", .value = subject->flavor_name},
			    memory_copy_text("is in an aggregate for other flavors (instance_type)"),
			    placement, err))
		return false;
	return !scheduler_filter_is_enabled(FILTER_AGGREGATE_IMAGE_PROPERTIES) ||
	       image_rules(db, subject->image, placement, err);
}

static const struct http_route routes[] = {
	{HTTP_GET, "/os-aggregates", aggregates_index, HTTP_READ, .flags = POLICY_AGGREGATES},
	{HTTP_POST, "/os-aggregates", aggregate_create, HTTP_WRITE, .flags = POLICY_AGGREGATES_CREATE},
	{HTTP_GET, "/os-aggregates/{id}", aggregate_show, HTTP_READ, .flags = POLICY_AGGREGATES_SHOW},
	{HTTP_PUT, "/os-aggregates/{id}", aggregate_update, HTTP_WRITE, .flags = POLICY_AGGREGATES_UPDATE},
	{HTTP_DELETE, "/os-aggregates/{id}", aggregate_delete, HTTP_WRITE, .flags = POLICY_AGGREGATES_DELETE},
	{HTTP_POST, "/os-aggregates/{id}/action", aggregate_action, HTTP_WRITE,
	 .flags = POLICY_AGGREGATES_ACTION},
};

const struct compute_routes aggregate_routes = {routes, ELEMENTS_OF(routes)};
