/* penstockd: the control plane.  Options, wiring, signals. */
#include "base/log.h"
#include "base/memory.h"
#include "compute/compute.h"
#include "config/check.h"
#include "http/http_server.h"
#include "identity/identity.h"
#include "penstockd/site.h"
#include "penstockd/watchdog.h"
#include "scheduler/scheduler.h"
#include "sys/sys.h"

#include <getopt.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>

#define HOUSEKEEPING_MS 5000

struct options {
	struct config_sources sources;
	bool debug, routes;
};

static void usage(FILE *out)
{
	fputs("Usage: penstockd [--config-file FILE | --config-dir FOLDER]... [--debug | --routes]\n"
	      "\n"
	      "The control plane of Penstock: Identity v3, Image v2, Network v2.0 and Compute v2.1 on one "
	      "port.\n"
	      "\n"
	      "  --config-file FILE  read this configuration (nova.conf, ml2_conf.ini ...); may be given\n"
	      "                      several times, later files win; default /etc/penstock/penstock.conf\n"
	      "  --config-dir FOLDER read its *.conf files in the order of their names; default\n"
	      "                      /etc/penstock/penstock.conf.d\n"
	      "  --debug             log each request\n"
	      "  --routes            print every method and path that is built, and end\n"
	      "  --version           print the version and end\n"
	      "  --help              print this and end\n"
	      "\n"
	      "Make the first administrator with `penstock bootstrap` before or after the first start.\n",
	      out);
}

/* -1: go on; else the exit status. */
static int options_read(struct options *options, int argc, char **argv)
{
	static const struct option longs[] = {
		{"config-file", required_argument, NULL, 'c'},
		{"config-dir", required_argument, NULL, 'C'},
		{"debug", no_argument, NULL, 'd'},
		{"routes", no_argument, NULL, 'r'},
		{"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (option) {
		case 'c':
		case 'C':
			if (!config_sources_add(&options->sources, optarg, option == 'C')) {
				fprintf(stderr, "penstockd: more than %d files and folders\n",
					CONFIG_MAX_SOURCES);
				return 2;
			}
			break;
		case 'd':
			options->debug = true;
			break;
		case 'r':
			options->routes = true;
			break;
		case 'v':
			puts("penstockd " PENSTOCK_VERSION);
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "penstockd: unexpected argument: %s\n", argv[optind]);
		return 2;
	}
	return -1;
}

static bool housekeeping_run(struct store_job *job, struct store *db, struct error *err)
{
	(void)job;
	return scheduler_housekeeping(db, err) && compute_housekeeping(db, err);
}

static void housekeeping_done(struct store_job *job, bool ok, const struct error *err)
{
	if (!ok)
		log_error("housekeeping: %s", err->message);
	watchdog_writer_works();
	free(job);
}

static void housekeeping_submit(struct store_writer *writer)
{
	struct store_job *job = memory_alloc(sizeof *job);

	job->run = housekeeping_run;
	job->done = housekeeping_done;
	store_writer_submit(writer, job);
}

/* Until SIGTERM or SIGINT. */
static void serve(struct store_writer *writer, const struct http_server *server, const char *address, int signals)
{
	int64_t next = sys_monotonic();

	for (;;) {
		int64_t left = (next - sys_monotonic()) / 1000;
		struct pollfd waiting = {.fd = signals, .events = POLLIN};

		if (left <= 0) {
			watchdog_tell(address, http_server_port(server)); /* about what was submitted last */
			housekeeping_submit(writer);
			malloc_trim(0); /* what a burst of requests or a large body took */
			next = sys_monotonic() + HOUSEKEEPING_MS * INT64_C(1000);
			continue;
		}
		if (poll(&waiting, 1, (int)left) > 0)
			return;
	}
}

static int signals_open(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static bool routes_print(const struct config *config, const struct site_settings *settings, struct error *err)
{
	struct http_site site;

	if (!site_services(config, settings, &site, err))
		return false;
	for (size_t i = 0; i < site.service_count; i++) {
		const struct http_service *service = site.services[i];

		for (size_t k = 0; k < service->route_count; k++)
			printf("%-6s %s%s\n", http_method_name(service->routes[k].method), service->prefix,
			       service->routes[k].pattern);
	}
	return true;
}

static bool run(const struct options *options, struct error *err)
{
	int64_t began = sys_monotonic();
	_cleanup_close_ int signals = signals_open();
	struct site_settings settings = {0};
	struct http_site site;
	struct config *config = site_config(&options->sources, err);

	if (!config || !config_accept(config, err) || !site_settings_read(config, &settings, err))
		return false;
	if (options->routes)
		return routes_print(config, &settings, err);
	struct store *db = site_open(&settings, err);
	if (!db || !site_start(config, &settings, db, &site, err))
		return false;
	if (!identity_is_bootstrapped(db))
		log_warning("there is no administrator yet: run `penstock bootstrap`");
	struct store_writer *writer = store_writer_start(db, err);
	if (!writer)
		return false;
	struct http_server_settings http = {
		.address = settings.address,
		.port = (uint16_t)settings.port,
		.site = &site,
		.writer = writer,
		.database = settings.database,
		.workers = 2,
	};
	struct http_server *server = http_server_start(&http, err);
	if (!server) {
		store_writer_stop(writer);
		return false;
	}
	log_info("penstockd %s listens on %s port %u after %lld ms", PENSTOCK_VERSION, settings.address,
		 http_server_port(server), (long long)(sys_monotonic() - began) / 1000);
	sd_notify(0, "READY=1");
	serve(writer, server, settings.address, signals);
	log_info("stopping");
	sd_notify(0, "STOPPING=1");
	http_server_stop(server);
	store_writer_stop(writer);
	site_settings_done(&settings);
	config_free(config);
	return true;
}

int main(int argc, char **argv)
{
	struct options options = {0};
	struct error err;
	int status = options_read(&options, argc, argv);

	/* Few threads that share their memory stay smaller than each with its own. */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	if (status >= 0)
		return status;
	if (options.debug)
		log_set_level(LOG_LEVEL_DEBUG);
	if (run(&options, &err))
		return 0;
	log_error("%s", err.message);
	return 1;
}
