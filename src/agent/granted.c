/* Granted devices on their way to a guest and back: the driver, and a VF's settings. */
#include "agent/grant.h"

#include "agent/deadline.h"
#include "agent/held.h"
#include "agent/hook.h"
#include "agent/ledger.h"
#include "agent/netdev.h"
#include "agent/quarantine.h"
#include "agent/report.h"
#include "agent/world.h"
#include "base/log.h"
#include "base/memory.h"

#include <pthread.h>
#include <string.h>

/* A PF must not go while one of its VFs is on its way to a guest; and the kernel takes a lock for each card.
 */
static pthread_mutex_t *card_lock(const struct granted_device *device)
{
	static pthread_mutex_t locks[16] = {
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
		PTHREAD_MUTEX_INITIALIZER,
	};
	const char *card = *device->place.parent ? device->place.parent : device->memory.address;
	unsigned hash = 0;

	for (; *card; card++)
		hash = hash * 31 + (unsigned char)*card;
	return &locks[hash % ELEMENTS_OF(locks)];
}

static yyjson_val *port_find(yyjson_val *server, const char *port_id)
{
	yyjson_val *port;
	size_t i, max;

	yyjson_arr_foreach (yyjson_obj_get(server, "ports"), i, max, port) {
		if (strcmp(json_text(port, "id"), port_id) == 0)
			return port;
	}
	return NULL;
}

static bool is_nic_vf(const struct granted_device *device)
{
	return device->place.vf_index >= 0 && *device->place.pf;
}

/* Every setting, whatever is there: an earlier owner may have left something.  A VF without a port (an
 * alias's) gets none. */
static void settings_of(yyjson_val *port, bool macvtap, struct vf_settings *wanted)
{
	yyjson_val *qos = yyjson_obj_get(port, "qos");

	*wanted = vf_clean;
	if (!port)
		return;
	snprintf(wanted->mac_address, sizeof wanted->mac_address, "%.17s", json_text(port, "mac_address"));
	wanted->own_mac = macvtap;
	wanted->vlan = (int)json_int(port, "vlan", 0);
	wanted->service_tag = strcmp(json_text(port, "vlan_protocol"), "802.1ad") == 0;
	wanted->spoof_check = json_bool(port, "port_security", true);
	wanted->trust = json_bool(port, "trusted", false);
	wanted->max_rate = vf_rate(json_int(qos, "max_kbps", 0));
	wanted->min_rate = vf_rate(json_int(qos, "min_kbps", 0));
	/* AG-14 */
	wanted->link_state = !json_bool(port, "admin_state_up", true)		? VF_LINK_DISABLE
			     : json_bool(port, "propagate_uplink_status", true) ? VF_LINK_AUTO
										: VF_LINK_ENABLE;
}

/* Larger frames would be lost without a word.  (A whole PF's MTU is its guest's.) */
static bool mtu_check(const struct device_place *place, const struct vf_table *table, const char *port_id,
		      int64_t wanted, struct error *err)
{
	return table->mtu == 0 || wanted <= table->mtu ||
	       error_set(err, ERROR_CONFLICT,
			 "the MTU of %s is %d, and the network of port %s has %lld: it is to be raised first "
			 "(ip link set %s mtu %lld)",
			 place->pf, table->mtu, port_id, (long long)wanted, place->pf, (long long)wanted);
}

/* On its way to a guest: what the errand needs, and what comes of it. */
struct giving {
	struct granted_device device;
	bool take;	 /* it is not with the guest yet */
	int64_t mtu;	 /* of the port's network, or 0 */
	struct held now; /* wanted is set; seen comes of it */
	bool ok;
	bool unfit; /* not ok, because it does not answer */
	int twin;   /* not ok, because this VF of the PF has the MAC address; or -1 */
	struct error err;
};

static struct giving *giving_make(const struct granted_device *device, yyjson_val *server, bool take)
{
	struct giving *giving = memory_alloc(sizeof *giving);
	yyjson_val *port = port_find(server, device->port_id);
	struct held *now = &giving->now;

	*giving =
		(struct giving){.device = *device, .take = take, .mtu = json_int(port, "mtu", 0), .twin = -1};
	snprintf(now->server_id, sizeof now->server_id, "%.36s", json_text(server, "id"));
	snprintf(now->port_id, sizeof now->port_id, "%s", device->port_id);
	settings_of(port, device->macvtap, &now->wanted);
	return giving;
}

