/* penstock device: the devices of this host as penstock-agent knows them, and taking one out of quarantine.
 * It reads the agent's files and asks the agent, which alone touches devices. */
#include "agent/settings.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "pci/address.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <yyjson.h>

#define WAIT_SECONDS 150 /* a reset may take its time */
#define POLL_MS	     100

static const char device_usage[] =
	"Usage: penstock device list [--quarantined] [--config-file FILE | --config-dir FOLDER]...\n"
	"       penstock device release ADDRESS [--force] [--config-file FILE | --config-dir FOLDER]...\n"
	"\n"
	"On a host, as root.\n"
	"\n"
	"list     the devices that this host offers: free, taken (by which server), unfit or quarantined, "
	"and why\n"
	"release  has penstock-agent check a quarantined device, reset it (and run [pci] release_hook), and "
	"offer it\n"
	"         again if it is well; else says what is wrong and leaves it.  --force: offers it all the "
	"same.\n"
	"         (What the agent finds wrong with a device of nobody's brings it back into quarantine.)\n";

struct device_options {
	struct config_sources sources;
	bool quarantined, force;
	const char *address;
};

/* As sysfs writes it: it becomes the name of a file. */
static bool is_address(const char *text)
{
	char formatted[PCI_ADDRESS_SIZE];
	pci_address address;

	return pci_address_parse(text, &address) && strcmp(pci_address_format(address, formatted), text) == 0;
}

/* --- the agent's files --- */

static yyjson_doc *file_read(const char *format, ...) __attribute__((format(printf, 1, 2)));
static yyjson_doc *file_read(const char *format, ...)
{
	char path[600];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(path, sizeof path, format, arguments);
	va_end(arguments);
	return yyjson_read_file(path, YYJSON_READ_ALLOW_INVALID_UNICODE, NULL, NULL);
}

static const char *text_of(yyjson_doc *doc, const char *name)
{
	const char *text = yyjson_get_str(yyjson_obj_get(yyjson_doc_get_root(doc), name));

	return text ? text : "";
}

static void no_warning(void *user, const char *sentence)
{
	(void)user;
	(void)sentence; /* the agent has said it */
}

static bool state_dir_read(const struct config_sources *sources, char state_dir[256], struct error *err)
{
	struct config *config = config_new();
	struct agent_settings settings = {0};
	bool ok = config_read_sources(config, sources, err) &&
		  agent_settings_read(config, &settings, no_warning, NULL, err);

	snprintf(state_dir, 256, "%s", settings.state_dir);
	agent_settings_done(&settings);
	config_free(config);
	return ok;
}

/* --- list --- */

static void line(const char *address, const char *name, const char *state, const char *what)
{
	printf("%-12s  %-10s  %-11s  %s\n", address, *name ? name : "-", state, *what ? what : "-");
}

/* Quarantined, or with a server: what the files say now; else what the agent last told the controller. */
static void device_print(const char *state_dir, yyjson_val *device, bool only_quarantined)
{
	const char *address = yyjson_get_str(yyjson_obj_get(device, "address")),
		   *health = yyjson_get_str(yyjson_obj_get(device, "health")),
		   *netdev = yyjson_get_str(yyjson_obj_get(device, "netdev"));
	bool ok = health && strcmp(health, "ok") == 0,
	     offered = yyjson_get_bool(yyjson_obj_get(device, "offered"));

	if (!address || !is_address(address))
		return;
	yyjson_doc *quarantine = file_read("%s/quarantine/%s.json", state_dir, address);
	yyjson_doc *ledger = file_read("%s/ledger/%s", state_dir, address);
	if (quarantine) {
		_cleanup_free_ char *what = memory_printf("since %s: %s", text_of(quarantine, "since"),
							  text_of(quarantine, "reason"));
		line(address, netdev ? netdev : "", "quarantined", what);
	} else if (ledger && !only_quarantined) {
		_cleanup_free_ char *what = memory_printf("server %s", text_of(ledger, "server_id"));
		line(address, netdev ? netdev : "", "taken", what);
	} else if (!only_quarantined) {
		line(address, netdev ? netdev : "",
		     !offered ? "not offered"
		     : ok     ? "free"
			      : "unfit",
		     ok || !health ? "" : health);
	}
	yyjson_doc_free(quarantine);
	yyjson_doc_free(ledger);
}

