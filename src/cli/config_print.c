/* Walking over the table of options. */
#include "cli/config_print.h"

#include <string.h>

static bool is_in(size_t i, const char *group)
{
	return config_options[i].state == CONFIG_HONOURED && strcmp(config_options[i].group, group) == 0;
}

static bool is_first(size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (is_in(k, config_options[i].group))
			return false;
	}
	return is_in(i, config_options[i].group);
}

void options_print(const struct option_printer *printer)
{
	for (size_t i = 0; i < config_option_count; i++) {
		if (!is_first(i))
			continue;
		printer->group_begin(config_options[i].group);
		for (size_t k = i; k < config_option_count; k++) {
			if (is_in(k, config_options[i].group))
				printer->option(&config_options[k]);
		}
		if (printer->group_end)
			printer->group_end();
	}
}
