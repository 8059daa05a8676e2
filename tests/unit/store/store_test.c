/* Tests of store: values, migrations, savepoints, hooks, the writer's group commit. */
#include "../test.h"

#include "base/memory.h"
#include "store/store.h"

#include <pthread.h>

static const struct store_migration migrations[] = {
	{"CREATE TABLE thing (id TEXT PRIMARY KEY, number INTEGER) STRICT"},
	{"ALTER TABLE thing ADD COLUMN note TEXT"},
};

struct fixture {
	char *folder;
	char *path;
	struct store *db;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct error err;

	f->folder = test_folder_make();
	f->path = memory_printf("%s/t.db", f->folder);
	f->db = store_open(f->path, STORE_WRITER, &err);
	*state = f;
	return f->db && store_migrate(f->db, "t", migrations, 2, &err) ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	store_close(f->db);
	test_folder_remove(f->folder);
	free(f->path);
	free(f);
	return 0;
}

static bool insert(struct store *db, const char *id, int64_t number, struct error *err)
{
	return store_exec(db, err, "INSERT INTO thing (id, number) VALUES (?1, ?2)", V(id), V(number));
}

static int64_t count(struct store *db)
{
	struct store_rows rows;
	struct error err;
	int64_t n = -1;

	assert_true(store_query(db, &rows, &err, "SELECT count(*) FROM thing"));
	if (store_next(&rows))
		n = store_int(&rows, 0);
	assert_true(store_end(&rows, &err));
	return n;
}

static void test_values_come_back(void **state)
{
	struct fixture *f = *state;
	struct store_rows rows;
	struct error err;

	assert_true(insert(f->db, "a'; DROP TABLE thing; --", 7, &err));
	assert_true(
		store_exec(f->db, &err, "INSERT INTO thing (id, number) VALUES (?1, ?2)", V("b"), V_NULL));
	assert_true(store_query(f->db, &rows, &err,
				"SELECT id, number FROM thing WHERE (?1 IS NULL OR number = ?1) ORDER BY id",
				V_OPTIONAL(-1)));
	assert_true(store_next(&rows));
	assert_string_equal(store_text(&rows, 0), "a'; DROP TABLE thing; --");
	assert_int_equal(store_int(&rows, 1), 7);
	assert_true(store_next(&rows));
	assert_true(store_is_null(&rows, 1));
	assert_false(store_next(&rows));
	assert_true(store_end(&rows, &err));
}

static void test_a_unique_key_is_a_conflict(void **state)
{
	struct fixture *f = *state;
	struct error err;

	assert_true(insert(f->db, "a", 1, &err));
	assert_false(insert(f->db, "a", 2, &err));
	assert_int_equal(err.kind, ERROR_CONFLICT);
}

static void test_migrations_go_on_and_newer_is_refused(void **state)
{
	struct fixture *f = *state;
	struct error err;

	assert_true(store_migrate(f->db, "t", migrations, 2, &err));
	assert_false(store_migrate(f->db, "t", migrations, 1, &err));
	static const struct store_migration broken[] = {
		{"CREATE TABLE x (a INTEGER) STRICT; CREATE TABLE oops ("}};
	assert_false(store_migrate(f->db, "broken", broken, 1, &err));
	assert_true(store_exec(f->db, &err, "CREATE TABLE x (a INTEGER)")); /* nothing of it stayed */
}

static int committed, undone;

static void hook(void *argument, bool ok)
{
	(void)argument;
	*(ok ? &committed : &undone) += 1;
}

static void test_a_savepoint_undoes_itself_alone(void **state)
{
	struct fixture *f = *state;
	struct error err;

	committed = undone = 0;
	assert_true(store_transaction_begin(f->db, &err));
	assert_true(insert(f->db, "kept", 1, &err));
	store_on_end(f->db, hook, NULL);
	assert_true(store_savepoint_begin(f->db, &err));
	assert_true(insert(f->db, "undone", 1, &err));
	store_on_end(f->db, hook, NULL);
	store_savepoint_undo(f->db);
	assert_int_equal(undone, 1);
	assert_true(store_transaction_commit(f->db, &err));
	assert_int_equal(committed, 1);
	assert_int_equal(count(f->db), 1);
}

struct numbered {
	struct store_job job;
	int number;
	pthread_mutex_t *lock;
	int *done, *failed;
};

static bool numbered_run(struct store_job *job, struct store *db, struct error *err)
{
	struct numbered *n = (struct numbered *)job;
	char id[16];

	snprintf(id, sizeof id, "%d", n->number);
	if (!insert(db, id, n->number, err))
		return false;
	return n->number % 10 != 3 || error_set(err, ERROR_BAD_REQUEST, "threes fail");
}

static void numbered_done(struct store_job *job, bool ok, const struct error *err)
{
	struct numbered *n = (struct numbered *)job;

	(void)err;
	pthread_mutex_lock(n->lock);
	*(ok ? n->done : n->failed) += 1;
	pthread_mutex_unlock(n->lock);
	free(n);
}

static void test_the_writer_commits_each_job_or_undoes_it(void **state)
{
	struct fixture *f = *state;
	struct error err;
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	int done = 0, failed = 0;
	struct store_writer *writer = store_writer_start(TAKE_PTR(f->db), &err);

	assert_non_null(writer);
	for (int i = 0; i < 1000; i++) {
		struct numbered *n = calloc(1, sizeof *n);

		*n = (struct numbered){.job = {.run = numbered_run, .done = numbered_done},
				       .number = i,
				       .lock = &lock,
				       .done = &done,
				       .failed = &failed};
		store_writer_submit(writer, &n->job);
	}
	store_writer_stop(writer);
	assert_int_equal(done, 900);
	assert_int_equal(failed, 100);
	f->db = store_open(f->path, STORE_READER, &err);
	assert_int_equal(count(f->db), 900);
	assert_false(insert(f->db, "x", 1, &err)); /* a reader does not write */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_values_come_back),
		TEST(test_a_unique_key_is_a_conflict),
		TEST(test_migrations_go_on_and_newer_is_refused),
		TEST(test_a_savepoint_undoes_itself_alone),
		TEST(test_the_writer_commits_each_job_or_undoes_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
