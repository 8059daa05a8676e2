/* The operator's command: its sub-commands and what they share. */
#pragma once

#include "base/error.h"
#include "config/config.h"
#include "penstockd/site.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>

#define CLI_MAX_FILES 32

/* Sub-commands: exit status. argv[0] is the sub-command's name. */
int cli_bootstrap(int argc, char **argv);
int cli_agent_token(int argc, char **argv);
int cli_explain(int argc, char **argv);
int cli_config(int argc, char **argv);
/* Its two parts; exit status. */
int cli_config_check(char **files, int count);
int cli_config_options(void);

/* --config-file options of a sub-command. */
struct cli_files {
	const char *files[CLI_MAX_FILES];
	size_t count;
};

bool cli_files_add(struct cli_files *files, const char *file);

/* An opened site, for commands that work on the database directly. */
struct cli_site {
	struct config *config;
	struct site_settings settings;
	struct store *db;
};

bool cli_site_open(struct cli_site *site, const struct cli_files *files, struct error *err);
void cli_site_done(struct cli_site *site);
/* Prints "penstock: message" and returns 1. */
int cli_fail(const struct error *err);
