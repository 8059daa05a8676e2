/* POST /servers: the body's schema and what follows from it alone. */
#include "compute/server_request.h"

#include <ctype.h>
#include <string.h>

enum {
	NIC_LIMIT = 32,
	COUNT_LIMIT = 1000, /* all are made in one transaction */
};

/* --- the schema --- */

static const struct schema text_255 = {.types = SCHEMA_STRING, .shortest = 1, .longest = 255};
static const struct schema uuid_text = {.types = SCHEMA_STRING, .format = SCHEMA_UUID};
static const struct schema uuid_or_null = {.types = SCHEMA_STRING | SCHEMA_NULL, .format = SCHEMA_UUID};
static const struct schema address = {.types = SCHEMA_STRING, .format = SCHEMA_IP};
static const struct schema ipv4 = {.types = SCHEMA_STRING, .format = SCHEMA_IPV4};
static const struct schema ipv6 = {.types = SCHEMA_STRING, .format = SCHEMA_IPV6};
static const struct schema flavor_ref = {.types = SCHEMA_STRING | SCHEMA_INTEGER,
					 .shortest = 1,
					 .longest = 255};
static const struct schema image_ref = {.types = SCHEMA_STRING, .longest = 255};
static const struct schema user_data = {.types = SCHEMA_STRING, .longest = 65535, .format = SCHEMA_BASE64};
static const struct schema zone_text = {.types = SCHEMA_STRING | SCHEMA_NULL, .shortest = 1, .longest = 255};
static const struct schema host_text = {.types = SCHEMA_STRING,
					.shortest = 1,
					.longest = 255,
					.format = SCHEMA_HOSTNAME};
static const struct schema hostname_text = {.types = SCHEMA_STRING,
					    .shortest = 1,
					    .longest = 63,
					    .format = SCHEMA_FQDN_LABEL};
static const struct schema tag_text = {.types = SCHEMA_STRING,
				       .shortest = 1,
				       .longest = 60,
				       .format = SCHEMA_TAG};
static const struct schema tag_list = {.types = SCHEMA_ARRAY,
				       .longest = 50,
				       .items = &tag_text,
				       .unique = true};
static const char *const disk_configs[] = {"AUTO", "MANUAL", NULL};
static const struct schema disk_config = {.types = SCHEMA_STRING, .choices = disk_configs};
static const struct schema any_array = {.types = SCHEMA_ARRAY};
static const struct schema array_or_null = {.types = SCHEMA_ARRAY | SCHEMA_NULL};
static const struct schema open_object = {.types = SCHEMA_OBJECT, .open = true};

static const struct schema_field nic_fields[] = {
	{"port", &uuid_or_null},
	{"uuid", &uuid_text},
	{"fixed_ip", &address},
	{"tag", &tag_text, .since = 2042},
	{0},
};
static const struct schema nic_object = {.types = SCHEMA_OBJECT, .fields = nic_fields};
static const struct schema nic_list = {.types = SCHEMA_ARRAY, .items = &nic_object, .longest = NIC_LIMIT};
static const char *const nic_words[] = {"auto", "none", NULL};
static const struct schema nic_list_or_word = {.types = SCHEMA_ARRAY | SCHEMA_STRING,
					       .items = &nic_object,
					       .longest = NIC_LIMIT,
					       .choices = nic_words};

static const struct schema_field group_fields[] = {{"name", &text_255, .required = true}, {0}};
static const struct schema group_object = {.types = SCHEMA_OBJECT, .fields = group_fields};
static const struct schema group_list = {.types = SCHEMA_ARRAY, .items = &group_object, .longest = 50};

