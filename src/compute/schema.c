/* The table-driven validator: walks a value along its table and tells the first thing that does not fit. */
#include "compute/schema.h"

#include "base/memory.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

static const struct {
	unsigned type;
	const char *name;
} schema_types[] = {
	{SCHEMA_OBJECT, "object"},   {SCHEMA_ARRAY, "array"},	{SCHEMA_BOOLEAN, "boolean"},
	{SCHEMA_INTEGER, "integer"}, {SCHEMA_NUMBER, "number"}, {SCHEMA_STRING, "string"},
	{SCHEMA_NULL, "null"},
};

const struct schema schema_name = {.types = SCHEMA_STRING,
				   .shortest = 1,
				   .longest = 255,
				   .format = SCHEMA_NAME};
const struct schema schema_boolean_like = {.types = SCHEMA_BOOLEAN | SCHEMA_STRING,
					   .format = SCHEMA_BOOLEAN_WORD};
const struct schema schema_description = {.types = SCHEMA_STRING | SCHEMA_NULL, .longest = 255};
const struct schema schema_null = {.types = SCHEMA_NULL};
const struct schema schema_text = {.types = SCHEMA_STRING};
const struct schema schema_count = {.types = SCHEMA_INTEGER | SCHEMA_STRING,
				    .shortest = 1,
				    .format = SCHEMA_DIGITS,
				    .ranged = true,
				    .minimum = 1,
				    .maximum = INT32_MAX};

static const struct schema schema_metadata_value = {.types = SCHEMA_STRING, .longest = 255};
const struct schema schema_metadata = {.types = SCHEMA_OBJECT,
				       .keys = SCHEMA_METADATA_KEY,
				       .items = &schema_metadata_value};

/* --- how Python shows a value: Nova's sentences contain its repr() --- */

static void show_string(struct text *text, const char *string)
{
	bool quote = strchr(string, '\'') && !strchr(string, '"');

	text_add(text, quote ? "\"" : "'");
	for (const char *c = string; *c; c++) {
		if (*c == '\n')
			text_add(text, "\\n");
		else if (*c == '\t')
			text_add(text, "\\t");
		else if (*c == '\\')
			text_add(text, "\\\\");
		else if (*c == '\'' && !quote)
			text_add(text, "\\'");
		else
			text_add_bytes(text, c, 1);
	}
	text_add(text, quote ? "\"" : "'");
}

static void show(struct text *text, yyjson_val *value)
{
	size_t i, max;
	yyjson_val *key, *item;

	if (text->length > 1000)
		return; /* the message is cut there anyway */
	switch (yyjson_get_type(value)) {
	case YYJSON_TYPE_STR:
		show_string(text, yyjson_get_str(value));
		break;
	case YYJSON_TYPE_BOOL:
		text_add(text, yyjson_get_bool(value) ? "True" : "False");
		break;
	case YYJSON_TYPE_NUM:
		if (yyjson_is_uint(value))
			text_addf(text, "%llu", (unsigned long long)yyjson_get_uint(value));
		else if (yyjson_is_int(value))
			text_addf(text, "%lld", (long long)yyjson_get_sint(value));
		else
			text_addf(text, "%.15g", yyjson_get_real(value));
		break;
	case YYJSON_TYPE_ARR:
		text_add(text, "[");
		yyjson_arr_foreach (value, i, max, item) {
			text_add(text, i ? ", " : "");
			show(text, item);
		}
		text_add(text, "]");
		break;
	case YYJSON_TYPE_OBJ:
		text_add(text, "{");
		yyjson_obj_foreach (value, i, max, key, item) {
			text_add(text, i ? ", " : "");
			show(text, key);
			text_add(text, ": ");
			show(text, item);
		}
		text_add(text, "}");
		break;
	default:
		text_add(text, "None");
	}
}

/* --- formats --- */

static const char *const boolean_words[] = {"True", "TRUE", "true", "1",     "ON",    "On",    "on",
					    "YES",  "Yes",  "yes",  "False", "FALSE", "false", "0",
					    "OFF",  "Off",  "off",  "NO",    "No",    "no",    NULL};

static bool is_one_of(const char *const *choices, const char *text)
{
	for (; *choices; choices++) {
		if (strcmp(*choices, text) == 0)
			return true;
	}
	return false;
}

