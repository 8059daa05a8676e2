/* Granted devices on their way to a guest and back: the driver, and a VF's settings. */
#include "agent/grant.h"

#include "agent/netdev.h"
#include "agent/vf.h"
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
static bool vf_setup(const struct granted_device *device, yyjson_val *server, struct error *err)
{
	const struct device_place *place = &device->place;
	yyjson_val *port = port_find(server, device->port_id);
	struct vf_settings wanted = vf_clean;
	bool up;

	if (!is_nic_vf(device))
		return true;
	if (port) {
		snprintf(wanted.mac_address, sizeof wanted.mac_address, "%.17s",
			 json_text(port, "mac_address"));
		wanted.own_mac = device->macvtap;
		wanted.vlan = (int)json_int(port, "vlan", 0);
		wanted.spoof_check = json_bool(port, "port_security", true);
		wanted.trust = json_bool(port, "trusted", false);
		wanted.max_rate = vf_rate(json_int(yyjson_obj_get(port, "qos"), "max_kbps", 0));
		wanted.min_rate = vf_rate(json_int(yyjson_obj_get(port, "qos"), "min_kbps", 0));
		/* AG-14 */
		wanted.link_state = !json_bool(port, "admin_state_up", true)	       ? VF_LINK_DISABLE
				    : json_bool(port, "propagate_uplink_status", true) ? VF_LINK_AUTO
										       : VF_LINK_ENABLE;
	}
	/* A VF has no link while its PF is down. */
	if (!netdev_is_up(place->pf, &up, err) || (!up && !netdev_set_up(place->pf, true, err)))
		return false;
	return vf_program(place->pf, place->vf_index, &wanted, err);
}

/* The address is set on the VF's network device alone: drivers like igb let nobody change it any more once
 * the PF has set it, not even to the same, and libvirt sets it as well. */
static bool lend(const struct granted_device *device, yyjson_val *server, struct error *err)
{
	yyjson_val *port = port_find(server, device->port_id);

	if (!is_nic_vf(device))
		return error_set(err, ERROR_CONFLICT,
				 "%s is no VF of a network device: no macvtap can be made on it",
				 device->memory.address);
	return vf_setup(device, server, err) &&
	       device_lend(&device->memory, json_text(port, "mac_address"), err);
}

bool granted_setup(const struct granted_device *device, yyjson_val *server, struct error *err)
{
	pthread_mutex_t *lock = card_lock(device);

	pthread_mutex_lock(lock);
	bool ok = device->macvtap ? lend(device, server, err)
				  : device_take(&device->memory, err) && vf_setup(device, server, err);
	pthread_mutex_unlock(lock);
	return ok;
}

/* Clean profile first, then the driver it had, or the address of its own. */
bool granted_release(const struct granted_device *device, struct error *err)
{
	const struct device_place *place = &device->place;
	pthread_mutex_t *lock = card_lock(device);

	pthread_mutex_lock(lock);
	bool ok =
		(!is_nic_vf(device) || vf_program(place->pf, place->vf_index, &vf_clean, err)) &&
		(device->macvtap ? device_unlend(&device->memory, err) : device_return(&device->memory, err));
	pthread_mutex_unlock(lock);
	return ok;
}

bool granted_program(const struct granted_device *device, yyjson_val *server, struct error *err)
{
	pthread_mutex_t *lock = card_lock(device);

	pthread_mutex_lock(lock);
	bool ok = vf_setup(device, server, err);
	pthread_mutex_unlock(lock);
	return ok;
}
