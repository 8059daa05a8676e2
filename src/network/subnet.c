/* /v2.0/subnets */
#include "base/memory.h"
#include "network/internal.h"
#include "sys/sys.h"

#include <string.h>

#define SUBNET_COLUMNS \
	"s.id, s.network_id, s.project_id, s.name, s.description, s.ip_version, s.cidr, s.gateway_ip, " \
	"s.enable_dhcp, s.pools, s.dns_nameservers, s.host_routes, s.revision, s.created_at, s.updated_at"

static const struct field subnet_fields[] = {
	{"id"},
	{"revision_number"},
	{"created_at"},
	{"updated_at"},
	{"tags"},
	{"name", FIELD_TEXT, .post = true, .put = true},
	{"description", FIELD_TEXT, .post = true, .put = true},
	{"network_id", FIELD_UUID, .post = true},
	{"ip_version", FIELD_INT, .post = true},
	{"cidr", FIELD_TEXT, .nullable = true, .post = true},
	{"gateway_ip", FIELD_TEXT, .nullable = true, .post = true, .put = true},
	{"enable_dhcp", FIELD_BOOL, .post = true, .put = true},
	{"allocation_pools", FIELD_LIST, .nullable = true, .post = true, .put = true},
	{"dns_nameservers", FIELD_LIST, .nullable = true, .post = true, .put = true},
	{"host_routes", FIELD_LIST, .nullable = true, .post = true, .put = true},
	{"service_types", FIELD_LIST, .post = true, .put = true},
	{"tenant_id", FIELD_TEXT, .post = true},
	{"project_id", FIELD_TEXT, .post = true},
	{"subnetpool_id", FIELD_TEXT, .nullable = true, .post = true},
	{"segment_id", FIELD_TEXT, .nullable = true, .post = true},
	{"ipv6_ra_mode", FIELD_TEXT, .nullable = true, .post = true},
	{"ipv6_address_mode", FIELD_TEXT, .nullable = true, .post = true},
};

static yyjson_mut_val *subnet_view(yyjson_mut_doc *doc, struct store_rows *rows)
{
	yyjson_mut_val *view = yyjson_mut_obj(doc);

	add_text(doc, view, "id", store_text(rows, 0));
	add_text(doc, view, "network_id", store_text(rows, 1));
	add_text(doc, view, "name", store_text(rows, 3));
	yyjson_mut_obj_add_int(doc, view, "ip_version", store_int(rows, 5));
	add_text(doc, view, "cidr", store_text(rows, 6));
	add_text(doc, view, "gateway_ip", store_text(rows, 7));
	yyjson_mut_obj_add_bool(doc, view, "enable_dhcp", store_int(rows, 8));
	add_json(doc, view, "allocation_pools", store_text(rows, 9));
	add_json(doc, view, "dns_nameservers", store_text(rows, 10));
	add_json(doc, view, "host_routes", store_text(rows, 11));
	yyjson_mut_obj_add_null(doc, view, "subnetpool_id");
	yyjson_mut_obj_add_null(doc, view, "segment_id");
	yyjson_mut_obj_add_null(doc, view, "ipv6_ra_mode");
	yyjson_mut_obj_add_null(doc, view, "ipv6_address_mode");
	yyjson_mut_obj_add_arr(doc, view, "service_types");
	add_standard(doc, view, store_text(rows, 2), store_text(rows, 4), store_int(rows, 12),
		     store_int(rows, 13), store_int(rows, 14));
	return view;
}

static bool subnet_answer(struct http_request *request, struct http_response *response, int status,
			  const char *id, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err,
			 "SELECT " SUBNET_COLUMNS
			 ", n.shared FROM subnet s JOIN network n ON n.id = s.network_id "
			 "WHERE s.id = ?1",
			 V(id)))
		return false;
	if (!store_next(&rows) || !is_visible(request->auth, store_text(&rows, 2), store_int(&rows, 15)))
		return not_found(err, "SubnetNotFound", id);
	yyjson_mut_val *root = http_json_object(response, status);
	yyjson_mut_val *view = subnet_view(response->json, &rows);
	view_finish(request, view);
	yyjson_mut_obj_add_val(response->json, root, "subnet", view);
	return store_end(&rows, err);
}

