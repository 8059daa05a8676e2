/* Tests of config: what oslo.config takes. */
#include "../test.h"

#include "config/config.h"

static const char nova[] = "[DEFAULT]\n"
			   "# a comment\n"
			   "debug = yes\n"
			   "state_path=/var/lib/nova\n"
			   "instances_path = $state_path/instances\n"
			   "pci_alias = {\"vendor_id\": \"8086\",\n"
			   "  \"name\": \"a\"}\n"
			   "pci_alias = {\"name\": \"b\"}\n"
			   "\n"
			   "[pci]\n"
			   "passthrough_whitelist: '{\"devname\": \"p5p1\"}'\n"
			   "price = 5$$\n";

static struct config *load(const char *text)
{
	struct config *config = config_new();
	struct error err;

	assert_true(config_read_text(config, "nova.conf", text, &err));
	return config;
}

static void test_values_references_and_continuations(void **state)
{
	struct config *config = load(nova);
	struct error err;
	bool debug;
	int line;
	const char *file;

	(void)state;
	assert_string_equal(config_text(config, "DEFAULT", "instances_path", ""), "/var/lib/nova/instances");
	assert_string_equal(config_multi(config, "DEFAULT", "pci_alias", 0, NULL, NULL),
			    "{\"vendor_id\": \"8086\",\n\"name\": \"a\"}");
	assert_string_equal(config_multi(config, "DEFAULT", "pci_alias", 1, &file, &line),
			    "{\"name\": \"b\"}");
	assert_string_equal(file, "nova.conf");
	assert_int_equal(line, 8);
	assert_null(config_multi(config, "DEFAULT", "pci_alias", 2, NULL, NULL));
	assert_string_equal(config_text(config, "PCI", "passthrough_whitelist", ""),
			    "{\"devname\": \"p5p1\"}");
	assert_string_equal(config_text(config, "pci", "price", ""), "5$");
	assert_true(config_bool(config, "DEFAULT", "debug", false, &debug, &err) && debug);
	config_free(config);
}

static void test_a_later_file_wins(void **state)
{
	struct config *config = load(nova);
	struct error err;

	(void)state;
	assert_true(config_read_text(config, "ml2.ini", "[DEFAULT]\nstate_path = /srv\n", &err));
	assert_string_equal(config_text(config, "DEFAULT", "instances_path", ""), "/srv/instances");
	config_free(config);
}

static void test_a_bad_value_names_file_line_and_option(void **state)
{
	struct config *config = load("[a]\nx = 70000\ny = maybe\n");
	struct error err;
	int64_t value;
	bool flag;

	(void)state;
	assert_false(config_int(config, "a", "x", 1, 0, 65535, &value, &err));
	assert_string_equal(err.message,
			    "nova.conf:2: [a] x = 70000: expected a whole number from 0 to 65535");
	assert_false(config_bool(config, "a", "y", false, &flag, &err));
	assert_string_equal(err.message, "nova.conf:3: [a] y = maybe: expected true or false");
	config_free(config);
}

static void test_bad_lines_are_refused(void **state)
{
	static const char *const bad[] = {"just words\n", "[open\nx=1\n", "[]\n", "  indented = 1\n",
					  "= 5\n"};
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct config *config = config_new();

		assert_false(config_read_text(config, "f", bad[i], &err));
		assert_memory_equal(err.message, "f:1: ", 5);
		config_free(config);
	}
}

static void test_lists_are_split_at_commas(void **state)
{
	struct config *config = load("[ml2]\nmechanism_drivers = openvswitch , sriovnicswitch,\n");
	char item[64];

	(void)state;
	assert_true(config_list_item(config, "ml2", "mechanism_drivers", 1, item, sizeof item));
	assert_string_equal(item, "sriovnicswitch");
	assert_false(config_list_item(config, "ml2", "mechanism_drivers", 2, item, sizeof item));
	config_free(config);
}

static void test_references_in_a_circle_end(void **state)
{
	struct config *config = load("[DEFAULT]\na = $b\nb = ${a}x\n");

	(void)state;
	assert_non_null(config_text(config, "DEFAULT", "a", NULL));
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_references_and_continuations),
		cmocka_unit_test(test_a_later_file_wins),
		cmocka_unit_test(test_a_bad_value_names_file_line_and_option),
		cmocka_unit_test(test_bad_lines_are_refused),
		cmocka_unit_test(test_lists_are_split_at_commas),
		cmocka_unit_test(test_references_in_a_circle_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
