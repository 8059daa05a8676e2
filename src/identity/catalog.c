/* The catalog: which services there are and where.  It follows from what is built, so it is not stored; ids
 * are fixed texts. */
#include "base/memory.h"
#include "identity/internal.h"

#include <string.h>

#define REGION "RegionOne"

static const struct catalog_entry {
	const char *id, *type, *name, *path;
} catalog[] = {
	{"1de0717e000000000000000000000001", "identity", "keystone", "/identity/v3/"},
	{"1de0717e000000000000000000000002", "image", "glance", "/image"},
	{"1de0717e000000000000000000000003", "network", "neutron", "/network"},
	{"1de0717e000000000000000000000004", "compute", "nova", "/compute/v2.1"},
	{"1de0717e000000000000000000000005", "placement", "placement", "/placement"},
};
static const char *const interfaces[] = {"public", "internal", "admin"};

static const char *endpoint_id(struct http_request *request, const struct catalog_entry *entry,
			       size_t interface)
{
	return http_printf(request, "%.31s%c", entry->id + 1, "abc"[interface]);
}

static void endpoint_fill(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *object,
			  const struct catalog_entry *entry, size_t interface)
{
	yyjson_mut_obj_add_strcpy(doc, object, "id", endpoint_id(request, entry, interface));
	yyjson_mut_obj_add_str(doc, object, "interface", interfaces[interface]);
	yyjson_mut_obj_add_str(doc, object, "region_id", REGION);
	yyjson_mut_obj_add_str(doc, object, "region", REGION);
	yyjson_mut_obj_add_strcpy(doc, object, "url",
				  http_printf(request, "%s%s", http_base_url(request), entry->path));
}

void catalog_view(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *token)
{
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, token, "catalog");

	for (size_t i = 0; i < ELEMENTS_OF(catalog); i++) {
		yyjson_mut_val *service = yyjson_mut_arr_add_obj(doc, list);
		yyjson_mut_val *endpoints = yyjson_mut_obj_add_arr(doc, service, "endpoints");

		for (size_t k = 0; k < ELEMENTS_OF(interfaces); k++)
			endpoint_fill(request, doc, yyjson_mut_arr_add_obj(doc, endpoints), &catalog[i], k);
		yyjson_mut_obj_add_str(doc, service, "id", catalog[i].id);
		yyjson_mut_obj_add_str(doc, service, "type", catalog[i].type);
		yyjson_mut_obj_add_str(doc, service, "name", catalog[i].name);
	}
}

static void service_fill(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *object,
			 const struct catalog_entry *entry)
{
	yyjson_mut_obj_add_str(doc, object, "name", entry->name);
	yyjson_mut_obj_add_str(doc, object, "id", entry->id);
	yyjson_mut_obj_add_str(doc, object, "type", entry->type);
	yyjson_mut_obj_add_bool(doc, object, "enabled", true);
	identity_links_self(request, doc, object, http_printf(request, "/v3/services/%s", entry->id));
}

static bool filter_passes(struct http_request *request, const char *name, const char *value)
{
	const char *wanted = http_query(request, name);

	return !wanted || strcmp(wanted, value) == 0;
}

bool catalog_services(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "services");

	(void)err;
	for (size_t i = 0; i < ELEMENTS_OF(catalog); i++) {
		if (filter_passes(request, "name", catalog[i].name) &&
		    filter_passes(request, "type", catalog[i].type))
			service_fill(request, response->json, yyjson_mut_arr_add_obj(response->json, list),
				     &catalog[i]);
	}
	identity_links_list(request, response->json, root);
	return true;
}

bool catalog_service(struct http_request *request, struct http_response *response, struct error *err)
{
	for (size_t i = 0; i < ELEMENTS_OF(catalog); i++) {
		if (strcmp(catalog[i].id, request->params[0]) != 0)
			continue;
		yyjson_mut_val *root = http_json_object(response, 200);
		service_fill(request, response->json, yyjson_mut_obj_add_obj(response->json, root, "service"),
			     &catalog[i]);
		return true;
	}
	return error_set(err, ERROR_NOT_FOUND, "Could not find service: %s.", request->params[0]);
}

static void endpoint_full(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *object, size_t i,
			  size_t k)
{
	endpoint_fill(request, doc, object, &catalog[i], k);
	yyjson_mut_obj_add_str(doc, object, "service_id", catalog[i].id);
	yyjson_mut_obj_add_bool(doc, object, "enabled", true);
	identity_links_self(request, doc, object,
			    http_printf(request, "/v3/endpoints/%s", endpoint_id(request, &catalog[i], k)));
}

bool catalog_endpoints(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "endpoints");

	(void)err;
	for (size_t i = 0; i < ELEMENTS_OF(catalog); i++) {
		for (size_t k = 0; k < ELEMENTS_OF(interfaces); k++) {
			if (filter_passes(request, "interface", interfaces[k]) &&
			    filter_passes(request, "service_id", catalog[i].id))
				endpoint_full(request, response->json,
					      yyjson_mut_arr_add_obj(response->json, list), i, k);
		}
	}
	identity_links_list(request, response->json, root);
	return true;
}

bool catalog_endpoint(struct http_request *request, struct http_response *response, struct error *err)
{
	for (size_t i = 0; i < ELEMENTS_OF(catalog) * ELEMENTS_OF(interfaces); i++) {
		size_t service = i / ELEMENTS_OF(interfaces), interface = i % ELEMENTS_OF(interfaces);

		if (strcmp(endpoint_id(request, &catalog[service], interface), request->params[0]) != 0)
			continue;
		yyjson_mut_val *root = http_json_object(response, 200);
		endpoint_full(request, response->json,
			      yyjson_mut_obj_add_obj(response->json, root, "endpoint"), service, interface);
		return true;
	}
	return error_set(err, ERROR_NOT_FOUND, "Could not find endpoint: %s.", request->params[0]);
}

static void region_fill(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *object)
{
	yyjson_mut_obj_add_str(doc, object, "id", REGION);
	yyjson_mut_obj_add_str(doc, object, "description", "");
	yyjson_mut_obj_add_null(doc, object, "parent_region_id");
	identity_links_self(request, doc, object, "/v3/regions/" REGION);
}

bool catalog_regions(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "regions");

	(void)err;
	region_fill(request, response->json, yyjson_mut_arr_add_obj(response->json, list));
	identity_links_list(request, response->json, root);
	return true;
}

bool catalog_region(struct http_request *request, struct http_response *response, struct error *err)
{
	if (strcmp(request->params[0], REGION) != 0)
		return error_set(err, ERROR_NOT_FOUND, "Could not find region: %s.", request->params[0]);
	yyjson_mut_val *root = http_json_object(response, 200);
	region_fill(request, response->json, yyjson_mut_obj_add_obj(response->json, root, "region"));
	return true;
}
