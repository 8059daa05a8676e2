/* What comes when. */
#include "director.h"

#include "checks.h"
#include "cluster.h"
#include "faults.h"
#include "fiber.h"
#include "history.h"
#include "operators.h"
#include "trace.h"
#include "workload.h"

#include <stdio.h>

#define SECOND	INT64_C(1000000)
#define PATIENT (900 * SECOND) /* in which, without faults, everything becomes as wanted */

int director_minutes = 50;
static bool over;

static bool wait_for(bool (*done)(char *why, int size), const char *what)
{
	int64_t until = sim_now() + PATIENT;
	char why[300] = "";

	while (!done(why, sizeof why)) {
		if (sim_now() > until) {
			checks_broken(6, "%lld s after the last fault %s: %s", (long long)(PATIENT / SECOND),
				      what, why);
			return false;
		}
		fiber_sleep(2 * SECOND);
	}
	return true;
}

static bool clients_ended(char *why, int size)
{
	snprintf(why, (size_t)size, "a client still waits");
	return workload_is_over() && operators_are_over();
}

static bool all_deleted(char *why, int size)
{
	snprintf(why, (size_t)size, "servers or ports cannot be deleted");
	return workload_delete_all() && operators_restored() && checks_pristine(why, size);
}

static void *direct(void *unused)
{
	char why[300];

	(void)unused;
	fiber_sleep(5 * SECOND);
	faults_begin();
	workload_begin();
	operators_begin();
	checks_begin();
	fiber_sleep(director_minutes * 60 * SECOND);
	faults_end();
	workload_end();
	operators_end();
	if (wait_for(clients_ended, "clients wait") && wait_for(checks_settled, "not all is as wanted")) {
		if (!history_is_linear(why, sizeof why))
			checks_broken(2, "%s", why);
		wait_for(all_deleted, "not all is gone");
	}
	over = true;
	return NULL;
}

static bool is_over(void)
{
	return over || checks_verdict();
}

void director_run(uint64_t seed, struct director_result *result)
{
	int64_t began = sim_now();

	sim_seed(seed);
	cluster_begin();
	fiber_start(NULL, "director", direct, NULL);
	fiber_run(is_over);
	if (!over && !checks_verdict())
		checks_broken(6, "nothing happens any more");
	*result = (struct director_result){.promise = checks_verdict(),
					   .hash = trace_hash(),
					   .switches = fiber_switches,
					   .simulated = sim_now() - began};
	snprintf(result->what, sizeof result->what, "%s", checks_what());
}
