/* Within the network room: what its files share. */
#pragma once

#include "network/network.h"

#include <netinet/in.h>

/* --- ip.c: addresses as text and numbers (RFC 4291, RFC 4632) --- */

struct ip {
	int version;		 /* 4 or 6; 0: none */
	unsigned char bytes[16]; /* IPv4 in the first four */
};

#define IP_TEXT 46

bool ip_parse(const char *text, struct ip *ip);
char *ip_format(const struct ip *ip, char text[IP_TEXT]);
int ip_size(const struct ip *ip); /* bytes: 4 or 16 */
int ip_compare(const struct ip *a, const struct ip *b);
struct ip ip_add(struct ip ip, uint32_t n);
struct ip ip_previous(struct ip ip);
/* "10.0.0.0/24": *network has the host bits cleared. */
bool ip_parse_cidr(const char *text, struct ip *network, int *prefix);
struct ip ip_last(struct ip network, int prefix);
bool ip_in(const struct ip *ip, const struct ip *network, int prefix);

/* --- settings from the configuration --- */

#define VLAN_MAX_RANGES 64

/* The vNIC types that sriovnicswitch can bind here. */
#define NETWORK_SRIOV_TYPES 3
extern const char *const network_sriov_types[NETWORK_SRIOV_TYPES];

struct network_settings {
	struct vlan_range {
		char physical_network[65];
		int64_t first, last;
	} ranges[VLAN_MAX_RANGES];
	int range_count;
	char type_drivers[8][16]; /* none: all */
	int type_driver_count;
	char tenant_types[8][16];
	int tenant_type_count;
	char flat[VLAN_MAX_RANGES][65];
	int flat_count;
	bool flat_any;
	struct vni_range {
		int64_t first, last;
	} vnis[VLAN_MAX_RANGES];
	int vni_count;
	bool qinq;			      /* [DEFAULT] vlan_qinq: networks may have 802.1ad VLANs */
	bool sriov;			      /* mechanism_drivers has sriovnicswitch */
	bool prohibited[NETWORK_SRIOV_TYPES]; /* vNIC types that it shall not bind */
	bool devices_limited;		      /* it binds these devices only, "8086:10ca" ... */
	char devices[32][16];
	int device_count;
	int64_t mtu;	  /* global_physnet_mtu */
	int64_t path_mtu; /* of tunnels; 0: the same */
	struct physnet_mtu {
		char physical_network[65];
		int64_t mtu;
	} mtus[VLAN_MAX_RANGES];
	int mtu_count;
	unsigned char base_mac[4];			 /* the last one 0: any */
	int64_t agent_down;				 /* microseconds */
	int64_t quota_network, quota_subnet, quota_port; /* -1: none */
	int64_t quota_group, quota_group_rule;		 /* security groups and their rules */
};
extern struct network_settings network_settings;

bool network_settings_read(const struct config *config, struct error *err);
/* Is there such a network type, and does [ml2] type_drivers load it? */
bool network_type_loaded(const char *type);

/* What a network stands on. */
struct segment {
	char type[16];
	char physical_network[65]; /* "" if none */
	int64_t id;		   /* -1 if none */
};
#define SEGMENTS_MAX 32 /* of one network */

/* Chooses or checks the segment of a new network (rules VL-9 to VL-19, FL-1, FL-2 of ML2): members that were
 * not given are "" and -1. */
bool segment_choose(struct store *db, struct segment *segment, bool provider, struct error *err);

/* The largest MTU of a network on this segment. */
int64_t segment_mtu_max(const struct segment *segment);
/* Reads provider:* members; true if there are any. */
bool segment_read(yyjson_val *object, struct segment *segment);
/* The network gets one more; name and description may be NULL. */
bool segment_insert(struct store *db, const char *network_id, const struct segment *segment, const char *name,
		    const char *description, char id[37], struct error *err);
/* The segments of a network in their order, at most SEGMENTS_MAX. */
bool segments_load(struct store *db, const char *network_id, struct segment *segments, int *count,
		   struct error *err);
/* The smallest of their largest MTUs. */
int64_t segments_mtu_max(const struct segment *segments, int count);

/* --- requests and answers --- */

/* The member of the body that the path asks for ("network"), or NULL and 400. */
yyjson_val *network_body(struct http_request *request, const char *name, struct error *err);
/* What POST needs of a resource: one is made of "network", several are of "networks". */
struct resource {
	const char *name, *plural;
	bool (*create)(struct http_request *request, yyjson_val *body, char id[37], struct error *err);
	/* The view of one, or NULL and *err. */
	yyjson_mut_val *(*load)(struct http_request *request, yyjson_mut_doc *doc, const char *id,
				struct error *err);
};
bool resource_create(struct http_request *request, struct http_response *response,
		     const struct resource *resource, struct error *err);
