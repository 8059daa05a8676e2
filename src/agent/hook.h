/* [pci] release_hook: the operator's program that makes a device that a guest had fit for the next one, e.g.
 * formats an NVMe drive. */
#pragma once

#include "agent/grant.h"

/* "" is none. */
void hook_configure(const char *program, int seconds);
/* err->type of a hook that failed: what it was to do is not done, and only the operator knows what now. */
#define HOOK_FAILS "hook"
/* Runs it as PROGRAM ADDRESS CLASS DRIVER SERVER, all of them also in the environment (PENSTOCK_DEVICE,
 * _CLASS, _DRIVER, _SERVER); an exit status but 0, or more time than it has, is an error of type HOOK_FAILS
 * with what it wrote to standard error. */
bool hook_run(const struct granted_device *device, struct error *err);
