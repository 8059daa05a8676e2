/* Where a server must or must not be, whatever else fits: the rules that come with a request. */
#include "base/memory.h"
#include "scheduler/place.h"

/* Counts how often each host is listed, so that looking at a host costs one step for each rule. */
static void rule_ready(const struct scheduler_rule *rule, struct place_rule *ready)
{
	*ready = (struct place_rule){.rule = rule,
				     .listed = memory_alloc((fleet.count + 1) * sizeof *ready->listed)};
	for (size_t i = 0; i < rule->host_count; i++) {
		const struct fleet_host *host = fleet_find(rule->host_ids[i]);

		if (host && ++ready->listed[host - fleet.hosts] > ready->most)
			ready->most = ready->listed[host - fleet.hosts];
	}
}

void place_rules_begin(struct place *place)
{
	const struct scheduler_request *request = place->request;

	if (request->rule_count == 0)
		return;
	place->rules = memory_alloc(request->rule_count * sizeof *place->rules);
	for (size_t i = 0; i < request->rule_count; i++)
		rule_ready(&request->rules[i], &place->rules[i]);
}

void place_rules_done(struct place *place)
{
	for (size_t i = 0; place->rules && i < place->request->rule_count; i++)
		free(place->rules[i].listed);
	free(place->rules);
}

const struct scheduler_rule *place_rule_broken(const struct place *place, const struct fleet_host *host)
{
	for (size_t i = 0; place->rules && i < place->request->rule_count; i++) {
		const struct scheduler_rule *rule = place->rules[i].rule;
		bool listed = place->rules[i].listed[host - fleet.hosts] > 0;

		if (rule->weight == 0 && listed != rule->only)
			return rule;
	}
	return NULL;
}

bool place_rules_weigh(const struct place *place)
{
	for (size_t i = 0; place->rules && i < place->request->rule_count; i++) {
		if (place->rules[i].rule->weight != 0)
			return true;
	}
	return false;
}

double place_rules_weight(const struct place *place, const struct fleet_host *host)
{
	double weight = 0;

	for (size_t i = 0; place->rules && i < place->request->rule_count; i++) {
		const struct place_rule *rule = &place->rules[i];

		if (rule->most > 0)
			weight += rule->rule->weight * rule->listed[host - fleet.hosts] / rule->most;
	}
	return weight;
}

double place_rules_most(const struct place *place)
{
	double most = 0;

	for (size_t i = 0; place->rules && i < place->request->rule_count; i++)
		most += place->rules[i].rule->weight > 0 ? place->rules[i].rule->weight : 0;
	return most;
}
