/* POST /servers: checks, claim, ports and row, all in the one transaction of the handler.  Whatever fails
 * leaves nothing behind; only "no host fits" leaves a server in ERROR, as with Nova. */
#include "compute/flavor.h"
#include "compute/keypair.h"
#include "compute/server.h"
#include "compute/server_numa.h"
#include "compute/server_request.h"
#include "image/image.h"

#include <openssl/evp.h>
#include <string.h>

/* What the checks find out; texts belong to the request. */
struct plan {
	const struct server_request *wish;
	struct flavor flavor;
	char *flavor_json, *alias_spec;
	struct image image;
	const char *image_json, *kernel_json, *ramdisk_json;
	const char *key_data;
	struct server_nic *nics; /* as wished, or the default network */
	size_t nic_count;
	struct network_port *ports; /* of nics[i], as far as they are given */
	struct placement placement;
	struct numa_guest numa;
};

static void plan_done(struct plan *plan)
{
	flavor_done(&plan->flavor);
	free(plan->flavor_json);
	free(plan->alias_spec);
	placement_done(&plan->placement);
}

/* --- flavor --- */

static bool plan_flavor(struct http_request *request, struct plan *plan, struct error *err)
{
	struct flavor *flavor = &plan->flavor;

	if (!flavor_load(request->db, plan->wish->flavor_id, request->auth, flavor, err)) {
		/* In a body an unknown flavor is a bad request. */
		if (err->kind == ERROR_NOT_FOUND)
			err->kind = ERROR_BAD_REQUEST;
		return false;
	}
	if (flavor->disk_gb == 0 && !request->auth->admin)
		return error_set(err, ERROR_FORBIDDEN,
				 "Only volume-backed servers are allowed for flavors with zero disk.");
	plan->flavor_json = flavor_embedded(flavor);
	plan->alias_spec = flavor_spec(flavor, "pci_passthrough:alias");
	return !plan->alias_spec || scheduler_alias_check(plan->alias_spec, err);
}

/* --- image --- */

/* The image as the agent gets it (docs/agent-protocol.md).  It is kept with the server: a host must be able
 * to rebuild its state when the image is long gone. */
static const char *image_json(struct http_request *request, const struct image *image, const char **kernel,
			      const char **ramdisk, struct error *err)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *object = yyjson_mut_obj(doc), *properties;
	const char *text = NULL, *id;
	char *json;

	yyjson_mut_doc_set_root(doc, object);
	yyjson_mut_obj_add_str(doc, object, "id", image->id);
	yyjson_mut_obj_add_str(doc, object, "disk_format", image->disk_format);
	yyjson_mut_obj_add_str(doc, object, "container_format", image->container_format);
	yyjson_mut_obj_add_int(doc, object, "size", image->size);
	yyjson_mut_obj_add_str(doc, object, "checksum", image->checksum);
	yyjson_mut_obj_add_str(doc, object, "sha512", image->sha512);
	properties = yyjson_mut_obj_add_obj(doc, object, "properties");
	if (image_properties(request->db, image->id, doc, properties, err)) {
		json = yyjson_mut_write(doc, YYJSON_WRITE_ALLOW_INVALID_UNICODE, NULL);
		text = http_copy(request, json);
		free(json);
		if (kernel && (id = yyjson_mut_get_str(yyjson_mut_obj_get(properties, "kernel_id"))) && *id)
			*kernel = http_copy(request, id);
		if (ramdisk && (id = yyjson_mut_get_str(yyjson_mut_obj_get(properties, "ramdisk_id"))) && *id)
			*ramdisk = http_copy(request, id);
	}
	yyjson_mut_doc_free(doc);
	return text;
}

static bool image_find(struct http_request *request, const char *id, struct image *image, struct error *err)
{
	bool found =
		schema_text_fits(SCHEMA_UUID, id) && image_load(request->db, id, request->auth, image, err);

	if (!found && err->kind >= ERROR_INTERNAL)
		return false;
	if (!found)
		return error_set(err, ERROR_BAD_REQUEST, "Can not find requested image");
	return strcmp(image->status, "active") == 0 ||
	       error_set(err, ERROR_BAD_REQUEST, "Image %s is not active.", id);
}

