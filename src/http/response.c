/* Writing a response: status, headers, JSON. */
#include "base/memory.h"
#include "http/exchange.h"

#include <string.h>
#include <strings.h>

static struct http_request *response_request(struct http_response *response)
{
	/* A response lives beside its request in one exchange. */
	return &((struct http_exchange *)((char *)response - offsetof(struct http_exchange, response)))
			->request;
}

yyjson_mut_doc *http_json(struct http_response *response)
{
	if (!response->json)
		response->json = yyjson_mut_doc_new(NULL);
	return response->json;
}

yyjson_mut_val *http_json_object(struct http_response *response, int status)
{
	yyjson_mut_doc *doc = http_json(response);
	yyjson_mut_val *root = yyjson_mut_obj(doc);

	yyjson_mut_doc_set_root(doc, root);
	response->status = status;
	return root;
}

void http_header_add(struct http_response *response, const char *name, const char *value)
{
	struct http_request *request = response_request(response);
	struct http_internal *internal = response->internal;

	*ARRAY_ADD(internal->headers, internal->header_count) =
		(struct http_pair){.name = http_copy(request, name), .value = http_copy(request, value)};
}

void http_header_set(struct http_response *response, const char *name, const char *value)
{
	struct http_internal *internal = response->internal;

	for (size_t i = 0; i < internal->header_count; i++) {
		if (strcasecmp(internal->headers[i].name, name) == 0) {
			internal->headers[i].value = http_copy(response_request(response), value);
			return;
		}
	}
	http_header_add(response, name, value);
}

void http_text(struct http_response *response, int status, const char *content_type, const char *body)
{
	response->status = status;
	response->content_type = content_type;
	response->body = http_copy(response_request(response), body);
	response->body_size = strlen(body);
}

char *http_exchange_json(struct http_exchange *exchange, size_t *size)
{
	struct http_response *response = &exchange->response;

	if (!response->json || !yyjson_mut_doc_get_root(response->json))
		return NULL;
	char *text = yyjson_mut_write(response->json, YYJSON_WRITE_ALLOW_INVALID_UNICODE, size);
	yyjson_mut_doc_free(TAKE_PTR(response->json));
	return text;
}
