/* /v2.0/segments: the segments of networks, which are administrators' (Neutron's extension `segment`). */
#include "base/memory.h"
#include "base/timestamp.h"
#include "network/internal.h"
#include "sys/sys.h"

#include <string.h>

#define SEGMENT_COLUMNS \
	"id, network_id, name, description, physical_network, type, segmentation_id, revision, created_at, " \
	"updated_at"

static const struct field segment_fields[] = {
	{"id"},
	{"revision_number"},
	{"created_at"},
	{"updated_at"},
	{"network_id", FIELD_UUID, .post = true},
	{"network_type", FIELD_TEXT, .post = true},
	{"physical_network", FIELD_TEXT, .nullable = true, .post = true, .max = 64},
	{"segmentation_id", FIELD_INT, .nullable = true, .post = true},
	{"name", FIELD_TEXT, .nullable = true, .post = true, .put = true},
	{"description", FIELD_TEXT, .nullable = true, .post = true, .put = true},
	{"tenant_id", FIELD_TEXT, .post = true},
	{"project_id", FIELD_TEXT, .post = true},
};

static yyjson_mut_val *segment_view(yyjson_mut_doc *doc, struct store_rows *rows)
{
	yyjson_mut_val *view = yyjson_mut_obj(doc);
	char time[32];

	add_text(doc, view, "id", store_text(rows, 0));
	add_text(doc, view, "network_id", store_text(rows, 1));
	add_text(doc, view, "name", store_text(rows, 2));
	add_text(doc, view, "description", store_text(rows, 3));
	add_text(doc, view, "physical_network", store_text(rows, 4));
	add_text(doc, view, "network_type", store_text(rows, 5));
	if (store_is_null(rows, 6))
		yyjson_mut_obj_add_null(doc, view, "segmentation_id");
	else
		yyjson_mut_obj_add_int(doc, view, "segmentation_id", store_int(rows, 6));
	yyjson_mut_obj_add_int(doc, view, "revision_number", store_int(rows, 7));
	add_text(doc, view, "created_at", time_format(store_int(rows, 8), TIME_SECONDS_Z, time));
	add_text(doc, view, "updated_at", time_format(store_int(rows, 9), TIME_SECONDS_Z, time));
	return view;
}

static yyjson_mut_val *segment_load(struct http_request *request, yyjson_mut_doc *doc, const char *id,
				    struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_mut_val *view;

	if (!store_query(request->db, &rows, err, "SELECT " SEGMENT_COLUMNS " FROM segment WHERE id = ?1",
			 V(id)))
		return NULL;
	if (!request->auth->admin || !store_next(&rows)) {
		not_found(err, "SegmentNotFound", id);
		return NULL;
	}
	view = segment_view(doc, &rows);
	return store_end(&rows, err) ? view : NULL;
}

bool segment_list(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "segments");

	if (!request->auth->admin)
		return true; /* others see none */
	if (!store_query(request->db, &rows, err,
			 "SELECT " SEGMENT_COLUMNS
			 " FROM segment WHERE (?1 IS NULL OR network_id = ?1) ORDER BY network_id, position",
			 V(http_query(request, "network_id"))))
		return false;
	while (store_next(&rows))
		yyjson_mut_arr_append(list, segment_view(response->json, &rows));
	return store_end(&rows, err) && list_finish(request, response, list, "segments", err);
}

static bool admin_check(struct http_request *request, const char *verb, struct error *err)
{
	return request->auth->admin || error_set_typed(err, ERROR_FORBIDDEN, "PolicyNotAuthorized",
						       "rule:%s_segment is disallowed by policy", verb);
}

static bool wish_read(yyjson_val *body, struct segment *wish, struct error *err)
{
	yyjson_val *id = yyjson_obj_get(body, "segmentation_id");

	if (!yyjson_obj_get(body, "network_id") || !yyjson_obj_get(body, "network_type"))
		return error_set_typed(err, ERROR_BAD_REQUEST, "HTTPBadRequest",
				       "Failed to parse request. Required attribute '%s' not specified",
				       yyjson_obj_get(body, "network_id") ? "network_type" : "network_id");
	*wish = (struct segment){.id = field_int(body, "segmentation_id", -1)};
	if (id && !yyjson_is_null(id) && wish->id < 0)
		wish->id = 0; /* given and out of any range; -1 is none */
	snprintf(wish->type, sizeof wish->type, "%s", field_text(body, "network_type", ""));
	snprintf(wish->physical_network, sizeof wish->physical_network, "%s",
		 field_text(body, "physical_network", ""));
	return true;
}