static bool image_fits(const struct image *image, const struct flavor *flavor, struct error *err)
{
	int64_t disk = flavor->disk_gb << 30;

	if (image->min_ram_mb > flavor->memory_mb)
		return error_set(err, ERROR_BAD_REQUEST, "Flavor's memory is too small for requested image.");
	if (flavor->disk_gb == 0)
		return true;
	if (image->min_disk_gb > flavor->disk_gb)
		return error_set(
			err, ERROR_BAD_REQUEST,
			"Flavor's disk is smaller than the minimum size specified in image metadata. Flavor "
			"disk is %lld bytes, minimum size is %lld bytes.",
			(long long)disk, (long long)image->min_disk_gb << 30);
	if (image->size > disk)
		return error_set(
			err, ERROR_BAD_REQUEST,
			"Flavor's disk is too small for requested image. Flavor disk is %lld bytes, image "
			"is %lld bytes.",
			(long long)disk, (long long)image->size);
	return true;
}

static bool boot_file(struct http_request *request, const char *id, const char **json, struct error *err)
{
	struct image image;

	if (!id)
		return true;
	if (!image_find(request, id, &image, err))
		return error_wrap(err, "The image's kernel or ramdisk %s", id);
	*json = image_json(request, &image, NULL, NULL, err);
	return *json;
}

static bool plan_image(struct http_request *request, struct plan *plan, struct error *err)
{
	const char *kernel = NULL, *ramdisk = NULL;

	if (!*plan->wish->image_id)
		return error_set(err, ERROR_BAD_REQUEST,
				 "Invalid imageRef provided: Penstock boots servers from images.");
	if (!image_find(request, plan->wish->image_id, &plan->image, err) ||
	    !image_fits(&plan->image, &plan->flavor, err))
		return false;
	plan->image_json = image_json(request, &plan->image, &kernel, &ramdisk, err);
	return plan->image_json && boot_file(request, kernel, &plan->kernel_json, err) &&
	       boot_file(request, ramdisk, &plan->ramdisk_json, err);
}

/* --- networks and ports --- */

static bool default_network(struct http_request *request, struct plan *plan, struct error *err)
{
	_cleanup_free_ char(*ids)[37] = NULL;
	size_t count = 0;

	if (!network_defaults(request->db, request->auth, &ids, &count, err))
		return false;
	if (count > 1)
		return error_set(err, ERROR_CONFLICT,
				 "Multiple possible networks found, use a Network ID to be more specific.");
	if (count == 0 && plan->wish->networks == NETWORKS_AUTO)
		return error_set(err, ERROR_BAD_REQUEST,
				 "Unable to automatically allocate a network for project %s",
				 request->auth->project_id);
	if (count == 0)
		return true;
	plan->nics = http_alloc(request, sizeof *plan->nics);
	plan->nics[0].network_id = http_copy(request, ids[0]);
	plan->nic_count = 1;
	return true;
}

static bool is_normal(const char *vnic_type)
{
	return strcmp(vnic_type, "normal") == 0;
}

static bool takes_device(const char *vnic_type)
{
	return strcmp(vnic_type, "direct") == 0 || strcmp(vnic_type, "macvtap") == 0 ||
	       strcmp(vnic_type, "direct-physical") == 0;
}

static bool check_port(struct http_request *request, const char *id, struct network_port *port,
		       struct error *err)
{
	if (!network_port_load(request->db, id, port, err)) {
		if (err->kind != ERROR_NOT_FOUND)
			return false;
		return error_set(err, ERROR_BAD_REQUEST, "Port id %s could not be found.", id);
	}
	if (!request->auth->admin && !text_equal(port->project_id, request->auth->project_id))
		return error_set(err, ERROR_BAD_REQUEST, "Port id %s could not be found.", id);
	if (port->device_id[0])
		return error_set(err, ERROR_CONFLICT, "Port %s is still in use.", id);
	/* A port without addresses is as good: its ip_allocation is "none" (Nova's NP-11), for guests that
	 * speak no IP, or bring their own, on networks without subnets. */
	if (!is_normal(port->vnic_type) && !takes_device(port->vnic_type))
		return error_set(err, ERROR_BAD_REQUEST,
				 "Port %s has binding:vnic_type %s, which Penstock cannot bind.", id,
				 port->vnic_type);
	if (takes_device(port->vnic_type) && !port->physical_network[0])
		return error_set(
			err, ERROR_BAD_REQUEST,
			"Port %s has binding:vnic_type %s, but its network %s has no physical network.", id,
			port->vnic_type, port->network_id);
	return true;
}

