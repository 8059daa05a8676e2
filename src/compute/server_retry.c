/* Trying another host when a build failed. */
#include "compute/server_retry.h"

#include "base/log.h"
#include "compute/relocate.h"

#include <string.h>

#define FAULT_MESSAGE_MAX 255 /* as Nova's; in bytes, cut between characters */

/* --- what was tried --- */

static bool attempt_note(struct store *db, const struct server *server, const char *fault, struct error *err)
{
	return store_exec(
		db, err,
		"INSERT INTO server_attempt (server_id, number, host_id, host_name, fault, started_at,"
		" failed_at) SELECT ?1, (SELECT count(*) + 1 FROM server_attempt WHERE server_id = ?1),"
		" ?2, ?3, ?4, build_since, ?5 FROM server WHERE id = ?1",
		V((const char *)server->id), V((const char *)server->host_id),
		V((const char *)server->host_name), V(fault), V(sys_now()));
}

bool retry_rule(struct store *db, const char *server_id, struct placement *placement, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	struct scheduler_rule *rule =
		placement_rule(placement, memory_copy_text("failed to build this server"), false);

	if (!store_query(db, &rows, err, "SELECT host_id FROM server_attempt WHERE server_id = ?1",
			 V(server_id)))
		return false;
	while (store_next(&rows))
		placement_host_add(placement, rule, store_text(&rows, 0));
	return store_end(&rows, err);
}

struct history {
	int64_t attempts;
	bool forced;	  /* to one host, by who made the server */
	struct text told; /* a line for each host */
};

static void history_done(struct history *history)
{
	text_done(&history->told);
}

static bool history_read(struct store *db, const char *server_id, struct history *history, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err,
			 "SELECT a.host_name, a.fault, json_extract(s.wish, '$.host') IS NOT NULL FROM"
			 " server_attempt a JOIN server s ON s.id = a.server_id WHERE a.server_id = ?1"
			 " ORDER BY a.number",
			 V(server_id)))
		return false;
	while (store_next(&rows)) {
		history->attempts++;
		history->forced = store_int(&rows, 2);
		text_addf(&history->told, "%s: %s\n", store_text(&rows, 0), store_text(&rows, 1));
	}
	return store_end(&rows, err);
}

/* --- the end of trying --- */

static void cut(const char *text, char message[FAULT_MESSAGE_MAX + 1])
{
	size_t length = strlen(text);

	if (length > FAULT_MESSAGE_MAX)
		for (length = FAULT_MESSAGE_MAX; length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80;
		     length--)
			;
	snprintf(message, FAULT_MESSAGE_MAX + 1, "%.*s", (int)length, text);
}

static bool fail(struct store *db, struct server *server, const char *words, const char *details,
		 struct error *err)
{
	char message[FAULT_MESSAGE_MAX + 1];

	cut(words, message);
	message[strcspn(message, "\n")] = '\0';
	log_warning("server %s on %s: %s", server->id, server->host_name, message);
	return server_move(&server->life, SERVER_ERROR, err) &&
	       server_set_fault(db, server->id, message, details, err) && server_save(db, server, err) &&
	       server_action_end(db, server->id, true, err);
}

/* Nova's sentence, and behind it what Nova does not say. */
static bool exhausted(struct store *db, struct server *server, const struct history *history,
		      const struct text *refusals, struct error *err)
{
	_cleanup_free_ char *words = memory_printf(
		"Exceeded maximum number of retries. Exhausted all hosts available for retrying "
		"build failures for instance %s. %s",
		server->id, history->told.data);
	_cleanup_free_ char *details =
		memory_printf("%s%s%s", history->told.data, refusals->data ? "Other hosts:\n" : "",
			      refusals->data ? refusals->data : "");

	return fail(db, server, words, details, err);
}

/* --- trying --- */

/* *placed: it is on its way to another host. */
static bool try_elsewhere(struct store *db, struct server *server, struct text *refusals, bool *placed,
			  struct error *err)
{
	*placed = server_relocate(db, server, &(struct relocation){.retry = true}, refusals, err);
	if (*placed || err->kind >= ERROR_INTERNAL)
		return *placed;
	if (!refusals->data)
		text_addf(refusals, "%s\n", err->message); /* a port that cannot be bound there */
	return true;
}

