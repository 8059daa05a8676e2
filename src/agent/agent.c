/* The agent at work.  Three threads look and decide, workers act:
 *   poll     asks the controller what this host should run (long poll) and answers for console logs
 *   watch    looks at the host: inventory, guests that ended by themselves
 *   main     gives each server that is not as wanted to a worker, and reports what changed
 * A server has at most one worker at a time.  Nothing is ever done to a server before the controller was
 * heard. */
#include "agent/agent.h"

#include "agent/grant.h"
#include "agent/report.h"
#include "agent/vm.h"
#include "base/log.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/timestamp.h"
#include "sys/sys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define AGENT_WORKERS	   4
#define AGENT_POLL_SECONDS 30
#define AGENT_WATCH	   (2 * TIME_SECOND)
#define AGENT_RENEW	   (25 * TIME_SECOND) /* an inventory is also the NIC agent's heartbeat */
#define AGENT_RETRY	   (2 * TIME_SECOND)
#define AGENT_CONSOLE	   (64 * 1024)

enum state { STATE_UNKNOWN, STATE_BUILDING, STATE_RUNNING, STATE_STOPPED, STATE_FAILED, STATE_GONE };

static const char *const state_names[] = {
	[STATE_UNKNOWN] = "unknown", [STATE_BUILDING] = "building", [STATE_RUNNING] = "running",
	[STATE_STOPPED] = "stopped", [STATE_FAILED] = "failed",	    [STATE_GONE] = "gone",
};

struct entry {
	char id[37];
	yyjson_doc *wanted; /* NULL: the controller has not said yet */
	yyjson_doc *next;   /* came while a worker is busy with `wanted` */
	int64_t done;	    /* generation that was worked off; -1: none */
	enum state state;
	bool busy, report;
	int64_t not_before; /* sys_monotonic(): of the next attempt */
	char fault[600];
};

static struct {
	const struct agent_settings *settings;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct map entries; /* by id */
	int workers;
	bool stopping;
	int64_t revision;
	bool inventory_sent;
} agent = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static bool agent_wait(int64_t microseconds)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += microseconds / TIME_SECOND;
	until.tv_nsec += microseconds % TIME_SECOND * 1000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	if (!agent.stopping)
		pthread_cond_timedwait(&agent.changed, &agent.lock, &until);
	return !agent.stopping;
}

/* The whole time, whatever changes meanwhile; false when it is time to end. */
static bool agent_sleep(int64_t microseconds)
{
	int64_t until = sys_monotonic() + microseconds;

	while (sys_monotonic() < until && agent_wait(until - sys_monotonic())) {
	}
	return !agent.stopping;
}

void agent_stop(void)
{
	pthread_mutex_lock(&agent.lock);
	agent.stopping = true;
	pthread_cond_broadcast(&agent.changed);
	pthread_mutex_unlock(&agent.lock);
}

static struct entry *entry_get(const char *id)
{
	struct entry *entry = map_get(&agent.entries, id);

	if (!entry) {
		entry = memory_alloc(sizeof *entry);
		snprintf(entry->id, sizeof entry->id, "%s", id);
		entry->done = -1;
		map_put(&agent.entries, id, entry);
	}
	return entry;
}

static void entry_free(void *pointer)
{
	struct entry *entry = pointer;

	yyjson_doc_free(entry->wanted);
	yyjson_doc_free(entry->next);
	free(entry);
}

static yyjson_val *entry_server(const struct entry *entry)
{
	return yyjson_doc_get_root(entry->wanted);
}

/* --- what the controller wants --- */

static void entry_want(struct entry *entry, yyjson_doc *doc)
{
	yyjson_doc **slot = entry->busy ? &entry->next : &entry->wanted;

	yyjson_doc_free(*slot);
	*slot = doc;
	entry->not_before = 0;
}

