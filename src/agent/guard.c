/* Looking after PFs and VFs. */
#include "agent/guard.h"

#include "agent/entries.h"
#include "agent/health.h"
#include "agent/held.h"
#include "agent/ledger.h"
#include "agent/netdev.h"
#include "agent/nic_driver.h"
#include "agent/vf_dirt.h"
#include "agent/world.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/timestamp.h"
#include "sys/sys.h"

#include <string.h>

#define LOOK_MS	      1000
#define AGAIN_MS      100 /* until a VF in reset is tried again */
#define SPACING_MAX   200 /* ms between looks, however long they take */
#define LOG_TEXT_SIZE 500

static bool keep_up = true;

void guard_configure(bool keep_pfs_up)
{
	keep_up = keep_pfs_up;
}

/* --- what has been found already: only the guard's thread --- */

/* Of one function: what was said of it, and how it was left. */
struct note {
	char said[LOG_TEXT_SIZE];
	bool told;
	struct vf_settings left; /* that health was told of */
};

static struct map notes; /* by PCI address */

static struct note *note_get(const char *address)
{
	struct note *note = map_get(&notes, address);

	if (!note) {
		note = memory_alloc(sizeof *note);
		map_put(&notes, address, note);
	}
	return note;
}

/* Once, until something else is to be said. */
static void say_once(const char *address, const char *text)
{
	struct note *note = note_get(address);

	if (strcmp(note->said, text) == 0)
		return;
	snprintf(note->said, sizeof note->said, "%s", text);
	log_warning("%s", text);
}

static void forget(const char *address)
{
	struct note *note = map_get(&notes, address);

	if (note)
		*note = (struct note){0};
}

/* --- settings --- */

static bool same(const struct vf_settings *a, const struct vf_settings *b)
{
	for (size_t i = 0; i < vf_attribute_count; i++) {
		if (!vf_attributes[i].equal(a, b))
			return false;
	}
	return true;
}

/* "the MAC from A to B, trust from off to on". */
static void describe_change(const struct vf_settings *from, const struct vf_settings *to,
			    char text[LOG_TEXT_SIZE])
{
	char before[VF_TEXT_SIZE], after[VF_TEXT_SIZE];
	size_t length = 0;

	*text = '\0';
	for (size_t i = 0; i < vf_attribute_count && length < LOG_TEXT_SIZE; i++) {
		if (vf_attributes[i].equal(from, to))
			continue;
		vf_attributes[i].describe(from, before);
		vf_attributes[i].describe(to, after);
		length += (size_t)snprintf(text + length, LOG_TEXT_SIZE - length, "%s%s from %s to %s",
					   length ? ", " : "", vf_attributes[i].name, before, after);
	}
}

/* What was read back, but for what the guest may choose itself: a trusted one without spoof check its MAC
 * (bonding does), and NICs show that to the PF. */
static struct vf_settings expected(const struct held *held)
{
	struct vf_settings settings = held->seen;

	settings.own_mac |= held->wanted.trust == 1 && held->wanted.spoof_check == 0;
	return settings;
}

/* --- VFs that servers have --- */

/* False: to be tried again soon.  With the VF to ourselves. */
static bool put_back(const struct guarded_pf *pf, int vf, struct held *held)
{
	struct vf_settings now, wanted = held->wanted, as_expected = expected(held);
	char change[LOG_TEXT_SIZE], text[LOG_TEXT_SIZE];
	struct error err;

	wanted.own_mac = as_expected.own_mac;
	if (!vf_read(pf->netdev, vf, &now, &err) || same(&now, &as_expected))
		return true;
	describe_change(&as_expected, &now, change);
	bool ok = vf_program_from(pf->netdev, pf->link, vf, &wanted, 0, &now, &err);
	snprintf(text, sizeof text, "VF %d of %s (server %s%s%s): something changed %.300s: %s%.150s", vf,
		 pf->netdev, held->server_id, *held->port_id ? ", port " : "", held->port_id, change,
		 ok ? "put back" : "putting it back failed: ", ok ? "" : err.message);
	if (!ok) {
		say_once(pf->vfs[vf].address, text);
		return false;
	}
	log_warning("%s", text);
	held->seen = now;
	held->seen.own_mac = held->wanted.own_mac;
	return true;
}

