/* One image: making, showing, changing (JSON patch), deleting, deactivating it; its tags. */
#include "base/memory.h"
#include "base/text.h"
#include "image/internal.h"
#include "sys/sys.h"

#include <string.h>

static bool answer(struct http_request *request, struct http_response *response, int status,
		   const struct image_record *record, struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, status);

	return image_record_view(request, response->json, root, record, err);
}

static bool body_read(struct http_request *request, yyjson_val **body, struct error *err)
{
	*body = http_body_json(request, err);
	return *body || error_set(err, ERROR_BAD_REQUEST, "Malformed JSON in request body.");
}

/* The id that the client chose, or a new one. */
static bool choose_id(struct http_request *request, yyjson_val *body, const char **id, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_val *given = yyjson_obj_get(body, "id");
	char uuid[SYS_UUID_SIZE];

	if (given && (!yyjson_is_str(given) || !image_id_is_valid(yyjson_get_str(given))))
		return error_set(err, ERROR_BAD_REQUEST,
				 "Provided object does not match schema 'image': the id must be a UUID");
	*id = given ? yyjson_get_str(given) : http_copy(request, sys_uuid(uuid));
	if (!store_query(request->db, &rows, err, "SELECT 1 FROM image WHERE id = ?1", V(*id)))
		return false;
	if (store_next(&rows))
		return error_set(err, ERROR_CONFLICT, "Image ID %s already exists!", *id);
	return store_end(&rows, err);
}

bool image_create(struct http_request *request, struct http_response *response, struct error *err)
{
	struct image_record record = {.status = "queued",
				      .visibility = "shared",
				      .owner = request->auth->project_id,
				      .size = -1,
				      .virtual_size = -1,
				      .created_at = sys_now()};
	yyjson_val *body, *key, *value;
	size_t i, max;

	if (!request->auth->admin && !(request->auth->member && request->auth->project_id))
		return image_forbidden("add_image", err);
	/* The row comes first: its properties and tags refer to it. */
	if (!body_read(request, &body, err) || !choose_id(request, body, &record.id, err) ||
	    !image_record_save(request, &record, err))
		return false;
	yyjson_obj_foreach (body, i, max, key, value) {
		if (strcmp(yyjson_get_str(key), "id") != 0 &&
		    !image_field_set(request, &record, yyjson_get_str(key), value, err))
			return false;
	}
	if (!image_record_save(request, &record, err))
		return false;
	http_header_add(response, "Location",
			http_printf(request, "%s/image/v2/images/%s", http_base_url(request), record.id));
	http_header_add(response, "OpenStack-image-store-ids", "file");
	return answer(request, response, 201, &record, err);
}

bool image_show(struct http_request *request, struct http_response *response, struct error *err)
{
	struct image_record record;

	return image_record_load(request, request->params[0], &record, err) &&
	       answer(request, response, 200, &record, err);
}

bool image_delete(struct http_request *request, struct http_response *response, struct error *err)
{
	struct image_record record;

	if (!image_record_load_own(request, request->params[0], "delete_image", &record, err))
		return err->kind == ERROR_NOT_FOUND
			       ? error_set(err, ERROR_NOT_FOUND, "Failed to find image %.255s to delete",
					   request->params[0])
			       : false;
	if (record.is_protected)
		return error_set(err, ERROR_FORBIDDEN, "Image %s is protected and cannot be deleted.",
				 record.id);
	if (!store_exec(request->db, err, "DELETE FROM image WHERE id = ?1", V(record.id)))
		return false;
	image_unlink_on_end(request->db, record.id, true);
	image_no_content(response);
	return true;
}

/* --- JSON patch (RFC 6902): add, replace and remove of one member --- */

#define PATCH_TYPES \
	"application/openstack-images-v2.0-json-patch, application/openstack-images-v2.1-json-patch"

/* The one name in a JSON pointer (RFC 6901), ~1 and ~0 decoded. */
static bool pointer_name(struct http_request *request, const char *pointer, const char **name,
			 struct error *err)
{
	char *to;

	if (*pointer != '/')
		return error_set(err, ERROR_BAD_REQUEST, "Pointer `%.255s` does not start with \"/\".",
				 pointer);
	if (strchr(pointer + 1, '/'))
		return error_set(err, ERROR_BAD_REQUEST, "Invalid JSON pointer for this resource: '%.255s'",
				 pointer);
	if (!pointer[1])
		return error_set(err, ERROR_BAD_REQUEST, "Pointer `%s` does not end with a name.", pointer);
	*name = to = http_copy(request, pointer + 1);
	for (const char *from = *name; *from; from++) {
		bool escaped = *from == '~';

		from += escaped;
		if (escaped && *from != '0' && *from != '1')
			return error_set(
				err, ERROR_BAD_REQUEST,
				"Pointer `%.255s` contains \"~\" not part of a recognized escape sequence.",
				pointer);
		*to++ = !escaped ? *from : *from == '0' ? '~' : '/';
	}
	*to = '\0';
	return true;
}

