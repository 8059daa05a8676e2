/* Flavors: list, show, create, update, delete.  Their extra specs and access are in flavor_specs.c. */
#include "compute/flavor.h"

#include "compute/flavor_specs.h"

#include <string.h>

enum {
	FLAVOR_ID,
	FLAVOR_NAME,
	FLAVOR_DESCRIPTION,
	FLAVOR_VCPUS,
	FLAVOR_MEMORY,
	FLAVOR_DISK,
	FLAVOR_EPHEMERAL,
	FLAVOR_SWAP,
	FLAVOR_RXTX,
	FLAVOR_PUBLIC,
	FLAVOR_SPECS,
	FLAVOR_NUMBER
};

#define FLAVOR_COLUMNS \
	"id, name, description, vcpus, memory_mb, disk_gb, ephemeral_gb, swap_mb, rxtx_factor, public, " \
	"extra_specs, number"

/* A flavor that ?n may see: public, or given to the project; administrators (?2 = 1) see all. */
#define FLAVOR_VISIBLE \
	"(?2 = 1 OR public = 1 OR EXISTS (SELECT 1 FROM flavor_access a WHERE a.flavor_id = flavor.id AND " \
	"a.project_id = ?3))"

static bool flavor_query(struct store *db, const char *id, const struct auth *auth, struct store_rows *rows,
			 struct error *err)
{
	if (!store_query(db, rows, err,
			 "SELECT " FLAVOR_COLUMNS " FROM flavor WHERE id = ?1 AND " FLAVOR_VISIBLE, V(id),
			 V(auth->admin), V(auth->project_id)))
		return false;
	if (store_next(rows))
		return true;
	return store_end(rows, err) && error_set(err, ERROR_NOT_FOUND, "Flavor %s could not be found.", id);
}

bool flavor_load(struct store *db, const char *id, const struct auth *auth, struct flavor *flavor,
		 struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!flavor_query(db, id, auth, &rows, err))
		return false;
	*flavor = (struct flavor){
		.vcpus = store_int(&rows, FLAVOR_VCPUS),
		.memory_mb = store_int(&rows, FLAVOR_MEMORY),
		.disk_gb = store_int(&rows, FLAVOR_DISK),
		.ephemeral_gb = store_int(&rows, FLAVOR_EPHEMERAL),
		.swap_mb = store_int(&rows, FLAVOR_SWAP),
		.extra_specs = memory_copy_text(store_text(&rows, FLAVOR_SPECS)),
	};
	snprintf(flavor->id, sizeof flavor->id, "%s", store_text(&rows, FLAVOR_ID));
	snprintf(flavor->name, sizeof flavor->name, "%s", store_text(&rows, FLAVOR_NAME));
	return true;
}

void flavor_done(struct flavor *flavor)
{
	free(flavor->extra_specs);
	flavor->extra_specs = NULL;
}

char *flavor_spec(const struct flavor *flavor, const char *key)
{
	yyjson_doc *doc = yyjson_read(flavor->extra_specs, strlen(flavor->extra_specs), 0);
	char *value = memory_copy_text(yyjson_get_str(yyjson_obj_get(yyjson_doc_get_root(doc), key)));

	yyjson_doc_free(doc);
	return value;
}

bool flavor_isolates(const struct flavor *flavor)
{
	_cleanup_free_ char *policy = flavor_spec(flavor, "group_policy");

	return text_equal(policy, "isolate");
}

char *flavor_embedded(const struct flavor *flavor)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *object = yyjson_mut_obj(doc);

	yyjson_mut_doc_set_root(doc, object);
	yyjson_mut_obj_add_int(doc, object, "vcpus", flavor->vcpus);
	yyjson_mut_obj_add_int(doc, object, "ram", flavor->memory_mb);
	yyjson_mut_obj_add_int(doc, object, "disk", flavor->disk_gb);
	yyjson_mut_obj_add_int(doc, object, "ephemeral", flavor->ephemeral_gb);
	yyjson_mut_obj_add_int(doc, object, "swap", flavor->swap_mb);
	yyjson_mut_obj_add_str(doc, object, "original_name", flavor->name);
	compute_add_raw(doc, object, "extra_specs", flavor->extra_specs, "{}");
	char *text = yyjson_mut_write(doc, YYJSON_WRITE_ALLOW_INVALID_UNICODE, NULL);
	yyjson_mut_doc_free(doc);
	return text;
}

