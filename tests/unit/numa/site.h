/* Hosts and guests for tests, written as an inventory's cells and as extra specs. */
#pragma once

#include "lookup.h"
#include "numa/fit.h"

/* Single quotes stand for double ones. */
static inline bool site_read(struct numa_host *host, const char *cells, struct error *err)
{
	char *json = strdup(cells);
	yyjson_doc *doc;
	bool ok;

	for (char *c = json; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	doc = yyjson_read(json, strlen(json), 0);
	assert_non_null(doc);
	*err = (struct error){0};
	ok = numa_host_read(yyjson_doc_get_root(doc), host, err);
	yyjson_doc_free(doc);
	free(json);
	return ok;
}

static inline void site_host(struct numa_host *host, const char *cells)
{
	struct error err;

	if (!site_read(host, cells, &err))
		fail_msg("%s", err.message);
}

static inline void site_guest(struct numa_guest *guest, int vcpus, int64_t memory_mb, const char *flavor)
{
	struct error err;

	if (!lookup_guest(vcpus, memory_mb, flavor, "", guest, &err))
		fail_msg("%s", err.message);
}
