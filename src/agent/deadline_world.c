/* The host with deadlines: each call that may hang is copied, made on another thread, and its results are
 * taken over if it comes back in time. */
#include "agent/deadline.h"

#include "agent/server.h"
#include "base/memory.h"

#include "base/text.h"
#include "pci/address.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <string.h>

#define START_FACTOR 10	  /* of libvirt's time: QEMU pins all of a guest's memory */
#define SAVE_SECONDS 3600 /* memory goes to a disk */

static const struct world *inner;
static struct world bounded; /* what deadline_world() gives */
static int device_seconds = 120, libvirt_seconds = 60;

void deadline_configure(int for_devices, int for_libvirt)
{
	device_seconds = for_devices;
	libvirt_seconds = for_libvirt;
}

/* One call: what goes in is a copy, what comes out is taken by the caller if he still waits. */
struct call {
	char *first, *second; /* texts that go in */
	bool flag;
	struct nlmsghdr *message;
	bool ok;
	struct error err;
	char *text; /* what comes out */
	struct text bytes;
	struct map ids;
	int result;
	char why[300];
	struct world_hypervisor facts;
	enum world_guest state;
};

static struct call *call_make(const char *first, const char *second)
{
	struct call *call = memory_alloc(sizeof *call);

	call->first = memory_copy_text(first);
	call->second = memory_copy_text(second);
	return call;
}

static void call_free(void *argument)
{
	struct call *call = argument;

	free(call->first);
	free(call->second);
	free(call->message);
	free(call->text);
	text_done(&call->bytes);
	map_done(&call->ids, NULL);
	free(call);
}

static void call_done(struct call **call)
{
	if (*call)
		call_free(*call);
}

/* The thread may hang: it is on an errand, and is not waited for longer than this call may take. */
static bool made_here(struct call *call, const char *key, const char *what, int seconds, void (*work)(void *),
		      struct error *err)
{
	if (!deadline_step_begin(key, what, seconds, err))
		return false;
	work(call);
	if (!deadline_step_end(err))
		return false;
	if (!call->ok)
		*err = call->err;
	return call->ok;
}

/* Makes the call; false: it hangs, and *call is not ours any more. */
static bool made(struct call **call, const char *key, int seconds, void (*work)(void *), struct error *err,
		 const char *format, ...) __attribute__((format(printf, 6, 7)));
static bool made(struct call **call, const char *key, int seconds, void (*work)(void *), struct error *err,
		 const char *format, ...)
{
	char what[300];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof what, format, arguments);
	va_end(arguments);
	if (deadline_on_errand())
		return made_here(*call, key, what, seconds, work, err);
	if (!deadline_run(key, what, seconds, work, call_free, *call, err)) {
		*call = NULL;
		return false;
	}
	if (!(*call)->ok)
		*err = (*call)->err;
	return (*call)->ok;
}

#define _cleanup_call_ _cleanup_(call_done)

/* --- the kernel's files --- */

/* The device that a path is of, or the path itself. */
static void key_of(const char *path, const char *text, char key[300])
{
	static const char devices[] = "/sys/bus/pci/devices/";
	const size_t before = sizeof devices - 1;
	char address[PCI_ADDRESS_SIZE] = "";

	if (text_starts_with(path, devices) && strcspn(path + before, "/") < sizeof address)
		snprintf(address, sizeof address, "%.*s", (int)strcspn(path + before, "/"), path + before);
	snprintf(key, 300, "%s", is_pci_address(address) ? address : is_pci_address(text) ? text : path);
}

/* These take the device's lock, or wait for its reset. */
static bool may_block(const char *path)
{
	static const char *const names[] = {"/config", "/driver_override", "/sriov_numvfs", "/reset_method",
					    "/sriov_drivers_autoprobe"};

	for (size_t i = 0; i < ELEMENTS_OF(names); i++) {
		if (text_ends_with(path, names[i]))
			return true;
	}
	return text_starts_with(path, "/sys/class/net/") && text_ends_with(path, "/address");
}

static void do_read(void *argument)
{
	struct call *call = argument;

	call->text = inner->read(call->first);
	call->ok = call->text;
}

