/* Prints what options mean, for tests/service/oslo_test.py:  dump GROUP.OPTION... -- FILE...
 * A line for each option: its last value and all its values, each in hexadecimal, or "unset". */
#include "base/memory.h"
#include "config/config.h"

#include <stdio.h>
#include <string.h>

static void print_hex(const char *text)
{
	putchar(' ');
	putchar('x');
	for (; *text; text++)
		printf("%02x", (unsigned char)*text);
}

static void print_option(const struct config *config, const char *name)
{
	const char *dot = strchr(name, '.'), *value;
	_cleanup_free_ char *group = memory_printf("%.*s", (int)(dot - name), name);

	value = config_text(config, group, dot + 1, NULL);
	fputs(name, stdout);
	if (!value)
		fputs(" unset", stdout);
	else
		print_hex(value);
	for (size_t i = 0; (value = config_multi(config, group, dot + 1, i, NULL, NULL)); i++)
		print_hex(value);
	putchar('\n');
}

int main(int argc, char **argv)
{
	struct config *config = config_new();
	struct error err;
	int first = 1;

	while (first < argc && strcmp(argv[first], "--") != 0)
		first++;
	for (int i = first + 1; i < argc; i++) {
		if (!config_read_file(config, argv[i], &err)) {
			printf("refused %s\n", err.message);
			config_free(config);
			return 0;
		}
	}
	for (int i = 1; i < first; i++)
		print_option(config, argv[i]);
	config_free(config);
	return 0;
}
