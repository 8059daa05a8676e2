/* Workers: each makes one server so, and is the only one at it meanwhile. */
#include "agent/controller.h"
#include "agent/deadline.h"
#include "agent/disk.h"
#include "agent/entries.h"
#include "agent/groups.h"
#include "agent/migration.h"
#include "agent/report.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/timestamp.h"
#include "sys/sys.h"

#include <string.h>

#define WORKERS	    4  /* that get on */
#define WORKERS_ALL 64 /* with those that do not */
#define ASK_SECONDS 15
#define RETRY_MAX   (60 * TIME_SECOND)
#define LATE_AFTER  (20 * TIME_SECOND) /* does not count as getting on any more */
#define STEP_LIMIT  (60 * TIME_SECOND) /* a driver's reset may take some seconds, a download minutes */

static void step_begins(const char *step, void *argument)
{
	struct entry *entry = argument;

	log_debug("server %s: step \"%s\"", entry->id, step);
	pthread_mutex_lock(&agent.lock);
	entry->step = step;
	entry->busy_since = sys_monotonic();
	entry->late = false;
	pthread_mutex_unlock(&agent.lock);
}

static bool is_superseded(void *argument)
{
	const struct entry *entry = argument;

	pthread_mutex_lock(&agent.lock);
	bool superseded = entry->next || agent.stopping;
	pthread_mutex_unlock(&agent.lock);
	return superseded;
}

/* Asked while a guest goes to another host: has something else been wanted since? */
static enum world_wish wish_of(void *argument)
{
	const struct entry *entry = argument;
	enum world_wish wish = WORLD_GO_ON;

	pthread_mutex_lock(&agent.lock);
	_cleanup_free_ char *next = memory_copy_text(entry->next);
	pthread_mutex_unlock(&agent.lock);
	yyjson_doc *doc = next ? yyjson_read(next, strlen(next), 0) : NULL;
	yyjson_val *server = yyjson_doc_get_root(doc);
	if (doc && strcmp(json_text(server, "want"), "leaving") != 0)
		wish = WORLD_STAY;
	else if (json_bool(yyjson_obj_get(server, "migration"), "complete", false))
		wish = WORLD_COMPLETE;
	yyjson_doc_free(doc);
	return wish;
}

static void hold_loosely(struct entry *entry)
{
	pthread_mutex_lock(&agent.lock);
	entry->loose = true;
	pthread_mutex_unlock(&agent.lock);
}

static void port_troubles(const char *port_id, bool held, const char *why, void *argument)
{
	struct entry *entry = argument;

	log_warning("server %s: port %s: %s", entry->id, port_id, why);
	pthread_mutex_lock(&agent.lock);
	entry_trouble(entry, port_id, why);
	pthread_mutex_unlock(&agent.lock);
	if (held)
		hold_loosely(entry);
}

/* The guest is as wanted; its disk may be wanted elsewhere. */
static enum state send_disk(const struct lifecycle *life, yyjson_val *server, enum state state, bool *later,
			    bool *refused, struct error *err)
{
	switch (disk_send(life, server, state == STATE_RUNNING, err)) {
	case DISK_LATER:
		*later = true;
		break;
	case DISK_REFUSED:
		*refused = true;
		break;
	case DISK_SENT:
		break;
	}
	return state;
}

static bool may_leave(const char *server_id, int64_t generation, struct error *err)
{
	_cleanup_free_ char *path =
		memory_printf("servers/%s/leaving?generation=%lld", server_id, (long long)generation);

	return controller_send(&agent.settings->controller, "GET", path, "application/json", NULL, 0,
			       ASK_SECONDS, NULL, err);
}