static bool check_held(const struct guarded_pf *pf, int vf, const struct vf_settings *seen,
		       const struct held *known_to_be)
{
	const char *address = pf->vfs[vf].address;
	struct vf_settings as_expected = expected(known_to_be);
	struct held held;
	bool has, ok = true;

	if (same(seen, &as_expected)) {
		forget(address);
		return true;
	}
	if (!held_try(address, &held, &has))
		return false;
	if (has)
		ok = put_back(pf, vf, &held);
	held_end(address, has ? &held : NULL);
	return ok;
}

/* --- VFs that nobody has --- */

/* Health cleans them (health.h); it only looks every so often, and is called here.  One that it leaves as it
 * is is not told of again until it changes. */
static void check_idle(const struct guarded_pf *pf, int vf, const struct vf_settings *seen)
{
	const char *address = pf->vfs[vf].address;
	struct ledger_entry entry;
	struct note *note;

	if (!pf->vfs[vf].offered || !vf_is_dirty(seen)) {
		forget(address);
		return;
	}
	note = note_get(address);
	if ((note->told && same(&note->left, seen)) || ledger_read(address, &entry))
		return;
	note->told = true;
	note->left = *seen;
	health_call();
}

/* --- PFs --- */

static void raise_pf(const struct guarded_pf *pf)
{
	struct held held;
	struct error err;
	char text[LOG_TEXT_SIZE];
	bool has;

	if (!keep_up) {
		snprintf(text, sizeof text,
			 "%s is down, and [penstock] keep_pfs_up leaves it so: its VFs have no link",
			 pf->netdev);
		say_once(pf->address, text);
		return;
	}
	if (!held_try(pf->address, &held, &has))
		return; /* on its way back from a guest, it is to be down for a moment */
	if (netdev_set_up(pf->netdev, true, &err))
		log_warning("%s was down: brought up", pf->netdev);
	else
		say_once(pf->address, err.message);
	held_end_unchanged(pf->address);
}

static pthread_mutex_t lacks_lock = PTHREAD_MUTEX_INITIALIZER;
static struct map lacks_of; /* 1 + NIC_..., by the PF's address */

static void note_lacks(const char *pf_address, unsigned lacks)
{
	pthread_mutex_lock(&lacks_lock);
	map_put(&lacks_of, pf_address, (void *)(uintptr_t)(1 + lacks));
	pthread_mutex_unlock(&lacks_lock);
}

bool guard_lacks(const char *pf_address, unsigned *lacks)
{
	pthread_mutex_lock(&lacks_lock);
	uintptr_t found = (uintptr_t)map_get(&lacks_of, pf_address);
	pthread_mutex_unlock(&lacks_lock);
	if (found)
		*lacks = (unsigned)found - 1;
	return found;
}

static bool check_pf(struct guarded_pf *pf)
{
	_cleanup_(vf_table_done) struct vf_table table = {0};
	struct error ignored;
	struct held held;
	bool ok = true;

	if (!vf_table_read(pf->netdev, &table, &ignored))
		return true; /* it has gone, or has another name just now */
	pf->link = table.link;
	if (!table.up)
		raise_pf(pf);
	note_lacks(pf->address, nic_lacks(pf->driver, &table));
	for (size_t i = 0; i < table.count && i < pf->vf_count; i++) {
		if (table.vfs[i].untold || !*pf->vfs[i].address)
			continue;
		if (held_look(pf->vfs[i].address, &held))
			ok &= check_held(pf, (int)i, &table.vfs[i], &held);
		else
			check_idle(pf, (int)i, &table.vfs[i]);
	}
	return ok;
}

bool guard_pass(void)
{
	static struct guarded list;
	bool ok = true;

	guarded_list(&list);
	for (size_t i = 0; i < list.count; i++)
		ok &= check_pf(&list.pfs[i]);
	return !ok;
}

/* Drivers that ask their firmware for each VF take long, and hold the lock of all network devices: looking
 * takes no more than a tenth of the time after events, and a hundredth otherwise. */
void *guard_loop(void *argument)
{
	int wait = 0;

	(void)argument;
	while (!agent.stopping) {
		unsigned told = world->events(wait);
		int64_t begun = sys_monotonic();

		if (told & WORLD_DEVICES)
			agent_look();
		bool again = guard_pass();
		int took = (int)((sys_monotonic() - begun) / 1000);
		if (took > 0)
			world->pause(10 * took < SPACING_MAX ? 10 * took : SPACING_MAX);
		wait = again ? AGAIN_MS : 100 * took > LOOK_MS ? 100 * took : LOOK_MS;
	}
	return NULL;
}
