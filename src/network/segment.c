/* Type drivers: VLAN ranges, flat networks, tenant networks; which segment a network gets. */
#include "network/internal.h"

#include "base/memory.h"
#include "sys/sys.h"

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

/* Which types [ml2] type_drivers loads, of those that there are. */
static bool type_loaded(const char *type)
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
		if (!type_loaded(item))
			return error_set(err, ERROR_BAD_REQUEST,
					 "[ml2] %s: there is no type driver for '%.40s'", option, item);
		snprintf(s->tenant_types[s->tenant_type_count++], sizeof s->tenant_types[0], "%.15s", item);
	}
	if (s->tenant_type_count == 0)
		strcpy(s->tenant_types[s->tenant_type_count++], "local");
	for (size_t i = 0; config_list_item(config, "ml2", "mechanism_drivers", i, item, sizeof item); i++)
		s->sriov |= strcmp(item, "sriovnicswitch") == 0;
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
	return config_int(config, "ml2", "path_mtu", 0, 0, 65535, &s->path_mtu, err);
}

/* A tunnel's header takes 50 bytes of what the physical network carries (MT-1). */
int64_t segment_mtu_max(const struct segment *segment)
{
	const struct network_settings *s = &network_settings;
	int64_t mtu = s->mtu;

	if (strcmp(segment->type, "vxlan") == 0 || strcmp(segment->type, "geneve") == 0)
		return (s->path_mtu && s->path_mtu < mtu ? s->path_mtu : mtu) - 50;
	for (int i = 0; i < s->mtu_count; i++) {
		if (strcmp(s->mtus[i].physical_network, segment->physical_network) == 0 &&
		    s->mtus[i].mtu < mtu)
			mtu = s->mtus[i].mtu;
	}
	return mtu;
}

bool network_settings_read(const struct config *config, struct error *err)
{
	const char *mac = config_text(config, "DEFAULT", "base_mac", "fa:16:3e:00:00:00");
	unsigned int b[3];

	network_settings = (struct network_settings){0};
	if (!types_read(config, err) || !mtus_read(config, err) || !devices_read(config, err))
		return false;
	if (sscanf(mac, "%2x:%2x:%2x:", &b[0], &b[1], &b[2]) != 3 || (b[0] & 1))
		return error_set(err, ERROR_BAD_REQUEST,
				 "[DEFAULT] base_mac = %.40s: expected a unicast MAC address", mac);
	for (int i = 0; i < 3; i++)
		network_settings.base_mac[i] = (unsigned char)b[i];
	if (!config_int(config, "DEFAULT", "agent_down_time", 75, 1, 86400, &network_settings.agent_down,
			err) ||
	    !config_int(config, "quotas", "quota_network", 100, -1, INT32_MAX,
			&network_settings.quota_network, err) ||
	    !config_int(config, "quotas", "quota_subnet", 100, -1, INT32_MAX, &network_settings.quota_subnet,
			err) ||
	    !config_int(config, "quotas", "quota_port", 500, -1, INT32_MAX, &network_settings.quota_port,
			err) ||
	    !config_int(config, "DEFAULT", "global_physnet_mtu", 1500, 68, 65535, &network_settings.mtu, err))
		return false;
	network_settings.agent_down *= 1000000;
	return ranges_read(config, err) && vni_read(config, err);
}

static bool physnet_known(const char *name)
{
	for (int i = 0; i < network_settings.range_count; i++) {
		if (strcmp(network_settings.ranges[i].physical_network, name) == 0)
			return true;
	}
	return false;
}

static bool id_is_free(struct store *db, const struct segment *segment, bool *is_free, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err,
			 "SELECT 1 FROM network WHERE type = ?1 AND ifnull(physical_network, '') = ?2 AND "
			 "segmentation_id = ?3",
			 V((const char *)segment->type), V((const char *)segment->physical_network),
			 V(segment->id)))
		return false;
	*is_free = !store_next(&rows);
	return store_end(&rows, err);
}

/* A free id of one range, beginning at a random one (VL-10); -1 if there is none. */
static bool range_pick(struct store *db, struct segment *segment, int64_t first, int64_t last,
		       struct error *err)
{
	int64_t count = last - first + 1;
	uint32_t start;
	bool is_free = false;

	sys_random(&start, sizeof start);
	for (int64_t i = 0; i < count && !is_free; i++) {
		segment->id = first + (start + i) % count;
		if (!id_is_free(db, segment, &is_free, err))
			return false;
	}
	if (!is_free)
		segment->id = -1;
	return true;
}

static bool none_free(struct error *err)
{
	return error_set_typed(
		err, ERROR_UNAVAILABLE, "NoNetworkAvailable",
		"Unable to create the network. No tenant network is available for allocation.");
}

