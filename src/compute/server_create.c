/* POST /servers: checks, claim, ports and row, all in the one transaction of the handler.  Whatever fails
 * leaves nothing behind; only "no host fits" leaves a server in ERROR, as with Nova. */
#include "compute/flavor.h"
#include "compute/keypair.h"
#include "compute/server.h"
#include "compute/server_image.h"
#include "compute/server_interface.h"
#include "compute/server_numa.h"
#include "compute/server_place.h"
#include "compute/server_port.h"
#include "compute/server_request.h"

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

static bool plan_image(struct http_request *request, struct plan *plan, struct error *err)
{
	struct server_image found;

	if (!*plan->wish->image_id)
		return error_set(err, ERROR_BAD_REQUEST,
				 "Invalid imageRef provided: Penstock boots servers from images.");
	if (!server_image_find(request, plan->wish->image_id, &plan->flavor, &found, err))
		return false;
	plan->image = found.image;
	plan->image_json = found.json;
	plan->kernel_json = found.kernel_json;
	plan->ramdisk_json = found.ramdisk_json;
	return true;
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

		if (nic->port_id ? server_port_find(request, nic->port_id, &plan->ports[i], err)
				 : check_network(request, nic->network_id, &plan->ports[i], err))
			continue;
		/* In a body an unknown port is a bad request. */
		if (err->kind == ERROR_NOT_FOUND)
			err->kind = ERROR_BAD_REQUEST;
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
	char host_hash[SERVER_HOST_HASH_SIZE];
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
					 .numa = &plan->numa,
					 .isolate = flavor_isolates(&plan->flavor)};

	if (!placement_make(request->db, request->auth, &plan->wish->hints, plan->flavor.extra_specs,
			    &plan->placement, err))
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

		if (plan->nics[i].port_id && server_port_takes_device(port->vnic_type))
			server_port_request(port, &ports[wish.port_count++]);
	}
	birth->placed = scheduler_claim(request->db, &wish, &birth->grant, &birth->refusals, err);
	return birth->placed || err->kind == ERROR_CONFLICT;
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
	_cleanup_free_ char *place = server_wish_json(wish, request->auth);
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
		" created_at, updated_at, group_id, wish, build_since)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, "
		"?18, ?19,"
		" ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35, ?36, ?36, "
		"?37, ?38, ?36)",
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
		V(birth->index), V(wish->access_ipv4), V(wish->access_ipv6), V(now), V(wish->hints.group_id),
		V(place));
}

static bool birth_bind(struct http_request *request, const struct plan *plan, const struct birth *birth,
		       const struct network_port *port, int index, struct error *err)
{
	const char *tag = plan->nics[index].tag;
	const struct server_seat seat = {.server_id = birth->id,
					 .host_name = birth->grant.host_name,
					 .zone = birth->grant.availability_zone};

	return server_port_bind(request->db, &seat, port,
				server_port_device(birth->grant.devices, birth->grant.device_count, port->id),
				index, err) &&
	       (!tag || server_interface_tag(request->db, birth->id, port->id, tag, err));
}

static bool birth_port(struct http_request *request, const struct plan *plan, const struct birth *birth,
		       size_t i, struct error *err)
{
	const struct server_nic *nic = &plan->nics[i];
	struct network_port made;

	if (nic->port_id)
		return birth_bind(request, plan, birth, &plan->ports[i], (int)i, err);
	if (!network_port_create_for_server(request->db, request->auth->project_id, nic->network_id,
					    nic->fixed_ip, birth->id, &made, err))
		return server_port_refused(nic, err);
	if (made.address_count == 0)
		return error_set(err, ERROR_BAD_REQUEST,
				 "Network %s requires a subnet in order to boot instances on.",
				 nic->network_id);
	return birth_bind(request, plan, birth, &made, (int)i, err);
}

/* The fault of a server for which there was no host: a short reason, and why each host was refused. */
static bool birth_refused(struct http_request *request, const struct birth *birth, struct error *err)
{
	const char *details = birth->refusals.data ? birth->refusals.data : "";
	char message[400];

	server_no_host(details, message, sizeof message);
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
	server_host_hash(request->auth->project_id, birth->placed ? birth->grant.host_name : NULL,
			 birth->host_hash);
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