static char *bounded_read(const char *path)
{
	_cleanup_call_ struct call *call = NULL;
	struct error err;
	char key[300];

	if (!may_block(path))
		return inner->read(path);
	key_of(path, "", key);
	call = call_make(path, NULL);
	return made(&call, key, device_seconds, do_read, &err, "reading %s", path) ? TAKE_PTR(call->text)
										   : NULL;
}

static void do_write(void *argument)
{
	struct call *call = argument;

	call->ok = inner->write(call->first, call->second, &call->err);
}

static bool bounded_write(const char *path, const char *text, struct error *err)
{
	_cleanup_call_ struct call *call = call_make(path, text);
	char key[300];

	key_of(path, text, key);
	return made(&call, key, device_seconds, do_write, err, "writing '%s' to %s",
		    strcmp(text, "\n") == 0 ? "" : text, path);
}

/* --- rtnetlink --- */

static void keep_answer(const struct nlmsghdr *answer, void *argument)
{
	static const char padding[NLMSG_ALIGNTO];
	struct text *bytes = argument;

	text_add_bytes(bytes, answer, answer->nlmsg_len);
	text_add_bytes(bytes, padding, NLMSG_ALIGN(answer->nlmsg_len) - answer->nlmsg_len);
}

static void do_netlink(void *argument)
{
	struct call *call = argument;

	call->result = inner->netlink(call->message, keep_answer, &call->bytes, call->why, sizeof call->why);
	call->ok = true;
}

static void replay(const struct text *bytes, world_answer *answer, void *argument)
{
	const char *at = bytes->data, *end = at + bytes->length;

	while (answer && at && at < end) {
		_cleanup_free_ struct nlmsghdr *copy = NULL; /* the text has no alignment */
		uint32_t length;

		memcpy(&length, at, sizeof length);
		copy = memory_alloc(NLMSG_ALIGN(length));
		memcpy(copy, at, length);
		answer(copy, argument);
		at += NLMSG_ALIGN(length);
	}
}

static int bounded_netlink(struct nlmsghdr *message, world_answer *answer, void *argument, char *why,
			   size_t size)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	_cleanup_call_ struct call *call = call_make(NULL, NULL);
	struct error err;
	char key[32];

	call->message = memory_alloc(message->nlmsg_len);
	memcpy(call->message, message, message->nlmsg_len);
	snprintf(key, sizeof key, "link %d", info->ifi_index);
	if (!made(&call, key, device_seconds, do_netlink, &err, "rtnetlink on network device %d (%s)",
		  info->ifi_index, message->nlmsg_type == RTM_SETLINK ? "set" : "get")) {
		snprintf(why, size, "%s", err.message);
		return ETIME;
	}
	snprintf(why, size, "%s", call->why);
	if (call->result == 0)
		replay(&call->bytes, answer, argument);
	return call->result;
}

/* --- libvirt --- */

/* Called with `call`: inner->NAME(its first, its second ...). */
#define WORK(name, ...) \
	static void do_##name(void *argument) \
	{ \
		struct call *call = argument; \
		call->ok = inner->name(__VA_ARGS__, &call->err); \
	}

WORK(hypervisor, &call->facts)
WORK(domain_start, call->first)
WORK(domain_xml, call->first, &call->text)
WORK(domain_plug, call->first, call->second)
WORK(domain_unplug, call->first, call->second)
WORK(domain_pause, call->first, call->flag)
WORK(domain_save, call->first, call->second)
WORK(domain_restore, call->first)
WORK(domain_change, call->first, call->second)
WORK(domain_stop, call->first)
WORK(domain_forget, call->first)
WORK(end_processes, call->first, call->second, &call->result)
WORK(domain_running, call->first, &call->flag)
WORK(domain_state, call->first, &call->state)
WORK(domain_migratable_xml, call->first, &call->text)
WORK(domain_migrate_abort, call->first)
WORK(domain_list, call->flag, &call->ids)
WORK(network_xml, call->first, &call->text)
WORK(network_make, call->first)
WORK(network_lease, call->first, call->flag, call->second)
WORK(network_remove, call->first)

/* Whether it has been done is not known: that is waited for, as for a libvirtd that is away. */
static bool asked(struct call **call, const char *id, int seconds, void (*work)(void *), const char *what,
		  struct error *err)
{
	if (made(call, id, seconds, work, err, "libvirt: %s%s%s", what, *id ? " " : "", id))
		return true;
	if (deadline_is_hang(err))
		err->kind = ERROR_UNAVAILABLE;
	return false;
}

