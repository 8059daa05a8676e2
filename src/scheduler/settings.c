/* What the configuration says: aliases, allocation ratios, weights, under Nova's names. */
#include "scheduler/settings.h"

#include "base/memory.h"
#include "scheduler/scheduler.h"

#include <math.h>
#include <string.h>

struct scheduler_settings scheduler_settings = {.cpu_ratio = 16,
						.ram_ratio = 1.5,
						.disk_ratio = 1,
						.cpu_weight = 1,
						.ram_weight = 1,
						.disk_weight = 1,
						.pci_weight = 1};

#define NUMBER_MAX 1e6

static bool number_read(const struct config *config, const char *group, const char *option, double min,
			double fallback, double *number, struct error *err)
{
	const char *text = config_text(config, group, option, NULL), *file = "";
	char *end;
	int line = 0;

	*number = fallback;
	if (!text)
		return true;
	for (size_t i = 0; config_multi(config, group, option, i, &file, &line); i++) {
	}
	*number = strtod(text, &end);
	if (*text && !*end && isfinite(*number) && *number >= min && *number <= NUMBER_MAX)
		return true;
	return error_set(err, ERROR_BAD_REQUEST, "%s:%d: [%s] %s = %.40s: expected a number from %g to %g",
			 file, line, group, option, text, min, NUMBER_MAX);
}

/* Nova: 0.0, its default, means the initial ratio. */
static bool ratio_read(const struct config *config, const char *option, const char *initial_option,
		       double initial, double *ratio, struct error *err)
{
	if (!number_read(config, "DEFAULT", initial_option, 0, initial, &initial, err) ||
	    !number_read(config, "DEFAULT", option, 0, 0, ratio, err))
		return false;
	if (*ratio == 0)
		*ratio = initial;
	return true;
}

static bool weight_read(const struct config *config, const char *option, double min, double *weight,
			struct error *err)
{
	return number_read(config, "filter_scheduler", option, min, 1, weight, err);
}

static bool aliases_read(const struct config *config, const char *group, const char *option,
			 struct pci_aliases *aliases, struct error *err)
{
	const char *value, *file;
	int line;

	for (size_t i = 0; (value = config_multi(config, group, option, i, &file, &line)); i++) {
		_cleanup_free_ char *where = memory_printf("%s:%d: [%s] %s", file, line, group, option);

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
	       aliases_read(config, "DEFAULT", "pci_alias", &s->aliases, err) &&
	       aliases_read(config, "pci", "alias", &s->aliases, err) &&
	       ratio_read(config, "cpu_allocation_ratio", "initial_cpu_allocation_ratio", 16, &s->cpu_ratio,
			  err) &&
	       ratio_read(config, "ram_allocation_ratio", "initial_ram_allocation_ratio", 1.5, &s->ram_ratio,
			  err) &&
	       ratio_read(config, "disk_allocation_ratio", "initial_disk_allocation_ratio", 1, &s->disk_ratio,
			  err) &&
	       weight_read(config, "cpu_weight_multiplier", -NUMBER_MAX, &s->cpu_weight, err) &&
	       weight_read(config, "ram_weight_multiplier", -NUMBER_MAX, &s->ram_weight, err) &&
	       weight_read(config, "disk_weight_multiplier", -NUMBER_MAX, &s->disk_weight, err) &&
	       weight_read(config, "pci_weight_multiplier", 0, &s->pci_weight, err);
}
