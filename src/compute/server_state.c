/* The table of states, the allowed moves and what reports do. */
#include "compute/server_state.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct server_state_info states[] = {
#define S(name, text, vm, task, status, power, want) \
	[SERVER_##name] = {text, vm, task, status, power, WANT_##want},
	SERVER_STATES(S)
#undef S
};

static const char *const wants[] = {
#define W(name, text) [WANT_##name] = text,
	SERVER_WANTS(W)
#undef W
};

static const char *const reports[] = {
#define R(name, text) [REPORT_##name] = text,
	SERVER_REPORTS(R)
#undef R
};

#define TO(name) (UINT64_C(1) << SERVER_##name)
_Static_assert(SERVER_STATE_COUNT <= 64, "the states of a move fit a word");

/* Where a state may go.  Any state may also fail or be deleted. */
static const uint64_t moves[SERVER_STATE_COUNT] = {
	[SERVER_SCHEDULING] = TO(SPAWNING) | TO(ERROR),
	[SERVER_SPAWNING] = TO(ACTIVE) | TO(STOPPED) | TO(ERROR) | TO(BUILDING_DELETING),
	[SERVER_ACTIVE] = TO(POWERING_OFF) | TO(STOPPED) | TO(REBOOT_OFF) | TO(HARD_REBOOT_OFF) |
			  TO(RESIZE_MIGRATING) | TO(SNAPSHOT) | TO(SHELVING) | TO(PAUSING) | TO(SUSPENDING) |
			  TO(REBUILD_OFF) | TO(REBUILD_ON) | TO(LIVE_PREPARING) | TO(ERROR) |
			  TO(ACTIVE_DELETING),
	[SERVER_POWERING_OFF] = TO(STOPPED) | TO(REBUILD_ON) | TO(ERROR) | TO(ACTIVE_DELETING),
	[SERVER_STOPPED] = TO(POWERING_ON) | TO(HARD_REBOOT_ON) | TO(ERROR) | TO(STOPPED_DELETING) |
			   TO(RESIZE_MIGRATING_OFF) | TO(SNAPSHOT_OFF) | TO(SHELVING_OFF) |
			   TO(STOPPED_REBUILD),
	[SERVER_POWERING_ON] = TO(ACTIVE) | TO(STOPPED_REBUILD) | TO(ERROR) | TO(STOPPED_DELETING),
	[SERVER_REBOOT_OFF] =
		TO(REBOOT_ON) | TO(HARD_REBOOT_OFF) | TO(REBUILD_ON) | TO(ERROR) | TO(ACTIVE_DELETING),
	[SERVER_REBOOT_ON] =
		TO(ACTIVE) | TO(HARD_REBOOT_OFF) | TO(REBUILD_ON) | TO(ERROR) | TO(ACTIVE_DELETING),
	[SERVER_HARD_REBOOT_OFF] = TO(HARD_REBOOT_ON) | TO(REBUILD_ON) | TO(ERROR) | TO(ACTIVE_DELETING),
	[SERVER_HARD_REBOOT_ON] = TO(ACTIVE) | TO(REBUILD_ON) | TO(ERROR) | TO(ACTIVE_DELETING),
	/* A guest that was stopped for a move that failed is started again. */
	[SERVER_RESIZE_MIGRATING] = TO(RESIZE_FINISH) | TO(POWERING_ON) | TO(ERROR) | TO(ACTIVE_DELETING),
	[SERVER_RESIZE_MIGRATING_OFF] =
		TO(RESIZE_FINISH_OFF) | TO(STOPPED) | TO(ERROR) | TO(STOPPED_DELETING),
	[SERVER_RESIZE_FINISH] = TO(RESIZED) | TO(RESIZED_OFF) | TO(ERROR) | TO(ACTIVE_DELETING),
	[SERVER_RESIZE_FINISH_OFF] = TO(RESIZED_OFF) | TO(ERROR) | TO(STOPPED_DELETING),
	[SERVER_RESIZED] = TO(RESIZED_OFF) | TO(CONFIRMING) | TO(ACTIVE) | TO(REVERTING) |
			   TO(REVERTING_HERE) | TO(ERROR) | TO(RESIZED_DELETING),
	[SERVER_RESIZED_OFF] = TO(CONFIRMING_OFF) | TO(STOPPED) | TO(REVERTING) | TO(REVERTING_HERE) |
			       TO(ERROR) | TO(RESIZED_DELETING),
	[SERVER_CONFIRMING] = TO(CONFIRMING_OFF) | TO(ACTIVE) | TO(ERROR) | TO(RESIZED_DELETING),
	[SERVER_CONFIRMING_OFF] = TO(STOPPED) | TO(ERROR) | TO(RESIZED_DELETING),
	[SERVER_REVERTING] = TO(REVERTED) | TO(REVERTED_OFF) | TO(ERROR) | TO(RESIZED_DELETING),
	[SERVER_REVERTING_HERE] = TO(REVERTED) | TO(REVERTED_OFF) | TO(ERROR) | TO(RESIZED_DELETING),
	[SERVER_REVERTED] = TO(ACTIVE) | TO(STOPPED) | TO(ERROR) | TO(RESIZED_DELETING),
	[SERVER_REVERTED_OFF] = TO(STOPPED) | TO(ERROR) | TO(RESIZED_DELETING),
	[SERVER_LIVE_PREPARING] =
		TO(LIVE_LEAVING) | TO(ACTIVE) | TO(STOPPED) | TO(ERROR) | TO(ACTIVE_DELETING),
	[SERVER_LIVE_LEAVING] = TO(LIVE_STAYING) | TO(ACTIVE) | TO(STOPPED) | TO(ERROR) | TO(ACTIVE_DELETING),
	[SERVER_LIVE_STAYING] = TO(ACTIVE) | TO(STOPPED) | TO(ERROR) | TO(ACTIVE_DELETING),
	[SERVER_SNAPSHOT] = TO(ACTIVE) | TO(STOPPED) | TO(ERROR) | TO(ACTIVE_DELETING),
	[SERVER_SNAPSHOT_OFF] = TO(STOPPED) | TO(ERROR) | TO(STOPPED_DELETING),
	[SERVER_SHELVING] = TO(SHELVED) | TO(POWERING_ON) | TO(ERROR) | TO(ACTIVE_DELETING),
	[SERVER_SHELVING_OFF] = TO(SHELVED) | TO(STOPPED) | TO(ERROR) | TO(STOPPED_DELETING),
	[SERVER_SHELVED] = TO(OFFLOADING) | TO(UNSHELVING) | TO(ERROR) | TO(SHELVED_DELETING),
	[SERVER_OFFLOADING] = TO(OFFLOADED) | TO(SHELVED_DELETING),
	[SERVER_OFFLOADED] = TO(UNSHELVING_ANEW) | TO(OFFLOADED_DELETING),
	[SERVER_UNSHELVING] = TO(ACTIVE) | TO(STOPPED) | TO(ERROR) | TO(SHELVED_DELETING),
	/* What could not be built is taken away again, and is as it was. */
	[SERVER_UNSHELVING_ANEW] = TO(ACTIVE) | TO(STOPPED) | TO(OFFLOADING) | TO(OFFLOADED_DELETING),
	[SERVER_REBUILD_OFF] = TO(REBUILD_ON) | TO(ERROR) | TO(ACTIVE_DELETING),
	[SERVER_REBUILD_ON] = TO(ACTIVE) | TO(STOPPED) | TO(ERROR) | TO(ACTIVE_DELETING),
	/* It starts once, as with Nova, and is switched off again. */
	[SERVER_STOPPED_REBUILD] = TO(POWERING_OFF) | TO(STOPPED) | TO(ERROR) | TO(STOPPED_DELETING),
	[SERVER_ERROR_REBUILD_OFF] = TO(ERROR_REBUILD) | TO(ERROR) | TO(ERROR_DELETING),
	[SERVER_ERROR_REBUILD] = TO(ACTIVE) | TO(STOPPED) | TO(ERROR) | TO(ERROR_DELETING),
	/* Back to ACTIVE: the host could not do it. */
	[SERVER_PAUSING] = TO(PAUSED) | TO(ACTIVE) | TO(STOPPED) | TO(ERROR) | TO(ACTIVE_DELETING),
	[SERVER_PAUSED] = TO(UNPAUSING) | TO(HARD_REBOOT_OFF) | TO(STOPPED) | TO(ERROR) | TO(PAUSED_DELETING),
	[SERVER_UNPAUSING] = TO(ACTIVE) | TO(STOPPED) | TO(ERROR) | TO(PAUSED_DELETING),
	[SERVER_SUSPENDING] = TO(SUSPENDED) | TO(ACTIVE) | TO(STOPPED) | TO(ERROR) | TO(ACTIVE_DELETING),
	[SERVER_SUSPENDED] =
		TO(RESUMING) | TO(HARD_REBOOT_OFF) | TO(STOPPED) | TO(ERROR) | TO(SUSPENDED_DELETING),
	[SERVER_RESUMING] = TO(ACTIVE) | TO(STOPPED) | TO(ERROR) | TO(SUSPENDED_DELETING),
	/* A host that makes it after all is believed: its word is newer than the fault. */
	[SERVER_ERROR] = TO(ACTIVE) | TO(PAUSED) | TO(SUSPENDED) | TO(STOPPED) | TO(HARD_REBOOT_OFF) |
			 TO(ERROR_DELETING) | TO(RESIZED) | TO(RESIZED_OFF) | TO(REVERTING) |
			 TO(REVERTING_HERE) | TO(REVERTED) | TO(REVERTED_OFF) | TO(ERROR_REBUILD_OFF) |
			 TO(ERROR_REBUILD),
	/* A removal that fails is shown as an error and goes on being tried. */
	[SERVER_BUILDING_DELETING] = TO(ERROR_DELETING),
	[SERVER_ACTIVE_DELETING] = TO(ERROR_DELETING),
	[SERVER_STOPPED_DELETING] = TO(ERROR_DELETING),
	[SERVER_RESIZED_DELETING] = TO(ERROR_DELETING),
	[SERVER_SHELVED_DELETING] = TO(ERROR_DELETING),
	[SERVER_OFFLOADED_DELETING] = TO(ERROR_DELETING),
	[SERVER_PAUSED_DELETING] = TO(ERROR_DELETING),
	[SERVER_SUSPENDED_DELETING] = TO(ERROR_DELETING),
};

