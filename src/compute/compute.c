/* The compute service: its routes, who may call them, microversions, versions documents and error bodies. */
#include "compute/compute.h"

#include "compute/microversion.h"
#include "compute/server.h"
#include "network/network.h"

#include <string.h>

struct compute_settings compute_settings;

enum rule { RULE_NONE, RULE_READER, RULE_MEMBER, RULE_ADMIN };

static const struct {
	enum rule rule;
	const char *text;
} policies[] = {
#define P(name, rule, text) [POLICY_##name] = {RULE_##rule, text},
	COMPUTE_POLICIES(P)
#undef P
};

/* --- authentication, microversion, policy --- */

static bool policy_allows(const struct auth *auth, enum rule rule)
{
	switch (rule) {
	case RULE_NONE:
		return true;
	case RULE_READER:
		return auth->project_id && (auth->reader || auth->admin);
	case RULE_MEMBER:
		return auth->project_id && (auth->member || auth->admin);
	case RULE_ADMIN:
		return auth->admin;
	}
	return false;
}

bool compute_forbidden(struct error *err, const char *rule)
{
	return error_set(err, ERROR_FORBIDDEN, "Policy doesn't allow os_compute_api:%s to be performed.",
			 rule);
}

/* The old form of a path has the project in front: it must be the token's, and handlers do not see it. */
static bool scoped_path(struct http_request *request, struct error *err)
{
	const char *project = request->params[0];

	if (!text_equal(project, request->auth->project_id))
		return error_set(err, ERROR_BAD_REQUEST,
				 "Malformed request URL: URL's project_id '%s' doesn't match Context's "
				 "project_id '%s'",
				 project, request->auth->project_id ? request->auth->project_id : "None");
	memmove(request->params, request->params + 1, sizeof request->params - sizeof request->params[0]);
	request->params[HTTP_MAX_PARAMS - 1] = NULL;
	return true;
}

static void add_version_headers(struct http_request *request, struct http_response *response)
{
	char text[32];

	snprintf(text, sizeof text, "compute 2.%d", request->microversion - 2000);
	http_header_add(response, "OpenStack-API-Version", text);
	http_header_add(response, "X-OpenStack-Nova-API-Version", text + strlen("compute "));
	http_header_add(response, "Vary", "OpenStack-API-Version");
	http_header_add(response, "Vary", "X-OpenStack-Nova-API-Version");
}

static bool compute_before(struct http_request *request, struct http_response *response, struct error *err)
{
	unsigned flags = request->route->flags;
	enum compute_policy policy = (enum compute_policy)(flags & ~COMPUTE_SCOPED);

	http_header_add(response, "x-compute-request-id", request->request_id);
	if (policies[policy].rule != RULE_NONE && !identity_authenticate(request, err))
		return false;
	if (!microversion_negotiate(http_header(request, "OpenStack-API-Version"),
				    http_header(request, "X-OpenStack-Nova-API-Version"),
				    &request->microversion, err))
		return false;
	if (strcmp(request->path, "/") != 0) /* the list of versions has none itself */
		add_version_headers(request, response);
	if (!policy_allows(request->auth, policies[policy].rule))
		return compute_forbidden(err, policies[policy].text);
	return !(flags & COMPUTE_SCOPED) || scoped_path(request, err);
}

bool compute_since(struct http_request *request, int microversion, struct error *err)
{
	if (request->microversion >= microversion)
		return true;
	return error_set(err, ERROR_NOT_FOUND, "API version '2.%d' is not supported on this method.",
			 request->microversion - 2000);
}

/* --- errors --- */

/* Names of the error objects as Nova's faults have them. */
static const char *fault_name(enum error_kind kind)
{
	switch ((int)kind) {
	case 400:
		return "badRequest";
	case 401:
		return "unauthorized";
	case 403:
		return "forbidden";
	case 404:
		return "itemNotFound";
	case 405:
		return "badMethod";
	case 409:
		return "conflictingRequest";
	case 413:
	case 429:
		return "overLimit";
	case 415:
		return "badMediaType";
	case 501:
		return "notImplemented";
	case 503:
		return "serviceUnavailable";
	default:
		return "computeFault";
	}
}

/* What the token's middleware says before Nova is asked. */
static void render_unauthorized(struct http_request *request, struct http_response *response,
				const struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, 401);
	yyjson_mut_val *error = yyjson_mut_obj_add_obj(response->json, root, "error");

	yyjson_mut_obj_add_int(response->json, error, "code", 401);
	yyjson_mut_obj_add_str(response->json, error, "title", "Unauthorized");
	yyjson_mut_obj_add_strcpy(response->json, error, "message", err->message);
	http_header_set(response, "WWW-Authenticate",
			http_printf(request, "Keystone uri=\"%s/identity\"", http_base_url(request)));
}

