/* Changes of a server that no host needs to hear of: name and description, metadata, tags. */
#include "compute/server.h"

#include <string.h>

/* --- PUT /servers/{id} --- */

static const char *const disk_configs[] = {"AUTO", "MANUAL", NULL};
static const struct schema disk_config = {.types = SCHEMA_STRING, .choices = disk_configs};
static const struct schema ipv4 = {.types = SCHEMA_STRING, .format = SCHEMA_IPV4};
static const struct schema ipv6 = {.types = SCHEMA_STRING, .format = SCHEMA_IPV6};
static const struct schema hostname = {.types = SCHEMA_STRING,
				       .shortest = 1,
				       .longest = 63,
				       .format = SCHEMA_FQDN_LABEL};
static const struct schema_field update_fields[] = {
	{"name", &schema_name},
	{"description", &schema_description, .since = 2019},
	{"OS-DCF:diskConfig", &disk_config},
	{"accessIPv4", &ipv4},
	{"accessIPv6", &ipv6},
	{"hostname", &hostname, .since = 2090},
	{0},
};
static const struct schema update_object = {.types = SCHEMA_OBJECT, .fields = update_fields};
static const struct schema update_body = {
	.types = SCHEMA_OBJECT,
	.fields = (const struct schema_field[]){{"server", &update_object, .required = true}, {0}}};

static const char *text_of(yyjson_val *object, const char *key)
{
	return yyjson_get_str(yyjson_obj_get(object, key));
}

/* Loads the server for a change; 409 while it is locked or being deleted. */
static bool load_for_change(struct http_request *request, struct server *server, struct error *err)
{
	if (!server_load(request->db, request->params[0], request->auth, server, err) ||
	    !server_check_unlocked(server, request->auth, err))
		return false;
	return !server_is_deleting(server->life.state) ||
	       error_set(err, ERROR_CONFLICT,
			 "Cannot 'update' instance %s while it is in task_state deleting", server->id);
}

bool server_update(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = compute_body(request, &update_body, err);
	yyjson_val *change = yyjson_obj_get(body, "server");
	struct server server;

	if (!body || !load_for_change(request, &server, err) ||
	    !store_exec(
		    request->db, err,
		    "UPDATE server SET name = coalesce(?2, name), description = CASE WHEN ?3 THEN ?4 ELSE "
		    "description"
		    " END, disk_config = coalesce(?5, disk_config), access_ipv4 = coalesce(?6, access_ipv4),"
		    " access_ipv6 = coalesce(?7, access_ipv6), hostname = coalesce(?8, hostname), updated_at "
		    "= ?9"
		    " WHERE id = ?1",
		    V((const char *)server.id), V(text_of(change, "name")),
		    V(yyjson_obj_get(change, "description") != NULL), V(text_of(change, "description")),
		    V(text_of(change, "OS-DCF:diskConfig")), V(text_of(change, "accessIPv4")),
		    V(text_of(change, "accessIPv6")), V(text_of(change, "hostname")), V(sys_now())))
		return false;
	return server_answer(request, response, server.id, SERVER_VIEW_UPDATE, err);
}

/* --- a JSON column as a document --- */

static bool column_load(struct http_request *request, enum server_column column, yyjson_mut_doc **doc,
			struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!server_query(request, request->params[0], &rows, err))
		return false;
	const char *text = store_text(&rows, column);
	yyjson_doc *read = yyjson_read(text, strlen(text), 0);
	*doc = read ? yyjson_doc_mut_copy(read, NULL) : NULL;
	yyjson_doc_free(read);
	return *doc || error_set(err, ERROR_INTERNAL, "server %s: a column is not JSON", request->params[0]);
}

static bool metadata_store(struct http_request *request, yyjson_mut_doc *doc, struct error *err)
{
	int64_t limit = compute_settings.quota_metadata_items;

	if (limit >= 0 && (int64_t)yyjson_mut_obj_size(yyjson_mut_doc_get_root(doc)) > limit)
		return error_set(err, ERROR_FORBIDDEN, "Maximum number of metadata items exceeds %lld",
				 (long long)limit);
	_cleanup_free_ char *text = yyjson_mut_write(doc, YYJSON_WRITE_ALLOW_INVALID_UNICODE, NULL);
	return store_exec(request->db, err, "UPDATE server SET metadata = ?2, updated_at = ?3 WHERE id = ?1",
			  V(request->params[0]), V(text), V(sys_now()));
}