const struct server_state_info *server_state_info(enum server_state state)
{
	return &states[state];
}

enum server_state server_state_parse(const char *text)
{
	for (size_t i = 0; text && i < ELEMENTS_OF(states); i++) {
		if (strcmp(states[i].text, text) == 0)
			return (enum server_state)i;
	}
	return SERVER_ERROR;
}

const char *server_want_text(enum server_want want)
{
	return wants[want];
}

enum server_want server_want_parse(const char *text)
{
	for (size_t i = 0; text && i < ELEMENTS_OF(wants); i++) {
		if (strcmp(wants[i], text) == 0)
			return (enum server_want)i;
	}
	return WANT_ABSENT;
}

bool server_report_parse(const char *text, enum server_report *report)
{
	for (size_t i = 0; text && i < ELEMENTS_OF(reports); i++) {
		if (strcmp(reports[i], text) == 0) {
			*report = (enum server_report)i;
			return true;
		}
	}
	return false;
}

bool server_may_move(enum server_state from, enum server_state next)
{
	return (moves[from] >> next & 1) != 0;
}

/* What must hold of every server that is stored. */
static bool server_holds(const struct server_life *life)
{
	bool settled = life->state == SERVER_ACTIVE || life->state == SERVER_PAUSED ||
		       life->state == SERVER_SUSPENDED || life->state == SERVER_STOPPED;

	if (life->state != SERVER_ERROR && life->want != states[life->state].want)
		return false;
	/* Only a server for which there was no host has none, and that one is an error or about to be. */
	if (!life->has_host && life->state != SERVER_ERROR && life->state != SERVER_SCHEDULING &&
	    life->state != SERVER_OFFLOADED)
		return false;
	return !settled || life->launched_at > 0;
}

