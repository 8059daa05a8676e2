/* The Placement service: routes, who may call them, microversions, error bodies. */
#include "placement/service.h"

#include "placement/placement.h"
#include "sys/sys.h"

#include <string.h>
#include <strings.h>
#include <time.h>

enum rule { RULE_NONE, RULE_READER, RULE_ADMIN };

static const struct {
	enum rule rule;
	const char *text;
} policies[] = {
#define P(name, rule, text) [POLICY_##name] = {RULE_##rule, text},
	PLACEMENT_POLICIES(P)
#undef P
};

/* --- microversions --- */

/* Finds "placement X" in a list like "compute 2.61, placement 1.4"; copies X. */
static bool version_find(const char *header, char text[32])
{
	static const char service[] = "placement ";

	for (const char *item = header; item && *item;) {
		size_t length = strcspn(item, ",");
		const char *start = item + strspn(item, " \t");

		if (strncasecmp(start, service, strlen(service)) == 0) {
			start += strlen(service);
			start += strspn(start, " \t");
			snprintf(text, 32, "%.*s", (int)strcspn(start, ", \t"), start);
			return true;
		}
		item += length + (item[length] == ',');
	}
	return false;
}

bool placement_negotiate(const char *header, int *microversion, struct error *err)
{
	char text[32], *dot;
	int64_t major, minor;

	*microversion = PLACEMENT_MIN_MICROVERSION;
	if (!version_find(header, text))
		return true;
	if (strcasecmp(text, "latest") == 0) {
		*microversion = PLACEMENT_MAX_MICROVERSION;
		return true;
	}
	dot = strchr(text, '.');
	if (dot)
		*dot = '\0';
	if (!dot || !text_to_int64(text, 0, INT32_MAX, &major) ||
	    !text_to_int64(dot + 1, 0, INT32_MAX, &minor))
		return error_set(err, ERROR_BAD_REQUEST, "invalid version string: %s%s%s", text,
				 dot ? "." : "", dot ? dot + 1 : "");
	if (major != 1 || minor > PLACEMENT_MAX_MICROVERSION - PLACEMENT_MIN_MICROVERSION)
		return error_set(err, ERROR_NOT_ACCEPTABLE, "Unacceptable version header: %lld.%lld",
				 (long long)major, (long long)minor);
	*microversion = PLACEMENT_MIN_MICROVERSION + (int)minor;
	return true;
}

static void add_headers(struct http_request *request, struct http_response *response)
{
	char text[40];
	time_t now = (time_t)(sys_now() / 1000000);
	struct tm tm;

	snprintf(text, sizeof text, "placement 1.%d", request->microversion - PLACEMENT_MIN_MICROVERSION);
	http_header_add(response, "OpenStack-API-Version", text);
	http_header_add(response, "Vary", "OpenStack-API-Version");
	http_header_add(response, "x-openstack-request-id", request->request_id);
	if (request->method != HTTP_GET || !placement_since(request, 15))
		return;
	/* All that is shown may have changed just now. */
	strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
	http_header_add(response, "Last-Modified", text);
	http_header_add(response, "Cache-Control", "no-cache");
}

/* --- who may --- */

static bool policy_allows(struct http_request *request, enum rule rule)
{
	const struct auth *auth = request->auth;

	if (rule == RULE_NONE || auth->admin || auth->service)
		return true;
	return rule == RULE_READER && auth->reader && auth->project_id &&
	       text_equal(auth->project_id, http_query(request, "project_id"));
}

static bool placement_before(struct http_request *request, struct http_response *response, struct error *err)
{
	unsigned flags = request->route->flags;
	enum placement_policy policy = POLICY_OF(flags);

	if (policies[policy].rule != RULE_NONE && !identity_authenticate(request, err))
		return false;
	if (!placement_negotiate(http_header(request, "OpenStack-API-Version"), &request->microversion, err))
		return false;
	add_headers(request, response);
	if (!placement_since(request, (int)SINCE_OF(flags)))
		return error_set(err, ERROR_NOT_FOUND, "The resource could not be found.");
	return policy_allows(request, policies[policy].rule) ||
	       error_set(err, ERROR_FORBIDDEN, "Policy does not allow placement:%s to be performed.",
			 policies[policy].text);
}

/* --- errors --- */

static const char *title(enum error_kind kind)
{
	switch ((int)kind) {
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 406:
		return "Not Acceptable";
	case 409:
		return "Conflict";
	case 415:
		return "Unsupported Media Type";
	case 501:
		return "Not Implemented";
	default:
		return "Internal Server Error";
	}
}