static bool bounded_hypervisor(struct world_hypervisor *facts, struct error *err)
{
	_cleanup_call_ struct call *call = call_make(NULL, NULL);
	bool ok = asked(&call, "", libvirt_seconds, do_hypervisor, "asking for its version", err);

	if (ok)
		*facts = call->facts;
	return ok;
}

/* A guest that has not started in time is not waited for: its server fails, and what it has is kept until the
 * call is back. */
static bool bounded_domain_start(const char *xml, struct error *err)
{
	_cleanup_call_ struct call *call = call_make(xml, NULL);
	char id[37];

	world_id_in(xml, id);
	return made(&call, id, libvirt_seconds * START_FACTOR, do_domain_start, err,
		    "libvirt: starting the guest %s", id);
}

static bool bounded_domain_xml(const char *id, char **xml, struct error *err)
{
	_cleanup_call_ struct call *call = call_make(id, NULL);

	*xml = NULL;
	bool ok = asked(&call, id, libvirt_seconds, do_domain_xml, "describing the guest", err);
	if (ok)
		*xml = TAKE_PTR(call->text);
	return ok;
}

static bool bounded_domain_migratable_xml(const char *id, char **xml, struct error *err)
{
	_cleanup_call_ struct call *call = call_make(id, NULL);

	*xml = NULL;
	bool ok = asked(&call, id, libvirt_seconds, do_domain_migratable_xml, "describing the guest", err);
	if (ok)
		*xml = TAKE_PTR(call->text);
	return ok;
}

static bool bounded_domain_state(const char *id, enum world_guest *state, struct error *err)
{
	_cleanup_call_ struct call *call = call_make(id, NULL);
	bool ok = asked(&call, id, libvirt_seconds, do_domain_state, "asking how the guest is", err);

	if (ok)
		*state = call->state;
	return ok;
}

/* It is asked for while the guest's own migration has not returned: that one is not waited for. */
static bool bounded_domain_migrate_abort(const char *id, struct error *err)
{
	_cleanup_call_ struct call *call = call_make(id, NULL);

	return asked(&call, id, libvirt_seconds, do_domain_migrate_abort, "ending a migration of the guest",
		     err);
}

static bool bounded_domain_plug(const char *id, const char *device_xml, struct error *err)
{
	_cleanup_call_ struct call *call = call_make(id, device_xml);

	return asked(&call, id, libvirt_seconds * START_FACTOR, do_domain_plug,
		     "plugging a device into the guest", err);
}

static bool bounded_domain_unplug(const char *id, const char *alias, struct error *err)
{
	_cleanup_call_ struct call *call = call_make(id, alias);

	return asked(&call, id, libvirt_seconds, do_domain_unplug, "taking a device out of the guest", err);
}

static bool bounded_domain_pause(const char *id, bool paused, struct error *err)
{
	_cleanup_call_ struct call *call = call_make(id, NULL);

	call->flag = paused;
	return asked(&call, id, libvirt_seconds, do_domain_pause, "pausing or resuming the guest", err);
}

static bool bounded_domain_save(const char *id, const char *path, struct error *err)
{
	_cleanup_call_ struct call *call = call_make(id, path);

	return asked(&call, id, SAVE_SECONDS, do_domain_save, "saving the memory of the guest", err);
}

/* The file lies in the folder of the server, whose id is the guest's. */
static bool bounded_domain_restore(const char *path, struct error *err)
{
	_cleanup_call_ struct call *call = call_make(path, NULL);
	const char *slash = strrchr(path, '/');
	char id[37];

	snprintf(id, sizeof id, "%.36s", slash && slash - path >= 36 ? slash - 36 : path);
	return asked(&call, id, SAVE_SECONDS, do_domain_restore, "restoring the guest", err);
}

static bool bounded_domain_change(const char *id, const char *device_xml, struct error *err)
{
	_cleanup_call_ struct call *call = call_make(id, device_xml);

	return asked(&call, id, libvirt_seconds, do_domain_change, "changing a NIC of the guest", err);
}

