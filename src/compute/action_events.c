/* The events of an action. */
#include "compute/action_events.h"

#include "compute/server_place.h"

#include <string.h>

/* As Nova names the function of its compute manager; NULL: no host is asked. */
static const char *event_name(struct http_request *request, const char *action)
{
	static const char *const names[][2] = {
		{"create", "compute__do_build_and_run_instance"},
		{"delete", "compute_terminate_instance"},
		{"evacuate", "compute_rebuild_instance"},
		{"attach_interface", "compute_attach_interface"},
		{"detach_interface", "compute_detach_interface"},
		{"lock", NULL},
		{"unlock", NULL},
		{"resetState", NULL},
	};

	for (size_t i = 0; i < ELEMENTS_OF(names); i++) {
		if (strcmp(names[i][0], action) == 0)
			return names[i][1];
	}
	return http_printf(request, "compute_%s_instance", action);
}

struct event {
	const char *name, *host;
	int64_t started_at, finished_at;
	bool failed;
};

static void event_view(struct http_request *request, const struct server *server, const struct event *event,
		       yyjson_mut_doc *doc, yyjson_mut_val *list)
{
	yyjson_mut_val *object = yyjson_mut_arr_add_obj(doc, list);
	char hash[SERVER_HOST_HASH_SIZE];

	yyjson_mut_obj_add_str(doc, object, "event", event->name);
	compute_add_time_long(doc, object, "start_time", event->started_at);
	compute_add_time_long(doc, object, "finish_time", event->finished_at);
	compute_add_text(doc, object, "result",
			 !event->finished_at ? NULL
			 : event->failed     ? "Error"
					     : "Success");
	if (request->auth->admin || request->microversion >= 2051)
		yyjson_mut_obj_add_null(doc, object, "traceback");
	if (request->microversion >= 2062) {
		server_host_hash(server->project_id, event->host, hash);
		if (request->auth->admin)
			compute_add_text(doc, object, "host", event->host);
		compute_add_text(doc, object, "hostId", hash);
	}
	if (request->microversion >= 2084)
		yyjson_mut_obj_add_null(doc, object, "details");
}

/* Hosts that could not build it. */
static bool attempts_view(struct http_request *request, const struct server *server, yyjson_mut_doc *doc,
			  yyjson_mut_val *list, int64_t *last, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err,
			 "SELECT host_name, started_at, failed_at FROM server_attempt WHERE server_id = ?1"
			 " ORDER BY number",
			 V((const char *)server->id)))
		return false;
	while (store_next(&rows)) {
		const struct event event = {.name = "compute__do_build_and_run_instance",
					    .host = store_text(&rows, 0),
					    .started_at = store_int(&rows, 1),
					    .finished_at = *last = store_int(&rows, 2),
					    .failed = true};

		event_view(request, server, &event, doc, list);
	}
	return store_end(&rows, err);
}

bool action_events_view(struct http_request *request, const struct server *server,
			const struct action_entry *entry, yyjson_mut_doc *doc, yyjson_mut_val *object,
			struct error *err)
{
	struct event event = {.name = event_name(request, entry->action),
			      .host = *server->host_name ? server->host_name : NULL,
			      .started_at = entry->started_at,
			      .finished_at = entry->finished_at,
			      .failed = entry->failed};
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, object, "events");
	int64_t last = 0;

	if (strcmp(entry->action, "create") == 0 && !attempts_view(request, server, doc, list, &last, err))
		return false;
	if (last)
		event.started_at = last;
	/* The last attempt that failed is the action's failure. */
	if (event.name && !(last && entry->failed))
		event_view(request, server, &event, doc, list);
	return true;
}
