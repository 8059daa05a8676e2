/* The addresses of a subnet: cidr, gateway and pools, name servers and routes, and what is not allowed of
 * them. Pools are kept as a JSON list [{"start", "end"}]. */
#include "base/memory.h"
#include "network/internal.h"

#include <string.h>

#define POOLS_MAX 32

#define INPUT_ERROR(...) \
	error_set_typed(err, ERROR_BAD_REQUEST, "InvalidInput", "Invalid input for operation: " __VA_ARGS__)
#define SHAPE_ERROR(...) \
	error_set_typed(err, ERROR_BAD_REQUEST, "HTTPBadRequest", "Invalid input for " __VA_ARGS__)

/* --- name servers and routes --- */

static bool servers_check(yyjson_val *list, struct error *err)
{
	size_t i, max, k, others;
	yyjson_val *item, *other;
	struct ip ip;

	yyjson_arr_foreach (list, i, max, item) {
		if (!ip_parse(yyjson_get_str(item), &ip))
			return SHAPE_ERROR("dns_nameservers. Reason: '%.60s' is not a valid nameserver.",
					   yyjson_is_str(item) ? yyjson_get_str(item) : "");
		yyjson_arr_foreach (list, k, others, other) {
			if (k < i && yyjson_equals(item, other))
				return SHAPE_ERROR("dns_nameservers. Reason: Duplicate nameserver '%.60s'.",
						   yyjson_get_str(item));
		}
	}
	return max <= 5 || error_set_typed(err, ERROR_BAD_REQUEST, "DNSNameServersExhausted",
					   "Unable to complete operation for subnet. The number of DNS "
					   "nameservers exceeds the limit 5.");
}

static bool route_check(yyjson_val *route, int version, struct error *err)
{
	const char *destination = field_text(route, "destination", NULL),
		   *hop = field_text(route, "nexthop", NULL);
	struct ip network, ip;
	int prefix;

	if (!destination || !hop || yyjson_obj_size(route) != 2)
		return SHAPE_ERROR("host_routes. Reason: each must be a dictionary with destination and "
				   "nexthop.");
	if (!ip_parse_cidr(destination, &network, &prefix))
		return SHAPE_ERROR("host_routes. Reason: '%.60s' is not a valid CIDR.", destination);
	if (!ip_parse(hop, &ip))
		return SHAPE_ERROR("host_routes. Reason: '%.60s' is not a valid IP address.", hop);
	if (network.version != version || ip.version != version)
		return INPUT_ERROR("a host route by '%.60s' does not match the ip_version '%d'.", hop,
				   version);
	return true;
}

static bool routes_check(yyjson_val *list, int version, struct error *err)
{
	size_t i, max, k, others;
	yyjson_val *item, *other;

	yyjson_arr_foreach (list, i, max, item) {
		if (!route_check(item, version, err))
			return false;
		yyjson_arr_foreach (list, k, others, other) {
			if (k < i && yyjson_equals(item, other))
				return SHAPE_ERROR("host_routes. Reason: Duplicate hostroute '%.60s'.",
						   field_text(item, "destination", ""));
		}
	}
	return max <= 20 || error_set_typed(err, ERROR_BAD_REQUEST, "HostRoutesExhausted",
					    "Unable to complete operation for subnet. The number of host "
					    "routes exceeds the limit 20.");
}

/* --- pools --- */

struct range {
	struct ip first, last;
};

/* All addresses but the network's and (IPv4) the broadcast one, which the smallest networks do not have. */
static struct range usable(const struct subnet_plan *plan)
{
	struct range range = {plan->network, ip_last(plan->network, plan->prefix)};
	bool four = plan->network.version == 4;

	if (plan->prefix < (four ? 31 : 127))
		range.first = ip_add(range.first, 1);
	if (four && plan->prefix < 31)
		range.last = ip_previous(range.last);
	return range;
}

static bool range_has(const struct range *range, const struct ip *ip)
{
	return ip_compare(&range->first, ip) <= 0 && ip_compare(ip, &range->last) <= 0;
}

static bool pool_read(const struct subnet_plan *plan, yyjson_val *pool, struct range *range,
		      struct error *err)
{
	const char *start = field_text(pool, "start", NULL), *end = field_text(pool, "end", NULL);
	struct range all = usable(plan);

