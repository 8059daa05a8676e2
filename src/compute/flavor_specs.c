/* Extra specs of flavors (kept as one JSON object in the flavor's row) and who may use a private flavor. */
#include "compute/flavor_specs.h"

#include "scheduler/scheduler.h"

#include <string.h>

/* --- the JSON object --- */

static bool specs_load(struct http_request *request, yyjson_doc **specs, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	const char *id = request->params[0];

	if (!store_query(request->db, &rows, err,
			 "SELECT extra_specs FROM flavor WHERE id = ?1 AND (?2 = 1 OR public = 1 OR EXISTS "
			 "(SELECT 1"
			 " FROM flavor_access a WHERE a.flavor_id = flavor.id AND a.project_id = ?3))",
			 V(id), V(request->auth->admin), V(request->auth->project_id)))
		return false;
	if (!store_next(&rows))
		return store_end(&rows, err) &&
		       error_set(err, ERROR_NOT_FOUND, "Flavor %s could not be found.", id);
	const char *text = store_text(&rows, 0);
	*specs = yyjson_read(text, strlen(text), 0);
	return *specs || error_set(err, ERROR_INTERNAL, "flavor %s: extra_specs is not JSON", id);
}

static bool specs_store(struct http_request *request, yyjson_mut_doc *specs, struct error *err)
{
	_cleanup_free_ char *text = yyjson_mut_write(specs, YYJSON_WRITE_ALLOW_INVALID_UNICODE, NULL);

	return store_exec(request->db, err, "UPDATE flavor SET extra_specs = ?2 WHERE id = ?1",
			  V(request->params[0]), V(text));
}

/* --- checks --- */

static const struct schema spec_value = {.types = SCHEMA_STRING | SCHEMA_INTEGER | SCHEMA_NUMBER |
						  SCHEMA_BOOLEAN,
					 .longest = 255};
static const struct schema spec_map = {.types = SCHEMA_OBJECT,
				       .keys = SCHEMA_METADATA_KEY,
				       .items = &spec_value};
static const struct schema specs_body = {
	.types = SCHEMA_OBJECT,
	.fields = (const struct schema_field[]){{"extra_specs", &spec_map, .required = true}, {0}}};
static const struct schema spec_body = {.types = SCHEMA_OBJECT,
					.shortest = 1,
					.longest = 1,
					.keys = SCHEMA_METADATA_KEY,
					.items = &spec_value};

/* A wrong PCI alias is told when the flavor is made, not when a server fails. */
static bool spec_check(const char *key, const char *value, struct error *err)
{
	if (strcmp(key, "group_policy") == 0 && strcmp(value, "none") != 0 && strcmp(value, "isolate") != 0)
		return error_set(err, ERROR_BAD_REQUEST,
				 "Validation failed; group_policy: '%.40s' is neither 'none' nor 'isolate'.",
				 value);
	return strcmp(key, "pci_passthrough:alias") != 0 || scheduler_alias_check(value, err);
}

/* Numbers and booleans are kept as the text that Python makes of them. */
static const char *spec_text(struct http_request *request, yyjson_val *value)
{
	if (yyjson_is_str(value))
		return yyjson_get_str(value);
	if (yyjson_is_bool(value))
		return yyjson_get_bool(value) ? "True" : "False";
	_cleanup_free_ char *text = compute_json_text(value);
	return http_copy(request, text);
}

/* Puts all members of `from` into the specs. */
static bool specs_merge(struct http_request *request, yyjson_mut_doc *specs, yyjson_val *from,
			struct error *err)
{
	yyjson_mut_val *object = yyjson_mut_doc_get_root(specs);
	size_t i, max;
	yyjson_val *key, *value;

	yyjson_obj_foreach (from, i, max, key, value) {
		const char *text = spec_text(request, value);

		if (!spec_check(yyjson_get_str(key), text, err))
			return false;
		yyjson_mut_obj_put(object, yyjson_mut_str(specs, yyjson_get_str(key)),
				   yyjson_mut_strcpy(specs, text));
	}
	return true;
}

static bool specs_change(struct http_request *request, yyjson_val *from, struct error *err)
{
	yyjson_doc *old;

	if (!specs_load(request, &old, err))
		return false;
	yyjson_mut_doc *specs = yyjson_doc_mut_copy(old, NULL);
	bool ok = specs_merge(request, specs, from, err) && specs_store(request, specs, err);
	yyjson_mut_doc_free(specs);
	yyjson_doc_free(old);
	return ok;
}

/* --- handlers --- */

bool flavor_specs_index(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_doc *specs;

	if (!specs_load(request, &specs, err))
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_obj_add_val(response->json, root, "extra_specs",
			       yyjson_val_mut_copy(response->json, yyjson_doc_get_root(specs)));
	yyjson_doc_free(specs);
	return true;
}

bool flavor_specs_create(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = compute_body(request, &specs_body, err);

	if (!body || !specs_change(request, yyjson_obj_get(body, "extra_specs"), err))
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_obj_add_val(response->json, root, "extra_specs",
			       yyjson_val_mut_copy(response->json, yyjson_obj_get(body, "extra_specs")));
	return true;
}

