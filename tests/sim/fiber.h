/* Threads that are none: fibers on one real thread, a virtual clock and one seeded source of chance.  A fiber
 * runs until it blocks, sleeps or yields; which of those that can run goes on is drawn.  Time passes only
 * when it is said to. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct daemon;

typedef void *fiber_work(void *argument);

/* --- chance --- */

void sim_seed(uint64_t seed);
uint64_t sim_draw(void);
/* 0 ... count - 1. */
uint64_t sim_below(uint64_t count);
/* True in so many of a million cases. */
bool sim_chance(unsigned per_million);

/* --- the clock: microseconds --- */

int64_t sim_now(void); /* since the beginning; never goes back */
/* Wall-clock time since 1970, which faults move. */
int64_t sim_wall(void);
void sim_wall_jump(int64_t microseconds);

/* --- fibers --- */

/* Of a daemon (NULL: of the world outside). */
int fiber_start(struct daemon *daemon, const char *name, fiber_work *work, void *argument);
/* The one that runs; 0: none does (the simulator itself). */
int fiber_current(void);
struct daemon *fiber_daemon(void);
bool fiber_is_alive(int id);
/* What it returned, once; false when it has not ended within this time (INT64_MAX: for ever). */
bool fiber_join(int id, int64_t until, void **result);
void fiber_detach(int id);
/* Lets others run. */
void fiber_yield(void);
void fiber_sleep(int64_t microseconds);
/* Until fiber_wake() with this object, or until this time: then false. */
bool fiber_block(const void *object, int64_t until);
void fiber_wake(const void *object, bool all);
/* All of a daemon's end where they are; if one of them asks, this does not return. */
void fiber_end_all(struct daemon *daemon);
/* The one that runs ends. */
_Noreturn void fiber_exit(void *result);
/* Called at each switch to a fiber, for what belongs to it and is not its own; `kept`: two pointers. */
extern void (*fiber_switched)(struct daemon *daemon, void **kept, bool in);

/* Runs fibers until `over` says so or nothing can happen any more. */
void fiber_run(bool (*over)(void));
/* Switches so far: how much happened. */
extern uint64_t fiber_switches;