/* Those that the inventory has no more: they fell off the bus. */
static void missing_print(const char *state_dir, yyjson_val *devices)
{
	_cleanup_free_ char *folder = memory_printf("%s/quarantine", state_dir);
	_cleanup_closedir_ DIR *dir = opendir(folder);
	yyjson_val *device;
	size_t i, max;

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		char address[16];
		bool there = false;

		snprintf(address, sizeof address, "%.12s", entry->d_name);
		if (!text_ends_with(entry->d_name, ".json") || !is_address(address))
			continue;
		yyjson_arr_foreach (devices, i, max, device)
			there |= yyjson_equals_str(yyjson_obj_get(device, "address"), address);
		if (there)
			continue;
		yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
		yyjson_mut_val *object = yyjson_mut_obj(doc);
		yyjson_mut_doc_set_root(doc, object);
		yyjson_mut_obj_add_str(doc, object, "address", address);
		yyjson_doc *made = yyjson_mut_doc_imut_copy(doc, NULL);
		device_print(state_dir, yyjson_doc_get_root(made), true);
		yyjson_doc_free(made);
		yyjson_mut_doc_free(doc);
	}
}

static int list(const struct device_options *o, const char *state_dir)
{
	yyjson_doc *inventory = file_read("%s/inventory.json", state_dir);
	yyjson_val *devices = yyjson_obj_get(yyjson_doc_get_root(inventory), "devices"), *device;
	size_t i, max;

	if (!inventory) {
		fprintf(stderr,
			"penstock: %s/inventory.json cannot be read: has penstock-agent run on this host, "
			"and are you "
			"root?\n",
			state_dir);
		return 1;
	}
	printf("%-12s  %-10s  %-11s  %s\n", "ADDRESS", "NAME", "STATE", "WHY");
	yyjson_arr_foreach (devices, i, max, device)
		device_print(state_dir, device, o->quarantined);
	missing_print(state_dir, devices);
	yyjson_doc_free(inventory);
	return 0;
}

/* --- release --- */

static bool ask(const char *path, const char *word, struct error *err)
{
	_cleanup_free_ char *temporary = memory_printf("%s.new", path);
	_cleanup_fclose_ FILE *file = fopen(temporary, "we");

	return (file && fprintf(file, "%s\n", word) > 0 && fflush(file) == 0 &&
		rename(temporary, path) == 0) ||
	       error_set_errno(err, ERROR_INTERNAL, errno, "cannot write %s", path);
}

/* Until the agent has taken the request away. */
static bool wait_answer(const char *path)
{
	for (int left = WAIT_SECONDS * 1000; left > 0; left -= POLL_MS) {
		if (access(path, F_OK) != 0)
			return true;
		nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
	}
	return false;
}

static int release(const struct device_options *o, const char *state_dir)
{
	_cleanup_free_ char *kept = memory_printf("%s/quarantine/%s.json", state_dir, o->address);
	_cleanup_free_ char *request = memory_printf("%s/quarantine/%s.release", state_dir, o->address);
	_cleanup_free_ char *answer = memory_printf("%s/quarantine/%s.answer", state_dir, o->address);
	char why[1000] = "";
	struct error err;

	if (access(kept, F_OK) != 0) {
		fprintf(stderr, "penstock: %s is not quarantined (%s: %s)\n", o->address, kept,
			strerror(errno));
		return 1;
	}
	unlink(answer);
	if (!ask(request, o->force ? "force" : "check", &err))
		return cli_fail(&err);
	if (!wait_answer(request)) {
		unlink(request);
		fprintf(stderr,
			"penstock: penstock-agent has not answered within %d s: does it run on this host?\n",
			WAIT_SECONDS);
		return 1;
	}
	_cleanup_fclose_ FILE *file = fopen(answer, "re");
	if (file && !fgets(why, sizeof why, file))
		*why = '\0';
	unlink(answer);
	if (*why || !file) {
		fprintf(stderr, "penstock: %s stays in quarantine: %s\n", o->address,
			*why ? why : "the agent gave no reason");
		return 1;
	}
	printf("%s is out of quarantine\n", o->address);
	return 0;
}

/* --- options --- */

static bool options_read(struct device_options *o, int argc, char **argv)
{
	static const struct option longs[] = {CLI_CONFIG_OPTIONS,
					      {"quarantined", no_argument, NULL, 'q'},
					      {"force", no_argument, NULL, 'F'},
					      {"help", no_argument, NULL, 'h'},
					      {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (option == 'q')
			o->quarantined = true;
		else if (option == 'F')
			o->force = true;
		else if (option == 'h' || !cli_source_add(&o->sources, option, optarg))
			return false;
	}
	o->address = optind < argc ? argv[optind++] : NULL;
	return optind == argc;
}

int cli_device(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	struct device_options o = {0};
	char state_dir[256];
	struct error err;

	if (strcmp(what, "--help") == 0)
		return fputs(device_usage, stdout) == EOF;
	bool is_list = strcmp(what, "list") == 0, is_release = strcmp(what, "release") == 0;
	if ((!is_list && !is_release) || !options_read(&o, argc - 1, argv + 1) || (is_list && o.address) ||
	    (is_release && (!o.address || !is_address(o.address)))) {
		fputs(device_usage, stderr);
		return 2;
	}
	if (!state_dir_read(&o.sources, state_dir, &err))
		return cli_fail(&err);
	return is_list ? list(&o, state_dir) : release(&o, state_dir);
}
