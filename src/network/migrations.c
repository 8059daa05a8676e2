/* The tables of network. */
#include "network/network.h"

const struct store_migration network_migrations[] = {
	{"CREATE TABLE network (id TEXT PRIMARY KEY, project_id TEXT NOT NULL, name TEXT NOT NULL,"
	 " description TEXT NOT NULL, admin_state_up INTEGER NOT NULL, shared INTEGER NOT NULL,"
	 " external INTEGER NOT NULL, port_security INTEGER NOT NULL, mtu INTEGER NOT NULL, type TEXT NOT "
	 "NULL,"
	 " physical_network TEXT, segmentation_id INTEGER, revision INTEGER NOT NULL, created_at INTEGER NOT "
	 "NULL,"
	 " updated_at INTEGER NOT NULL) STRICT;"
	 "CREATE INDEX network_name ON network (name);"
	 /* an id is taken once on its physical network; '' stands for none (vxlan) */
	 "CREATE UNIQUE INDEX network_segment ON network (type, ifnull(physical_network, ''), "
	 "ifnull(segmentation_id, 0))"
	 " WHERE type <> 'local';"
	 "CREATE TABLE subnet (id TEXT PRIMARY KEY, network_id TEXT NOT NULL REFERENCES network (id),"
	 " project_id TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL, ip_version INTEGER NOT "
	 "NULL,"
	 " cidr TEXT NOT NULL, gateway_ip TEXT, enable_dhcp INTEGER NOT NULL, pools TEXT NOT NULL,"
	 " dns_nameservers TEXT NOT NULL, host_routes TEXT NOT NULL, revision INTEGER NOT NULL,"
	 " created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL) STRICT;"
	 "CREATE INDEX subnet_network ON subnet (network_id);"
	 "CREATE TABLE port (id TEXT PRIMARY KEY, network_id TEXT NOT NULL REFERENCES network (id),"
	 " project_id TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL, mac_address TEXT NOT "
	 "NULL,"
	 " admin_state_up INTEGER NOT NULL, port_security INTEGER NOT NULL, status TEXT NOT NULL,"
	 " device_id TEXT NOT NULL, device_owner TEXT NOT NULL, device_index INTEGER NOT NULL DEFAULT 0,"
	 " by_compute INTEGER NOT NULL DEFAULT 0, vnic_type TEXT NOT NULL, profile TEXT NOT NULL, host_id "
	 "TEXT NOT NULL,"
	 " vif_type TEXT NOT NULL, vif_details TEXT NOT NULL, pairs TEXT NOT NULL, revision INTEGER NOT NULL,"
	 " created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, UNIQUE (network_id, mac_address)) "
	 "STRICT;"
	 "CREATE INDEX port_device ON port (device_id);"
	 "CREATE INDEX port_name ON port (name);"
	 "CREATE TABLE address (port_id TEXT NOT NULL REFERENCES port (id) ON DELETE CASCADE,"
	 " subnet_id TEXT NOT NULL REFERENCES subnet (id), ip_address TEXT NOT NULL, number INTEGER,"
	 " PRIMARY KEY (subnet_id, ip_address)) STRICT;"
	 "CREATE INDEX address_port ON address (port_id);"
	 "CREATE TABLE agent (id TEXT PRIMARY KEY, host TEXT NOT NULL UNIQUE, mappings TEXT NOT NULL,"
	 " devices INTEGER NOT NULL, admin_state_up INTEGER NOT NULL, created_at INTEGER NOT NULL,"
	 " heard_at INTEGER NOT NULL) STRICT;"
	 "CREATE TABLE security_group (id TEXT PRIMARY KEY, project_id TEXT NOT NULL, name TEXT NOT NULL,"
	 " description TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT;"
	 "CREATE UNIQUE INDEX security_group_default ON security_group (project_id) WHERE name = 'default';"},
	/* Free addresses as ranges: address_free.c.  Looks for a MAC and for a project's ports need not read
	   all ports. */
	{"CREATE TABLE address_free (subnet_id TEXT NOT NULL REFERENCES subnet (id) ON DELETE CASCADE,"
	 " first TEXT NOT NULL, last TEXT NOT NULL, PRIMARY KEY (subnet_id, first)) STRICT, WITHOUT ROWID;"
	 "ALTER TABLE subnet ADD COLUMN free_known INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE address DROP COLUMN number;"
	 "CREATE INDEX port_mac ON port (mac_address);"
	 "CREATE INDEX port_project ON port (project_id);"},
	/* numa_affinity_policy: NULL if the port says nothing */
	{"ALTER TABLE port ADD COLUMN numa_affinity_policy TEXT;"
	 "ALTER TABLE port ADD COLUMN uplink_status INTEGER NOT NULL DEFAULT 1;"},
};
const size_t network_migration_count = sizeof network_migrations / sizeof *network_migrations;