static void answer_with(struct http_response *response, const char *key, yyjson_mut_doc *doc)
{
	yyjson_mut_val *root = http_json_object(response, 200);

	yyjson_mut_obj_add_val(response->json, root, key,
			       yyjson_mut_val_mut_copy(response->json, yyjson_mut_doc_get_root(doc)));
}

/* --- metadata --- */

static const struct schema metadata_body = {
	.types = SCHEMA_OBJECT,
	.fields = (const struct schema_field[]){{"metadata", &schema_metadata, .required = true}, {0}}};
static const struct schema meta_body = {
	.types = SCHEMA_OBJECT,
	.fields = (const struct schema_field[]){{"meta", &schema_metadata, .required = true}, {0}}};

bool server_metadata_index(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_doc *doc;

	if (!column_load(request, COLUMN_METADATA, &doc, err))
		return false;
	answer_with(response, "metadata", doc);
	yyjson_mut_doc_free(doc);
	return true;
}

/* Puts `change` into the metadata (or in its place) and answers with all of it. */
static bool metadata_change(struct http_request *request, struct http_response *response, yyjson_val *change,
			    bool replace, struct error *err)
{
	yyjson_mut_doc *doc;
	struct server server;
	size_t i, max;
	yyjson_val *key, *value;

	if (!change || !load_for_change(request, &server, err) ||
	    !column_load(request, COLUMN_METADATA, &doc, err))
		return false;
	if (replace)
		yyjson_mut_obj_clear(yyjson_mut_doc_get_root(doc));
	yyjson_obj_foreach (change, i, max, key, value)
		yyjson_mut_obj_put(yyjson_mut_doc_get_root(doc), yyjson_val_mut_copy(doc, key),
				   yyjson_val_mut_copy(doc, value));
	bool ok = metadata_store(request, doc, err);
	if (ok)
		answer_with(response, "metadata", doc);
	yyjson_mut_doc_free(doc);
	return ok;
}

bool server_metadata_replace(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = compute_body(request, &metadata_body, err);

	return metadata_change(request, response, yyjson_obj_get(body, "metadata"), true, err);
}

bool server_metadata_merge(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = compute_body(request, &metadata_body, err);

	return metadata_change(request, response, yyjson_obj_get(body, "metadata"), false, err);
}

static bool metadata_missing(struct error *err)
{
	return error_set(err, ERROR_NOT_FOUND, "Metadata item was not found");
}

bool server_metadata_show(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_doc *doc;

	if (!column_load(request, COLUMN_METADATA, &doc, err))
		return false;
	yyjson_mut_val *value = yyjson_mut_obj_get(yyjson_mut_doc_get_root(doc), request->params[1]);
	if (value) {
		yyjson_mut_val *root = http_json_object(response, 200);
		yyjson_mut_val *meta = yyjson_mut_obj_add_obj(response->json, root, "meta");

		compute_add_text(response->json, meta, request->params[1], yyjson_mut_get_str(value));
	}
	yyjson_mut_doc_free(doc);
	return value || metadata_missing(err);
}

bool server_metadata_put(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = compute_body(request, &meta_body, err);
	yyjson_val *meta = yyjson_obj_get(body, "meta");

	if (!body)
		return false;
	if (yyjson_obj_size(meta) != 1 || !yyjson_obj_get(meta, request->params[1]))
		return error_set(err, ERROR_BAD_REQUEST, "Request body and URI mismatch");
	if (!metadata_change(request, response, meta, false, err))
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_obj_add_val(response->json, root, "meta", yyjson_val_mut_copy(response->json, meta));
	return true;
}

bool server_metadata_delete(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_doc *doc;
	struct server server;

	if (!load_for_change(request, &server, err) || !column_load(request, COLUMN_METADATA, &doc, err))
		return false;
	bool ok = yyjson_mut_obj_remove_key(yyjson_mut_doc_get_root(doc), request->params[1])
			  ? metadata_store(request, doc, err)
			  : metadata_missing(err);
	yyjson_mut_doc_free(doc);
	return ok && compute_empty(response, 204);
}

/* --- tags (since 2.26) --- */

#define TAG_LIMIT 50

static const struct schema tag_text = {.types = SCHEMA_STRING,
				       .shortest = 1,
				       .longest = 60,
				       .format = SCHEMA_TAG};
static const struct schema tag_list = {.types = SCHEMA_ARRAY,
				       .longest = TAG_LIMIT,
				       .items = &tag_text,
				       .unique = true};
