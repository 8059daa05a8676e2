/* penstock agent-token: makes a token with which hosts may join. */
#include "base/memory.h"
#include "cli/cli.h"
#include "compute/compute.h"

#include <getopt.h>
#include <stdio.h>

static const char agent_token_usage[] =
	"Usage: penstock agent-token [--config-file FILE | --config-dir FOLDER]...\n"
	"\n"
	"Prints a token with which penstock-agent joins this site (penstock-agent --token TOKEN). It is "
	"good\n"
	"for any number of hosts for 24 hours. Only its hash is stored: it cannot be shown again.\n";

static bool token_make(struct store *db, char token[65], struct error *err)
{
	if (!store_transaction_begin(db, err))
		return false;
	if (compute_agent_token(db, token, err))
		return store_transaction_commit(db, err);
	store_transaction_undo(db);
	return false;
}

int cli_agent_token(int argc, char **argv)
{
	static const struct option longs[] = {CLI_CONFIG_OPTIONS,
					      {"help", no_argument, NULL, 'h'},
					      {NULL, 0, NULL, 0}};
	_cleanup_(cli_site_done) struct cli_site site = {0};
	struct config_sources sources = {0};
	struct error err;
	char token[65];
	int option;

	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (option == 'h')
			return fputs(agent_token_usage, stdout) == EOF;
		if (!cli_source_add(&sources, option, optarg))
			return 2;
	}
	if (!cli_site_open(&site, &sources, &err) || !token_make(site.db, token, &err))
		return cli_fail(&err);
	puts(token);
	return 0;
}
