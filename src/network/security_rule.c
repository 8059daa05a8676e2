/* /v2.0/security-group-rules */
#include "base/memory.h"
#include "base/timestamp.h"
#include "network/internal.h"
#include "sys/sys.h"

#include <ctype.h>
#include <string.h>

#define RULE_COLUMNS \
	"r.id, r.group_id, r.direction, r.ethertype, r.protocol, r.port_min, r.port_max, r.remote_ip, " \
	"r.remote_group_id, r.description, r.created_at, g.project_id"
#define RULE_FROM " FROM security_group_rule r JOIN security_group g ON g.id = r.group_id "

static const struct field rule_fields[] = {
	{"id"},
	{"revision_number"},
	{"created_at"},
	{"updated_at"},
	{"normalized_cidr"},
	{"security_group_id", FIELD_UUID, .post = true},
	{"direction", FIELD_TEXT, .post = true},
	{"ethertype", FIELD_TEXT, .nullable = true, .post = true},
	{"protocol", FIELD_ANY, .nullable = true, .post = true},
	{"port_range_min", FIELD_INT, .nullable = true, .post = true},
	{"port_range_max", FIELD_INT, .nullable = true, .post = true},
	{"remote_ip_prefix", FIELD_TEXT, .nullable = true, .post = true},
	{"remote_group_id", FIELD_UUID, .nullable = true, .post = true},
	{"remote_address_group_id", FIELD_UUID, .nullable = true, .post = true},
	{"description", FIELD_TEXT, .post = true},
	{"tenant_id", FIELD_TEXT, .post = true},
	{"project_id", FIELD_TEXT, .post = true},
};

/* --- views --- */

static void add_port(yyjson_mut_doc *doc, yyjson_mut_val *view, const char *name, struct store_rows *rows,
		     int column)
{
	if (store_is_null(rows, column))
		yyjson_mut_obj_add_null(doc, view, name);
	else
		yyjson_mut_obj_add_int(doc, view, name, store_int(rows, column));
}

static void add_normalized(yyjson_mut_doc *doc, yyjson_mut_val *view, const char *cidr)
{
	char address[IP_TEXT], text[IP_TEXT + 8];
	struct ip network;
	int prefix;

	if (cidr && ip_parse_cidr(cidr, &network, &prefix))
		snprintf(text, sizeof text, "%s/%d", ip_format(&network, address), prefix);
	add_text(doc, view, "normalized_cidr", cidr ? text : NULL);
}

static void rule_view(yyjson_mut_doc *doc, yyjson_mut_val *view, struct store_rows *rows)
{
	char time[32];

	add_text(doc, view, "id", store_text(rows, 0));
	add_text(doc, view, "security_group_id", store_text(rows, 1));
	add_text(doc, view, "direction", store_text(rows, 2));
	add_text(doc, view, "ethertype", store_text(rows, 3));
	add_text(doc, view, "protocol", store_text(rows, 4));
	add_port(doc, view, "port_range_min", rows, 5);
	add_port(doc, view, "port_range_max", rows, 6);
	add_text(doc, view, "remote_ip_prefix", store_text(rows, 7));
	add_normalized(doc, view, store_text(rows, 7));
	add_text(doc, view, "remote_group_id", store_text(rows, 8));
	yyjson_mut_obj_add_null(doc, view, "remote_address_group_id");
	add_text(doc, view, "description", store_text(rows, 9));
	yyjson_mut_obj_add_int(doc, view, "revision_number", 0);
	add_text(doc, view, "created_at", time_format(store_int(rows, 10), TIME_SECONDS_Z, time));
	add_text(doc, view, "updated_at", time);
	add_text(doc, view, "project_id", store_text(rows, 11));
	add_text(doc, view, "tenant_id", store_text(rows, 11));
}

bool group_add_rules(struct store *db, const char *group_id, yyjson_mut_doc *doc, yyjson_mut_val *group,
		     struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, group, "security_group_rules");

	if (!store_query(db, &rows, err,
			 "SELECT " RULE_COLUMNS RULE_FROM "WHERE r.group_id = ?1 ORDER BY r.created_at, r.id",
			 V(group_id)))
		return false;
	while (store_next(&rows)) {
		yyjson_mut_val *view = yyjson_mut_arr_add_obj(doc, list);

		rule_view(doc, view, &rows);
		yyjson_mut_obj_add_arr(doc, view, "tags"); /* Neutron shows them here and not by itself */
	}
	return store_end(&rows, err);
}

