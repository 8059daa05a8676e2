/* The network between clients, agents and the controller: HTTP requests as messages that take time and may be
 * lost, doubled, late, or cut.  The modules see this file too. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum net_outcome {
	NET_ANSWERED,
	NET_REFUSED, /* nobody listens */
	NET_SILENT,  /* no answer within the time */
	NET_CUT,     /* the connection broke before the whole answer was there: it may have been done */
};

struct net_request {
	const char *method, *target;
	const char *token, *credential, *content_type, *version, *range, *checksum; /* headers; NULL: none */
	const char *body;
	size_t size;
	int64_t patience; /* microseconds */
};

struct net_answer {
	int status;
	char *body; /* NUL-terminated; the caller's */
	size_t size;
	char *subject_token; /* a header; the caller's; NULL: none */
};

/* One request of the daemon or client that asks; waits for the answer. */
enum net_outcome net_call(const struct net_request *request, struct net_answer *answer);

/* --- the server's side --- */

struct net_message;

/* From now on `arrived` is called for each request. */
void net_listen(void (*arrived)(struct net_message *message));
const char *net_method(const struct net_message *message);
const char *net_target(const struct net_message *message);
const char *net_header(const struct net_message *message, const char *name);
const char *net_body(const struct net_message *message, size_t *size);
/* Takes body and token over (malloc'ed; the token may be NULL). */
void net_reply(struct net_message *message, int status, char *body, size_t size, char *subject_token);
/* What it had is cut, as its kernel would do it. */
void net_server_died(void);
