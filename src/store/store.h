/* The database behind a small door: connections, migrations, statements, and the writer that commits many
 * waiting transactions with one fsync.
 *
 * A `struct store` is one connection and belongs to one thread at a time.  Readers see the last commit; the
 *one writer connection belongs to the writer thread (store_writer_*).  Statements are static texts: they are
 * prepared once per connection and cached by address.  Parameters are ?1, ?2 ... and are given with V(value):
 *
 *	struct store_rows rows;
 *	if (!store_query(db, &rows, err, "SELECT id, vcpus FROM flavor WHERE name = ?1", V(name)))
 *		return false;
 *	while (store_next(&rows))
 *		use(store_text(&rows, 0), store_int(&rows, 1));
 *	return store_end(&rows, err);
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sqlite3_stmt;
struct store;

enum store_mode {
	STORE_WRITER, /* creates the file if need be */
	STORE_READER,
};

/* Opens a connection: WAL, synchronous=FULL, foreign keys on.  NULL and *err on failure. */
struct store *store_open(const char *path, enum store_mode mode, struct error *err);
void store_close(struct store *db);
static inline void store_closep(struct store **db)
{
	store_close(*db);
}

/* One step of a room's schema.  Numbers of a room begin with 1 and have no gaps. */
struct store_migration {
	const char *sql; /* statements, separated by ; */
};

/* Brings the tables of `room` up to date, each step in a transaction of its own; refuses a schema that is
 * newer than the program. */
bool store_migrate(struct store *db, const char *room, const struct store_migration *migrations, size_t count,
		   struct error *err);

enum store_type { STORE_NULL, STORE_INT, STORE_TEXT, STORE_BLOB };

struct store_value {
	enum store_type type;
	int64_t integer;
	const void *bytes; /* NULL with STORE_TEXT means SQL NULL; must live until the call returns */
	size_t size;	   /* of a blob */
};

static inline struct store_value store_value_int(int64_t value)
{
	return (struct store_value){.type = STORE_INT, .integer = value};
}

static inline struct store_value store_value_text(const char *text)
{
	return (struct store_value){.type = text ? STORE_TEXT : STORE_NULL, .bytes = text};
}

static inline struct store_value store_value_blob(const void *bytes, size_t size)
{
	return (struct store_value){.type = bytes ? STORE_BLOB : STORE_NULL, .bytes = bytes, .size = size};
}

#define V(value) \
	_Generic((value), char *: store_value_text, const char *: store_value_text, default: store_value_int)( \
		value)
#define V_NULL store_value_text(NULL)
/* -1 stands for NULL: for optional filters, `(?1 IS NULL OR x = ?1)`. */
#define V_OPTIONAL(value) ((value) < 0 ? V_NULL : store_value_int(value))

/* Running result of a query.  End it with store_end() or let the scope do so:
 * `_cleanup_(store_rows_done) struct store_rows rows = {0};` */
struct store_rows {
	struct store *db;
	struct sqlite3_stmt *statement;
	const char *sql;
	bool failed;
	bool own; /* not from the cache: finalised at the end */
};

bool store_query_values(struct store *db, struct store_rows *rows, struct error *err, const char *sql,
			const struct store_value *values, size_t count);
bool store_exec_values(struct store *db, struct error *err, const char *sql, const struct store_value *values,
		       size_t count);

#define STORE_VALUES(...) \
	(const struct store_value[]){V_NULL, ##__VA_ARGS__} + 1, \
		sizeof((const struct store_value[]){V_NULL, ##__VA_ARGS__}) / sizeof(struct store_value) - 1

/* store_query(db, rows, err, sql, V(a), V(b) ...): begins a query; false and *err if it cannot be prepared.
 */
#define store_query(db, rows, err, sql, ...) store_query_values(db, rows, err, sql, STORE_VALUES(__VA_ARGS__))
/* store_exec(db, err, sql, V(a) ...): runs a statement to its end.  A broken UNIQUE or foreign key is
 * ERROR_CONFLICT, so that the caller can say what is taken; anything else ERROR_INTERNAL. */
#define store_exec(db, err, sql, ...) store_exec_values(db, err, sql, STORE_VALUES(__VA_ARGS__))

bool store_next(struct store_rows *rows); /* false after the last row or on an error (store_end tells) */
bool store_end(struct store_rows *rows, struct error *err);
void store_rows_done(struct store_rows *rows);

/* Columns of the current row, from 0.  Texts live until the next store_next() or store_end(). */
const char *store_text(struct store_rows *rows, int column); /* NULL if NULL */
int64_t store_int(struct store_rows *rows, int column);	     /* 0 if NULL */
bool store_is_null(struct store_rows *rows, int column);

/* Rows that the last store_exec() changed. */
int64_t store_changes(struct store *db);

/* A snapshot for several reads by a reader connection. */
bool store_read_begin(struct store *db, struct error *err);
void store_read_end(struct store *db);

/* Within a transaction of the writer: `function` is called exactly once when its fate is known: after the
 * commit is on disk (committed), or when it, or the savepoint that it was registered in, is undone.  In the
 * order of registration.  (What `argument` points to can be freed there.) */
void store_on_end(struct store *db, void (*function)(void *argument, bool committed), void *argument);

/* A transaction of the writer connection, for who has no writer thread (tools, start-up, tests). */
bool store_transaction_begin(struct store *db, struct error *err);
bool store_transaction_commit(struct store *db, struct error *err);
void store_transaction_undo(struct store *db);

/* A part of a transaction that may be undone by itself.  Calls nest; each begin is followed by one keep or
 * undo. */
bool store_savepoint_begin(struct store *db, struct error *err);
bool store_savepoint_keep(struct store *db, struct error *err);
void store_savepoint_undo(struct store *db);

/* --- the writer thread --- */

struct store_writer;

struct store_job {
	/* Runs on the writer thread in a savepoint; false undoes what it wrote. */
	bool (*run)(struct store_job *job, struct store *db, struct error *err);
	/* Called on the writer thread after the commit is on disk (ok) or the job was undone. */
	void (*done)(struct store_job *job, bool ok, const struct error *err);
	struct store_job *next; /* the writer's */
	struct error err;
	bool ok;
};

/* Takes the connection over (it must be STORE_WRITER).  Waiting jobs are run one after another in one
 * transaction and committed together with one fsync. */
struct store_writer *store_writer_start(struct store *db, struct error *err);
void store_writer_submit(struct store_writer *writer, struct store_job *job);
/* Runs what waits, then ends the thread and closes the connection. */
void store_writer_stop(struct store_writer *writer);

/* For one thread without a writer (tools, tests): runs the job in a transaction of its own. */
void store_job_run_now(struct store *db, struct store_job *job);
