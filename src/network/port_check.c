/* What a request may say of a port: shapes, values, and what is the network's owner's to decide. */
#include "base/memory.h"
#include "network/internal.h"

#include <string.h>

#define SHAPE_ERROR(...) \
	error_set_typed(err, ERROR_BAD_REQUEST, "HTTPBadRequest", "Invalid input for " __VA_ARGS__)

bool mac_parse(const char *text, char mac[18])
{
	unsigned int b[6];
	char end;

	if (strlen(text) != 17 || strspn(text, "0123456789abcdefABCDEF:-") != 17 ||
	    sscanf(text, "%2x%*1[:-]%2x%*1[:-]%2x%*1[:-]%2x%*1[:-]%2x%*1[:-]%2x%c", &b[0], &b[1], &b[2],
		   &b[3], &b[4], &b[5], &end) != 6 ||
	    (b[0] & 1))
		return false;
	snprintf(mac, 18, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
	return strcmp(mac, "00:00:00:00:00:00") != 0;
}

/* All that Neutron knows (PO-1): those that nobody can bind here are refused when a server asks for the port.
 */
static bool vnic_type_check(const char *type, struct error *err)
{
	static const char *const known[] = {"normal",
					    "direct",
					    "macvtap",
					    "baremetal",
					    "direct-physical",
					    "virtio-forwarder",
					    "smart-nic",
					    "vdpa",
					    "accelerator-direct",
					    "accelerator-direct-physical",
					    "remote-managed"};

	for (size_t i = 0; type && i < ELEMENTS_OF(known); i++) {
		if (strcmp(known[i], type) == 0)
			return true;
	}
	return !type || SHAPE_ERROR("binding:vnic_type. Reason: %.40s is not in valid_values.", type);
}

/* PO-7 */
static bool numa_policy_check(const char *policy, struct error *err)
{
	static const char *const known[] = {"required", "preferred", "legacy", "socket"};

	for (size_t i = 0; policy && i < ELEMENTS_OF(known); i++) {
		if (strcmp(known[i], policy) == 0)
			return true;
	}
	return !policy ||
	       SHAPE_ERROR("numa_affinity_policy. Reason: '%.40s' is not in ['required', 'preferred', "
			   "'legacy', 'socket'].",
			   policy);
}

/* --- fixed_ips --- */

/* An address that no port can have: the network's own, or the broadcast one. */
static bool is_reserved(const char *cidr, const struct ip *ip)
{
	struct ip network, last;
	int prefix;

	if (!ip_parse_cidr(cidr, &network, &prefix) || !ip_in(ip, &network, prefix) ||
	    prefix > (network.version == 4 ? 30 : 126))
		return false;
	last = ip_last(network, prefix);
	return ip_compare(ip, &network) == 0 || (network.version == 4 && ip_compare(ip, &last) == 0);
}

static bool reserved_check(struct store *db, const char *network_id, const char *text, bool with_subnet,
			   struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	struct ip ip;

	if (!ip_parse(text, &ip))
		return SHAPE_ERROR("fixed_ips. Reason: '%.60s' is not a valid IP address.", text);
	if (!store_query(db, &rows, err, "SELECT cidr FROM subnet WHERE network_id = ?1", V(network_id)))
		return false;
	while (store_next(&rows)) {
		if (is_reserved(store_text(&rows, 0), &ip))
			return error_set_typed(err, ERROR_BAD_REQUEST,
					       with_subnet ? "InvalidIpForSubnet" : "InvalidIpForNetwork",
					       "IP address %s is not a valid IP for %s.", text,
					       with_subnet ? "the specified subnet"
							   : "any of the subnets on the specified network");
	}
	return store_end(&rows, err);
}

static bool fixed_ips_check(struct store *db, const char *network_id, yyjson_val *list, struct error *err)
{
	size_t i, max, k, others;
	yyjson_val *item, *other;

	yyjson_arr_foreach (list, i, max, item) {
		const char *ip = field_text(item, "ip_address", NULL),
			   *subnet = field_text(item, "subnet_id", NULL);

		if (!yyjson_is_obj(item))
			return SHAPE_ERROR("fixed_ips. Reason: Invalid data format for fixed IP.");
		if (!ip && !subnet)
			return error_set_typed(err, ERROR_BAD_REQUEST, "InvalidInput",
					       "Invalid input for operation: IP allocation requires "
					       "subnet_id or ip_address.");
		if (ip && !reserved_check(db, network_id, ip, subnet != NULL, err))
			return false;
		yyjson_arr_foreach (list, k, others, other) {
			if (ip && k < i && text_equal(ip, field_text(other, "ip_address", NULL)))
				return SHAPE_ERROR("fixed_ips. Reason: Duplicate IP address '%s'.", ip);
		}
	}
	return true;
}

/* --- allowed_address_pairs --- */

static bool pair_check(yyjson_val *pair, struct error *err)
{
	const char *ip = field_text(pair, "ip_address", NULL), *mac = field_text(pair, "mac_address", NULL);
	struct ip address;
	char canonical[18];
	int prefix;

	if (!yyjson_is_obj(pair) || yyjson_obj_size(pair) != (size_t)(ip != NULL) + (mac != NULL))
		return SHAPE_ERROR("allowed_address_pairs. Reason: each must be a dictionary with ip_address "
				   "and, if need be, mac_address.");
	if (!ip)
		return error_set_typed(err, ERROR_BAD_REQUEST, "AllowedAddressPairsMissingIP",
				       "AllowedAddressPair must contain ip_address");
	if (!ip_parse(ip, &address) && !ip_parse_cidr(ip, &address, &prefix))
		return error_set_typed(err, ERROR_BAD_REQUEST, "HTTPBadRequest",
				       "'%.60s' is not a valid IP address", ip);
	if (mac && !mac_parse(mac, canonical))
		return error_set_typed(err, ERROR_BAD_REQUEST, "HTTPBadRequest",
				       "'%.40s' is not a valid MAC address", mac);
	return true;
}

static bool pairs_check(yyjson_val *list, struct error *err)
{
	size_t i, max, k, others;
	yyjson_val *item, *other;

	yyjson_arr_foreach (list, i, max, item) {
		if (!pair_check(item, err))
			return false;
		yyjson_arr_foreach (list, k, others, other) {
			if (k < i && yyjson_equals(item, other))
				return error_set_typed(err, ERROR_BAD_REQUEST,
						       "DuplicateAddressPairInRequest",
						       "Request contains duplicate address pair: %s.",
						       field_text(item, "ip_address", ""));
		}
	}
	return max <= 10 || error_set_typed(err, ERROR_BAD_REQUEST, "AllowedAddressPairExhausted",
					    "The number of allowed address pair exceeds the maximum 10.");
}

/* --- security groups --- */

static bool groups_check(struct http_request *request, yyjson_val *list, struct error *err)
{
	size_t i, max;
	yyjson_val *item;

	yyjson_arr_foreach (list, i, max, item) {
		_cleanup_(store_rows_done) struct store_rows rows = {0};
		const char *id = yyjson_get_str(item);

		if (!id)
			return SHAPE_ERROR("security_groups. Reason: each must be a UUID.");
		if (!store_query(request->db, &rows, err,
				 "SELECT 1 FROM security_group WHERE id = ?1 AND (?2 OR project_id = ?3)",
				 V(id), V(request->auth->admin), V(request->auth->project_id)))
			return false;
		if (!store_next(&rows))
			return error_set_typed(err, ERROR_NOT_FOUND, "SecurityGroupNotFound",
					       "Security group %.64s does not exist", id);
	}
	return true;
}

/* --- who decides --- */

static bool has_address(yyjson_val *fixed_ips)
{
	size_t i, max;
	yyjson_val *item;

	yyjson_arr_foreach (fixed_ips, i, max, item) {
		if (yyjson_obj_get(item, "ip_address"))
			return true;
	}
	return false;
}

/* In somebody else's shared network one takes what is given: with an address or a MAC of one's choice, or
 * without the spoof check, one could be another. */
static const char *owners_attribute(yyjson_val *body)
{
	static const char *const names[] = {"mac_address", "port_security_enabled", "allowed_address_pairs"};

	for (size_t i = 0; i < ELEMENTS_OF(names); i++) {
		if (yyjson_obj_get(body, names[i]))
			return names[i];
	}
	if (has_address(yyjson_obj_get(body, "fixed_ips")))
		return "fixed_ips:ip_address";
	return text_starts_with(field_text(body, "device_owner", ""), "network:") ? "device_owner" : NULL;
}

static bool owner_check(struct http_request *request, yyjson_val *body, const char *network_id,
			struct error *err)
{
	const char *name = owners_attribute(body), *verb = request->method == HTTP_POST ? "create" : "update";
	bool own, shared = false;

	if (request->auth->admin || request->auth->service || !name)
		return true;
	/* A port may be in a network that is shared no more. */
	if (network_is_own(request, network_id, &own, err))
		shared = !own;
	else if (err->kind == ERROR_NOT_FOUND)
		shared = true;
	else
		return false;
	if (request->method == HTTP_PUT && strcmp(name, "mac_address") == 0)
		shared = true; /* another MAC for a port that is there is the administrator's */
	return !shared || error_set_typed(err, ERROR_FORBIDDEN, "PolicyNotAuthorized",
					  "(rule:%s_port and rule:%s_port:%s) is disallowed by policy", verb,
					  verb, name);
}

/* --- the whole --- */

bool port_binding_check(struct http_request *request, const char *vnic_type, yyjson_val *profile,
			struct error *err)
{
	return vnic_type_check(vnic_type, err) &&
	       (!profile || strlen(field_json(request, profile, "")) <= 4095 ||
		error_set_typed(err, ERROR_BAD_REQUEST, "InvalidInput",
				"Invalid input for operation: binding:profile value too large."));
}

bool port_body_check(struct http_request *request, yyjson_val *body, const char *network_id,
		     struct error *err)
{
	yyjson_val *profile = yyjson_obj_get(body, "binding:profile"),
		   *groups = yyjson_obj_get(body, "security_groups");

	if (!port_binding_check(request, field_text(body, "binding:vnic_type", NULL), profile, err) ||
	    !numa_policy_check(field_text(body, "numa_affinity_policy", NULL), err) ||
	    !fixed_ips_check(request->db, network_id, yyjson_obj_get(body, "fixed_ips"), err) ||
	    !pairs_check(yyjson_obj_get(body, "allowed_address_pairs"), err) ||
	    !dhcp_options_check(yyjson_obj_get(body, "extra_dhcp_opts"), err))
		return false;
	if (yyjson_arr_size(groups) && !field_bool(body, "port_security_enabled", true))
		return error_set_typed(err, ERROR_BAD_REQUEST, "PortSecurityAndIPRequiredForSecurityGroups",
				       "Port security must be enabled and port must have an IP address in "
				       "order to use security groups.");
	return groups_check(request, groups, err) && owner_check(request, body, network_id, err);
}

bool port_pairs_of_vf_check(struct store *db, const char *port_id, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err,
			 "SELECT json_extract(a.value, '$.mac_address'), p.mac_address FROM port p, "
			 "json_each(p.pairs) a WHERE p.id = ?1 AND p.vnic_type IN ('direct', 'macvtap') AND "
			 "lower(replace(json_extract(a.value, '$.mac_address'), '-', ':')) <> p.mac_address "
			 "LIMIT 1",
			 V(port_id)))
		return false;
	if (store_next(&rows))
		return error_set_typed(err, ERROR_CONFLICT, "AddressPairMacNotAllowed",
				       "Port %s is for a VF, whose spoof check drops what is not sent from "
				       "its own MAC %s: the "
				       "address pair's %s would have no effect. With port security disabled, "
				       "and no pairs, the "
				       "guest may send from any MAC.",
				       port_id, store_text(&rows, 1), store_text(&rows, 0));
	return store_end(&rows, err);
}

bool port_pairs_check(const char *pairs, bool port_security, struct error *err)
{
	return port_security || strcmp(pairs, "[]") == 0 ||
	       error_set_typed(err, ERROR_CONFLICT, "AddressPairAndPortSecurityRequired",
			       "Port Security must be enabled in order to have allowed address pairs on a "
			       "port.");
}
