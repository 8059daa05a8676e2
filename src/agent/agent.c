/* The agent at work.  Five threads look and decide, workers act:
 *   poll     asks the controller what this host should run (long poll) and answers for console logs
 *   watch    looks at the host: inventory, guests that ended by themselves; waits for nothing long
 *   health   looks at devices that nobody has, and cleans them
 *   guard    listens to the kernel: PFs stay up, VFs as they were programmed (guard.h)
 *   main     gives each server that is not as wanted to a worker, and reports what changed
 * A server has at most one worker at a time.  Nothing is done before the controller was asked; if it does not
 * answer, what it wanted last counts, and nothing is removed. */
#include "agent/agent.h"

#include "agent/deadline.h"
#include "agent/entries.h"
#include "agent/file.h"
#include "agent/guard.h"
#include "agent/health.h"
#include "agent/images.h"
#include "agent/learn.h"
#include "agent/plug.h"
#include "agent/quarantine.h"
#include "agent/report.h"
#include "agent/world.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/timestamp.h"
#include "sys/sys.h"

#include <malloc.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#define WATCH_INTERVAL (2 * TIME_SECOND)
#define RENEW_INTERVAL (25 * TIME_SECOND) /* an inventory is also the NIC agent's heartbeat */
#define CLEAN_INTERVAL (3600 * TIME_SECOND)
#define END_SECONDS    15
#define LOOK_SECONDS   10 /* that looking at the host may take before it is left to itself */

/* The whole time, or half of it if devices came or went; false when it is time to end. */
static bool sleep_through(int64_t microseconds)
{
	int64_t begun = sys_monotonic(), left;

	do
		left = begun + (agent.look ? microseconds / 2 : microseconds) - sys_monotonic();
	while (left > 0 && agent_wait(left));
	agent.look = false;
	return !agent.stopping;
}

void agent_look(void)
{
	pthread_mutex_lock(&agent.lock);
	agent.look = true;
	pthread_cond_broadcast(&agent.changed);
	pthread_mutex_unlock(&agent.lock);
}

void agent_stop(void)
{
	pthread_mutex_lock(&agent.lock);
	agent.stopping = true;
	pthread_cond_broadcast(&agent.changed);
	pthread_mutex_unlock(&agent.lock);
}

/* --- watching the host --- */

/* Servers that run and that nobody is at: by id, 1 + the generation in which they were started. */
static void list_running(struct map *ids)
{
	struct map_entry *slot;

	for (size_t position = 0; (slot = map_next(&agent.entries, &position));) {
		const struct entry *entry = slot->value;

		if ((entry->state == STATE_RUNNING || entry->state == STATE_PAUSED) && !entry->busy)
			map_put(ids, entry->id, (void *)(intptr_t)(entry->done + 1));
	}
}

/* Was running before the guests were listed, is not among them, and nobody was at it meanwhile. */
static void note_ended(const struct map *before, const struct map *guests)
{
	struct map_entry *slot;

	for (size_t position = 0; (slot = map_next(before, &position));) {
		struct entry *entry = map_get(&agent.entries, slot->key);

		if (map_get(guests, slot->key) || !entry ||
		    (entry->state != STATE_RUNNING && entry->state != STATE_PAUSED) || entry->busy ||
		    entry->done + 1 != (intptr_t)slot->value)
			continue;
		log_warning("server %s: the guest has ended", entry->id);
		entry->state = STATE_STOPPED;
		entry->report = true;
		pthread_cond_broadcast(&agent.changed);
	}
}

/* Guests that ended by themselves: QEMU died, or the guest switched itself off. */
static void watch_guests(void)
{
	struct map guests = {0}, before = {0};
	struct error err;

	pthread_mutex_lock(&agent.lock);
	list_running(&before);
	pthread_mutex_unlock(&agent.lock);
	if (before.count > 0 && world->domain_list(false, &guests, &err)) {
		pthread_mutex_lock(&agent.lock);
		note_ended(&before, &guests);
		pthread_mutex_unlock(&agent.lock);
	}
	map_done(&guests, NULL);
	map_done(&before, NULL);
}

/* A guest that let go of a port after all: it is plugged in again, as what is wanted did not change. */
static void settle_loose(const char *id)
{
	yyjson_doc *remembered = plug_is_loose(&agent.settings->folders, id)
					 ? server_remembered(&agent.settings->folders, id)
					 : NULL;

	pthread_mutex_lock(&agent.lock);
	struct entry *entry = map_get(&agent.entries, id);
	if (remembered && entry && !entry->busy && !entry->wanted) {
		log_info("server %s: the guest has let go of a port that it is to have", id);
		entry->done = -1;
		entry->loose = false;
		entry_want(entry, yyjson_doc_get_root(remembered));
		pthread_cond_broadcast(&agent.changed);
	}
	pthread_mutex_unlock(&agent.lock);
	yyjson_doc_free(remembered);
}

