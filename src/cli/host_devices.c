/* penstock host devices: what this host has, who has it, and is it well. */
#include "agent/world.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/device_tree.h"

#include <errno.h>
#include <getopt.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#define DEADLINE_MS 1000

static const char devices_usage[] =
	"Usage: penstock host devices [--config-file FILE | --config-dir FOLDER]... [--all] [--json]\n"
	"                             [--color=auto|always|never]\n"
	"\n"
	"Shows the PCI devices of this host that are configured, VFs under their PF: NUMA node, IOMMU "
	"group,\n"
	"driver, physical network, state, and which server has them.  It asks the kernel, the configuration "
	"and\n"
	"penstock-agent's folder, and works whether penstock-agent and penstockd run or not.\n"
	"\n"
	"  free         the next server can have it\n"
	"  taken        a server has it, or it is on its way back from one\n"
	"  unavailable  offered, but something is in the way\n"
	"  quarantined  it was not well when it came back; nobody gets it\n"
	"  host's       it is not offered, and a driver of the host has it\n"
	"  not offered  no device_spec selects it\n"
	"  ?            offered; who has it may be seen by root only\n"
	"\n"
	"  --config-file FILE, --config-dir FOLDER  those that penstock-agent reads (default /etc/penstock)\n"
	"  --all        every PCI device, also those that nothing is configured about\n"
	"  --json       for programs; the keys are in penstock(1)\n"
	"  --color      on a terminal (auto), unless NO_COLOR is set in the environment\n";

struct devices_options {
	struct config_sources sources;
	struct tree_wish wish;
	bool json;
	const char *colour;
};

/* -1: go on; else the exit status. */
static int options_read(struct devices_options *o, int argc, char **argv)
{
	static const struct option longs[] = {CLI_CONFIG_OPTIONS,
					      {"all", no_argument, NULL, 'a'},
					      {"json", no_argument, NULL, 'j'},
					      {"color", required_argument, NULL, 'o'},
					      {"colour", required_argument, NULL, 'o'},
					      {"help", no_argument, NULL, 'h'},
					      {NULL, 0, NULL, 0}};
	int option;

	*o = (struct devices_options){.wish.deadline_ms = DEADLINE_MS, .colour = "auto"};
	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (option == 'h')
			return fputs(devices_usage, stdout) == EOF;
		if (option == 'a')
			o->wish.all = true;
		else if (option == 'j')
			o->json = true;
		else if (option == 'o')
			o->colour = optarg;
		else if (!cli_source_add(&o->sources, option, optarg))
			return 2;
	}
	if (optind == argc && (strcmp(o->colour, "auto") == 0 || strcmp(o->colour, "always") == 0 ||
			       strcmp(o->colour, "never") == 0))
		return -1;
	fputs(devices_usage, stderr);
	return 2;
}

static void keep_quiet(void *user, const char *sentence)
{
	(void)user;
	(void)sentence; /* `penstock config check` says it */
}

static bool settings_read(struct config *config, const struct config_sources *sources,
			  struct agent_settings *settings, struct error *err)
{
	return config_read_sources(config, sources, err) &&
	       agent_settings_read(config, settings, keep_quiet, NULL, err);
}

/* https://no-color.org: set to anything but nothing */
static bool wants_colours(const char *colour)
{
	const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");

	if (strcmp(colour, "auto") != 0)
		return strcmp(colour, "always") == 0;
	return isatty(STDOUT_FILENO) && text_is_empty(no) && terminal && strcmp(terminal, "dumb") != 0;
}

static int show(const struct device_tree *tree, const struct devices_options *o)
{
	_cleanup_(text_done) struct text out = {0};
	struct tree_style style = {.colours = wants_colours(o->colour)};

	setlocale(LC_CTYPE, "");
	style.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	if (o->json)
		device_tree_json(tree, &out);
	else
		device_tree_text(tree, &style, &out);
	fputs(out.data, stdout);
	if (fflush(stdout) != 0)
		return 1;
	for (size_t i = 0; !o->json && i < tree->owners.unseen_count; i++)
		fprintf(stderr, "penstock: %s\n", tree->owners.unseen[i]);
	if (!o->json && tree->count == 0)
		fputs("penstock: [pci] device_spec selects no device of this host; --all shows them all\n",
		      stderr);
	return 0;
}

int cli_host_devices(int argc, char **argv)
{
	struct config *config = config_new();
	struct agent_settings settings = {0};
	struct device_tree tree = {0};
	struct devices_options options;
	struct error err;
	int status = options_read(&options, argc, argv);

	if (status < 0)
		status = settings_read(config, &options.sources, &settings, &err) &&
					 device_tree_look(&settings, &options.wish, &tree, &err)
				 ? show(&tree, &options)
				 : cli_fail(&err);
	device_tree_done(&tree);
	agent_settings_done(&settings);
	config_free(config);
	return status;
}
