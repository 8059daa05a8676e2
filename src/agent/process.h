/* Running other programs (qemu-img), with limits. */
#pragma once

#include "base/error.h"
#include "base/text.h"

/* Runs argv[0] (found in PATH) with at most `seconds` of CPU time and 1 GiB of memory, and no input. Standard
 * output goes into `out` (may be NULL); an exit status but 0 is an error with what it wrote to standard
 * error. */
bool process_run(const char *const *argv, int seconds, struct text *out, struct error *err);
