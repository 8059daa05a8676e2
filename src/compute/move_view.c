/* GET /os-migrations: moves that are and were. */
#include "compute/move.h"

#include <string.h>

enum {
	VIEW_NUMBER,
	VIEW_UUID,
	VIEW_SERVER,
	VIEW_USER,
	VIEW_PROJECT,
	VIEW_TYPE,
	VIEW_STATUS,
	VIEW_SOURCE,
	VIEW_TARGET,
	VIEW_OLD_FLAVOR,
	VIEW_NEW_FLAVOR,
	VIEW_CREATED,
	VIEW_UPDATED
};

/* ?1 status, ?2 host, ?3 server, ?4 source, ?5 type, ?6 user, ?7 project, ?8 marker, ?9 limit */
static const char list_sql[] =
	"SELECT m.number, m.uuid, m.server_id, m.user_id, m.project_id, m.type, "
	"CASE m.failed WHEN 1 THEN 'error' ELSE m.phase END AS status, m.source_host, m.target_host, "
	"(SELECT f.number FROM flavor f WHERE f.id = m.source_flavor_id), "
	"(SELECT f.number FROM flavor f WHERE f.id = m.target_flavor_id), m.created_at, m.updated_at "
	"FROM server_move m WHERE (?1 IS NULL OR ?1 = CASE m.failed WHEN 1 THEN 'error' ELSE m.phase END) "
	"AND (?2 IS NULL OR ?2 IN (m.source_host, m.target_host)) AND (?3 IS NULL OR m.server_id = ?3) "
	"AND (?4 IS NULL OR m.source_host = ?4) AND (?5 IS NULL OR m.type = ?5) "
	"AND (?6 IS NULL OR m.user_id = ?6) AND (?7 IS NULL OR m.project_id = ?7) "
	"AND (?8 IS NULL OR m.number < (SELECT number FROM server_move WHERE uuid = ?8)) "
	"ORDER BY m.number DESC LIMIT ?9";

static void move_view(struct http_request *request, struct store_rows *rows, yyjson_mut_doc *doc,
		      yyjson_mut_val *object)
{
	int version = request->microversion;

	yyjson_mut_obj_add_int(doc, object, "id", store_int(rows, VIEW_NUMBER));
	if (version >= 2059)
		compute_add_text(doc, object, "uuid", store_text(rows, VIEW_UUID));
	compute_add_text(doc, object, "source_compute", store_text(rows, VIEW_SOURCE));
	compute_add_text(doc, object, "source_node", store_text(rows, VIEW_SOURCE));
	compute_add_text(doc, object, "dest_compute", store_text(rows, VIEW_TARGET));
	compute_add_text(doc, object, "dest_node", store_text(rows, VIEW_TARGET));
	yyjson_mut_obj_add_null(doc, object, "dest_host"); /* an address: hosts need not reach each other */
	compute_add_text(doc, object, "status", store_text(rows, VIEW_STATUS));
	compute_add_text(doc, object, "instance_uuid", store_text(rows, VIEW_SERVER));
	yyjson_mut_obj_add_int(doc, object, "old_instance_type_id", store_int(rows, VIEW_OLD_FLAVOR));
	yyjson_mut_obj_add_int(doc, object, "new_instance_type_id", store_int(rows, VIEW_NEW_FLAVOR));
	if (version >= 2023)
		compute_add_text(doc, object, "migration_type", store_text(rows, VIEW_TYPE));
	if (version >= 2080) {
		compute_add_text(doc, object, "user_id", store_text(rows, VIEW_USER));
		compute_add_text(doc, object, "project_id", store_text(rows, VIEW_PROJECT));
	}
	compute_add_time_long(doc, object, "created_at", store_int(rows, VIEW_CREATED));
	compute_add_time_long(doc, object, "updated_at", store_int(rows, VIEW_UPDATED));
}

static const char *filter(struct http_request *request, const char *name, int since)
{
	return request->microversion >= since ? http_query(request, name) : NULL;
}

static bool moves_index(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	struct compute_page page = {.limit = compute_settings.max_limit};
	const char *last = NULL;
	size_t count = 0;

	if (request->microversion >= 2059 && !compute_page(request, &page, err))
		return false;
	if (!store_query(request->db, &rows, err, list_sql, V(filter(request, "status", 2001)),
			 V(filter(request, "host", 2001)), V(filter(request, "instance_uuid", 2001)),
			 V(filter(request, "source_compute", 2001)),
			 V(filter(request, "migration_type", 2001)), V(filter(request, "user_id", 2080)),
			 V(filter(request, "project_id", 2080)), V(page.marker), V(page.limit)))
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_doc *doc = response->json;
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "migrations");
	for (; store_next(&rows); count++) {
		move_view(request, &rows, doc, yyjson_mut_arr_add_obj(doc, list));
		last = http_copy(request, store_text(&rows, VIEW_UUID));
	}
	if (last && request->microversion >= 2059)
		compute_add_next(request, doc, root, "migrations_links", &page, "os-migrations", count, last);
	return store_end(&rows, err);
}

static const struct http_route routes[] = {
	{HTTP_GET, "/os-migrations", moves_index, HTTP_READ, .flags = POLICY_MIGRATIONS},
};

const struct compute_routes move_routes = {routes, ELEMENTS_OF(routes)};
