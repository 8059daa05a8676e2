/* Lists as Neutron answers them: filters, sorting, pages with links, and the members that `fields` names. */
#include "base/memory.h"
#include "network/internal.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* --- what each collection can be filtered and sorted by --- */

enum kind { TEXT, BOOL, INT, MAC, ADDRESSES, TAGS_ALL, TAGS_ANY, NOT_TAGS_ALL, NOT_TAGS_ANY };

struct attribute {
	const char *name;
	enum kind kind;
	bool sort;
};

struct collection {
	const char *plural, *not_found;
	bool standard; /* has those of `standard` too */
	struct attribute attributes[16];
};

#define SORT .sort = true

static const struct attribute standard[] = {
	{"id", SORT},
	{"name", SORT},
	{"tenant_id", SORT},
	{"project_id", SORT},
	{"description"},
	{"revision_number", INT, SORT},
	{"created_at", SORT},
	{"updated_at", SORT},
	{"tags", TAGS_ALL},
	{"tags-any", TAGS_ANY},
	{"not-tags", NOT_TAGS_ALL},
	{"not-tags-any", NOT_TAGS_ANY},
	{NULL},
};

static const struct collection collections[] = {
	{"networks",
	 "NetworkNotFound",
	 true,
	 {{"admin_state_up", BOOL, SORT},
	  {"status", SORT},
	  {"shared", BOOL},
	  {"router:external", BOOL},
	  {"mtu", INT, SORT},
	  {"vlan_transparent", BOOL},
	  {"vlan_qinq", BOOL},
	  {"provider:network_type"},
	  {"provider:physical_network"},
	  {"provider:segmentation_id", INT}}},
	{"subnets",
	 "SubnetNotFound",
	 true,
	 {{"network_id", SORT},
	  {"ip_version", INT, SORT},
	  {"cidr", SORT},
	  {"gateway_ip", SORT},
	  {"enable_dhcp", BOOL, SORT},
	  {"subnetpool_id", SORT},
	  {"segment_id"},
	  {"ipv6_ra_mode", SORT},
	  {"ipv6_address_mode", SORT}}},
	{"ports",
	 "PortNotFound",
	 true,
	 {{"network_id", SORT},
	  {"admin_state_up", BOOL, SORT},
	  {"mac_address", MAC, SORT},
	  {"fixed_ips", ADDRESSES},
	  {"device_id", SORT},
	  {"device_owner", SORT},
	  {"status", SORT},
	  {"binding:host_id"},
	  {"security_groups"},
	  {"ip_allocation", SORT}}},
	{"segments",
	 "SegmentNotFound",
	 false,
	 {{"id", SORT},
	  {"name", SORT},
	  {"network_id", SORT},
	  {"network_type", SORT},
	  {"physical_network", SORT},
	  {"segmentation_id", INT, SORT},
	  {"description"},
	  {"revision_number", INT, SORT}}},
	{"policies", "QosPolicyNotFound", true, {{"shared", BOOL}, {"is_default", BOOL}}},
	{"bandwidth_limit_rules",
	 "QosRuleNotFound",
	 false,
	 {{"id", SORT}, {"max_kbps", INT, SORT}, {"max_burst_kbps", INT, SORT}, {"direction", SORT}}},
	{"minimum_bandwidth_rules",
	 "QosRuleNotFound",
	 false,
	 {{"id", SORT}, {"min_kbps", INT, SORT}, {"direction", SORT}}},
	{"dscp_marking_rules", "QosRuleNotFound", false, {{"id", SORT}, {"dscp_mark", INT, SORT}}},
	{"network_ip_availabilities",
	 "NetworkNotFound",
	 false,
	 {{"network_id", SORT}, {"network_name", SORT}, {"project_id", SORT}, {"tenant_id", SORT}}},
	{"bindings",
	 "PortBindingNotFound",
	 false,
	 {{"host", SORT}, {"vif_type"}, {"vnic_type"}, {"status", SORT}}},
	{"agents",
	 "AgentNotFound",
	 false,
	 {{"id", SORT},
	  {"agent_type", SORT},
	  {"binary", SORT},
	  {"topic", SORT},
	  {"host", SORT},
	  {"admin_state_up", BOOL, SORT},
	  {"alive", BOOL},
	  {"description"},
	  {"availability_zone"}}},
	{"security_group_rules",
	 "SecurityGroupRuleNotFound",
	 false,
	 {{"id", SORT},
	  {"direction", SORT},
	  {"ethertype", SORT},
	  {"protocol", SORT},
	  {"port_range_min", INT, SORT},
	  {"port_range_max", INT, SORT},
	  {"remote_ip_prefix", SORT},
	  {"remote_group_id", SORT},
	  {"security_group_id", SORT},
	  {"description"},
	  {"revision_number", INT, SORT},
	  {"tenant_id", SORT},
	  {"project_id", SORT}}},
	{"security_groups", "SecurityGroupNotFound", true, {{"shared", BOOL}, {"stateful", BOOL}}},
};

