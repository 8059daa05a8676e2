/* Reading the settings of a host. */
#include "agent/settings.h"

#include "base/memory.h"
#include "base/text.h"

#include <string.h>

#define DEFAULT_STATE_DIR "/var/lib/penstock/agent"

static bool specs_read(const struct config *config, struct agent_settings *s,
		       void (*warn)(void *user, const char *sentence), void *user, struct error *err)
{
	const char *value, *file;
	char warning[256];
	size_t checked = 0;
	int line;

	if (!config_bool(config, "pci", "report_in_placement", false, &s->report_in_placement, err))
		return false;
	for (size_t i = 0; (value = config_multi(config, "pci", "device_spec", i, &file, &line)); i++) {
		_cleanup_free_ char *where = memory_printf("%.250s:%d", file, line);

		if (!device_spec_parse(where, value, &s->specs, &s->spec_count, warning, err))
			return false;
		if (*warning)
			warn(user, warning);
		for (; checked < s->spec_count; checked++) {
			if (!device_spec_check_placement(where, &s->specs[checked], s->report_in_placement,
							 err))
				return false;
		}
	}
	return true;
}

/* --- [sriov_nic] --- */

static const char nic[] = "sriov_nic";

static bool is_mapped(const struct agent_settings *s, const char *physnet, const char *netdev)
{
	for (size_t i = 0; i < s->mapping_count; i++) {
		if (strcmp(s->mappings[i].netdev, netdev) == 0 &&
		    (!physnet || strcmp(s->mappings[i].physical_network, physnet) == 0))
			return true;
	}
	return false;
}

/* The same item twice is one (AG-1). */
static bool mappings_read(const struct config *config, struct agent_settings *s, struct error *err)
{
	static const char option[] = "physical_device_mappings";
	struct device_mapping mapping;
	char item[256];

	for (size_t i = 0; config_list_item(config, nic, option, i, item, sizeof item); i++) {
		if (!item_mapping(item, mapping.physical_network, mapping.netdev))
			return config_refuse_item(config, nic, option, item, NULL, err);
		if (!is_mapped(s, mapping.physical_network, mapping.netdev))
			*ARRAY_ADD(s->mappings, s->mapping_count) = mapping;
	}
	return true;
}

static void exclude(void *user, const char *address)
{
	struct agent_settings *s = user;

	snprintf(ARRAY_ADD(s->excluded, s->excluded_count)->address, 16, "%s", address);
}

/* Is this network device that of an item before the i-th, too? */
static bool is_repeated(const struct config *config, const char *option, size_t i, const char *netdev)
{
	char item[256];

	for (size_t k = 0; k < i && config_list_item(config, nic, option, k, item, sizeof item); k++) {
		item[strcspn(item, ": ")] = '\0';
		if (strcmp(item, netdev) == 0)
			return true;
	}
	return false;
}

/* Why an item about a network device of this host makes no sense, or NULL. */
static const char *netdev_fault(const struct config *config, const struct agent_settings *s,
				const char *option, size_t i, const char *netdev)
{
	if (!is_mapped(s, NULL, netdev))
		return "its network device is not in physical_device_mappings";
	return is_repeated(config, option, i, netdev) ? "its network device has an item already" : NULL;
}

/* Of devices that physical_device_mappings names, each once (AG-2). */
static bool excluded_read(const struct config *config, struct agent_settings *s, struct error *err)
{
	static const char option[] = "exclude_devices";
	char item[8192], netdev[ITEM_NETDEV_SIZE]; /* some hundred addresses */
	const char *fault;

	for (size_t i = 0; config_list_item(config, nic, option, i, item, sizeof item); i++) {
		if (strlen(item) == sizeof item - 1) /* it may have been cut */
			return config_refuse_item(config, nic, option, item, "it is too long", err);
		if (!item_exclusion(item, netdev, exclude, s))
			return config_refuse_item(config, nic, option, item, NULL, err);
		fault = netdev_fault(config, s, option, i, netdev);
		if (fault)
			return config_refuse_item(config, nic, option, item, fault, err);
	}
	return true;
}

/* Bandwidths of devices that physical_device_mappings names, each once (AG-4). */
static bool bandwidths_check(const struct config *config, struct agent_settings *s, struct error *err)
{
	static const char option[] = "resource_provider_bandwidths";
	char item[256], netdev[ITEM_NETDEV_SIZE];
	int64_t egress, ingress;
	const char *fault;

	for (size_t i = 0; config_list_item(config, nic, option, i, item, sizeof item); i++) {
		if (!item_bandwidth(item, netdev, &egress, &ingress))
			return config_refuse_item(config, nic, option, item, NULL, err);
		fault = netdev_fault(config, s, option, i, netdev);
		if (fault)
			return config_refuse_item(config, nic, option, item, fault, err);
	}
	return true;
}

/* --- memory and CPUs --- */

static bool reserved_read(const struct config *config, struct agent_settings *s, struct error *err)
{
	static const char option[] = "reserved_huge_pages";
	const char *value;

	for (size_t i = 0; (value = config_multi(config, "DEFAULT", option, i, NULL, NULL)); i++) {
		struct reserved_pages *pages = ARRAY_ADD(s->reserved_pages, s->reserved_page_count);

		if (!item_huge_pages(value, &pages->node, &pages->size_kb, &pages->count))
			return config_refuse(config, "DEFAULT", option, i, NULL, err);
	}
	return true;
}