static bool bounded_domain_stop(const char *id, struct error *err)
{
	_cleanup_call_ struct call *call = call_make(id, NULL);

	return asked(&call, id, libvirt_seconds * START_FACTOR, do_domain_stop, "ending the guest", err);
}

static bool bounded_domain_forget(const char *id, struct error *err)
{
	_cleanup_call_ struct call *call = call_make(id, NULL);

	return asked(&call, id, libvirt_seconds, do_domain_forget, "letting go of the guest", err);
}

/* Reading another process's command line takes its memory's lock. */
static bool bounded_end_processes(const char *name, const char *words, int *count, struct error *err)
{
	_cleanup_call_ struct call *call = call_make(name, words);
	bool ok = made(&call, words, libvirt_seconds, do_end_processes, err, "ending %s %s", name, words);

	*count = ok ? call->result : 0;
	return ok;
}

static bool bounded_domain_running(const char *id, bool *running, struct error *err)
{
	_cleanup_call_ struct call *call = call_make(id, NULL);

	*running = false;
	bool ok = asked(&call, id, libvirt_seconds, do_domain_running, "looking for the guest", err);
	if (ok)
		*running = call->flag;
	return ok;
}

static bool bounded_domain_list(bool only_ours, struct map *ids, struct error *err)
{
	_cleanup_call_ struct call *call = call_make(NULL, NULL);
	struct map_entry *slot;

	call->flag = only_ours;
	if (!asked(&call, "", libvirt_seconds, do_domain_list, "listing the guests", err))
		return false;
	for (size_t position = 0; (slot = map_next(&call->ids, &position));)
		map_put(ids, slot->key, ids);
	return true;
}

static bool bounded_network_xml(const char *id, char **xml, struct error *err)
{
	_cleanup_call_ struct call *call = call_make(id, NULL);

	*xml = NULL;
	bool ok = asked(&call, id, libvirt_seconds, do_network_xml, "describing the network", err);
	if (ok)
		*xml = TAKE_PTR(call->text);
	return ok;
}

static bool bounded_network_make(const char *xml, struct error *err)
{
	_cleanup_call_ struct call *call = call_make(xml, NULL);
	char id[37];

	world_id_in(xml, id);
	return asked(&call, id, libvirt_seconds, do_network_make, "making the network", err);
}

static bool bounded_network_lease(const char *id, bool add, const char *host_xml, struct error *err)
{
	_cleanup_call_ struct call *call = call_make(id, host_xml);

	call->flag = add;
	return asked(&call, id, libvirt_seconds, do_network_lease, "changing a lease of the network", err);
}

static bool bounded_network_remove(const char *id, struct error *err)
{
	_cleanup_call_ struct call *call = call_make(id, NULL);

	return asked(&call, id, libvirt_seconds, do_network_remove, "removing the network", err);
}

bool deadline_errand(const char *key, const char *what, void (*work)(void *argument),
		     void (*release)(void *argument), void *argument, struct error *err)
{
	if (world == &bounded && !deadline_on_errand())
		return deadline_run_errand(key, what, device_seconds, work, release, argument, err);
	work(argument);
	return true;
}

const struct world *deadline_world(const struct world *host)
{
	inner = host;
	bounded = *host;
	bounded.read = bounded_read;
	bounded.write = bounded_write;
	bounded.netlink = bounded_netlink;
#define BOUNDED(name) bounded.name = bounded_##name
	BOUNDED(hypervisor);
	BOUNDED(domain_start);
	BOUNDED(domain_xml);
	BOUNDED(domain_plug);
	BOUNDED(domain_unplug);
	BOUNDED(domain_pause);
	BOUNDED(domain_save);
	BOUNDED(domain_restore);
	BOUNDED(domain_change);
	BOUNDED(domain_stop);
	BOUNDED(domain_forget);
	BOUNDED(end_processes);
	BOUNDED(domain_running);
	BOUNDED(domain_state);
	BOUNDED(domain_migratable_xml);
	BOUNDED(domain_migrate_abort);
	BOUNDED(domain_list);
	BOUNDED(network_xml);
	BOUNDED(network_make);
	BOUNDED(network_lease);
	BOUNDED(network_remove);
#undef BOUNDED
	/* domain_migrate takes as long as the guest has memory; it has limits of its own (struct
	 * world_migration). */
	return &bounded;
}
