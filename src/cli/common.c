/* What the sub-commands share: configuration files, the opened site, failing. */
#include "cli/cli.h"

#include <stdio.h>

bool cli_files_add(struct cli_files *files, const char *file)
{
	if (files->count == CLI_MAX_FILES) {
		fprintf(stderr, "penstock: more than %d --config-file options\n", CLI_MAX_FILES);
		return false;
	}
	files->files[files->count++] = file;
	return true;
}

bool cli_site_open(struct cli_site *site, const struct cli_files *files, struct error *err)
{
	*site = (struct cli_site){0};
	site->config = site_config(files->files, files->count, err);
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