static const struct schema_field server_fields[] = {
	{"name", &schema_name, .required = true},
	{"flavorRef", &flavor_ref, .required = true},
	{"imageRef", &image_ref},
	{"networks", &nic_list, .until = 2036},
	{"networks", &nic_list_or_word, .since = 2037, .required = true},
	{"metadata", &schema_metadata},
	{"adminPass", &text_255},
	{"key_name", &text_255},
	{"user_data", &user_data},
	{"config_drive", &schema_boolean_like},
	{"availability_zone", &zone_text},
	{"min_count", &schema_count},
	{"max_count", &schema_count},
	{"return_reservation_id", &schema_boolean_like},
	{"security_groups", &group_list},
	{"block_device_mapping", &any_array},
	{"block_device_mapping_v2", &any_array},
	{"personality", &any_array, .until = 2056},
	{"OS-DCF:diskConfig", &disk_config},
	{"accessIPv4", &ipv4},
	{"accessIPv6", &ipv6},
	{"description", &schema_description, .since = 2019},
	{"tags", &tag_list, .since = 2052},
	{"trusted_image_certificates", &array_or_null, .since = 2063},
	{"host", &host_text, .since = 2074},
	{"hypervisor_hostname", &host_text, .since = 2074},
	{"hostname", &hostname_text, .since = 2090},
	{0},
};
static const struct schema server_object = {.types = SCHEMA_OBJECT, .fields = server_fields};
static const struct schema_field body_fields[] = {
	{"server", &server_object, .required = true},
	{"os:scheduler_hints", &open_object},
	{"OS-SCH-HNT:scheduler_hints", &open_object},
	{0},
};
static const struct schema body_schema = {.types = SCHEMA_OBJECT, .fields = body_fields};

/* --- parts --- */

static const char *text_of(yyjson_val *object, const char *key, const char *fallback)
{
	const char *text = yyjson_get_str(yyjson_obj_get(object, key));

	return text ? text : fallback;
}

static const char *json_of(struct http_request *request, yyjson_val *object, const char *key,
			   const char *fallback)
{
	yyjson_val *value = yyjson_obj_get(object, key);

	if (!value)
		return fallback;
	_cleanup_free_ char *text = compute_json_text(value);
	return http_copy(request, text);
}

static const char *random_text(struct http_request *request, const char *prefix, const char *alphabet,
			       int count)
{
	char text[33] = "";
	unsigned char bytes[32];

	/* A modulo's bias is of no weight with alphabets of some 60 characters and 12 of them. */
	sys_random(bytes, sizeof bytes);
	for (int i = 0; i < count; i++)
		text[i] = alphabet[bytes[i] % strlen(alphabet)];
	return http_printf(request, "%s%s", prefix, text);
}

const char *server_new_password(struct http_request *request)
{
	return random_text(request, "", "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", 12);
}

const char *server_hostname(struct http_request *request, const char *name, const char *id)
{
	char text[64] = "";
	size_t length = 0;

	for (; *name && length < 63; name++) {
		unsigned char c = (unsigned char)*name;

		if (c < 0x80 && isalnum(c))
			text[length++] = (char)tolower(c);
		else if (length > 0 && (c == ' ' || c == '_' || c == '-' || c == '.'))
			text[length++] = '-';
	}
	while (length > 0 && text[length - 1] == '-')
		length--;
	text[length] = '\0';
	return length ? http_copy(request, text) : http_printf(request, "Server-%s", id);
}

static bool parse_networks(struct http_request *request, yyjson_val *networks, struct server_request *wish,
			   struct error *err)
{
	size_t i, max;
	yyjson_val *item;

	if (yyjson_is_str(networks)) {
		wish->networks =
			strcmp(yyjson_get_str(networks), "none") == 0 ? NETWORKS_NONE : NETWORKS_AUTO;
		return true;
	}
	if (yyjson_arr_size(networks) == 0)
		return true;
	wish->networks = NETWORKS_GIVEN;
	wish->nic_count = yyjson_arr_size(networks);
	wish->nics = http_alloc(request, wish->nic_count * sizeof *wish->nics);
	yyjson_arr_foreach (networks, i, max, item) {
		struct server_nic *nic = &wish->nics[i];

		*nic = (struct server_nic){text_of(item, "port", NULL), text_of(item, "uuid", NULL),
					   text_of(item, "fixed_ip", NULL), text_of(item, "tag", NULL)};
		if (!nic->port_id && !nic->network_id)
			return error_set(err, ERROR_BAD_REQUEST,
					 "Bad networks format: network uuid is not in proper format (None)");
		if (nic->port_id && nic->fixed_ip)
			return error_set(
				err, ERROR_BAD_REQUEST,
				"Specified Fixed IP '%s' cannot be used with port '%s': the two cannot "
				"be specified together.",
				nic->fixed_ip, nic->port_id);
		for (size_t k = 0; k < i; k++) {
			if (nic->port_id && text_equal(nic->port_id, wish->nics[k].port_id))
				return error_set(err, ERROR_CONFLICT, "Port %s is still in use.",
						 nic->port_id);
		}
	}
	return true;
}