static bool check_network(struct http_request *request, const char *id, struct network_port *port,
			  struct error *err)
{
	if (network_check(request->db, id, request->auth, port, err))
		return true;
	if (err->kind == ERROR_NOT_FOUND)
		error_set(err, ERROR_BAD_REQUEST, "Network %s could not be found.", id);
	return false;
}

static bool plan_networks(struct http_request *request, struct plan *plan, struct error *err)
{
	plan->nics = plan->wish->nics;
	plan->nic_count = plan->wish->nic_count;
	if ((plan->wish->networks == NETWORKS_DEFAULT || plan->wish->networks == NETWORKS_AUTO) &&
	    !default_network(request, plan, err))
		return false;
	plan->ports = http_alloc(request, (plan->nic_count + 1) * sizeof *plan->ports);
	for (size_t i = 0; i < plan->nic_count; i++) {
		const struct server_nic *nic = &plan->nics[i];

		if (!(nic->port_id ? check_port(request, nic->port_id, &plan->ports[i], err)
				   : check_network(request, nic->network_id, &plan->ports[i], err)))
			return false;
	}
	return true;
}

/* --- zone and host --- */

static bool check_place(struct http_request *request, const struct server_request *wish, struct error *err)
{
	_cleanup_free_ struct scheduler_host *hosts = NULL;
	struct scheduler_host *host;
	size_t count = 0;

	if (!wish->host && (!wish->zone || strcmp(wish->zone, compute_settings.default_zone) == 0))
		return true;
	if (!scheduler_hosts(request->db, &hosts, &count, err))
		return false;
	for (host = hosts; wish->host && host < hosts + count && strcmp(host->name, wish->host) != 0;
	     host++) {
	}
	if (wish->host && host == hosts + count)
		return error_set(err, ERROR_BAD_REQUEST, "Compute host %s could not be found.", wish->host);
	for (host = hosts;
	     wish->zone && host < hosts + count && strcmp(host->availability_zone, wish->zone) != 0; host++) {
	}
	if (wish->zone && host == hosts + count && strcmp(wish->zone, compute_settings.default_zone) != 0)
		return error_set(err, ERROR_BAD_REQUEST, "The requested availability zone is not available");
	return true;
}

/* --- quota --- */

struct use {
	const char *name;
	int64_t asked, used, limit;
};

/* Counts the servers in and refuses if that is too much; undone with the transaction. */
static bool take_quota(struct http_request *request, const struct plan *plan, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	const struct compute_settings *limits = &compute_settings;
	int64_t count = plan->wish->count;
	struct use uses[] = {
		{"cores", count * plan->flavor.vcpus, 0, limits->quota_cores},
		{"instances", count, 0, limits->quota_instances},
		{"ram", count * plan->flavor.memory_mb, 0, limits->quota_ram_mb},
	};
	char names[64] = "", asked[96] = "", used[96] = "", allowed[96] = "";

	if (!store_query(
		    request->db, &rows, err,
		    "INSERT INTO project_usage (project_id, cores, instances, memory_mb) VALUES (?1, ?2, ?3, "
		    "?4)"
		    " ON CONFLICT (project_id) DO UPDATE SET cores = cores + ?2, instances = instances + ?3,"
		    " memory_mb = memory_mb + ?4 RETURNING cores, instances, memory_mb",
		    V(request->auth->project_id), V(uses[0].asked), V(uses[1].asked), V(uses[2].asked)))
		return false;
	if (store_next(&rows)) {
		for (int i = 0; i < 3; i++)
			uses[i].used = store_int(&rows, i) - uses[i].asked;
	}
	if (!store_end(&rows, err))
		return false;
	for (size_t i = 0; i < ELEMENTS_OF(uses); i++) {
		const struct use *use = &uses[i];
		const char *comma = names[0] ? ", " : "";

		if (use->limit < 0 || use->used + use->asked <= use->limit)
			continue;
		snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", comma, use->name);
		snprintf(asked + strlen(asked), sizeof asked - strlen(asked), "%s%lld", comma,
			 (long long)use->asked);
		snprintf(used + strlen(used), sizeof used - strlen(used), "%s%lld", comma,
			 (long long)use->used);
		snprintf(allowed + strlen(allowed), sizeof allowed - strlen(allowed), "%s%lld", comma,
			 (long long)use->limit);
	}
	return !names[0] || error_set(err, ERROR_FORBIDDEN,
				      "Quota exceeded for %s: Requested %s, but already used %s of %s %s",
				      names, asked, used, allowed, names);
}