static bool patch_apply(struct http_request *request, struct image_record *record, yyjson_val *change,
			struct error *err)
{
	const char *op = yyjson_get_str(yyjson_obj_get(change, "op")), *name = NULL;
	const char *path = yyjson_get_str(yyjson_obj_get(change, "path"));
	yyjson_val *value = yyjson_obj_get(change, "value");
	bool exists = true;

	if (!yyjson_is_obj(change))
		return error_set(err, ERROR_BAD_REQUEST, "Operations must be JSON objects.");
	if (!op || !path)
		return error_set(err, ERROR_BAD_REQUEST, "Unable to find '%s' in JSON Schema change",
				 op ? "path" : "op");
	if (strcmp(op, "add") != 0 && strcmp(op, "replace") != 0 && strcmp(op, "remove") != 0)
		return error_set(
			err, ERROR_BAD_REQUEST,
			"Invalid operation: `%.64s`. It must be one of the following: add, remove, replace.",
			op);
	if (!pointer_name(request, path, &name, err))
		return false;
	if (strcmp(op, "remove") == 0)
		return image_field_remove(request, record, name, err);
	if (!value)
		return error_set(err, ERROR_BAD_REQUEST,
				 "Operation \"%s\" requires a member named \"value\".", op);
	if (strcmp(op, "replace") == 0 && !image_field_is_base(name) &&
	    !image_property_exists(request, record->id, name, &exists, err))
		return false;
	return exists ? image_field_set(request, record, name, value, err)
		      : error_set(err, ERROR_CONFLICT, "Property %.255s does not exist.", name);
}

bool image_patch(struct http_request *request, struct http_response *response, struct error *err)
{
	const char *type = http_header(request, "Content-Type");
	struct image_record record;
	yyjson_val *body, *change;
	size_t i, max;

	if (!type || !(text_starts_with(type, "application/openstack-images-v2.1-json-patch") ||
		       text_starts_with(type, "application/openstack-images-v2.0-json-patch"))) {
		http_header_add(response, "Accept-Patch", PATCH_TYPES);
		return error_set(err, ERROR_UNSUPPORTED_MEDIA,
				 "The request media type %.100s is not supported by this server.",
				 type ? type : "");
	}
	if (!body_read(request, &body, err))
		return false;
	if (!yyjson_is_arr(body))
		return error_set(err, ERROR_BAD_REQUEST,
				 "Request body must be a JSON array of operation objects.");
	if (!image_record_load_own(request, request->params[0], "modify_image", &record, err))
		return false;
	yyjson_arr_foreach (body, i, max, change) {
		if (!patch_apply(request, &record, change, err))
			return false;
	}
	return image_record_save(request, &record, err) && answer(request, response, 200, &record, err);
}

/* --- tags --- */

bool image_tag_put(struct http_request *request, struct http_response *response, struct error *err)
{
	struct image_record record;

	image_no_content(response);
	return image_record_load_own(request, request->params[0], "modify_image", &record, err) &&
	       image_tag_add(request, record.id, request->params[1], err) &&
	       image_record_save(request, &record, err);
}

bool image_tag_delete(struct http_request *request, struct http_response *response, struct error *err)
{
	struct image_record record;

	if (!image_record_load_own(request, request->params[0], "modify_image", &record, err) ||
	    !store_exec(request->db, err, "DELETE FROM image_tag WHERE image_id = ?1 AND tag = ?2",
			V(record.id), V(request->params[1])))
		return false;
	if (store_changes(request->db) == 0)
		return error_set(err, ERROR_NOT_FOUND, "The resource could not be found.");
	image_no_content(response);
	return image_record_save(request, &record, err);
}

/* --- deactivating: the bytes are kept but not handed out --- */

static bool set_status(struct http_request *request, struct http_response *response, const char *action,
		       const char *from, const char *to, struct error *err)
{
	struct image_record record;

	if (!image_record_load(request, request->params[0], &record, err))
		return false;
	if (!request->auth->admin)
		return image_forbidden(action, err);
	if (strcmp(record.status, from) != 0 && strcmp(record.status, to) != 0)
		return error_set(err, ERROR_FORBIDDEN, "Image status transition from %s to %s is not allowed",
				 record.status, to);
	record.status = to;
	image_no_content(response);
	return image_record_save(request, &record, err);
}

bool image_deactivate(struct http_request *request, struct http_response *response, struct error *err)
{
	return set_status(request, response, "deactivate", "active", "deactivated", err);
}

bool image_reactivate(struct http_request *request, struct http_response *response, struct error *err)
{
	return set_status(request, response, "reactivate", "deactivated", "active", err);
}
