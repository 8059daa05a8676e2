/* An HTTP request: method, target, header lines, an empty line, body.  It is routed, its query and body read,
 * and answered. */
#include "fuzz.h"

#include "base/log.h"
#include "http/exchange.h"

static bool answer(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_val *root;
	size_t position = 0;
	const char *name, *value;

	if (request->body_size && !http_body_json(request, err))
		return false;
	root = http_json_object(response, 200);
	while (http_query_next(request, &position, &name, &value))
		yyjson_mut_obj_add_str(response->json, root, name, value);
	for (int i = 0; i < HTTP_MAX_PARAMS && request->params[i]; i++)
		yyjson_mut_obj_add_str(response->json, root, "parameter", request->params[i]);
	yyjson_mut_obj_add_str(response->json, root, "base", http_base_url(request));
	http_header_set(response, "Location", http_base_url(request));
	return true;
}

static const struct http_route routes[] = {
	{HTTP_GET, "/servers", answer},
	{HTTP_POST, "/servers", answer},
	{HTTP_GET, "/servers/{id}", answer},
	{HTTP_PUT, "/servers/{id}/metadata/{key}", answer},
	{HTTP_POST, "/a/{1}/{2}/{3}/{4}/{5}/{6}", answer},
	{HTTP_PUT, "/any", answer, .json_any = true, .body_limit = 64},
};
static const struct http_service compute = {"compute", "/compute", routes, ELEMENTS_OF(routes),
					    .json_suffix = true};
static const struct http_service root = {"root", "", routes, 1};
static const struct http_service *const services[] = {&root, &compute};
static const struct http_site site = {services, ELEMENTS_OF(services)};

static const char *find_header(void *source, const char *name)
{
	const char *found = strstr(source, name);

	return found && found[strlen(name)] == ':' ? found + strlen(name) + 2 : NULL;
}

static void check_request(const struct http_request *request)
{
	size_t position = 0;
	const char *name, *value;

	while (http_query_next(request, &position, &name, &value)) {
		FUZZ_CHECK(text_is_utf8(name, strlen(name)) && text_is_utf8(value, strlen(value)));
		FUZZ_CHECK(http_query(request, name));
	}
	for (int i = 0; request->route && i < HTTP_MAX_PARAMS && request->params[i]; i++)
		FUZZ_CHECK(text_is_utf8(request->params[i], strlen(request->params[i])));
	FUZZ_CHECK(*request->path);
}

static void check_answer(struct http_exchange *exchange)
{
	size_t length;
	char *json = http_exchange_json(exchange, &length);
	yyjson_doc *doc = json ? yyjson_read(json, length, YYJSON_READ_ALLOW_INVALID_UNICODE) : NULL;

	FUZZ_CHECK(exchange->response.status >= 200 && exchange->response.status < 600);
	FUZZ_CHECK(doc);
	for (size_t i = 0; i < exchange->internal.header_count; i++)
		FUZZ_CHECK(!strpbrk(exchange->internal.headers[i].value, "\r\n"));
	yyjson_doc_free(doc);
	free(json);
}

/* Header lines end with an empty one. */
static char *header_lines(struct fuzz_input *input)
{
	struct text lines = {0};

	while (input->size) {
		_cleanup_free_ char *line = fuzz_line(input);

		if (!*line)
			break;
		text_addf(&lines, "%s\n", line);
	}
	return text_take(&lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	_cleanup_free_ char *method = fuzz_line(&input), *target = fuzz_line(&input),
			    *headers = header_lines(&input);
	struct http_exchange exchange;

	log_set_level(LOG_LEVEL_ERROR);
	headers[strcspn(headers, "\n")] = '\0';
	http_exchange_init(&exchange, &site, method, target);
	exchange.internal.header = find_header;
	exchange.internal.header_source = headers;
	http_exchange_route(&exchange);
	http_exchange_before(&exchange, NULL);
	http_exchange_body(&exchange, (const char *)input.data, input.size / 2);
	http_exchange_body(&exchange, (const char *)input.data + input.size / 2, input.size - input.size / 2);
	http_exchange_body_end(&exchange);
	if (!exchange.failed)
		http_exchange_run(&exchange, exchange.request.route->handler, NULL);
	FUZZ_CHECK_ERROR(!exchange.failed, &exchange.err);
	if (exchange.request.path)
		check_request(&exchange.request);
	http_exchange_render(&exchange);
	check_answer(&exchange);
	http_exchange_done(&exchange);
	return 0;
}
