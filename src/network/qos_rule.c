/* /v2.0/qos/policies/{id}/..._rules, the same rules by their id alone (qos-rules-alias), and
 * /v2.0/qos/rule-types.
 */
#include "base/memory.h"
#include "network/internal.h"
#include "sys/sys.h"

#include <string.h>

#define KBPS_MAX INT32_MAX

enum { BURST = 1, DIRECTION = 2, SUPPORTED = 4 };

/* A route's kind is the index in this table. */
static const struct rule_kind {
	const char *type, *member, *plural;
	const char *value; /* the attribute that it is all about */
	int flags;
} kinds[] = {
	[QOS_BANDWIDTH_LIMIT] = {"bandwidth_limit", "bandwidth_limit_rule", "bandwidth_limit_rules",
				 "max_kbps", BURST | DIRECTION | SUPPORTED},
	[QOS_MINIMUM_BANDWIDTH] = {"minimum_bandwidth", "minimum_bandwidth_rule", "minimum_bandwidth_rules",
				   "min_kbps", DIRECTION | SUPPORTED},
	/* No port here can have one: it may be kept, and is refused where it would have to act. */
	[QOS_DSCP_MARKING] = {"dscp_marking", "dscp_marking_rule", "dscp_marking_rules", "dscp_mark", 0},
};

static const struct rule_kind *kind_of(const struct http_request *request)
{
	return &kinds[ROUTE_KIND_OF(request->route->flags)];
}

static const struct rule_kind *kind_find(const char *type)
{
	for (size_t i = 0; i < ELEMENTS_OF(kinds); i++) {
		if (strcmp(kinds[i].type, type) == 0)
			return &kinds[i];
	}
	return NULL;
}

/* --- what a request names: the policy and the rule --- */

struct rule {
	const char *policy_id, *id, *direction;
	int64_t value, burst;
};

static bool rule_missing(struct error *err, const char *policy_id, const char *id)
{
	return error_set_typed(err, ERROR_NOT_FOUND, "QosRuleNotFound",
			       "QoS rule %.64s for policy %.64s could not be found.", id, policy_id);
}

static bool policy_find(struct http_request *request, const char *id, struct error *err)
{
	bool visible;

	return qos_policy_visible(request, id, &visible, err) && (visible || qos_policy_missing(err, id));
}

/* By policy and id, or by the id alone. */
static bool rule_find(struct http_request *request, struct rule *rule, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	bool alias = request->route->flags & ROUTE_ALIAS;
	const char *policy = alias ? NULL : request->params[0], *id = request->params[alias ? 0 : 1];

	if (!alias && !policy_find(request, policy, err))
		return false;
	if (!store_query(
		    request->db, &rows, err,
		    "SELECT policy_id, direction, value, burst FROM qos_rule WHERE id = ?1 AND type = ?2 "
		    "AND (?3 IS NULL OR policy_id = ?3)",
		    V(id), V(kind_of(request)->type), V(policy)))
		return false;
	if (!store_next(&rows))
		return rule_missing(err, policy ? policy : "", id);
	*rule = (struct rule){.policy_id = http_copy(request, store_text(&rows, 0)),
			      .id = id,
			      .direction = http_copy(request, store_text(&rows, 1)),
			      .value = store_int(&rows, 2),
			      .burst = store_int(&rows, 3)};
	if (!store_end(&rows, err))
		return false;
	if (!alias || policy_find(request, rule->policy_id, err))
		return true;
	return err->kind == ERROR_NOT_FOUND ? rule_missing(err, "", id) : false;
}

/* --- views --- */

static void add_rule(yyjson_mut_doc *doc, yyjson_mut_val *view, const struct rule_kind *kind,
		     const struct rule *rule)
{
	yyjson_mut_obj_add_int(doc, view, kind->value, rule->value);
	if (kind->flags & BURST)
		yyjson_mut_obj_add_int(doc, view, "max_burst_kbps", rule->burst);
	if (kind->flags & DIRECTION)
		add_text(doc, view, "direction", rule->direction);
	add_text(doc, view, "id", rule->id);
}

#define RULES_OF_POLICY \
	"SELECT id, type, direction, value, burst FROM qos_rule WHERE policy_id = ?1 AND " \
	"(?2 IS NULL OR type = ?2) ORDER BY created_at, id"