static yyjson_doc *doc_of(yyjson_val *server)
{
	yyjson_mut_doc *copy = yyjson_mut_doc_new(NULL);

	yyjson_mut_doc_set_root(copy, yyjson_val_mut_copy(copy, server));
	yyjson_doc *doc = yyjson_mut_doc_imut_copy(copy, NULL);
	yyjson_mut_doc_free(copy);
	return doc;
}

static yyjson_doc *doc_absent(const char *id, int64_t generation)
{
	_cleanup_free_ char *text = memory_printf("{\"id\":\"%s\",\"generation\":%lld,\"want\":\"absent\"}",
						  id, (long long)generation);

	return yyjson_read(text, strlen(text), 0);
}

/* A full answer names everything: what it does not name is to go. */
static void absent_rest(yyjson_val *servers)
{
	struct map_entry *slot;
	yyjson_val *server;
	size_t i, max;

	for (size_t position = 0; (slot = map_next(&agent.entries, &position));) {
		bool named = false;

		yyjson_arr_foreach (servers, i, max, server)
			named |= strcmp(json_text(server, "id"), slot->key) == 0;
		if (!named) {
			log_info("server %s is not this host's any more", slot->key);
			entry_want(slot->value, doc_absent(slot->key, 0));
		}
	}
}

static void desired_take(yyjson_val *answer)
{
	yyjson_val *servers = yyjson_obj_get(answer, "servers"), *server;
	struct error err;
	size_t i, max;

	pthread_mutex_lock(&agent.lock);
	if (json_bool(answer, "full", false))
		absent_rest(servers);
	yyjson_arr_foreach (servers, i, max, server) {
		if (server_check(server, &err)) {
			entry_want(entry_get(json_text(server, "id")), doc_of(server));
			continue;
		}
		log_error("%s", err.message);
		if (!is_uuid(json_text(server, "id")))
			continue;
		struct entry *entry = entry_get(json_text(server, "id"));
		entry->state = STATE_FAILED;
		entry->done = json_int(server, "generation", 0);
		entry->report = true;
		snprintf(entry->fault, sizeof entry->fault, "%.599s", err.message);
		entry_want(entry, doc_of(server));
	}
	agent.revision = json_int(answer, "revision", agent.revision);
	pthread_cond_broadcast(&agent.changed);
	pthread_mutex_unlock(&agent.lock);
}

static void console_send(const char *id)
{
	const struct agent_settings *s = agent.settings;
	_cleanup_free_ char *path = memory_printf("%s/%.36s/console.log", s->folders.instances, id);
	_cleanup_free_ char *target = memory_printf("servers/%.36s/console", id);
	_cleanup_free_ char *bytes = memory_alloc(AGENT_CONSOLE);
	_cleanup_close_ int fd = is_uuid(id) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	off_t size = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
	off_t from = size > AGENT_CONSOLE ? size - AGENT_CONSOLE : 0;
	ssize_t count = fd >= 0 ? pread(fd, bytes, AGENT_CONSOLE, from) : 0;
	struct error err;

	if (!controller_send(&s->controller, "POST", target, "text/plain", bytes,
			     count > 0 ? (size_t)count : 0, 10, NULL, &err))
		log_debug("%s", err.message);
}

static bool poll_once(struct error *err)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_(text_done) struct text answer = {0};
	yyjson_val *root, *id;
	size_t i, max;

	pthread_mutex_lock(&agent.lock);
	path = memory_printf("desired?since=%lld&wait=%d", (long long)agent.revision, AGENT_POLL_SECONDS);
	pthread_mutex_unlock(&agent.lock);
	if (!controller_send(&agent.settings->controller, "GET", path, "application/json", NULL, 0,
			     AGENT_POLL_SECONDS + 15, &answer, err))
		return false;
	yyjson_doc *doc = yyjson_read(answer.data ? answer.data : "", answer.length, 0);
	root = yyjson_doc_get_root(doc);
	if (yyjson_is_obj(root))
		desired_take(root);
	yyjson_arr_foreach (yyjson_obj_get(root, "consoles"), i, max, id) {
		if (yyjson_is_str(id))
			console_send(yyjson_get_str(id));
	}
	yyjson_doc_free(doc);
	return true;
}