bool subnet_list(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "subnets");

	if (!store_query(request->db, &rows, err,
			 "SELECT " SUBNET_COLUMNS " FROM subnet s JOIN network n ON n.id = s.network_id "
			 "WHERE (?1 OR n.shared OR s.project_id = ?2) ORDER BY s.created_at, s.id",
			 V(request->auth->admin), V(request->auth->project_id)))
		return false;
	while (store_next(&rows))
		yyjson_mut_arr_append(list, subnet_view(response->json, &rows));
	return store_end(&rows, err) && list_finish(request, response, list, "subnets", err);
}

bool subnet_show(struct http_request *request, struct http_response *response, struct error *err)
{
	return subnet_answer(request, response, 200, request->params[0], err);
}

static bool bad_input(struct error *err, const char *what, const char *why)
{
	return error_set_typed(err, ERROR_BAD_REQUEST, "InvalidInput", "Invalid input for operation: %s %s.",
			       what, why);
}

/* A list of addresses, or of routes with destination and nexthop. */
static bool lists_check(yyjson_val *body, struct error *err)
{
	size_t i, max;
	yyjson_val *item;
	struct ip ip;
	int prefix;

	yyjson_arr_foreach (yyjson_obj_get(body, "dns_nameservers"), i, max, item) {
		if (!ip_parse(yyjson_get_str(item), &ip) || i >= 5)
			return bad_input(err, "dns_nameservers", "must be at most 5 IP addresses");
	}
	yyjson_arr_foreach (yyjson_obj_get(body, "host_routes"), i, max, item) {
		if (!ip_parse_cidr(field_text(item, "destination", NULL), &ip, &prefix) ||
		    !ip_parse(field_text(item, "nexthop", NULL), &ip) || i >= 20)
			return bad_input(err, "host_routes",
					 "must be at most 20 dictionaries with destination (a CIDR) and "
					 "nexthop (an IP "
					 "address)");
	}
	return true;
}

struct plan {
	struct ip network, gateway, last;
	int prefix;
	char cidr[64], gateway_text[IP_TEXT];
	const char *pools; /* JSON */
};

static bool pools_check(struct plan *plan, yyjson_val *pools, struct error *err)
{
	size_t i, max, k;
	yyjson_val *pool;
	struct ip starts[32], ends[32];

	yyjson_arr_foreach (pools, i, max, pool) {
		if (i == 32 || !ip_parse(field_text(pool, "start", NULL), &starts[i]) ||
		    !ip_parse(field_text(pool, "end", NULL), &ends[i]) ||
		    ip_compare(&starts[i], &ends[i]) > 0)
			return error_set_typed(err, ERROR_BAD_REQUEST, "InvalidAllocationPool",
					       "The allocation pool %s-%s is not valid.",
					       field_text(pool, "start", ""), field_text(pool, "end", ""));
		if (!ip_in(&starts[i], &plan->network, plan->prefix) ||
		    !ip_in(&ends[i], &plan->network, plan->prefix))
			return error_set_typed(err, ERROR_BAD_REQUEST, "OutOfBoundsAllocationPool",
					       "The allocation pool %s-%s spans beyond the subnet cidr %s.",
					       field_text(pool, "start", ""), field_text(pool, "end", ""),
					       plan->cidr);
		for (k = 0; k < i; k++) {
			if (ip_compare(&starts[i], &ends[k]) <= 0 && ip_compare(&starts[k], &ends[i]) <= 0)
				return error_set_typed(err, ERROR_CONFLICT, "OverlappingAllocationPools",
						       "Found overlapping allocation pools for subnet %s.",
						       plan->cidr);
		}
		if (*plan->gateway_text && ip_compare(&starts[i], &plan->gateway) <= 0 &&
		    ip_compare(&plan->gateway, &ends[i]) <= 0)
			return error_set_typed(err, ERROR_CONFLICT, "GatewayConflictWithAllocationPools",
					       "Gateway ip %s conflicts with allocation pool %s-%s.",
					       plan->gateway_text, field_text(pool, "start", ""),
					       field_text(pool, "end", ""));
	}
	return true;
}