	if (!start || !end || yyjson_obj_size(pool) != 2)
		return SHAPE_ERROR("allocation_pools. Reason: each must be a dictionary with start and end.");
	if (!ip_parse(start, &range->first) || !ip_parse(end, &range->last))
		return SHAPE_ERROR("allocation_pools. Reason: '%.60s' is not a valid IP address.",
				   ip_parse(start, &range->first) ? end : start);
	if (ip_compare(&range->first, &range->last) > 0 || range->first.version != plan->network.version ||
	    range->last.version != plan->network.version)
		return error_set_typed(err, ERROR_BAD_REQUEST, "InvalidAllocationPool",
				       "The allocation pool %s-%s is not valid.", start, end);
	if (!range_has(&all, &range->first) || !range_has(&all, &range->last))
		return error_set_typed(err, ERROR_BAD_REQUEST, "OutOfBoundsAllocationPool",
				       "The allocation pool %s-%s spans beyond the subnet cidr %s.", start,
				       end, plan->cidr);
	return true;
}

static bool gateway_conflict(const struct subnet_plan *plan, const struct range *range, struct error *err)
{
	char first[IP_TEXT], last[IP_TEXT];

	if (!plan->gateway.version || !range_has(range, &plan->gateway))
		return false;
	error_set_typed(err, ERROR_CONFLICT, "GatewayConflictWithAllocationPools",
			"Gateway ip %s conflicts with allocation pool %s-%s.", plan->gateway_text,
			ip_format(&range->first, first), ip_format(&range->last, last));
	return true;
}

static void pools_write(struct http_request *request, struct subnet_plan *plan, const struct range *ranges,
			size_t count)
{
	char first[IP_TEXT], last[IP_TEXT];

	plan->pools = "[";
	for (size_t i = 0; i < count; i++)
		plan->pools = http_printf(request, "%s%s{\"start\":\"%s\",\"end\":\"%s\"}", plan->pools,
					  i ? "," : "", ip_format(&ranges[i].first, first),
					  ip_format(&ranges[i].last, last));
	plan->pools = http_printf(request, "%s]", plan->pools);
}

static bool pools_given(struct http_request *request, struct subnet_plan *plan, yyjson_val *pools,
			struct error *err)
{
	struct range ranges[POOLS_MAX];
	size_t i, max;
	yyjson_val *pool;

	if (yyjson_arr_size(pools) > POOLS_MAX)
		return SHAPE_ERROR("allocation_pools. Reason: more than %d pools.", POOLS_MAX);
	yyjson_arr_foreach (pools, i, max, pool) {
		if (!pool_read(plan, pool, &ranges[i], err))
			return false;
		for (size_t k = 0; k < i; k++) {
			if (range_has(&ranges[i], &ranges[k].first) ||
			    range_has(&ranges[k], &ranges[i].first))
				return error_set_typed(err, ERROR_CONFLICT, "OverlappingAllocationPools",
						       "Found overlapping allocation pools for subnet %s.",
						       plan->cidr);
		}
		if (gateway_conflict(plan, &ranges[i], err))
			return false;
	}
	pools_write(request, plan, ranges, max);
	return true;
}

/* Without pools in the request: all that is usable, but the gateway. */
static void pools_default(struct http_request *request, struct subnet_plan *plan)
{
	struct range all = usable(plan), parts[2] = {all, all};
	size_t count = 0;

	if (!plan->gateway.version || !range_has(&all, &plan->gateway)) {
		pools_write(request, plan, &all, 1);
		return;
	}
	if (ip_compare(&all.first, &plan->gateway) < 0)
		parts[count++].last = ip_previous(plan->gateway);
	if (ip_compare(&plan->gateway, &all.last) < 0)
		parts[count++] = (struct range){ip_add(plan->gateway, 1), all.last};
	pools_write(request, plan, parts, count);
}

/* --- the whole --- */

static bool gateway_read(yyjson_val *gateway, struct subnet_plan *plan, struct error *err)
{
	struct ip last = ip_last(plan->network, plan->prefix);
	const char *text = yyjson_get_str(gateway);

	plan->gateway = (struct ip){0};
	*plan->gateway_text = '\0';
	if (!text)
		return true;
	if (!ip_parse(text, &plan->gateway))
		return SHAPE_ERROR("gateway_ip. Reason: '%.60s' is not a valid IP address.", text);
	if (plan->gateway.version != plan->network.version)
		return INPUT_ERROR("gateway_ip '%s' does not match the ip_version '%d'.", text,
				   plan->network.version);
	if (plan->network.version == 4 && plan->prefix < 31 &&
	    (ip_compare(&plan->gateway, &plan->network) == 0 || ip_compare(&plan->gateway, &last) == 0))
		return INPUT_ERROR("Gateway is not valid on subnet.");
	ip_format(&plan->gateway, plan->gateway_text);
	return true;
}

