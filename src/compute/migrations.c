/* The tables of the compute room.  JSON columns hold what is only ever shown or handed on whole. */
#include "base/memory.h"
#include "compute/compute.h"

const struct store_migration compute_migrations[] = {
	{
		"CREATE TABLE flavor ("
		" id TEXT PRIMARY KEY,"
		" number INTEGER NOT NULL UNIQUE,"
		" name TEXT NOT NULL UNIQUE,"
		" description TEXT,"
		" vcpus INTEGER NOT NULL CHECK (vcpus > 0),"
		" memory_mb INTEGER NOT NULL CHECK (memory_mb > 0),"
		" disk_gb INTEGER NOT NULL CHECK (disk_gb >= 0),"
		" ephemeral_gb INTEGER NOT NULL,"
		" swap_mb INTEGER NOT NULL,"
		" rxtx_factor TEXT NOT NULL," /* a JSON number */
		" public INTEGER NOT NULL,"
		" extra_specs TEXT NOT NULL DEFAULT '{}'" /* JSON: text to text */
		") STRICT;"

		"CREATE TABLE flavor_access ("
		" flavor_id TEXT NOT NULL REFERENCES flavor (id) ON DELETE CASCADE,"
		" project_id TEXT NOT NULL,"
		" PRIMARY KEY (flavor_id, project_id)"
		") STRICT;"

		"CREATE TABLE keypair ("
		" number INTEGER PRIMARY KEY,"
		" user_id TEXT NOT NULL,"
		" name TEXT NOT NULL,"
		" public_key TEXT NOT NULL,"
		" fingerprint TEXT NOT NULL,"
		" created_at INTEGER NOT NULL,"
		" UNIQUE (user_id, name)"
		") STRICT;"

		"CREATE TABLE server ("
		" number INTEGER PRIMARY KEY AUTOINCREMENT," /* instance-%08x */
		" id TEXT NOT NULL UNIQUE,"
		" project_id TEXT NOT NULL,"
		" user_id TEXT NOT NULL,"
		" name TEXT NOT NULL,"
		" hostname TEXT NOT NULL,"
		" description TEXT,"
		" state TEXT NOT NULL," /* server_state.h */
		" want TEXT NOT NULL,"
		" generation INTEGER NOT NULL,"
		" revision INTEGER NOT NULL," /* the host's, when what is wanted last changed */
		" host_id TEXT,"
		" host_name TEXT,"
		" host_hash TEXT NOT NULL," /* hostId: SHA-224 of project and host */
		" availability_zone TEXT NOT NULL,"
		" flavor_id TEXT NOT NULL," /* as it was: the flavor may be gone */
		" flavor TEXT NOT NULL,"    /* JSON, as shown since 2.47 */
		" vcpus INTEGER NOT NULL,"
		" memory_mb INTEGER NOT NULL,"
		" disk_gb INTEGER NOT NULL,"
		" image_id TEXT NOT NULL,"
		" image TEXT NOT NULL," /* JSON, as the agent gets it */
		" kernel TEXT,"
		" ramdisk TEXT,"
		" key_name TEXT,"
		" key_data TEXT,"
		" user_data TEXT," /* base64 */
		" config_drive INTEGER NOT NULL,"
		" admin_pass TEXT,"	   /* until the server runs: the host writes it to the config drive */
		" metadata TEXT NOT NULL," /* JSON */
		" tags TEXT NOT NULL,"	   /* JSON */
		" security_groups TEXT NOT NULL," /* JSON */
		" disk_config TEXT NOT NULL,"
		" reservation_id TEXT NOT NULL,"
		" launch_index INTEGER NOT NULL,"
		" access_ipv4 TEXT NOT NULL DEFAULT '',"
		" access_ipv6 TEXT NOT NULL DEFAULT '',"
		" locked INTEGER NOT NULL DEFAULT 0,"
		" locked_reason TEXT,"
		" fault_code INTEGER NOT NULL DEFAULT 0," /* 0: none */
		" fault_message TEXT,"
		" fault_details TEXT,"
		" fault_at INTEGER NOT NULL DEFAULT 0,"
		" created_at INTEGER NOT NULL,"
		" updated_at INTEGER NOT NULL,"
		" launched_at INTEGER NOT NULL DEFAULT 0"
		") STRICT;"
		"CREATE INDEX server_project ON server (project_id, number);"
		"CREATE INDEX server_host ON server (host_id, revision);"
		"CREATE INDEX server_building ON server (created_at) WHERE state = 'spawning';"

		/* What a project uses, kept beside the servers so that a quota check does not count them. */
		"CREATE TABLE project_usage ("
		" project_id TEXT PRIMARY KEY,"
		" instances INTEGER NOT NULL,"
		" cores INTEGER NOT NULL,"
		" memory_mb INTEGER NOT NULL"
		") STRICT;"

		"CREATE TABLE server_action ("
		" number INTEGER PRIMARY KEY,"
		" server_id TEXT NOT NULL REFERENCES server (id) ON DELETE CASCADE,"
		" action TEXT NOT NULL,"
		" request_id TEXT NOT NULL,"
		" user_id TEXT NOT NULL,"
		" project_id TEXT NOT NULL,"
		" started_at INTEGER NOT NULL,"
		" finished_at INTEGER NOT NULL DEFAULT 0," /* 0: under way */
		" failed INTEGER NOT NULL DEFAULT 0"
		") STRICT;"
		"CREATE INDEX server_action_server ON server_action (server_id, number);"

		"CREATE TABLE agent_token ("
		" hash TEXT PRIMARY KEY," /* SHA-256, hex: the token itself is kept nowhere */
		" expires_at INTEGER NOT NULL"
		") STRICT;",
	},
	{
		"CREATE TABLE server_group ("
		" id TEXT PRIMARY KEY,"
		" project_id TEXT NOT NULL,"
		" user_id TEXT NOT NULL,"
		" name TEXT NOT NULL,"
		" policy TEXT NOT NULL,"
		" max_server_per_host INTEGER," /* of anti-affinity; NULL: 1 */
		" created_at INTEGER NOT NULL"
		") STRICT;"
		"CREATE INDEX server_group_project ON server_group (project_id);"
		"ALTER TABLE server ADD COLUMN group_id TEXT;"
		"CREATE INDEX server_group_member ON server (group_id) WHERE group_id IS NOT NULL;"

		"CREATE TABLE aggregate ("
		" number INTEGER PRIMARY KEY AUTOINCREMENT,"
		" uuid TEXT NOT NULL UNIQUE,"
		" name TEXT NOT NULL UNIQUE,"
		" availability_zone TEXT,"
		" metadata TEXT NOT NULL," /* JSON, without the zone */
		" created_at INTEGER NOT NULL,"
		" updated_at INTEGER NOT NULL" /* 0: never */
		") STRICT;"
		"CREATE TABLE aggregate_host ("
		" aggregate INTEGER NOT NULL REFERENCES aggregate (number),"
		" host_id TEXT NOT NULL,"
		" host_name TEXT NOT NULL,"
		" PRIMARY KEY (aggregate, host_id)"
		") STRICT;"
		"CREATE INDEX aggregate_host_host ON aggregate_host (host_id);",
	},
	{
		/* Interfaces that came or go after the server was made, or have a tag: change is what is
		 * under way on the host (server_interface.h), request_id that of its action. */
		"CREATE TABLE server_interface ("
		" server_id TEXT NOT NULL REFERENCES server (id) ON DELETE CASCADE,"
		" port_id TEXT NOT NULL,"
		" tag TEXT NOT NULL,"
		" change TEXT NOT NULL,"
		" request_id TEXT NOT NULL,"
		" PRIMARY KEY (server_id, port_id)"
		") STRICT;",
	},
	{
		/* wish: what the client said of the place (JSON: zone, host, same_host, different_host,
		 * admin), for when it is placed anew.  disk_order: what the host shall do about the disk
		 * (JSON, docs/agent-protocol.md). */
		"ALTER TABLE server ADD COLUMN wish TEXT NOT NULL DEFAULT '{}';"
		"ALTER TABLE server ADD COLUMN disk_order TEXT;"
		"ALTER TABLE server ADD COLUMN shelved_image TEXT;"
		"CREATE INDEX server_shelved ON server (updated_at) WHERE state = 'shelved';"

		/* A server on its way (move.h).  The other host is the one that the server's row does not
		 * name: what it shall do with the server, and its revision when that last changed. */
		"CREATE TABLE server_move ("
		" number INTEGER PRIMARY KEY AUTOINCREMENT,"
		" uuid TEXT NOT NULL UNIQUE,"
		" server_id TEXT NOT NULL,"
		" user_id TEXT NOT NULL,"
		" project_id TEXT NOT NULL,"
		" type TEXT NOT NULL," /* as Nova's */
		" phase TEXT NOT NULL,"
		" failed INTEGER NOT NULL DEFAULT 0,"
		" open INTEGER NOT NULL," /* it may have a claim in its name */
		" was_off INTEGER NOT NULL,"
		" image_id TEXT," /* the disk in transit; NULL: on one host */
		" source_host_id TEXT NOT NULL,"
		" source_host TEXT NOT NULL,"
		" source_zone TEXT NOT NULL,"
		" source_flavor_id TEXT NOT NULL,"
		" source_flavor TEXT NOT NULL," /* JSON, as servers have it */
		" target_host_id TEXT,"
		" target_host TEXT,"
		" target_zone TEXT,"
		" target_flavor_id TEXT NOT NULL,"
		" target_flavor TEXT NOT NULL,"
		" other_host_id TEXT,"
		" other_want TEXT,"
		" other_generation INTEGER NOT NULL DEFAULT 0,"
		" other_revision INTEGER NOT NULL DEFAULT 0,"
		" created_at INTEGER NOT NULL,"
		" updated_at INTEGER NOT NULL,"
		" phase_at INTEGER NOT NULL" /* when the phase began */
		") STRICT;"
		"CREATE UNIQUE INDEX server_move_open ON server_move (server_id) WHERE open = 1;"
		"CREATE INDEX server_move_server ON server_move (server_id);"
		"CREATE INDEX server_move_other ON server_move (other_host_id, other_revision) WHERE "
		"other_host_id IS "
		"NOT NULL;",
	},
	{
		"ALTER TABLE server ADD COLUMN build_since INTEGER NOT NULL DEFAULT 0;" /* on its host */
		"UPDATE server SET build_since = created_at;"
		"DROP INDEX server_building;"
		"CREATE INDEX server_building ON server (host_id, build_since) WHERE state = 'spawning';"
		"ALTER TABLE server ADD COLUMN disk_generation INTEGER NOT NULL DEFAULT 0;" /* its order */
		"CREATE TABLE server_attempt (" /* builds that failed */
		" server_id TEXT NOT NULL REFERENCES server (id) ON DELETE CASCADE,"
		" number INTEGER NOT NULL,"
		" host_id TEXT NOT NULL,"
		" host_name TEXT NOT NULL,"
		" fault TEXT NOT NULL,"
		" started_at INTEGER NOT NULL,"
		" failed_at INTEGER NOT NULL,"
		" PRIMARY KEY (server_id, number)"
		") STRICT;"

		/* leftover.h; the server itself may be gone */
		"CREATE TABLE server_leftover ("
		" id TEXT PRIMARY KEY," /* in whose name the claim is */
		" server_id TEXT NOT NULL,"
		" host_id TEXT NOT NULL,"
		" revision INTEGER NOT NULL," /* the host's, when it was told */
		" generation INTEGER NOT NULL,"
		" created_at INTEGER NOT NULL,"
		" UNIQUE (server_id, host_id)"
		") STRICT;"
		"CREATE INDEX server_leftover_host ON server_leftover (host_id, revision);",
	},
	{
		/* What the source has told of a guest that is to go to another host while it runs (JSON). */
		"ALTER TABLE server_move ADD COLUMN facts TEXT;"
		/* somebody wants it to end, even if that stops the guest for a while */
		"ALTER TABLE server_move ADD COLUMN complete INTEGER NOT NULL DEFAULT 0;",
	},
	/* late.h */
	{
		"ALTER TABLE server ADD COLUMN state_since INTEGER NOT NULL DEFAULT 0;"
		"UPDATE server SET state_since = updated_at;"
		"CREATE INDEX server_state ON server (state, state_since);",
	},
	{
		/* the source of a live migration says that its guest is not there any more */
		"ALTER TABLE server_move ADD COLUMN source_ended INTEGER NOT NULL DEFAULT 0;",
	},
};

const size_t compute_migration_count = ELEMENTS_OF(compute_migrations);
