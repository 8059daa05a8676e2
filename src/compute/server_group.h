/* Within the compute room: server groups as the creation and the view of servers need them. */
#pragma once

#include "compute/placement.h"

/* A rule for a member of the hinted group: where the other members are decides.  400 if there is no such
 * group, 403 if it is full. */
bool server_group_rule(struct store *db, const struct auth *auth, const struct placement_hints *hints,
		       struct placement *placement, struct error *err);
/* "server_groups": ["<id>"] or []. */
bool server_group_add(struct http_request *request, const char *server_id, yyjson_mut_doc *doc,
		      yyjson_mut_val *object, struct error *err);