bool server_move(struct server_life *life, enum server_state next, struct error *err)
{
	struct server_life after = *life;

	after.state = next;
	if (next != SERVER_ERROR)
		after.want = states[next].want;
	/* A server that is to be deleted is asked for again even if the host was told before to have nothing
	 * of it. */
	if (after.want != life->want || (server_is_deleting(next) && !server_is_deleting(life->state)))
		after.generation++;
	if (!server_may_move(life->state, next) || !server_holds(&after))
		return error_set(err, ERROR_CONFLICT, "a server cannot go from %s to %s",
				 states[life->state].text, states[next].text);
	*life = after;
	return true;
}

enum server_state server_deleting(enum server_state from)
{
	for (int i = SERVER_BUILDING_DELETING; i < SERVER_STATE_COUNT; i++) {
		if (strcmp(states[i].vm_state, states[from].vm_state) == 0)
			return (enum server_state)i;
	}
	return SERVER_ACTIVE_DELETING;
}

/* Where a running server brings each state; SERVER_STATE_COUNT: nowhere. */
static enum server_state after_running(const struct server_life *life)
{
	switch (life->state) {
	case SERVER_SPAWNING:
	case SERVER_POWERING_ON:
	case SERVER_REBOOT_ON:
	case SERVER_HARD_REBOOT_ON:
	case SERVER_REBUILD_ON:
	case SERVER_ERROR_REBUILD:
	case SERVER_SNAPSHOT:
	case SERVER_UNSHELVING:
	case SERVER_UNSHELVING_ANEW:
	case SERVER_UNPAUSING:
	case SERVER_RESUMING:
	/* It could not be done: the guest runs on. */
	case SERVER_PAUSING:
	case SERVER_SUSPENDING:
		return SERVER_ACTIVE;
	case SERVER_STOPPED_REBUILD:
		return SERVER_POWERING_OFF;
	case SERVER_ERROR:
		return life->want == WANT_RUNNING ? SERVER_ACTIVE : SERVER_STATE_COUNT;
	default:
		return SERVER_STATE_COUNT;
	}
}

