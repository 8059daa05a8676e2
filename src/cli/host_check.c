/* penstock host check, setup and apply: a host made ready for Penstock, and kept so. */
#include "cli/cli.h"

#include "agent/world_files.h"
#include "base/memory.h"
#include "host/host.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char host_usage[] =
	"Usage: penstock host check [--config-file FILE | --config-dir FOLDER]... [--pf NAME]... [--json] "
	"[--root DIR]\n"
	"       penstock host setup [--config-file FILE | --config-dir FOLDER]... [--vfs PF=N[,drivers]]...\n"
	"                           [--hugepages SIZE=N]... [--dry-run] [--root DIR]\n"
	"       penstock host apply\n"
	"\n"
	"check  says of each thing that Penstock needs of this host whether it is so: PASS, WARN or FAIL, "
	"with the\n"
	"       command or edit that mends it; changes nothing.  Exit status 0: Penstock can work here; 1: "
	"it cannot.\n"
	"setup  makes it so for good: kernel command line, modules, VFs and PFs at boot, names, and whatever "
	"of the\n"
	"       distribution owns the NICs.  Shows what it changes; what a file was stays beside it as\n"
	"       NAME.before-penstock~.  Says if a reboot is needed.  May be run again at any time.\n"
	"apply  is run at every boot by penstock-host.service: brings up the PFs of /etc/penstock/host.conf "
	"and makes\n"
	"       their VFs.  Lowers no number of VFs, and changes none while a guest has one.\n"
	"\n"
	"  --pf NAME          look at this PF, not at those of the configuration (device_spec,\n"
	"                     physical_device_mappings)\n"
	"  --vfs p5p1=5       that many VFs, from now on and at every boot; with ,drivers the host's own "
	"driver binds\n"
	"                     them (macvtap ports need that).  A PF that is not named keeps as many as it "
	"has\n"
	"  --hugepages 2M=1024\n"
	"  --dry-run          say what would be changed, as a diff, and what would be run\n"
	"  --root DIR         the files of another system; nothing is run then, only recorded\n"
	"  --json             for programs\n";

static int usage_error(void)
{
	fputs(host_usage, stderr);
	return 2;
}

static bool name_add(const char **names, size_t *count, const char *name)
{
	if (*count == HOST_MAX_NAMES) {
		fprintf(stderr, "penstock: more than %d of an option\n", HOST_MAX_NAMES);
		return false;
	}
	names[(*count)++] = name;
	return true;
}

enum { OPTION_PF = 256, OPTION_VFS, OPTION_PAGES, OPTION_DRY_RUN, OPTION_ROOT, OPTION_JSON, OPTION_HELP };

static bool option_take(struct host_request *request, struct config_sources *sources, int option)
{
	switch (option) {
	case OPTION_PF:
		return name_add(request->pfs, &request->pf_count, optarg);
	case OPTION_VFS:
		return name_add(request->vfs, &request->vfs_count, optarg);
	case OPTION_PAGES:
		return name_add(request->pages, &request->pages_count, optarg);
	case OPTION_DRY_RUN:
		return request->dry_run = true;
	case OPTION_JSON:
		return request->json = true;
	case OPTION_ROOT:
		request->root = optarg;
		return true;
	default:
		return cli_source_add(sources, option, optarg);
	}
}

/* Options of `setup` mean nothing to `check`, and the other way about. */
static bool options_fit(const struct host_request *request, bool setup)
{
	return setup ? !request->pf_count && !request->json
		     : !request->vfs_count && !request->pages_count && !request->dry_run;
}

static int run(const struct host_request *request, const struct config_sources *given,
	       int (*what)(const struct host_request *request))
{
	struct config_sources sources = *given;
	struct host_request whole = *request;
	_cleanup_free_ char *root = realpath(*request->root ? request->root : "/", NULL),
			    *path = memory_printf("%s/etc/penstock/penstock.conf", root ? root : "");
	struct config *config = config_new();
	struct error err;
	int status;

	if (!root) {
		fprintf(stderr, "penstock: there is no folder %s\n", request->root);
		config_free(config);
		return 2;
	}
	whole.root = strcmp(root, "/") == 0 ? "" : root;
	if (*whole.root && !sources.count && access(path, F_OK) == 0)
		config_sources_add(&sources, path, false);
	if (config_read_sources(config, &sources, &err)) {
		world_files_set_root(whole.root);
		whole.config = config;
		status = what(&whole);
	} else {
		status = cli_fail(&err);
	}
	config_free(config);
	return status;
}

static int check_or_setup(int argc, char **argv, bool setup)
{
	static const struct option longs[] = {CLI_CONFIG_OPTIONS,
					      {"pf", required_argument, NULL, OPTION_PF},
					      {"vfs", required_argument, NULL, OPTION_VFS},
					      {"hugepages", required_argument, NULL, OPTION_PAGES},
					      {"dry-run", no_argument, NULL, OPTION_DRY_RUN},
					      {"root", required_argument, NULL, OPTION_ROOT},
					      {"json", no_argument, NULL, OPTION_JSON},
					      {"help", no_argument, NULL, OPTION_HELP},
					      {NULL, 0, NULL, 0}};
	struct host_request request = {.root = ""};
	struct config_sources sources = {0};
	int option;

	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (option == OPTION_HELP)
			return fputs(host_usage, stdout) == EOF;
		if (!option_take(&request, &sources, option))
			return usage_error();
	}
	if (optind < argc || !options_fit(&request, setup))
		return usage_error();
	return run(&request, &sources, setup ? host_setup : host_check);
}

int cli_host_check(int argc, char **argv)
{
	return check_or_setup(argc, argv, false);
}

int cli_host_setup(int argc, char **argv)
{
	return check_or_setup(argc, argv, true);
}

int cli_host_apply(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return fputs(host_usage, stdout) == EOF;
	return argc == 1 ? host_apply() : usage_error();
}
