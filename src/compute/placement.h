/* Within the compute room: where a new server may be, for reasons that the scheduler does not know: hints,
 * server groups, aggregates. */
#pragma once

#include "compute/service.h"
#include "network/network.h"
#include "scheduler/scheduler.h"

enum {
	PLACEMENT_RULES_MAX = 40,
	PLACEMENT_RULES_SPARE = 6, /* beyond those: hosts that are out of the question */
};

/* Rules with all that they point to; start from {0}. */
struct placement {
	struct scheduler_rule rules[PLACEMENT_RULES_MAX + PLACEMENT_RULES_SPARE];
	size_t count;
	void **owned;
	size_t owned_count;
	struct numa_networks networks; /* placement_networks() */
};

void placement_done(struct placement *placement);

/* What a client hinted, checked; texts belong to the request. */
struct placement_hints {
	const char *group_id;
	const char **same_host, **different_host; /* ids of servers */
	size_t same_host_count, different_host_count;
	bool has_same_host;
	const char *query; /* for JsonFilter: JSON text, or NULL */
	const char *self; /* of a server that exists: its group counts without it; or NULL */
};

/* "os:scheduler_hints" of the body; NULL is fine.  A hint that would change the choice of a host and is not
 * known is ERROR_BAD_REQUEST: it is not passed over in silence. */
bool placement_hints_read(struct http_request *request, yyjson_val *hints, struct placement_hints *out,
			  struct error *err);
/* `auth`: servers and groups that it may not see are not there.  All rules for a server of this flavor
 * ("extra_specs": its JSON), in place of those that *placement has. Asked anew for each server of a request,
 * since the one before may count. */
bool placement_make(struct store *db, const struct auth *auth, const struct placement_hints *hints,
		    const char *extra_specs, struct placement *placement, struct error *err);

/* What filters look at beside the flavor's extra specs; NULL: it is not known. */
struct placement_subject {
	const char *project_id, *flavor_name, *extra_specs;
	const char *image_id, *image; /* JSON with `properties` */
	const char *query;	      /* of the hints */
};

/* What the enabled filters have to know, into *request, and rules of aggregates; after placement_make(). */
bool placement_filters(struct store *db, const struct placement_subject *subject, struct placement *placement,
		       struct scheduler_request *request, struct error *err);

/* The networks of the server's ports, for NUMA affinity; after placement_make().  Their texts are the ports'.
 */
void placement_networks(const struct network_port *ports, size_t count, struct placement *placement);

/* Adds a rule, whose reason (malloc'ed) is taken over; its host_ids are filled by placement_host_add(). */
struct scheduler_rule *placement_rule(struct placement *placement, char *reason, bool only);
void placement_host_add(struct placement *placement, struct scheduler_rule *rule, const char *host_id);
