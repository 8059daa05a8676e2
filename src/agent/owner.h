/* Whether anybody has a device: a server by its grant journal, or a guest that is not ours.  It is asked when
 * a VF has settings that nobody here knows of, which is seldom; it reads all journals. */
#pragma once

#include "base/error.h"
#include "base/map.h"

#include <stdbool.h>

/* Where the journals are; before threads start. */
void owner_configure(const char *instances_folder);
/* The addresses that journals name just now, as keys (the values mean nothing); as far as they can be read. */
void owner_list(struct map *addresses);
/* *owned, and who ("server <id>", "the guest <id>"); false if it cannot be known now. */
bool owner_find(const char *address, bool *owned, char who[80], struct error *err);
