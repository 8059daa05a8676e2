/* A site: its settings, its database with every room's tables, its services.  Shared by penstockd and by the
 * operator's command, which opens the same database. */
#pragma once

#include "base/error.h"
#include "config/sources.h"
#include "http/http.h"
#include "store/store.h"

#include <stdint.h>

struct site_settings {
	const char *state_dir;	/* [DEFAULT] state_path */
	char *database;		/* path of the SQLite file */
	const char *address;	/* [penstock] listen */
	int64_t port;		/* [penstock] port */
	const char *public_url; /* [penstock] public_url, or NULL */
};

#define SITE_STATE_DIR "/var/lib/penstock"
#define SITE_PORT      5000

/* NULL and *err on failure. */
struct config *site_config(const struct config_sources *sources, struct error *err);
bool site_settings_read(const struct config *config, struct site_settings *settings, struct error *err);
void site_settings_done(struct site_settings *settings);
/* Makes the state folder (0700) if need be, opens the database for writing and brings all tables up to date.
 */
struct store *site_open(const struct site_settings *settings, struct error *err);
/* All services with their settings.  Needs the state folder, but no database. */
bool site_services(const struct config *config, const struct site_settings *settings, struct http_site *site,
		   struct error *err);
/* Starts every service on this database: reads its settings, fills the fleet, mends what a crash left. */
bool site_start(const struct config *config, const struct site_settings *settings, struct store *db,
		struct http_site *site, struct error *err);
