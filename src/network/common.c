/* What all resources share: reading bodies, filtering and cutting lists, ownership, standard members. */
#include "base/memory.h"
#include "base/timestamp.h"
#include "network/internal.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

yyjson_val *network_body(struct http_request *request, const char *name, struct error *err)
{
	yyjson_val *body = http_body_json(request, err), *member = yyjson_obj_get(body, name);

	if (!body) {
		err->type = "HTTPBadRequest";
		return NULL;
	}
	if (yyjson_is_obj(member))
		return member;
	error_set_typed(err, ERROR_BAD_REQUEST, "HTTPBadRequest", "Unable to find '%s' in request body",
			name);
	return NULL;
}

/* Neutron counts characters, not bytes. */
static size_t characters(yyjson_val *value)
{
	size_t count = 0;

	for (const char *c = yyjson_get_str(value); *c; c++)
		count += (*c & 0xc0) != 0x80;
	return count;
}

static bool is_uuid(const char *text)
{
	static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	for (size_t i = 0; i < sizeof shape - 1; i++) {
		if (shape[i] == '-' ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return false;
	}
	return !text[sizeof shape - 1];
}

/* true, 1, "true", "yes", "1" and so on, in any case. */
static bool value_to_bool(yyjson_val *value, bool *truth)
{
	if (yyjson_is_bool(value))
		*truth = yyjson_get_bool(value);
	else if (yyjson_is_int(value))
		*truth = yyjson_get_sint(value) == 1;
	return yyjson_is_bool(value) ||
	       (yyjson_is_int(value) && (yyjson_get_sint(value) == 0 || yyjson_get_sint(value) == 1)) ||
	       (yyjson_is_str(value) && text_to_bool(yyjson_get_str(value), truth));
}

static bool field_type_fits(const struct field *field, yyjson_val *value)
{
	switch (field->type) {
	case FIELD_TEXT:
		return yyjson_is_str(value) && characters(value) <= (field->max ? field->max : 255);
	case FIELD_UUID:
		return yyjson_is_str(value) && is_uuid(yyjson_get_str(value));
	case FIELD_BOOL:
		return value_to_bool(value, &(bool){0});
	case FIELD_INT:
		return yyjson_is_int(value) ||
		       (yyjson_is_str(value) &&
			text_to_int64(yyjson_get_str(value), INT32_MIN, INT32_MAX, &(int64_t){0}));
	case FIELD_LIST:
		return yyjson_is_arr(value);
	case FIELD_OBJECT:
		return yyjson_is_obj(value);
	case FIELD_ANY:
		break;
	}
	return true;
}

/* A value of a wrong type.  Neutron has two exceptions for it: what it converts, and what it validates. */
static bool field_refuse(struct http_request *request, const struct field *field, yyjson_val *value,
			 struct error *err)
{
	static const char *const words[] = {[FIELD_TEXT] = "a valid string",
					    [FIELD_UUID] = "a valid UUID",
					    [FIELD_LIST] = "a list",
					    [FIELD_OBJECT] = "a dictionary"};
	const char *text = yyjson_is_str(value) ? yyjson_get_str(value) : field_json(request, value, "null");

	if (field->type == FIELD_BOOL)
		return error_set_typed(
			err, ERROR_BAD_REQUEST, "InvalidInput",
			"Invalid input for operation: '%.200s' cannot be converted to boolean.", text);
	if (field->type == FIELD_INT)
		return error_set_typed(err, ERROR_BAD_REQUEST, "InvalidInput",
				       "Invalid input for operation: '%.200s' is not an integer.", text);
	if (field->type == FIELD_TEXT && yyjson_is_str(value))
		return error_set_typed(
			err, ERROR_BAD_REQUEST, "HTTPBadRequest",
			"Invalid input for %s. Reason: '%.300s' exceeds maximum length of %zu.", field->name,
			text, field->max ? field->max : 255);
	return error_set_typed(err, ERROR_BAD_REQUEST, "HTTPBadRequest",
			       "Invalid input for %s. Reason: '%.200s' is not %s.", field->name, text,
			       words[field->type] ? words[field->type] : "valid");
}

static bool field_check(struct http_request *request, const char *resource, const struct field *field,
			yyjson_val *value, struct error *err)
{
	bool creating = request->method == HTTP_POST;

	if (creating ? !field->post : !field->put)
		return error_set_typed(err, ERROR_BAD_REQUEST, "HTTPBadRequest",
				       creating ? "Attribute '%s' not allowed in POST"
						: "Cannot update read-only attribute %s",
				       field->name);
	if (field->admin && !request->auth->admin)
		return error_set_typed(err, ERROR_FORBIDDEN, "PolicyNotAuthorized",
				       "(rule:%s_%s and rule:%s_%s:%s) is disallowed by policy",
				       creating ? "create" : "update", resource,
				       creating ? "create" : "update", resource, field->name);
	return (yyjson_is_null(value) ? field->nullable : field_type_fits(field, value)) ||
	       field_refuse(request, field, value, err);
}

bool fields_check(struct http_request *request, yyjson_val *object, const char *resource,
		  const struct field *fields, size_t count, struct error *err)
{
	size_t i, max;
	yyjson_val *key, *value;

	yyjson_obj_foreach (object, i, max, key, value) {
		const struct field *field = NULL;

		for (size_t k = 0; k < count && !field; k++) {
			if (strcmp(fields[k].name, yyjson_get_str(key)) == 0)
				field = &fields[k];
		}
		if (!field)
			return error_set_typed(err, ERROR_BAD_REQUEST, "HTTPBadRequest",
					       "Unrecognized attribute(s) '%.200s'", yyjson_get_str(key));
		if (!field_check(request, resource, field, value, err))
			return false;
	}
	return true;
}

const char *field_text(yyjson_val *object, const char *name, const char *fallback)
{
	const char *text = yyjson_get_str(yyjson_obj_get(object, name));

	return text ? text : fallback;
}

bool field_bool(yyjson_val *object, const char *name, bool fallback)
{
	value_to_bool(yyjson_obj_get(object, name), &fallback);
	return fallback;
}

int64_t field_int(yyjson_val *object, const char *name, int64_t fallback)
{
	yyjson_val *value = yyjson_obj_get(object, name);

	if (yyjson_is_str(value))
		text_to_int64(yyjson_get_str(value), INT64_MIN, INT64_MAX, &fallback);
	return yyjson_is_int(value) ? yyjson_get_sint(value) : fallback;
}

const char *field_json(struct http_request *request, yyjson_val *value, const char *fallback)
{
	_cleanup_free_ char *text = value ? yyjson_val_write(value, 0, NULL) : NULL;

	return text ? http_copy(request, text) : fallback;
}

void add_json(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, const char *json)
{
	yyjson_doc *value = json ? yyjson_read(json, strlen(json), 0) : NULL;

	yyjson_mut_obj_add_val(doc, object, name,
			       value ? yyjson_val_mut_copy(doc, yyjson_doc_get_root(value))
				     : yyjson_mut_null(doc));
	yyjson_doc_free(value);
}

void add_text(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, const char *text)
{
	if (text)
		yyjson_mut_obj_add_strcpy(doc, object, name, text);
	else
		yyjson_mut_obj_add_null(doc, object, name);
}

void add_standard(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *project, const char *description,
		  int64_t revision, int64_t created, int64_t updated)
{
	char time[32];

	add_text(doc, object, "description", description);
	add_text(doc, object, "project_id", project);
	add_text(doc, object, "tenant_id", project);
	yyjson_mut_obj_add_int(doc, object, "revision_number", revision);
	add_text(doc, object, "created_at", time_format(created, TIME_SECONDS_Z, time));
	add_text(doc, object, "updated_at", time_format(updated, TIME_SECONDS_Z, time));
	yyjson_mut_obj_add_arr(doc, object, "tags");
}

static bool value_equals(yyjson_mut_val *value, const char *text)
{
	char number[32];

	if (yyjson_mut_is_str(value))
		return strcmp(yyjson_mut_get_str(value), text) == 0;
	if (yyjson_mut_is_bool(value))
		return strcasecmp(text, yyjson_mut_get_bool(value) ? "true" : "false") == 0 ||
		       strcmp(text, yyjson_mut_get_bool(value) ? "1" : "0") == 0;
	if (yyjson_mut_is_int(value)) {
		snprintf(number, sizeof number, "%lld", (long long)yyjson_mut_get_sint(value));
		return strcmp(number, text) == 0;
	}
	if (yyjson_mut_is_arr(value)) {
		size_t i, max;
		yyjson_mut_val *item;

		yyjson_mut_arr_foreach (value, i, max, item) {
			if (value_equals(item, text))
				return true;
		}
	}
	return false;
}

/* fixed_ips=ip_address=10.0.0.5 or fixed_ips=subnet_id=... */
static bool fixed_ips_pass(yyjson_mut_val *list, const char *filter)
{
	const char *equals = strchr(filter, '=');
	size_t i, max;
	yyjson_mut_val *item;

	yyjson_mut_arr_foreach (list, i, max, item) {
		if (equals &&
		    value_equals(yyjson_mut_obj_getn(item, filter, (size_t)(equals - filter)), equals + 1))
			return true;
	}
	return false;
}

static bool is_paging(const char *name)
{
	static const char *const names[] = {"fields",	    "limit",	"marker",
					    "page_reverse", "sort_key", "sort_dir"};

	for (size_t i = 0; i < ELEMENTS_OF(names); i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

/* All values of one parameter are alternatives; different parameters must all pass. */
static bool view_passes(struct http_request *request, yyjson_mut_val *view)
{
	const char *name, *value, *other, *alternative;

	for (size_t i = 0; http_query_next(request, &i, &name, &value);) {
		yyjson_mut_val *member = yyjson_mut_obj_get(view, name);
		bool passes = false;

		if (is_paging(name) || !member)
			continue;
		for (size_t k = 0; !passes && http_query_next(request, &k, &other, &alternative);) {
			if (strcmp(other, name) == 0)
				passes = strcmp(name, "fixed_ips") == 0 ? fixed_ips_pass(member, alternative)
									: value_equals(member, alternative);
		}
		if (!passes)
			return false;
	}
	return true;
}

static bool is_wanted_field(struct http_request *request, const char *field, bool *any)
{
	const char *name, *value;
	bool wanted = false;

	for (size_t i = 0; http_query_next(request, &i, &name, &value);) {
		if (strcmp(name, "fields") != 0)
			continue;
		*any = true;
		wanted |= strcmp(value, field) == 0;
	}
	return wanted;
}

void view_finish(struct http_request *request, yyjson_mut_val *view)
{
	yyjson_mut_obj_iter iter;
	yyjson_mut_val *key;
	bool any = false;

	if (!http_query(request, "fields"))
		return;
	yyjson_mut_obj_iter_init(view, &iter);
	while ((key = yyjson_mut_obj_iter_next(&iter))) {
		if (!is_wanted_field(request, yyjson_mut_get_str(key), &any) && any)
			yyjson_mut_obj_iter_remove(&iter);
	}
}

static int sort_sign;
static const char *sort_key;

static int compare_views(const void *a, const void *b)
{
	yyjson_mut_val *x = yyjson_mut_obj_get(*(yyjson_mut_val *const *)a, sort_key);
	yyjson_mut_val *y = yyjson_mut_obj_get(*(yyjson_mut_val *const *)b, sort_key);

	if (yyjson_mut_is_str(x) && yyjson_mut_is_str(y))
		return sort_sign * strcmp(yyjson_mut_get_str(x), yyjson_mut_get_str(y));
	return sort_sign * (int)(yyjson_mut_get_sint(x) - yyjson_mut_get_sint(y));
}

/* Reads run on one thread (the server's), so the comparison's parameters may be static. */
static void views_sort(struct http_request *request, yyjson_mut_val **views, size_t count)
{
	const char *direction = http_query(request, "sort_dir");

	sort_key = http_query(request, "sort_key");
	sort_sign = direction && strcmp(direction, "desc") == 0 ? -1 : 1;
	if (sort_key)
		qsort(views, count, sizeof *views, compare_views);
}

static void add_next_link(struct http_request *request, struct http_response *response, const char *plural,
			  const char *marker, const char *limit)
{
	const char *name = http_printf(request, "%s_links", plural);
	yyjson_mut_val *root = yyjson_mut_doc_get_root(response->json);
	yyjson_mut_val *link =
		yyjson_mut_arr_add_obj(response->json, yyjson_mut_obj_add_arr(response->json, root, name));

	yyjson_mut_obj_add_str(response->json, link, "rel", "next");
	yyjson_mut_obj_add_str(response->json, link, "href",
			       http_printf(request, "%s/network/v2.0/%s?limit=%s&marker=%s",
					   http_base_url(request), plural, limit, marker));
}

bool list_finish(struct http_request *request, struct http_response *response, yyjson_mut_val *list,
		 const char *plural, struct error *err)
{
	size_t count = 0, first = 0, i, max;
	const char *limit_text = http_query(request, "limit"), *marker = http_query(request, "marker"),
		   *last = NULL;
	int64_t limit = INT64_MAX;
	yyjson_mut_val *view;
	_cleanup_free_ yyjson_mut_val **views = memory_alloc((yyjson_mut_arr_size(list) + 1) * sizeof *views);

	if (limit_text && (!text_to_int64(limit_text, 0, INT32_MAX, &limit)))
		return error_set_typed(err, ERROR_BAD_REQUEST, "HTTPBadRequest",
				       "Limit must be an integer 0 or greater and not '%.40s'", limit_text);
	yyjson_mut_arr_foreach (list, i, max, view) {
		if (view_passes(request, view))
			views[count++] = view;
	}
	views_sort(request, views, count);
	for (i = 0; marker && i < count; i++) {
		if (text_equal(yyjson_mut_get_str(yyjson_mut_obj_get(views[i], "id")), marker))
			first = i + 1;
	}
	yyjson_mut_arr_clear(list);
	for (i = first; i < count && (limit == 0 || (int64_t)(i - first) < limit); i++) {
		last = yyjson_mut_get_str(yyjson_mut_obj_get(views[i], "id"));
		view_finish(request, views[i]);
		yyjson_mut_arr_append(list, views[i]);
	}
	if (i < count && last)
		add_next_link(request, response, plural, last, limit_text);
	return true;
}

bool not_found(struct error *err, const char *type, const char *id)
{
	char name[64];

	snprintf(name, sizeof name, "%.*s", (int)(strlen(type) - strlen("NotFound")), type);
	return error_set_typed(err, ERROR_NOT_FOUND, type, "%s %.64s could not be found.", name, id);
}

bool is_visible(const struct auth *auth, const char *project_id, bool shared)
{
	return !auth || auth->admin || shared || text_equal(auth->project_id, project_id);
}

bool owner_find(struct http_request *request, yyjson_val *body, const char **project, struct error *err)
{
	const char *wanted = field_text(body, "project_id", field_text(body, "tenant_id", NULL));

	*project = wanted ? wanted : request->auth->project_id;
	if (!*project || !**project)
		return error_set_typed(err, ERROR_BAD_REQUEST, "HTTPBadRequest",
				       "Running without keystone AuthN requires that tenant_id is specified");
	if (request->auth->admin || text_equal(*project, request->auth->project_id))
		return true;
	return error_set_typed(
		err, ERROR_FORBIDDEN, "PolicyNotAuthorized",
		"Specifying 'project_id' or 'tenant_id' other than the authenticated project in request "
		"requires admin privileges");
}

bool quota_check(struct store *db, const char *resource, const char *sql, const char *project,
		 struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	int64_t used = 0, limit = strcmp(resource, "port") == 0	    ? network_settings.quota_port
				  : strcmp(resource, "subnet") == 0 ? network_settings.quota_subnet
								    : network_settings.quota_network;

	if (!store_query(db, &rows, err, sql, V(project)))
		return false;
	if (store_next(&rows))
		used = store_int(&rows, 0);
	return store_end(&rows, err) && (limit < 0 || used < limit ||
					 error_set_typed(err, ERROR_CONFLICT, "OverQuota",
							 "Quota exceeded for resources: ['%s'].", resource));
}
