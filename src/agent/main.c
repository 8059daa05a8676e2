/* penstock-agent: options, settings, signals. */
#include "agent/agent.h"
#include "agent/libvirt.h"
#include "agent/report.h"
#include "agent/simulated/simulated.h"
#include "agent/vm.h"
#include "agent/world.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/check.h"
#include "config/config.h"

#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#define DEFAULT_STATE_DIR "/var/lib/penstock/agent"

struct options {
	const char *files[32];
	size_t file_count;
	const char *token, *token_file;
	const char *simulate; /* "SERVERS[,PFS[,VFS]]" or NULL */
	bool debug;
};

static void usage(FILE *out)
{
	fputs("Usage: penstock-agent [--config-file FILE]... [--token TOKEN | --token-file FILE] [--debug]\n"
	      "\n"
	      "Runs on each host, as root: tells penstockd what devices there are, programs VFs, runs "
	      "guests.\n"
	      "\n"
	      "  --config-file FILE  read this configuration (nova.conf ...); may be given several times, "
	      "later "
	      "files\n"
	      "                      win; default /etc/penstock/penstock.conf\n"
	      "  --token TOKEN       joins the site with this token (penstock agent-token); needed once; "
	      "also read\n"
	      "                      from the environment: PENSTOCK_AGENT_TOKEN\n"
	      "  --token-file FILE   the same, read from a file\n"
	      "  --simulate SERVERS[,PFS[,VFS]]\n"
	      "                      touches nothing of this host but the state folder: devices, guests and "
	      "networks\n"
	      "                      are made up, room for so many servers (default 16 PFs with 64 VFs "
	      "each);\n"
	      "                      for benchmarks\n"
	      "  --debug             log more\n"
	      "  --version, --help\n"
	      "\n"
	      "Stopping it (SIGTERM) leaves guests running; it takes them up again when it is started.\n",
	      out);
}

