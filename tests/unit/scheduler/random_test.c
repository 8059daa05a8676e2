/* Random claims, releases, inventories, restarts and undone transactions against a naive model: no device is
 * ever had twice, a PF never together with its VFs, devices of an IOMMU group never by two servers, none
 * against its NUMA policy; and a server is refused exactly when an exhaustive search says so.
 *
 * PENSTOCK_TEST_SEED=N repeats a run; PENSTOCK_TEST_CASES=N is how many servers are asked for. */
#include "site.h"

#include "base/memory.h"
#include "sys/sys.h"

enum { HOSTS = 3, DEVICES = 14, SERVERS = 24, SLOTS = 5, CELLS = 3 };

struct model_device {
	char address[13];
	const char *ids, *type, *physnet;
	int parent; /* index, or -1 */
	int node;
	int group; /* of the IOMMU */
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
	bool grant_mates;
	int sockets[CELLS]; /* -1: unknown */
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
	enum pci_numa_policy policy; /* of the alias */
} wishes[] = {
	{"direct=a", NULL, "type-VF", "a", 1},
	{"direct=b", NULL, "type-VF", "b", 1},
	{"direct-physical=a", NULL, "type-PF", "a", 1},
	{"alias=pf:1", "8086:10c9", "type-PF", NULL, 1},
	{"alias=vf:2", "8086:10ca", "type-VF", NULL, 2},
	{"alias=gpu:1", "10de:1eb8", "type-PCI", NULL, 1},
	{"alias=gpu:2", "10de:1eb8", "type-PCI", NULL, 2},
	{"alias=my_PF:1", "8086:10c9", "type-PF", NULL, 1}, /* no host has plain devices with these ids */
	{"alias=gpu_required:1", "10de:1eb8", "type-PCI", NULL, 1, PCI_NUMA_REQUIRED},
	{"alias=gpu_preferred:2", "10de:1eb8", "type-PCI", NULL, 2, PCI_NUMA_PREFERRED},
	{"alias=vf_socket:1", "8086:10ca", "type-VF", NULL, 1, PCI_NUMA_SOCKET},
};

#define ALIAS(name, product, policy) \
	"alias = {\"vendor_id\": \"" product "\", \"name\": \"" name "\", \"numa_policy\": \"" policy "\"}" \
	"\n"
#define CONF \
	SITE_CONF ALIAS("gpu_required", "10de\", \"product_id\": \"1eb8", "required") \
		ALIAS("gpu_preferred", "10de\", \"product_id\": \"1eb8", "preferred") \
			ALIAS("vf_socket", "8086\", \"product_id\": \"10ca", "socket")

/* What is asked for. */
struct question {
	const struct wish *slots[SLOTS];
	int count;
	int64_t memory_mb;
	struct numa_guest guest; /* without cells: no topology */
};

/* Nova's rules for one device and the guest's cells (bits). */
static bool policy_allows(const struct model_host *host, const struct question *q, const struct wish *wish,
			  int node, unsigned cells)
{
	enum pci_numa_policy policy = q->guest.has_pci_policy ? q->guest.pci_policy : wish->policy;
	bool near = node >= 0 && cells >> node & 1, beside = node >= 0;

	if (q->guest.cell_count == 0 || near || policy == PCI_NUMA_PREFERRED)
		return true;
	if (policy != PCI_NUMA_SOCKET)
		return policy == PCI_NUMA_LEGACY && node < 0;
	for (int i = 0; i < CELLS; i++)
		beside = beside && host->sockets[i] >= 0;
	for (int i = 0; beside && i < CELLS; i++)
		near |= cells >> i & 1 && host->sockets[i] == host->sockets[node];
	return near;
}

static bool wish_fits(const struct wish *wish, const struct model_device *device)
{
	if (!device->offered || !device->reported || strcmp(device->type, wish->type) != 0)
		return false;
	return wish->physnet ? device->physnet && strcmp(device->physnet, wish->physnet) == 0
			     : strcmp(device->ids, wish->ids) == 0;
}

/* What comes into whose hands if this device does: mates too, but not a PF's own VFs. */
static bool goes_with(const struct model_host *host, int index, int other)
{
	const struct model_device *a = &host->devices[index], *b = &host->devices[other];

	return index == other ||
	       (host->grant_mates && a->group == b->group && b->offered && b->reported && b->parent != index);
}

/* Nobody has it, nor what cannot be had beside it. */
static bool can_have(const struct model_host *host, int index, int server)
{
	for (int i = 0; i < host->count; i++) {
		const struct model_device *other = &host->devices[i];

		if (other->owner < 0)
			continue;
		if (i == index ? other->owner != server
			       : other->parent == index || host->devices[index].parent == i)
			return false;
	}
	return true;
}

