/* The HTTP server on libmicrohttpd.
 *
 * A connection's request is an `exchange` that moves through stages.  Only the server's thread talks to
 * libmicrohttpd about it; when a worker, the writer or a wake is done with it, they set the next stage and
 * resume the connection, and libmicrohttpd calls server_access() again on its thread. */
#include "http/http_server.h"

#include "base/log.h"
#include "base/memory.h"
#include "http/exchange.h"
#include "http/park.h"
#include "sys/sys.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define SERVER_QUEUE_LIMIT 1024 /* requests that wait for a worker: more is a flood */

#define SERVER_DRAIN INT64_C(2000000) /* microseconds that unanswered requests get at the end */

enum stage {
	STAGE_BODY,   /* headers and body are coming */
	STAGE_READY,  /* the handler (or a part of it) may run */
	STAGE_AWAY,   /* a worker, the writer or the parking lot has it */
	STAGE_ANSWER, /* to be answered */
};

struct connection {
	struct http_exchange exchange;
	struct store_job job;
	struct http_parked parked;
	struct http_server *server;
	struct MHD_Connection *mhd;
	struct connection *next; /* in the workers' queue */
	_Atomic(enum stage) stage;
	bool prepared;
};

struct http_server {
	struct http_server_settings settings;
	struct MHD_Daemon *mhd;
	struct store *db; /* reader of the server's thread */
	pthread_t timer;
	pthread_t *workers;
	int worker_count;
	pthread_mutex_t lock;
	pthread_cond_t queued, quiet;
	struct connection *first, **last; /* for the workers */
	int waiting;			  /* in that queue */
	int away;			  /* suspended connections */
	int active;			  /* requests that are not answered yet */
	_Atomic bool stopping;
};

static const char *connection_header(void *source, const char *name)
{
	return MHD_lookup_connection_value(((struct connection *)source)->mhd, MHD_HEADER_KIND, name);
}

static void server_count(struct http_server *server, int *counter, int change)
{
	pthread_mutex_lock(&server->lock);
	*counter += change;
	if (*counter == 0)
		pthread_cond_broadcast(&server->quiet);
	pthread_mutex_unlock(&server->lock);
}

/* Takes the connection off the server's thread until connection_return(). */
static void connection_leave(struct connection *connection)
{
	server_count(connection->server, &connection->server->away, 1);
	connection->stage = STAGE_AWAY;
	MHD_suspend_connection(connection->mhd);
}

/* After this the connection belongs to the server's thread again. */
static void connection_return(struct connection *connection, enum stage stage)
{
	struct http_server *server = connection->server;
	struct MHD_Connection *mhd = connection->mhd;

	connection->stage = stage;
	MHD_resume_connection(mhd);
	server_count(server, &server->away, -1);
}

/* --- the writer --- */

static bool job_run(struct store_job *job, struct store *db, struct error *err)
{
	struct connection *connection = (struct connection *)((char *)job - offsetof(struct connection, job));
	struct http_exchange *exchange = &connection->exchange;

	if (http_exchange_run(exchange, exchange->request.route->handler, db))
		return true;
	*err = exchange->err;
	return false;
}

static void job_done(struct store_job *job, bool ok, const struct error *err)
{
	struct connection *connection = (struct connection *)((char *)job - offsetof(struct connection, job));

	if (!ok) {
		connection->exchange.failed = true;
		connection->exchange.err = *err;
	}
	connection_return(connection, STAGE_ANSWER);
}

static void connection_write(struct connection *connection)
{
	connection->job = (struct store_job){.run = job_run, .done = job_done};
	connection_leave(connection);
	store_writer_submit(connection->server->settings.writer, &connection->job);
}

/* --- the workers --- */

static bool connection_work(struct connection *connection, struct error *err)
{
	struct http_server *server = connection->server;

	pthread_mutex_lock(&server->lock);
	bool room = server->waiting < SERVER_QUEUE_LIMIT && !server->stopping;
	pthread_mutex_unlock(&server->lock);
	if (!room)
		return error_set(err, ERROR_UNAVAILABLE, "The service is busy. Try again later.");
	connection_leave(connection);
	pthread_mutex_lock(&server->lock);
	connection->next = NULL;
	*server->last = connection;
	server->last = &connection->next;
	server->waiting++;
	pthread_cond_signal(&server->queued);
	pthread_mutex_unlock(&server->lock);
	return true;
}

