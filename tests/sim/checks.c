/* Promises against the controller's database and the hosts. */
#include "checks.h"

#include "cluster.h"
#include "disk.h"
#include "faults.h"
#include "fiber.h"
#include "hosts.h"
#include "look.h"
#include "trace.h"
#include "workload.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND	    INT64_C(1000000)
#define LOOK_EVERY  (SECOND / 2)
#define LINGER	    (5 * SECOND)    /* promise 3 */
#define SLACK	    (3 * SECOND)    /* that calls of the host take within it */
#define STATE_LIMIT (1500 * SECOND) /* promise 5: the limits that the site is configured with, and rest */
#define CLAIMS_MAX  256
#define SERVERS_MAX 512
#define DEVICES_MAX 64

static int promise;
static char what[400];
static int64_t calm_since[HOSTS_MAX + 1]; /* 0: the controller */

void checks_broken(int number, const char *format, ...)
{
	va_list arguments;

	if (promise)
		return;
	promise = number;
	va_start(arguments, format);
	vsnprintf(what, sizeof what, format, arguments);
	va_end(arguments);
	trace(TRACE_CHECK, "promise %d is broken: %s", number, what);
}

int checks_verdict(void)
{
	return promise;
}

const char *checks_what(void)
{
	return what;
}

void checks_disturbed_until(const struct daemon *daemon, int64_t until)
{
	int64_t *since = &calm_since[daemon->host];

	*since = until > *since ? until : *since;
}

void checks_disturbed(const struct daemon *daemon)
{
	checks_disturbed_until(daemon, sim_now());
}

/* Since when has the host had a connection, with nobody troubling it? */
static int64_t connected_since(int host)
{
	if (!cluster_controller()->runs || !cluster_agent(host)->runs)
		checks_disturbed(cluster_agent(host));
	return calm_since[host] > calm_since[0] ? calm_since[host] : calm_since[0];
}

/* --- what the database says --- */

struct claim {
	int host;
	char address[16], server[37];
};

struct state {
	struct claim claims[CLAIMS_MAX];
	int count;
	bool sick[HOSTS_MAX + 1]
		 [DEVICES_MAX]; /* devices in quarantine: nobody touches them until they are well */
};

static void sick_row(void *argument, const char *const *columns)
{
	struct state *state = argument;
	int host = atoi(columns[0] + 1);
	char address[16];

	for (int i = 0; host && i < hosts_devices(host) && i < DEVICES_MAX; i++) {
		hosts_address(host, i, address);
		if (strcmp(address, columns[1]) == 0)
			state->sick[host][i] = true;
	}
}

static void claim_row(void *argument, const char *const *columns)
{
	struct state *state = argument;
	struct claim *claim = &state->claims[state->count];

	if (state->count == CLAIMS_MAX)
		return;
	claim->host = atoi(columns[0] + 1); /* "h1" */
	snprintf(claim->address, sizeof claim->address, "%s", columns[1]);
	snprintf(claim->server, sizeof claim->server, "%s", columns[2]);
	state->count++;
}

/* What a server has on a host that it has left is claimed under an id of its own. */
static bool state_read(struct state *state)
{
	*state = (struct state){0};
	return look("SELECT h.name, d.address FROM device d JOIN host h ON h.id = d.host_id WHERE d.health "
		    "<> 'ok'",
		    sick_row, state) &&
	       look("SELECT h.name, d.address, coalesce(l.server_id, m.server_id, d.server_id) FROM "
		    "device_claim d JOIN "
		    "host h ON h.id = d.host_id LEFT JOIN server_leftover l ON l.id = d.server_id LEFT JOIN "
		    "server_move m ON m.uuid = d.server_id",
		    claim_row, state);
}

static const struct claim *claim_of(const struct state *state, int host, const char *address)
{
	for (int i = 0; i < state->count; i++) {
		if (state->claims[i].host == host && strcmp(state->claims[i].address, address) == 0)
			return &state->claims[i];
	}
	return NULL;
}

/* --- promises 1 and 3: devices --- */

static int64_t odd_since[HOSTS_MAX + 1][DEVICES_MAX];