static bool rule_missing(struct error *err, const char *id)
{
	return error_set_typed(err, ERROR_NOT_FOUND, "SecurityGroupRuleNotFound",
			       "Security group rule %.64s does not exist", id);
}

static yyjson_mut_val *rule_load(struct http_request *request, yyjson_mut_doc *doc, const char *id,
				 struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_mut_val *view = yyjson_mut_obj(doc);

	if (!store_query(request->db, &rows, err, "SELECT " RULE_COLUMNS RULE_FROM "WHERE r.id = ?1", V(id)))
		return NULL;
	if (!store_next(&rows) || !is_visible(request->auth, store_text(&rows, 11), false)) {
		rule_missing(err, id);
		return NULL;
	}
	rule_view(doc, view, &rows);
	return store_end(&rows, err) ? view : NULL;
}

bool group_rule_list(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "security_group_rules");

	if (!store_query(request->db, &rows, err,
			 "SELECT " RULE_COLUMNS RULE_FROM
			 "WHERE (?1 OR g.project_id = ?2) AND (?3 IS NULL OR r.group_id = ?3) "
			 "ORDER BY r.created_at, r.id",
			 V(request->auth->admin), V(request->auth->project_id),
			 V(http_query(request, "security_group_id"))))
		return false;
	while (store_next(&rows))
		rule_view(response->json, yyjson_mut_arr_add_obj(response->json, list), &rows);
	return store_end(&rows, err) && list_finish(request, response, list, "security_group_rules", err);
}

/* --- what a rule may say --- */

#define REFUSE(type, ...) error_set_typed(err, ERROR_BAD_REQUEST, type, __VA_ARGS__)

/* A name of IANA's or a number, as text in the request's memory. */
static bool protocol_read(struct http_request *request, yyjson_val *value, const char **protocol,
			  struct error *err)
{
	static const char *const names[] = {"ah",	  "dccp",	"egp",	     "esp",	"gre",
					    "hopopt",	  "icmp",	"igmp",	     "ip",	"ipip",
					    "ipv6-encap", "ipv6-frag",	"ipv6-icmp", "icmpv6",	"ipv6-nonxt",
					    "ipv6-opts",  "ipv6-route", "ospf",	     "pgm",	"rsvp",
					    "sctp",	  "tcp",	"udp",	     "udplite", "vrrp",
					    "any"};
	char *text = yyjson_is_str(value) ? http_copy(request, yyjson_get_str(value))
					  : http_copy(request, field_json(request, value, ""));
	int64_t number;

