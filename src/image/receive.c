/* Images that compute makes of servers' disks: their rows, and their bytes, which a host sends. */
#include "base/memory.h"
#include "image/internal.h"
#include "sys/sys.h"

#include <string.h>

static bool properties_write(struct store *db, const char *id, yyjson_val *properties, struct error *err)
{
	yyjson_val *key, *value;
	size_t i, max;

	yyjson_obj_foreach (properties, i, max, key, value) {
		if (!store_exec(db, err,
				"INSERT INTO image_property (image_id, name, value) VALUES (?1, ?2, ?3)",
				V(id), V(yyjson_get_str(key)), V(yyjson_get_str(value))))
			return false;
	}
	return true;
}

bool image_make(struct store *db, const char *id, const struct image_wish *wish, struct error *err)
{
	return store_exec(db, err,
			  "INSERT INTO image (id, name, status, visibility, owner, disk_format, "
			  "container_format, min_disk, min_ram, created_at, updated_at, protected, hidden) "
			  "VALUES (?1, ?2, 'queued', ?3, ?4, ?5, 'bare', ?6, ?7, ?8, ?8, 0, 0)",
			  V(id), V(wish->name), V(wish->visibility), V(wish->owner), V(wish->disk_format),
			  V(wish->min_disk_gb), V(wish->min_ram_mb), V(sys_now())) &&
	       properties_write(db, id, wish->properties, err);
}

/* Whoever's it is. */
static bool record_find(struct http_request *request, const char *id, struct image_record *record,
			bool *found, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err, "SELECT " IMAGE_COLUMNS " FROM image i WHERE i.id = ?1",
			 V(id)))
		return false;
	*found = store_next(&rows);
	if (*found)
		image_record_read(request, &rows, record);
	return store_end(&rows, err);
}

bool image_receive_begin(struct http_request *request, const char *id, struct error *err)
{
	struct image_record record;
	bool found;

	if (!record_find(request, id, &record, &found, err))
		return false;
	if (!found || strcmp(record.status, "queued") != 0)
		return error_set(err, ERROR_GONE, "Nobody waits for the bytes of image %s (any more).", id);
	return image_upload_start(request, &record, err);
}

bool image_receive_chunk(struct http_request *request, const char *bytes, size_t count, struct error *err)
{
	return image_upload.chunk(request, bytes, count, err);
}

void image_receive_abandon(struct http_request *request)
{
	image_upload.abandon(request);
}

bool image_receive_prepare(struct http_request *request, struct http_response *response, struct error *err)
{
	const char *wanted = http_header(request, "X-Image-Checksum-Sha512");

	return image_upload_prepare(request, response, err) &&
	       (!wanted || strcmp(wanted, image_upload_sha512(request)) == 0 ||
		error_set(err, ERROR_UNAVAILABLE, "The bytes arrived damaged: their SHA-512 differs."));
}

bool image_receive_finish(struct http_request *request, struct http_response *response, struct error *err)
{
	struct image_record record;
	bool found;

	response->status = 204;
	return record_find(request, request->params[0], &record, &found, err) &&
	       image_upload_settle(request, found ? &record : NULL, err);
}

bool image_discard(struct store *db, const char *id, struct error *err)
{
	if (!store_exec(db, err, "DELETE FROM image WHERE id = ?1", V(id)))
		return false;
	image_unlink_on_end(db, id, true);
	return true;
}
