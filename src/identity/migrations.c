/* The tables of identity. */
#include "identity/identity.h"

const struct store_migration identity_migrations[] = {
	{"CREATE TABLE domain (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, description TEXT NOT NULL) "
	 "STRICT;"
	 "CREATE TABLE project (id TEXT PRIMARY KEY, domain_id TEXT NOT NULL REFERENCES domain (id),"
	 " name TEXT NOT NULL, description TEXT NOT NULL, enabled INTEGER NOT NULL,"
	 " tags TEXT NOT NULL DEFAULT '[]',"	    /* a JSON array of texts */
	 " parent_id TEXT REFERENCES project (id)," /* NULL: directly in the domain */
	 " UNIQUE (domain_id, name)) STRICT;"
	 "CREATE INDEX project_parent ON project (parent_id);"
	 "CREATE TABLE user (id TEXT PRIMARY KEY, domain_id TEXT NOT NULL REFERENCES domain (id),"
	 " name TEXT NOT NULL, password_hash TEXT, email TEXT, description TEXT, default_project_id TEXT,"
	 " enabled INTEGER NOT NULL, UNIQUE (domain_id, name)) STRICT;"
	 "CREATE TABLE role (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, description TEXT) STRICT;"
	 "CREATE TABLE assignment (project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,"
	 " user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,"
	 " role_id TEXT NOT NULL REFERENCES role (id) ON DELETE CASCADE,"
	 " PRIMARY KEY (project_id, user_id, role_id)) STRICT;"
	 "CREATE INDEX assignment_user ON assignment (user_id);"
	 "CREATE INDEX assignment_role ON assignment (role_id);"
	 /* Keystone's implied roles: admin has what member has, member what reader has. */
	 "CREATE VIEW effective_assignment AS SELECT project_id, user_id, role_id FROM assignment "
	 "UNION SELECT a.project_id, a.user_id, implied.id FROM assignment a JOIN role r ON r.id = a.role_id "
	 "JOIN role implied ON (r.name = 'admin' AND implied.name IN ('member', 'reader')) "
	 "OR (r.name = 'member' AND implied.name = 'reader');"
	 /* not_before: tokens of this user that were issued by then are no longer good */
	 "CREATE TABLE token_floor (user_id TEXT PRIMARY KEY REFERENCES user (id) ON DELETE CASCADE,"
	 " not_before INTEGER NOT NULL) STRICT;"
	 "CREATE TABLE revocation (audit_id TEXT PRIMARY KEY, expires_at INTEGER NOT NULL) STRICT;"},
};
const size_t identity_migration_count = sizeof identity_migrations / sizeof *identity_migrations;
