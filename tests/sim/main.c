/* The simulator. */
#include "cluster.h"
#include "disk.h"
#include "fiber.h"
#include "net.h"
#include "trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool hour_over(void)
{
	return sim_now() > INT64_C(3600000000);
}

int main(int argc, char **argv)
{
	(void)argc;
	if (!(personality(0xffffffff) & ADDR_NO_RANDOMIZE)) {
		personality(ADDR_NO_RANDOMIZE);
		execv("/proc/self/exe", argv);
	}
	trace_aloud = getenv("TRACE");
	sim_seed(1);
	cluster_prepare(argv[1]);
	cluster_begin();
	fiber_run(hour_over);
	printf("switches %llu hash %llx\n", (unsigned long long)fiber_switches,
	       (unsigned long long)trace_hash());
	fflush(stdout);
	syscall(SYS_exit_group, 0);
}