static bool device_free(const struct model_host *host, int index, int server)
{
	const struct model_device *device = &host->devices[index];

	if (device->owner >= 0 || !device->healthy)
		return false;
	for (int i = 0; i < host->count; i++) {
		const struct model_device *other = &host->devices[i];

		if (goes_with(host, index, i) && !can_have(host, i, server))
			return false;
		if (other->group == device->group && other->owner >= 0 && other->owner != server)
			return false;
	}
	return true;
}

/* Groups of VFs and something else are not given away together. */
static bool is_odd(const struct model_host *host, int index)
{
	const struct model_device *device = &host->devices[index];

	for (int i = 0; host->grant_mates && i < host->count; i++) {
		const struct model_device *other = &host->devices[i];

		if (other->group == device->group && other->parent != device->parent &&
		    (other->reported || other->owner >= 0))
			return true;
	}
	return false;
}

/* `taken`: what chosen devices brought along; slots may have it still. */
static bool exhaustive(struct model_host *host, const struct question *q, unsigned cells, int slot,
		       unsigned chosen)
{
	if (slot == q->count)
		return true;
	for (int i = 0; i < host->count; i++) {
		struct model_host saved;
		bool mine = host->devices[i].owner == SERVERS && !(chosen >> i & 1);

		if (!wish_fits(q->slots[slot], &host->devices[i]) || is_odd(host, i) ||
		    !policy_allows(host, q, q->slots[slot], host->devices[i].node, cells) ||
		    !(mine ? host->devices[i].healthy : device_free(host, i, SERVERS)))
			continue;
		saved = *host;
		for (int k = 0; k < host->count; k++) {
			if (goes_with(host, i, k))
				host->devices[k].owner = SERVERS;
		}
		bool found = exhaustive(host, q, cells, slot + 1, chosen | 1u << i);
		*host = saved;
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

static bool model_fits(int host, const struct question *q)
{
	struct model_host copy = model.hosts[host];

	if (!copy.enabled || memory_used(host) + q->memory_mb > copy.memory_mb)
		return false;
	for (unsigned cells = 0; cells < 1u << CELLS; cells++) {
		if (__builtin_popcount(cells) == q->guest.cell_count && exhaustive(&copy, q, cells, 0, 0))
			return true;
	}
	return false;
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
					.group = host->count,
					.offered = offered,
					.healthy = true,
					.reported = true,
					.owner = -1};
	snprintf(device->address, sizeof device->address, "%s", address);
}

static void model_card(struct model_host *host, int card)
{
	const char *physnet = below(3) ? below(2) ? "a" : "b" : NULL;
	int pf = host->count, vfs = (int)below(5), node = (int)below(CELLS + 1) - 1;
	bool pf_offered = below(4), together = below(4) == 0;
	char address[32];

	snprintf(address, sizeof address, "0000:%d1:00.0", card + 2);
	model_device(host, address, "8086:10c9", "type-PF", pf_offered ? physnet : NULL, -1, pf_offered,
		     node);
	for (int vf = 0; vf < vfs; vf++) {
		snprintf(address, sizeof address, "0000:%d1:10.%d", card + 2, vf);
		model_device(host, address, "8086:10ca", "type-VF", physnet, pf, true, node);
		if (together && vf > 0)
			host->devices[host->count - 1].group = host->devices[host->count - 2].group;
	}
}

/* Two ports of a card, functions of a GPU, and now and then what nobody should build. */
static void model_groups(struct model_host *host)
{
	int last = -1;

	for (int i = 0; i < host->count; i++) {
		if (host->devices[i].parent >= 0)
			continue;
		if (last >= 0 && below(3) == 0)
			host->devices[i].group = host->devices[last].group;
		last = i;
	}
	if (host->count && below(8) == 0)
		host->devices[below((unsigned)host->count)].group =
			host->devices[below((unsigned)host->count)].group;
}

static void model_host_make(struct model_host *host, int index)
{
	static const int sockets[][CELLS] = {{0, 0, 1}, {0, 1, 1}, {-1, -1, -1}, {0, -1, 0}};
	char address[32];

	snprintf(host->name, sizeof host->name, "h%d", index);
	host->memory_mb = 400;
	host->enabled = true;
	host->grant_mates = below(2);
	memcpy(host->sockets, sockets[below(4)], sizeof host->sockets);
	for (int card = 0; card < 2; card++)
		model_card(host, card);
	for (int gpu = (int)below(4); gpu > 0; gpu--) {
		snprintf(address, sizeof address, "0000:6%d:00.0", gpu);
		model_device(host, address, "10de:1eb8", "type-PCI", NULL, -1, true,
			     (int)below(CELLS + 1) - 1);
	}
	model_groups(host);
}

static void devices_report(const struct model_host *host, struct site_host *report)
{
	for (int i = 0; i < host->count; i++) {
		const struct model_device *d = &host->devices[i];

		if (!d->reported)
			continue;
		_cleanup_free_ char *more =
			memory_printf("\"offered\":%s,\"health\":\"%s\",\"iommu_group\":%d",
				      d->offered ? "true" : "false", d->healthy ? "ok" : "ill", d->group);
		site_device(report, d->address, d->ids, d->type,
			    d->parent >= 0 ? host->devices[d->parent].address : NULL, d->physnet, d->node,
			    more);
	}
}

static void host_report(struct model_host *host)
{
	struct site_host report = {.name = host->name};
	char hash[16];

	devices_report(host, &report);
	_cleanup_free_ char *json = memory_printf(
		"{\"vcpus\":96,\"memory_mb\":%lld,\"disk_gb\":1000,\"iommu_group_mates\":\"%s\",\"cells\":["
		"{\"id\":0,\"socket\":%d,\"cpus\":\"0-31\",\"memory_mb\":1000},"
		"{\"id\":1,\"socket\":%d,\"cpus\":\"32-63\",\"memory_mb\":1000},"
		"{\"id\":2,\"socket\":%d,\"cpus\":\"64-95\",\"memory_mb\":1000}],\"devices\":[%s]}",
		(long long)host->memory_mb, host->grant_mates ? "grant" : "refuse", host->sockets[0],
		host->sockets[1], host->sockets[2], report.devices.data ? report.devices.data : "");
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

		switch (below(5)) {
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
		case 3:
			host->grant_mates = !host->grant_mates;
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

/* The cells (bits) that the server was placed on. */
static unsigned cells_of(const char *id)
{
	_cleanup_free_ char *json = NULL;
	yyjson_val *cell;
	unsigned cells = 0;
	size_t i, max;

	assert_true(scheduler_numa_of_server(db, id, &json, &err));
	yyjson_doc *doc = json ? yyjson_read(json, strlen(json), 0) : NULL;
	yyjson_arr_foreach (yyjson_obj_get(yyjson_doc_get_root(doc), "cells"), i, max, cell)
		cells |= 1u << yyjson_get_int(yyjson_obj_get(cell, "node"));
	yyjson_doc_free(doc);
	return cells;
}

static void granted(int server, const char *id, const struct question *q)
{
	int at = host_index(grant.host_name);
	struct model_host *host = &model.hosts[at];
	unsigned cells = cells_of(id), chosen = 0;

	assert_true(host->enabled);
	assert_int_equal(grant.device_count, q->count);
	assert_int_equal(__builtin_popcount(cells), q->guest.cell_count);
	assert_true(memory_used(at) + q->memory_mb <= host->memory_mb);
	for (int i = 0; i < q->count; i++) {
		int index = device_index(host, grant.devices[i].address);
		struct model_device *device = &host->devices[index];

		assert_false(chosen >> index & 1);
		assert_true(wish_fits(q->slots[i], device) && device->healthy);
		assert_true(policy_allows(host, q, q->slots[i], device->node, cells));
		assert_true(device->owner == server || device_free(host, index, server));
		for (int k = 0; k < host->count; k++) {
			if (goes_with(host, index, k))
				host->devices[k].owner = server;
		}
		chosen |= 1u << index;
	}
	model.servers[server] = (struct model_server){.host = at, .memory_mb = q->memory_mb};
}

static int lines(const char *text)
{
	int count = 0;

	for (; text && *text; text++)
		count += *text == '\n';
	return count;
}

static void guest_make(struct numa_guest *guest)
{
	*guest = (struct numa_guest){.cell_count = (int)below(3)};
	guest->vcpus = guest->cell_count;
	for (int i = 0; i < guest->cell_count; i++) {
		cpu_set_add(&guest->cells[i].vcpus, i);
		guest->cells[i].memory_mb = 1;
	}
	guest->has_pci_policy = below(3) == 0;
	guest->pci_policy = (enum pci_numa_policy)below(PCI_NUMA_POLICY_COUNT);
}

/* Ports first, then the aliases in one specification. */
static void question_make(struct question *q, struct scheduler_request *request,
			  struct scheduler_port_request *ports, struct text *aliases)
{
	int picks = (int)below(4);
	const struct wish *picked[4];

	q->memory_mb = 20 + 10 * below(6);
	q->count = 0;
	guest_make(&q->guest);
	for (int i = 0; i < picks; i++)
		picked[i] = &wishes[below(ELEMENTS_OF(wishes))];
	for (int i = 0; i < picks; i++) {
		if (!picked[i]->physnet)
			continue;
		struct scheduler_port_request *port = &ports[request->port_count++];
		snprintf(port->vnic_type, sizeof port->vnic_type, "%.*s", (int)strcspn(picked[i]->text, "="),
			 picked[i]->text);
		snprintf(port->physical_network, sizeof port->physical_network, "%s", picked[i]->physnet);
		snprintf(port->port_id, sizeof port->port_id, "p%d", i);
		q->slots[q->count++] = picked[i];
	}
	for (int i = 0; i < picks; i++) {
		if (picked[i]->physnet || q->count + picked[i]->count > SLOTS)
			continue;
		text_addf(aliases, "%s%s", aliases->length ? "," : "", strchr(picked[i]->text, '=') + 1);
		for (int k = 0; k < picked[i]->count; k++)
			q->slots[q->count++] = picked[i];
	}
	request->ports = ports;
	request->alias_spec = aliases->data;
	request->memory_mb = q->memory_mb;
	request->numa = &q->guest;
}

/* For who has to find out why a run failed. */
static void model_print(const struct question *q)
{
	for (int h = 0; h < HOSTS; h++) {
		const struct model_host *host = &model.hosts[h];

		print_message("%s: %s, grants mates: %d, sockets %d %d %d\n", host->name,
			      host->enabled ? "enabled" : "disabled", host->grant_mates, host->sockets[0],
			      host->sockets[1], host->sockets[2]);
		for (int i = 0; i < host->count; i++) {
			const struct model_device *d = &host->devices[i];

			print_message("  %2d %s %s %s, parent %d, node %d, group %d, %s%s%s, owner %d\n", i,
				      d->address, d->type, d->physnet ? d->physnet : "-", d->parent, d->node,
				      d->group, d->offered ? "offered" : "not offered",
				      d->healthy ? "" : ", ill", d->reported ? "" : ", not reported",
				      d->owner);
		}
	}
	print_message("wanted, on %d cells, policy %d:", q->guest.cell_count,
		      q->guest.has_pci_policy ? (int)q->guest.pci_policy : -1);
	for (int i = 0; i < q->count; i++)
		print_message(" %s", q->slots[i]->text);
	print_message("\n");
}

static long claims, refusals_seen;

static void server_claim(int server)
{
	static struct question q;
	struct scheduler_port_request ports[4] = {0};
	_cleanup_(text_done) struct text aliases = {0}, why = {0};
	char id[16];
	struct scheduler_request request = {.server_id = id};
	bool possible = false;

	snprintf(id, sizeof id, "s%d", server);
	question_make(&q, &request, ports, &aliases);
	for (int i = 0; i < HOSTS && !possible; i++)
		possible = model_fits(i, &q);
	bool ok = scheduler_claim(db, &request, &grant, &why, &err);
	if (ok != possible)
		model_print(&q);
	if (ok != possible)
		fail_msg("%s, but %s: %s%s", ok ? "granted" : "refused", possible ? "possible" : "impossible",
			 aliases.data ? aliases.data : "", why.data ? why.data : "");
	if (ok) {
		claims++;
		granted(server, id, &q);
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

static int owned(void)
{
	int count = 0;

	for (int h = 0; h < HOSTS; h++) {
		for (int i = 0; i < model.hosts[h].count; i++)
			count += model.hosts[h].devices[i].owner >= 0;
	}
	return count;
}

/* The store by itself, whatever the fleet thinks. */
static void check_store(void)
{
	assert_int_equal(site_count("SELECT count(*) FROM device_claim"), owned());
	assert_int_equal(site_count(
				 "SELECT count(*) FROM device_claim c JOIN device d USING (host_id, address) "
				 "JOIN device e ON e.host_id = d.host_id AND e.iommu_group = d.iommu_group "
				 "JOIN device_claim f ON f.host_id = e.host_id AND f.address = e.address "
				 "WHERE f.server_id <> c.server_id"),
			 0);
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
	const char *given = getenv("PENSTOCK_TEST_SEED"), *cases = getenv("PENSTOCK_TEST_CASES");
	long wanted = cases ? strtol(cases, NULL, 10) : 3000;
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)getpid();

	(void)state;
	print_message("PENSTOCK_TEST_SEED=%u\n", seed);
	srand(seed);
	while (claims + refusals_seen < wanted) {
		site_open(CONF);
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
	print_message("%ld servers asked for, %ld granted\n", claims + refusals_seen, claims);
	/* neither answer is rare */
	assert_true(claims > wanted / 10 && refusals_seen > wanted / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
