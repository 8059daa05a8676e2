/* /v2.0/subnets */
#include "base/memory.h"
#include "network/internal.h"
#include "sys/sys.h"

#include <string.h>

#define SUBNET_COLUMNS \
	"s.id, s.network_id, s.project_id, s.name, s.description, s.ip_version, s.cidr, s.gateway_ip, " \
	"s.enable_dhcp, s.pools, s.dns_nameservers, s.host_routes, s.revision, s.created_at, s.updated_at, " \
	"s.segment_id, s.tags"

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
	{"segment_id", FIELD_UUID, .nullable = true, .post = true, .put = true, .admin = true},
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
	add_text(doc, view, "segment_id", store_text(rows, 15));
	yyjson_mut_obj_add_null(doc, view, "ipv6_ra_mode");
	yyjson_mut_obj_add_null(doc, view, "ipv6_address_mode");
	yyjson_mut_obj_add_arr(doc, view, "service_types");
	add_standard(doc, view, store_text(rows, 2), store_text(rows, 4), store_text(rows, 16),
		     store_int(rows, 12), store_int(rows, 13), store_int(rows, 14));
	return view;
}

static yyjson_mut_val *subnet_load(struct http_request *request, yyjson_mut_doc *doc, const char *id,
				   struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_mut_val *view;

	if (!store_query(request->db, &rows, err,
			 "SELECT " SUBNET_COLUMNS
			 ", n.shared, n.project_id FROM subnet s JOIN network n ON n.id = s.network_id "
			 "WHERE s.id = ?1",
			 V(id)))
		return NULL;
	if (!store_next(&rows) || !(is_visible(request->auth, store_text(&rows, 2), store_int(&rows, 17)) ||
				    is_visible(request->auth, store_text(&rows, 18), false))) {
		not_found(err, "SubnetNotFound", id);
		return NULL;
	}
	view = subnet_view(doc, &rows);
	return store_end(&rows, err) ? view : NULL;
}

bool subnet_list(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "subnets");

	if (!store_query(request->db, &rows, err,
			 "SELECT " SUBNET_COLUMNS " FROM subnet s JOIN network n ON n.id = s.network_id "
			 "WHERE (?1 OR n.shared OR s.project_id = ?2 OR n.project_id = ?2) ORDER BY "
			 "s.created_at, s.id",
			 V(request->auth->admin), V(request->auth->project_id)))
		return false;
	while (store_next(&rows))
		yyjson_mut_arr_append(list, subnet_view(response->json, &rows));
	return store_end(&rows, err) && list_finish(request, response, list, "subnets", err);
}

static bool overlap_check(struct store *db, const char *network_id, const struct subnet_plan *plan,
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

static bool bad_input(struct error *err, const char *what, const char *why)
{
	return error_set_typed(err, ERROR_BAD_REQUEST, "InvalidInput", "Invalid input for operation: %s %s.",
			       what, why);
}

static bool modes_check(yyjson_val *body, struct error *err)
{
	static const char *const modes[] = {"ipv6_ra_mode", "ipv6_address_mode"};

	for (size_t i = 0; i < ELEMENTS_OF(modes); i++) {
		if (field_text(body, modes[i], NULL))
			return bad_input(err, modes[i],
					 field_int(body, "ip_version", 6) == 4
						 ? "is not valid when ip_version is 4"
						 : "is not built");
	}
	return !field_text(body, "subnetpool_id", NULL) || bad_input(err, "subnet pools", "are not built");
}

/* Either all subnets of a network are on segments or none is; `id` is the one that changes, "" a new one. */
static bool segment_check(struct store *db, const char *network_id, const char *id, const char *segment_id,
			  struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0}, others = {0};

	if (segment_id &&
	    !store_query(db, &rows, err, "SELECT network_id FROM segment WHERE id = ?1", V(segment_id)))
		return false;
	if (segment_id && !store_next(&rows))
		return not_found(err, "SegmentNotFound", segment_id);
	if (segment_id && !text_equal(store_text(&rows, 0), network_id))
		return error_set_typed(err, ERROR_BAD_REQUEST, "NetworkIdsDontMatch",
				       "The subnet's network id, '%s', doesn't match the network_id of "
				       "segment '%s'.",
				       network_id, segment_id);
	if (!store_query(db, &others, err,
			 "SELECT 1 FROM subnet WHERE network_id = ?1 AND id <> ?2 AND "
			 "(segment_id IS NULL) <> ?3 LIMIT 1",
			 V(network_id), V(id), V(segment_id == NULL)))
		return false;
	if (store_next(&others))
		return error_set_typed(
			err, ERROR_BAD_REQUEST, "SubnetsNotAllAssociatedWithSegments",
			"All of the subnets on network '%s' must either all be associated with "
			"segments or all not associated with any segments.",
			network_id);
	return store_end(&others, err);
}

