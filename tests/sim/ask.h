/* What clients and operators ask of the API, and what they hear. */
#pragma once

#include "net.h"

#include <stdbool.h>
#include <yyjson.h>

#define COMPUTE "/compute/v2.1"
#define NETWORK "/network/v2.0"

struct reply {
	enum net_outcome outcome;
	int status;
	yyjson_doc *doc;
};

/* As the administrator; `body` is JSON, or NULL.  When nothing goes wrong any more, an answer of 5xx breaks
 * promise 2. */
struct reply ask(const char *method, const char *target, const char *body);
struct reply askf(const char *method, const char *body, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void reply_done(struct reply *reply);
/* 2xx. */
bool reply_is_ok(const struct reply *reply);
/* May it have been done all the same? */
bool reply_is_open(const struct reply *reply);
bool reply_is_missing(const struct reply *reply); /* 404 */
/* OBJECT.MEMBER, or "". */
const char *reply_text(const struct reply *reply, const char *object, const char *member);
yyjson_val *reply_member(const struct reply *reply, const char *member);
/* Logs the administrator in. */
void ask_log_in(void);
/* Sends an image's bytes. */
bool ask_upload(const char *image);
