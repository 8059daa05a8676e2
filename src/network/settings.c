/* The settings: what ml2_conf.ini and neutron.conf say. */
#include "network/internal.h"

#include "base/memory.h"

#include <string.h>

struct network_settings network_settings;

static bool range_error(struct error *err, const char *item, const char *why)
{
	return error_set(err, ERROR_BAD_REQUEST, "[ml2_type_vlan] network_vlan_ranges: '%s': %s", item, why);
}

/* "physnet" or "physnet:first:last" (VL-1, VL-2). */
static bool range_parse(const char *item, struct vlan_range *range, struct error *err)
{
	char text[128], *first, *last;

	snprintf(text, sizeof text, "%s", item);
	if ((first = strchr(text, ':')))
		*first++ = '\0';
	last = first ? strchr(first, ':') : NULL;
	if (last)
		*last++ = '\0';
	if (first && (!last || strchr(last, ':')))
		return range_error(err, item, "expected physnet or physnet:first:last");
	if (!*text || strlen(text) > 64)
		return range_error(err, item, "the physical network's name must have 1 to 64 characters");
	*range = (struct vlan_range){.first = 1, .last = 4094};
	snprintf(range->physical_network, sizeof range->physical_network, "%s", text);
	if (first && (!text_to_int64(first, 1, 4094, &range->first) ||
		      !text_to_int64(last, range->first, 4094, &range->last)))
		return range_error(err, item,
				   "VLAN ids are whole numbers from 1 to 4094, the first not above the last");
	return true;
}

static bool ranges_read(const struct config *config, struct error *err)
{
	struct network_settings *s = &network_settings;
	char item[128];

	for (size_t i = 0;
	     config_list_item(config, "ml2_type_vlan", "network_vlan_ranges", i, item, sizeof item); i++) {
		if (s->range_count == VLAN_MAX_RANGES)
			return range_error(err, item, "more than 64 ranges");
		if (!range_parse(item, &s->ranges[s->range_count++], err))
			return false;
	}
	s->flat_any = !config_text(config, "ml2_type_flat", "flat_networks", NULL);
	for (size_t i = 0; config_list_item(config, "ml2_type_flat", "flat_networks", i, item, sizeof item);
	     i++) {
		if (strcmp(item, "*") == 0)
			s->flat_any = true;
		else if (s->flat_count < VLAN_MAX_RANGES)
			snprintf(s->flat[s->flat_count++], sizeof s->flat[0], "%.64s", item);
	}
	return true;
}

static bool vni_read(const struct config *config, struct error *err)
{
	struct network_settings *s = &network_settings;
	char item[64], *colon;

	s->vni_first = 1;
	s->vni_last = 65535;
	if (!config_list_item(config, "ml2_type_vxlan", "vni_ranges", 0, item, sizeof item))
		return true;
	colon = strchr(item, ':');
	if (colon)
		*colon++ = '\0';
	if (!colon || !text_to_int64(item, 1, 16777215, &s->vni_first) ||
	    !text_to_int64(colon, s->vni_first, 16777215, &s->vni_last))
		return error_set(
			err, ERROR_BAD_REQUEST,
			"[ml2_type_vxlan] vni_ranges: expected first:last, whole numbers from 1 to 16777215");
	return true;
}

static bool type_built(const char *type)
{
	static const char *const types[] = {"local", "flat", "vlan", "vxlan", "geneve"};

	for (size_t i = 0; i < ELEMENTS_OF(types); i++) {
		if (strcmp(types[i], type) == 0)
			return true;
	}
	return false;
}

bool network_type_loaded(const char *type)
{
	for (int i = 0; i < network_settings.type_driver_count; i++) {
		if (strcmp(network_settings.type_drivers[i], type) == 0)
			return type_built(type);
	}
	return network_settings.type_driver_count == 0 && type_built(type);
}

static bool types_read(const struct config *config, struct error *err)
{
	struct network_settings *s = &network_settings;
	const char *option = config_text(config, "ml2", "project_network_types", NULL)
				     ? "project_network_types"
				     : "tenant_network_types";
	char item[64];

	for (size_t i = 0; i < 8 && config_list_item(config, "ml2", "type_drivers", i, item, sizeof item);
	     i++)
		snprintf(s->type_drivers[s->type_driver_count++], sizeof s->type_drivers[0], "%.15s", item);
	for (size_t i = 0; i < 8 && config_list_item(config, "ml2", option, i, item, sizeof item); i++) {
		if (!network_type_loaded(item))
			return error_set(err, ERROR_BAD_REQUEST,
					 "[ml2] %s: there is no type driver for '%.40s'", option, item);
		snprintf(s->tenant_types[s->tenant_type_count++], sizeof s->tenant_types[0], "%.15s", item);
	}
	if (s->tenant_type_count == 0)
		strcpy(s->tenant_types[s->tenant_type_count++], "local");
	return true;
}

const char *const network_sriov_types[NETWORK_SRIOV_TYPES] = {"direct", "macvtap", "direct-physical"};

static bool prohibit(const char *type)
{
	for (size_t i = 0; i < NETWORK_SRIOV_TYPES; i++) {
		if (strcmp(network_sriov_types[i], type) == 0) {
			network_settings.prohibited[i] = true;
			return true;
		}
	}
	return strcmp(type, "accelerator-direct") == 0; /* which is not bound anyway */
}

