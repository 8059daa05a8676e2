/* The HTTP server: libmicrohttpd in front of the services.  One epoll thread serves connections and quick
 * reads; writes go to the store's writer; slow work goes to a few workers. */
#pragma once

#include "base/error.h"
#include "http/http.h"
#include "store/store.h"

#include <stdint.h>

struct http_server;

struct http_server_settings {
	const char *address; /* "127.0.0.1", "0.0.0.0", "::" */
	uint16_t port;	     /* 0: any free one */
	const struct http_site *site;
	struct store_writer *writer;
	const char *database; /* path: readers open connections of their own */
	int workers;	      /* for HTTP_SLOW and `prepare` */
	int connection_limit; /* 0: 16384 */
};

struct http_server *http_server_start(const struct http_server_settings *settings, struct error *err);
uint16_t http_server_port(const struct http_server *server);
/* Answers what is under way, wakes what waits, closes all.  The writer must still run. */
void http_server_stop(struct http_server *server);
