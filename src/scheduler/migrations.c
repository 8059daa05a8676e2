/* The tables of the scheduler. */
#include "scheduler/scheduler.h"

const struct store_migration scheduler_migrations[] = {
	{"CREATE TABLE host (id TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE,"
	 " credential_hash TEXT NOT NULL UNIQUE, availability_zone TEXT NOT NULL, enabled INTEGER NOT NULL,"
	 " disabled_reason TEXT NOT NULL, created_at INTEGER NOT NULL, vcpus INTEGER NOT NULL,"
	 " memory_mb INTEGER NOT NULL, reserved_memory_mb INTEGER NOT NULL, disk_gb INTEGER NOT NULL,"
	 " hypervisor_type TEXT NOT NULL, hypervisor_version INTEGER NOT NULL, cpu_info TEXT NOT NULL,"
	 " cells TEXT NOT NULL) STRICT;"
	 /* what moves often, apart from what is long; used: sums of the host's claims */
	 "CREATE TABLE host_state (host_id TEXT PRIMARY KEY REFERENCES host (id), heard_at INTEGER NOT NULL,"
	 " revision INTEGER NOT NULL, vcpus_used INTEGER NOT NULL, memory_mb_used INTEGER NOT NULL,"
	 " disk_gb_used INTEGER NOT NULL, servers INTEGER NOT NULL) STRICT;"
	 /* report: the device as the host told it last, a JSON object.  While a server has the device the
	  * other columns keep what they were: state is then stale (they differ) or missing (the host told of
	  * it no more). */
	 "CREATE TABLE device (host_id TEXT NOT NULL REFERENCES host (id), address TEXT NOT NULL,"
	 " vendor_id TEXT NOT NULL, product_id TEXT NOT NULL, type TEXT NOT NULL, parent TEXT, numa_node "
	 "INTEGER,"
	 " mac_address TEXT, physical_network TEXT, tags TEXT NOT NULL, offered INTEGER NOT NULL,"
	 " health TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('present', 'stale', 'missing')),"
	 " report TEXT NOT NULL, PRIMARY KEY (host_id, address)) STRICT;"
	 "CREATE TABLE claim (server_id TEXT PRIMARY KEY, host_id TEXT NOT NULL REFERENCES host (id),"
	 " vcpus INTEGER NOT NULL, memory_mb INTEGER NOT NULL, disk_gb INTEGER NOT NULL) STRICT;"
	 "CREATE INDEX claim_host ON claim (host_id);"
	 /* the primary key makes a second grant of a device impossible */
	 "CREATE TABLE device_claim (host_id TEXT NOT NULL, address TEXT NOT NULL,"
	 " server_id TEXT NOT NULL REFERENCES claim (server_id), position INTEGER NOT NULL,"
	 " port_id TEXT NOT NULL, alias TEXT NOT NULL, PRIMARY KEY (host_id, address),"
	 " FOREIGN KEY (host_id, address) REFERENCES device (host_id, address)) STRICT;"
	 "CREATE INDEX device_claim_server ON device_claim (server_id);"},
	/* where the operator's aggregates put the host; NULL: where its agent says */
	{"ALTER TABLE host ADD COLUMN aggregate_zone TEXT;"},
	/* numa: the place on cells and CPUs (JSON); the primary key makes a second grant of a CPU impossible
	 */
	{"ALTER TABLE claim ADD COLUMN numa TEXT;"
	 "CREATE TABLE cpu_claim (host_id TEXT NOT NULL REFERENCES host (id), cpu INTEGER NOT NULL,"
	 " server_id TEXT NOT NULL REFERENCES claim (server_id), PRIMARY KEY (host_id, cpu)) STRICT;"
	 "CREATE INDEX cpu_claim_server ON cpu_claim (server_id);"},
	/* what the IOMMU cannot tell apart; grant_mates: the host gives a group's devices away together */
	{"ALTER TABLE host ADD COLUMN grant_mates INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE device ADD COLUMN iommu_group INTEGER;"
	 "UPDATE device SET iommu_group = json_extract(report, '$.iommu_group');"},
	/* in_placement: [pci] report_in_placement; device_spent: devices with one_time_use that a server has
	 * or had */
	{"ALTER TABLE host ADD COLUMN in_placement INTEGER NOT NULL DEFAULT 0;"
	 "CREATE TABLE device_spent (host_id TEXT NOT NULL REFERENCES host (id), address TEXT NOT NULL,"
	 " PRIMARY KEY (host_id, address)) STRICT, WITHOUT ROWID;"},
	/* the operator says that it is down: its silence need not be waited for */
	{"ALTER TABLE host ADD COLUMN forced_down INTEGER NOT NULL DEFAULT 0;"},
	/* how guests that run come to the host (JSON); NULL: they cannot */
	{"ALTER TABLE host ADD COLUMN migration TEXT;"},
};
const size_t scheduler_migration_count = sizeof scheduler_migrations / sizeof *scheduler_migrations;
