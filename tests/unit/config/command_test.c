/* Tests of `penstock config`: exit statuses, what it prints, and that docs/configuration.md,
 * etc/penstock.conf and man/penstock.conf.5 are what it prints. */
#include "../test.h"

#include "base/memory.h"
#include "base/text.h"

#include <dirent.h>
#include <sys/wait.h>

/* Runs the command with its errors; the exit status, and everything that it prints. */
static int run(const char *arguments, struct text *printed)
{
	_cleanup_free_ char *command = memory_printf("%s config %s 2>&1", PROGRAM, arguments);
	FILE *pipe = popen(command, "r");
	char buffer[4096];
	size_t count;
	int status;

	assert_non_null(pipe);
	while ((count = fread(buffer, 1, sizeof buffer, pipe)) > 0)
		text_add_bytes(printed, buffer, count);
	status = pclose(pipe);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void expect(const char *arguments, int status, const char *begin)
{
	_cleanup_(text_done) struct text printed = {0};
	int was = run(arguments, &printed);

	if (was != status || !text_starts_with(printed.data ? printed.data : "", begin))
		fail_msg("%s: %d, %s", arguments, was, printed.data ? printed.data : "nothing");
}

static void test_its_own_words(void **state)
{
	(void)state;
	expect("check --help", 0, "Usage: penstock config check FILE...");
	expect("", 2, "Usage: ");
	expect("check", 2, "Usage: ");
	expect("check /does/not/exist", 1, "error: cannot read /does/not/exist: No such file");
	expect("options", 0, "# Configuration\n");
}

/* What `penstock config FORMAT` prints is in the file, to the letter. */
static void expect_file(const char *format, const char *name)
{
	_cleanup_(text_done) struct text printed = {0};
	_cleanup_free_ char *path = memory_printf(PROJECT "/%s", name);
	_cleanup_fclose_ FILE *file = fopen(path, "r");
	char line[4096];

	assert_non_null(file);
	assert_int_equal(run(format, &printed), 0);
	for (const char *at = printed.data; *at; at += strlen(line)) {
		if (!fgets(line, sizeof line, file) || !text_starts_with(at, line))
			fail_msg("%s differs from `penstock config %s` at: %.200s", name, format, at);
	}
	assert_null(fgets(line, sizeof line, file));
}

static void test_the_documentation_is_what_it_prints(void **state)
{
	(void)state;
	expect_file("options", "docs/configuration.md");
	expect_file("sample", "etc/penstock.conf");
	expect_file("manual", "man/penstock.conf.5");
}

/* With every option of the example set to what stands behind it: all of it is allowed, and nothing is
 * unknown. */
static void test_the_example_may_be_uncommented(void **state)
{
	_cleanup_(text_done) struct text sample = {0}, printed = {0};
	char *folder = test_folder_make();
	_cleanup_free_ char *path = memory_printf("%s/penstock.conf", folder),
			    *arguments = memory_printf("check %s", path);
	FILE *file = fopen(path, "w");

	(void)state;
	assert_int_equal(run("sample", &sample), 0);
	for (char *line = strtok(sample.data, "\n"); line; line = strtok(NULL, "\n")) {
		bool is_option = *line == '#' && line[1] != ' ' && strstr(line, " =");

		if (is_option && text_ends_with(line, "= "))
			fail_msg("there is no example: %s", line);
		fprintf(file, "%s\n", line + is_option);
	}
	fclose(file);
	assert_int_equal(run(arguments, &printed), 0);
	if (printed.data)
		fail_msg("%s", printed.data);
	test_folder_remove(folder);
}

static void test_the_demo_is_good(void **state)
{
	(void)state;
	_cleanup_(text_done) struct text printed = {0};

	assert_int_equal(run("check " PROJECT "/demo/nova.conf " PROJECT "/demo/ml2_conf.ini " PROJECT
			     "/demo/penstock.conf",
			     &printed),
			 0);
	for (const char *line = printed.data; line && *line; line = strchr(line, '\n') + 1)
		assert_true(text_starts_with(line, "warning: " PROJECT "/demo/") &&
			    strstr(line, ": older name of "));
}

/* All of etc/ together and each file alone, without a word. */
static void test_the_examples_are_good(void **state)
{
	_cleanup_free_ struct dirent **entries = NULL;
	_cleanup_(text_done) struct text all = {0}, printed = {0};
	int count = scandir(PROJECT "/etc", &entries, NULL, alphasort);

	(void)state;
	text_add(&all, "check");
	for (int i = 0; i < count; i++) {
		_cleanup_free_ char *one = memory_printf("check " PROJECT "/etc/%s", entries[i]->d_name);

		if (*entries[i]->d_name != '.') {
			text_addf(&all, " " PROJECT "/etc/%s", entries[i]->d_name);
			assert_int_equal(run(one, &printed), 0);
		}
		free(entries[i]);
	}
	assert_true(all.length > strlen("check"));
	assert_int_equal(run(all.data, &printed), 0);
	if (printed.data)
		fail_msg("%s", printed.data);
}

static void test_what_it_says_of_files(void **state)
{
	static const struct {
		const char *text;
		int status;
		const char *says; /* "FILE" stands before it */
	} cases[] = {
		{"[pci]\ndevice_spec = {\"devname\": \"eth3\", \"physical_network\": \"physnet1\"}\n"
		 "alias = {\"name\": \"gpu\", \"vendor_id\": \"10de\", \"product_id\": \"1eb8\"}\n",
		 0, NULL},
		{"[pci]\ndevice_spec\n", 1, ":2: expected `option = value`"},
		{"[quota]\ncores = many\n", 1, ":2: [quota] cores = many: expected a whole number"},
		{"[pci]\ndevice_specs = {}\n", 0, ":2: [pci] device_specs: there is no such option"},
		{"[pci]\ndevice_spec = {'devname': 'eth3'}\n", 1, ":2: Invalid [pci]device_spec config"},
		{"[pci]\ndevice_spec = {\"devname\": \"eth3\", \"physnet\": \"physnet1\"}\n", 0,
		 ":2: device spec: unknown key \"physnet\" is kept as a tag (the nearest known key is "
		 "physical_network, 9 letters "
		 "away)"},
		{"[pci]\n\nalias = {\"name\": \"b\", \"vendor_id\": \"10de\"}\n", 1,
		 ":3: [pci] alias: Invalid PCI alias definition"},
		{"[compute]\ncpu_shared_set = 0-3\ncpu_dedicated_set = 3-5\n", 1,
		 ":3: [compute] cpu_dedicated_set = 3-5: it has CPUs in common with cpu_shared_set"},
		{"[compute]\ncpu_shared_set = 3-0\n", 1,
		 ":2: [compute] cpu_shared_set: '3-0' is no list of CPUs"},
		{"[compute]\ncpu_shared_set = 1024\n", 1, ":2: [compute] cpu_shared_set: '1024' names a CPU"},
		{"[DEFAULT]\nbase_mac = fb:16:3e:4f:00:00\n", 1,
		 ":2: [DEFAULT] base_mac = fb:16:3e:4f:00:00: expected a unicast MAC address"},
		{"[DEFAULT]\nbase_mac =\n", 1, ":2: [DEFAULT] base_mac = : expected a unicast MAC address"},
		{"[database]\nconnection = postgresql://penstock:secret@db/penstock\n", 1,
		 ":2: [database] connection = (not shown): only sqlite:///FILE is built"},
		{"[penstock]\nagent_state_path = agent\n", 1,
		 ":2: [penstock] agent_state_path = agent: expected a path that begins with /"},
		{"[ml2]\ntype_drivers = flat\nproject_network_types = vlan\n", 1,
		 ":3: [ml2] project_network_types: 'vlan': it is not in [ml2] type_drivers"},
		{"[sriov_nic]\nphysical_device_mappings = physnet1:eth3\nexclude_devices = "
		 "eth4:0000:07:00.2\n",
		 1,
		 ":3: [sriov_nic] exclude_devices: 'eth4:0000:07:00.2': its network device is not in "
		 "physical_device_mappings"},
		{"[sriov_nic]\nphysical_device_mappings = physnet1:eth3\nexclude_devices = "
		 "eth3:0000:07:00.2,eth3:\n",
		 1, ":3: [sriov_nic] exclude_devices: 'eth3:': its network device has an item already"},
		{"[sriov_nic]\nphysical_device_mappings = physnet1:eth3\nresource_provider_bandwidths = "
		 "eth4:1000:\n",
		 1, ":3: [sriov_nic] resource_provider_bandwidths: 'eth4:1000:': its network device is not"},
		{"[sriov_driver]\nvnic_type_prohibit_list = direct,macvtap,direct-physical\n", 1,
		 ":2: [sriov_driver] vnic_type_prohibit_list = direct,macvtap,direct-physical: it leaves no"},
	};
	char *folder = test_folder_make();
	_cleanup_free_ char *path = memory_printf("%s/nova.conf", folder),
			    *arguments = memory_printf("check %s", path);

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
		_cleanup_free_ char *says =
			memory_printf("%s: %s%s", cases[i].status ? "error" : "warning", path, cases[i].says);
		FILE *file = fopen(path, "w");

		assert_non_null(file);
		fputs(cases[i].text, file);
		fclose(file);
		expect(arguments, cases[i].status, cases[i].says ? says : "");
	}
	test_folder_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_its_own_words),
		cmocka_unit_test(test_the_documentation_is_what_it_prints),
		cmocka_unit_test(test_the_example_may_be_uncommented),
		cmocka_unit_test(test_the_demo_is_good),
		cmocka_unit_test(test_the_examples_are_good),
		cmocka_unit_test(test_what_it_says_of_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
