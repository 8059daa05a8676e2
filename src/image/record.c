/* An image's row: reading it, who may see and change it, writing it back, showing it. */
#include "base/memory.h"
#include "base/timestamp.h"
#include "image/internal.h"
#include "sys/sys.h"

#include <string.h>

static const char *copy(struct http_request *request, struct store_rows *rows, int column)
{
	const char *text = store_text(rows, column);

	return text ? http_copy(request, text) : NULL;
}

static int64_t optional(struct store_rows *rows, int column)
{
	return store_is_null(rows, column) ? -1 : store_int(rows, column);
}

void image_record_read(struct http_request *request, struct store_rows *rows, struct image_record *record)
{
	*record = (struct image_record){
		.id = copy(request, rows, 0),
		.name = copy(request, rows, 1),
		.status = copy(request, rows, 2),
		.visibility = copy(request, rows, 3),
		.owner = copy(request, rows, 4),
		.disk_format = copy(request, rows, 5),
		.container_format = copy(request, rows, 6),
		.checksum = copy(request, rows, 7),
		.sha512 = copy(request, rows, 8),
		.size = optional(rows, 9),
		.virtual_size = optional(rows, 10),
		.min_disk = store_int(rows, 11),
		.min_ram = store_int(rows, 12),
		.created_at = store_int(rows, 13),
		.updated_at = store_int(rows, 14),
		.is_protected = store_int(rows, 15),
		.is_hidden = store_int(rows, 16),
	};
}

/* Public and community images are everybody's to see, others the owner's, the members' and administrators'.
 * ?2: the requester's project, ?3: may see all. Disks in transit nobody sees but compute. */
#define IMAGE_VISIBLE \
	" FROM image i WHERE i.id = ?1 AND (?3 OR i.visibility IN ('public', 'community') OR i.owner = ?2 " \
	"OR (i.visibility = 'shared' AND EXISTS (SELECT 1 FROM image_member m WHERE m.image_id = i.id " \
	"AND m.member_id = ?2)))"

bool image_record_load(struct http_request *request, const char *id, struct image_record *record,
		       struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err,
			 "SELECT " IMAGE_COLUMNS IMAGE_VISIBLE " AND i.visibility <> 'transit'", V(id),
			 V(request->auth->project_id), V(request->auth->admin)))
		return false;
	bool found = store_next(&rows);
	if (found)
		image_record_read(request, &rows, record);
	return store_end(&rows, err) &&
	       (found || error_set(err, ERROR_NOT_FOUND, "No image found with ID %s", id));
}

bool image_forbidden(const char *action, struct error *err)
{
	return error_set(err, ERROR_FORBIDDEN, "You are not authorized to complete %s action.", action);
}

bool image_record_load_own(struct http_request *request, const char *id, const char *action,
			   struct image_record *record, struct error *err)
{
	const struct auth *auth = request->auth;

	if (!image_record_load(request, id, record, err))
		return false;
	if (auth->admin || (auth->member && auth->project_id && record->owner &&
			    strcmp(auth->project_id, record->owner) == 0))
		return true;
	return image_forbidden(action, err);
}

bool image_record_save(struct http_request *request, struct image_record *record, struct error *err)
{
	record->updated_at = sys_now();
	return store_exec(
		request->db, err,
		"INSERT INTO image (id, name, status, visibility, owner, disk_format, container_format, "
		"checksum, sha512, size, virtual_size, min_disk, min_ram, created_at, updated_at, protected, "
		"hidden) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17) "
		"ON CONFLICT (id) DO UPDATE SET name = excluded.name, status = excluded.status, "
		"visibility = excluded.visibility, owner = excluded.owner, "
		"disk_format = excluded.disk_format, container_format = excluded.container_format, "
		"checksum = excluded.checksum, sha512 = excluded.sha512, size = excluded.size, "
		"virtual_size = excluded.virtual_size, min_disk = excluded.min_disk, "
		"min_ram = excluded.min_ram, updated_at = excluded.updated_at, "
		"protected = excluded.protected, hidden = excluded.hidden",
		V(record->id), V(record->name), V(record->status), V(record->visibility), V(record->owner),
		V(record->disk_format), V(record->container_format), V(record->checksum), V(record->sha512),
		V_OPTIONAL(record->size), V_OPTIONAL(record->virtual_size), V(record->min_disk),
		V(record->min_ram), V(record->created_at), V(record->updated_at), V(record->is_protected),
		V(record->is_hidden));
}

static void add_text(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, const char *value)
{
	yyjson_mut_obj_add_val(doc, object, name,
			       value ? yyjson_mut_strcpy(doc, value) : yyjson_mut_null(doc));
}

static void add_size(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, int64_t value)
{
	yyjson_mut_obj_add_val(doc, object, name,
			       value >= 0 ? yyjson_mut_sint(doc, value) : yyjson_mut_null(doc));
}

