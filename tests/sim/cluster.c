/* Making a site, starting it, breaking it. */
#include "cluster.h"

#include "checks.h"
#include "disk.h"
#include "faults.h"
#include "fiber.h"
#include "hosts.h"
#include "net.h"
#include "trace.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct daemon *controller, *agents[HOSTS_MAX], *command, *eye;
static int hosts = 3;
static char build[300], token[80];
char cluster_token[400];

struct daemon *cluster_controller(void)
{
	return controller;
}

struct daemon *cluster_agent(int host)
{
	return agents[host - 1];
}

int cluster_hosts(void)
{
	return hosts;
}

/* --- what the programs are told --- */

static char *in_root(const char *format, int number)
{
	char *path = malloc(200), name[100];

	snprintf(name, sizeof name, format, number);
	snprintf(path, 200, "%s/site/%s", disk_root(), name);
	return path;
}

static void file_put(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	if (!file || fputs(text, file) < 0 || fclose(file) != 0) {
		fprintf(stderr, "sim: cannot write %s\n", path);
		syscall(SYS_exit_group, 2);
	}
}

static void configure_controller(void)
{
	char text[1500];

	snprintf(text, sizeof text,
		 "[DEFAULT]\nstate_path = %s\n"
		 "[penstock]\nlisten = 127.0.0.1\nport = 5000\npublic_url = http://controller:5000\n"
		 "[DEFAULT]\ninstance_build_timeout = 600\n[penstock]\naction_timeout = 600\nmove_timeout = "
		 "900\n"
		 "[identity]\npassword_hash_rounds = 4\n[token]\nexpiration = 864000\n"
		 "[pci]\nalias = {\"name\": \"vf\", \"vendor_id\": \"8086\", \"product_id\": \"10ca\", "
		 "\"device_type\": \"type-VF\"}\n"
		 "[quota]\ninstances = 200\ncores = 400\nram = 400000\n"
		 "[ml2]\nmechanism_drivers = sriovnicswitch,openvswitch\nproject_network_types = "
		 "vlan\n[ml2_type_vlan]\nnetwork_vlan_ranges = "
		 "physnet_sriov:100:199\n",
		 in_root("controller", 0));
	file_put(in_root("controller.conf", 0), text);
	controller->arguments[0] = "penstockd";
	controller->arguments[1] = "--config-file";
	controller->arguments[2] = in_root("controller.conf", 0);
}

static bool narrow[HOSTS_MAX + 1]; /* the host offers not all of its VFs */

static void configure_host(int host)
{
	char text[1500];

	snprintf(text, sizeof text,
		 "[DEFAULT]\nhost = h%d\n"
		 "[penstock]\ncontroller_url = http://controller:5000\nagent_state_path = %s/state\n"
		 "[compute]\ncpu_dedicated_set = 1-3,6-8\ncpu_shared_set = 0,4,5,9\n"
		 "[libvirt]\nlive_migration_uri = simulated:%s/%%s.host\nlive_migration_inbound_addr = h%d\n"
		 "[pci]\ndevice_spec = {\"vendor_id\": \"8086\", \"product_id\": \"10ca\", %s"
		 "\"physical_network\": \"physnet_sriov\"}\n",
		 host, in_root("h%d", host), in_root("", 0), host,
		 narrow[host] ? "\"address\": {\"function\": \"[0-1]\"}, " : "");
	file_put(in_root("h%d/agent.conf", host), text);
}

bool cluster_offers(int host, int vf)
{
	return !narrow[host] || vf < 2;
}

void cluster_offer(int host, bool all)
{
	struct daemon *agent = cluster_agent(host);

	if (narrow[host] == !all)
		return;
	trace(TRACE_WORLD, "h%d offers %s of its VFs, and its agent is started again", host,
	      all ? "all" : "some");
	narrow[host] = !all;
	configure_host(host);
	if (agent->runs) {
		checks_disturbed(agent);
		cluster_strike(agent, 0);
	}
}

static void configure_agent(int host)
{
	struct daemon *agent = agents[host - 1];

	configure_host(host);
	const char *arguments[] = {"penstock-agent",
				   "--config-file",
				   in_root("h%d/agent.conf", host),
				   "--token",
				   token,
				   "--simulate",
				   "8,1,4",
				   "--simulate-file",
				   in_root("h%d.host", host)};
	memcpy(agent->arguments, arguments, sizeof arguments);
	agent->host = host;
}

static void configure(void)
{
	configure_controller();
	for (int host = 1; host <= hosts; host++)
		configure_agent(host);
}

/* --- the operator's command, within --- */

static char said[300];

/* Of the command: what it prints. */
int puts(const char *text)
{
	if (!fiber_daemon())
		return fprintf(stdout, "%s\n", text);
	snprintf(said, sizeof said, "%s", text);
	return 1;
}

static bool command_over(void)
{
	return !command->runs;
}

