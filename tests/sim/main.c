/* The simulator: many seeds, each in a process of its own that begins with the same site. */
#include "cluster.h"
#include "director.h"
#include "disk.h"
#include "faults.h"
#include "fiber.h"
#include "trace.h"
#include "workload.h"

#include <execinfo.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct options {
	uint64_t from, count;
	int seconds, jobs;
	int promise; /* that is looked for; others are passed over */
	bool trace, shrink;
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
			options.trace = true;
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

/* --- one seed --- */

struct run {
	pid_t pid;
	int pipe;
	uint64_t seed;
};

static void crashed(int number)
{
	void *frames[40];

	printf("# the end: signal %d in %s\n", number,
	       fiber_daemon() ? fiber_daemon()->name : "the simulator");
	fflush(stdout);
	backtrace_symbols_fd(frames, backtrace(frames, 40), STDOUT_FILENO);
	signal(number, SIG_DFL);
	raise(number);
}

/* On a stack of its own: the fiber's may be what was at an end. */
static void crashes_catch(void)
{
	static char stack[65536];
	const stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
	struct sigaction action = {.sa_handler = crashed, .sa_flags = SA_ONSTACK};

	sigaltstack(&other, NULL);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGABRT, &action, NULL);
}

static _Noreturn void child(uint64_t seed, int pipe, bool tell)
{
	struct director_result result;

	trace_aloud = options.trace;
	crashes_catch();
	director_run(seed, &result);
	disk_end();
	if (tell)
		trace_tell();
	fflush(stdout);
	if (syscall(SYS_write, pipe, &result, sizeof result) != sizeof result)
		abort();
	syscall(SYS_exit_group, 0);
	abort();
}

static struct run start(uint64_t seed, bool tell)
{
	struct run run = {.seed = seed};
	int ends[2];

	fflush(stdout);
	if (pipe(ends) != 0 || (run.pid = fork()) < 0)
		abort();
	if (run.pid == 0)
		child(seed, ends[1], tell);
	syscall(SYS_close, ends[1]);
	run.pipe = ends[0];
	return run;
}

static void finish(const struct run *run, struct director_result *result)
{
	int status;

	if (read(run->pipe, result, sizeof *result) != sizeof *result) {
		*result = (struct director_result){.promise = -1};
		snprintf(result->what, sizeof result->what, "the simulator ended");
	}
	syscall(SYS_close, run->pipe);
	waitpid(run->pid, &status, 0);
	if (result->promise < 0 && WIFSIGNALED(status))
		snprintf(result->what, sizeof result->what, "a program crashed (signal %d)",
			 WTERMSIG(status));
}

static struct director_result once(uint64_t seed, bool tell)
{
	struct director_result result;
	struct run run = start(seed, tell);

	finish(&run, &result);
	return result;
}

/* --- a seed that failed --- */

/* Fewer kinds of faults, fewer clients, less time, as long as the same promise is broken. */
static void shrink(uint64_t seed, int promise)
{
	for (int kind = 0; kind < FAULT_KINDS; kind++) {
		unsigned before = faults_allowed;

		faults_allowed &= ~(1u << kind);
		if (before != faults_allowed && once(seed, false).promise != promise)
			faults_allowed = before;
	}
	while (workload_clients > 1) {
		workload_clients--;
		if (once(seed, false).promise != promise) {
			workload_clients++;
			break;
		}
	}
	while (director_minutes > 1) {
		int before = director_minutes;

		director_minutes /= 2;
		if (once(seed, false).promise != promise) {
			director_minutes = before;
			break;
		}
	}
}

static void explain(uint64_t seed, const struct director_result *result)
{
	if (options.shrink)
		shrink(seed, result->promise);
	struct director_result again = once(seed, true);
	printf("not ok sim seed %llu: promise %d: %s\n", (unsigned long long)seed, result->promise,
	       result->what);
	printf("# shrunk: --from %llu --count 1 --faults 0x%x --clients %u --minutes %d: promise %d: %s\n# "
	       "faults:",
	       (unsigned long long)seed, faults_allowed, workload_clients, director_minutes, again.promise,
	       again.what);
	for (int kind = 0; kind < FAULT_KINDS; kind++) {
		if (faults_allowed & 1u << kind)
			printf(" %s", fault_name((enum fault_kind)kind));
	}
	printf("\n");
	fflush(stdout);
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

static void take(const struct run *run)
{
	struct director_result result;

	finish(run, &result);
	totals.seeds++;
	totals.simulated += (double)result.simulated / 3.6e9;
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
	explain(run->seed, &result);
}

static bool more_to_do(uint64_t next)
{
	return next < options.from + options.count && totals.failed < (options.promise ? 1 : 5);
}

static void run_all(void)
{
	struct run runs[64];
	int first = 0, running = 0;
	double began = real_seconds();
	uint64_t next = options.from;

	while (running > 0 || more_to_do(next)) {
		bool more =
			more_to_do(next) && (!options.seconds || real_seconds() - began < options.seconds);

		if (!more && running == 0)
			break;
		if (more && running < options.jobs && running < 64) {
			runs[(first + running++) % 64] = start(next++, false);
			continue;
		}
		take(&runs[first]);
		first = (first + 1) % 64;
		running--;
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
