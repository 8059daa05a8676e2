/* The table of options, and how one is found in it. */
#include "config/options.h"

#include "base/memory.h"

#include <string.h>
#include <strings.h>

static const struct config_option options[] = {
	{"pci", "alias", NULL, "DEFAULT.pci_alias"},
	{"pci", "device_spec", NULL, "pci.passthrough_whitelist DEFAULT.pci_passthrough_whitelist"},
	{"ml2", "project_network_types", "local", "ml2.tenant_network_types"},
};

bool config_group_is(const char *a, const char *b)
{
	bool is_default = strcmp(a, "DEFAULT") == 0;

	return is_default == (strcmp(b, "DEFAULT") == 0) && (is_default || strcasecmp(a, b) == 0);
}

/* Which of the option's older names is this, from 1, or 0? */
static int older_rank(const struct config_option *option, const char *group, const char *name)
{
	const char *older = option->older;

	for (int rank = 1; older; rank++) {
		const char *dot = strchr(older, '.');
		size_t length = strcspn(dot + 1, " ");
		_cleanup_free_ char *older_group = memory_printf("%.*s", (int)(dot - older), older);

		if (strlen(name) == length && strncmp(dot + 1, name, length) == 0 &&
		    config_group_is(older_group, group))
			return rank;
		older = dot[1 + length] ? dot + 1 + length + 1 : NULL;
	}
	return 0;
}

const struct config_option *config_option_find(const char *group, const char *name, int *rank)
{
	for (size_t i = 0; i < ELEMENTS_OF(options); i++) {
		bool today = strcmp(options[i].name, name) == 0 && config_group_is(options[i].group, group);

		*rank = today ? 0 : older_rank(&options[i], group, name);
		if (today || *rank)
			return &options[i];
	}
	*rank = 0;
	return NULL;
}