static const struct rule_kind *rule_of_row(struct store_rows *rows, struct rule *rule)
{
	*rule = (struct rule){.id = store_text(rows, 0),
			      .direction = store_text(rows, 2),
			      .value = store_int(rows, 3),
			      .burst = store_int(rows, 4)};
	return kind_find(store_text(rows, 1));
}

bool qos_add_rules(struct store *db, const char *policy_id, yyjson_mut_doc *doc, yyjson_mut_val *policy,
		   struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, policy, "rules");
	struct rule rule;

	if (!store_query(db, &rows, err, RULES_OF_POLICY, V(policy_id), V_NULL))
		return false;
	while (store_next(&rows)) {
		const struct rule_kind *kind = rule_of_row(&rows, &rule);
		yyjson_mut_val *view = yyjson_mut_arr_add_obj(doc, list);

		add_rule(doc, view, kind, &rule);
		add_text(doc, view, "qos_policy_id", policy_id);
		add_text(doc, view, "type", kind->type);
	}
	return store_end(&rows, err);
}

bool rule_list(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	const struct rule_kind *kind = kind_of(request);
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, kind->plural);
	struct rule rule;

	if (!policy_find(request, request->params[0], err) ||
	    !store_query(request->db, &rows, err, RULES_OF_POLICY, V(request->params[0]), V(kind->type)))
		return false;
	while (store_next(&rows)) {
		rule_of_row(&rows, &rule);
		add_rule(response->json, yyjson_mut_arr_add_obj(response->json, list), kind, &rule);
	}
	return store_end(&rows, err) && list_finish(request, response, list, kind->plural, err);
}

static const char *body_name(struct http_request *request)
{
	return request->route->flags & ROUTE_ALIAS
		       ? http_printf(request, "alias_%s", kind_of(request)->member)
		       : kind_of(request)->member;
}

static bool rule_answer(struct http_request *request, struct http_response *response, int status,
			const struct rule *rule)
{
	yyjson_mut_val *root = http_json_object(response, status);
	yyjson_mut_val *view = yyjson_mut_obj_add_obj(response->json, root, body_name(request));

	add_rule(response->json, view, kind_of(request), rule);
	if (request->route->flags & ROUTE_ALIAS)
		add_text(response->json, view, "qos_policy_id", rule->policy_id);
	view_finish(request, view);
	return true;
}

bool rule_show(struct http_request *request, struct http_response *response, struct error *err)
{
	struct rule rule;

	return rule_find(request, &rule, err) && rule_answer(request, response, 200, &rule);
}

/* --- values --- */

static bool invalid(struct error *err, const char *name, const char *why)
{
	return error_set_typed(err, ERROR_BAD_REQUEST, "HTTPBadRequest", "Invalid input for %s. Reason: %s.",
			       name, why);
}

static bool range_check(yyjson_val *body, const char *name, struct error *err)
{
	int64_t value = field_int(body, name, 0);
	char why[100];

	if (value >= 0 && value <= KBPS_MAX)
		return true;
	snprintf(why, sizeof why, "'%lld' is too %s - must be at %s '%d'", (long long)value,
		 value < 0 ? "small" : "large", value < 0 ? "least" : "most", value < 0 ? 0 : KBPS_MAX);
	return invalid(err, name, why);
}

/* The code points that have a name (RFC 2474, RFC 2597, RFC 3246). */
static bool mark_check(yyjson_val *body, struct error *err)
{
	static const int known[] = {0,	8,  10, 12, 14, 16, 18, 20, 22, 24, 26,
				    28, 30, 32, 34, 36, 38, 40, 46, 48, 56};
	int64_t mark = field_int(body, "dscp_mark", 0);

	for (size_t i = 0; i < ELEMENTS_OF(known); i++) {
		if (known[i] == mark)
			return true;
	}
	return invalid(err, "dscp_mark", "it is not in valid_values");
}

static bool values_check(struct http_request *request, yyjson_val *body, const struct rule_kind *kind,
			 struct error *err)
{
	const struct field fields[] = {
		{"id"},
		{kind->value, FIELD_INT, .post = true, .put = true},
		{"tenant_id", FIELD_TEXT, .post = true},
		{"project_id", FIELD_TEXT, .post = true},
		{"direction", FIELD_TEXT, .post = true, .put = true},
		{"max_burst_kbps", FIELD_INT, .post = true, .put = true},
	};
	size_t count = kind->flags & BURST ? 6 : kind->flags & DIRECTION ? 5 : 4;
	const char *direction = field_text(body, "direction", "egress");