	*protocol = NULL;
	if (!value || yyjson_is_null(value))
		return true;
	for (char *c = text; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	for (size_t i = 0; i < ELEMENTS_OF(names); i++) {
		if (strcmp(names[i], text) == 0)
			*protocol = text;
	}
	if (text_to_int64(text, 0, 255, &number))
		*protocol = text;
	if (*protocol && strcmp(text, "any") == 0)
		*protocol = NULL;
	else if (!*protocol)
		return REFUSE("SecurityGroupRuleInvalidProtocol",
			      "Security group rule protocol %.64s not supported. Only names of IP protocols "
			      "(tcp, udp, icmp ...) and integer representations [0 to 255] are supported.",
			      text);
	return true;
}

static bool is_one_of(const char *text, const char *a, const char *b, const char *c)
{
	return text && (strcmp(text, a) == 0 || strcmp(text, b) == 0 || strcmp(text, c) == 0);
}

static bool ports_check(const struct group_rule *rule, struct error *err)
{
	const int64_t ends[] = {rule->port_min, rule->port_max};

	if (rule->port_min < 0 && rule->port_max < 0)
		return true;
	if (!rule->protocol)
		return REFUSE("SecurityGroupProtocolRequiredWithPorts",
			      "Must also specify protocol if port range is given.");
	if (is_one_of(rule->protocol, "icmp", "ipv6-icmp", "icmpv6")) {
		if (rule->port_min < 0)
			return REFUSE("SecurityGroupMissingIcmpType",
				      "ICMP code (port-range-max) %lld is provided but ICMP type "
				      "(port-range-min) is missing.",
				      (long long)rule->port_max);
		return (rule->port_min <= 255 && rule->port_max <= 255) ||
		       REFUSE("SecurityGroupInvalidIcmpValue",
			      "Invalid value for ICMP type or code. It must be 0 to 255.");
	}
	for (size_t i = 0; i < 2; i++) {
		if (ends[i] < 0 || ends[i] > 65535)
			return REFUSE("SecurityGroupInvalidPortValue", "Invalid value for port %lld",
				      (long long)ends[i]);
	}
	return rule->port_min <= rule->port_max ||
	       REFUSE("SecurityGroupInvalidPortRange",
		      "For TCP/UDP protocols, port_range_min must be <= port_range_max");
}

static bool remote_check(struct http_request *request, struct group_rule *rule, struct error *err)
{
	struct ip ip;
	int prefix;

	if (rule->remote_ip && rule->remote_group_id)
		return REFUSE("SecurityGroupRemoteGroupAndRemoteIpPrefix",
			      "Only remote_ip_prefix or remote_group_id may be provided.");
	if (rule->remote_ip && ip_parse(rule->remote_ip, &ip))
		rule->remote_ip = http_printf(request, "%s/%d", rule->remote_ip, ip.version == 4 ? 32 : 128);
	if (!rule->remote_ip)
		return true;
	if (!ip_parse_cidr(rule->remote_ip, &ip, &prefix))
		return REFUSE("InvalidCIDR", "Invalid CIDR %.60s given as IP prefix.", rule->remote_ip);
	return (ip.version == 4) == (strcmp(rule->ethertype, "IPv4") == 0) ||
	       REFUSE("SecurityGroupRuleParameterConflict", "Conflicting value ethertype %s for CIDR %s",
		      rule->ethertype, rule->remote_ip);
}

/* -1: not given. */
static int64_t port_of(yyjson_val *body, const char *name)
{
	yyjson_val *value = yyjson_obj_get(body, name);
	int64_t port = field_int(body, name, -1);

	return value && !yyjson_is_null(value) && port < 0 ? INT64_C(100000) : port;
}

static bool body_read(struct http_request *request, yyjson_val *body, struct group_rule *rule,
		      struct error *err)
{
	*rule = (struct group_rule){
		.group_id = field_text(body, "security_group_id", NULL),
		.direction = field_text(body, "direction", NULL),
		.ethertype = field_text(body, "ethertype", "IPv4"),
		.remote_ip = field_text(body, "remote_ip_prefix", NULL),
		.remote_group_id = field_text(body, "remote_group_id", NULL),
		.description = field_text(body, "description", ""),
		.port_min = port_of(body, "port_range_min"),
		.port_max = port_of(body, "port_range_max"),
	};
	if (!rule->group_id || !rule->direction)
		return REFUSE("HTTPBadRequest",
			      "Failed to parse request. Required attribute '%s' not specified",
			      rule->group_id ? "direction" : "security_group_id");
	if (strcmp(rule->direction, "ingress") != 0 && strcmp(rule->direction, "egress") != 0)
		return REFUSE("HTTPBadRequest",
			      "Invalid input for direction. Reason: %.40s is not in valid_values.",
			      rule->direction);
	if (strcmp(rule->ethertype, "IPv4") != 0 && strcmp(rule->ethertype, "IPv6") != 0)
		return REFUSE("SecurityGroupRuleInvalidEtherType",
			      "Security group rule for ethertype '%.20s' not supported. Allowed values are "
			      "['IPv4', 'IPv6'].",
			      rule->ethertype);
	if (field_text(body, "remote_address_group_id", NULL))
		return error_set_typed(err, ERROR_NOT_FOUND, "AddressGroupNotFound",
				       "Address group %.64s could not be found.",
				       field_text(body, "remote_address_group_id", ""));
	return protocol_read(request, yyjson_obj_get(body, "protocol"), &rule->protocol, err) &&
	       ports_check(rule, err) && remote_check(request, rule, err);
}

static bool twin_check(struct store *db, const struct group_rule *rule, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err,
			 "SELECT id FROM security_group_rule WHERE group_id = ?1 AND direction = ?2 AND "
			 "ethertype = ?3 AND ifnull(protocol, '') = ?4 AND ifnull(port_min, -1) = ?5 AND "
			 "ifnull(port_max, -1) = ?6 AND ifnull(remote_ip, '') = ?7 AND "
			 "ifnull(remote_group_id, '') = ?8",
			 V(rule->group_id), V(rule->direction), V(rule->ethertype),
			 V(rule->protocol ? rule->protocol : ""), V(rule->port_min), V(rule->port_max),
			 V(rule->remote_ip ? rule->remote_ip : ""),
			 V(rule->remote_group_id ? rule->remote_group_id : "")))
		return false;
	if (store_next(&rows))
		return error_set_typed(err, ERROR_CONFLICT, "SecurityGroupRuleExists",
				       "Security group rule already exists. Rule id is %s.",
				       store_text(&rows, 0));
	return store_end(&rows, err);
}

