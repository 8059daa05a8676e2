/* What may be said of an image: the schema, from which the answers of /v2/schemas/image and the checks of
 * POST and PATCH both come. */
#include "base/memory.h"
#include "base/text.h"
#include "image/internal.h"

#include <string.h>

enum { TYPE_NULL = 1, TYPE_STRING = 2, TYPE_INTEGER = 4, TYPE_BOOLEAN = 8, TYPE_ARRAY = 16 };

static const struct {
	unsigned type;
	const char *name;
} type_names[] = {{TYPE_NULL, "null"},
		  {TYPE_STRING, "string"},
		  {TYPE_INTEGER, "integer"},
		  {TYPE_BOOLEAN, "boolean"},
		  {TYPE_ARRAY, "array"}};

static const char *const statuses[] = {"queued",    "saving",	 "active",	   "killed",	  "deleted",
				       "uploading", "importing", "pending_delete", "deactivated", NULL};
static const char *const visibilities[] = {"community", "public", "private", "shared", NULL};
static const char *const container_formats[] = {"ami", "ari",	 "aki",	       "bare", "ovf",
						"ova", "docker", "compressed", NULL};
static const char *const disk_formats[] = {"ami", "ari",   "aki", "vhd", "vhdx",  "vmdk",
					   "raw", "qcow2", "vdi", "iso", "ploop", NULL};

#define UUID_PATTERN "^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$"

static const struct field {
	const char *name;
	unsigned types;
	bool read_only;
	bool extra;    /* one of the additional properties that are known by name */
	bool uuid;     /* must match UUID_PATTERN */
	size_t max;    /* characters; 0: no limit */
	size_t offset; /* in struct image_record, of a text, an integer or a flag; 0: set otherwise */
	const char *const *choices;
	const char *description;
} fields[] = {
	/* Whether `id` may be given is the business of POST. */
	{"id", TYPE_STRING, .read_only = true, .uuid = true, .description = "The image's identifier"},
	{"name", TYPE_NULL | TYPE_STRING, .max = 255, .offset = offsetof(struct image_record, name),
	 .description = "What people call the image"},
	{"status", TYPE_STRING, .read_only = true, .choices = statuses,
	 .description = "Where it is in its life"},
	{"visibility", TYPE_STRING, .choices = visibilities,
	 .offset = offsetof(struct image_record, visibility), .description = "Who may see it"},
	{"protected", TYPE_BOOLEAN, .offset = offsetof(struct image_record, is_protected),
	 .description = "It cannot be deleted while this is true"},
	{"os_hidden", TYPE_BOOLEAN, .offset = offsetof(struct image_record, is_hidden),
	 .description = "It is left out of lists unless they ask for hidden images"},
	{"checksum", TYPE_NULL | TYPE_STRING, .read_only = true, .max = 32,
	 .description = "MD5 of the bytes"},
	{"os_hash_algo", TYPE_NULL | TYPE_STRING, .read_only = true, .max = 64,
	 .description = "What os_hash_value was computed with"},
	{"os_hash_value", TYPE_NULL | TYPE_STRING, .read_only = true, .max = 128,
	 .description = "Hash of the bytes, in hexadecimal digits"},
	{"owner", TYPE_NULL | TYPE_STRING, .max = 255, .offset = offsetof(struct image_record, owner),
	 .description = "The project that the image belongs to"},
	{"size", TYPE_NULL | TYPE_INTEGER, .read_only = true, .description = "Bytes of the file"},
	{"virtual_size", TYPE_NULL | TYPE_INTEGER, .read_only = true,
	 .description = "Bytes of the disk that a guest sees"},
	{"container_format", TYPE_NULL | TYPE_STRING, .choices = container_formats,
	 .offset = offsetof(struct image_record, container_format),
	 .description = "What the disk is wrapped in"},
	{"disk_format", TYPE_NULL | TYPE_STRING, .choices = disk_formats,
	 .offset = offsetof(struct image_record, disk_format), .description = "Format of the disk's bytes"},
	{"created_at", TYPE_STRING, .read_only = true, .description = "When it was made"},
	{"updated_at", TYPE_STRING, .read_only = true, .description = "When it last changed"},
	{"tags", TYPE_ARRAY, .max = 255, .description = "Words to find the image by"},
	{"direct_url", TYPE_STRING, .read_only = true, .description = "Where the store has it"},
	{"min_ram", TYPE_INTEGER, .offset = offsetof(struct image_record, min_ram),
	 .description = "MiB of memory that a server of it needs"},
	{"min_disk", TYPE_INTEGER, .offset = offsetof(struct image_record, min_disk),
	 .description = "GiB of disk that a server of it needs"},
	{"self", TYPE_STRING, .read_only = true, .description = "Path of the image"},
	{"file", TYPE_STRING, .read_only = true, .description = "Path of its bytes"},
	{"stores", TYPE_STRING, .read_only = true, .description = "Stores that have the bytes"},
	{"schema", TYPE_STRING, .read_only = true, .description = "Path of this schema"},
	{"kernel_id", TYPE_NULL | TYPE_STRING, .extra = true, .uuid = true,
	 .description = "Image of the kernel that it boots with"},
	{"ramdisk_id", TYPE_NULL | TYPE_STRING, .extra = true, .uuid = true,
	 .description = "Image of the initial RAM disk that it boots with"},
	{"instance_uuid", TYPE_STRING, .extra = true, .description = "A server that it has to do with"},
	{"architecture", TYPE_STRING, .extra = true, .description = "Architecture of the guest's processor"},
	{"os_distro", TYPE_STRING, .extra = true, .description = "Distribution, e.g. debian"},
	{"os_version", TYPE_STRING, .extra = true, .description = "Version of the distribution"},
	{"description", TYPE_STRING, .extra = true, .description = "A sentence about the image"},
};

