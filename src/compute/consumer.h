/* Whose a server's claims are, and in which aggregates hosts are: what Placement shows of them. */
#pragma once

#include "base/error.h"
#include "base/map.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Placement's types of consumers: a server, or what it has in another name than its own: of a move that is
 * under way, or left behind on a host. */
#define COMPUTE_INSTANCE  "INSTANCE"
#define COMPUTE_MIGRATION "MIGRATION"

struct compute_consumer {
	const char *type; /* NULL: nobody knows of it (any more), and nothing else is filled in */
	char project_id[65], user_id[65];
};
bool compute_consumer_load(struct store *db, const char *id, struct compute_consumer *consumer,
			   struct error *err);

/* Ids of the consumers of a project, of one of its users (NULL: all); each maps to its type. */
bool compute_consumers_of(struct store *db, const char *project_id, const char *user_id, struct map *ids,
			  struct error *err);

struct compute_membership {
	char host_id[37], aggregate[37];
};
/* In the order of host ids; of one host, or (NULL) of all; *members is freed by the caller. */
bool compute_memberships(struct store *db, const char *host_id, struct compute_membership **members,
			 size_t *count, struct error *err);
