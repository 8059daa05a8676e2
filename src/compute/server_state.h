/* The life of a server: its states, the moves between them, and what a host's report does to it.
 *
 * A state is Nova's pair of vm_state and task_state.  Text, task, status and power of each stand in one table
 * here; the database keeps the state's name. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* What Nova calls power_state. */
enum server_power { POWER_NONE = 0, POWER_RUNNING = 1, POWER_PAUSED = 3, POWER_SHUTDOWN = 4 };

/* What the host shall do with the server (docs/agent-protocol.md, `want`). */
#define SERVER_WANTS(W) \
	W(RUNNING, "running") \
	W(PAUSED, "paused") \
	W(SUSPENDED, "suspended") \
	W(LEAVING, "leaving") \
	W(STAYING, "staying") \
	W(STOPPED, "stopped") \
	W(ABSENT, "absent")

enum server_want {
#define W(name, text) WANT_##name,
	SERVER_WANTS(W)
#undef W
		WANT_COUNT
};

/* S(name, text in the database, vm_state, task_state, API status, power state, what the host shall do).
 * ERROR keeps what was wanted before; its `want` is not looked at. */
#define SERVER_STATES(S) \
	S(SCHEDULING, "scheduling", "building", "scheduling", "BUILD", POWER_NONE, RUNNING) \
	S(SPAWNING, "spawning", "building", "spawning", "BUILD", POWER_NONE, RUNNING) \
	S(ACTIVE, "active", "active", NULL, "ACTIVE", POWER_RUNNING, RUNNING) \
	S(POWERING_OFF, "powering-off", "active", "powering-off", "ACTIVE", POWER_RUNNING, STOPPED) \
	S(STOPPED, "stopped", "stopped", NULL, "SHUTOFF", POWER_SHUTDOWN, STOPPED) \
	S(POWERING_ON, "powering-on", "stopped", "powering-on", "SHUTOFF", POWER_SHUTDOWN, RUNNING) \
	S(REBOOT_OFF, "reboot-off", "active", "rebooting", "REBOOT", POWER_RUNNING, STOPPED) \
	S(REBOOT_ON, "reboot-on", "active", "rebooting", "REBOOT", POWER_RUNNING, RUNNING) \
	S(HARD_REBOOT_OFF, "hard-reboot-off", "active", "rebooting_hard", "HARD_REBOOT", POWER_RUNNING, \
	  STOPPED) \
	S(HARD_REBOOT_ON, "hard-reboot-on", "active", "rebooting_hard", "HARD_REBOOT", POWER_RUNNING, \
	  RUNNING) \
	/* _OFF: the guest was switched off before and stays so */ \
	S(RESIZE_MIGRATING, "resize-migrating", "active", "resize_migrating", "RESIZE", POWER_RUNNING, \
	  STOPPED) \
	S(RESIZE_MIGRATING_OFF, "resize-migrating-off", "stopped", "resize_migrating", "RESIZE", \
	  POWER_SHUTDOWN, STOPPED) \
	S(RESIZE_FINISH, "resize-finish", "active", "resize_finish", "RESIZE", POWER_SHUTDOWN, RUNNING) \
	S(RESIZE_FINISH_OFF, "resize-finish-off", "stopped", "resize_finish", "RESIZE", POWER_SHUTDOWN, \
	  STOPPED) \
	S(RESIZED, "resized", "resized", NULL, "VERIFY_RESIZE", POWER_RUNNING, RUNNING) \
	S(RESIZED_OFF, "resized-off", "resized", NULL, "VERIFY_RESIZE", POWER_SHUTDOWN, STOPPED) \
	S(CONFIRMING, "confirming", "resized", NULL, "VERIFY_RESIZE", POWER_RUNNING, RUNNING) \
	S(CONFIRMING_OFF, "confirming-off", "resized", NULL, "VERIFY_RESIZE", POWER_SHUTDOWN, STOPPED) \
	/* the target removes it, or (on one host) ends the guest */ \
	S(REVERTING, "reverting", "resized", "resize_reverting", "REVERT_RESIZE", POWER_SHUTDOWN, ABSENT) \
	S(REVERTING_HERE, "reverting-here", "resized", "resize_reverting", "REVERT_RESIZE", POWER_SHUTDOWN, \
	  STOPPED) \
	/* the source starts it */ \
	S(REVERTED, "reverted", "resized", "resize_reverting", "REVERT_RESIZE", POWER_SHUTDOWN, RUNNING) \
	S(REVERTED_OFF, "reverted-off", "resized", "resize_reverting", "REVERT_RESIZE", POWER_SHUTDOWN, \
	  STOPPED) \
	/* of a live migration: host and target get ready; the guest is on its way; it is to stay after all */ \
	S(LIVE_PREPARING, "live-preparing", "active", "migrating", "MIGRATING", POWER_RUNNING, RUNNING) \
	S(LIVE_LEAVING, "live-leaving", "active", "migrating", "MIGRATING", POWER_RUNNING, LEAVING) \
	S(LIVE_STAYING, "live-staying", "active", "migrating", "MIGRATING", POWER_RUNNING, STAYING) \
	S(SNAPSHOT, "snapshot", "active", "image_snapshot", "ACTIVE", POWER_RUNNING, RUNNING) \
	S(SNAPSHOT_OFF, "snapshot-off", "stopped", "image_snapshot", "SHUTOFF", POWER_SHUTDOWN, STOPPED) \
	S(SHELVING, "shelving", "active", "shelving_image_uploading", "ACTIVE", POWER_RUNNING, STOPPED) \
	S(SHELVING_OFF, "shelving-off", "stopped", "shelving_image_uploading", "SHUTOFF", POWER_SHUTDOWN, \
	  STOPPED) \
	S(SHELVED, "shelved", "shelved", NULL, "SHELVED", POWER_SHUTDOWN, STOPPED) \
	S(OFFLOADING, "offloading", "shelved", "shelving_offloading", "SHELVED", POWER_SHUTDOWN, ABSENT) \
	S(OFFLOADED, "offloaded", "shelved_offloaded", NULL, "SHELVED_OFFLOADED", POWER_SHUTDOWN, ABSENT) \
	S(UNSHELVING, "unshelving", "shelved", "unshelving", "SHELVED", POWER_SHUTDOWN, RUNNING) \
	S(UNSHELVING_ANEW, "unshelving-anew", "shelved_offloaded", "spawning", "SHELVED_OFFLOADED", \
	  POWER_SHUTDOWN, RUNNING) \
	/* the host ends the guest, then makes a new disk and starts it */ \
	S(REBUILD_OFF, "rebuild-off", "active", "rebuilding", "REBUILD", POWER_RUNNING, STOPPED) \
	S(REBUILD_ON, "rebuild-on", "active", "rebuild_spawning", "REBUILD", POWER_SHUTDOWN, RUNNING) \
	S(STOPPED_REBUILD, "stopped-rebuild", "stopped", "rebuilding", "REBUILD", POWER_SHUTDOWN, RUNNING) \
	S(ERROR_REBUILD_OFF, "error-rebuild-off", "error", "rebuilding", "REBUILD", POWER_NONE, STOPPED) \
	S(ERROR_REBUILD, "error-rebuild", "error", "rebuild_spawning", "REBUILD", POWER_NONE, RUNNING) \
	S(PAUSING, "pausing", "active", "pausing", "ACTIVE", POWER_RUNNING, PAUSED) \
	S(PAUSED, "paused", "paused", NULL, "PAUSED", POWER_PAUSED, PAUSED) \
	S(UNPAUSING, "unpausing", "paused", "unpausing", "PAUSED", POWER_PAUSED, RUNNING) \
	S(SUSPENDING, "suspending", "active", "suspending", "ACTIVE", POWER_RUNNING, SUSPENDED) \
	S(SUSPENDED, "suspended", "suspended", NULL, "SUSPENDED", POWER_SHUTDOWN, SUSPENDED) \
	S(RESUMING, "resuming", "suspended", "resuming", "SUSPENDED", POWER_SHUTDOWN, RUNNING) \
	S(ERROR, "error", "error", NULL, "ERROR", POWER_NONE, RUNNING) \
	S(BUILDING_DELETING, "building-deleting", "building", "deleting", "BUILD", POWER_NONE, ABSENT) \
	S(ACTIVE_DELETING, "active-deleting", "active", "deleting", "ACTIVE", POWER_RUNNING, ABSENT) \
	S(STOPPED_DELETING, "stopped-deleting", "stopped", "deleting", "SHUTOFF", POWER_SHUTDOWN, ABSENT) \
	S(RESIZED_DELETING, "resized-deleting", "resized", "deleting", "VERIFY_RESIZE", POWER_RUNNING, \
	  ABSENT) \
	S(SHELVED_DELETING, "shelved-deleting", "shelved", "deleting", "SHELVED", POWER_SHUTDOWN, ABSENT) \
	S(OFFLOADED_DELETING, "offloaded-deleting", "shelved_offloaded", "deleting", "SHELVED_OFFLOADED", \
	  POWER_SHUTDOWN, ABSENT) \
	S(PAUSED_DELETING, "paused-deleting", "paused", "deleting", "PAUSED", POWER_PAUSED, ABSENT) \
	S(SUSPENDED_DELETING, "suspended-deleting", "suspended", "deleting", "SUSPENDED", POWER_SHUTDOWN, \
	  ABSENT) \
	S(ERROR_DELETING, "error-deleting", "error", "deleting", "ERROR", POWER_NONE, ABSENT)