/* What the controller is to tell the host to which the guest goes.  Without it that does not begin. */
static void take_facts(struct entry *entry, yyjson_val *server, bool *refused, struct error *err)
{
	char *facts = NULL;

	if (json_bool(yyjson_obj_get(server, "migration"), "tell", false)) {
		facts = migration_facts(&agent.settings->folders, entry->id, err);
		*refused = !facts;
	}
	pthread_mutex_lock(&agent.lock);
	free(entry->facts);
	entry->facts = facts;
	pthread_mutex_unlock(&agent.lock);
}

/* `want` is one of those of live migration. */
static enum server_outcome work_migration(const struct lifecycle *life, yyjson_val *server, const char *want,
					  struct error *err)
{
	if (strcmp(want, "incoming") == 0)
		return migration_await(life, server, err);
	if (strcmp(want, "arrived") == 0)
		return migration_arrive(life, server, err);
	return migration_leave(life, server,
			       &(struct migration_word){.wish = wish_of, .may_leave = may_leave}, err);
}

static bool is_migration(const char *want)
{
	return strcmp(want, "incoming") == 0 || strcmp(want, "arrived") == 0 ||
	       strcmp(want, "leaving") == 0 || strcmp(want, "staying") == 0;
}

/* *later: it could not be done now and is to be tried again; *refused: it is not as wanted and stays so. */
static enum state work_off(struct entry *entry, yyjson_val *server, bool *later, bool *refused,
			   struct error *err)
{
	const struct agent_settings *s = agent.settings;
	const struct lifecycle life = {.folders = &s->folders,
				       .controller = &s->controller,
				       .offered = report_offers,
				       .mates = groups_mates,
				       .step = step_begins,
				       .trouble = port_troubles,
				       .superseded = is_superseded,
				       .argument = entry};
	const char *want = json_text(server, "want");

	*later = *refused = false;
	if (!server_check(server, err))
		return STATE_FAILED; /* what it has on the host stays as it is */
	if (strcmp(want, "kept") == 0) {
		*later = !server_keep(&life, entry->id, err);
		return STATE_STOPPED;
	}
	if (strcmp(want, "stopped") != 0 && strcmp(want, "absent") != 0) {
		switch (is_migration(want) ? work_migration(&life, server, want, err)
					   : server_setup(&life, server, err)) {
		case SERVER_INCOMING:
			return STATE_INCOMING;
		case SERVER_LEFT:
			return STATE_LEFT;
		case SERVER_RUNS:
			take_facts(entry, server, refused, err);
			return send_disk(&life, server, STATE_RUNNING, later, refused, err);
		case SERVER_PAUSED:
			return STATE_PAUSED;
		case SERVER_SUSPENDED:
			return STATE_SUSPENDED;
		case SERVER_REFUSED:
			*refused = true;
			hold_loosely(entry);
			return STATE_RUNNING;
		case SERVER_ENDED:
			return send_disk(&life, server, STATE_STOPPED, later, refused, err);
		case SERVER_FAILED:
			return STATE_FAILED;
		case SERVER_LATER:
			break;
		}
		*later = true;
		return STATE_FAILED;
	}
	/* What shall end or go must: there is no failing, only trying again.  The controller keeps the
	 * devices. */
	if (strcmp(want, "stopped") == 0) {
		if ((*later = !server_stop(&life, server, err)))
			return STATE_STOPPED;
		return send_disk(&life, server, STATE_STOPPED, later, refused, err);
	}
	*later = !server_teardown(&life, entry->id, err);
	return STATE_GONE;
}

/* It is told what is waited for if that lasts. */
static void retry_later(struct entry *entry, const struct error *err)
{
	const char *why = err->message;
	int64_t wait = AGENT_RETRY << (entry->attempts < 6 ? entry->attempts : 6);

	log_warning("server %s: %s; trying again", entry->id, why);
	entry->attempts++;
	entry_fail(entry, why);
	entry->waits = true;
	entry->report = entry->attempts > 1 || (err->type && strcmp(err->type, DEADLINE_HANG) == 0);
	entry->not_before = sys_monotonic() + (wait < RETRY_MAX ? wait : RETRY_MAX);
}

