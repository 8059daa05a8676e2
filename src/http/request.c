/* Reading a request: memory, headers, query, JSON body. */
#include "http/request.h"
#include "base/memory.h"

#include "http/exchange.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>

#define HTTP_CHUNK	4000
#define HTTP_JSON_DEPTH 64

struct http_chunk {
	struct http_chunk *next;
	size_t used, size;
	max_align_t data[];
};

void *http_alloc(struct http_request *request, size_t size)
{
	struct http_chunk *chunk = request->internal->chunks;

	size = (size + 15) & ~(size_t)15;
	if (!chunk || chunk->size - chunk->used < size) {
		size_t room = size > HTTP_CHUNK ? size : HTTP_CHUNK;

		chunk = memory_resize(NULL, sizeof *chunk + room);
		chunk->next = request->internal->chunks;
		chunk->used = 0;
		chunk->size = room;
		request->internal->chunks = chunk;
	}
	void *memory = (char *)chunk->data + chunk->used;
	chunk->used += size;
	return memset(memory, 0, size);
}

char *http_copy(struct http_request *request, const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(http_alloc(request, size), text, size);
}

char *http_printf(struct http_request *request, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	char *text = http_alloc(request, (size_t)length + 1);
	va_start(args, format);
	vsnprintf(text, (size_t)length + 1, format, args);
	va_end(args);
	return text;
}

const char *http_header(const struct http_request *request, const char *name)
{
	return request->internal->header ? request->internal->header(request->internal->header_source, name)
					 : NULL;
}

static bool host_is_sane(const char *host)
{
	return *host && strlen(host) < 256 &&
	       host[strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]")] ==
		       '\0';
}

const char *http_base_url(struct http_request *request)
{
	const char *host = http_header(request, "Host");

	if (request->internal->site->public_url)
		return request->internal->site->public_url;
	return http_printf(request, "http://%s", host && host_is_sane(host) ? host : "localhost");
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

bool http_decode(struct http_request *request, const char *from, size_t count, bool plus, const char **out)
{
	char *to = http_alloc(request, count + 1);
	char *start = to;

	for (size_t i = 0; i < count; i++) {
		int high, low;

		if (from[i] == '%' && i + 2 < count && (high = hex_digit(from[i + 1])) >= 0 &&
		    (low = hex_digit(from[i + 2])) >= 0) {
			*to++ = (char)(high << 4 | low);
			i += 2;
		} else {
			*to++ = plus && from[i] == '+' ? ' ' : from[i];
		}
	}
	*out = start;
	return text_is_utf8(start, (size_t)(to - start));
}

static void query_add(struct http_request *request, const char *item, const char *end)
{
	struct http_internal *internal = request->internal;
	const char *mark = memchr(item, '=', (size_t)(end - item));
	struct http_pair pair = {.value = ""};

	/* What is not UTF-8 cannot equal anything that is stored: it is left as an empty value. */
	if (!http_decode(request, item, (size_t)((mark ? mark : end) - item), true, &pair.name))
		return;
	if (mark && !http_decode(request, mark + 1, (size_t)(end - mark - 1), true, &pair.value))
		pair.value = "";
	*ARRAY_ADD(internal->query, internal->query_count) = pair;
}

static void query_parse(struct http_request *request)
{
	const char *item = strchr(request->target, '?');

	request->internal->query_parsed = true;
	for (item = item ? item + 1 : ""; *item;) {
		const char *end = item + strcspn(item, "&");

		if (end > item)
			query_add(request, item, end);
		item = *end ? end + 1 : end;
	}
}

bool http_query_next(const struct http_request *request, size_t *position, const char **name,
		     const char **value)
{
	struct http_internal *internal = request->internal;

	if (!internal->query_parsed)
		query_parse((struct http_request *)request);
	if (*position >= internal->query_count)
		return false;
	*name = internal->query[*position].name;
	*value = internal->query[(*position)++].value;
	return true;
}

const char *http_query(const struct http_request *request, const char *name)
{
	const char *found, *value;

	for (size_t i = 0; http_query_next(request, &i, &found, &value);) {
		if (strcmp(found, name) == 0)
			return value;
	}
	return NULL;
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool object_has_duplicates(yyjson_val *object)
{
	size_t count = 0, total = yyjson_obj_size(object), i, max;
	yyjson_val *key, *value;

	if (total < 2)
		return false;
	_cleanup_free_ const char **keys = memory_alloc(total * sizeof *keys);
	yyjson_obj_foreach (object, i, max, key, value)
		keys[count++] = yyjson_get_str(key);
	qsort(keys, count, sizeof *keys, compare_keys);
	for (i = 1; i < count; i++) {
		if (strcmp(keys[i - 1], keys[i]) == 0)
			return true;
	}
	return false;
}

/* Strings with NUL inside would be cut by everything behind: refused here once for all. */
static const char *json_complaint(yyjson_val *value, int depth)
{
	const char *complaint = NULL;
	size_t i, max;
	yyjson_val *key, *item;

	if (depth > HTTP_JSON_DEPTH)
		return "it is nested too deeply";
	if (yyjson_is_str(value) && strlen(yyjson_get_str(value)) != yyjson_get_len(value))
		return "a string contains the character NUL";
	if (yyjson_is_arr(value)) {
		yyjson_arr_foreach (value, i, max, item) {
			if ((complaint = json_complaint(item, depth + 1)))
				return complaint;
		}
	} else if (yyjson_is_obj(value)) {
		if (object_has_duplicates(value))
			return "an object has the same key twice";
		yyjson_obj_foreach (value, i, max, key, item) {
			if ((complaint = json_complaint(key, depth + 1)) ||
			    (complaint = json_complaint(item, depth + 1)))
				return complaint;
		}
	}
	return NULL;
}

yyjson_val *http_body_json(struct http_request *request, struct error *err)
{
	struct http_internal *internal = request->internal;

	if (!internal->json) {
		yyjson_read_err why = {0};
		const char *complaint;

		internal->json = yyjson_read_opts((char *)request->body, request->body_size, 0, NULL, &why);
		if (!internal->json) {
			error_set(err, ERROR_BAD_REQUEST, "Malformed request body: %s at byte %zu",
				  why.msg ? why.msg : "not JSON", why.pos);
			return NULL;
		}
		complaint = json_complaint(yyjson_doc_get_root(internal->json), 0);
		if (!complaint && !yyjson_is_obj(yyjson_doc_get_root(internal->json)) &&
		    !request->route->json_any)
			complaint = "it must be a JSON object";
		if (complaint) {
			yyjson_doc_free(TAKE_PTR(internal->json));
			error_set(err, ERROR_BAD_REQUEST, "Malformed request body: %s", complaint);
			return NULL;
		}
	}
	return yyjson_doc_get_root(internal->json);
}

void http_park(struct http_request *request, const char *key, int64_t deadline_monotonic)
{
	request->internal->park = true;
	request->internal->park_key = http_copy(request, key);
	request->internal->park_deadline = deadline_monotonic;
}

void http_chunks_done(struct http_internal *internal)
{
	while (internal->chunks) {
		struct http_chunk *next = internal->chunks->next;

		free(internal->chunks);
		internal->chunks = next;
	}
}
