/* What administrators see of the hosts: services, hypervisors, availability zones. */
#include "compute/service.h"
#include "scheduler/scheduler.h"

#include <string.h>

/* --- services --- */

/* Each host has one, nova-compute.  Its id is the host's: a UUID since 2.53, a number before. */
static void service_view(struct http_request *request, const struct scheduler_host *host, yyjson_mut_doc *doc,
			 yyjson_mut_val *object)
{
	yyjson_mut_obj_add_str(doc, object, "binary", "nova-compute");
	compute_add_text(doc, object, "host", host->name);
	if (request->microversion >= 2053)
		compute_add_text(doc, object, "id", host->id);
	else
		yyjson_mut_obj_add_int(doc, object, "id", host->number);
	compute_add_text(doc, object, "zone", host->availability_zone);
	yyjson_mut_obj_add_str(doc, object, "status", host->enabled ? "enabled" : "disabled");
	yyjson_mut_obj_add_str(doc, object, "state", host->up ? "up" : "down");
	compute_add_time_long(doc, object, "updated_at", host->heard_at ? host->heard_at : host->created_at);
	compute_add_text(doc, object, "disabled_reason",
			 !host->enabled && host->disabled_reason[0] ? host->disabled_reason : NULL);
	if (request->microversion >= 2011)
		yyjson_mut_obj_add_bool(doc, object, "forced_down", host->forced_down);
}

static bool services_index(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_free_ struct scheduler_host *hosts = NULL;
	const char *name = http_query(request, "host"), *binary = http_query(request, "binary");
	size_t count = 0;

	if (!scheduler_hosts(request->db, &hosts, &count, err))
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "services");
	for (size_t i = 0; i < count; i++) {
		if ((name && strcmp(name, hosts[i].name) != 0) ||
		    (binary && strcmp(binary, "nova-compute") != 0))
			continue;
		service_view(request, &hosts[i], response->json,
			     yyjson_mut_arr_add_obj(response->json, list));
	}
	return true;
}

static bool service_change(struct http_request *request, const char *host, const char *status,
			   const char *reason, struct scheduler_host *after, struct error *err)
{
	bool enable = strcmp(status, "enabled") == 0;

	if (!scheduler_host_load(request->db, host, after, err)) {
		if (err->kind == ERROR_NOT_FOUND)
			error_set(err, ERROR_NOT_FOUND, "Service %s could not be found.", host);
		return false;
	}
	return scheduler_host_set_enabled(request->db, after->id, enable,
					  enable   ? ""
					  : reason ? reason
						   : "",
					  err) &&
	       scheduler_host_load(request->db, after->id, after, err);
}

/* Servers that it was building are tried elsewhere, and those that it had can be evacuated. */
static bool service_force_down(struct http_request *request, const char *host, bool down,
			       struct scheduler_host *after, struct error *err)
{
	if (!scheduler_host_load(request->db, host, after, err)) {
		if (err->kind == ERROR_NOT_FOUND)
			error_set(err, ERROR_NOT_FOUND, "Service %s could not be found.", host);
		return false;
	}
	return scheduler_host_force_down(request->db, after->id, down, err) &&
	       scheduler_host_load(request->db, after->id, after, err);
}

static const char *const statuses[] = {"enabled", "disabled", NULL};
static const struct schema status_text = {.types = SCHEMA_STRING, .choices = statuses};
static const struct schema reason_text = {.types = SCHEMA_STRING, .shortest = 1, .longest = 255};
static const struct schema host_text = {.types = SCHEMA_STRING,
					.shortest = 1,
					.longest = 255,
					.format = SCHEMA_HOSTNAME};
static const struct schema service_body = {
	.types = SCHEMA_OBJECT,
	.fields = (const struct schema_field[]){{"status", &status_text},
						{"disabled_reason", &reason_text},
						{"forced_down", &schema_boolean_like},
						{0}}};
