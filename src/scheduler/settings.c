/* What the configuration says: aliases, allocation ratios, weights, under Nova's names. */
#include "scheduler/settings.h"

#include "base/memory.h"
#include "scheduler/filters.h"
#include "scheduler/scheduler.h"

#include <string.h>

struct scheduler_settings scheduler_settings = {.cpu_ratio = 4,
						.ram_ratio = 1,
						.disk_ratio = 1,
						.subset_size = 1};

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

static bool weights_read(const struct config *config, double weights[WEIGHER_COUNT], struct error *err)
{
	static const struct {
		const char *option;
		double fallback, min;
	} multipliers[WEIGHER_COUNT] = {
		[WEIGHER_CPU] = {"cpu_weight_multiplier", 1, -NUMBER_MAX},
		[WEIGHER_RAM] = {"ram_weight_multiplier", 1, -NUMBER_MAX},
		[WEIGHER_DISK] = {"disk_weight_multiplier", 1, -NUMBER_MAX},
		[WEIGHER_PCI] = {"pci_weight_multiplier", 1, 0},
		[WEIGHER_INSTANCES] = {"num_instances_weight_multiplier", 0, -NUMBER_MAX},
		[WEIGHER_IO_OPS] = {"io_ops_weight_multiplier", -1, -NUMBER_MAX},
		[WEIGHER_BUILD_FAILURE] = {"build_failure_weight_multiplier", 1e6, -NUMBER_MAX},
		[WEIGHER_VERSION] = {"hypervisor_version_weight_multiplier", 1, -NUMBER_MAX},
	};

	for (int w = 0; w < WEIGHER_COUNT; w++) {
		if (!config_number(config, "filter_scheduler", multipliers[w].option, multipliers[w].fallback,
				   multipliers[w].min, NUMBER_MAX, &weights[w], err))
			return false;
	}
	return true;
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
	if (!config_bool(config, "filter_scheduler", "pci_in_placement", false, &s->pci_in_placement, err))
		return false;
	s->aliases.in_placement = s->pci_in_placement;
	return config_bool(config, "compute", "packing_host_numa_cells_allocation_strategy", false,
			   &s->pack_cells, err) &&
	       aliases_read(config, &s->aliases, err) &&
	       ratio_read(config, "cpu_allocation_ratio", "initial_cpu_allocation_ratio", 4, &s->cpu_ratio,
			  err) &&
	       ratio_read(config, "ram_allocation_ratio", "initial_ram_allocation_ratio", 1, &s->ram_ratio,
			  err) &&
	       ratio_read(config, "disk_allocation_ratio", "initial_disk_allocation_ratio", 1, &s->disk_ratio,
			  err) &&
	       filters_configure(config, err) && weights_read(config, s->weights, err) &&
	       config_int(config, "filter_scheduler", "host_subset_size", 1, 1, INT32_MAX, &s->subset_size,
			  err) &&
	       config_bool(config, "filter_scheduler", "shuffle_best_same_weighed_hosts", false, &s->shuffle,
			   err);
}
