/* What is known of a host, under Nova's names. */
#include "scheduler/filters.h"

#include "base/memory.h"
#include "scheduler/settings.h"

#include <stdio.h>
#include <string.h>

enum fact {
	FACT_NAME,
	FACT_ID,
	FACT_RAM_TOTAL,
	FACT_DISK_TOTAL,
	FACT_DISK_USED,
	FACT_RAM_FREE,
	FACT_DISK_FREE,
	FACT_VCPUS_TOTAL,
	FACT_VCPUS_USED,
	FACT_INSTANCES,
	FACT_IO_OPS,
	FACT_FAILED_BUILDS,
	FACT_CPU_RATIO,
	FACT_RAM_RATIO,
	FACT_DISK_RATIO,
	FACT_HYPERVISOR_TYPE,
	FACT_HYPERVISOR_VERSION,
	FACT_CPU_INFO,
};

static const struct {
	const char *name;
	enum fact fact;
} facts[] = {
	{"host", FACT_NAME},
	{"nodename", FACT_NAME},
	{"hypervisor_hostname", FACT_NAME},
	{"uuid", FACT_ID},
	{"total_usable_ram_mb", FACT_RAM_TOTAL},
	{"total_usable_disk_gb", FACT_DISK_TOTAL},
	{"disk_mb_used", FACT_DISK_USED},
	{"free_ram_mb", FACT_RAM_FREE},
	{"free_disk_mb", FACT_DISK_FREE},
	{"vcpus_total", FACT_VCPUS_TOTAL},
	{"vcpus_used", FACT_VCPUS_USED},
	{"num_instances", FACT_INSTANCES},
	{"num_io_ops", FACT_IO_OPS},
	{"io_workload", FACT_IO_OPS},
	{"failed_builds", FACT_FAILED_BUILDS},
	{"cpu_allocation_ratio", FACT_CPU_RATIO},
	{"ram_allocation_ratio", FACT_RAM_RATIO},
	{"disk_allocation_ratio", FACT_DISK_RATIO},
	{"hypervisor_type", FACT_HYPERVISOR_TYPE},
	{"hypervisor_version", FACT_HYPERVISOR_VERSION},
	{"cpu_info", FACT_CPU_INFO},
};

static int fact_find(const char *name)
{
	for (size_t i = 0; i < ELEMENTS_OF(facts); i++) {
		if (strcmp(facts[i].name, name) == 0)
			return facts[i].fact;
	}
	return -1;
}

bool facts_known(const char *attribute)
{
	return fact_find(attribute) >= 0;
}

static double number_of(const struct fleet_host *host, enum fact fact)
{
	const struct scheduler_settings *s = &scheduler_settings;

	switch (fact) {
	case FACT_RAM_TOTAL:
		return (double)host->total_memory_mb;
	case FACT_DISK_TOTAL:
		return (double)host->disk_gb;
	case FACT_DISK_USED:
		return (double)host->disk_gb_used * 1024;
	case FACT_RAM_FREE:
		return (double)(host->memory_mb - host->memory_mb_used);
	case FACT_DISK_FREE:
		return (double)(host->disk_gb - host->disk_gb_used) * 1024;
	case FACT_VCPUS_TOTAL:
		return (double)host->vcpus;
	case FACT_VCPUS_USED:
		return (double)host->vcpus_used;
	case FACT_INSTANCES:
		return (double)host->servers;
	case FACT_IO_OPS:
		return host->building;
	case FACT_FAILED_BUILDS:
		return host->failed_builds;
	case FACT_CPU_RATIO:
		return s->cpu_ratio;
	case FACT_RAM_RATIO:
		return s->ram_ratio;
	case FACT_DISK_RATIO:
		return s->disk_ratio;
	default:
		return (double)host->hypervisor_version;
	}
}

/* --- JSON --- */

static yyjson_val *follow(yyjson_val *value, const char *const *path, size_t depth)
{
	for (size_t i = 0; i < depth && value; i++)
		value = yyjson_obj_get(value, path[i]);
	return yyjson_is_null(value) ? NULL : value;
}

/* A list is ['a', 'b']. */
static void list_format(yyjson_val *list, char text[FACT_SIZE])
{
	_cleanup_(text_done) struct text out = {0};
	yyjson_val *item;
	size_t i, max;

	text_add(&out, "[");
	yyjson_arr_foreach (list, i, max, item) {
		if (yyjson_is_str(item))
			text_addf(&out, "%s'%s'", i ? ", " : "", yyjson_get_str(item));
	}
	text_add(&out, "]");
	snprintf(text, FACT_SIZE, "%s", out.data);
}

static bool json_format(yyjson_val *value, char text[FACT_SIZE])
{
	_cleanup_free_ char *json = NULL;

	if (!value)
		return false;
	if (yyjson_is_str(value)) {
		snprintf(text, FACT_SIZE, "%s", yyjson_get_str(value));
	} else if (yyjson_is_bool(value)) {
		snprintf(text, FACT_SIZE, "%s", yyjson_get_bool(value) ? "True" : "False");
	} else if (yyjson_is_arr(value)) {
		list_format(value, text);
	} else {
		json = yyjson_val_write(value, 0, NULL);
		snprintf(text, FACT_SIZE, "%s", json ? json : "");
	}
	return true;
}

bool facts_get(const struct fleet_host *host, const char *const *path, size_t depth, char text[FACT_SIZE])
{
	int fact = fact_find(path[0]);
	bool ratio = fact >= FACT_CPU_RATIO && fact <= FACT_DISK_RATIO;

	if (fact == FACT_CPU_INFO)
		return host->cpu &&
		       json_format(follow(yyjson_doc_get_root(host->cpu->doc), path + 1, depth - 1), text);
	if (fact < 0 || depth > 1)
		return false;
	if (fact == FACT_NAME || fact == FACT_ID || fact == FACT_HYPERVISOR_TYPE)
		snprintf(text, FACT_SIZE, "%s",
			 fact == FACT_NAME ? host->name
			 : fact == FACT_ID ? host->id
					   : host->hypervisor_type);
	else if (ratio)
		snprintf(text, FACT_SIZE, "%.1f", number_of(host, (enum fact)fact));
	else
		snprintf(text, FACT_SIZE, "%.0f", number_of(host, (enum fact)fact));
	return true;
}

bool facts_number(const struct fleet_host *host, const char *const *path, size_t depth, double *number)
{
	int fact = fact_find(path[0]);

	if (fact == FACT_CPU_INFO) {
		yyjson_val *value =
			host->cpu ? follow(yyjson_doc_get_root(host->cpu->doc), path + 1, depth - 1) : NULL;

		*number = yyjson_get_num(value);
		return yyjson_is_num(value);
	}
	if (fact < 0 || depth > 1 || fact == FACT_NAME || fact == FACT_ID || fact == FACT_HYPERVISOR_TYPE)
		return false;
	*number = number_of(host, (enum fact)fact);
	return true;
}
