/* GET /v2/images: filters, sorting, pages.  The database answers who may see what; the finer filters, whose
 * operators (in:, gt: ...) no static SQL can have, run over its rows. */
#include "base/memory.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "image/internal.h"

#include <string.h>

#define SORT_KEYS_MAX	     10
#define PROPERTY_FILTERS_MAX 50

enum sort_key {
	SORT_NAME,
	SORT_STATUS,
	SORT_CONTAINER_FORMAT,
	SORT_DISK_FORMAT,
	SORT_SIZE,
	SORT_ID,
	SORT_CREATED_AT,
	SORT_UPDATED_AT
};

static const char *const sort_names[] = {[SORT_NAME] = "name",
					 [SORT_STATUS] = "status",
					 [SORT_CONTAINER_FORMAT] = "container_format",
					 [SORT_DISK_FORMAT] = "disk_format",
					 [SORT_SIZE] = "size",
					 [SORT_ID] = "id",
					 [SORT_CREATED_AT] = "created_at",
					 [SORT_UPDATED_AT] = "updated_at"};

struct order {
	struct {
		enum sort_key key;
		bool descending;
	} by[SORT_KEYS_MAX + 2];
	int count;
};

/* --- sorting --- */

static bool order_add(struct order *order, const char *key, const char *direction, struct error *err)
{
	bool descending = !direction || strcmp(direction, "desc") == 0;

	if (order->count == SORT_KEYS_MAX)
		return error_set(err, ERROR_BAD_REQUEST, "There are more than %d sort keys.", SORT_KEYS_MAX);
	if (!descending && strcmp(direction, "asc") != 0)
		return error_set(err, ERROR_BAD_REQUEST, "Invalid sort direction: %.64s", direction);
	for (size_t i = 0; i < ELEMENTS_OF(sort_names); i++) {
		if (strcmp(sort_names[i], key) != 0)
			continue;
		order->by[order->count].key = (enum sort_key)i;
		order->by[order->count++].descending = descending;
		return true;
	}
	return error_set(
		err, ERROR_BAD_REQUEST,
		"Invalid sort key: %.64s. It must be one of the following: name, status, container_format, "
		"disk_format, size, id, created_at, updated_at.",
		key);
}

/* "name:asc,created_at" */
static bool order_read_short(struct http_request *request, const char *sort, struct order *order,
			     struct error *err)
{
	char *rest = http_copy(request, sort);

	for (char *key; (key = strsep(&rest, ","));) {
		char *direction = strchr(key, ':');

		if (direction)
			*direction++ = '\0';
		if (!order_add(order, key, direction, err))
			return false;
	}
	return true;
}

/* sort_key=a&sort_key=b&sort_dir=asc&sort_dir=desc: the n-th direction is for the n-th key; a single one is
 * for all. */
static bool order_read_long(struct http_request *request, struct order *order, struct error *err)
{
	const char *name, *value, *directions[SORT_KEYS_MAX], *keys[SORT_KEYS_MAX];
	int key_count = 0, direction_count = 0;

	for (size_t i = 0; http_query_next(request, &i, &name, &value);) {
		if (strcmp(name, "sort_key") == 0 && key_count < SORT_KEYS_MAX)
			keys[key_count++] = value;
		else if (strcmp(name, "sort_dir") == 0 && direction_count < SORT_KEYS_MAX)
			directions[direction_count++] = value;
	}
	if (key_count == 0)
		keys[key_count++] = "created_at";
	if (direction_count > 1 && direction_count != key_count)
		return error_set(err, ERROR_BAD_REQUEST,
				 "Number of sort dirs does not match the number of sort keys");
	for (int i = 0; i < key_count; i++) {
		const char *direction = direction_count == 0   ? NULL
					: direction_count == 1 ? directions[0]
							       : directions[i];

		if (!order_add(order, keys[i], direction, err))
			return false;
	}
	return true;
}

static bool order_read(struct http_request *request, struct order *order, struct error *err)
{
	const char *sort = http_query(request, "sort");

	*order = (struct order){0};
	if (sort && (http_query(request, "sort_key") || http_query(request, "sort_dir")))
		return error_set(err, ERROR_BAD_REQUEST, "Old and new sorting syntax cannot be combined");
	if (sort ? !order_read_short(request, sort, order, err) : !order_read_long(request, order, err))
		return false;
	/* What is equal so far is told apart by these, so that pages are stable. */
	order->by[order->count].key = SORT_CREATED_AT;
	order->by[order->count++].descending = true;
	order->by[order->count].key = SORT_ID;
	order->by[order->count++].descending = true;
	return true;
}

static int compare_texts(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) : (a != NULL) - (b != NULL);
}

