/* Reading the settings of a host. */
#include "agent/settings.h"

#include "base/memory.h"
#include "base/text.h"

#include <string.h>
#include <unistd.h>

#define DEFAULT_STATE_DIR "/var/lib/penstock/agent"

static bool specs_read(const struct config *config, struct agent_settings *s,
		       void (*warn)(void *user, const char *sentence), void *user, struct error *err)
{
	const char *value, *file;
	char warning[256];
	size_t checked = 0;
	int line;

	if (!config_bool(config, "penstock", "keep_pfs_up", true, &s->keep_pfs_up, err) ||
	    !config_bool(config, "pci", "report_in_placement", false, &s->report_in_placement, err))
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

/* --- networks that are near some NUMA nodes --- */

static bool nodes_read(const struct config *config, const char *group, const char *name,
		       struct agent_settings *settings, size_t *count, struct error *err)
{
	char item[64];
	int node;

	for (*count = 0; config_list_item(config, group, "numa_nodes", *count, item, sizeof item); ++*count) {
		if (!item_numa_node(item, &node))
			return config_refuse_item(config, group, "numa_nodes", item, NULL, err);
		struct near_network *near = ARRAY_ADD(settings->near, settings->near_count);

		snprintf(near->name, sizeof near->name, "%s", name);
		near->node = node;
	}
	return true;
}

static bool physnets_read(const struct config *config, struct agent_settings *settings, struct error *err)
{
	char item[128], name[ITEM_PHYSNET_SIZE], why[200];
	size_t nodes;

	for (size_t i = 0; config_list_item(config, "neutron", "physnets", i, item, sizeof item); i++) {
		_cleanup_free_ char *group = memory_printf("neutron_physnet_%s", item);

		if (!item_physnet(item, name))
			return config_refuse_item(config, "neutron", "physnets", item, NULL, err);
		if (!nodes_read(config, group, name, settings, &nodes, err))
			return false;
		snprintf(why, sizeof why, "[%s] numa_nodes is not set", group);
		if (nodes == 0)
			return config_refuse_item(config, "neutron", "physnets", item, why, err);
	}
	return nodes_read(config, "neutron_tunnel", NEAR_TUNNELS, settings, &nodes, err);
}

/* --- live migration --- */

static bool migration_text(const struct config *config, const char *option, bool (*check)(const char *text),
			   const char *expected, char text[256], struct error *err)
{
	const char *given = config_text_given(config, "libvirt", option, "");

	if (*given && (strlen(given) >= 256 || !check(given)))
		return config_refuse(config, "libvirt", option, 0, expected, err);
	snprintf(text, 256, "%s", given);
	return true;
}

static bool is_scheme(const char *text)
{
	return strlen(text) < sizeof((struct migration_settings *)0)->scheme &&
	       !text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789")];
}

bool migration_address_check(const char *text)
{
	return *text && strlen(text) < 256 &&
	       !text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:_")] &&
	       *text != '-';
}

static bool is_uri(const char *text)
{
	const char *place = strstr(text, "%s");

	return place && strchr(text, '%') == place && !strchr(place + 2, '%');
}

static bool migration_read(const struct config *config, struct agent_settings *s, struct error *err)
{
	struct migration_settings *m = &s->migration;
	const char *action;
	char scheme[256];

	if (!migration_text(config, "live_migration_scheme", is_scheme, "expected tcp, tls, ssh ...", scheme,
			    err) ||
	    !migration_text(config, "live_migration_uri", is_uri,
			    "expected a URI with one %s, for the other host", m->uri, err) ||
	    !migration_text(config, "live_migration_inbound_addr", migration_address_check,
			    "expected a host's name or address", m->address, err) ||
	    !config_choice(config, "libvirt", "live_migration_timeout_action", "abort",
			   "abort,force_complete", &action, err))
		return false;
	snprintf(m->scheme, sizeof m->scheme, "%s", *scheme ? scheme : "tcp");
	m->force_complete = strcmp(action, "force_complete") == 0;
	return config_bool(config, "libvirt", "live_migration_permit_post_copy", false, &m->post_copy, err) &&
	       config_bool(config, "libvirt", "live_migration_permit_auto_converge", false, &m->auto_converge,
			   err) &&
	       config_int(config, "libvirt", "live_migration_completion_timeout", 800, 0, INT32_MAX,
			  &m->completion_seconds, err) &&
	       config_int(config, "libvirt", "live_migration_bandwidth", 0, 0, INT32_MAX, &m->bandwidth,
			  err) &&
	       config_int(config, "libvirt", "live_migration_downtime", 500, 100, INT32_MAX, &m->downtime_ms,
			  err);
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

static bool mates_read(const struct config *config, struct agent_settings *s, struct error *err)
{
	const char *mates;

	if (!config_choice(config, "pci", "iommu_group_mates", "refuse", "refuse,grant", &mates, err))
		return false;
	s->grant_mates = strcmp(mates, "grant") == 0;
	return true;
}

static bool hook_read(const struct config *config, struct agent_settings *s, struct error *err)
{
	return (!config_text_given(config, "pci", "release_hook", NULL) ||
		path_read(config, "pci", "release_hook", "", s->release_hook, err)) &&
	       config_int(config, "pci", "release_hook_timeout", 600, 1, 86400, &s->release_hook_timeout,
			  err);
}

static bool timeouts_read(const struct config *config, struct agent_settings *s, struct error *err)
{
	return config_int(config, "penstock", "device_timeout", 120, 1, 3600, &s->device_timeout, err) &&
	       config_int(config, "penstock", "libvirt_timeout", 60, 1, 3600, &s->libvirt_timeout, err);
}

static void texts_read(const struct config *config, struct agent_settings *s)
{
	char kernel[256];

	gethostname(kernel, sizeof kernel);
	snprintf(s->host, sizeof s->host, "%s", config_text_given(config, "DEFAULT", "host", kernel));
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
	       specs_read(config, s, warn, user, err) && agent_nic_read(config, s, err) &&
	       cpu_sets_read(config, s, err) && reserved_read(config, s, err) &&
	       physnets_read(config, s, err) && mates_read(config, s, err) && hook_read(config, s, err) &&
	       timeouts_read(config, s, err) && migration_read(config, s, err);
}

void agent_settings_done(struct agent_settings *s)
{
	device_specs_free(s->specs, s->spec_count);
	free(s->mappings);
	free(s->bandwidths);
	free(s->excluded);
	free(s->reserved_pages);
	free(s->near);
	*s = (struct agent_settings){0};
}
