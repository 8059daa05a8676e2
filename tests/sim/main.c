/* The simulator: its options, and many seeds side by side. */
#include "cluster.h"
#include "disk.h"
#include "faults.h"
#include "fiber.h"
#include "seeds.h"
#include "trace.h"
#include "workload.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct options {
	uint64_t from, count;
	int seconds, jobs;
	int promise; /* that is looked for; others are passed over */
	bool shrink;
} options = {.from = 1, .count = 100, .jobs = 1, .shrink = true};

static void usage(void)
{
	fputs("Usage: penstock-sim BUILD-FOLDER [--from SEED] [--count N] [--seconds REAL] [--jobs N] "
	      "[--minutes SIMULATED]\n"
	      "                    [--faults MASK] [--clients N] [--trace] [--no-shrink] [--promise N]\n",
	      stderr);
	syscall(SYS_exit_group, 2);
}

static void options_read(int argc, char **argv)
{
	static const struct option longs[] = {{"from", required_argument, NULL, 'f'},
					      {"count", required_argument, NULL, 'n'},
					      {"seconds", required_argument, NULL, 's'},
					      {"jobs", required_argument, NULL, 'j'},
					      {"minutes", required_argument, NULL, 'm'},
					      {"faults", required_argument, NULL, 'F'},
					      {"clients", required_argument, NULL, 'c'},
					      {"trace", no_argument, NULL, 't'},
					      {"no-shrink", no_argument, NULL, 'S'},
					      {"promise", required_argument, NULL, 'p'},
					      {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (option) {
		case 'f':
			options.from = strtoull(optarg, NULL, 10);
			break;
		case 'n':
			options.count = strtoull(optarg, NULL, 10);
			break;
		case 's':
			options.seconds = atoi(optarg);
			break;
		case 'j':
			options.jobs = atoi(optarg);
			break;
		case 'm':
			director_minutes = atoi(optarg);
			break;
		case 'F':
			faults_allowed = (unsigned)strtoul(optarg, NULL, 0);
			break;
		case 'c':
			workload_clients = (unsigned)atoi(optarg);
			break;
		case 't':
			trace_aloud = true;
			break;
		case 'S':
			options.shrink = false;
			break;
		case 'p':
			options.promise = atoi(optarg);
			break;
		default:
			usage();
		}
	}
}

/* --- all --- */

static double real_seconds(void)
{
	struct timespec now;

	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct totals {
	uint64_t seeds, failed;
	double simulated;
} totals;

static void take(const struct seed_run *run)
{
	struct director_result result;

	seed_finish(run, &result);
	totals.seeds++;
	totals.simulated += (double)result.simulated / 3.6e9;
	if (totals.seeds % 1000 == 0) {
		printf("# %llu seeds\n", (unsigned long long)totals.seeds);
		fflush(stdout);
	}
	if (options.count == 1)
		printf("# seed %llu: hash %016llx, %llu switches, %.0f s\n", (unsigned long long)run->seed,
		       (unsigned long long)result.hash, (unsigned long long)result.switches,
		       (double)result.simulated / 1e6);
	if (!result.promise)
		return;
	if (options.promise && result.promise != options.promise) {
		printf("# passed over: seed %llu: promise %d: %s\n", (unsigned long long)run->seed,
		       result.promise, result.what);
		return;
	}
	totals.failed++;
	seed_explain(run->seed, &result, options.shrink);
}

static bool more_to_do(uint64_t next)
{
	return next < options.from + options.count && totals.failed < (options.promise ? 1 : 5);
}

static void run_all(void)
{
	struct seed_run runs[SEEDS_AT_ONCE];
	int running = 0;
	double began = real_seconds();
	uint64_t next = options.from;

	while (running > 0 || more_to_do(next)) {
		bool more =
			more_to_do(next) && (!options.seconds || real_seconds() - began < options.seconds);

		if (!more && running == 0)
			break;
		if (more && running < options.jobs && running < SEEDS_AT_ONCE) {
			runs[running++] = seed_start(next++, false);
			continue;
		}
		int ended = seed_wait(runs, running);
		take(&runs[ended]);
		runs[ended] = runs[--running];
	}
	double spent = real_seconds() - began;
	printf("# seeds %llu to %llu: %llu simulated hours in %.0f s, %.2f a second\n",
	       (unsigned long long)options.from, (unsigned long long)(next - 1),
	       (unsigned long long)totals.simulated, spent, totals.simulated / spent);
	if (!totals.failed)
		printf("ok sim %llu seeds\n", (unsigned long long)totals.seeds);
}

int main(int argc, char **argv)
{
	/* The same addresses in each run, where that may be had: what depends on them is the same then too.
	 */
	if (!getenv("SIM_ADDRESSES") && personality(ADDR_NO_RANDOMIZE) != -1) {
		setenv("SIM_ADDRESSES", "fixed", 1);
		execv("/proc/self/exe", argv);
	}
	options_read(argc, argv);
	if (optind + 1 != argc)
		usage();
	sim_seed(0);
	cluster_prepare(argv[optind], workload_prepare);
	run_all();
	disk_end();
	fflush(stdout);
	syscall(SYS_exit_group, totals.failed > 0);
}
