/* Faults, drawn: how often each kind comes in this seed, and the fiber that makes the great ones. */
#include "faults.h"

#include "checks.h"
#include "cluster.h"
#include "disk.h"
#include "fiber.h"
#include "hosts.h"
#include "trace.h"
#include "workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND	INT64_C(1000000)
#define POLL_US (46 * SECOND) /* the longest that an agent waits for an answer */

unsigned faults_allowed = ~0u;

static const struct {
	const char *name;
	unsigned most; /* in a million, of those kinds that come at seams */
	int64_t mean;  /* microseconds between two, of the others */
} kinds[FAULT_KINDS] = {
	[FAULT_KILL_AT_SEAM] = {"kill-at-seam", 800, 0},
	[FAULT_KILL] = {"kill", 0, 240 * SECOND},
	[FAULT_POWER_CUT] = {"power-cut", 0, 900 * SECOND},
	[FAULT_LOSS] = {"loss", 30000, 0},
	[FAULT_CUT] = {"cut", 30000, 0},
	[FAULT_DOUBLE] = {"double", 30000, 0},
	[FAULT_SLOW] = {"slow", 50000, 0},
	[FAULT_PARTITION] = {"partition", 0, 400 * SECOND},
	[FAULT_CALL_FAILS] = {"call-fails", 30000, 0},
	[FAULT_CALL_UNHEARD] = {"call-unheard", 20000, 0},
	[FAULT_CALL_HANGS] = {"call-hangs", 5000, 0},
	[FAULT_DISK_FULL] = {"disk-full", 0, 900 * SECOND},
	[FAULT_CLOCK] = {"clock", 0, 900 * SECOND},
	[FAULT_GUEST_DIES] = {"guest-dies", 0, 300 * SECOND},
	[FAULT_STUBBORN] = {"stubborn", 0, 600 * SECOND},
	[FAULT_TYPING] = {"typing", 0, 300 * SECOND},
	[FAULT_VANISH] = {"vanish", 0, 600 * SECOND},
};

static bool over = true;
static unsigned rates[FAULT_KINDS];
static bool comes[FAULT_KINDS];
static int64_t cut_off_until[HOSTS_MAX + 1]; /* of an agent: nothing gets through */

const char *fault_name(enum fault_kind kind)
{
	return kinds[kind].name;
}

bool fault_comes(enum fault_kind kind)
{
	return !over && comes[kind];
}

bool faults_are_over(void)
{
	return over;
}

static bool happens(enum fault_kind kind)
{
	return !over && sim_chance(rates[kind]);
}

/* --- at the seams --- */

void fault_seam(const char *what, const char *where, int64_t microseconds)
{
	struct daemon *daemon = fiber_daemon();

	if (!daemon)
		return;
	if (daemon->host >= 0 && happens(FAULT_KILL_AT_SEAM)) {
		trace(TRACE_FAULT, "%s: killed at %s %s", daemon->name, what, where);
		checks_disturbed(daemon);
		cluster_strike(daemon, (int64_t)sim_below(20 * SECOND));
	}
	fiber_sleep(1 + (int64_t)sim_below((uint64_t)microseconds * 2));
}

int64_t fault_latency(const struct daemon *daemon)
{
	if (happens(FAULT_SLOW)) {
		int64_t time = (int64_t)sim_below(8 * SECOND);

		if (daemon)
			checks_disturbed_until(daemon, sim_now() + time);
		return time;
	}
	return 100 + (int64_t)sim_below(2000);
}

bool fault_loses(const struct daemon *daemon)
{
	int host = daemon ? daemon->host : 0;

	if (sim_now() >= cut_off_until[host] && !happens(FAULT_LOSS))
		return false;
	if (daemon) /* who asked may wait for an answer so long */
		checks_disturbed_until(daemon, sim_now() + POLL_US);
	return true;
}

bool fault_doubles(void)
{
	return happens(FAULT_DOUBLE);
}

bool fault_cuts(const struct daemon *daemon)
{
	if (!happens(FAULT_CUT))
		return false;
	if (daemon)
		checks_disturbed(daemon);
	return true;
}

enum fault_call fault_of_call(const char *what)
{
	enum fault_call fault = happens(FAULT_CALL_FAILS)     ? FAULT_FAILS
				: happens(FAULT_CALL_UNHEARD) ? FAULT_UNHEARD
				: happens(FAULT_CALL_HANGS)   ? FAULT_HANGS
							      : FAULT_NONE;

	(void)what;
	if (fault != FAULT_NONE)
		checks_disturbed(fiber_daemon());
	return fault;
}

int64_t fault_hang(void)
{
	return 5 * SECOND + (int64_t)sim_below(200 * SECOND);
}

