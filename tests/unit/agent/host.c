/* A simulated host with an image in its cache, and processes that are killed while they work on it. */
#include "host.h"

#include "../test.h"

#include "agent/ledger.h"
#include "agent/quarantine.h"
#include "agent/simulated/simulated.h"
#include "base/memory.h"
#include "wanted.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

char *host_folder;
struct host_folders folders;
struct controller controller; /* nobody there: the image is in the cache */
char not_offered[16];

static bool offered(const char *address)
{
	return strcmp(address, not_offered) != 0;
}

char trouble[600];

static void note_trouble(const char *port_id, bool held, const char *why, void *argument)
{
	(void)held;
	(void)argument;
	snprintf(trouble, sizeof trouble, "%s: %s", port_id, why);
}

struct lifecycle life = {.folders = &folders,
			 .controller = &controller,
			 .offered = offered,
			 .trouble = note_trouble};

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

void begin_again(void)
{
	struct error err;

	assert_true(ledger_configure(host_folder, &err) && quarantine_configure(host_folder, &err));
}

static int make_host(const char *host)
{
	struct error err;

	host_folder = test_folder_make();
	snprintf(folders.instances, sizeof folders.instances, "%s/instances", host_folder);
	snprintf(folders.cache, sizeof folders.cache, "%s/images", host_folder);
	assert_int_equal(mkdir(folders.instances, 0755), 0);
	assert_int_equal(mkdir(folders.cache, 0755), 0);
	char *image = memory_printf("%s/" IMAGE, folders.cache);
	write_text(image, "test");
	free(image);
	begin_again();
	assert_true(simulated_start(host, &err));
	world = &world_simulated;
	*not_offered = *trouble = '\0';
	return 0;
}

int make(void **state)
{
	(void)state;
	return make_host("4,2,4");
}

int drop(void **state)
{
	(void)state;
	simulated_on_change = NULL;
	simulated_end();
	world = &world_real;
	life.mates = NULL;
	struct error ignored;
	ledger_configure("", &ignored);
	quarantine_configure("", &ignored);
	test_folder_remove(host_folder);
	return 0;
}

bool has_file(const char *name)
{
	char *path = memory_printf("%s/" WANTED_ID "/%s", folders.instances, name);
	bool there = access(path, F_OK) == 0;

	free(path);
	return there;
}

static void assert_list_is_empty(const char *when, const char *what, char **names)
{
	if (names[0])
		fail_msg("%s: %s %s", when, what, names[0]);
	world_list_free(names);
}

void assert_nothing_left(const char *when)
{
	char why[300];

	if (!simulated_is_pristine(why, sizeof why))
		fail_msg("%s: %s", when, why);
	if (has_file(""))
		fail_msg("%s: the server's folder is there", when);
	assert_list_is_empty(when, "the ledger has", ledger_list());
	assert_list_is_empty(when, "quarantined:", quarantine_list());
}

enum server_outcome set_up(yyjson_doc *doc)
{
	struct error err = {0};
	enum server_outcome outcome = server_setup(&life, yyjson_doc_get_root(doc), &err);

	if (outcome == SERVER_FAILED)
		print_message("%s\n", err.message);
	return outcome;
}

void assert_driver(const char *address, const char *wanted)
{
	char *path = memory_printf("/sys/bus/pci/devices/%s/driver", address), driver[32];

	world->link(path, driver, sizeof driver);
	free(path);
	assert_string_equal(driver, wanted);
}

void take_down(const char *when)
{
	struct error err;

	if (!server_teardown(&life, WANTED_ID, &err))
		fail_msg("%s: %s", when, err.message);
	assert_nothing_left(when);
}

/* --- killed --- */

static int *changes; /* counted down; shared with the process that is killed */
char *last_change;

static void kill_before_the_last(const char *what)
{
	if (--*changes > 0)
		return;
	snprintf(last_change, 200, "%s", what);
	_exit(9);
}

bool killed_at(int n, bool (*work)(void))
{
	int status;

	*changes = n;
	pid_t pid = fork();
	if (pid == 0) {
		simulated_on_change = kill_before_the_last;
		_exit(work() ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 1);
	return WEXITSTATUS(status) == 9;
}

int make_killable_host(const char *host)
{
	changes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	last_change = (char *)(changes + 1);
	return make_host(host);
}

int make_killable(void **state)
{
	(void)state;
	return make_killable_host("4,2,4");
}

int drop_killable(void **state)
{
	munmap(changes, 4096);
	return drop(state);
}