static int compare_numbers(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int compare_by(enum sort_key key, const struct image_record *a, const struct image_record *b)
{
	switch (key) {
	case SORT_NAME:
		return compare_texts(a->name, b->name);
	case SORT_STATUS:
		return compare_texts(a->status, b->status);
	case SORT_CONTAINER_FORMAT:
		return compare_texts(a->container_format, b->container_format);
	case SORT_DISK_FORMAT:
		return compare_texts(a->disk_format, b->disk_format);
	case SORT_SIZE:
		return compare_numbers(a->size, b->size);
	case SORT_ID:
		return compare_texts(a->id, b->id);
	case SORT_CREATED_AT:
		return compare_numbers(a->created_at, b->created_at);
	case SORT_UPDATED_AT:
		return compare_numbers(a->updated_at, b->updated_at);
	}
	return 0;
}

static int compare(const void *left, const void *right, void *argument)
{
	const struct order *order = argument;

	for (int i = 0; i < order->count; i++) {
		int difference = compare_by(order->by[i].key, left, right);

		if (difference)
			return order->by[i].descending ? -difference : difference;
	}
	return 0;
}

/* --- filters --- */

/* Is `value` what was asked for: "text", or one of "in:a,b,\"c,d\""? */
static bool text_passes(const char *value, const char *wanted)
{
	size_t length = value ? strlen(value) : 0;

	if (!text_starts_with(wanted, "in:"))
		return value && strcmp(value, wanted) == 0;
	for (const char *item = wanted + 3; value; item++) {
		bool is_quoted = *item == '"';
		const char *start = item + is_quoted;

		item = start + strcspn(start, is_quoted ? "\"" : ",");
		if ((size_t)(item - start) == length && memcmp(start, value, length) == 0)
			return true;
		item += is_quoted && *item;
		if (*item != ',')
			return false;
	}
	return false;
}

/* "gt:2020-01-01T00:00:00Z": times of one form compare as texts. */
static bool time_passes(int64_t time, const char *wanted, bool *passes, struct error *err)
{
	static const struct {
		const char *name;
		bool less, equal, greater;
	} operators[] = {{"eq:", false, true, false}, {"neq:", true, false, true},
			 {"gt:", false, false, true}, {"gte:", false, true, true},
			 {"lt:", true, false, false}, {"lte:", true, true, false}};
	static const char form[] = "0000-00-00T00:00:00";
	bool less = false, equal = true, greater = false;
	char text[32], given[sizeof form];

	for (size_t i = 0; i < ELEMENTS_OF(operators); i++) {
		if (!text_starts_with(wanted, operators[i].name))
			continue;
		wanted += strlen(operators[i].name);
		less = operators[i].less;
		equal = operators[i].equal;
		greater = operators[i].greater;
		break;
	}
	snprintf(given, sizeof given, "%s", wanted);
	for (size_t i = 0; form[i]; i++) {
		if (form[i] == '0' ? given[i] < '0' || given[i] > '9' : given[i] != form[i])
			return error_set(err, ERROR_BAD_REQUEST,
					 "The value %.64s is not a time like "
					 "2026-01-31T12:00:00Z.",
					 wanted);
	}
	time_format(time, TIME_SECONDS_Z, text);
	int difference = strncmp(text, given, sizeof form - 1);
	*passes = difference < 0 ? less : difference > 0 ? greater : equal;
	return true;
}

static bool number_passes(int64_t number, const char *wanted, int sign, bool *passes, struct error *err)
{
	int64_t limit;

	if (!text_to_int64(wanted, INT64_MIN, INT64_MAX, &limit))
		return error_set(err, ERROR_BAD_REQUEST,
				 "Unable to filter on a range with a non-numeric value.");
	/* a size that is not known yet is in no range */
	*passes = number >= 0 && (sign < 0 ? number <= limit : sign > 0 ? number >= limit : number == limit);
	return true;
}

static bool flag_passes(bool flag, const char *name, const char *wanted, bool *passes, struct error *err)
{
	bool value;

	if (!text_to_bool(wanted, &value))
		return error_set(err, ERROR_BAD_REQUEST,
				 "Invalid value '%.64s' for '%s' filter. Valid values are 'true' or 'false'.",
				 wanted, name);
	*passes = flag == value;
	return true;
}

static bool row_passes(struct http_request *request, const char *sql, const char *id, const char *name,
		       const char *value, bool *passes, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err, sql, V(id), V(name), V(value)))
		return false;
	*passes = store_next(&rows);
	return store_end(&rows, err);
}

