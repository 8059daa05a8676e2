/* Hot-plug: ports into running guests and out of them. */
#include "agent/plug.h"

#include "agent/grant.h"
#include "agent/vm.h"
#include "agent/vm_xml.h"
#include "agent/world.h"
#include "base/memory.h"

#include <string.h>

#define WAIT_STEP_MS 100

static struct {
	int attempts, seconds;
} detaching = {8, 20};

void plug_configure(int attempts, int seconds)
{
	detaching.attempts = attempts;
	detaching.seconds = seconds;
}

static void step(const struct lifecycle *life, const char *name)
{
	if (life->step)
		life->step(name, life->argument);
}

/* --- out of the guest --- */

static bool is_out(const char *server_id, const char *alias, bool *out, struct error *err)
{
	_cleanup_free_ char *xml = NULL;

	if (!world->domain_xml(server_id, &xml, err))
		return false;
	*out = !vm_has(xml, alias);
	return true;
}

static bool wait_out(const struct lifecycle *life, const char *server_id, const char *alias, bool *out,
		     struct error *err)
{
	for (int left = detaching.seconds * 1000; left > 0; left -= WAIT_STEP_MS) {
		if (!is_out(server_id, alias, out, err))
			return false;
		if (*out)
			return true;
		if (life->superseded && life->superseded(life->argument))
			return error_set(err, ERROR_UNAVAILABLE, "something else is wanted meanwhile");
		world->pause(WAIT_STEP_MS);
	}
	return true;
}

/* Asks again and again: a guest that boots hears it only later.  While an earlier question stands QEMU
 * refuses to ask anew, which is no reason not to wait. */
static bool take_out(const struct lifecycle *life, yyjson_val *server, const char *alias, struct error *err)
{
	/* One whose CPUs stand still hears nothing. */
	int attempts = strcmp(json_text(server, "want"), "paused") == 0 ? 1 : detaching.attempts;
	const char *server_id = json_text(server, "id");
	struct error why = {0};
	bool out;

	if (!is_out(server_id, alias, &out, err))
		return false;
	for (int i = 0; i < attempts && !out; i++) {
		step(life, "unplug");
		if (!world->domain_unplug(server_id, alias, &why) && why.kind == ERROR_UNAVAILABLE) {
			*err = why;
			return false;
		}
		if (!wait_out(life, server_id, alias, &out, err))
			return false;
	}
	return out || error_set(err, ERROR_TIMEOUT,
				"the guest did not let go of it within %d s (asked %d times)%s%s",
				detaching.seconds * attempts, attempts, why.kind ? "; " : "",
				why.kind ? why.message : "");
}

bool plug_all_out(const struct lifecycle *life, yyjson_val *server, enum plug_out why, struct error *err)
{
	char alias[VM_ALIAS_SIZE];
	yyjson_val *item;
	size_t i, max;

	yyjson_arr_foreach (yyjson_obj_get(server, "ports"), i, max, item) {
		bool macvtap = strcmp(json_text(item, "vnic_type"), "macvtap") == 0;

		if (!yyjson_is_obj(yyjson_obj_get(item, "device")) || (macvtap && why == PLUG_OUT_TO_SAVE))
			continue;
		vm_alias_of_port(json_text(item, "id"), alias);
		if (!take_out(life, server, alias, err))
			return error_wrap(err, "port %.36s", json_text(item, "id"));
	}
	if (why == PLUG_OUT_TO_MIGRATE)
		return true;
	yyjson_arr_foreach (yyjson_obj_get(server, "devices"), i, max, item) {
		vm_alias_of_device(i, alias);
		if (!take_out(life, server, alias, err))
			return error_wrap(err, "device %.15s", json_text(item, "address"));
	}
	return true;
}

/* --- one server's work --- */

struct plugging {
	const struct lifecycle *life;
	const char *folder, *id;
	yyjson_val *server;
	struct grant grant; /* as the journal has it */
};

/* Told about its port, unless it is libvirt's being away: that is everybody's. */
static bool bear(const struct plugging *p, const char *port_id, bool held, const struct error *why,
		 struct error *err)
{
	if (why->kind == ERROR_UNAVAILABLE) {
		*err = *why;
		return false;
	}
	if (p->life->trouble && *port_id)
		p->life->trouble(port_id, held, why->message, p->life->argument);
	return true;
}

