/* Why a server is where it is not: the fault of one that is there, and what would become of one that is not
 * yet. */
#include "compute/compute.h"

#include "base/memory.h"
#include "compute/aggregate.h"
#include "compute/flavor.h"
#include "compute/server_numa.h"
#include "network/network.h"

#include <string.h>

static bool by_name(struct store *db, const char *sql, const char *what, const char *name, char id[256],
		    struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err, sql, V(name)))
		return false;
	if (!store_next(&rows))
		return store_end(&rows, err) &&
		       error_set(err, ERROR_NOT_FOUND, "there is no %s %.200s", what, name);
	snprintf(id, 256, "%s", store_text(&rows, 0));
	if (store_next(&rows))
		return error_set(err, ERROR_CONFLICT, "there are several %ss %.200s: give the id", what,
				 name);
	return store_end(&rows, err);
}

/* --- a server that is there --- */

bool compute_explain_server(struct store *db, const char *server, struct text *out, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	char id[256];

	if (!by_name(db, "SELECT id FROM server WHERE id = ?1 OR name = ?1", "server", server, id, err) ||
	    !store_query(db, &rows, err,
			 "SELECT name, id, state, ifnull(host_name, ''), ifnull(fault_message, ''), "
			 "ifnull(fault_details, '') FROM server WHERE id = ?1",
			 V((const char *)id)))
		return false;
	if (store_next(&rows)) {
		const char *host = store_text(&rows, 3), *details = store_text(&rows, 5);

		text_addf(out, "%s (%s): %s%s%s\n", store_text(&rows, 0), store_text(&rows, 1),
			  store_text(&rows, 2), *host ? " on " : "", host);
		if (*store_text(&rows, 4))
			text_addf(out, "%s\n", store_text(&rows, 4));
		text_add(out, details);
		if (*details && details[strlen(details) - 1] != '\n')
			text_add(out, "\n");
	}
	return store_end(&rows, err);
}

/* --- one that is not --- */

/* The ports that are named: all of them, and those that take devices as requests. */
struct ports_asked {
	struct scheduler_port_request requests[SCHEDULER_MAX_REQUESTS];
	struct network_port *ports;
	size_t request_count, count;
};

static bool port_ask(struct store *db, const char *port, struct ports_asked *asked, struct error *err)
{
	struct network_port *found = &asked->ports[asked->count++];
	char id[256];

	if (!network_port_find(db, port, id, err) || !network_port_load(db, id, found, err))
		return false;
	if (found->device_id[0])
		return error_set(err, ERROR_CONFLICT, "port %s is in use by %s", port, found->device_id);
	if (strcmp(found->vnic_type, "normal") == 0)
		return true;
	struct scheduler_port_request *ask = &asked->requests[asked->request_count++];
	snprintf(ask->port_id, sizeof ask->port_id, "%s", found->id);
	snprintf(ask->vnic_type, sizeof ask->vnic_type, "%s", found->vnic_type);
	snprintf(ask->physical_network, sizeof ask->physical_network, "%s", found->physical_network);
	ask->trusted = found->trusted;
	snprintf(ask->numa_policy, sizeof ask->numa_policy, "%s", found->numa_policy);
	return true;
}

static bool wish_run(struct store *db, const struct flavor *flavor, const struct compute_wish *wish,
		     const struct ports_asked *asked, struct text *out, struct error *err)
{
	_cleanup_(placement_done) struct placement placement = {0};
	_cleanup_free_ char *alias_spec = flavor_spec(flavor, "pci_passthrough:alias");
	struct numa_guest numa;
	const char *where;

	if (!server_numa_read(flavor, "{}", &numa, err) ||
	    !aggregate_rules(db, flavor->extra_specs, &placement, err))
		return false;
	placement_networks(asked->ports, asked->count, &placement);
	struct scheduler_request request = {.server_id = "",
					    .vcpus = flavor->vcpus,
					    .memory_mb = flavor->memory_mb,
					    .disk_gb = flavor->disk_gb + flavor->ephemeral_gb,
					    .alias_spec = alias_spec,
					    .ports = asked->requests,
					    .port_count = asked->request_count,
					    .availability_zone = wish->zone,
					    .host = wish->host,
					    .rules = placement.rules,
					    .rule_count = placement.count,
					    .numa = &numa,
					    .networks = &placement.networks,
					    .isolate = flavor_isolates(flavor)};
	const struct placement_subject subject = {.flavor_name = flavor->name,
						  .extra_specs = flavor->extra_specs};
	if (!placement_filters(db, &subject, &placement, &request, err))
		return false;
	if (!scheduler_dry_run(db, &request, out, &where, err))
		return false;
	if (where)
		text_addf(out, "It would be placed on %s.\n", where);
	else
		text_add(out, "No valid host was found.\n");
	return true;
}

bool compute_explain_wish(struct store *db, const struct compute_wish *wish, struct text *out,
			  struct error *err)
{
	static const struct auth administrator = {.admin = true};
	struct ports_asked asked = {0};
	struct flavor flavor = {0};
	char id[256];

	if (!by_name(db, "SELECT id FROM flavor WHERE id = ?1 OR name = ?1", "flavor", wish->flavor, id,
		     err) ||
	    !flavor_load(db, id, &administrator, &flavor, err))
		return false;
	asked.ports = memory_alloc((wish->port_count + 1) * sizeof *asked.ports);
	bool ok = wish->port_count <= SCHEDULER_MAX_REQUESTS ||
		  error_set(err, ERROR_BAD_REQUEST, "at most %d ports", SCHEDULER_MAX_REQUESTS);
	for (size_t i = 0; ok && i < wish->port_count; i++)
		ok = port_ask(db, wish->ports[i], &asked, err);
	ok = ok && wish_run(db, &flavor, wish, &asked, out, err);
	free(asked.ports);
	flavor_done(&flavor);
	return ok;
}
