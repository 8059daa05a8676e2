/* The first administrator: made by the operator's command, beside or before a running server. */
#include "base/memory.h"
#include "identity/internal.h"
#include "sys/sys.h"

#include <string.h>

bool identity_is_bootstrapped(struct store *db)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	struct error ignored;

	return store_query(db, &rows, &ignored,
			   "SELECT 1 FROM assignment a JOIN role r ON r.id = a.role_id WHERE r.name = "
			   "'admin' LIMIT 1") &&
	       store_next(&rows);
}

static bool bootstrap_roles(struct store *db, struct error *err)
{
	static const char *const names[] = {"admin", "member", "reader", "service"};
	char id[SYS_UUID_SIZE];

	for (size_t i = 0; i < ELEMENTS_OF(names); i++) {
		if (!store_exec(db, err, "INSERT OR IGNORE INTO role (id, name) VALUES (?1, ?2)",
				V(sys_uuid_hex(id)), V(names[i])))
			return false;
	}
	return true;
}

/* The password is set anew where the user is there: tokens got with the old one are worth nothing then. */
static bool bootstrap_user(struct store *db, const char *user, const char *hash, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	char id[SYS_UUID_SIZE];

	if (!store_exec(db, err,
			"INSERT INTO user (id, domain_id, name, password_hash, enabled) VALUES (?1, "
			"'default', ?2, ?3, 1) "
			"ON CONFLICT (domain_id, name) DO UPDATE SET password_hash = excluded.password_hash, "
			"enabled = 1",
			V(sys_uuid_hex(id)), V(user), V(hash)) ||
	    !store_query(db, &rows, err, "SELECT id FROM user WHERE domain_id = 'default' AND name = ?1",
			 V(user)))
		return false;
	if (store_next(&rows) && !auth_revoke_user(db, store_text(&rows, 0), err))
		return false;
	return store_end(&rows, err);
}

static bool bootstrap_project(struct store *db, const char *project, struct error *err)
{
	char id[SYS_UUID_SIZE];

	return store_exec(db, err,
			  "INSERT INTO project (id, domain_id, name, description, enabled) "
			  "VALUES (?1, 'default', ?2, 'The first project.', 1) "
			  "ON CONFLICT (domain_id, name) DO UPDATE SET enabled = 1",
			  V(sys_uuid_hex(id)), V(project));
}

bool identity_bootstrap(struct store *db, const struct config *config, const char *user, const char *password,
			const char *project, struct error *err)
{
	char hash[PASSWORD_HASH_SIZE];
	int64_t rounds;

	if (!*password || strlen(password) > PASSWORD_MAX)
		return error_set(err, ERROR_BAD_REQUEST, "the password must have 1 to %d bytes",
				 PASSWORD_MAX);
	return password_rounds(config, &rounds, err) && password_hash(password, rounds, hash, err) &&
	       store_exec(db, err,
			  "INSERT OR IGNORE INTO domain (id, name, description) "
			  "VALUES ('default', 'Default', 'The default domain')") &&
	       bootstrap_roles(db, err) && bootstrap_project(db, project, err) &&
	       bootstrap_user(db, user, hash, err) &&
	       store_exec(db, err,
			  "INSERT OR IGNORE INTO assignment (project_id, user_id, role_id) "
			  "SELECT p.id, u.id, r.id FROM project p, user u, role r "
			  "WHERE p.name = ?1 AND u.name = ?2 AND r.name = 'admin'",
			  V(project), V(user));
}