static bool dhcp_check(const struct subnet_plan *plan, struct error *err)
{
	static const struct ip zero, loopback = {.version = 6, .bytes = {[15] = 1}};
	const struct ip *network = &plan->network;
	bool four = network->version == 4;

	if (plan->prefix > (four ? 30 : 126))
		return INPUT_ERROR("Subnet has a prefix length that is incompatible with DHCP service "
				   "enabled.");
	if (four ? (network->bytes[0] & 0xf0) == 0xe0 : network->bytes[0] == 0xff)
		return INPUT_ERROR("Multicast IP subnet is not supported if enable_dhcp is True.");
	if (four ? network->bytes[0] == 127 : ip_compare(network, &loopback) == 0)
		return INPUT_ERROR("Loopback IP subnet is not supported if enable_dhcp is True.");
	if (four && memcmp(network->bytes, zero.bytes, 4) == 0)
		return INPUT_ERROR("First IP '0.0.0.0' of network is not supported if enable_dhcp is True.");
	return true;
}

static bool cidr_read(yyjson_val *body, struct subnet_plan *plan, struct error *err)
{
	const char *cidr = field_text(body, "cidr", NULL);
	int64_t version = field_int(body, "ip_version", 0);
	char text[IP_TEXT];

	if (!yyjson_obj_get(body, "ip_version"))
		return error_set_typed(err, ERROR_BAD_REQUEST, "HTTPBadRequest",
				       "Failed to parse request. Required attribute 'ip_version' not "
				       "specified");
	if (version != 4 && version != 6)
		return SHAPE_ERROR("ip_version. Reason: %lld is not in valid_values.", (long long)version);
	if (!cidr)
		return error_set_typed(err, ERROR_BAD_REQUEST, "BadRequest",
				       "Bad subnets request: a subnetpool must be specified in the absence "
				       "of a cidr.");
	/* An address alone is a network of one. */
	if (ip_parse(cidr, &plan->network))
		plan->prefix = plan->network.version == 4 ? 32 : 128;
	else if (!ip_parse_cidr(cidr, &plan->network, &plan->prefix))
		return INPUT_ERROR("%.60s is not in a CIDR format.", cidr);
	if (plan->network.version != version)
		return INPUT_ERROR("cidr '%s' does not match the ip_version '%lld'.", cidr,
				   (long long)version);
	snprintf(plan->cidr, sizeof plan->cidr, "%s/%d", ip_format(&plan->network, text), plan->prefix);
	return true;
}

static bool lists_check(yyjson_val *body, const struct subnet_plan *plan, struct error *err)
{
	return servers_check(yyjson_obj_get(body, "dns_nameservers"), err) &&
	       routes_check(yyjson_obj_get(body, "host_routes"), plan->network.version, err);
}

bool subnet_plan_make(struct http_request *request, yyjson_val *body, struct subnet_plan *plan,
		      struct error *err)
{
	yyjson_val *gateway = yyjson_obj_get(body, "gateway_ip"),
		   *pools = yyjson_obj_get(body, "allocation_pools");

	*plan = (struct subnet_plan){.dhcp = field_bool(body, "enable_dhcp", true)};
	if (!cidr_read(body, plan, err) || !gateway_read(gateway, plan, err) ||
	    !lists_check(body, plan, err) || (plan->dhcp && !dhcp_check(plan, err)))
		return false;
	if (plan->prefix == 0)
		return INPUT_ERROR("0 is not allowed as CIDR prefix length.");
	if (!gateway) {
		plan->gateway = ip_add(plan->network, 1);
		ip_format(&plan->gateway, plan->gateway_text);
	}
	if (pools && !yyjson_is_null(pools))
		return pools_given(request, plan, pools, err);
	pools_default(request, plan);
	return true;
}

bool subnet_plan_change(struct http_request *request, yyjson_val *body, struct subnet_plan *plan,
			struct error *err)
{
	yyjson_val *gateway = yyjson_obj_get(body, "gateway_ip"),
		   *pools = yyjson_obj_get(body, "allocation_pools");
	bool dhcp = field_bool(body, "enable_dhcp", plan->dhcp), ok;
	yyjson_doc *now;

	if ((gateway && !gateway_read(gateway, plan, err)) || !lists_check(body, plan, err) ||
	    (dhcp && !plan->dhcp && !dhcp_check(plan, err)))
		return false;
	plan->dhcp = dhcp;
	if (pools && !yyjson_is_null(pools))
		return pools_given(request, plan, pools, err);
	if (!gateway)
		return true;
	now = yyjson_read(plan->pools, strlen(plan->pools), 0);
	ok = pools_given(request, plan, yyjson_doc_get_root(now), err);
	yyjson_doc_free(now);
	return ok;
}