/* Another VF of the PF with the same address: both would be deaf. */
static bool mac_is_alone(struct giving *giving, const struct vf_table *table, struct error *err)
{
	const struct device_place *place = &giving->device.place;
	const char *mac = giving->now.wanted.mac_address;

	if (strcmp(mac, vf_clean.mac_address) == 0)
		return true;
	for (int i = 0; i < (int)table->count; i++) {
		if (i != place->vf_index && strcmp(table->vfs[i].mac_address, mac) == 0) {
			giving->twin = i;
			return error_set(err, ERROR_CONFLICT,
					 "VF %d of %s has the port's MAC address already", i, place->pf);
		}
	}
	return true;
}

static bool vf_setup(struct giving *giving, struct error *err)
{
	const struct device_place *place = &giving->device.place;
	struct held *now = &giving->now;
	_cleanup_(vf_table_done) struct vf_table table = {0};

	if (!vf_table_read(place->pf, &table, err) ||
	    (giving->take && (!mtu_check(place, &table, now->port_id, giving->mtu, err) ||
			      !mac_is_alone(giving, &table, err))))
		return false;
	/* A VF has no link while its PF is down. */
	if (!table.up && !netdev_set_up(place->pf, true, err))
		return false;
	if ((size_t)place->vf_index >= table.count || table.vfs[place->vf_index].untold)
		return error_set(err, ERROR_NOT_FOUND, "%s has no VF %d", place->pf, place->vf_index);
	now->seen = table.vfs[place->vf_index];
	if (!vf_program_from(place->pf, table.link, place->vf_index, &now->wanted, VF_PATIENCE, &now->seen,
			     err))
		return false;
	now->seen.own_mac = now->wanted.own_mac;
	return true;
}

/* The address is set on the VF's network device alone: drivers like igb let nobody change it any more once
 * the PF has set it, not even to the same, and libvirt sets it as well. */
static bool lend(struct giving *giving, struct error *err)
{
	if (!is_nic_vf(&giving->device))
		return error_set(err, ERROR_CONFLICT,
				 "%s is no VF of a network device: no macvtap can be made on it",
				 giving->device.memory.address);
	return vf_setup(giving, err) &&
	       device_lend(&giving->device.memory, giving->now.wanted.mac_address, err);
}

static void give(void *argument)
{
	struct giving *giving = argument;
	const struct granted_device *device = &giving->device;

	giving->unfit = giving->take && !device_answers(device->memory.address, &giving->err);
	if (giving->unfit)
		giving->ok = false;
	else if (giving->take && device->macvtap)
		giving->ok = lend(giving, &giving->err);
	else
		giving->ok = (!giving->take || device_take(&device->memory, &giving->err)) &&
			     (!is_nic_vf(device) || vf_setup(giving, &giving->err));
}

/* *done says what came of it, also when it fails; now is what the VF was programmed with. */
static bool give_errand(const struct granted_device *device, yyjson_val *server, bool take,
			struct giving *done, struct error *err)
{
	struct giving *giving = giving_make(device, server, take);
	char what[80];

	*done = (struct giving){.twin = -1};
	snprintf(what, sizeof what, "giving %s to a guest", device->memory.address);
	if (!deadline_errand(device->memory.address, what, give, free, giving, err))
		return false;
	*done = *giving;
	free(giving);
	if (!done->ok)
		*err = done->err;
	return done->ok;
}

/* --- before it is given --- */

static bool refuse_kin(const struct granted_device *device, const char *what, const char *kin,
		       const struct ledger_entry *entry, struct error *err)
{
	bool cleaned = strcmp(entry->server_id, LEDGER_NOBODY) == 0;

	return error_set(err, cleaned ? ERROR_UNAVAILABLE : ERROR_CONFLICT, "%s: its %s %s %s%s",
			 device->memory.address, what, kin, cleaned ? "is being cleaned" : "is with server ",
			 cleaned ? "" : entry->server_id);
}

