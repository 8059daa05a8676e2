/* Within the scheduler: does a request fit on a host, with which devices, how well, and if not, why.  Reads
 * the fleet, changes nothing. */
#pragma once

#include "base/text.h"
#include "numa/fit.h"
#include "pci/alias.h"
#include "pci/assign.h"
#include "scheduler/filters.h"
#include "scheduler/fleet.h"
#include "scheduler/scheduler.h"

/* So many devices of one sort: ports of one type and physical network, or one item of the flavor's aliases.
 */
struct place_request {
	const struct pci_alias *alias; /* or, for ports, NULL and: */
	enum pci_type type;
	const char *physical_network, *numa_policy; /* the port's own, or "" */
	bool trusted;
	unsigned count;
};

struct place_rule {
	const struct scheduler_rule *rule;
	uint32_t *listed; /* how often, by host of the fleet */
	uint32_t most;	  /* of these */
};

/* A request made ready for looking at many hosts. */
struct place {
	const struct scheduler_request *request;
	struct place_request requests[PCI_ASSIGN_MAX_REQUESTS];
	size_t request_count;
	uint8_t slots[SCHEDULER_MAX_DEVICES]; /* request of each device wanted: ports in their order, then
						 aliases */
	size_t slot_count;
	/* bit r of [kind]: request r may have a device of that kind; `last`: if the host offers nothing else
	 * for r */
	uint64_t *fits, *fits_last;
	uint64_t policies[PCI_NUMA_POLICY_COUNT]; /* bit r: request r has this policy */
	struct place_rule *rules;		  /* of request->rules, or NULL */
	struct filter_wish filters;
};

/* ERROR_BAD_REQUEST if the request is malformed.  place_done() in any case. */
bool place_begin(struct place *place, const struct scheduler_request *request, struct error *err);
void place_done(struct place *place);

/* true: chosen[i] is the index of the device for slot i, and *numa is filled (which may be NULL if
 * place_has_topology() does not hold). */
bool place_fits(const struct place *place, const struct fleet_host *host, int *chosen,
		struct numa_placement *numa);
/* Higher is better. */
double place_weight(const struct place *place, const struct fleet_host *host);
/* The best host, with what would be had on it. */
struct place_choice {
	struct fleet_host *host; /* NULL: none fits */
	double weight;
	int chosen[SCHEDULER_MAX_DEVICES];
	struct numa_placement *numa; /* NULL if there is no topology */
	uint32_t *mates;	     /* devices of IOMMU groups that go with those chosen */
	size_t mate_count;
};
/* Looks at hosts, the best first; place_choice_done() in any case. */
void place_choose(const struct place *place, struct place_choice *best);
void place_choice_done(struct place_choice *choice);
/* Devices alone, for a guest that is there: numa is its place, or NULL; chosen[i] as of place_fits(). */
bool place_devices_beside(const struct place *place, const struct fleet_host *host,
			  const struct numa_placement *numa, int *chosen);
/* Why not. */
void place_explain_beside(const struct place *place, const struct fleet_host *host, struct text *why);
/* The nearest reason why it does not fit, without the host's name and without a newline. */
void place_explain(const struct place *place, const struct fleet_host *host, struct text *why);

/* --- between place.c and explain.c --- */

/* What may be had of one thing, and what is. */
struct place_amount {
	const char *unit, *of; /* "MB of ", "memory" */
	int64_t wanted, most;  /* most: of one server */
	int64_t capacity, used;
};
enum { PLACE_AMOUNTS = 3 };
/* vCPUs that get no CPU for themselves. */
int64_t place_shared_vcpus(const struct scheduler_request *request);
/* Does it ask for cells, or for a kind of host that has them so? */
bool place_has_topology(const struct place *place);
void place_amounts(const struct place *place, const struct fleet_host *host,
		   struct place_amount amounts[PLACE_AMOUNTS]);
bool place_amount_fits(const struct place_amount *amount);
/* Which requests may have devices of the pool's kind on this host. */
uint64_t place_pool_fits(const struct place *place, const struct fleet_host *host, uint32_t kind);
/* --- isolate.c --- */

/* Is each device of an alias to be of another PF? */
bool place_isolates(const struct place *place);
/* Leaves of each PF what one device of it could be had for; returns how many candidates are left. */
size_t place_isolate(const struct place *place, const struct fleet_host *host,
		     struct pci_candidate *candidates, size_t count);
/* --- rules.c --- */

void place_rules_begin(struct place *place);
void place_rules_done(struct place *place);
/* The first rule that forbids the host, or NULL. */
const struct scheduler_rule *place_rule_broken(const struct place *place, const struct fleet_host *host);
/* Does any rule weigh hosts? */
bool place_rules_weigh(const struct place *place);
double place_rules_weight(const struct place *place, const struct fleet_host *host);
/* No host gets more from them. */
double place_rules_most(const struct place *place);

/* Can all devices be had, wherever on the host they are? */
bool place_devices_fit(const struct place *place, const struct fleet_host *host);
bool place_is_asked_for(const struct place *place, const struct fleet_host *host);
