/* Within the compute room: a flavor as the creation of servers needs it. */
#pragma once

#include "compute/service.h"

struct flavor {
	char id[256];
	char name[256];
	int64_t vcpus, memory_mb, disk_gb, ephemeral_gb, swap_mb;
	char *extra_specs; /* JSON */
};

/* Loads the flavor if this requester may use it; else ERROR_NOT_FOUND "Flavor ... could not be found.". */
bool flavor_load(struct store *db, const char *id, const struct auth *auth, struct flavor *flavor,
		 struct error *err);
/* The flavor of a server, as flavor_embedded() wrote it down. */
bool flavor_stored(const char *id, const char *json, struct flavor *flavor, struct error *err);
void flavor_done(struct flavor *flavor);
/* One extra spec, in malloc'ed memory; NULL if it is not set. */
char *flavor_spec(const struct flavor *flavor, const char *key);
/* Has it group_policy = isolate? */
bool flavor_isolates(const struct flavor *flavor);
/* As servers show it since microversion 2.47: JSON, malloc'ed. */
char *flavor_embedded(const struct flavor *flavor);
