/* [filter_scheduler] enabled_filters and what single filters are told. */
#include "scheduler/filters.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#include <string.h>

struct filter_settings filter_settings;

enum filter_state {
	FILTER_OPTIONAL, /* applies if it is enabled */
	FILTER_ALWAYS,	 /* applies in any case */
	FILTER_NOTHING,	 /* what it looked at does not exist here, or is looked at elsewhere */
	FILTER_NOT_BUILT,
};

static const struct {
	const char *name;
	enum filter_state state;
	int filter;  /* enum scheduler_filter */
	bool usual;  /* in Nova's default list */
	bool missed; /* whoever leaves it out is told that it applies */
} filters[] = {
	{"ComputeFilter", FILTER_ALWAYS, .usual = true, .missed = true},
	{"PciPassthroughFilter", FILTER_ALWAYS, .missed = true},
	{"NUMATopologyFilter", FILTER_ALWAYS, .missed = true},
	{"ServerGroupAntiAffinityFilter", FILTER_ALWAYS, .usual = true, .missed = true},
	{"ServerGroupAffinityFilter", FILTER_ALWAYS, .usual = true, .missed = true},
	{"AvailabilityZoneFilter", FILTER_ALWAYS},
	{"SameHostFilter", FILTER_ALWAYS},
	{"DifferentHostFilter", FILTER_ALWAYS},
	{"AggregateInstanceExtraSpecsFilter", FILTER_ALWAYS},
	{"RamFilter", FILTER_ALWAYS},
	{"CoreFilter", FILTER_ALWAYS},
	{"DiskFilter", FILTER_ALWAYS},
	{"AllHostsFilter", FILTER_NOTHING},
	{"RetryFilter", FILTER_NOTHING},
	{"ComputeCapabilitiesFilter", .filter = FILTER_COMPUTE_CAPABILITIES, .usual = true},
	{"ImagePropertiesFilter", .filter = FILTER_IMAGE_PROPERTIES, .usual = true},
	{"AggregateImagePropertiesIsolation", .filter = FILTER_AGGREGATE_IMAGE_PROPERTIES},
	{"AggregateMultiTenancyIsolation", .filter = FILTER_AGGREGATE_TENANTS},
	{"AggregateTypeAffinityFilter", .filter = FILTER_AGGREGATE_TYPES},
	{"JsonFilter", .filter = FILTER_JSON},
	{"IoOpsFilter", .filter = FILTER_IO_OPS},
	{"NumInstancesFilter", .filter = FILTER_NUM_INSTANCES},
	{"IsolatedHostsFilter", .filter = FILTER_ISOLATED_HOSTS},
	{"AggregateIoOpsFilter", FILTER_NOT_BUILT},
	{"AggregateNumInstancesFilter", FILTER_NOT_BUILT},
	{"AggregateRamFilter", FILTER_NOT_BUILT},
	{"AggregateCoreFilter", FILTER_NOT_BUILT},
	{"AggregateDiskFilter", FILTER_NOT_BUILT},
	{"ExactRamFilter", FILTER_NOT_BUILT},
	{"ExactCoreFilter", FILTER_NOT_BUILT},
	{"ExactDiskFilter", FILTER_NOT_BUILT},
	{"MetricsFilter", FILTER_NOT_BUILT},
	{"SimpleCIDRAffinityFilter", FILTER_NOT_BUILT},
	{"TrustedFilter", FILTER_NOT_BUILT},
	{"TypeAffinityFilter", FILTER_NOT_BUILT},
};

bool scheduler_filter_is_enabled(enum scheduler_filter filter)
{
	return filter_settings.enabled >> filter & 1;
}

/* --- names --- */

#define GROUP "filter_scheduler"

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Letters to change, add or leave out. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[64], length = (unsigned)strlen(b);

	for (unsigned k = 0; k <= length; k++)
		row[k] = k;
	for (unsigned i = 1; a[i - 1]; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned k = 1; k <= length; k++) {
			unsigned other = row[k];

			row[k] = least(least(row[k], row[k - 1]) + 1, diagonal + (a[i - 1] != b[k - 1]));
			diagonal = other;
		}
	}
	return row[length];
}

