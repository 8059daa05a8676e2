/* Binding ports: what ML2 with sriovnicswitch does, and the door through which compute does it. */
#include "base/memory.h"
#include "network/internal.h"
#include "sys/sys.h"

#include <string.h>

static bool (*change_hook)(struct store *db, const char *server_id, struct error *err);

void network_on_port_change(bool (*hook)(struct store *db, const char *server_id, struct error *err))
{
	change_hook = hook;
}

/* As Nova does, the first with a physical network says which devices fit (its neutron.py looks for no more).
 */
#define PORT_LOAD \
	"SELECT p.id, p.name, p.network_id, n.name, p.project_id, p.device_id, p.mac_address, p.vnic_type, " \
	"ifnull(s.type, ''), " \
	"ifnull(s.physical_network, ''), ifnull(s.segmentation_id, -1), p.status, p.host_id, " \
	"p.admin_state_up, " \
	"p.port_security, p.by_compute, n.mtu, " \
	"ifnull(lower(json_extract(p.profile, '$.trusted')) IN ('true', '1', 'yes', 'on', 't', 'y'), 0), " \
	"p.numa_affinity_policy, p.uplink_status, ifnull(s.id, ''), " \
	"coalesce(p.qos_policy_id, n.qos_policy_id, ''), p.device_index, n.qinq " \
	"FROM port p JOIN network n ON n.id = p.network_id LEFT JOIN segment s ON s.id = " \
	"ifnull(p.segment_id, " \
	"(SELECT c.id FROM segment c WHERE " SEGMENT_FITS \
	"ORDER BY c.physical_network IS NULL, c.position LIMIT 1)) "

static void port_fill(struct store_rows *rows, struct network_port *port)
{
	*port = (struct network_port){.segmentation_id = store_int(rows, 10)};
	snprintf(port->id, sizeof port->id, "%s", store_text(rows, 0));
	snprintf(port->name, sizeof port->name, "%s", store_text(rows, 1));
	snprintf(port->network_id, sizeof port->network_id, "%s", store_text(rows, 2));
	snprintf(port->network_name, sizeof port->network_name, "%s", store_text(rows, 3));
	snprintf(port->project_id, sizeof port->project_id, "%s", store_text(rows, 4));
	snprintf(port->device_id, sizeof port->device_id, "%s", store_text(rows, 5));
	snprintf(port->mac_address, sizeof port->mac_address, "%s", store_text(rows, 6));
	snprintf(port->vnic_type, sizeof port->vnic_type, "%s", store_text(rows, 7));
	snprintf(port->network_type, sizeof port->network_type, "%s", store_text(rows, 8));
	snprintf(port->physical_network, sizeof port->physical_network, "%s", store_text(rows, 9));
	snprintf(port->status, sizeof port->status, "%s", store_text(rows, 11));
	snprintf(port->host_id, sizeof port->host_id, "%s", store_text(rows, 12));
	port->admin_state_up = store_int(rows, 13);
	port->port_security = store_int(rows, 14);
	port->created_by_compute = store_int(rows, 15);
	port->mtu = store_int(rows, 16);
	port->trusted = store_int(rows, 17);
	snprintf(port->numa_policy, sizeof port->numa_policy, "%s",
		 store_text(rows, 18) ? store_text(rows, 18) : "");
	port->link_follows_uplink = store_int(rows, 19);
	snprintf(port->segment_id, sizeof port->segment_id, "%s", store_text(rows, 20));
	snprintf(port->qos_policy_id, sizeof port->qos_policy_id, "%s", store_text(rows, 21));
	port->index = (int)store_int(rows, 22);
	port->service_tag = store_int(rows, 23) && strcmp(port->network_type, "vlan") == 0;
}