static void placement_error(struct http_request *request, struct http_response *response,
			    const struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, (int)err->kind), *list, *object;
	yyjson_mut_doc *doc = response->json;

	list = yyjson_mut_obj_add_arr(doc, root, "errors");
	object = yyjson_mut_arr_add_obj(doc, list);
	yyjson_mut_obj_add_int(doc, object, "status", (int)err->kind);
	yyjson_mut_obj_add_str(doc, object, "title", title(err->kind));
	yyjson_mut_obj_add_strcpy(doc, object, "detail",
				  err->kind == ERROR_INTERNAL
					  ? "The server has erred. Please look at the log of penstockd."
					  : err->message);
	yyjson_mut_obj_add_strcpy(doc, object, "request_id", request->request_id);
	if (placement_since(request, 23))
		yyjson_mut_obj_add_str(doc, object, "code",
				       err->type ? err->type : "placement.undefined_code");
	if (err->kind == ERROR_NOT_ACCEPTABLE) {
		yyjson_mut_obj_add_str(doc, object, "min_version", "1.0");
		yyjson_mut_obj_add_str(doc, object, "max_version", "1.39");
	}
	if (err->kind == ERROR_UNAUTHORIZED)
		http_header_set(response, "WWW-Authenticate",
				http_printf(request, "Keystone uri=\"%s/identity\"", http_base_url(request)));
}

static void placement_no_route(struct http_request *request, bool path_known, struct error *err)
{
	if (path_known)
		error_set(err, ERROR_METHOD_NOT_ALLOWED, "The method %.32s is not allowed for this resource.",
			  request->method_name);
}

/* --- shared --- */

bool query_check(struct http_request *request, const struct query_parameter *known, struct error *err)
{
	const char *name, *value;

	for (size_t at = 0; http_query_next(request, &at, &name, &value);) {
		const struct query_parameter *one = known;

		while (one->name && strcmp(one->name, name) != 0)
			one++;
		if (!one->name || !placement_since(request, one->since))
			return error_set(err, ERROR_BAD_REQUEST,
					 "Invalid query string parameters: Additional properties are not "
					 "allowed ('%.100s' was unexpected)",
					 name);
	}
	return true;
}

bool placement_empty(struct http_response *response, int status)
{
	response->status = status;
	return true;
}

void traits_view(const char *traits, yyjson_mut_doc *doc, yyjson_mut_val *list)
{
	for (const char *end; traits[0] && traits[1]; traits = end) {
		end = strchr(traits + 1, ',');
		yyjson_mut_arr_add_strncpy(doc, list, traits + 1, (size_t)(end - traits - 1));
	}
}

static bool versions_show(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, 200), *version, *link;
	yyjson_mut_doc *doc = response->json;

	(void)request;
	(void)err;
	version = yyjson_mut_arr_add_obj(doc, yyjson_mut_obj_add_arr(doc, root, "versions"));
	yyjson_mut_obj_add_str(doc, version, "id", "v1.0");
	yyjson_mut_obj_add_str(doc, version, "max_version", "1.39");
	yyjson_mut_obj_add_str(doc, version, "min_version", "1.0");
	yyjson_mut_obj_add_str(doc, version, "status", "CURRENT");
	link = yyjson_mut_arr_add_obj(doc, yyjson_mut_obj_add_arr(doc, version, "links"));
	yyjson_mut_obj_add_str(doc, link, "rel", "self");
	yyjson_mut_obj_add_str(doc, link, "href", "");
	return true;
}

/* --- the service --- */

/* HTTP_SLOW: it looks at all hosts. */
#define ONE "/resource_providers/{uuid}"