static const struct schema old_service_body = {
	.types = SCHEMA_OBJECT,
	.fields = (const struct schema_field[]){{"host", &host_text, .required = true},
						{"binary", &schema_name, .required = true},
						{"disabled_reason", &reason_text},
						{"forced_down", &schema_boolean_like},
						{0}}};

/* PUT /os-services/{uuid}, since 2.53. */
static bool service_update(struct http_request *request, struct http_response *response, struct error *err)
{
	struct scheduler_host host;

	if (!compute_since(request, 2053, err))
		return false;
	yyjson_val *body = compute_body(request, &service_body, err);
	const char *status = yyjson_get_str(yyjson_obj_get(body, "status"));
	const char *reason = yyjson_get_str(yyjson_obj_get(body, "disabled_reason"));
	if (!body)
		return false;
	yyjson_val *down = yyjson_obj_get(body, "forced_down");
	if (!status && !down)
		return error_set(
			err, ERROR_BAD_REQUEST,
			"No updates were requested. Fields 'status' or 'forced_down' should be specified.");
	if (reason && (!status || strcmp(status, "disabled") != 0))
		return error_set(err, ERROR_BAD_REQUEST,
				 "Specifying 'disabled_reason' requires that 'status' is 'disabled'.");
	if (!schema_text_fits(SCHEMA_UUID, request->params[0]))
		return error_set(err, ERROR_BAD_REQUEST, "Invalid uuid %s", request->params[0]);
	if ((status && !service_change(request, request->params[0], status, reason, &host, err)) ||
	    (down &&
	     !service_force_down(request, request->params[0], schema_boolean(down, false), &host, err)))
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	service_view(request, &host, response->json, yyjson_mut_obj_add_obj(response->json, root, "service"));
	return true;
}

/* PUT /os-services/enable and its like, until 2.52. */
static bool service_update_old(struct http_request *request, struct http_response *response,
			       const char *status, bool needs_reason, struct error *err)
{
	struct scheduler_host host;

	if (request->microversion >= 2053)
		return service_update(request, response, err);
	yyjson_val *body = compute_body(request, &old_service_body, err);
	const char *reason = yyjson_get_str(yyjson_obj_get(body, "disabled_reason"));
	if (!body)
		return false;
	if (needs_reason && !reason)
		return error_set(err, ERROR_BAD_REQUEST, "Missing disabled reason field");
	if (strcmp(yyjson_get_str(yyjson_obj_get(body, "binary")), "nova-compute") != 0)
		return error_set(err, ERROR_NOT_FOUND, "Could not find binary %s on host %s.",
				 yyjson_get_str(yyjson_obj_get(body, "binary")),
				 yyjson_get_str(yyjson_obj_get(body, "host")));
	if (!service_change(request, yyjson_get_str(yyjson_obj_get(body, "host")), status, reason, &host,
			    err))
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *service = yyjson_mut_obj_add_obj(response->json, root, "service");
	compute_add_text(response->json, service, "host", host.name);
	yyjson_mut_obj_add_str(response->json, service, "binary", "nova-compute");
	yyjson_mut_obj_add_str(response->json, service, "status", status);
	if (needs_reason)
		compute_add_text(response->json, service, "disabled_reason", reason);
	return true;
}

static bool service_enable(struct http_request *request, struct http_response *response, struct error *err)
{
	return service_update_old(request, response, "enabled", false, err);
}

static bool service_disable(struct http_request *request, struct http_response *response, struct error *err)
{
	return service_update_old(request, response, "disabled", false, err);
}

static bool service_disable_reason(struct http_request *request, struct http_response *response,
				   struct error *err)
{
	return service_update_old(request, response, "disabled", true, err);
}

/* PUT /os-services/force-down, 2.11 to 2.52. */
static bool service_force_down_old(struct http_request *request, struct http_response *response,
				   struct error *err)
{
	struct scheduler_host host;