static void check_device(const struct state *state, int host, int index)
{
	const struct simulated_device *device = hosts_device(host, index);
	int64_t *since = &odd_since[host][index], from;
	char address[16];

	hosts_address(host, index, address);
	const struct claim *claim = claim_of(state, host, address);
	if (device->guest > 0) {
		const char *guest = hosts_guest(host, device->guest - 1);

		if (claim && strcmp(claim->server, guest) != 0)
			checks_broken(1, "h%d: guest %s has %s, which is claimed for server %s", host, guest,
				      address, claim->server);
	}
	if (claim || state->sick[host][index] || !hosts_is_vf(host, index) ||
	    hosts_vf_is_clean(host, index) || hosts_is_somebodys(host, index)) {
		*since = 0;
		return;
	}
	*since = *since ? *since : sim_now();
	from = connected_since(host) > *since ? connected_since(host) : *since;
	if (sim_now() - from > LINGER + SLACK)
		checks_broken(
			3, "h%d: %s is nobody's and is not clean: driver '%s', guest %d, mac '%s', vlan %d",
			host, address, device->driver, device->guest, device->settings.mac_address,
			device->settings.vlan);
}

static void check_devices(void)
{
	static struct state state;

	if (!state_read(&state))
		return;
	for (int host = 1; host <= cluster_hosts(); host++) {
		for (int i = 0; i < hosts_devices(host) && i < DEVICES_MAX; i++)
			check_device(&state, host, i);
	}
}

/* --- promise 1: dedicated CPUs --- */

struct cpus {
	char server[HOSTS_MAX + 1][64][37]; /* that has the CPU in the database, or "" */
};

static void cpu_row(void *argument, const char *const *columns)
{
	struct cpus *cpus = argument;
	int host = atoi(columns[0] + 1), cpu = atoi(columns[1]);

	if (host <= HOSTS_MAX && cpu < 64)
		snprintf(cpus->server[host][cpu], 37, "%s", columns[2]);
}

static void check_cpus_of(const struct cpus *cpus, int host)
{
	uint64_t taken = 0;

	for (int slot = 0; slot < hosts_slots(host); slot++) {
		const struct simulated_domain *domain = hosts_domain(host, slot);

		if (!*domain->id || domain->has_ended)
			continue;
		if (taken & domain->pinned)
			checks_broken(1, "h%d: guest %s is pinned to CPUs of another guest's", host,
				      domain->id);
		taken |= domain->pinned;
		for (int cpu = 0; cpu < 64; cpu++) {
			const char *claimed = cpus->server[host][cpu];

			if (domain->pinned >> cpu & 1 && *claimed && strcmp(claimed, domain->id) != 0)
				checks_broken(
					1,
					"h%d: guest %s is pinned to CPU %d, which is claimed for server %s",
					host, domain->id, cpu, claimed);
		}
	}
}

static void check_cpus(void)
{
	static struct cpus cpus;

	cpus = (struct cpus){0};
	if (!look("SELECT h.name, c.cpu, coalesce(l.server_id, m.server_id, c.server_id) FROM cpu_claim c "
		  "JOIN "
		  "host h ON h.id = c.host_id LEFT JOIN server_leftover l ON l.id = c.server_id LEFT JOIN "
		  "server_move m ON m.uuid = c.server_id",
		  cpu_row, &cpus))
		return;
	for (int host = 1; host <= cluster_hosts(); host++)
		check_cpus_of(&cpus, host);
}

/* --- promise 3: guests and claims without a server --- */

static int64_t stray_since[HOSTS_MAX + 1];

struct ids {
	char id[SERVERS_MAX][37];
	int count;
};

static void id_row(void *argument, const char *const *columns)
{
	struct ids *ids = argument;

	if (ids->count < SERVERS_MAX)
		snprintf(ids->id[ids->count++], 37, "%s", columns[0]);
}

static bool has_id(const struct ids *ids, const char *id)
{
	for (int i = 0; i < ids->count; i++) {
		if (strcmp(ids->id[i], id) == 0)
			return true;
	}
	return false;
}