static void compute_render_error(struct http_request *request, struct http_response *response,
				 const struct error *err)
{
	if (err->kind == ERROR_UNAUTHORIZED) {
		render_unauthorized(request, response, err);
		return;
	}
	if (!request->route) {
		/* No route: Nova's router answers a page, not an object. */
		http_text(response, 404, "text/html; charset=UTF-8",
			  "<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not "
			  "Found</h1>\n  The resource could not be found.<br /><br />\n </body>\n</html>");
		return;
	}
	yyjson_mut_val *root = http_json_object(response, (int)err->kind);
	yyjson_mut_val *fault = yyjson_mut_obj_add_obj(response->json, root, fault_name(err->kind));
	yyjson_mut_obj_add_int(response->json, fault, "code", (int)err->kind);
	yyjson_mut_obj_add_strcpy(response->json, fault, "message",
				  err->kind == ERROR_INTERNAL
					  ? "Unexpected API Error. Please look at the log of penstockd."
					  : err->message);
	if (err->kind == ERROR_NOT_ACCEPTABLE) {
		yyjson_mut_obj_add_str(response->json, fault, "min_version", "2.1");
		yyjson_mut_obj_add_str(response->json, fault, "max_version", "2.90");
	}
}

bool compute_not_built(struct error *err, const char *what)
{
	return error_set(err, ERROR_NOT_IMPLEMENTED, "Unable to %s: Penstock does not have this.", what);
}

/* --- versions --- */

static void add_version(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *object, bool alone)
{
	yyjson_mut_val *links, *link;

	yyjson_mut_obj_add_str(doc, object, "id", "v2.1");
	yyjson_mut_obj_add_str(doc, object, "status", "CURRENT");
	yyjson_mut_obj_add_str(doc, object, "version", "2.90");
	yyjson_mut_obj_add_str(doc, object, "min_version", "2.1");
	yyjson_mut_obj_add_str(doc, object, "updated", "2013-07-23T11:33:21Z");
	links = yyjson_mut_obj_add_arr(doc, object, "links");
	link = yyjson_mut_arr_add_obj(doc, links);
	yyjson_mut_obj_add_str(doc, link, "rel", "self");
	yyjson_mut_obj_add_str(doc, link, "href", http_printf(request, "%s/", compute_self_url(request)));
	if (!alone)
		return;
	link = yyjson_mut_arr_add_obj(doc, links);
	yyjson_mut_obj_add_str(doc, link, "rel", "describedby");
	yyjson_mut_obj_add_str(doc, link, "type", "text/html");
	yyjson_mut_obj_add_str(doc, link, "href", "http://docs.openstack.org/");
	yyjson_mut_val *type =
		yyjson_mut_arr_add_obj(doc, yyjson_mut_obj_add_arr(doc, object, "media-types"));
	yyjson_mut_obj_add_str(doc, type, "base", "application/json");
	yyjson_mut_obj_add_str(doc, type, "type", "application/vnd.openstack.compute+json;version=2.1");
}

static bool versions_list(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "versions");

	(void)err;
	add_version(request, response->json, yyjson_mut_arr_add_obj(response->json, list), false);
	return true;
}

static bool version_show(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, 200);

	(void)err;
	add_version(request, response->json, yyjson_mut_obj_add_obj(response->json, root, "version"), true);
	return true;
}

/* --- what handlers share --- */

yyjson_val *compute_body(struct http_request *request, const struct schema *schema, struct error *err)
{
	const char *type = http_header(request, "Content-Type");
	yyjson_val *body;

	if (type && !text_starts_with(type, "application/json")) {
		error_set(err, ERROR_UNSUPPORTED_MEDIA, "Unsupported Content-Type");
		return NULL;
	}
	body = http_body_json(request, err);
	if (!body) {
		if (err->kind == ERROR_BAD_REQUEST)
			error_set(err, ERROR_BAD_REQUEST, "Malformed request body");
		return NULL;
	}
	return schema_check(schema, body, request->microversion, err) ? body : NULL;
}

const char *compute_bookmark_url(struct http_request *request)
{
	return http_printf(request, "%s/compute", http_base_url(request));
}

const char *compute_self_url(struct http_request *request)
{
	return http_printf(request, "%s/compute/v2.1", http_base_url(request));
}