	if (request->microversion >= 2053)
		return service_update(request, response, err);
	if (!compute_since(request, 2011, err))
		return false;
	yyjson_val *body = compute_body(request, &old_service_body, err);
	bool down = schema_boolean(yyjson_obj_get(body, "forced_down"), false);
	if (!body)
		return false;
	if (!yyjson_obj_get(body, "forced_down"))
		return error_set(err, ERROR_BAD_REQUEST, "Missing forced_down field");
	if (!service_force_down(request, yyjson_get_str(yyjson_obj_get(body, "host")), down, &host, err))
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *service = yyjson_mut_obj_add_obj(response->json, root, "service");
	compute_add_text(response->json, service, "host", host.name);
	yyjson_mut_obj_add_str(response->json, service, "binary", "nova-compute");
	yyjson_mut_obj_add_bool(response->json, service, "forced_down", down);
	return true;
}

/* --- hypervisors --- */

static void hypervisor_id(struct http_request *request, const struct scheduler_host *host,
			  yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key)
{
	if (request->microversion >= 2053)
		compute_add_text(doc, object, key, host->id);
	else
		yyjson_mut_obj_add_int(doc, object, key, host->number);
}

struct usage {
	int64_t count, vcpus, vcpus_used, memory_mb, memory_mb_used, disk_gb, disk_gb_used, running_vms;
};

/* Until 2.87 a hypervisor told its resources; the same names are in the statistics. */
static void usage_view(const struct usage *usage, yyjson_mut_doc *doc, yyjson_mut_val *object)
{
	yyjson_mut_obj_add_int(doc, object, "vcpus", usage->vcpus);
	yyjson_mut_obj_add_int(doc, object, "memory_mb", usage->memory_mb);
	yyjson_mut_obj_add_int(doc, object, "local_gb", usage->disk_gb);
	yyjson_mut_obj_add_int(doc, object, "vcpus_used", usage->vcpus_used);
	yyjson_mut_obj_add_int(doc, object, "memory_mb_used", usage->memory_mb_used);
	yyjson_mut_obj_add_int(doc, object, "local_gb_used", usage->disk_gb_used);
	yyjson_mut_obj_add_int(doc, object, "free_ram_mb", usage->memory_mb - usage->memory_mb_used);
	yyjson_mut_obj_add_int(doc, object, "free_disk_gb", usage->disk_gb - usage->disk_gb_used);
	yyjson_mut_obj_add_int(doc, object, "current_workload", 0);
	yyjson_mut_obj_add_int(doc, object, "running_vms", usage->running_vms);
	yyjson_mut_obj_add_int(doc, object, "disk_available_least", usage->disk_gb - usage->disk_gb_used);
}

static void usage_add(struct usage *usage, const struct scheduler_host *host)
{
	usage->count++;
	usage->vcpus += host->vcpus;
	usage->vcpus_used += host->vcpus_used;
	usage->memory_mb += host->memory_mb;
	usage->memory_mb_used += host->memory_mb_used;
	usage->disk_gb += host->disk_gb;
	usage->disk_gb_used += host->disk_gb_used;
	usage->running_vms += host->running_vms;
}

/* A JSON object since 2.28, a text before. */
static void cpu_info_view(struct http_request *request, const struct scheduler_host *host,
			  yyjson_mut_doc *doc, yyjson_mut_val *object)
{
	const char *json = host->cpu_info[0] ? host->cpu_info : "{}";

	if (request->microversion >= 2028)
		compute_add_raw(doc, object, "cpu_info", json, "{}");
	else
		compute_add_text(doc, object, "cpu_info", json);
}

static bool servers_view(struct http_request *request, const struct scheduler_host *host, yyjson_mut_doc *doc,
			 yyjson_mut_val *object, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	yyjson_mut_val *list = NULL;

	if (!store_query(request->db, &rows, err,
			 "SELECT id, number FROM server WHERE host_id = ?1 ORDER BY number",
			 V((const char *)host->id)))
		return false;
	/* Until 2.74 a hypervisor without servers had no such member. */
	if (request->microversion >= 2075)
		list = yyjson_mut_obj_add_arr(doc, object, "servers");
	while (store_next(&rows)) {
		char name[32];

		if (!list)
			list = yyjson_mut_obj_add_arr(doc, object, "servers");
		yyjson_mut_val *server = yyjson_mut_arr_add_obj(doc, list);
		snprintf(name, sizeof name, "instance-%08llx", (unsigned long long)store_int(&rows, 1));
		compute_add_text(doc, server, "name", name);
		compute_add_text(doc, server, "uuid", store_text(&rows, 0));
	}
	return store_end(&rows, err);
}

