/* Network v2.0 (Neutron's API): the door for compute, which binds ports in its own transaction. */
#pragma once

#include "base/error.h"
#include "config/config.h"
#include "http/http.h"
#include "identity/identity.h"
#include "store/store.h"

#define NETWORK_ADDRESSES 8

/* A port as compute and the scheduler need it.  Fixed texts, no ownership. */
struct network_port {
	char id[37];
	char name[256];
	char network_id[37];
	char network_name[256];
	char project_id[64];
	char device_id[256];
	char mac_address[18];
	char vnic_type[24]; /* "normal", "direct", "direct-physical", "macvtap" ... */
	/* The segment that the port is bound on; as long as it is not, the first that fits its addresses. */
	char segment_id[37];
	char network_type[16];
	char physical_network[65]; /* "" if the segment has none */
	int64_t segmentation_id;   /* -1 if none */
	char status[16];
	char host_id[256];
	bool admin_state_up;
	bool port_security;
	bool trusted;		  /* binding:profile says so: its VF is to be trusted */
	bool created_by_compute;  /* made for the server, goes with it */
	char qos_policy_id[37];	  /* its own or its network's, "" if there is none */
	char numa_policy[16];	  /* numa_affinity_policy of its device, "" if the port says nothing */
	bool service_tag;	  /* its network's VLAN is one of 802.1ad (vlan_qinq) */
	bool link_follows_uplink; /* propagate_uplink_status: the VF's link goes with its PF's */
	int index;		  /* of a bound one: order of the server's NICs */
	int64_t mtu;
	struct {
		char ip_address[46];
		char subnet_id[37];
	} addresses[NETWORK_ADDRESSES];
	int address_count;
};

bool network_port_load(struct store *db, const char *port_id, struct network_port *port, struct error *err);
/* The id of a port by its id or name; ERROR_NOT_FOUND, or ERROR_CONFLICT if several have the name. */
bool network_port_find(struct store *db, const char *id_or_name, char id[256], struct error *err);
/* Ports that are bound to a server on a host (a device_id alone is anybody's to write), in the order of
 * binding (port index); *ports is freed by the caller. */
bool network_ports_of_server(struct store *db, const char *server_id, struct network_port **ports,
			     size_t *count, struct error *err);

/* May this requester plug a server into this network?  Loads name, type and so on into *port (id stays "").
 * Not found or not shared: ERROR_NOT_FOUND. */
bool network_check(struct store *db, const char *network_id, const struct auth *auth,
		   struct network_port *port, struct error *err);
/* Networks that a project uses when a server asks for none (`networks: auto`/none given): *ids is freed. */
bool network_defaults(struct store *db, const struct auth *auth, char (**ids)[37], size_t *count,
		      struct error *err);

/* Makes a port for a server (created_by_compute).  fixed_ip may be NULL. */
bool network_port_create_for_server(struct store *db, const char *project_id, const char *network_id,
				    const char *fixed_ip, const char *server_id, struct network_port *port,
				    struct error *err);

/* What compute tells a port when it is bound. */
struct network_binding {
	const char *server_id;
	const char *host;	     /* NULL: only reserves the port for the server (device_id) */
	const char *device_owner;    /* "compute:nova" */
	int index;		     /* order of the server's NICs */
	const char *pci_slot;	     /* "0000:21:10.0", NULL for a standard NIC */
	const char *pci_vendor_info; /* "8086:10ca" */
	const char *mac_of_pf;	     /* direct-physical: the port takes this MAC; else NULL */
	const char *pf_mac_address;  /* of a VF, if it is known; else NULL */
	int vf_num;		     /* which of the PF's VFs it is */
};

/* Binds the port (vif_type, vif_details, profile) as ML2 with sriovnicswitch does; status DOWN until the
 * agent reports.  ERROR_CONFLICT if another server has it. */
bool network_port_bind(struct store *db, const char *port_id, const struct network_binding *binding,
		       struct error *err);
/* The same for a host that the server is on its way to: an inactive binding (binding-extended), which
 * network_port_bind() makes the active one. */
bool network_port_bind_ahead(struct store *db, const char *port_id, const struct network_binding *binding,
			     struct error *err);
/* The server does not go there: inactive bindings for this host go. */
bool network_ports_unbind_ahead(struct store *db, const char *server_id, const char *host, struct error *err);
/* The server is on no host for a while (shelved): its ports are unbound, and stay its own with their
 * addresses. */
bool network_ports_keep(struct store *db, const char *server_id, struct error *err);
/* The server is gone: ports created by compute are deleted, others unbound and free again. */
bool network_ports_release(struct store *db, const char *server_id, struct error *err);
/* The same for one port that has left its server. */
bool network_port_release(struct store *db, const char *port_id, struct error *err);
/* "ACTIVE" or "DOWN", as the host reports. */
bool network_port_set_status(struct store *db, const char *port_id, const char *status, struct error *err);

/* A security group of the project by id or name; ERROR_NOT_FOUND, or ERROR_CONFLICT if several have the name. */
bool network_security_group_find(struct store *db, const char *project_id, const char *name, char id[37],
				 struct error *err);
/* All ports of the server get the group (ERROR_BAD_REQUEST if one cannot, or has it), or lose it. */
bool network_server_add_group(struct store *db, const char *server_id, const char *group_id,
			      struct error *err);
bool network_server_remove_group(struct store *db, const char *server_id, const char *group_id,
				 struct error *err);

/* Adds the server's addresses as Nova shows them ({"net": [{"version","addr","OS-EXT-IPS..."}]}). */
bool network_addresses_view(struct store *db, const char *server_id, yyjson_mut_doc *doc,
			    yyjson_mut_val *object, struct error *err);

/* What the agent needs to plug the port: adds members id, mac_address, vnic_type, vlan, mtu, admin_state_up,
 * port_security, network {id, name, type, bridge, subnets [{id, cidr, gateway_ip, enable_dhcp,
 * dns_nameservers, host_routes}]}, fixed_ips to `object` (docs/agent-protocol.md). */
bool network_port_desired(struct store *db, const char *port_id, yyjson_mut_doc *doc, yyjson_mut_val *object,
			  struct error *err);

/* The NIC-agent role of a host's agent, as `openstack network agent list` shows it: mappings is a JSON object
 * {"physnet": ["p5p1"]}, resources an object that may have more of `configurations` (resource_provider_*), or
 * NULL. */
bool network_agent_report(struct store *db, const char *host, const char *mappings_json, int64_t device_count,
			  const char *resources_json, struct error *err);

extern const struct store_migration network_migrations[];
extern const size_t network_migration_count;
/* Called in the same transaction when a port of a server on a host was changed through the API. */
void network_on_port_change(bool (*hook)(struct store *db, const char *server_id, struct error *err));
const struct http_service *network_service(const struct config *config, struct error *err);
