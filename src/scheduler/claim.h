/* Within the scheduler: what claims of servers and of single ports share. */
#pragma once

#include "scheduler/fleet.h"
#include "scheduler/scheduler.h"

/* A claim that finds the store changed behind its back reads the host again and decides anew. */
#define CLAIM_ATTEMPTS 3

/* The device as the grant shows it, but for its port or alias and its number. */
void claim_fill_device(const struct fleet_host *host, const struct fleet_device *device,
		       struct scheduler_device *out);
/* Which VF of its PF it is. */
bool claim_number_device(struct store *db, const char *host_id, struct scheduler_device *device,
			 struct error *err);
