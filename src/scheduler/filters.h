/* Within the scheduler: Nova's filters that ask about a host by itself: capabilities, image properties,
 * queries, numbers of servers, isolated hosts.  What is about devices, NUMA, zones and groups is not here: it
 * always applies. */
#pragma once

#include "base/text.h"
#include "scheduler/fleet.h"
#include "scheduler/scheduler.h"

/* --- filter_config.c --- */

struct filter_settings {
	uint32_t enabled; /* bit f: enum scheduler_filter */
	int64_t max_instances, max_io_ops;
	char default_architecture[16]; /* of images that do not say it, or "" */
	char **isolated_hosts, **isolated_images;
	size_t isolated_host_count, isolated_image_count;
	bool restrict_isolated_hosts; /* to isolated images */
};
extern struct filter_settings filter_settings;
/* A filter that is not known or not built is an error. */
bool filters_configure(const struct config *config, struct error *err);

/* --- facts.c: what is known of a host, under the names of Nova's HostState --- */

#define FACT_SIZE 1024
/* path[0] is the attribute, the rest leads into it: {"cpu_info", "topology", "cores"}.  As Python would show
 * it; false if there is none. */
bool facts_get(const struct fleet_host *host, const char *const *path, size_t depth, char text[FACT_SIZE]);
/* The same as a number, if it is one. */
bool facts_number(const struct fleet_host *host, const char *const *path, size_t depth, double *number);
bool facts_known(const char *attribute);

/* --- host_query.c: JsonFilter's language --- */

/* ERROR_BAD_REQUEST if the query is none. */
bool host_query_check(yyjson_val *query, struct error *err);
bool host_query_holds(yyjson_val *query, const struct fleet_host *host);

/* --- filters.c --- */

/* What a request brings for them, parsed. */
struct filter_wish {
	yyjson_doc *specs, *image, *query;			/* NULL: nothing is asked */
	const char *architecture, *hypervisor, *mode, *version; /* of the image, or NULL */
	bool image_is_isolated;
};
bool filters_begin(const struct scheduler_request *request, struct filter_wish *wish, struct error *err);
void filters_done(struct filter_wish *wish);
/* If not, `why` (may be NULL) says what stands against it. */
bool filters_pass(const struct filter_wish *wish, const struct fleet_host *host, struct text *why);
