/* penstock config manual: man/penstock.conf.5, printed from the table that the daemons check against
 * (mdoc(7)).
 */
#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/config_print.h"

#include <stdio.h>
#include <string.h>

static const char head[] =
	".\\\" Printed by `penstock config manual`; a test compares the two.\n"
	".Dd November 30, 2026\n"
	".Dt PENSTOCK.CONF 5\n"
	".Os Penstock\n"
	".Sh NAME\n"
	".Nm penstock.conf\n"
	".Nd configuration of penstockd, penstock-agent and penstock\n"
	".Sh SYNOPSIS\n"
	".Pa /etc/penstock/penstock.conf\n"
	".Pp\n"
	".Pa /etc/penstock/penstock.conf.d/*.conf\n"
	".Sh DESCRIPTION\n"
	"The files of Nova and Neutron are read as they are, by their option names and syntaxes:\n"
	".Fl Fl config-file\n"
	"names one and may be given several times,\n"
	".Fl Fl config-dir\n"
	"names a folder and stands for its\n"
	".Pa *.conf\n"
	"files in the order of their names.\n"
	"What comes later on the command line wins.\n"
	"Without\n"
	".Fl Fl config-file\n"
	"it is\n"
	".Pa /etc/penstock/penstock.conf ,\n"
	"without\n"
	".Fl Fl config-dir\n"
	".Pa /etc/penstock/penstock.conf.d ,\n"
	"if they are there.\n"
	".Pp\n"
	"The syntax is that of oslo.config: sections in brackets,\n"
	".Ql option = value\n"
	"or\n"
	".Ql option\\&: value ,\n"
	"lines that begin with # or ; are comments, indented lines go on with the value before, quotes "
	"around a "
	"value are taken off.\n"
	".Ql $option\n"
	"and\n"
	".Ql ${section.option}\n"
	"stand for the value of another option,\n"
	".Ql $$\n"
	"for a dollar.\n"
	"Of an option that is set several times the last value counts, or every one where it says so below.\n"
	".Pp\n"
	"A value that is not allowed stops the program that reads it, with file, line and what is allowed.\n"
	".Ql penstock config check FILE...\n"
	"says everything that is wrong, and starts nothing.\n"
	".Sh OPTIONS\n"
	"Those that have an effect.\n"
	"What else of Nova's and Neutron's is known, and what there is instead, is in\n"
	".Pa configuration.md\n"
	"of the documentation.\n";

static const char tail[] = ".Sh SEE ALSO\n"
			   ".Xr penstock 1 ,\n"
			   ".Xr penstock-agent 8 ,\n"
			   ".Xr penstockd 8\n";

/* Text for roff: no escapes, no requests. */
static void print_text(const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", stdout);
	for (; *text; text++) {
		if (*text == '\\')
			fputs("\\e", stdout);
		else if (*text == '-')
			fputs("\\-", stdout);
		else
			putchar(*text);
	}
}

/* As an argument of a macro. */
static void print_quoted(const char *text)
{
	fputs("\"\\&", stdout); /* nothing that it begins with is a macro */
	for (; *text; text++) {
		if (*text == '"')
			fputs("\\(dq", stdout);
		else if (*text == '\\')
			fputs("\\e", stdout);
		else
			putchar(*text);
	}
	putchar('"');
}

static void print_older(const struct config_option *option)
{
	for (const char *older = option->older; older;) {
		const char *dot = strchr(older, '.'), *end = dot + strcspn(dot, " ");
		_cleanup_free_ char *name = memory_printf("[%.*s] %.*s", (int)(dot - older), older,
							  (int)(end - dot - 1), dot + 1);

		fputs(older == option->older ? "Once\n.Ql " : "and\n.Ql ", stdout);
		print_quoted(name);
		older = *end ? end + 1 : NULL;
		puts(older ? "" : " .");
	}
}

static void print_option(const struct config_option *option)
{
	_cleanup_free_ char *allowed = config_option_allowed(option);
	/* A value that is explained stays as it is written. */
	bool is_value = option->help[strcspn(option->help, " ")] &&
			option->help[strcspn(option->help, " ") - 1] == ':';
	char first = option->help[0];

	fputs(".It Cm ", stdout);
	print_quoted(option->name);
	if (!text_is_empty(option->fallback)) {
		fputs(" No = ", stdout);
		print_quoted(option->fallback);
	}
	printf("\n%c", !is_value && first >= 'a' && first <= 'z' ? first - 'a' + 'A' : first);
	print_text(option->help + 1);
	puts(".");
	if (option->multi)
		puts("May be given several times: every value counts.");
	if (strcmp(allowed, "a text") != 0) {
		fputs("Value: ", stdout);
		print_text(allowed);
		puts(".");
	}
	print_older(option);
}

static void group_begin(const char *group)
{
	printf(".Ss [%s]\n.Bl -tag -width Ds\n", group);
}

static void group_end(void)
{
	puts(".El");
}

int cli_config_manual(void)
{
	fputs(head, stdout);
	options_print(&(struct option_printer){group_begin, print_option, group_end});
	fputs(tail, stdout);
	return fflush(stdout) == 0 ? 0 : 1;
}