/* --- the great ones --- */

static int host_draw(void)
{
	return 1 + (int)sim_below((uint64_t)cluster_hosts());
}

static struct daemon *daemon_draw(void)
{
	return sim_below(3) == 0 ? cluster_controller() : cluster_agent(host_draw());
}

static void kill_one(void)
{
	struct daemon *daemon = daemon_draw();

	checks_disturbed(daemon);
	cluster_strike(daemon, (int64_t)sim_below(sim_below(4) == 0 ? 120 * SECOND : 5 * SECOND));
}

static void power_cut(void)
{
	struct daemon *daemon = daemon_draw();

	checks_disturbed(daemon);
	cluster_power_cut(daemon, 2 * SECOND + (int64_t)sim_below(90 * SECOND));
}

static void partition(void)
{
	int host = host_draw();
	uint64_t length = sim_below(12);
	int64_t time = (int64_t)sim_below((length == 0 ? 2400 : length < 5 ? 300 : 40) * SECOND);

	trace(TRACE_FAULT, "h%d is cut off for %lld s", host, (long long)(time / SECOND));
	cut_off_until[host] = sim_now() + time;
	checks_disturbed_until(cluster_agent(host), cut_off_until[host]);
}

static void disk_fills(void)
{
	static char folder[200];
	struct daemon *daemon = daemon_draw();

	snprintf(folder, sizeof folder, "%s/site/%s/", disk_root(), daemon->name);
	trace(TRACE_FAULT, "the disk of %s is full", daemon->name);
	disk_full(folder, true);
	int64_t time = (int64_t)sim_below(60 * SECOND);
	checks_disturbed_until(daemon, sim_now() + time);
	fiber_sleep(time);
	trace(TRACE_FAULT, "the disk of %s has room again", daemon->name);
	disk_full(folder, false);
	checks_disturbed(daemon);
}

static void device_vanishes(void)
{
	int host = host_draw();

	hosts_device_vanishes(host);
	fiber_sleep((int64_t)sim_below(90 * SECOND));
	hosts_devices_return(host);
}

static void clock_jumps(void)
{
	int64_t by = (int64_t)sim_below(7200 * SECOND) - 3600 * SECOND;

	trace(TRACE_FAULT, "the clock is set by %lld s", (long long)(by / SECOND));
	sim_wall_jump(by);
	for (int host = 1; host <= cluster_hosts(); host++)
		checks_disturbed(cluster_agent(host));
}

static void trouble(enum fault_kind kind)
{
	switch (kind) {
	case FAULT_KILL:
		kill_one();
		break;
	case FAULT_POWER_CUT:
		power_cut();
		break;
	case FAULT_PARTITION:
		partition();
		break;
	case FAULT_DISK_FULL:
		disk_fills();
		break;
	case FAULT_CLOCK:
		clock_jumps();
		break;
	case FAULT_GUEST_DIES:
		hosts_guest_dies(host_draw());
		break;
	case FAULT_STUBBORN:
		hosts_set_stubborn(host_draw(), sim_below(2));
		break;
	case FAULT_TYPING:
		hosts_type(host_draw());
		break;
	case FAULT_VANISH:
		device_vanishes();
		break;
	default:
		break;
	}
}

static void *trouble_loop(void *argument)
{
	enum fault_kind kind = (enum fault_kind)(intptr_t)argument;

	for (;;) {
		fiber_sleep((int64_t)sim_below((uint64_t)kinds[kind].mean * 2));
		if (over)
			return NULL;
		trouble(kind);
	}
}

/* --- beginning and end --- */

void faults_begin(void)
{
	over = false;
	for (int kind = 0; kind < FAULT_KINDS; kind++) {
		uint64_t half = sim_below(2), much = sim_below(kinds[kind].most + 1);

		comes[kind] = half && faults_allowed & 1u << kind;
		rates[kind] = comes[kind] ? (unsigned)much : 0;
	}
	disk_remember(comes[FAULT_POWER_CUT]);
	for (int kind = 0; kind < FAULT_KINDS; kind++) {
		if (comes[kind] && kinds[kind].mean)
			fiber_start(NULL, kinds[kind].name, trouble_loop, (void *)(intptr_t)kind);
	}
}

void faults_end(void)
{
	over = true;
	disk_full("", false);
	for (int host = 0; host <= HOSTS_MAX; host++)
		cut_off_until[host] = 0;
	for (int host = 1; host <= cluster_hosts(); host++) {
		hosts_set_stubborn(host, false);
		hosts_devices_return(host);
		cluster_agent(host)->down_until = 0;
	}
	cluster_controller()->down_until = 0;
	trace(TRACE_WORLD, "nothing goes wrong from now on");
}