static struct connection *worker_take(struct http_server *server)
{
	pthread_mutex_lock(&server->lock);
	while (!server->first && !server->stopping)
		pthread_cond_wait(&server->queued, &server->lock);
	struct connection *connection = server->first;
	if (connection) {
		server->first = connection->next;
		if (!server->first)
			server->last = &server->first;
		server->waiting--;
	}
	pthread_mutex_unlock(&server->lock);
	return connection;
}

static void *worker_loop(void *argument)
{
	struct http_server *server = argument;
	struct error err;
	_cleanup_(store_closep) struct store *db = store_open(server->settings.database, STORE_READER, &err);
	struct connection *connection;

	if (!db)
		log_error("worker: %s", err.message);
	while ((connection = worker_take(server))) {
		struct http_exchange *exchange = &connection->exchange;
		const struct http_route *route = exchange->request.route;
		bool preparing = route->prepare && !connection->prepared;

		if (!db) {
			exchange->failed = true;
			exchange->err = err;
		} else {
			http_exchange_read(exchange, preparing ? route->prepare : route->handler, db);
		}
		connection->prepared = true;
		connection_return(connection, preparing && !exchange->failed ? STAGE_READY : STAGE_ANSWER);
	}
	return NULL;
}

/* --- the parking lot --- */

static void parked_resume(struct http_parked *parked)
{
	struct connection *connection =
		(struct connection *)((char *)parked - offsetof(struct connection, parked));

	connection_return(connection, STAGE_READY);
}

static void *timer_loop(void *argument)
{
	struct http_server *server = argument;
	int64_t second = 1000000;

	pthread_mutex_lock(&server->lock);
	while (!server->stopping) {
		struct timespec until;

		/* Deadlines of long polls are kept to a quarter of a second. */
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += (second / 4) * 1000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&server->quiet, &server->lock, &until);
		pthread_mutex_unlock(&server->lock);
		http_park_expire(sys_monotonic());
		pthread_mutex_lock(&server->lock);
	}
	pthread_mutex_unlock(&server->lock);
	return NULL;
}

/* Runs an HTTP_READ handler; true when it answered, false when the request is parked. */
static bool connection_read(struct connection *connection)
{
	struct http_exchange *exchange = &connection->exchange;
	struct http_internal *internal = &exchange->internal;
	uint64_t epoch = http_park_epoch();

	internal->park = false;
	http_exchange_read(exchange, exchange->request.route->handler, connection->server->db);
	if (exchange->failed || !internal->park)
		return true;
	if (connection->server->stopping) {
		exchange->failed = true;
		error_set(&exchange->err, ERROR_UNAVAILABLE, "The service is shutting down.");
		return true;
	}
	connection->parked = (struct http_parked){.key = internal->park_key,
						  .deadline = internal->park_deadline,
						  .resume = parked_resume};
	exchange->request.resumed = true;
	connection_leave(connection);
	if (!http_park_add(&connection->parked, epoch))
		connection_return(connection, STAGE_READY);
	return false;
}

/* --- the server's thread --- */

static struct MHD_Response *response_make(struct connection *connection)
{
	struct http_exchange *exchange = &connection->exchange;
	struct http_response *response = &exchange->response;
	struct MHD_Response *mhd;
	size_t size = 0;
	char *json;

	if (response->file >= 0) {
		mhd = MHD_create_response_from_fd_at_offset64((uint64_t)response->file_size,
							      TAKE_FD(response->file),
							      (uint64_t)response->file_offset);
	} else if ((json = http_exchange_json(exchange, &size))) {
		mhd = MHD_create_response_from_buffer(size, json, MHD_RESPMEM_MUST_FREE);
		if (!response->content_type)
			response->content_type = "application/json";
	} else {
		mhd = MHD_create_response_from_buffer(response->body_size,
						      (void *)(response->body ? response->body : ""),
						      MHD_RESPMEM_MUST_COPY);
	}
	if (response->content_type)
		MHD_add_response_header(mhd, MHD_HTTP_HEADER_CONTENT_TYPE, response->content_type);
	for (size_t i = 0; i < exchange->internal.header_count; i++)
		MHD_add_response_header(mhd, exchange->internal.headers[i].name,
					exchange->internal.headers[i].value);
	return mhd;
}

