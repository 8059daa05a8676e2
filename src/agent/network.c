/* Standard NICs: one libvirt network (bridge, dnsmasq with fixed leases, NAT) for each tenant network. */
#include "agent/netdev.h"
#include "agent/vm.h"
#include "agent/vm_xml.h"
#include "agent/world.h"
#include "base/log.h"
#include "base/map.h"
#include "base/memory.h"

#include <pthread.h>
#include <string.h>

/* Servers come and go in parallel, but a network is made and removed by one at a time. */
static pthread_mutex_t network_lock = PTHREAD_MUTEX_INITIALIZER;
static struct map holds; /* by network: how many guests are about to be plugged in (as a pointer) */
static char network_forward[16] = "nat";

bool network_configure(const char *forward, struct error *err)
{
	static const char *const forwards[] = {"nat", "route", "open", "none"};

	for (size_t i = 0; i < ELEMENTS_OF(forwards); i++) {
		if (strcmp(forward, forwards[i]) == 0) {
			strcpy(network_forward, forward);
			return true;
		}
	}
	return error_set(err, ERROR_BAD_REQUEST,
			 "[penstock] network_forward is %.40s: expected nat, route, open or none", forward);
}

void vm_xml_lease(const char *mac, const char *ip, struct text *xml)
{
	text_addf(xml, "<host mac='%s' ip='%s'/>", mac, ip);
}

const char *network_lease_ip(yyjson_val *port)
{
	yyjson_val *network = yyjson_obj_get(port, "network"), *ip;
	size_t i, max;

	yyjson_arr_foreach (yyjson_obj_get(port, "fixed_ips"), i, max, ip) {
		yyjson_val *subnet = server_subnet(network, json_text(ip, "subnet_id"));

		/* dnsmasq answers from the gateway's address, which the bridge has. */
		if (json_bool(subnet, "enable_dhcp", false) && json_int(subnet, "ip_version", 4) == 4 &&
		    *json_text(subnet, "gateway_ip"))
			return json_text(ip, "ip_address");
	}
	return NULL;
}

/* --- the XML --- */

static void add_subnet(struct text *xml, yyjson_val *subnet, yyjson_val *port)
{
	const char *cidr = json_text(subnet, "cidr"), *slash = strchr(cidr, '/');
	const char *gateway = json_text(subnet, "gateway_ip"), *lease = network_lease_ip(port);

	if (!slash || !*gateway || json_int(subnet, "ip_version", 4) != 4)
		return;
	text_addf(xml, "  <ip address='%s' prefix='%s'>", gateway, slash + 1);
	if (json_bool(subnet, "enable_dhcp", false) && lease) {
		text_add(xml, "<dhcp>");
		vm_xml_lease(json_text(port, "mac_address"), lease, xml);
		text_add(xml, "</dhcp>");
	}
	text_add(xml, "</ip>\n");
}

/* The first subnet's name servers are whom the network's dnsmasq asks. */
static void add_name_servers(struct text *xml, yyjson_val *subnets)
{
	yyjson_val *servers = yyjson_obj_get(yyjson_arr_get_first(subnets), "dns_nameservers"), *server;
	size_t i, max;

	if (yyjson_arr_size(servers) == 0)
		return;
	text_add(xml, "  <dns>");
	yyjson_arr_foreach (servers, i, max, server)
		text_addf(xml, "<forwarder addr='%s'/>", yyjson_get_str(server));
	text_add(xml, "</dns>\n");
}

void vm_xml_network(yyjson_val *port, const char *forward, struct text *xml)
{
	yyjson_val *network = yyjson_obj_get(port, "network"), *subnets = yyjson_obj_get(network, "subnets"),
		   *subnet;
	char name[64], bridge[16];
	size_t i, max;

	server_network_name(json_text(network, "id"), name);
	server_bridge_name(json_text(network, "id"), bridge);
	text_addf(xml, "<network>\n  <name>%s</name>\n  <uuid>%s</uuid>\n  <bridge name='%s' stp='off'/>\n",
		  name, json_text(network, "id"), bridge);
	if (strcmp(forward, "none") != 0)
		text_addf(xml, "  <forward mode='%s'/>\n", forward);
	text_addf(xml, "  <mtu size='%lld'/>\n", (long long)json_int(port, "mtu", 1500));
	add_name_servers(xml, subnets);
	yyjson_arr_foreach (subnets, i, max, subnet)
		add_subnet(xml, subnet, port);
	text_add(xml, "</network>\n");
}