static const struct field *field_find(const char *name)
{
	for (size_t i = 0; i < ELEMENTS_OF(fields); i++) {
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	}
	return NULL;
}

bool image_field_is_base(const char *name)
{
	const struct field *field = field_find(name);

	return field && !field->extra;
}

/* --- checking --- */

/* A value as Python would print it, which is how Glance's messages quote it; cut where it is long. */
static const char *quoted(struct http_request *request, yyjson_val *value)
{
	if (yyjson_is_str(value))
		return http_printf(request, "'%.200s'", yyjson_get_str(value));
	if (yyjson_is_null(value))
		return "None";
	if (yyjson_is_bool(value))
		return yyjson_get_bool(value) ? "True" : "False";
	_cleanup_free_ char *text = yyjson_val_write(value, 0, NULL);
	return http_printf(request, "%.200s", text ? text : "");
}

static unsigned type_of(yyjson_val *value)
{
	return yyjson_is_null(value)   ? TYPE_NULL
	       : yyjson_is_str(value)  ? TYPE_STRING
	       : yyjson_is_int(value)  ? TYPE_INTEGER
	       : yyjson_is_bool(value) ? TYPE_BOOLEAN
	       : yyjson_is_arr(value)  ? TYPE_ARRAY
				       : 0;
}

static bool mismatch(struct http_request *request, yyjson_val *value, const char *complaint,
		     struct error *err)
{
	return error_set(err, ERROR_BAD_REQUEST, "Provided object does not match schema 'image': %s %s",
			 quoted(request, value), complaint);
}

static const char *type_list(struct http_request *request, unsigned types)
{
	const char *list = "";

	for (size_t i = 0; i < ELEMENTS_OF(type_names); i++) {
		if (types & type_names[i].type)
			list = http_printf(request, "%s%s'%s'", list, *list ? ", " : "", type_names[i].name);
	}
	return list;
}

static const char *choice_list(struct http_request *request, const struct field *field)
{
	const char *list = field->types & TYPE_NULL ? "None" : "";

	for (size_t i = 0; field->choices[i]; i++)
		list = http_printf(request, "%s%s'%s'", list, *list ? ", " : "", field->choices[i]);
	return list;
}

static bool is_choice(const struct field *field, const char *text)
{
	for (size_t i = 0; field->choices[i]; i++) {
		if (strcmp(field->choices[i], text) == 0)
			return true;
	}
	return false;
}

static bool check(struct http_request *request, const struct field *field, yyjson_val *value,
		  struct error *err)
{
	const char *text = yyjson_get_str(value);