static bool cpu_set_read(const struct config *config, const char *option, struct agent_settings *s,
			 struct cpu_set *set, struct error *err)
{
	const char *text = config_text_given(config, "compute", option, NULL);
	_cleanup_free_ char *name = memory_printf("[compute] %s", option);

	if (!text)
		return true;
	s->has_cpu_sets = true;
	return cpu_set_parse(name, text, CPU_SET_MAX, set, err) ||
	       config_blame(config, "compute", option, err);
}

static bool cpu_sets_read(const struct config *config, struct agent_settings *s, struct error *err)
{
	return cpu_set_read(config, "cpu_shared_set", s, &s->cpu_shared_set, err) &&
	       cpu_set_read(config, "cpu_dedicated_set", s, &s->cpu_dedicated_set, err) &&
	       (!cpu_set_intersects(&s->cpu_shared_set, &s->cpu_dedicated_set) ||
		config_refuse(config, "compute", "cpu_dedicated_set", 0,
			      "it has CPUs in common with cpu_shared_set", err));
}

/* --- networks near NUMA nodes --- */

static bool nodes_read(const struct config *config, const char *group, const char *name,
		       struct agent_settings *settings, size_t *count, struct error *err)
{
	char item[32];
	int64_t node;

	for (*count = 0; config_list_item(config, group, "numa_nodes", *count, item, sizeof item); ++*count) {
		if (!text_to_int64(item, 0, 1023, &node))
			return config_refuse(config, group, "numa_nodes", 0, "expected a list of NUMA nodes",
					     err);
		struct near_network *near = ARRAY_ADD(settings->near, settings->near_count);

		snprintf(near->name, sizeof near->name, "%s", name);
		near->node = (int)node;
	}
	return true;
}

static bool near_read(const struct config *config, struct agent_settings *settings, struct error *err)
{
	char name[80], why[200];
	size_t nodes;

	for (size_t i = 0; config_list_item(config, "neutron", "physnets", i, name, sizeof name); i++) {
		_cleanup_free_ char *group = memory_printf("neutron_physnet_%s", name);

		if (strlen(name) >= sizeof settings->near->name)
			return config_refuse(config, "neutron", "physnets", 0, "a name has at most 64 bytes",
					     err);
		if (!nodes_read(config, group, name, settings, &nodes, err))
			return false;
		snprintf(why, sizeof why, "[%s] numa_nodes is not set", group);
		if (nodes == 0)
			return config_refuse(config, "neutron", "physnets", 0, why, err);
	}
	return nodes_read(config, "neutron_tunnel", "", settings, &nodes, err);
}

/* --- all --- */

#define PATH_MAX_LENGTH 200 /* files in these folders have longer ones */

static bool path_read(const struct config *config, const char *group, const char *option,
		      const char *fallback, char path[256], struct error *err)
{
	const char *text = config_text_given(config, group, option, fallback);

	if (*text != '/' || strlen(text) > PATH_MAX_LENGTH)
		return config_refuse(config, group, option, 0,
				     "expected a path that begins with / and has at most 200 characters",
				     err);
	snprintf(path, 256, "%s", text);
	return true;
}

static bool folders_read(const struct config *config, struct agent_settings *s, struct error *err)
{
	char instances[256];

	if (!path_read(config, "penstock", "agent_state_path", DEFAULT_STATE_DIR, s->state_dir, err))
		return false;
	snprintf(instances, sizeof instances, "%.200s/instances", s->state_dir);
	snprintf(s->folders.cache, sizeof s->folders.cache, "%.200s/images", s->state_dir);
	return path_read(config, "DEFAULT", "instances_path", instances, s->folders.instances, err);
}

static void texts_read(const struct config *config, struct agent_settings *s)
{
	snprintf(s->controller.url, sizeof s->controller.url, "%s",
		 config_text_given(config, "penstock", "controller_url", "http://127.0.0.1:5000"));
	snprintf(s->availability_zone, sizeof s->availability_zone, "%s",
		 config_text_given(config, "DEFAULT", "default_availability_zone", "nova"));
}

bool agent_settings_read(const struct config *config, struct agent_settings *s,
			 void (*warn)(void *user, const char *sentence), void *user, struct error *err)
{
	texts_read(config, s);
	return folders_read(config, s, err) &&
	       config_int(config, "DEFAULT", "reserved_host_memory_mb", 512, 0, INT32_MAX,
			  &s->reserved_memory_mb, err) &&
	       specs_read(config, s, warn, user, err) && mappings_read(config, s, err) &&
	       excluded_read(config, s, err) && bandwidths_check(config, s, err) &&
	       cpu_sets_read(config, s, err) && reserved_read(config, s, err) && near_read(config, s, err);
}

void agent_settings_done(struct agent_settings *s)
{
	device_specs_free(s->specs, s->spec_count);
	free(s->mappings);
	free(s->excluded);
	free(s->reserved_pages);
	free(s->near);
	free(s->bandwidths);
	*s = (struct agent_settings){0};
}
