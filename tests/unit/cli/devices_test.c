/* Tests of `penstock host devices` on a host of files: tests/data/edge-host.  PENSTOCK_GOLDEN=write writes
 * what is printed over what is expected. */
#include "../test.h"

#include "agent/ledger.h"
#include "agent/world.h"
#include "base/memory.h"
#include "cli/device_tree.h"
#include "cli/pci_names.h"
#include "cli/slow_lines.h"
#include "sys/sys.h"

#include <sys/stat.h>

static char *folder; /* a copy of the host, with a file that blocks */

static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void shell(const char *format, ...)
{
	char command[1024], line[1200];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof command, format, arguments);
	va_end(arguments);
	snprintf(line, sizeof line, "cd %s && %s", folder, command);
	assert_int_equal(system(line), 0);
}

static int make(void **state)
{
	(void)state;
	folder = test_folder_make();
	shell("cp -a " HOST "/. .");
	world_files_set_root(folder);
	return 0;
}

static int drop(void **state)
{
	(void)state;
	world_files_set_root("");
	test_folder_remove(folder);
	return 0;
}

static void ignore(void *user, const char *sentence)
{
	(void)user;
	(void)sentence;
}

/* As the file says it, with the agent's folder in the copy; `more` are lines for the end. */
static void settings_make(struct agent_settings *settings, const char *more)
{
	_cleanup_free_ char *path = memory_printf("%s/penstock.conf", folder),
			    *state = memory_printf("[penstock]\nagent_state_path = %s/agent\n%s", folder,
						   more);
	struct config *config = config_new();
	struct error err = {0};

	*settings = (struct agent_settings){0};
	assert_true(config_read_file(config, path, &err) && config_read_text(config, "test", state, &err));
	if (!agent_settings_read(config, settings, ignore, NULL, &err))
		fail_msg("%s", err.message);
	config_free(config);
}

static void look(const char *more, bool all, struct device_tree *tree)
{
	static struct agent_settings settings; /* the tree points into its specs */
	struct tree_wish wish = {.all = all, .deadline_ms = 300};
	struct error err = {0};

	agent_settings_done(&settings);
	settings_make(&settings, more);
	assert_true(device_tree_look(&settings, &wish, tree, &err));
}

static const struct tree_device *find(const struct device_tree *tree, const char *address)
{
	for (size_t i = 0; i < tree->count; i++) {
		if (strcmp(tree->devices[i].known->device.address, address) == 0)
			return &tree->devices[i];
	}
	return NULL;
}

static void state_is(const struct device_tree *tree, const char *address, enum device_state state,
		     const char *reason)
{
	const struct tree_device *device = find(tree, address);

	assert_non_null(device);
	assert_string_equal(device_state_text(device->state), device_state_text(state));
	if (!strstr(device->reason, reason) || !*reason != !*device->reason)
		fail_msg("%s: %s", address, device->reason);
}

static void expect_golden(const char *name, const char *printed)
{
	_cleanup_free_ char *path = memory_printf("%s/%s", HOST, name);
	_cleanup_(text_done) struct text expected = {0};
	const char *write = getenv("PENSTOCK_GOLDEN");
	FILE *file = fopen(path, write ? "w" : "r");
	char buffer[4096];
	size_t count;

	assert_non_null(file);
	if (write)
		fputs(printed, file);
	while (!write && (count = fread(buffer, 1, sizeof buffer, file)) > 0)
		text_add_bytes(&expected, buffer, count);
	fclose(file);
	if (!write)
		assert_string_equal(printed, expected.data);
}

static void test_what_it_prints(void **state)
{
	static const struct {
		const char *name;
		bool all, json;
		struct tree_style style;
	} cases[] = {
		{"devices.txt", .style.utf8 = true},
		{"devices-all.txt", .all = true},
		{"devices-colours.txt", .style.colours = true},
		{"devices.json", .json = true},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
		_cleanup_(text_done) struct text out = {0};
		struct device_tree tree;

		look("", cases[i].all, &tree);
		if (cases[i].json)
			device_tree_json(&tree, &out);
		else
			device_tree_text(&tree, &cases[i].style, &out);
		expect_golden(cases[i].name, out.data);
		device_tree_done(&tree);
	}
}

