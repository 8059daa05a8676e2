/* One more reader within the controller: its SQLite, its process, a fiber of its own, which dies with it. */
#include "look.h"

#include "cluster.h"
#include "disk.h"
#include "fiber.h"

#include <dlfcn.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
	int (*open)(const char *, sqlite3 **, int, const char *);
	int (*prepare)(sqlite3 *, const char *, int, sqlite3_stmt **, const char **);
	int (*step)(sqlite3_stmt *);
	int (*reset)(sqlite3_stmt *);
	int (*column_count)(sqlite3_stmt *);
	const unsigned char *(*column_text)(sqlite3_stmt *, int);
} lite;
static sqlite3 *db;
static int db_incarnation;

#define QUESTIONS_MAX 32
#define COMMIT_US     1000000 /* that a commit may take from its last write on until it is seen */

/* A statement and the rows that it had: read anew only when something was written since. */
struct question {
	const char *sql;
	sqlite3_stmt *statement; /* of this incarnation of the controller, as the rows are */
	int incarnation;
	char **values; /* row by row */
	int columns, rows, room;
	int64_t read_at;
	bool ok, asked;
};

static struct question questions[QUESTIONS_MAX];

static void *symbol(const char *name)
{
	static void *library;
	void *found;

	library = library ? library : dlopen("libsqlite3.so.0", RTLD_NOW);
	found = library ? dlsym(library, name) : NULL;
	if (!found) {
		fprintf(stderr, "sim: no %s in SQLite\n", name);
		abort();
	}
	return found;
}

static void library_open(void)
{
	lite.open = (int (*)(const char *, sqlite3 **, int, const char *))symbol("sqlite3_open_v2");
	lite.prepare = (int (*)(sqlite3 *, const char *, int, sqlite3_stmt **, const char **))symbol(
		"sqlite3_prepare_v2");
	lite.step = (int (*)(sqlite3_stmt *))symbol("sqlite3_step");
	lite.reset = (int (*)(sqlite3_stmt *))symbol("sqlite3_reset");
	lite.column_count = (int (*)(sqlite3_stmt *))symbol("sqlite3_column_count");
	lite.column_text = (const unsigned char *(*)(sqlite3_stmt *, int))symbol("sqlite3_column_text");
}

static bool ready(void)
{
	char path[200];

	if (!lite.open)
		library_open();
	if (db && db_incarnation == cluster_controller()->incarnation)
		return true;
	snprintf(path, sizeof path, "%s/site/controller/penstock.db", disk_root());
	db_incarnation = cluster_controller()->incarnation;
	if (lite.open(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK)
		return true;
	db = NULL;
	return false;
}

static struct question *question_find(const char *sql)
{
	struct question *q = questions;

	while (q->sql && strcmp(q->sql, sql) != 0)
		q++;
	if (q == questions + QUESTIONS_MAX - 1)
		abort();
	q->sql = sql;
	if (q->incarnation != cluster_controller()->incarnation) {
		q->statement = NULL; /* it died with its process */
		q->incarnation = cluster_controller()->incarnation;
		q->ok = false;
	}
	return q;
}

static void rows_free(struct question *q)
{
	for (int i = 0; i < q->rows * q->columns; i++)
		free(q->values[i]);
	q->rows = 0;
}

static void row_add(struct question *q)
{
	q->columns = lite.column_count(q->statement);
	if ((q->rows + 1) * q->columns > q->room) {
		q->room = (q->rows + 1) * q->columns * 2;
		q->values = realloc(q->values, (size_t)q->room * sizeof *q->values);
	}
	for (int i = 0; i < q->columns; i++) {
		const char *text = (const char *)lite.column_text(q->statement, i);

		q->values[q->rows * q->columns + i] = strdup(text ? text : "");
	}
	q->rows++;
}

/* A question that is none of this database is a mistake here, and would look as if all were well. */
static bool statement_ready(struct question *q)
{
	if (q->statement)
		return true;
	int code = lite.prepare(db, q->sql, -1, &q->statement, NULL);
	if (code == SQLITE_ERROR) {
		printf("sim: not answered by the database: %s\n", q->sql);
		abort();
	}
	return code == SQLITE_OK;
}

static void *read_all(void *argument)
{
	struct question *q = argument;

	rows_free(q);
	q->read_at = sim_now();
	if (ready() && statement_ready(q)) {
		int code;

		while ((code = lite.step(q->statement)) == SQLITE_ROW)
			row_add(q);
		lite.reset(q->statement);
		q->ok = code == SQLITE_DONE;
	}
	q->asked = false;
	fiber_wake(q, true);
	return NULL;
}

/* The reader may die with the controller. */
static void question_wait(const struct question *q, int incarnation)
{
	while (q->asked && cluster_controller()->runs && cluster_controller()->incarnation == incarnation)
		fiber_block(q, sim_now() + 50000);
}

static bool is_fresh(const struct question *q)
{
	return q->ok && q->read_at > disk_database_written_at() + COMMIT_US;
}

bool look(const char *sql, look_row *row, void *argument)
{
	if (!cluster_controller()->runs)
		return false;
	struct question *q = question_find(sql);
	if (!is_fresh(q)) {
		q->ok = false;
		q->asked = true;
		fiber_detach(fiber_start(cluster_controller(), "look", read_all, q));
		question_wait(q, q->incarnation);
	}
	for (int i = 0; q->ok && i < q->rows; i++)
		row(argument, (const char *const *)q->values + i * q->columns);
	return q->ok;
}

static void first(void *argument, const char *const *columns)
{
	int64_t *number = argument;

	*number = *number < 0 ? strtoll(columns[0], NULL, 10) : *number;
}

int64_t look_number(const char *sql)
{
	int64_t number = -1;

	return look(sql, first, &number) ? number : -1;
}
