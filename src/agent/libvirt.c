/* Domains and networks of the real libvirt. */
#include "agent/libvirt.h"

#include "base/log.h"
#include "base/map.h"
#include "base/memory.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
	pthread_mutex_t lock;
	virConnectPtr connection;
	char uri[256];
	struct map forgotten; /* ids of guests: see libvirt_domain_forget() */
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER, .uri = "qemu:///system"};

static void ignore_error(void *data, virErrorPtr error)
{
	(void)data;
	(void)error; /* each call's error is reported by its caller */
}

void libvirt_configure(const char *uri)
{
	snprintf(shared.uri, sizeof shared.uri, "%s", uri);
	virSetErrorFunc(NULL, ignore_error);
}

/* A daemon that goes away in the middle of a call (it was restarted, or crashed) is waited for, as one that
 * cannot be reached is; what became of the call shows when it is back.  VIR_ERR_OPERATION_TIMEOUT: something
 * else that libvirt does with the guest has not come to its end in 30 s. */
static bool failed(struct error *err, const char *what)
{
	virErrorPtr last = virGetLastError();
	bool lost = last && last->domain == VIR_FROM_RPC,
	     stuck = last && !lost && last->code == VIR_ERR_OPERATION_TIMEOUT;

	return error_set_typed(err, lost ? ERROR_UNAVAILABLE : ERROR_INTERNAL,
			       lost    ? WORLD_LOST
			       : stuck ? WORLD_STUCK
				       : NULL,
			       "libvirt: %s: %s", what,
			       last && last->message ? last->message : "unknown error");
}

/* A reference to the connection, or NULL and *err. */
static virConnectPtr connection_get(struct error *err)
{
	virConnectPtr connection = NULL;

	pthread_mutex_lock(&shared.lock);
	if (shared.connection && virConnectIsAlive(shared.connection) != 1) {
		virConnectClose(shared.connection);
		shared.connection = NULL;
	}
	if (!shared.connection)
		shared.connection = virConnectOpen(shared.uri);
	if (!shared.connection) {
		failed(err, shared.uri);
		err->kind = ERROR_UNAVAILABLE;
		err->type = NULL; /* nothing has begun */
	}
	if (shared.connection && virConnectRef(shared.connection) == 0)
		connection = shared.connection;
	pthread_mutex_unlock(&shared.lock);
	return connection;
}

static void connection_done(virConnectPtr *connection)
{
	if (*connection)
		virConnectClose(*connection);
}

static void domain_done(virDomainPtr *domain)
{
	if (*domain)
		virDomainFree(*domain);
}

static void network_done(virNetworkPtr *network)
{
	if (*network)
		virNetworkFree(*network);
}

bool libvirt_hypervisor(struct world_hypervisor *facts, struct error *err)
{
	_cleanup_(connection_done) virConnectPtr connection = connection_get(err);
	unsigned long version = 0;

	if (!connection)
		return false;
	if (virConnectGetVersion(connection, &version) < 0)
		return failed(err, "asking for its version");
	/* libvirt has tried KVM by starting QEMU with it: more than that /dev/kvm is there. */
	_cleanup_free_ char *capabilities = virConnectGetCapabilities(connection);
	*facts = (struct world_hypervisor){.version = (int64_t)version,
					   .kvm = capabilities && strstr(capabilities, "<domain type='kvm'")};
	return true;
}

/* --- domains --- */

static bool is_forgotten(const char *id)
{
	pthread_mutex_lock(&shared.lock);
	bool is = map_get(&shared.forgotten, id);
	pthread_mutex_unlock(&shared.lock);
	return is;
}

static void forgotten_set(const char *id, bool is)
{
	pthread_mutex_lock(&shared.lock);
	if (is)
		map_put(&shared.forgotten, id, &shared.forgotten);
	else
		map_remove(&shared.forgotten, id);
	pthread_mutex_unlock(&shared.lock);
}

/* *domain is NULL if there is none. */
static bool domain_find_any(virConnectPtr connection, const char *id, virDomainPtr *domain, struct error *err)
{
	*domain = virDomainLookupByUUIDString(connection, id);
	if (*domain)
		return true;
	if (virGetLastErrorCode() != VIR_ERR_NO_DOMAIN)
		return failed(err, "looking a domain up");
	forgotten_set(id, false);
	return true;
}