/* "zone", "zone:host" or "zone:host:node". */
static bool parse_zone(struct http_request *request, const char *zone, struct server_request *wish,
		       struct error *err)
{
	const char *colon = zone ? strchr(zone, ':') : NULL;

	wish->zone = zone;
	if (!colon)
		return true;
	if (!request->auth->admin)
		return compute_forbidden(err, "servers:create:forced_host");
	wish->zone = colon > zone ? http_printf(request, "%.*s", (int)(colon - zone), zone) : NULL;
	char *host = http_copy(request, colon + 1);
	char *node = strchr(host, ':');
	if (node) {
		*node++ = '\0';
		if (strchr(node, ':'))
			return error_set(err, ERROR_BAD_REQUEST, "Unable to parse availability_zone");
		/* Here a host and its node have one name. */
		if (!*host)
			host = node;
		else if (*node && strcmp(host, node) != 0)
			return error_set(err, ERROR_BAD_REQUEST, "Compute host %s could not be found.", node);
	}
	wish->host = *host ? host : NULL;
	return true;
}

static bool parse_host(struct http_request *request, yyjson_val *server, struct server_request *wish,
		       struct error *err)
{
	const char *host = text_of(server, "host", text_of(server, "hypervisor_hostname", NULL));

	if (!host)
		return true;
	if (!request->auth->admin)
		return compute_forbidden(err, "compute:servers:create:requested_destination");
	if (wish->host)
		return error_set(
			err, ERROR_BAD_REQUEST,
			"A host is given twice: in availability_zone and in host or hypervisor_hostname.");
	if (!text_equal(host, text_of(server, "hypervisor_hostname", host)))
		return error_set(err, ERROR_BAD_REQUEST, "Compute host %s could not be found.",
				 text_of(server, "hypervisor_hostname", host));
	wish->host = host;
	return true;
}

/* There are no volumes: what may be said is what openstackclient says of an image to boot from. */
static bool parse_block_devices(yyjson_val *server, struct server_request *wish, struct error *err)
{
	yyjson_val *devices = yyjson_obj_get(server, "block_device_mapping_v2");
	yyjson_val *device = yyjson_arr_get_first(devices);

	if (yyjson_arr_size(yyjson_obj_get(server, "block_device_mapping")) == 0 &&
	    yyjson_arr_size(devices) == 0)
		return true;
	const char *uuid = text_of(device, "uuid", "");
	bool local = yyjson_arr_size(devices) == 1 &&
		     strcmp(text_of(device, "source_type", ""), "image") == 0 &&
		     strcmp(text_of(device, "destination_type", "local"), "local") == 0 &&
		     schema_integer(yyjson_obj_get(device, "boot_index"), -1) == 0 &&
		     yyjson_arr_size(yyjson_obj_get(server, "block_device_mapping")) == 0;
	if (local && (!*wish->image_id || strcmp(wish->image_id, uuid) == 0)) {
		wish->image_id = uuid;
		return true;
	}
	return error_set(
		err, ERROR_BAD_REQUEST,
		"Block Device Mapping is Invalid: Penstock has no volumes; the one mapping allowed is the "
		"image to boot from, with source_type image, destination_type local and boot_index 0.");
}

static bool parse_hints(struct http_request *request, yyjson_val *body, struct server_request *wish,
			struct error *err)
{
	yyjson_val *hints = yyjson_obj_get(body, "os:scheduler_hints");

	if (!hints)
		hints = yyjson_obj_get(body, "OS-SCH-HNT:scheduler_hints");
	return placement_hints_read(request, hints, &wish->hints, err);
}

