/* Requests of clients, over the net that loses them. */
#include "ask.h"

#include "checks.h"
#include "cluster.h"
#include "faults.h"
#include "trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE INT64_C(20000000) /* microseconds that a client waits */

static char *format_text(const char *format, va_list arguments)
{
	char *text;

	if (vasprintf(&text, format, arguments) < 0)
		abort();
	return text;
}

struct reply ask(const char *method, const char *target, const char *body)
{
	struct net_request request = {.method = method,
				      .target = target,
				      .token = cluster_token,
				      .content_type = "application/json",
				      .version = "2.90",
				      .body = body,
				      .size = body ? strlen(body) : 0,
				      .patience = PATIENCE};
	struct net_answer answer;
	struct reply reply = {.outcome = net_call(&request, &answer)};

	reply.status = answer.status;
	if (reply.outcome == NET_ANSWERED && answer.body)
		reply.doc = yyjson_read(answer.body, answer.size, 0);
	trace(TRACE_CLIENT, "%s %s %.80s: %s %d %.400s", method, target, body ? body : "",
	      (const char *[]){"", "refused", "silent", "cut"}[reply.outcome], reply.status,
	      answer.status >= 400 && answer.body ? answer.body : "");
	if (reply.outcome == NET_ANSWERED && answer.status >= 500 && answer.status != 503 &&
	    faults_are_over())
		checks_broken(2, "%s %s is answered with %d %.200s", method, target, answer.status,
			      answer.body ? answer.body : "");
	free(answer.body);
	return reply;
}

void reply_done(struct reply *reply)
{
	yyjson_doc_free(reply->doc);
	reply->doc = NULL;
}

bool reply_is_ok(const struct reply *reply)
{
	return reply->outcome == NET_ANSWERED && reply->status >= 200 && reply->status < 300;
}

bool reply_is_open(const struct reply *reply)
{
	return reply->outcome == NET_SILENT || reply->outcome == NET_CUT ||
	       (reply->outcome == NET_ANSWERED && reply->status >= 500);
}

bool reply_is_missing(const struct reply *reply)
{
	return reply->outcome == NET_ANSWERED && reply->status == 404;
}

struct reply askf(const char *method, const char *body, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	char *target = format_text(format, arguments);
	va_end(arguments);
	struct reply reply = ask(method, target, body);
	free(target);
	return reply;
}

yyjson_val *reply_member(const struct reply *reply, const char *member)
{
	return yyjson_obj_get(yyjson_doc_get_root(reply->doc), member);
}

const char *reply_text(const struct reply *reply, const char *object, const char *member)
{
	yyjson_val *value = yyjson_obj_get(reply_member(reply, object), member);

	return yyjson_is_str(value) ? yyjson_get_str(value) : "";
}

void ask_log_in(void)
{
	struct net_request request = {
		.method = "POST",
		.target = "/identity/v3/auth/tokens",
		.content_type = "application/json",
		.body = "{\"auth\": {\"identity\": {\"methods\": [\"password\"], \"password\": {\"user\": "
			"{\"name\": "
			"\"admin\", \"domain\": {\"id\": \"default\"}, \"password\": \"secret\"}}}, "
			"\"scope\": "
			"{\"project\": {\"name\": \"admin\", \"domain\": {\"id\": \"default\"}}}}}",
		.patience = PATIENCE};
	struct net_answer answer;

	request.size = strlen(request.body);
	if (net_call(&request, &answer) != NET_ANSWERED || answer.status != 201)
		abort();
	snprintf(cluster_token, sizeof cluster_token, "%s", answer.subject_token ? answer.subject_token : "");
	free(answer.subject_token);
	free(answer.body);
}

bool ask_upload(const char *image)
{
	static char bytes[4096];
	char target[100];
	struct net_request request = {.method = "PUT",
				      .target = target,
				      .token = cluster_token,
				      .content_type = "application/octet-stream",
				      .body = bytes,
				      .size = sizeof bytes,
				      .patience = PATIENCE};
	struct net_answer answer;

	snprintf(target, sizeof target, "/image/v2/images/%s/file", image);
	enum net_outcome outcome = net_call(&request, &answer);
	free(answer.body);
	return outcome == NET_ANSWERED && answer.status == 204;
}
