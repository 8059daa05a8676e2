/* Placement (the API of OpenStack's Placement, 1.0 to 1.39): a view on what the scheduler keeps.  Hosts and
 * their PCI devices are resource providers, servers are consumers.  There is nothing to be told to it but
 * names of custom traits and resource classes, and that a device with one_time_use can be used again
 * (docs/placement.md). */
#pragma once

#include "config/config.h"
#include "http/http.h"
#include "store/store.h"

extern const struct store_migration placement_migrations[];
extern const size_t placement_migration_count;

/* The service at /placement. */
const struct http_service *placement_service(const struct config *config, struct error *err);
