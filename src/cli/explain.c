/* penstock explain: why a server found no host, or what would become of one. */
#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "compute/compute.h"
#include "scheduler/scheduler.h"

#include <getopt.h>
#include <stdio.h>

static const char explain_usage[] =
	"Usage: penstock explain [--config-file FILE | --config-dir FOLDER]... SERVER\n"
	"       penstock explain [--config-file FILE | --config-dir FOLDER]... --flavor FLAVOR [--port "
	"PORT]... [--availability-zone ZONE]\n"
	"                        [--host HOST]\n"
	"\n"
	"Tells why a server found no host, or what each host would say to a "
	"server of this flavor with these ports\n"
	"before one is made. Names and ids are both good. It reads penstockd's "
	"database and changes nothing.\n";

#define MAX_PORTS 32

struct wish_options {
	struct config_sources sources;
	struct compute_wish wish;
	const char *ports[MAX_PORTS];
	const char *server;
};

/* -1: go on; else the exit status. */
static int options_read(struct wish_options *o, int argc, char **argv)
{
	static const struct option longs[] = {CLI_CONFIG_OPTIONS,
					      {"flavor", required_argument, NULL, 'f'},
					      {"port", required_argument, NULL, 'p'},
					      {"availability-zone", required_argument, NULL, 'z'},
					      {"host", required_argument, NULL, 'H'},
					      {"help", no_argument, NULL, 'h'},
					      {NULL, 0, NULL, 0}};
	int option;

	o->wish.ports = o->ports;
	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (option == 'h')
			return fputs(explain_usage, stdout) == EOF;
		if (option == 'f')
			o->wish.flavor = optarg;
		else if (option == 'z')
			o->wish.zone = optarg;
		else if (option == 'H')
			o->wish.host = optarg;
		else if (option == 'p' && o->wish.port_count < MAX_PORTS)
			o->ports[o->wish.port_count++] = optarg;
		else if (!cli_source_add(&o->sources, option, optarg))
			return 2;
	}
	o->server = argv[optind];
	if (!o->server != !o->wish.flavor && argc - optind <= 1)
		return -1;
	fputs(explain_usage, stderr);
	return 2;
}

static bool explain(struct cli_site *site, const struct wish_options *o, struct text *out, struct error *err)
{
	if (o->server)
		return compute_explain_server(site->db, o->server, out, err);
	return scheduler_configure(site->config, err) && scheduler_load(site->db, err) &&
	       compute_explain_wish(site->db, &o->wish, out, err);
}

int cli_explain(int argc, char **argv)
{
	_cleanup_(cli_site_done) struct cli_site site = {0};
	_cleanup_(text_done) struct text out = {0};
	struct wish_options options = {0};
	struct error err;
	int status = options_read(&options, argc, argv);

	if (status >= 0)
		return status;
	if (!cli_site_open(&site, &options.sources, &err) || !explain(&site, &options, &out, &err))
		return cli_fail(&err);
	fputs(out.data ? out.data : "", stdout);
	return 0;
}
