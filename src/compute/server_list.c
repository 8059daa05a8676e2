/* GET /servers and /servers/detail: filters, order, pages. */
#include "compute/server.h"

#include <string.h>
#include <time.h>

/* Filters as ?1 ... of every statement here:
 * ?1 project or NULL (all), ?2 pattern of the name, ?3 states "|active|...", ?4 flavor, ?5 image, ?6 host, ?7
 * id, ?8 user, ?9 changed since, ?10 key name, ?11 part of the description, ?12 locked, ?13 reservation, ?14
 * zone, ?15 changed before, ?16 tags (JSON) that it must all have; ?17 the marker's number, ?18 how many. */
#define SERVER_WHERE \
	" (?1 IS NULL OR project_id = ?1)" \
	" AND (?2 IS NULL OR name LIKE ?2 ESCAPE '\\')" \
	" AND (?3 IS NULL OR instr(?3, '|' || state || '|') > 0)" \
	" AND (?4 IS NULL OR flavor_id = ?4)" \
	" AND (?5 IS NULL OR image_id = ?5)" \
	" AND (?6 IS NULL OR host_name = ?6)" \
	" AND (?7 IS NULL OR id = ?7)" \
	" AND (?8 IS NULL OR user_id = ?8)" \
	" AND (?9 IS NULL OR updated_at >= ?9)" \
	" AND (?10 IS NULL OR key_name = ?10)" \
	" AND (?11 IS NULL OR instr(description, ?11) > 0)" \
	" AND (?12 IS NULL OR locked = ?12)" \
	" AND (?13 IS NULL OR reservation_id = ?13)" \
	" AND (?14 IS NULL OR availability_zone = ?14)" \
	" AND (?15 IS NULL OR updated_at <= ?15)" \
	" AND (?16 IS NULL OR NOT EXISTS (SELECT 1 FROM json_each(?16) wanted WHERE wanted.value NOT IN" \
	" (SELECT value FROM json_each(server.tags))))"

/* The usual order, newest first, follows the index. */
#define SERVER_LIST_NEWEST \
	"SELECT " SERVER_COLUMNS " FROM server WHERE" SERVER_WHERE \
	" AND (?17 IS NULL OR number < ?17) ORDER BY number DESC LIMIT ?18"
/* The same for one project, so that its index is used. */
#define SERVER_LIST_PROJECT \
	"SELECT " SERVER_COLUMNS " FROM server WHERE project_id = ?1 AND" SERVER_WHERE \
	" AND (?17 IS NULL OR number < ?17) ORDER BY number DESC LIMIT ?18"

#define SERVER_SORT(parameter) \
	"coalesce(CASE " parameter \
	" WHEN 'display_name' THEN name WHEN 'created_at' THEN printf('%020d', created_at)" \
	" WHEN 'updated_at' THEN printf('%020d', updated_at) WHEN 'launched_at' THEN printf('%020d', " \
	"launched_at)" \
	" WHEN 'uuid' THEN id WHEN 'vm_state' THEN state WHEN 'task_state' THEN state WHEN 'host' THEN " \
	"host_name" \
	" WHEN 'node' THEN host_name WHEN 'project_id' THEN project_id WHEN 'user_id' THEN user_id" \
	" WHEN 'image_ref' THEN image_id WHEN 'instance_type_id' THEN flavor_id WHEN 'hostname' THEN " \
	"hostname" \
	" WHEN 'key_name' THEN key_name WHEN 'display_description' THEN description" \
	" WHEN 'availability_zone' THEN availability_zone WHEN 'locked' THEN locked" \
	" ELSE printf('%020d', number) END, '')"

/* ?19 sort key, ?20 the marker's sort text. */
#define SERVER_LIST_SORTED(compare, order) \
	"SELECT " SERVER_COLUMNS \
	" FROM (SELECT *, " SERVER_SORT("?19") " AS sort FROM server WHERE" SERVER_WHERE ")" \
					       " WHERE ?20 IS NULL OR sort " compare \
					       " ?20 OR (sort = ?20 AND number " compare " ?17)" \
					       " ORDER BY sort " order ", number " order " LIMIT ?18"

