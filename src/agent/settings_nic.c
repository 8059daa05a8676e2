/* Reading [sriov_nic]: which network devices carry which physical networks, which VFs are left alone, what
 * the devices can carry. */
#include "agent/settings.h"

#include "base/memory.h"

#include <string.h>

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

/* --- bandwidths: of devices that physical_device_mappings names, each once (AG-4) --- */

static bool bandwidths_read(const struct config *config, struct agent_settings *s, struct error *err)
{
	static const char option[] = "resource_provider_bandwidths";
	const char *hypervisor =
		config_text_given(config, nic, "resource_provider_default_hypervisor", s->host);
	struct nic_bandwidth read;
	const char *fault;
	char item[256];

	for (size_t i = 0; config_list_item(config, nic, option, i, item, sizeof item); i++) {
		if (!item_bandwidth(item, read.netdev, &read.egress_kbps, &read.ingress_kbps))
			return config_refuse_item(config, nic, option, item, NULL, err);
		fault = netdev_fault(config, s, option, i, read.netdev);
		if (fault)
			return config_refuse_item(config, nic, option, item, fault, err);
		snprintf(read.hypervisor, sizeof read.hypervisor, "%s", hypervisor);
		*ARRAY_ADD(s->bandwidths, s->bandwidth_count) = read;
	}
	return true;
}

static bool hypervisors_read(const struct config *config, struct agent_settings *s, struct error *err)
{
	static const char option[] = "resource_provider_hypervisors";
	char item[512], netdev[ITEM_NETDEV_SIZE], hypervisor[ITEM_HYPERVISOR_SIZE];
	const char *fault;

	for (size_t i = 0; config_list_item(config, nic, option, i, item, sizeof item); i++) {
		if (!item_hypervisor(item, netdev, hypervisor))
			return config_refuse_item(config, nic, option, item, NULL, err);
		fault = netdev_fault(config, s, option, i, netdev);
		if (fault)
			return config_refuse_item(config, nic, option, item, fault, err);
		for (size_t k = 0; k < s->bandwidth_count; k++) {
			if (strcmp(s->bandwidths[k].netdev, netdev) == 0)
				snprintf(s->bandwidths[k].hypervisor, sizeof s->bandwidths[k].hypervisor,
					 "%s", hypervisor);
		}
	}
	return true;
}

static bool inventory_read(const struct config *config, struct agent_settings *s, struct error *err)
{
	static const char option[] = "resource_provider_inventory_defaults";
	char item[256];

	s->inventory_defaults =
		(struct item_inventory){.allocation_ratio = 1.0, .min_unit = 1, .step_size = 1};
	for (size_t i = 0; config_list_item(config, nic, option, i, item, sizeof item); i++) {
		if (!item_inventory(item, &s->inventory_defaults))
			return config_refuse_item(config, nic, option, item, NULL, err);
	}
	return true;
}

bool agent_nic_read(const struct config *config, struct agent_settings *s, struct error *err)
{
	return mappings_read(config, s, err) && excluded_read(config, s, err) &&
	       bandwidths_read(config, s, err) && hypervisors_read(config, s, err) &&
	       inventory_read(config, s, err);
}
