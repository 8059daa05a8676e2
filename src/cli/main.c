/* penstock: the operator's command. */
#include "base/log.h"
#include "base/memory.h"
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{"bootstrap", cli_bootstrap, "make the first administrator, an openrc and a clouds.yaml"},
	{"agent-token", cli_agent_token, "make a token with which hosts join"},
	{"config", cli_config, "check configuration files, or print every option"},
	{"host", cli_host, "this host: check it, make it ready, list its PCI devices"},
	{"device", cli_device, "the devices of this host, and taking one out of quarantine"},
	{"explain", cli_explain, "why a server found no host, or what would become of one"},
};

static void usage(FILE *out)
{
	fputs("Usage: penstock COMMAND [options]\n\n", out);
	for (size_t i = 0; i < ELEMENTS_OF(commands); i++)
		fprintf(out, "  %-12s  %s\n", commands[i].name, commands[i].summary);
	fputs("\n`penstock COMMAND --help` tells more. Clients use the openstack command.\n", out);
}

int main(int argc, char **argv)
{
	log_set_level(LOG_LEVEL_WARNING);
	if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
		usage(stdout);
		return 0;
	}
	if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
		puts("penstock " PENSTOCK_VERSION);
		return 0;
	}
	for (size_t i = 0; argc >= 2 && i < ELEMENTS_OF(commands); i++) {
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	if (argc >= 2)
		fprintf(stderr, "penstock: there is no command %s\n", argv[1]);
	usage(stderr);
	return 2;
}
