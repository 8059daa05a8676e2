/* Standard NICs: one libvirt network (bridge, dnsmasq with fixed leases, NAT) for each tenant network. */
#include "agent/vm.h"
#include "agent/vm_connection.h"
#include "base/memory.h"

#include <libvirt/virterror.h>
#include <pthread.h>
#include <string.h>

/* Servers come and go in parallel, but a network is made and removed by one at a time. */
static pthread_mutex_t network_lock = PTHREAD_MUTEX_INITIALIZER;

static void network_done(virNetworkPtr *network)
{
	if (*network)
		virNetworkFree(*network);
}

static void lease_xml(const char *mac, const char *ip, struct text *xml)
{
	text_addf(xml, "<host mac='%s' ip='%s'/>", mac, ip);
}

/* The port's first IPv4 address on a subnet with DHCP, or NULL. */
static const char *lease_ip(yyjson_val *port)
{
	yyjson_val *network = yyjson_obj_get(port, "network"), *ip;
	size_t i, max;

	yyjson_arr_foreach (yyjson_obj_get(port, "fixed_ips"), i, max, ip) {
		yyjson_val *subnet = server_subnet(network, json_text(ip, "subnet_id"));

		if (json_bool(subnet, "enable_dhcp", false) && json_int(subnet, "ip_version", 4) == 4)
			return json_text(ip, "ip_address");
	}
	return NULL;
}

static void add_subnet(struct text *xml, yyjson_val *subnet, yyjson_val *port)
{
	const char *cidr = json_text(subnet, "cidr"), *slash = strchr(cidr, '/'),
		   *gateway = json_text(subnet, "gateway_ip");
	const char *lease = lease_ip(port);

	if (!slash || !*gateway || json_int(subnet, "ip_version", 4) != 4)
		return;
	text_addf(xml, "  <ip address='%s' prefix='%s'>", gateway, slash + 1);
	if (json_bool(subnet, "enable_dhcp", false) && lease) {
		text_add(xml, "<dhcp>");
		lease_xml(json_text(port, "mac_address"), lease, xml);
		text_add(xml, "</dhcp>");
	}
	text_add(xml, "</ip>\n");
}

static void network_xml(yyjson_val *port, struct text *xml)
{
	yyjson_val *network = yyjson_obj_get(port, "network"), *subnet, *server;
	char name[64], bridge[16];
	size_t i, max, k, servers;

	server_network_name(json_text(network, "id"), name);
	server_bridge_name(json_text(network, "id"), bridge);
	text_addf(xml, "<network>\n  <name>%s</name>\n  <uuid>%s</uuid>\n  <bridge name='%s' stp='off'/>\n",
		  name, json_text(network, "id"), bridge);
	if (strcmp(vm_network_forward(), "none") != 0)
		text_addf(xml, "  <forward mode='%s'/>\n", vm_network_forward());
	text_addf(xml, "  <mtu size='%lld'/>\n", (long long)json_int(port, "mtu", 1500));
	yyjson_arr_foreach (yyjson_obj_get(network, "subnets"), i, max, subnet) {
		text_add(xml, i == 0 && yyjson_arr_size(yyjson_obj_get(subnet, "dns_nameservers")) ? "  <dns>"
												   : "");
		yyjson_arr_foreach (yyjson_obj_get(subnet, "dns_nameservers"), k, servers, server) {
			if (i == 0 && yyjson_is_str(server)) {
				text_add(xml, "<forwarder addr='");
				text_add_xml(xml, yyjson_get_str(server));
				text_add(xml, "'/>");
			}
		}
		text_add(xml, i == 0 && yyjson_arr_size(yyjson_obj_get(subnet, "dns_nameservers"))
				      ? "</dns>\n"
				      : "");
	}
	yyjson_arr_foreach (yyjson_obj_get(network, "subnets"), i, max, subnet)
		add_subnet(xml, subnet, port);
	text_add(xml, "</network>\n");
}

static bool lease_change(virNetworkPtr network, unsigned command, const char *mac, const char *ip,
			 struct error *err)
{
	_cleanup_(text_done) struct text xml = {0};

	lease_xml(mac, ip, &xml);
	return virNetworkUpdate(network, command, VIR_NETWORK_SECTION_IP_DHCP_HOST, -1, xml.data,
				VIR_NETWORK_UPDATE_AFFECT_LIVE) == 0 ||
	       vm_error(err,
			command == VIR_NETWORK_UPDATE_COMMAND_DELETE ? "removing a lease" : "adding a lease");
}

static bool ensure_locked(virConnectPtr connection, yyjson_val *port, struct error *err)
{
	_cleanup_(network_done) virNetworkPtr network = NULL;
	_cleanup_(text_done) struct text xml = {0};
	const char *ip = lease_ip(port), *mac = json_text(port, "mac_address");

	network = virNetworkLookupByUUIDString(connection, json_text(yyjson_obj_get(port, "network"), "id"));
	if (!network) {
		if (virGetLastErrorCode() != VIR_ERR_NO_NETWORK)
			return vm_error(err, "looking a network up");
		network_xml(port, &xml);
		network = virNetworkCreateXML(connection, xml.data);
		return network || vm_error(err, "making the port's network");
	}
	_cleanup_free_ char *now = virNetworkGetXMLDesc(network, 0);
	if (!ip || (now && strstr(now, mac)))
		return true;
	return lease_change(network, VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, mac, ip, err);
}

bool network_ensure(yyjson_val *port, struct error *err)
{
	_cleanup_(vm_connection_done) virConnectPtr connection = vm_connect(err);

	if (!connection)
		return false;
	pthread_mutex_lock(&network_lock);
	bool ok = ensure_locked(connection, port, err);
	pthread_mutex_unlock(&network_lock);
	return ok;
}

/* Is a guest plugged into it?  libvirt counts the connections of its domains in the network's XML. */
static bool is_idle(const char *xml)
{
	return !strstr(xml, "<host mac=") && !strstr(xml, "connections='");
}

static bool leave_locked(virConnectPtr connection, const char *network_id, const char *mac, const char *ip,
			 struct error *err)
{
	_cleanup_(network_done) virNetworkPtr network = virNetworkLookupByUUIDString(connection, network_id);

	if (!network)
		return virGetLastErrorCode() == VIR_ERR_NO_NETWORK || vm_error(err, "looking a network up");
	_cleanup_free_ char *before = virNetworkGetXMLDesc(network, 0);
	if (*ip && before && strstr(before, mac) &&
	    !lease_change(network, VIR_NETWORK_UPDATE_COMMAND_DELETE, mac, ip, err))
		return false;
	_cleanup_free_ char *after = virNetworkGetXMLDesc(network, 0);
	if (after && is_idle(after) && virNetworkDestroy(network) < 0)
		return vm_error(err, "removing a network");
	return true;
}

bool network_leave(const char *network_id, const char *mac, const char *ip, struct error *err)
{
	_cleanup_(vm_connection_done) virConnectPtr connection = vm_connect(err);

	if (!connection)
		return false;
	pthread_mutex_lock(&network_lock);
	bool ok = leave_locked(connection, network_id, mac, ip, err);
	pthread_mutex_unlock(&network_lock);
	return ok;
}
