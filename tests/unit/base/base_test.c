/* Tests of base: text, map, time, errors. */
#include "../test.h"

#include "base/error.h"
#include "base/log.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/timestamp.h"

static void test_text_grows_and_escapes(void **state)
{
	struct text text = {0};

	(void)state;
	for (int i = 0; i < 1000; i++)
		text_addf(&text, "%d,", i % 10);
	assert_int_equal(text.length, 2000);
	text_done(&text);
	text_add_xml(&text, "<a href=\"x\">&'\x01</a>");
	assert_string_equal(text.data, "&lt;a href=&quot;x&quot;&gt;&amp;&apos;?&lt;/a&gt;");
	text_done(&text);
	char *empty = text_take(&text);
	assert_string_equal(empty, "");
	free(empty);
}

static void test_text_to_int64_takes_whole_numbers_only(void **state)
{
	int64_t value = 7;

	(void)state;
	assert_true(text_to_int64("-5", -10, 10, &value) && value == -5);
	assert_false(text_to_int64("11", -10, 10, &value));
	assert_false(text_to_int64("", -10, 10, &value));
	assert_false(text_to_int64(" 1", -10, 10, &value));
	assert_false(text_to_int64("1x", -10, 10, &value));
	assert_false(text_to_int64("99999999999999999999", INT64_MIN, INT64_MAX, &value));
	assert_int_equal(value, -5);
}

/* XML 1.0 has no U+FFFE and U+FFFF, which JSON has. */
static void test_xml_has_its_characters_only(void **state)
{
	struct text text = {0};

	(void)state;
	text_add_xml(&text, "\xef\xbf\xbe|\xef\xbf\xbf|\xef\xbf\xbd|\x7f");
	assert_string_equal(text.data, "?|?|\xef\xbf\xbd|\x7f");
	text_done(&text);
}

/* Limits in formats ("%.40s") count bytes and cut characters. */
static void test_errors_are_utf8(void **state)
{
	struct error err;
	char text[] = "a\xe2\x82|\xff\xc3\xa4\xc3";

	(void)state;
	text_make_utf8(text);
	assert_string_equal(text, "a|\xc3\xa4");
	error_set(&err, ERROR_BAD_REQUEST, "'%.4s' is bad", "\xe2\x82\xac\xe2\x82\xac");
	assert_string_equal(err.message, "'\xe2\x82\xac' is bad");
	error_wrap(&err, "%.1s", "\xc3\xa4");
	assert_string_equal(err.message, ": '\xe2\x82\xac' is bad");
}

static void test_text_is_utf8_follows_the_standard(void **state)
{
	(void)state;
	assert_true(text_is_utf8("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 10));
	assert_false(text_is_utf8("\xc0\x80", 2));	   /* overlong */
	assert_false(text_is_utf8("\xed\xa0\x80", 3));	   /* surrogate */
	assert_false(text_is_utf8("\xf4\x90\x80\x80", 4)); /* above U+10FFFF */
	assert_false(text_is_utf8("\xe2\x82", 2));	   /* cut */
	assert_false(text_is_utf8("\xff", 1));
	assert_false(text_is_utf8("a\0b", 3));
}

static void test_text_distance_counts_letters(void **state)
{
	static const struct {
		const char *a, *b;
		int distance;
	} cases[] = {
		{"", "", 0},
		{"a", "", 1},
		{"", "abc", 3},
		{"device_spec", "device-Spec", 0},
		{"device_spec", "device_specs", 1},
		{"kitten", "sitting", 3},
		{"alias", "alais", 2},
	};
	char large[66] = "";

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(cases); i++)
		assert_int_equal(text_distance(cases[i].a, cases[i].b, strlen(cases[i].b)),
				 cases[i].distance);
	assert_int_equal(text_distance("abc", "abcdef", 3), 0);
	memset(large, 'a', 65);
	assert_int_equal(text_distance(large, "a", 1), TEXT_FAR);
	assert_int_equal(text_distance("a", large, 65), TEXT_FAR);
	assert_int_equal(text_distance("a", large, 64), 63);
}

static void test_map_keeps_what_was_put(void **state)
{
	struct map map = {0};
	static int values[500];
	char key[16];

	(void)state;
	for (int i = 0; i < 500; i++) {
		snprintf(key, sizeof key, "key-%d", i);
		assert_null(map_put(&map, key, &values[i]));
	}
	for (int i = 0; i < 500; i += 2) {
		snprintf(key, sizeof key, "key-%d", i);
		assert_ptr_equal(map_remove(&map, key), &values[i]);
	}
	assert_int_equal(map.count, 250);
	for (int i = 0; i < 500; i++) {
		snprintf(key, sizeof key, "key-%d", i);
		assert_ptr_equal(map_get(&map, key), i % 2 ? &values[i] : NULL);
	}
	size_t seen = 0;
	for (size_t position = 0; map_next(&map, &position);)
		seen++;
	assert_int_equal(seen, 250);
	map_done(&map, NULL);
}

static void test_time_has_the_styles_of_the_apis(void **state)
{
	int64_t at = INT64_C(1795437169) * TIME_SECOND + 42;
	char text[32];

	(void)state;
	assert_string_equal(time_format(at, TIME_SECONDS_Z, text), "2026-11-23T12:32:49Z");
	assert_string_equal(time_format(at, TIME_MICROSECONDS_Z, text), "2026-11-23T12:32:49.000042Z");
	assert_string_equal(time_format(at, TIME_MICROSECONDS, text), "2026-11-23T12:32:49.000042");
	assert_string_equal(time_format(at, TIME_SPACED, text), "2026-11-23 12:32:49");
}

static void test_error_wrap_puts_context_in_front(void **state)
{
	struct error err;

	(void)state;
	assert_false(error_set_typed(&err, ERROR_NOT_FOUND, "PortNotFound", "port %d is gone", 7));
	assert_false(error_wrap(&err, "server %s", "a"));
	assert_string_equal(err.message, "server a: port 7 is gone");
	assert_int_equal(err.kind, ERROR_NOT_FOUND);
	assert_string_equal(err.type, "PortNotFound");
}

static void remember(void *user, enum log_level level, const char *message)
{
	snprintf(user, 40, "%d %s", level, message);
}

static void test_a_log_can_go_elsewhere(void **state)
{
	char last[40] = "";

	(void)state;
	log_redirect(remember, last);
	log_warning("%d things", 2);
	log_debug("not at this level");
	log_redirect(NULL, NULL);
	assert_string_equal(last, "4 2 things");
}

static void test_array_add_zeroes_each_new_element(void **state)
{
	int *items = NULL;
	size_t count = 0;

	(void)state;
	for (int i = 0; i < 100; i++) {
		int *item = ARRAY_ADD(items, count);

		assert_int_equal(*item, 0);
		*item = i;
	}
	assert_int_equal(items[99], 99);
	free(items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_grows_and_escapes),
		cmocka_unit_test(test_text_to_int64_takes_whole_numbers_only),
		cmocka_unit_test(test_xml_has_its_characters_only),
		cmocka_unit_test(test_errors_are_utf8),
		cmocka_unit_test(test_text_is_utf8_follows_the_standard),
		cmocka_unit_test(test_text_distance_counts_letters),
		cmocka_unit_test(test_map_keeps_what_was_put),
		cmocka_unit_test(test_time_has_the_styles_of_the_apis),
		cmocka_unit_test(test_error_wrap_puts_context_in_front),
		cmocka_unit_test(test_a_log_can_go_elsewhere),
		cmocka_unit_test(test_array_add_zeroes_each_new_element),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
