/* The functions of NICs that somebody is at or has. */
#include "agent/held.h"

#include "base/map.h"
#include "base/memory.h"

#include <pthread.h>

struct function {
	bool busy, has;
	struct held held;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t free;
	struct map functions; /* by PCI address; they are never removed: there are only so many */
} all = {.lock = PTHREAD_MUTEX_INITIALIZER, .free = PTHREAD_COND_INITIALIZER};

static struct function *function_get(const char *address)
{
	struct function *function = map_get(&all.functions, address);

	if (!function) {
		function = memory_alloc(sizeof *function);
		map_put(&all.functions, address, function);
	}
	return function;
}

void held_begin(const char *address)
{
	pthread_mutex_lock(&all.lock);
	struct function *function = function_get(address);
	while (function->busy)
		pthread_cond_wait(&all.free, &all.lock);
	function->busy = true;
	pthread_mutex_unlock(&all.lock);
}

static void end(const char *address, const struct held *now, bool changed)
{
	pthread_mutex_lock(&all.lock);
	struct function *function = function_get(address);
	if (changed) {
		function->has = now;
		function->held = now ? *now : (struct held){0};
	}
	function->busy = false;
	pthread_cond_broadcast(&all.free);
	pthread_mutex_unlock(&all.lock);
}

void held_end(const char *address, const struct held *now)
{
	end(address, now, true);
}

void held_end_unchanged(const char *address)
{
	end(address, NULL, false);
}

bool held_try(const char *address, struct held *now, bool *has)
{
	pthread_mutex_lock(&all.lock);
	struct function *function = function_get(address);
	bool ok = !function->busy;
	if (ok) {
		function->busy = true;
		*has = function->has;
		*now = function->held;
	}
	pthread_mutex_unlock(&all.lock);
	return ok;
}

bool held_look(const char *address, struct held *now)
{
	pthread_mutex_lock(&all.lock);
	const struct function *function = map_get(&all.functions, address);
	bool has = function && function->has;
	if (has)
		*now = function->held;
	pthread_mutex_unlock(&all.lock);
	return has;
}
