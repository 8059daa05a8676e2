/* Calling handlers without a socket: a whole request on the calling thread. */
#include "base/memory.h"
#include "http/exchange.h"

#include <string.h>
#include <strings.h>

static const char *call_header(void *source, const char *name)
{
	const struct http_call *call = source;

	for (const char *const *pair = call->headers; pair && *pair; pair += 2) {
		if (strcasecmp(pair[0], name) == 0)
			return pair[1];
	}
	return NULL;
}

struct call_job {
	struct store_job job;
	struct http_exchange *exchange;
};

static bool call_job_run(struct store_job *job, struct store *db, struct error *err)
{
	struct http_exchange *exchange = ((struct call_job *)job)->exchange;

	if (http_exchange_run(exchange, exchange->request.route->handler, db))
		return true;
	*err = exchange->err;
	return false;
}

static void call_job_done(struct store_job *job, bool ok, const struct error *err)
{
	struct http_exchange *exchange = ((struct call_job *)job)->exchange;

	if (!ok) {
		exchange->failed = true;
		exchange->err = *err;
	}
}

static void call_handle(struct http_exchange *exchange, struct store *db)
{
	const struct http_route *route = exchange->request.route;
	struct call_job job = {.job = {.run = call_job_run, .done = call_job_done}, .exchange = exchange};

	if (route->prepare && !http_exchange_read(exchange, route->prepare, db))
		return;
	if (route->mode == HTTP_WRITE)
		store_job_run_now(db, &job.job);
	else
		http_exchange_read(exchange, route->handler, db);
}

static char *read_file_part(int fd, int64_t offset, int64_t size)
{
	char *bytes = memory_alloc((size_t)size + 1);

	for (int64_t done = 0; done < size;) {
		ssize_t got = pread(fd, bytes + done, (size_t)(size - done), offset + done);

		if (got <= 0)
			break;
		done += got;
	}
	return bytes;
}

static void call_collect(struct http_exchange *exchange, struct http_answer *answer)
{
	struct http_response *response = &exchange->response;
	struct text headers = {0};

	answer->status = response->status;
	for (size_t i = 0; i < exchange->internal.header_count; i++)
		text_addf(&headers, "%s: %s\n", exchange->internal.headers[i].name,
			  exchange->internal.headers[i].value);
	answer->headers = text_take(&headers);
	if (response->file >= 0) {
		answer->body_size = (size_t)response->file_size;
		answer->body = read_file_part(response->file, response->file_offset, response->file_size);
	} else if (!(answer->body = http_exchange_json(exchange, &answer->body_size))) {
		answer->body_size = response->body_size;
		answer->body = memory_alloc(response->body_size + 1);
		if (response->body)
			memcpy(answer->body, response->body, response->body_size);
	}
}

void http_call(const struct http_site *site, struct store *db, const struct http_call *call,
	       struct http_answer *answer)
{
	struct http_exchange exchange;

	*answer = (struct http_answer){0};
	http_exchange_init(&exchange, site, call->method, call->target);
	exchange.internal.header = call_header;
	exchange.internal.header_source = (void *)call;
	http_exchange_route(&exchange);
	http_exchange_before(&exchange, db);
	if (call->body)
		http_exchange_body(&exchange, call->body,
				   call->body_size ? call->body_size : strlen(call->body));
	http_exchange_body_end(&exchange);
	if (!exchange.failed)
		call_handle(&exchange, db);
	answer->parked = exchange.internal.park && !exchange.failed;
	if (!answer->parked) {
		http_exchange_render(&exchange);
		call_collect(&exchange, answer);
	}
	http_exchange_done(&exchange);
}

void http_answer_done(struct http_answer *answer)
{
	free(answer->headers);
	free(answer->body);
	*answer = (struct http_answer){0};
}

char *http_answer_header(const struct http_answer *answer, const char *name)
{
	size_t length = strlen(name);

	for (const char *line = answer->headers; line && *line; line = strchr(line, '\n') + 1) {
		if (strncasecmp(line, name, length) == 0 && line[length] == ':')
			return memory_printf("%.*s", (int)strcspn(line + length + 2, "\n"),
					     line + length + 2);
	}
	return NULL;
}