/* One query parameter that filters. */
static bool filter_passes(struct http_request *request, const struct image_record *image, const char *name,
			  const char *wanted, bool *passes, struct error *err)
{
	const struct {
		const char *name, *value;
	} texts[] = {{"id", image->id},
		     {"name", image->name},
		     {"status", image->status},
		     {"disk_format", image->disk_format},
		     {"container_format", image->container_format},
		     {"owner", image->owner},
		     {"checksum", image->checksum},
		     {"os_hash_value", image->sha512},
		     {"os_hash_algo", image->sha512 ? "sha512" : NULL}};
	const struct {
		const char *name;
		int64_t value;
		int sign;
	} numbers[] = {{"size_min", image->size, 1},
		       {"size_max", image->size, -1},
		       {"size", image->size, 0},
		       {"min_ram", image->min_ram, 0},
		       {"min_disk", image->min_disk, 0}};

	for (size_t i = 0; i < ELEMENTS_OF(texts); i++) {
		if (strcmp(name, texts[i].name) == 0) {
			*passes = text_passes(texts[i].value, wanted);
			return true;
		}
	}
	for (size_t i = 0; i < ELEMENTS_OF(numbers); i++) {
		if (strcmp(name, numbers[i].name) == 0)
			return number_passes(numbers[i].value, wanted, numbers[i].sign, passes, err);
	}
	if (strcmp(name, "protected") == 0)
		return flag_passes(image->is_protected, name, wanted, passes, err);
	if (strcmp(name, "created_at") == 0)
		return time_passes(image->created_at, wanted, passes, err);
	if (strcmp(name, "updated_at") == 0)
		return time_passes(image->updated_at, wanted, passes, err);
	if (strcmp(name, "tag") == 0)
		return row_passes(request, "SELECT 1 FROM image_tag WHERE image_id = ?1 AND tag = ?3",
				  image->id, name, wanted, passes, err);
	return row_passes(request,
			  "SELECT 1 FROM image_property WHERE image_id = ?1 AND name = ?2 AND value = ?3",
			  image->id, name, wanted, passes, err);
}