static void watch_loose(void)
{
	struct map ids = {0};
	struct map_entry *slot;

	pthread_mutex_lock(&agent.lock);
	for (size_t position = 0; (slot = map_next(&agent.entries, &position));) {
		const struct entry *entry = slot->value;

		if (entry->loose && !entry->busy && !entry->wanted)
			map_put(&ids, entry->id, &ids);
	}
	pthread_mutex_unlock(&agent.lock);
	for (size_t position = 0; (slot = map_next(&ids, &position));)
		settle_loose(slot->key);
	map_done(&ids, NULL);
}

struct sent_inventory {
	uint64_t hash;
	int64_t at;
	bool ever;	/* the controller took one */
	char said[400]; /* why it did not take the last one */
};

static uint64_t hash_of(const char *text)
{
	uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return hash;
}

/* What the controller does not take of a host that starts is a mistake in its configuration, and it does not
 * start.  Later the host goes on as it was. */
static void inventory_refused(struct sent_inventory *last, const struct error *err)
{
	if (err->kind == ERROR_CONFLICT && !last->ever) {
		pthread_mutex_lock(&agent.lock);
		agent.refused = *err;
		pthread_mutex_unlock(&agent.lock);
		agent_stop();
		return;
	}
	if (err->kind != ERROR_CONFLICT || strncmp(last->said, err->message, sizeof last->said - 1) != 0)
		log_warning("%s", err->message);
	snprintf(last->said, sizeof last->said, "%s", err->message);
}

/* --- looking at the host, which may hang --- */

static void run_step(void *argument)
{
	void (**step)(void) = argument;

	(*step)();
}

/* False if it takes too long: then it goes on by itself, and is not begun anew meanwhile. */
static bool bounded(const char *what, void (*step)(void))
{
	void (**copy)(void) = memory_alloc(sizeof *copy);
	struct error err;

	*copy = step;
	if (!deadline_run(what, what, LOOK_SECONDS, run_step, free, copy, &err))
		return false;
	free(copy);
	return true;
}

struct looking {
	char *text;
	struct error err;
};

static void look(void *argument)
{
	struct looking *looking = argument;

	looking->text = report_inventory(agent.settings, &looking->err);
}

static void looking_free(void *argument)
{
	struct looking *looking = argument;

	free(looking->text);
	free(looking);
}

/* The inventory; while looking hangs, what it was last (NULL if there is none). */
static char *look_at_host(void)
{
	static char *last;
	struct looking *looking = memory_alloc(sizeof *looking);
	struct error err;

	if (deadline_run("the inventory", "looking at the host's devices", LOOK_SECONDS, look, looking_free,
			 looking, &err)) {
		if (!looking->text)
			log_warning("%s", looking->err.message);
		free(last);
		last = TAKE_PTR(looking->text);
		looking_free(looking);
	}
	return memory_copy_text(last);
}

static void watch_inventory(struct sent_inventory *last)
{
	unsigned quarantined = quarantine_count();
	_cleanup_free_ char *now = look_at_host();
	struct error err;
	bool sent;

	pthread_mutex_lock(&agent.lock);
	sent = agent.inventory_sent;
	pthread_mutex_unlock(&agent.lock);
	if (!now)
		return;
	if (sent && last->hash == hash_of(now) && sys_monotonic() - last->at < RENEW_INTERVAL) {
		quarantine_told(quarantined);
		return;
	}
	report_keep(agent.settings, now);
	last->hash = hash_of(now);
	last->at = sys_monotonic();
	sent = controller_send(&agent.settings->controller, "PUT", "inventory", "application/json", now,
			       strlen(now), 15, NULL, &err);
	last->ever |= sent;
	if (!sent)
		inventory_refused(last, &err);
	else
		*last->said = '\0';
	pthread_mutex_lock(&agent.lock);
	agent.inventory_sent = sent;
	if (sent)
		quarantine_told(quarantined);
	pthread_mutex_unlock(&agent.lock);
}

