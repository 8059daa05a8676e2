/* One seed in a process of its own, and what is told of one that failed. */
#include "seeds.h"

#include "cluster.h"
#include "disk.h"
#include "faults.h"
#include "fiber.h"
#include "trace.h"
#include "workload.h"

#include <execinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- one seed --- */

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

struct seed_run seed_start(uint64_t seed, bool tell)
{
	struct seed_run run = {.seed = seed};
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

int seed_wait(const struct seed_run *runs, int count)
{
	struct pollfd ends[SEEDS_AT_ONCE];

	for (int i = 0; i < count; i++)
		ends[i] = (struct pollfd){.fd = runs[i].pipe, .events = POLLIN};
	/* not poll(), which is the simulated machines' */
	if (syscall(SYS_ppoll, ends, count, NULL, NULL, 0) <= 0)
		return 0;
	for (int i = 0; i < count; i++) {
		if (ends[i].revents)
			return i;
	}
	return 0;
}

void seed_finish(const struct seed_run *run, struct director_result *result)
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
	struct seed_run run = seed_start(seed, tell);

	seed_finish(&run, &result);
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

void seed_explain(uint64_t seed, const struct director_result *result, bool shorter)
{
	const unsigned faults = faults_allowed, clients = workload_clients;
	const int minutes = director_minutes;

	if (shorter)
		shrink(seed, result->promise);
	struct director_result again = once(seed, true);
	printf("not ok sim seed %llu: promise %d: %s\n", (unsigned long long)seed, result->promise,
	       result->what);
	printf("# again: make sim SEED=%llu SEEDS=1 SIMFLAGS='--faults 0x%x --clients %u --minutes %d': "
	       "promise %d: "
	       "%s\n# faults:",
	       (unsigned long long)seed, faults_allowed, workload_clients, director_minutes, again.promise,
	       again.what);
	for (int kind = 0; kind < FAULT_KINDS; kind++) {
		if (faults_allowed & 1u << kind)
			printf(" %s", fault_name((enum fault_kind)kind));
	}
	printf("\n");
	fflush(stdout);
	/* The next seeds are whole ones. */
	faults_allowed = faults;
	workload_clients = clients;
	director_minutes = minutes;
}
