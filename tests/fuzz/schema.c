/* Compute's checks of JSON bodies: first line a microversion (2001 ...), then the body. */
#include "fuzz.h"

#include "compute/schema.h"

static const char *const choices[] = {"auto", "none", NULL};
static const struct schema uuid = {.types = SCHEMA_STRING, .format = SCHEMA_UUID};
static const struct schema address = {.types = SCHEMA_STRING, .format = SCHEMA_IP};
static const struct schema tag = {.types = SCHEMA_STRING, .format = SCHEMA_TAG, .shortest = 1, .longest = 60};
static const struct schema word = {.types = SCHEMA_STRING | SCHEMA_NULL, .choices = choices};
static const struct schema base64 = {.types = SCHEMA_STRING, .format = SCHEMA_BASE64, .longest = 65535};
static const struct schema host = {.types = SCHEMA_STRING, .format = SCHEMA_FQDN_LABEL};
static const struct schema ratio = {.types = SCHEMA_NUMBER | SCHEMA_STRING, .format = SCHEMA_DECIMAL};
static const struct schema flavor = {.types = SCHEMA_STRING | SCHEMA_INTEGER, .format = SCHEMA_FLAVOR_ID};
static const struct schema_field nic_fields[] = {{"port", &uuid},
						 {"fixed_ip", &address},
						 {"tag", &tag, .since = 2032},
						 {0}};
static const struct schema nic = {.types = SCHEMA_OBJECT, .fields = nic_fields};
static const struct schema nics = {.types = SCHEMA_ARRAY, .items = &nic, .longest = 4};
static const struct schema tags = {.types = SCHEMA_ARRAY, .items = &tag, .unique = true};
static const struct schema_field server_fields[] = {
	{"name", &schema_name, .required = true},
	{"min_count", &schema_count},
	{"networks", &nics},
	{"policy", &word},
	{"tags", &tags, .since = 2052},
	{"metadata", &schema_metadata},
	{"user_data", &base64},
	{"hostname", &host, .since = 2090},
	{"ratio", &ratio},
	{"flavorRef", &flavor, .until = 2080},
	{"description", &schema_description, .since = 2019},
	{"locked", &schema_boolean_like},
	{0},
};
static const struct schema server = {.types = SCHEMA_OBJECT, .fields = server_fields};
static const struct schema *const all[] = {&server,
					   &nic,
					   &nics,
					   &tags,
					   &uuid,
					   &address,
					   &tag,
					   &word,
					   &base64,
					   &host,
					   &ratio,
					   &flavor,
					   &schema_metadata,
					   &schema_count,
					   &schema_name,
					   &schema_boolean_like,
					   &schema_description};

static void check_text(const char *text)
{
	struct error err = {0};

	for (int format = SCHEMA_ANY; format <= SCHEMA_TAG; format++)
		schema_text_fits((enum schema_format)format, text);
	for (size_t i = 0; i < ELEMENTS_OF(all); i++) {
		bool ok = schema_check_query(all[i], "limit", text, &err);

		FUZZ_CHECK_ERROR(ok, &err);
	}
}

static void check_body(yyjson_val *body, int microversion)
{
	struct error err = {0};

	for (size_t i = 0; i < ELEMENTS_OF(all); i++) {
		bool ok = schema_check(all[i], body, microversion, &err);

		FUZZ_CHECK_ERROR(ok, &err);
		if (ok && all[i] == &schema_count)
			FUZZ_CHECK(schema_integer(body, -1) >= 1 && schema_integer(body, -1) <= INT32_MAX);
		if (ok && all[i] == &schema_boolean_like)
			FUZZ_CHECK(schema_boolean(body, true) == schema_boolean(body, false));
		if (ok && all[i] == &server)
			FUZZ_CHECK(yyjson_is_str(yyjson_obj_get(body, "name")));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	_cleanup_free_ char *first = fuzz_line(&input), *text = NULL;
	yyjson_doc *doc = fuzz_json(&input);

	if (doc)
		check_body(yyjson_doc_get_root(doc), atoi(first));
	yyjson_doc_free(doc);
	text = fuzz_rest(&input);
	if (text_is_utf8(text, strlen(text)))
		check_text(text);
	return 0;
}
