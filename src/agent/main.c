/* penstock-agent: options, settings, signals. */
#include "agent/agent.h"
#include "agent/deadline.h"
#include "agent/groups.h"
#include "agent/hook.h"
#include "agent/ledger.h"
#include "agent/libvirt.h"
#include "agent/migration.h"
#include "agent/physnets.h"
#include "agent/plug.h"
#include "agent/quarantine.h"
#include "agent/report.h"
#include "agent/simulated/simulated.h"
#include "agent/vm.h"
#include "agent/world.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/check.h"
#include "config/sources.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

struct options {
	struct config_sources sources;
	const char *token, *token_file;
	const char *simulate_file; /* or NULL */
	const char *simulate;	   /* "SERVERS[,PFS[,VFS[,SHARE[,stubborn]]]]" or NULL */
	bool debug;
};

static void usage(FILE *out)
{
	fputs("Usage: penstock-agent [--config-file FILE | --config-dir FOLDER]... [--token TOKEN | "
	      "--token-file "
	      "FILE]\n"
	      "                      [--debug]\n"
	      "\n"
	      "Runs on each host, as root: tells penstockd what devices there are, programs VFs, runs "
	      "guests.\n"
	      "\n"
	      "  --config-file FILE  read this configuration (nova.conf ...); may be given several times, "
	      "later "
	      "files\n"
	      "                      win; default /etc/penstock/penstock.conf\n"
	      "  --config-dir FOLDER read its *.conf files in the order of their names; default\n"
	      "                      /etc/penstock/penstock.conf.d\n"
	      "  --token TOKEN       joins the site with this token (penstock agent-token); needed once; "
	      "also read\n"
	      "                      from the environment: PENSTOCK_AGENT_TOKEN\n"
	      "  --token-file FILE   the same, read from a file\n"
	      "  --simulate SERVERS[,PFS[,VFS[,SHARE[,stubborn]]]]\n"
	      "                      touches nothing of this host but the state folder: devices, guests and "
	      "networks\n"
	      "                      are made up, room for so many servers (default 16 PFs with 64 VFs "
	      "each);\n"
	      "                      stubborn guests let go of nothing; for benchmarks and tests\n"
	      "  --simulate-file FILE\n"
	      "                      keeps the made-up host in this file: its guests outlive the agent\n"
	      "  --debug             log more\n"
	      "  --version, --help\n"
	      "\n"
	      "Stopping it (SIGTERM) leaves guests running; it takes them up again when it is started.\n",
	      out);
}

