/* Rebuild: a new disk from an image, on the same host, with the same devices and ports.
 *
 * disk_generation is the generation in which the disk was ordered: the host makes a new disk and config drive
 * when that moved (docs/agent-protocol.md).  A running guest is stopped first. */
#include "compute/keypair.h"
#include "compute/move.h"
#include "compute/server_action.h"
#include "compute/server_image.h"
#include "compute/server_numa.h"
#include "compute/server_request.h"

#include <string.h>

/* --- the body --- */

static const struct schema text_255 = {.types = SCHEMA_STRING, .shortest = 1, .longest = 255};
static const struct schema text_or_null = {.types = SCHEMA_STRING | SCHEMA_NULL,
					   .shortest = 1,
					   .longest = 255};
static const struct schema image_ref = {.types = SCHEMA_STRING, .shortest = 1, .longest = 255};
static const struct schema data_or_null = {.types = SCHEMA_STRING | SCHEMA_NULL,
					   .longest = 65535,
					   .format = SCHEMA_BASE64};
static const struct schema ipv4 = {.types = SCHEMA_STRING, .format = SCHEMA_IPV4};
static const struct schema ipv6 = {.types = SCHEMA_STRING, .format = SCHEMA_IPV6};
static const struct schema hostname = {.types = SCHEMA_STRING,
				       .shortest = 1,
				       .longest = 63,
				       .format = SCHEMA_FQDN_LABEL};
static const char *const disk_configs[] = {"AUTO", "MANUAL", NULL};
static const struct schema disk_config = {.types = SCHEMA_STRING, .choices = disk_configs};
static const struct schema any_array = {.types = SCHEMA_ARRAY};
static const struct schema array_or_null = {.types = SCHEMA_ARRAY | SCHEMA_NULL};

const struct schema action_rebuild_schema = {
	.types = SCHEMA_OBJECT,
	.fields = (const struct schema_field[]){{"imageRef", &image_ref, .required = true},
						{"name", &schema_name},
						{"adminPass", &text_255},
						{"metadata", &schema_metadata},
						{"preserve_ephemeral", &schema_boolean_like},
						{"OS-DCF:diskConfig", &disk_config},
						{"accessIPv4", &ipv4},
						{"accessIPv6", &ipv6},
						{"personality", &any_array, .until = 2056},
						{"description", &schema_description, .since = 2019},
						{"key_name", &text_or_null, .since = 2054},
						{"user_data", &data_or_null, .since = 2057},
						{"trusted_image_certificates", &array_or_null, .since = 2063},
						{"hostname", &hostname, .since = 2090},
						{0}}};

static const char *text_of(yyjson_val *object, const char *key)
{
	return yyjson_get_str(yyjson_obj_get(object, key));
}

static bool check_refused(yyjson_val *wish, struct error *err)
{
	int64_t limit = compute_settings.quota_metadata_items;

	if (schema_boolean(yyjson_obj_get(wish, "preserve_ephemeral"), false))
		return error_set(err, ERROR_BAD_REQUEST,
				 "The current driver does not support preserving ephemeral partitions.");
	if (yyjson_arr_size(yyjson_obj_get(wish, "personality")) > 0)
		return error_set(err, ERROR_BAD_REQUEST,
				 "personality: Penstock does not put files into images; use user_data.");
	if (yyjson_arr_size(yyjson_obj_get(wish, "trusted_image_certificates")) > 0)
		return error_set(err, ERROR_BAD_REQUEST,
				 "trusted_image_certificates: Penstock does not check signatures of images.");
	return limit < 0 || (int64_t)yyjson_obj_size(yyjson_obj_get(wish, "metadata")) <= limit ||
	       error_set(err, ERROR_FORBIDDEN, "Maximum number of metadata items exceeds %lld",
			 (long long)limit);
}

/* --- what the server is --- */

static bool check_topology(const struct flavor *flavor, const char *before, const char *after,
			   struct error *err)
{
	_cleanup_free_ struct numa_guest *old = memory_alloc(sizeof *old), *new = memory_alloc(sizeof *new);

	return server_numa_read(flavor, before, old, err) && server_numa_read(flavor, after, new, err) &&
	       (numa_guest_equal(old, new) ||
		error_set(err, ERROR_BAD_REQUEST,
			  "An instance's NUMA topology cannot be changed as part of a rebuild. The image "
			  "provided is invalid for this instance."));
}

/* The image that is asked for fits the server as it is.  Its place on the host's cells stays. */
static bool image_check(struct http_request *request, const char *server_id, const char *image_id,
			struct server_image *image, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	struct flavor flavor = {0};

	if (!server_query(request, server_id, &rows, err))
		return false;
	bool ok = flavor_stored(store_text(&rows, COLUMN_FLAVOR_ID), store_text(&rows, COLUMN_FLAVOR),
				&flavor, err) &&
		  server_image_find(request, image_id, &flavor, image, err) &&
		  (strcmp(image->image.id, store_text(&rows, COLUMN_IMAGE_ID)) == 0 ||
		   check_topology(&flavor, store_text(&rows, COLUMN_IMAGE), image->json, err));
	flavor_done(&flavor);
	return ok;
}