static const struct collection *collection_find(const char *plural)
{
	size_t i = 0;

	while (strcmp(collections[i].plural, plural) != 0)
		i++;
	return &collections[i];
}

static const struct attribute *attribute_of(const struct attribute *attributes, const char *name)
{
	for (; attributes->name; attributes++) {
		if (strcmp(attributes->name, name) == 0)
			return attributes;
	}
	return NULL;
}

static const struct attribute *attribute_find(const struct collection *collection, const char *name)
{
	const struct attribute *found = attribute_of(collection->attributes, name);

	return found || !collection->standard ? found : attribute_of(standard, name);
}

/* --- filters --- */

static bool is_paging(const char *name)
{
	static const char *const names[] = {"fields",	    "limit",	"marker",
					    "page_reverse", "sort_key", "sort_dir"};

	for (size_t i = 0; i < ELEMENTS_OF(names); i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

static bool filter_check(const struct collection *collection, const char *name, const char *value,
			 struct error *err)
{
	const struct attribute *attribute = attribute_find(collection, name);

	if (!attribute)
		return error_set_typed(err, ERROR_BAD_REQUEST, "HTTPBadRequest",
				       "['%.100s'] is invalid attribute for filtering", name);
	if (attribute->kind == BOOL && !text_to_bool(value, &(bool){0}))
		return error_set_typed(
			err, ERROR_BAD_REQUEST, "InvalidInput",
			"Invalid input for operation: '%.100s' cannot be converted to boolean.", value);
	if (attribute->kind == INT && !text_to_int64(value, INT64_MIN, INT64_MAX, &(int64_t){0}))
		return error_set_typed(err, ERROR_BAD_REQUEST, "InvalidInput",
				       "Invalid input for operation: '%.100s' is not an integer.", value);
	if (attribute->kind == ADDRESSES && !strchr(value, '='))
		return error_set_typed(
			err, ERROR_BAD_REQUEST, "InvalidInput",
			"Invalid input for operation: '%.100s' is not of the form <key>=[value].", value);
	return true;
}

static bool filters_check(struct http_request *request, const struct collection *collection,
			  struct error *err)
{
	const char *name, *value;

	for (size_t i = 0; http_query_next(request, &i, &name, &value);) {
		if (!is_paging(name) && !filter_check(collection, name, value, err))
			return false;
	}
	return true;
}

static bool value_equals(const struct attribute *attribute, yyjson_mut_val *value, const char *text)
{
	int64_t number;
	bool truth;

	if (yyjson_mut_is_str(value))
		return (attribute->kind == MAC ? strcasecmp : strcmp)(yyjson_mut_get_str(value), text) == 0;
	if (yyjson_mut_is_bool(value))
		return text_to_bool(text, &truth) && truth == yyjson_mut_get_bool(value);
	if (yyjson_mut_is_int(value))
		return text_to_int64(text, INT64_MIN, INT64_MAX, &number) &&
		       number == yyjson_mut_get_sint(value);
	if (yyjson_mut_is_arr(value)) {
		size_t i, max;
		yyjson_mut_val *item;

		yyjson_mut_arr_foreach (value, i, max, item) {
			if (value_equals(attribute, item, text))
				return true;
		}
	}
	return false;
}

/* Does one address pass the filters fixed_ips=KEY=VALUE with this key, if there are any? */
static bool address_passes(struct http_request *request, yyjson_mut_val *address, const char *key,
			   const char *member, bool part)
{
	const char *name, *filter, *have = yyjson_mut_get_str(yyjson_mut_obj_get(address, member));
	size_t length = strlen(key);
	bool any = false;

	for (size_t i = 0; http_query_next(request, &i, &name, &filter);) {
		if (strcmp(name, "fixed_ips") != 0 || strncmp(filter, key, length) != 0 ||
		    filter[length] != '=')
			continue;
		any = true;
		filter += length + 1;
		if (part ? strstr(have, filter) != NULL : strcmp(have, filter) == 0)
			return true;
	}
	return !any;
}

/* One address of the port must pass them all. */
static bool addresses_pass(struct http_request *request, yyjson_mut_val *list)
{
	size_t i, max;
	yyjson_mut_val *item;

	yyjson_mut_arr_foreach (list, i, max, item) {
		if (address_passes(request, item, "subnet_id", "subnet_id", false) &&
		    address_passes(request, item, "ip_address", "ip_address", false) &&
		    address_passes(request, item, "ip_address_substr", "ip_address", true))
			return true;
	}
	return false;
}

/* How many of the tags "a,b" the view has, and whether these are all. */
static size_t tags_shared(yyjson_mut_val *view, const char *wanted, bool *all)
{
	size_t i, max, length, shared = 0, count = 0;
	yyjson_mut_val *tag;

	for (const char *next = wanted; *next; next += length + (next[length] == ',')) {
		length = strcspn(next, ",");
		count += length > 0;
		yyjson_mut_arr_foreach (yyjson_mut_obj_get(view, "tags"), i, max, tag)
			shared += length > 0 && yyjson_mut_equals_strn(tag, next, length);
	}
	*all = shared == count;
	return shared;
}

/* Each value of the parameter is a list of its own, and all must pass. */
static bool tags_pass(struct http_request *request, const struct attribute *attribute, yyjson_mut_val *view)
{
	const char *name, *value;
	bool all;

	for (size_t i = 0; http_query_next(request, &i, &name, &value);) {
		if (strcmp(name, attribute->name) != 0)
			continue;
		bool any = tags_shared(view, value, &all) > 0;
		if (attribute->kind == TAGS_ALL	      ? !all
		    : attribute->kind == TAGS_ANY     ? !any
		    : attribute->kind == NOT_TAGS_ALL ? all
						      : any)
			return false;
	}
	return true;
}

/* All values of one parameter are alternatives. */
static bool filter_passes(struct http_request *request, const struct attribute *attribute,
			  yyjson_mut_val *view)
{
	yyjson_mut_val *member = yyjson_mut_obj_get(view, attribute->name);
	const char *name, *value;

	if (attribute->kind >= TAGS_ALL)
		return tags_pass(request, attribute, view);
	if (attribute->kind == ADDRESSES)
		return addresses_pass(request, member);
	for (size_t i = 0; http_query_next(request, &i, &name, &value);) {
		if (strcmp(name, attribute->name) == 0 && value_equals(attribute, member, value))
			return true;
	}
	return false;
}

/* Different parameters must all pass.  What the requester may not see (no such member) passes none. */
static bool view_passes(struct http_request *request, const struct collection *collection,
			yyjson_mut_val *view)
{
	const char *name, *value;

	for (size_t i = 0; http_query_next(request, &i, &name, &value);) {
		if (!is_paging(name) && !filter_passes(request, attribute_find(collection, name), view))
			return false;
	}
	return true;
}

/* --- fields --- */

static bool is_wanted_field(struct http_request *request, const char *field, bool *any)
{
	const char *name, *value;
	bool wanted = false;

	for (size_t i = 0; http_query_next(request, &i, &name, &value);) {
		if (strcmp(name, "fields") != 0 || !*value)
			continue;
		*any = true;
		wanted |= strcmp(value, field) == 0;
	}
	return wanted;
}

void view_finish(struct http_request *request, yyjson_mut_val *view)
{
	yyjson_mut_obj_iter iter;
	yyjson_mut_val *key;
	bool any = false;

	if (!http_query(request, "fields"))
		return;
	yyjson_mut_obj_iter_init(view, &iter);
	while ((key = yyjson_mut_obj_iter_next(&iter))) {
		if (!is_wanted_field(request, yyjson_mut_get_str(key), &any) && any)
			yyjson_mut_obj_iter_remove(&iter);
	}
}

/* --- sorting --- */

#define SORT_MAX 8

struct sorting {
	const char *keys[SORT_MAX + 1];
	bool down[SORT_MAX + 1];
	size_t key_count, direction_count;
};

#define BAD_SORTING(...) error_set_typed(err, ERROR_BAD_REQUEST, "HTTPBadRequest", __VA_ARGS__)

static bool sorting_add(struct sorting *sorting, const struct collection *collection, bool is_key,
			const char *value, struct error *err)
{
	const struct attribute *attribute = is_key ? attribute_find(collection, value) : NULL;

	if (sorting->key_count == SORT_MAX || sorting->direction_count == SORT_MAX)
		return BAD_SORTING("more than %d sort_keys", SORT_MAX);
	if (is_key && (!attribute || !attribute->sort))
		return BAD_SORTING("['%.100s'] is invalid attribute for sort_keys", value);
	if (!is_key && strcmp(value, "asc") != 0 && strcmp(value, "desc") != 0)
		return BAD_SORTING(
			"['%.100s'] is invalid value for sort_dirs, valid value is 'asc' and 'desc'", value);
	if (is_key)
		sorting->keys[sorting->key_count++] = attribute->name;
	else
		sorting->down[sorting->direction_count++] = strcmp(value, "desc") == 0;
	return true;
}

/* sort_key and sort_dir come in pairs; the id decides between equals, so that pages fit together. */
static bool sorting_read(struct http_request *request, const struct collection *collection,
			 struct sorting *sorting, struct error *err)
{
	const char *name, *value;

	for (size_t i = 0; http_query_next(request, &i, &name, &value);) {
		bool is_key = strcmp(name, "sort_key") == 0;

		if (*value && (is_key || strcmp(name, "sort_dir") == 0) &&
		    !sorting_add(sorting, collection, is_key, value, err))
			return false;
	}
	if (sorting->key_count != sorting->direction_count)
		return BAD_SORTING("The number of sort_keys and sort_dirs must be same");
	if (sorting->key_count)
		sorting->keys[sorting->key_count++] = "id";
	return true;
}

static int compare_values(yyjson_mut_val *a, yyjson_mut_val *b)
{
	if (yyjson_mut_is_str(a) && yyjson_mut_is_str(b))
		return strcmp(yyjson_mut_get_str(a), yyjson_mut_get_str(b));
	if (yyjson_mut_is_int(a) && yyjson_mut_is_int(b))
		return (yyjson_mut_get_sint(a) > yyjson_mut_get_sint(b)) -
		       (yyjson_mut_get_sint(a) < yyjson_mut_get_sint(b));
	if (yyjson_mut_is_bool(a) && yyjson_mut_is_bool(b))
		return yyjson_mut_get_bool(a) - yyjson_mut_get_bool(b);
	return !yyjson_mut_is_null(a) - !yyjson_mut_is_null(b); /* null is the lowest */
}

static int compare_views(const void *a, const void *b, void *argument)
{
	const struct sorting *sorting = argument;

	for (size_t i = 0; i < sorting->key_count; i++) {
		int order = compare_values(yyjson_mut_obj_get(*(yyjson_mut_val *const *)a, sorting->keys[i]),
					   yyjson_mut_obj_get(*(yyjson_mut_val *const *)b, sorting->keys[i]));

		if (order != 0)
			return sorting->down[i] ? -order : order;
	}
	return 0;
}

/* --- pages --- */

struct page {
	int64_t limit; /* 0: no pages */
	const char *marker;
	bool reverse;
};

static bool page_read(struct http_request *request, struct page *page, struct error *err)
{
	const char *limit = http_query(request, "limit"), *marker = http_query(request, "marker"),
		   *reverse = http_query(request, "page_reverse");

	*page = (struct page){.reverse = reverse && strcasecmp(reverse, "true") == 0};
	if (limit && !text_to_int64(limit, 0, INT64_MAX, &page->limit))
		return error_set_typed(err, ERROR_BAD_REQUEST, "BadRequest",
				       "Bad limit request: Limit must be an integer 0 or greater and not "
				       "'%.40s'.",
				       limit);
	if (page->limit && marker && *marker)
		page->marker = marker; /* without a limit a marker says nothing */
	return true;
}

/* Bindings have no id: a port has one on each host; nor have the addresses of networks. */
static const char *id_of(yyjson_mut_val *view)
{
	yyjson_mut_val *id = yyjson_mut_obj_get(view, "id");

	id = id ? id : yyjson_mut_obj_get(view, "host");
	return yyjson_mut_get_str(id ? id : yyjson_mut_obj_get(view, "network_id"));
}

static char *query_add(struct http_request *request, const char *query, const char *name, const char *value)
{
	const char *parts[] = {name, value};
	char *place = http_alloc(request, strlen(query) + 3 * (strlen(name) + strlen(value)) + 3), *end;

	end = place + sprintf(place, "%s%s", query, *query ? "&" : "");
	for (size_t i = 0; i < 2; i++) {
		for (const unsigned char *c = (const unsigned char *)parts[i]; *c; c++)
			end += sprintf(end, isalnum(*c) || strchr("-._~:", *c) ? "%c" : "%%%02X", *c);
		if (i == 0)
			*end++ = '=';
	}
	*end = '\0';
	return place;
}

/* A link asks for the same with another marker. */
static void add_link(struct http_request *request, struct http_response *response, yyjson_mut_val *links,
		     const char *relation, const char *marker)
{
	yyjson_mut_val *link = yyjson_mut_arr_add_obj(response->json, links);
	const char *name, *value, *query = "", *suffix = strstr(request->path, ".json");
	int length = (int)(suffix ? suffix - request->path : (ptrdiff_t)strlen(request->path));

	for (size_t i = 0; http_query_next(request, &i, &name, &value);) {
		if (strcmp(name, "marker") != 0 && strcmp(name, "page_reverse") != 0)
			query = query_add(request, query, name, value);
	}
	if (marker)
		query = query_add(request, query, "marker", marker);
	if (strcmp(relation, "previous") == 0)
		query = query_add(request, query, "page_reverse", "True");
	yyjson_mut_obj_add_str(response->json, link, "rel", relation);
	yyjson_mut_obj_add_str(response->json, link, "href",
			       http_printf(request, "%s/network%.*s?%s", http_base_url(request), length,
					   request->path, query));
}

/* A page that is not full is the last in its direction. */
static void add_links(struct http_request *request, struct http_response *response, const char *plural,
		      const struct page *page, yyjson_mut_val *const *views, size_t count)
{
	yyjson_mut_val *root = yyjson_mut_doc_get_root(response->json);
	yyjson_mut_val *links =
		yyjson_mut_obj_add_arr(response->json, root, http_printf(request, "%s_links", plural));
	bool full = (int64_t)count >= page->limit;

	if (full || page->reverse)
		add_link(request, response, links, "next", count ? id_of(views[count - 1]) : NULL);
	if (full || !page->reverse)
		add_link(request, response, links, "previous", count ? id_of(views[0]) : NULL);
}

/* What of the sorted views is on the page: *count of them from *first.  The marker is among them, whether it
 * passes the filters or not. */
static bool page_cut(const struct page *page, const struct collection *collection, yyjson_mut_val **views,
		     size_t *first, size_t *count, struct error *err)
{
	size_t at = 0, total = *count;

	while (page->marker && at < total && strcmp(id_of(views[at]), page->marker) != 0)
		at++;
	if (page->marker && at == total)
		return not_found(err, collection->not_found, page->marker);
	if (page->reverse) {
		size_t end = page->marker ? at : total;

		*count = (int64_t)end > page->limit ? (size_t)page->limit : end;
		*first = end - *count;
	} else {
		*first = page->marker ? at + 1 : 0;
		*count = total - *first;
		if ((int64_t)*count > page->limit)
			*count = (size_t)page->limit;
	}
	return true;
}

bool list_finish(struct http_request *request, struct http_response *response, yyjson_mut_val *list,
		 const char *plural, struct error *err)
{
	const struct collection *collection = collection_find(plural);
	_cleanup_free_ yyjson_mut_val **views = memory_alloc((yyjson_mut_arr_size(list) + 1) * sizeof *views);
	struct sorting sorting = {0};
	size_t first = 0, count = 0, i, max;
	struct page page;
	yyjson_mut_val *view;

	if (!page_read(request, &page, err) || !sorting_read(request, collection, &sorting, err) ||
	    !filters_check(request, collection, err))
		return false;
	yyjson_mut_arr_foreach (list, i, max, view) {
		if (view_passes(request, collection, view) || text_equal(id_of(view), page.marker))
			views[count++] = view;
	}
	if (sorting.key_count)
		qsort_r(views, count, sizeof *views, compare_views, &sorting);
	if (page.limit && !page_cut(&page, collection, views, &first, &count, err))
		return false;
	if (page.limit)
		add_links(request, response, plural, &page, views + first, count);
	yyjson_mut_arr_clear(list);
	for (i = first; i < first + count; i++) {
		view_finish(request, views[i]);
		yyjson_mut_arr_append(list, views[i]);
	}
	return true;
}