/* VFs of a PF that is to be given, and the PF of a VF: whose they are. */
static bool kin_is_free(const struct granted_device *device, struct error *err)
{
	struct ledger_entry entry;
	bool ok = true;

	if (*device->place.parent)
		return !ledger_read(device->place.parent, &entry) ||
		       refuse_kin(device, "PF", device->place.parent, &entry, err);
	char **vfs = device_vfs(device->memory.address, err);
	for (char **vf = vfs; ok && vf && *vf; vf++)
		ok = !ledger_read(*vf, &entry) || refuse_kin(device, "VF", *vf, &entry, err);
	ok = ok && vfs;
	world_list_free(vfs);
	return ok;
}

/* What nobody has is cleaned. */
static bool part_from_twin(const struct granted_device *device, int index, struct error *err)
{
	const struct device_place *place = &device->place;
	_cleanup_free_ char *link = memory_printf("/sys/bus/pci/devices/%s/virtfn%d", place->parent, index);
	struct ledger_entry entry;
	char twin[16], who[80];
	struct error why;

	if (!world->link(link, twin, sizeof twin))
		return error_set(err, ERROR_INTERNAL, "cannot read %s", link);
	if (ledger_read(twin, &entry))
		return error_set(err, ERROR_CONFLICT,
				 "VF %d of %s (%s), which server %s has, has the port's MAC address already",
				 index, place->pf, twin, entry.server_id);
	/* Excluded, or nobody has said that it is ours to give: not ours to clean. */
	if (!report_offers(twin))
		return error_set(err, ERROR_CONFLICT,
				 "VF %d of %s (%s), which is not offered, has the port's MAC address already",
				 index, place->pf, twin);
	log_warning("VF %d of %s (%s) is nobody's and has the MAC address of a port of server %s", index,
		    place->pf, twin, device->owner);
	if (world->holder(twin, who, sizeof who))
		error_set(&why, ERROR_CONFLICT,
			  "it has the MAC address of a port on another VF and is held by %s", who);
	else if (vf_program(place->pf, index, &vf_clean, &why))
		return true;
	return quarantine_put(twin, true, NULL, why.message, err) &&
	       error_set(err, ERROR_CONFLICT, "VF %d of %s (%s) has the port's MAC address already: %s",
			 index, place->pf, twin, why.message);
}

/* A device of which the last thing known is that it was not well is not touched. */
static bool is_released(const struct granted_device *device, struct error *err)
{
	struct quarantine q;

	return !quarantine_read(device->memory.address, &q) || q.heals ||
	       error_set_typed(err, ERROR_CONFLICT, DEVICE_FAILS, "%s is quarantined: %s",
			       device->memory.address, q.reason);
}

static bool give_alone(const struct granted_device *device, yyjson_val *server, struct held *now,
		       struct error *err)
{
	struct giving done;
	struct error why;

	bool ok = give_errand(device, server, true, &done, err);
	while (!ok && done.twin >= 0 && part_from_twin(device, done.twin, err))
		ok = give_errand(device, server, true, &done, err);
	if (!ok && done.unfit)
		quarantine_put(device->memory.address, true, device, err->message, &why);
	*now = done.now;
	return ok;
}

/* Of a device that hangs nobody knows what becomes: it is not given away until it was released. */
static void note_hang(const struct granted_device *device, const struct error *err)
{
	struct error ignored;

	if (deadline_is_hang(err))
		quarantine_put(device->memory.address, true, device, err->message, &ignored);
}

/* What it was quarantined for is over, unless only the operator can say so. */
static bool heal(const char *address, struct error *err)
{
	struct quarantine q;

	return !quarantine_read(address, &q) || !q.heals || quarantine_lift(address, err);
}

bool granted_setup(const struct granted_device *device, yyjson_val *server, struct error *err)
{
	pthread_mutex_t *lock = card_lock(device);
	struct held now;

	if (!ledger_retake(device->memory.address, device->owner, device->grant, err))
		return false;
	pthread_mutex_lock(lock);
	held_begin(device->memory.address);
	bool ok =
		kin_is_free(device, err) && is_released(device, err) && give_alone(device, server, &now, err);
	held_end(device->memory.address, ok && is_nic_vf(device) ? &now : NULL);
	pthread_mutex_unlock(lock);
	if (!ok)
		note_hang(device, err);
	return ok && heal(device->memory.address, err);
}

/* --- giving back --- */

struct taking_back {
	struct granted_device device;
	bool ok;
	struct error err;
};