/* Which vNIC types sriovnicswitch binds (MD-1). */
static bool drivers_read(const struct config *config, struct error *err)
{
	struct network_settings *s = &network_settings;
	char item[64];

	for (size_t i = 0; config_list_item(config, "ml2", "mechanism_drivers", i, item, sizeof item); i++)
		s->sriov |= strcmp(item, "sriovnicswitch") == 0;
	for (size_t i = 0;
	     config_list_item(config, "sriov_driver", "vnic_type_prohibit_list", i, item, sizeof item); i++) {
		if (!prohibit(item))
			return error_set(err, ERROR_BAD_REQUEST,
					 "[sriov_driver] vnic_type_prohibit_list: '%s' is no vNIC type of "
					 "sriovnicswitch",
					 item);
	}
	if (s->prohibited[0] && s->prohibited[1] && s->prohibited[2])
		return error_set(err, ERROR_BAD_REQUEST,
				 "[sriov_driver] vnic_type_prohibit_list leaves no vNIC type");
	return true;
}

/* [ml2_sriov] supported_pci_vendor_devs of old releases: not given, it limits nothing; empty, it allows
 * nothing (PV-1 to PV-3). */
static bool devices_read(const struct config *config, struct error *err)
{
	struct network_settings *s = &network_settings;
	unsigned int vendor, product;
	char item[64], end;

	s->devices_limited = config_text(config, "ml2_sriov", "supported_pci_vendor_devs", NULL);
	for (size_t i = 0;
	     config_list_item(config, "ml2_sriov", "supported_pci_vendor_devs", i, item, sizeof item); i++) {
		if (s->device_count == (int)ELEMENTS_OF(s->devices) ||
		    sscanf(item, "%4x:%4x%c", &vendor, &product, &end) != 2)
			return error_set(
				err, ERROR_BAD_REQUEST,
				"[ml2_sriov] supported_pci_vendor_devs: '%s': expected at most %zu of "
				"vendor:product",
				item, ELEMENTS_OF(s->devices));
		snprintf(s->devices[s->device_count++], sizeof s->devices[0], "%04x:%04x", vendor, product);
	}
	return true;
}

/* "physnet:mtu", for physical networks that carry less than the others. */
static bool mtus_read(const struct config *config, struct error *err)
{
	struct network_settings *s = &network_settings;
	char item[128], *colon;

	for (size_t i = 0; config_list_item(config, "ml2", "physical_network_mtus", i, item, sizeof item);
	     i++) {
		struct physnet_mtu *mtu = &s->mtus[s->mtu_count++];

		colon = strrchr(item, ':');
		if (colon)
			*colon++ = '\0';
		if (!colon || s->mtu_count > VLAN_MAX_RANGES - 1 || !*item || strlen(item) > 64 ||
		    !text_to_int64(colon, 68, 65535, &mtu->mtu))
			return error_set(err, ERROR_BAD_REQUEST,
					 "[ml2] physical_network_mtus: '%.80s': expected physnet:mtu", item);
		snprintf(mtu->physical_network, sizeof mtu->physical_network, "%s", item);
	}
	return config_int(config, "DEFAULT", "global_physnet_mtu", 1500, 68, 65535, &s->mtu, err) &&
	       config_int(config, "ml2", "path_mtu", 0, 0, 65535, &s->path_mtu, err);
}

/* Three bytes of the MACs that are made up; a fourth if it is not 0. */
static bool base_mac_read(const struct config *config, struct error *err)
{
	const char *option = config_text(config, "DEFAULT", "base_mac", "fa:16:3e:00:00:00");
	unsigned int b[4];
	char mac[18];

	if (!mac_parse(option, mac) || sscanf(mac, "%2x:%2x:%2x:%2x", &b[0], &b[1], &b[2], &b[3]) != 4)
		return error_set(err, ERROR_BAD_REQUEST,
				 "[DEFAULT] base_mac = %.40s: expected a unicast MAC address", option);
	for (int i = 0; i < 4; i++)
		network_settings.base_mac[i] = (unsigned char)b[i];
	return true;
}

static bool quotas_read(const struct config *config, struct error *err)
{
	struct network_settings *s = &network_settings;

	return config_int(config, "quotas", "quota_network", 100, -1, INT32_MAX, &s->quota_network, err) &&
	       config_int(config, "quotas", "quota_subnet", 100, -1, INT32_MAX, &s->quota_subnet, err) &&
	       config_int(config, "quotas", "quota_port", 500, -1, INT32_MAX, &s->quota_port, err);
}

bool network_settings_read(const struct config *config, struct error *err)
{
	struct network_settings *s = &network_settings;

	*s = (struct network_settings){0};
	if (!types_read(config, err) || !drivers_read(config, err) || !devices_read(config, err) ||
	    !mtus_read(config, err) || !base_mac_read(config, err) || !quotas_read(config, err) ||
	    !ranges_read(config, err) || !vni_read(config, err) ||
	    !config_int(config, "DEFAULT", "agent_down_time", 75, 1, 86400, &s->agent_down, err))
		return false;
	s->agent_down *= 1000000;
	return true;
}