static void check_guests_of(int host, const struct ids *servers)
{
	char stray[37] = "";

	for (int slot = 0; slot < hosts_slots(host); slot++) {
		if (*hosts_guest(host, slot) && !has_id(servers, hosts_guest(host, slot)))
			snprintf(stray, sizeof stray, "%s", hosts_guest(host, slot));
	}
	if (!*stray) {
		stray_since[host] = 0;
		return;
	}
	stray_since[host] = stray_since[host] ? stray_since[host] : sim_now();
	int64_t from = connected_since(host) > stray_since[host] ? connected_since(host) : stray_since[host];
	if (sim_now() - from > LINGER + SLACK)
		checks_broken(3, "h%d: guest %s is no server's", host, stray);
}

static void check_guests(void)
{
	static struct ids servers;

	servers.count = 0;
	if (!look("SELECT id FROM server", id_row, &servers))
		return;
	for (int host = 1; host <= cluster_hosts(); host++)
		check_guests_of(host, &servers);
}

static void check_claims(void)
{
	int64_t count =
		look_number("SELECT count(*) FROM claim WHERE server_id NOT IN (SELECT id FROM server UNION "
			    "SELECT id FROM server_leftover UNION SELECT uuid FROM server_move WHERE open)");

	if (count > 0)
		checks_broken(3, "%lld claims are no server's", (long long)count);
}

/* --- promise 5: states that must end --- */

static struct watched {
	char id[37], state[40];
	int64_t spent; /* while the controller runs */
	bool seen;
} watched[SERVERS_MAX];
static int watched_top; /* those in use are below */

static void state_row(void *argument, const char *const *columns)
{
	struct watched *free_one = watched_top < SERVERS_MAX ? &watched[watched_top] : NULL;

	(void)argument;
	for (int i = 0; i < watched_top; i++) {
		struct watched *w = &watched[i];

		if (!*w->id)
			free_one = w;
		if (strcmp(w->id, columns[0]) != 0)
			continue;
		w->seen = true;
		w->spent = strcmp(w->state, columns[1]) == 0 ? w->spent + LOOK_EVERY : 0;
		snprintf(w->state, sizeof w->state, "%s", columns[1]);
		if (w->spent > STATE_LIMIT)
			checks_broken(5, "server %s has been %s for %lld s", w->id, w->state,
				      (long long)(w->spent / SECOND));
		return;
	}
	if (!free_one)
		return;
	watched_top += free_one == &watched[watched_top];
	*free_one = (struct watched){.seen = true};
	snprintf(free_one->id, sizeof free_one->id, "%s", columns[0]);
	snprintf(free_one->state, sizeof free_one->state, "%s", columns[1]);
}

#define STABLE \
	"('active', 'stopped', 'paused', 'suspended', 'error', 'shelved', 'offloaded', 'resized', " \
	"'resized-off')"

/* A deletion that is late says so, and goes on; and so does what a host shall let go of. */
static void check_states(void)
{
	for (int i = 0; i < watched_top; i++)
		watched[i].seen = false;
	if (!look("SELECT id, state FROM server WHERE state NOT IN " STABLE
		  " AND (state NOT IN ('error-deleting', 'offloading') OR coalesce(fault_at, 0) < "
		  "state_since)",
		  state_row, NULL))
		return;
	for (int i = 0; i < watched_top; i++) {
		if (!watched[i].seen)
			watched[i] = (struct watched){0};
	}
	while (watched_top > 0 && !watched[watched_top - 1].seen)
		watched_top--;
}

/* --- promise 6: hosts that say nothing --- */

#define SILENCE (90 * SECOND)

static int64_t heard_at[HOSTS_MAX + 1];

void checks_heard(const struct daemon *daemon)
{
	heard_at[daemon->host] = sim_now();
}

static void check_voices(void)
{
	for (int host = 1; host <= cluster_hosts(); host++) {
		int64_t from =
			connected_since(host) > heard_at[host] ? connected_since(host) : heard_at[host];

		if (sim_now() - from > SILENCE)
			checks_broken(6, "h%d has said nothing for %lld s", host,
				      (long long)((sim_now() - from) / SECOND));
	}
}

