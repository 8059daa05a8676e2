/* penstockd's HTTP server in the simulator: the simulated network instead of libmicrohttpd, everything behind
 * it (http/flow.h) as it is. */
#include "http/flow.h"

#include "base/memory.h"
#include "net.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

struct conversation {
	struct http_passage passage; /* its first member */
	struct net_message *message;
	struct conversation *next; /* waits for the server's thread */
};

struct http_server {
	struct http_server_settings settings;
	struct http_flow flow;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct conversation *first, **last;
};

static struct http_server server;

static const char *header(void *source, const char *name)
{
	return net_header(((struct conversation *)source)->message, name);
}

static void queue(struct conversation *conversation)
{
	pthread_mutex_lock(&server.lock);
	conversation->next = NULL;
	*server.last = conversation;
	server.last = &conversation->next;
	pthread_cond_signal(&server.changed);
	pthread_mutex_unlock(&server.lock);
}

static void arrived(struct net_message *message)
{
	struct conversation *conversation = memory_alloc(sizeof *conversation);

	conversation->message = message;
	queue(conversation);
}

static void suspend(struct http_passage *passage)
{
	(void)passage;
}

static void resume(struct http_passage *passage)
{
	queue((struct conversation *)passage);
}

static struct conversation *take(void)
{
	pthread_mutex_lock(&server.lock);
	while (!server.first)
		pthread_cond_wait(&server.changed, &server.lock);
	struct conversation *conversation = server.first;
	server.first = conversation->next;
	if (!server.first)
		server.last = &server.first;
	pthread_mutex_unlock(&server.lock);
	return conversation;
}

static char *body_of(struct http_exchange *exchange, size_t *size)
{
	struct http_response *response = &exchange->response;
	char *json, *bytes;

	if (response->file < 0 && (json = http_exchange_json(exchange, size)))
		return json;
	*size = response->file >= 0 ? (size_t)response->file_size : response->body_size;
	bytes = memory_alloc(*size + 1);
	if (response->file >= 0 && pread(response->file, bytes, *size, response->file_offset) < 0)
		*size = 0;
	else if (response->file < 0 && response->body)
		memcpy(bytes, response->body, *size);
	return bytes;
}

static char *token_of(const struct http_exchange *exchange)
{
	for (size_t i = 0; i < exchange->internal.header_count; i++) {
		if (strcasecmp(exchange->internal.headers[i].name, "X-Subject-Token") == 0)
			return memory_copy_text(exchange->internal.headers[i].value);
	}
	return NULL;
}

static void answer(struct conversation *conversation)
{
	struct http_exchange *exchange = &conversation->passage.exchange;
	size_t size = 0;

	http_exchange_render(exchange);
	int status = exchange->response.status;
	char *body = body_of(exchange, &size);
	net_reply(conversation->message, status, body, size, token_of(exchange));
	http_flow_finish(&conversation->passage);
	free(conversation);
}

static void begin(struct conversation *conversation)
{
	const char *body;
	size_t size;

	http_flow_begin(&server.flow, &conversation->passage, net_method(conversation->message),
			net_target(conversation->message), header, conversation);
	body = net_body(conversation->message, &size);
	if (size > 0)
		http_exchange_body(&conversation->passage.exchange, body, size);
}

static void *serve(void *unused)
{
	(void)unused;
	for (;;) {
		struct conversation *conversation = take();

		if (!conversation->passage.flow)
			begin(conversation);
		if (http_flow_go(&conversation->passage))
			answer(conversation);
	}
	return NULL;
}

struct http_server *http_server_start(const struct http_server_settings *settings, struct error *err)
{
	server.settings = *settings;
	server.last = &server.first;
	pthread_mutex_init(&server.lock, NULL);
	pthread_cond_init(&server.changed, NULL);
	server.flow = (struct http_flow){.settings = &server.settings, .suspend = suspend, .resume = resume};
	if (!http_flow_open(&server.flow, err))
		return NULL;
	http_flow_start(&server.flow);
	pthread_create(&server.thread, NULL, serve, NULL);
	net_listen(arrived);
	return &server;
}

uint16_t http_server_port(const struct http_server *started)
{
	return started->settings.port;
}

void http_server_stop(struct http_server *started)
{
	(void)started; /* it is killed */
}