static void command_run(const char *const *words)
{
	memset(command->arguments, 0, sizeof command->arguments);
	for (size_t i = 0; words[i]; i++)
		command->arguments[i] = words[i];
	daemon_start(command);
	fiber_run(command_over);
	if (command->status != 0) {
		fprintf(stderr, "sim: penstock %s ended with %d: %s\n", words[1], command->status, said);
		trace_tell();
		syscall(SYS_exit_group, 2);
	}
}

/* --- a site --- */

static struct daemon *load(const char *name, const char *module, const char *library)
{
	char path[400];

	snprintf(path, sizeof path, "%s/tests/sim/%s", build, module);
	return daemon_load(name, path, library);
}

static void bootstrap(void)
{
	const char *conf = in_root("controller.conf", 0), *out = in_root("", 0);

	command_run((const char *[]){"penstock", "bootstrap", "--config-file", conf, "--password", "secret",
				     "--output", out, NULL});
	command_run((const char *[]){"penstock", "agent-token", "--config-file", conf, NULL});
	snprintf(token, sizeof token, "%s", said);
}

static void thread_variables(struct daemon *daemon)
{
	daemon->thread_variables[0] = daemon_symbol(daemon, "deadline_errand_now");
	daemon->thread_variables[1] = daemon_symbol(daemon, "simulated_other");
}

static void switched(struct daemon *daemon, void **kept, bool in)
{
	for (int i = 0; daemon && daemon->thread_variables[i] && i < 2; i++) {
		void **variable = daemon->thread_variables[i];

		if (in) {
			*variable = kept[i];
		} else {
			kept[i] = *variable;
			*variable = NULL;
		}
	}
}

static void (*preparing)(void);

static void *prepare_loop(void *unused)
{
	(void)unused;
	fiber_sleep(1000000);
	preparing();
	preparing = NULL;
	return NULL;
}

static bool is_prepared(void)
{
	return !preparing;
}

/* What every seed begins with is made once, by a controller that is killed then. */
static void prepare_site(void (*work)(void))
{
	preparing = work;
	daemon_start(controller);
	fiber_start(NULL, "prepare", prepare_loop, NULL);
	fiber_run(is_prepared);
	daemon_kill(controller);
}

void cluster_prepare(const char *folder, void (*work)(void))
{
	char name[20], path[100];

	snprintf(build, sizeof build, "%s", folder);
	disk_begin();
	snprintf(path, sizeof path, "%s/site", disk_root());
	mkdir(path, 0700);
	controller = load("controller", "sim-controller.so", "libsqlite3.so.0");
	command = load("penstock", "sim-command.so", "libsqlite3.so.0");
	eye = load("eye", "sim-agent.so", NULL);
	for (int host = 1; host <= hosts; host++) {
		snprintf(name, sizeof name, "h%d", host);
		mkdir(in_root("h%d", host), 0700);
		agents[host - 1] = load(name, "sim-agent.so", NULL);
		thread_variables(agents[host - 1]);
	}
	fiber_switched = switched;
	configure();
	bootstrap();
	configure();
	prepare_site(work);
}

static void *supervise(void *unused);

#define LATE_US INT64_C(1200000000)

void cluster_begin(void)
{
	disk_fork();
	configure();
	daemon_start(controller);
	for (int host = 1; host < hosts; host++)
		daemon_start(agents[host - 1]);
	/* The last host joins later, in some sites. */
	agents[hosts - 1]->down_until = sim_below(3) ? 0 : (int64_t)sim_below(LATE_US);
	fiber_start(NULL, "systemd", supervise, NULL);
}

/* --- breaking it --- */

#define RESTART_US INT64_C(2000000) /* as their units have it */

/* What systemd does. */
static void *supervise(void *unused)
{
	(void)unused;
	for (;;) {
		fiber_sleep(500000);
		for (int i = 0; i <= hosts; i++) {
			struct daemon *daemon = i == 0 ? controller : agents[i - 1];

			if (!daemon->runs && sim_now() >= daemon->ended_at + RESTART_US &&
			    sim_now() >= daemon->down_until)
				daemon_start(daemon);
		}
	}
	return NULL;
}

void cluster_strike(struct daemon *daemon, int64_t down)
{
	daemon->down_until = sim_now() + down;
	if (daemon == controller)
		net_server_died();
	daemon_kill(daemon);
}

void cluster_power_cut(struct daemon *daemon, int64_t down)
{
	char folder[200];

	snprintf(folder, sizeof folder, "%s/site/%s/", disk_root(), daemon->name);
	trace(TRACE_FAULT, "the power of %s is cut", daemon->name);
	cluster_strike(daemon, down);
	disk_power_cut(folder);
	if (daemon != controller) {
		hosts_boot(daemon->host);
		return;
	}
	snprintf(folder, sizeof folder, "%s/site/controller/penstock.db-shm", disk_root());
	unlink(folder);
}

/* --- looking at hosts --- */

void *cluster_eye(const char *symbol)
{
	return daemon_symbol(eye, symbol);
}

const char *cluster_host_file(int host)
{
	static char *files[HOSTS_MAX + 1];

	free(files[host]);
	return files[host] = in_root("h%d.host", host);
}
