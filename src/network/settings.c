/* The settings: what ml2_conf.ini and neutron.conf say. */
#include "network/internal.h"

#include "base/memory.h"
#include "config/items.h"

#include <string.h>

struct network_settings network_settings;

/* More of them than there is room for. */
static bool too_many(const struct config *config, const char *group, const char *option, const char *item,
		     size_t most, struct error *err)
{
	char why[60];

	snprintf(why, sizeof why, "there may be at most %zu", most);
	return config_refuse_item(config, group, option, item, why, err);
}

/* "physnet" or "physnet:first:last" (VL-1, VL-2). */
static bool ranges_read(const struct config *config, struct error *err)
{
	static const char group[] = "ml2_type_vlan", option[] = "network_vlan_ranges";
	struct network_settings *s = &network_settings;
	char item[128];

	for (size_t i = 0; config_list_item(config, group, option, i, item, sizeof item); i++) {
		struct vlan_range *range = &s->ranges[s->range_count];

		if (s->range_count == VLAN_MAX_RANGES)
			return too_many(config, group, option, item, VLAN_MAX_RANGES, err);
		if (!item_vlan_range(item, range->physical_network, &range->first, &range->last))
			return config_refuse_item(config, group, option, item, NULL, err);
		s->range_count++;
	}
	return true;
}

static bool flats_read(const struct config *config, struct error *err)
{
	static const char group[] = "ml2_type_flat", option[] = "flat_networks";
	struct network_settings *s = &network_settings;
	char item[128];

	s->flat_any = !config_text(config, group, option, NULL);
	for (size_t i = 0; config_list_item(config, group, option, i, item, sizeof item); i++) {
		if (s->flat_count == VLAN_MAX_RANGES)
			return too_many(config, group, option, item, VLAN_MAX_RANGES, err);
		if (!item_physnet(item, s->flat[s->flat_count]))
			return config_refuse_item(config, group, option, item, NULL, err);
		if (strcmp(item, "*") == 0)
			s->flat_any = true;
		else
			s->flat_count++;
	}
	return true;
}

