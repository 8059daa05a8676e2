/* /v2.0/network-ip-availabilities: how many addresses networks have, and how many of them are taken.  For
 * administrators. */
#include "base/memory.h"
#include "network/internal.h"

#include <string.h>

/* More than a number of the API can say stays at the greatest. */
static uint64_t sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* Addresses from first to last. */
static uint64_t range_size(const char *first_text, const char *last_text)
{
	struct ip first, last;
	uint64_t size = 0;
	int borrow = 0, digits[16];

	if (!first_text || !last_text || !ip_parse(first_text, &first) || !ip_parse(last_text, &last) ||
	    first.version != last.version || ip_compare(&first, &last) > 0)
		return 0;
	for (int i = ip_size(&first) - 1; i >= 0; i--) {
		digits[i] = last.bytes[i] - first.bytes[i] - borrow;
		borrow = digits[i] < 0;
		digits[i] += borrow ? 256 : 0;
	}
	for (int i = 0; i < ip_size(&first); i++) {
		if (size >> 56)
			return UINT64_MAX;
		size = size << 8 | (uint64_t)digits[i];
	}
	return sum(size, 1);
}

static uint64_t pools_size(const char *json)
{
	yyjson_doc *doc = yyjson_read(json, strlen(json), 0);
	yyjson_val *pool;
	uint64_t total = 0;
	size_t i, max;

	yyjson_arr_foreach (yyjson_doc_get_root(doc), i, max, pool)
		total = sum(total,
			    range_size(field_text(pool, "start", NULL), field_text(pool, "end", NULL)));
	yyjson_doc_free(doc);
	return total;
}

/* One row is one subnet, or a network without any. */
#define AVAILABILITY \
	"SELECT n.id, n.name, n.project_id, s.id, s.ip_version, s.cidr, s.name, s.pools, " \
	"(SELECT count(*) FROM address a WHERE a.subnet_id = s.id) FROM network n " \
	"LEFT JOIN subnet s ON s.network_id = n.id WHERE (?1 IS NULL OR n.id = ?1) " \
	"ORDER BY n.created_at, n.id, s.created_at"

struct counting {
	yyjson_mut_doc *doc;
	yyjson_mut_val *network, *subnets;
	uint64_t used, total;
};

static void network_begin(struct counting *count, yyjson_mut_val *network, struct store_rows *rows)
{
	*count = (struct counting){.doc = count->doc, .network = network};
	add_text(count->doc, network, "network_id", store_text(rows, 0));
	add_text(count->doc, network, "network_name", store_text(rows, 1));
	add_text(count->doc, network, "project_id", store_text(rows, 2));
	add_text(count->doc, network, "tenant_id", store_text(rows, 2));
	count->subnets = yyjson_mut_obj_add_arr(count->doc, network, "subnet_ip_availability");
}

static void network_end(const struct counting *count)
{
	if (!count->network)
		return;
	yyjson_mut_obj_add_uint(count->doc, count->network, "used_ips", count->used);
	yyjson_mut_obj_add_uint(count->doc, count->network, "total_ips", count->total);
}

static void subnet_count(struct counting *count, struct store_rows *rows)
{
	uint64_t used = (uint64_t)store_int(rows, 8), total = pools_size(store_text(rows, 7));
	yyjson_mut_val *view = yyjson_mut_arr_add_obj(count->doc, count->subnets);

	add_text(count->doc, view, "subnet_id", store_text(rows, 3));
	yyjson_mut_obj_add_int(count->doc, view, "ip_version", store_int(rows, 4));
	add_text(count->doc, view, "cidr", store_text(rows, 5));
	add_text(count->doc, view, "subnet_name", store_text(rows, 6));
	yyjson_mut_obj_add_uint(count->doc, view, "used_ips", used);
	yyjson_mut_obj_add_uint(count->doc, view, "total_ips", total);
	count->used = sum(count->used, used);
	count->total = sum(count->total, total);
}

/* The views of one network (or, with NULL, of all) in a new list. */
static bool networks_count(struct http_request *request, const char *network_id, yyjson_mut_doc *doc,
			   yyjson_mut_val *list, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	struct counting count = {.doc = doc};

	if (!store_query(request->db, &rows, err, AVAILABILITY, V(network_id)))
		return false;
	while (store_next(&rows)) {
		const char *before = yyjson_mut_get_str(yyjson_mut_obj_get(count.network, "network_id"));

		if (!text_equal(before, store_text(&rows, 0))) {
			network_end(&count);
			network_begin(&count, yyjson_mut_arr_add_obj(doc, list), &rows);
		}
		if (store_text(&rows, 3))
			subnet_count(&count, &rows);
	}
	network_end(&count);
	return store_end(&rows, err);
}

bool availability_list(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "network_ip_availabilities");

	return !request->auth->admin || /* others see none */
	       (networks_count(request, NULL, response->json, list, err) &&
		list_finish(request, response, list, "network_ip_availabilities", err));
}

bool availability_show(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, 200), *list = yyjson_mut_arr(response->json), *view;

	if (request->auth->admin && !networks_count(request, request->params[0], response->json, list, err))
		return false;
	view = yyjson_mut_arr_get_first(list);
	if (!view)
		return not_found(err, "NetworkNotFound", request->params[0]);
	view_finish(request, view);
	return yyjson_mut_obj_add_val(response->json, root, "network_ip_availability", view);
}
