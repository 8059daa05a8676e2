/* penstock config options: docs/configuration.md, printed from the table that the daemons check against. */
#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "config/options.h"

#include <stdio.h>
#include <string.h>

static const char head[] =
	"# Configuration\n"
	"\n"
	"Printed by `penstock config options`; a test compares the two.\n"
	"\n"
	"penstockd and penstock-agent read the files of Nova and Neutron as they are: `--config-file "
	"nova.conf\n"
	"--config-file ml2_conf.ini ...`. `--config-dir FOLDER` stands for its `*.conf` files in the order "
	"of their names.\n"
	"What comes later on the command line wins. Without `--config-file` it is "
	"/etc/penstock/penstock.conf, without\n"
	"`--config-dir` /etc/penstock/penstock.conf.d, if they are there. `penstock config check FILE...` "
	"says what the\n"
	"two would say, and starts nothing.\n"
	"\n"
	"The syntax is that of oslo.config: `[section]`, `option = value` or `option: value`, `#` and `;` at "
	"the\n"
	"beginning of a line for comments, indented lines for long values, quotes around a value taken off,\n"
	"`$option`, `${option}`, `$section.option`, `${section.option}` for the value of another option, "
	"`$$` for a\n"
	"dollar. Sections may be repeated; their names are the same in any case of letters, but "
	"`[DEFAULT]`.\n"
	"Of an option that is set several times the last value counts, or, where the table says *all*, every "
	"one.\n"
	"\n"
	"* A value that is not allowed stops the daemon that reads it; it says file, line, option, and what "
	"is allowed.\n"
	"  What has a syntax of its own (device_spec, alias, CPU sets, base_mac, connection) and what "
	"contradicts other\n"
	"  options stops the one that reads it: penstock-agent for what is of a host, penstockd for the "
	"rest.\n"
	"* A name that is nearly that of an option, or stands in the wrong section, is a warning with the "
	"nearest name\n"
	"  and how many letters away it is; so is an unknown key in a device_spec.\n"
	"* An older name is taken as the option that it became; one warning says so.\n"
	"* *without effect*: what the option is about does not exist here. What concerns devices, their "
	"networks and\n"
	"  scheduling gets a warning that says what there is instead. The rest, and all that is not in the "
	"table, is of\n"
	"  services that Penstock replaces: one warning names all of it.\n"
	"* *not yet*: not built; a warning if it is set to anything but its default.\n"
	"\n"
	"| section | option | default | value | effect |\n"
	"|---|---|---|---|---|\n";

/* In a cell of a table a | would end it, and * would begin something. */
static void print_cell(const char *text)
{
	for (; *text; text++) {
		if (*text == '|' || *text == '*')
			putchar('\\');
		putchar(*text);
	}
}

static void print_names(const struct config_option *option)
{
	printf("%s", option->name);
	for (const char *older = option->older; older;) {
		const char *dot = strchr(older, '.'), *end = dot + strcspn(dot, " ");

		printf("%s[%.*s] %.*s", older == option->older ? ", once " : ", ", (int)(dot - older), older,
		       (int)(end - dot - 1), dot + 1);
		older = *end ? end + 1 : NULL;
	}
}

static void print_option(const struct config_option *option)
{
	_cleanup_free_ char *allowed = config_option_allowed(option);

	printf("| ");
	print_cell(option->group);
	printf(" | ");
	print_names(option);
	printf(" | ");
	print_cell(option->fallback ? option->fallback : "");
	printf(" | %s", option->multi ? "*all*: " : "");
	print_cell(allowed);
	printf(" | ");
	if (option->state == CONFIG_NOT_YET)
		printf("*not yet*: ");
	if (option->instead && !option->foreign)
		printf("*without effect*: ");
	print_cell(option->help);
	if (option->instead && !option->foreign) {
		printf("; instead: ");
		print_cell(option->instead);
	}
	puts(" |");
}

int cli_config_options(void)
{
	fputs(head, stdout);
	for (size_t i = 0; i < config_option_count; i++) {
		if (config_options[i].state != CONFIG_ELSEWHERE)
			print_option(&config_options[i]);
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
