/* Within the http room: requests on their way through the reader, the writer, the workers and the parking
 * lot, whoever brought them.  What brings them (libmicrohttpd in server.c, a simulation's network) embeds a
 * `struct http_passage` for each, and keeps to one thread: the server's.  When a worker, the writer or a wake
 * is done with a passage, they call `resume`, and the server's thread goes on with it (http_flow_go). */
#pragma once

#include "http/exchange.h"
#include "http/http_server.h"
#include "http/park.h"

#include <pthread.h>
#include <stdatomic.h>

struct http_flow;

enum http_stage {
	HTTP_STAGE_BODY,   /* headers and body are coming */
	HTTP_STAGE_READY,  /* the handler (or a part of it) may run */
	HTTP_STAGE_AWAY,   /* a worker, the writer or the parking lot has it */
	HTTP_STAGE_ANSWER, /* to be answered */
};

struct http_passage {
	struct http_exchange exchange;
	struct store_job job;
	struct http_parked parked;
	struct http_flow *flow;
	struct http_passage *next; /* in the workers' queue */
	_Atomic(enum http_stage) stage;
	bool prepared;
};

struct http_flow {
	const struct http_server_settings *settings;
	/* On the server's thread: the passage is with somebody else from now on. */
	void (*suspend)(struct http_passage *passage);
	/* Any thread: it is the server's again. */
	void (*resume)(struct http_passage *passage);
	struct store *db; /* reader of the server's thread */
	pthread_t timer;
	pthread_t *workers;
	int worker_count;
	pthread_mutex_t lock;
	pthread_cond_t queued, quiet;
	struct http_passage *first, **last; /* for the workers */
	int waiting;			    /* in that queue */
	int away;			    /* suspended */
	int active;			    /* requests that are not answered yet */
	_Atomic bool stopping;
};

/* Opens the database; settings, suspend and resume are set. */
bool http_flow_open(struct http_flow *flow, struct error *err);
/* Starts workers and timer. */
void http_flow_start(struct http_flow *flow);
/* Ends them. */
void http_flow_end(struct http_flow *flow);
/* Waits until nobody else has a passage; those who are not answered get a moment.  After http_flow_end(). */
void http_flow_drain(struct http_flow *flow);
void http_flow_close(struct http_flow *flow);

/* A request's line and headers are there.  `header` and `source` as in struct http_internal. */
void http_flow_begin(struct http_flow *flow, struct http_passage *passage, const char *method,
		     const char *target, const char *(*header)(void *source, const char *name), void *source);
/* The request is complete (HTTP_STAGE_BODY) or may go on.  True: it is to be answered now; false: it is away,
 * and `resume` will be called. */
bool http_flow_go(struct http_passage *passage);
/* It was answered or given up. */
void http_flow_finish(struct http_passage *passage);