bool flavor_stored(const char *id, const char *json, struct flavor *flavor, struct error *err)
{
	yyjson_doc *doc = yyjson_read(json, strlen(json), 0);
	yyjson_val *root = yyjson_doc_get_root(doc);

	*flavor = (struct flavor){
		.vcpus = schema_integer(yyjson_obj_get(root, "vcpus"), 0),
		.memory_mb = schema_integer(yyjson_obj_get(root, "ram"), 0),
		.disk_gb = schema_integer(yyjson_obj_get(root, "disk"), 0),
		.ephemeral_gb = schema_integer(yyjson_obj_get(root, "ephemeral"), 0),
		.swap_mb = schema_integer(yyjson_obj_get(root, "swap"), 0),
		.extra_specs = compute_json_text(yyjson_obj_get(root, "extra_specs")),
	};
	snprintf(flavor->id, sizeof flavor->id, "%s", id);
	snprintf(flavor->name, sizeof flavor->name, "%s",
		 yyjson_get_str(yyjson_obj_get(root, "original_name")));
	yyjson_doc_free(doc);
	return flavor->vcpus > 0 || error_set(err, ERROR_INTERNAL, "the flavor of a server makes no sense");
}

/* --- views --- */

static void flavor_view(struct http_request *request, struct store_rows *rows, yyjson_mut_doc *doc,
			yyjson_mut_val *object, bool detail)
{
	const char *id = store_text(rows, FLAVOR_ID);
	int64_t swap = store_int(rows, FLAVOR_SWAP);

	yyjson_mut_obj_add_strcpy(doc, object, "id", id);
	yyjson_mut_obj_add_strcpy(doc, object, "name", store_text(rows, FLAVOR_NAME));
	if (detail) {
		yyjson_mut_obj_add_int(doc, object, "ram", store_int(rows, FLAVOR_MEMORY));
		yyjson_mut_obj_add_int(doc, object, "disk", store_int(rows, FLAVOR_DISK));
		/* Until 2.75 no swap was an empty text. */
		if (swap || request->microversion >= 2075)
			yyjson_mut_obj_add_int(doc, object, "swap", swap);
		else
			yyjson_mut_obj_add_str(doc, object, "swap", "");
		yyjson_mut_obj_add_int(doc, object, "OS-FLV-EXT-DATA:ephemeral",
				       store_int(rows, FLAVOR_EPHEMERAL));
		yyjson_mut_obj_add_bool(doc, object, "OS-FLV-DISABLED:disabled", false);
		yyjson_mut_obj_add_int(doc, object, "vcpus", store_int(rows, FLAVOR_VCPUS));
		yyjson_mut_obj_add_bool(doc, object, "os-flavor-access:is_public",
					store_int(rows, FLAVOR_PUBLIC));
		compute_add_raw(doc, object, "rxtx_factor", store_text(rows, FLAVOR_RXTX), "1.0");
	}
	compute_add_links(request, doc, object, "flavors", id);
	if (request->microversion >= 2055)
		compute_add_text(doc, object, "description", store_text(rows, FLAVOR_DESCRIPTION));
	if (detail && request->microversion >= 2061)
		compute_add_raw(doc, object, "extra_specs", store_text(rows, FLAVOR_SPECS), "{}");
}

static bool flavor_answer(struct http_request *request, struct http_response *response, const char *id,
			  struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!flavor_query(request->db, id, request->auth, &rows, err))
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	flavor_view(request, &rows, response->json, yyjson_mut_obj_add_obj(response->json, root, "flavor"),
		    true);
	return true;
}

static bool flavor_show(struct http_request *request, struct http_response *response, struct error *err)
{
	return flavor_answer(request, response, request->params[0], err);
}

/* --- list --- */

/* ?1 only public (1), only private (0), both (NULL); ?4 least memory; ?5 least disk; ?6 sort key; ?7, ?8 the
 * marker's key and number.  The sort key as text makes one statement serve all keys. */
#define FLAVOR_SORT \
	"CASE ?6 WHEN 'name' THEN name WHEN 'flavorid' THEN id WHEN 'id' THEN printf('%020d', number)" \
	" WHEN 'memory_mb' THEN printf('%020d', memory_mb) WHEN 'root_gb' THEN printf('%020d', disk_gb)" \
	" WHEN 'vcpus' THEN printf('%020d', vcpus) WHEN 'ephemeral_gb' THEN printf('%020d', ephemeral_gb)" \
	" WHEN 'swap' THEN printf('%020d', swap_mb) WHEN 'rxtx_factor' THEN rxtx_factor ELSE id END"