static bool parse_counts(yyjson_val *server, struct server_request *wish, struct error *err)
{
	int64_t least = schema_integer(yyjson_obj_get(server, "min_count"), 1);

	wish->count = schema_integer(yyjson_obj_get(server, "max_count"), least);
	if (least > wish->count)
		return error_set(err, ERROR_BAD_REQUEST, "min_count must be <= max_count");
	if (wish->count > COUNT_LIMIT)
		return error_set(err, ERROR_BAD_REQUEST, "max_count: at most %d servers can be made at once.",
				 COUNT_LIMIT);
	if (wish->count == 1)
		return true;
	for (size_t i = 0; i < wish->nic_count; i++) {
		if (wish->nics[i].port_id)
			return error_set(
				err, ERROR_BAD_REQUEST,
				"Unable to launch multiple instances with a single configured port ID. "
				"Please launch your instance one by one with different ports.");
		if (wish->nics[i].fixed_ip)
			return error_set(err, ERROR_BAD_REQUEST,
					 "Invalid fixed IP: it cannot be given for more than one instance.");
	}
	return true;
}

static bool check_refused(yyjson_val *server, struct error *err)
{
	if (yyjson_arr_size(yyjson_obj_get(server, "personality")) > 0)
		return error_set(err, ERROR_BAD_REQUEST,
				 "personality: Penstock does not put files into images; use user_data.");
	if (yyjson_arr_size(yyjson_obj_get(server, "trusted_image_certificates")) > 0)
		return error_set(err, ERROR_BAD_REQUEST,
				 "trusted_image_certificates: Penstock does not check signatures of images.");
	return true;
}

bool server_request_parse(struct http_request *request, struct server_request *wish, struct error *err)
{
	yyjson_val *body = compute_body(request, &body_schema, err);
	yyjson_val *server = yyjson_obj_get(body, "server");

	if (!body)
		return false;
	*wish = (struct server_request){
		.name = text_of(server, "name", ""),
		.hostname = text_of(server, "hostname", NULL),
		.description = text_of(server, "description", NULL),
		.flavor_id = text_of(server, "flavorRef", NULL),
		.image_id = text_of(server, "imageRef", ""),
		.key_name = text_of(server, "key_name", NULL),
		.user_data = text_of(server, "user_data", NULL),
		.admin_pass = text_of(server, "adminPass", NULL),
		.metadata = json_of(request, server, "metadata", "{}"),
		.tags = json_of(request, server, "tags", "[]"),
		.security_groups = json_of(request, server, "security_groups", "[{\"name\":\"default\"}]"),
		.disk_config = text_of(server, "OS-DCF:diskConfig", "MANUAL"),
		.access_ipv4 = text_of(server, "accessIPv4", ""),
		.access_ipv6 = text_of(server, "accessIPv6", ""),
		.config_drive = schema_boolean(yyjson_obj_get(server, "config_drive"), false),
		.return_reservation = schema_boolean(yyjson_obj_get(server, "return_reservation_id"), false),
		.reservation_id = random_text(request, "r-", "0123456789abcdefghijklmnopqrstuvwxyz", 8),
	};
	if (!wish->flavor_id)
		wish->flavor_id =
			http_printf(request, "%lld",
				    (long long)schema_integer(yyjson_obj_get(server, "flavorRef"), 0));
	if (!wish->admin_pass)
		wish->admin_pass = server_new_password(request);
	/* Before 2.19 the description was the name. */
	if (request->microversion < 2019)
		wish->description = wish->name;
	if ((int64_t)yyjson_obj_size(yyjson_obj_get(server, "metadata")) >
		    compute_settings.quota_metadata_items &&
	    compute_settings.quota_metadata_items >= 0)
		return error_set(err, ERROR_FORBIDDEN, "Maximum number of metadata items exceeds %lld",
				 (long long)compute_settings.quota_metadata_items);
	return check_refused(server, err) && parse_hints(request, body, wish, err) &&
	       parse_networks(request, yyjson_obj_get(server, "networks"), wish, err) &&
	       parse_counts(server, wish, err) &&
	       parse_zone(request, text_of(server, "availability_zone", NULL), wish, err) &&
	       parse_host(request, server, wish, err) && parse_block_devices(server, wish, err);
}
