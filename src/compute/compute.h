/* Compute v2.1 (Nova's API) and the agents' protocol: the door for the program that wires the site. */
#pragma once

#include "base/text.h"
#include "config/config.h"
#include "http/http.h"
#include "identity/identity.h"
#include "store/store.h"

extern const struct store_migration compute_migrations[];
extern const size_t compute_migration_count;

/* The service at /compute (its API root is /compute/v2.1). */
const struct http_service *compute_service(const struct config *config, struct error *err);
/* The agents' protocol at /agent (docs/agent-protocol.md). */
const struct http_service *compute_agent_service(const struct config *config, struct error *err);

/* Makes a token with which an agent may join (penstock agent-token); text[65]. */
bool compute_agent_token(struct store *db, char text[65], struct error *err);

/* What the operator asks (penstock explain); adds lines to *out, changes nothing. */
struct compute_wish {
	const char *flavor;	  /* name or id */
	const char *const *ports; /* names or ids */
	size_t port_count;
	const char *zone, *host; /* or NULL */
};
bool compute_explain_server(struct store *db, const char *server, struct text *out, struct error *err);
/* After scheduler_load(). */
bool compute_explain_wish(struct store *db, const struct compute_wish *wish, struct text *out,
			  struct error *err);

/* Runs every few seconds on the writer's thread: servers whose transitional state is past its deadline. */
bool compute_housekeeping(struct store *db, struct error *err);
