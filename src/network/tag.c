/* /v2.0/{collection}/{id}/tags: words that users put on resources.  They are in the resource's row, as a JSON
 * list in order. */
#include "base/memory.h"
#include "network/internal.h"
#include "sys/sys.h"

#include <string.h>

#define TAG_MAX	 255 /* characters */
#define TAGS_MAX 50  /* of one resource */

/* `find`: tags, project, whether all see it, the project of what it belongs to (its network). */
static const struct tagged {
	const char *type, *not_found, *find, *write;
} tagged[] = {
	[TAGGED_NETWORK] =
		{"network", "NetworkNotFound",
		 "SELECT tags, project_id, shared OR external, project_id FROM network WHERE id = ?1",
		 "UPDATE network SET tags = ?2, revision = revision + 1, updated_at = ?3 WHERE id = ?1"},
	[TAGGED_SUBNET] =
		{"subnet", "SubnetNotFound",
		 "SELECT s.tags, s.project_id, n.shared, n.project_id FROM subnet s "
		 "JOIN network n ON n.id = s.network_id WHERE s.id = ?1",
		 "UPDATE subnet SET tags = ?2, revision = revision + 1, updated_at = ?3 WHERE id = ?1"},
	[TAGGED_PORT] = {"port", "PortNotFound",
			 "SELECT p.tags, p.project_id, 0, n.project_id FROM port p "
			 "JOIN network n ON n.id = p.network_id WHERE p.id = ?1",
			 "UPDATE port SET tags = ?2, revision = revision + 1, updated_at = ?3 WHERE id = ?1"},
	[TAGGED_GROUP] = {"security_group", "SecurityGroupNotFound",
			  "SELECT tags, project_id, 0, project_id FROM security_group WHERE id = ?1",
			  "UPDATE security_group SET tags = ?2, revision = revision + 1, updated_at = ?3 "
			  "WHERE id = ?1"},
	[TAGGED_POLICY] = {"policy", "QosPolicyNotFound",
			   "SELECT tags, project_id, shared, project_id FROM qos_policy WHERE id = ?1",
			   "UPDATE qos_policy SET tags = ?2, revision = revision + 1, updated_at = ?3 "
			   "WHERE id = ?1"},
};

static const struct tagged *kind_of(const struct http_request *request)
{
	return &tagged[ROUTE_KIND_OF(request->route->flags)];
}

/* The tags of what the request names, to be read or changed; freed with the document. */
static bool tags_load(struct http_request *request, bool write, yyjson_mut_doc **doc, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	const struct tagged *kind = kind_of(request);

	*doc = NULL;
	if (!store_query(request->db, &rows, err, kind->find, V(request->params[0])))
		return false;
	bool there = store_next(&rows);
	bool own = there && (is_visible(request->auth, store_text(&rows, 1), false) ||
			     is_visible(request->auth, store_text(&rows, 3), false));
	if (!own && !(there && store_int(&rows, 2)))
		return not_found(err, kind->not_found, request->params[0]);
	if (write && !own)
		return error_set_typed(err, ERROR_FORBIDDEN, "PolicyNotAuthorized",
				       "rule:update_%s_tags is disallowed by policy", kind->type);
	yyjson_doc *list = yyjson_read(store_text(&rows, 0), strlen(store_text(&rows, 0)), 0);
	*doc = yyjson_doc_mut_copy(list, NULL);
	yyjson_doc_free(list);
	return store_end(&rows, err);
}

static size_t tag_find(yyjson_mut_val *tags, const char *tag, bool *found)
{
	size_t i, max, place = 0;
	yyjson_mut_val *item;

	*found = false;
	yyjson_mut_arr_foreach (tags, i, max, item) {
		int order = strcmp(yyjson_mut_get_str(item), tag);

		*found |= order == 0;
		place += order < 0;
	}
	return place;
}

static bool tag_refuse(struct error *err, const char *why)
{
	return error_set_typed(err, ERROR_BAD_REQUEST, "InvalidInput", "Invalid input for operation: %s.",
			       why);
}

/* A comma would divide it in filters. */
static bool tag_check(const char *tag, struct error *err)
{
	size_t characters = 0;

	for (const char *c = tag ? tag : ""; *c; c++)
		characters += (*c & 0xc0) != 0x80;
	if (characters < 1 || characters > TAG_MAX)
		return tag_refuse(err, "a tag is a text of 1 to 255 characters");
	return !strchr(tag, ',') || tag_refuse(err, "a tag has no comma");
}