#define FLAVOR_LIST(compare, order) \
	"SELECT " FLAVOR_COLUMNS " FROM (SELECT *, " FLAVOR_SORT " AS sort FROM flavor" \
	" WHERE (?1 IS NULL OR public = ?1) AND " FLAVOR_VISIBLE " AND memory_mb >= ?4 AND disk_gb >= ?5)" \
	" WHERE ?7 IS NULL OR sort " compare " ?7 OR (sort = ?7 AND number " compare " ?8)" \
	" ORDER BY sort " order ", number " order " LIMIT ?9"

static const char *const flavor_sort_keys[] = {"name",	      "flavorid", "id",		  "memory_mb",
					       "root_gb",     "vcpus",	  "ephemeral_gb", "swap",
					       "rxtx_factor", "disabled", "is_public",	  "created_at",
					       "updated_at",  NULL};

struct flavor_filter {
	int only_public; /* -1: both */
	int64_t least_memory, least_disk;
	const char *sort_key;
	bool descending;
	char *marker_key;
	int64_t marker_number;
};

static bool flavor_number(struct http_request *request, const char *name, int64_t *value, struct error *err)
{
	const char *text = http_query(request, name);

	*value = 0;
	if (!text || text_to_int64(text, 0, INT64_MAX, value))
		return true;
	return error_set(err, ERROR_BAD_REQUEST, "Invalid %s filter [%s]", name, text);
}

static bool flavor_filter_parse(struct http_request *request, struct flavor_filter *filter, struct error *err)
{
	const char *text = http_query(request, "is_public"), *direction = http_query(request, "sort_dir");
	static const char *const directions[] = {"asc", "desc", NULL};
	static const struct schema sort_key = {.types = SCHEMA_STRING, .choices = flavor_sort_keys};
	static const struct schema sort_dir = {.types = SCHEMA_STRING, .choices = directions};
	bool truth;

	*filter = (struct flavor_filter){.only_public = 1};
	if (!flavor_number(request, "minRam", &filter->least_memory, err) ||
	    !flavor_number(request, "minDisk", &filter->least_disk, err))
		return false;
	filter->sort_key = http_query(request, "sort_key") ? http_query(request, "sort_key") : "flavorid";
	if (!schema_check_query(&sort_key, "sort_key", filter->sort_key, err) ||
	    (direction && !schema_check_query(&sort_dir, "sort_dir", direction, err)))
		return false;
	filter->descending = text_equal(direction, "desc");
	/* Only administrators may ask for more than what is public and theirs. */
	if (!request->auth->admin || !text) {
		filter->only_public = request->auth->admin ? 1 : -1;
		return true;
	}
	if (strcasecmp(text, "none") == 0)
		filter->only_public = -1;
	else if (text_to_bool(text, &truth))
		filter->only_public = truth;
	else
		return error_set(err, ERROR_BAD_REQUEST, "Invalid is_public filter [%s]", text);
	return true;
}

static bool flavor_marker(struct http_request *request, const char *id, struct flavor_filter *filter,
			  struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!id)
		return true;
	if (!store_query(request->db, &rows, err, "SELECT " FLAVOR_SORT ", number FROM flavor WHERE id = ?1",
			 V(id), V_NULL, V_NULL, V_NULL, V_NULL, V(filter->sort_key)))
		return false;
	if (!store_next(&rows))
		return store_end(&rows, err) &&
		       error_set(err, ERROR_BAD_REQUEST, "marker [%s] not found", id);
	filter->marker_key = http_copy(request, store_text(&rows, 0));
	filter->marker_number = store_int(&rows, 1);
	return true;
}

static bool flavor_list(struct http_request *request, struct http_response *response, bool detail,
			struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	const struct auth *auth = request->auth;
	struct flavor_filter filter;
	struct compute_page page;
	const char *last = NULL;
	size_t count = 0;

	if (!compute_page(request, &page, err) || !flavor_filter_parse(request, &filter, err) ||
	    !flavor_marker(request, page.marker, &filter, err))
		return false;
	if (!store_query(request->db, &rows, err,
			 filter.descending ? FLAVOR_LIST("<", "DESC") : FLAVOR_LIST(">", "ASC"),
			 V_OPTIONAL(filter.only_public), V(auth->admin), V(auth->project_id),
			 V(filter.least_memory), V(filter.least_disk), V(filter.sort_key),
			 V(filter.marker_key), V(filter.marker_number), V(page.limit)))
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "flavors");
	while (store_next(&rows)) {
		flavor_view(request, &rows, response->json, yyjson_mut_arr_add_obj(response->json, list),
			    detail);
		count++;
		if (page.limited && (int64_t)count == page.limit)
			last = http_copy(request, store_text(&rows, FLAVOR_ID));
	}
	if (last)
		compute_add_next(request, response->json, root, "flavors_links", &page,
				 detail ? "flavors/detail" : "flavors", count, last);
	return store_end(&rows, err);
}

