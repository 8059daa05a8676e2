/* Ports for servers: finding, claiming and binding them. */
#include "compute/server_port.h"

#include <string.h>

static bool is_normal(const char *vnic_type)
{
	return strcmp(vnic_type, "normal") == 0;
}

bool server_port_takes_device(const char *vnic_type)
{
	return strcmp(vnic_type, "direct") == 0 || strcmp(vnic_type, "macvtap") == 0 ||
	       strcmp(vnic_type, "direct-physical") == 0;
}

bool server_port_find(struct http_request *request, const char *id, struct network_port *port,
		      struct error *err)
{
	if (!network_port_load(request->db, id, port, err)) {
		if (err->kind != ERROR_NOT_FOUND)
			return false;
		return error_set(err, ERROR_NOT_FOUND, "Port id %s could not be found.", id);
	}
	if (!request->auth->admin && !text_equal(port->project_id, request->auth->project_id))
		return error_set(err, ERROR_NOT_FOUND, "Port id %s could not be found.", id);
	if (port->device_id[0])
		return error_set(err, ERROR_CONFLICT, "Port %s is still in use.", id);
	/* A port without addresses is as good: its ip_allocation is "none" (Nova's NP-11), for guests that
	 * speak no IP, or bring their own, on networks without subnets. */
	if (!is_normal(port->vnic_type) && !server_port_takes_device(port->vnic_type))
		return error_set(err, ERROR_BAD_REQUEST,
				 "Port %s has binding:vnic_type %s, which Penstock cannot bind.", id,
				 port->vnic_type);
	if (server_port_takes_device(port->vnic_type) && !port->physical_network[0])
		return error_set(
			err, ERROR_BAD_REQUEST,
			"Port %s has binding:vnic_type %s, but its network %s has no physical network.", id,
			port->vnic_type, port->network_id);
	return true;
}

void server_port_request(const struct network_port *port, struct scheduler_port_request *ask)
{
	*ask = (struct scheduler_port_request){.trusted = port->trusted};
	snprintf(ask->port_id, sizeof ask->port_id, "%s", port->id);
	snprintf(ask->vnic_type, sizeof ask->vnic_type, "%s", port->vnic_type);
	snprintf(ask->physical_network, sizeof ask->physical_network, "%s", port->physical_network);
	snprintf(ask->numa_policy, sizeof ask->numa_policy, "%s", port->numa_policy);
}

bool server_port_bind(struct store *db, const struct server_seat *seat, const struct network_port *port,
		      const struct scheduler_device *device, int index, struct error *err)
{
	char vendor_info[16], owner[80];

	snprintf(owner, sizeof owner, "compute:%s", seat->zone);
	if (device)
		snprintf(vendor_info, sizeof vendor_info, "%s:%s", device->vendor_id, device->product_id);
	bool whole = device && strcmp(port->vnic_type, "direct-physical") == 0;
	const struct network_binding binding = {
		.server_id = seat->server_id,
		.host = seat->host_name,
		.device_owner = owner,
		.index = index,
		.pci_slot = device ? device->address : NULL,
		.pci_vendor_info = device ? vendor_info : NULL,
		.pf_mac_address = device && device->vf_num >= 0 && device->pf_mac_address[0]
					  ? device->pf_mac_address
					  : NULL,
		.vf_num = device ? device->vf_num : -1,
		.mac_of_pf = whole && device->mac_address[0] ? device->mac_address : NULL,
	};

	return (seat->ahead ? network_port_bind_ahead : network_port_bind)(db, port->id, &binding, err);
}

/* What the network service refuses, in Nova's words. */
bool server_port_refused(const struct server_nic *nic, struct error *err)
{
	if (text_equal(err->type, "OverQuota"))
		return error_set(err, ERROR_FORBIDDEN, "Maximum number of ports exceeded");
	if (text_equal(err->type, "IpAddressGenerationFailure"))
		return error_set(err, ERROR_BAD_REQUEST, "No fixed IP addresses available for network: %s",
				 nic->network_id);
	if (text_equal(err->type, "IpAddressAlreadyAllocated"))
		return error_set(err, ERROR_BAD_REQUEST, "Fixed IP address %s is already in use.",
				 nic->fixed_ip);
	if (text_equal(err->type, "InvalidIpForNetwork") || text_equal(err->type, "InvalidIpForSubnet"))
		return error_set(
			err, ERROR_BAD_REQUEST,
			"Invalid input received: Fixed IP %s is not a valid ip address for network %s.",
			nic->fixed_ip, nic->network_id);
	return false;
}