bool server_build_failed(struct store *db, struct server *server, const char *fault, const char *kind,
			 struct error *err)
{
	_cleanup_(history_done) struct history history = {0};
	_cleanup_(text_done) struct text refusals = {0};
	char before[sizeof server->host_name];
	bool placed = false;

	if (!fault || !*fault)
		fault = "The host gave no reason.";
	scheduler_build_ends(db, server->host_id, SCHEDULER_BUILD_FAILED);
	if (!attempt_note(db, server, fault, err) || !history_read(db, server->id, &history, err))
		return false;
	if (history.forced || text_equal(kind, "image") || compute_settings.max_attempts == 1)
		return fail(db, server, fault, fault, err);
	memcpy(before, server->host_name, sizeof before);
	if (history.attempts < compute_settings.max_attempts &&
	    !try_elsewhere(db, server, &refusals, &placed, err))
		return false;
	if (!placed)
		return exhausted(db, server, &history, &refusals, err);
	scheduler_build_begins(db, server->host_id);
	log_warning("server %s: building on %s failed (%.200s); trying %s, attempt %lld of %lld", server->id,
		    before, fault, server->host_name, (long long)history.attempts + 1,
		    (long long)compute_settings.max_attempts);
	return server_save(db, server, err);
}

/* --- builds that nobody reports of --- */

#define AT_ONCE 100 /* the writer serves others too */

struct batch {
	char ids[AT_ONCE][37];
	size_t count;
};

static bool batch_read(struct store_rows *rows, struct batch *batch, struct error *err)
{
	batch->count = 0;
	while (store_next(rows))
		snprintf(batch->ids[batch->count++], sizeof *batch->ids, "%s", store_text(rows, 0));
	return store_end(rows, err);
}

static bool batch_fail(struct store *db, const struct batch *batch, const char *fault, struct error *err)
{
	struct server server;

	for (size_t i = 0; i < batch->count; i++) {
		if (!server_load(db, batch->ids[i], NULL, &server, err) ||
		    !server_build_failed(db, &server, fault, NULL, err))
			return false;
	}
	return true;
}

static bool late_builds(struct store *db, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	struct batch late;

	return compute_settings.build_timeout == 0 ||
	       (store_query(db, &rows, err,
			    "SELECT id FROM server WHERE state = 'spawning' AND build_since < ?1 LIMIT ?2",
			    V(sys_now() - compute_settings.build_timeout), V(AT_ONCE)) &&
		batch_read(&rows, &late, err) &&
		batch_fail(db, &late,
			   "The host did not finish building the server within instance_build_timeout.",
			   err));
}

/* A controller that was away itself cannot tell which hosts were: they get time to come forward. */
static bool hosts_had_time(void)
{
	static int64_t since;

	if (!since)
		since = sys_monotonic();
	return sys_monotonic() - since > SCHEDULER_DOWN_AFTER;
}

static bool builds_of_host(struct store *db, const char *host_id, bool had_time, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	struct scheduler_host host;
	struct batch batch;

	if (!scheduler_host_load(db, host_id, &host, err))
		return false;
	if (host.up || (!had_time && !host.forced_down))
		return true;
	return store_query(db, &rows, err,
			   "SELECT id FROM server WHERE state = 'spawning' AND host_id = ?1 LIMIT ?2",
			   V(host_id), V(AT_ONCE)) &&
	       batch_read(&rows, &batch, err) &&
	       batch_fail(db, &batch, "The host went down while it was building the server.", err);
}

static bool orphaned_builds(struct store *db, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	bool had_time = hosts_had_time();
	struct batch hosts;

	if (!store_query(db, &rows, err,
			 "SELECT DISTINCT host_id FROM server WHERE state = 'spawning' LIMIT ?1",
			 V(AT_ONCE)) ||
	    !batch_read(&rows, &hosts, err))
		return false;
	for (size_t i = 0; i < hosts.count; i++) {
		if (!builds_of_host(db, hosts.ids[i], had_time, err))
			return false;
	}
	return true;
}

bool retry_housekeeping(struct store *db, struct error *err)
{
	return late_builds(db, err) && orphaned_builds(db, err);
}
