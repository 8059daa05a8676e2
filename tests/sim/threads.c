/* What programs call for threads, time, chance and signals, as fibers and a virtual clock have it.  The
 * simulator's own names win over the C library's for every module and library that it loads.  A mutex keeps
 * its owner in the memory that the C library's would use, so that static initialisers work. */
#include "daemon.h"
#include "fiber.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND	  INT64_C(1000000)
#define NOBODY	  0
#define OUTSIDE	  -1 /* the simulator itself, and libraries that begin */
#define KIND(m)	  ((m)->__data.__kind & 3)
#define ROBUST(m) ((m)->__data.__kind & 16)

/* --- mutexes --- */

static int self(void)
{
	return fiber_current() ? fiber_current() : OUTSIDE;
}

int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
	if (mutex->__data.__owner == self() && KIND(mutex) == PTHREAD_MUTEX_RECURSIVE) {
		mutex->__data.__count++;
		return 0;
	}
	if (mutex->__data.__owner != NOBODY)
		return EBUSY;
	mutex->__data.__owner = self();
	mutex->__data.__count = 1;
	return 0;
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	while (pthread_mutex_trylock(mutex) != 0) {
		if (ROBUST(mutex) && !fiber_is_alive(mutex->__data.__owner)) {
			mutex->__data.__owner = self();
			mutex->__data.__count = 1;
			return EOWNERDEAD;
		}
		fiber_block(mutex, INT64_MAX);
	}
	return 0;
}

int pthread_mutex_consistent(pthread_mutex_t *mutex)
{
	(void)mutex;
	return 0;
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
	if (mutex->__data.__count > 1) {
		mutex->__data.__count--;
		return 0;
	}
	mutex->__data.__owner = NOBODY;
	mutex->__data.__count = 0;
	fiber_wake(mutex, false);
	return 0;
}

/* --- conditions --- */

static int64_t microseconds(const struct timespec *time)
{
	return (int64_t)time->tv_sec * SECOND + time->tv_nsec / 1000;
}

/* A time of that clock, in sim_now()'s. */
static int64_t on_clock(clockid_t clock, const struct timespec *time)
{
	return microseconds(time) - (clock == CLOCK_REALTIME ? sim_wall() - sim_now() : 0);
}

static int wait_until(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t until)
{
	pthread_mutex_unlock(mutex);
	bool woken = fiber_block(condition, until);
	pthread_mutex_lock(mutex);
	return woken ? 0 : ETIMEDOUT;
}

int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
	return wait_until(condition, mutex, INT64_MAX);
}

int pthread_cond_clockwait(pthread_cond_t *condition, pthread_mutex_t *mutex, clockid_t clock,
			   const struct timespec *until)
{
	return wait_until(condition, mutex, on_clock(clock, until));
}

/* The C library keeps in bit 1 of __wrefs whether the condition's clock is the monotonic one. */
int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until)
{
	clockid_t clock = condition->__data.__wrefs & 2 ? CLOCK_MONOTONIC : CLOCK_REALTIME;

	return wait_until(condition, mutex, on_clock(clock, until));
}

int pthread_cond_signal(pthread_cond_t *condition)
{
	fiber_wake(condition, false);
	return 0;
}

int pthread_cond_broadcast(pthread_cond_t *condition)
{
	fiber_wake(condition, true);
	return 0;
}

int pthread_cond_destroy(pthread_cond_t *condition)
{
	(void)condition;
	return 0;
}

int pthread_mutex_destroy(pthread_mutex_t *mutex)
{
	(void)mutex;
	return 0;
}

/* --- threads --- */

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*work)(void *), void *argument)
{
	int state = PTHREAD_CREATE_JOINABLE;

	if (attributes)
		pthread_attr_getdetachstate(attributes, &state);
	int id = fiber_start(fiber_daemon(), "thread", work, argument);
	if (state == PTHREAD_CREATE_DETACHED)
		fiber_detach(id);
	*thread = (pthread_t)id;
	return 0;
}

int pthread_join(pthread_t thread, void **result)
{
	fiber_join((int)thread, INT64_MAX, result);
	return 0;
}

int pthread_clockjoin_np(pthread_t thread, void **result, clockid_t clock, const struct timespec *until)
{
	return fiber_join((int)thread, on_clock(clock, until), result) ? 0 : ETIMEDOUT;
}

int pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *until)
{
	return pthread_clockjoin_np(thread, result, CLOCK_REALTIME, until);
}

int pthread_detach(pthread_t thread)
{
	fiber_detach((int)thread);
	return 0;
}

pthread_t pthread_self(void)
{
	return (pthread_t)self();
}

/* --- time --- */

int clock_gettime(clockid_t clock, struct timespec *time)
{
	int64_t now = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ? sim_wall() : sim_now();

	*time = (struct timespec){.tv_sec = now / SECOND, .tv_nsec = now % SECOND * 1000};
	return 0;
}

time_t time(time_t *out)
{
	time_t now = (time_t)(sim_wall() / SECOND);

	if (out)
		*out = now;
	return now;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
	(void)zone;
	*time = (struct timeval){.tv_sec = sim_wall() / SECOND, .tv_usec = sim_wall() % SECOND};
	return 0;
}

int nanosleep(const struct timespec *time, struct timespec *left)
{
	if (left)
		*left = (struct timespec){0};
	fiber_sleep(microseconds(time));
	return 0;
}

int usleep(useconds_t time)
{
	fiber_sleep(time);
	return 0;
}

/* Only what waits for a signal, or for nothing, polls here: signals do not come, kill -9 does. */
int poll(struct pollfd *waited, nfds_t count, int milliseconds)
{
	(void)waited;
	(void)count;
	if (milliseconds < 0)
		fiber_block(&milliseconds, INT64_MAX);
	fiber_sleep((int64_t)milliseconds * 1000);
	return 0;
}

/* --- signals, chance, memory --- */

int sigwait(const sigset_t *restrict set, int *restrict number)
{
	(void)set;
	(void)number;
	fiber_block(set, INT64_MAX);
	return 0;
}

int signalfd(int fd, const sigset_t *set, int flags)
{
	(void)fd;
	(void)set;
	(void)flags;
	return eventfd(0, EFD_CLOEXEC);
}

ssize_t getrandom(void *bytes, size_t count, unsigned flags)
{
	unsigned char *to = bytes;

	(void)flags;
	for (size_t i = 0; i < count; i++)
		to[i] = (unsigned char)sim_draw();
	return (ssize_t)count;
}

int malloc_trim(size_t pad)
{
	(void)pad;
	return 0;
}

int mallopt(int parameter, int value)
{
	(void)parameter;
	(void)value;
	return 1;
}

/* --- the end --- */

void _exit(int status)
{
	if (fiber_daemon())
		daemon_ended(fiber_daemon(), status);
	__builtin_trap();
}
