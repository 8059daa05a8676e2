/* Within the http room: one request with its response and all that belongs to it. */
#pragma once

#include "http/http.h"

struct http_chunk;

struct http_pair {
	const char *name, *value;
};

struct http_internal {
	struct http_chunk *chunks; /* memory that goes with the exchange */
	const struct http_site *site;
	/* Where header values come from. */
	const char *(*header)(void *source, const char *name);
	void *header_source;
	struct http_pair *query; /* decoded, in order */
	size_t query_count;
	bool query_parsed;
	yyjson_doc *json;
	struct http_pair *headers; /* of the response */
	size_t header_count;
	/* http_park() */
	bool park;
	const char *park_key;
	int64_t park_deadline;
};

struct http_exchange {
	struct http_request request;
	struct http_response response;
	struct http_internal internal;
	struct text body; /* of the request, as it comes */
	size_t body_limit;
	bool failed; /* before the handler: err says why, the handler is not called */
	struct error err;
};

/* Wires the parts together; method and target are copied. */
void http_exchange_init(struct http_exchange *exchange, const struct http_site *site, const char *method,
			const char *target);
void http_exchange_done(struct http_exchange *exchange);
/* Finds service and route; none: failed, with the service's words. */
void http_exchange_route(struct http_exchange *exchange);
/* Runs the service's `before`, once the headers are there. */
void http_exchange_before(struct http_exchange *exchange, struct store *db);
/* The next piece of the body: to the route's upload or to the buffer, within the limit. */
void http_exchange_body(struct http_exchange *exchange, const char *bytes, size_t count);
/* The body is complete. */
void http_exchange_body_end(struct http_exchange *exchange);
/* The handler (or `prepare`), as it is; on failure sets failed and err.  false then. */
bool http_exchange_run(struct http_exchange *exchange, http_handler *handler, struct store *db);
/* The same within a reader's snapshot. */
bool http_exchange_read(struct http_exchange *exchange, http_handler *handler, struct store *db);
/* If it failed: lets the service write its error. */
void http_exchange_render(struct http_exchange *exchange);
/* The response's body as one buffer (malloc'ed by yyjson or NULL); *size; the JSON document is consumed. */
char *http_exchange_json(struct http_exchange *exchange, size_t *size);
