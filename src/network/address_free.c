/* The free addresses of a subnet's pools, kept as ranges, so that the lowest free address is one look-up
 * however many are taken.  What is true is the table `address`; the ranges follow it in the same transaction,
 * and are worked out anew from it for a subnet that says it does not know them (free_known = 0).
 *
 * The ends of ranges are kept as hexadecimal digits of fixed width, which sort as the addresses do. */
#include "base/memory.h"
#include "network/internal.h"

#include <string.h>

#define IP_KEY 33

static const char *key_of(const struct ip *ip, char key[IP_KEY])
{
	for (int i = 0; i < ip_size(ip); i++)
		snprintf(key + 2 * (size_t)i, 3, "%02x", ip->bytes[i]);
	return key;
}

static struct ip ip_of_key(const char *key)
{
	struct ip ip = {.version = strlen(key) == 8 ? 4 : 6};
	unsigned int byte;

	for (int i = 0; i < ip_size(&ip) && sscanf(key + 2 * (size_t)i, "%2x", &byte) == 1; i++)
		ip.bytes[i] = (unsigned char)byte;
	return ip;
}

static bool range_add(struct store *db, const char *subnet_id, const struct ip *first, const struct ip *last,
		      struct error *err)
{
	char a[IP_KEY], b[IP_KEY];

	return ip_compare(first, last) > 0 ||
	       store_exec(db, err, "INSERT INTO address_free (subnet_id, first, last) VALUES (?1, ?2, ?3)",
			  V(subnet_id), V(key_of(first, a)), V(key_of(last, b)));
}

static bool range_remove(struct store *db, const char *subnet_id, const struct ip *first, struct error *err)
{
	char key[IP_KEY];

	return store_exec(db, err, "DELETE FROM address_free WHERE subnet_id = ?1 AND first = ?2",
			  V(subnet_id), V(key_of(first, key)));
}

/* The range that begins at the address or nearest before it. */
static bool range_before(struct store *db, const char *subnet_id, const struct ip *ip, struct ip *first,
			 struct ip *last, bool *found, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	char key[IP_KEY];

	if (!store_query(db, &rows, err,
			 "SELECT first, last FROM address_free WHERE subnet_id = ?1 AND first <= ?2 "
			 "ORDER BY first DESC LIMIT 1",
			 V(subnet_id), V(key_of(ip, key))))
		return false;
	*found = store_next(&rows);
	if (*found) {
		*first = ip_of_key(store_text(&rows, 0));
		*last = ip_of_key(store_text(&rows, 1));
	}
	return store_end(&rows, err);
}

static bool take(struct store *db, const char *subnet_id, const struct ip *ip, struct error *err)
{
	struct ip first, last;
	bool found;

	if (!range_before(db, subnet_id, ip, &first, &last, &found, err))
		return false;
	if (!found || ip_compare(ip, &last) > 0)
		return true;
	/* Nothing comes before 0.0.0.0 or after the last address, so each half is left out before it is
	 * counted. */
	if (!range_remove(db, subnet_id, &first, err))
		return false;
	if (ip_compare(&first, ip) < 0) {
		struct ip before = ip_previous(*ip);

		if (!range_add(db, subnet_id, &first, &before, err))
			return false;
	}
	if (ip_compare(ip, &last) < 0) {
		struct ip after = ip_add(*ip, 1);

		return range_add(db, subnet_id, &after, &last, err);
	}
	return true;
}

static bool pools_in(struct store *db, const char *subnet_id, const char *pools, struct error *err)
{
	yyjson_doc *doc = yyjson_read(pools, strlen(pools), 0);
	size_t i, max;
	yyjson_val *pool;
	bool ok = true;

	yyjson_arr_foreach (yyjson_doc_get_root(doc), i, max, pool) {
		struct ip start, end;

		if (ok && ip_parse(field_text(pool, "start", ""), &start) &&
		    ip_parse(field_text(pool, "end", ""), &end))
			ok = range_add(db, subnet_id, &start, &end, err);
	}
	yyjson_doc_free(doc);
	return ok;
}