static void work_settle(struct entry *entry, enum state state, bool refused, const struct error *err)
{
	bool fault = state == STATE_FAILED || refused;

	entry->loose &= (state == STATE_RUNNING || state == STATE_PAUSED);

	entry->state = state;
	entry->waits = false;
	entry->done = entry->generation;
	entry->report = true;
	entry->attempts = 0;
	entry_done(entry);
	entry_fail(entry, fault ? err->message : NULL);
	entry->fault_kind = fault ? err->type : NULL;
	if (fault)
		log_warning("server %s: %s", entry->id, err->message);
	else
		log_info("server %s: %s", entry->id, state_text(state));
}

static void *worker(void *argument)
{
	struct entry *entry = argument;
	struct error err = {0};
	yyjson_doc *doc = entry_server(entry);
	bool later, refused;

	pthread_mutex_lock(&agent.lock);
	entry_trouble(entry, NULL, NULL);
	pthread_mutex_unlock(&agent.lock);
	enum state state = work_off(entry, yyjson_doc_get_root(doc), &later, &refused, &err);

	yyjson_doc_free(doc);
	pthread_mutex_lock(&agent.lock);
	entry->busy = false;
	entry->step = NULL;
	if (later)
		retry_later(entry, &err);
	else
		work_settle(entry, state, refused, &err);
	entry_next(entry);
	agent.workers--;
	pthread_cond_broadcast(&agent.changed);
	pthread_mutex_unlock(&agent.lock);
	return NULL;
}

static bool needs_work(const struct entry *entry)
{
	if (entry->busy || !entry->wanted || sys_monotonic() < entry->not_before)
		return false;
	return entry->absent ? entry->state != STATE_GONE : entry->done != entry->generation;
}

struct entry *work_next(void)
{
	struct map_entry *slot;
	struct entry *first = NULL;

	for (size_t position = 0; (slot = map_next(&agent.entries, &position));) {
		struct entry *entry = slot->value;

		if (needs_work(entry) && (!first || entry->turn < first->turn))
			first = entry;
	}
	return first;
}

void work_try_again(void)
{
	struct map_entry *slot;

	pthread_mutex_lock(&agent.lock);
	for (size_t position = 0; (slot = map_next(&agent.entries, &position));) {
		struct entry *entry = slot->value;

		if (entry->waits)
			entry->not_before = 0;
	}
	pthread_cond_broadcast(&agent.changed);
	pthread_mutex_unlock(&agent.lock);
}

/* Workers that hang in something, or download: the others go on without them. */
static int work_late(void)
{
	struct map_entry *slot;
	int count = 0;

	for (size_t position = 0; (slot = map_next(&agent.entries, &position));) {
		const struct entry *entry = slot->value;

		count += entry->busy && sys_monotonic() - entry->busy_since > LATE_AFTER;
	}
	return count;
}

void work_dispatch(void)
{
	struct entry *entry;

	while (agent.asked && agent.workers - work_late() < WORKERS && agent.workers < WORKERS_ALL &&
	       (entry = work_next())) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, worker, entry) != 0)
			return;
		pthread_detach(thread);
		entry->busy = true;
		entry->busy_since = sys_monotonic();
		entry->step = "start";
		agent.workers++;
	}
}

void work_watch(void)
{
	struct map_entry *slot;
	char hanging[1000];

	deadline_tell(hanging, sizeof hanging);
	for (size_t position = 0; (slot = map_next(&agent.entries, &position));) {
		struct entry *entry = slot->value;

		if (!entry->busy || entry->late || sys_monotonic() - entry->busy_since < STEP_LIMIT)
			continue;
		entry->late = true;
		entry->report = true;
		log_warning("server %s: step \"%s\" takes longer than %d seconds%s%s", entry->id, entry->step,
			    (int)(STEP_LIMIT / TIME_SECOND), *hanging ? "; what hangs: " : "", hanging);
	}
}
