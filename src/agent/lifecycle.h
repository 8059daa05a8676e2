/* One server on this host: making it so and undoing it.  Every step looks before it acts, so that the same
 * list runs again after a crash at any point.  Blocking: call on a worker, one at a time for a server. */
#pragma once

#include "agent/controller.h"
#include "agent/server.h"

struct host_folders {
	char instances[256], cache[256];
};

/* May this device be given to guests?  (The controller's word is not enough.) */
typedef bool device_offered(const char *address);

/* Image, overlay, config drive, networks, devices, domain.  On failure everything is undone as far as it
 * goes. */
bool server_setup(const struct host_folders *folders, const struct controller *controller, yyjson_val *server,
		  device_offered *offered, struct error *err);
/* Programs the VFs of a running server again (its ports changed). */
bool server_reprogram(const struct host_folders *folders, yyjson_val *server, struct error *err);
/* Domain, devices, networks, files: all away, devices verified clean. */
bool server_teardown(const struct host_folders *folders, const char *server_id, struct error *err);
