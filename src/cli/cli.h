/* The operator's command: its sub-commands and what they share. */
#pragma once

#include "base/error.h"
#include "config/sources.h"
#include "penstockd/site.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>

/* Sub-commands: exit status. argv[0] is the sub-command's name. */
int cli_bootstrap(int argc, char **argv);
int cli_agent_token(int argc, char **argv);
int cli_explain(int argc, char **argv);
int cli_config(int argc, char **argv);
int cli_host(int argc, char **argv);
int cli_device(int argc, char **argv);
/* Those of `penstock host`. */
int cli_host_check(int argc, char **argv);
int cli_host_setup(int argc, char **argv);
int cli_host_apply(int argc, char **argv);
int cli_host_devices(int argc, char **argv);
/* Parts of `penstock config`; exit status. */
int cli_config_check(const struct config_sources *sources);
int cli_config_options(void);
int cli_config_sample(void);
int cli_config_manual(void);

/* Takes a sub-command's option if it is 'c' (--config-file) or 'C' (--config-dir). */
#define CLI_CONFIG_OPTIONS \
	{"config-file", required_argument, NULL, 'c'}, \
	{ \
		"config-dir", required_argument, NULL, 'C' \
	}
bool cli_source_add(struct config_sources *sources, int option, const char *path);

/* An opened site, for commands that work on the database directly. */
struct cli_site {
	struct config *config;
	struct site_settings settings;
	struct store *db;
};

/* As root it works on the database as the user who has it, until cli_site_done(). */
bool cli_site_open(struct cli_site *site, const struct config_sources *sources, struct error *err);
void cli_site_done(struct cli_site *site);
/* For files of who runs the command; the database is not to be used after this. */
void cli_become_self(void);
/* Prints "penstock: message" and returns 1. */
int cli_fail(const struct error *err);