/* Answers with the view of one. */
bool resource_answer(struct http_request *request, struct http_response *response,
		     const struct resource *resource, int status, const char *id, struct error *err);
/* Which attributes a body may have. */
enum field_type { FIELD_TEXT, FIELD_UUID, FIELD_BOOL, FIELD_INT, FIELD_LIST, FIELD_OBJECT, FIELD_ANY };
struct field {
	const char *name;
	enum field_type type;
	bool nullable, post, put, admin;
	size_t max; /* characters of a text; 0: 255 */
};
/* Refuses unknown attributes, wrong types and what only administrators may set. */
bool fields_check(struct http_request *request, yyjson_val *object, const char *resource,
		  const struct field *fields, size_t count, struct error *err);
const char *field_text(yyjson_val *object, const char *name, const char *fallback);
bool field_bool(yyjson_val *object, const char *name, bool fallback);
int64_t field_int(yyjson_val *object, const char *name, int64_t fallback);
/* A JSON value as text, in the request's memory. */
const char *field_json(struct http_request *request, yyjson_val *value, const char *fallback);
/* Adds a text column that holds JSON as the value that it is. */
void add_json(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, const char *json);
void add_text(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name,
	      const char *text); /* NULL: null */
/* created_at, updated_at, revision_number, tags (JSON), description, project_id, tenant_id. */
void add_standard(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *project, const char *description,
		  const char *tags, int64_t revision, int64_t created, int64_t updated);

bool not_found(struct error *err, const char *type, const char *id);
bool is_visible(const struct auth *auth, const char *project_id, bool shared);
/* The project that a new thing belongs to: the requester's, or tenant_id/project_id by an administrator. */
bool owner_find(struct http_request *request, yyjson_val *body, const char **project, struct error *err);
/* The project's limit, or the configuration's; -1: none. */
bool quota_limit(struct store *db, const char *resource, const char *project, int64_t *limit,
		 struct error *err);
/* `sql` selects rows of project ?1, at most ?2 of them, so that it costs no more than the limit is; 409
 * OverQuota if the limit is reached. */
bool quota_check(struct store *db, const char *resource, const char *sql, const char *project,
		 struct error *err);

/* --- list.c --- */

/* Every list: takes the complete views, keeps those that pass the query's filters (?name=a&name=b, other
 * members likewise), sorts, cuts a page at limit and marker, leaves the members that `fields` names, adds
 * <plural>_links. */
bool list_finish(struct http_request *request, struct http_response *response, yyjson_mut_val *list,
		 const char *plural, struct error *err);
/* One view: leaves the members that `fields` names. */
void view_finish(struct http_request *request, yyjson_mut_val *view);

/* --- ipam.c --- */

/* Addresses of one port are on one segment: checked after addresses were chosen. */
bool addresses_on_one_segment(struct store *db, const char *port_id, struct error *err);
/* Gives the port an address: ip_address NULL: the lowest free one of the subnet's pools. */
bool address_take(struct store *db, const char *port_id, const char *subnet_id, const char *ip_address,
		  struct error *err);
/* Addresses for a port that asked for none in particular: one of the first IPv4 subnet that has one free, and
 * one of the first IPv6 subnet; a network without subnets gives none. */
bool address_take_any(struct store *db, const char *port_id, const char *network_id, struct error *err);
/* fixed_ips of a request: [{subnet_id, ip_address}]. */
bool address_take_list(struct store *db, const char *port_id, const char *network_id, yyjson_val *list,
		       struct error *err);

/* Takes all addresses from the port. */
bool addresses_release(struct store *db, const char *port_id, struct error *err);

/* --- address_free.c: the free addresses of a subnet's pools --- */

/* "" if all are taken. */
bool address_free_lowest(struct store *db, const char *subnet_id, char text[IP_TEXT], struct error *err);
/* The address is free no more (nothing changes if it is not of the pools). */
bool address_free_take(struct store *db, const char *subnet_id, const struct ip *ip, struct error *err);
/* The address is free again. */
bool address_free_give(struct store *db, const char *subnet_id, const char *ip_address, struct error *err);
/* Is the requester an administrator or of the network's project?  What is done to somebody else's shared
 * network is not theirs to decide.  404 if it cannot be seen. */
