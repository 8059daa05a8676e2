/* Tests of config: what oslo.config takes, and what it makes of it. */
#include "../test.h"

#include "config/config.h"

static struct error err;

static struct config *load(const char *text)
{
	struct config *config = config_new();

	if (!config_read_text(config, "nova.conf", text, &err))
		fail_msg("%s", err.message);
	return config;
}

/* What [x] a of this file is; NULL if the file is refused. */
static char *value_of(const char *text)
{
	struct config *config = config_new();
	bool ok = config_read_text(config, "nova.conf", text, &err);
	const char *value = config_text(config, "x", "a", "unset");
	char *copy = ok ? strdup(value) : NULL;

	config_free(config);
	return copy;
}

struct value_case {
	const char *text, *value;
};

static void check_values(const struct value_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *value = value_of(cases[i].text);

		if (!value || strcmp(value, cases[i].value) != 0)
			fail_msg("case %zu: '%s', expected '%s' (%s)", i, value ? value : "refused",
				 cases[i].value, value ? "" : err.message);
		free(value);
	}
}

#define CHECK_VALUES(cases) check_values(cases, sizeof(cases) / sizeof *(cases))

static void test_the_syntax_of_values(void **state)
{
	static const struct value_case cases[] = {
		{"[x]\na=1", "1"},
		{"[x]\r\na = 1\r\n", "1"},
		{"\xef\xbb\xbf[x]\na = 1\n", "1"},
		{"[x]\na: b=c\n", "b=c"},
		{"[x]\na = b:c\n", "b:c"},
		{"[x]\n\n# a = 2\n; a = 3\n  \na\t=\t 1 \t\n", "1"},
		{"[x]\na =\n", ""},
		{"[x]\na = ''\n", ""},
		{"[x]\na = \"1 \"\n", "1 "},
		{"[x]\na = '\n", ""},
		{"[x]\na = \"1'\n", "\"1'"},
		{"[x]\na = \"1\" \"2\"\n", "1\" \"2"},
		{"[x]\na = 1 # no comment\n", "1 # no comment"},
		{"[x]\na = 1\n[y]\na = 2\n[x]\nb = 3\n", "1"},
		{"[x]\na = 1\n[y]\n[x]\na = 2\n", "2"},
		{"[X]\na = 1\n", "1"},
		{"[x]\nA = 1\n", "unset"},
		{"[x ]\na = 1\n", "unset"},
		{"[x]\na\xc2\xa0=\xc2\xa0\xe2\x80\x89yes\xe3\x80\x80\n", "yes"},
	};

	(void)state;
	CHECK_VALUES(cases);
}

static void test_indented_lines_continue_an_option(void **state)
{
	static const struct value_case cases[] = {
		{"[x]\na = 1\n  2\n\t3\nb = 4\n", "1\n2\n3"},
		{"[x]\na =\n  1\n", "\n1"},
		{"[x]\na = '1\n  2'\n", "'1\n2'"},
		{"[x]\na = 1\n  b = 2\n", "1\nb = 2"},
		{"[x]\na = 1\n  # 2\n", "1\n# 2"},
		{"[x]\na = 1\n \n", "1"},
	};

	(void)state;
	CHECK_VALUES(cases);
}

static void test_bad_lines_are_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{"[x]\njust words\n", "f:2: expected `option = value`, [section] or a comment, found: just"},
		{"[open\nx=1\n", "f:1: expected [section] with nothing after it, found: [open"},
		{"[x] # y\n", "f:1: expected [section] with nothing after it"},
		{"[]\n", "f:1: expected a section with a name"},
		{"  indented = 1\n", "f:1: expected an option before this indented line"},
		{"[x]\na = 1\n# comment\n  2\n", "f:4: expected an option before"},
		{"[x]\na = 1\n\n  2\n", "f:4: expected an option before"},
		{"[x]\r\r\n= 5\n", "f:3: expected an option's name"},
		{"a = 5\n", "f:1: expected a [section] before the first option"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct config *config = config_new();

		assert_false(config_read_text(config, "f", bad[i].text, &err));
		if (strncmp(err.message, bad[i].says, strlen(bad[i].says)) != 0)
			fail_msg("'%s' instead of '%s'", err.message, bad[i].says);
		config_free(config);
	}
}