static bool consists_of(const char *text, bool (*allowed)(unsigned char c))
{
	for (; *text; text++) {
		if (!allowed((unsigned char)*text))
			return false;
	}
	return true;
}

static bool is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(unsigned char c)
{
	return isalnum(c) && c < 0x80;
}

static bool is_printable(unsigned char c)
{
	return c >= 0x20 && c != 0x7f;
}

static bool is_host_character(unsigned char c)
{
	return is_word(c) || strchr("-._", c);
}

static bool is_label_character(unsigned char c)
{
	return is_word(c) || c == '-';
}

static bool is_key_character(unsigned char c)
{
	return is_word(c) || strchr("-_:. ", c);
}

static bool is_flavor_character(unsigned char c)
{
	return is_word(c) || strchr("._- ", c);
}

static bool is_tag_character(unsigned char c)
{
	return c != '/' && c != ',';
}

static bool is_name(const char *text)
{
	size_t length = strlen(text);

	return length > 0 && text[0] != ' ' && text[length - 1] != ' ' && consists_of(text, is_printable);
}

static bool is_decimal(const char *text)
{
	size_t whole = strspn(text, "0123456789"), part;

	if (whole == 0 || text[whole] == '\0')
		return whole > 0;
	part = strspn(text + whole + 1, "0123456789");
	return text[whole] == '.' && part > 0 && text[whole + 1 + part] == '\0';
}