bool network_is_own(struct http_request *request, const char *network_id, bool *own, struct error *err);

/* --- qos.c, qos_policy.c, qos_rule.c --- */

/* Which rules a route is about, in its flags; with ROUTE_ALIAS they are named by their id alone. */
enum qos_kind { QOS_BANDWIDTH_LIMIT, QOS_MINIMUM_BANDWIDTH, QOS_DSCP_MARKING };
enum { ROUTE_PUBLIC = 1, ROUTE_ALIAS = 2 };
/* Whose tags a route is about. */
enum tagged_kind { TAGGED_NETWORK, TAGGED_SUBNET, TAGGED_PORT, TAGGED_GROUP, TAGGED_POLICY };
#define ROUTE_KIND(kind)     ((unsigned)(kind) << 4)
#define ROUTE_KIND_OF(flags) ((flags) >> 4)

bool qos_policy_missing(struct error *err, const char *id);
/* Is there such a policy, and may the requester see it? */
bool qos_policy_visible(struct http_request *request, const char *id, bool *visible, struct error *err);
bool qos_admin_check(struct http_request *request, const char *what, struct error *err);
/* May the requester put the qos_policy_id of the body (if there is any) in the place of `now` (or NULL)? */
bool qos_attach_check(struct http_request *request, yyjson_val *body, const char *now, struct error *err);
/* The default policy of a project, "" if it has none. */
bool qos_default(struct store *db, const char *project, char id[37], struct error *err);
/* Can the port have all rules of its policy; the ports of the network all of theirs?  409 with the reason. */
bool qos_port_check(struct store *db, const char *port_id, struct error *err);
bool qos_network_check(struct store *db, const char *network_id, struct error *err);
/* The same for all ports that a policy is for; then their hosts are told. */
bool qos_policy_changed(struct store *db, const char *policy_id, struct error *err);
/* What a policy makes a VF send, in kbit/s; 0: no limit, no guarantee. */
bool qos_rates(struct store *db, const char *policy_id, int64_t *max_kbps, int64_t *min_kbps,
	       struct error *err);
/* Adds member "rules" to the view of a policy. */
bool qos_add_rules(struct store *db, const char *policy_id, yyjson_mut_doc *doc, yyjson_mut_val *policy,
		   struct error *err);

/* --- subnet_plan.c --- */

struct subnet_plan {
	struct ip network, gateway; /* gateway.version 0: none */
	int prefix;
	bool dhcp;
	char cidr[64], gateway_text[IP_TEXT];
	const char *pools; /* JSON, in the request's memory */
};
/* Reads a new subnet's addresses from a request's body. */
bool subnet_plan_make(struct http_request *request, yyjson_val *body, struct subnet_plan *plan,
		      struct error *err);
/* *plan is what there is: puts in what the body changes. */
bool subnet_plan_change(struct http_request *request, yyjson_val *body, struct subnet_plan *plan,
			struct error *err);

/* --- port --- */

struct new_port {
	const char *network_id, *project_id, *name, *description, *mac_address, *device_id, *device_owner,
		*vnic_type;
	const char *profile, *pairs;	  /* JSON */
	const char *numa_affinity_policy; /* or NULL */
	const char *qos_policy_id;	  /* or NULL */
	const char *dhcp_options;	  /* JSON, NULL: none */
	bool has_qos;			  /* it or its network has a policy */
	bool admin_state_up, port_security, by_compute;
	bool link_always;      /* the VF has a link even while its PF has none */
	yyjson_val *fixed_ips; /* NULL: any */
	const char *fixed_ip;  /* one address, or NULL */
};
#define PORT_QUOTA "SELECT 1 FROM port WHERE project_id = ?1 LIMIT ?2"
bool port_insert(struct store *db, const struct new_port *port, char id[37], struct error *err);
/* "aa-BB-..." of a station: *mac in lower case with colons. */
bool mac_parse(const char *text, char mac[18]);
/* Refuses values that no port can have, and what the requester may not decide. */
bool port_body_check(struct http_request *request, yyjson_val *body, const char *network_id,
		     struct error *err);
/* What any binding of a port may say (PO-1, PO-3); NULL: nothing. */
bool port_binding_check(struct http_request *request, const char *vnic_type, yyjson_val *profile,
			struct error *err);