static void test_states(void **state)
{
	struct device_tree tree;

	(void)state;
	look("", true, &tree);
	state_is(&tree, "0000:07:00.0", DEVICE_UNAVAILABLE, "2 of its VFs are taken");
	state_is(&tree, "0000:07:10.0", DEVICE_FREE, "");
	state_is(&tree, "0000:07:10.2", DEVICE_TAKEN, "");
	assert_string_equal(find(&tree, "0000:07:10.2")->owner->server_name, "sr-iov-instance1");
	state_is(&tree, "0000:07:10.4", DEVICE_QUARANTINED, "all ones");
	state_is(&tree, "0000:07:10.6", DEVICE_HOST, "");
	state_is(&tree, "0000:07:11.0", DEVICE_TAKEN, "");
	assert_true(find(&tree, "0000:07:11.0")->owner->macvtap);
	/* By its name of before, though it has none now. */
	state_is(&tree, "0000:07:00.1", DEVICE_TAKEN, "");
	assert_non_null(find(&tree, "0000:07:00.1")->known->spec);
	state_is(&tree, "0000:83:00.0", DEVICE_UNAVAILABLE,
		 "0000:83:00.1 as well, which the driver nvme holds");
	state_is(&tree, "0000:03:00.0", DEVICE_HOST, "");
	state_is(&tree, "0000:84:00.0", DEVICE_TAKEN, "not on this host any more");
	assert_null(find(&tree, "0000:00:1c.0")); /* a bridge */
	device_tree_done(&tree);
}

static void test_what_nobody_configured_is_shown_only_if_asked_for(void **state)
{
	struct device_tree tree;

	(void)state;
	look("", false, &tree);
	assert_null(find(&tree, "0000:03:00.0"));
	assert_null(find(&tree, "0000:83:00.1"));
	assert_non_null(find(&tree, "0000:07:10.6"));
	device_tree_done(&tree);
}

/* A server that went: what it had is free again. */
static void test_a_device_is_free_when_its_journal_is_gone(void **state)
{
	struct device_tree tree;

	(void)state;
	shell("mv agent/instances/*1 agent/gone-1; mv agent/instances/*2 agent/gone-2");
	look("", false, &tree);
	state_is(&tree, "0000:07:10.2", DEVICE_FREE, "");
	state_is(&tree, "0000:07:00.0", DEVICE_FREE, "");
	device_tree_done(&tree);
	shell("mv agent/gone-1 agent/instances/3f2b8f0e-5d0a-4c39-9d0e-5b7d3c1c0001; "
	      "mv agent/gone-2 agent/instances/3f2b8f0e-5d0a-4c39-9d0e-5b7d3c1c0002");
}

/* What cannot be read is not said to be free. */
static void test_what_cannot_be_seen_is_said(void **state)
{
	_cleanup_free_ char *more = memory_printf("[DEFAULT]\ninstances_path = %s/penstock.conf\n", folder);
	_cleanup_(text_done) struct text out = {0};
	struct device_tree tree;

	(void)state;
	look(more, false, &tree);
	state_is(&tree, "0000:07:10.0", DEVICE_UNKNOWN, "");
	state_is(&tree, "0000:07:10.4", DEVICE_QUARANTINED, "all ones");
	assert_int_equal(tree.owners.unseen_count, 1);
	assert_non_null(strstr(tree.owners.unseen[0], "penstock.conf: Not a directory"));
	device_tree_json(&tree, &out);
	assert_non_null(strstr(out.data, "\"state\": \"unknown\""));
	device_tree_done(&tree);
}

