/* penstock config: its two sub-commands. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

static void usage(FILE *out)
{
	fputs("Usage: penstock config check FILE...\n"
	      "       penstock config options\n"
	      "\n"
	      "check    reads the files as penstockd and penstock-agent would (later files win) and prints "
	      "what\n"
	      "         is wrong or without effect, one thing a line; starts nothing.  Exit status 0: both\n"
	      "         would start; 1: they would not.\n"
	      "options  prints every option that is known, as a table in Markdown: docs/configuration.md\n",
	      out);
}

int cli_config(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			usage(stdout);
			return 0;
		}
	}
	if (argc > 2 && strcmp(argv[1], "check") == 0)
		return cli_config_check(argv + 2, argc - 2);
	if (argc == 2 && strcmp(argv[1], "options") == 0)
		return cli_config_options();
	usage(stderr);
	return 2;
}