static bool vnis_read(const struct config *config, struct error *err)
{
	static const char group[] = "ml2_type_vxlan", option[] = "vni_ranges";
	struct network_settings *s = &network_settings;
	char item[128];

	for (size_t i = 0; config_list_item(config, group, option, i, item, sizeof item); i++) {
		struct vni_range *range = &s->vnis[s->vni_count];

		if (s->vni_count == VLAN_MAX_RANGES)
			return too_many(config, group, option, item, VLAN_MAX_RANGES, err);
		if (!item_vni_range(item, &range->first, &range->last))
			return config_refuse_item(config, group, option, item, NULL, err);
		s->vni_count++;
	}
	if (s->vni_count == 0)
		s->vnis[s->vni_count++] = (struct vni_range){.first = 1, .last = 65535};
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
	char item[64];

	for (size_t i = 0; config_list_item(config, "ml2", "type_drivers", i, item, sizeof item); i++) {
		if (s->type_driver_count == (int)ELEMENTS_OF(s->type_drivers))
			return too_many(config, "ml2", "type_drivers", item, ELEMENTS_OF(s->type_drivers),
					err);
		snprintf(s->type_drivers[s->type_driver_count++], sizeof s->type_drivers[0], "%.15s", item);
	}
	for (size_t i = 0; config_list_item(config, "ml2", "project_network_types", i, item, sizeof item);
	     i++) {
		if (!network_type_loaded(item))
			return config_refuse_item(config, "ml2", "project_network_types", item,
						  type_built(item) ? "it is not in [ml2] type_drivers" : NULL,
						  err);
		if (s->tenant_type_count == (int)ELEMENTS_OF(s->tenant_types))
			return too_many(config, "ml2", "project_network_types", item,
					ELEMENTS_OF(s->tenant_types), err);
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
	static const char group[] = "sriov_driver", option[] = "vnic_type_prohibit_list";
	struct network_settings *s = &network_settings;
	char item[64];

	for (size_t i = 0; config_list_item(config, "ml2", "mechanism_drivers", i, item, sizeof item); i++)
		s->sriov |= strcmp(item, "sriovnicswitch") == 0;
	for (size_t i = 0; config_list_item(config, group, option, i, item, sizeof item); i++) {
		if (!prohibit(item))
			return config_refuse_item(config, group, option, item, NULL, err);
	}
	return !(s->prohibited[0] && s->prohibited[1] && s->prohibited[2]) ||
	       config_refuse(config, group, option, 0, "it leaves no vNIC type that could be bound", err);
}

/* [ml2_sriov] supported_pci_vendor_devs of old releases: not given, it limits nothing; empty, it allows
 * nothing (PV-1 to PV-3). */
static bool devices_read(const struct config *config, struct error *err)
{
	static const char group[] = "ml2_sriov", option[] = "supported_pci_vendor_devs";
	struct network_settings *s = &network_settings;
	unsigned vendor, product;
	char item[64];

	s->devices_limited = config_text(config, group, option, NULL);
	for (size_t i = 0; config_list_item(config, group, option, i, item, sizeof item); i++) {
		if (s->device_count == (int)ELEMENTS_OF(s->devices))
			return too_many(config, group, option, item, ELEMENTS_OF(s->devices), err);
		if (!item_device_ids(item, &vendor, &product))
			return config_refuse_item(config, group, option, item, NULL, err);
		snprintf(s->devices[s->device_count++], sizeof s->devices[0], "%04x:%04x", vendor, product);
	}
	return true;
}

/* "physnet:mtu", for physical networks that carry less than the others. */
static bool mtus_read(const struct config *config, struct error *err)
{
	struct network_settings *s = &network_settings;
	char item[128];

	for (size_t i = 0; config_list_item(config, "ml2", "physical_network_mtus", i, item, sizeof item);
	     i++) {
		struct physnet_mtu *mtu = &s->mtus[s->mtu_count];

		if (s->mtu_count == VLAN_MAX_RANGES)
			return too_many(config, "ml2", "physical_network_mtus", item, VLAN_MAX_RANGES, err);
		if (!item_physnet_mtu(item, mtu->physical_network, &mtu->mtu))
			return config_refuse_item(config, "ml2", "physical_network_mtus", item, NULL, err);
		s->mtu_count++;
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
		return config_refuse(config, "DEFAULT", "base_mac", 0, NULL, err);
	for (int i = 0; i < 4; i++)
		network_settings.base_mac[i] = (unsigned char)b[i];
	return true;
}

static bool quotas_read(const struct config *config, struct error *err)
{
	struct network_settings *s = &network_settings;

	return config_int(config, "quotas", "quota_network", 100, -1, INT32_MAX, &s->quota_network, err) &&
	       config_int(config, "quotas", "quota_subnet", 100, -1, INT32_MAX, &s->quota_subnet, err) &&
	       config_int(config, "quotas", "quota_port", 500, -1, INT32_MAX, &s->quota_port, err) &&
	       config_int(config, "quotas", "quota_security_group", 10, -1, INT32_MAX, &s->quota_group,
			  err) &&
	       config_int(config, "quotas", "quota_security_group_rule", 100, -1, INT32_MAX,
			  &s->quota_group_rule, err);
}

bool network_settings_read(const struct config *config, struct error *err)
{
	struct network_settings *s = &network_settings;

	*s = (struct network_settings){0};
	if (!types_read(config, err) || !drivers_read(config, err) || !devices_read(config, err) ||
	    !mtus_read(config, err) || !base_mac_read(config, err) || !quotas_read(config, err) ||
	    !ranges_read(config, err) || !flats_read(config, err) || !vnis_read(config, err) ||
	    !config_bool(config, "DEFAULT", "vlan_qinq", false, &s->qinq, err) ||
	    !config_int(config, "DEFAULT", "agent_down_time", 75, 1, 86400, &s->agent_down, err))
		return false;
	s->agent_down *= 1000000;
	return true;
}
