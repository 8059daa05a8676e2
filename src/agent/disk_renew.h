/* Disks that are made anew. */
#pragma once

#include "base/error.h"

#include <yyjson.h>

/* Throws the disk, the config drive and what else was made for an earlier disk away, if the server is wanted
 * with a newer one (`disk_generation`); they are made anew where they are missing.  The guest is off. */
bool disk_renew(const char *folder, yyjson_val *server, struct error *err);