static void *check_loop(void *unused)
{
	(void)unused;
	for (;;) {
		fiber_sleep(LOOK_EVERY);
		check_devices();
		check_cpus();
		check_claims();
		check_states();
		check_guests();
		check_voices();
	}
	return NULL;
}

void checks_begin(void)
{
	fiber_start(NULL, "checks", check_loop, NULL);
}

/* --- promise 6 --- */

struct settling {
	char *why;
	int size;
};

static void settle_row(void *argument, const char *const *columns)
{
	struct settling *s = argument;
	int host = atoi(columns[2] + (*columns[2] != 0));
	bool runs = host && hosts_runs(host, columns[0]);
	char quoted[40];

	snprintf(quoted, sizeof quoted, "'%s'", columns[1]);
	bool shall = strstr("'active' 'paused' 'resized'", quoted);
	bool stable = strstr(STABLE, quoted);
	if (!stable)
		snprintf(s->why, (size_t)s->size, "server %s is %s", columns[0], columns[1]);
	else if (shall != runs && strcmp(columns[1], "error") != 0)
		snprintf(s->why, (size_t)s->size, "server %s is %s, and its guest %s on %s", columns[0],
			 columns[1], runs ? "runs" : "does not run", columns[2]);
}

bool checks_settled(char *why, int size)
{
	struct settling s = {why, size};

	*why = '\0';
	if (!look("SELECT id, state, coalesce(host_name, '') FROM server", settle_row, &s))
		snprintf(why, (size_t)size, "the controller's database cannot be read");
	for (int host = 1; host <= cluster_hosts(); host++) {
		if (!cluster_agent(host)->runs)
			snprintf(why, (size_t)size, "h%d does not run", host);
	}
	return !*why;
}

static void folder_empty(int host, const char *name, char *why, int size)
{
	char path[200];

	snprintf(path, sizeof path, "%s/site/h%d/state/%s", disk_root(), host, name);
	DIR *folder = opendir(path);
	for (struct dirent *entry; folder && (entry = readdir(folder));) {
		if (*entry->d_name != '.')
			snprintf(why, (size_t)size, "h%d: %s/%s is left", host, name, entry->d_name);
	}
	if (folder)
		closedir(folder);
}

static void host_pristine(int host, char *why, int size)
{
	struct simulated *memory = hosts_memory(host);

	for (int i = 0; i < hosts_devices(host); i++) {
		if (hosts_is_vf(host, i) && !hosts_vf_is_clean(host, i))
			snprintf(why, (size_t)size,
				 "h%d: VF %d is not clean: driver '%s', guest %d, mac '%s'", host, i - 1,
				 hosts_device(host, i)->driver, hosts_device(host, i)->guest,
				 hosts_device(host, i)->settings.mac_address);
		if (!hosts_is_vf(host, i) && !hosts_device(host, i)->up)
			snprintf(why, (size_t)size, "h%d: the PF is down", host);
	}
	for (int slot = 0; slot < hosts_slots(host); slot++) {
		if (*hosts_guest(host, slot))
			snprintf(why, (size_t)size, "h%d: guest %s is left", host, hosts_guest(host, slot));
	}
	for (int i = 0; i < SIMULATED_NETWORKS; i++) {
		if (*memory->networks[i].id)
			snprintf(why, (size_t)size, "h%d: network %s is left", host, memory->networks[i].id);
	}
	folder_empty(host, "ledger", why, size);
	folder_empty(host, "quarantine", why, size);
	folder_empty(host, "instances", why, size);
}

bool checks_pristine(char *why, int size)
{
	*why = '\0';
	if (look_number("SELECT (SELECT count(*) FROM server) + (SELECT count(*) FROM claim) + (SELECT "
			"count(*) FROM "
			"device_claim) + (SELECT count(*) FROM server_leftover)") != 0)
		snprintf(why, (size_t)size, "servers, claims or leftovers are in the database");
	if (look_number("SELECT count(*) FROM device WHERE state <> 'present' OR health <> 'ok'") != 0)
		snprintf(why, (size_t)size, "a device is not present, or not well");
	for (int host = 1; host <= cluster_hosts(); host++)
		host_pristine(host, why, size);
	return !*why;
}
