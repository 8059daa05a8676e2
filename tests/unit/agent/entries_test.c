/* Tests: which server is worked at next. */
#include "../test.h"

#include "agent/entries.h"
#include "wanted.h"

static void want(const char *id, int generation)
{
	char text[200];
	yyjson_doc *doc;

	snprintf(text, sizeof text, "{\"id\": \"%s\", \"generation\": %d, \"want\": \"running\"}", id,
		 generation);
	doc = yyjson_read(text, strlen(text), 0);
	entry_want(entry_get(id), yyjson_doc_get_root(doc));
	yyjson_doc_free(doc);
}

/* Whatever their ids are, and however many come after it, the one that waits longest is the next. */
static void test_first_come_first_served(void **state)
{
	char id[40];

	(void)state;
	for (int i = 0; i < 200; i++) {
		snprintf(id, sizeof id, "%08x-0000-4000-8000-000000000000", (unsigned int)i * 2654435761U);
		want(id, 1);
	}
	for (int i = 0; i < 200; i++) {
		struct entry *entry = work_next();

		assert_non_null(entry);
		snprintf(id, sizeof id, "%08x-0000-4000-8000-000000000000", (unsigned int)i * 2654435761U);
		assert_string_equal(entry->id, id);
		entry->done = entry->generation;
		if (i == 100) /* something new of one that is through goes to the end */
			want("00000000-0000-4000-8000-000000000000", 2);
	}
	assert_string_equal(work_next()->id, "00000000-0000-4000-8000-000000000000");
	work_next()->busy = true;
	assert_null(work_next());
}

/* A server waits a minute for its next try: as soon as what hung is back, it waits no longer. */
static void test_tried_again_when_something_came_back(void **state)
{
	struct entry *entry = entry_get("99999999-0000-4000-8000-000000000000");

	(void)state;
	want(entry->id, 1);
	entry->waits = true;
	entry->not_before = INT64_MAX;
	assert_null(work_next());
	work_try_again();
	assert_ptr_equal(work_next(), entry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_come_first_served),
		cmocka_unit_test(test_tried_again_when_something_came_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
