/* The writer thread: many waiting transactions, one commit.  Each job runs in a savepoint of one big
 * transaction, so that one that fails undoes itself alone; the answers go out after the one fsync. */
#include "base/log.h"
#include "base/memory.h"
#include "store/store.h"

#include <pthread.h>

/* Bounds how long the first of a batch waits for the last. */
#define STORE_BATCH 256

struct store_writer {
	struct store *db;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct store_job *first, **last; /* waiting, in order */
	bool stopping;
};

static void job_run(struct store *db, struct store_job *job)
{
	job->ok = store_savepoint_begin(db, &job->err);
	if (!job->ok)
		return;
	job->ok = job->run(job, db, &job->err);
	if (job->ok)
		job->ok = store_savepoint_keep(db, &job->err);
	if (!job->ok)
		store_savepoint_undo(db);
}

static void jobs_done(struct store_job *first)
{
	for (struct store_job *job = first, *next; job; job = next) {
		next = job->next; /* done() may free the job */
		job->done(job, job->ok, &job->err);
	}
}

static void jobs_fail(struct store_job *first, const struct error *err)
{
	for (struct store_job *job = first; job; job = job->next) {
		if (job->ok)
			job->err = *err;
		job->ok = false;
	}
}

static void jobs_run(struct store *db, struct store_job *first)
{
	struct error err;

	if (!store_transaction_begin(db, &err)) {
		for (struct store_job *job = first; job; job = job->next)
			job->ok = true;
		jobs_fail(first, &err);
	} else {
		for (struct store_job *job = first; job; job = job->next)
			job_run(db, job);
		if (!store_transaction_commit(db, &err)) {
			log_error("commit failed: %s", err.message);
			store_transaction_undo(db);
			jobs_fail(first, &err);
		}
	}
	jobs_done(first);
}

/* The next batch, or NULL when it is time to end. */
static struct store_job *writer_take(struct store_writer *writer)
{
	struct store_job *first, *job;

	pthread_mutex_lock(&writer->lock);
	while (!writer->first && !writer->stopping)
		pthread_cond_wait(&writer->changed, &writer->lock);
	first = job = writer->first;
	for (int i = 1; job && job->next && i < STORE_BATCH; i++)
		job = job->next;
	if (job) {
		writer->first = job->next;
		job->next = NULL;
		if (!writer->first)
			writer->last = &writer->first;
	}
	pthread_mutex_unlock(&writer->lock);
	return first;
}

static void *writer_loop(void *argument)
{
	struct store_writer *writer = argument;
	struct store_job *first;

	while ((first = writer_take(writer)))
		jobs_run(writer->db, first);
	return NULL;
}

struct store_writer *store_writer_start(struct store *db, struct error *err)
{
	struct store_writer *writer = memory_alloc(sizeof *writer);

	writer->db = db;
	writer->last = &writer->first;
	pthread_mutex_init(&writer->lock, NULL);
	pthread_cond_init(&writer->changed, NULL);
	int code = pthread_create(&writer->thread, NULL, writer_loop, writer);
	if (code != 0) {
		error_set_errno(err, ERROR_INTERNAL, code, "cannot start the writer's thread");
		free(writer);
		return NULL;
	}
	return writer;
}

void store_writer_submit(struct store_writer *writer, struct store_job *job)
{
	job->next = NULL;
	pthread_mutex_lock(&writer->lock);
	*writer->last = job;
	writer->last = &job->next;
	pthread_cond_signal(&writer->changed);
	pthread_mutex_unlock(&writer->lock);
}

void store_writer_stop(struct store_writer *writer)
{
	if (!writer)
		return;
	pthread_mutex_lock(&writer->lock);
	writer->stopping = true;
	pthread_cond_signal(&writer->changed);
	pthread_mutex_unlock(&writer->lock);
	pthread_join(writer->thread, NULL);
	store_close(writer->db);
	pthread_mutex_destroy(&writer->lock);
	pthread_cond_destroy(&writer->changed);
	free(writer);
}

void store_job_run_now(struct store *db, struct store_job *job)
{
	job->next = NULL;
	jobs_run(db, job);
}