/* --- states --- */

static bool rebuild_move(struct server *server, struct error *err)
{
	struct server_life *life = &server->life;
	int64_t generation = life->generation;
	enum server_state next = life->state == SERVER_STOPPED ? SERVER_STOPPED_REBUILD
				 : life->state != SERVER_ERROR ? SERVER_REBUILD_OFF
				 : life->want == WANT_ABSENT   ? SERVER_ERROR_REBUILD
							       : SERVER_ERROR_REBUILD_OFF;

	if (life->state == SERVER_ERROR && (!life->has_host || !life->launched_at))
		return error_set(err, ERROR_CONFLICT, "Instance %s is in an invalid state for 'rebuild'",
				 server->id);
	if (!server_user_move(server, next, "rebuild", err))
		return false;
	/* The host is asked even if it has the guest so already: it answers for this generation. */
	if (life->generation == generation)
		life->generation++;
	return true;
}

static bool rebuild_write(struct http_request *request, const struct server *server, yyjson_val *wish,
			  const struct server_image *image, const char *password, const char *key_data,
			  struct error *err)
{
	yyjson_val *metadata = yyjson_obj_get(wish, "metadata");
	_cleanup_free_ char *text = metadata ? compute_json_text(metadata) : NULL;

	return store_exec(
		request->db, err,
		"UPDATE server SET image_id = ?2, image = ?3, kernel = ?4, ramdisk = ?5, admin_pass = ?6,"
		" disk_generation = ?7, disk_order = NULL, name = coalesce(?8, name),"
		" metadata = coalesce(?9, metadata), disk_config = coalesce(?10, disk_config),"
		" access_ipv4 = coalesce(?11, access_ipv4), access_ipv6 = coalesce(?12, access_ipv6),"
		" hostname = coalesce(?13, hostname),"
		" description = CASE WHEN ?14 THEN ?15 ELSE description END,"
		" key_name = CASE WHEN ?16 THEN ?17 ELSE key_name END,"
		" key_data = CASE WHEN ?16 THEN ?18 ELSE key_data END,"
		" user_data = CASE WHEN ?19 THEN nullif(?20, '') ELSE user_data END WHERE id = ?1",
		V((const char *)server->id), V((const char *)image->image.id), V(image->json),
		V(image->kernel_json), V(image->ramdisk_json), V(password), V(server->life.generation),
		V(text_of(wish, "name")), V(text), V(text_of(wish, "OS-DCF:diskConfig")),
		V(text_of(wish, "accessIPv4")), V(text_of(wish, "accessIPv6")), V(text_of(wish, "hostname")),
		V(yyjson_obj_get(wish, "description") != NULL), V(text_of(wish, "description")),
		V(yyjson_obj_get(wish, "key_name") != NULL), V(text_of(wish, "key_name")), V(key_data),
		V(yyjson_obj_get(wish, "user_data") != NULL), V(text_of(wish, "user_data")));
}

static bool answer(struct http_request *request, struct http_response *response, const char *id,
		   const char *password, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!server_query(request, id, &rows, err))
		return false;
	yyjson_mut_val *root = http_json_object(response, 202);
	yyjson_mut_doc *doc = response->json;
	yyjson_mut_val *object = yyjson_mut_obj_add_obj(doc, root, "server");
	if (!server_view(request, &rows, doc, object, SERVER_VIEW_UPDATE, err))
		return false;
	if (request->microversion >= 2054 && !yyjson_mut_obj_get(object, "key_name"))
		compute_add_text(doc, object, "key_name", store_text(&rows, COLUMN_KEY_NAME));
	if (request->microversion >= 2057)
		compute_add_text(doc, object, "user_data", store_text(&rows, COLUMN_USER_DATA));
	if (compute_settings.password)
		compute_add_text(doc, object, "adminPass", password);
	http_header_set(response, "Location",
			http_printf(request, "%s/servers/%s", compute_self_url(request), id));
	return true;
}

bool action_rebuild(struct http_request *request, struct http_response *response, struct server *server,
		    yyjson_val *argument, struct error *err)
{
	const char *key = text_of(argument, "key_name"), *key_data = NULL,
		   *password = text_of(argument, "adminPass");
	struct server_image image;

	if (!password)
		password = server_new_password(request);
	return check_refused(argument, err) && move_check_none(request->db, server->id, err) &&
	       rebuild_move(server, err) &&
	       image_check(request, server->id, text_of(argument, "imageRef"), &image, err) &&
	       (!key || keypair_public_key(request, key, &key_data, err)) &&
	       rebuild_write(request, server, argument, &image, password, key_data, err) &&
	       server_action_begin(request, server->id, "rebuild", err) &&
	       server_save(request->db, server, err) && answer(request, response, server->id, password, err);
}