static void *poll_loop(void *argument)
{
	struct error err;
	bool lost = false;

	(void)argument;
	while (!agent.stopping) {
		bool ok = poll_once(&err);

		if (ok == lost)
			log_info("%s", ok ? "the controller answers again" : err.message);
		lost = !ok;
		if (ok)
			continue;
		pthread_mutex_lock(&agent.lock);
		if (err.kind == ERROR_GONE)
			agent.revision = 0;
		agent.inventory_sent = false;
		agent_wait(AGENT_RETRY);
		pthread_mutex_unlock(&agent.lock);
	}
	return NULL;
}

/* --- workers --- */

/* Runs without the lock; the entry is its own while busy. */
static enum state work(struct entry *entry, struct error *err)
{
	const struct agent_settings *s = agent.settings;
	yyjson_val *server = entry_server(entry);
	const char *want = json_text(server, "want");

	if (strcmp(want, "absent") == 0)
		return server_teardown(&s->folders, entry->id, err) ? STATE_GONE : STATE_FAILED;
	if (strcmp(want, "stopped") == 0)
		return vm_stop(entry->id, err) ? STATE_STOPPED : STATE_FAILED;
	return server_setup(&s->folders, &s->controller, server, report_offers, err) ? STATE_RUNNING
										     : STATE_FAILED;
}

static void work_finish(struct entry *entry, enum state state, const struct error *err)
{
	bool absent = strcmp(json_text(entry_server(entry), "want"), "absent") == 0;

	entry->busy = false;
	*entry->fault = '\0';
	if (state == STATE_FAILED) {
		snprintf(entry->fault, sizeof entry->fault, "%.599s", err->message);
		log_warning("server %s: %s", entry->id, entry->fault);
	} else {
		log_info("server %s: %s", entry->id, state_names[state]);
	}
	if (state == STATE_FAILED && absent) {
		/* It must go: try until it does.  The controller keeps its devices meanwhile. */
		entry->not_before = sys_monotonic() + AGENT_RETRY;
	} else {
		entry->state = state;
		entry->done = json_int(entry_server(entry), "generation", 0);
		entry->report = true;
	}
	if (entry->next) {
		yyjson_doc_free(entry->wanted);
		entry->wanted = TAKE_PTR(entry->next);
		entry->not_before = 0;
	}
}

static void *worker(void *argument)
{
	struct entry *entry = argument;
	struct error err = {0};
	enum state state = work(entry, &err);

	pthread_mutex_lock(&agent.lock);
	work_finish(entry, state, &err);
	agent.workers--;
	pthread_cond_broadcast(&agent.changed);
	pthread_mutex_unlock(&agent.lock);
	return NULL;
}

static bool entry_needs_work(const struct entry *entry)
{
	if (entry->busy || !entry->wanted || sys_monotonic() < entry->not_before ||
	    entry->state == STATE_GONE)
		return false;
	return entry->done != json_int(entry_server(entry), "generation", 0) ||
	       entry->state == STATE_UNKNOWN || strcmp(json_text(entry_server(entry), "want"), "absent") == 0;
}

static void dispatch(void)
{
	struct map_entry *slot;

	for (size_t position = 0;
	     agent.workers < AGENT_WORKERS && (slot = map_next(&agent.entries, &position));) {
		struct entry *entry = slot->value;
		pthread_t thread;

		if (!entry_needs_work(entry))
			continue;
		entry->busy = true;
		agent.workers++;
		if (pthread_create(&thread, NULL, worker, entry) != 0) {
			entry->busy = false;
			agent.workers--;
			return;
		}
		pthread_detach(thread);
	}
}

/* --- reports --- */

