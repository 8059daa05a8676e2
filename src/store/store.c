/* Connections, statements and migrations on SQLite. */
#include "store/store.h"

#include "base/deliberate.h"
#include "base/memory.h"

#include <sqlite3.h>
#include <string.h>

#define STORE_CACHE 512 /* slots; statements are static texts, found by address */

struct store_cached {
	const char *sql;
	sqlite3_stmt *statement;
	bool busy;
};

struct store_hook {
	void (*function)(void *argument, bool committed);
	void *argument;
};

#define STORE_MAX_SAVEPOINTS 8

struct store {
	sqlite3 *sqlite;
	struct store_cached cache[STORE_CACHE];
	struct store_hook *hooks;
	size_t hook_count;
	size_t savepoint_hooks[STORE_MAX_SAVEPOINTS]; /* hook_count when each was begun */
	int savepoints;
};

static bool store_fail(struct store *db, struct error *err, const char *what)
{
	int code = sqlite3_extended_errcode(db->sqlite);

	if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ||
	    code == SQLITE_CONSTRAINT_FOREIGNKEY || code == SQLITE_CONSTRAINT_ROWID)
		return error_set(err, ERROR_CONFLICT, "database: %s", sqlite3_errmsg(db->sqlite));
	return error_set(err, (code & 0xff) == SQLITE_FULL ? ERROR_UNAVAILABLE : ERROR_INTERNAL,
			 "database: %s: %s", what, sqlite3_errmsg(db->sqlite));
}

/* Cached by address, so that each place in the code is prepared once per connection. */
static struct store_cached *store_slot(struct store *db, const char *sql)
{
	size_t at = ((uintptr_t)sql >> 3) * 0x9e3779b97f4a7c15u >> 40;

	for (size_t i = 0; i < 16; i++) {
		struct store_cached *slot = &db->cache[(at + i) % STORE_CACHE];

		if (slot->sql == sql || !slot->sql)
			return slot;
	}
	return NULL;
}

static sqlite3_stmt *store_prepare(struct store *db, const char *sql, bool *own, struct error *err)
{
	struct store_cached *slot = store_slot(db, sql);
	sqlite3_stmt *statement = NULL;

	if (slot && slot->statement && !slot->busy) {
		slot->busy = true;
		*own = false;
		return slot->statement;
	}
	if (sqlite3_prepare_v3(db->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) !=
	    SQLITE_OK) {
		store_fail(db, err, sql);
		return NULL;
	}
	*own = !slot || slot->statement;
	if (!*own)
		*slot = (struct store_cached){.sql = sql, .statement = statement, .busy = true};
	return statement;
}

static void store_finish(struct store *db, sqlite3_stmt *statement, const char *sql, bool own)
{
	if (own) {
		sqlite3_finalize(statement);
		return;
	}
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	struct store_cached *slot = store_slot(db, sql);
	if (slot)
		slot->busy = false;
}

static void store_bind(sqlite3_stmt *statement, const struct store_value *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int n = (int)i + 1;

		switch (values[i].type) {
		case STORE_NULL:
			sqlite3_bind_null(statement, n);
			break;
		case STORE_INT:
			sqlite3_bind_int64(statement, n, values[i].integer);
			break;
		case STORE_TEXT:
			sqlite3_bind_text(statement, n, values[i].bytes, -1, SQLITE_TRANSIENT);
			break;
		case STORE_BLOB:
			sqlite3_bind_blob64(statement, n, values[i].bytes, values[i].size, SQLITE_TRANSIENT);
			break;
		}
	}
}

bool store_query_values(struct store *db, struct store_rows *rows, struct error *err, const char *sql,
			const struct store_value *values, size_t count)
{
	*rows = (struct store_rows){.db = db, .sql = sql};
	rows->statement = store_prepare(db, sql, &rows->own, err);
	if (!rows->statement)
		return false;
	store_bind(rows->statement, values, count);
	return true;
}

bool store_next(struct store_rows *rows)
{
	if (!rows->statement || rows->failed)
		return false;
	int code = sqlite3_step(rows->statement);
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		rows->failed = true;
	return code == SQLITE_ROW;
}

bool store_end(struct store_rows *rows, struct error *err)
{
	bool ok = !rows->failed;

	if (!ok)
		store_fail(rows->db, err, rows->sql);
	store_rows_done(rows);
	return ok;
}

void store_rows_done(struct store_rows *rows)
{
	if (rows->statement)
		store_finish(rows->db, rows->statement, rows->sql, rows->own);
	rows->statement = NULL;
}

bool store_exec_values(struct store *db, struct error *err, const char *sql, const struct store_value *values,
		       size_t count)
{
	struct store_rows rows;

	if (!store_query_values(db, &rows, err, sql, values, count))
		return false;
	while (store_next(&rows)) {
	}
	return store_end(&rows, err);
}

const char *store_text(struct store_rows *rows, int column)
{
	return (const char *)sqlite3_column_text(rows->statement, column);
}

int64_t store_int(struct store_rows *rows, int column)
{
	return sqlite3_column_int64(rows->statement, column);
}

bool store_is_null(struct store_rows *rows, int column)
{
	return sqlite3_column_type(rows->statement, column) == SQLITE_NULL;
}

int64_t store_changes(struct store *db)
{
	return sqlite3_changes64(db->sqlite);
}

static bool store_script(struct store *db, const char *sql, struct error *err)
{
	return sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL) == SQLITE_OK || store_fail(db, err, "script");
}

