/* Identity v3 (Keystone's API): the door for the other services. */
#pragma once

#include "base/error.h"
#include "config/config.h"
#include "http/http.h"
#include "store/store.h"

/* Who asks.  Texts live as long as the request. */
struct auth {
	const char *user_id;
	const char *user_name;
	const char *project_id; /* NULL: the token is unscoped */
	const char *project_name;
	const char *domain_id; /* of the user */
	bool admin;	       /* has role admin */
	bool member;	       /* has role member (or admin) */
	bool reader;	       /* has role reader (or a stronger one) */
	bool service;	       /* has role service */
};

/* To be called by a service's `before`: looks at X-Auth-Token and sets request->auth.  No or a bad token:
 * false and 401 "The request you have made requires authentication.". */
bool identity_authenticate(struct http_request *request, struct error *err);

extern const struct store_migration identity_migrations[];
extern const size_t identity_migration_count;

/* The service with its routes at /identity.  `public_url` may be NULL.  Keys for tokens are read from (made
 * in) `state_dir`. */
const struct http_service *identity_service(const struct config *config, const char *state_dir,
					    struct error *err);

/* First administrator (penstock bootstrap): makes domain, roles, project and user, or sets the user's
 * password if they are there, hashed at the cost that is configured: a log-in takes as long as that of a user
 * that is not there.  Runs in the caller's transaction. */
bool identity_bootstrap(struct store *db, const struct config *config, const char *user, const char *password,
			const char *project, struct error *err);
/* True when an administrator exists. */
bool identity_is_bootstrapped(struct store *db);