static int filter_find(const char *name)
{
	for (size_t i = 0; i < ELEMENTS_OF(filters); i++) {
		if (strcmp(filters[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

static bool unknown(const struct config *config, const char *option, const char *name, struct error *err)
{
	size_t nearest = 0;
	char why[160];

	for (size_t i = 1; i < ELEMENTS_OF(filters); i++) {
		if (distance(name, filters[i].name) < distance(name, filters[nearest].name))
			nearest = i;
	}
	snprintf(why, sizeof why, "there is no filter %.60s; the nearest is %s", name, filters[nearest].name);
	return config_refuse(config, GROUP, option, 0, why, err);
}

/* Is it among the available filters?  These are written as classes: nova.scheduler.filters.all_filters, or
 * ...filters.pci_passthrough_filter.PciPassthroughFilter. */
static bool is_available(const struct config *config, const char *name)
{
	const char *value;

	for (size_t i = 0; (value = config_multi(config, GROUP, "available_filters", i, NULL, NULL)); i++) {
		const char *dot = strrchr(value, '.'), *last = dot ? dot + 1 : value;

		if (strcmp(last, "all_filters") == 0 || strcmp(last, "standard_filters") == 0 ||
		    strcmp(last, name) == 0)
			return true;
	}
	return !config_multi(config, GROUP, "available_filters", 0, NULL, NULL);
}

static bool available_check(const struct config *config, struct error *err)
{
	const char *value;

	for (size_t i = 0; (value = config_multi(config, GROUP, "available_filters", i, NULL, NULL)); i++) {
		const char *dot = strrchr(value, '.'), *last = dot ? dot + 1 : value;

		if (strcmp(last, "all_filters") != 0 && strcmp(last, "standard_filters") != 0 &&
		    filter_find(last) < 0)
			return unknown(config, "available_filters", last, err);
	}
	return true;
}

static bool filter_enable(const struct config *config, const char *name, bool *named, struct error *err)
{
	int i = strlen(name) < 60 ? filter_find(name) : -1;
	char why[160];

	if (i < 0)
		return unknown(config, "enabled_filters", name, err);
	if (filters[i].state == FILTER_NOT_BUILT || !is_available(config, name)) {
		snprintf(why, sizeof why, "%s is not %s", name,
			 filters[i].state == FILTER_NOT_BUILT ? "built" : "among available_filters");
		return config_refuse(config, GROUP, "enabled_filters", 0, why, err);
	}
	named[i] = true;
	return true;
}

static void missing_warn(const bool *named)
{
	_cleanup_(text_done) struct text names = {0};

	for (size_t i = 0; i < ELEMENTS_OF(filters); i++) {
		if (filters[i].missed && !named[i])
			text_addf(&names, "%s%s", names.length ? ", " : "", filters[i].name);
	}
	if (names.length)
		log_warning("[filter_scheduler] enabled_filters leaves out %s: here these always apply",
			    names.data);
}

static bool enabled_read(const struct config *config, uint32_t *enabled, struct error *err)
{
	bool named[ELEMENTS_OF(filters)] = {0}, any = false;
	char name[128];

	*enabled = 0;
	for (size_t i = 0; config_list_item(config, GROUP, "enabled_filters", i, name, sizeof name); i++) {
		any = true;
		if (!filter_enable(config, name, named, err))
			return false;
	}
	for (size_t i = 0; i < ELEMENTS_OF(filters); i++) {
		if (filters[i].state == FILTER_OPTIONAL && (any ? named[i] : filters[i].usual))
			*enabled |= 1u << filters[i].filter;
	}
	if (any)
		missing_warn(named);
	return true;
}

/* --- what they are told --- */

static void list_read(const struct config *config, const char *option, char ***items, size_t *count)
{
	char item[256];

	for (size_t i = 0; i < *count; i++)
		free((*items)[i]);
	free(*items);
	*items = NULL;
	*count = 0;
	while (config_list_item(config, GROUP, option, *count, item, sizeof item))
		*ARRAY_ADD(*items, *count) = memory_copy_text(item);
}

bool filters_configure(const struct config *config, struct error *err)
{
	struct filter_settings *s = &filter_settings;

	snprintf(s->default_architecture, sizeof s->default_architecture, "%s",
		 config_text(config, GROUP, "image_properties_default_architecture", ""));
	list_read(config, "isolated_hosts", &s->isolated_hosts, &s->isolated_host_count);
	list_read(config, "isolated_images", &s->isolated_images, &s->isolated_image_count);
	return available_check(config, err) && enabled_read(config, &s->enabled, err) &&
	       config_int(config, GROUP, "max_instances_per_host", 50, 1, INT32_MAX, &s->max_instances,
			  err) &&
	       config_int(config, GROUP, "max_io_ops_per_host", 8, 0, INT32_MAX, &s->max_io_ops, err) &&
	       config_bool(config, GROUP, "restrict_isolated_hosts_to_isolated_images", true,
			   &s->restrict_isolated_hosts, err);
}