static bool hypervisor_view(struct http_request *request, const struct scheduler_host *host,
			    yyjson_mut_doc *doc, yyjson_mut_val *object, bool detail, bool servers,
			    struct error *err)
{
	struct usage usage = {0};

	hypervisor_id(request, host, doc, object, "id");
	compute_add_text(doc, object, "hypervisor_hostname", host->name);
	yyjson_mut_obj_add_str(doc, object, "state", host->up ? "up" : "down");
	yyjson_mut_obj_add_str(doc, object, "status", host->enabled ? "enabled" : "disabled");
	if (servers && !servers_view(request, host, doc, object, err))
		return false;
	if (!detail)
		return true;
	compute_add_text(doc, object, "hypervisor_type", host->hypervisor_type);
	yyjson_mut_obj_add_int(doc, object, "hypervisor_version", host->hypervisor_version);
	/* Hosts reach the controller; it has no address of theirs. */
	yyjson_mut_obj_add_str(doc, object, "host_ip", "");
	yyjson_mut_val *service = yyjson_mut_obj_add_obj(doc, object, "service");
	hypervisor_id(request, host, doc, service, "id");
	compute_add_text(doc, service, "host", host->name);
	compute_add_text(doc, service, "disabled_reason",
			 !host->enabled && host->disabled_reason[0] ? host->disabled_reason : NULL);
	if (request->microversion >= 2088) {
		yyjson_mut_obj_add_null(doc, object, "uptime");
		return true;
	}
	usage_add(&usage, host);
	usage_view(&usage, doc, object);
	cpu_info_view(request, host, doc, object);
	return true;
}

static bool hypervisors_list(struct http_request *request, struct http_response *response, bool detail,
			     struct error *err)
{
	_cleanup_free_ struct scheduler_host *hosts = NULL;
	const char *pattern = http_query(request, "hypervisor_hostname_pattern");
	const char *with_servers = http_query(request, "with_servers");
	struct compute_page page = {.limit = INT32_MAX};
	bool servers = false, started;
	const char *last = NULL;
	size_t count = 0, shown = 0;

	if (with_servers && request->microversion >= 2053 && !text_to_bool(with_servers, &servers))
		return error_set(
			err, ERROR_BAD_REQUEST,
			"Invalid input for query parameters with_servers. Value: %s. '%s' is not a boolean",
			with_servers, with_servers);
	if (request->microversion >= 2033 && !compute_page(request, &page, err))
		return false;
	if (!scheduler_hosts(request->db, &hosts, &count, err))
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_doc *doc = response->json;
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "hypervisors");
	started = !page.marker;
	for (size_t i = 0; i < count && (int64_t)shown < page.limit; i++) {
		bool after = started;
		char number[24];

		snprintf(number, sizeof number, "%lld", (long long)hosts[i].number);
		started =
			started || strcmp(hosts[i].id, page.marker) == 0 || strcmp(number, page.marker) == 0;
		if (!after || (pattern && !strstr(hosts[i].name, pattern)))
			continue;
		if (!hypervisor_view(request, &hosts[i], doc, yyjson_mut_arr_add_obj(doc, list), detail,
				     servers, err))
			return false;
		last = http_copy(request, request->microversion >= 2053 ? hosts[i].id : number);
		shown++;
	}
	if (!started)
		return error_set(err, ERROR_BAD_REQUEST, "marker [%s] not found", page.marker);
	if (pattern && shown == 0 && request->microversion >= 2053)
		return error_set(err, ERROR_NOT_FOUND, "No hypervisor matching '%s' could be found.",
				 pattern);
	if (page.limited && last)
		compute_add_next(request, doc, root, "hypervisors_links", &page,
				 detail ? "os-hypervisors/detail" : "os-hypervisors", shown, last);
	return true;
}

