/* Within the compute room: host aggregates as the creation of servers needs them. */
#pragma once

#include "compute/placement.h"

/* Rules out of a flavor's extra specs (JSON) "aggregate_instance_extra_specs:KEY": only hosts of an aggregate
 * whose metadata satisfies it.  (Nova wants AggregateInstanceExtraSpecsFilter enabled for that; here it is
 * always on, and keys without that scope are left alone.) */
bool aggregate_rules(struct store *db, const char *extra_specs, struct placement *placement,
		     struct error *err);
/* Rules of the filters AggregateMultiTenancyIsolation, AggregateTypeAffinityFilter and
 * AggregateImagePropertiesIsolation, as far as they are enabled. */
bool aggregate_filters(struct store *db, const struct placement_subject *subject, struct placement *placement,
		       struct error *err);
