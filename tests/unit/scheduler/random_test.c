/* Random claims, releases, inventories, restarts and undone transactions against a naive model: no device is
 * ever had twice, a PF never together with its VFs, and a server is refused exactly when an exhaustive search
 * says so. PENSTOCK_TEST_SEED repeats a run. */
#include "site.h"

#include "base/memory.h"
#include "sys/sys.h"

enum { HOSTS = 3, DEVICES = 14, SERVERS = 24, SLOTS = 5 };

struct model_device {
	char address[13];
	const char *ids, *type, *physnet;
	int parent; /* index, or -1 */
	int node;
	bool offered, healthy;
	bool reported; /* the host told of it last */
	int owner;     /* server, or -1 */
};

struct model_host {
	char id[37], name[8];
	struct model_device devices[DEVICES];
	int count;
	int64_t memory_mb;
	bool enabled;
};

struct model_server {
	int host; /* -1: none */
	int64_t memory_mb;
};

/* All of the truth; copied to remember what an undone transaction goes back to. */
static struct model {
	struct model_host hosts[HOSTS];
	struct model_server servers[SERVERS];
} model;

static unsigned below(unsigned limit)
{
	return (unsigned)rand() % limit;
}

/* --- what a request may have --- */

static const struct wish {
	const char *text;
	const char *ids, *type, *physnet; /* physnet: of a port; NULL: of an alias */
	int count;
} wishes[] = {
	{"direct=a", NULL, "type-VF", "a", 1},
	{"direct=b", NULL, "type-VF", "b", 1},
	{"direct-physical=a", NULL, "type-PF", "a", 1},
	{"alias=pf:1", "8086:10c9", "type-PF", NULL, 1},
	{"alias=vf:2", "8086:10ca", "type-VF", NULL, 2},
	{"alias=gpu:1", "10de:1eb8", "type-PCI", NULL, 1},
	{"alias=gpu:2", "10de:1eb8", "type-PCI", NULL, 2},
	{"alias=my_PF:1", "8086:10c9", "type-PF", NULL, 1}, /* no host has plain devices with these ids */
};

static bool wish_fits(const struct wish *wish, const struct model_device *device)
{
	if (!device->offered || !device->reported || strcmp(device->type, wish->type) != 0)
		return false;
	return wish->physnet ? device->physnet && strcmp(device->physnet, wish->physnet) == 0
			     : strcmp(device->ids, wish->ids) == 0;
}

static bool device_free(const struct model_host *host, int index)
{
	const struct model_device *device = &host->devices[index];

	if (device->owner >= 0 || !device->healthy)
		return false;
	for (int i = 0; i < host->count; i++) {
		if (host->devices[i].owner >= 0 && (host->devices[i].parent == index || device->parent == i))
			return false;
	}
	return true;
}

static bool exhaustive(struct model_host *host, const struct wish *const *slots, int count)
{
	if (count == 0)
		return true;
	for (int i = 0; i < host->count; i++) {
		if (!wish_fits(slots[0], &host->devices[i]) || !device_free(host, i))
			continue;
		host->devices[i].owner = SERVERS;
		bool found = exhaustive(host, slots + 1, count - 1);
		host->devices[i].owner = -1;
		if (found)
			return true;
	}
	return false;
}

static int64_t memory_used(int host)
{
	int64_t used = 0;

	for (int i = 0; i < SERVERS; i++)
		used += model.servers[i].host == host ? model.servers[i].memory_mb : 0;
	return used;
}

static bool model_fits(int host, const struct wish *const *slots, int count, int64_t memory_mb)
{
	struct model_host copy = model.hosts[host];

	return copy.enabled && memory_used(host) + memory_mb <= copy.memory_mb &&
	       exhaustive(&copy, slots, count);
}

/* --- hosts --- */

static void model_device(struct model_host *host, const char *address, const char *ids, const char *type,
			 const char *physnet, int parent, bool offered, int node)
{
	struct model_device *device = &host->devices[host->count++];

	*device = (struct model_device){.ids = ids,
					.type = type,
					.physnet = physnet,
					.parent = parent,
					.node = node,
					.offered = offered,
					.healthy = true,
					.reported = true,
					.owner = -1};
	snprintf(device->address, sizeof device->address, "%s", address);
}