static bool flavor_index(struct http_request *request, struct http_response *response, struct error *err)
{
	return flavor_list(request, response, false, err);
}

static bool flavor_detail(struct http_request *request, struct http_response *response, struct error *err)
{
	return flavor_list(request, response, true, err);
}

/* --- create, update, delete --- */

#define WHOLE(least) \
	{ \
		.types = SCHEMA_INTEGER | SCHEMA_STRING, .shortest = 1, .format = SCHEMA_DIGITS, \
		.ranged = true, .minimum = (least), .maximum = INT32_MAX \
	}

static const struct schema schema_one = WHOLE(1), schema_zero = WHOLE(0);
static const struct schema schema_flavor_id = {.types = SCHEMA_STRING | SCHEMA_INTEGER | SCHEMA_NULL,
					       .shortest = 1,
					       .longest = 255,
					       .format = SCHEMA_FLAVOR_ID};
static const struct schema schema_rxtx = {.types = SCHEMA_STRING | SCHEMA_NUMBER,
					  .shortest = 1,
					  .longest = 32,
					  .format = SCHEMA_DECIMAL};
static const struct schema schema_flavor_description = {.types = SCHEMA_STRING | SCHEMA_NULL,
							.longest = 65535};

static const struct schema_field flavor_create_fields[] = {
	{"name", &schema_name, .required = true},
	{"ram", &schema_one, .required = true},
	{"vcpus", &schema_one, .required = true},
	{"disk", &schema_zero, .required = true},
	{"id", &schema_flavor_id},
	{"OS-FLV-EXT-DATA:ephemeral", &schema_zero},
	{"swap", &schema_zero},
	{"rxtx_factor", &schema_rxtx},
	{"os-flavor-access:is_public", &schema_boolean_like},
	{"description", &schema_flavor_description, .since = 2055},
	{0},
};
static const struct schema flavor_create_object = {.types = SCHEMA_OBJECT, .fields = flavor_create_fields};
static const struct schema flavor_create_body = {
	.types = SCHEMA_OBJECT,
	.fields = (const struct schema_field[]){{"flavor", &flavor_create_object, .required = true}, {0}}};

/* The factor as a JSON number with a fraction, as Nova shows it; false if it is not within its bounds. */
static bool rxtx_text(yyjson_val *value, char text[32], struct error *err)
{
	double factor = 1;

	if (yyjson_is_str(value))
		factor = strtod(yyjson_get_str(value), NULL);
	else if (yyjson_is_num(value))
		factor = yyjson_get_num(value);
	if (!(factor > 0 && factor < 1e15))
		return error_set(err, ERROR_BAD_REQUEST,
				 "Invalid input received: 'rxtx_factor' argument must be a float between 0 "
				 "and 3.40282e+38");
	snprintf(text, 32, "%.15g", factor);
	if (!strpbrk(text, ".e"))
		strcat(text, ".0");
	return true;
}

static const char *flavor_id_text(struct http_request *request, yyjson_val *value)
{
	char uuid[SYS_UUID_SIZE];

	if (yyjson_is_str(value) && strcmp(yyjson_get_str(value), "auto") != 0)
		return yyjson_get_str(value);
	if (yyjson_is_int(value))
		return http_printf(request, "%lld", (long long)yyjson_get_sint(value));
	return http_copy(request, sys_uuid(uuid));
}

/* Says whether it is the id or the name that is taken. */
static bool flavor_taken(struct http_request *request, const char *id, const char *name, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err, "SELECT 1 FROM flavor WHERE id = ?1", V(id)))
		return false;
	if (store_next(&rows))
		return error_set(err, ERROR_CONFLICT, "Flavor with ID %s already exists.", id);
	return error_set(err, ERROR_CONFLICT, "Flavor with name %s already exists.", name);
}