/* The options of a body (NULL: none) put into those that there are, as JSON in the request's memory. */
const char *dhcp_options_merge(struct http_request *request, const char *now, yyjson_val *list);
bool dhcp_options_check(yyjson_val *list, struct error *err);
/* Address pairs (JSON) need port security. */
bool port_pairs_check(const char *pairs, bool port_security, struct error *err);
/* A VF with spoof check drops what has another MAC than the port's: pairs with one are refused (409). */
bool port_pairs_of_vf_check(struct store *db, const char *port_id, struct error *err);
/* Segments `c` that the port `p` may be bound on: those of its addresses' subnets (MD-5). */
#define SEGMENT_FITS \
	"c.network_id = p.network_id AND NOT EXISTS (SELECT 1 FROM address a JOIN subnet u ON u.id = " \
	"a.subnet_id " \
	"WHERE a.port_id = p.id AND u.segment_id <> c.id) "
/* vif_type and vif_details of a bound port (PO-5, MD-8). */
const char *binding_vif(const struct network_port *port, char details[200]);
/* Why sriovnicswitch does not bind the port, NULL if it does. */
const char *binding_refusal(const struct network_port *port, const char *vendor_info, const char *profile);
/* The port's profile as JSON; freed by the caller. */
bool binding_profile(struct store *db, const char *port_id, char **profile, struct error *err);
bool port_bind_host(struct store *db, const char *port_id, const char *host, const char *profile,
		    struct error *err);

/* --- capability.c: what NICs cannot do --- */

/* Is there, as far as is known, a NIC for what the port of a VF wants (trust, rates, 802.1ad)?  400 or 409
 * with the reason. */
bool capability_check_port(struct store *db, const char *port_id, struct error *err);
/* The same for all ports that `sql` selects for ?1. */
bool capability_check_ports(struct store *db, const char *sql, const char *id, struct error *err);
/* Of a network that is to have VLANs of 802.1ad. */
bool capability_check_service_tag(struct store *db, const char *physical_network, struct error *err);

/* --- security_group.c, security_rule.c --- */

struct group_rule {
	const char *group_id, *direction, *ethertype;
	const char *protocol, *remote_ip, *remote_group_id, *description; /* or NULL */
	int64_t port_min, port_max;					  /* -1: not given */
};
bool security_group_default(struct store *db, const char *project_id, char id[37], struct error *err);
/* Is there such a group of the requester's project? */
bool group_find(struct http_request *request, const char *id, bool *is_default, struct error *err);
/* Adds member "security_group_rules" to the view of a group. */
bool group_add_rules(struct store *db, const char *group_id, yyjson_mut_doc *doc, yyjson_mut_val *group,
		     struct error *err);
bool group_rule_insert(struct store *db, const struct group_rule *rule, char id[37], struct error *err);
/* The port has these groups (a list, or null: none) from now on; NULL: nothing was said of them. */
bool port_groups_set(struct store *db, const char *port_id, yyjson_val *list, struct error *err);
/* A port without port security has no groups of its own (PS-2). */
bool port_groups_check(struct store *db, const char *port_id, struct error *err);

/* A new random MAC (a direct-physical port had the PF's, which is free again). */
bool port_new_mac(struct store *db, const char *port_id, struct error *err);
/* Deletes the port and gives its addresses back. */
bool port_remove(struct store *db, const char *port_id, struct error *err);
bool port_changed(struct store *db, const char *port_id, struct error *err);
/* The same when the port is gone already. */
bool device_changed(struct store *db, const char *device_id, struct error *err);
/* The same for all ports of a network that are plugged in. */
bool network_changed(struct store *db, const char *network_id, struct error *err);

http_handler network_list, network_show, network_create, network_update, network_delete;
http_handler subnet_list, subnet_show, subnet_create, subnet_update, subnet_delete;
http_handler port_list, port_show, port_create, port_update, port_delete;
http_handler binding_list, binding_show, binding_create, binding_update, binding_delete, binding_activate;
http_handler segment_list, segment_show, segment_create, segment_update, segment_delete;
http_handler policy_list, policy_show, policy_create, policy_update, policy_delete;
http_handler rule_list, rule_show, rule_create, rule_update, rule_delete, rule_type_list, rule_type_show;
http_handler tag_list, tag_replace, tag_clear, tag_show, tag_put, tag_delete;
http_handler availability_list, availability_show;
http_handler agent_list, agent_show, agent_update, agent_delete;
http_handler extension_list, extension_show, zone_list, group_list, group_show, group_create, group_update,
	group_delete;
http_handler group_rule_list, group_rule_show, group_rule_create, group_rule_delete;
http_handler quota_list, quota_show, quota_default, quota_details, quota_update, quota_delete;
