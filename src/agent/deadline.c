/* Threads that make calls for others, and callers that wait for them only so long. */
#include "agent/deadline.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/timestamp.h"
#include "sys/sys.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#define IDLE_MAX   4 /* threads that are kept for the next calls */
#define STACK_SIZE (512 * 1024)

struct job {
	struct job *next; /* in `jobs` */
	char *key, *what;
	void (*work)(void *), (*release)(void *);
	void *argument;
	int64_t since; /* sys_monotonic() */
	int64_t until; /* the same: when it is not waited for any longer */
	int seconds;   /* of one call */
	bool errand;   /* of several calls */
	bool taken, done, expired, abandoned;
	pthread_cond_t changed;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t wanted; /* somebody is to take a job */
	struct job *jobs;
	int idle, waiting; /* threads without a job; jobs without a thread */
} deadline = {.lock = PTHREAD_MUTEX_INITIALIZER, .wanted = PTHREAD_COND_INITIALIZER};

bool deadline_is_hang(const struct error *err)
{
	return err->type && strcmp(err->type, DEADLINE_HANG) == 0;
}

/* The errand that this thread is on.  (Not static: a simulation whose threads are none swaps it.) */
extern _Thread_local struct job *deadline_errand_now;
_Thread_local struct job *deadline_errand_now;

/* --- the threads --- */

static void job_free(struct job *job)
{
	for (struct job **at = &deadline.jobs; *at; at = &(*at)->next) {
		if (*at == job) {
			*at = job->next;
			break;
		}
	}
	pthread_cond_destroy(&job->changed);
	free(job->key);
	free(job->what);
	free(job);
}

void (*deadline_returned)(void);

static struct job *job_next(void)
{
	struct job *found = NULL;

	for (struct job *job = deadline.jobs; job; job = job->next)
		found = job->taken ? found : job; /* the oldest is the last */
	return found;
}

static void job_run(struct job *job)
{
	job->taken = true;
	deadline.waiting--;
	pthread_mutex_unlock(&deadline.lock);
	deadline_errand_now = job->errand ? job : NULL;
	job->work(job->argument);
	deadline_errand_now = NULL;
	pthread_mutex_lock(&deadline.lock);
	job->done = true;
	if (!job->abandoned) {
		pthread_cond_signal(&job->changed);
		return;
	}
	log_info("%s has returned after %d s", job->what,
		 (int)((sys_monotonic() - job->since) / TIME_SECOND));
	job->release(job->argument);
	job_free(job);
	if (deadline_returned) {
		pthread_mutex_unlock(&deadline.lock);
		deadline_returned();
		pthread_mutex_lock(&deadline.lock);
	}
}

static void *helper(void *unused)
{
	struct job *job;

	(void)unused;
	pthread_mutex_lock(&deadline.lock);
	for (;;) {
		if ((job = job_next())) {
			job_run(job);
			continue;
		}
		if (deadline.idle >= IDLE_MAX)
			break;
		deadline.idle++;
		pthread_cond_wait(&deadline.wanted, &deadline.lock);
		deadline.idle--;
	}
	pthread_mutex_unlock(&deadline.lock);
	return NULL;
}

static bool helper_find(void)
{
	pthread_attr_t attributes;
	pthread_t thread;

	if (deadline.idle >= deadline.waiting) {
		pthread_cond_signal(&deadline.wanted);
		return true;
	}
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	bool ok = pthread_create(&thread, &attributes, helper, NULL) == 0;
	pthread_attr_destroy(&attributes);
	return ok;
}

/* --- those who wait --- */

static bool hangs(const char *key)
{
	for (const struct job *job = deadline.jobs; job; job = job->next) {
		if (job->abandoned && strcmp(job->key, key) == 0)
			return true;
	}
	return false;
}

static const char *oldest(const char *key)
{
	const char *what = "";

	for (const struct job *job = deadline.jobs; job; job = job->next) {
		if (job->abandoned && strcmp(job->key, key) == 0)
			what = job->what;
	}
	return what;
}

/* Calls of an errand put the end off, without a word: it is looked at again when it has come. */
static bool job_wait(struct job *job)
{
	while (!job->done && !job->expired && sys_monotonic() < job->until) {
		int64_t left = job->until - sys_monotonic();
		struct timespec until;

		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += left / TIME_SECOND;
		until.tv_nsec += left % TIME_SECOND * 1000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&job->changed, &deadline.lock, &until);
	}
	return job->done;
}

static struct job *job_make(const char *key, const char *what, int seconds, bool is_errand,
			    void (*work)(void *), void (*release)(void *), void *argument)
{
	struct job *job = memory_alloc(sizeof *job);
	pthread_condattr_t attributes;

	*job = (struct job){.next = deadline.jobs,
			    .key = memory_copy_text(key),
			    .what = memory_copy_text(what),
			    .work = work,
			    .release = release,
			    .argument = argument,
			    .seconds = seconds,
			    .errand = is_errand,
			    .since = sys_monotonic(),
			    .until = sys_monotonic() + seconds * TIME_SECOND};
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&job->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	deadline.jobs = job;
	deadline.waiting++;
	return job;
}