/* Without pools in the request: all addresses but network, gateway and (IPv4) broadcast. */
static const char *pools_default(struct http_request *request, struct plan *plan)
{
	struct ip first = ip_add(plan->network, 1), last = plan->last, before, after;
	char a[IP_TEXT], b[IP_TEXT], c[IP_TEXT], d[IP_TEXT];

	if (plan->network.version == 4 && plan->prefix < 31) {
		for (int i = 3; i >= 0 && last.bytes[i]-- == 0; i--) {
		}
	} else if (plan->prefix >= 31 && plan->network.version == 4) {
		first = plan->network;
	}
	if (!*plan->gateway_text || ip_compare(&plan->gateway, &first) < 0 ||
	    ip_compare(&plan->gateway, &last) > 0)
		return http_printf(request, "[{\"start\":\"%s\",\"end\":\"%s\"}]", ip_format(&first, a),
				   ip_format(&last, b));
	before = plan->gateway;
	for (int i = before.version == 4 ? 3 : 15; i >= 0 && before.bytes[i]-- == 0; i--) {
	}
	after = ip_add(plan->gateway, 1);
	if (ip_compare(&plan->gateway, &first) == 0)
		return http_printf(request, "[{\"start\":\"%s\",\"end\":\"%s\"}]", ip_format(&after, a),
				   ip_format(&last, b));
	if (ip_compare(&plan->gateway, &last) == 0)
		return http_printf(request, "[{\"start\":\"%s\",\"end\":\"%s\"}]", ip_format(&first, a),
				   ip_format(&before, b));
	return http_printf(request, "[{\"start\":\"%s\",\"end\":\"%s\"},{\"start\":\"%s\",\"end\":\"%s\"}]",
			   ip_format(&first, a), ip_format(&before, b), ip_format(&after, c),
			   ip_format(&last, d));
}

static bool plan_make(struct http_request *request, yyjson_val *body, struct plan *plan, struct error *err)
{
	yyjson_val *gateway = yyjson_obj_get(body, "gateway_ip"),
		   *pools = yyjson_obj_get(body, "allocation_pools");
	int64_t version = field_int(body, "ip_version", 4);
	char text[IP_TEXT];

	*plan = (struct plan){0};
	if (!ip_parse_cidr(field_text(body, "cidr", ""), &plan->network, &plan->prefix))
		return error_set_typed(err, ERROR_BAD_REQUEST, "HTTPBadRequest",
				       "Invalid input for cidr. Reason: '%.60s' is not a valid IP subnet.",
				       field_text(body, "cidr", ""));
	if (plan->network.version != version)
		return bad_input(err, "ip_version", "does not match the address family of cidr");
	plan->last = ip_last(plan->network, plan->prefix);
	snprintf(plan->cidr, sizeof plan->cidr, "%s/%d", ip_format(&plan->network, text), plan->prefix);
	if (gateway && !yyjson_is_null(gateway)) {
		if (!ip_parse(yyjson_get_str(gateway), &plan->gateway))
			return error_set_typed(
				err, ERROR_BAD_REQUEST, "HTTPBadRequest",
				"Invalid input for gateway_ip. Reason: '%.60s' is not a valid IP address.",
				yyjson_get_str(gateway));
		if (!ip_in(&plan->gateway, &plan->network, plan->prefix))
			return bad_input(err, "gateway_ip", "is not in the subnet's cidr");
	} else if (!gateway) {
		plan->gateway = ip_add(plan->network, 1);
	}
	if (plan->gateway.version)
		ip_format(&plan->gateway, plan->gateway_text);
	if (!lists_check(body, err) || !pools_check(plan, pools, err))
		return false;
	plan->pools = pools && !yyjson_is_null(pools) ? field_json(request, pools, "[]")
						      : pools_default(request, plan);
	return true;
}

static bool overlap_check(struct store *db, const char *network_id, const struct plan *plan,
			  struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	struct ip other;
	int prefix;

	if (!store_query(db, &rows, err, "SELECT cidr FROM subnet WHERE network_id = ?1", V(network_id)))
		return false;
	while (store_next(&rows)) {
		if (ip_parse_cidr(store_text(&rows, 0), &other, &prefix) &&
		    (ip_in(&other, &plan->network, plan->prefix) || ip_in(&plan->network, &other, prefix)))
			return error_set_typed(
				err, ERROR_BAD_REQUEST, "InvalidInput",
				"Invalid input for operation: Requested subnet with cidr: %s for network: %s "
				"overlaps with another subnet.",
				plan->cidr, network_id);
	}
	return store_end(&rows, err);
}