static int options_read(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {{"config-file", required_argument, NULL, 'c'},
					      {"token", required_argument, NULL, 't'},
					      {"token-file", required_argument, NULL, 'f'},
					      {"simulate", required_argument, NULL, 's'},
					      {"debug", no_argument, NULL, 'd'},
					      {"version", no_argument, NULL, 'v'},
					      {"help", no_argument, NULL, 'h'},
					      {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (option) {
		case 'c':
			if (o->file_count == ELEMENTS_OF(o->files))
				return 2;
			o->files[o->file_count++] = optarg;
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

static bool config_read(const struct options *o, struct config *config, struct error *err)
{
	bool ok = true;

	for (size_t i = 0; ok && i < o->file_count; i++)
		ok = config_read_file(config, o->files[i], err);
	if (o->file_count == 0 && access("/etc/penstock/penstock.conf", R_OK) == 0)
		ok = config_read_file(config, "/etc/penstock/penstock.conf", err);
	return ok && config_accept(config, err);
}

static bool specs_read(const struct config *config, struct agent_settings *settings, struct error *err)
{
	const char *value, *file;
	char where[300], warning[256];
	size_t checked = 0;
	int line;

	if (!config_bool(config, "pci", "report_in_placement", false, &settings->report_in_placement, err))
		return false;
	for (size_t i = 0; (value = config_multi(config, "pci", "device_spec", i, &file, &line)); i++) {
		snprintf(where, sizeof where, "%s:%d", file, line);
		if (!device_spec_parse(where, value, &settings->specs, &settings->spec_count, warning, err))
			return false;
		if (*warning)
			log_warning("%s", warning);
		for (; checked < settings->spec_count; checked++) {
			if (!device_spec_check_placement(where, &settings->specs[checked],
							 settings->report_in_placement, err))
				return false;
		}
	}
	return true;
}

/* [sriov_nic] physical_device_mappings = physnet:netdev, ... */
static bool mappings_read(const struct config *config, struct agent_settings *settings, struct error *err)
{
	char item[128];

	for (size_t i = 0;
	     config_list_item(config, "sriov_nic", "physical_device_mappings", i, item, sizeof item); i++) {
		struct device_mapping *mapping = ARRAY_ADD(settings->mappings, settings->mapping_count);
		char *colon = strrchr(item, ':');

		if (!colon || colon == item || colon - item > 64 || !colon[1] || strlen(colon + 1) > 15)
			return error_set(err, ERROR_BAD_REQUEST,
					 "[sriov_nic] physical_device_mappings: %s: expected "
					 "physical_network:network_device",
					 item);
		snprintf(mapping->physical_network, sizeof mapping->physical_network, "%.*s",
			 (int)(colon - item), item);
		snprintf(mapping->netdev, sizeof mapping->netdev, "%s", colon + 1);
	}
	return true;
}

static bool is_mapped(const struct agent_settings *settings, const char *netdev)
{
	for (size_t i = 0; i < settings->mapping_count; i++) {
		if (strcmp(settings->mappings[i].netdev, netdev) == 0)
			return true;
	}
	return false;
}

/* [sriov_nic] exclude_devices = netdev:address;address, ...: of PFs that physical_device_mappings names. */
static bool excluded_read(const struct config *config, struct agent_settings *settings, struct error *err)
{
	char item[8192]; /* some hundred addresses */

	for (size_t i = 0; config_list_item(config, "sriov_nic", "exclude_devices", i, item, sizeof item);
	     i++) {
		char *colon = strchr(item, ':'), *rest = NULL;

		if (colon)
			*colon = '\0';
		if (!colon || !is_mapped(settings, item))
			return error_set(
				err, ERROR_BAD_REQUEST,
				"[sriov_nic] exclude_devices: %s: expected "
				"network_device:address;address of a device that physical_device_mappings "
				"names",
				item);
		for (char *address = strtok_r(colon + 1, "; ", &rest); address;
		     address = strtok_r(NULL, "; ", &rest)) {
			if (!is_pci_address(address))
				return error_set(err, ERROR_BAD_REQUEST,
						 "[sriov_nic] exclude_devices: %s is no PCI address like "
						 "0000:07:10.1",
						 address);
			snprintf(ARRAY_ADD(settings->excluded, settings->excluded_count)->address, 16, "%s",
				 address);
		}
	}
	return true;
}

/* "node:0,size:2048,count:64": size in KiB, or with a unit. */
static bool reserved_parse(const char *text, struct reserved_pages *pages)
{
	char unit[8] = "";
	long long node, size, count;

	if (sscanf(text, "node:%lld,size:%lld%7[A-Za-z],count:%lld", &node, &size, unit, &count) != 4) {
		*unit = '\0';
		if (sscanf(text, "node:%lld,size:%lld,count:%lld", &node, &size, &count) != 3)
			return false;
	}
	size *= !*unit || strncasecmp(unit, "k", 1) == 0 ? 1
		: strncasecmp(unit, "m", 1) == 0	 ? 1024
		: strncasecmp(unit, "g", 1) == 0	 ? 1024 * 1024
							 : 0;
	*pages = (struct reserved_pages){.node = (int)node, .size_kb = size, .count = count};
	return node >= 0 && node < 1024 && size > 0 && count >= 0;
}

static bool reserved_read(const struct config *config, struct agent_settings *settings, struct error *err)
{
	const char *value, *file;
	int line;

	for (size_t i = 0; (value = config_multi(config, "DEFAULT", "reserved_huge_pages", i, &file, &line));
	     i++) {
		if (!reserved_parse(value,
				    ARRAY_ADD(settings->reserved_pages, settings->reserved_page_count)))
			return error_set(err, ERROR_BAD_REQUEST,
					 "%s:%d: [DEFAULT] reserved_huge_pages = %s: expected "
					 "node:0,size:2048,count:64 (size in KiB, or with KB, MB, GB)",
					 file, line, value);
	}
	return true;
}

static bool cpu_set_read(const struct config *config, const char *option, struct agent_settings *s,
			 struct cpu_set *set, struct error *err)
{
	const char *text = config_text(config, "compute", option, NULL);
	_cleanup_free_ char *name = memory_printf("[compute] %s", option);

	if (!text || !*text)
		return true;
	s->has_cpu_sets = true;
	return cpu_set_parse(name, text, CPU_SET_MAX, set, err) ||
	       config_blame(config, "compute", option, err);
}

static bool cpu_sets_read(const struct config *config, struct agent_settings *s, struct error *err)
{
	if (!cpu_set_read(config, "cpu_shared_set", s, &s->cpu_shared_set, err) ||
	    !cpu_set_read(config, "cpu_dedicated_set", s, &s->cpu_dedicated_set, err))
		return false;
	if (cpu_set_intersects(&s->cpu_shared_set, &s->cpu_dedicated_set)) {
		error_set(err, ERROR_BAD_REQUEST,
			  "[compute] cpu_shared_set and cpu_dedicated_set have CPUs in common");
		return config_blame(config, "compute", "cpu_dedicated_set", err);
	}
	vm_confine(cpu_set_is_empty(&s->cpu_shared_set) ? NULL : &s->cpu_shared_set);
	return true;
}

/* Without a spec, a simulated host offers its VFs. */
static bool simulation_read(const char *how, struct agent_settings *settings, struct error *err)
{
	char warning[256];

	if (!simulated_start(how, err))
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

static bool settings_read(const struct config *config, struct agent_settings *s, struct error *err)
{
	const char *state = config_text(config, "penstock", "agent_state_path", DEFAULT_STATE_DIR);
	_cleanup_free_ char *instances = memory_printf("%s/instances", state);

	snprintf(s->state_dir, sizeof s->state_dir, "%s", state);
	snprintf(s->folders.instances, sizeof s->folders.instances, "%s",
		 config_text(config, "DEFAULT", "instances_path", instances));
	snprintf(s->folders.cache, sizeof s->folders.cache, "%.240s/images", state);
	snprintf(s->controller.url, sizeof s->controller.url, "%s",
		 config_text(config, "penstock", "controller_url", "http://127.0.0.1:5000"));
	snprintf(s->availability_zone, sizeof s->availability_zone, "%s",
		 config_text(config, "DEFAULT", "default_availability_zone", "nova"));
	libvirt_configure(config_text(config, "libvirt", "connection_uri", "qemu:///system"));
	return vm_configure(config_text(config, "libvirt", "virt_type", ""), err) &&
	       network_configure(config_text(config, "penstock", "network_forward", "nat"), err) &&
	       config_int(config, "DEFAULT", "reserved_host_memory_mb", 512, 0, INT32_MAX,
			  &s->reserved_memory_mb, err) &&
	       specs_read(config, s, err) && mappings_read(config, s, err) &&
	       (excluded_read(config, s, err) || config_blame(config, "sriov_nic", "exclude_devices", err)) &&
	       cpu_sets_read(config, s, err) && reserved_read(config, s, err) &&
	       folder_make(s->state_dir, 0711, err) && folder_make(s->folders.instances, 0711, err) &&
	       folder_make(s->folders.cache, 0711, err);
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
	char host[256], token[128], credential[300];
	pthread_t thread;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	gethostname(host, sizeof host);
	if (!config_read(o, config, err) || !settings_read(config, &settings, err) ||
	    (o->simulate && !simulation_read(o->simulate, &settings, err)) ||
	    (settings.report_in_placement && !report_check_placement(&settings, err)))
		return false;
	load_vfio();
	snprintf(credential, sizeof credential, "%s/credential", settings.state_dir);
	bool has_token = token_read(o, token);
	if (!controller_join(&settings.controller, credential, has_token ? token : NULL,
			     config_text(config, "DEFAULT", "host", host), err))
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
