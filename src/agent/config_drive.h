/* The config drive: an ISO9660 volume "config-2" with what a guest needs to know of itself, as Nova lays it
 * out. */
#pragma once

#include "agent/server.h"

/* Writes (again, from scratch) the image file.  Reproducible but for random_seed. */
bool config_drive_write(yyjson_val *server, const char *path, struct error *err);
/* The two documents by themselves; the caller frees them. */
char *config_drive_meta_data(yyjson_val *server);
char *config_drive_network_data(yyjson_val *server);