static void add_link(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *links,
		     const char *rel, const char *base, const char *kind, const char *id)
{
	yyjson_mut_val *link = yyjson_mut_arr_add_obj(doc, links);

	yyjson_mut_obj_add_str(doc, link, "rel", rel);
	yyjson_mut_obj_add_str(doc, link, "href", http_printf(request, "%s/%s/%s", base, kind, id));
}

void compute_add_bookmark(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *object,
			  const char *kind, const char *id)
{
	add_link(request, doc, yyjson_mut_obj_add_arr(doc, object, "links"), "bookmark",
		 compute_bookmark_url(request), kind, id);
}

void compute_add_links(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *object,
		       const char *kind, const char *id)
{
	yyjson_mut_val *links = yyjson_mut_obj_add_arr(doc, object, "links");

	add_link(request, doc, links, "self", compute_self_url(request), kind, id);
	add_link(request, doc, links, "bookmark", compute_bookmark_url(request), kind, id);
}

bool compute_page(struct http_request *request, struct compute_page *page, struct error *err)
{
	static const struct schema limit = {.types = SCHEMA_STRING,
					    .format = SCHEMA_DIGITS,
					    .ranged = true,
					    .minimum = 0,
					    .maximum = INT64_MAX};
	const char *text = http_query(request, "limit");
	int64_t asked;

	*page = (struct compute_page){.limit = compute_settings.max_limit,
				      .marker = http_query(request, "marker")};
	if (!text)
		return true;
	if (!schema_check_query(&limit, "limit", text, err))
		return false;
	/* 0 means no limit of the caller's own, as Nova takes it. */
	if (text_to_int64(text, 1, compute_settings.max_limit, &asked)) {
		page->limit = asked;
		page->limited = true;
	}
	return true;
}

static void add_escaped(struct text *text, const char *value)
{
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    strchr("-._~", c))
			text_add_bytes(text, value, 1);
		else
			text_addf(text, "%%%02X", c);
	}
}

void compute_add_next(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *root,
		      const char *name, const struct compute_page *page, const char *path, size_t count,
		      const char *last_id)
{
	_cleanup_(text_done) struct text query = {0};
	const char *key, *value;

	if (count == 0 || (int64_t)count < page->limit)
		return;
	for (size_t at = 0; http_query_next(request, &at, &key, &value);) {
		if (strcmp(key, "marker") == 0)
			continue;
		add_escaped(&query, key);
		text_add(&query, "=");
		add_escaped(&query, value);
		text_add(&query, "&");
	}
	text_add(&query, "marker=");
	add_escaped(&query, last_id);
	yyjson_mut_val *link = yyjson_mut_arr_add_obj(doc, yyjson_mut_obj_add_arr(doc, root, name));
	yyjson_mut_obj_add_str(doc, link, "rel", "next");
	yyjson_mut_obj_add_str(doc, link, "href",
			       http_printf(request, "%s/%s?%s", compute_self_url(request), path, query.data));
}

static void add_time(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, int64_t us,
		     enum time_style style)
{
	char text[32];

	if (us == 0)
		yyjson_mut_obj_add_null(doc, object, key);
	else
		yyjson_mut_obj_add_strcpy(doc, object, key, time_format(us, style, text));
}

void compute_add_time(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, int64_t us)
{
	add_time(doc, object, key, us, TIME_SECONDS_Z);
}

void compute_add_time_long(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, int64_t us)
{
	/* Nova's database keeps whole seconds. */
	add_time(doc, object, key, us - us % TIME_SECOND, TIME_MICROSECONDS);
}

void compute_add_text(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, const char *text)
{
	if (text)
		yyjson_mut_obj_add_strcpy(doc, object, key, text);
	else
		yyjson_mut_obj_add_null(doc, object, key);
}

void compute_add_raw(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, const char *json,
		     const char *fallback)
{
	yyjson_mut_obj_add_val(doc, object, key, yyjson_mut_rawcpy(doc, json ? json : fallback));
}

bool compute_empty(struct http_response *response, int status)
{
	response->status = status;
	response->content_type = "application/json"; /* even of nothing, as Nova says */
	return true;
}

char *compute_json_text(yyjson_val *value)
{
	char *text = yyjson_val_write(value, YYJSON_WRITE_ALLOW_INVALID_UNICODE, NULL);

	return text ? text : memory_copy_text("null");
}

/* --- the service --- */

static const struct http_route version_routes[] = {
	{HTTP_GET, "/", versions_list, HTTP_READ, .flags = POLICY_VERSIONS},
	{HTTP_GET, "/v2.1", version_show, HTTP_READ, .flags = POLICY_VERSIONS},
};