enum server_state {
#define S(name, text, vm, task, status, power, want) SERVER_##name,
	SERVER_STATES(S)
#undef S
		SERVER_STATE_COUNT
};

/* What a host says of a server (docs/agent-protocol.md, `state`). */
#define SERVER_REPORTS(R) \
	R(BUILDING, "building") \
	R(RUNNING, "running") \
	R(PAUSED, "paused") \
	R(SUSPENDED, "suspended") \
	R(INCOMING, "incoming") \
	R(LEFT, "left") \
	R(STOPPED, "stopped") \
	R(FAILED, "failed") \
	R(GONE, "gone")

enum server_report {
#define R(name, text) REPORT_##name,
	SERVER_REPORTS(R)
#undef R
		REPORT_COUNT
};

struct server_state_info {
	const char *text, *vm_state, *task_state /* NULL: none */, *status;
	enum server_power power;
	enum server_want want;
};

const struct server_state_info *server_state_info(enum server_state state);
/* From the database's text; a text that is none is a damaged database: SERVER_ERROR. */
enum server_state server_state_parse(const char *text);
const char *server_want_text(enum server_want want);
enum server_want server_want_parse(const char *text); /* a text that is none: WANT_ABSENT */
bool server_report_parse(const char *text, enum server_report *report);

/* What the life cycle needs to know of one server. */
struct server_life {
	enum server_state state;
	enum server_want want;
	bool has_host;
	int64_t generation;  /* moves with each change of what is wanted */
	int64_t launched_at; /* 0: never ran */
};