static bool addresses_fill(struct store *db, struct network_port *port, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err, "SELECT ip_address, subnet_id FROM address WHERE port_id = ?1",
			 V((const char *)port->id)))
		return false;
	while (port->address_count < NETWORK_ADDRESSES && store_next(&rows)) {
		int i = port->address_count++;

		snprintf(port->addresses[i].ip_address, sizeof port->addresses[i].ip_address, "%s",
			 store_text(&rows, 0));
		snprintf(port->addresses[i].subnet_id, sizeof port->addresses[i].subnet_id, "%s",
			 store_text(&rows, 1));
	}
	return store_end(&rows, err);
}

bool network_port_load(struct store *db, const char *port_id, struct network_port *port, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err, PORT_LOAD "WHERE p.id = ?1", V(port_id)))
		return false;
	if (!store_next(&rows))
		return not_found(err, "PortNotFound", port_id);
	port_fill(&rows, port);
	return store_end(&rows, err) && addresses_fill(db, port, err);
}

bool network_port_find(struct store *db, const char *id_or_name, char id[256], struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err, "SELECT id FROM port WHERE id = ?1 OR name = ?1 LIMIT 2",
			 V(id_or_name)))
		return false;
	if (!store_next(&rows))
		return not_found(err, "PortNotFound", id_or_name);
	snprintf(id, 256, "%s", store_text(&rows, 0));
	if (store_next(&rows))
		return error_set(err, ERROR_CONFLICT, "there are several ports %.200s: give the id",
				 id_or_name);
	return store_end(&rows, err);
}

bool network_ports_of_server(struct store *db, const char *server_id, struct network_port **ports,
			     size_t *count, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	*ports = NULL;
	*count = 0;
	/* Anyone may write a device_id on a port; plugged in are only those that compute bound. */
	if (!store_query(db, &rows, err,
			 PORT_LOAD "WHERE p.device_id = ?1 AND (p.host_id <> '' OR p.by_compute OR "
				   "p.kept_for = p.device_id) ORDER BY p.device_index",
			 V(server_id)))
		return false;
	while (store_next(&rows)) {
		struct network_port *port = ARRAY_ADD(*ports, *count);

		port_fill(&rows, port);
		if (!addresses_fill(db, port, err))
			return false;
	}
	return store_end(&rows, err);
}

bool network_port_create_for_server(struct store *db, const char *project_id, const char *network_id,
				    const char *fixed_ip, const char *server_id, struct network_port *port,
				    struct error *err)
{
	struct network_port network;

	if (!network_check(db, network_id, NULL, &network, err))
		return false;
	struct new_port wish = {.network_id = network_id,
				.project_id = project_id,
				.name = "",
				.description = "",
				.device_id = server_id,
				.device_owner = "compute:nova",
				.vnic_type = "normal",
				.profile = "{}",
				.pairs = "[]",
				.admin_state_up = true,
				.port_security = network.port_security,
				.by_compute = true,
				.has_qos = *network.qos_policy_id,
				.fixed_ip = fixed_ip};
	char id[37];

	return quota_check(db, "port", PORT_QUOTA, project_id, err) && port_insert(db, &wish, id, err) &&
	       network_port_load(db, id, port, err);
}

/* vif_type and vif_details of a bound port (PO-5, MD-8). */
const char *binding_vif(const struct network_port *port, char details[200])
{
	bool vf = strcmp(port->vnic_type, "direct") == 0 || strcmp(port->vnic_type, "macvtap") == 0;

	if (strcmp(port->vnic_type, "normal") == 0) {
		snprintf(details, 200,
			 "{\"port_filter\":false,\"connectivity\":\"l2\",\"bound_drivers\":{\"0\":"
			 "\"libvirt\"}}");
		return "bridge";
	}
	snprintf(details, 200,
		 "{\"port_filter\":false,\"connectivity\":\"l2\",\"vlan\":\"%lld\",\"bound_drivers\":{\"0\":"
		 "\"sriovnicswitch\"}}",
		 (long long)(port->segmentation_id > 0 ? port->segmentation_id : 0));
	return vf ? "hw_veb" : "hostdev_physical";
}

