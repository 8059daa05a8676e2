/* Tests of what the controller is told of servers: nothing is lost that changes while something is told. */
#include "../test.h"

#include "agent/controller.h"
#include "agent/entries.h"
#include "base/memory.h"

#define ID "11111111-2222-3333-4444-555555555555"

static char told[2000];			  /* what was sent last */
static void (*meanwhile)(struct entry *); /* what happens while it is under way */
static bool heard;

/* In the place of HTTP. */
bool controller_send(const struct controller *controller, const char *method, const char *path,
		     const char *content_type, const char *body, size_t size, int seconds,
		     struct text *answer, struct error *err)
{
	(void)controller, (void)content_type, (void)seconds, (void)answer;
	assert_string_equal(method, "POST");
	assert_string_equal(path, "status");
	snprintf(told, sizeof told, "%.*s", (int)size, body);
	pthread_mutex_lock(&agent.lock);
	if (meanwhile)
		meanwhile(map_get(&agent.entries, ID));
	pthread_mutex_unlock(&agent.lock);
	return heard || error_set(err, ERROR_UNAVAILABLE, "nobody answers");
}

static void send_all(void)
{
	*told = '\0';
	pthread_mutex_lock(&agent.lock);
	status_send();
	pthread_mutex_unlock(&agent.lock);
}

/* A server that is to go, and waits for something: that is to be told. */
static struct entry *make_entry(void)
{
	static const struct agent_settings settings;
	static const char text[] = "{\"id\": \"" ID "\", \"generation\": 2, \"want\": \"absent\"}";
	struct entry *entry = entry_get(ID);
	yyjson_doc *doc = yyjson_read(text, strlen(text), 0);

	agent.settings = &settings;
	agent.stopping = true; /* nothing is waited for after a failure */
	entry_want(entry, yyjson_doc_get_root(doc));
	yyjson_doc_free(doc);
	entry->waits = entry->report = true;
	entry_fail(entry, "it hangs");
	meanwhile = NULL;
	heard = true;
	return entry;
}

static void goes(struct entry *entry)
{
	entry->waits = false;
	entry->state = STATE_GONE;
	entry->done = entry->generation;
	entry->report = true;
	entry_fail(entry, NULL);
}

/* Found by seed 2904 of the simulator: the controller waited for that word for ever. */
static void test_what_is_gone_while_something_else_is_told_is_told_next(void **state)
{
	(void)state;
	make_entry();
	meanwhile = goes;
	send_all();
	assert_non_null(strstr(told, "\"building\""));
	meanwhile = NULL;
	send_all();
	assert_non_null(strstr(told, "\"gone\""));
	assert_null(map_get(&agent.entries, ID)); /* and forgotten then */
	send_all();
	assert_string_equal(told, "");
}

static void test_what_was_not_heard_is_told_again(void **state)
{
	(void)state;
	goes(make_entry());
	heard = false;
	send_all();
	assert_non_null(strstr(told, "\"gone\""));
	heard = true;
	send_all();
	assert_non_null(strstr(told, "\"gone\""));
	assert_null(map_get(&agent.entries, ID));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_gone_while_something_else_is_told_is_told_next),
		cmocka_unit_test(test_what_was_not_heard_is_told_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