static const struct compute_routes *const tables[] = {
	&server_routes, &flavor_routes, &keypair_routes,   &host_routes, &pci_routes,
	&limits_routes, &group_routes,	&aggregate_routes, &move_routes,
};

static struct http_service service = {
	.name = "compute",
	.prefix = "/compute",
	.before = compute_before,
	.render_error = compute_render_error,
};

/* Each route under /v2.1 and, as older clients write it, under /v2.1/{project_id}. */
static void build_routes(void)
{
	struct http_route *routes = NULL;
	size_t count = 0;

	for (size_t i = 0; i < ELEMENTS_OF(version_routes); i++)
		*ARRAY_ADD(routes, count) = version_routes[i];
	for (int scoped = 0; scoped < 2; scoped++) {
		for (size_t i = 0; i < ELEMENTS_OF(tables); i++) {
			for (size_t k = 0; k < tables[i]->count; k++) {
				struct http_route *route = ARRAY_ADD(routes, count);

				*route = tables[i]->routes[k];
				route->pattern = memory_printf("/v2.1%s%s", scoped ? "/{project_id}" : "",
							       tables[i]->routes[k].pattern);
				route->flags |= scoped ? COMPUTE_SCOPED : 0;
				route->body_limit = COMPUTE_BODY_LIMIT;
			}
		}
	}
	service.routes = routes;
	service.route_count = count;
}

static bool read_settings(const struct config *config, struct compute_settings *settings, struct error *err)
{
	int64_t timeout, move, action, window, offload;

	snprintf(settings->default_zone, sizeof settings->default_zone, "%s",
		 config_text_given(config, "DEFAULT", "default_availability_zone", "nova"));
	if (!config_int(config, "api", "max_limit", 1000, 1, 100000, &settings->max_limit, err) ||
	    !config_int(config, "quota", "instances", 10, -1, INT32_MAX, &settings->quota_instances, err) ||
	    !config_int(config, "quota", "cores", 20, -1, INT32_MAX, &settings->quota_cores, err) ||
	    !config_int(config, "quota", "ram", 50 * 1024, -1, INT32_MAX, &settings->quota_ram_mb, err) ||
	    !config_int(config, "quota", "key_pairs", 100, -1, INT32_MAX, &settings->quota_key_pairs, err) ||
	    !config_int(config, "quota", "metadata_items", 128, -1, INT32_MAX,
			&settings->quota_metadata_items, err) ||
	    !config_int(config, "quota", "server_groups", 10, -1, INT32_MAX, &settings->quota_server_groups,
			err) ||
	    !config_int(config, "quota", "server_group_members", 10, -1, INT32_MAX,
			&settings->quota_server_group_members, err) ||
	    !config_int(config, "DEFAULT", "instance_build_timeout", 600, 0, 86400, &timeout, err) ||
	    !config_int(config, "penstock", "move_timeout", 7200, 0, 604800, &move, err) ||
	    !config_int(config, "penstock", "action_timeout", 1800, 0, 604800, &action, err) ||
	    !config_int(config, "DEFAULT", "resize_confirm_window", 0, 0, INT32_MAX, &window, err) ||
	    !config_int(config, "DEFAULT", "shelved_offload_time", 0, -1, INT32_MAX, &offload, err) ||
	    !config_bool(config, "DEFAULT", "allow_resize_to_same_host", false,
			 &settings->resize_to_same_host, err) ||
	    !config_int(config, "scheduler", "max_attempts", 3, 1, INT32_MAX, &settings->max_attempts, err) ||
	    !config_number(config, "filter_scheduler", "soft_affinity_weight_multiplier", 1, 0, 1e6,
			   &settings->soft_affinity_weight, err) ||
	    !config_number(config, "filter_scheduler", "soft_anti_affinity_weight_multiplier", 1, 0, 1e6,
			   &settings->soft_anti_affinity_weight, err) ||
	    !config_bool(config, "api", "enable_instance_password", true, &settings->password, err))
		return false;
	settings->move_timeout = move * TIME_SECOND;
	settings->action_timeout = action * TIME_SECOND;
	settings->confirm_window = window * TIME_SECOND;
	settings->offload_time = offload * TIME_SECOND;
	settings->build_timeout = timeout * TIME_SECOND;
	return true;
}

const struct http_service *compute_service(const struct config *config, struct error *err)
{
	if (!read_settings(config, &compute_settings, err))
		return NULL;
	if (!service.routes)
		build_routes();
	network_on_port_change(server_port_changed);
	return &service;
}