static void add_ports(yyjson_mut_doc *doc, yyjson_mut_val *object, const struct entry *entry)
{
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, object, "ports");
	yyjson_val *port;
	size_t i, max;

	yyjson_arr_foreach (yyjson_obj_get(entry_server(entry), "ports"), i, max, port) {
		yyjson_mut_val *view = yyjson_mut_arr_add_obj(doc, list);
		bool up = entry->state == STATE_RUNNING && json_bool(port, "admin_state_up", true);

		yyjson_mut_obj_add_strcpy(doc, view, "id", json_text(port, "id"));
		yyjson_mut_obj_add_str(doc, view, "status", up ? "ACTIVE" : "DOWN");
	}
}

static void add_report(yyjson_mut_doc *doc, yyjson_mut_val *list, const struct entry *entry)
{
	yyjson_mut_val *object = yyjson_mut_arr_add_obj(doc, list);

	yyjson_mut_obj_add_strcpy(doc, object, "id", entry->id);
	yyjson_mut_obj_add_int(doc, object, "generation", entry->done);
	yyjson_mut_obj_add_str(doc, object, "state", state_names[entry->state]);
	if (entry->state == STATE_FAILED)
		yyjson_mut_obj_add_strcpy(doc, object, "fault", entry->fault);
	else
		yyjson_mut_obj_add_null(doc, object, "fault");
	add_ports(doc, object, entry);
}

/* All that changed, or NULL; marks it as told. */
static char *reports_take(void)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc), *list;
	struct map_entry *slot;
	char *text = NULL;

	yyjson_mut_doc_set_root(doc, root);
	list = yyjson_mut_obj_add_arr(doc, root, "servers");
	for (size_t position = 0; (slot = map_next(&agent.entries, &position));) {
		struct entry *entry = slot->value;

		if (entry->report && !entry->busy) {
			add_report(doc, list, entry);
			entry->report = false;
		}
	}
	if (yyjson_mut_arr_size(list) > 0)
		text = yyjson_mut_write(doc, 0, NULL);
	yyjson_mut_doc_free(doc);
	return text;
}

/* What is gone and told is forgotten; what could not be told is told again. */
static void reports_settle(const char *text, bool told)
{
	yyjson_doc *doc = yyjson_read(text, strlen(text), 0);
	yyjson_val *server;
	size_t i, max;

	yyjson_arr_foreach (yyjson_obj_get(yyjson_doc_get_root(doc), "servers"), i, max, server) {
		struct entry *entry = map_get(&agent.entries, json_text(server, "id"));

		if (!entry)
			continue;
		if (!told)
			entry->report = true;
		else if (entry->state == STATE_GONE && !entry->busy && !entry->next)
			entry_free(map_remove(&agent.entries, json_text(server, "id")));
	}
	yyjson_doc_free(doc);
}

static void report_all(void)
{
	_cleanup_free_ char *text = reports_take();
	struct error err;
	bool told;

	if (!text)
		return;
	pthread_mutex_unlock(&agent.lock);
	told = controller_send(&agent.settings->controller, "POST", "status", "application/json", text,
			       strlen(text), 15, NULL, &err);
	pthread_mutex_lock(&agent.lock);
	if (!told)
		log_warning("%s", err.message);
	reports_settle(text, told);
	if (!told)
		agent_wait(AGENT_RETRY);
}

/* --- watching the host --- */

