/* Running other programs, and ending them, for real, for world_real. */
#pragma once

#include "base/error.h"
#include "base/text.h"

/* See world.h, run. */
bool process_run(const char *const *argv, int seconds, struct text *out, struct error *err);
/* See world.h, end_processes. */
bool process_end(const char *name, const char *words, int *count, struct error *err);
