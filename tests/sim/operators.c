/* Operators, each in a loop of its own. */
#include "operators.h"

#include "ask.h"
#include "checks.h"
#include "cluster.h"
#include "faults.h"
#include "fiber.h"
#include "hosts.h"
#include "trace.h"
#include "workload.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000)
#define VFS    4 /* of each host, as it begins */

static bool ending;
static int busy;

static int host_draw(void)
{
	return 1 + (int)sim_below((uint64_t)cluster_hosts());
}

/* --- hosts out of the choice, and back --- */

static bool service_find(int host, char id[37])
{
	struct reply reply = askf("GET", NULL, COMPUTE "/os-services?binary=nova-compute&host=h%d", host);
	yyjson_val *first = yyjson_arr_get_first(reply_member(&reply, "services"));
	const char *text = yyjson_get_str(yyjson_obj_get(first, "id"));

	snprintf(id, 37, "%s", text ? text : "");
	reply_done(&reply);
	return *id;
}

static bool service_change(int host, const char *body)
{
	char id[37];

	if (!service_find(host, id))
		return false;
	struct reply reply = askf("PUT", body, COMPUTE "/os-services/%s", id);
	bool ok = reply_is_ok(&reply);
	reply_done(&reply);
	return ok;
}

static void disable_or_enable(void)
{
	service_change(host_draw(),
		       sim_below(3) ? "{\"status\": \"enabled\"}" : "{\"status\": \"disabled\"}");
}

/* --- evacuation: the host is off, and stays so until its servers are elsewhere --- */

static void evacuate_servers(int host)
{
	struct reply reply = askf("GET", NULL, COMPUTE "/servers?all_tenants=1&host=h%d", host);
	yyjson_val *list = reply_member(&reply, "servers"), *server;
	size_t i, count;

	yyjson_arr_foreach (list, i, count, server) {
		const char *id = yyjson_get_str(yyjson_obj_get(server, "id"));

		workload_guest_touched(id); /* one that was off is started and stopped again */
		struct reply done = askf("POST", "{\"evacuate\": {}}", COMPUTE "/servers/%s/action", id);
		reply_done(&done);
	}
	reply_done(&reply);
}

static void evacuate(void)
{
	int host = host_draw();
	struct daemon *agent = cluster_agent(host);

	if (!agent->runs || !fault_comes(FAULT_POWER_CUT))
		return;
	trace(TRACE_WORLD, "the power of h%d is gone, and its servers are to be evacuated", host);
	cluster_power_cut(agent, INT64_MAX / 2);
	if (service_change(host, "{\"forced_down\": true}"))
		evacuate_servers(host);
	fiber_sleep((int64_t)sim_below(120 * SECOND));
	agent->down_until = sim_now();
	for (int tries = 0; tries < 100 && !service_change(host, "{\"forced_down\": false}"); tries++)
		fiber_sleep(5 * SECOND);
}

/* --- which devices there are, and which are offered --- */

static void change_vf_count(void)
{
	hosts_set_numvfs(host_draw(), 1 + (int)sim_below(VFS));
}

static void change_device_spec(void)
{
	cluster_offer(host_draw(), sim_below(2));
}

/* --- the loops --- */

static const struct job {
	const char *name;
	void (*work)(void);
	int64_t mean; /* between two: seconds */
} jobs[] = {{"disables", disable_or_enable, 150},
	    {"evacuates", evacuate, 1500},
	    {"vf-counts", change_vf_count, 400},
	    {"device-specs", change_device_spec, 900}};

static void *job_loop(void *argument)
{
	const struct job *job = argument;

	while (!ending) {
		int64_t until = sim_now() + (int64_t)sim_below((uint64_t)(job->mean * 2 * SECOND));

		while (!ending && sim_now() < until)
			fiber_sleep(10 * SECOND);
		if (!ending)
			job->work();
	}
	busy--;
	return NULL;
}

void operators_begin(void)
{
	for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
		busy++;
		fiber_start(NULL, jobs[i].name, job_loop, (void *)&jobs[i]);
	}
}

void operators_end(void)
{
	ending = true;
	for (int host = 1; host <= cluster_hosts(); host++)
		cluster_offer(host, true);
}

bool operators_are_over(void)
{
	return busy == 0;
}

bool operators_restored(void)
{
	bool all = true;

	for (int host = 1; host <= cluster_hosts(); host++)
		all &= hosts_set_numvfs(host, VFS);
	return all;
}
