/* What all resources share: reading bodies, ownership, standard members. */
#include "base/memory.h"
#include "base/timestamp.h"
#include "network/internal.h"

#include <ctype.h>
#include <string.h>

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

static bool create_many(struct http_request *request, struct http_response *response,
			const struct resource *resource, yyjson_val *bodies, struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, 201), *view;
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, resource->plural);
	size_t i, max;
	yyjson_val *body;
	char id[37];

	if (yyjson_arr_size(bodies) == 0)
		return error_set_typed(err, ERROR_BAD_REQUEST, "HTTPBadRequest", "Resources required");
	yyjson_arr_foreach (bodies, i, max, body) {
		if (!yyjson_is_obj(body))
			return error_set_typed(err, ERROR_BAD_REQUEST, "HTTPBadRequest",
					       "Invalid body: each of '%s' must be a dictionary",
					       resource->plural);
		if (!resource->create(request, body, id, err) ||
		    !(view = resource->load(request, response->json, id, err)))
			return false;
		yyjson_mut_arr_append(list, view);
	}
	return true;
}

bool resource_answer(struct http_request *request, struct http_response *response,
		     const struct resource *resource, int status, const char *id, struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, status);
	yyjson_mut_val *view = resource->load(request, response->json, id, err);

	if (!view)
		return false;
	view_finish(request, view);
	yyjson_mut_obj_add_val(response->json, root, resource->name, view);
	return true;
}

bool resource_create(struct http_request *request, struct http_response *response,
		     const struct resource *resource, struct error *err)
{
	yyjson_val *body = http_body_json(request, err), *many = yyjson_obj_get(body, resource->plural);
	char id[37];

	if (yyjson_is_arr(many))
		return create_many(request, response, resource, many, err);
	body = network_body(request, resource->name, err);
	return body && resource->create(request, body, id, err) &&
	       resource_answer(request, response, resource, 201, id, err);
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
		  const char *tags, int64_t revision, int64_t created, int64_t updated)
{
	char time[32];

	add_text(doc, object, "description", description);
	add_text(doc, object, "project_id", project);
	add_text(doc, object, "tenant_id", project);
	yyjson_mut_obj_add_int(doc, object, "revision_number", revision);
	add_text(doc, object, "created_at", time_format(created, TIME_SECONDS_Z, time));
	add_text(doc, object, "updated_at", time_format(updated, TIME_SECONDS_Z, time));
	add_json(doc, object, "tags", tags);
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

	if (yyjson_obj_get(body, "project_id") && !text_equal(wanted, field_text(body, "tenant_id", wanted)))
		return error_set_typed(err, ERROR_BAD_REQUEST, "HTTPBadRequest",
				       "'project_id' and 'tenant_id' do not match");
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
	int64_t used = 0, limit;

	if (!quota_limit(db, resource, project, &limit, err))
		return false;
	if (limit < 0)
		return true;
	if (!store_query(db, &rows, err, sql, V(project), V(limit)))
		return false;
	while (store_next(&rows))
		used++;
	return store_end(&rows, err) && (used < limit || error_set_typed(err, ERROR_CONFLICT, "OverQuota",
									 "Quota exceeded for resources: "
									 "['%s'].",
									 resource));
}
