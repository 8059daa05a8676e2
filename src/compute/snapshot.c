/* createImage: a server's disk as a new image of its project. */
#include "compute/snapshot.h"

#include "base/log.h"
#include "compute/move_step.h"
#include "compute/server_action.h"
#include "image/image.h"

#include <string.h>

static const struct schema metadata_value = {.types = SCHEMA_STRING, .longest = 255};
static const struct schema metadata = {.types = SCHEMA_OBJECT,
				       .keys = SCHEMA_METADATA_KEY,
				       .items = &metadata_value};
static const struct schema name_text = {.types = SCHEMA_STRING,
					.shortest = 1,
					.longest = 255,
					.format = SCHEMA_NAME};
const struct schema action_image_schema = {.types = SCHEMA_OBJECT,
					   .fields = (const struct schema_field[]){{"name", &name_text,
										    .required = true},
										   {"metadata", &metadata},
										   {0}}};

/* --- the image --- */

/* What Nova notes on a snapshot, and what the server's own image said of the guest. */
static yyjson_doc *properties_make(const struct server *server, const char *image_json,
				   yyjson_val *metadata_given)
{
	yyjson_doc *image = yyjson_read(image_json, strlen(image_json), 0);
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *object = yyjson_mut_obj(doc);
	yyjson_val *sources[] = {yyjson_obj_get(yyjson_doc_get_root(image), "properties"), metadata_given};
	yyjson_val *key, *value, *base = yyjson_obj_get(yyjson_doc_get_root(image), "id");
	size_t i, max;

	yyjson_mut_doc_set_root(doc, object);
	yyjson_mut_obj_add_strcpy(doc, object, "base_image_ref",
				  yyjson_is_str(base) ? yyjson_get_str(base) : "");
	yyjson_mut_obj_add_str(doc, object, "image_type", "snapshot");
	yyjson_mut_obj_add_strcpy(doc, object, "instance_uuid", server->id);
	yyjson_mut_obj_add_strcpy(doc, object, "owner_id", server->project_id);
	yyjson_mut_obj_add_strcpy(doc, object, "user_id", server->user_id);
	yyjson_mut_obj_add_str(doc, object, "image_location", "snapshot");
	for (size_t k = 0; k < ELEMENTS_OF(sources); k++) {
		yyjson_obj_foreach (sources[k], i, max, key, value) {
			if (!yyjson_is_str(value))
				continue;
			yyjson_mut_obj_remove_key(object, yyjson_get_str(key));
			yyjson_mut_obj_add(object, yyjson_mut_strcpy(doc, yyjson_get_str(key)),
					   yyjson_mut_strcpy(doc, yyjson_get_str(value)));
		}
	}
	yyjson_doc *made = yyjson_mut_doc_imut_copy(doc, NULL);
	yyjson_mut_doc_free(doc);
	yyjson_doc_free(image);
	return made;
}

static bool image_begin(struct http_request *request, const struct server *server, const char *name,
			yyjson_val *given, const char *id, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err, "SELECT image, disk_gb FROM server WHERE id = ?1",
			 V((const char *)server->id)))
		return false;
	if (!store_next(&rows))
		return store_end(&rows, err);
	yyjson_doc *properties = properties_make(server, store_text(&rows, 0), given);
	bool ok = image_make(request->db, id,
			     &(struct image_wish){.name = name,
						  .owner = server->project_id,
						  .visibility = "private",
						  .disk_format = "qcow2",
						  .min_disk_gb = store_int(&rows, 1),
						  .properties = yyjson_doc_get_root(properties)},
			     err);
	yyjson_doc_free(properties);
	return ok && store_end(&rows, err);
}

bool snapshot_order(struct http_request *request, const struct server *server, const char *name,
		    yyjson_val *given, char id[37], struct error *err)
{
	_cleanup_free_ char *order = NULL;

	sys_uuid(id);
	order = memory_printf("{\"send\":\"%s\"}", id);
	return image_begin(request, server, name, given, id, err) &&
	       server_order_disk(request->db, server->id, order, err);
}

bool snapshot_came(struct store *db, const char *image_id)
{
	struct image image;
	struct error ignored;

	return image_load(db, image_id, NULL, &image, &ignored) && strcmp(image.status, "active") == 0;
}

bool snapshot_of(struct store *db, const char *server_id, char id[37], struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	id[0] = '\0';
	if (!store_query(db, &rows, err,
			 "SELECT json_extract(disk_order, '$.send') FROM server WHERE id = ?1 AND disk_order "
			 "IS NOT "
			 "NULL",
			 V(server_id)))
		return false;
	if (store_next(&rows) && !store_is_null(&rows, 0))
		snprintf(id, 37, "%s", store_text(&rows, 0));
	return store_end(&rows, err);
}

bool snapshot_drop(struct store *db, const char *server_id, struct error *err)
{
	char id[37];

	return snapshot_of(db, server_id, id, err) &&
	       (!*id || snapshot_came(db, id) || image_discard(db, id, err));
}

/* --- the host --- */

bool snapshot_report(struct store *db, struct server *server, enum server_report report, const char *fault,
		     bool *taken, struct error *err)
{
	bool off = server->life.state == SERVER_SNAPSHOT_OFF, came;
	char id[37];

	*taken = server->life.state == SERVER_SNAPSHOT || off;
	if (!*taken || report == REPORT_GONE) {
		*taken = false;
		return report != REPORT_GONE || snapshot_drop(db, server->id, err);
	}
	if (report != REPORT_STOPPED && report != REPORT_FAILED && (report != REPORT_RUNNING || off))
		return true;
	if (!snapshot_of(db, server->id, id, err))
		return false;
	came = *id && snapshot_came(db, id);
	/* Given up, perhaps before the host has begun: it is not to stop the guest for it any more. */
	if (report == REPORT_FAILED)
		server->life.generation++;
	if (!came)
		log_warning("server %s on %s: no snapshot: %s", server->id, server->host_name,
			    fault ? fault : "the host did not send the disk");
	return snapshot_drop(db, server->id, err) && server_order_disk(db, server->id, NULL, err) &&
	       server_move(&server->life, off || report == REPORT_STOPPED ? SERVER_STOPPED : SERVER_ACTIVE,
			   err) &&
	       server_save(db, server, err) && server_action_end(db, server->id, !came, err);
}

/* --- the action --- */

bool action_create_image(struct http_request *request, struct http_response *response, struct server *server,
			 yyjson_val *argument, struct error *err)
{
	const char *name = yyjson_get_str(yyjson_obj_get(argument, "name"));
	yyjson_val *given = yyjson_obj_get(argument, "metadata");
	bool off = server->life.state == SERVER_STOPPED;
	char id[37];

	server->life.generation++;
	if (!server_user_move(server, off ? SERVER_SNAPSHOT_OFF : SERVER_SNAPSHOT, "createImage", err) ||
	    !snapshot_order(request, server, name, given, id, err) ||
	    !server_action_begin(request, server->id, "createImage", err) ||
	    !server_save(request->db, server, err))
		return false;
	if (request->microversion < 2045) {
		http_header_set(response, "Location",
				http_printf(request, "%s/image/v2/images/%s", http_base_url(request), id));
		return compute_empty(response, 202);
	}
	yyjson_mut_val *root = http_json_object(response, 202);
	compute_add_text(response->json, root, "image_id", id);
	return true;
}
