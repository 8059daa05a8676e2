/* What the NICs of a physical network cannot do, as their hosts told it (nic_agent.capabilities), and the
 * ports and networks that would need it.  They are refused when they are made, not when a guest is to start.
 * Where no host has told anything, or one NIC can, nothing is refused. */
#include "base/memory.h"
#include "network/internal.h"

#include <string.h>

enum { TRUST, MAX_RATE, MIN_RATE, SERVICE_TAG, FEATURES };

/* The name that agents tell, and the words for a person. */
static const struct {
	const char *name, *words;
} features[FEATURES] = {
	[TRUST] = {"trust", "trusted VFs"},
	[MAX_RATE] = {"max_rate", "limit of a VF's rate"},
	[MIN_RATE] = {"min_rate", "minimum rate of a VF"},
	[SERVICE_TAG] = {"802.1ad", "802.1ad VLANs of VFs"},
};

struct survey {
	bool any, can[FEATURES];
	char nics[200]; /* "igb on lab1, ixgbe on lab2" */
};

static bool lacks(yyjson_val *capabilities, const char *feature)
{
	yyjson_val *item;
	size_t i, max;

	yyjson_arr_foreach (yyjson_obj_get(capabilities, "lacks"), i, max, item) {
		if (yyjson_equals_str(item, feature))
			return true;
	}
	return false;
}

/* Each driver of a host is named once. */
static void name_nic(struct survey *survey, const char *driver, const char *host)
{
	char text[120];
	size_t length = strlen(survey->nics);

	snprintf(text, sizeof text, "%.31s on %.64s", driver, host);
	if (!strstr(survey->nics, text))
		snprintf(survey->nics + length, sizeof survey->nics - length, "%s%s", length ? ", " : "",
			 text);
}

static void survey_host(struct survey *survey, const char *host, yyjson_val *pfs, yyjson_val *capabilities)
{
	yyjson_val *pf;
	size_t i, max;

	yyjson_arr_foreach (pfs, i, max, pf) {
		yyjson_val *told = yyjson_obj_get(capabilities, yyjson_get_str(pf) ? yyjson_get_str(pf) : "");

		survey->any = true;
		for (int k = 0; k < FEATURES; k++)
			survey->can[k] |= !told || !lacks(told, features[k].name);
		name_nic(survey, field_text(told, "driver", "a NIC"), host);
	}
}

static bool survey_make(struct store *db, const char *physical_network, struct survey *survey,
			struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	*survey = (struct survey){0};
	if (!store_query(db, &rows, err, "SELECT host, mappings, resources FROM agent ORDER BY host"))
		return false;
	while (store_next(&rows)) {
		const char *mappings = store_text(&rows, 1), *resources = store_text(&rows, 2);
		yyjson_doc *mapped = yyjson_read(mappings, strlen(mappings), 0),
			   *told = yyjson_read(resources, strlen(resources), 0);

		survey_host(survey, store_text(&rows, 0),
			    yyjson_obj_get(yyjson_doc_get_root(mapped), physical_network),
			    yyjson_obj_get(yyjson_doc_get_root(told), "capabilities"));
		yyjson_doc_free(mapped);
		yyjson_doc_free(told);
	}
	return store_end(&rows, err);
}

/* Why it cannot be had there, or "". */
static void reason_of(const struct survey *survey, int feature, const char *physical_network, char text[400])
{
	*text = '\0';
	if (survey->any && !survey->can[feature])
		snprintf(text, 400, "the NICs of %s (%s) have no %s", physical_network, survey->nics,
			 features[feature].words);
}

static bool port_needs(struct store *db, const struct network_port *port, bool needed[FEATURES],
		       struct error *err)
{
	int64_t max_kbps = 0, min_kbps = 0;

	if (*port->qos_policy_id && !qos_rates(db, port->qos_policy_id, &max_kbps, &min_kbps, err))
		return false;
	needed[TRUST] = port->trusted;
	needed[MAX_RATE] = max_kbps > 0;
	needed[MIN_RATE] = min_kbps > 0;
	needed[SERVICE_TAG] = port->service_tag;
	return true;
}

static bool refuse(int feature, const char *port_id, const char *why, struct error *err)
{
	if (feature == TRUST)
		return error_set_typed(err, ERROR_BAD_REQUEST, "InvalidInput",
				       "Invalid input for operation: port %s cannot be trusted: %s.", port_id,
				       why);
	if (feature == SERVICE_TAG)
		return error_set_typed(err, ERROR_BAD_REQUEST, "VlanQinqDriverError",
				       "Backend does not support VLAN QinQ: %s.", why);
	return error_set_typed(err, ERROR_CONFLICT, "QosRuleNotSupported",
			       "Rule %s is not supported by port %s: %s.",
			       feature == MAX_RATE ? "bandwidth_limit" : "minimum_bandwidth", port_id, why);
}

bool capability_check_port(struct store *db, const char *port_id, struct error *err)
{
	bool needed[FEATURES];
	struct network_port port;
	struct survey survey;
	char why[400];

	if (!network_port_load(db, port_id, &port, err))
		return false;
	if ((strcmp(port.vnic_type, "direct") != 0 && strcmp(port.vnic_type, "macvtap") != 0) ||
	    !*port.physical_network)
		return true;
	if (!port_needs(db, &port, needed, err))
		return false;
	if (!needed[TRUST] && !needed[MAX_RATE] && !needed[MIN_RATE] && !needed[SERVICE_TAG])
		return true;
	if (!survey_make(db, port.physical_network, &survey, err))
		return false;
	for (int i = 0; i < FEATURES; i++) {
		reason_of(&survey, i, port.physical_network, why);
		if (needed[i] && *why)
			return refuse(i, port.id, why, err);
	}
	return true;
}

bool capability_check_ports(struct store *db, const char *sql, const char *id, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err, sql, V(id)))
		return false;
	while (store_next(&rows)) {
		if (!capability_check_port(db, store_text(&rows, 0), err))
			return false;
	}
	return store_end(&rows, err);
}

bool capability_check_service_tag(struct store *db, const char *physical_network, struct error *err)
{
	struct survey survey;
	char why[400];

	if (!survey_make(db, physical_network, &survey, err))
		return false;
	reason_of(&survey, SERVICE_TAG, physical_network, why);
	return !*why || refuse(SERVICE_TAG, NULL, why, err);
}