static const struct schema tags_body = {
	.types = SCHEMA_OBJECT,
	.fields = (const struct schema_field[]){{"tags", &tag_list, .required = true}, {0}}};

static bool tags_store(struct http_request *request, const char *json, struct error *err)
{
	return store_exec(request->db, err, "UPDATE server SET tags = ?2, updated_at = ?3 WHERE id = ?1",
			  V(request->params[0]), V(json), V(sys_now()));
}

static bool tags_store_doc(struct http_request *request, yyjson_mut_doc *doc, struct error *err)
{
	_cleanup_free_ char *json = yyjson_mut_write(doc, YYJSON_WRITE_ALLOW_INVALID_UNICODE, NULL);

	return tags_store(request, json, err);
}

static bool tags_load(struct http_request *request, yyjson_mut_doc **doc, struct error *err)
{
	return compute_since(request, 2026, err) && column_load(request, COLUMN_TAGS, doc, err);
}

/* Where the tag of the path stands in the list; -1: nowhere. */
static int64_t tag_index(struct http_request *request, yyjson_mut_doc *doc)
{
	size_t i, max;
	yyjson_mut_val *item;

	yyjson_mut_arr_foreach (yyjson_mut_doc_get_root(doc), i, max, item) {
		if (yyjson_mut_equals_str(item, request->params[1]))
			return (int64_t)i;
	}
	return -1;
}

bool server_tags_index(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_doc *doc;

	if (!tags_load(request, &doc, err))
		return false;
	answer_with(response, "tags", doc);
	yyjson_mut_doc_free(doc);
	return true;
}

bool server_tags_replace(struct http_request *request, struct http_response *response, struct error *err)
{
	struct server server;

	if (!compute_since(request, 2026, err))
		return false;
	yyjson_val *body = compute_body(request, &tags_body, err);
	if (!body || !load_for_change(request, &server, err))
		return false;
	_cleanup_free_ char *json = compute_json_text(yyjson_obj_get(body, "tags"));
	if (!tags_store(request, json, err))
		return false;
	return server_tags_index(request, response, err);
}

bool server_tags_show(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_doc *doc;

	if (!tags_load(request, &doc, err))
		return false;
	int64_t index = tag_index(request, doc);
	yyjson_mut_doc_free(doc);
	if (index < 0)
		return error_set(err, ERROR_NOT_FOUND, "Server %s has no tag '%s'", request->params[0],
				 request->params[1]);
	return compute_empty(response, 204);
}

bool server_tags_put(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_doc *doc;
	struct server server;

	if (!compute_since(request, 2026, err) ||
	    !schema_check_query(&tag_text, "tag", request->params[1], err) ||
	    !load_for_change(request, &server, err) || !tags_load(request, &doc, err))
		return false;
	yyjson_mut_val *list = yyjson_mut_doc_get_root(doc);
	bool there = tag_index(request, doc) >= 0, ok = there;
	if (!there && yyjson_mut_arr_size(list) >= TAG_LIMIT) {
		error_set(err, ERROR_BAD_REQUEST, "The number of tags exceeded the per-server limit %d",
			  TAG_LIMIT);
	} else if (!there) {
		yyjson_mut_arr_add_strcpy(doc, list, request->params[1]);
		ok = tags_store_doc(request, doc, err);
	}
	yyjson_mut_doc_free(doc);
	if (ok && !there)
		http_header_set(response, "Location",
				http_printf(request, "%s/servers/%s/tags/%s", compute_self_url(request),
					    request->params[0], request->params[1]));
	return ok && compute_empty(response, there ? 204 : 201);
}

bool server_tags_delete(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_doc *doc;
	struct server server;

	if (!compute_since(request, 2026, err) || !load_for_change(request, &server, err) ||
	    !tags_load(request, &doc, err))
		return false;
	int64_t index = tag_index(request, doc);
	bool ok = false;
	if (index < 0) {
		error_set(err, ERROR_NOT_FOUND, "Instance %s has no tag '%s'", server.id, request->params[1]);
	} else {
		yyjson_mut_arr_remove(yyjson_mut_doc_get_root(doc), (size_t)index);
		ok = tags_store_doc(request, doc, err);
	}
	yyjson_mut_doc_free(doc);
	return ok && compute_empty(response, 204);
}

bool server_tags_clear(struct http_request *request, struct http_response *response, struct error *err)
{
	struct server server;

	return compute_since(request, 2026, err) && load_for_change(request, &server, err) &&
	       tags_store(request, "[]", err) && compute_empty(response, 204);
}
