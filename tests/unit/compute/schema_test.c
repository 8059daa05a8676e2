/* Tests of compute/schema: each sentence as the API says it. */
#include "../test.h"

#include "base/memory.h"
#include "compute/schema.h"

static const char *const colours[] = {"red", "green", NULL};
static const struct schema colour = {.types = SCHEMA_STRING, .choices = colours};
static const struct schema number = {.types = SCHEMA_INTEGER | SCHEMA_STRING,
				     .shortest = 1,
				     .format = SCHEMA_DIGITS,
				     .ranged = true,
				     .minimum = 1,
				     .maximum = 9};
static const struct schema id = {.types = SCHEMA_STRING, .format = SCHEMA_UUID};
static const struct schema list = {.types = SCHEMA_ARRAY, .longest = 2, .items = &id, .unique = true};
static const struct schema data = {.types = SCHEMA_STRING, .longest = 8, .format = SCHEMA_BASE64};
static const struct schema address = {.types = SCHEMA_STRING, .format = SCHEMA_IP};
static const struct schema_field thing_fields[] = {
	{"name", &schema_name, .required = true},
	{"colour", &colour},
	{"number", &number},
	{"ids", &list},
	{"data", &data},
	{"address", &address},
	{"on", &schema_boolean_like},
	{"metadata", &schema_metadata},
	{"description", &schema_description, .since = 2019},
	{0},
};
static const struct schema thing = {.types = SCHEMA_OBJECT, .fields = thing_fields};
static const struct schema_field body_fields[] = {{"thing", &thing, .required = true}, {0}};
static const struct schema body = {.types = SCHEMA_OBJECT, .fields = body_fields};

/* The complaint about a body, "" if there is none.  Single quotes stand for double ones. */
static const char *check_at(const char *text, int microversion)
{
	static char message[1000];
	_cleanup_free_ char *json = memory_copy_text(text);
	struct error err = {0};

	for (char *c = json; *c; c++)
		*c = *c == '`' ? '"' : *c;
	yyjson_doc *doc = yyjson_read(json, strlen(json), 0);
	assert_non_null(doc);
	bool ok = schema_check(&body, yyjson_doc_get_root(doc), microversion, &err);
	yyjson_doc_free(doc);
	assert_true(ok || err.kind == ERROR_BAD_REQUEST);
	snprintf(message, sizeof message, "%s", ok ? "" : err.message);
	return message;
}

#define check(text) check_at(text, 2001)

static void test_fits(void **state)
{
	(void)state;
	assert_string_equal(check("{`thing`: {`name`: `a`}}"), "");
	assert_string_equal(check("{`thing`: {`name`: `a b`, `colour`: `red`, `number`: 9, `on`: `yes`}}"),
			    "");
	assert_string_equal(check("{`thing`: {`name`: `é`, `number`: `3`, `on`: false, `number`: 1.0}}"), "");
	assert_string_equal(check("{`thing`: {`name`: `a`, `data`: `aGk=`, `address`: `fd00::1`}}"), "");
	assert_string_equal(check("{`thing`: {`name`: `a`, `metadata`: {`k:1`: `v`}}}"), "");
	assert_string_equal(check_at("{`thing`: {`name`: `a`, `description`: null}}", 2019), "");
}

static void test_members(void **state)
{
	(void)state;
	assert_string_equal(check("{}"), "'thing' is a required property");
	assert_string_equal(
		check("{`thing`: {}}"),
		"Invalid input for field/attribute thing. Value: {}. 'name' is a required property");
	assert_string_equal(check("{`thing`: {`name`: `a`}, `x`: 1}"),
			    "Additional properties are not allowed ('x' was unexpected)");
	assert_string_equal(
		check("{`thing`: {`name`: `a`, `x`: 1, `y`: null}}"),
		"Invalid input for field/attribute thing. Value: {'name': 'a', 'x': 1, 'y': None}. "
		"Additional properties are not allowed ('x', 'y' were unexpected)");
	/* A member that came with a later microversion is unknown before. */
	assert_string_equal(
		check_at("{`thing`: {`name`: `a`, `description`: `d`}}", 2018),
		"Invalid input for field/attribute thing. Value: {'name': 'a', 'description': 'd'}. "
		"Additional properties are not allowed ('description' was unexpected)");
}