	if (!(type_of(value) & field->types))
		return mismatch(request, value,
				http_printf(request, "is not of type %s", type_list(request, field->types)),
				err);
	if (!text)
		return true;
	if (field->choices && !is_choice(field, text))
		return mismatch(request, value,
				http_printf(request, "is not one of [%s]", choice_list(request, field)), err);
	if (field->uuid && !image_id_is_valid(text))
		return mismatch(request, value, "does not match '" UUID_PATTERN "'", err);
	if (field->max && text_characters(text) > field->max)
		return mismatch(request, value, "is too long", err);
	return true;
}

/* --- tags and properties --- */

static bool count_rows(struct http_request *request, const char *sql, const char *image_id, int64_t *count,
		       struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	*count = 0;
	if (!store_query(request->db, &rows, err, sql, V(image_id)))
		return false;
	if (store_next(&rows))
		*count = store_int(&rows, 0);
	return store_end(&rows, err);
}

static bool quota_check(struct http_request *request, const char *image_id, const char *sql, const char *what,
			int64_t quota, struct error *err)
{
	int64_t count;

	return count_rows(request, sql, image_id, &count, err) &&
	       (count <= quota || error_set(err, ERROR_TOO_LARGE,
					    "The limit has been exceeded on the number of allowed image %s. "
					    "Attempted: %lld, Maximum: %lld",
					    what, (long long)count, (long long)quota));
}

bool image_tag_add(struct http_request *request, const char *image_id, const char *tag, struct error *err)
{
	if (!*tag || text_characters(tag) > IMAGE_NAME_SIZE)
		return error_set(err, ERROR_BAD_REQUEST, "A tag has 1 to %d characters.", IMAGE_NAME_SIZE);
	return store_exec(request->db, err, "INSERT OR IGNORE INTO image_tag (image_id, tag) VALUES (?1, ?2)",
			  V(image_id), V(tag)) &&
	       quota_check(request, image_id, "SELECT count(*) FROM image_tag WHERE image_id = ?1", "tags",
			   IMAGE_TAG_QUOTA, err);
}

static bool set_tags(struct http_request *request, struct image_record *record, yyjson_val *list,
		     struct error *err)
{
	yyjson_val *tag;
	size_t i, max;

	if (!store_exec(request->db, err, "DELETE FROM image_tag WHERE image_id = ?1", V(record->id)))
		return false;
	yyjson_arr_foreach (list, i, max, tag) {
		if (!yyjson_is_str(tag))
			return mismatch(request, tag, "is not of type 'string'", err);
		if (!image_tag_add(request, record->id, yyjson_get_str(tag), err))
			return false;
	}
	return true;
}

static bool set_property(struct http_request *request, const char *image_id, const char *name,
			 yyjson_val *value, struct error *err)
{
	static const struct field any = {.types = TYPE_STRING};
	const struct field *field = field_find(name);

	if (!*name || text_characters(name) > IMAGE_NAME_SIZE)
		return error_set(err, ERROR_BAD_REQUEST, "The name of a property has 1 to %d characters.",
				 IMAGE_NAME_SIZE);
	if (!check(request, field ? field : &any, value, err))
		return false;
	if (yyjson_get_len(value) > IMAGE_VALUE_SIZE)
		return error_set(err, ERROR_BAD_REQUEST,
				 "The value of property %.255s is longer than %d bytes.", name,
				 IMAGE_VALUE_SIZE);
	return store_exec(request->db, err,
			  "INSERT INTO image_property (image_id, name, value) VALUES (?1, ?2, ?3) "
			  "ON CONFLICT (image_id, name) DO UPDATE SET value = excluded.value",
			  V(image_id), V(name), V(yyjson_get_str(value))) &&
	       quota_check(request, image_id, "SELECT count(*) FROM image_property WHERE image_id = ?1",
			   "properties", IMAGE_PROPERTY_QUOTA, err);
}

bool image_property_exists(struct http_request *request, const char *image_id, const char *name, bool *exists,
			   struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err,
			 "SELECT 1 FROM image_property WHERE image_id = ?1 AND name = ?2", V(image_id),
			 V(name)))
		return false;
	*exists = store_next(&rows);
	return store_end(&rows, err);
}