static bool release_device(struct plugging *p, size_t i, struct error *err)
{
	return granted_release(&p->grant.devices[i], err) &&
	       (grant_drop_device(&p->grant, i), grant_write(p->folder, &p->grant, err));
}

static bool release_lease(struct plugging *p, size_t i, struct error *err)
{
	const struct granted_lease *lease = &p->grant.leases[i];

	return network_leave(lease->network_id, lease->mac, lease->ip, err) &&
	       (grant_drop_lease(&p->grant, i), grant_write(p->folder, &p->grant, err));
}

/* Devices of the flavor are left as they are until the guest is off. */
static bool unneeded_out(struct plugging *p, struct error *err)
{
	char alias[VM_ALIAS_SIZE], port_id[37];
	struct error why;

	for (size_t i = p->grant.device_count; i > 0; i--) {
		const struct granted_device *device = &p->grant.devices[i - 1];

		if (!*device->port_id || grant_device_is_wanted(p->server, device))
			continue;
		strcpy(port_id, device->port_id);
		vm_alias_of_port(port_id, alias);
		bool out = take_out(p->life, p->server, alias, &why);
		if (!(out && release_device(p, i - 1, &why)) && !bear(p, port_id, !out, &why, err))
			return false;
	}
	for (size_t i = p->grant.lease_count; i > 0; i--) {
		const struct granted_lease *lease = &p->grant.leases[i - 1];

		if (!*lease->port_id || grant_lease_is_wanted(p->server, lease))
			continue;
		strcpy(port_id, lease->port_id);
		vm_alias_of_port(port_id, alias);
		bool out = take_out(p->life, p->server, alias, &why);
		if (!(out && release_lease(p, i - 1, &why)) && !bear(p, port_id, !out, &why, err))
			return false;
	}
	return true;
}

/* --- into the guest --- */

/* Devices of one IOMMU group go to a guest together, when it starts: what is plugged in later must have no
 * mate that a driver of the host holds. */
static bool check_mates(const struct plugging *p, const char *address, struct error *err)
{
	char **mates = p->life->mates ? p->life->mates(address) : NULL;
	bool ok = true;

	for (char **mate = mates; ok && mate && *mate; mate++)
		ok = grant_find_device(&p->grant, *mate) ||
		     error_set(
			     err, ERROR_CONFLICT,
			     "%s is in one IOMMU group with %s: it can only be had from the guest's start on",
			     address, *mate);
	world_list_free(mates);
	return ok;
}

/* *held: its network is held until network_settle(). */
static bool take_for_port(struct plugging *p, yyjson_val *port, bool *held, struct error *err)
{
	const char *address = json_text(yyjson_obj_get(port, "device"), "address");

	*held = false;
	if (*address && !p->life->offered(address))
		return error_set(err, ERROR_FORBIDDEN, "%s is not offered by this host's device specs",
				 address);
	if (*address && !check_mates(p, address, err))
		return false;
	if (!grant_add_port(&p->grant, port, err) || !grant_write(p->folder, &p->grant, err))
		return false;
	*held = !*address;
	return *held ? network_ensure(port, err)
		     : granted_setup(grant_find_device(&p->grant, address), p->server, err);
}

/* What could not be plugged in goes back. */
static bool give_up_port(struct plugging *p, const char *port_id, struct error *err)
{
	for (size_t i = p->grant.device_count; i > 0; i--) {
		if (strcmp(p->grant.devices[i - 1].port_id, port_id) == 0 && !release_device(p, i - 1, err))
			return false;
	}
	for (size_t i = p->grant.lease_count; i > 0; i--) {
		if (strcmp(p->grant.leases[i - 1].port_id, port_id) == 0 && !release_lease(p, i - 1, err))
			return false;
	}
	return true;
}

static bool plug_port(struct plugging *p, yyjson_val *port, const char *domain_xml, struct error *err)
{
	_cleanup_(text_done) struct text xml = {0};
	bool held;

	step(p->life, "plug");
	bool ok = take_for_port(p, port, &held, err);
	if (ok) {
		vm_xml_port(port, vm_free_bus(domain_xml, server_guest_bus(port)), &xml);
		ok = world->domain_plug(p->id, xml.data, err);
	}
	if (held)
		network_settle(port);
	return ok;
}

