/* What cannot be written, and the one thing of a provider that can: a device with one_time_use that was given
 * to a server is reserved from then on; an operator who has cleaned it sets `reserved` to 0, as with Nova. */
#include "placement/service.h"

#include "scheduler/view.h"

#include <string.h>

static bool refuse(struct error *err)
{
	return error_set(
		err, ERROR_FORBIDDEN,
		"Placement only shows what there is here: what a host has its penstock-agent says "
		"(configure it there), and who uses it Penstock's scheduler keeps. It cannot be changed "
		"by this API.");
}

bool write_refused(struct http_request *request, struct http_response *response, struct error *err)
{
	(void)request;
	(void)response;
	return refuse(err);
}

/* --- reserved --- */

/* What a body says of one inventory: everything but `reserved` must be as it is. */
static bool inventory_read(yyjson_val *body, const struct inventory *inventory, int64_t *reserved,
			   struct error *err)
{
	static const char *const others[] = {"min_unit", "step_size"};
	yyjson_val *total = yyjson_obj_get(body, "total"), *value = yyjson_obj_get(body, "reserved"),
		   *most = yyjson_obj_get(body, "max_unit"),
		   *ratio = yyjson_obj_get(body, "allocation_ratio");

	if (!yyjson_is_obj(body) || !yyjson_is_int(total) || (value && !yyjson_is_int(value)))
		return error_set(err, ERROR_BAD_REQUEST,
				 "JSON does not validate: an inventory has whole numbers total and reserved");
	*reserved = yyjson_get_sint(value);
	for (size_t i = 0; i < ELEMENTS_OF(others); i++) {
		yyjson_val *other = yyjson_obj_get(body, others[i]);

		if (other && yyjson_get_sint(other) != 1)
			return refuse(err);
	}
	if (yyjson_get_sint(total) != inventory->total ||
	    (most && yyjson_get_sint(most) != inventory->total && yyjson_get_sint(most) != INT32_MAX) ||
	    (ratio && yyjson_get_num(ratio) != 1))
		return refuse(err);
	return *reserved == 0 || *reserved == inventory->total || *reserved == inventory->reserved ||
	       error_set(err, ERROR_BAD_REQUEST, "reserved must be 0 or %lld", (long long)inventory->total);
}

static bool generation_check(yyjson_val *body, const struct provider *provider, struct error *err)
{
	yyjson_val *generation = yyjson_obj_get(body, "resource_provider_generation");

	if (!yyjson_is_int(generation))
		return error_set(err, ERROR_BAD_REQUEST,
				 "JSON does not validate: 'resource_provider_generation' is a required whole "
				 "number");
	return yyjson_get_sint(generation) == provider->generation ||
	       error_set_typed(err, ERROR_CONFLICT, "placement.concurrent_update",
			       "resource provider generation conflict: it is %lld",
			       (long long)provider->generation);
}

/* The devices of this provider and class that were given to a server, or all of them. */
static bool reserved_write(struct http_request *request, const struct provider *provider, const char *class,
			   bool spent, struct error *err)
{
	struct scheduler_shown *devices;
	size_t count;
	bool ok = scheduler_view_devices(request->db, provider->host_id, &devices, &count, err);

	for (size_t i = 0; ok && i < count; i++) {
		const struct scheduler_shown *d = &devices[i];

		if (d->one_time_use && d->spent != spent && strcmp(d->resource.resource_class, class) == 0 &&
		    provider_is_device(provider, *d->parent ? d->parent : d->address))
			ok = scheduler_device_set_spent(request->db, d->host_id, d->address, spent, err);
	}
	scheduler_shown_free(devices, count);
	return ok;
}

/* The value is left as it is, or set to nothing or all. */
static bool inventory_write(struct http_request *request, const struct provider *provider, const char *class,
			    yyjson_val *body, struct error *err)
{
	const struct inventory *inventory = provider_inventory(provider, class);
	int64_t reserved;

	if (!inventory || !inventory->one_time_use)
		return refuse(err);
	return inventory_read(body, inventory, &reserved, err) &&
	       (reserved == inventory->reserved ||
		reserved_write(request, provider, class, reserved != 0, err));
}

/* Shown again as it is now. */
static bool written(struct http_request *request, struct http_response *response, http_handler *show, bool ok,
		    struct error *err)
{
	return ok && show(request, response, err);
}

bool inventory_put(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(tree_done) struct tree tree = {0};
	struct provider *provider = provider_load(request, &tree, err);
	yyjson_val *body = provider ? http_body_json(request, err) : NULL;

	return body && written(request, response, provider_inventory_show,
			       generation_check(body, provider, err) &&
				       inventory_write(request, provider, request->params[1], body, err),
			       err);
}

bool inventories_put(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(tree_done) struct tree tree = {0};
	struct provider *provider = provider_load(request, &tree, err);
	yyjson_val *body = provider ? http_body_json(request, err) : NULL, *key, *value;
	yyjson_val *inventories = yyjson_obj_get(body, "inventories");
	size_t i, max;
	bool ok = body && generation_check(body, provider, err);

	if (ok && (!yyjson_is_obj(inventories) || yyjson_obj_size(inventories) != provider->inventory_count))
		ok = refuse(err);
	yyjson_obj_foreach (inventories, i, max, key, value)
		ok = ok && inventory_write(request, provider, yyjson_get_str(key), value, err);
	return written(request, response, provider_inventories, ok, err);
}
