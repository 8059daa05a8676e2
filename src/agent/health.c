/* Looking after the devices that nobody has. */
#include "agent/health.h"

#include "agent/entries.h"
#include "agent/ledger.h"
#include "agent/quarantine.h"
#include "agent/vf_dirt.h"
#include "agent/world.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/timestamp.h"
#include "sys/sys.h"

#include <string.h>

#define ASK_INTERVAL	 TIME_SECOND	    /* what the operator has asked for */
#define ROUND_INTERVAL	 (10 * TIME_SECOND) /* devices of nobody's */
#define RECHECK_INTERVAL (30 * TIME_SECOND) /* those in quarantine */

static struct {
	pthread_mutex_t lock;
	bool begun;
	char blocked[400];
	struct map looked; /* addresses that were looked at: "" or why they are not fit */
	int64_t rechecked_at;
	bool called;
} health = {.lock = PTHREAD_MUTEX_INITIALIZER};

void health_begin(const char *blocked)
{
	pthread_mutex_lock(&health.lock);
	health.begun = true;
	snprintf(health.blocked, sizeof health.blocked, "%s", blocked);
	map_done(&health.looked, free);
	health.rechecked_at = 0;
	pthread_mutex_unlock(&health.lock);
}

static void note(const char *address, const char *why)
{
	pthread_mutex_lock(&health.lock);
	free(map_put(&health.looked, address, memory_copy_text(why)));
	pthread_mutex_unlock(&health.lock);
}

/* --- what the inventory says --- */

static bool look_allows(const char *address, char *why, size_t size)
{
	pthread_mutex_lock(&health.lock);
	const char *found = map_get(&health.looked, address);
	if (health.begun)
		snprintf(why, size, "%s", found ? found : "it has not been looked at yet");
	else
		*why = '\0';
	pthread_mutex_unlock(&health.lock);
	return !*why;
}

bool health_allows(const struct known_device *device, char *why, size_t size)
{
	const char *address = device->device.address, *parent = device->device.parent;
	struct ledger_entry entry;
	struct quarantine q;

	if (quarantine_read(address, &q)) {
		snprintf(why, size, "quarantined: %s", q.reason);
		return false;
	}
	if (ledger_read(address, &entry)) {
		snprintf(why, size, "%s",
			 entry.unreadable ? "its entry in the agent's ledger cannot be read"
			 : strcmp(entry.server_id, LEDGER_NOBODY) == 0 ? "it is being cleaned"
								       : "");
		return !*why;
	}
	if (*parent && ledger_read(parent, &entry)) {
		snprintf(why, size, "its PF %s is with server %s", parent, entry.server_id);
		return false;
	}
	return look_allows(address, why, size);
}

/* --- what is looked at --- */

struct seen {
	struct granted_device device; /* as it shall be when it is nobody's */
	bool bound;		      /* to vfio-pci */
	bool driverless;
};

/* Those that are offered, and there. */
static struct seen *seen_list(size_t *count)
{
	struct seen *list = NULL;

	*count = 0;
	pthread_mutex_lock(&known_lock);
	for (size_t i = 0; i < known_count; i++) {
		const struct pci_device *d = &known[i].device;
		const struct known_device *pf = *d->parent ? known_find(d->parent) : NULL;

		if (!known[i].seen || !known[i].spec)
			continue;
		struct seen *seen = ARRAY_ADD(list, *count);
		*seen = (struct seen){.bound = strstr(d->driver, "vfio") != NULL, .driverless = !*d->driver};
		snprintf(seen->device.memory.address, sizeof seen->device.memory.address, "%s", d->address);
		seen->device.memory.mtu = -1;
		seen->device.place.vf_index = d->vf_index;
		snprintf(seen->device.place.parent, sizeof seen->device.place.parent, "%s", d->parent);
		snprintf(seen->device.place.pf, sizeof seen->device.place.pf, "%s",
			 pf ? pf->device.netdev : "");
		strcpy(seen->device.owner, LEDGER_NOBODY);
	}
	pthread_mutex_unlock(&known_lock);
	return list;
}

/* --- VFs with something on them --- */

/* The settings of the VFs of the PF that was asked for last. */
struct asked {
	char pf[16];
	struct vf_table table;
};

