/* A site for the scheduler's tests. */
#include "site.h"

#include "base/memory.h"
#include "sys/sys.h"

struct store *db;
int64_t site_now = INT64_C(1700000000000000);
struct error err;
struct scheduler_grant grant;
struct text refusals;

static int64_t now(void)
{
	return site_now;
}

int64_t site_clock_set;

static int64_t wall(void)
{
	return site_now + site_clock_set;
}

static void pseudo_random(void *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		((unsigned char *)bytes)[i] = (unsigned char)(rand() >> 7);
}

static const struct sys_time clock_standing = {.now = wall, .monotonic = now, .random = pseudo_random};

void site_open(const char *conf)
{
	struct config *config = config_new();

	sys_time = &clock_standing;
	db = store_open(":memory:", STORE_WRITER, &err);
	assert_non_null(db);
	assert_true(store_migrate(db, "scheduler", scheduler_migrations, scheduler_migration_count, &err));
	if (!config_read_text(config, "nova.conf", conf ? conf : SITE_CONF, &err) ||
	    !scheduler_configure(config, &err))
		fail_msg("%s", err.message);
	config_free(config);
	assert_true(scheduler_load(db, &err));
}

void site_close(void)
{
	store_close(db);
	text_done(&refusals);
}

void site_device(struct site_host *host, const char *address, const char *ids, const char *type,
		 const char *parent, const char *physnet, int node, const char *more)
{
	text_addf(&host->devices,
		  "%s{\"address\":\"%s\",\"vendor_id\":\"%.4s\",\"product_id\":\"%.4s\",\"type\":\"%s\"",
		  host->devices.length ? "," : "", address, ids, ids + 5, type);
	if (parent)
		text_addf(&host->devices, ",\"parent\":\"%s\"", parent);
	if (physnet)
		text_addf(&host->devices,
			  ",\"physical_network\":\"%s\",\"tags\":{\"physical_network\":\"%s\"}", physnet,
			  physnet);
	if (!more || !strstr(more, "offered"))
		text_add(&host->devices, ",\"offered\":true");
	text_addf(&host->devices, ",\"numa_node\":%d%s%s}", node, more ? "," : "", more ? more : "");
}

void site_card(struct site_host *host, const char *bus, int vfs, const char *physnet, int node)
{
	char pf[16], vf[16];

	snprintf(pf, sizeof pf, "%s:00.0", bus);
	site_device(host, pf, "8086:10c9", "type-PF", NULL, physnet, node,
		    "\"mac_address\":\"a0:36:9f:8f:3f:b8\"");
	for (int i = 0; i < vfs; i++) {
		snprintf(vf, sizeof vf, "%s:%02x.%d", bus, 0x10 + i / 8, i % 8);
		site_device(host, vf, "8086:10ca", "type-VF", pf, physnet, node, NULL);
	}
}

static bool report(struct site_host *host, char id[37])
{
	char hash[65];
	bool ok;

	snprintf(hash, sizeof hash, "hash of %s", host->name);
	_cleanup_free_ char *json = memory_printf(
		"{%s\"version\":1,\"availability_zone\":\"%s\",\"vcpus\":%lld,\"memory_mb\":%lld,"
		"\"disk_gb\":%lld,"
		"\"reserved_memory_mb\":%lld,\"devices\":[%s]}",
		host->more ? host->more : "", host->zone ? host->zone : "nova",
		(long long)(host->vcpus ? host->vcpus : 8),
		(long long)(host->memory_mb ? host->memory_mb : 8192),
		(long long)(host->disk_gb ? host->disk_gb : 100), (long long)host->reserved_memory_mb,
		host->devices.data ? host->devices.data : "");
	yyjson_doc *doc = yyjson_read(json, strlen(json), 0);

	ok = scheduler_host_join(db, host->name, hash, id, &err) &&
	     scheduler_host_report(db, id, yyjson_doc_get_root(doc), &err);
	yyjson_doc_free(doc);
	return ok;
}

const char *site_report(struct site_host *host)
{
	static char id[37];

	assert_true(store_transaction_begin(db, &err));
	bool ok = report(host, id);
	text_done(&host->devices);
	if (ok)
		assert_true(store_transaction_commit(db, &err));
	else
		store_transaction_undo(db);
	return ok ? id : NULL;
}

static void want_read(char *text, struct scheduler_request *request, struct scheduler_port_request *ports)
{
	char *item;

	while ((item = strsep(&text, " "))) {
		char *value = strchr(item, '=');

		if (!value)
			continue;
		*value++ = '\0';
		if (strcmp(item, "alias") == 0)
			request->alias_spec = value;
		else if (strcmp(item, "host") == 0)
			request->host = value;
		else if (strcmp(item, "isolate") == 0)
			request->isolate = true;
		else if (strcmp(item, "zone") == 0)
			request->availability_zone = value;
		else if (strcmp(item, "memory") == 0)
			request->memory_mb = atoi(value);
		else if (strcmp(item, "vcpus") == 0)
			request->vcpus = atoi(value);
		else if (strcmp(item, "disk") == 0)
			request->disk_gb = atoi(value);
		else {
			struct scheduler_port_request *port = &ports[request->port_count++];

			snprintf(port->port_id, sizeof port->port_id, "port-%zu", request->port_count - 1);
			snprintf(port->vnic_type, sizeof port->vnic_type, "%s", item);
			snprintf(port->physical_network, sizeof port->physical_network, "%s", value);
		}
	}
}

bool site_claim(const char *server, const char *want)
{
	struct scheduler_port_request ports[SCHEDULER_MAX_REQUESTS] = {0};
	struct scheduler_request request = {
		.server_id = server, .vcpus = 1, .memory_mb = 64, .disk_gb = 1, .ports = ports};
	_cleanup_free_ char *copy = memory_copy_text(want);

	want_read(copy, &request, ports);
	text_done(&refusals);
	refusals = (struct text){0};
	assert_true(store_transaction_begin(db, &err));
	bool ok = scheduler_claim(db, &request, &grant, &refusals, &err);
	struct error commit;
	assert_true(store_transaction_commit(db, &commit));
	return ok;
}

void site_release(const char *server)
{
	assert_true(store_transaction_begin(db, &err));
	assert_true(scheduler_release(db, server, &err));
	assert_true(store_transaction_commit(db, &err));
}

const char *site_granted(void)
{
	static char text[SCHEDULER_MAX_DEVICES * 13 + 1];

	text[0] = '\0';
	for (size_t i = 0; i < grant.device_count; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i ? " " : "",
			 grant.devices[i].address);
	return text;
}

int64_t site_count(const char *sql)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	assert_true(store_query(db, &rows, &err, sql));
	return store_next(&rows) ? store_int(&rows, 0) : -1;
}
