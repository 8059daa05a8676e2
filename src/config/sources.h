/* Which files a configuration is read from: --config-file and --config-dir, as oslo.config has them. */
#pragma once

#include "config/config.h"

#define CONFIG_MAX_SOURCES 64

/* Start from {0}. */
struct config_sources {
	struct config_source {
		const char *path;
		bool folder;
	} items[CONFIG_MAX_SOURCES];
	size_t count;
};

/* In the order of the command line, later ones win.  False if there are too many. */
bool config_sources_add(struct config_sources *sources, const char *path, bool folder);
/* Without any file /etc/penstock/penstock.conf is read if it is there, without any folder
 * /etc/penstock/penstock.conf.d; both before what is given. */
bool config_read_sources(struct config *config, const struct config_sources *sources, struct error *err);
/* Every file of the folder whose name ends with .conf, in the order of their names (as bytes). */
bool config_read_folder(struct config *config, const char *path, struct error *err);