static void test_references(void **state)
{
	static const struct value_case cases[] = {
		{"[x]\nb = 1\na = $b/2\n", "1/2"},
		{"[x]\nb = 1\na = ${b}2\n", "12"},
		{"[x]\na = $b\nb = $c\nc = 3\n", "3"},
		{"[DEFAULT]\nb = 1\n[x]\na = $b\n", "1"},
		{"[DEFAULT]\nb = 1\n[x]\nb = 2\na = $b\n", "2"},
		{"[y]\nb = 1\n[x]\na = $y.b-${y.b}\n", "1-1"},
		{"[DEFAULT]\nc = 1\n[y]\nc = 2\nb = $c\n[x]\nc = 3\na = $y.b\n", "2"},
		{"[DEFAULT]\nb = 1\n[x]\na = $DEFAULT.b\n", "1"},
		{"[x]\nb = 1\na = $$b \\$b 5$ ${b $5 \\b\n", "$b $b 5$ ${b $5 \\b"},
		{"[x]\na = pa$word ${y.z}\n", "pa$word ${y.z}"},
		{"[x]\na = $ml2.project_network_types\n", "local"},
		{"[ml2]\ntenant_network_types = vlan\n[x]\na = $ml2.project_network_types\n", "vlan"},
		{"[x]\nb =\na = ($b)\n", "()"},
	};

	(void)state;
	CHECK_VALUES(cases);
}

static void test_references_in_a_circle_end(void **state)
{
	static const struct value_case cases[] = {
		{"[x]\na = $a\n", "$a"},
		{"[x]\na = $b\nb = ${a}x\n", "$b"},
		{"[x]\na = $b$b$b$b$b$b$b$b\nb = $c$c$c$c$c$c$c$c\nc = $d$d$d$d$d$d$d$d\nd = "
		 "$e$e$e$e$e$e$e$e\ne "
		 "=\n",
		 "$b$b$b$b$b$b$b$b"},
	};

	(void)state;
	CHECK_VALUES(cases);
}

static void test_a_later_file_wins(void **state)
{
	struct config *config = load("[DEFAULT]\nstate_path = /var\npath = $state_path/x\n");

	(void)state;
	assert_true(config_read_text(config, "ml2.ini", "[DEFAULT]\nstate_path = /srv\n", &err));
	assert_string_equal(config_text(config, "DEFAULT", "path", ""), "/srv/x");
	config_free(config);
}

static void test_multi_valued_options_keep_all_values_of_all_files(void **state)
{
	struct config *config = load("[pci]\ndevice_spec = 1\n[x]\ny = 1\n[pci]\ndevice_spec = 2\n"
				     "[DEFAULT]\npci_passthrough_whitelist = older\n");
	const char *file, *values[] = {"older", "1", "2", "whitelist", "3"};
	int line;

	(void)state;
	assert_true(config_read_text(config, "b.conf",
				     "[PCI]\ndevice_spec = 3\npassthrough_whitelist = whitelist\n", &err));
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(config_multi(config, "pci", "device_spec", i, &file, &line), values[i]);
	assert_string_equal(file, "b.conf");
	assert_int_equal(line, 2);
	assert_null(config_multi(config, "pci", "device_spec", 5, NULL, NULL));
	config_free(config);
}

static void test_older_names(void **state)
{
	struct config *config = load("[ml2]\nproject_network_types = vlan\ntenant_network_types = flat\n");

	(void)state;
	assert_string_equal(config_text(config, "ml2", "project_network_types", ""), "vlan");
	assert_true(config_read_text(config, "b.conf", "[ml2]\ntenant_network_types = local\n", &err));
	assert_string_equal(config_text(config, "ml2", "project_network_types", ""), "local");
	assert_null(config_text(config, "ml2", "tenant_network_types", NULL));
	config_free(config);
}

static void test_default_is_a_group_of_its_own(void **state)
{
	struct config *config = load("[DEFAULT]\nx = 1\n[default]\nx = 2\n");

	(void)state;
	assert_string_equal(config_text(config, "DEFAULT", "x", ""), "1");
	assert_string_equal(config_text(config, "Default", "x", ""), "2");
	config_free(config);
}

static void test_numbers_and_booleans(void **state)
{
	struct config *config =
		load("[a]\nplus = +5\nthousand = 1_000\nempty =\nhalf = 0.5\nten = 1e1\nyes = On\n");
	int64_t value;
	double number;
	bool flag;

	(void)state;
	assert_true(config_int(config, "a", "plus", 1, 0, 9, &value, &err) && value == 5);
	assert_true(config_int(config, "a", "thousand", 1, 0, 9999, &value, &err) && value == 1000);
	assert_true(config_int(config, "a", "empty", 7, 0, 9, &value, &err) && value == 7);
	assert_true(config_int(config, "a", "none", 7, 0, 9, &value, &err) && value == 7);
	assert_true(config_number(config, "a", "half", 1, 0, 9, &number, &err) && number == 0.5);
	assert_true(config_number(config, "a", "ten", 1, 0, 99, &number, &err) && number == 10);
	assert_true(config_number(config, "a", "empty", 1.5, 0, 9, &number, &err) && number == 1.5);
	assert_true(config_bool(config, "a", "yes", false, &flag, &err) && flag);
	config_free(config);
}