static void test_types(void **state)
{
	(void)state;
	assert_string_equal(check("{`thing`: 7}"),
			    "Invalid input for field/attribute thing. Value: 7. 7 is not of type 'object'");
	assert_string_equal(
		check("{`thing`: {`name`: null}}"),
		"Invalid input for field/attribute name. Value: None. None is not of type 'string'");
	assert_string_equal(
		check("{`thing`: {`name`: `a`, `number`: true}}"),
		"Invalid input for field/attribute number. Value: True. True is not of type 'integer', "
		"'string'");
	assert_string_equal(
		check("{`thing`: {`name`: `a`, `number`: 1.5}}"),
		"Invalid input for field/attribute number. Value: 1.5. 1.5 is not of type 'integer', "
		"'string'");
	assert_string_equal(
		check("{`thing`: {`name`: [`it's`]}}"),
		"Invalid input for field/attribute name. Value: [\"it's\"]. [\"it's\"] is not of type "
		"'string'");
}

static void test_texts(void **state)
{
	_cleanup_free_ char *json = NULL;
	char long_name[300];

	(void)state;
	assert_string_equal(check("{`thing`: {`name`: ``}}"),
			    "Invalid input for field/attribute name. Value: . '' is too short");
	memset(long_name, 'x', 256);
	long_name[256] = '\0';
	json = memory_printf("{`thing`: {`name`: `%s`}}", long_name);
	assert_non_null(strstr(check(json), " is too long"));
	assert_non_null(strstr(check("{`thing`: {`name`: ` a`}}"), "Can not start or end with whitespace."));
	assert_string_equal(
		check("{`thing`: {`name`: `a`, `colour`: `blue`}}"),
		"Invalid input for field/attribute colour. Value: blue. 'blue' is not one of ['red', "
		"'green']");
	assert_string_equal(check("{`thing`: {`name`: `a`, `data`: `!`}}"),
			    "Invalid input for field/attribute data. Value: !. '!' is not a 'base64'");
	assert_non_null(strstr(check("{`thing`: {`name`: `a`, `address`: `10.0.0.300`}}"), "10.0.0.300"));
	assert_non_null(
		strstr(check("{`thing`: {`name`: `a`, `on`: `perhaps`}}"), "is not one of [True, 'True'"));
	assert_string_equal(
		check("{`thing`: {`name`: `a`, `metadata`: {`k/`: `v`}}}"),
		"Invalid input for field/attribute metadata. Value: {'k/': 'v'}. 'k/' does not match any "
		"of the regexes: '^[a-zA-Z0-9-_:. ]{1,255}$'");
	assert_non_null(
		strstr(check("{`thing`: {`name`: `a`, `metadata`: {`k`: 1}}}"), "1 is not of type 'string'"));
}

static void test_numbers(void **state)
{
	(void)state;
	assert_string_equal(
		check("{`thing`: {`name`: `a`, `number`: 0}}"),
		"Invalid input for field/attribute number. Value: 0. 0 is less than the minimum of 1");
	assert_string_equal(
		check("{`thing`: {`name`: `a`, `number`: `10`}}"),
		"Invalid input for field/attribute number. Value: 10. '10' is greater than the maximum of 9");
	assert_non_null(
		strstr(check("{`thing`: {`name`: `a`, `number`: 18446744073709551615}}"), "greater than"));
	assert_non_null(strstr(check("{`thing`: {`name`: `a`, `number`: 1e300}}"), "is not of type"));
	assert_non_null(
		strstr(check("{`thing`: {`name`: `a`, `number`: `-1`}}"), "does not match '^[0-9]*$'"));
	assert_non_null(
		strstr(check("{`thing`: {`name`: `a`, `number`: `99999999999999999999`}}"), "greater than"));
}

#define A "11111111-2222-3333-4444-555555555555"
#define B "aaaaaaaabbbbccccddddeeeeeeeeeeee"

static void test_arrays(void **state)
{
	(void)state;
	assert_string_equal(check("{`thing`: {`name`: `a`, `ids`: [`" A "`, `" B "`]}}"), "");
	assert_string_equal(check("{`thing`: {`name`: `a`, `ids`: [`x`]}}"),
			    "Invalid input for field/attribute 0. Value: x. 'x' is not a 'uuid'");
	assert_non_null(strstr(check("{`thing`: {`name`: `a`, `ids`: [`" A "`, `" A "`]}}"),
			       "has non-unique elements"));
	assert_non_null(
		strstr(check("{`thing`: {`name`: `a`, `ids`: [`" A "`, `" B "`, `" A "`]}}"), "is too long"));
}

static void test_query(void **state)
{
	struct error err = {0};

	(void)state;
	assert_true(schema_check_query(&number, "limit", "5", &err));
	assert_false(schema_check_query(&number, "limit", "x", &err));
	assert_string_equal(
		err.message,
		"Invalid input for query parameters limit. Value: x. 'x' does not match '^[0-9]*$'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fits),  cmocka_unit_test(test_members), cmocka_unit_test(test_types),
		cmocka_unit_test(test_texts), cmocka_unit_test(test_numbers), cmocka_unit_test(test_arrays),
		cmocka_unit_test(test_query),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