/* Guests that ended by themselves: QEMU died, or the guest switched itself off. */
static void watch_guests(void)
{
	char(*ids)[37] = NULL;
	size_t count = 0;
	struct map_entry *slot;
	struct error err;
	bool running;

	pthread_mutex_lock(&agent.lock);
	ids = memory_alloc((agent.entries.count + 1) * sizeof *ids);
	for (size_t position = 0; (slot = map_next(&agent.entries, &position));) {
		const struct entry *entry = slot->value;

		if (entry->state == STATE_RUNNING && !entry->busy)
			strcpy(ids[count++], entry->id);
	}
	pthread_mutex_unlock(&agent.lock);
	for (size_t i = 0; i < count; i++) {
		if (!vm_is_running(ids[i], &running, &err) || running)
			continue;
		pthread_mutex_lock(&agent.lock);
		struct entry *entry = map_get(&agent.entries, ids[i]);
		if (entry && entry->state == STATE_RUNNING && !entry->busy) {
			log_warning("server %s: the guest has ended", entry->id);
			entry->state = STATE_STOPPED;
			entry->report = true;
			pthread_cond_broadcast(&agent.changed);
		}
		pthread_mutex_unlock(&agent.lock);
	}
	free(ids);
}

static void watch_inventory(char **last, int64_t *sent_at)
{
	struct error err;
	char *now = report_inventory(agent.settings, &err);
	bool sent;

	pthread_mutex_lock(&agent.lock);
	sent = agent.inventory_sent;
	pthread_mutex_unlock(&agent.lock);
	if (!now) {
		log_warning("%s", err.message);
		return;
	}
	if (sent && *last && strcmp(*last, now) == 0 && sys_monotonic() - *sent_at < AGENT_RENEW) {
		free(now);
		return;
	}
	free(*last);
	*last = now;
	sent = controller_send(&agent.settings->controller, "PUT", "inventory", "application/json", now,
			       strlen(now), 15, NULL, &err);
	if (!sent)
		log_warning("%s", err.message);
	*sent_at = sys_monotonic();
	pthread_mutex_lock(&agent.lock);
	agent.inventory_sent = sent;
	pthread_mutex_unlock(&agent.lock);
}

static void *watch_loop(void *argument)
{
	char *last = NULL;
	int64_t sent_at = 0;

	(void)argument;
	pthread_mutex_lock(&agent.lock);
	do {
		pthread_mutex_unlock(&agent.lock);
		report_raise_pfs();
		watch_inventory(&last, &sent_at);
		watch_guests();
		pthread_mutex_lock(&agent.lock);
	} while (agent_sleep(AGENT_WATCH));
	pthread_mutex_unlock(&agent.lock);
	free(last);
	return NULL;
}

/* What an earlier life of the agent left on this host. */
static void learn(void)
{
	const char *folder = agent.settings->folders.instances;
	_cleanup_closedir_ DIR *dir = opendir(folder);
	struct error err;

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		_cleanup_free_ char *path = memory_printf("%s/%s", folder, entry->d_name);
		_cleanup_(grant_done) struct grant grant = {0};

		if (!is_uuid(entry->d_name))
			continue;
		entry_get(entry->d_name);
		if (!grant_read(path, &grant, &err)) {
			log_error("%s", err.message);
			continue;
		}
		for (size_t i = 0; i < grant.device_count; i++)
			report_remember(grant.devices[i].memory.address, grant.devices[i].memory.netdev);
	}
	log_info("%zu servers of an earlier time are on this host", agent.entries.count);
}

bool agent_run(const struct agent_settings *settings, struct error *err)
{
	pthread_t poll_thread, watch_thread;

	agent.settings = settings;
	learn();
	free(report_inventory(settings, err)); /* so that devices are known before the first server comes */
	if (pthread_create(&poll_thread, NULL, poll_loop, NULL) != 0 ||
	    pthread_create(&watch_thread, NULL, watch_loop, NULL) != 0)
		return error_set(err, ERROR_INTERNAL, "cannot start threads");
	pthread_mutex_lock(&agent.lock);
	do {
		dispatch();
		report_all();
	} while (agent_wait(TIME_SECOND));
	while (agent.workers > 0) {
		agent.stopping = true;
		pthread_cond_wait(&agent.changed, &agent.lock);
	}
	report_all();
	pthread_mutex_unlock(&agent.lock);
	/* The long poll may take half a minute to end; the process does not wait for it. */
	pthread_join(watch_thread, NULL);
	pthread_detach(poll_thread);
	return true;
}
