/* penstock host: the sub-commands about the host that they run on. */
#include "base/memory.h"
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} host_commands[] = {
	{"check", cli_host_check, "what Penstock needs of this host, fact by fact, and what mends it"},
	{"setup", cli_host_setup, "makes this host so, for good"},
	{"apply", cli_host_apply, "at boot: brings PFs up and makes their VFs"},
	{"devices", cli_host_devices, "the PCI devices of this host: who has them, and are they well"},
};

static void usage(FILE *out)
{
	fputs("Usage: penstock host COMMAND [options]\n\n", out);
	for (size_t i = 0; i < ELEMENTS_OF(host_commands); i++)
		fprintf(out, "  %-12s  %s\n", host_commands[i].name, host_commands[i].summary);
	fputs("\n`penstock host COMMAND --help` tells more.\n", out);
}

int cli_host(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "--help") == 0) {
		usage(stdout);
		return 0;
	}
	for (size_t i = 0; i < ELEMENTS_OF(host_commands); i++) {
		if (strcmp(what, host_commands[i].name) == 0)
			return host_commands[i].run(argc - 1, argv + 1);
	}
	if (*what)
		fprintf(stderr, "penstock: there is no command host %s\n", what);
	usage(stderr);
	return 2;
}
