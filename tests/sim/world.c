/* The host under an agent: the simulated one (agent/simulated), with calls that take time, fail, are done
 * without an answer, or hang.  It is put in where the agent sets deadlines around its host. */
#include "agent/world.h"
#include "agent/deadline.h"
#include "agent/simulated/simulated.h"
#include "base/memory.h"
#include "checks.h"
#include "daemon.h"
#include "faults.h"
#include "fiber.h"
#include "trace.h"
#include "workload.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

static const struct world *real(void)
{
	return fiber_daemon()->world;
}

/* Before a call that changes something. */
static enum fault_call before(const char *what, int64_t microseconds)
{
	fault_seam("host", what, microseconds);
	enum fault_call fault = fault_of_call(what);
	if (fault == FAULT_NONE)
		return fault;
	trace(TRACE_FAULT, "%s: %s %s", fiber_daemon()->name, what,
	      fault == FAULT_FAILS     ? "fails"
	      : fault == FAULT_UNHEARD ? "is done, unheard"
				       : "hangs");
	if (fault == FAULT_HANGS) {
		int64_t time = fault_hang();

		checks_disturbed_until(fiber_daemon(), sim_now() + time);
		fiber_sleep(time);
	}
	return fault;
}

static bool after(enum fault_call fault, const char *what, bool ok, struct error *err)
{
	fault_seam("done", what, 100);
	return fault == FAULT_UNHEARD && ok
		       ? error_set_typed(err, ERROR_UNAVAILABLE, WORLD_LOST, "libvirt: %s: End of file", what)
		       : ok;
}

static bool fails(const char *what, struct error *err)
{
	return error_set(err, ERROR_INTERNAL, "libvirt: %s: internal error (a fault)", what);
}

static bool file_write_(const char *path, const char *text, struct error *err)
{
	enum fault_call fault = before(path, 2000);

	if (fault == FAULT_FAILS)
		return error_set(err, ERROR_INTERNAL, "cannot write %s: Device or resource busy", path);
	bool ok = real()->write(path, text, err);
	fault_seam("done", path, 100);
	return ok;
}

static int netlink(struct nlmsghdr *message, world_answer *answer, void *argument, char *why, size_t size)
{
	bool change = message->nlmsg_type == RTM_SETLINK || message->nlmsg_type == RTM_NEWLINK;
	enum fault_call fault = change ? before("netlink", 500) : FAULT_NONE;

	if (fault == FAULT_FAILS) {
		*why = '\0';
		return EBUSY;
	}
	int result = real()->netlink(message, answer, argument, why, size);
	if (change)
		fault_seam("done", "netlink", 100);
	return result;
}

static void pause_(int milliseconds)
{
	fiber_sleep((int64_t)milliseconds * 1000);
}

static bool run(const char *const *argv, int seconds, struct text *out, struct error *err)
{
	fault_seam("host", argv[0], 20000);
	return real()->run(argv, seconds, out, err);
}

/* Promise 4: what runs, and nobody asked about, is left alone. */
static void touch(const char *id, const char *what)
{
	struct error err;
	bool running = false;

	if (real()->domain_running(id, &running, &err) && running &&
	    !workload_may_touch(id, fiber_daemon()->name))
		checks_broken(4, "%s: %s: the guest %s runs, and nobody asked for anything",
			      fiber_daemon()->name, what, id);
}

/* Only for who reads everything: it is nothing that happens by itself. */
static void call_tell(const char *what, const char *argument)
{
	if (trace_aloud)
		fprintf(stderr, "%5lld.%06lld call    %s: %s %.*s\n", (long long)(sim_now() / 1000000),
			(long long)(sim_now() % 1000000), fiber_daemon()->name, what,
			(int)strcspn(argument, "\n"), argument);
}

#define FIRST(first, ...) first
/* A call of libvirt's that changes something: its parameters, its arguments, how long it takes. */
#define LIBVIRT(name, what, microseconds, parameters, arguments) \
	static bool name parameters \
	{ \
		call_tell(what, FIRST arguments); \
		enum fault_call fault = before(what, microseconds); \
\
		if (fault == FAULT_FAILS) \
			return fails(what, err); \
		return after(fault, what, real()->name arguments, err); \
	}
LIBVIRT(domain_start, "start a guest", 400000, (const char *xml, struct error *err), (xml, err))
LIBVIRT(domain_plug, "plug", 50000, (const char *id, const char *xml, struct error *err), (id, xml, err))
LIBVIRT(domain_unplug, "unplug", 50000, (const char *id, const char *alias, struct error *err),
	(id, alias, err))
LIBVIRT(domain_pause, "pause", 10000, (const char *id, bool paused, struct error *err), (id, paused, err))
LIBVIRT(domain_save, "save", 500000, (const char *id, const char *path, struct error *err), (id, path, err))
LIBVIRT(domain_restore, "restore", 500000, (const char *path, struct error *err), (path, err))
LIBVIRT(domain_change, "change a NIC", 10000, (const char *id, const char *xml, struct error *err),
	(id, xml, err))
LIBVIRT(domain_stop, "end a guest", 100000, (const char *id, struct error *err), (id, err))
LIBVIRT(domain_migrate, "migrate a guest", 800000,
	(const char *id, const struct world_migration *how, struct error *err), (id, how, err))
LIBVIRT(network_make, "make a network", 100000, (const char *xml, struct error *err), (xml, err))
LIBVIRT(network_lease, "a lease", 5000, (const char *id, bool add, const char *host_xml, struct error *err),
	(id, add, host_xml, err))
LIBVIRT(network_remove, "remove a network", 50000, (const char *id, struct error *err), (id, err))

static bool stop_checked(const char *id, struct error *err)
{
	touch(id, "end a guest");
	return domain_stop(id, err);
}

static bool save_checked(const char *id, const char *path, struct error *err)
{
	touch(id, "save");
	return domain_save(id, path, err);
}

static bool migrate_checked(const char *id, const struct world_migration *how, struct error *err)
{
	touch(id, "migrate");
	return domain_migrate(id, how, err);
}

static bool unplug_checked(const char *id, const char *alias, struct error *err)
{
	if (!workload_may_unplug(id))
		touch(id, "unplug");
	return domain_unplug(id, alias, err);
}

static bool pause_checked(const char *id, bool paused, struct error *err)
{
	if (paused)
		touch(id, "pause");
	return domain_pause(id, paused, err);
}

/* The hook of the simulated host: between its own steps. */
static void changing(const char *what)
{
	fault_seam("change", what, 200);
}

/* The agent calls it by this name; the simulator's own comes first. */
const struct world *deadline_world(const struct world *host)
{
	static struct world tables[8];
	struct daemon *daemon = fiber_daemon();
	struct world *table = &tables[daemon->host];
	const struct world *(*deadlines)(const struct world *) = daemon_symbol(daemon, "deadline_world");
	void (**on_change)(const char *) = daemon_symbol(daemon, "simulated_on_change");

	daemon->world = (void *)host;
	*on_change = changing;
	*table = *host;
	table->write = file_write_;
	table->netlink = netlink;
	table->pause = pause_;
	table->run = run;
	table->domain_start = domain_start;
	table->domain_plug = domain_plug;
	table->domain_unplug = unplug_checked;
	table->domain_pause = pause_checked;
	table->domain_save = save_checked;
	table->domain_migrate = migrate_checked;
	table->domain_restore = domain_restore;
	table->domain_change = domain_change;
	table->domain_stop = stop_checked;
	table->network_make = network_make;
	table->network_lease = network_lease;
	table->network_remove = network_remove;
	return deadlines(table);
}