/* ... or if it is forgotten. */
static bool domain_find(virConnectPtr connection, const char *id, virDomainPtr *domain, struct error *err)
{
	if (!domain_find_any(connection, id, domain, err))
		return false;
	if (*domain && is_forgotten(id)) {
		virDomainFree(*domain);
		*domain = NULL;
	}
	return true;
}

bool libvirt_domain_start(const char *xml, struct error *err)
{
	_cleanup_(connection_done) virConnectPtr connection = connection_get(err);
	_cleanup_(domain_done) virDomainPtr domain = NULL;

	char id[37];

	if (!connection)
		return false;
	world_id_in(xml, id);
	if (!domain_find_any(connection, id, &domain, err))
		return false;
	if (is_forgotten(id))
		return error_set(
			err, ERROR_INTERNAL,
			"libvirt was killed while it was at an earlier start of this guest, holds on "
			"to it though it has no process, and has to be restarted");
	domain_done(&domain);
	domain = virDomainCreateXML(connection, xml, 0);
	return domain || failed(err, "starting the guest");
}

bool libvirt_domain_xml(const char *id, char **xml, struct error *err)
{
	_cleanup_(connection_done) virConnectPtr connection = connection_get(err);
	_cleanup_(domain_done) virDomainPtr domain = NULL;

	*xml = NULL;
	if (!connection || !domain_find(connection, id, &domain, err))
		return false;
	if (!domain || virDomainIsActive(domain) != 1)
		return true;
	*xml = virDomainGetXMLDesc(domain, 0);
	return *xml || virGetLastErrorCode() == VIR_ERR_NO_DOMAIN || failed(err, "reading a domain");
}

bool libvirt_domain_plug(const char *id, const char *device_xml, struct error *err)
{
	_cleanup_(connection_done) virConnectPtr connection = connection_get(err);
	_cleanup_(domain_done) virDomainPtr domain = NULL;

	if (!connection || !domain_find(connection, id, &domain, err))
		return false;
	if (!domain)
		return error_set(err, ERROR_NOT_FOUND, "the guest does not run");
	return virDomainAttachDeviceFlags(domain, device_xml, VIR_DOMAIN_AFFECT_LIVE) == 0 ||
	       failed(err, "plugging a device in");
}

bool libvirt_domain_unplug(const char *id, const char *alias, struct error *err)
{
	_cleanup_(connection_done) virConnectPtr connection = connection_get(err);
	_cleanup_(domain_done) virDomainPtr domain = NULL;

	if (!connection || !domain_find(connection, id, &domain, err))
		return false;
	return !domain || virDomainDetachDeviceAlias(domain, alias, VIR_DOMAIN_AFFECT_LIVE) == 0 ||
	       virGetLastErrorCode() == VIR_ERR_DEVICE_MISSING || failed(err, "taking a device out");
}

bool libvirt_domain_pause(const char *id, bool paused, struct error *err)
{
	_cleanup_(connection_done) virConnectPtr connection = connection_get(err);
	_cleanup_(domain_done) virDomainPtr domain = NULL;
	int state;

	if (!connection || !domain_find(connection, id, &domain, err))
		return false;
	if (!domain || virDomainGetState(domain, &state, NULL, 0) != 0)
		return error_set(err, ERROR_NOT_FOUND, "the guest does not run");
	if ((state == VIR_DOMAIN_PAUSED) == paused)
		return true;
	return (paused ? virDomainSuspend(domain) : virDomainResume(domain)) == 0 ||
	       failed(err, paused ? "stopping the guest's CPUs" : "letting the guest's CPUs go on");
}

bool libvirt_domain_save(const char *id, const char *path, struct error *err)
{
	_cleanup_(connection_done) virConnectPtr connection = connection_get(err);
	_cleanup_(domain_done) virDomainPtr domain = NULL;

	if (!connection || !domain_find(connection, id, &domain, err))
		return false;
	if (!domain)
		return error_set(err, ERROR_NOT_FOUND, "the guest does not run");
	return virDomainSave(domain, path) == 0 || failed(err, "saving the guest's memory");
}

bool libvirt_domain_restore(const char *path, struct error *err)
{
	_cleanup_(connection_done) virConnectPtr connection = connection_get(err);

	if (!connection)
		return false;
	return virDomainRestoreFlags(connection, path, NULL, VIR_DOMAIN_SAVE_RUNNING) == 0 ||
	       failed(err, "starting the guest from its saved memory");
}

