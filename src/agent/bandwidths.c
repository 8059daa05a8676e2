/* [sriov_nic] resource_provider_*: what the operator says that PFs can carry.  Neutron's agent gives it to
 * Placement; here it is told with the inventory. */
#include "agent/bandwidths.h"

#include "base/memory.h"
#include "base/text.h"

#include <string.h>

#define KBPS_MAX INT64_C(1000000000000)

static bool refuse(struct error *err, const char *option, const char *item, const char *why)
{
	return error_set(err, ERROR_BAD_REQUEST, "[sriov_nic] %s: %s: %s", option, item, why);
}

static bool is_mapped(const struct agent_settings *settings, const char *netdev)
{
	for (size_t i = 0; i < settings->mapping_count; i++) {
		if (strcmp(settings->mappings[i].netdev, netdev) == 0)
			return true;
	}
	return false;
}

static struct nic_bandwidth *bandwidth_find(const struct agent_settings *settings, const char *netdev)
{
	for (size_t i = 0; i < settings->bandwidth_count; i++) {
		if (strcmp(settings->bandwidths[i].netdev, netdev) == 0)
			return &settings->bandwidths[i];
	}
	return NULL;
}

/* --- reading --- */

static bool rate_parse(const char *text, int64_t *kbps)
{
	*kbps = -1;
	return !*text || text_to_int64(text, 0, KBPS_MAX, kbps);
}

/* "p5p1:10000000:10000000": what it sends and gets, kbit/s; either may be empty (AG-4). */
static bool bandwidth_parse(const char *item, struct agent_settings *settings, struct error *err)
{
	static const char option[] = "resource_provider_bandwidths";
	char text[128], *egress, *ingress;
	struct nic_bandwidth read = {0};

	snprintf(text, sizeof text, "%s", item);
	egress = strchr(text, ':');
	ingress = egress ? strchr(egress + 1, ':') : NULL;
	if (!ingress || egress == text || strchr(ingress + 1, ':'))
		return refuse(err, option, item, "expected network_device:egress:ingress, in kbit/s");
	*egress++ = *ingress++ = '\0';
	if (!rate_parse(egress, &read.egress_kbps) || !rate_parse(ingress, &read.ingress_kbps))
		return refuse(err, option, item, "a bandwidth is a whole number of kbit/s, or empty");
	if (!is_mapped(settings, text))
		return refuse(err, option, item,
			      "physical_device_mappings does not name this network device");
	if (bandwidth_find(settings, text))
		return refuse(err, option, item, "this network device is there twice");
	snprintf(read.netdev, sizeof read.netdev, "%.15s", text);
	*ARRAY_ADD(settings->bandwidths, settings->bandwidth_count) = read;
	return true;
}

/* "p5p1:hypervisor" for devices that have a bandwidth. */
static bool hypervisor_parse(const char *item, struct agent_settings *settings, struct error *err)
{
	static const char option[] = "resource_provider_hypervisors";
	const char *colon = strchr(item, ':');
	char netdev[16];

	if (!colon || colon == item || !colon[1])
		return refuse(err, option, item, "expected network_device:hypervisor");
	snprintf(netdev, sizeof netdev, "%.*s", (int)(colon - item), item);
	struct nic_bandwidth *bandwidth = bandwidth_find(settings, netdev);
	if (!is_mapped(settings, netdev))
		return refuse(err, option, item,
			      "physical_device_mappings does not name this network device");
	if (bandwidth)
		snprintf(bandwidth->hypervisor, sizeof bandwidth->hypervisor, "%s", colon + 1);
	return true;
}

