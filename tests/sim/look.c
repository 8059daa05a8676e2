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
	int (*finalize)(sqlite3_stmt *);
	int (*column_count)(sqlite3_stmt *);
	const unsigned char *(*column_text)(sqlite3_stmt *, int);
} lite;
static sqlite3 *db;
static int db_incarnation;

struct job {
	const char *sql;
	char **values; /* row by row */
	int columns, rows, room;
	bool ok, done;
};

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
	lite.finalize = (int (*)(sqlite3_stmt *))symbol("sqlite3_finalize");
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

static void row_add(struct job *job, sqlite3_stmt *statement)
{
	job->columns = lite.column_count(statement);
	if ((job->rows + 1) * job->columns > job->room) {
		job->room = job->room ? job->room * 2 : 64;
		job->values = realloc(job->values, (size_t)job->room * sizeof *job->values);
	}
	for (int i = 0; i < job->columns; i++) {
		const char *text = (const char *)lite.column_text(statement, i);

		job->values[job->rows * job->columns + i] = strdup(text ? text : "");
	}
	job->rows++;
}

static void job_free(struct job *job)
{
	for (int i = 0; i < job->rows * job->columns; i++)
		free(job->values[i]);
	free(job->values);
	free(job);
}

static void *read_all(void *argument)
{
	struct job *job = argument;
	sqlite3_stmt *statement;

	if (ready() && lite.prepare(db, job->sql, -1, &statement, NULL) == SQLITE_OK) {
		int code;

		while ((code = lite.step(statement)) == SQLITE_ROW)
			row_add(job, statement);
		lite.finalize(statement);
		job->ok = code == SQLITE_DONE;
	}
	job->done = true;
	fiber_wake(job, true);
	return NULL;
}

/* A job that died with the controller is lost: nobody writes to it any more. */
static void job_wait(struct job *job, int incarnation)
{
	while (!job->done && cluster_controller()->runs && cluster_controller()->incarnation == incarnation)
		fiber_block(job, sim_now() + 50000);
}

bool look(const char *sql, look_row *row, void *argument)
{
	struct job *job;
	bool ok;

	if (!cluster_controller()->runs)
		return false;
	job = calloc(1, sizeof *job);
	job->sql = sql;
	fiber_detach(fiber_start(cluster_controller(), "look", read_all, job));
	job_wait(job, cluster_controller()->incarnation);
	ok = job->done && job->ok;
	for (int i = 0; ok && i < job->rows; i++)
		row(argument, (const char *const *)job->values + i * job->columns);
	job_free(job);
	return ok;
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
