/* Asking the controller what this host shall run (docs/agent-protocol.md, GET desired), and answering for
 * console logs. */
#include "agent/entries.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/timestamp.h"
#include "sys/sys.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define POLL_SECONDS 30
#define CONSOLE_SIZE (64 * 1024)

static void want_absent(struct entry *entry)
{
	_cleanup_free_ char *text =
		memory_printf("{\"id\":\"%s\",\"generation\":0,\"want\":\"absent\"}", entry->id);
	yyjson_doc *doc = yyjson_read(text, strlen(text), 0);

	entry_want(entry, yyjson_doc_get_root(doc));
	yyjson_doc_free(doc);
}

/* A full answer names everything: what it does not name is to go. */
static void absent_rest(yyjson_val *servers)
{
	struct map_entry *slot;
	struct map named = {0};
	yyjson_val *server;
	size_t i, max;

	yyjson_arr_foreach (servers, i, max, server)
		map_put(&named, json_text(server, "id"), &named);
	for (size_t position = 0; (slot = map_next(&agent.entries, &position));) {
		if (map_get(&named, slot->key))
			continue;
		log_info("server %s is not this host's any more", slot->key);
		want_absent(slot->value);
	}
	map_done(&named, NULL);
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
		if (!server_check(server, &err))
			log_error("%s", err.message);
		/* A worker checks it again and answers for what makes no sense. */
		if (!is_uuid(json_text(server, "id")))
			continue;
		log_debug("server %s: %s is wanted, generation %lld", json_text(server, "id"),
			  json_text(server, "want"), (long long)json_int(server, "generation", 0));
		entry_want(entry_get(json_text(server, "id")), server);
	}
	agent.revision = json_int(answer, "revision", agent.revision);
	agent.asked = true;
	pthread_cond_broadcast(&agent.changed);
	pthread_mutex_unlock(&agent.lock);
}

static void console_send(const char *id)
{
	const struct agent_settings *s = agent.settings;
	_cleanup_free_ char *path = memory_printf("%s/%.36s/console.log", s->folders.instances, id);
	_cleanup_free_ char *target = memory_printf("servers/%.36s/console", id);
	_cleanup_free_ char *bytes = memory_alloc(CONSOLE_SIZE);
	_cleanup_close_ int fd = is_uuid(id) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	off_t size = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
	off_t from = size > CONSOLE_SIZE ? size - CONSOLE_SIZE : 0;
	ssize_t count = fd >= 0 ? pread(fd, bytes, CONSOLE_SIZE, from) : 0;
	struct error err;

	if (is_uuid(id) && !controller_send(&s->controller, "POST", target, "text/plain", bytes,
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
	path = memory_printf("desired?since=%lld&wait=%d", (long long)agent.revision, POLL_SECONDS);
	pthread_mutex_unlock(&agent.lock);
	if (!controller_send(&agent.settings->controller, "GET", path, "application/json", NULL, 0,
			     POLL_SECONDS + 15, &answer, err))
		return false;
	yyjson_doc *doc = yyjson_read(answer.data ? answer.data : "", answer.length, 0);
	root = yyjson_doc_get_root(doc);
	bool ok = yyjson_is_obj(root) && yyjson_is_arr(yyjson_obj_get(root, "servers"));
	if (ok)
		desired_take(root);
	else
		error_set(err, ERROR_INTERNAL, "the controller's answer makes no sense");
	yyjson_arr_foreach (yyjson_obj_get(root, "consoles"), i, max, id) {
		if (yyjson_is_str(id))
			console_send(yyjson_get_str(id));
	}
	yyjson_doc_free(doc);
	return ok;
}

/* A controller that does not know our revision was set back to an older state: it is asked for all, and told
 * all. */
static void begin_again(void)
{
	struct map_entry *slot;

	agent.revision = 0;
	for (size_t position = 0; (slot = map_next(&agent.entries, &position));) {
		struct entry *entry = slot->value;
		entry->report |= entry->state != STATE_UNKNOWN;
	}
}

void *poll_loop(void *argument)
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
			begin_again();
		agent.inventory_sent = false;
		agent.asked = true;
		pthread_cond_broadcast(&agent.changed);
		agent_wait(AGENT_RETRY);
		pthread_mutex_unlock(&agent.lock);
	}
	return NULL;
}
