/* A disk that is empty but for what it is laid over: a qcow2 with a backing file, as `qemu-img create -b`
 * makes it, without starting a program for a few hundred bytes. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* Writes `path` (new, on the disk when this returns): `size` bytes for the guest, over `base`, whose format
 * is "raw" or "qcow2". */
bool overlay_write(const char *path, const char *base, const char *base_format, int64_t size,
		   struct error *err);