static bool hypervisors_index(struct http_request *request, struct http_response *response, struct error *err)
{
	return hypervisors_list(request, response, false, err);
}

static bool hypervisors_detail(struct http_request *request, struct http_response *response,
			       struct error *err)
{
	return hypervisors_list(request, response, true, err);
}

/* By UUID, or by number before 2.53. */
static bool hypervisor_find(struct http_request *request, struct scheduler_host *found, struct error *err)
{
	_cleanup_free_ struct scheduler_host *hosts = NULL;
	const char *id = request->params[0];
	size_t count = 0;

	if (request->microversion >= 2053 && !schema_text_fits(SCHEMA_UUID, id))
		return error_set(err, ERROR_BAD_REQUEST, "Invalid uuid %s", id);
	if (!scheduler_hosts(request->db, &hosts, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		char number[24];

		snprintf(number, sizeof number, "%lld", (long long)hosts[i].number);
		if (strcmp(request->microversion >= 2053 ? hosts[i].id : number, id) != 0)
			continue;
		*found = hosts[i];
		return true;
	}
	return error_set(err, ERROR_NOT_FOUND, "Hypervisor with ID '%s' could not be found.", id);
}

static bool hypervisor_show(struct http_request *request, struct http_response *response, struct error *err)
{
	const char *with_servers = http_query(request, "with_servers");
	struct scheduler_host host;
	bool servers = false;

	if (with_servers && request->microversion >= 2053)
		text_to_bool(with_servers, &servers);
	if (!hypervisor_find(request, &host, err))
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	return hypervisor_view(request, &host, response->json,
			       yyjson_mut_obj_add_obj(response->json, root, "hypervisor"), true, servers,
			       err);
}

/* Agents tell nothing of the sort.  As of a Nova driver that cannot: 501, with which clients leave it out. */
static bool hypervisor_uptime(struct http_request *request, struct http_response *response, struct error *err)
{
	struct scheduler_host host;

	(void)response;
	if (request->microversion >= 2088)
		return error_set(err, ERROR_NOT_FOUND, "API version '2.%d' is not supported on this method.",
				 request->microversion - 2000);
	return hypervisor_find(request, &host, err) &&
	       compute_not_built(err, "tell how long a host has been up");
}

static bool hypervisors_statistics(struct http_request *request, struct http_response *response,
				   struct error *err)
{
	_cleanup_free_ struct scheduler_host *hosts = NULL;
	struct usage usage = {0};
	size_t count = 0;

	if (request->microversion >= 2088)
		return error_set(err, ERROR_NOT_FOUND, "API version '2.%d' is not supported on this method.",
				 request->microversion - 2000);
	if (!scheduler_hosts(request->db, &hosts, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		usage_add(&usage, &hosts[i]);
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *object = yyjson_mut_obj_add_obj(response->json, root, "hypervisor_statistics");
	yyjson_mut_obj_add_int(response->json, object, "count", usage.count);
	usage_view(&usage, response->json, object);
	return true;
}

/* --- availability zones --- */

static void zone_host_view(const struct scheduler_host *host, yyjson_mut_doc *doc, yyjson_mut_val *hosts)
{
	yyjson_mut_val *services = yyjson_mut_obj(doc);
	yyjson_mut_val *compute = yyjson_mut_obj_add_obj(doc, services, "nova-compute");

	yyjson_mut_obj_add_bool(doc, compute, "available", host->enabled);
	yyjson_mut_obj_add_bool(doc, compute, "active", host->up);
	compute_add_time_long(doc, compute, "updated_at", host->heard_at);
	yyjson_mut_obj_add(hosts, yyjson_mut_strcpy(doc, host->name), services);
}

/* A zone is there if it has a host, and available if one of its hosts is enabled. */
static void zone_view(const char *zone, const struct scheduler_host *hosts, size_t count, bool detail,
		      yyjson_mut_doc *doc, yyjson_mut_val *list)
{
	yyjson_mut_val *object = yyjson_mut_arr_add_obj(doc, list), *members = NULL;
	bool available = false;

	for (size_t i = 0; i < count; i++)
		available = available || (hosts[i].enabled && strcmp(hosts[i].availability_zone, zone) == 0);
	compute_add_text(doc, object, "zoneName", zone);
	yyjson_mut_val *state = yyjson_mut_obj_add_obj(doc, object, "zoneState");
	yyjson_mut_obj_add_bool(doc, state, "available", available);
	if (!detail) {
		yyjson_mut_obj_add_null(doc, object, "hosts");
		return;
	}
	members = yyjson_mut_obj_add_obj(doc, object, "hosts");
	for (size_t i = 0; i < count; i++) {
		if (strcmp(hosts[i].availability_zone, zone) == 0)
			zone_host_view(&hosts[i], doc, members);
	}
}

static bool zones_list(struct http_request *request, struct http_response *response, bool detail,
		       struct error *err)
{
	_cleanup_free_ struct scheduler_host *hosts = NULL;
	size_t count = 0;

	if (!scheduler_hosts(request->db, &hosts, &count, err))
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "availabilityZoneInfo");
	for (size_t i = 0; i < count; i++) {
		size_t first = 0;

		while (strcmp(hosts[first].availability_zone, hosts[i].availability_zone) != 0)
			first++;
		if (first == i)
			zone_view(hosts[i].availability_zone, hosts, count, detail, response->json, list);
	}
	return true;
}

static bool zones_index(struct http_request *request, struct http_response *response, struct error *err)
{
	return zones_list(request, response, false, err);
}

static bool zones_detail(struct http_request *request, struct http_response *response, struct error *err)
{
	return zones_list(request, response, true, err);
}

static const struct http_route routes[] = {
	{HTTP_GET, "/os-services", services_index, HTTP_READ, .flags = POLICY_SERVICES},
	{HTTP_PUT, "/os-services/enable", service_enable, HTTP_WRITE, .flags = POLICY_SERVICES_UPDATE},
	{HTTP_PUT, "/os-services/disable", service_disable, HTTP_WRITE, .flags = POLICY_SERVICES_UPDATE},
	{HTTP_PUT, "/os-services/disable-log-reason", service_disable_reason, HTTP_WRITE,
	 .flags = POLICY_SERVICES_UPDATE},
	{HTTP_PUT, "/os-services/force-down", service_force_down_old, HTTP_WRITE,
	 .flags = POLICY_SERVICES_UPDATE},
	{HTTP_PUT, "/os-services/{id}", service_update, HTTP_WRITE, .flags = POLICY_SERVICES_UPDATE},
	{HTTP_GET, "/os-hypervisors", hypervisors_index, HTTP_READ, .flags = POLICY_HYPERVISORS},
	{HTTP_GET, "/os-hypervisors/detail", hypervisors_detail, HTTP_READ,
	 .flags = POLICY_HYPERVISORS_DETAIL},
	{HTTP_GET, "/os-hypervisors/statistics", hypervisors_statistics, HTTP_READ,
	 .flags = POLICY_HYPERVISORS_STATISTICS},
	{HTTP_GET, "/os-hypervisors/{id}/uptime", hypervisor_uptime, HTTP_READ,
	 .flags = POLICY_HYPERVISORS_UPTIME},
	{HTTP_GET, "/os-hypervisors/{id}", hypervisor_show, HTTP_READ, .flags = POLICY_HYPERVISORS_SHOW},
	{HTTP_GET, "/os-availability-zone", zones_index, HTTP_READ, .flags = POLICY_ZONES},
	{HTTP_GET, "/os-availability-zone/detail", zones_detail, HTTP_READ, .flags = POLICY_ZONES_DETAIL},
};

const struct compute_routes host_routes = {routes, ELEMENTS_OF(routes)};
