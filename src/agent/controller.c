/* Joining the controller: what it says once is kept. */
#include "agent/controller.h"

#include "agent/file.h"
#include "agent/server.h"
#include "base/memory.h"
#include "sys/sys.h"

#include <string.h>

/* In the place of the host's id: the credential was asked for, and the answer was not heard. */
#define NOT_YET "-"

static bool credential_read(struct controller *controller, const char *file)
{
	_cleanup_fclose_ FILE *in = fopen(file, "re");

	if (!in || fscanf(in, "%36s %127s", controller->host_id, controller->credential) != 2)
		strcpy(controller->host_id, "");
	return is_uuid(controller->host_id);
}

static bool credential_write(const struct controller *controller, const char *file, struct error *err)
{
	_cleanup_free_ char *text = memory_printf("%s %s\n", controller->host_id, controller->credential);

	return file_write(file, text, FILE_DURABLE, err);
}

/* The agent draws its credential itself, and keeps it before it asks for it: a request that the network
 * delivers twice, or late, then changes nothing, and neither does one that is begun anew. */
static bool credential_draw(struct controller *controller, const char *file, struct error *err)
{
	unsigned char bytes[32];

	if (strcmp(controller->host_id, NOT_YET) == 0 && strlen(controller->credential) == 2 * sizeof bytes)
		return true;
	sys_random(bytes, sizeof bytes);
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(controller->credential + 2 * i, 3, "%02x", bytes[i]);
	strcpy(controller->host_id, NOT_YET);
	return credential_write(controller, file, err);
}

static char *join_body(const char *token, const char *host, const char *credential)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);

	yyjson_mut_doc_set_root(doc, root);
	yyjson_mut_obj_add_int(doc, root, "version", 1);
	yyjson_mut_obj_add_str(doc, root, "token", token);
	yyjson_mut_obj_add_str(doc, root, "host", host);
	yyjson_mut_obj_add_str(doc, root, "credential", credential);
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
	if (!credential_draw(controller, file, err))
		return false;
	_cleanup_free_ char *body = join_body(token, host, controller->credential);
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