static const char *const sort_keys[] = {"display_name",
					"created_at",
					"updated_at",
					"launched_at",
					"uuid",
					"vm_state",
					"task_state",
					"host",
					"node",
					"project_id",
					"user_id",
					"image_ref",
					"instance_type_id",
					"hostname",
					"key_name",
					"display_description",
					"availability_zone",
					"locked",
					"id",
					NULL};

struct filter {
	const char *project, *name, *states, *flavor, *image, *host, *id, *user, *key_name, *description,
		*reservation, *zone, *tags;
	int64_t since, before; /* -1: any */
	int locked;	       /* -1: any */
	bool nothing;	       /* no server can fit */
	const char *sort_key;  /* NULL: newest first */
	bool ascending;
	int64_t marker_number; /* -1: none */
	char *marker_sort;
};

/* "2020-01-01T00:00:00Z" and its like, with or without fraction, zone letter or offset. */
static bool parse_time(const char *text, int64_t *us)
{
	int year, month, day, hour, minute, second = 0, used = 0;

	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d%n", &year, &month, &day, &hour, &minute, &used) != 5)
		return false;
	text += used;
	if (*text == ':' && sscanf(text, ":%2d%n", &second, &used) == 1)
		text += used;
	if (*text == '.')
		text += 1 + strspn(text + 1, "0123456789");
	int sign = *text == '+' ? 1 : *text == '-' ? -1 : 0, offset_hours = 0, offset_minutes = 0;
	if (sign && sscanf(text + 1, "%2d:%2d", &offset_hours, &offset_minutes) < 1)
		return false;
	if (!sign && *text && strcmp(text, "Z") != 0)
		return false;
	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 ||
	    second > 60)
		return false;
	struct tm tm = {.tm_year = year - 1900,
			.tm_mon = month - 1,
			.tm_mday = day,
			.tm_hour = hour,
			.tm_min = minute,
			.tm_sec = second};
	*us = ((int64_t)timegm(&tm) - sign * (offset_hours * 3600 + offset_minutes * 60)) * TIME_SECOND;
	return true;
}

static bool query_time(struct http_request *request, const char *name, int64_t *us, struct error *err)
{
	const char *text = http_query(request, name);

	*us = -1;
	if (!text || parse_time(text, us))
		return true;
	return error_set(err, ERROR_BAD_REQUEST,
			 "Invalid input for query parameters %s. Value: %s. '%s' is not a 'date-time'", name,
			 text, text);
}

static bool parse_states(struct http_request *request, struct filter *filter, struct error *err)
{
	const char *status = http_query(request, "status"), *vm_state = http_query(request, "vm_state");
	const char *deleted = http_query(request, "deleted");
	char text[SERVER_STATES_TEXT] = "";
	bool truth = false;

	if (status && strcasecmp(status, "DELETED") == 0 && !request->auth->admin)
		return error_set(err, ERROR_FORBIDDEN, "Only administrators may list deleted instances");
	if (status)
		server_states_of_status(status, text);
	else if (vm_state)
		server_states_of_vm_state(vm_state, text);
	/* A server that is deleted is forgotten: lists of such are empty. */
	filter->nothing = ((status || vm_state) && !text[0]) ||
			  (deleted && request->auth->admin && text_to_bool(deleted, &truth) && truth);
	filter->states = text[0] ? http_copy(request, text) : NULL;
	return true;
}

static bool parse_projects(struct http_request *request, struct filter *filter, struct error *err)
{
	const char *all = http_query(request, "all_tenants");
	const char *project = http_query(request, "project_id");
	bool truth = true;

	if (!project)
		project = http_query(request, "tenant_id");
	filter->project = request->auth->project_id;
	if (all && *all && !text_to_bool(all, &truth))
		return error_set(
			err, ERROR_BAD_REQUEST,
			"Invalid input for query parameters all_tenants. Value: %s. '%s' is not a boolean",
			all, all);
	if (!all || !truth)
		return true;
	if (!request->auth->admin)
		return compute_forbidden(err, "servers:index:get_all_tenants");
	filter->project = project;
	return true;
}

