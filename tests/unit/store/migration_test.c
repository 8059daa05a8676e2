/* Every room's database of every earlier level, with a row in each table, becomes what a new one is, and
 * keeps its rows. */
#include "../test.h"

#include "base/memory.h"
#include "base/text.h"
#include "compute/compute.h"
#include "identity/identity.h"
#include "image/image.h"
#include "network/network.h"
#include "scheduler/scheduler.h"
#include "store/store.h"

#include <sqlite3.h>

static const struct room {
	const char *name;
	const struct store_migration *migrations;
	const size_t *count;
} rooms[] = {
	{"identity", identity_migrations, &identity_migration_count},
	{"image", image_migrations, &image_migration_count},
	{"network", network_migrations, &network_migration_count},
	{"scheduler", scheduler_migrations, &scheduler_migration_count},
	{"compute", compute_migrations, &compute_migration_count},
};

static struct error err;

/* Brings one room to this level. */
static void migrate(const char *path, const struct room *room, size_t level)
{
	_cleanup_(store_closep) struct store *db = store_open(path, STORE_WRITER, &err);

	if (!db || !store_migrate(db, room->name, room->migrations, level, &err))
		fail_msg("%s at level %zu: %s", room->name, level, err.message);
}

/* --- SQL made up here, past the store --- */

static void close_database(sqlite3 **db)
{
	sqlite3_close(*db);
}

static sqlite3 *open_database(const char *path)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	return db;
}

/* All rows, a line each, columns separated by |; freed by the caller. */
static char *query(sqlite3 *db, const char *sql)
{
	struct text text = {0};
	sqlite3_stmt *statement;
	int step;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(statement); i++)
			text_addf(&text, "%s%s", i ? "|" : "",
				  sqlite3_column_text(statement, i)
					  ? (const char *)sqlite3_column_text(statement, i)
					  : "");
		text_add(&text, "\n");
	}
	if (step != SQLITE_DONE)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	sqlite3_finalize(statement);
	return text_take(&text);
}

#define TABLES \
	"SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' " \
	"AND name <> 'schema_version' ORDER BY rowid"

/* Columns and indexes: what counts of a schema, however its texts were put together. */
#define SHAPE \
	"SELECT t.name, c.name, c.type, c.\"notnull\", c.dflt_value, c.pk FROM sqlite_schema t, " \
	"pragma_table_info(t.name) c WHERE t.type IN ('table', 'view') AND t.name NOT LIKE 'sqlite_%' " \
	"UNION ALL SELECT t.name, i.name, i.\"unique\", i.partial, NULL, NULL FROM sqlite_schema t, " \
	"pragma_index_list(t.name) i WHERE t.type = 'table' UNION ALL SELECT t.name, f.\"table\", " \
	"f.\"from\", " \
	"f.\"to\", f.on_delete, NULL FROM sqlite_schema t, pragma_foreign_key_list(t.name) f " \
	"WHERE t.type = 'table' ORDER BY 1, 2, 3"

static char *query_file(const char *path, const char *sql)
{
	_cleanup_(close_database) sqlite3 *db = open_database(path);

	return query(db, sql);
}

/* What a made-up row has in a column: once all tables have theirs, every reference leads to a row. */
static const char *made_up(const char *table, const char *column, const char *type)
{
	if (strcmp(table, "device") == 0 && strcmp(column, "state") == 0)
		return "'present'";
	if (strcmp(table, "device") == 0 && strcmp(column, "report") == 0)
		return "'{\"iommu_group\": 3}'";
	return strcmp(type, "INTEGER") == 0 ? "1" : "'x'";
}

static void fill_table(sqlite3 *db, const char *table)
{
	_cleanup_free_ char *ask = memory_printf("SELECT name, type FROM pragma_table_info('%s')", table);
	_cleanup_free_ char *columns = query(db, ask);
	_cleanup_(text_done) struct text names = {0}, values = {0}, insert = {0};
	char *rest = columns, *line;

	while ((line = strsep(&rest, "\n")) && *line) {
		char *name = strsep(&line, "|");

		text_addf(&names, "%s\"%s\"", names.length ? ", " : "", name);
		text_addf(&values, "%s%s", values.length ? ", " : "", made_up(table, name, line));
	}
	text_addf(&insert, "INSERT INTO \"%s\" (%s) VALUES (%s)", table, names.data, values.data);
	free(query(db, insert.data));
}

static void fill(const char *path)
{
	_cleanup_(close_database) sqlite3 *db = open_database(path);
	_cleanup_free_ char *tables = query(db, TABLES);
	char *rest = tables, *table;

	while ((table = strsep(&rest, "\n")) && *table)
		fill_table(db, table);
}

/* Each table that was there has its row, and the file is sound. */
static void check_rows(const char *path, char *tables)
{
	_cleanup_(close_database) sqlite3 *db = open_database(path);
	_cleanup_free_ char *sound = query(db, "PRAGMA integrity_check");
	_cleanup_free_ char *lost = query(db, "PRAGMA foreign_key_check");
	char *table;

	assert_string_equal(sound, "ok\n");
	assert_string_equal(lost, "");
	while ((table = strsep(&tables, "\n")) && *table) {
		_cleanup_free_ char *ask = memory_printf("SELECT count(*) FROM \"%s\"", table);
		_cleanup_free_ char *count = query(db, ask);

		if (strcmp(count, "1\n") != 0)
			fail_msg("%s has %s rows, not 1", table, count);
	}
}

/* --- tests --- */

static void upgrade_from(const char *folder, const struct room *room, size_t level, const char *wanted)
{
	_cleanup_free_ char *path = memory_printf("%s/%s-%zu.db", folder, room->name, level);
	_cleanup_free_ char *tables = NULL, *shape = NULL;

	migrate(path, room, level);
	fill(path);
	tables = query_file(path, TABLES);
	migrate(path, room, *room->count);
	shape = query_file(path, SHAPE);
	assert_string_equal(shape, wanted);
	check_rows(path, tables);
	migrate(path, room, *room->count); /* nothing to do */
}

static void test_every_level(void **state)
{
	char *folder = test_folder_make();

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(rooms); i++) {
		_cleanup_free_ char *path = memory_printf("%s/%s-new.db", folder, rooms[i].name);
		_cleanup_free_ char *shape = NULL;

		migrate(path, &rooms[i], *rooms[i].count);
		shape = query_file(path, SHAPE);
		for (size_t level = 1; level <= *rooms[i].count; level++)
			upgrade_from(folder, &rooms[i], level, shape);
	}
	test_folder_remove(folder);
}

static void test_newer_is_refused(void **state)
{
	char *folder = test_folder_make();
	_cleanup_free_ char *path = memory_printf("%s/newer.db", folder);
	struct store *db;

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(rooms); i++) {
		migrate(path, &rooms[i], *rooms[i].count);
		db = store_open(path, STORE_WRITER, &err);
		assert_non_null(db);
		assert_false(
			store_migrate(db, rooms[i].name, rooms[i].migrations, *rooms[i].count - 1, &err));
		assert_non_null(strstr(err.message, "newer Penstock"));
		store_close(db);
	}
	test_folder_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_level),
		cmocka_unit_test(test_newer_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
