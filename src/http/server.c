/* The HTTP server on libmicrohttpd.
 *
 * A connection's request is a `passage` (flow.h) that moves through stages.  Only the server's thread talks
 * to libmicrohttpd about it; when somebody else is done with it the connection is resumed, and libmicrohttpd
 * calls server_access() again on its thread. */
#include "http/http_server.h"

#include "base/log.h"
#include "base/memory.h"
#include "http/flow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <string.h>

struct connection {
	struct http_passage passage; /* its first member */
	struct MHD_Connection *mhd;
};

struct http_server {
	struct http_server_settings settings;
	struct http_flow flow;
	struct MHD_Daemon *mhd;
};

static const char *connection_header(void *source, const char *name)
{
	return MHD_lookup_connection_value(((struct connection *)source)->mhd, MHD_HEADER_KIND, name);
}

static void connection_suspend(struct http_passage *passage)
{
	MHD_suspend_connection(((struct connection *)passage)->mhd);
}

static void connection_resume(struct http_passage *passage)
{
	MHD_resume_connection(((struct connection *)passage)->mhd);
}

/* --- the server's thread --- */

static struct MHD_Response *response_make(struct connection *connection)
{
	struct http_exchange *exchange = &connection->passage.exchange;
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
	struct http_exchange *exchange = &connection->passage.exchange;

	http_exchange_render(exchange);
	struct MHD_Response *response = response_make(connection);
	log_debug("%s %s %d %s", exchange->request.method_name, exchange->request.target,
		  exchange->response.status, exchange->request.request_id);
	enum MHD_Result result =
		MHD_queue_response(connection->mhd, (unsigned)exchange->response.status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result server_access(void *argument, struct MHD_Connection *mhd, const char *url,
				     const char *method, const char *version, const char *upload_data,
				     size_t *upload_data_size, void **con_cls)
{
	struct connection *connection = *con_cls;
	struct http_passage *passage = &connection->passage;
	struct http_server *server = argument;

	(void)url;
	(void)version;
	if (!connection->mhd) {
		char *target = passage->exchange.request.prepared; /* left there by server_uri() */

		connection->mhd = mhd;
		http_flow_begin(&server->flow, passage, method, target, connection_header, connection);
		free(target);
		return MHD_YES;
	}
	if (passage->stage == HTTP_STAGE_BODY && *upload_data_size) {
		http_exchange_body(&passage->exchange, upload_data, *upload_data_size);
		*upload_data_size = 0;
		return MHD_YES;
	}
	return http_flow_go(passage) ? connection_answer(connection) : MHD_YES;
}

/* The raw target, before libmicrohttpd decodes it. */
static void *server_uri(void *argument, const char *uri, struct MHD_Connection *mhd)
{
	struct connection *connection = memory_alloc(sizeof *connection);

	(void)argument;
	(void)mhd;
	connection->passage.exchange.request.prepared = memory_copy_text(uri);
	return connection;
}

static void server_completed(void *argument, struct MHD_Connection *mhd, void **con_cls,
			     enum MHD_RequestTerminationCode code)
{
	struct connection *connection = *con_cls;

	(void)argument;
	(void)mhd;
	(void)code;
	if (!connection)
		return;
	if (connection->mhd)
		http_flow_finish(&connection->passage);
	else
		free(connection->passage.exchange.request.prepared);
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
	server->flow = (struct http_flow){.settings = &server->settings,
					  .suspend = connection_suspend,
					  .resume = connection_resume};
	if (!http_flow_open(&server->flow, err) || !server_listen(server, err)) {
		http_flow_close(&server->flow);
		free(server);
		return NULL;
	}
	http_flow_start(&server->flow);
	return server;
}

uint16_t http_server_port(const struct http_server *server)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->mhd, MHD_DAEMON_INFO_BIND_PORT);

	return info ? info->port : 0;
}

void http_server_stop(struct http_server *server)
{
	if (!server)
		return;
	int listener = MHD_quiesce_daemon(server->mhd);
	http_flow_end(&server->flow);
	http_flow_drain(&server->flow); /* libmicrohttpd must not be stopped with suspended connections */
	MHD_stop_daemon(server->mhd);
	if (listener >= 0)
		close(listener);
	http_flow_close(&server->flow);
	free(server);
}