bool libvirt_domain_change(const char *id, const char *device_xml, struct error *err)
{
	_cleanup_(connection_done) virConnectPtr connection = connection_get(err);
	_cleanup_(domain_done) virDomainPtr domain = NULL;

	if (!connection || !domain_find(connection, id, &domain, err))
		return false;
	if (!domain)
		return error_set(err, ERROR_NOT_FOUND, "the guest does not run");
	return virDomainUpdateDeviceFlags(domain, device_xml, VIR_DOMAIN_AFFECT_LIVE) == 0 ||
	       failed(err, "changing a NIC");
}

bool libvirt_domain_stop(const char *id, struct error *err)
{
	_cleanup_(connection_done) virConnectPtr connection = connection_get(err);
	_cleanup_(domain_done) virDomainPtr domain = NULL;

	if (!connection || !domain_find(connection, id, &domain, err))
		return false;
	/* It may end by itself meanwhile. */
	if (domain && virDomainIsActive(domain) == 1 && virDomainDestroy(domain) < 0 &&
	    virGetLastErrorCode() != VIR_ERR_OPERATION_INVALID && virGetLastErrorCode() != VIR_ERR_NO_DOMAIN)
		return failed(err, "ending the guest");
	return true;
}

/* libvirt (9.0) that was killed after it had written that it starts a guest and before it had a process takes
 * the guest for active when it is back, with a job that nobody ends.  It reads that from its file, which
 * has to go before it is restarted. */
static void status_remove(virDomainPtr domain)
{
	_cleanup_free_ char *path = memory_printf("/run/libvirt/qemu/%s.xml", virDomainGetName(domain));

	if (strcmp(shared.uri, "qemu:///system") == 0)
		unlink(path);
}

bool libvirt_domain_forget(const char *id, struct error *err)
{
	_cleanup_(connection_done) virConnectPtr connection = connection_get(err);
	const struct timespec moment = {.tv_nsec = 100 * 1000000L};

	if (!connection)
		return false;
	/* It may be noticing that the process has ended. */
	for (int i = 0; i < 30; i++) {
		_cleanup_(domain_done) virDomainPtr domain = NULL;

		if (!domain_find(connection, id, &domain, err))
			return false;
		if (!domain)
			return true;
		if (i == 29) {
			status_remove(domain);
			forgotten_set(id, true);
			log_error("libvirt holds on to the guest %s (%s), which has no process, until it is "
				  "restarted: please do that",
				  id, virDomainGetName(domain));
		}
		nanosleep(&moment, NULL);
	}
	return true;
}

bool libvirt_domain_running(const char *id, bool *running, struct error *err)
{
	_cleanup_(connection_done) virConnectPtr connection = connection_get(err);
	_cleanup_(domain_done) virDomainPtr domain = NULL;

	*running = false;
	if (!connection || !domain_find(connection, id, &domain, err))
		return false;
	*running = domain && virDomainIsActive(domain) == 1;
	return true;
}

static bool domain_is_ours(virDomainPtr domain)
{
	_cleanup_free_ char *metadata =
		virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, WORLD_DOMAIN_NAMESPACE,
				     VIR_DOMAIN_AFFECT_CURRENT);

	return metadata != NULL;
}

