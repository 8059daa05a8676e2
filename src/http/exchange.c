/* One request on its way: matching the route, taking the body, running the handler, rendering errors. */
#include "http/exchange.h"

#include "base/log.h"
#include "base/memory.h"
#include "http/request.h"
#include "sys/sys.h"

#include <string.h>
#include <strings.h>

static const char *const method_names[] = {
	[HTTP_GET] = "GET",	[HTTP_HEAD] = "HEAD",	  [HTTP_POST] = "POST",	      [HTTP_PUT] = "PUT",
	[HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE", [HTTP_OPTIONS] = "OPTIONS",
};

const char *http_method_name(enum http_method method)
{
	return method < HTTP_OTHER ? method_names[method] : "?";
}

static enum http_method method_parse(const char *name)
{
	for (size_t i = 0; i < ELEMENTS_OF(method_names); i++) {
		if (strcmp(name, method_names[i]) == 0)
			return (enum http_method)i;
	}
	return HTTP_OTHER;
}

void http_exchange_init(struct http_exchange *exchange, const struct http_site *site, const char *method,
			const char *target)
{
	struct http_request *request = &exchange->request;
	char uuid[SYS_UUID_SIZE];

	*exchange = (struct http_exchange){.response.file = -1};
	request->internal = exchange->response.internal = &exchange->internal;
	exchange->internal.site = site;
	request->method = method_parse(method);
	request->method_name = http_copy(request, method);
	request->target = http_copy(request, target);
	request->body = "";
	snprintf(request->request_id, sizeof request->request_id, "req-%s", sys_uuid(uuid));
	exchange->body_limit = HTTP_BODY_LIMIT;
}

void http_exchange_done(struct http_exchange *exchange)
{
	const struct http_route *route = exchange->request.route;

	if (route && route->upload && exchange->request.upload)
		route->upload->abandon(&exchange->request);
	if (exchange->response.file >= 0)
		close(exchange->response.file);
	yyjson_mut_doc_free(exchange->response.json);
	yyjson_doc_free(exchange->internal.json);
	text_done(&exchange->body);
	free(exchange->internal.query);
	free(exchange->internal.headers);
	http_chunks_done(&exchange->internal);
}

static void exchange_fail(struct http_exchange *exchange, const struct error *err)
{
	exchange->failed = true;
	exchange->err = *err;
}

/* Does the path match the pattern?  Fills params. */
static bool pattern_matches(struct http_request *request, const char *pattern, const char *path)
{
	const char *start[HTTP_MAX_PARAMS], *end[HTTP_MAX_PARAMS];
	int count = 0;

	while (*pattern) {
		if (*pattern != '{') {
			if (*pattern++ != *path++)
				return false;
			continue;
		}
		start[count] = path;
		path += strcspn(path, "/");
		if (path == start[count])
			return false;
		end[count++] = path;
		pattern += strcspn(pattern, "}") + 1;
	}
	if (*path)
		return false;
	memset(request->params, 0, sizeof request->params);
	for (int i = 0; i < count; i++) {
		if (!http_decode(request, start[i], (size_t)(end[i] - start[i]), false, &request->params[i]))
			return false;
	}
	return true;
}

static const struct http_service *site_find(const struct http_site *site, const char *path)
{
	const struct http_service *found = NULL;

	for (size_t i = 0; i < site->service_count; i++) {
		const struct http_service *service = site->services[i];
		size_t length = strlen(service->prefix);

		if (strncmp(path, service->prefix, length) == 0 &&
		    (path[length] == '\0' || path[length] == '/' || length == 0) &&
		    (!found || length > strlen(found->prefix)))
			found = service;
	}
	return found;
}

/* The path as patterns know it: without query, the service's prefix, a slash at the end, perhaps ".json". */
static char *exchange_path(struct http_request *request)
{
	const char *from = request->target + strlen(request->service->prefix);
	char *path = http_printf(request, "%.*s", (int)strcspn(from, "?#"), from);
	size_t length = strlen(path);

	while (length > 1 && path[length - 1] == '/')
		path[--length] = '\0';
	if (request->service->json_suffix && length > 5 && text_ends_with(path, ".json"))
		path[length - 5] = '\0';
	return length ? path : "/";
}

/* RFC 9110, 15.5.6: who refuses a method says which there are. */
static void allow_add(struct http_exchange *exchange, unsigned methods)
{
	struct text names = {0};

	if (methods & 1u << HTTP_GET)
		methods |= 1u << HTTP_HEAD;
	for (size_t i = 0; i < ELEMENTS_OF(method_names); i++) {
		if (methods & 1u << i)
			text_addf(&names, "%s%s", names.length ? ", " : "", method_names[i]);
	}
	if (methods)
		http_header_add(&exchange->response, "Allow", names.data);
	text_done(&names);
}

void http_exchange_route(struct http_exchange *exchange)
{
	struct http_request *request = &exchange->request;
	_cleanup_free_ char *path =
		memory_printf("%.*s", (int)strcspn(request->target, "?#"), request->target);
	struct error err;
	unsigned methods = 0; /* that the path has: 1 << HTTP_GET ... */

	request->service = site_find(exchange->internal.site, path);
	if (!request->service) {
		error_set(&err, ERROR_NOT_FOUND, "Not found: %.200s", path);
		exchange_fail(exchange, &err);
		return;
	}
	request->path = exchange_path(request);
	for (size_t i = 0; i < request->service->route_count; i++) {
		const struct http_route *route = &request->service->routes[i];

		if (!pattern_matches(request, route->pattern, request->path))
			continue;
		methods |= 1u << route->method;
		if (route->method == request->method ||
		    (route->method == HTTP_GET && request->method == HTTP_HEAD)) {
			request->route = route;
			exchange->body_limit = route->body_limit ? route->body_limit : HTTP_BODY_LIMIT;
			return;
		}
	}
	allow_add(exchange, methods);
	error_set(&err, methods ? ERROR_METHOD_NOT_ALLOWED : ERROR_NOT_FOUND,
		  "The resource could not be found.");
	if (request->service->no_route)
		request->service->no_route(request, methods != 0, &err);
	exchange_fail(exchange, &err);
}

bool http_exchange_run(struct http_exchange *exchange, http_handler *handler, struct store *db)
{
	struct error err = {0};

	exchange->request.db = db;
	if (handler(&exchange->request, &exchange->response, &err))
		return true;
	exchange_fail(exchange, &err);
	return false;
}

bool http_exchange_read(struct http_exchange *exchange, http_handler *handler, struct store *db)
{
	struct error err;

	if (!store_read_begin(db, &err)) {
		exchange_fail(exchange, &err);
		return false;
	}
	bool ok = http_exchange_run(exchange, handler, db);
	store_read_end(db);
	return ok;
}

void http_exchange_before(struct http_exchange *exchange, struct store *db)
{
	struct http_request *request = &exchange->request;
	const struct http_route *route = request->route;
	struct error err = {0};

	if (!exchange->failed && request->service->before)
		http_exchange_read(exchange, request->service->before, db);
	if (!exchange->failed && route->upload && !route->upload->begin(request, &err))
		exchange_fail(exchange, &err);
}

void http_exchange_body(struct http_exchange *exchange, const char *bytes, size_t count)
{
	const struct http_route *route = exchange->request.route;
	struct error err = {0};

	if (exchange->failed)
		return; /* read to its end and thrown away */
	if (route->upload) {
		if (!route->upload->chunk(&exchange->request, bytes, count, &err))
			exchange_fail(exchange, &err);
	} else if (exchange->body.length + count > exchange->body_limit) {
		error_set(&err, ERROR_TOO_LARGE, "Request is too large. The limit is %zu bytes.",
			  exchange->body_limit);
		exchange_fail(exchange, &err);
		text_done(&exchange->body);
	} else {
		text_add_bytes(&exchange->body, bytes, count);
	}
}

void http_exchange_body_end(struct http_exchange *exchange)
{
	if (exchange->body.data) {
		exchange->request.body = exchange->body.data;
		exchange->request.body_size = exchange->body.length;
	}
}

static void render_plain(struct http_response *response, const struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, (int)err->kind);
	yyjson_mut_val *error = yyjson_mut_obj_add_obj(response->json, root, "error");

	yyjson_mut_obj_add_int(response->json, error, "code", (int)err->kind);
	yyjson_mut_obj_add_strcpy(response->json, error, "message", err->message);
}

void http_exchange_render(struct http_exchange *exchange)
{
	struct http_request *request = &exchange->request;
	struct http_response *response = &exchange->response;

	if (exchange->failed) {
		if (exchange->err.kind < 400)
			error_set(&exchange->err, ERROR_INTERNAL, "a handler failed without a reason");
		if (exchange->err.kind == ERROR_INTERNAL)
			log_error("%s %s: %s", request->method_name,
				  request->path ? request->path : request->target, exchange->err.message);
		yyjson_mut_doc_free(TAKE_PTR(response->json));
		if (response->file >= 0)
			close(TAKE_FD(response->file));
		response->body = NULL;
		response->body_size = 0;
		response->content_type = NULL;
		if (request->service && request->service->render_error)
			request->service->render_error(request, response, &exchange->err);
		else
			render_plain(response, &exchange->err);
	}
	http_header_set(response, "x-openstack-request-id", request->request_id);
}