static enum server_state after_stopped(const struct server_life *life)
{
	switch (life->state) {
	case SERVER_POWERING_OFF:
		return SERVER_STOPPED;
	/* A guest that ended by itself stays off until somebody starts it, as with Nova. */
	case SERVER_ACTIVE:
	case SERVER_SPAWNING:
	case SERVER_SNAPSHOT:
	case SERVER_SNAPSHOT_OFF:
	case SERVER_UNSHELVING:
	case SERVER_UNSHELVING_ANEW:
	case SERVER_PAUSING:
	case SERVER_PAUSED:
	case SERVER_UNPAUSING:
	case SERVER_SUSPENDING:
	case SERVER_SUSPENDED:
	case SERVER_RESUMING:
	case SERVER_REBUILD_ON:
	case SERVER_STOPPED_REBUILD:
	case SERVER_ERROR_REBUILD:
		return SERVER_STOPPED;
	case SERVER_REBUILD_OFF:
		return SERVER_REBUILD_ON;
	case SERVER_ERROR_REBUILD_OFF:
		return SERVER_ERROR_REBUILD;
	case SERVER_RESIZED:
		return SERVER_RESIZED_OFF;
	case SERVER_CONFIRMING:
		return SERVER_CONFIRMING_OFF;
	case SERVER_REBOOT_OFF:
		return SERVER_REBOOT_ON;
	case SERVER_HARD_REBOOT_OFF:
		return SERVER_HARD_REBOOT_ON;
	case SERVER_ERROR:
		return life->want == WANT_STOPPED ? SERVER_STOPPED : SERVER_STATE_COUNT;
	default:
		return SERVER_STATE_COUNT;
	}
}

/* Done as it was wanted. */
static enum server_state after_done(const struct server_life *life, enum server_want want,
				    enum server_state under_way, enum server_state done)
{
	return life->state == under_way || (life->state == SERVER_ERROR && life->want == want)
		       ? done
		       : SERVER_STATE_COUNT;
}

static enum server_state after_failed(const struct server_life *life)
{
	if (life->state == SERVER_UNSHELVING_ANEW)
		return SERVER_OFFLOADING;
	return server_is_deleting(life->state) ? SERVER_ERROR_DELETING : SERVER_ERROR;
}

bool server_life_report(struct server_life *life, enum server_report report, int64_t now, bool *lost)
{
	enum server_state next = SERVER_STATE_COUNT;
	struct error ignored;

	*lost = false;
	switch (report) {
	case REPORT_BUILDING:
	case REPORT_INCOMING:
	case REPORT_LEFT:
	case REPORT_COUNT:
		return false;
	case REPORT_RUNNING:
		next = after_running(life);
		break;
	case REPORT_PAUSED:
		next = after_done(life, WANT_PAUSED, SERVER_PAUSING, SERVER_PAUSED);
		break;
	case REPORT_SUSPENDED:
		next = after_done(life, WANT_SUSPENDED, SERVER_SUSPENDING, SERVER_SUSPENDED);
		break;
	case REPORT_STOPPED:
		next = after_stopped(life);
		break;
	case REPORT_FAILED:
		next = after_failed(life);
		break;
	case REPORT_GONE:
		if (life->state != SERVER_ERROR && !server_move(life, SERVER_ERROR, &ignored))
			return false;
		*lost = life->want != WANT_ABSENT;
		life->generation += *lost;
		life->want = WANT_ABSENT;
		return *lost;
	}
	if (next == SERVER_STATE_COUNT)
		return false;
	if (life->launched_at == 0 && (next == SERVER_ACTIVE || next == SERVER_STOPPED))
		life->launched_at = now;
	return server_move(life, next, &ignored);
}

static void add_state(char text[SERVER_STATES_TEXT], const char *state)
{
	size_t length = strlen(text);

	snprintf(text + length, SERVER_STATES_TEXT - length, "%s%s|", length ? "" : "|", state);
}

void server_states_of_status(const char *status, char text[SERVER_STATES_TEXT])
{
	text[0] = '\0';
	for (size_t i = 0; i < ELEMENTS_OF(states); i++) {
		if (strcasecmp(states[i].status, status) == 0)
			add_state(text, states[i].text);
	}
}

void server_states_of_vm_state(const char *vm_state, char text[SERVER_STATES_TEXT])
{
	text[0] = '\0';
	for (size_t i = 0; i < ELEMENTS_OF(states); i++) {
		if (strcasecmp(states[i].vm_state, vm_state) == 0)
			add_state(text, states[i].text);
	}
}