/* With the lock held.  1: done, 0: hangs, -1: not begun. */
static int run_locked(const char *key, const char *what, int seconds, bool is_errand, void (*work)(void *),
		      void (*release)(void *), void *argument, struct error *err)
{
	if (hangs(key)) {
		error_set_typed(err, ERROR_TIMEOUT, DEADLINE_HANG, "%s has not returned yet", oldest(key));
		return -1;
	}
	struct job *job = job_make(key, what, seconds, is_errand, work, release, argument);
	if (!helper_find()) {
		deadline.waiting--;
		job_free(job);
		error_set_typed(err, ERROR_TIMEOUT, DEADLINE_HANG, "%s: there is no thread for it", what);
		return -1;
	}
	if (job_wait(job)) {
		job_free(job);
		return 1;
	}
	job->abandoned = true;
	error_set_typed(err, ERROR_TIMEOUT, DEADLINE_HANG, "%s has not returned yet", job->what);
	log_error("%s has not returned within %d s", job->what,
		  (int)((sys_monotonic() - job->since + TIME_SECOND / 2) / TIME_SECOND));
	return 0;
}

static bool run(const char *key, const char *what, int seconds, bool is_errand, void (*work)(void *),
		void (*release)(void *), void *argument, struct error *err)
{
	pthread_mutex_lock(&deadline.lock);
	int result = run_locked(key, what, seconds, is_errand, work, release, argument, err);
	pthread_mutex_unlock(&deadline.lock);
	if (result < 0)
		release(argument);
	return result > 0;
}

bool deadline_run(const char *key, const char *what, int seconds, void (*work)(void *),
		  void (*release)(void *), void *argument, struct error *err)
{
	return run(key, what, seconds, false, work, release, argument, err);
}

/* --- errands --- */

bool deadline_run_errand(const char *key, const char *what, int seconds, void (*work)(void *),
			 void (*release)(void *), void *argument, struct error *err)
{
	return run(key, what, seconds, true, work, release, argument, err);
}

bool deadline_on_errand(void)
{
	return deadline_errand_now;
}

static void step_note(const char *key, const char *what, int seconds)
{
	free(deadline_errand_now->key);
	free(deadline_errand_now->what);
	deadline_errand_now->key = memory_copy_text(key);
	deadline_errand_now->what = memory_copy_text(what);
	deadline_errand_now->since = sys_monotonic();
	deadline_errand_now->until = deadline_errand_now->since + seconds * TIME_SECOND;
}

static bool given_up(struct error *err)
{
	return deadline_errand_now->abandoned &&
	       !error_set_typed(err, ERROR_TIMEOUT, DEADLINE_HANG, "%s was given up",
				deadline_errand_now->what);
}

bool deadline_step_begin(const char *key, const char *what, int seconds, struct error *err)
{
	pthread_mutex_lock(&deadline.lock);
	bool ok = !given_up(err);
	if (ok && hangs(key))
		ok = error_set_typed(err, ERROR_TIMEOUT, DEADLINE_HANG, "%s has not returned yet",
				     oldest(key));
	if (ok)
		step_note(key, what, seconds);
	pthread_mutex_unlock(&deadline.lock);
	return ok;
}

bool deadline_step_end(struct error *err)
{
	pthread_mutex_lock(&deadline.lock);
	bool ok = !given_up(err);
	if (ok)
		deadline_errand_now->until = sys_monotonic() + deadline_errand_now->seconds * TIME_SECOND;
	pthread_mutex_unlock(&deadline.lock);
	return ok;
}

/* --- what hangs --- */

bool deadline_hangs(const char *key, struct error *err)
{
	pthread_mutex_lock(&deadline.lock);
	bool is_so = hangs(key);
	if (is_so)
		error_set_typed(err, ERROR_TIMEOUT, DEADLINE_HANG, "%s has not returned yet", oldest(key));
	pthread_mutex_unlock(&deadline.lock);
	return is_so;
}

void deadline_tell(char *text, size_t size)
{
	size_t length = 0;

	*text = '\0';
	pthread_mutex_lock(&deadline.lock);
	for (const struct job *job = deadline.jobs; job && length < size; job = job->next) {
		if (job->abandoned)
			length += (size_t)snprintf(text + length, size - length, "%s%s (%d s)",
						   length ? "\n" : "", job->what,
						   (int)((sys_monotonic() - job->since) / TIME_SECOND));
	}
	pthread_mutex_unlock(&deadline.lock);
}

size_t deadline_hanging(void)
{
	size_t count = 0;

	pthread_mutex_lock(&deadline.lock);
	for (const struct job *job = deadline.jobs; job; job = job->next)
		count += job->abandoned;
	pthread_mutex_unlock(&deadline.lock);
	return count;
}

void deadline_expire(void)
{
	pthread_mutex_lock(&deadline.lock);
	for (struct job *job = deadline.jobs; job; job = job->next) {
		job->expired = true;
		pthread_cond_signal(&job->changed);
	}
	pthread_mutex_unlock(&deadline.lock);
}
