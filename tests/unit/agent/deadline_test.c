/* Tests of calls that hang: given up, not begun again while they do, and told of when they come back. */
#include "../test.h"

#include "agent/deadline.h"
#include "base/memory.h"

#include <pthread.h>

#define CONFIG "/sys/bus/pci/devices/0000:10:10.1/config"
#define OTHER  "/sys/bus/pci/devices/0000:10:10.2/config"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool hangs, entered;
static int returned;

static void set(bool *what, bool value)
{
	pthread_mutex_lock(&lock);
	*what = value;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static char *read_or_hang(const char *path)
{
	pthread_mutex_lock(&lock);
	entered = true;
	pthread_cond_broadcast(&changed);
	while (hangs && strcmp(path, CONFIG) == 0)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
	return memory_copy_text("bytes");
}

static void note_return(void)
{
	pthread_mutex_lock(&lock);
	returned++;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

/* As soon as the call is under way, its time is over. */
static void *give_up(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	while (!entered)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
	deadline_expire();
	return NULL;
}

static char *read_and_give_up(const char *path)
{
	pthread_t thread;

	set(&entered, false);
	assert_int_equal(pthread_create(&thread, NULL, give_up, NULL), 0);
	char *text = world->read(path);
	pthread_join(thread, NULL);
	return text;
}

static void test_what_hangs_is_told_of_when_it_returns(void **state)
{
	struct world slow = {.read = read_or_hang};
	struct error err;
	char told[200];

	(void)state;
	world = deadline_world(&slow);
	deadline_returned = note_return;
	set(&hangs, true);
	assert_null(read_and_give_up(CONFIG));
	assert_true(deadline_hangs("0000:10:10.1", &err));
	assert_true(deadline_is_hang(&err));
	assert_int_equal(deadline_hanging(), 1);
	deadline_tell(told, sizeof told);
	assert_non_null(strstr(told, "reading " CONFIG));

	/* The same device is not asked again, another one is. */
	set(&entered, false);
	assert_null(world->read(CONFIG));
	assert_false(entered);
	_cleanup_free_ char *other = world->read(OTHER);
	assert_string_equal(other, "bytes");
	assert_int_equal(returned, 0);

	set(&hangs, false);
	pthread_mutex_lock(&lock);
	while (!returned)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
	assert_false(deadline_hangs("0000:10:10.1", &err));
	_cleanup_free_ char *again = world->read(CONFIG);
	assert_string_equal(again, "bytes");
	assert_int_equal(returned, 1); /* what comes in time tells nobody */
	world = &world_real;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_hangs_is_told_of_when_it_returns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
