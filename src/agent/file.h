/* The agent's own small files. */
#pragma once

#include "base/error.h"

enum file_safety {
	FILE_WHOLE,   /* after a crash of the agent it is there as a whole or as it was */
	FILE_DURABLE, /* after a power cut too, once this returns */
};

/* Writes a file in one step (mode 0600), by way of PATH.new. */
bool file_write(const char *path, const char *text, enum file_safety safety, struct error *err);
/* Removes what a file_write() in this folder left that was cut short.  While nobody writes there. */
void file_sweep(const char *folder);