static void model_host_make(struct model_host *host, int index)
{
	char address[32];

	snprintf(host->name, sizeof host->name, "h%d", index);
	host->memory_mb = 400;
	host->enabled = true;
	for (int card = 0; card < 2; card++) {
		const char *physnet = below(3) ? below(2) ? "a" : "b" : NULL;
		int pf = host->count, vfs = (int)below(5);
		bool pf_offered = below(4);

		snprintf(address, sizeof address, "0000:%d1:00.0", card + 2);
		model_device(host, address, "8086:10c9", "type-PF", pf_offered ? physnet : NULL, -1,
			     pf_offered, card);
		for (int vf = 0; vf < vfs; vf++) {
			snprintf(address, sizeof address, "0000:%d1:10.%d", card + 2, vf);
			model_device(host, address, "8086:10ca", "type-VF", physnet, pf, true, card);
		}
	}
	for (int gpu = (int)below(3); gpu > 0; gpu--) {
		snprintf(address, sizeof address, "0000:6%d:00.0", gpu);
		model_device(host, address, "10de:1eb8", "type-PCI", NULL, -1, true, gpu % 2);
	}
}

static void host_report(struct model_host *host)
{
	struct site_host report = {.name = host->name, .memory_mb = host->memory_mb, .vcpus = 64};
	char hash[16], *more;

	for (int i = 0; i < host->count; i++) {
		const struct model_device *d = &host->devices[i];

		if (!d->reported)
			continue;
		more = memory_printf("\"offered\":%s,\"health\":\"%s\"", d->offered ? "true" : "false",
				     d->healthy ? "ok" : "ill");
		site_device(&report, d->address, d->ids, d->type,
			    d->parent >= 0 ? host->devices[d->parent].address : NULL, d->physnet, d->node,
			    more);
		free(more);
	}
	_cleanup_free_ char *json =
		memory_printf("{\"vcpus\":64,\"memory_mb\":%lld,\"disk_gb\":1000,\"devices\":[%s]}",
			      (long long)host->memory_mb, report.devices.data ? report.devices.data : "");
	yyjson_doc *doc = yyjson_read(json, strlen(json), 0);
	snprintf(hash, sizeof hash, "c%s", host->name);
	if (!scheduler_host_join(db, host->name, hash, host->id, &err) ||
	    !scheduler_host_report(db, host->id, yyjson_doc_get_root(doc), &err))
		fail_msg("%s", err.message);
	yyjson_doc_free(doc);
	text_done(&report.devices);
}

/* A free device that the host does not tell of any more has no record: it is back when it is told of again.
 */
static void host_change(void)
{
	struct model_host *host = &model.hosts[below(HOSTS)];

	if (host->count > 0) {
		struct model_device *device = &host->devices[below((unsigned)host->count)];

		switch (below(4)) {
		case 0:
			device->healthy = !device->healthy || device->owner >= 0;
			break;
		case 1:
			/* without its PF's record nobody could know that a VF excludes the PF */
			if (strcmp(device->type, "type-PF") != 0)
				device->reported = !device->reported;
			break;
		case 2:
			host->memory_mb = 300 + 100 * below(3);
			break;
		default:
			host->enabled = !host->enabled;
			assert_true(scheduler_host_set_enabled(db, host->id, host->enabled, "test", &err));
			break;
		}
	}
	host_report(host);
}

/* --- servers --- */

static int device_index(const struct model_host *host, const char *address)
{
	for (int i = 0; i < host->count; i++) {
		if (strcmp(host->devices[i].address, address) == 0)
			return i;
	}
	fail_msg("%s has no %s", host->name, address);
	return -1;
}

static int host_index(const char *name)
{
	for (int i = 0; i < HOSTS; i++) {
		if (strcmp(model.hosts[i].name, name) == 0)
			return i;
	}
	fail_msg("there is no host %s", name);
	return -1;
}

static void granted(int server, const struct wish *const *slots, int count, int64_t memory_mb)
{
	int at = host_index(grant.host_name);
	struct model_host *host = &model.hosts[at];

	assert_true(host->enabled);
	assert_int_equal(grant.device_count, count);
	assert_true(memory_used(at) + memory_mb <= host->memory_mb);
	for (int i = 0; i < count; i++) {
		int index = device_index(host, grant.devices[i].address);

		assert_true(wish_fits(slots[i], &host->devices[index]));
		assert_true(device_free(host, index));
		host->devices[index].owner = server;
	}
	model.servers[server] = (struct model_server){.host = at, .memory_mb = memory_mb};
}

static int lines(const char *text)
{
	int count = 0;

	for (; text && *text; text++)
		count += *text == '\n';
	return count;
}

/* Ports first, then the aliases in one specification. */
static void request_make(struct scheduler_request *request, struct scheduler_port_request *ports,
			 struct text *aliases, const struct wish **slots, int *count)
{
	int picks = (int)below(4);
	const struct wish *picked[4];