/* --- one server --- */

struct birth {
	char id[SYS_UUID_SIZE];
	const char *name, *hostname;
	int64_t index;
	struct scheduler_grant grant;
	bool placed;
	struct text refusals;
	char host_hash[57]; /* SHA-224, hex */
	int64_t revision;
};

static bool birth_claim(struct http_request *request, struct plan *plan, struct birth *birth,
			struct error *err)
{
	struct scheduler_port_request ports[SCHEDULER_MAX_REQUESTS];
	struct scheduler_request wish = {.server_id = birth->id,
					 .vcpus = plan->flavor.vcpus,
					 .memory_mb = plan->flavor.memory_mb,
					 .disk_gb = plan->flavor.disk_gb + plan->flavor.ephemeral_gb,
					 .alias_spec = plan->alias_spec,
					 .ports = ports,
					 .availability_zone = plan->wish->zone,
					 .host = plan->wish->host,
					 .numa = &plan->numa};

	if (!placement_make(request, &plan->wish->hints, plan->flavor.extra_specs, &plan->placement, err))
		return false;
	placement_networks(plan->ports, plan->nic_count, &plan->placement);
	wish.networks = &plan->placement.networks;
	if (!placement_filters(request->db,
			       &(struct placement_subject){.project_id = request->auth->project_id,
							   .flavor_name = plan->flavor.name,
							   .extra_specs = plan->flavor.extra_specs,
							   .image_id = plan->image.id,
							   .image = plan->image_json,
							   .query = plan->wish->hints.query},
			       &plan->placement, &wish, err))
		return false;
	for (size_t i = 0; i < plan->nic_count; i++) {
		const struct network_port *port = &plan->ports[i];
		struct scheduler_port_request *ask = &ports[wish.port_count];

		if (!plan->nics[i].port_id || !takes_device(port->vnic_type))
			continue;
		*ask = (struct scheduler_port_request){0};
		snprintf(ask->port_id, sizeof ask->port_id, "%s", port->id);
		snprintf(ask->vnic_type, sizeof ask->vnic_type, "%s", port->vnic_type);
		snprintf(ask->physical_network, sizeof ask->physical_network, "%s", port->physical_network);
		ask->trusted = port->trusted;
		snprintf(ask->numa_policy, sizeof ask->numa_policy, "%s", port->numa_policy);
		wish.port_count++;
	}
	birth->placed = scheduler_claim(request->db, &wish, &birth->grant, &birth->refusals, err);
	return birth->placed || err->kind == ERROR_CONFLICT;
}

/* What Nova calls hostId: the same for servers of one project on one host, and tells neither. */
static void birth_hash(const char *project, struct birth *birth)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int size = 0;
	char text[400];

	birth->host_hash[0] = '\0';
	if (!birth->placed)
		return;
	snprintf(text, sizeof text, "%s%s", project, birth->grant.host_name);
	if (!EVP_Digest(text, strlen(text), digest, &size, EVP_sha224(), NULL))
		return;
	for (unsigned int i = 0; i < size && i < 28; i++)
		snprintf(birth->host_hash + 2 * i, 3, "%02x", digest[i]);
}

static const char *or_null(const char *text)
{
	return text && *text ? text : NULL;
}

static bool birth_insert(struct http_request *request, const struct plan *plan, const struct birth *birth,
			 struct error *err)
{
	const struct server_request *wish = plan->wish;
	const struct flavor *flavor = &plan->flavor;
	enum server_state state = birth->placed ? SERVER_SPAWNING : SERVER_ERROR;
	int64_t now = sys_now();