/* A subnet without a segment may get one as long as it is the network's only subnet; it keeps it then. */
static bool segment_change(struct http_request *request, yyjson_val *body, const char *id,
			   const char *network_id, const char *now, struct error *err)
{
	const char *wish = field_text(body, "segment_id", NULL);

	if (!yyjson_obj_get(body, "segment_id") || text_equal(wish, now) || (!wish && !*now))
		return true;
	if (*now)
		return error_set_typed(err, ERROR_CONFLICT, "SubnetSegmentAssociationChangeNotAllowed",
				       "A subnet that is already associated with a segment cannot have its "
				       "segment association changed.");
	return segment_check(request->db, network_id, id, wish, err) &&
	       store_exec(request->db, err, "UPDATE subnet SET segment_id = ?2 WHERE id = ?1", V(id),
			  V(wish));
}

static bool owned_check(struct http_request *request, const char *network_id, const char *rule,
			struct error *err)
{
	bool own;

	return network_is_own(request, network_id, &own, err) &&
	       (own || error_set_typed(err, ERROR_FORBIDDEN, "PolicyNotAuthorized",
				       "rule:%s is disallowed by policy", rule));
}

/* A list of the body as JSON; null is an empty one. */
static const char *list_json(struct http_request *request, yyjson_val *body, const char *name,
			     const char *fallback)
{
	yyjson_val *list = yyjson_obj_get(body, name);

	return yyjson_is_null(list) ? "[]" : field_json(request, list, fallback);
}

static bool subnet_insert(struct http_request *request, yyjson_val *body, const char *project,
			  const struct subnet_plan *plan, char id[37], struct error *err)
{
	const char *network_id = field_text(body, "network_id", NULL);

	return store_exec(request->db, err,
			  "INSERT INTO subnet (id, network_id, project_id, name, description, ip_version, "
			  "cidr, gateway_ip, enable_dhcp, pools, dns_nameservers, host_routes, revision, "
			  "created_at, updated_at, segment_id) "
			  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0, ?13, ?13, ?14)",
			  V(sys_uuid(id)), V(network_id), V(project), V(field_text(body, "name", "")),
			  V(field_text(body, "description", "")), V(plan->network.version),
			  V((const char *)plan->cidr),
			  V((const char *)(*plan->gateway_text ? plan->gateway_text : NULL)), V(plan->dhcp),
			  V(plan->pools), V(list_json(request, body, "dns_nameservers", "[]")),
			  V(list_json(request, body, "host_routes", "[]")), V(sys_now()),
			  V(field_text(body, "segment_id", NULL))) &&
	       store_exec(request->db, err,
			  "UPDATE network SET revision = revision + 1, updated_at = ?2 WHERE id = ?1",
			  V(network_id), V(sys_now())) &&
	       network_changed(request->db, network_id, err);
}

static bool create_one(struct http_request *request, yyjson_val *body, char id[37], struct error *err)
{
	const char *network_id = field_text(body, "network_id", NULL), *project;
	struct subnet_plan plan;

	if (!fields_check(request, body, "subnet", subnet_fields, ELEMENTS_OF(subnet_fields), err))
		return false;
	if (!network_id)
		return error_set_typed(
			err, ERROR_BAD_REQUEST, "HTTPBadRequest",
			"Failed to parse request. Required attribute 'network_id' not specified");
	return modes_check(body, err) && owner_find(request, body, &project, err) &&
	       owned_check(request, network_id, "create_subnet", err) &&
	       quota_check(request->db, "subnet", "SELECT 1 FROM subnet WHERE project_id = ?1 LIMIT ?2",
			   project, err) &&
	       segment_check(request->db, network_id, "", field_text(body, "segment_id", NULL), err) &&
	       subnet_plan_make(request, body, &plan, err) &&
	       overlap_check(request->db, network_id, &plan, err) &&
	       subnet_insert(request, body, project, &plan, id, err);
}