static bool ports_in(struct plugging *p, struct error *err)
{
	char alias[VM_ALIAS_SIZE];
	struct error why, failure;
	yyjson_val *port;
	size_t i, max;

	yyjson_arr_foreach (yyjson_obj_get(p->server, "ports"), i, max, port) {
		_cleanup_free_ char *xml = NULL;
		const char *port_id = json_text(port, "id");

		vm_alias_of_port(port_id, alias);
		if (!world->domain_xml(p->id, &xml, err))
			return false;
		if (!xml)
			return error_set(err, ERROR_UNAVAILABLE, "the guest has ended meanwhile");
		if (vm_has(xml, alias) || plug_port(p, port, xml, &why))
			continue;
		if (why.kind != ERROR_UNAVAILABLE && !give_up_port(p, port_id, &failure))
			error_set(&why, why.kind, "%.400s; and undoing it failed: %s", why.message,
				  failure.message);
		if (!bear(p, port_id, false, &why, err))
			return false;
	}
	return true;
}

/* Those of the flavor that the guest had before it was suspended.  Where it runs without one that is wanted
 * now, nothing is done until it is off. */
static bool devices_in(struct plugging *p, struct error *err)
{
	int count = (int)yyjson_arr_size(yyjson_obj_get(p->server, "devices"));
	char alias[VM_ALIAS_SIZE];
	yyjson_val *device;
	size_t i, max;

	yyjson_arr_foreach (yyjson_obj_get(p->server, "devices"), i, max, device) {
		const struct granted_device *granted =
			grant_find_device(&p->grant, json_text(device, "address"));
		_cleanup_(text_done) struct text element = {0};
		_cleanup_free_ char *xml = NULL;

		vm_alias_of_device(i, alias);
		if (!granted)
			continue;
		if (!world->domain_xml(p->id, &xml, err))
			return false;
		if (!xml || vm_has(xml, alias))
			continue;
		vm_xml_device(device, i, vm_free_bus(xml, vm_root_ports(xml) - count + 1 + (int)i), &element);
		if (!granted_setup(granted, p->server, err) || !world->domain_plug(p->id, element.data, err))
			return error_wrap(err, "device %.15s", granted->memory.address);
	}
	return true;
}

/* A journal of a time when leases did not say whose they are. */
static void name_leases(struct grant *grant, yyjson_val *server)
{
	yyjson_val *port;
	size_t i, max;

	for (size_t k = 0; k < grant->lease_count; k++) {
		struct granted_lease *lease = &grant->leases[k];

		yyjson_arr_foreach (yyjson_obj_get(server, "ports"), i, max, port) {
			if (!*lease->port_id && strcmp(json_text(port, "mac_address"), lease->mac) == 0)
				snprintf(lease->port_id, sizeof lease->port_id, "%.36s",
					 json_text(port, "id"));
		}
	}
}

bool plug_unneeded_out(const struct lifecycle *life, const char *folder, yyjson_val *server,
		       yyjson_val *wanted, struct error *err)
{
	struct plugging p = {.life = life, .folder = folder, .id = json_text(wanted, "id"), .server = wanted};

	if (!grant_read(folder, &p.grant, err))
		return false;
	name_leases(&p.grant, server);
	bool ok = unneeded_out(&p, err);

	grant_done(&p.grant);
	return ok;
}

bool plug_settle(const struct lifecycle *life, const char *folder, yyjson_val *server, yyjson_val *wanted,
		 struct error *err)
{
	struct plugging p = {.life = life, .folder = folder, .id = json_text(wanted, "id"), .server = wanted};

	if (!grant_read(folder, &p.grant, err))
		return false;
	name_leases(&p.grant, server);
	bool ok = unneeded_out(&p, err) && devices_in(&p, err) && ports_in(&p, err);

	grant_done(&p.grant);
	return ok;
}

bool plug_is_loose(const struct host_folders *folders, const char *server_id)
{
	yyjson_doc *doc = server_remembered(folders, server_id);
	_cleanup_free_ char *xml = NULL;
	char alias[VM_ALIAS_SIZE];
	struct error ignored;
	yyjson_val *port;
	size_t i, max;
	bool loose = false;

	if (doc && world->domain_xml(server_id, &xml, &ignored) && xml) {
		yyjson_arr_foreach (yyjson_obj_get(yyjson_doc_get_root(doc), "ports"), i, max, port) {
			vm_alias_of_port(json_text(port, "id"), alias);
			loose |= !server_port_absent(port) && !vm_has(xml, alias);
		}
	}
	yyjson_doc_free(doc);
	return loose;
}
