/* What QoS policies mean for networks and ports: who may attach one, which rules a port can have, and the
 * rates that its host sets. */
#include "base/memory.h"
#include "network/internal.h"

#include <string.h>

bool qos_policy_missing(struct error *err, const char *id)
{
	return error_set_typed(err, ERROR_NOT_FOUND, "QosPolicyNotFound",
			       "QoS policy %.64s could not be found.", id);
}

bool qos_policy_visible(struct http_request *request, const char *id, bool *visible, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err, "SELECT project_id, shared FROM qos_policy WHERE id = ?1",
			 V(id)))
		return false;
	*visible = store_next(&rows) && is_visible(request->auth, store_text(&rows, 0), store_int(&rows, 1));
	return store_end(&rows, err);
}

/* A policy that an administrator gave to somebody's port is not theirs to take off. */
bool qos_attach_check(struct http_request *request, yyjson_val *body, const char *now, struct error *err)
{
	yyjson_val *member = yyjson_obj_get(body, "qos_policy_id");
	const char *wish = yyjson_get_str(member);
	bool visible = true;

	if (!member || text_equal(wish, now))
		return true;
	if (now && !qos_policy_visible(request, now, &visible, err))
		return false;
	if (!visible)
		return error_set_typed(err, ERROR_FORBIDDEN, "PolicyRemoveAuthorizationError",
				       "Failed to remove provided policy %s because you are not authorized.",
				       now);
	if (wish && !qos_policy_visible(request, wish, &visible, err))
		return false;
	return visible || qos_policy_missing(err, wish);
}

bool qos_default(struct store *db, const char *project, char id[37], struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err, "SELECT id FROM qos_policy WHERE project_id = ?1 AND is_default = 1",
			 V(project)))
		return false;
	snprintf(id, 37, "%s", store_next(&rows) ? store_text(&rows, 0) : "");
	return store_end(&rows, err);
}

/* --- which rules a port can have --- */

/* A VF has a rate for what it sends, and none for what it gets; a whole PF has nobody beside it, so that any
 * minimum is its own.  (QO-1; QO-5: Neutron accepts a limit of a PF, and nobody enforces it.) */
#define REFUSED_RULE \
	"SELECT r.type, r.direction, p.id, p.vnic_type FROM port p JOIN network n ON n.id = p.network_id " \
	"JOIN qos_rule r ON r.policy_id = ifnull(p.qos_policy_id, n.qos_policy_id) WHERE NOT " \
	"((p.vnic_type IN ('direct', 'macvtap') AND (r.type = 'minimum_bandwidth' OR " \
	"(r.type = 'bandwidth_limit' AND r.direction = 'egress'))) OR " \
	"(p.vnic_type = 'direct-physical' AND r.type = 'minimum_bandwidth')) AND "

static const char *reason_of(const char *type, const char *direction, const char *vnic_type)
{
	if (strcmp(vnic_type, "direct") != 0 && strcmp(vnic_type, "macvtap") != 0)
		return strcmp(vnic_type, "direct-physical") == 0
			       ? "nobody can limit or mark what a whole PF sends"
			       : "only ports with a VF have rates here";
	return strcmp(type, "bandwidth_limit") == 0 && strcmp(direction, "egress") != 0
		       ? "what a VF receives cannot be limited, only what it sends (egress)"
		       : "a VF's traffic is not marked";
}

static bool rules_check(struct store *db, const char *sql, const char *id, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err, sql, V(id)))
		return false;
	if (store_next(&rows))
		return error_set_typed(err, ERROR_CONFLICT, "QosRuleNotSupported",
				       "Rule %s is not supported by port %s: %s.", store_text(&rows, 0),
				       store_text(&rows, 2),
				       reason_of(store_text(&rows, 0), store_text(&rows, 1),
						 store_text(&rows, 3)));
	return store_end(&rows, err);
}

bool qos_port_check(struct store *db, const char *port_id, struct error *err)
{
	return rules_check(db, REFUSED_RULE "p.id = ?1 LIMIT 1", port_id, err);
}

bool qos_network_check(struct store *db, const char *network_id, struct error *err)
{
	return rules_check(db, REFUSED_RULE "p.network_id = ?1 AND p.qos_policy_id IS NULL LIMIT 1",
			   network_id, err);
}

/* The ports that a policy is for: their own goes before their network's (QO-8). */
#define PORTS_OF_POLICY \
	"(SELECT x.id FROM port x WHERE x.qos_policy_id = ?1 UNION ALL SELECT x.id FROM network y " \
	"JOIN port x ON x.network_id = y.id WHERE y.qos_policy_id = ?1 AND x.qos_policy_id IS NULL)"

/* --- changes --- */

bool qos_policy_changed(struct store *db, const char *policy_id, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!rules_check(db, REFUSED_RULE "p.id IN " PORTS_OF_POLICY " LIMIT 1", policy_id, err) ||
	    !capability_check_ports(db, "SELECT id FROM " PORTS_OF_POLICY, policy_id, err) ||
	    !store_query(db, &rows, err,
			 "SELECT DISTINCT device_id FROM port WHERE device_id <> '' AND host_id <> '' AND "
			 "id IN " PORTS_OF_POLICY,
			 V(policy_id)))
		return false;
	while (store_next(&rows)) {
		if (!device_changed(db, store_text(&rows, 0), err))
			return false;
	}
	return store_end(&rows, err);
}

bool qos_rates(struct store *db, const char *policy_id, int64_t *max_kbps, int64_t *min_kbps,
	       struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	*max_kbps = *min_kbps = 0;
	if (!store_query(db, &rows, err,
			 "SELECT type, value FROM qos_rule WHERE policy_id = ?1 AND direction = 'egress'",
			 V(policy_id)))
		return false;
	while (store_next(&rows)) {
		bool is_limit = strcmp(store_text(&rows, 0), "bandwidth_limit") == 0;

		*(is_limit ? max_kbps : min_kbps) = store_int(&rows, 1);
	}
	return store_end(&rows, err);
}