static bool add_tags(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *object,
		     const struct image_record *record, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_mut_val *tags = yyjson_mut_obj_add_arr(doc, object, "tags");

	if (!store_query(request->db, &rows, err,
			 "SELECT tag FROM image_tag WHERE image_id = ?1 ORDER BY tag", V(record->id)))
		return false;
	while (store_next(&rows))
		yyjson_mut_arr_add_strcpy(doc, tags, store_text(&rows, 0));
	return store_end(&rows, err);
}

bool image_properties(struct store *db, const char *image_id, yyjson_mut_doc *doc, yyjson_mut_val *object,
		      struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err,
			 "SELECT name, value FROM image_property WHERE image_id = ?1 ORDER BY rowid",
			 V(image_id)))
		return false;
	while (store_next(&rows)) {
		const char *value = store_text(&rows, 1);

		yyjson_mut_obj_add(object, yyjson_mut_strcpy(doc, store_text(&rows, 0)),
				   value ? yyjson_mut_strcpy(doc, value) : yyjson_mut_null(doc));
	}
	return store_end(&rows, err);
}

bool image_record_view(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *object,
		       const struct image_record *record, struct error *err)
{
	bool has_bytes = record->size >= 0, saving = !has_bytes && image_is_saving(record->id);
	char time[32];

	if (!image_properties(request->db, record->id, doc, object, err))
		return false;
	add_text(doc, object, "name", record->name);
	add_text(doc, object, "disk_format", record->disk_format);
	add_text(doc, object, "container_format", record->container_format);
	add_text(doc, object, "visibility", record->visibility);
	add_size(doc, object, "size", record->size);
	add_size(doc, object, "virtual_size", record->virtual_size);
	add_text(doc, object, "status", saving ? "saving" : record->status);
	add_text(doc, object, "checksum", record->checksum);
	yyjson_mut_obj_add_bool(doc, object, "protected", record->is_protected);
	yyjson_mut_obj_add_int(doc, object, "min_ram", record->min_ram);
	yyjson_mut_obj_add_int(doc, object, "min_disk", record->min_disk);
	add_text(doc, object, "owner", record->owner);
	yyjson_mut_obj_add_bool(doc, object, "os_hidden", record->is_hidden);
	add_text(doc, object, "os_hash_algo", record->sha512 ? "sha512" : NULL);
	add_text(doc, object, "os_hash_value", record->sha512);
	add_text(doc, object, "id", record->id);
	add_text(doc, object, "created_at", time_format(record->created_at, TIME_SECONDS_Z, time));
	add_text(doc, object, "updated_at", time_format(record->updated_at, TIME_SECONDS_Z, time));
	if (!add_tags(request, doc, object, record, err))
		return false;
	add_text(doc, object, "self", http_printf(request, "/v2/images/%s", record->id));
	add_text(doc, object, "file", http_printf(request, "/v2/images/%s/file", record->id));
	add_text(doc, object, "schema", "/v2/schemas/image");
	if (has_bytes)
		add_text(doc, object, "stores", "file");
	return true;
}

static void fill(char *to, size_t size, struct store_rows *rows, int column)
{
	snprintf(to, size, "%s", store_text(rows, column) ? store_text(rows, column) : "");
}

bool image_load(struct store *db, const char *id, const struct auth *auth, struct image *image,
		struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err,
			 "SELECT " IMAGE_COLUMNS IMAGE_VISIBLE " AND (?4 OR i.visibility <> 'transit')",
			 V(id), V(auth ? auth->project_id : NULL), V(!auth || auth->admin), V(!auth)))
		return false;
	if (!store_next(&rows))
		return store_end(&rows, err) &&
		       error_set(err, ERROR_NOT_FOUND, "Image %.64s could not be found.", id);
	*image = (struct image){.size = store_int(&rows, 9),
				.min_disk_gb = store_int(&rows, 11),
				.min_ram_mb = store_int(&rows, 12)};
	fill(image->id, sizeof image->id, &rows, 0);
	fill(image->name, sizeof image->name, &rows, 1);
	fill(image->status, sizeof image->status, &rows, 2);
	fill(image->visibility, sizeof image->visibility, &rows, 3);
	fill(image->owner, sizeof image->owner, &rows, 4);
	fill(image->disk_format, sizeof image->disk_format, &rows, 5);
	fill(image->container_format, sizeof image->container_format, &rows, 6);
	fill(image->checksum, sizeof image->checksum, &rows, 7);
	fill(image->sha512, sizeof image->sha512, &rows, 8);
	return store_end(&rows, err);
}

const char *image_property(struct store *db, struct http_request *request, const char *image_id,
			   const char *name)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	struct error ignored;

	if (!store_query(db, &rows, &ignored,
			 "SELECT value FROM image_property WHERE image_id = ?1 AND name = ?2", V(image_id),
			 V(name)) ||
	    !store_next(&rows))
		return NULL;
	return copy(request, &rows, 0);
}
