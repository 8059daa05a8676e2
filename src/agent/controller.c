/* Joining the controller: what it says once is kept. */
#include "agent/controller.h"

#include "agent/file.h"
#include "agent/server.h"
#include "base/memory.h"

#include <string.h>

static bool credential_read(struct controller *controller, const char *file)
{
	_cleanup_fclose_ FILE *in = fopen(file, "re");

	return in && fscanf(in, "%36s %127s", controller->host_id, controller->credential) == 2 &&
	       is_uuid(controller->host_id);
}

static bool credential_write(const struct controller *controller, const char *file, struct error *err)
{
	_cleanup_free_ char *text = memory_printf("%s %s\n", controller->host_id, controller->credential);

	return file_write(file, text, FILE_DURABLE, err);
}

static char *join_body(const char *token, const char *host)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);

	yyjson_mut_doc_set_root(doc, root);
	yyjson_mut_obj_add_int(doc, root, "version", 1);
	yyjson_mut_obj_add_str(doc, root, "token", token);
	yyjson_mut_obj_add_str(doc, root, "host", host);
	char *text = yyjson_mut_write(doc, 0, NULL);
	yyjson_mut_doc_free(doc);
	return text;
}

bool controller_join(struct controller *controller, const char *file, const char *token, const char *host,
		     struct error *err)
{
	_cleanup_(text_done) struct text answer = {0};

	if (credential_read(controller, file))
		return true;
	if (!token)
		return error_set(err, ERROR_BAD_REQUEST,
				 "this host has not joined yet: make a token with `penstock agent-token` and "
				 "give it with "
				 "--token or --token-file");
	_cleanup_free_ char *body = join_body(token, host);
	if (!controller_send(controller, "POST", "join", "application/json", body, strlen(body), 15, &answer,
			     err))
		return false;
	yyjson_doc *doc = yyjson_read(answer.data ? answer.data : "", answer.length, 0);
	yyjson_val *root = yyjson_doc_get_root(doc);
	snprintf(controller->host_id, sizeof controller->host_id, "%s", json_text(root, "host_id"));
	snprintf(controller->credential, sizeof controller->credential, "%s", json_text(root, "credential"));
	yyjson_doc_free(doc);
	if (!is_uuid(controller->host_id) || !*controller->credential)
		return error_set(err, ERROR_INTERNAL, "the controller's answer to join makes no sense");
	return credential_write(controller, file, err);
}