/* --- networks --- */

static bool lease_change(const char *network_id, bool add, const char *mac, const char *ip, struct error *err)
{
	_cleanup_(text_done) struct text xml = {0};

	vm_xml_lease(mac, ip, &xml);
	return world->network_lease(network_id, add, xml.data, err);
}

/* Where libvirt's system daemon writes it. */
#define DNSMASQ_FILE "--conf-file=/var/lib/libvirt/dnsmasq/%s.conf"

static bool dnsmasq_forget(const char *id, struct error *err)
{
	_cleanup_free_ char *words = NULL;
	char name[64];
	int count;

	server_network_name(id, name);
	words = memory_printf(DNSMASQ_FILE, name);
	if (!world->end_processes("dnsmasq", words, &count, err))
		return false;
	if (count > 0)
		log_warning("dnsmasq is left of network %s, which libvirt does not have: ended", name);
	return true;
}

/* A libvirtd that is killed while it makes a network, or ends one, leaves its dnsmasq, and its bridge, which
 * would be in the way of the network for ever.  Only a bridge that nobody is plugged into goes. */
static bool remains_forget(const char *id, struct error *err)
{
	_cleanup_free_ char *path = NULL;
	char bridge[16];

	if (!dnsmasq_forget(id, err))
		return false;
	server_bridge_name(id, bridge);
	path = memory_printf("/sys/class/net/%s/brif", bridge);
	char **plugged = world->list(path);
	bool left = plugged && !plugged[0];
	world_list_free(plugged);
	if (!left)
		return true;
	log_warning("%s is left of a network that libvirt does not have: removed", bridge);
	return netdev_remove(bridge, err);
}

static bool ensure_locked(yyjson_val *port, struct error *err)
{
	const char *id = json_text(yyjson_obj_get(port, "network"), "id"), *ip = network_lease_ip(port),
		   *mac = json_text(port, "mac_address");
	_cleanup_(text_done) struct text xml = {0};
	_cleanup_free_ char *now = NULL;

	if (!world->network_xml(id, &now, err))
		return false;
	if (!now) {
		vm_xml_network(port, network_forward, &xml);
		return remains_forget(id, err) && world->network_make(xml.data, err);
	}
	vm_xml_lease(mac, ip ? ip : "", &xml);
	if (!ip || strstr(now, xml.data))
		return true;
	/* The address may have changed: libvirt finds the old lease by its MAC. */
	return (!strstr(now, mac) || lease_change(id, false, mac, ip, err)) &&
	       lease_change(id, true, mac, ip, err);
}

static void hold(const char *id, int change)
{
	intptr_t count = (intptr_t)map_remove(&holds, id) + change;

	if (count > 0)
		map_put(&holds, id, (void *)count);
}

bool network_ensure(yyjson_val *port, struct error *err)
{
	pthread_mutex_lock(&network_lock);
	hold(json_text(yyjson_obj_get(port, "network"), "id"), 1);
	bool ok = ensure_locked(port, err);
	pthread_mutex_unlock(&network_lock);
	return ok;
}

void network_settle(yyjson_val *port)
{
	pthread_mutex_lock(&network_lock);
	hold(json_text(yyjson_obj_get(port, "network"), "id"), -1);
	pthread_mutex_unlock(&network_lock);
}

/* Has nobody a lease, and is nobody plugged into it or about to be?  libvirt counts the connections of its
 * domains in the network's XML. */
static bool is_idle(const char *id, const char *xml)
{
	return !strstr(xml, "<host mac=") && !strstr(xml, "connections='") && !map_get(&holds, id);
}

static bool leave_locked(const char *id, const char *mac, const char *ip, struct error *err)
{
	_cleanup_free_ char *before = NULL, *after = NULL;

	if (!world->network_xml(id, &before, err))
		return false;
	if (!before)
		return remains_forget(id, err);
	if (*ip && strstr(before, mac) && !lease_change(id, false, mac, ip, err))
		return false;
	if (!world->network_xml(id, &after, err))
		return false;
	return !after || !is_idle(id, after) || world->network_remove(id, err);
}

bool network_leave(const char *network_id, const char *mac, const char *ip, struct error *err)
{
	pthread_mutex_lock(&network_lock);
	bool ok = leave_locked(network_id, mac, ip, err);
	pthread_mutex_unlock(&network_lock);
	return ok;
}
