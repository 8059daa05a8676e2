/* What the configuration says: aliases, allocation ratios, weights, under Nova's names. */
#include "scheduler/settings.h"

#include "base/memory.h"
#include "scheduler/scheduler.h"

#include <string.h>

struct scheduler_settings scheduler_settings = {.cpu_ratio = 4,
						.ram_ratio = 1,
						.disk_ratio = 1,
						.cpu_weight = 1,
						.ram_weight = 1,
						.disk_weight = 1,
						.pci_weight = 1};

#define NUMBER_MAX 1e6

/* Nova: 0.0, its default, means the initial ratio. */
static bool ratio_read(const struct config *config, const char *option, const char *initial_option,
		       double initial, double *ratio, struct error *err)
{
	if (!config_number(config, "DEFAULT", initial_option, initial, 0, NUMBER_MAX, &initial, err) ||
	    !config_number(config, "DEFAULT", option, 0, 0, NUMBER_MAX, ratio, err))
		return false;
	if (*ratio == 0)
		*ratio = initial;
	return true;
}

static bool weight_read(const struct config *config, const char *option, double min, double *weight,
			struct error *err)
{
	return config_number(config, "filter_scheduler", option, 1, min, NUMBER_MAX, weight, err);
}

static bool aliases_read(const struct config *config, struct pci_aliases *aliases, struct error *err)
{
	const char *value, *file;
	int line;

	for (size_t i = 0; (value = config_multi(config, "pci", "alias", i, &file, &line)); i++) {
		_cleanup_free_ char *where = memory_printf("%s:%d: [pci] alias", file, line);

		if (!pci_alias_parse(where, value, aliases, err))
			return false;
	}
	return true;
}

bool scheduler_configure(const struct config *config, struct error *err)
{
	struct scheduler_settings *s = &scheduler_settings;

	pci_aliases_done(&s->aliases);
	return config_bool(config, "compute", "packing_host_numa_cells_allocation_strategy", false,
			   &s->pack_cells, err) &&
	       aliases_read(config, &s->aliases, err) &&
	       ratio_read(config, "cpu_allocation_ratio", "initial_cpu_allocation_ratio", 4, &s->cpu_ratio,
			  err) &&
	       ratio_read(config, "ram_allocation_ratio", "initial_ram_allocation_ratio", 1, &s->ram_ratio,
			  err) &&
	       ratio_read(config, "disk_allocation_ratio", "initial_disk_allocation_ratio", 1, &s->disk_ratio,
			  err) &&
	       weight_read(config, "cpu_weight_multiplier", -NUMBER_MAX, &s->cpu_weight, err) &&
	       weight_read(config, "ram_weight_multiplier", -NUMBER_MAX, &s->ram_weight, err) &&
	       weight_read(config, "disk_weight_multiplier", -NUMBER_MAX, &s->disk_weight, err) &&
	       weight_read(config, "pci_weight_multiplier", 0, &s->pci_weight, err);
}
