/* How a server is shown, at each microversion. */
#include "compute/server.h"
#include "compute/server_group.h"

#include <string.h>

static void add_image(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *object,
		      const char *id)
{
	yyjson_mut_val *image = yyjson_mut_obj_add_obj(doc, object, "image");

	compute_add_text(doc, image, "id", id);
	compute_add_bookmark(request, doc, image, "images", id);
}

static void add_flavor(struct http_request *request, struct store_rows *rows, yyjson_mut_doc *doc,
		       yyjson_mut_val *object)
{
	const char *id = store_text(rows, COLUMN_FLAVOR_ID);

	/* Since 2.47 the flavor as it was when the server was made. */
	if (request->microversion >= 2047) {
		compute_add_raw(doc, object, "flavor", store_text(rows, COLUMN_FLAVOR), "{}");
		return;
	}
	yyjson_mut_val *flavor = yyjson_mut_obj_add_obj(doc, object, "flavor");
	compute_add_text(doc, flavor, "id", id);
	compute_add_bookmark(request, doc, flavor, "flavors", id);
}

/* Details are for the owner and administrators: the owner reads there what to ask for instead. */
static void add_fault(struct store_rows *rows, yyjson_mut_doc *doc, yyjson_mut_val *object)
{
	yyjson_mut_val *fault = yyjson_mut_obj_add_obj(doc, object, "fault");
	const char *details = store_text(rows, COLUMN_FAULT_DETAILS);

	yyjson_mut_obj_add_int(doc, fault, "code", store_int(rows, COLUMN_FAULT_CODE));
	compute_add_time(doc, fault, "created", store_int(rows, COLUMN_FAULT_AT));
	compute_add_text(doc, fault, "message", store_text(rows, COLUMN_FAULT_MESSAGE));
	if (details)
		compute_add_text(doc, fault, "details", details);
}

static bool shows_progress(const char *status)
{
	return strcmp(status, "BUILD") == 0 || strcmp(status, "ACTIVE") == 0 ||
	       strcmp(status, "REBUILD") == 0;
}

static bool add_basics(struct http_request *request, struct store_rows *rows,
		       const struct server_state_info *state, bool short_view, yyjson_mut_doc *doc,
		       yyjson_mut_val *object, struct error *err)
{
	const char *id = store_text(rows, COLUMN_ID);
	bool failed = strcmp(state->status, "ERROR") == 0;

	compute_add_text(doc, object, "id", id);
	compute_add_text(doc, object, "name", store_text(rows, COLUMN_NAME));
	yyjson_mut_obj_add_str(doc, object, "status", state->status);
	compute_add_text(doc, object, "tenant_id", store_text(rows, COLUMN_PROJECT));
	compute_add_text(doc, object, "user_id", store_text(rows, COLUMN_USER));
	compute_add_raw(doc, object, "metadata", store_text(rows, COLUMN_METADATA), "{}");
	compute_add_text(doc, object, "hostId", store_text(rows, COLUMN_HOST_HASH));
	add_image(request, doc, object, store_text(rows, COLUMN_IMAGE_ID));
	add_flavor(request, rows, doc, object);
	compute_add_time(doc, object, "created", store_int(rows, COLUMN_CREATED));
	compute_add_time(doc, object, "updated", store_int(rows, COLUMN_UPDATED));
	if (!server_addresses(request->db, id, doc, yyjson_mut_obj_add_obj(doc, object, "addresses"),
			      short_view, err))
		return false;
	compute_add_text(doc, object, "accessIPv4", store_text(rows, COLUMN_ACCESS_IPV4));
	compute_add_text(doc, object, "accessIPv6", store_text(rows, COLUMN_ACCESS_IPV6));
	compute_add_links(request, doc, object, "servers", id);
	compute_add_text(doc, object, "OS-DCF:diskConfig", store_text(rows, COLUMN_DISK_CONFIG));
	if (failed && store_int(rows, COLUMN_FAULT_CODE))
		add_fault(rows, doc, object);
	if (shows_progress(state->status))
		yyjson_mut_obj_add_int(doc, object, "progress", 0);
	return true;
}

/* "instance-00000001", the name of the domain on its host. */
static void add_instance_name(struct store_rows *rows, yyjson_mut_doc *doc, yyjson_mut_val *object)
{
	char name[32];

	snprintf(name, sizeof name, "instance-%08llx", (unsigned long long)store_int(rows, COLUMN_NUMBER));
	compute_add_text(doc, object, "OS-EXT-SRV-ATTR:instance_name", name);
}

static void add_image_id(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, const char *image_json)
{
	yyjson_doc *image = image_json ? yyjson_read(image_json, strlen(image_json), 0) : NULL;
	const char *id = yyjson_get_str(yyjson_obj_get(yyjson_doc_get_root(image), "id"));

	yyjson_mut_obj_add_strcpy(doc, object, key, id ? id : "");
	yyjson_doc_free(image);
}