static void *watch_loop(void *argument)
{
	struct sent_inventory last = {0};
	int64_t cleaned_at = INT64_MIN / 2;

	(void)argument;
	pthread_mutex_lock(&agent.lock);
	do {
		pthread_mutex_unlock(&agent.lock);
		watch_inventory(&last);
		bounded("looking for guests that ended", watch_guests);
		bounded("looking for ports that came loose", watch_loose);
		if (sys_monotonic() - cleaned_at > CLEAN_INTERVAL) {
			images_clean(agent.settings->folders.cache, agent.settings->folders.instances);
			cleaned_at = sys_monotonic();
		}
		malloc_trim(0); /* what an inventory or many servers at once took */
		pthread_mutex_lock(&agent.lock);
		work_watch();
	} while (sleep_through(WATCH_INTERVAL));
	pthread_mutex_unlock(&agent.lock);
	return NULL;
}

/* --- what an earlier life of the agent left on this host --- */

static void learn_folder(const char *id)
{
	struct entry *entry = entry_get(id);
	yyjson_doc *remembered = server_remembered(&agent.settings->folders, id);
	if (remembered)
		entry_want(entry, yyjson_doc_get_root(remembered));
	yyjson_doc_free(remembered);
}

/* Files that it was writing when it was killed. */
static void sweep(void)
{
	static const char *const folders[] = {"", "/ledger", "/quarantine"};

	for (size_t i = 0; i < ELEMENTS_OF(folders); i++) {
		_cleanup_free_ char *path = memory_printf("%s%s", agent.settings->state_dir, folders[i]);

		file_sweep(path);
	}
}

static void learn(void)
{
	_cleanup_closedir_ DIR *dir = opendir(agent.settings->folders.instances);
	struct map domains = {0};
	struct map_entry *slot;
	char blocked[400];
	struct error err;

	learn_journals(agent.settings->folders.instances, blocked, sizeof blocked);
	health_begin(blocked);
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		if (is_uuid(entry->d_name))
			learn_folder(entry->d_name);
	}
	if (!world->domain_list(true, &domains, &err))
		log_warning("%s", err.message);
	for (size_t position = 0; (slot = map_next(&domains, &position));)
		entry_get(slot->key);
	map_done(&domains, NULL);
	log_info("%zu servers of an earlier time are on this host", agent.entries.count);
}

/* They finish what they are at, if that does not take long: a later life would finish it as well. */
static void workers_wait(void)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += END_SECONDS;
	while (agent.workers > 0 &&
	       pthread_cond_clockwait(&agent.changed, &agent.lock, CLOCK_MONOTONIC, &until) == 0) {
	}
}

/* One that hangs in a call does not keep the agent from ending. */
static void threads_end(pthread_t watch_thread)
{
	struct timespec until;
	char hanging[1000];

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += LOOK_SECONDS;
	if (pthread_clockjoin_np(watch_thread, NULL, CLOCK_MONOTONIC, &until) != 0)
		pthread_detach(watch_thread);
	deadline_tell(hanging, sizeof hanging);
	if (*hanging)
		log_warning("what hangs is left to itself: %s", hanging);
}

bool agent_run(const struct agent_settings *settings, struct error *err)
{
	pthread_t poll_thread, watch_thread, health_thread, guard_thread;

	agent.settings = settings;
	guard_configure(settings->keep_pfs_up);
	sweep();
	deadline_returned = work_try_again;
	learn();
	/* Devices are known, and looked at, before the first server comes. */
	free(look_at_host());
	bounded("looking at devices of nobody's", health_round);
	if (pthread_create(&poll_thread, NULL, poll_loop, NULL) != 0 ||
	    pthread_create(&watch_thread, NULL, watch_loop, NULL) != 0 ||
	    pthread_create(&health_thread, NULL, health_loop, NULL) != 0 ||
	    pthread_create(&guard_thread, NULL, guard_loop, NULL) != 0)
		return error_set(err, ERROR_INTERNAL, "cannot start threads");
	pthread_mutex_lock(&agent.lock);
	do {
		work_dispatch();
		status_send();
		work_dispatch();
		sd_notify(0, "WATCHDOG=1");
	} while (agent_wait(TIME_SECOND));
	workers_wait();
	status_send();
	pthread_mutex_unlock(&agent.lock);
	/* The long poll may take half a minute to end; the process does not wait for it. */
	threads_end(watch_thread);
	pthread_detach(health_thread);
	pthread_detach(guard_thread); /* it may hang in a driver */
	pthread_detach(poll_thread);
	if (agent.refused.kind == ERROR_NONE)
		return true;
	*err = agent.refused;
	return false;
}
