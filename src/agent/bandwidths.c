/* [sriov_nic] resource_provider_*: what the operator says that PFs can carry.  Neutron's agent gives it to
 * Placement; here it is told with the inventory. */
#include "agent/bandwidths.h"

static void add_rate(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, int64_t kbps)
{
	if (kbps >= 0)
		yyjson_mut_obj_add_int(doc, object, name, kbps);
	else
		yyjson_mut_obj_add_null(doc, object, name);
}

void bandwidths_tell(const struct agent_settings *settings, yyjson_mut_doc *doc, yyjson_mut_val *nic)
{
	const struct item_inventory *defaults = &settings->inventory_defaults;
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
