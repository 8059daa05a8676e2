/* Which addresses ports get.  Addresses are given lowest first: predictable, and easy to read in a table
 * (Neutron takes a random one out of the next few). */
#include "base/memory.h"
#include "network/internal.h"

#include <string.h>

static bool invalid(struct error *err, const char *subnet_id, const char *ip)
{
	return error_set_typed(err, ERROR_BAD_REQUEST, "InvalidIpForSubnet",
			       "IP address %s is not a valid IP for the "
			       "specified subnet %s.",
			       ip, subnet_id);
}

static bool address_insert(struct store *db, const char *port_id, const char *subnet_id,
			   const char *ip_address, struct error *err)
{
	struct ip ip;

	if (store_exec(db, err, "INSERT INTO address (port_id, subnet_id, ip_address) VALUES (?1, ?2, ?3)",
		       V(port_id), V(subnet_id), V(ip_address)))
		return !ip_parse(ip_address, &ip) || address_free_take(db, subnet_id, &ip, err);
	if (err->kind != ERROR_CONFLICT)
		return false;
	return error_set_typed(err, ERROR_CONFLICT, "IpAddressAlreadyAllocated",
			       "IP address %s already allocated in subnet %s.", ip_address, subnet_id);
}

bool addresses_release(struct store *db, const char *port_id, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err, "SELECT subnet_id, ip_address FROM address WHERE port_id = ?1",
			 V(port_id)))
		return false;
	while (store_next(&rows)) {
		if (!address_free_give(db, store_text(&rows, 0), store_text(&rows, 1), err))
			return false;
	}
	return store_end(&rows, err) &&
	       store_exec(db, err, "DELETE FROM address WHERE port_id = ?1", V(port_id));
}

static bool none_left(struct error *err, const char *network_id)
{
	return error_set_typed(err, ERROR_CONFLICT, "IpAddressGenerationFailure",
			       "No more IP addresses available on network %s.", network_id);
}

bool address_take(struct store *db, const char *port_id, const char *subnet_id, const char *ip_address,
		  struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	struct ip ip, network;
	char text[IP_TEXT];
	int prefix;

	if (!store_query(db, &rows, err, "SELECT cidr, gateway_ip, network_id FROM subnet WHERE id = ?1",
			 V(subnet_id)))
		return false;
	if (!store_next(&rows))
		return not_found(err, "SubnetNotFound", subnet_id);
	if (ip_address) {
		if (!ip_parse(ip_address, &ip) || !ip_parse_cidr(store_text(&rows, 0), &network, &prefix) ||
		    !ip_in(&ip, &network, prefix) || text_equal(store_text(&rows, 1), ip_format(&ip, text)))
			return invalid(err, subnet_id, ip_address);
	} else {
		if (!address_free_lowest(db, subnet_id, text, err))
			return false;
		if (!*text)
			return none_left(err, store_text(&rows, 2));
	}
	return address_insert(db, port_id, subnet_id, text, err);
}

bool addresses_on_one_segment(struct store *db, const char *port_id, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	/* A port that is bound stays on its segment. */
	if (!store_query(
		    db, &rows, err,
		    "SELECT DISTINCT u.segment_id FROM address a JOIN subnet u ON u.id = a.subnet_id "
		    "WHERE a.port_id = ?1 AND u.segment_id IS NOT NULL UNION "
		    "SELECT p.segment_id FROM port p WHERE p.id = ?1 AND p.segment_id IS NOT NULL AND EXISTS "
		    "(SELECT 1 FROM address a JOIN subnet u ON u.id = a.subnet_id "
		    "WHERE a.port_id = ?1 AND u.segment_id IS NOT NULL)",
		    V(port_id)))
		return false;
	if (store_next(&rows) && store_next(&rows))
		return error_set_typed(err, ERROR_BAD_REQUEST, "FixedIpsSubnetsNotOnSameSegment",
				       "Cannot allocate addresses from different segments.");
	return store_end(&rows, err);
}