/* The network's MTU must fit the new segment too. */
static bool room_check(struct store *db, const char *network_id, const struct segment *wish,
		       struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err,
			 "SELECT mtu, (SELECT count(*) FROM segment WHERE network_id = n.id) FROM network n "
			 "WHERE id = ?1",
			 V(network_id)))
		return false;
	if (!store_next(&rows))
		return not_found(err, "NetworkNotFound", network_id);
	if (store_int(&rows, 1) >= SEGMENTS_MAX)
		return error_set_typed(err, ERROR_CONFLICT, "Conflict", "A network has at most %d segments.",
				       SEGMENTS_MAX);
	if (store_int(&rows, 0) > segment_mtu_max(wish))
		return error_set_typed(err, ERROR_CONFLICT, "Conflict",
				       "The network's MTU %lld is too big for the segment, whose maximum is "
				       "%lld: lower it first.",
				       (long long)store_int(&rows, 0), (long long)segment_mtu_max(wish));
	return store_end(&rows, err);
}

static bool create_one(struct http_request *request, yyjson_val *body, char id[37], struct error *err)
{
	const char *network_id = field_text(body, "network_id", NULL);
	struct segment wish;

	return admin_check(request, "create", err) &&
	       fields_check(request, body, "segment", segment_fields, ELEMENTS_OF(segment_fields), err) &&
	       wish_read(body, &wish, err) && room_check(request->db, network_id, &wish, err) &&
	       segment_choose(request->db, &wish, true, err) &&
	       segment_insert(request->db, network_id, &wish, field_text(body, "name", NULL),
			      field_text(body, "description", NULL), id, err);
}

static const struct resource segment_resource = {"segment", "segments", create_one, segment_load};

bool segment_create(struct http_request *request, struct http_response *response, struct error *err)
{
	return resource_create(request, response, &segment_resource, err);
}

bool segment_show(struct http_request *request, struct http_response *response, struct error *err)
{
	return resource_answer(request, response, &segment_resource, 200, request->params[0], err);
}

bool segment_update(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = network_body(request, "segment", err);

	return body && admin_check(request, "update", err) &&
	       fields_check(request, body, "segment", segment_fields, ELEMENTS_OF(segment_fields), err) &&
	       store_exec(request->db, err,
			  "UPDATE segment SET name = CASE WHEN ?2 THEN ?3 ELSE name END, "
			  "description = CASE WHEN ?4 THEN ?5 ELSE description END, "
			  "revision = revision + 1, updated_at = ?6 WHERE id = ?1",
			  V(request->params[0]), V(yyjson_obj_get(body, "name") != NULL),
			  V(field_text(body, "name", NULL)), V(yyjson_obj_get(body, "description") != NULL),
			  V(field_text(body, "description", NULL)), V(sys_now())) &&
	       resource_answer(request, response, &segment_resource, 200, request->params[0], err);
}

/* Why the segment must stay, "" if it need not. */
static bool segment_use(struct store *db, const char *id, const char **why, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(
		    db, &rows, err,
		    "SELECT EXISTS (SELECT 1 FROM subnet WHERE segment_id = s.id), "
		    "EXISTS (SELECT 1 FROM port p WHERE p.network_id = s.network_id AND (p.segment_id = s.id "
		    "OR "
		    "EXISTS (SELECT 1 FROM port_binding b WHERE b.port_id = p.id AND b.segment_id = s.id))), "
		    "(SELECT count(*) FROM segment o WHERE o.network_id = s.network_id) "
		    "FROM segment s WHERE s.id = ?1",
		    V(id)))
		return false;
	if (!store_next(&rows))
		return not_found(err, "SegmentNotFound", id);
	*why = store_int(&rows, 0)	  ? "The segment is still associated with subnet(s)"
	       : store_int(&rows, 1)	  ? "The segment is still bound with port(s)"
	       : store_int(&rows, 2) == 1 ? "It is the only one of its network: delete the network"
					  : "";
	return store_end(&rows, err);
}

bool segment_delete(struct http_request *request, struct http_response *response, struct error *err)
{
	const char *id = request->params[0], *why;

	if (!admin_check(request, "delete", err) || !segment_use(request->db, id, &why, err))
		return false;
	if (*why)
		return error_set_typed(err, ERROR_CONFLICT, "SegmentInUse",
				       "Segment '%s' cannot be deleted: %s.", id, why);
	response->status = 204;
	return store_exec(request->db, err, "DELETE FROM segment WHERE id = ?1", V(id));
}
