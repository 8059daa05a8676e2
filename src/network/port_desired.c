/* Ports as others show them: to the agent (docs/agent-protocol.md) and in a server's addresses. */
#include "base/memory.h"
#include "network/internal.h"

#include <string.h>

static bool add_subnets(struct store *db, const char *network_id, yyjson_mut_doc *doc,
			yyjson_mut_val *network, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, network, "subnets");

	if (!store_query(db, &rows, err,
			 "SELECT id, cidr, ip_version, gateway_ip, enable_dhcp, dns_nameservers, host_routes "
			 "FROM subnet "
			 "WHERE network_id = ?1 ORDER BY created_at",
			 V(network_id)))
		return false;
	while (store_next(&rows)) {
		yyjson_mut_val *subnet = yyjson_mut_arr_add_obj(doc, list);

		add_text(doc, subnet, "id", store_text(&rows, 0));
		add_text(doc, subnet, "cidr", store_text(&rows, 1));
		yyjson_mut_obj_add_int(doc, subnet, "ip_version", store_int(&rows, 2));
		add_text(doc, subnet, "gateway_ip", store_text(&rows, 3));
		yyjson_mut_obj_add_bool(doc, subnet, "enable_dhcp", store_int(&rows, 4));
		add_json(doc, subnet, "dns_nameservers", store_text(&rows, 5));
		add_json(doc, subnet, "host_routes", store_text(&rows, 6));
	}
	return store_end(&rows, err);
}

/* null: no rates of its own. */
static bool add_rates(struct store *db, const struct network_port *port, yyjson_mut_doc *doc,
		      yyjson_mut_val *object, struct error *err)
{
	int64_t max_kbps = 0, min_kbps = 0;
	yyjson_mut_val *qos;

	if (*port->qos_policy_id && !qos_rates(db, port->qos_policy_id, &max_kbps, &min_kbps, err))
		return false;
	if (max_kbps == 0 && min_kbps == 0)
		return yyjson_mut_obj_add_null(doc, object, "qos");
	qos = yyjson_mut_obj_add_obj(doc, object, "qos");
	yyjson_mut_obj_add_int(doc, qos, "max_kbps", max_kbps);
	return yyjson_mut_obj_add_int(doc, qos, "min_kbps", min_kbps);
}

bool network_port_desired(struct store *db, const char *port_id, yyjson_mut_doc *doc, yyjson_mut_val *object,
			  struct error *err)
{
	struct network_port port;
	yyjson_mut_val *network, *list;
	bool vlan;

	if (!network_port_load(db, port_id, &port, err))
		return false;
	vlan = strcmp(port.network_type, "vlan") == 0 && port.segmentation_id > 0;
	add_text(doc, object, "id", port.id);
	add_text(doc, object, "mac_address", port.mac_address);
	add_text(doc, object, "vnic_type", port.vnic_type);
	yyjson_mut_obj_add_bool(doc, object, "admin_state_up", port.admin_state_up);
	yyjson_mut_obj_add_bool(doc, object, "port_security", port.port_security);
	yyjson_mut_obj_add_int(doc, object, "mtu", port.mtu);
	yyjson_mut_obj_add_bool(doc, object, "trusted", port.trusted);
	yyjson_mut_obj_add_bool(doc, object, "propagate_uplink_status", port.link_follows_uplink);
	if (!add_rates(db, &port, doc, object, err))
		return false;
	if (vlan)
		yyjson_mut_obj_add_int(doc, object, "vlan", port.segmentation_id);
	else
		yyjson_mut_obj_add_null(doc, object, "vlan");
	if (port.service_tag)
		yyjson_mut_obj_add_str(doc, object, "vlan_protocol", "802.1ad");
	network = yyjson_mut_obj_add_obj(doc, object, "network");
	add_text(doc, network, "id", port.network_id);
	add_text(doc, network, "name", port.network_name);
	add_text(doc, network, "type", port.network_type);
	add_text(doc, network, "physical_network", *port.physical_network ? port.physical_network : NULL);
	list = yyjson_mut_obj_add_arr(doc, object, "fixed_ips");
	for (int i = 0; i < port.address_count; i++) {
		yyjson_mut_val *ip = yyjson_mut_arr_add_obj(doc, list);

		add_text(doc, ip, "ip_address", port.addresses[i].ip_address);
		add_text(doc, ip, "subnet_id", port.addresses[i].subnet_id);
	}
	return add_subnets(db, port.network_id, doc, network, err);
}

bool network_addresses_view(struct store *db, const char *server_id, yyjson_mut_doc *doc,
			    yyjson_mut_val *object, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(
		    db, &rows, err,
		    "SELECT n.name, a.ip_address, p.mac_address FROM port p JOIN address a ON a.port_id = "
		    "p.id "
		    "JOIN network n ON n.id = p.network_id WHERE p.device_id = ?1 AND "
		    "(p.host_id <> '' OR p.by_compute OR p.kept_for = p.device_id) ORDER BY p.device_index",
		    V(server_id)))
		return false;
	while (store_next(&rows)) {
		yyjson_mut_val *list = yyjson_mut_obj_get(object, store_text(&rows, 0)), *address;

		if (!list) {
			list = yyjson_mut_arr(doc);
			yyjson_mut_obj_add(object, yyjson_mut_strcpy(doc, store_text(&rows, 0)), list);
		}
		address = yyjson_mut_arr_add_obj(doc, list);
		yyjson_mut_obj_add_int(doc, address, "version", strchr(store_text(&rows, 1), ':') ? 6 : 4);
		add_text(doc, address, "addr", store_text(&rows, 1));
		yyjson_mut_obj_add_str(doc, address, "OS-EXT-IPS:type", "fixed");
		add_text(doc, address, "OS-EXT-IPS-MAC:mac_addr", store_text(&rows, 2));
	}
	return store_end(&rows, err);
}