static void test_a_bad_value_names_file_line_option_and_what_is_allowed(void **state)
{
	struct config *config = load("[a]\nx = 70000\ny = maybe\nz = 1 2\nn = nan\nc = Kvm\nb =\n");
	const char *choice;
	int64_t value;
	double number;
	bool flag;

	(void)state;
	assert_false(config_int(config, "a", "x", 1, 0, 65535, &value, &err));
	assert_string_equal(err.message,
			    "nova.conf:2: [a] x = 70000: expected a whole number from 0 to 65535");
	assert_false(config_bool(config, "a", "y", false, &flag, &err));
	assert_string_equal(err.message, "nova.conf:3: [a] y = maybe: expected true or false (or yes, no, "
					 "on, off, 1, 0)");
	assert_false(config_int(config, "a", "z", 1, 0, 65535, &value, &err));
	assert_false(config_number(config, "a", "n", 1, 0, 2.5, &number, &err));
	assert_string_equal(err.message, "nova.conf:5: [a] n = nan: expected a number from 0 to 2.5");
	assert_false(config_choice(config, "a", "c", "qemu", "kvm,qemu", &choice, &err));
	assert_string_equal(err.message, "nova.conf:6: [a] c = Kvm: expected one of kvm,qemu");
	assert_false(config_bool(config, "a", "b", false, &flag, &err));
	config_free(config);
}

static void test_lists_are_split_at_commas(void **state)
{
	struct config *config = load("[ml2]\nmechanism_drivers = openvswitch ,\n , sriovnicswitch,\n");
	char item[64];

	(void)state;
	assert_true(config_list_item(config, "ml2", "mechanism_drivers", 1, item, sizeof item));
	assert_string_equal(item, "sriovnicswitch");
	assert_false(config_list_item(config, "ml2", "mechanism_drivers", 2, item, sizeof item));
	config_free(config);
}

/* In the words of the table, or others. */
static void test_rooms_refuse_with_the_place(void **state)
{
	struct config *config = config_new();

	(void)state;
	assert_true(config_read_text(config, "f",
				     "[ml2]\ntenant_network_types = vlan,\n  gre\n[DEFAULT]\n"
				     "reserved_huge_pages = a\nreserved_huge_pages = b\n[database]\n"
				     "connection = postgresql://secret\n",
				     &err));
	assert_false(config_refuse_item(config, "ml2", "project_network_types", "gre", NULL, &err));
	assert_string_equal(err.message, "f:2: [ml2] tenant_network_types: 'gre': expected one of "
					 "local,flat,vlan,vxlan,geneve");
	assert_false(config_refuse_item(config, "ml2", "project_network_types", "gre", "no", &err));
	assert_string_equal(err.message, "f:2: [ml2] tenant_network_types: 'gre': no");
	assert_false(config_refuse(config, "DEFAULT", "reserved_huge_pages", 1, NULL, &err));
	assert_string_equal(err.message, "f:6: [DEFAULT] reserved_huge_pages = b: expected "
					 "node:0,size:2048,count:64 (size in KiB, or with KB, MB, GB)");
	assert_false(config_refuse(config, "database", "connection", 0, "no", &err));
	assert_string_equal(err.message, "f:8: [database] connection = (not shown): no");
	assert_false(config_refuse(config, "DEFAULT", "host", 0, "no", &err));
	assert_string_equal(err.message, "[DEFAULT] host: no");
	config_free(config);
}

static void test_nothing_behind_the_equals_sign(void **state)
{
	struct config *config = config_new();

	(void)state;
	assert_true(config_read_text(config, "f", "[DEFAULT]\nhost =\n", &err));
	assert_string_equal(config_text(config, "DEFAULT", "host", "x"), "");
	assert_string_equal(config_text_given(config, "DEFAULT", "host", "x"), "x");
	assert_string_equal(config_text_given(config, "DEFAULT", "state_path", "y"), "y");
	config_free(config);
}

static void test_errors_can_be_given_their_place(void **state)
{
	struct config *config = load("[a]\nx = 1\n");

	(void)state;
	error_set(&err, ERROR_BAD_REQUEST, "too few");
	assert_false(config_blame(config, "a", "y", &err));
	assert_string_equal(err.message, "too few");
	assert_false(config_blame(config, "a", "x", &err));
	assert_string_equal(err.message, "nova.conf:2: too few");
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_syntax_of_values),
		cmocka_unit_test(test_indented_lines_continue_an_option),
		cmocka_unit_test(test_bad_lines_are_refused),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_references_in_a_circle_end),
		cmocka_unit_test(test_a_later_file_wins),
		cmocka_unit_test(test_multi_valued_options_keep_all_values_of_all_files),
		cmocka_unit_test(test_older_names),
		cmocka_unit_test(test_default_is_a_group_of_its_own),
		cmocka_unit_test(test_numbers_and_booleans),
		cmocka_unit_test(test_a_bad_value_names_file_line_option_and_what_is_allowed),
		cmocka_unit_test(test_lists_are_split_at_commas),
		cmocka_unit_test(test_rooms_refuse_with_the_place),
		cmocka_unit_test(test_nothing_behind_the_equals_sign),
		cmocka_unit_test(test_errors_can_be_given_their_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