bool address_take_any(struct store *db, const char *port_id, const char *network_id, struct error *err)
{
	bool have[7] = {0}, seen[7] = {0};
	char segment[37] = ""; /* of its first address: the others are on the same */

	_cleanup_(store_rows_done) struct store_rows rows = {0};
	if (!store_query(db, &rows, err,
			 "SELECT id, ip_version, segment_id FROM subnet WHERE network_id = ?1 "
			 "ORDER BY created_at, id",
			 V(network_id)))
		return false;
	while (store_next(&rows)) {
		const char *on = store_text(&rows, 2);
		char text[IP_TEXT];
		int version = (int)store_int(&rows, 1);

		seen[version] = true;
		if (have[version] || (*segment && !text_equal(on, segment)))
			continue;
		if (!address_free_lowest(db, store_text(&rows, 0), text, err) ||
		    (*text && !address_insert(db, port_id, store_text(&rows, 0), text, err)))
			return false;
		have[version] = *text;
		if (on && *text)
			snprintf(segment, sizeof segment, "%s", on);
	}
	if (!store_end(&rows, err))
		return false;
	if ((seen[4] || seen[6]) && !have[4] && !have[6])
		return none_left(err, network_id);
	return true;
}

/* The subnet of the network that an address belongs to, "" if none. */
static bool subnet_of_address(struct store *db, const char *network_id, const char *text, char subnet_id[37],
			      struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	struct ip ip, network;
	int prefix;

	*subnet_id = '\0';
	if (!ip_parse(text, &ip))
		return error_set_typed(
			err, ERROR_BAD_REQUEST, "HTTPBadRequest",
			"Invalid input for fixed_ips. Reason: '%.60s' is not a valid IP address.", text);
	if (!store_query(db, &rows, err, "SELECT id, cidr FROM subnet WHERE network_id = ?1", V(network_id)))
		return false;
	while (store_next(&rows)) {
		if (ip_parse_cidr(store_text(&rows, 1), &network, &prefix) && ip_in(&ip, &network, prefix))
			snprintf(subnet_id, 37, "%s", store_text(&rows, 0));
	}
	return store_end(&rows, err);
}

static bool subnet_is_of(struct store *db, const char *subnet_id, const char *network_id, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err, "SELECT network_id FROM subnet WHERE id = ?1", V(subnet_id)))
		return false;
	if (!store_next(&rows))
		return not_found(err, "SubnetNotFound", subnet_id);
	if (!text_equal(store_text(&rows, 0), network_id))
		return error_set_typed(
			err, ERROR_BAD_REQUEST, "InvalidInput",
			"Invalid input for operation: Failed to create port on network %s, because "
			"fixed_ips included invalid subnet %s.",
			network_id, subnet_id);
	return store_end(&rows, err);
}

bool address_take_list(struct store *db, const char *port_id, const char *network_id, yyjson_val *list,
		       struct error *err)
{
	size_t i, max;
	yyjson_val *item;

	if (yyjson_arr_size(list) > NETWORK_ADDRESSES)
		return error_set_typed(
			err, ERROR_BAD_REQUEST, "InvalidInput",
			"Invalid input for operation: Exceeded maximum amount of fixed ips per port.");
	yyjson_arr_foreach (list, i, max, item) {
		const char *subnet = field_text(item, "subnet_id", NULL),
			   *ip = field_text(item, "ip_address", NULL);
		char found[37];

		if (!yyjson_is_obj(item) || (!subnet && !ip))
			return error_set_typed(
				err, ERROR_BAD_REQUEST, "HTTPBadRequest",
				"Invalid input for fixed_ips. Reason: each item must be a dictionary with "
				"subnet_id, ip_address or both.");
		if (subnet && !subnet_is_of(db, subnet, network_id, err))
			return false;
		if (!subnet) {
			if (!subnet_of_address(db, network_id, ip, found, err))
				return false;
			if (!*found)
				return error_set_typed(
					err, ERROR_BAD_REQUEST, "InvalidIpForNetwork",
					"IP address %s is not a valid IP for any of the subnets on the "
					"specified network.",
					ip);
			subnet = found;
		}
		if (!address_take(db, port_id, subnet, ip, err))
			return false;
	}
	return max == 0 || addresses_on_one_segment(db, port_id, err);
}
