/* Checks of JSON bodies against tables, with the sentences that Nova's API answers with (those of the
 * jsonschema library, wrapped).  A table is data only; what a value means is the handlers' business. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <yyjson.h>

enum {
	SCHEMA_OBJECT = 1,
	SCHEMA_ARRAY = 2,
	SCHEMA_BOOLEAN = 4,
	SCHEMA_INTEGER = 8,
	SCHEMA_NUMBER = 16,
	SCHEMA_STRING = 32,
	SCHEMA_NULL = 64,
};

enum schema_format {
	SCHEMA_ANY,
	SCHEMA_NAME,	/* printable, no blanks at either end */
	SCHEMA_DIGITS,	/* ^[0-9]+$ */
	SCHEMA_DECIMAL, /* ^[0-9]+(\.[0-9]+)?$ */
	SCHEMA_UUID,
	SCHEMA_BASE64,
	SCHEMA_IP,
	SCHEMA_IPV4, /* or "" */
	SCHEMA_IPV6, /* or "" */
	SCHEMA_BOOLEAN_WORD,
	SCHEMA_HOSTNAME,
	SCHEMA_FQDN_LABEL, /* a server's hostname */
	SCHEMA_FLAVOR_ID,
	SCHEMA_METADATA_KEY,
	SCHEMA_TAG, /* no slash, no comma */
};

struct schema_field;

struct schema {
	unsigned types;	  /* what is allowed */
	int64_t shortest; /* characters of a string, items of an array, members of an object */
	int64_t longest;  /* 0: no limit */
	bool ranged;	  /* numbers, and strings of digits, lie within: */
	int64_t minimum, maximum;
	enum schema_format format;	   /* of a string */
	const char *const *choices;	   /* of a string; NULL at the end; NULL: any */
	const struct schema_field *fields; /* of an object; name NULL at the end */
	bool open;			   /* an object may have other members */
	enum schema_format keys;	   /* of an object without `fields`: what its keys look like */
	const struct schema *items;	   /* of an array, or the values of an object without `fields` */
	bool unique;			   /* items of an array */
};

struct schema_field {
	const char *name;
	const struct schema *schema;
	bool required;
	int since, until; /* microversions 2001 ...; 0: no bound */
};

/* Does the body fit?  ERROR_BAD_REQUEST with the reason if not; only the first reason is told. */
bool schema_check(const struct schema *schema, yyjson_val *value, int microversion, struct error *err);
/* The same for one text of the query. */
bool schema_check_query(const struct schema *schema, const char *name, const char *text, struct error *err);

/* Values that may be given as text too; they were checked. */
int64_t schema_integer(yyjson_val *value, int64_t fallback); /* "12" or 12; fallback if absent or null */
bool schema_boolean(yyjson_val *value, bool fallback);	     /* true, "true", "1", "on" ... */

bool schema_text_fits(enum schema_format format, const char *text);

/* Tables that several handlers share. */
extern const struct schema schema_name;		/* 1 to 255 characters */
extern const struct schema schema_boolean_like; /* JSON or a word */
extern const struct schema schema_description;	/* up to 255 characters or null */
extern const struct schema schema_metadata;	/* text to text */
extern const struct schema schema_null;
extern const struct schema schema_text;	 /* any */
extern const struct schema schema_count; /* 1 or more, or digits */