/* Between its entry in the ledger and its journal a device is taken; what is being cleaned is not free. */
static void test_what_the_ledger_says(void **state)
{
	_cleanup_free_ char *agent = memory_printf("%s/agent", folder);
	struct device_tree tree;
	struct error err;
	int64_t grant;

	(void)state;
	assert_true(ledger_configure(agent, &err));
	assert_true(ledger_take("0000:81:00.0", "3f2b8f0e-5d0a-4c39-9d0e-5b7d3c1c0001", &grant, &err));
	assert_true(ledger_take("0000:82:00.0", "00000000-0000-0000-0000-000000000000", &grant, &err));
	look("", false, &tree);
	state_is(&tree, "0000:81:00.0", DEVICE_TAKEN, "");
	assert_string_equal(find(&tree, "0000:81:00.0")->owner->server_name, "sr-iov-instance1");
	state_is(&tree, "0000:82:00.0", DEVICE_UNAVAILABLE, "it is being cleaned");
	device_tree_done(&tree);
	shell("rm -r agent/ledger");
}

static void test_a_journal_that_is_none(void **state)
{
	struct device_tree tree;

	(void)state;
	shell("cp agent/instances/*1/grant.json before; echo '{\"devi' > "
	      "agent/instances/3f2b8f0e-5d0a-4c39-9d0e-5b7d3c1c0001/grant.json");
	look("", false, &tree);
	state_is(&tree, "0000:07:10.2", DEVICE_UNKNOWN, "");
	state_is(&tree, "0000:07:00.1", DEVICE_TAKEN, "");
	device_tree_done(&tree);
	shell("mv before agent/instances/3f2b8f0e-5d0a-4c39-9d0e-5b7d3c1c0001/grant.json");
}

/* Nobody writes to a pipe: reading it blocks, as sriov_numvfs does while a guest has a VF that is to go. */
static void test_a_file_that_blocks(void **state)
{
	_cleanup_(text_done) struct text out = {0};
	struct tree_style style = {0};
	struct device_tree tree;
	int64_t began = sys_monotonic();

	(void)state;
	shell("f=sys/bus/pci/devices/0000:07:00.0/sriov_numvfs; rm $f; mkfifo $f");
	look("", false, &tree);
	assert_true(sys_monotonic() - began < 5000000);
	assert_int_equal(find(&tree, "0000:07:00.0")->numvfs, -1);
	device_tree_text(&tree, &style, &out);
	assert_non_null(strstr(out.data, "? of 63 VFs: reading sriov_numvfs hangs, 5 are there"));
	device_tree_done(&tree);
	/* Opened for both at once, it lets go of who waits for a writer. */
	shell("f=sys/bus/pci/devices/0000:07:00.0/sriov_numvfs; : <> $f; rm $f; echo 5 > $f");
}

static void test_names(void **state)
{
	struct pci_names *names =
		pci_names_parse("8086  Intel\n\t1528  X540\n# said\n\t10c9  82576\r\n10de  NVIDIA\n"
				"\t1eb8  T4\nC 02  Network controller\n\t00  Ethernet controller\n");
	static const struct {
		const char *vendor, *product, *name;
	} cases[] = {{"8086", "1528", "X540"}, {"8086", "10c9", "82576"}, {"8086", "1eb8", NULL},
		     {"10de", "1528", NULL},   {"", "1528", NULL},	  {"ffff", "1528", NULL}};

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
		_cleanup_free_ char *name = pci_names_product(names, cases[i].vendor, cases[i].product);

		assert_true(text_equal(name, cases[i].name));
	}
	_cleanup_free_ char *vendor = pci_names_vendor(names, "10de"),
			    *ethernet = pci_names_class(names, "0200"),
			    *other = pci_names_class(names, "0280"), *none = pci_names_class(names, "0300");
	assert_string_equal(vendor, "NVIDIA");
	assert_string_equal(ethernet, "Ethernet controller");
	assert_string_equal(other, "Network controller");
	assert_null(none);
	pci_names_free(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_it_prints),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_what_nobody_configured_is_shown_only_if_asked_for),
		cmocka_unit_test(test_a_device_is_free_when_its_journal_is_gone),
		cmocka_unit_test(test_what_cannot_be_seen_is_said),
		cmocka_unit_test(test_what_the_ledger_says),
		cmocka_unit_test(test_a_journal_that_is_none),
		cmocka_unit_test(test_a_file_that_blocks),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, make, drop);
}