static bool vlan_pick(struct store *db, struct segment *segment, struct error *err)
{
	bool any = !*segment->physical_network;

	for (int i = 0; i < network_settings.range_count && segment->id < 0; i++) {
		const struct vlan_range *range = &network_settings.ranges[i];

		if (!any && strcmp(range->physical_network, segment->physical_network) != 0)
			continue;
		snprintf(segment->physical_network, sizeof segment->physical_network, "%s",
			 range->physical_network);
		if (!range_pick(db, segment, range->first, range->last, err))
			return false;
	}
	return segment->id >= 0 || none_free(err);
}

static bool input_error(struct error *err, const char *text)
{
	return error_set_typed(err, ERROR_BAD_REQUEST, "InvalidInput", "Invalid input for operation: %s.",
			       text);
}

static bool vlan_choose(struct store *db, struct segment *segment, struct error *err)
{
	char text[200];
	bool is_free;

	if (*segment->physical_network && !physnet_known(segment->physical_network)) {
		snprintf(text, sizeof text, "physical_network '%s' unknown for VLAN provider network",
			 segment->physical_network);
		return input_error(err, text);
	}
	if (segment->id < 0)
		return vlan_pick(db, segment, err);
	if (!*segment->physical_network)
		return input_error(err,
				   "segmentation_id requires physical_network for VLAN provider network");
	if (segment->id < 1 || segment->id > 4094)
		return input_error(err, "segmentation_id out of range (1 through 4094)");
	if (!id_is_free(db, segment, &is_free, err))
		return false;
	return is_free ||
	       error_set_typed(
		       err, ERROR_CONFLICT, "VlanIdInUse",
		       "Unable to create the network. The VLAN %lld on physical network %s is in use.",
		       (long long)segment->id, segment->physical_network);
}

static bool flat_choose(struct store *db, struct segment *segment, struct error *err)
{
	bool known = network_settings.flat_any, is_free = true;

	if (segment->id >= 0)
		return input_error(err, "segmentation_id prohibited for flat provider network");
	if (!*segment->physical_network)
		return input_error(err, "physical_network required for flat provider network");
	for (int i = 0; i < network_settings.flat_count; i++)
		known |= strcmp(network_settings.flat[i], segment->physical_network) == 0;
	if (!known) {
		char text[200];

		snprintf(text, sizeof text, "physical_network '%s' unknown for flat provider network",
			 segment->physical_network);
		return input_error(err, text);
	}
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	if (!store_query(db, &rows, err,
			 "SELECT 1 FROM network WHERE type = 'flat' AND physical_network = ?1",
			 V((const char *)segment->physical_network)))
		return false;
	is_free = !store_next(&rows);
	return store_end(&rows, err) &&
	       (is_free ||
		error_set_typed(err, ERROR_CONFLICT, "FlatNetworkInUse",
				"Unable to create the flat network. Physical network %s is in use.",
				segment->physical_network));
}

static bool overlay_choose(struct store *db, struct segment *segment, struct error *err)
{
	bool is_free;
	char text[80];

	if (*segment->physical_network) {
		snprintf(text, sizeof text, "provider:physical_network specified for %s network",
			 segment->type);
		return input_error(err, text);
	}
	if (segment->id == 0)
		return input_error(err, "segmentation_id must be positive");
	if (segment->id < 0)
		return range_pick(db, segment, network_settings.vni_first, network_settings.vni_last, err) &&
		       (segment->id >= 0 || none_free(err));
	return id_is_free(db, segment, &is_free, err) &&
	       (is_free || error_set_typed(err, ERROR_CONFLICT, "TunnelIdInUse",
					   "Unable to create the network. The tunnel ID %lld is in use.",
					   (long long)segment->id));
}

/* A project's network: the types in the order of the configuration; flat ones are nobody's (VL-9, FL-2). */
static bool tenant_choose(struct store *db, struct segment *segment, struct error *err)
{
	for (int i = 0; i < network_settings.tenant_type_count; i++) {
		*segment = (struct segment){.id = -1};
		snprintf(segment->type, sizeof segment->type, "%s", network_settings.tenant_types[i]);
		if (strcmp(segment->type, "flat") == 0)
			continue;
		if (segment_choose(db, segment, true, err))
			return true;
		if (err->kind != ERROR_UNAVAILABLE)
			return false;
	}
	return none_free(err);
}

bool segment_choose(struct store *db, struct segment *segment, bool provider, struct error *err)
{
	char text[80];

	if (!provider)
		return tenant_choose(db, segment, err);
	if (!*segment->type)
		return input_error(err, "network_type required");
	if (!type_loaded(segment->type)) {
		snprintf(text, sizeof text, "network_type value '%.20s' not supported", segment->type);
		return input_error(err, text);
	}
	if (strcmp(segment->type, "vlan") == 0)
		return vlan_choose(db, segment, err);
	if (strcmp(segment->type, "flat") == 0)
		return flat_choose(db, segment, err);
	if (strcmp(segment->type, "local") != 0)
		return overlay_choose(db, segment, err);
	return (!*segment->physical_network && segment->id < 0) ||
	       input_error(err, "physical_network and segmentation_id prohibited for local provider network");
}
