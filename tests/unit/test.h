/* What every unit test includes: cmocka with the headers that it needs first, and a temporary folder. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <string.h>

/* Makes a folder that is the test's own, in memory where that can be had (what is made durable need not be there
 * after a power cut); test_folder_remove() removes it with all that is in it. */
static inline char *test_folder_make(void)
{
	char in_memory[] = "/dev/shm/penstock-test.XXXXXX", pattern[] = "/tmp/penstock-test.XXXXXX";

	if (mkdtemp(in_memory))
		return strdup(in_memory);
	return mkdtemp(pattern) ? strdup(pattern) : NULL;
}

static inline void test_folder_remove(char *folder)
{
	char command[256];

	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	if (system(command) != 0)
		perror(command);
	free(folder);
}