bool libvirt_domain_list(bool only_ours, struct map *ids, struct error *err)
{
	_cleanup_(connection_done) virConnectPtr connection = connection_get(err);
	virDomainPtr *domains = NULL;
	char id[VIR_UUID_STRING_BUFLEN];

	if (!connection)
		return false;
	int count = virConnectListAllDomains(connection, &domains, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
	if (count < 0)
		return failed(err, "listing the guests");
	for (int i = 0; i < count; i++) {
		if (virDomainGetUUIDString(domains[i], id) == 0 && !is_forgotten(id) &&
		    (!only_ours || domain_is_ours(domains[i])))
			map_put(ids, id, ids);
		virDomainFree(domains[i]);
	}
	free(domains);
	return true;
}

/* --- guests that go to another host --- */

/* Is libvirt sending it?  (Asking a guest that is being sent for its job is quick; other jobs are not ours.)
 */
static bool goes(virDomainPtr domain)
{
	virTypedParameterPtr params = NULL;
	int count = 0, type = VIR_DOMAIN_JOB_NONE, operation = VIR_DOMAIN_JOB_OPERATION_UNKNOWN;

	if (virDomainGetJobStats(domain, &type, &params, &count, 0) != 0)
		return false;
	virTypedParamsGetInt(params, count, VIR_DOMAIN_JOB_OPERATION, &operation);
	virTypedParamsFree(params, count);
	return (type == VIR_DOMAIN_JOB_BOUNDED || type == VIR_DOMAIN_JOB_UNBOUNDED) &&
	       operation == VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT;
}

bool libvirt_domain_state(const char *id, enum world_guest *guest, struct error *err)
{
	_cleanup_(connection_done) virConnectPtr connection = connection_get(err);
	_cleanup_(domain_done) virDomainPtr domain = NULL;
	int state, reason;

	*guest = WORLD_NO_GUEST;
	if (!connection || !domain_find(connection, id, &domain, err))
		return false;
	if (!domain || virDomainIsActive(domain) != 1)
		return true;
	if (virDomainGetState(domain, &state, &reason, 0) != 0)
		return virGetLastErrorCode() == VIR_ERR_NO_DOMAIN || failed(err, "looking at the guest");
	if (goes(domain))
		*guest = WORLD_GUEST_GOES;
	else if (state == VIR_DOMAIN_PAUSED &&
		 (reason == VIR_DOMAIN_PAUSED_MIGRATION || reason == VIR_DOMAIN_PAUSED_STARTING_UP))
		*guest = WORLD_GUEST_COMES;
	else
		*guest = state == VIR_DOMAIN_PAUSED ? WORLD_GUEST_PAUSED : WORLD_GUEST_RUNS;
	return true;
}

bool libvirt_domain_migratable_xml(const char *id, char **xml, struct error *err)
{
	_cleanup_(connection_done) virConnectPtr connection = connection_get(err);
	_cleanup_(domain_done) virDomainPtr domain = NULL;

	*xml = NULL;
	if (!connection || !domain_find(connection, id, &domain, err))
		return false;
	if (!domain)
		return true;
	*xml = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_MIGRATABLE | VIR_DOMAIN_XML_SECURE);
	return *xml || failed(err, "reading the guest's XML");
}

bool libvirt_domain_migrate_abort(const char *id, struct error *err)
{
	_cleanup_(connection_done) virConnectPtr connection = connection_get(err);
	_cleanup_(domain_done) virDomainPtr domain = NULL;

	if (!connection || !domain_find(connection, id, &domain, err))
		return false;
	return !domain || !goes(domain) || virDomainAbortJob(domain) == 0 || !goes(domain) ||
	       failed(err, "giving the migration up");
}

/* What is done about a guest while the other thread waits for libvirt. */
struct passage {
	virDomainPtr domain;
	const struct world_migration *how;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool over, completing, given_up, too_late;
	int64_t seconds; /* that it has taken */
};

/* Post-copy moves it at once; without, it stands still until all is over there. */
static void passage_complete(struct passage *p)
{
	p->completing = true;
	if (p->how->post_copy && virDomainMigrateStartPostCopy(p->domain, 0) == 0)
		return;
	virDomainSuspend(p->domain);
}

static void passage_look(struct passage *p)
{
	enum world_wish wish = p->how->wish(p->how->argument);
	bool late = p->how->seconds > 0 && p->seconds >= p->how->seconds;

	if (!goes(p->domain))
		return;
	if (wish == WORLD_STAY || (late && !p->how->force_complete)) {
		p->too_late |= late && wish != WORLD_STAY;
		p->given_up = virDomainAbortJob(p->domain) == 0;
	} else if (!p->completing && (wish == WORLD_COMPLETE || late || p->how->complete)) {
		passage_complete(p);
	}
}

