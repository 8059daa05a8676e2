/* addSecurityGroup and removeSecurityGroup: of all ports of a server. */
#include "compute/server_action.h"
#include "network/network.h"

#include <string.h>

static const struct schema group_name = {.types = SCHEMA_STRING, .shortest = 1, .longest = 255};
const struct schema action_group_schema = {
	.types = SCHEMA_OBJECT,
	.open = true,
	.fields = (const struct schema_field[]){{"name", &group_name, .required = true}, {0}}};

/* The names that the server shows. */
static bool note_group(struct http_request *request, const char *server_id, const char *name, bool added,
		       struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	size_t i, max;
	yyjson_val *item;

	if (!server_query(request, server_id, &rows, err))
		return false;
	const char *text = store_text(&rows, COLUMN_SECURITY_GROUPS);
	yyjson_doc *before = yyjson_read(text, strlen(text), 0);
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *list = yyjson_mut_arr(doc);

	yyjson_mut_doc_set_root(doc, list);
	yyjson_arr_foreach (yyjson_doc_get_root(before), i, max, item) {
		if (!yyjson_equals_str(yyjson_obj_get(item, "name"), name))
			yyjson_mut_arr_append(list, yyjson_val_mut_copy(doc, item));
	}
	if (added)
		compute_add_text(doc, yyjson_mut_arr_add_obj(doc, list), "name", name);
	_cleanup_free_ char *after = yyjson_mut_write(doc, YYJSON_WRITE_ALLOW_INVALID_UNICODE, NULL);
	yyjson_mut_doc_free(doc);
	yyjson_doc_free(before);
	return store_exec(request->db, err, "UPDATE server SET security_groups = ?2 WHERE id = ?1",
			  V(server_id), V(after));
}

static bool group_find(struct http_request *request, const struct server *server, const char *name,
		       char id[37], struct error *err)
{
	if (!server->life.has_host)
		return error_set(err, ERROR_CONFLICT, "Instance %s is not ready", server->id);
	return network_security_group_find(request->db, server->project_id, name, id, err);
}

bool action_add_group(struct http_request *request, struct http_response *response, struct server *server,
		      yyjson_val *argument, struct error *err)
{
	const char *name = yyjson_get_str(yyjson_obj_get(argument, "name"));
	char id[37];

	return group_find(request, server, name, id, err) &&
	       network_server_add_group(request->db, server->id, id, err) &&
	       note_group(request, server->id, name, true, err) && compute_empty(response, 202);
}

bool action_remove_group(struct http_request *request, struct http_response *response, struct server *server,
			 yyjson_val *argument, struct error *err)
{
	const char *name = yyjson_get_str(yyjson_obj_get(argument, "name"));
	char id[37];

	return group_find(request, server, name, id, err) &&
	       network_server_remove_group(request->db, server->id, id, err) &&
	       note_group(request, server->id, name, false, err) && compute_empty(response, 202);
}
