/* Faults, drawn. */
#include "faults.h"

#include "cluster.h"
#include "fiber.h"

unsigned faults_allowed = ~0u;
static bool over = true;

void fault_seam(const char *what, const char *where, int64_t microseconds)
{
	(void)what;
	(void)where;
	if (fiber_current())
		fiber_sleep(1 + (int64_t)sim_below((uint64_t)microseconds * 2));
}

int64_t fault_latency(void)
{
	return 100 + (int64_t)sim_below(2000);
}

bool fault_loses(const struct daemon *daemon)
{
	(void)daemon;
	return false;
}

bool fault_doubles(void)
{
	return false;
}

bool fault_cuts(void)
{
	return false;
}

enum fault_call fault_of_call(const char *what)
{
	(void)what;
	return FAULT_NONE;
}

int64_t fault_hang(void)
{
	return 60000000;
}

void faults_begin(void)
{
	over = false;
}

void faults_end(void)
{
	over = true;
}

bool faults_are_over(void)
{
	return over;
}
