/* Fibers, the virtual clock, chance. */
#include "fiber.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define STACK_SIZE (256 * 1024)
#define GUARD_SIZE (64 * 1024)
#define FIBERS_MAX 512
#define RUN_MAX_US 40 /* that a fiber's turn takes, at most */

enum fiber_state { FIBER_FREE, FIBER_READY, FIBER_BLOCKED, FIBER_ENDED };

struct fiber {
	int id;
	enum fiber_state state;
	bool detached, timed_out;
	struct daemon *daemon;
	const char *name;
	fiber_work *work;
	void *argument, *result;
	const void *object; /* that it waits for, or NULL */
	int64_t until;	    /* INT64_MAX: for ever */
	int saved_errno;
	void *kept[2]; /* fiber_switched()'s */
	void *stack;
	bool begun;
	jmp_buf place; /* where it goes on */
	int ready_at;  /* in `ready` */
};

#define WAITING 4096 /* a power of two */

static struct fiber fibers[FIBERS_MAX];
static int fiber_top; /* slots in use are below */
static int next_id = 1;
static struct fiber *current;
static struct fiber *ready[FIBERS_MAX];
static int ready_count;
static unsigned waiting[WAITING]; /* by hash: how many are blocked for such an object; most that is woken has
				     nobody */
static int64_t earliest = INT64_MAX; /* no time that a blocked one waits for is before it */
static jmp_buf scheduler;
static int64_t now_us, wall_offset = INT64_C(1767225600000000); /* 2026-01-01 */
static uint64_t chance[4];

uint64_t fiber_switches;
void (*fiber_switched)(struct daemon *daemon, void **kept, bool in);

/* --- chance: xoshiro256** (Blackman, Vigna), seeded by splitmix64 --- */

static uint64_t rotate(uint64_t value, int by)
{
	return value << by | value >> (64 - by);
}

void sim_seed(uint64_t seed)
{
	for (int i = 0; i < 4; i++) {
		uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));

		z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
		chance[i] = z ^ z >> 31;
	}
}

uint64_t sim_draw(void)
{
	uint64_t result = rotate(chance[1] * 5, 7) * 9, shifted = chance[1] << 17;

	chance[2] ^= chance[0];
	chance[3] ^= chance[1];
	chance[1] ^= chance[2];
	chance[0] ^= chance[3];
	chance[2] ^= shifted;
	chance[3] = rotate(chance[3], 45);
	return result;
}

uint64_t sim_below(uint64_t count)
{
	return count ? sim_draw() % count : 0;
}

bool sim_chance(unsigned per_million)
{
	return per_million && sim_below(1000000) < per_million;
}

/* --- the clock --- */

int64_t sim_now(void)
{
	return now_us;
}

int64_t sim_wall(void)
{
	return now_us + wall_offset;
}

void sim_wall_jump(int64_t microseconds)
{
	wall_offset += microseconds;
}

/* --- fibers --- */

static struct fiber *find(int id)
{
	for (int i = 0; i < fiber_top; i++) {
		if (fibers[i].state != FIBER_FREE && fibers[i].id == id)
			return &fibers[i];
	}
	return NULL;
}

int fiber_current(void)
{
	return current ? current->id : 0;
}

struct daemon *fiber_daemon(void)
{
	return current ? current->daemon : NULL;
}

bool fiber_is_alive(int id)
{
	const struct fiber *fiber = find(id);

	return fiber && fiber->state != FIBER_ENDED;
}

static unsigned *waiting_for(const void *object)
{
	return &waiting[((uintptr_t)object >> 4 ^ (uintptr_t)object >> 16) & (WAITING - 1)];
}

static void ready_add(struct fiber *fiber)
{
	fiber->state = FIBER_READY;
	fiber->ready_at = ready_count;
	ready[ready_count++] = fiber;
}

/* It is not ready any more, or does not wait any more. */
static void state_leave(struct fiber *fiber)
{
	if (fiber->state == FIBER_READY) {
		ready[fiber->ready_at] = ready[--ready_count];
		ready[fiber->ready_at]->ready_at = fiber->ready_at;
	} else if (fiber->state == FIBER_BLOCKED) {
		--*waiting_for(fiber->object);
		fiber->object = NULL;
		fiber->until = INT64_MAX;
	}
}

static void wake(struct fiber *fiber)
{
	state_leave(fiber);
	ready_add(fiber);
}

/* Jumps, where swapcontext() would ask the kernel for the signal mask each time. */
static void leave(void)
{
	struct fiber *fiber = current;

	fiber->saved_errno = errno;
	if (!_setjmp(fiber->place))
		_longjmp(scheduler, 1);
	errno = current->saved_errno;
}

static void begin(void)
{
	fiber_exit(current->work(current->argument));
}

static struct fiber *slot_find(void)
{
	for (int i = 0; i < FIBERS_MAX; i++) {
		if (fibers[i].state == FIBER_FREE) {
			fiber_top = i >= fiber_top ? i + 1 : fiber_top;
			return &fibers[i];
		}
	}
	fprintf(stderr, "sim: more than %d fibers\n", FIBERS_MAX);
	abort();
}

