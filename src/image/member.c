/* Members of a shared image: the projects that see it beside its owner. */
#include "base/memory.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "image/internal.h"
#include "sys/sys.h"

#include <string.h>

#define MEMBER_QUOTA 128

#define MEMBER_COLUMNS "SELECT member_id, status, created_at, updated_at FROM image_member "

static void member_view(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *image_id,
			struct store_rows *rows)
{
	char time[32];

	yyjson_mut_obj_add_strcpy(doc, object, "member_id", store_text(rows, 0));
	yyjson_mut_obj_add_strcpy(doc, object, "image_id", image_id);
	yyjson_mut_obj_add_strcpy(doc, object, "status", store_text(rows, 1));
	yyjson_mut_obj_add_strcpy(doc, object, "created_at",
				  time_format(store_int(rows, 2), TIME_SECONDS_Z, time));
	yyjson_mut_obj_add_strcpy(doc, object, "updated_at",
				  time_format(store_int(rows, 3), TIME_SECONDS_Z, time));
	yyjson_mut_obj_add_str(doc, object, "schema", "/v2/schemas/member");
}

static bool is_owner(const struct http_request *request, const struct image_record *record)
{
	return request->auth->admin || text_equal(request->auth->project_id, record->owner);
}

static bool not_a_member(const char *member, const char *image_id, struct error *err)
{
	return error_set(err, ERROR_NOT_FOUND, "%.255s not found in the member list of the image %s.", member,
			 image_id);
}

static bool answer(struct http_request *request, struct http_response *response, const char *image_id,
		   const char *member, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err, MEMBER_COLUMNS "WHERE image_id = ?1 AND member_id = ?2",
			 V(image_id), V(member)))
		return false;
	if (!store_next(&rows))
		return not_a_member(member, image_id, err);
	yyjson_mut_val *root = http_json_object(response, 200);
	member_view(response->json, root, image_id, &rows);
	return store_end(&rows, err);
}

/* The owner sees all members, a member itself. */
bool image_member_list(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	struct image_record record;

	if (!image_record_load(request, request->params[0], &record, err))
		return false;
	if (strcmp(record.visibility, "shared") != 0)
		return error_set(err, ERROR_FORBIDDEN,
				 "Not allowed to list members for image %s: Only shared images have members.",
				 record.id);
	if (!store_query(request->db, &rows, err,
			 MEMBER_COLUMNS
			 "WHERE image_id = ?1 AND (?2 IS NULL OR member_id = ?2) ORDER BY member_id",
			 V(record.id), V(is_owner(request, &record) ? NULL : request->auth->project_id)))
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "members");
	while (store_next(&rows))
		member_view(response->json, yyjson_mut_arr_add_obj(response->json, list), record.id, &rows);
	yyjson_mut_obj_add_str(response->json, root, "schema", "/v2/schemas/members");
	return store_end(&rows, err);
}

bool image_member_show(struct http_request *request, struct http_response *response, struct error *err)
{
	struct image_record record;

	if (!image_record_load(request, request->params[0], &record, err))
		return false;
	if (!is_owner(request, &record) && !text_equal(request->auth->project_id, request->params[1]))
		return not_a_member(request->params[1], record.id, err);
	return answer(request, response, record.id, request->params[1], err);
}

static bool quota_check(struct http_request *request, const char *image_id, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err, "SELECT count(*) FROM image_member WHERE image_id = ?1",
			 V(image_id)))
		return false;
	int64_t count = store_next(&rows) ? store_int(&rows, 0) : 0;
	return store_end(&rows, err) &&
	       (count <= MEMBER_QUOTA ||
		error_set(err, ERROR_TOO_LARGE,
			  "The limit has been exceeded on the number of allowed image members. "
			  "Attempted: %lld, Maximum: %d",
			  (long long)count, MEMBER_QUOTA));
}