static bool flavor_create(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = compute_body(request, &flavor_create_body, err);
	yyjson_val *flavor = yyjson_obj_get(body, "flavor");
	char rxtx[32];

	if (!body || !rxtx_text(yyjson_obj_get(flavor, "rxtx_factor"), rxtx, err))
		return false;
	const char *id = flavor_id_text(request, yyjson_obj_get(flavor, "id"));
	const char *name = yyjson_get_str(yyjson_obj_get(flavor, "name"));
	if (!store_exec(request->db, err,
			"INSERT INTO flavor (id, number, name, description, vcpus, memory_mb, disk_gb, "
			"ephemeral_gb,"
			" swap_mb, rxtx_factor, public) VALUES (?1, (SELECT coalesce(max(number), 0) + 1 "
			"FROM flavor),"
			" ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
			V(id), V(name), V(yyjson_get_str(yyjson_obj_get(flavor, "description"))),
			V(schema_integer(yyjson_obj_get(flavor, "vcpus"), 1)),
			V(schema_integer(yyjson_obj_get(flavor, "ram"), 1)),
			V(schema_integer(yyjson_obj_get(flavor, "disk"), 0)),
			V(schema_integer(yyjson_obj_get(flavor, "OS-FLV-EXT-DATA:ephemeral"), 0)),
			V(schema_integer(yyjson_obj_get(flavor, "swap"), 0)), V((const char *)rxtx),
			V(schema_boolean(yyjson_obj_get(flavor, "os-flavor-access:is_public"), true))))
		return err->kind == ERROR_CONFLICT ? flavor_taken(request, id, name, err) : false;
	return flavor_answer(request, response, id, err);
}

static const struct schema_field flavor_update_fields[] = {{"description", &schema_flavor_description,
							    .required = true},
							   {0}};
static const struct schema flavor_update_object = {.types = SCHEMA_OBJECT, .fields = flavor_update_fields};
static const struct schema flavor_update_body = {
	.types = SCHEMA_OBJECT,
	.fields = (const struct schema_field[]){{"flavor", &flavor_update_object, .required = true}, {0}}};

static bool flavor_update(struct http_request *request, struct http_response *response, struct error *err)
{
	if (!compute_since(request, 2055, err))
		return false;
	yyjson_val *body = compute_body(request, &flavor_update_body, err);
	if (!body)
		return false;
	const char *description =
		yyjson_get_str(yyjson_obj_get(yyjson_obj_get(body, "flavor"), "description"));
	if (!store_exec(request->db, err, "UPDATE flavor SET description = ?2 WHERE id = ?1",
			V(request->params[0]), V(description)))
		return false;
	return flavor_answer(request, response, request->params[0], err);
}

static bool flavor_delete(struct http_request *request, struct http_response *response, struct error *err)
{
	if (!store_exec(request->db, err, "DELETE FROM flavor WHERE id = ?1", V(request->params[0])))
		return false;
	if (store_changes(request->db) == 0)
		return error_set(err, ERROR_NOT_FOUND, "Flavor %s could not be found.", request->params[0]);
	return compute_empty(response, 202);
}

static const struct http_route routes[] = {
	{HTTP_GET, "/flavors", flavor_index, HTTP_READ, .flags = POLICY_FLAVOR_INDEX},
	{HTTP_POST, "/flavors", flavor_create, HTTP_WRITE, .flags = POLICY_FLAVOR_CREATE},
	{HTTP_GET, "/flavors/detail", flavor_detail, HTTP_READ, .flags = POLICY_FLAVOR_INDEX},
	{HTTP_GET, "/flavors/{id}", flavor_show, HTTP_READ, .flags = POLICY_FLAVOR_INDEX},
	{HTTP_PUT, "/flavors/{id}", flavor_update, HTTP_WRITE, .flags = POLICY_FLAVOR_UPDATE},
	{HTTP_DELETE, "/flavors/{id}", flavor_delete, HTTP_WRITE, .flags = POLICY_FLAVOR_DELETE},
	{HTTP_GET, "/flavors/{id}/os-extra_specs", flavor_specs_index, HTTP_READ,
	 .flags = POLICY_SPECS_INDEX},
	{HTTP_POST, "/flavors/{id}/os-extra_specs", flavor_specs_create, HTTP_WRITE,
	 .flags = POLICY_SPECS_CREATE},
	{HTTP_GET, "/flavors/{id}/os-extra_specs/{key}", flavor_specs_show, HTTP_READ,
	 .flags = POLICY_SPECS_SHOW},
	{HTTP_PUT, "/flavors/{id}/os-extra_specs/{key}", flavor_specs_update, HTTP_WRITE,
	 .flags = POLICY_SPECS_UPDATE},
	{HTTP_DELETE, "/flavors/{id}/os-extra_specs/{key}", flavor_specs_delete, HTTP_WRITE,
	 .flags = POLICY_SPECS_DELETE},
	{HTTP_GET, "/flavors/{id}/os-flavor-access", flavor_access_index, HTTP_READ,
	 .flags = POLICY_ACCESS_INDEX},
	{HTTP_POST, "/flavors/{id}/action", flavor_access_change, HTTP_WRITE, .flags = POLICY_ACCESS_CHANGE},
};

const struct compute_routes flavor_routes = {routes, ELEMENTS_OF(routes)};
