/* What the formats of `penstock config` share. */
#pragma once

#include "config/options.h"

/* The options that have an effect, group by group. */
struct option_printer {
	void (*group_begin)(const char *group);
	void (*option)(const struct config_option *option);
	void (*group_end)(void); /* or NULL */
};
void options_print(const struct option_printer *printer);