	if (!fields_check(request, body, kind->member, fields, count, err))
		return false;
	if (strcmp(direction, "egress") != 0 && strcmp(direction, "ingress") != 0)
		return invalid(err, "direction", "it is not in ['egress', 'ingress']");
	return kind->flags & DIRECTION
		       ? range_check(body, kind->value, err) && range_check(body, "max_burst_kbps", err)
		       : mark_check(body, err);
}

static void rule_read(yyjson_val *body, const struct rule_kind *kind, struct rule *rule)
{
	rule->value = field_int(body, kind->value, rule->value);
	rule->burst = field_int(body, "max_burst_kbps", rule->burst);
	rule->direction = field_text(body, "direction", rule->direction);
}

/* No two of a kind in one direction, and no minimum above the limit. */
static bool conflict_check(struct store *db, const struct rule_kind *kind, const struct rule *rule,
			   struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	bool is_limit = kind == &kinds[QOS_BANDWIDTH_LIMIT];

	if (!store_query(db, &rows, err,
			 "SELECT id, type, value FROM qos_rule WHERE policy_id = ?1 AND id <> ?2 AND "
			 "direction = ?3",
			 V(rule->policy_id), V(rule->id), V(rule->direction)))
		return false;
	while (store_next(&rows)) {
		const char *type = store_text(&rows, 1);
		int64_t value = store_int(&rows, 2);

		if (strcmp(type, kind->type) == 0)
			return error_set_typed(err, ERROR_CONFLICT, "QoSRulesConflict",
					       "Rule %s conflicts with rule %s which already exists in QoS "
					       "Policy %s.",
					       kind->type, store_text(&rows, 0), rule->policy_id);
		if (is_limit ? rule->value < value : value < rule->value)
			return error_set_typed(err, ERROR_CONFLICT, "QoSRuleParameterConflict",
					       "Unable to add the rule with value %lld to the policy %s as "
					       "the existing rule of type %s has value %lld.",
					       (long long)rule->value, rule->policy_id, type,
					       (long long)value);
	}
	return store_end(&rows, err);
}

/* --- changes --- */

/* The policy moved on, and so do the hosts of its ports. */
static bool rule_changed(struct store *db, const char *policy_id, struct error *err)
{
	return store_exec(db, err,
			  "UPDATE qos_policy SET revision = revision + 1, updated_at = ?2 WHERE id = ?1",
			  V(policy_id), V(sys_now())) &&
	       qos_policy_changed(db, policy_id, err);
}

bool rule_create(struct http_request *request, struct http_response *response, struct error *err)
{
	const struct rule_kind *kind = kind_of(request);
	struct rule rule = {.policy_id = request->params[0],
			    .direction = kind->flags & DIRECTION ? "egress" : ""};
	yyjson_val *body = network_body(request, kind->member, err);
	char id[37];

	if (!body || !policy_find(request, rule.policy_id, err) ||
	    !qos_admin_check(request, http_printf(request, "policy_%s", kind->member), err) ||
	    !values_check(request, body, kind, err))
		return false;
	if (!yyjson_obj_get(body, kind->value))
		return error_set_typed(err, ERROR_BAD_REQUEST, "HTTPBadRequest",
				       "Failed to parse request. Required attribute '%s' not specified",
				       kind->value);
	rule_read(body, kind, &rule);
	rule.id = http_copy(request, sys_uuid(id));
	return conflict_check(request->db, kind, &rule, err) &&
	       store_exec(request->db, err,
			  "INSERT INTO qos_rule (id, policy_id, type, direction, value, burst, created_at) "
			  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
			  V(rule.id), V(rule.policy_id), V(kind->type), V(rule.direction), V(rule.value),
			  V(rule.burst), V(sys_now())) &&
	       rule_changed(request->db, rule.policy_id, err) && rule_answer(request, response, 201, &rule);
}