static const struct vf_settings *settings_find(struct asked *asked, const struct device_place *place,
					       struct error *err)
{
	if (strcmp(asked->pf, place->pf) != 0) {
		vf_table_done(&asked->table);
		*asked = (struct asked){0};
		if (!vf_table_read(place->pf, &asked->table, err))
			return NULL;
		snprintf(asked->pf, sizeof asked->pf, "%s", place->pf);
	}
	if ((size_t)place->vf_index >= asked->table.count || asked->table.vfs[place->vf_index].untold) {
		error_set(err, ERROR_NOT_FOUND, "%s has no VF %d", place->pf, place->vf_index);
		return NULL;
	}
	return &asked->table.vfs[place->vf_index];
}

/* Is it known what else there is on this host? */
static bool may_clean(char *why, size_t size)
{
	struct map guests = {0};
	struct error err;

	pthread_mutex_lock(&health.lock);
	snprintf(why, size, "%s", health.blocked);
	pthread_mutex_unlock(&health.lock);
	if (!*why && !world->domain_list(false, &guests, &err))
		snprintf(why, size, "%s", err.message);
	map_done(&guests, NULL);
	return !*why;
}

static void clean(const struct seen *seen, const struct vf_settings *settings)
{
	const struct granted_device *device = &seen->device;
	char dirt[160], blocked[400], why[QUARANTINE_REASON_SIZE];
	struct error err;

	vf_describe_dirt(settings, dirt);
	if (!may_clean(blocked, sizeof blocked)) {
		snprintf(why, sizeof why, "it has %s of nobody's and cannot be cleaned yet: %s", dirt,
			 blocked);
		note(device->memory.address, why);
		return;
	}
	if (granted_recheck(device, &err)) {
		log_warning("%s (VF %d of %s) is nobody's and has %s: cleaned", device->memory.address,
			    device->place.vf_index, device->place.pf, dirt);
		note(device->memory.address, "");
		return;
	}
	snprintf(why, sizeof why, "it has %.150s of nobody's and cannot be cleaned: %.200s", dirt,
		 err.message);
	if (err.kind == ERROR_CONFLICT) /* it was taken meanwhile */
		return;
	if (quarantine_put(device->memory.address, true, device, why, &err))
		return;
	log_error("%s", err.message);
	note(device->memory.address, why); /* nobody gets it all the same */
}

/* What was seen may be older than its release: it has its own driver back, which has given it an address. */
static bool is_the_hosts(const char *address)
{
	char driver[32];

	device_driver(address, driver);
	return *driver && !strstr(driver, "vfio");
}

/* A VF that its own driver has belongs to the host, which may have given it an address. */
static void look(const struct seen *seen, struct asked *asked)
{
	const struct granted_device *device = &seen->device;
	const char *address = device->memory.address;
	const struct vf_settings *settings;
	struct vf_settings now;
	char who[80], why[200];
	struct error err;

	if (seen->bound && world->holder(address, who, sizeof who)) {
		snprintf(why, sizeof why, "it is held by %s, to which Penstock did not give it", who);
		note(address, why);
		return;
	}
	if (!device_answers(address, &err)) {
		if (!quarantine_put(address, true, NULL, err.message, &err))
			note(address, err.message);
		return;
	}
	if (device->place.vf_index < 0 || !*device->place.pf || (!seen->bound && !seen->driverless)) {
		note(address, "");
		return;
	}
	settings = settings_find(asked, &device->place, &err);
	/* Looked at once more: the answer is of all VFs, and may be older than this one's release. */
	if (settings && vf_is_dirty(settings))
		settings = vf_read(device->place.pf, device->place.vf_index, &now, &err) ? &now : NULL;
	if (!settings)
		note(address, err.message);
	else if (vf_is_dirty(settings) && !is_the_hosts(address))
		clean(seen, settings);
	else
		note(address, "");
}

/* --- quarantine --- */

/* What can be said of one of which it is not known what it was. */
static bool check(const char *address, struct error *err)
{
	struct granted_device device = {.memory = {.address = "", .mtu = -1}, .owner = LEDGER_NOBODY};
	char driver[32];

	snprintf(device.memory.address, sizeof device.memory.address, "%s", address);
	device_driver(address, driver);
	if (!device_find(address, &device.place, err) || !device_answers(address, err))
		return false;
	if (device.place.vf_index >= 0 && *device.place.pf && (!*driver || strstr(driver, "vfio")))
		return granted_recheck(&device, err);
	return true;
}

