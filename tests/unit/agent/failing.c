/* Calls that go wrong. */
#include "failing.h"

#include "../test.h"

#include "agent/deadline.h"
#include "agent/simulated/simulated.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum failing how;
	int left; /* calls until the one; 0: it has been */
	bool over;
	pthread_t caller;
} failing = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
char failing_what[300];
static struct world with_failures;

enum kind { LOOK, CHANGE, LIBVIRT_LOOK, LIBVIRT_CHANGE };

/* Only what the agent leaves to another thread may hang: the rest takes no lock. */
static bool counts(enum kind kind)
{
	switch (failing.how) {
	case FAILING_REFUSED:
		return true;
	case FAILING_AWAY:
	case FAILING_LOST:
	case FAILING_LOST_DONE:
		return kind == LIBVIRT_LOOK || kind == LIBVIRT_CHANGE;
	case FAILING_UNHEARD:
		return kind == CHANGE || kind == LIBVIRT_CHANGE;
	case FAILING_HANGS:
		return !pthread_equal(pthread_self(), failing.caller);
	default:
		return false;
	}
}

/* libvirtd, which went away in the middle of an earlier call. */
static bool is_away(enum kind kind)
{
	return (failing.how == FAILING_LOST || failing.how == FAILING_LOST_DONE) && failing.left == 0 &&
	       !failing.over && counts(kind);
}

/* Of the call that is to fail: how. */
static enum failing strike(enum kind kind, const char *format, ...) __attribute__((format(printf, 2, 3)));
static enum failing strike(enum kind kind, const char *format, ...)
{
	enum failing how = FAILING_NOT;
	va_list arguments;

	pthread_mutex_lock(&failing.lock);
	if (is_away(kind))
		how = FAILING_AWAY;
	if (failing.left > 0 && counts(kind) && --failing.left == 0) {
		how = failing.how;
		va_start(arguments, format);
		vsnprintf(failing_what, sizeof failing_what, format, arguments);
		va_end(arguments);
	}
	if (how == FAILING_HANGS) {
		deadline_expire();
		while (!failing.over)
			pthread_cond_wait(&failing.changed, &failing.lock);
		how = FAILING_NOT;
	}
	pthread_mutex_unlock(&failing.lock);
	return how;
}

void failing_begin(enum failing how, int n)
{
	pthread_mutex_lock(&failing.lock);
	failing.how = how;
	failing.left = n;
	failing.over = false;
	failing.caller = pthread_self();
	*failing_what = '\0';
	pthread_mutex_unlock(&failing.lock);
	/* Other threads take their time, and are only needed here. */
	world = how == FAILING_HANGS ? deadline_world(&with_failures) : &with_failures;
}

bool failing_end(void)
{
	pthread_mutex_lock(&failing.lock);
	bool was = failing.left == 0;
	failing.left = 0;
	failing.over = true;
	pthread_cond_broadcast(&failing.changed);
	pthread_mutex_unlock(&failing.lock);
	while (deadline_hanging() > 0)
		usleep(100);
	world = &with_failures;
	return was;
}

static bool refuse(enum failing how, struct error *err)
{
	bool lost = how == FAILING_LOST || how == FAILING_LOST_DONE;

	return error_set_typed(err, lost || how == FAILING_AWAY ? ERROR_UNAVAILABLE : ERROR_INTERNAL,
			       lost ? WORLD_LOST : NULL, "failed on purpose: %s", failing_what);
}

/* --- the kernel --- */

static char *failing_read(const char *path)
{
	return strike(LOOK, "read %s", path) ? NULL : world_simulated.read(path);
}

static bool failing_link(const char *path, char *name, size_t size)
{
	*name = '\0';
	return !strike(LOOK, "readlink %s", path) && world_simulated.link(path, name, size);
}

static char **failing_list(const char *path)
{
	return strike(LOOK, "list %s", path) ? NULL : world_simulated.list(path);
}

static bool failing_write(const char *path, const char *text, struct error *err)
{
	enum failing how = strike(CHANGE, "write %s > %s", text, path);

	return (how != FAILING_REFUSED && !world_simulated.write(path, text, err)) || how ? refuse(how, err)
											  : true;
}

static int failing_netlink(struct nlmsghdr *message, world_answer *answer, void *argument, char *why,
			   size_t size)
{
	enum failing how =
		strike(message->nlmsg_flags & NLM_F_ACK ? CHANGE : LOOK, "netlink %d", message->nlmsg_type);
	int result =
		how == FAILING_REFUSED ? EIO : world_simulated.netlink(message, answer, argument, why, size);

	return how ? EIO : result;
}

