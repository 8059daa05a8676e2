/* A site: settings, database, services. */
#include "penstockd/site.h"

#include "base/memory.h"
#include "base/text.h"
#include "compute/compute.h"
#include "config/items.h"
#include "identity/identity.h"
#include "image/image.h"
#include "network/network.h"
#include "placement/placement.h"
#include "scheduler/scheduler.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define SQLITE "sqlite:///"

struct config *site_config(const struct config_sources *sources, struct error *err)
{
	struct config *config = config_new();

	if (config_read_sources(config, sources, err))
		return config;
	config_free(config);
	return NULL;
}

bool site_settings_read(const struct config *config, struct site_settings *settings, struct error *err)
{
	const char *connection = config_text(config, "database", "connection", NULL);

	*settings = (struct site_settings){
		.state_dir = config_text_given(config, "DEFAULT", "state_path", SITE_STATE_DIR),
		.address = config_text_given(config, "penstock", "listen", "0.0.0.0"),
		.public_url = config_text_given(config, "penstock", "public_url", NULL),
	};
	if (!config_int(config, "penstock", "port", SITE_PORT, 0, 65535, &settings->port, err))
		return false;
	if (text_is_empty(connection) || item_is_mysql(connection))
		settings->database = memory_printf("%s/penstock.db", settings->state_dir);
	else if (text_starts_with(connection, SQLITE) && connection[strlen(SQLITE)])
		settings->database = memory_copy_text(connection + strlen(SQLITE));
	else
		return config_refuse(
			config, "database", "connection", 0,
			"only sqlite:///FILE is built; leave it out for penstock.db in [DEFAULT] "
			"state_path",
			err);
	return true;
}

void site_settings_done(struct site_settings *settings)
{
	free(settings->database);
	settings->database = NULL;
}

static const struct site_room {
	const char *name;
	const struct store_migration *migrations;
	const size_t *count;
} site_rooms[] = {
	{"identity", identity_migrations, &identity_migration_count},
	{"image", image_migrations, &image_migration_count},
	{"network", network_migrations, &network_migration_count},
	{"scheduler", scheduler_migrations, &scheduler_migration_count},
	{"compute", compute_migrations, &compute_migration_count},
	{"placement", placement_migrations, &placement_migration_count},
};

static bool make_folder(const char *path, struct error *err)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return true;
	return error_set_errno(err, ERROR_INTERNAL, errno, "cannot make the folder %s", path);
}

struct store *site_open(const struct site_settings *settings, struct error *err)
{
	_cleanup_(store_closep) struct store *db = NULL;

	umask(0077); /* nobody else reads the database, whoever may enter the folder */
	if (!make_folder(settings->state_dir, err))
		return NULL;
	db = store_open(settings->database, STORE_WRITER, err);
	for (size_t i = 0; db && i < ELEMENTS_OF(site_rooms); i++) {
		if (!store_migrate(db, site_rooms[i].name, site_rooms[i].migrations, *site_rooms[i].count,
				   err))
			return NULL;
	}
	return TAKE_PTR(db);
}

/* What every service does to the database before the first request, in one transaction. */
static bool site_recover(struct store *db, struct error *err)
{
	if (!store_transaction_begin(db, err))
		return false;
	if (image_recover(db, err) && scheduler_load(db, err))
		return store_transaction_commit(db, err);
	store_transaction_undo(db);
	return false;
}

bool site_services(const struct config *config, const struct site_settings *settings, struct http_site *site,
		   struct error *err)
{
	static const struct http_service *services[6];
	static const struct http_site empty;

	*site = empty;
	if (!scheduler_configure(config, err))
		return false;
	services[0] = identity_service(config, settings->state_dir, err);
	services[1] = services[0] ? image_service(config, settings->state_dir, err) : NULL;
	services[2] = services[1] ? network_service(config, err) : NULL;
	services[3] = services[2] ? compute_service(config, err) : NULL;
	services[4] = services[3] ? compute_agent_service(config, err) : NULL;
	services[5] = services[4] ? placement_service(config, err) : NULL;
	if (!services[5])
		return false;
	*site = (struct http_site){.services = services,
				   .service_count = ELEMENTS_OF(services),
				   .public_url = settings->public_url};
	return true;
}

bool site_start(const struct config *config, const struct site_settings *settings, struct store *db,
		struct http_site *site, struct error *err)
{
	return site_services(config, settings, site, err) && site_recover(db, err);
}
