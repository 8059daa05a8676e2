/* The servers that the agent knows of. */
#include "agent/entries.h"

#include "base/memory.h"
#include "base/timestamp.h"
#include "sys/sys.h"

#include <string.h>

struct agent agent = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

const char *state_text(enum state state)
{
	static const char *const names[] = {
		[STATE_UNKNOWN] = "unknown",   [STATE_BUILDING] = "building",	[STATE_RUNNING] = "running",
		[STATE_PAUSED] = "paused",     [STATE_SUSPENDED] = "suspended", [STATE_STOPPED] = "stopped",
		[STATE_INCOMING] = "incoming", [STATE_LEFT] = "left",		[STATE_FAILED] = "failed",
		[STATE_GONE] = "gone",
	};

	return names[state];
}

struct entry *entry_get(const char *id)
{
	struct entry *entry = map_get(&agent.entries, id);

	if (!entry) {
		entry = memory_alloc(sizeof *entry);
		snprintf(entry->id, sizeof entry->id, "%.36s", id);
		entry->done = -1;
		map_put(&agent.entries, id, entry);
	}
	return entry;
}

void entry_free(void *pointer)
{
	struct entry *entry = pointer;

	if (!entry)
		return;
	free(entry->wanted);
	free(entry->next);
	free(entry->ports);
	free(entry->troubles);
	free(entry->facts);
	free(entry->fault);
	free(entry);
}

yyjson_doc *entry_server(const struct entry *entry)
{
	return entry->wanted ? yyjson_read(entry->wanted, strlen(entry->wanted), 0) : NULL;
}

static char *ports_of(yyjson_val *server)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *list = yyjson_mut_arr(doc);
	yyjson_val *port;
	size_t i, max;

	yyjson_mut_doc_set_root(doc, list);
	yyjson_arr_foreach (yyjson_obj_get(server, "ports"), i, max, port) {
		yyjson_mut_val *pair = yyjson_mut_arr_add_arr(doc, list);

		yyjson_mut_arr_add_str(doc, pair, json_text(port, "id"));
		yyjson_mut_arr_add_bool(doc, pair, json_bool(port, "admin_state_up", true));
		yyjson_mut_arr_add_bool(doc, pair, server_port_absent(port));
	}
	char *text = yyjson_mut_write(doc, 0, NULL);
	yyjson_mut_doc_free(doc);
	return text;
}

static void entry_take(struct entry *entry, char *wanted)
{
	entry_done(entry);
	entry->wanted = wanted;
	entry->known = true;
	entry->turn = agent.turns++;
	entry->not_before = 0;
	entry->attempts = 0;
	yyjson_doc *doc = entry_server(entry);
	yyjson_val *server = yyjson_doc_get_root(doc);
	entry->generation = json_int(server, "generation", 0);
	entry->absent = strcmp(json_text(server, "want"), "absent") == 0;
	free(entry->ports);
	entry->ports = ports_of(server);
	yyjson_doc_free(doc);
}

void entry_done(struct entry *entry)
{
	free(entry->wanted);
	entry->wanted = NULL;
}

void entry_want(struct entry *entry, yyjson_val *server)
{
	char *text = yyjson_val_write(server, 0, NULL);

	free(entry->next);
	entry->next = text;
	if (!entry->busy)
		entry_next(entry);
}

void entry_next(struct entry *entry)
{
	if (!entry->next)
		return;
	entry_take(entry, TAKE_PTR(entry->next));
	if (entry->done == entry->generation && !entry->absent)
		entry_done(entry); /* said once more */
}

void entry_fail(struct entry *entry, const char *fault)
{
	free(entry->fault);
	entry->fault = memory_copy_text(fault);
}

void entry_trouble(struct entry *entry, const char *port_id, const char *why)
{
	yyjson_doc *old = entry->troubles ? yyjson_read(entry->troubles, strlen(entry->troubles), 0) : NULL;
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = old ? yyjson_val_mut_copy(doc, yyjson_doc_get_root(old)) : yyjson_mut_obj(doc);

	free(entry->troubles);
	entry->troubles = NULL;
	if (port_id) {
		yyjson_mut_obj_put(root, yyjson_mut_strcpy(doc, port_id), yyjson_mut_strcpy(doc, why));
		entry->troubles = yyjson_mut_val_write(root, YYJSON_WRITE_ALLOW_INVALID_UNICODE, NULL);
	}
	yyjson_mut_doc_free(doc);
	yyjson_doc_free(old);
}

bool agent_wait(int64_t microseconds)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += microseconds / TIME_SECOND;
	until.tv_nsec += microseconds % TIME_SECOND * 1000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	if (!agent.stopping)
		pthread_cond_clockwait(&agent.changed, &agent.lock, CLOCK_MONOTONIC, &until);
	return !agent.stopping;
}
