/* Granted devices on their way to a guest and back: the driver, and a VF's settings. */
#include "agent/grant.h"

#include "agent/held.h"
#include "agent/mac_unique.h"
#include "agent/netdev.h"
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
static bool mtu_check(const struct device_place *place, const struct vf_table *table, yyjson_val *port,
		      struct error *err)
{
	int64_t wanted = json_int(port, "mtu", 0);

	return table->mtu == 0 || wanted <= table->mtu ||
	       error_set(err, ERROR_CONFLICT,
			 "the MTU of %s is %d, and the network of port %s has %lld: it is to be raised first "
			 "(ip link set %s mtu %lld)",
			 place->pf, table->mtu, json_text(port, "id"), (long long)wanted, place->pf,
			 (long long)wanted);
}

/* `now` (of this server) gets what the VF was programmed with. */
static bool vf_setup(const struct granted_device *device, yyjson_val *server, bool fresh, struct held *now,
		     struct error *err)
{
	const struct device_place *place = &device->place;
	yyjson_val *port = port_find(server, device->port_id);
	_cleanup_(vf_table_done) struct vf_table table = {0};

	*now = (struct held){0};
	snprintf(now->server_id, sizeof now->server_id, "%.36s", json_text(server, "id"));
	snprintf(now->port_id, sizeof now->port_id, "%s", device->port_id);
	settings_of(port, device->macvtap, &now->wanted);
	if (!vf_table_read(place->pf, &table, err) || (fresh && !mtu_check(place, &table, port, err)))
		return false;
	/* A VF has no link while its PF is down. */
	if (!table.up && !netdev_set_up(place->pf, true, err))
		return false;
	if ((size_t)place->vf_index >= table.count || table.vfs[place->vf_index].untold)
		return error_set(err, ERROR_NOT_FOUND, "%s has no VF %d", place->pf, place->vf_index);
	now->seen = table.vfs[place->vf_index];
	if (!mac_make_unique(place, &table, &now->wanted, err) ||
	    !vf_program_from(place->pf, table.link, place->vf_index, &now->wanted, VF_PATIENCE, &now->seen,
			     err))
		return false;
	now->seen.own_mac = now->wanted.own_mac;
	return true;
}

/* The address is set on the VF's network device alone: drivers like igb let nobody change it any more once
 * the PF has set it, not even to the same, and libvirt sets it as well. */
static bool lend(const struct granted_device *device, yyjson_val *server, struct held *now, struct error *err)
{
	yyjson_val *port = port_find(server, device->port_id);

	if (!is_nic_vf(device))
		return error_set(err, ERROR_CONFLICT,
				 "%s is no VF of a network device: no macvtap can be made on it",
				 device->memory.address);
	return vf_setup(device, server, true, now, err) &&
	       device_lend(&device->memory, json_text(port, "mac_address"), err);
}

bool granted_setup(const struct granted_device *device, yyjson_val *server, struct error *err)
{
	pthread_mutex_t *lock = card_lock(device);
	struct held now;

	pthread_mutex_lock(lock);
	held_begin(device->memory.address, NULL);
	bool ok = device->macvtap ? lend(device, server, &now, err)
				  : device_take(&device->memory, err) &&
					    (!is_nic_vf(device) || vf_setup(device, server, true, &now, err));
	held_end(device->memory.address, ok && is_nic_vf(device) ? &now : NULL);
	pthread_mutex_unlock(lock);
	return ok;
}

/* Clean profile first, then the driver it had, or the address of its own. */
bool granted_release(const struct granted_device *device, struct error *err)
{
	const struct device_place *place = &device->place;
	pthread_mutex_t *lock = card_lock(device);

	pthread_mutex_lock(lock);
	held_begin(device->memory.address, NULL);
	bool ok =
		(!is_nic_vf(device) || vf_program(place->pf, place->vf_index, &vf_clean, err)) &&
		(device->macvtap ? device_unlend(&device->memory, err) : device_return(&device->memory, err));
	held_end(device->memory.address, NULL);
	pthread_mutex_unlock(lock);
	return ok;
}

bool granted_program(const struct granted_device *device, yyjson_val *server, struct error *err)
{
	pthread_mutex_t *lock = card_lock(device);
	struct held now;

	if (!is_nic_vf(device))
		return true;
	pthread_mutex_lock(lock);
	held_begin(device->memory.address, NULL);
	bool ok = vf_setup(device, server, false, &now, err);
	if (ok)
		held_end(device->memory.address, &now);
	else
		held_end_unchanged(device->memory.address);
	pthread_mutex_unlock(lock);
	return ok;
}