bool rule_update(struct http_request *request, struct http_response *response, struct error *err)
{
	const struct rule_kind *kind = kind_of(request);
	yyjson_val *body = network_body(request, body_name(request), err);
	struct rule rule;

	if (!body || !rule_find(request, &rule, err) ||
	    !qos_admin_check(request, http_printf(request, "policy_%s", kind->member), err) ||
	    !values_check(request, body, kind, err))
		return false;
	rule_read(body, kind, &rule);
	return conflict_check(request->db, kind, &rule, err) &&
	       store_exec(request->db, err,
			  "UPDATE qos_rule SET direction = ?2, value = ?3, burst = ?4 WHERE id = ?1",
			  V(rule.id), V(rule.direction), V(rule.value), V(rule.burst)) &&
	       rule_changed(request->db, rule.policy_id, err) && rule_answer(request, response, 200, &rule);
}

bool rule_delete(struct http_request *request, struct http_response *response, struct error *err)
{
	struct rule rule;

	response->status = 204;
	return rule_find(request, &rule, err) &&
	       qos_admin_check(request, http_printf(request, "policy_%s", kind_of(request)->member), err) &&
	       store_exec(request->db, err, "DELETE FROM qos_rule WHERE id = ?1", V(rule.id)) &&
	       rule_changed(request->db, rule.policy_id, err);
}

/* --- rule types --- */

/* Those that ports here can have; all that policies can hold with all_rules. */
bool rule_type_list(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "rule_types");
	const char *wish = http_query(request, "all_rules");
	bool all = false;

	(void)err;
	if (wish)
		text_to_bool(wish, &all);
	for (size_t i = 0; i < ELEMENTS_OF(kinds); i++) {
		if (all || (network_settings.sriov && kinds[i].flags & SUPPORTED))
			yyjson_mut_obj_add_str(response->json, yyjson_mut_arr_add_obj(response->json, list),
					       "type", kinds[i].type);
	}
	return true;
}

static yyjson_mut_val *add_parameter(yyjson_mut_doc *doc, yyjson_mut_val *list, const char *name,
				     const char *type)
{
	yyjson_mut_val *parameter = yyjson_mut_arr_add_obj(doc, list);

	yyjson_mut_obj_add_str(doc, parameter, "parameter_name", name);
	yyjson_mut_obj_add_str(doc, parameter, "parameter_type", type);
	return parameter;
}

static void add_range(yyjson_mut_doc *doc, yyjson_mut_val *list, const char *name)
{
	yyjson_mut_val *range =
		yyjson_mut_obj_add_obj(doc, add_parameter(doc, list, name, "range"), "parameter_values");

	yyjson_mut_obj_add_int(doc, range, "start", 0);
	yyjson_mut_obj_add_int(doc, range, "end", KBPS_MAX);
}

static void add_driver(yyjson_mut_doc *doc, yyjson_mut_val *drivers, const struct rule_kind *kind)
{
	yyjson_mut_val *driver = yyjson_mut_arr_add_obj(doc, drivers), *list, *choices;

	yyjson_mut_obj_add_str(doc, driver, "name", "sriovnicswitch");
	list = yyjson_mut_obj_add_arr(doc, driver, "supported_parameters");
	add_range(doc, list, kind->value);
	if (kind->flags & BURST)
		add_range(doc, list, "max_burst_kbps");
	choices = yyjson_mut_obj_add_arr(doc, add_parameter(doc, list, "direction", "choices"),
					 "parameter_values");
	yyjson_mut_arr_add_str(doc, choices, "egress");
	if (kind == &kinds[QOS_MINIMUM_BANDWIDTH])
		yyjson_mut_arr_add_str(doc, choices, "ingress");
}

bool rule_type_show(struct http_request *request, struct http_response *response, struct error *err)
{
	const struct rule_kind *kind = kind_find(request->params[0]);

	if (!request->auth->admin)
		return error_set_typed(err, ERROR_FORBIDDEN, "PolicyNotAuthorized",
				       "rule:get_rule_type is disallowed by policy");
	if (!kind)
		return error_set_typed(err, ERROR_NOT_FOUND, "QosRuleTypeNotFound",
				       "QoS rule type %.64s could not be found.", request->params[0]);
	yyjson_mut_val *root = http_json_object(response, 200), *drivers;
	yyjson_mut_val *view = yyjson_mut_obj_add_obj(response->json, root, "rule_type");
	yyjson_mut_obj_add_str(response->json, view, "type", kind->type);
	drivers = yyjson_mut_obj_add_arr(response->json, view, "drivers");
	if (network_settings.sriov && kind->flags & SUPPORTED)
		add_driver(response->json, drivers, kind);
	return true;
}