/* Who goes beyond it is stopped. */
static void *stack_make(void)
{
	char *memory = mmap(NULL, STACK_SIZE + GUARD_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED || mprotect(memory, GUARD_SIZE, PROT_NONE) != 0)
		abort();
	return memory + GUARD_SIZE;
}

int fiber_start(struct daemon *daemon, const char *name, fiber_work *work, void *argument)
{
	struct fiber *fiber = slot_find();
	void *stack = fiber->stack;

	if (!stack)
		stack = stack_make();
	*fiber = (struct fiber){.id = next_id++,
				.daemon = daemon,
				.name = name,
				.work = work,
				.argument = argument,
				.until = INT64_MAX,
				.stack = stack};
	ready_add(fiber);
	return fiber->id;
}

void fiber_exit(void *result)
{
	current->result = result;
	state_leave(current);
	current->state = current->detached ? FIBER_FREE : FIBER_ENDED;
	fiber_wake(current, true);
	leave();
	abort();
}

bool fiber_join(int id, int64_t until, void **result)
{
	struct fiber *fiber = find(id);

	while (fiber && fiber->state != FIBER_ENDED) {
		if (!fiber_block(fiber, until))
			return false;
	}
	if (fiber) {
		if (result)
			*result = fiber->result;
		fiber->state = FIBER_FREE;
	}
	return true;
}

void fiber_detach(int id)
{
	struct fiber *fiber = find(id);

	if (!fiber)
		return;
	fiber->detached = true;
	if (fiber->state == FIBER_ENDED)
		fiber->state = FIBER_FREE;
}

void fiber_yield(void)
{
	if (current)
		leave();
}

void fiber_sleep(int64_t microseconds)
{
	static const char nobody;

	fiber_block(&nobody, now_us + microseconds);
}

bool fiber_block(const void *object, int64_t until)
{
	if (!current) {
		fprintf(stderr, "sim: the simulator itself would block\n");
		abort();
	}
	state_leave(current);
	current->state = FIBER_BLOCKED;
	current->object = object;
	current->until = until;
	current->timed_out = false;
	++*waiting_for(object);
	earliest = until < earliest ? until : earliest;
	leave();
	return !current->timed_out;
}

/* One of them, drawn: no order is promised. */
void fiber_wake(const void *object, bool all)
{
	struct fiber *found[FIBERS_MAX];
	size_t count = 0;

	if (!*waiting_for(object))
		return;
	for (int i = 0; i < fiber_top; i++) {
		if (fibers[i].state == FIBER_BLOCKED && fibers[i].object == object)
			found[count++] = &fibers[i];
	}
	size_t from = all || count == 0 ? 0 : sim_below(count), to = all ? count : from + (count > 0);
	for (size_t i = from; i < to; i++)
		wake(found[i]);
}

void fiber_end_all(struct daemon *daemon)
{
	bool self = current && current->daemon == daemon;

	for (int i = 0; i < fiber_top; i++) {
		if (fibers[i].state == FIBER_FREE || fibers[i].daemon != daemon)
			continue;
		state_leave(&fibers[i]);
		fibers[i].state = FIBER_FREE;
	}
	if (self) {
		leave();
		abort();
	}
}

/* --- the scheduler --- */

/* To the next time that somebody waits for; false if nobody does. */
static bool time_pass(void)
{
	int64_t next = INT64_MAX;

	for (int i = 0; i < fiber_top; i++) {
		if (fibers[i].state == FIBER_BLOCKED && fibers[i].until < next)
			next = fibers[i].until;
	}
	if (next == INT64_MAX)
		return false;
	if (next > now_us)
		now_us = next;
	return true;
}

static void timers_expire(void)
{
	if (now_us < earliest)
		return;
	earliest = INT64_MAX;
	for (int i = 0; i < fiber_top; i++) {
		struct fiber *fiber = &fibers[i];

		if (fiber->state != FIBER_BLOCKED)
			continue;
		if (fiber->until <= now_us) {
			fiber->timed_out = true;
			wake(fiber);
		} else if (fiber->until < earliest) {
			earliest = fiber->until;
		}
	}
}

/* On its own stack; once begun, it jumps. */
static void enter(struct fiber *fiber)
{
	ucontext_t first;

	if (fiber->begun)
		_longjmp(fiber->place, 1);
	fiber->begun = true;
	getcontext(&first);
	first.uc_stack.ss_sp = fiber->stack;
	first.uc_stack.ss_size = STACK_SIZE;
	makecontext(&first, begin, 0);
	setcontext(&first);
}

static void run_one(struct fiber *fiber)
{
	fiber_switches++;
	current = fiber;
	if (fiber_switched)
		fiber_switched(fiber->daemon, fiber->kept, true);
	if (!_setjmp(scheduler))
		enter(fiber);
	if (fiber_switched)
		fiber_switched(current->daemon, current->kept, false);
	current = NULL;
	now_us += 1 + (int64_t)sim_below(RUN_MAX_US);
}

void fiber_run(bool (*over)(void))
{
	while (!over()) {
		struct fiber *fiber;

		timers_expire();
		fiber = ready_count ? ready[sim_below((uint64_t)ready_count)] : NULL;
		if (fiber)
			run_one(fiber);
		else if (!time_pass())
			break;
	}
}