/* --- setting --- */

static bool set_number(const struct field *field, struct image_record *record, yyjson_val *value,
		       struct error *err)
{
	int64_t number = yyjson_get_sint(value);

	if (yyjson_is_sint(value) && number < 0)
		return error_set(err, ERROR_BAD_REQUEST,
				 "Invalid value '%lld' for parameter '%s': Cannot be a negative value",
				 (long long)number, field->name);
	if (yyjson_get_uint(value) > INT32_MAX)
		return error_set(err, ERROR_BAD_REQUEST,
				 "Invalid value '%llu' for parameter '%s': Cannot exceed %d",
				 (unsigned long long)yyjson_get_uint(value), field->name, INT32_MAX);
	*(int64_t *)((char *)record + field->offset) = number;
	return true;
}

/* May this requester say so of this image? */
static bool permitted(struct http_request *request, const struct field *field,
		      const struct image_record *record, yyjson_val *value, struct error *err)
{
	const char *text = yyjson_get_str(value);
	bool admin = request->auth->admin;

	if (strcmp(field->name, "visibility") == 0 && !admin && strcmp(text, "public") == 0 &&
	    strcmp(record->visibility, "public") != 0)
		return image_forbidden("publicize_image", err);
	if (strcmp(field->name, "owner") == 0 && !admin && !text_equal(text, record->owner))
		return error_set(err, ERROR_FORBIDDEN,
				 "You are not permitted to create images owned by '%.255s'.",
				 text ? text : "");
	if (text_ends_with(field->name, "_format") && strcmp(record->status, "queued") != 0)
		return error_set(err, ERROR_FORBIDDEN,
				 "Attribute %s can be only replaced for a queued image.", field->name);
	return true;
}

static bool is_locked(const char *name, struct error *err)
{
	static const char *const reserved[] = {"location", "deleted", "deleted_at"};
	const struct field *field = field_find(name);

	if ((field && field->read_only) || text_starts_with(name, "os_glance_"))
		return error_set(err, ERROR_FORBIDDEN, "Attribute '%.255s' is read-only.", name);
	for (size_t i = 0; i < ELEMENTS_OF(reserved); i++) {
		if (strcmp(name, reserved[i]) == 0)
			return error_set(err, ERROR_FORBIDDEN, "Attribute '%s' is reserved.", name);
	}
	if (strcmp(name, "locations") == 0)
		return error_set(err, ERROR_FORBIDDEN,
				 "It's not allowed to update locations if locations are invisible.");
	return true;
}

bool image_field_set(struct http_request *request, struct image_record *record, const char *name,
		     yyjson_val *value, struct error *err)
{
	const struct field *field = field_find(name);

	if (!is_locked(name, err))
		return false;
	if (!field || field->extra)
		return set_property(request, record->id, name, value, err);
	if (!check(request, field, value, err) || !permitted(request, field, record, value, err))
		return false;
	if (field->types & TYPE_ARRAY)
		return set_tags(request, record, value, err);
	if (field->types & TYPE_INTEGER)
		return set_number(field, record, value, err);
	if (field->types & TYPE_BOOLEAN)
		*(bool *)((char *)record + field->offset) = yyjson_get_bool(value);
	else
		*(const char **)((char *)record + field->offset) = yyjson_get_str(value);
	return true;
}

bool image_field_remove(struct http_request *request, const struct image_record *record, const char *name,
			struct error *err)
{
	if (!is_locked(name, err))
		return false;
	if (image_field_is_base(name))
		return error_set(err, ERROR_FORBIDDEN, "Property %s may not be removed.", name);
	if (!store_exec(request->db, err, "DELETE FROM image_property WHERE image_id = ?1 AND name = ?2",
			V(record->id), V(name)))
		return false;
	return store_changes(request->db) > 0 ||
	       error_set(err, ERROR_CONFLICT, "Property %.255s does not exist.", name);
}

/* --- the schema as JSON --- */