static int options_read(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {{"config-file", required_argument, NULL, 'c'},
					      {"config-dir", required_argument, NULL, 'C'},
					      {"token", required_argument, NULL, 't'},
					      {"token-file", required_argument, NULL, 'f'},
					      {"simulate", required_argument, NULL, 's'},
					      {"simulate-file", required_argument, NULL, 'S'},
					      {"debug", no_argument, NULL, 'd'},
					      {"version", no_argument, NULL, 'v'},
					      {"help", no_argument, NULL, 'h'},
					      {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (option) {
		case 'c':
		case 'C':
			if (!config_sources_add(&o->sources, optarg, option == 'C')) {
				fprintf(stderr, "penstock-agent: more than %d files and folders\n",
					CONFIG_MAX_SOURCES);
				return 2;
			}
			break;
		case 't':
			o->token = optarg;
			break;
		case 'f':
			o->token_file = optarg;
			break;
		case 's':
			o->simulate = optarg;
			break;
		case 'S':
			o->simulate_file = optarg;
			break;
		case 'd':
			o->debug = true;
			break;
		case 'v':
			puts("penstock-agent " PENSTOCK_VERSION);
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	return -1;
}

/* Without a spec, a simulated host offers its VFs. */
static bool simulation_read(const struct options *o, struct agent_settings *settings, struct error *err)
{
	char warning[256];

	if (!simulated_start_in(o->simulate_file, o->simulate, err))
		return false;
	world = &world_simulated;
	return settings->spec_count > 0 ||
	       device_spec_parse("--simulate", SIMULATED_DEVICE_SPEC, &settings->specs, &settings->spec_count,
				 warning, err);
}

/* libvirt loads it only for the devices that it binds itself. */
static void load_vfio(void)
{
	const char *argv[] = {"modprobe", "vfio-pci", NULL};
	char **driver = world->list("/sys/bus/pci/drivers/vfio-pci");
	struct error err;

	if (!driver && !world->run(argv, 30, NULL, &err))
		log_warning("the driver vfio-pci is not there, and devices cannot be given to guests without "
			    "it: %s",
			    err.message);
	world_list_free(driver);
}

static bool folder_make(const char *path, mode_t mode, struct error *err)
{
	_cleanup_free_ char *copy = memory_copy_text(path);

	for (char *slash = strchr(copy + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = '\0';
		if (mkdir(copy, slash ? 0755 : mode) != 0 && errno != EEXIST)
			return error_set_errno(err, ERROR_INTERNAL, errno, "cannot make the folder %s", copy);
		if (!slash)
			return true;
		*slash = '/';
	}
}

/* [libvirt]: what may be plugged into guests, and how long one may take to let go. */
static bool plug_read(const struct config *config, struct error *err)
{
	int64_t ports, attempts, seconds;

	if (!config_int(config, "libvirt", "num_pcie_ports", 0, 0, 28, &ports, err) ||
	    !config_int(config, "libvirt", "device_detach_attempts", 8, 1, 1000, &attempts, err) ||
	    !config_int(config, "libvirt", "device_detach_timeout", 20, 1, 3600, &seconds, err))
		return false;
	vm_set_root_ports(ports);
	plug_configure((int)attempts, (int)seconds);
	return true;
}

static void warn(void *user, const char *sentence)
{
	(void)user;
	log_warning("%s", sentence);
}

static bool settings_read(const struct config *config, struct agent_settings *s, struct error *err)
{
	if (!agent_settings_read(config, s, warn, NULL, err) ||
	    !vm_configure(config_text_given(config, "libvirt", "virt_type", ""), err) ||
	    !network_configure(config_text(config, "penstock", "network_forward", "nat"), err))
		return false;
	libvirt_configure(config_text_given(config, "libvirt", "connection_uri", "qemu:///system"));
	groups_configure(s->grant_mates);
	deadline_configure((int)s->device_timeout, (int)s->libvirt_timeout);
	hook_configure(s->release_hook, (int)s->release_hook_timeout);
	migration_configure(&s->migration);
	vm_confine(cpu_set_is_empty(&s->cpu_shared_set) ? NULL : &s->cpu_shared_set);
	return plug_read(config, err) && folder_make(s->state_dir, 0711, err) &&
	       folder_make(s->folders.instances, 0711, err) && folder_make(s->folders.cache, 0711, err) &&
	       ledger_configure(s->state_dir, err) && quarantine_configure(s->state_dir, err);
}

#define LOCK_WAIT_MS 10000

/* Two agents would undo each other's work.  One that was killed may take a moment to end. */
static bool lock_take(const char *state_dir, struct error *err)
{
	_cleanup_free_ char *path = memory_printf("%s/lock", state_dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* held until the process ends */

	if (fd < 0)
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot open %s", path);
	for (int left = LOCK_WAIT_MS; flock(fd, LOCK_EX | LOCK_NB) != 0; left -= 100) {
		if (left <= 0)
			return error_set(
				err, ERROR_CONFLICT,
				"another penstock-agent works in %s (its lock is taken: fuser -v %s)",
				state_dir, path);
		poll(NULL, 0, 100);
	}
	return true;
}

static bool token_read(const struct options *o, char token[128])
{
	_cleanup_fclose_ FILE *file = o->token_file ? fopen(o->token_file, "re") : NULL;
	const char *given = o->token ? o->token : getenv("PENSTOCK_AGENT_TOKEN");

	if (file)
		return fscanf(file, "%127s", token) == 1;
	snprintf(token, 128, "%s", given ? given : "");
	return given != NULL;
}

static void *signal_loop(void *argument)
{
	int signal_number;

	sigwait(argument, &signal_number);
	agent_stop();
	return NULL;
}

static bool run(const struct options *o, struct error *err)
{
	static struct agent_settings settings;
	static sigset_t signals;
	struct config *config = config_new();
	char token[128], credential[300];
	pthread_t thread;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	if (!config_read_sources(config, &o->sources, err) || !config_accept(config, err) ||
	    !settings_read(config, &settings, err) || !lock_take(settings.state_dir, err) ||
	    (o->simulate && !simulation_read(o, &settings, err)))
		return false;
	world = deadline_world(world);
	if (!physnets_check(config, &settings, err) ||
	    (settings.report_in_placement && !report_check_placement(&settings, err)))
		return false;
	load_vfio();
	snprintf(credential, sizeof credential, "%s/credential", settings.state_dir);
	bool has_token = token_read(o, token);
	if (!controller_join(&settings.controller, credential, has_token ? token : NULL, settings.host, err))
		return false;
	if (pthread_create(&thread, NULL, signal_loop, &signals) != 0)
		return error_set(err, ERROR_INTERNAL, "cannot start threads");
	pthread_detach(thread);
	log_info("penstock-agent %s for %s, %zu device specs", PENSTOCK_VERSION, settings.controller.url,
		 settings.spec_count);
	sd_notify(0, "READY=1");
	return agent_run(&settings, err);
}

int main(int argc, char **argv)
{
	struct options options = {0};
	struct error err;
	int status = options_read(&options, argc, argv);

	/* Many short-lived threads, large inventories now and then: give memory back instead of keeping some
	 * for each. */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 64 * 1024);
	/* Without it each local time, and a config drive has some hundred, looks whether the zone's file has
	 * changed. */
	setenv("TZ", ":/etc/localtime", 0);

	if (status >= 0)
		return status;
	if (options.debug)
		log_set_level(LOG_LEVEL_DEBUG);
	if (run(&options, &err)) {
		log_info("stopped");
		_exit(0); /* the long poll's thread may still wait for its answer */
	}
	log_error("%s", err.message);
	_exit(1); /* so may it here */
}