	return store_exec(
		request->db, err,
		"INSERT INTO server (id, project_id, user_id, name, hostname, description, state, want, "
		"generation,"
		" revision, host_id, host_name, host_hash, availability_zone, flavor_id, flavor, vcpus, "
		"memory_mb,"
		" disk_gb, image_id, image, kernel, ramdisk, key_name, key_data, user_data, config_drive, "
		"admin_pass,"
		" metadata, tags, security_groups, disk_config, reservation_id, launch_index, access_ipv4, "
		"access_ipv6,"
		" created_at, updated_at, group_id)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, "
		"?18, ?19,"
		" ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35, ?36, ?36, "
		"?37)",
		V((const char *)birth->id), V(request->auth->project_id), V(request->auth->user_id),
		V(birth->name), V(birth->hostname), V(wish->description), V(server_state_info(state)->text),
		V(server_want_text(birth->placed ? WANT_RUNNING : WANT_ABSENT)), V(birth->revision),
		V(birth->placed ? birth->grant.host_id : NULL),
		V(birth->placed ? birth->grant.host_name : NULL), V((const char *)birth->host_hash),
		V(birth->placed ? birth->grant.availability_zone
		  : wish->zone	? wish->zone
				: ""),
		V((const char *)flavor->id), V(plan->flavor_json), V(flavor->vcpus), V(flavor->memory_mb),
		V(flavor->disk_gb), V((const char *)plan->image.id), V(plan->image_json),
		V(plan->kernel_json), V(plan->ramdisk_json), V(wish->key_name), V(plan->key_data),
		V(or_null(wish->user_data)), V(wish->config_drive), V(wish->admin_pass), V(wish->metadata),
		V(wish->tags), V(wish->security_groups), V(wish->disk_config), V(wish->reservation_id),
		V(birth->index), V(wish->access_ipv4), V(wish->access_ipv6), V(now), V(wish->hints.group_id));
}

static const struct scheduler_device *device_of_port(const struct scheduler_grant *grant, const char *port_id)
{
	for (size_t i = 0; i < grant->device_count; i++) {
		if (strcmp(grant->devices[i].port_id, port_id) == 0)
			return &grant->devices[i];
	}
	return NULL;
}

static bool birth_bind(struct http_request *request, const struct birth *birth,
		       const struct network_port *port, int index, struct error *err)
{
	const struct scheduler_device *device = device_of_port(&birth->grant, port->id);
	char vendor_info[16], owner[80];

	snprintf(owner, sizeof owner, "compute:%s", birth->grant.availability_zone);
	if (device)
		snprintf(vendor_info, sizeof vendor_info, "%s:%s", device->vendor_id, device->product_id);
	bool whole = device && strcmp(port->vnic_type, "direct-physical") == 0;
	return network_port_bind(request->db, port->id,
				 &(struct network_binding){
					 .server_id = birth->id,
					 .host = birth->grant.host_name,
					 .device_owner = owner,
					 .index = index,
					 .pci_slot = device ? device->address : NULL,
					 .pci_vendor_info = device ? vendor_info : NULL,
					 .pf_mac_address =
						 device && device->vf_num >= 0 && device->pf_mac_address[0]
							 ? device->pf_mac_address
							 : NULL,
					 .vf_num = device ? device->vf_num : -1,
					 .mac_of_pf =
						 whole && device->mac_address[0] ? device->mac_address : NULL,
				 },
				 err);
}

/* What the network service refuses, in Nova's words. */
static bool port_refused(const struct server_nic *nic, struct error *err)
{
	if (text_equal(err->type, "OverQuota"))
		return error_set(err, ERROR_FORBIDDEN, "Maximum number of ports exceeded");
	if (text_equal(err->type, "IpAddressGenerationFailure"))
		return error_set(err, ERROR_BAD_REQUEST, "No fixed IP addresses available for network: %s",
				 nic->network_id);
	if (text_equal(err->type, "IpAddressAlreadyAllocated"))
		return error_set(err, ERROR_BAD_REQUEST, "Fixed IP address %s is already in use.",
				 nic->fixed_ip);
	if (text_equal(err->type, "InvalidIpForNetwork") || text_equal(err->type, "InvalidIpForSubnet"))
		return error_set(
			err, ERROR_BAD_REQUEST,
			"Invalid input received: Fixed IP %s is not a valid ip address for network %s.",
			nic->fixed_ip, nic->network_id);
	return false;
}

static bool birth_port(struct http_request *request, const struct plan *plan, const struct birth *birth,
		       size_t i, struct error *err)
{
	const struct server_nic *nic = &plan->nics[i];
	struct network_port made;

	if (nic->port_id)
		return birth_bind(request, birth, &plan->ports[i], (int)i, err);
	if (!network_port_create_for_server(request->db, request->auth->project_id, nic->network_id,
					    nic->fixed_ip, birth->id, &made, err))
		return port_refused(nic, err);
	if (made.address_count == 0)
		return error_set(err, ERROR_BAD_REQUEST,
				 "Network %s requires a subnet in order to boot instances on.",
				 nic->network_id);
	return birth_bind(request, birth, &made, (int)i, err);
}