struct store *store_open(const char *path, enum store_mode mode, struct error *err)
{
	_cleanup_(store_closep) struct store *db = memory_alloc(sizeof *db);
	int flags =
		SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE | (mode == STORE_WRITER ? SQLITE_OPEN_CREATE : 0);

	if (sqlite3_open_v2(path, &db->sqlite, flags, NULL) != SQLITE_OK) {
		error_set(err, ERROR_INTERNAL, "cannot open the database %s: %s", path,
			  db->sqlite ? sqlite3_errmsg(db->sqlite) : "out of memory");
		return NULL;
	}
	sqlite3_extended_result_codes(db->sqlite, 1);
	sqlite3_busy_timeout(db->sqlite, 10000);
	/* synchronous=FULL in WAL mode: a commit is on disk before it is answered.  A checkpoint every 4,000
	 * pages keeps the log short without making each writer pay for it. */
	if (!store_script(
		    db,
		    mode == STORE_WRITER
			    ? "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
			      "PRAGMA wal_autocheckpoint=4000; PRAGMA cache_size=-2048; PRAGMA "
			      "temp_store=MEMORY;"
			    : "PRAGMA query_only=ON; PRAGMA cache_size=-2048; PRAGMA temp_store=MEMORY;",
		    err)) {
		error_wrap(err, "%s", path);
		return NULL;
	}
	if (deliberate_bug(2) && !store_script(db, "PRAGMA synchronous=OFF;", err))
		return NULL;
	return TAKE_PTR(db);
}

void store_close(struct store *db)
{
	if (!db)
		return;
	for (size_t i = 0; i < STORE_CACHE; i++)
		sqlite3_finalize(db->cache[i].statement);
	sqlite3_close(db->sqlite);
	free(db->hooks);
	free(db);
}

static bool store_schema_version(struct store *db, const char *room, int64_t *version, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	*version = 0;
	if (!store_query(db, &rows, err, "SELECT version FROM schema_version WHERE room = ?1", V(room)))
		return false;
	if (store_next(&rows))
		*version = store_int(&rows, 0);
	return store_end(&rows, err);
}

static bool store_migrate_step(struct store *db, const char *room, int64_t version, const char *sql,
			       struct error *err)
{
	if (!store_script(db, "BEGIN IMMEDIATE", err))
		return false;
	if (store_script(db, sql, err) &&
	    store_exec(db, err,
		       "INSERT INTO schema_version (room, version) VALUES (?1, ?2) "
		       "ON CONFLICT (room) DO UPDATE SET version = excluded.version",
		       V(room), V(version)) &&
	    store_script(db, "COMMIT", err))
		return true;
	struct error ignored;
	store_script(db, "ROLLBACK", &ignored);
	return error_wrap(err, "schema of %s, step %lld", room, (long long)version);
}

bool store_migrate(struct store *db, const char *room, const struct store_migration *migrations, size_t count,
		   struct error *err)
{
	int64_t version;

	if (!store_script(db,
			  "CREATE TABLE IF NOT EXISTS schema_version "
			  "(room TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT",
			  err) ||
	    !store_schema_version(db, room, &version, err))
		return false;
	if (version > (int64_t)count)
		return error_set(err, ERROR_INTERNAL,
				 "the database's schema of %s is version %lld, this program knows up to %zu: "
				 "it was written by a newer Penstock",
				 room, (long long)version, count);
	for (; version < (int64_t)count; version++) {
		if (!store_migrate_step(db, room, version + 1, migrations[version].sql, err))
			return false;
	}
	return true;
}

bool store_read_begin(struct store *db, struct error *err)
{
	return store_exec(db, err, "BEGIN");
}

void store_read_end(struct store *db)
{
	struct error ignored;

	store_exec(db, &ignored, "COMMIT");
}

void store_on_end(struct store *db, void (*function)(void *argument, bool committed), void *argument)
{
	*ARRAY_ADD(db->hooks, db->hook_count) =
		(struct store_hook){.function = function, .argument = argument};
}

static void store_run_hooks(struct store *db, size_t from, bool committed)
{
	for (size_t i = from; i < db->hook_count; i++)
		db->hooks[i].function(db->hooks[i].argument, committed);
	db->hook_count = from;
}

bool store_savepoint_begin(struct store *db, struct error *err)
{
	if (db->savepoints == STORE_MAX_SAVEPOINTS)
		return error_set(err, ERROR_INTERNAL, "database: savepoints are nested too deeply");
	if (!store_exec(db, err, "SAVEPOINT nested"))
		return false;
	db->savepoint_hooks[db->savepoints++] = db->hook_count;
	return true;
}

bool store_savepoint_keep(struct store *db, struct error *err)
{
	if (!store_exec(db, err, "RELEASE nested"))
		return false;
	db->savepoints--;
	return true;
}

void store_savepoint_undo(struct store *db)
{
	struct error ignored;

	store_exec(db, &ignored, "ROLLBACK TO nested");
	store_exec(db, &ignored, "RELEASE nested");
	store_run_hooks(db, db->savepoint_hooks[--db->savepoints], false);
}

bool store_transaction_begin(struct store *db, struct error *err)
{
	db->savepoints = 0;
	return store_exec(db, err, "BEGIN IMMEDIATE");
}

bool store_transaction_commit(struct store *db, struct error *err)
{
	if (!store_exec(db, err, "COMMIT"))
		return false;
	store_run_hooks(db, 0, true);
	return true;
}

void store_transaction_undo(struct store *db)
{
	struct error ignored;

	store_exec(db, &ignored, "ROLLBACK");
	db->savepoints = 0;
	store_run_hooks(db, 0, false);
}
