/* What the sub-commands share: configuration files, the opened site, failing. */
#include "cli/cli.h"

#include <stdio.h>

bool cli_source_add(struct config_sources *sources, int option, const char *path)
{
	if (option != 'c' && option != 'C')
		return false;
	if (config_sources_add(sources, path, option == 'C'))
		return true;
	fprintf(stderr, "penstock: more than %d files and folders\n", CONFIG_MAX_SOURCES);
	return false;
}

bool cli_site_open(struct cli_site *site, const struct config_sources *sources, struct error *err)
{
	*site = (struct cli_site){0};
	site->config = site_config(sources, err);
	if (!site->config || !site_settings_read(site->config, &site->settings, err))
		return false;
	site->db = site_open(&site->settings, err);
	return site->db != NULL;
}

void cli_site_done(struct cli_site *site)
{
	store_close(site->db);
	site_settings_done(&site->settings);
	config_free(site->config);
}

int cli_fail(const struct error *err)
{
	fprintf(stderr, "penstock: %s\n", err->message);
	return 1;
}