bool subnet_create(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = network_body(request, "subnet", err);
	const char *network_id = field_text(body, "network_id", NULL), *project;
	struct network_port network;
	char id[SYS_UUID_SIZE];
	struct plan plan;

	if (!body || !fields_check(request, body, "subnet", subnet_fields, ELEMENTS_OF(subnet_fields), err))
		return false;
	if (!network_id)
		return error_set_typed(
			err, ERROR_BAD_REQUEST, "HTTPBadRequest",
			"Failed to parse request. Required attribute 'network_id' not specified");
	if (field_text(body, "subnetpool_id", NULL) || field_text(body, "segment_id", NULL) ||
	    field_text(body, "ipv6_ra_mode", NULL) || field_text(body, "ipv6_address_mode", NULL))
		return bad_input(err, "subnet pools, segments and IPv6 modes", "are not built");
	if (!owner_find(request, body, &project, err) ||
	    !network_check(request->db, network_id, request->auth, &network, err) ||
	    !quota_check(request->db, "subnet", "SELECT count(*) FROM subnet WHERE project_id = ?1", project,
			 err) ||
	    !plan_make(request, body, &plan, err) || !overlap_check(request->db, network_id, &plan, err))
		return false;
	if (!store_exec(request->db, err,
			"INSERT INTO subnet (id, network_id, project_id, name, description, ip_version, "
			"cidr, gateway_ip, "
			"enable_dhcp, pools, dns_nameservers, host_routes, revision, created_at, updated_at) "
			"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0, ?13, ?13)",
			V(sys_uuid(id)), V(network_id), V(project), V(field_text(body, "name", "")),
			V(field_text(body, "description", "")), V(plan.network.version),
			V((const char *)plan.cidr),
			V((const char *)(*plan.gateway_text ? plan.gateway_text : NULL)),
			V(field_bool(body, "enable_dhcp", true)), V(plan.pools),
			V(field_json(request, yyjson_obj_get(body, "dns_nameservers"), "[]")),
			V(field_json(request, yyjson_obj_get(body, "host_routes"), "[]")), V(sys_now())))
		return false;
	if (!store_exec(request->db, err,
			"UPDATE network SET revision = revision + 1, updated_at = ?2 WHERE id = ?1",
			V(network_id), V(sys_now())))
		return false;
	return subnet_answer(request, response, 201, id, err);
}

static bool subnet_writable(struct http_request *request, const char *id, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err, "SELECT project_id FROM subnet WHERE id = ?1", V(id)))
		return false;
	if (!store_next(&rows) || !is_visible(request->auth, store_text(&rows, 0), false))
		return not_found(err, "SubnetNotFound", id);
	return store_end(&rows, err);
}

bool subnet_update(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = network_body(request, "subnet", err);
	const char *id = request->params[0];

	if (!body || !subnet_writable(request, id, err) ||
	    !fields_check(request, body, "subnet", subnet_fields, ELEMENTS_OF(subnet_fields), err) ||
	    !lists_check(body, err))
		return false;
	if (yyjson_obj_get(body, "gateway_ip") || yyjson_obj_get(body, "allocation_pools"))
		return bad_input(err, "changing gateway_ip and allocation_pools",
				 "is not built: make a new subnet");
	yyjson_val *dhcp = yyjson_obj_get(body, "enable_dhcp");
	if (!store_exec(
		    request->db, err,
		    "UPDATE subnet SET name = coalesce(?2, name), description = coalesce(?3, description), "
		    "enable_dhcp = coalesce(?4, enable_dhcp), dns_nameservers = coalesce(?5, "
		    "dns_nameservers), "
		    "host_routes = coalesce(?6, host_routes), revision = revision + 1, updated_at = ?7 WHERE "
		    "id = ?1",
		    V(id), V(field_text(body, "name", NULL)), V(field_text(body, "description", NULL)),
		    V_OPTIONAL(dhcp ? (int64_t)field_bool(body, "enable_dhcp", true) : -1),
		    V(field_json(request, yyjson_obj_get(body, "dns_nameservers"), NULL)),
		    V(field_json(request, yyjson_obj_get(body, "host_routes"), NULL)), V(sys_now())))
		return false;
	return subnet_answer(request, response, 200, id, err);
}

bool subnet_delete(struct http_request *request, struct http_response *response, struct error *err)
{
	const char *id = request->params[0];

	if (!subnet_writable(request, id, err))
		return false;
	response->status = 204;
	if (store_exec(request->db, err, "DELETE FROM subnet WHERE id = ?1", V(id)))
		return true;
	return err->kind == ERROR_CONFLICT
		       ? error_set_typed(
				 err, ERROR_CONFLICT, "SubnetInUse",
				 "Unable to complete operation on subnet %s: One or more ports have an IP "
				 "allocation from this subnet.",
				 id)
		       : false;
}