/* Moves to `next`; the want follows and, if it changes, the generation.  A move that the table does not
 * allow, or that would break the invariant, changes nothing: false and ERROR_CONFLICT. */
bool server_move(struct server_life *life, enum server_state next, struct error *err);
/* May it? */
bool server_may_move(enum server_state from, enum server_state next);
/* The state that a server in `from` has while it is being deleted. */
enum server_state server_deleting(enum server_state from);
static inline bool server_is_deleting(enum server_state state)
{
	return state >= SERVER_BUILDING_DELETING;
}

/* Applies a report about the server's current generation: true if `life` changed.  *lost: the host says that
 * a server that it shall have is gone (life is ERROR then and the server wanted absent: what is left must not
 * be built anew from the image in silence).  A `gone` of a server that shall be absent is not for here: it
 * ends the life. */
bool server_life_report(struct server_life *life, enum server_report report, int64_t now, bool *lost);

/* Room for the texts of all states of a status. */
#define SERVER_STATES_TEXT 1024
/* The states with this API status, as "|active|powering-off|" for SQL; "" if the status is none.  Any case.
 */
void server_states_of_status(const char *status, char text[SERVER_STATES_TEXT]);
/* The same for a vm_state. */
void server_states_of_vm_state(const char *vm_state, char text[SERVER_STATES_TEXT]);