/* --- changes --- */

bool group_rule_insert(struct store *db, const struct group_rule *rule, char id[37], struct error *err)
{
	return store_exec(db, err,
			  "INSERT INTO security_group_rule (id, group_id, direction, ethertype, protocol, "
			  "port_min, port_max, remote_ip, remote_group_id, description, created_at) "
			  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
			  V(sys_uuid(id)), V(rule->group_id), V(rule->direction), V(rule->ethertype),
			  V(rule->protocol), V_OPTIONAL(rule->port_min), V_OPTIONAL(rule->port_max),
			  V(rule->remote_ip), V(rule->remote_group_id), V(rule->description), V(sys_now()));
}

static bool group_touch(struct store *db, const char *id, struct error *err)
{
	return store_exec(db, err,
			  "UPDATE security_group SET revision = revision + 1, updated_at = ?2 WHERE id = ?1",
			  V(id), V(sys_now()));
}

static bool create_one(struct http_request *request, yyjson_val *body, char id[37], struct error *err)
{
	struct group_rule rule;
	bool ignored;

	return fields_check(request, body, "security_group_rule", rule_fields, ELEMENTS_OF(rule_fields),
			    err) &&
	       body_read(request, body, &rule, err) && group_find(request, rule.group_id, &ignored, err) &&
	       (!rule.remote_group_id || group_find(request, rule.remote_group_id, &ignored, err)) &&
	       twin_check(request->db, &rule, err) &&
	       quota_check(request->db, "security_group_rule",
			   "SELECT 1 FROM security_group_rule r JOIN security_group g ON g.id = r.group_id "
			   "WHERE g.project_id = ?1 LIMIT ?2",
			   request->auth->project_id, err) &&
	       group_rule_insert(request->db, &rule, id, err) && group_touch(request->db, rule.group_id, err);
}

static const struct resource rule_resource = {"security_group_rule", "security_group_rules", create_one,
					      rule_load};

bool group_rule_create(struct http_request *request, struct http_response *response, struct error *err)
{
	return resource_create(request, response, &rule_resource, err);
}

bool group_rule_show(struct http_request *request, struct http_response *response, struct error *err)
{
	return resource_answer(request, response, &rule_resource, 200, request->params[0], err);
}

bool group_rule_delete(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	const char *id = request->params[0], *group;

	response->status = 204;
	if (!store_query(request->db, &rows, err,
			 "SELECT r.group_id, g.project_id" RULE_FROM "WHERE r.id = ?1", V(id)))
		return false;
	if (!store_next(&rows) || !is_visible(request->auth, store_text(&rows, 1), false))
		return rule_missing(err, id);
	group = http_copy(request, store_text(&rows, 0));
	return store_end(&rows, err) &&
	       store_exec(request->db, err, "DELETE FROM security_group_rule WHERE id = ?1", V(id)) &&
	       group_touch(request->db, group, err);
}