static bool failing_run(const char *const *argv, int seconds, struct text *out, struct error *err)
{
	enum failing how = strike(CHANGE, "run %s", argv[0]);

	return how ? refuse(how, err) : world_simulated.run(argv, seconds, out, err);
}

/* --- libvirt --- */

#define FAILS(name, kind, parameters, arguments) \
	static bool failing_##name parameters \
	{ \
		enum failing how = strike(kind, #name); \
		struct error unheard; \
		if (how == FAILING_UNHEARD || how == FAILING_LOST_DONE) { \
			struct error *caller = err; \
			err = &unheard; \
			world_simulated.name arguments; \
			return refuse(how, caller); \
		} \
		return how ? refuse(how, err) : world_simulated.name arguments; \
	}

FAILS(hypervisor, LIBVIRT_LOOK, (struct world_hypervisor * facts, struct error *err), (facts, err))
FAILS(domain_start, LIBVIRT_CHANGE, (const char *xml, struct error *err), (xml, err))
FAILS(domain_xml, LIBVIRT_LOOK, (const char *id, char **xml, struct error *err), (id, xml, err))
FAILS(domain_plug, LIBVIRT_CHANGE, (const char *id, const char *xml, struct error *err), (id, xml, err))
FAILS(domain_unplug, LIBVIRT_CHANGE, (const char *id, const char *alias, struct error *err), (id, alias, err))
FAILS(domain_pause, LIBVIRT_CHANGE, (const char *id, bool paused, struct error *err), (id, paused, err))
FAILS(domain_save, LIBVIRT_CHANGE, (const char *id, const char *path, struct error *err), (id, path, err))
FAILS(domain_restore, LIBVIRT_CHANGE, (const char *path, struct error *err), (path, err))
FAILS(domain_change, LIBVIRT_CHANGE, (const char *id, const char *xml, struct error *err), (id, xml, err))
FAILS(domain_stop, LIBVIRT_CHANGE, (const char *id, struct error *err), (id, err))
FAILS(domain_forget, LIBVIRT_CHANGE, (const char *id, struct error *err), (id, err))
FAILS(end_processes, CHANGE, (const char *name, const char *words, int *count, struct error *err),
      (name, words, count, err))
FAILS(domain_running, LIBVIRT_LOOK, (const char *id, bool *running, struct error *err), (id, running, err))
FAILS(domain_list, LIBVIRT_LOOK, (bool only_ours, struct map *ids, struct error *err), (only_ours, ids, err))
FAILS(domain_state, LIBVIRT_LOOK, (const char *id, enum world_guest *state, struct error *err),
      (id, state, err))
FAILS(domain_migratable_xml, LIBVIRT_LOOK, (const char *id, char **xml, struct error *err), (id, xml, err))
FAILS(domain_migrate, LIBVIRT_CHANGE,
      (const char *id, const struct world_migration *how_to, struct error *err), (id, how_to, err))
FAILS(network_xml, LIBVIRT_LOOK, (const char *id, char **xml, struct error *err), (id, xml, err))
FAILS(network_make, LIBVIRT_CHANGE, (const char *xml, struct error *err), (xml, err))
FAILS(network_lease, LIBVIRT_CHANGE, (const char *id, bool add, const char *xml, struct error *err),
      (id, add, xml, err))
FAILS(network_remove, LIBVIRT_CHANGE, (const char *id, struct error *err), (id, err))

const struct world *failing_world(void)
{
	with_failures = world_simulated;
#define WITH(name) with_failures.name = failing_##name
	WITH(read);
	WITH(link);
	WITH(list);
	WITH(write);
	WITH(netlink);
	WITH(run);
	WITH(hypervisor);
	WITH(domain_start);
	WITH(domain_xml);
	WITH(domain_plug);
	WITH(domain_unplug);
	WITH(domain_pause);
	WITH(domain_save);
	WITH(domain_restore);
	WITH(domain_change);
	WITH(domain_stop);
	WITH(domain_forget);
	WITH(end_processes);
	WITH(domain_running);
	WITH(domain_list);
	WITH(domain_state);
	WITH(domain_migratable_xml);
	WITH(domain_migrate);
	WITH(network_xml);
	WITH(network_make);
	WITH(network_lease);
	WITH(network_remove);
#undef WITH
	return &with_failures;
}