static bool default_parse(const char *item, struct inventory_defaults *defaults, struct error *err)
{
	static const char option[] = "resource_provider_inventory_defaults";
	int64_t *const numbers[] = {&defaults->min_unit, &defaults->step_size, &defaults->reserved,
				    &defaults->max_unit};
	static const char *const names[] = {"min_unit", "step_size", "reserved", "max_unit"};
	const char *colon = strchr(item, ':');
	size_t length = colon ? (size_t)(colon - item) : 0;
	char *end;

	if (length == strlen("allocation_ratio") && strncmp(item, "allocation_ratio", length) == 0) {
		defaults->allocation_ratio = strtod(colon + 1, &end);
		return (colon[1] && !*end && defaults->allocation_ratio >= 0) ||
		       refuse(err, option, item, "expected a number that is not negative");
	}
	for (size_t i = 0; i < ELEMENTS_OF(names); i++) {
		if (length == strlen(names[i]) && strncmp(item, names[i], length) == 0)
			return text_to_int64(colon + 1, strcmp(names[i], "reserved") == 0 ? 0 : 1, KBPS_MAX,
					     numbers[i]) ||
			       refuse(err, option, item, "expected a whole number");
	}
	return refuse(err, option, item,
		      "expected allocation_ratio, min_unit, max_unit, step_size or reserved, and a number");
}

bool bandwidths_read(const struct config *config, const char *host, struct agent_settings *settings,
		     struct error *err)
{
	const char *hypervisor =
		config_text(config, "sriov_nic", "resource_provider_default_hypervisor", host);
	char item[400];

	settings->inventory_defaults = (struct inventory_defaults){1.0, 1, 1, 0, 0};
	for (size_t i = 0;
	     config_list_item(config, "sriov_nic", "resource_provider_bandwidths", i, item, sizeof item);
	     i++) {
		if (!bandwidth_parse(item, settings, err))
			return false;
		struct nic_bandwidth *last = &settings->bandwidths[settings->bandwidth_count - 1];
		snprintf(last->hypervisor, sizeof last->hypervisor, "%s", hypervisor);
	}
	for (size_t i = 0;
	     config_list_item(config, "sriov_nic", "resource_provider_hypervisors", i, item, sizeof item);
	     i++) {
		if (!hypervisor_parse(item, settings, err))
			return false;
	}
	for (size_t i = 0; config_list_item(config, "sriov_nic", "resource_provider_inventory_defaults", i,
					    item, sizeof item);
	     i++) {
		if (!default_parse(item, &settings->inventory_defaults, err))
			return false;
	}
	return true;
}

/* --- telling --- */

static void add_rate(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, int64_t kbps)
{
	if (kbps >= 0)
		yyjson_mut_obj_add_int(doc, object, name, kbps);
	else
		yyjson_mut_obj_add_null(doc, object, name);
}

void bandwidths_tell(const struct agent_settings *settings, yyjson_mut_doc *doc, yyjson_mut_val *nic)
{
	const struct inventory_defaults *defaults = &settings->inventory_defaults;
	yyjson_mut_val *rates = yyjson_mut_obj_add_obj(doc, nic, "resource_provider_bandwidths");
	yyjson_mut_val *hosts = yyjson_mut_obj_add_obj(doc, nic, "resource_provider_hypervisors");
	yyjson_mut_val *more = yyjson_mut_obj_add_obj(doc, nic, "resource_provider_inventory_defaults");

	for (size_t i = 0; i < settings->bandwidth_count; i++) {
		const struct nic_bandwidth *bandwidth = &settings->bandwidths[i];
		yyjson_mut_val *rate = yyjson_mut_obj_add_obj(doc, rates, bandwidth->netdev);

		add_rate(doc, rate, "egress", bandwidth->egress_kbps);
		add_rate(doc, rate, "ingress", bandwidth->ingress_kbps);
		yyjson_mut_obj_add_str(doc, hosts, bandwidth->netdev, bandwidth->hypervisor);
	}
	yyjson_mut_obj_add_real(doc, more, "allocation_ratio", defaults->allocation_ratio);
	yyjson_mut_obj_add_int(doc, more, "min_unit", defaults->min_unit);
	yyjson_mut_obj_add_int(doc, more, "step_size", defaults->step_size);
	yyjson_mut_obj_add_int(doc, more, "reserved", defaults->reserved);
	if (defaults->max_unit > 0)
		yyjson_mut_obj_add_int(doc, more, "max_unit", defaults->max_unit);
}