bool image_member_add(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = http_body_json(request, err);
	const char *member = yyjson_get_str(yyjson_obj_get(body, "member"));
	struct image_record record;

	if (!body)
		return false;
	if (!member || !*member || strlen(member) > 255)
		return error_set(err, ERROR_BAD_REQUEST, "Member to be added not specified");
	if (!image_record_load_own(request, request->params[0], "add_member", &record, err))
		return false;
	if (strcmp(record.visibility, "shared") != 0)
		return error_set(err, ERROR_FORBIDDEN, "Not allowed to create members for image %s.",
				 record.id);
	if (!store_exec(request->db, err,
			"INSERT INTO image_member (image_id, member_id, status, created_at, updated_at) "
			"VALUES (?1, ?2, 'pending', ?3, ?3)",
			V(record.id), V(member), V(sys_now())))
		return err->kind == ERROR_CONFLICT
			       ? error_set(err, ERROR_CONFLICT, "Member %s is duplicated for image %s",
					   member, record.id)
			       : false;
	return quota_check(request, record.id, err) && answer(request, response, record.id, member, err);
}

/* Whether it wants the image in its lists is the member's to say. */
bool image_member_update(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = http_body_json(request, err);
	const char *status = yyjson_get_str(yyjson_obj_get(body, "status")), *member = request->params[1];
	struct image_record record;

	if (!body)
		return false;
	if (!status || (strcmp(status, "pending") != 0 && strcmp(status, "accepted") != 0 &&
			strcmp(status, "rejected") != 0))
		return error_set(
			err, ERROR_BAD_REQUEST,
			"Incorrect request: Status must be \"pending\", \"accepted\" or \"rejected\".");
	if (!image_record_load(request, request->params[0], &record, err))
		return false;
	if (!request->auth->admin && !text_equal(request->auth->project_id, member))
		return is_owner(request, &record) ? image_forbidden("modify_member", err)
						  : not_a_member(member, record.id, err);
	if (!store_exec(request->db, err,
			"UPDATE image_member SET status = ?3, updated_at = ?4 WHERE image_id = ?1 AND "
			"member_id = ?2",
			V(record.id), V(member), V(status), V(sys_now())))
		return false;
	return answer(request, response, record.id, member, err);
}

bool image_member_remove(struct http_request *request, struct http_response *response, struct error *err)
{
	struct image_record record;

	if (!image_record_load_own(request, request->params[0], "delete_member", &record, err) ||
	    !store_exec(request->db, err, "DELETE FROM image_member WHERE image_id = ?1 AND member_id = ?2",
			V(record.id), V(request->params[1])))
		return false;
	if (store_changes(request->db) == 0)
		return not_a_member(request->params[1], record.id, err);
	response->status = 204;
	return true;
}

#define MEMBER_SCHEMA \
	"{\"name\": \"member\", \"properties\": {" \
	"\"member_id\": {\"type\": \"string\", \"description\": \"The project that sees the image\"}, " \
	"\"image_id\": {\"type\": \"string\", \"description\": \"The image\", \"pattern\": " \
	"\"^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$\"}, " \
	"\"created_at\": {\"type\": \"string\", \"description\": \"When it became a member\"}, " \
	"\"updated_at\": {\"type\": \"string\", \"description\": \"When its status last changed\"}, " \
	"\"status\": {\"type\": \"string\", \"description\": \"What the member says to it\", " \
	"\"enum\": [\"pending\", \"accepted\", \"rejected\"]}, " \
	"\"schema\": {\"readOnly\": true, \"type\": \"string\"}}}"

bool image_member_schema(struct http_request *request, struct http_response *response, struct error *err)
{
	(void)request;
	(void)err;
	http_text(response, 200, "application/json", MEMBER_SCHEMA);
	return true;
}

bool image_member_schema_list(struct http_request *request, struct http_response *response, struct error *err)
{
	(void)request;
	(void)err;
	http_text(response, 200, "application/json",
		  "{\"name\": \"members\", \"properties\": {\"members\": {\"type\": \"array\", "
		  "\"items\": " MEMBER_SCHEMA "}, \"schema\": {\"type\": \"string\"}}, "
		  "\"links\": [{\"rel\": \"describedby\", \"href\": \"{schema}\"}]}");
	return true;
}