	for (int i = 0; i < picks; i++)
		picked[i] = &wishes[below(ELEMENTS_OF(wishes))];
	*count = 0;
	for (int i = 0; i < picks; i++) {
		if (!picked[i]->physnet)
			continue;
		struct scheduler_port_request *port = &ports[request->port_count++];
		snprintf(port->vnic_type, sizeof port->vnic_type, "%.*s", (int)strcspn(picked[i]->text, "="),
			 picked[i]->text);
		snprintf(port->physical_network, sizeof port->physical_network, "%s", picked[i]->physnet);
		slots[(*count)++] = picked[i];
	}
	for (int i = 0; i < picks; i++) {
		if (picked[i]->physnet || *count + picked[i]->count > SLOTS)
			continue;
		text_addf(aliases, "%s%s", aliases->length ? "," : "", strchr(picked[i]->text, '=') + 1);
		for (int k = 0; k < picked[i]->count; k++)
			slots[(*count)++] = picked[i];
	}
	request->ports = ports;
	request->alias_spec = aliases->data;
}

static int claims, refusals_seen;

static void server_claim(int server)
{
	struct scheduler_port_request ports[4] = {0};
	_cleanup_(text_done) struct text aliases = {0}, why = {0};
	const struct wish *slots[SLOTS];
	char id[16];
	struct scheduler_request request = {.server_id = id, .memory_mb = 20 + 10 * below(6)};
	bool possible = false;
	int count;

	snprintf(id, sizeof id, "s%d", server);
	request_make(&request, ports, &aliases, slots, &count);
	for (int i = 0; i < HOSTS; i++)
		possible |= model_fits(i, slots, count, request.memory_mb);
	bool ok = scheduler_claim(db, &request, &grant, &why, &err);
	if (ok != possible)
		fail_msg("%s, but %s: %s%s", ok ? "granted" : "refused", possible ? "possible" : "impossible",
			 aliases.data ? aliases.data : "", why.data ? why.data : "");
	if (ok) {
		claims++;
		granted(server, slots, count, request.memory_mb);
	} else {
		refusals_seen++;
		assert_int_equal(err.kind, ERROR_CONFLICT);
		assert_int_equal(lines(why.data), HOSTS);
	}
}

static void server_release(int server)
{
	char id[16];

	snprintf(id, sizeof id, "s%d", server);
	assert_true(scheduler_release(db, id, &err));
	for (int h = 0; h < HOSTS; h++) {
		for (int i = 0; i < model.hosts[h].count; i++) {
			if (model.hosts[h].devices[i].owner == server)
				model.hosts[h].devices[i].owner = -1;
		}
	}
	model.servers[server].host = -1;
}

static void operation(void)
{
	int server = (int)below(SERVERS);

	if (below(12) == 0)
		host_change();
	else if (model.servers[server].host < 0)
		server_claim(server);
	else
		server_release(server);
}

/* The store by itself, whatever the fleet thinks. */
static void check_store(void)
{
	assert_int_equal(site_count(
				 "SELECT count(*) FROM device_claim v JOIN device d USING (host_id, address) "
				 "JOIN device_claim p ON p.host_id = d.host_id AND p.address = d.parent"),
			 0);
	assert_int_equal(
		site_count(
			"SELECT count(*) FROM host_state s WHERE memory_mb_used <> (SELECT "
			"coalesce(sum(memory_mb), 0) FROM claim c WHERE c.host_id = s.host_id) OR servers <> "
			"(SELECT count(*) FROM claim c WHERE c.host_id = s.host_id)"),
		0);
}

/* A batch as the writer has it: jobs in savepoints, one commit; each may be undone. */
static void batch(void)
{
	struct model before = model;

	assert_true(store_transaction_begin(db, &err));
	for (unsigned jobs = 1 + below(4); jobs > 0; jobs--) {
		struct model saved = model;

		assert_true(store_savepoint_begin(db, &err));
		for (unsigned operations = 1 + below(3); operations > 0; operations--)
			operation();
		if (below(4) == 0) {
			store_savepoint_undo(db);
			model = saved;
		} else {
			assert_true(store_savepoint_keep(db, &err));
		}
	}
	if (below(8) == 0) {
		store_transaction_undo(db);
		model = before;
	} else {
		assert_true(store_transaction_commit(db, &err));
	}
	check_store();
	if (below(20) == 0)
		assert_true(scheduler_load(db, &err)); /* a restart */
}

static void test_random(void **state)
{
	const char *given = getenv("PENSTOCK_TEST_SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)getpid();

	(void)state;
	print_message("PENSTOCK_TEST_SEED=%u\n", seed);
	srand(seed);
	for (int round = 0; round < 12; round++) {
		site_open(NULL);
		model = (struct model){0};
		for (int i = 0; i < SERVERS; i++)
			model.servers[i].host = -1;
		assert_true(store_transaction_begin(db, &err));
		for (int i = 0; i < HOSTS; i++) {
			model_host_make(&model.hosts[i], i);
			host_report(&model.hosts[i]);
		}
		assert_true(store_transaction_commit(db, &err));
		for (int i = 0; i < 150; i++)
			batch();
		site_close();
	}
	/* neither answer is rare */
	assert_true(claims > 500 && refusals_seen > 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
