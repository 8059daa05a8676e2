/* Files of sysfs that may block: reading sriov_numvfs waits while VFs are being removed, which takes as long
 * as a guest has one of them. */
#pragma once

#include <stddef.h>

struct slow_line {
	char path[128];
	char line[32]; /* the file's first line, "" if it is not there, "?" if it did not come in time */
};

/* Reads all of them within so many milliseconds.  What is blocked in the kernel stays behind as a process of
 * its own, which holds none of our files open and ends when the kernel lets it. */
void slow_lines_read(struct slow_line *lines, size_t count, int deadline_ms);
