/* Looking for a MAC on a PF's other VFs, as an unclean end may have left it there. */
#include "agent/mac_unique.h"

#include "agent/held.h"
#include "agent/ledger.h"
#include "agent/quarantine.h"
#include "agent/report.h"
#include "agent/world.h"
#include "base/log.h"
#include "base/memory.h"

#include <string.h>

static bool in_use(const struct device_place *place, int vf, const char *mac, const char *who,
		   struct error *err)
{
	return error_set(err, ERROR_CONFLICT, "VF %d of %s has the MAC %s already, and %s has that VF", vf,
			 place->pf, mac, who);
}

/* What stays as it is would be deaf, or make the other one so: nobody is to get it. */
static bool keep_away(const char *address, const char *why, struct error *err)
{
	struct error told = *err;

	if (!quarantine_put(address, true, NULL, why, err))
		return false;
	*err = told;
	return false;
}

/* With the VF to ourselves. */
static bool reset_stray(const struct device_place *place, const char *address, int vf,
			const struct vf_settings *stray, struct error *err)
{
	char who[80], why[160], netdev[16];
	struct ledger_entry entry;

	if (ledger_read(address, &entry)) {
		snprintf(who, sizeof who, "server %s", entry.server_id);
		return in_use(place, vf, stray->mac_address, who, err);
	}
	/* Excluded, or nobody said that it is ours to give: not ours to reset. */
	if (!report_offers(address))
		return in_use(place, vf, stray->mac_address, "somebody besides Penstock", err);
	device_netdev(address, netdev);
	if (*netdev)
		return in_use(place, vf, stray->mac_address, netdev, err);
	if (world->holder(address, who, sizeof who)) {
		snprintf(why, sizeof why, "it has the MAC address of a port on another VF and is held by %s",
			 who);
		in_use(place, vf, stray->mac_address, who, err);
		return keep_away(address, why, err);
	}
	log_warning("VF %d of %s (%s) has the MAC %s and nobody has the VF: it is reset", vf, place->pf,
		    address, stray->mac_address);
	return vf_program(place->pf, vf, &vf_clean, err) || keep_away(address, err->message, err);
}

static bool make_way(const struct device_place *place, int vf, const struct vf_settings *stray,
		     struct error *err)
{
	_cleanup_free_ char *path = memory_printf("/sys/bus/pci/devices/%s/virtfn%d", place->parent, vf);
	char address[16], who[80];
	struct held held;
	bool has;

	if (!world->link(path, address, sizeof address))
		return error_set(err, ERROR_INTERNAL, "cannot read %s", path);
	has = held_begin(address, &held);
	if (has)
		snprintf(who, sizeof who, "server %s", held.server_id);
	bool ok = has ? in_use(place, vf, stray->mac_address, who, err)
		      : reset_stray(place, address, vf, stray, err);
	held_end_unchanged(address);
	return ok;
}

bool mac_make_unique(const struct device_place *place, const struct vf_table *table,
		     const struct vf_settings *wanted, struct error *err)
{
	for (size_t i = 0; *wanted->mac_address && i < table->count; i++) {
		if ((int)i != place->vf_index &&
		    strcmp(table->vfs[i].mac_address, wanted->mac_address) == 0 &&
		    !make_way(place, (int)i, &table->vfs[i], err))
			return false;
	}
	return true;
}
