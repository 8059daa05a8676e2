/* The small resources: extensions, availability zones. */
#include "base/memory.h"
#include "base/timestamp.h"
#include "network/internal.h"
#include "sys/sys.h"

#include <string.h>

static const struct extension {
	const char *alias, *name;
} extensions[] = {
	{"agent", "agent"},
	{"allowed-address-pairs", "Allowed Address Pairs"},
	{"availability_zone", "Availability Zone"},
	{"binding", "Port Binding"},
	{"binding-extended", "Port Bindings Extended"},
	{"empty-string-filtering", "Empty String Filtering Extension"},
	{"external-net", "Neutron external network"},
	{"filter-validation", "Filter parameters validation"},
	{"ip-substring-filtering", "IP address substring filtering"},
	{"l2_adjacency", "L2 Adjacency"},
	{"multi-provider", "Multi Provider Network"},
	{"net-mtu", "Network MTU"},
	{"net-mtu-writable", "Network MTU (writable)"},
	{"network-ip-availability", "Network IP Availability"},
	{"network_availability_zone", "Network Availability Zone"},
	{"pagination", "Pagination support"},
	{"port-numa-affinity-policy", "Port NUMA affinity policy"},
	{"port-numa-affinity-policy-socket", "Port NUMA affinity policy socket"},
	{"port-security", "Port Security"},
	{"port-security-groups-filtering", "Port filtering on security groups"},
	{"port-trusted-vif", "Port trusted vif"},
	{"project-id", "project_id field enabled"},
	{"provider", "Provider Network"},
	{"qinq", "VLAN QinQ"},
	{"qos", "Quality of Service"},
	{"qos-bw-limit-direction", "Direction for QoS bandwidth limit rule"},
	{"qos-bw-minimum-ingress", "Ingress direction for QoS minimum bandwidth rule"},
	{"qos-default", "QoS default policy"},
	{"qos-port-network-policy", "QoS port network policy"},
	{"qos-rule-type-details", "Details of QoS rule types"},
	{"qos-rule-type-filter", "QoS rule type filter"},
	{"qos-rules-alias", "QoS rules alias"},
	{"quota_details", "Quota details management support"},
	{"quotas", "Quota management support"},
	{"security-group", "security-group"},
	{"segment", "Segment"},
	{"sorting", "Sorting support"},
	{"standard-attr-description", "standard-attr-description"},
	{"standard-attr-tag", "Tag support for resources with standard attribute: port, subnet, network, "
			      "security_group, policy"},
	{"standard-attr-revisions", "Resource revision numbers"},
	{"standard-attr-timestamp", "Resource timestamps"},
	{"uplink-status-propagation", "Uplink Status Propagation"},
	{"uplink-status-propagation-updatable", "Uplink Status Propagation (updatable)"},
};

static bool is_there(const struct extension *extension)
{
	return strcmp(extension->alias, "qinq") != 0 || network_settings.qinq;
}

static void extension_view(yyjson_mut_doc *doc, yyjson_mut_val *view, const struct extension *extension)
{
	yyjson_mut_obj_add_str(doc, view, "name", extension->name);
	yyjson_mut_obj_add_str(doc, view, "alias", extension->alias);
	yyjson_mut_obj_add_str(doc, view, "description", extension->name);
	yyjson_mut_obj_add_str(doc, view, "updated", "2026-01-01T00:00:00-00:00");
	yyjson_mut_obj_add_arr(doc, view, "links");
}

bool extension_list(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "extensions");

	(void)request;
	(void)err;
	for (size_t i = 0; i < ELEMENTS_OF(extensions); i++) {
		if (is_there(&extensions[i]))
			extension_view(response->json, yyjson_mut_arr_add_obj(response->json, list),
				       &extensions[i]);
	}
	return true;
}

bool extension_show(struct http_request *request, struct http_response *response, struct error *err)
{
	for (size_t i = 0; i < ELEMENTS_OF(extensions); i++) {
		if (strcmp(extensions[i].alias, request->params[0]) != 0 || !is_there(&extensions[i]))
			continue;
		yyjson_mut_val *root = http_json_object(response, 200);
		extension_view(response->json, yyjson_mut_obj_add_obj(response->json, root, "extension"),
			       &extensions[i]);
		return true;
	}
	return error_set_typed(err, ERROR_NOT_FOUND, "HTTPNotFound",
			       "Extension with alias %.100s does not exist", request->params[0]);
}

bool zone_list(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, 200);

	(void)request;
	(void)err;
	yyjson_mut_obj_add_arr(response->json, root, "availability_zones");
	return true;
}
