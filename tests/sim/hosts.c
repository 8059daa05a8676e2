/* Looking at the memory of simulated hosts. */
#include "hosts.h"

#include "agent/world.h"
#include "checks.h"
#include "cluster.h"
#include "disk.h"
#include "fiber.h"
#include "trace.h"
#include "workload.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ADDRESSES_MAX 64

static struct simulated *maps[HOSTS_MAX + 1];

struct simulated *hosts_memory(int host)
{
	if (!maps[host]) {
		struct simulated *(*map)(const char *) =
			(struct simulated * (*)(const char *)) cluster_eye("simulated_map");
		maps[host] = map(cluster_host_file(host));
	}
	return maps[host] && maps[host]->size ? maps[host] : NULL;
}

int hosts_devices(int host)
{
	const struct simulated *memory = hosts_memory(host);

	return memory ? memory->pfs * (memory->vfs + 1) : 0;
}

struct simulated_device *hosts_device(int host, int index)
{
	return (struct simulated_device *)(hosts_memory(host) + 1) + index;
}

/* What the agent's module says of a device of this host: always the same. */
void hosts_address(int host, int index, char text[16])
{
	static char known[HOSTS_MAX + 1][ADDRESSES_MAX][16];

	if (index < ADDRESSES_MAX && *known[host][index]) {
		memcpy(text, known[host][index], 16);
		return;
	}
	struct simulated **now = cluster_eye("simulated_host");
	void (*address)(const struct simulated_device *, char *) =
		(void (*)(const struct simulated_device *, char *))cluster_eye("simulated_address");

	*now = hosts_memory(host);
	address(hosts_device(host, index), text);
	if (index < ADDRESSES_MAX)
		memcpy(known[host][index], text, 16);
}

bool hosts_is_vf(int host, int index)
{
	return index % (hosts_memory(host)->vfs + 1) != 0;
}

bool hosts_vf_is_clean(int host, int index)
{
	const struct simulated_device *device = hosts_device(host, index);
	const struct vf_settings *s = &device->settings;

	return !device->exists || device->dead ||
	       (strcmp(device->driver, "vfio-pci") != 0 && device->guest == 0 && !*s->mac_address &&
		s->vlan == 0 && s->spoof_check == 1 && s->trust == 0 && s->max_rate == 0 &&
		s->min_rate == 0 && s->link_state == 0);
}

int hosts_slots(int host)
{
	const struct simulated *memory = hosts_memory(host);

	return memory ? memory->servers : 0;
}

struct simulated_domain *hosts_domain(int host, int slot)
{
	return (struct simulated_domain *)hosts_device(host, hosts_devices(host)) + slot;
}

const char *hosts_guest(int host, int slot)
{
	return hosts_domain(host, slot)->id;
}

bool hosts_runs(int host, const char *id)
{
	for (int slot = 0; slot < hosts_slots(host); slot++) {
		if (strcmp(hosts_guest(host, slot), id) == 0)
			return true;
	}
	return false;
}

/* --- touching them --- */

static void tell_agent(int host, unsigned what)
{
	struct daemon *agent = cluster_agent(host);
	void (*tell)(unsigned) = (void (*)(unsigned))daemon_symbol(agent, "simulated_tell");

	if (agent->runs)
		tell(what);
}

/* A slot of one that runs, -1 if there is none. */
static int guest_draw(int host)
{
	int slots = hosts_slots(host), from = (int)sim_below((uint64_t)slots + 1);

	for (int i = 0; i < slots; i++) {
		if (*hosts_guest(host, (from + i) % slots))
			return (from + i) % slots;
	}
	return -1;
}

static void guest_end(int host, int slot, const char *why)
{
	void (*ends)(const char *) = (void (*)(const char *))cluster_eye("simulated_guest_ends");
	struct simulated **now = cluster_eye("simulated_host");
	char id[37];

	snprintf(id, sizeof id, "%s", hosts_guest(host, slot));
	trace(TRACE_FAULT, "h%d: %s %s", host, why, id);
	workload_guest_touched(id);
	*now = hosts_memory(host);
	ends(id);
}