static bool recheck(const char *address, const struct quarantine *q, struct error *err)
{
	struct ledger_entry entry;
	char who[80];

	if (ledger_read(address, &entry))
		return error_set(err, ERROR_CONFLICT, "%s is with server %s", address,
				 entry.unreadable ? "nobody knows which" : entry.server_id);
	if (world->holder(address, who, sizeof who))
		return error_set(err, ERROR_CONFLICT, "%s is held by %s", address, who);
	return (q->has_device ? granted_recheck(&q->device, err) : check(address, err)) &&
	       quarantine_lift(address, err);
}

/* The devices that `penstock device release` waits for. */
static void answer(const char *address, const struct quarantine *q, bool force)
{
	struct error err = {0};

	log_info("%s: the operator asks for its release%s", address,
		 force ? ", whatever is wrong with it" : "");
	bool ok = recheck(address, q, &err) || (force && quarantine_lift(address, &err));
	if (ok)
		note(address, "");
	else
		log_warning("%s stays in quarantine: %s", address, err.message);
	quarantine_answer(address, ok ? "" : err.message);
}

static void rechecks(void)
{
	bool due = sys_monotonic() - health.rechecked_at > RECHECK_INTERVAL, force;
	char **addresses = quarantine_list();
	struct quarantine q;
	struct error err;

	if (due)
		health.rechecked_at = sys_monotonic();
	for (char **address = addresses; *address; address++) {
		if (!quarantine_read(*address, &q))
			continue;
		if (quarantine_asked(*address, &force))
			answer(*address, &q, force);
		else if (due && q.heals && recheck(*address, &q, &err))
			note(*address, "");
		else if (due && q.heals)
			log_debug("%s stays in quarantine: %s", *address, err.message);
	}
	world_list_free(addresses);
}

/* --- rounds --- */

/* The first round may hang, and go on beside health_loop(). */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

void health_round(void)
{
	struct asked asked = {0};
	struct ledger_entry entry;
	struct quarantine q;
	size_t count;

	pthread_mutex_lock(&one_at_a_time);
	struct seen *list = seen_list(&count);
	for (size_t i = 0; i < count; i++) {
		const char *address = list[i].device.memory.address;

		/* One that a server has is clean when it has it no more. */
		if (ledger_read(address, &entry))
			note(address, "");
		else if (!quarantine_read(address, &q))
			look(&list[i], &asked);
	}
	vf_table_done(&asked.table);
	free(list);
	rechecks();
	pthread_mutex_unlock(&one_at_a_time);
}

void health_call(void)
{
	pthread_mutex_lock(&health.lock);
	health.called = true;
	pthread_mutex_unlock(&health.lock);
}

bool health_is_due(void)
{
	pthread_mutex_lock(&health.lock);
	bool due = health.called;
	health.called = false;
	pthread_mutex_unlock(&health.lock);
	return due;
}

static bool has_news(void)
{
	bool news = false;

	pthread_mutex_lock(&known_lock);
	pthread_mutex_lock(&health.lock);
	for (size_t i = 0; i < known_count; i++)
		news |= known[i].seen && known[i].spec && !map_get(&health.looked, known[i].device.address);
	pthread_mutex_unlock(&health.lock);
	pthread_mutex_unlock(&known_lock);
	return news;
}

void *health_loop(void *argument)
{
	int64_t looked_at = sys_monotonic(), asked_at = looked_at;

	(void)argument;
	pthread_mutex_lock(&agent.lock);
	while (agent_wait(ASK_INTERVAL)) {
		if (sys_monotonic() - asked_at < ASK_INTERVAL) /* something else has changed */
			continue;
		asked_at = sys_monotonic();
		pthread_mutex_unlock(&agent.lock);
		if (sys_monotonic() - looked_at > ROUND_INTERVAL || health_is_due() || has_news()) {
			health_round();
			looked_at = sys_monotonic();
		} else {
			pthread_mutex_lock(&one_at_a_time);
			rechecks();
			pthread_mutex_unlock(&one_at_a_time);
		}
		pthread_mutex_lock(&agent.lock);
	}
	pthread_mutex_unlock(&agent.lock);
	return NULL;
}
