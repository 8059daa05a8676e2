/* Within the compute room: what hosts did for an action (os-instance-actions, events). */
#pragma once

#include "compute/server.h"

struct action_entry {
	const char *action;
	int64_t started_at, finished_at; /* 0: under way */
	bool failed;
};

/* Adds "events".  Building a server has one for each host that tried. */
bool action_events_view(struct http_request *request, const struct server *server,
			const struct action_entry *entry, yyjson_mut_doc *doc, yyjson_mut_val *object,
			struct error *err);
