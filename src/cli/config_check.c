/* penstock config check: everything that penstockd and penstock-agent would say of their configuration. */
#include "base/memory.h"
#include "cli/cli.h"
#include "compute/compute.h"
#include "config/check.h"
#include "identity/identity.h"
#include "network/network.h"
#include "numa/cpu_set.h"
#include "pci/alias.h"
#include "pci/device_spec.h"
#include "scheduler/scheduler.h"

#include <stdio.h>
#include <string.h>

struct checker {
	struct config *config;
	bool ok;
};

static void say(void *user, enum config_level level, const char *sentence)
{
	(void)user;
	printf("%s: %s\n", level == CONFIG_ERROR ? "error" : "warning", sentence);
}

static void fail(struct checker *c, const struct error *err)
{
	say(NULL, CONFIG_ERROR, err->message);
	c->ok = false;
}

static void check_files(struct checker *c, char **files, int count)
{
	struct error err;

	for (int i = 0; i < count; i++) {
		if (!config_read_file(c->config, files[i], &err))
			fail(c, &err);
	}
}

/* --- what only the rooms know --- */

static void check_specs(struct checker *c)
{
	struct device_spec *specs = NULL;
	const char *value, *file;
	char where[300], warning[256];
	size_t count = 0;
	struct error err;
	int line;

	for (size_t i = 0; (value = config_multi(c->config, "pci", "device_spec", i, &file, &line)); i++) {
		snprintf(where, sizeof where, "%s:%d", file, line);
		if (!device_spec_parse(where, value, &specs, &count, warning, &err))
			fail(c, &err);
		if (*warning)
			say(NULL, CONFIG_WARNING, warning);
	}
	device_specs_free(specs, count);
}

static void check_aliases(struct checker *c)
{
	struct pci_aliases aliases = {0};
	const char *value, *file;
	struct error err;
	int line;

	for (size_t i = 0; (value = config_multi(c->config, "pci", "alias", i, &file, &line)); i++) {
		_cleanup_free_ char *where = memory_printf("%s:%d: [pci] alias", file, line);

		if (!pci_alias_parse(where, value, &aliases, &err))
			fail(c, &err);
	}
	pci_aliases_done(&aliases);
}

static void check_cpu_sets(struct checker *c)
{
	struct cpu_set shared = {0}, dedicated = {0};
	struct error err;

	if (cpu_set_parse("shared", config_text(c->config, "compute", "cpu_shared_set", ""), CPU_SET_MAX,
			  &shared, &err) &&
	    cpu_set_parse("dedicated", config_text(c->config, "compute", "cpu_dedicated_set", ""),
			  CPU_SET_MAX, &dedicated, &err) &&
	    cpu_set_intersects(&shared, &dedicated)) {
		error_set(&err, ERROR_BAD_REQUEST,
			  "[compute] cpu_shared_set and cpu_dedicated_set have CPUs in common");
		config_blame(c->config, "compute", "cpu_dedicated_set", &err);
		fail(c, &err);
	}
}

static bool is_mapped(const struct config *config, const char *netdev)
{
	char item[128];

	for (size_t i = 0;
	     config_list_item(config, "sriov_nic", "physical_device_mappings", i, item, sizeof item); i++) {
		const char *colon = strchr(item, ':');

		if (colon && strcmp(colon + 1, netdev) == 0)
			return true;
	}
	return false;
}

static void check_exclusions(struct checker *c)
{
	char item[64];
	struct error err;

	for (size_t i = 0; config_list_item(c->config, "sriov_nic", "exclude_devices", i, item, sizeof item);
	     i++) {
		item[strcspn(item, ":")] = '\0';
		if (is_mapped(c->config, item))
			continue;
		error_set(&err, ERROR_BAD_REQUEST,
			  "[sriov_nic] exclude_devices: %s is not in physical_device_mappings", item);
		config_blame(c->config, "sriov_nic", "exclude_devices", &err);
		fail(c, &err);
	}
}

/* What the services refuse beyond single values.  They stop at the first thing, which was said before if
 * there was anything. */
static void check_services(struct checker *c)
{
	struct site_settings settings = {0};
	struct error err;

	if (c->ok &&
	    (!site_settings_read(c->config, &settings, &err) || !scheduler_configure(c->config, &err) ||
	     !network_service(c->config, &err) || !compute_service(c->config, &err)))
		fail(c, &err);
	site_settings_done(&settings);
}

int cli_config_check(char **files, int count)
{
	struct checker c = {.config = config_new(), .ok = true};

	check_files(&c, files, count);
	if (!config_check(c.config, say, NULL))
		c.ok = false;
	check_specs(&c);
	check_aliases(&c);
	check_cpu_sets(&c);
	check_exclusions(&c);
	check_services(&c);
	config_free(c.config);
	return c.ok ? 0 : 1;
}