static bool spec_missing(struct http_request *request, struct error *err)
{
	return error_set(err, ERROR_NOT_FOUND, "Flavor %s has no extra specs with key %s.",
			 request->params[0], request->params[1]);
}

bool flavor_specs_show(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_doc *specs;

	if (!specs_load(request, &specs, err))
		return false;
	const char *value = yyjson_get_str(yyjson_obj_get(yyjson_doc_get_root(specs), request->params[1]));
	if (value) {
		yyjson_mut_val *root = http_json_object(response, 200);
		yyjson_mut_obj_add_strcpy(response->json, root, request->params[1], value);
	}
	yyjson_doc_free(specs);
	return value || spec_missing(request, err);
}

bool flavor_specs_update(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = compute_body(request, &spec_body, err);

	if (!body)
		return false;
	if (!yyjson_obj_get(body, request->params[1]))
		return error_set(err, ERROR_BAD_REQUEST, "Request body and URI mismatch");
	if (!specs_change(request, body, err))
		return false;
	yyjson_mut_doc_set_root(http_json(response), yyjson_val_mut_copy(http_json(response), body));
	response->status = 200;
	return true;
}

bool flavor_specs_delete(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_doc *old;

	if (!specs_load(request, &old, err))
		return false;
	yyjson_mut_doc *specs = yyjson_doc_mut_copy(old, NULL);
	bool ok = yyjson_mut_obj_remove_key(yyjson_mut_doc_get_root(specs), request->params[1])
			  ? specs_store(request, specs, err)
			  : spec_missing(request, err);
	yyjson_mut_doc_free(specs);
	yyjson_doc_free(old);
	return ok && compute_empty(response, 200);
}

/* --- access --- */

static bool access_answer(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "flavor_access");
	if (!store_query(request->db, &rows, err,
			 "SELECT project_id FROM flavor_access WHERE flavor_id = ?1 ORDER BY project_id",
			 V(request->params[0])))
		return false;
	while (store_next(&rows)) {
		yyjson_mut_val *item = yyjson_mut_arr_add_obj(response->json, list);

		yyjson_mut_obj_add_str(response->json, item, "flavor_id", request->params[0]);
		yyjson_mut_obj_add_strcpy(response->json, item, "tenant_id", store_text(&rows, 0));
	}
	return store_end(&rows, err);
}

/* 404 for a flavor that is not there; *public tells. */
static bool access_flavor(struct http_request *request, bool *public, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err, "SELECT public FROM flavor WHERE id = ?1",
			 V(request->params[0])))
		return false;
	if (!store_next(&rows))
		return store_end(&rows, err) &&
		       error_set(err, ERROR_NOT_FOUND, "Flavor %s could not be found.", request->params[0]);
	*public = store_int(&rows, 0);
	return true;
}

bool flavor_access_index(struct http_request *request, struct http_response *response, struct error *err)
{
	bool public;

	if (!access_flavor(request, &public, err))
		return false;
	if (public)
		return error_set(err, ERROR_NOT_FOUND, "Access list not available for public flavors.");
	return access_answer(request, response, err);
}

static const struct schema access_tenant = {.types = SCHEMA_STRING, .shortest = 1, .longest = 255};
static const struct schema access_object = {
	.types = SCHEMA_OBJECT,
	.fields = (const struct schema_field[]){{"tenant", &access_tenant, .required = true}, {0}}};
static const struct schema access_body = {
	.types = SCHEMA_OBJECT,
	.fields = (const struct schema_field[]){{"addTenantAccess", &access_object},
						{"removeTenantAccess", &access_object},
						{0}}};

static bool access_add(struct http_request *request, const char *project, struct error *err)
{
	if (store_exec(request->db, err, "INSERT INTO flavor_access (flavor_id, project_id) VALUES (?1, ?2)",
		       V(request->params[0]), V(project)))
		return true;
	if (err->kind == ERROR_CONFLICT)
		error_set(err, ERROR_CONFLICT,
			  "Flavor access already exists for flavor %s and project %s combination.",
			  request->params[0], project);
	return false;
}

static bool access_remove(struct http_request *request, const char *project, struct error *err)
{
	if (!store_exec(request->db, err,
			"DELETE FROM flavor_access WHERE flavor_id = ?1 AND project_id = ?2",
			V(request->params[0]), V(project)))
		return false;
	return store_changes(request->db) > 0 ||
	       error_set(err, ERROR_NOT_FOUND, "Flavor access not found for %s / %s combination.",
			 request->params[0], project);
}

bool flavor_access_change(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = compute_body(request, &access_body, err);
	yyjson_val *add = yyjson_obj_get(body, "addTenantAccess");
	yyjson_val *remove = yyjson_obj_get(body, "removeTenantAccess");
	bool public;

	if (!body || !access_flavor(request, &public, err))
		return false;
	if (!add == !remove)
		return error_set(err, ERROR_BAD_REQUEST,
				 "There is no such action: the body must have one of "
				 "addTenantAccess and removeTenantAccess");
	if (public)
		return error_set(err, ERROR_CONFLICT, "Can not %s access to a public flavor.",
				 add ? "add" : "remove");
	const char *project = yyjson_get_str(yyjson_obj_get(add ? add : remove, "tenant"));
	if (!(add ? access_add : access_remove)(request, project, err))
		return false;
	return access_answer(request, response, err);
}