void hosts_guest_dies(int host)
{
	int slot = guest_draw(host);

	if (slot >= 0)
		guest_end(host, slot, "it ends by itself, the guest");
}

void hosts_set_stubborn(int host, bool stubborn)
{
	struct simulated *memory = hosts_memory(host);

	if (memory && memory->stubborn != stubborn) {
		trace(TRACE_FAULT, "h%d: guests %s", host, stubborn ? "let go of nothing" : "let go");
		memory->stubborn = stubborn;
	}
}

static bool typed[HOSTS_MAX + 1][64];

bool hosts_is_somebodys(int host, int index)
{
	return typed[host][index] && !cluster_offers(host, index - 1);
}

static void type_ip_link(int host)
{
	int count = hosts_devices(host), index = (int)sim_below((uint64_t)count + 1);

	if (index >= count || !hosts_is_vf(host, index))
		return;
	struct simulated_device *device = hosts_device(host, index);
	typed[host][index] = true;
	if (sim_below(2))
		snprintf(device->settings.mac_address, sizeof device->settings.mac_address,
			 "02:00:00:00:%02x:%02x", (unsigned)sim_below(256), (unsigned)sim_below(256));
	else
		device->settings.vlan = 1 + (int)sim_below(4000);
	trace(TRACE_FAULT, "h%d: somebody types ip link set at VF %d: mac %s vlan %d", host, index - 1,
	      device->settings.mac_address, device->settings.vlan);
	tell_agent(host, WORLD_LINKS);
}

static void type_virsh(int host)
{
	int slot = guest_draw(host);

	if (slot < 0)
		return;
	if (sim_below(3) == 0) {
		guest_end(host, slot, "somebody types virsh destroy");
		return;
	}
	struct simulated_domain *domain = hosts_domain(host, slot);
	domain->paused = !domain->paused;
	trace(TRACE_FAULT, "h%d: somebody types virsh %s %s", host, domain->paused ? "suspend" : "resume",
	      domain->id);
}

void hosts_type(int host)
{
	if (sim_below(3))
		type_ip_link(host);
	else
		type_virsh(host);
}

void hosts_device_vanishes(int host)
{
	int count = hosts_devices(host), index = (int)sim_below((uint64_t)count + 1);

	if (index >= count || !hosts_device(host, index)->exists)
		return;
	trace(TRACE_FAULT, "h%d: device %d falls off the bus", host, index);
	hosts_device(host, index)->dead = true;
}

void hosts_devices_return(int host)
{
	for (int i = 0; i < hosts_devices(host); i++) {
		if (!hosts_device(host, i)->dead)
			continue;
		trace(TRACE_FAULT, "h%d: device %d is back", host, i);
		hosts_device(host, i)->dead = false;
		checks_disturbed(cluster_agent(host));
	}
}

static bool vfs_are_free(int host)
{
	bool all = true;

	for (int i = 1; i < hosts_devices(host); i++)
		all &= hosts_device(host, i)->guest == 0 &&
		       strcmp(hosts_device(host, i)->driver, "vfio-pci") != 0;
	return all;
}

bool hosts_set_numvfs(int host, int count)
{
	struct simulated **now = cluster_eye("simulated_host");
	int (*set)(struct simulated_device *, int) =
		(int (*)(struct simulated_device *, int))cluster_eye("simulated_set_numvfs");

	if (!hosts_memory(host))
		return false;
	if (hosts_device(host, 0)->numvfs == count)
		return true;
	if (!vfs_are_free(host) || hosts_device(host, 0)->dead)
		return false;
	*now = hosts_memory(host);
	bool ok = set(hosts_device(host, 0), 0) == 0 && set(hosts_device(host, 0), count) == 0;
	trace(TRACE_WORLD, "h%d has %d VFs now", host, hosts_device(host, 0)->numvfs);
	checks_disturbed(cluster_agent(host));
	tell_agent(host, WORLD_DEVICES);
	return ok;
}

void hosts_boot(int host)
{
	for (int slot = 0; slot < hosts_slots(host); slot++) {
		if (*hosts_guest(host, slot))
			workload_guest_touched(hosts_guest(host, slot));
	}
	unlink(cluster_host_file(host));
	maps[host] = NULL;
}