/* What only administrators see. */
static void add_attributes(struct http_request *request, struct store_rows *rows, yyjson_mut_doc *doc,
			   yyjson_mut_val *object)
{
	const char *host = store_text(rows, COLUMN_HOST_NAME);

	compute_add_text(doc, object, "OS-EXT-SRV-ATTR:host", host);
	add_instance_name(rows, doc, object);
	compute_add_text(doc, object, "OS-EXT-SRV-ATTR:hypervisor_hostname", host);
	if (request->microversion < 2003)
		return;
	compute_add_text(doc, object, "OS-EXT-SRV-ATTR:reservation_id", store_text(rows, COLUMN_RESERVATION));
	yyjson_mut_obj_add_int(doc, object, "OS-EXT-SRV-ATTR:launch_index",
			       store_int(rows, COLUMN_LAUNCH_INDEX));
	compute_add_text(doc, object, "OS-EXT-SRV-ATTR:hostname", store_text(rows, COLUMN_HOSTNAME));
	add_image_id(doc, object, "OS-EXT-SRV-ATTR:kernel_id", store_text(rows, COLUMN_KERNEL));
	add_image_id(doc, object, "OS-EXT-SRV-ATTR:ramdisk_id", store_text(rows, COLUMN_RAMDISK));
	yyjson_mut_obj_add_str(doc, object, "OS-EXT-SRV-ATTR:root_device_name", "/dev/vda");
	compute_add_text(doc, object, "OS-EXT-SRV-ATTR:user_data", store_text(rows, COLUMN_USER_DATA));
}

static bool add_host_status(struct http_request *request, struct store_rows *rows, yyjson_mut_doc *doc,
			    yyjson_mut_val *object, struct error *err)
{
	const char *host_id = store_text(rows, COLUMN_HOST_ID), *status = "";
	struct scheduler_host host;

	if (host_id) {
		if (!scheduler_host_load(request->db, host_id, &host, err))
			return false;
		status = !host.enabled ? "MAINTENANCE" : host.up ? "UP" : "DOWN";
	}
	yyjson_mut_obj_add_str(doc, object, "host_status", status);
	return true;
}

/* Members that came with microversions and are in every answer. */
static void add_newer(struct http_request *request, struct store_rows *rows, yyjson_mut_doc *doc,
		      yyjson_mut_val *object)
{
	if (request->microversion >= 2009)
		yyjson_mut_obj_add_bool(doc, object, "locked", store_int(rows, COLUMN_LOCKED));
	if (request->microversion >= 2073)
		compute_add_text(doc, object, "locked_reason", store_text(rows, COLUMN_LOCKED_REASON));
	if (request->microversion >= 2019)
		compute_add_text(doc, object, "description", store_text(rows, COLUMN_DESCRIPTION));
	if (request->microversion >= 2026)
		compute_add_raw(doc, object, "tags", store_text(rows, COLUMN_TAGS), "[]");
	if (request->microversion >= 2063)
		yyjson_mut_obj_add_null(doc, object, "trusted_image_certificates");
}

static bool add_extensions(struct http_request *request, struct store_rows *rows,
			   const struct server_state_info *state, yyjson_mut_doc *doc, yyjson_mut_val *object,
			   struct error *err)
{
	bool admin = request->auth->admin;

	compute_add_text(doc, object, "OS-EXT-AZ:availability_zone", store_text(rows, COLUMN_ZONE));
	yyjson_mut_obj_add_str(doc, object, "config_drive",
			       store_int(rows, COLUMN_CONFIG_DRIVE) ? "True" : "");
	compute_add_text(doc, object, "key_name", store_text(rows, COLUMN_KEY_NAME));
	compute_add_time_long(doc, object, "OS-SRV-USG:launched_at", store_int(rows, COLUMN_LAUNCHED));
	yyjson_mut_obj_add_null(doc, object, "OS-SRV-USG:terminated_at");
	compute_add_raw(doc, object, "security_groups", store_text(rows, COLUMN_SECURITY_GROUPS), "[]");
	if (admin)
		add_attributes(request, rows, doc, object);
	else if (request->microversion >= 2090)
		compute_add_text(doc, object, "OS-EXT-SRV-ATTR:hostname", store_text(rows, COLUMN_HOSTNAME));
	compute_add_text(doc, object, "OS-EXT-STS:task_state", state->task_state);
	yyjson_mut_obj_add_str(doc, object, "OS-EXT-STS:vm_state", state->vm_state);
	yyjson_mut_obj_add_int(doc, object, "OS-EXT-STS:power_state", state->power);
	yyjson_mut_obj_add_arr(doc, object, "os-extended-volumes:volumes_attached");
	return !admin || request->microversion < 2016 || add_host_status(request, rows, doc, object, err);
}

bool server_view(struct http_request *request, struct store_rows *rows, yyjson_mut_doc *doc,
		 yyjson_mut_val *object, enum server_view view, struct error *err)
{
	const struct server_state_info *state =
		server_state_info(server_state_parse(store_text(rows, COLUMN_STATE)));

	if (view == SERVER_VIEW_BRIEF) {
		compute_add_text(doc, object, "id", store_text(rows, COLUMN_ID));
		compute_add_text(doc, object, "name", store_text(rows, COLUMN_NAME));
		compute_add_links(request, doc, object, "servers", store_text(rows, COLUMN_ID));
		return true;
	}
	bool short_view = view == SERVER_VIEW_UPDATE && request->microversion < 2075;
	if (!add_basics(request, rows, state, short_view, doc, object, err))
		return false;
	if (!short_view && !add_extensions(request, rows, state, doc, object, err))
		return false;
	add_newer(request, rows, doc, object);
	return view == SERVER_VIEW_DETAIL || request->microversion < 2071 ||
	       server_group_add(request, store_text(rows, COLUMN_ID), doc, object, err);
}

bool server_answer(struct http_request *request, struct http_response *response, const char *id,
		   enum server_view view, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!server_query(request, id, &rows, err))
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	return server_view(request, &rows, response->json,
			   yyjson_mut_obj_add_obj(response->json, root, "server"), view, err);
}