static enum MHD_Result connection_answer(struct connection *connection)
{
	struct http_exchange *exchange = &connection->exchange;

	http_exchange_render(exchange);
	struct MHD_Response *response = response_make(connection);
	log_debug("%s %s %d %s", exchange->request.method_name, exchange->request.target,
		  exchange->response.status, exchange->request.request_id);
	enum MHD_Result result =
		MHD_queue_response(connection->mhd, (unsigned)exchange->response.status, response);
	MHD_destroy_response(response);
	return result;
}

/* Sends a complete request on its way. */
static enum MHD_Result connection_start(struct connection *connection)
{
	struct http_exchange *exchange = &connection->exchange;
	const struct http_route *route = exchange->request.route;
	struct error err;

	if (exchange->failed)
		return connection_answer(connection);
	if ((route->prepare && !connection->prepared) || route->mode == HTTP_SLOW) {
		if (connection_work(connection, &err))
			return MHD_YES;
		exchange->failed = true;
		exchange->err = err;
		return connection_answer(connection);
	}
	if (route->mode == HTTP_WRITE) {
		connection_write(connection);
		return MHD_YES;
	}
	return connection_read(connection) ? connection_answer(connection) : MHD_YES;
}

static enum MHD_Result server_access(void *argument, struct MHD_Connection *mhd, const char *url,
				     const char *method, const char *version, const char *upload_data,
				     size_t *upload_data_size, void **con_cls)
{
	struct connection *connection = *con_cls;
	struct http_server *server = argument;

	(void)url;
	(void)version;
	if (!connection->mhd) {
		char *target = connection->exchange.request.prepared; /* left there by server_uri() */

		connection->mhd = mhd;
		connection->server = server;
		server_count(server, &server->active, 1);
		http_exchange_init(&connection->exchange, server->settings.site, method, target);
		free(target);
		connection->exchange.internal.header = connection_header;
		connection->exchange.internal.header_source = connection;
		http_exchange_route(&connection->exchange);
		http_exchange_before(&connection->exchange, server->db);
		return MHD_YES;
	}
	enum stage stage = connection->stage;

	switch (stage) {
	case STAGE_BODY:
		if (*upload_data_size) {
			http_exchange_body(&connection->exchange, upload_data, *upload_data_size);
			*upload_data_size = 0;
			return MHD_YES;
		}
		http_exchange_body_end(&connection->exchange);
		return connection_start(connection);
	case STAGE_READY:
		return connection_start(connection);
	case STAGE_ANSWER:
		return connection_answer(connection);
	case STAGE_AWAY:
		break;
	}
	return MHD_YES;
}

/* The raw target, before libmicrohttpd decodes it. */
static void *server_uri(void *argument, const char *uri, struct MHD_Connection *mhd)
{
	struct connection *connection = memory_alloc(sizeof *connection);

	(void)argument;
	(void)mhd;
	connection->exchange.request.prepared = memory_copy_text(uri);
	return connection;
}

static void server_completed(void *argument, struct MHD_Connection *mhd, void **con_cls,
			     enum MHD_RequestTerminationCode code)
{
	struct connection *connection = *con_cls;
	struct http_server *server = argument;

	(void)mhd;
	(void)code;
	if (!connection)
		return;
	if (connection->mhd) {
		http_exchange_done(&connection->exchange);
		server_count(server, &server->active, -1);
	} else {
		free(connection->exchange.request.prepared);
	}
	free(connection);
	*con_cls = NULL;
}

