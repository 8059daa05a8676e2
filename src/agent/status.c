/* Telling the controller how servers are (docs/agent-protocol.md, POST status). */
#include "agent/entries.h"
#include "agent/grant.h"
#include "agent/lifecycle_step.h"
#include "agent/quarantine.h"
#include "base/deliberate.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/timestamp.h"

#include <string.h>

/* Its server may be as wanted otherwise, and have kept it: only what the journal does not have is nobody's.
 */
static bool is_out(const struct entry *entry, yyjson_val *port)
{
	_cleanup_free_ char *folder = lifecycle_folder(&agent.settings->folders, entry->id);

	return !grant_holds_port(folder, yyjson_get_str(yyjson_arr_get(port, 0)));
}

/* A port that is to go is gone once that was worked off without trouble. */
static const char *port_status(const struct entry *entry, yyjson_val *port, bool trouble)
{
	bool wanted_up = yyjson_get_bool(yyjson_arr_get(port, 1)),
	     to_go = yyjson_get_bool(yyjson_arr_get(port, 2));
	bool worked_off = entry->done == entry->generation && entry->state != STATE_FAILED;

	if (to_go && !trouble && worked_off && is_out(entry, port))
		return "GONE";
	return entry->state == STATE_RUNNING && wanted_up && (to_go || !trouble) ? "ACTIVE" : "DOWN";
}

static void add_ports(yyjson_mut_doc *doc, yyjson_mut_val *object, const struct entry *entry)
{
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, object, "ports");
	yyjson_doc *ports = yyjson_read(entry->ports, strlen(entry->ports), 0);
	yyjson_doc *troubles =
		entry->troubles ? yyjson_read(entry->troubles, strlen(entry->troubles), 0) : NULL;
	yyjson_val *port;
	size_t i, max;

	yyjson_arr_foreach (yyjson_doc_get_root(ports), i, max, port) {
		yyjson_mut_val *view = yyjson_mut_arr_add_obj(doc, list);
		const char *id = yyjson_get_str(yyjson_arr_get(port, 0)),
			   *trouble = yyjson_get_str(yyjson_obj_get(yyjson_doc_get_root(troubles), id));

		yyjson_mut_obj_add_strcpy(doc, view, "id", id);
		yyjson_mut_obj_add_str(doc, view, "status", port_status(entry, port, trouble));
		if (trouble)
			yyjson_mut_obj_add_strcpy(doc, view, "fault", trouble);
	}
	yyjson_doc_free(troubles);
	yyjson_doc_free(ports);
}

/* Of a server that a worker is at, only that it is being worked at is certain. */
static void add_report(yyjson_mut_doc *doc, yyjson_mut_val *list, const struct entry *entry)
{
	yyjson_mut_val *object = yyjson_mut_arr_add_obj(doc, list);
	bool under_way = entry->busy || entry->waits;
	int64_t generation = under_way ? entry->generation : entry->done;

	yyjson_mut_obj_add_strcpy(doc, object, "id", entry->id);
	yyjson_mut_obj_add_int(doc, object, "generation", generation);
	yyjson_mut_obj_add_str(doc, object, "state", state_text(under_way ? STATE_BUILDING : entry->state));
	if (under_way) {
		yyjson_mut_obj_add_str(doc, object, "step", entry->busy ? entry->step : "wait");
		if (entry->fault)
			yyjson_mut_obj_add_strcpy(doc, object, "fault", entry->fault);
		return;
	}
	if (entry->fault)
		yyjson_mut_obj_add_strcpy(doc, object, "fault", entry->fault);
	else
		yyjson_mut_obj_add_null(doc, object, "fault");
	if (entry->fault_kind)
		yyjson_mut_obj_add_str(doc, object, "fault_kind", entry->fault_kind);
	if (entry->facts)
		yyjson_mut_obj_add_val(doc, object, "migration", yyjson_mut_raw(doc, entry->facts));
	add_ports(doc, object, entry);
}

/* A busy server has something to say only if it takes long; what it became is told when the worker is
 * through. */
static bool has_news(const struct entry *entry)
{
	/* What it has given back must not be taken for fit. */
	if (!entry->busy && quarantine_is_news())
		return false;
	return entry->report && (!entry->busy || entry->late) && entry->known;
}

/* Those with a config drive in them: the controller takes 8 MB at once. */
#define LARGE_REPORTS 2

/* All that changed, or NULL; marks it as told. */
static char *reports_take(void)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc), *list;
	struct map_entry *slot;
	char *text = NULL;
	int large = 0;

	yyjson_mut_doc_set_root(doc, root);
	list = yyjson_mut_obj_add_arr(doc, root, "servers");
	for (size_t position = 0; (slot = map_next(&agent.entries, &position));) {
		struct entry *entry = slot->value;

		if (!has_news(entry) || (entry->facts && large++ >= LARGE_REPORTS))
			continue;
		add_report(doc, list, entry);
		entry->report = false;
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
			entry->report = !deliberate_bug(6);
		/* It may have gone while something else was being told of it. */
		else if (entry->state == STATE_GONE && !entry->busy && !entry->report && entry->absent)
			entry_free(map_remove(&agent.entries, entry->id));
	}
	yyjson_doc_free(doc);
}

void status_send(void)
{
	_cleanup_free_ char *text = reports_take();
	struct error err;

	if (!text)
		return;
	pthread_mutex_unlock(&agent.lock);
	bool told = controller_send(&agent.settings->controller, "POST", "status", "application/json", text,
				    strlen(text), 15, NULL, &err);
	pthread_mutex_lock(&agent.lock);
	/* What the controller cannot understand it will not understand the next time. */
	if (!told && err.kind == ERROR_BAD_REQUEST) {
		log_error("%s", err.message);
		told = true;
	}
	reports_settle(text, told);
	if (!told) {
		log_warning("%s", err.message);
		agent_wait(AGENT_RETRY);
	}
}