/* As Python's uuid.UUID reads it, in the two spellings that clients use: with dashes and without. */
static bool is_uuid(const char *text)
{
	size_t digits = 0, dashes = 0;

	for (const char *c = text; *c; c++) {
		if (isxdigit((unsigned char)*c))
			digits++;
		else if (*c == '-')
			dashes++;
		else
			return false;
	}
	if (digits != 32)
		return false;
	return dashes == 0 ||
	       (dashes == 4 && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-');
}

static bool is_base64(const char *text)
{
	size_t length = 0, pad = 0;

	for (; *text; text++) {
		if (*text == '\n' || *text == '\r')
			continue;
		if (*text == '=')
			pad++;
		else if (pad || !(is_word((unsigned char)*text) || *text == '+' || *text == '/'))
			return false;
		length++;
	}
	return pad <= 2 && length % 4 == 0;
}

static bool is_address(int family, const char *text)
{
	unsigned char binary[sizeof(struct in6_addr)];

	return inet_pton(family, text, binary) == 1;
}

static bool is_label(const char *text)
{
	size_t length = strlen(text);

	return length <= 63 && length > 0 && text[0] != '-' && text[length - 1] != '-' &&
	       consists_of(text, is_label_character);
}

bool schema_text_fits(enum schema_format format, const char *text)
{
	switch (format) {
	case SCHEMA_ANY:
		return true;
	case SCHEMA_NAME:
		return is_name(text);
	case SCHEMA_DIGITS:
		return *text && consists_of(text, is_digit);
	case SCHEMA_DECIMAL:
		return is_decimal(text);
	case SCHEMA_UUID:
		return is_uuid(text);
	case SCHEMA_BASE64:
		return is_base64(text);
	case SCHEMA_IP:
		return is_address(AF_INET, text) || is_address(AF_INET6, text);
	case SCHEMA_IPV4:
		return !*text || is_address(AF_INET, text);
	case SCHEMA_IPV6:
		return !*text || is_address(AF_INET6, text);
	case SCHEMA_BOOLEAN_WORD:
		return is_one_of(boolean_words, text);
	case SCHEMA_HOSTNAME:
		return *text && consists_of(text, is_host_character);
	case SCHEMA_FQDN_LABEL:
		return is_label(text);
	case SCHEMA_FLAVOR_ID:
		return is_name(text) && consists_of(text, is_flavor_character);
	case SCHEMA_METADATA_KEY:
		return *text && strlen(text) <= 255 && consists_of(text, is_key_character);
	case SCHEMA_TAG:
		return consists_of(text, is_tag_character);
	}
	return false;
}

/* What the sentence says of a text that does not have the format; %s is the text as Python shows it. */
static const char *format_complaint(enum schema_format format)
{
	switch (format) {
	case SCHEMA_DIGITS:
		return "%s does not match '^[0-9]*$'";
	case SCHEMA_DECIMAL:
		return "%s does not match '^[0-9]+(\\\\.[0-9]+)?$'";
	case SCHEMA_UUID:
		return "%s is not a 'uuid'";
	case SCHEMA_BASE64:
		return "%s is not a 'base64'";
	case SCHEMA_IP:
		return "%s is not a 'ipv4' or 'ipv6' address";
	case SCHEMA_IPV4:
		return "%s is not a 'ipv4'";
	case SCHEMA_IPV6:
		return "%s is not a 'ipv6'";
	case SCHEMA_BOOLEAN_WORD:
		return "%s is not one of [True, 'True', 'TRUE', 'true', '1', 'ON', 'On', 'on', 'YES', 'Yes', "
		       "'yes', "
		       "False, 'False', 'FALSE', 'false', '0', 'OFF', 'Off', 'off', 'NO', 'No', 'no']";
	case SCHEMA_HOSTNAME:
		return "%s does not match '^[a-zA-Z0-9-._]*$'";
	case SCHEMA_FQDN_LABEL:
		return "%s is not a 'fqdn'";
	case SCHEMA_FLAVOR_ID:
		return "%s does not match '^(?! )[a-zA-Z0-9. _-]+(?<! )$'";
	case SCHEMA_TAG:
		return "%s does not match '^[^,/]*$'";
	default:
		return "%s has a wrong format";
	}
}

/* --- the walk --- */

struct walk {
	int microversion;
	const char *parameter; /* of the query: its sentence begins differently */
	struct error *err;
};

static bool complain(const struct walk *walk, const char *path, yyjson_val *value, const char *sentence)
{
	_cleanup_(text_done) struct text shown = {0};

	if (!path)
		return error_set(walk->err, ERROR_BAD_REQUEST, "%s", sentence);
	if (yyjson_is_str(value))
		text_add(&shown, yyjson_get_str(value));
	else
		show(&shown, value);
	return error_set(walk->err, ERROR_BAD_REQUEST, "Invalid input for %s %s. Value: %.300s. %s",
			 walk->parameter ? "query parameters" : "field/attribute", path,
			 shown.data ? shown.data : "", sentence);
}

/* Complains with a sentence that begins with the value as Python shows it. */
__attribute__((format(printf, 4, 5))) static bool complain_of(const struct walk *walk, const char *path,
							      yyjson_val *value, const char *format, ...)
{
	_cleanup_(text_done) struct text sentence = {0};
	char rest[500];
	va_list args;

	show(&sentence, value);
	if (sentence.length > 300)
		sentence.data[sentence.length = 300] = '\0';
	va_start(args, format);
	vsnprintf(rest, sizeof rest, format, args);
	va_end(args);
	text_add(&sentence, rest);
	return complain(walk, path, value, sentence.data);
}

static bool real_is_whole(double real)
{
	return real > -9e15 && real < 9e15 && real == (double)(int64_t)real;
}

static unsigned type_of(yyjson_val *value)
{
	switch (yyjson_get_type(value)) {
	case YYJSON_TYPE_STR:
		return SCHEMA_STRING;
	case YYJSON_TYPE_BOOL:
		return SCHEMA_BOOLEAN;
	case YYJSON_TYPE_NUM:
		/* 1.0 is an integer to jsonschema too. */
		return !yyjson_is_real(value) || real_is_whole(yyjson_get_real(value))
			       ? SCHEMA_INTEGER | SCHEMA_NUMBER
			       : SCHEMA_NUMBER;
	case YYJSON_TYPE_ARR:
		return SCHEMA_ARRAY;
	case YYJSON_TYPE_OBJ:
		return SCHEMA_OBJECT;
	default:
		return SCHEMA_NULL;
	}
}

static bool check_type(const struct walk *walk, const struct schema *schema, const char *path,
		       yyjson_val *value)
{
	_cleanup_(text_done) struct text names = {0};

	if (schema->types & type_of(value))
		return true;
	for (size_t i = 0; i < ELEMENTS_OF(schema_types); i++) {
		if (schema->types & schema_types[i].type)
			text_addf(&names, "%s'%s'", names.length ? ", " : "", schema_types[i].name);
	}
	return complain_of(walk, path, value, " is not of type %s", names.data);
}

static size_t characters(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

static bool check_size(const struct walk *walk, const struct schema *schema, const char *path,
		       yyjson_val *value)
{
	int64_t size = yyjson_is_str(value) ? (int64_t)characters(yyjson_get_str(value))
					    : (int64_t)yyjson_get_len(value);

	if (size < schema->shortest)
		return complain_of(walk, path, value,
				   yyjson_is_obj(value) ? " does not have enough properties"
							: " is too short");
	if (schema->longest && size > schema->longest)
		return complain_of(walk, path, value,
				   yyjson_is_obj(value) ? " has too many properties" : " is too long");
	return true;
}

static bool check_range(const struct walk *walk, const struct schema *schema, const char *path,
			yyjson_val *value)
{
	bool below, above;

	if (yyjson_is_str(value)) {
		int64_t number;
		bool fits = text_to_int64(yyjson_get_str(value), INT64_MIN, INT64_MAX, &number);

		below = fits && number < schema->minimum;
		above = !fits || number > schema->maximum;
	} else if (yyjson_is_real(value)) {
		below = yyjson_get_real(value) < (double)schema->minimum;
		above = yyjson_get_real(value) > (double)schema->maximum;
	} else {
		bool huge = yyjson_is_uint(value) && yyjson_get_uint(value) > (uint64_t)INT64_MAX;

		below = !huge && yyjson_get_sint(value) < schema->minimum;
		above = huge || yyjson_get_sint(value) > schema->maximum;
	}
	if (below)
		return complain_of(walk, path, value, " is less than the minimum of %lld",
				   (long long)schema->minimum);
	if (above)
		return complain_of(walk, path, value, " is greater than the maximum of %lld",
				   (long long)schema->maximum);
	return true;
}

static bool check_string(const struct walk *walk, const struct schema *schema, const char *path,
			 yyjson_val *value)
{
	const char *text = yyjson_get_str(value);
	_cleanup_(text_done) struct text sentence = {0}, shown = {0};

	if (!check_size(walk, schema, path, value))
		return false;
	if (schema->choices && !is_one_of(schema->choices, text)) {
		for (const char *const *choice = schema->choices; *choice; choice++) {
			text_add(&sentence, choice == schema->choices ? "" : ", ");
			show_string(&sentence, *choice);
		}
		return complain_of(walk, path, value, " is not one of [%s]", sentence.data);
	}
	if (!schema_text_fits(schema->format, text)) {
		if (schema->format == SCHEMA_NAME)
			return complain(walk, path, value,
					"An invalid 'name' value was provided. The name must be: printable "
					"characters. Can not start or end with whitespace.");
		const char *format = format_complaint(schema->format);
		show(&shown, value);
		text_addf(&sentence, "%.300s%s", shown.data, format + 2);
		return complain(walk, path, value, sentence.data);
	}
	return !schema->ranged || check_range(walk, schema, path, value);
}

static bool check_value(const struct walk *walk, const struct schema *schema, const char *path,
			yyjson_val *value);

static bool check_array(const struct walk *walk, const struct schema *schema, const char *path,
			yyjson_val *value)
{
	size_t i, max, k, all;
	yyjson_val *item, *other;

	if (schema->items) {
		yyjson_arr_foreach (value, i, max, item) {
			char number[24];

			snprintf(number, sizeof number, "%zu", i);
			if (!check_value(walk, schema->items, number, item))
				return false;
		}
	}
	if (!check_size(walk, schema, path, value))
		return false;
	if (!schema->unique)
		return true;
	/* Arrays that must be unique are short (their schema limits them). */
	yyjson_arr_foreach (value, i, max, item) {
		yyjson_arr_foreach (value, k, all, other) {
			if (k < i && yyjson_equals(item, other))
				return complain_of(walk, path, value, " has non-unique elements");
		}
	}
	return true;
}

static bool field_applies(const struct schema_field *field, int microversion)
{
	return (!field->since || microversion >= field->since) &&
	       (!field->until || microversion <= field->until);
}

static bool is_known(const struct schema *schema, const char *name, int microversion)
{
	for (const struct schema_field *field = schema->fields; field && field->name; field++) {
		if (field_applies(field, microversion) && strcmp(field->name, name) == 0)
			return true;
	}
	return false;
}

static bool check_fields(const struct walk *walk, const struct schema *schema, const char *path,
			 yyjson_val *value)
{
	_cleanup_(text_done) struct text unknown = {0};
	size_t i, max, count = 0;
	yyjson_val *key, *member;
	char sentence[700];

	for (const struct schema_field *field = schema->fields; field->name; field++) {
		if (!field_applies(field, walk->microversion))
			continue;
		member = yyjson_obj_get(value, field->name);
		if (member && !check_value(walk, field->schema, field->name, member))
			return false;
		if (!member && field->required) {
			snprintf(sentence, sizeof sentence, "'%s' is a required property", field->name);
			return complain(walk, path, value, sentence);
		}
	}
	if (schema->open)
		return true;
	yyjson_obj_foreach (value, i, max, key, member) {
		if (is_known(schema, yyjson_get_str(key), walk->microversion) || unknown.length > 300)
			continue;
		text_add(&unknown, count++ ? ", " : "");
		show(&unknown, key);
	}
	if (count == 0)
		return true;
	snprintf(sentence, sizeof sentence, "Additional properties are not allowed (%.500s %s unexpected)",
		 unknown.data, count > 1 ? "were" : "was");
	return complain(walk, path, value, sentence);
}

static bool check_map(const struct walk *walk, const struct schema *schema, const char *path,
		      yyjson_val *value)
{
	size_t i, max;
	yyjson_val *key, *member;

	yyjson_obj_foreach (value, i, max, key, member) {
		const char *name = yyjson_get_str(key);
		_cleanup_(text_done) struct text sentence = {0};

		if (!schema_text_fits(schema->keys, name)) {
			show(&sentence, key);
			text_add(&sentence,
				 " does not match any of the regexes: '^[a-zA-Z0-9-_:. ]{1,255}$'");
			return complain(walk, path, value, sentence.data);
		}
		if (schema->items && !check_value(walk, schema->items, name, member))
			return false;
	}
	return check_size(walk, schema, path, value);
}

static bool check_value(const struct walk *walk, const struct schema *schema, const char *path,
			yyjson_val *value)
{
	if (!check_type(walk, schema, path, value))
		return false;
	switch (yyjson_get_type(value)) {
	case YYJSON_TYPE_STR:
		return check_string(walk, schema, path, value);
	case YYJSON_TYPE_NUM:
		return !schema->ranged || check_range(walk, schema, path, value);
	case YYJSON_TYPE_ARR:
		return check_array(walk, schema, path, value);
	case YYJSON_TYPE_OBJ:
		return schema->fields ? check_fields(walk, schema, path, value)
				      : check_map(walk, schema, path, value);
	default:
		return true;
	}
}

bool schema_check(const struct schema *schema, yyjson_val *value, int microversion, struct error *err)
{
	struct walk walk = {.microversion = microversion, .err = err};

	return check_value(&walk, schema, NULL, value);
}

bool schema_check_query(const struct schema *schema, const char *name, const char *text, struct error *err)
{
	struct walk walk = {.parameter = name, .err = err};
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);

	yyjson_mut_doc_set_root(doc, yyjson_mut_str(doc, text));
	yyjson_doc *value = yyjson_mut_doc_imut_copy(doc, NULL);
	bool ok = check_value(&walk, schema, name, yyjson_doc_get_root(value));
	yyjson_doc_free(value);
	yyjson_mut_doc_free(doc);
	return ok;
}

int64_t schema_integer(yyjson_val *value, int64_t fallback)
{
	int64_t number = fallback;

	if (yyjson_is_str(value))
		text_to_int64(yyjson_get_str(value), INT64_MIN, INT64_MAX, &number);
	else if (yyjson_is_real(value))
		number = real_is_whole(yyjson_get_real(value)) ? (int64_t)yyjson_get_real(value) : fallback;
	else if (yyjson_is_num(value))
		number = yyjson_get_sint(value);
	return number;
}

bool schema_boolean(yyjson_val *value, bool fallback)
{
	bool truth = fallback;

	if (yyjson_is_str(value))
		text_to_bool(yyjson_get_str(value), &truth);
	else if (yyjson_is_bool(value))
		truth = yyjson_get_bool(value);
	return truth;
}