static bool server_address(const struct http_server_settings *settings, struct sockaddr_storage *address,
			   struct error *err)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;

	*address = (struct sockaddr_storage){0};
	if (inet_pton(AF_INET, settings->address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(settings->port);
		return true;
	}
	if (inet_pton(AF_INET6, settings->address, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(settings->port);
		return true;
	}
	return error_set(err, ERROR_BAD_REQUEST, "%s is not an IP address to listen on", settings->address);
}

static bool server_listen(struct http_server *server, struct error *err)
{
	struct sockaddr_storage address;
	int limit = server->settings.connection_limit;

	if (!server_address(&server->settings, &address, err))
		return false;
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TCP_FASTOPEN;
	if (address.ss_family == AF_INET6)
		flags |= MHD_USE_DUAL_STACK;
	server->mhd =
		MHD_start_daemon(flags, 0, NULL, NULL, server_access, server, MHD_OPTION_SOCK_ADDR, &address,
				 MHD_OPTION_URI_LOG_CALLBACK, server_uri, server, MHD_OPTION_NOTIFY_COMPLETED,
				 server_completed, server, MHD_OPTION_CONNECTION_LIMIT,
				 (unsigned)(limit ? limit : 16384), MHD_OPTION_CONNECTION_TIMEOUT, 120u,
				 MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)32768,
				 MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_END);
	if (!server->mhd)
		return error_set_errno(err, ERROR_UNAVAILABLE, errno, "cannot listen on %s port %u",
				       server->settings.address, server->settings.port);
	return true;
}

struct http_server *http_server_start(const struct http_server_settings *settings, struct error *err)
{
	struct http_server *server = memory_alloc(sizeof *server);

	server->settings = *settings;
	server->last = &server->first;
	pthread_mutex_init(&server->lock, NULL);
	pthread_cond_init(&server->queued, NULL);
	pthread_cond_init(&server->quiet, NULL);
	server->db = store_open(settings->database, STORE_READER, err);
	if (!server->db || !server_listen(server, err)) {
		store_close(server->db);
		free(server);
		return NULL;
	}
	server->workers = memory_alloc(sizeof *server->workers * (size_t)settings->workers);
	for (; server->worker_count < settings->workers; server->worker_count++) {
		if (pthread_create(&server->workers[server->worker_count], NULL, worker_loop, server) != 0)
			break;
	}
	if (pthread_create(&server->timer, NULL, timer_loop, server) != 0 || server->worker_count == 0) {
		log_error("cannot start threads");
		abort();
	}
	return server;
}

uint16_t http_server_port(const struct http_server *server)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->mhd, MHD_DAEMON_INFO_BIND_PORT);

	return info ? info->port : 0;
}

/* libmicrohttpd must not be stopped with suspended connections, and what was done should be answered; who has
 * not sent his request by then does not count. */
static void server_drain(struct http_server *server)
{
	int64_t patience = sys_monotonic() + SERVER_DRAIN;

	pthread_mutex_lock(&server->lock);
	while (server->away > 0 || (server->active > 0 && sys_monotonic() < patience)) {
		struct timespec soon;

		pthread_mutex_unlock(&server->lock);
		http_park_flush();
		pthread_mutex_lock(&server->lock);
		clock_gettime(CLOCK_REALTIME, &soon);
		soon.tv_nsec += 10000000;
		soon.tv_sec += soon.tv_nsec / 1000000000;
		soon.tv_nsec %= 1000000000;
		if (server->away > 0 || server->active > 0)
			pthread_cond_timedwait(&server->quiet, &server->lock, &soon);
	}
	pthread_mutex_unlock(&server->lock);
}

void http_server_stop(struct http_server *server)
{
	if (!server)
		return;
	int listener = MHD_quiesce_daemon(server->mhd);
	pthread_mutex_lock(&server->lock);
	server->stopping = true;
	pthread_cond_broadcast(&server->queued);
	pthread_cond_broadcast(&server->quiet);
	pthread_mutex_unlock(&server->lock);
	pthread_join(server->timer, NULL);
	for (int i = 0; i < server->worker_count; i++)
		pthread_join(server->workers[i], NULL);
	server_drain(server);
	MHD_stop_daemon(server->mhd);
	if (listener >= 0)
		close(listener);
	store_close(server->db);
	free(server->workers);
	free(server);
}