/* A profile without what a binding puts in, with what this binding (or NULL) does; freed by the caller.
 * What else an administrator wrote there (trusted ...) stays, as Nova leaves it. */
static char *profile_merge(const char *profile, const char *physical_network,
			   const struct network_binding *binding)
{
	static const char *const keys[] = {"pci_vendor_info",	 "pci_slot",	   "physical_network",
					   "device_mac_address", "pf_mac_address", "vf_num"};
	yyjson_doc *old = yyjson_read(profile, strlen(profile), 0);
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_val_mut_copy(doc, yyjson_doc_get_root(old));

	if (!yyjson_mut_is_obj(root))
		root = yyjson_mut_obj(doc);
	for (size_t i = 0; i < ELEMENTS_OF(keys); i++)
		yyjson_mut_obj_remove_key(root, keys[i]);
	if (binding && binding->pci_slot) {
		add_text(doc, root, "pci_vendor_info", binding->pci_vendor_info);
		add_text(doc, root, "pci_slot", binding->pci_slot);
		add_text(doc, root, "physical_network", physical_network);
		if (binding->mac_of_pf)
			add_text(doc, root, "device_mac_address", binding->mac_of_pf);
		if (binding->pf_mac_address)
			add_text(doc, root, "pf_mac_address", binding->pf_mac_address);
		if (binding->pf_mac_address)
			yyjson_mut_obj_add_int(doc, root, "vf_num", binding->vf_num);
	}
	char *text = yyjson_mut_val_write(root, 0, NULL);
	yyjson_mut_doc_free(doc);
	yyjson_doc_free(old);
	return text;
}

bool binding_profile(struct store *db, const char *port_id, char **profile, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err, "SELECT profile FROM port WHERE id = ?1", V(port_id)))
		return false;
	*profile = memory_copy_text(store_next(&rows) ? store_text(&rows, 0) : "{}");
	return store_end(&rows, err);
}

/* Does sriovnicswitch take this device (PV-2)? */
static bool is_supported(const char *vendor_info)
{
	if (!network_settings.devices_limited)
		return true;
	for (int i = 0; vendor_info && i < network_settings.device_count; i++) {
		if (strcmp(network_settings.devices[i], vendor_info) == 0)
			return true;
	}
	return false;
}

static bool is_bindable(const char *vnic_type)
{
	for (size_t i = 0; i < NETWORK_SRIOV_TYPES; i++) {
		if (strcmp(network_sriov_types[i], vnic_type) == 0)
			return !network_settings.prohibited[i];
	}
	return false;
}

static bool is_layer2(const struct network_port *port)
{
	return strcmp(port->network_type, "vlan") == 0 || strcmp(port->network_type, "flat") == 0;
}

/* "capabilities": ["switchdev"] of a profile: VFs with representors, as of OVS hardware offload (MD-2). */
static bool wants_switchdev(const char *profile)
{
	yyjson_doc *doc = yyjson_read(profile, strlen(profile), 0);
	yyjson_val *capability;
	size_t i, max;
	bool wants = false;

	yyjson_arr_foreach (yyjson_obj_get(yyjson_doc_get_root(doc), "capabilities"), i, max, capability)
		wants |= yyjson_equals_str(capability, "switchdev");
	yyjson_doc_free(doc);
	return wants;
}

/* Why sriovnicswitch does not bind the port, NULL if it does. */
const char *binding_refusal(const struct network_port *port, const char *vendor_info, const char *profile)
{
	if (!network_settings.sriov)
		return "[ml2] mechanism_drivers lacks sriovnicswitch";
	if (wants_switchdev(profile))
		return "it asks for switchdev, which is another mechanism driver's";
	if (!is_layer2(port))
		return "this needs a vlan or flat network";
	if (!is_bindable(port->vnic_type))
		return "nothing here binds this type";
	return is_supported(vendor_info) ? NULL : "[ml2_sriov] supported_pci_vendor_devs lacks its device";
}

