/* Tests of small parts: microversions, console logs. */
#include "../test.h"

#include "compute/console.h"
#include "compute/microversion.h"
#include "sys/sys.h"

static int negotiate(const char *header, const char *old_header)
{
	struct error err = {0};
	int microversion;

	return microversion_negotiate(header, old_header, &microversion, &err) ? microversion
									       : -(int)err.kind;
}

static void test_microversions(void **state)
{
	(void)state;
	assert_int_equal(negotiate(NULL, NULL), 2001);
	assert_int_equal(negotiate("compute 2.61", NULL), 2061);
	assert_int_equal(negotiate("identity 3, compute 2.61", "2.5"), 2061);
	assert_int_equal(negotiate("Compute  2.61 ,identity 3", NULL), 2061);
	assert_int_equal(negotiate("identity 3", "2.5"), 2005);
	assert_int_equal(negotiate(NULL, "2.90"), 2090);
	assert_int_equal(negotiate("compute latest", NULL), 2090);
	assert_int_equal(negotiate("compute 2.91", NULL), -406);
	assert_int_equal(negotiate("compute 2.0", NULL), -406);
	assert_int_equal(negotiate("compute 3.0", NULL), -406);
	assert_int_equal(negotiate("compute 2.999999999999", NULL), -400);
	assert_int_equal(negotiate("compute ", NULL), -400);
	assert_int_equal(negotiate("compute,identity 3", NULL), 2001);
	assert_int_equal(negotiate(NULL, ""), -400);
	assert_int_equal(negotiate(NULL, "2"), -400);
	assert_int_equal(negotiate(NULL, "2.01"), -400);
	assert_int_equal(negotiate(NULL, "2.x"), -400);
	assert_int_equal(negotiate(NULL, "-2.1"), -400);
}

#define HOST   "11111111-1111-1111-1111-111111111111"
#define OTHER  "22222222-2222-2222-2222-222222222222"
#define SERVER "33333333-3333-3333-3333-333333333333"

static int64_t virtual_now;

static int64_t virtual_monotonic(void)
{
	return virtual_now;
}

static size_t told(const char *host)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *ids = yyjson_mut_arr(doc);

	console_tell(host, doc, ids);
	size_t count = yyjson_mut_arr_size(ids);
	yyjson_mut_doc_free(doc);
	return count;
}

static void assert_log(int64_t since, int64_t lines, const char *expected)
{
	struct text log = {0};

	assert_true(console_take(SERVER, since, lines, &log));
	assert_string_equal(log.data ? log.data : "", expected);
	text_done(&log);
}

static void test_console(void **state)
{
	struct sys_time clock = *sys_time;
	const struct sys_time *before = sys_time;
	struct text log = {0};

	(void)state;
	clock.monotonic = virtual_monotonic;
	sys_time = &clock;
	virtual_now = 1000;
	console_put(SERVER, HOST, "unasked", 7);
	assert_false(console_take(SERVER, 0, -1, &log));
	console_want(SERVER, HOST);
	assert_int_equal(told(OTHER), 0);
	assert_int_equal(told(HOST), 1);
	assert_int_equal(told(HOST), 0); /* once */
	console_put(SERVER, OTHER, "not its host", 12);
	assert_false(console_take(SERVER, 0, -1, &log));
	console_put(SERVER, HOST, "a\r\n\033[1mb\xff\xc3\xa9\n\0c", 14);
	assert_log(1000, -1, "a\n[1mb\xef\xbf\xbd\xc3\xa9\nc");
	assert_log(1000, 1, "c");
	assert_log(1000, 2, "[1mb\xef\xbf\xbd\xc3\xa9\nc");
	assert_log(1000, 0, "");
	assert_log(1000, 99, "a\n[1mb\xef\xbf\xbd\xc3\xa9\nc");
	assert_false(console_take(SERVER, 1001, -1, &log)); /* an old log does not answer a new question */
	virtual_now += 60 * INT64_C(1000000);
	assert_int_equal(told(HOST), 0);
	assert_false(console_take(SERVER, 0, -1, &log)); /* forgotten */
	sys_time = before;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_microversions),
		cmocka_unit_test(test_console),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
