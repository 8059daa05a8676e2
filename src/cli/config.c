/* penstock config: its sub-commands. */
#include "cli/cli.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char config_usage[] =
	"Usage: penstock config check FILE... [--config-dir FOLDER]...\n"
	"       penstock config options | sample | manual\n"
	"\n"
	"check    reads these files, and the *.conf files of folders, as penstockd and penstock-agent would\n"
	"         (later ones win) and prints what is wrong or without effect, one thing a line; starts\n"
	"         nothing.  Exit status 0: both would start; 1: one of them would not.\n"
	"options  prints every option that is known, as a table in Markdown: docs/configuration.md\n"
	"sample   prints a configuration file with every option that has an effect, commented out\n"
	"manual   prints penstock.conf(5), for man -l\n";

static int usage_error(void)
{
	fputs(config_usage, stderr);
	return 2;
}

static int check(int argc, char **argv)
{
	/* - : operands come as option 1, in their place between the options */
	static const char short_options[] = "-";
	static const struct option longs[] = {CLI_CONFIG_OPTIONS,
					      {"help", no_argument, NULL, 'h'},
					      {NULL, 0, NULL, 0}};
	struct config_sources sources = {0};
	int option;

	while ((option = getopt_long(argc, argv, short_options, longs, NULL)) != -1) {
		if (option == 'h')
			return fputs(config_usage, stdout) == EOF;
		if (!cli_source_add(&sources, option == 1 ? 'c' : option, optarg))
			return usage_error();
	}
	for (; optind < argc; optind++) { /* behind -- */
		if (!cli_source_add(&sources, 'c', argv[optind]))
			return usage_error();
	}
	return sources.count ? cli_config_check(&sources) : usage_error();
}

int cli_config(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "check") == 0)
		return check(argc - 1, argv + 1);
	if (strcmp(what, "options") == 0 && argc == 2)
		return cli_config_options();
	if (strcmp(what, "sample") == 0 && argc == 2)
		return cli_config_sample();
	if (strcmp(what, "manual") == 0 && argc == 2)
		return cli_config_manual();
	return strcmp(what, "--help") == 0 ? fputs(config_usage, stdout) == EOF : usage_error();
}
