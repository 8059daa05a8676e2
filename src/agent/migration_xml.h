/* The XML of a guest on the host to which it goes, made of the one that it has: what the guest sees stays as
 * it is, and what is the host's (files, CPUs, memory, devices) becomes the other host's. */
#pragma once

#include "agent/server.h"
#include "base/text.h"

struct migration_change {
	const char *from_folder, *to_folder; /* of the server's files */
	const char *cpus;		     /* that guests without a topology run on, or NULL: all */
	const struct numa_placement *numa;   /* where it is to be; no cells: it has no topology */
	yyjson_val *devices; /* addresses of the flavor's devices there, in the order of those here */
};

/* `xml`: as domain_migratable_xml() gives it.  ERROR_INTERNAL if it cannot be read, or has a device of the
 * host that has no counterpart. */
bool migration_xml(const char *xml, const struct migration_change *change, struct text *out,
		   struct error *err);
