/* Decisions of the scheduler over a large fleet, on one core: how many in a second, how long each takes, and
 * what the fleet costs in memory.	schedule HOSTS [HOSTS...]
 *
 * Each host has two NUMA nodes with 32 CPUs each, 28 of them for dedicated use, and on each a PF with 64 VFs
 * and four GPUs.  Requests want 1 to 8 devices: VFs, GPUs or both, half of them beside dedicated CPUs, with
 * all policies.  The fleet is looked at empty, half full and 95 % full; a decision is all between a request
 * and its host with exact devices and CPUs. */
#include "base/memory.h"
#include "base/text.h"
#include "scheduler/place.h"
#include "scheduler/scheduler.h"
#include "scheduler/settings.h"
#include "sys/sys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PFS = 2, VFS = 64, GPUS = 8, DEVICES = PFS * (VFS + 1) + GPUS, SAMPLES = 4000 };

static struct store *db;
static struct error err;

static void die(const char *what)
{
	fprintf(stderr, "schedule: %s: %s\n", what, err.message);
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static long resident_kb(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long size = 0, pages = 0;

	if (!file || fscanf(file, "%ld %ld", &size, &pages) != 2)
		pages = 0;
	if (file)
		fclose(file);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* --- the fleet --- */

static void add_device(struct text *json, const char *address, const char *vendor, const char *product,
		       const char *type, const char *parent, int node)
{
	bool nic = strcmp(vendor, "8086") == 0;

	text_addf(json,
		  ",{\"address\":\"%s\",\"vendor_id\":\"%s\",\"product_id\":\"%s\",\"type\":\"%s\",\"numa_"
		  "node\":%d,"
		  "\"offered\":true,\"health\":\"ok\"",
		  address, vendor, product, type, node);
	if (*parent)
		text_addf(json, ",\"parent\":\"%s\"", parent);
	if (nic)
		text_add(json,
			 ",\"physical_network\":\"physnet\",\"tags\":{\"physical_network\":\"physnet\"}");
	text_add(json, "}");
}

static void add_devices(struct text *json)
{
	char address[32], parent[32];

	for (int pf = 0; pf < PFS; pf++) {
		snprintf(parent, sizeof parent, "0000:%02x:00.0", 0x10 + pf);
		add_device(json, parent, "8086", "10c9", "type-PF", "", pf);
		for (int vf = 0; vf < VFS; vf++) {
			snprintf(address, sizeof address, "0000:%02x:%02x.%d", 0x10 + pf, 0x10 + vf / 8,
				 vf % 8);
			add_device(json, address, "8086", "10ca", "type-VF", parent, pf);
		}
	}
	for (int gpu = 0; gpu < GPUS; gpu++) {
		snprintf(address, sizeof address, "0000:%02x:00.0", 0x80 + gpu);
		add_device(json, address, "10de", "20b0", "type-PCI", "", gpu / (GPUS / 2));
	}
}

static char *inventory(void)
{
	struct text devices = {0};
	char *json;

	add_devices(&devices);
	json = memory_printf("{\"version\":1,\"vcpus\":64,\"memory_mb\":524288,\"disk_gb\":10000,\"cells\":["
			     "{\"id\":0,\"socket\":0,\"cpus\":\"0-31\",\"shared\":\"0-3\",\"dedicated\":\"4-"
			     "31\",\"memory_mb\":262144},"
			     "{\"id\":1,\"socket\":1,\"cpus\":\"32-63\",\"shared\":\"32-35\",\"dedicated\":"
			     "\"36-63\",\"memory_mb\":262144}],"
			     "\"devices\":[%s]}",
			     devices.data + 1);
	text_done(&devices);
	return json;
}

static void host_report(const char *name)
{
	_cleanup_free_ char *text = inventory();
	yyjson_doc *doc = yyjson_read(text, strlen(text), 0);
	char id[37];

	if (!store_transaction_begin(db, &err) || !scheduler_host_join(db, name, "hash", id, &err) ||
	    !scheduler_host_report(db, id, yyjson_doc_get_root(doc), &err) ||
	    !store_transaction_commit(db, &err) || !fleet_refresh(db, &err))
		die(name);
	yyjson_doc_free(doc);
}

static void *copy_of(const void *bytes, size_t size)
{
	return memcpy(memory_alloc(size + 1), bytes, size);
}

/* The rows of a large fleet would be most of the memory: its hosts are made like the first, without rows. */
static void host_copy(int number)
{
	char id[37];

	snprintf(id, sizeof id, "%08x-0000-4000-8000-000000000000", (unsigned)number);
	struct fleet_host *host = fleet_host(id);
	const struct fleet_host *first = &fleet.hosts[0];
	struct heartbeat *heartbeat = host->heartbeat;

	*host = *first;
	host->heartbeat = heartbeat;
	memcpy(host->id, id, sizeof host->id);
	host->name = memory_printf("host%d", number);
	host->availability_zone = memory_copy_text(first->availability_zone);
	host->disabled_reason = memory_copy_text(first->disabled_reason);
	host->devices = copy_of(first->devices, first->device_count * sizeof *first->devices);
	host->pools = NULL;
	host->pool_count = 0;
	host->numa.cells =
		copy_of(first->numa.cells, (size_t)first->numa.cell_count * sizeof *first->numa.cells);
	for (int i = 0; i < host->numa.cell_count; i++)
		host->numa.cells[i].cores =
			copy_of(first->numa.cells[i].cores,
				(size_t)first->numa.cells[i].core_count * sizeof *first->numa.cells[i].cores);
	fleet_count_pools(host);
}

/* None of them is down, however long this takes. */
static void fleet_make(int hosts)
{
	host_report("host0");
	for (int i = 1; i < hosts; i++)
		host_copy(i);
	fleet.any_stale = false;
	for (int i = 0; i < hosts; i++)
		fleet.hosts[i].heartbeat->heard_at = sys_now() + 3600 * INT64_C(1000000);
}

/* VFs, GPUs and dedicated CPUs are taken at random until this share of them is gone. */
static void fleet_fill(double share)
{
	for (size_t i = 0; i < fleet.count; i++) {
		struct fleet_host *host = &fleet.hosts[i];

		for (uint32_t k = 0; k < host->device_count; k++) {
			bool pf = fleet.kinds[host->devices[k].kind].type == PCI_TYPE_PF;

			fleet_device_set_claimed(host, &host->devices[k], !pf && rand() < share * RAND_MAX);
		}
		for (int c = 0; c < host->numa.cell_count; c++) {
			struct numa_cell *cell = &host->numa.cells[c];

			cell->pinned = (struct cpu_set){0};
			for (int cpu = cpu_set_next(&cell->dedicated, 0); cpu >= 0;
			     cpu = cpu_set_next(&cell->dedicated, cpu + 1)) {
				if (rand() < share * RAND_MAX)
					cpu_set_add(&cell->pinned, cpu);
			}
		}
		fleet_count_pools(host);
	}
}

/* --- requests --- */

struct wish {
	struct scheduler_port_request ports[8];
	char alias[32];
	struct numa_guest numa;
	struct scheduler_request request;
};

static const char *lookup(const void *context, const char *key)
{
	static const char *const policies[] = {"required", "preferred", "legacy", "socket"};

	if (strcmp(key, "hw:cpu_policy") == 0)
		return "dedicated";
	return strcmp(key, "hw:pci_numa_affinity_policy") == 0 ? policies[*(const int *)context] : NULL;
}

static void wish_make(struct wish *wish)
{
	int devices = 1 + rand() % 8, gpus = rand() % 3 == 0 ? 1 + rand() % 4 : 0, policy = rand() % 4;

	*wish = (struct wish){.request = {.server_id = "", .vcpus = 2, .memory_mb = 2048, .disk_gb = 10}};
	gpus = gpus > devices ? devices : gpus;
	for (int i = 0; i < devices - gpus; i++) {
		struct scheduler_port_request *port = &wish->ports[wish->request.port_count++];

		snprintf(port->port_id, sizeof port->port_id, "port%d", i);
		strcpy(port->vnic_type, "direct");
		strcpy(port->physical_network, "physnet");
	}
	wish->request.ports = wish->ports;
	snprintf(wish->alias, sizeof wish->alias, "gpu:%d", gpus);
	wish->request.alias_spec = gpus ? wish->alias : NULL;
	if (rand() % 2) {
		struct numa_wish numa = {.flavor = lookup,
					 .flavor_context = &policy,
					 .vcpus = 2,
					 .memory_mb = 2048};

		if (!numa_guest_parse(&numa, &wish->numa, &err))
			die("guest");
		wish->request.numa = &wish->numa;
	}
}

static double decide(const struct wish *wish, bool *found)
{
	struct place place;
	struct place_choice choice;
	double began = now(), took;

	if (!place_begin(&place, &wish->request, &err))
		die("request");
	place_choose(&place, &choice);
	took = now() - began;
	*found = choice.host;
	place_choice_done(&choice);
	place_done(&place);
	return took;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(double share)
{
	static double times[SAMPLES];
	struct wish *wish = memory_alloc(sizeof *wish);
	double sum = 0;
	int found = 0, samples = SAMPLES;

	fleet_fill(share);
	for (int i = 0; i < samples; i++) {
		bool fits;

		wish_make(wish);
		times[i] = decide(wish, &fits);
		sum += times[i];
		found += fits;
	}
	qsort(times, (size_t)samples, sizeof *times, compare);
	printf("%8zu %5.0f %% %12.0f %10.1f %10.1f %8.0f %%\n", fleet.count, share * 100, samples / sum,
	       times[samples / 2] * 1e6, times[samples * 99 / 100] * 1e6, 100.0 * found / samples);
	fflush(stdout);
	free(wish);
}

static void configure(void)
{
	struct config *config = config_new();

	if (!config_read_text(
		    config, "bench",
		    "[pci]\nalias = {\"vendor_id\": \"10de\", \"product_id\": \"20b0\", \"name\": \"gpu\"}\n",
		    &err) ||
	    !scheduler_configure(config, &err))
		die("configuration");
	config_free(config);
}

static void run(int hosts)
{
	db = store_open(":memory:", STORE_WRITER, &err);
	if (!db || !store_migrate(db, "scheduler", scheduler_migrations, scheduler_migration_count, &err) ||
	    !scheduler_load(db, &err))
		die("store");
	fleet_make(hosts);
	measure(0);
	measure(0.5);
	measure(0.95);
}

/* What the fleet itself takes: nearly all that there is. */
static void memory(void)
{
	printf("fleet: %zu bytes for each of %zu devices (struct %zu, host %zu, NUMA cell %zu); process %ld "
	       "MB\n",
	       (fleet.count * (sizeof(struct fleet_host) + 2 * sizeof(struct numa_cell) +
			       64 * sizeof(struct numa_core)) +
		fleet.count * DEVICES * sizeof(struct fleet_device)) /
		       (fleet.count * DEVICES),
	       fleet.count * DEVICES, sizeof(struct fleet_device), sizeof(struct fleet_host),
	       sizeof(struct numa_cell), resident_kb() / 1024);
}

int main(int argc, char **argv)
{
	srand(1);
	configure();
	printf("%8s %7s %12s %10s %10s %10s\n", "hosts", "full", "decisions/s", "p50 us", "p99 us", "placed");
	for (int i = 1; i < argc; i++) {
		run(atoi(argv[i]));
		memory();
		store_close(db);
	}
	return 0;
}
