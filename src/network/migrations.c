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
	/* Networks of several segments.  The one that a network had gets the network's id. */
	{"CREATE TABLE segment (id TEXT PRIMARY KEY,"
	 " network_id TEXT NOT NULL REFERENCES network (id) ON DELETE CASCADE, position INTEGER NOT NULL,"
	 " name TEXT, description TEXT, type TEXT NOT NULL, physical_network TEXT, segmentation_id INTEGER,"
	 " revision INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL) STRICT;"
	 "INSERT INTO segment SELECT id, id, 0, NULL, NULL, type, physical_network, segmentation_id, 0,"
	 " created_at, created_at FROM network;"
	 "DROP INDEX network_segment;"
	 "ALTER TABLE network DROP COLUMN type;"
	 "ALTER TABLE network DROP COLUMN physical_network;"
	 "ALTER TABLE network DROP COLUMN segmentation_id;"
	 /* an id is taken once on its physical network; '' stands for none (vxlan) */
	 "CREATE UNIQUE INDEX segment_taken ON segment (type, ifnull(physical_network, ''),"
	 " ifnull(segmentation_id, 0)) WHERE type <> 'local';"
	 "CREATE UNIQUE INDEX segment_network ON segment (network_id, position);"
	 "ALTER TABLE subnet ADD COLUMN segment_id TEXT REFERENCES segment (id);"
	 "CREATE INDEX subnet_segment ON subnet (segment_id) WHERE segment_id IS NOT NULL;"
	 /* what the port is bound on, NULL if it is not */
	 "ALTER TABLE port ADD COLUMN segment_id TEXT;"
	 "UPDATE port SET segment_id = network_id WHERE vif_type NOT IN ('unbound', 'binding_failed');"
	 /* inactive ones; the active one is in the port's row */
	 "CREATE TABLE port_binding (port_id TEXT NOT NULL REFERENCES port (id) ON DELETE CASCADE,"
	 " host TEXT NOT NULL, vnic_type TEXT NOT NULL, profile TEXT NOT NULL, vif_type TEXT NOT NULL,"
	 " vif_details TEXT NOT NULL, segment_id TEXT, PRIMARY KEY (port_id, host)) STRICT;"},
	/* QoS; direction is '' where a rule has none, burst 0 */
	{"CREATE TABLE qos_policy (id TEXT PRIMARY KEY, project_id TEXT NOT NULL, name TEXT NOT NULL,"
	 " description TEXT NOT NULL, shared INTEGER NOT NULL, is_default INTEGER NOT NULL,"
	 " revision INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL) STRICT;"
	 "CREATE UNIQUE INDEX qos_policy_default ON qos_policy (project_id) WHERE is_default = 1;"
	 "CREATE TABLE qos_rule (id TEXT PRIMARY KEY,"
	 " policy_id TEXT NOT NULL REFERENCES qos_policy (id) ON DELETE CASCADE, type TEXT NOT NULL,"
	 " direction TEXT NOT NULL, value INTEGER NOT NULL, burst INTEGER NOT NULL,"
	 " created_at INTEGER NOT NULL, UNIQUE (policy_id, type, direction)) STRICT;"
	 "ALTER TABLE network ADD COLUMN qos_policy_id TEXT REFERENCES qos_policy (id);"
	 "ALTER TABLE port ADD COLUMN qos_policy_id TEXT REFERENCES qos_policy (id);"
	 "CREATE INDEX network_qos ON network (qos_policy_id) WHERE qos_policy_id IS NOT NULL;"
	 "CREATE INDEX port_qos ON port (qos_policy_id) WHERE qos_policy_id IS NOT NULL;"
	 /* resource_provider_*, as the host's agent told them */
	 "ALTER TABLE agent ADD COLUMN resources TEXT NOT NULL DEFAULT '{}';"},
	/* the server that has the port while it is on no host (shelved) */
	{"ALTER TABLE port ADD COLUMN kept_for TEXT;"},
	/* Tags, DHCP options (JSON lists), and limits that are not the configuration's. */
	{"ALTER TABLE network ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';"
	 "ALTER TABLE subnet ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';"
	 "ALTER TABLE port ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';"
	 "ALTER TABLE qos_policy ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';"
	 "ALTER TABLE port ADD COLUMN dhcp_options TEXT NOT NULL DEFAULT '[]';"
	 "CREATE TABLE quota (project_id TEXT NOT NULL, resource TEXT NOT NULL, quota_limit INTEGER NOT NULL,"
	 " PRIMARY KEY (project_id, resource)) STRICT, WITHOUT ROWID;"},
	/* Security groups with rules.  own_groups: the port has those of port_group, else its project's
	   default. */
	{"ALTER TABLE security_group ADD COLUMN stateful INTEGER NOT NULL DEFAULT 1;"
	 "ALTER TABLE security_group ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;"
	 "ALTER TABLE security_group ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE security_group ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';"
	 "UPDATE security_group SET updated_at = created_at;"
	 "CREATE TABLE security_group_rule (id TEXT PRIMARY KEY,"
	 " group_id TEXT NOT NULL REFERENCES security_group (id) ON DELETE CASCADE, direction TEXT NOT NULL,"
	 " ethertype TEXT NOT NULL, protocol TEXT, port_min INTEGER, port_max INTEGER, remote_ip TEXT,"
	 " remote_group_id TEXT REFERENCES security_group (id) ON DELETE CASCADE, description TEXT,"
	 " created_at INTEGER NOT NULL) STRICT;"
	 "CREATE INDEX security_group_rule_group ON security_group_rule (group_id);"
	 "CREATE INDEX security_group_rule_remote ON security_group_rule (remote_group_id)"
	 " WHERE remote_group_id IS NOT NULL;"
	 "CREATE TABLE port_group (port_id TEXT NOT NULL REFERENCES port (id) ON DELETE CASCADE,"
	 " group_id TEXT NOT NULL REFERENCES security_group (id), PRIMARY KEY (port_id, group_id))"
	 " STRICT, WITHOUT ROWID;"
	 "CREATE INDEX port_group_group ON port_group (group_id);"
	 "ALTER TABLE port ADD COLUMN own_groups INTEGER NOT NULL DEFAULT 0;"},
	/* 802.1ad; when the host's agent began */
	{"ALTER TABLE network ADD COLUMN qinq INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE agent ADD COLUMN started_at INTEGER NOT NULL DEFAULT 0;"
	 "UPDATE agent SET started_at = created_at;"},
};
const size_t network_migration_count = sizeof network_migrations / sizeof *network_migrations;