static bool binding_check(const struct network_port *port, const struct network_binding *binding,
			  const char *profile, struct error *err)
{
	const char *why = NULL;

	if (*port->device_id && strcmp(port->device_id, binding->server_id) != 0)
		return error_set_typed(err, ERROR_CONFLICT, "PortInUse", "Port %s is still in use.",
				       port->id);
	if (strcmp(port->vnic_type, "normal") != 0 && binding->host)
		why = binding_refusal(port, binding->pci_vendor_info, profile);
	return !why || error_set_typed(err, ERROR_CONFLICT, "PortBindingFailed",
				       "Binding failed for port %s of vNIC type %s%s%s: %s.", port->id,
				       port->vnic_type, binding->pci_vendor_info ? ", device " : "",
				       binding->pci_vendor_info ? binding->pci_vendor_info : "", why);
}

bool network_port_bind(struct store *db, const char *port_id, const struct network_binding *binding,
		       struct error *err)
{
	struct network_port port;
	_cleanup_free_ char *old = NULL, *profile = NULL;
	char details[200];
	const char *vif;

	if (!network_port_load(db, port_id, &port, err) || !binding_profile(db, port_id, &old, err) ||
	    !binding_check(&port, binding, old, err))
		return false;
	profile = profile_merge(old, port.physical_network, binding);
	vif = binding_vif(&port, details);
	/* A direct-physical port takes the address of the PF that it became (BI-1).  An inactive binding for
	 * the host becomes this one. */
	return store_exec(db, err, "DELETE FROM port_binding WHERE port_id = ?1 AND host = ?2", V(port_id),
			  V(binding->host)) &&
	       store_exec(db, err,
			  "UPDATE port SET kept_for = NULL, device_id = ?2, device_owner = ?3, device_index "
			  "= ?4, host_id = "
			  "ifnull(?5, ''), "
			  "vif_type = ?6, vif_details = ?7, profile = ?8, status = 'DOWN', mac_address = "
			  "ifnull(?9, mac_address), segment_id = ?11, "
			  "revision = revision + 1, updated_at = ?10 WHERE id = ?1",
			  V(port_id), V(binding->server_id),
			  V(binding->device_owner ? binding->device_owner : "compute:nova"),
			  V(binding->index), V(binding->host), V(binding->host ? vif : "unbound"),
			  V((const char *)(binding->host ? details : "{}")), V(profile),
			  V(binding->mac_of_pf), V(sys_now()),
			  V((const char *)(binding->host && *port.segment_id ? port.segment_id : NULL)));
}

bool network_port_bind_ahead(struct store *db, const char *port_id, const struct network_binding *binding,
			     struct error *err)
{
	struct network_port port;
	_cleanup_free_ char *old = NULL, *profile = NULL;
	char details[200];

	if (!network_port_load(db, port_id, &port, err) || !binding_profile(db, port_id, &old, err) ||
	    !binding_check(&port, binding, old, err))
		return false;
	profile = profile_merge(old, port.physical_network, binding);
	const char *vif = binding_vif(&port, details);
	return store_exec(
		db, err,
		"INSERT INTO port_binding (port_id, host, vnic_type, profile, vif_type, vif_details, "
		"segment_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (port_id, host) DO UPDATE "
		"SET vnic_type = excluded.vnic_type, profile = excluded.profile, vif_type = "
		"excluded.vif_type, vif_details = excluded.vif_details, segment_id = "
		"excluded.segment_id",
		V(port_id), V(binding->host), V((const char *)port.vnic_type), V(profile), V(vif),
		V((const char *)details), V((const char *)(*port.segment_id ? port.segment_id : NULL)));
}

bool network_ports_unbind_ahead(struct store *db, const char *server_id, const char *host, struct error *err)
{
	return store_exec(
		db, err,
		"DELETE FROM port_binding WHERE host = ?2 AND port_id IN (SELECT id FROM port WHERE "
		"device_id = ?1 AND host_id <> ?2)",
		V(server_id), V(host));
}

