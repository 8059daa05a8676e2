/* Which process has a device by VFIO, for world_real. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* See world.h, holder. */
bool holders_find(const char *address, char *who, size_t size);