static bool tag_add(yyjson_mut_doc *doc, yyjson_mut_val *tags, const char *tag, struct error *err)
{
	bool found;
	size_t place = tag_find(tags, tag, &found);

	if (found)
		return true;
	if (yyjson_mut_arr_size(tags) == TAGS_MAX)
		return tag_refuse(err, "a resource has at most 50 tags");
	return yyjson_mut_arr_insert(tags, yyjson_mut_strcpy(doc, tag), place);
}

static bool tags_save(struct http_request *request, yyjson_mut_doc *doc, struct error *err)
{
	_cleanup_free_ char *json = yyjson_mut_write(doc, 0, NULL);

	return store_exec(request->db, err, kind_of(request)->write, V(request->params[0]), V(json),
			  V(sys_now()));
}

static bool tags_answer(struct http_response *response, yyjson_mut_doc *doc)
{
	yyjson_mut_val *root = http_json_object(response, 200);

	return yyjson_mut_obj_add_val(response->json, root, "tags",
				      yyjson_mut_val_mut_copy(response->json, yyjson_mut_doc_get_root(doc)));
}

bool tag_list(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_doc *doc;
	bool ok = tags_load(request, false, &doc, err) && tags_answer(response, doc);

	yyjson_mut_doc_free(doc);
	return ok;
}

static bool body_tags(struct http_request *request, yyjson_val **list, struct error *err)
{
	yyjson_val *body = http_body_json(request, err), *item;
	size_t i, max;

	*list = yyjson_obj_get(body, "tags");
	if (!body)
		return false;
	if (!yyjson_is_arr(*list) || yyjson_obj_size(body) != 1)
		return tag_refuse(err, "expected a list \"tags\" and nothing else");
	yyjson_arr_foreach (*list, i, max, item) {
		if (!tag_check(yyjson_get_str(item), err))
			return false;
	}
	return true;
}

/* PUT: these and no others. */
bool tag_replace(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *list, *item;
	yyjson_mut_doc *doc = NULL;
	size_t i, max;
	bool ok = body_tags(request, &list, err) && tags_load(request, true, &doc, err);

	if (ok)
		yyjson_mut_arr_clear(yyjson_mut_doc_get_root(doc));
	yyjson_arr_foreach (list, i, max, item)
		ok = ok && tag_add(doc, yyjson_mut_doc_get_root(doc), yyjson_get_str(item), err);
	ok = ok && tags_save(request, doc, err) && tags_answer(response, doc);
	yyjson_mut_doc_free(doc);
	return ok;
}

bool tag_clear(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_doc *doc = NULL;
	bool ok = tags_load(request, true, &doc, err);

	if (ok)
		yyjson_mut_arr_clear(yyjson_mut_doc_get_root(doc));
	ok = ok && tags_save(request, doc, err);
	yyjson_mut_doc_free(doc);
	response->status = 204;
	return ok;
}

static bool tag_missing(struct error *err, const char *tag)
{
	return error_set_typed(err, ERROR_NOT_FOUND, "TagNotFound", "Tag %.255s could not be found.", tag);
}

bool tag_show(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_doc *doc;
	bool ok = tags_load(request, false, &doc, err), found = false;

	if (ok)
		tag_find(yyjson_mut_doc_get_root(doc), request->params[1], &found);
	yyjson_mut_doc_free(doc);
	response->status = 204;
	return ok && (found || tag_missing(err, request->params[1]));
}

bool tag_put(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_doc *doc = NULL;
	bool ok = tag_check(request->params[1], err) && tags_load(request, true, &doc, err) &&
		  tag_add(doc, yyjson_mut_doc_get_root(doc), request->params[1], err) &&
		  tags_save(request, doc, err);

	yyjson_mut_doc_free(doc);
	http_text(response, 201, "application/json", "null");
	return ok;
}

bool tag_delete(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_doc *doc = NULL;
	bool ok = tags_load(request, true, &doc, err), found = false;
	size_t place = ok ? tag_find(yyjson_mut_doc_get_root(doc), request->params[1], &found) : 0;

	if (found)
		yyjson_mut_arr_remove(yyjson_mut_doc_get_root(doc), place);
	ok = ok && (found || tag_missing(err, request->params[1])) && tags_save(request, doc, err);
	yyjson_mut_doc_free(doc);
	response->status = 204;
	return ok;
}