static void *passage_watch(void *argument)
{
	struct passage *p = argument;
	struct timespec until;

	pthread_mutex_lock(&p->lock);
	while (!p->over) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec++;
		if (pthread_cond_clockwait(&p->changed, &p->lock, CLOCK_MONOTONIC, &until) == 0)
			continue;
		p->seconds++;
		pthread_mutex_unlock(&p->lock);
		passage_look(p);
		pthread_mutex_lock(&p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static unsigned passage_flags(const struct world_migration *how)
{
	return VIR_MIGRATE_LIVE | VIR_MIGRATE_PEER2PEER | VIR_MIGRATE_NON_SHARED_DISK |
	       (how->post_copy ? VIR_MIGRATE_POSTCOPY : 0) |
	       (how->auto_converge ? VIR_MIGRATE_AUTO_CONVERGE : 0);
}

/* From one libvirt to the other: it goes on when the agent does not. */
static bool passage_make(struct passage *p, struct error *err)
{
	const struct world_migration *how = p->how;
	virTypedParameterPtr params = NULL;
	int count = 0, room = 0;
	bool ok =
		virTypedParamsAddString(&params, &count, &room, VIR_MIGRATE_PARAM_DEST_XML, how->xml) == 0 &&
		virTypedParamsAddString(&params, &count, &room, VIR_MIGRATE_PARAM_URI, how->data_uri) == 0 &&
		(how->bandwidth == 0 ||
		 virTypedParamsAddULLong(&params, &count, &room, VIR_MIGRATE_PARAM_BANDWIDTH,
					 (unsigned long long)how->bandwidth) == 0);

	virDomainMigrateSetMaxDowntime(p->domain, (unsigned long long)how->downtime_ms, 0);
	ok = ok &&
	     virDomainMigrateToURI3(p->domain, how->uri, params, (unsigned)count, passage_flags(how)) == 0;
	if (!ok)
		failed(err, "migrating the guest");
	virTypedParamsFree(params, count);
	return ok;
}

bool libvirt_domain_migrate(const char *id, const struct world_migration *how, struct error *err)
{
	_cleanup_(connection_done) virConnectPtr connection = connection_get(err);
	_cleanup_(domain_done) virDomainPtr domain = NULL;
	struct passage p = {.how = how,
			    .lock = PTHREAD_MUTEX_INITIALIZER,
			    .changed = PTHREAD_COND_INITIALIZER};
	pthread_t thread;

	if (!connection || !domain_find(connection, id, &domain, err))
		return false;
	if (!domain)
		return error_set(err, ERROR_NOT_FOUND, "the guest does not run");
	p.domain = domain;
	if (pthread_create(&thread, NULL, passage_watch, &p) != 0)
		return error_set(err, ERROR_INTERNAL, "cannot start threads");
	bool ok = passage_make(&p, err);
	pthread_mutex_lock(&p.lock);
	p.over = true;
	pthread_cond_signal(&p.changed);
	pthread_mutex_unlock(&p.lock);
	pthread_join(thread, NULL);
	if (!ok && p.too_late)
		error_set(err, ERROR_TIMEOUT,
			  "it took longer than %lld s ([libvirt] live_migration_completion_timeout)",
			  (long long)how->seconds);
	return ok;
}

/* --- networks --- */

static bool network_find(virConnectPtr connection, const char *id, virNetworkPtr *network, struct error *err)
{
	*network = virNetworkLookupByUUIDString(connection, id);
	return *network || virGetLastErrorCode() == VIR_ERR_NO_NETWORK || failed(err, "looking a network up");
}

bool libvirt_network_xml(const char *id, char **xml, struct error *err)
{
	_cleanup_(connection_done) virConnectPtr connection = connection_get(err);
	_cleanup_(network_done) virNetworkPtr network = NULL;

	*xml = NULL;
	if (!connection || !network_find(connection, id, &network, err))
		return false;
	if (network)
		*xml = virNetworkGetXMLDesc(network, 0);
	return !network || *xml || failed(err, "reading a network");
}

bool libvirt_network_make(const char *xml, struct error *err)
{
	_cleanup_(connection_done) virConnectPtr connection = connection_get(err);
	_cleanup_(network_done) virNetworkPtr network = NULL;

	if (!connection)
		return false;
	network = virNetworkCreateXML(connection, xml);
	return network || failed(err, "making a port's network");
}

bool libvirt_network_lease(const char *id, bool add, const char *host_xml, struct error *err)
{
	_cleanup_(connection_done) virConnectPtr connection = connection_get(err);
	_cleanup_(network_done) virNetworkPtr network = NULL;
	unsigned command = add ? VIR_NETWORK_UPDATE_COMMAND_ADD_LAST : VIR_NETWORK_UPDATE_COMMAND_DELETE;

	if (!connection || !network_find(connection, id, &network, err))
		return false;
	if (!network)
		return error_set(err, ERROR_NOT_FOUND, "there is no network %s", id);
	return virNetworkUpdate(network, command, VIR_NETWORK_SECTION_IP_DHCP_HOST, -1, host_xml,
				VIR_NETWORK_UPDATE_AFFECT_LIVE) == 0 ||
	       failed(err, add ? "adding a lease" : "removing a lease");
}

bool libvirt_network_remove(const char *id, struct error *err)
{
	_cleanup_(connection_done) virConnectPtr connection = connection_get(err);
	_cleanup_(network_done) virNetworkPtr network = NULL;

	if (!connection || !network_find(connection, id, &network, err))
		return false;
	return !network || virNetworkDestroy(network) == 0 || failed(err, "removing a network");
}