/* Nova takes a name as a regular expression.  What people write of those is understood: ^, $, ".", ".*" and
 * an escaped character; the rest is taken as it stands.  (LIKE minds no case, as MySQL's REGEXP.) */
static const char *parse_name(struct http_request *request)
{
	const char *name = http_query(request, "name");
	_cleanup_(text_done) struct text pattern = {0};

	if (!name)
		name = http_query(request, "display_name");
	if (!name)
		return NULL;
	text_add(&pattern, *name == '^' ? "" : "%");
	for (name += *name == '^'; *name && strcmp(name, "$") != 0; name++) {
		bool escaped = *name == '\\' && name[1];

		name += escaped;
		if (!escaped && text_starts_with(name, ".*")) {
			text_add(&pattern, "%");
			name++;
		} else if (!escaped && *name == '.') {
			text_add(&pattern, "_");
		} else {
			text_add(&pattern, strchr("%_\\", *name) ? "\\" : "");
			text_add_bytes(&pattern, name, 1);
		}
	}
	text_add(&pattern, *name == '$' ? "" : "%");
	return http_copy(request, pattern.data ? pattern.data : "");
}

/* "a,b" as ["a","b"]. */
static const char *parse_tags(struct http_request *request)
{
	const char *text = request->microversion >= 2026 ? http_query(request, "tags") : NULL;

	if (!text)
		return NULL;
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *list = yyjson_mut_arr(doc);
	yyjson_mut_doc_set_root(doc, list);
	while (*text) {
		size_t length = strcspn(text, ",");

		if (length)
			yyjson_mut_arr_add_strncpy(doc, list, text, length);
		text += length + (text[length] == ',');
	}
	_cleanup_free_ char *json = yyjson_mut_write(doc, YYJSON_WRITE_ALLOW_INVALID_UNICODE, NULL);
	yyjson_mut_doc_free(doc);
	return http_copy(request, json);
}

static bool parse_sort(struct http_request *request, struct filter *filter, struct error *err)
{
	static const char *const directions[] = {"asc", "desc", NULL};
	static const struct schema key_schema = {.types = SCHEMA_STRING, .choices = sort_keys};
	static const struct schema direction_schema = {.types = SCHEMA_STRING, .choices = directions};
	const char *key = http_query(request, "sort_key"), *direction = http_query(request, "sort_dir");

	if ((key && !schema_check_query(&key_schema, "sort_key", key, err)) ||
	    (direction && !schema_check_query(&direction_schema, "sort_dir", direction, err)))
		return false;
	filter->ascending = text_equal(direction, "asc");
	filter->sort_key = key || filter->ascending ? (key ? key : "created_at") : NULL;
	if (text_equal(filter->sort_key, "created_at") && !filter->ascending)
		filter->sort_key = NULL;
	return true;
}

static bool find_marker(struct http_request *request, const char *id, struct filter *filter,
			struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	filter->marker_number = -1;
	if (!id)
		return true;
	if (!store_query(request->db, &rows, err,
			 "SELECT number, " SERVER_SORT(
				 "?2") " FROM server WHERE id = ?1 AND (?3 IS NULL OR project_id ="
				       " ?3)",
			 V(id), V(filter->sort_key), V(filter->project)))
		return false;
	if (!store_next(&rows))
		return store_end(&rows, err) &&
		       error_set(err, ERROR_BAD_REQUEST, "marker [%s] not found", id);
	filter->marker_number = store_int(&rows, 0);
	filter->marker_sort = http_copy(request, store_text(&rows, 1));
	return true;
}

/* Filters of Nova's that would narrow a list, and are not built, must not be passed over in silence. */
static bool check_unknown(struct http_request *request, struct error *err)
{
	static const char *const unknown[] = {"ip",	      "ip6",	     "not-tags",   "tags-any",
					      "not-tags-any", "power_state", "task_state", "kernel_id",
					      "ramdisk_id",   "soft_deleted"};

	for (size_t i = 0; i < ELEMENTS_OF(unknown); i++) {
		if (http_query(request, unknown[i]))
			return error_set(err, ERROR_BAD_REQUEST, "The filter %s is not known to Penstock.",
					 unknown[i]);
	}
	return true;
}