static const struct resource subnet_resource = {"subnet", "subnets", create_one, subnet_load};

bool subnet_create(struct http_request *request, struct http_response *response, struct error *err)
{
	return resource_create(request, response, &subnet_resource, err);
}

bool subnet_show(struct http_request *request, struct http_response *response, struct error *err)
{
	return resource_answer(request, response, &subnet_resource, 200, request->params[0], err);
}

/* What there is, if the requester may change it: that is up to the network's owner. */
static bool subnet_writable(struct http_request *request, const char *id, char network_id[37],
			    const char **segment_id, struct subnet_plan *plan, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err,
			 "SELECT network_id, cidr, gateway_ip, enable_dhcp, pools, ifnull(segment_id, '') "
			 "FROM subnet WHERE id = ?1",
			 V(id)))
		return false;
	if (!store_next(&rows) || !ip_parse_cidr(store_text(&rows, 1), &plan->network, &plan->prefix))
		return not_found(err, "SubnetNotFound", id);
	snprintf(network_id, 37, "%s", store_text(&rows, 0));
	snprintf(plan->cidr, sizeof plan->cidr, "%s", store_text(&rows, 1));
	if (ip_parse(store_text(&rows, 2), &plan->gateway))
		ip_format(&plan->gateway, plan->gateway_text);
	plan->dhcp = store_int(&rows, 3);
	plan->pools = http_copy(request, store_text(&rows, 4));
	*segment_id = http_copy(request, store_text(&rows, 5));
	if (!store_end(&rows, err))
		return false;
	if (owned_check(request, network_id,
			request->method == HTTP_DELETE ? "delete_subnet" : "update_subnet", err))
		return true;
	return err->kind == ERROR_NOT_FOUND ? not_found(err, "SubnetNotFound", id) : false;
}

bool subnet_update(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = network_body(request, "subnet", err);
	const char *id = request->params[0], *segment_id;
	struct subnet_plan plan = {0};
	char network_id[37];

	if (!body || !subnet_writable(request, id, network_id, &segment_id, &plan, err) ||
	    !fields_check(request, body, "subnet", subnet_fields, ELEMENTS_OF(subnet_fields), err) ||
	    !segment_change(request, body, id, network_id, segment_id, err) ||
	    !subnet_plan_change(request, body, &plan, err))
		return false;
	if (!store_exec(
		    request->db, err,
		    "UPDATE subnet SET name = coalesce(?2, name), description = coalesce(?3, description), "
		    "enable_dhcp = ?4, gateway_ip = ?5, pools = ?6, free_known = iif(pools = ?6, free_known, "
		    "0), "
		    "dns_nameservers = coalesce(?7, "
		    "dns_nameservers), host_routes = coalesce(?8, host_routes), revision = revision + 1, "
		    "updated_at = ?9 WHERE id = ?1",
		    V(id), V(field_text(body, "name", NULL)), V(field_text(body, "description", NULL)),
		    V(plan.dhcp), V((const char *)(*plan.gateway_text ? plan.gateway_text : NULL)),
		    V(plan.pools), V(list_json(request, body, "dns_nameservers", NULL)),
		    V(list_json(request, body, "host_routes", NULL)), V(sys_now())))
		return false;
	return network_changed(request->db, network_id, err) &&
	       resource_answer(request, response, &subnet_resource, 200, id, err);
}

bool subnet_delete(struct http_request *request, struct http_response *response, struct error *err)
{
	const char *id = request->params[0], *segment_id;
	struct subnet_plan plan = {0};
	char network_id[37];

	if (!subnet_writable(request, id, network_id, &segment_id, &plan, err))
		return false;
	response->status = 204;
	if (store_exec(request->db, err, "DELETE FROM subnet WHERE id = ?1", V(id)))
		return network_changed(request->db, network_id, err);
	return err->kind == ERROR_CONFLICT
		       ? error_set_typed(
				 err, ERROR_CONFLICT, "SubnetInUse",
				 "Unable to complete operation on subnet %s: One or more ports have an IP "
				 "allocation from this subnet.",
				 id)
		       : false;
}