/* Parameters that say how to list, not what; visibility and os_hidden are the database's part. */
static bool is_no_filter(const char *name)
{
	static const char *const names[] = {"limit", "marker",	   "sort_key",	"sort_dir",
					    "sort",  "visibility", "os_hidden", "member_status"};

	for (size_t i = 0; i < ELEMENTS_OF(names); i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

static bool passes_all(struct http_request *request, const struct image_record *image, bool *passes,
		       struct error *err)
{
	const char *name, *wanted;

	*passes = true;
	for (size_t i = 0; *passes && http_query_next(request, &i, &name, &wanted);) {
		if (!is_no_filter(name) && !filter_passes(request, image, name, wanted, passes, err))
			return false;
	}
	return true;
}

/* A bad value is refused whether or not there is an image to compare it with. */
static bool filters_check(struct http_request *request, struct error *err)
{
	static const struct image_record nothing = {.id = ""};
	const char *name, *wanted;
	bool ignored;
	int count = 0;

	for (size_t i = 0; http_query_next(request, &i, &name, &wanted);) {
		if (is_no_filter(name))
			continue;
		if (++count > PROPERTY_FILTERS_MAX)
			return error_set(err, ERROR_BAD_REQUEST, "There are more than %d filters.",
					 PROPERTY_FILTERS_MAX);
		if (!filter_passes(request, &nothing, name, wanted, &ignored, err))
			return false;
	}
	return true;
}

/* --- reading --- */

struct listing {
	struct image_record *images;
	size_t count;
};

static void listing_done(struct listing *listing)
{
	free(listing->images);
}

struct wishes {
	const char *visibility; /* NULL: the usual, which leaves others' community images out */
	const char *member_status;
	bool hidden;
};

static bool wishes_read(struct http_request *request, struct wishes *wishes, struct error *err)
{
	static const char *const visibilities[] = {"public", "private", "shared", "community", "all"};
	static const char *const statuses[] = {"pending", "accepted", "rejected", "all"};
	const char *hidden = http_query(request, "os_hidden");
	bool known = false;

	*wishes = (struct wishes){.visibility = http_query(request, "visibility"),
				  .member_status = http_query(request, "member_status")};
	if (hidden && !text_to_bool(hidden, &wishes->hidden))
		return error_set(
			err, ERROR_BAD_REQUEST,
			"Invalid value '%.64s' for 'os_hidden' filter. Valid values are 'true' or 'false'.",
			hidden);
	for (size_t i = 0; wishes->visibility && i < ELEMENTS_OF(visibilities); i++)
		known |= strcmp(visibilities[i], wishes->visibility) == 0;
	if (wishes->visibility && !known)
		return error_set(err, ERROR_BAD_REQUEST, "Invalid visibility value: %.64s",
				 wishes->visibility);
	if (!wishes->member_status)
		wishes->member_status = "accepted";
	known = false;
	for (size_t i = 0; i < ELEMENTS_OF(statuses); i++)
		known |= strcmp(statuses[i], wishes->member_status) == 0;
	return known || error_set(err, ERROR_BAD_REQUEST, "Invalid status: %.64s", wishes->member_status);
}

/* ?1 administrator, ?2 project, ?3 visibility, ?4 hidden ones, ?5 status of a member, ?6 exact name */
static const char list_sql[] =
	"SELECT " IMAGE_COLUMNS " FROM image i "
	"WHERE i.visibility <> 'transit' AND (?1 OR i.visibility = 'public' OR i.owner = ?2 "
	"OR (i.visibility = 'community' AND ?3 IN ('community', 'all')) "
	"OR (i.visibility = 'shared' AND EXISTS (SELECT 1 FROM image_member m WHERE m.image_id = i.id "
	"AND m.member_id = ?2 AND ?5 IN (m.status, 'all')))) "
	"AND (?3 IS NULL OR ?3 = 'all' OR i.visibility = ?3) AND i.hidden = ?4 AND (?6 IS NULL OR i.name = "
	"?6)";

static bool listing_read(struct http_request *request, struct listing *listing, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	const char *name = http_query(request, "name");
	struct wishes wishes;

	if (name && text_starts_with(name, "in:"))
		name = NULL;
	if (!wishes_read(request, &wishes, err) || !filters_check(request, err) ||
	    !store_query(request->db, &rows, err, list_sql, V(request->auth->admin),
			 V(request->auth->project_id), V(wishes.visibility), V(wishes.hidden),
			 V(wishes.member_status), V(name)))
		return false;
	while (store_next(&rows)) {
		struct image_record image;
		bool passes;

		image_record_read(request, &rows, &image);
		if (!passes_all(request, &image, &passes, err))
			return false;
		if (passes)
			*ARRAY_ADD(listing->images, listing->count) = image;
	}
	return store_end(&rows, err);
}

/* --- pages --- */

static bool limit_read(struct http_request *request, size_t *limit, struct error *err)
{
	const char *text = http_query(request, "limit");
	int64_t value = IMAGE_LIST_DEFAULT;

	if (text && !text_to_int64(text, INT64_MIN, INT64_MAX, &value))
		return error_set(err, ERROR_BAD_REQUEST, "limit param must be an integer");
	if (value < 0)
		return error_set(err, ERROR_BAD_REQUEST, "limit param must be positive");
	*limit = value < IMAGE_LIST_MAX ? (size_t)value : IMAGE_LIST_MAX;
	return true;
}

/* Index of the first image behind the marker. */
static bool page_start(struct http_request *request, const struct listing *listing, struct order *order,
		       size_t *start, struct error *err)
{
	const char *id = http_query(request, "marker");
	struct image_record marker;

	*start = 0;
	if (!id)
		return true;
	if (!image_record_load(request, id, &marker, err))
		return err->kind == ERROR_NOT_FOUND
			       ? error_set(err, ERROR_BAD_REQUEST, "No image found with ID %.255s", id)
			       : false;
	while (*start < listing->count && compare(&listing->images[*start], &marker, order) <= 0)
		++*start;
	return true;
}

/* This request's path and query with another marker, or none. */
static const char *page_link(struct http_request *request, const char *marker)
{
	_cleanup_(text_done) struct text link = {0};
	const char *item = strchr(request->target, '?');
	char separator = '?';

	text_add(&link, "/v2/images");
	for (item = item ? item + 1 : ""; *item;) {
		size_t length = strcspn(item, "&");

		if (length && strncmp(item, "marker=", 7) != 0) {
			text_addf(&link, "%c%.*s", separator, (int)length, item);
			separator = '&';
		}
		item += length + (item[length] == '&');
	}
	if (marker)
		text_addf(&link, "%cmarker=%s", separator, marker);
	return http_copy(request, link.data);
}

bool image_list(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(listing_done) struct listing listing = {0};
	struct order order;
	size_t limit = 0, start = 0;

	if (!limit_read(request, &limit, err) || !order_read(request, &order, err) ||
	    !listing_read(request, &listing, err))
		return false;
	if (listing.count > 1)
		qsort_r(listing.images, listing.count, sizeof *listing.images, compare, &order);
	if (!page_start(request, &listing, &order, &start, err))
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_doc *doc = response->json;
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "images");
	size_t end = listing.count - start > limit ? start + limit : listing.count;
	for (size_t i = start; i < end; i++) {
		if (!image_record_view(request, doc, yyjson_mut_arr_add_obj(doc, list), &listing.images[i],
				       err))
			return false;
	}
	yyjson_mut_obj_add_str(doc, root, "first", page_link(request, NULL));
	/* A full page may have another behind it: as Glance, without looking. */
	if (end > start && end - start == limit)
		yyjson_mut_obj_add_str(doc, root, "next", page_link(request, listing.images[end - 1].id));
	yyjson_mut_obj_add_str(doc, root, "schema", "/v2/schemas/images");
	return true;
}
