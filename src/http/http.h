/* HTTP for the services: requests, responses, routes.  A handler is a plain function from a request to a
 * response and can be called without a socket (http_dispatch); http_server.h puts sockets in front.
 *
 * What a handler needs of memory for its answer it takes with http_alloc() or http_printf(): it lives as long
 * as the request. */
#pragma once

#include "base/error.h"
#include "base/text.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <yyjson.h>

struct auth; /* identity/identity.h */
struct http_request;
struct http_response;
struct http_service;

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_PATCH,
	HTTP_DELETE,
	HTTP_OPTIONS,
	HTTP_OTHER
};

const char *http_method_name(enum http_method method); /* "GET" ... */

/* Where a handler runs. */
enum http_mode {
	HTTP_READ,  /* on the server's thread, quick, with a reader's snapshot */
	HTTP_WRITE, /* on the writer's thread, in a transaction; answered after the commit is on disk */
	HTTP_SLOW,  /* on a worker (password hashes), with a reader's snapshot */
};

/* Fills the response and returns true, or fills *err and returns false: then the service's render_error
 * writes the body, and what an HTTP_WRITE handler wrote is undone. */
typedef bool http_handler(struct http_request *request, struct http_response *response, struct error *err);

/* What takes a request's body as it comes instead of the usual buffer (uploads).  All run on the server's
 * thread, before the handler. */
struct http_upload {
	/* Headers are there; before this the service's `before` was called.  Sets request->upload. */
	bool (*begin)(struct http_request *request, struct error *err);
	bool (*chunk)(struct http_request *request, const char *bytes, size_t count, struct error *err);
	/* Always called in the end; the handler may have taken request->upload over (then it is NULL). */
	void (*abandon)(struct http_request *request);
};

/* The first route that matches wins: literal patterns stand before those with {..} in the same place. */
struct http_route {
	enum http_method method;
	const char *pattern; /* "/servers/{id}/action": {..} is one path segment, decoded into params[] */
	http_handler *handler;
	enum http_mode mode;
	unsigned flags; /* the service's own, for its `before` */
	/* Optional: runs first, on a worker (hashing).  It may set request->route to another route of the
	 * same method and path, which goes on in its place (one that reads where this one writes). */
	http_handler *prepare;
	const struct http_upload *upload; /* optional */
	size_t body_limit;		  /* bytes; 0 = HTTP_BODY_LIMIT */
	bool json_any;			  /* http_body_json() takes any JSON value, not just an object */
};

#define HTTP_BODY_LIMIT (1024 * 1024)

struct http_service {
	const char *name;   /* "compute" */
	const char *prefix; /* "/compute": what the request's path begins with; "" matches everything */
	const struct http_route *routes;
	size_t route_count;
	/* Authentication, microversion, common headers.  Always runs on the server's thread with a reader's
	 * snapshot, before the request is handed to a worker or to the writer. */
	http_handler *before;
	/* Writes the error as this API does: status, headers, body. */
	void (*render_error)(struct http_request *request, struct http_response *response,
			     const struct error *err);
	/* An unknown path or method: fills *err (kind, message). */
	void (*no_route)(struct http_request *request, bool path_known, struct error *err);
	void *state;	  /* the service's own, e.g. its settings */
	bool json_suffix; /* ".json" at the path's end is left out before matching (the legacy neutron client)
			   */
};

#define HTTP_MAX_PARAMS 6

struct http_request {
	const struct http_service *service;
	const struct http_route *route;
	enum http_method method;
	const char *method_name;	     /* as sent */
	const char *target;		     /* path and query as sent */
	const char *path;		     /* raw path without the service's prefix */
	const char *params[HTTP_MAX_PARAMS]; /* decoded, in the pattern's order; NULL after the last */
	const char *body;		     /* never NULL; NUL-terminated */
	size_t body_size;
	const struct auth *auth; /* set by `before`; lives as long as the request */
	struct store *db;	 /* the connection of the mode */
	void *prepared;		 /* from the route's `prepare` (http_alloc'ed) */
	void *upload;		 /* the upload's own */
	char request_id[41];	 /* "req-..." */
	int microversion;	 /* compute: 2001 = 2.1, 2090 = 2.90 */
	bool resumed;		 /* a parked request that is tried again (http_park) */
	struct http_internal *internal;
};