static bool parse_filter(struct http_request *request, struct filter *filter, struct error *err)
{
	bool admin = request->auth->admin;
	const char *locked = request->microversion >= 2073 ? http_query(request, "locked") : NULL;
	bool truth;

	*filter = (struct filter){
		.name = parse_name(request),
		.flavor = http_query(request, "flavor"),
		.image = http_query(request, "image"),
		.id = http_query(request, "uuid"),
		.host = admin ? http_query(request, "host") : NULL,
		.user = admin ? http_query(request, "user_id") : NULL,
		.key_name = http_query(request, "key_name"),
		.description = http_query(request, "description"),
		.reservation = http_query(request, "reservation_id"),
		.zone = http_query(request, "availability_zone"),
		.tags = parse_tags(request),
		.locked = -1,
	};
	if (admin && !filter->host)
		filter->host = http_query(request, "node");
	if (locked && !text_to_bool(locked, &truth))
		return error_set(err, ERROR_BAD_REQUEST, "Invalid locked value: %s", locked);
	if (locked)
		filter->locked = truth;
	return check_unknown(request, err) && parse_projects(request, filter, err) &&
	       parse_states(request, filter, err) &&
	       query_time(request, "changes-since", &filter->since, err) &&
	       query_time(request, "changes-before", &filter->before, err) &&
	       parse_sort(request, filter, err);
}

static bool list_query(struct http_request *request, const struct filter *filter, int64_t limit,
		       struct store_rows *rows, struct error *err)
{
	const char *sql = filter->project ? SERVER_LIST_PROJECT : SERVER_LIST_NEWEST;

	if (filter->sort_key)
		sql = filter->ascending ? SERVER_LIST_SORTED(">", "ASC") : SERVER_LIST_SORTED("<", "DESC");
	return store_query_values(request->db, rows, err, sql,
				  (const struct store_value[]){V(filter->project),
							       V(filter->name),
							       V(filter->states),
							       V(filter->flavor),
							       V(filter->image),
							       V(filter->host),
							       V(filter->id),
							       V(filter->user),
							       V_OPTIONAL(filter->since),
							       V(filter->key_name),
							       V(filter->description),
							       V_OPTIONAL(filter->locked),
							       V(filter->reservation),
							       V(filter->zone),
							       V_OPTIONAL(filter->before),
							       V(filter->tags),
							       V_OPTIONAL(filter->marker_number),
							       V(limit),
							       V(filter->sort_key),
							       V(filter->marker_sort)},
				  filter->sort_key ? 20 : 18);
}

static bool server_list(struct http_request *request, struct http_response *response, enum server_view view,
			struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	struct filter filter;
	struct compute_page page;
	const char *last = NULL;
	size_t count = 0;

	if (!compute_page(request, &page, err) || !parse_filter(request, &filter, err) ||
	    !find_marker(request, page.marker, &filter, err) ||
	    !list_query(request, &filter, filter.nothing ? 0 : page.limit, &rows, err))
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_doc *doc = response->json;
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "servers");
	while (store_next(&rows)) {
		if (!server_view(request, &rows, doc, yyjson_mut_arr_add_obj(doc, list), view, err))
			return false;
		if ((int64_t)++count == page.limit)
			last = http_copy(request, store_text(&rows, COLUMN_ID));
	}
	if (!store_end(&rows, err))
		return false;
	if (last)
		compute_add_next(request, doc, root, "servers_links", &page,
				 view == SERVER_VIEW_BRIEF ? "servers" : "servers/detail", count, last);
	return true;
}

bool server_index(struct http_request *request, struct http_response *response, struct error *err)
{
	return server_list(request, response, SERVER_VIEW_BRIEF, err);
}

bool server_detail(struct http_request *request, struct http_response *response, struct error *err)
{
	return server_list(request, response, SERVER_VIEW_DETAIL, err);
}
