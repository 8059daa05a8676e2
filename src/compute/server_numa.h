/* Within the compute room: what a server's flavor and image ask of NUMA, CPUs and pages. */
#pragma once

#include "base/error.h"
#include "compute/flavor.h"
#include "numa/guest.h"

/* `image`: the image as the agent gets it (JSON), whose "properties" count.  Errors as of numa_guest_parse().
 */
bool server_numa_read(const struct flavor *flavor, const char *image, struct numa_guest *guest,
		      struct error *err);