static bool release_one(struct store *db, const char *port_id, const char *vnic_type, struct error *err)
{
	_cleanup_free_ char *old = NULL, *profile = NULL;

	if (!binding_profile(db, port_id, &old, err))
		return false;
	profile = profile_merge(old, NULL, NULL);
	return store_exec(db, err, "DELETE FROM port_binding WHERE port_id = ?1", V(port_id)) &&
	       store_exec(db, err,
			  "UPDATE port SET kept_for = NULL, device_id = '', device_owner = '', device_index "
			  "= 0, host_id = '', "
			  "vif_type = 'unbound', vif_details = '{}', profile = ?3, status = 'DOWN', "
			  "segment_id = NULL, revision = revision + 1, updated_at = ?2 WHERE id = ?1",
			  V(port_id), V(sys_now()), V(profile)) &&
	       (strcmp(vnic_type, "direct-physical") != 0 || port_new_mac(db, port_id, err));
}

static bool release(struct store *db, const struct network_port *port, struct error *err)
{
	return port->created_by_compute ? port_remove(db, port->id, err)
					: release_one(db, port->id, port->vnic_type, err);
}

bool network_port_release(struct store *db, const char *port_id, struct error *err)
{
	struct network_port port;

	return network_port_load(db, port_id, &port, err) && release(db, &port, err);
}

static bool keep_one(struct store *db, const struct network_port *port, struct error *err)
{
	_cleanup_free_ char *old = NULL, *profile = NULL;

	if (!binding_profile(db, port->id, &old, err))
		return false;
	profile = profile_merge(old, NULL, NULL);
	return store_exec(db, err, "DELETE FROM port_binding WHERE port_id = ?1",
			  V((const char *)port->id)) &&
	       store_exec(db, err,
			  "UPDATE port SET host_id = '', kept_for = device_id, vif_type = 'unbound', "
			  "vif_details = '{}', profile = ?3, status = 'DOWN', segment_id = NULL, "
			  "revision = revision + 1, updated_at = ?2 WHERE id = ?1",
			  V((const char *)port->id), V(sys_now()), V(profile)) &&
	       (strcmp(port->vnic_type, "direct-physical") != 0 || port_new_mac(db, port->id, err));
}

bool network_ports_keep(struct store *db, const char *server_id, struct error *err)
{
	_cleanup_free_ struct network_port *ports = NULL;
	size_t count;

	if (!network_ports_of_server(db, server_id, &ports, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!keep_one(db, &ports[i], err))
			return false;
	}
	return true;
}

bool network_ports_release(struct store *db, const char *server_id, struct error *err)
{
	_cleanup_free_ struct network_port *ports = NULL;
	size_t count;

	if (!network_ports_of_server(db, server_id, &ports, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!release(db, &ports[i], err))
			return false;
	}
	return true;
}

bool network_port_set_status(struct store *db, const char *port_id, const char *status, struct error *err)
{
	return store_exec(db, err,
			  "UPDATE port SET status = ?2, revision = revision + 1, updated_at = ?3 "
			  "WHERE id = ?1 AND status <> ?2",
			  V(port_id), V(status), V(sys_now()));
}

bool port_changed(struct store *db, const char *port_id, struct error *err)
{
	struct network_port port;

	if (!network_port_load(db, port_id, &port, err))
		return false;
	return !change_hook || !*port.device_id || !*port.host_id || change_hook(db, port.device_id, err);
}

bool device_changed(struct store *db, const char *device_id, struct error *err)
{
	return !change_hook || !*device_id || change_hook(db, device_id, err);
}

bool network_changed(struct store *db, const char *network_id, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!change_hook)
		return true;
	if (!store_query(db, &rows, err,
			 "SELECT DISTINCT device_id FROM port WHERE network_id = ?1 AND device_id <> '' AND "
			 "host_id <> ''",
			 V(network_id)))
		return false;
	while (store_next(&rows)) {
		if (!change_hook(db, store_text(&rows, 0), err))
			return false;
	}
	return store_end(&rows, err);
}