static void view_types(yyjson_mut_doc *doc, yyjson_mut_val *object, unsigned types)
{
	yyjson_mut_val *list = yyjson_mut_arr(doc);

	for (size_t i = 0; i < ELEMENTS_OF(type_names); i++) {
		if (types & type_names[i].type)
			yyjson_mut_arr_add_str(doc, list, type_names[i].name);
	}
	yyjson_mut_obj_add_val(doc, object, "type",
			       yyjson_mut_arr_size(list) == 1 ? yyjson_mut_arr_get_first(list) : list);
}

static void view_field(yyjson_mut_doc *doc, yyjson_mut_val *object, const struct field *field)
{
	bool read_only = field->read_only && strcmp(field->name, "id") != 0;

	view_types(doc, object, field->types);
	yyjson_mut_obj_add_str(doc, object, "description", field->description);
	if (read_only)
		yyjson_mut_obj_add_bool(doc, object, "readOnly", true);
	if (field->uuid)
		yyjson_mut_obj_add_str(doc, object, "pattern", UUID_PATTERN);
	if (field->extra)
		yyjson_mut_obj_add_bool(doc, object, "is_base", false);
	if (field->types & TYPE_ARRAY) {
		yyjson_mut_val *items = yyjson_mut_obj_add_obj(doc, object, "items");

		yyjson_mut_obj_add_str(doc, items, "type", "string");
		yyjson_mut_obj_add_uint(doc, items, "maxLength", field->max);
	} else if (field->max) {
		yyjson_mut_obj_add_uint(doc, object, "maxLength", field->max);
	}
	if (field->choices) {
		yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, object, "enum");

		if (field->types & TYPE_NULL)
			yyjson_mut_arr_add_null(doc, list);
		for (size_t i = 0; field->choices[i]; i++)
			yyjson_mut_arr_add_str(doc, list, field->choices[i]);
	}
}

static void view_link(yyjson_mut_doc *doc, yyjson_mut_val *list, const char *rel, const char *href)
{
	yyjson_mut_val *link = yyjson_mut_arr_add_obj(doc, list);

	yyjson_mut_obj_add_str(doc, link, "rel", rel);
	yyjson_mut_obj_add_str(doc, link, "href", href);
}

static void view_schema(yyjson_mut_doc *doc, yyjson_mut_val *object)
{
	yyjson_mut_obj_add_str(doc, object, "name", "image");
	yyjson_mut_val *list = yyjson_mut_obj_add_obj(doc, object, "properties");
	for (size_t i = 0; i < ELEMENTS_OF(fields); i++)
		view_field(doc, yyjson_mut_obj_add_obj(doc, list, fields[i].name), &fields[i]);
	yyjson_mut_val *others = yyjson_mut_obj_add_obj(doc, object, "additionalProperties");
	yyjson_mut_obj_add_str(doc, others, "type", "string");
	list = yyjson_mut_obj_add_arr(doc, object, "links");
	view_link(doc, list, "self", "{self}");
	view_link(doc, list, "enclosure", "{file}");
	view_link(doc, list, "describedby", "{schema}");
}

bool image_schema(struct http_request *request, struct http_response *response, struct error *err)
{
	(void)request;
	(void)err;
	yyjson_mut_val *root = http_json_object(response, 200);
	view_schema(response->json, root);
	return true;
}

bool image_schema_list(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_doc *doc = response->json;
	yyjson_mut_val *list, *images;

	(void)request;
	(void)err;
	yyjson_mut_obj_add_str(doc, root, "name", "images");
	list = yyjson_mut_obj_add_obj(doc, root, "properties");
	images = yyjson_mut_obj_add_obj(doc, list, "images");
	yyjson_mut_obj_add_str(doc, images, "type", "array");
	view_schema(doc, yyjson_mut_obj_add_obj(doc, images, "items"));
	yyjson_mut_obj_add_str(doc, yyjson_mut_obj_add_obj(doc, list, "schema"), "type", "string");
	yyjson_mut_obj_add_str(doc, yyjson_mut_obj_add_obj(doc, list, "next"), "type", "string");
	yyjson_mut_obj_add_str(doc, yyjson_mut_obj_add_obj(doc, list, "first"), "type", "string");
	list = yyjson_mut_obj_add_arr(doc, root, "links");
	view_link(doc, list, "first", "{first}");
	view_link(doc, list, "next", "{next}");
	view_link(doc, list, "describedby", "{schema}");
	return true;
}