/* Clean profile first, then the driver it had, or the address of its own. */
static void take_back(void *argument)
{
	struct taking_back *back = argument;
	const struct granted_device *device = &back->device;
	const struct device_place *place = &device->place;

	back->ok = (!is_nic_vf(device) || vf_program(place->pf, place->vf_index, &vf_clean, &back->err)) &&
		   (device->macvtap ? device_unlend(&device->memory, &back->err)
				    : device_return(&device->memory, &back->err));
}

static bool take_back_errand(const struct granted_device *device, struct error *err)
{
	struct taking_back *back = memory_alloc(sizeof *back);
	char what[80];

	*back = (struct taking_back){.device = *device};
	snprintf(what, sizeof what, "taking %s back", device->memory.address);
	if (!deadline_errand(device->memory.address, what, take_back, free, back, err))
		return false;
	bool ok = back->ok;
	if (!ok)
		*err = back->err;
	free(back);
	return ok;
}

static bool release_locked(const struct granted_device *device, struct error *err)
{
	held_begin(device->memory.address);
	bool ok = take_back_errand(device, err) && (device->macvtap || hook_run(device, err)) &&
		  device_answers(device->memory.address, err);
	held_end(device->memory.address, NULL);
	return ok;
}

#define STRIKES 3

/* A device that cannot be made good must not keep its server from ending: it goes into quarantine, which
 * outlasts the server.  One that hangs is waited for. */
static bool give_up(const struct granted_device *device, struct error *err)
{
	const char *address = device->memory.address;
	bool hook = err->type && strcmp(err->type, HOOK_FAILS) == 0,
	     fails = hook || (err->type && strcmp(err->type, DEVICE_FAILS) == 0);
	char who[80], reason[QUARANTINE_REASON_SIZE];
	struct error why;

	snprintf(reason, sizeof reason, "%.250s%s%s", err->message,
		 world->holder(address, who, sizeof who) ? "; it is held by " : "", who);
	if (deadline_is_hang(err)) {
		quarantine_put(address, true, device, reason, &why);
		return false;
	}
	if (!fails && quarantine_strike(address) < STRIKES)
		return false;
	if (!quarantine_put(address, !hook, device, reason, err) || !ledger_drop(address, device->owner, err))
		return false;
	quarantine_forgive(address);
	return true;
}

/* By an earlier attempt: it is looked after as nobody's, and is no reason to begin counting anew. */
static bool was_given_up(const char *address)
{
	struct ledger_entry entry;
	struct quarantine q;

	return quarantine_read(address, &q) && !ledger_read(address, &entry);
}

bool granted_release(const struct granted_device *device, struct error *err)
{
	const char *address = device->memory.address;
	pthread_mutex_t *lock = card_lock(device);

	if (was_given_up(address))
		return true;
	if (!ledger_retake(address, device->owner, device->grant, err)) {
		if (err->kind != ERROR_CONFLICT)
			return false;
		log_warning("server %s had %s, which is left as it is: %s", device->owner, address,
			    err->message);
		return true;
	}
	pthread_mutex_lock(lock);
	bool ok = release_locked(device, err);
	pthread_mutex_unlock(lock);
	if (!ok)
		return give_up(device, err);
	quarantine_forgive(address);
	return heal(address, err) && ledger_drop(address, device->owner, err);
}

bool granted_recheck(const struct granted_device *device, struct error *err)
{
	pthread_mutex_t *lock = card_lock(device);
	struct error ignored;
	int64_t grant;

	if (!ledger_take(device->memory.address, device->owner, &grant, err))
		return false;
	pthread_mutex_lock(lock);
	bool ok = release_locked(device, err);
	pthread_mutex_unlock(lock);
	return ledger_drop(device->memory.address, device->owner, ok ? err : &ignored) && ok;
}

bool granted_program(const struct granted_device *device, yyjson_val *server, struct error *err)
{
	pthread_mutex_t *lock = card_lock(device);
	struct giving done;

	if (!ledger_retake(device->memory.address, device->owner, device->grant, err))
		return false;
	if (!is_nic_vf(device))
		return true;
	pthread_mutex_lock(lock);
	held_begin(device->memory.address);
	bool ok = give_errand(device, server, false, &done, err);
	if (ok)
		held_end(device->memory.address, &done.now);
	else
		held_end_unchanged(device->memory.address);
	pthread_mutex_unlock(lock);
	return ok;
}