struct http_response {
	int status;
	yyjson_mut_doc *json; /* http_json() makes it; its root is sent as application/json */
	const char *body;     /* else this, with its content type; must live as long as the request */
	size_t body_size;
	const char *content_type; /* static text or http_alloc'ed */
	int file;		  /* else the content of this open file (>= 0, closed afterwards), from */
	int64_t file_offset;	  /* here ... */
	int64_t file_size;	  /* ... this many bytes */
	struct http_internal *internal;
};

/* --- reading a request --- */

const char *http_header(const struct http_request *request, const char *name); /* any case; NULL if absent */
/* First value of a query parameter, decoded; NULL if absent, "" if it has no value. */
const char *http_query(const struct http_request *request, const char *name);
/* Walks all query parameters in order: *position starts at 0. */
bool http_query_next(const struct http_request *request, size_t *position, const char **name,
		     const char **value);
/* The body as JSON (parsed once).  NULL and a 400 in *err if it is not JSON, has duplicate keys, is nested
 * deeper than 64, or is not an object. */
yyjson_val *http_body_json(struct http_request *request, struct error *err);

void *http_alloc(struct http_request *request, size_t size); /* zeroed */
char *http_copy(struct http_request *request, const char *text);
char *http_printf(struct http_request *request, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* "http://host:port" as the client addressed this server (Host header; configured public URL wins). */
const char *http_base_url(struct http_request *request);

/* --- writing a response --- */

/* The response's JSON document, made at first use.  Texts put into it with yyjson_mut_obj_add_str() must live
 * as long as the request (rows of the database do not: use ..._strcpy). */
yyjson_mut_doc *http_json(struct http_response *response);
/* Sets the status and an object as root of the JSON document; returns that object. */
yyjson_mut_val *http_json_object(struct http_response *response, int status);
void http_header_add(struct http_response *response, const char *name, const char *value); /* copies */
void http_header_set(struct http_response *response, const char *name, const char *value);
/* Answers with this body; content_type static.  Copies. */
void http_text(struct http_response *response, int status, const char *content_type, const char *body);

/* --- long poll --- */

/* An HTTP_READ handler that has nothing to say yet: the request waits until http_wake() with this key or
 * until the time is over, and then the handler is called again (request->resumed is true; the second time it
 * must answer if `sys_monotonic()` has reached the deadline). */
void http_park(struct http_request *request, const char *key, int64_t deadline_monotonic);
/* Wakes the parked requests with this key.  Any thread.  Usually by way of store_on_commit(). */
void http_wake(const char *key);

/* --- calling handlers without a socket --- */

/* The services that requests are matched against; the longest prefix wins. */
struct http_site {
	const struct http_service *const *services;
	size_t service_count;
	const char *public_url; /* NULL: as the client addressed us */
};

struct http_call {
	const char *method, *target;
	const char *const *headers; /* name, value, name, value ..., NULL; may be NULL */
	const char *body;	    /* may be NULL */
	size_t body_size;	    /* 0 with a body: its strlen() */
};

struct http_answer {
	int status;
	char *headers; /* "Name: value\n" each */
	char *body;    /* NUL-terminated */
	size_t body_size;
	bool parked; /* the handler wants to wait (http_park): nothing else is set */
};

/* Runs a whole request (prepare and handler, an HTTP_WRITE one in a transaction of its own) on the calling
 * thread with this writer connection.  For tests and simulations. */
void http_call(const struct http_site *site, struct store *db, const struct http_call *call,
	       struct http_answer *answer);
void http_answer_done(struct http_answer *answer);
/* The value of an answer's header, any case, freed by the caller; NULL if absent. */
char *http_answer_header(const struct http_answer *answer, const char *name);