static bool all_taken_out(struct store *db, const char *subnet_id, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err, "SELECT ip_address FROM address WHERE subnet_id = ?1", V(subnet_id)))
		return false;
	while (store_next(&rows)) {
		struct ip ip;

		if (ip_parse(store_text(&rows, 0), &ip) && !take(db, subnet_id, &ip, err))
			return false;
	}
	return store_end(&rows, err);
}

/* Works the ranges out unless they are known. */
static bool learn(struct store *db, const char *subnet_id, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err, "SELECT pools FROM subnet WHERE id = ?1 AND free_known = 0",
			 V(subnet_id)))
		return false;
	if (!store_next(&rows))
		return store_end(&rows, err);
	return store_exec(db, err, "DELETE FROM address_free WHERE subnet_id = ?1", V(subnet_id)) &&
	       pools_in(db, subnet_id, store_text(&rows, 0), err) && all_taken_out(db, subnet_id, err) &&
	       store_exec(db, err, "UPDATE subnet SET free_known = 1 WHERE id = ?1", V(subnet_id));
}

bool address_free_lowest(struct store *db, const char *subnet_id, char text[IP_TEXT], struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	*text = '\0';
	if (!learn(db, subnet_id, err) ||
	    !store_query(db, &rows, err,
			 "SELECT first FROM address_free WHERE subnet_id = ?1 ORDER BY first LIMIT 1",
			 V(subnet_id)))
		return false;
	if (store_next(&rows)) {
		struct ip ip = ip_of_key(store_text(&rows, 0));

		ip_format(&ip, text);
	}
	return store_end(&rows, err);
}

bool address_free_take(struct store *db, const char *subnet_id, const struct ip *ip, struct error *err)
{
	return learn(db, subnet_id, err) && take(db, subnet_id, ip, err);
}

static bool is_in_pools(const char *pools, const struct ip *ip)
{
	yyjson_doc *doc = yyjson_read(pools, strlen(pools), 0);
	size_t i, max;
	yyjson_val *pool;
	bool found = false;

	yyjson_arr_foreach (yyjson_doc_get_root(doc), i, max, pool) {
		struct ip start, end;

		found |= ip_parse(field_text(pool, "start", ""), &start) &&
			 ip_parse(field_text(pool, "end", ""), &end) && ip_compare(&start, ip) <= 0 &&
			 ip_compare(ip, &end) <= 0;
	}
	yyjson_doc_free(doc);
	return found;
}

/* Adds the address to the ranges, one with its neighbours. */
static bool give(struct store *db, const char *subnet_id, const struct ip *ip, struct error *err)
{
	struct ip first = *ip, last = *ip, start, end, next = ip_add(*ip, 1);
	bool found;

	if (!range_before(db, subnet_id, ip, &start, &end, &found, err))
		return false;
	if (found && ip_compare(ip, &end) <= 0)
		return true;
	if (found && (end = ip_add(end, 1), ip_compare(&end, ip) == 0)) {
		first = start;
		if (!range_remove(db, subnet_id, &start, err))
			return false;
	}
	if (!range_before(db, subnet_id, &next, &start, &end, &found, err))
		return false;
	if (found && ip_compare(&start, &next) == 0) {
		last = end;
		if (!range_remove(db, subnet_id, &next, err))
			return false;
	}
	return range_add(db, subnet_id, &first, &last, err);
}

bool address_free_give(struct store *db, const char *subnet_id, const char *ip_address, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	struct ip ip;

	if (!store_query(db, &rows, err, "SELECT pools FROM subnet WHERE id = ?1 AND free_known = 1",
			 V(subnet_id)))
		return false;
	if (!store_next(&rows))
		return store_end(&rows, err);
	return !ip_parse(ip_address, &ip) || !is_in_pools(store_text(&rows, 0), &ip) ||
	       give(db, subnet_id, &ip, err);
}
