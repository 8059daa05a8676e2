/* Whose a server is, and in which aggregates hosts are: what Placement shows of them. */
#pragma once

#include "base/error.h"
#include "base/map.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct compute_consumer {
	bool found; /* else nothing is filled in */
	char project_id[65], user_id[65];
	int64_t generation; /* moves with what its host is told of it */
};
bool compute_consumer_load(struct store *db, const char *server_id, struct compute_consumer *consumer,
			   struct error *err);

/* Ids of the servers of a project, of one of its users (NULL: all); each maps to something that is not NULL.
 */
bool compute_consumers_of(struct store *db, const char *project_id, const char *user_id, struct map *ids,
			  struct error *err);

struct compute_membership {
	char host_id[37], aggregate[37];
};
/* In the order of host ids; of one host, or (NULL) of all; *members is freed by the caller. */
bool compute_memberships(struct store *db, const char *host_id, struct compute_membership **members,
			 size_t *count, struct error *err);
