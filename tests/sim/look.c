/* A second SQLite, whose variables are not those that the controller's are put back with. */
#include "look.h"

#include "cluster.h"
#include "disk.h"

#include <dlfcn.h>
#include <link.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static struct {
	int (*open)(const char *, sqlite3 **, int, const char *);
	int (*prepare)(sqlite3 *, const char *, int, sqlite3_stmt **, const char **);
	int (*step)(sqlite3_stmt *);
	int (*finalize)(sqlite3_stmt *);
	int (*column_count)(sqlite3_stmt *);
	const unsigned char *(*column_text)(sqlite3_stmt *, int);
	int (*close)(sqlite3 *);
	int (*db_config)(sqlite3 *, int, ...);
} lite;
static sqlite3 *db;

static void *symbol(void *library, const char *name)
{
	void *found = dlsym(library, name);

	if (!found) {
		fprintf(stderr, "sim: no %s in SQLite\n", name);
		abort();
	}
	return found;
}

static void library_open(void)
{
	struct link_map *map;
	char text[600], path[200];

	dlinfo(dlopen("libsqlite3.so.0", RTLD_NOW), RTLD_DI_LINKMAP, &map);
	snprintf(path, sizeof path, "%s/second-sqlite.so", disk_root());
	snprintf(text, sizeof text, "cp -L %s %s", map->l_name, path);
	void *library = system(text) == 0 ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
	if (!library)
		abort();
	lite.open = (int (*)(const char *, sqlite3 **, int, const char *))symbol(library, "sqlite3_open_v2");
	lite.prepare = (int (*)(sqlite3 *, const char *, int, sqlite3_stmt **,
				const char **))symbol(library, "sqlite3_prepare_v2");
	lite.step = (int (*)(sqlite3_stmt *))symbol(library, "sqlite3_step");
	lite.finalize = (int (*)(sqlite3_stmt *))symbol(library, "sqlite3_finalize");
	lite.column_count = (int (*)(sqlite3_stmt *))symbol(library, "sqlite3_column_count");
	lite.column_text =
		(const unsigned char *(*)(sqlite3_stmt *, int))symbol(library, "sqlite3_column_text");
	lite.close = (int (*)(sqlite3 *))symbol(library, "sqlite3_close");
	lite.db_config = (int (*)(sqlite3 *, int, ...))symbol(library, "sqlite3_db_config");
}

void look_again(void)
{
	if (db)
		lite.close(db);
	db = NULL;
}

static bool ready(void)
{
	char path[200];

	if (!lite.open)
		library_open();
	if (db)
		return true;
	snprintf(path, sizeof path, "%s/site/controller/penstock.db", disk_root());
	if (lite.open(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
		look_again();
		return false;
	}
	lite.db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	return true;
}

bool look(const char *sql, look_row *row, void *argument)
{
	const char *columns[16];
	sqlite3_stmt *statement;
	int code;

	/* A controller that is down has perhaps left its files in the middle of something: they are its own.
	 */
	if (!cluster_controller()->runs || !ready() ||
	    lite.prepare(db, sql, -1, &statement, NULL) != SQLITE_OK)
		return false;
	while ((code = lite.step(statement)) == SQLITE_ROW) {
		for (int i = 0; i < lite.column_count(statement); i++) {
			columns[i] = (const char *)lite.column_text(statement, i);
			columns[i] = columns[i] ? columns[i] : "";
		}
		row(argument, columns);
	}
	lite.finalize(statement);
	return code == SQLITE_DONE;
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