/* The fault of a server for which there was no host: a short reason, and why each host was refused. */
static bool birth_refused(struct http_request *request, const struct birth *birth, struct error *err)
{
	const char *details = birth->refusals.data ? birth->refusals.data : "";
	const char *end = strchr(details, '\n');
	char message[400];

	if (!*details)
		snprintf(message, sizeof message, "No valid host was found. There are no hosts.");
	else if (!end || !end[1])
		snprintf(message, sizeof message, "No valid host was found. %.*s",
			 (int)(end ? end - details : (ptrdiff_t)strlen(details)), details);
	else
		snprintf(message, sizeof message,
			 "No valid host was found. Each host was refused; the details say why.");
	return server_set_fault(request->db, birth->id, message, details, err) &&
	       server_action_end(request->db, birth->id, true, err);
}

static bool server_bear(struct http_request *request, struct plan *plan, struct birth *birth,
			struct error *err)
{
	sys_uuid(birth->id);
	birth->hostname = plan->wish->hostname ? plan->wish->hostname
					       : server_hostname(request, birth->name, birth->id);
	if (!birth_claim(request, plan, birth, err))
		return false;
	birth_hash(request->auth->project_id, birth);
	if (birth->placed && !scheduler_host_touch(request->db, birth->grant.host_id, &birth->revision, err))
		return false;
	if (!birth_insert(request, plan, birth, err) ||
	    !server_action_begin(request, birth->id, "create", err))
		return false;
	if (!birth->placed)
		return birth_refused(request, birth, err);
	scheduler_build_begins(request->db, birth->grant.host_id);
	for (size_t i = 0; i < plan->nic_count; i++) {
		if (!birth_port(request, plan, birth, i, err))
			return false;
	}
	return true;
}

/* --- the handler --- */

static void answer(struct http_request *request, struct http_response *response, const struct plan *plan,
		   const char *id)
{
	const struct server_request *wish = plan->wish;
	yyjson_mut_val *root = http_json_object(response, 202);
	yyjson_mut_doc *doc = response->json;

	if (wish->return_reservation) {
		yyjson_mut_obj_add_str(doc, root, "reservation_id", wish->reservation_id);
		return;
	}
	yyjson_mut_val *server = yyjson_mut_obj_add_obj(doc, root, "server");
	yyjson_mut_obj_add_strcpy(doc, server, "id", id);
	compute_add_links(request, doc, server, "servers", id);
	yyjson_mut_obj_add_str(doc, server, "OS-DCF:diskConfig", wish->disk_config);
	compute_add_raw(doc, server, "security_groups", wish->security_groups, "[]");
	if (compute_settings.password)
		yyjson_mut_obj_add_str(doc, server, "adminPass", wish->admin_pass);
	http_header_set(response, "Location",
			http_printf(request, "%s/servers/%s", compute_self_url(request), id));
}

static bool plan_make(struct http_request *request, struct plan *plan, struct error *err)
{
	const struct server_request *wish = plan->wish;

	return plan_flavor(request, plan, err) && plan_image(request, plan, err) &&
	       server_numa_read(&plan->flavor, plan->image_json, &plan->numa, err) &&
	       (!wish->key_name || keypair_public_key(request, wish->key_name, &plan->key_data, err)) &&
	       check_place(request, wish, err) && plan_networks(request, plan, err) &&
	       take_quota(request, plan, err);
}

bool server_create(struct http_request *request, struct http_response *response, struct error *err)
{
	struct server_request wish;
	_cleanup_(plan_done) struct plan plan = {.wish = &wish};
	char first[SYS_UUID_SIZE] = "";

	if (!server_request_parse(request, &wish, err) || !plan_make(request, &plan, err))
		return false;
	for (int64_t i = 0; i < wish.count; i++) {
		struct birth birth = {.index = i};

		birth.name = wish.count == 1 ? wish.name
					     : http_printf(request, "%s-%lld", wish.name, (long long)i + 1);
		bool ok = server_bear(request, &plan, &birth, err);
		text_done(&birth.refusals);
		if (!ok)
			return false;
		if (i == 0)
			memcpy(first, birth.id, sizeof first);
	}
	answer(request, response, &plan, first);
	return true;
}