static const struct http_route routes[] = {
	{HTTP_GET, "/", versions_show, HTTP_READ, .flags = POLICY_VERSIONS},

	{HTTP_GET, "/resource_providers", providers_list, HTTP_SLOW, .flags = POLICY_PROVIDERS_LIST},
	{HTTP_POST, "/resource_providers", write_refused, HTTP_READ, .flags = POLICY_PROVIDERS_CHANGE},
	{HTTP_GET, ONE, provider_show, HTTP_READ, .flags = POLICY_PROVIDERS_SHOW},
	{HTTP_PUT, ONE, write_refused, HTTP_READ, .flags = POLICY_PROVIDERS_CHANGE},
	{HTTP_DELETE, ONE, write_refused, HTTP_READ, .flags = POLICY_PROVIDERS_CHANGE},

	{HTTP_GET, ONE "/inventories", provider_inventories, HTTP_READ, .flags = POLICY_PROVIDER_INVENTORIES},
	{HTTP_PUT, ONE "/inventories", inventories_put, HTTP_WRITE,
	 .flags = POLICY_PROVIDER_INVENTORIES_CHANGE},
	{HTTP_POST, ONE "/inventories", write_refused, HTTP_READ,
	 .flags = POLICY_PROVIDER_INVENTORIES_CHANGE},
	{HTTP_DELETE, ONE "/inventories", write_refused, HTTP_READ,
	 .flags = POLICY_PROVIDER_INVENTORIES_CHANGE | SINCE(5)},
	{HTTP_GET, ONE "/inventories/{class}", provider_inventory_show, HTTP_READ,
	 .flags = POLICY_PROVIDER_INVENTORIES},
	{HTTP_PUT, ONE "/inventories/{class}", inventory_put, HTTP_WRITE,
	 .flags = POLICY_PROVIDER_INVENTORIES_CHANGE},
	{HTTP_DELETE, ONE "/inventories/{class}", write_refused, HTTP_READ,
	 .flags = POLICY_PROVIDER_INVENTORIES_CHANGE},

	{HTTP_GET, ONE "/usages", provider_usages, HTTP_READ, .flags = POLICY_PROVIDER_USAGES},
	{HTTP_GET, ONE "/traits", provider_traits, HTTP_READ, .flags = POLICY_PROVIDER_TRAITS | SINCE(6)},
	{HTTP_PUT, ONE "/traits", write_refused, HTTP_READ, .flags = POLICY_PROVIDERS_CHANGE | SINCE(6)},
	{HTTP_DELETE, ONE "/traits", write_refused, HTTP_READ, .flags = POLICY_PROVIDERS_CHANGE | SINCE(6)},
	{HTTP_GET, ONE "/aggregates", provider_aggregates, HTTP_READ,
	 .flags = POLICY_PROVIDER_AGGREGATES | SINCE(1)},
	{HTTP_PUT, ONE "/aggregates", write_refused, HTTP_READ, .flags = POLICY_PROVIDERS_CHANGE | SINCE(1)},
	{HTTP_GET, ONE "/allocations", provider_allocations, HTTP_READ, .flags = POLICY_PROVIDER_ALLOCATIONS},

	{HTTP_GET, "/resource_classes", classes_list, HTTP_SLOW, .flags = POLICY_CLASSES_LIST | SINCE(2)},
	{HTTP_POST, "/resource_classes", class_post, HTTP_WRITE, .flags = POLICY_CLASSES_CHANGE | SINCE(2),
	 .prepare = class_look},
	{HTTP_GET, "/resource_classes/{name}", class_show, HTTP_SLOW,
	 .flags = POLICY_CLASSES_SHOW | SINCE(2)},
	{HTTP_PUT, "/resource_classes/{name}", class_put, HTTP_WRITE,
	 .flags = POLICY_CLASSES_CHANGE | SINCE(7), .prepare = class_look},
	{HTTP_DELETE, "/resource_classes/{name}", class_delete, HTTP_WRITE,
	 .flags = POLICY_CLASSES_CHANGE | SINCE(2), .prepare = class_look},

	{HTTP_GET, "/traits", traits_list, HTTP_SLOW, .flags = POLICY_TRAITS_LIST | SINCE(6)},
	{HTTP_GET, "/traits/{name}", trait_show, HTTP_SLOW, .flags = POLICY_TRAITS_SHOW | SINCE(6)},
	{HTTP_PUT, "/traits/{name}", trait_put, HTTP_WRITE, .flags = POLICY_TRAITS_CHANGE | SINCE(6),
	 .prepare = trait_look},
	{HTTP_DELETE, "/traits/{name}", trait_delete, HTTP_WRITE, .flags = POLICY_TRAITS_CHANGE | SINCE(6),
	 .prepare = trait_look},

	{HTTP_GET, "/allocations/{consumer}", allocations_show, HTTP_READ, .flags = POLICY_ALLOCATIONS_LIST},
	{HTTP_PUT, "/allocations/{consumer}", write_refused, HTTP_READ, .flags = POLICY_ALLOCATIONS_CHANGE},
	{HTTP_DELETE, "/allocations/{consumer}", write_refused, HTTP_READ,
	 .flags = POLICY_ALLOCATIONS_CHANGE},
	{HTTP_POST, "/allocations", write_refused, HTTP_READ, .flags = POLICY_ALLOCATIONS_CHANGE | SINCE(13)},
	{HTTP_POST, "/reshaper", write_refused, HTTP_READ, .flags = POLICY_ALLOCATIONS_CHANGE | SINCE(30)},
	{HTTP_GET, "/usages", usages_show, HTTP_SLOW, .flags = POLICY_USAGES | SINCE(9)},
	{HTTP_GET, "/allocation_candidates", candidates_list, HTTP_SLOW,
	 .flags = POLICY_CANDIDATES | SINCE(10)},
};

static const struct http_service service = {
	.name = "placement",
	.prefix = "/placement",
	.routes = routes,
	.route_count = ELEMENTS_OF(routes),
	.before = placement_before,
	.render_error = placement_error,
	.no_route = placement_no_route,
};

const struct http_service *placement_service(const struct config *config, struct error *err)
{
	(void)config;
	(void)err;
	return &service;
}
