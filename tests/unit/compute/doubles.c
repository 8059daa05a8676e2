/* Doubles of identity, image, network and scheduler: one image, one network, one port, one host. */
#include "doubles.h"

#include "base/memory.h"
#include "identity/identity.h"
#include "image/image.h"
#include "network/network.h"
#include "scheduler/scheduler.h"

#include <fcntl.h>
#include <string.h>

struct double_world world;

#define SET(field, value) snprintf(field, sizeof(field), "%s", value)

/* --- identity: the token is "project:role" --- */

bool identity_authenticate(struct http_request *request, struct error *err)
{
	const char *token = http_header(request, "X-Auth-Token");

	if (!token)
		return error_set(err, ERROR_UNAUTHORIZED,
				 "The request you have made requires authentication.");
	struct auth *auth = http_alloc(request, sizeof *auth);
	const char *role = strchr(token, ':') + 1;
	auth->user_id = http_printf(request, "user-of-%s", token);
	auth->project_id = http_printf(request, "%.*s", (int)(role - token - 1), token);
	auth->admin = strcmp(role, "admin") == 0;
	auth->member = auth->admin || strcmp(role, "member") == 0;
	auth->reader = true;
	request->auth = auth;
	return true;
}

/* --- image --- */

bool image_load(struct store *db, const char *id, const struct auth *auth, struct image *image,
		struct error *err)
{
	(void)db;
	(void)auth;
	if (strcmp(id, DOUBLE_IMAGE) != 0)
		return error_set(err, ERROR_NOT_FOUND, "No image found with ID %s", id);
	*image = (struct image){.status = "active",
				.disk_format = "raw",
				.container_format = "bare",
				.size = 4};
	SET(image->id, id);
	SET(image->sha512, "abc");
	return true;
}

bool image_make(struct store *db, const char *id, const struct image_wish *wish, struct error *err)
{
	(void)db;
	(void)id;
	(void)wish;
	(void)err;
	return true;
}

bool image_discard(struct store *db, const char *id, struct error *err)
{
	(void)db;
	(void)id;
	(void)err;
	return true;
}

bool image_receive_begin(struct http_request *request, const char *id, struct error *err)
{
	(void)request;
	return error_set(err, ERROR_GONE, "Nobody waits for the bytes of image %s (any more).", id);
}

bool image_receive_chunk(struct http_request *request, const char *bytes, size_t count, struct error *err)
{
	(void)request;
	(void)bytes;
	(void)count;
	(void)err;
	return true;
}

void image_receive_abandon(struct http_request *request)
{
	(void)request;
}

bool image_receive_prepare(struct http_request *request, struct http_response *response, struct error *err)
{
	(void)request;
	(void)response;
	(void)err;
	return true;
}

bool image_receive_finish(struct http_request *request, struct http_response *response, struct error *err)
{
	return image_receive_prepare(request, response, err);
}

bool network_port_bind_ahead(struct store *db, const char *port_id, const struct network_binding *binding,
			     struct error *err)
{
	(void)db;
	(void)port_id;
	(void)binding;
	(void)err;
	return true;
}

bool network_ports_unbind_ahead(struct store *db, const char *server_id, const char *host, struct error *err)
{
	(void)db;
	(void)server_id;
	(void)host;
	(void)err;
	return true;
}

bool scheduler_host_migration(struct store *db, const char *host_id, char **json, struct error *err)
{
	(void)db;
	(void)host_id;
	(void)err;
	*json = NULL;
	return true;
}

bool scheduler_hosts_not_for_live(struct store *db, const char *host_id,
				  void (*tell)(const char *host_id, const char *reason, void *argument),
				  void *argument, struct error *err)
{
	(void)db;
	(void)host_id;
	(void)tell;
	(void)argument;
	(void)err;
	return true;
}

bool scheduler_alias_is_live_migratable(const char *alias)
{
	(void)alias;
	return false;
}

bool network_ports_keep(struct store *db, const char *server_id, struct error *err)
{
	(void)db;
	(void)server_id;
	(void)err;
	return true;
}

bool scheduler_claims_swap(struct store *db, const char *server_id, const char *move_id, struct error *err)
{
	(void)db;
	(void)server_id;
	(void)move_id;
	(void)err;
	return true;
}

bool image_properties(struct store *db, const char *image_id, yyjson_mut_doc *doc, yyjson_mut_val *object,
		      struct error *err)
{
	(void)db;
	(void)image_id;
	(void)err;
	yyjson_mut_obj_add_str(doc, object, "hw_machine_type", "q35");
	return true;
}

int image_open(const char *id, struct error *err)
{
	char path[] = "/tmp/penstock-image.XXXXXX";
	int fd = mkstemp(path);

	(void)id;
	(void)err;
	unlink(path);
	return write(fd, "abcd", 4) == 4 ? fd : -1;
}

/* --- network --- */

static void fill_port(struct network_port *port, const char *id)
{
	*port = (struct network_port){.admin_state_up = true,
				      .mtu = 1500,
				      .segmentation_id = 1010,
				      .address_count = 1};
	SET(port->id, id);
	SET(port->network_id, DOUBLE_NETWORK);
	SET(port->network_name, "net");
	SET(port->project_id, "p1");
	SET(port->device_id, world.bound);
	SET(port->host_id, *world.bound ? "edge-1" : "");
	SET(port->mac_address, "fa:16:3e:00:00:01");
	SET(port->vnic_type, strcmp(id, DOUBLE_PORT) == 0 ? "direct" : "normal");
	SET(port->physical_network, "physnet_sriov");
	SET(port->status, world.port_status);
	SET(port->host_id, *world.bound ? "edge-1" : "");
	SET(port->addresses[0].ip_address, "10.0.0.5");
}

bool network_port_load(struct store *db, const char *port_id, struct network_port *port, struct error *err)
{
	(void)db;
	if (strcmp(port_id, DOUBLE_PORT) != 0)
		return error_set(err, ERROR_NOT_FOUND, "Port %s could not be found.", port_id);
	fill_port(port, port_id);
	return true;
}

bool network_ports_of_server(struct store *db, const char *server_id, struct network_port **ports,
			     size_t *count, struct error *err)
{
	(void)db;
	(void)err;
	*ports = NULL;
	*count = 0;
	if (strcmp(world.bound, server_id) == 0)
		fill_port(ARRAY_ADD(*ports, *count), DOUBLE_PORT);
	return true;
}

bool network_check(struct store *db, const char *network_id, const struct auth *auth,
		   struct network_port *port, struct error *err)
{
	(void)db;
	(void)auth;
	if (strcmp(network_id, DOUBLE_NETWORK) != 0 && strcmp(network_id, DOUBLE_BARE) != 0)
		return error_set(err, ERROR_NOT_FOUND, "Network %s could not be found.", network_id);
	fill_port(port, "");
	return true;
}

bool network_defaults(struct store *db, const struct auth *auth, char (**ids)[37], size_t *count,
		      struct error *err)
{
	(void)db;
	(void)auth;
	(void)err;
	*count = (size_t)world.networks;
	*ids = memory_alloc((*count + 1) * sizeof **ids);
	for (size_t i = 0; i < *count; i++)
		SET((*ids)[i], DOUBLE_NETWORK);
	return true;
}

bool network_port_create_for_server(struct store *db, const char *project_id, const char *network_id,
				    const char *fixed_ip, const char *server_id, struct network_port *port,
				    struct error *err)
{
	(void)db;
	(void)project_id;
	(void)fixed_ip;
	(void)server_id;
	(void)err;
	fill_port(port, "30000000-0000-4000-8000-000000000099");
	if (strcmp(network_id, DOUBLE_BARE) == 0)
		port->address_count = 0;
	world.made_ports++;
	return true;
}

bool network_port_bind(struct store *db, const char *port_id, const struct network_binding *binding,
		       struct error *err)
{
	(void)db;
	if (world.bind_fails)
		return error_set(err, ERROR_CONFLICT, "Port %s is bound elsewhere.", port_id);
	if (strcmp(port_id, DOUBLE_PORT) == 0) {
		SET(world.bound, binding->server_id);
		if (!text_equal(binding->pci_slot, "0000:21:10.0") ||
		    !text_equal(binding->pci_vendor_info, "8086:10ca"))
			return error_set(err, ERROR_INTERNAL, "bound without its device");
	}
	return true;
}

bool network_ports_release(struct store *db, const char *server_id, struct error *err)
{
	(void)db;
	(void)err;
	if (strcmp(world.bound, server_id) == 0)
		world.bound[0] = '\0';
	world.made_ports = 0;
	return true;
}

bool network_port_release(struct store *db, const char *port_id, struct error *err)
{
	(void)db;
	(void)err;
	if (strcmp(port_id, DOUBLE_PORT) == 0)
		world.bound[0] = '\0';
	world.released_ports++;
	return true;
}

bool network_port_set_status(struct store *db, const char *port_id, const char *status, struct error *err)
{
	(void)db;
	(void)port_id;
	(void)err;
	SET(world.port_status, status);
	return true;
}

bool network_addresses_view(struct store *db, const char *server_id, yyjson_mut_doc *doc,
			    yyjson_mut_val *object, struct error *err)
{
	(void)db;
	(void)server_id;
	(void)err;
	yyjson_mut_obj_add_arr(doc, object, "net");
	return true;
}

bool network_port_desired(struct store *db, const char *port_id, yyjson_mut_doc *doc, yyjson_mut_val *object,
			  struct error *err)
{
	(void)db;
	(void)err;
	yyjson_mut_obj_add_strcpy(doc, object, "id", port_id);
	return true;
}

void network_on_port_change(bool (*hook)(struct store *db, const char *server_id, struct error *err))
{
	world.port_changed = hook;
}

bool network_agent_report(struct store *db, const char *host, const char *mappings_json, int64_t device_count,
			  const char *resources_json, struct error *err)
{
	(void)db;
	(void)host;
	(void)mappings_json;
	(void)device_count;
	(void)resources_json;
	(void)err;
	return true;
}

/* --- scheduler --- */

bool scheduler_host_join(struct store *db, const char *name, const char *credential_hash, char id[37],
			 struct error *err)
{
	snprintf(id, 37, "%s", strcmp(name, "edge-2") == 0 ? DOUBLE_HOST_2 : DOUBLE_HOST);
	return store_exec(db, err, "CREATE TABLE IF NOT EXISTS double_credential (hash TEXT, host TEXT)") &&
	       store_exec(db, err, "INSERT INTO double_credential VALUES (?1, ?2)", V(credential_hash),
			  V((const char *)id));
}

bool scheduler_host_authenticate(struct store *db, const char *credential_hash, char id[37],
				 struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err, "SELECT host FROM double_credential WHERE hash = ?1",
			 V(credential_hash)))
		return false;
	if (!store_next(&rows))
		return error_set(err, ERROR_UNAUTHORIZED, "no such credential");
	snprintf(id, 37, "%s", store_text(&rows, 0));
	return true;
}

bool scheduler_host_load(struct store *db, const char *id_or_name, struct scheduler_host *host,
			 struct error *err)
{
	bool second = strcmp(id_or_name, DOUBLE_HOST_2) == 0 || strcmp(id_or_name, "edge-2") == 0;

	(void)db;
	if (!second && strcmp(id_or_name, DOUBLE_HOST) != 0 && strcmp(id_or_name, "edge-1") != 0)
		return error_set(err, ERROR_NOT_FOUND, "Host %s could not be found.", id_or_name);
	*host = (struct scheduler_host){.id = DOUBLE_HOST,
					.name = "edge-1",
					.availability_zone = "nova",
					.enabled = true,
					.up = second || !world.down,
					.number = 1,
					.vcpus = 8,
					.cpu_info = "{\"model\":\"EPYC\"}",
					.revision = world.revision};
	if (second) {
		SET(host->id, DOUBLE_HOST_2);
		SET(host->name, "edge-2");
	}
	return true;
}

bool scheduler_hosts(struct store *db, struct scheduler_host **hosts, size_t *count, struct error *err)
{
	*count = 1;
	*hosts = memory_alloc(sizeof **hosts);
	return scheduler_host_load(db, DOUBLE_HOST, *hosts, err);
}

bool scheduler_host_report(struct store *db, const char *host_id, yyjson_val *inventory, struct error *err)
{
	(void)db;
	(void)host_id;
	(void)inventory;
	(void)err;
	return true;
}

bool scheduler_host_heard(struct store *db, const char *host_id, struct error *err)
{
	(void)db;
	(void)host_id;
	(void)err;
	return true;
}

bool scheduler_host_set_enabled(struct store *db, const char *host_id, bool enabled, const char *reason,
				struct error *err)
{
	(void)db;
	(void)host_id;
	(void)enabled;
	(void)reason;
	(void)err;
	return true;
}

bool scheduler_host_force_down(struct store *db, const char *host_id, bool down, struct error *err)
{
	(void)db;
	(void)err;
	world.down = strcmp(host_id, DOUBLE_HOST) == 0 ? down : world.down;
	return true;
}

bool scheduler_host_set_zone(struct store *db, const char *host_id, const char *zone, struct error *err)
{
	(void)db;
	(void)host_id;
	(void)zone;
	(void)err;
	return true;
}

bool scheduler_host_touch(struct store *db, const char *host_id, int64_t *revision, struct error *err)
{
	(void)db;
	(void)host_id;
	(void)err;
	*revision = ++world.revision;
	return true;
}

bool scheduler_alias_check(const char *alias_spec, struct error *err)
{
	return strcmp(alias_spec, "nope:1") != 0 ||
	       error_set(err, ERROR_BAD_REQUEST, "PCI alias nope is not defined");
}

static void fill_device(struct scheduler_device *device, const char *port_id)
{
	*device = (struct scheduler_device){.address = "0000:21:10.0",
					    .vendor_id = "8086",
					    .product_id = "10ca",
					    .type = "type-VF",
					    .parent = "0000:21:00.0",
					    .numa_node = 0};
	SET(device->port_id, port_id);
}

static bool is_forbidden(const struct scheduler_request *request, const char *host_id)
{
	for (size_t i = 0; i < request->rule_count; i++) {
		const struct scheduler_rule *rule = &request->rules[i];
		bool listed = false;

		for (size_t k = 0; k < rule->host_count; k++)
			listed |= strcmp(rule->host_ids[k], host_id) == 0;
		if (rule->weight == 0 && listed != rule->only)
			return true;
	}
	return false;
}

bool scheduler_claim(struct store *db, const struct scheduler_request *request, struct scheduler_grant *grant,
		     struct text *refusals, struct error *err)
{
	bool second = world.spare && is_forbidden(request, DOUBLE_HOST);

	(void)db;
	if (world.host_full || is_forbidden(request, second ? DOUBLE_HOST_2 : DOUBLE_HOST)) {
		text_add(refusals, "edge-1: needs 1 VF of physnet_sriov; 5 of 5 are in use\n");
		return error_set(err, ERROR_CONFLICT, "No valid host was found.");
	}
	*grant = (struct scheduler_grant){.host_id = DOUBLE_HOST,
					  .host_name = "edge-1",
					  .availability_zone = "nova"};
	if (second) {
		SET(grant->host_id, DOUBLE_HOST_2);
		SET(grant->host_name, "edge-2");
	}
	for (size_t i = 0; i < request->port_count; i++)
		fill_device(&grant->devices[grant->device_count++], request->ports[i].port_id);
	SET(world.claimed, request->server_id);
	return true;
}

bool scheduler_claim_port(struct store *db, const char *server_id, const struct scheduler_port_request *port,
			  const struct numa_guest *numa, struct scheduler_device *device, struct text *why,
			  struct error *err)
{
	(void)db;
	(void)server_id;
	(void)numa;
	if (world.host_full) {
		text_add(why, "needs 1 VF of physnet_sriov: 5 of 5 are in use");
		return error_set(err, ERROR_CONFLICT, "The host has no device for the port.");
	}
	fill_device(device, port->port_id);
	return true;
}

bool scheduler_release_port(struct store *db, const char *server_id, const char *port_id, struct error *err)
{
	(void)db;
	(void)server_id;
	(void)port_id;
	(void)err;
	world.released_claims++;
	return true;
}

bool scheduler_release(struct store *db, const char *server_id, struct error *err)
{
	(void)db;
	(void)err;
	if (strcmp(world.claimed, server_id) == 0)
		world.claimed[0] = '\0';
	if (strcmp(world.left, server_id) == 0)
		world.left[0] = '\0';
	return true;
}

/* Both names, for the case that the transaction is undone. */
static struct {
	char claimed[37], left[37];
} before;

static void rename_ends(void *argument, bool committed)
{
	(void)argument;
	if (committed)
		return;
	SET(world.claimed, before.claimed);
	SET(world.left, before.left);
}

bool scheduler_claim_rename(struct store *db, const char *from, const char *to, struct error *err)
{
	(void)err;
	SET(before.claimed, world.claimed);
	SET(before.left, world.left);
	store_on_end(db, rename_ends, NULL);
	if (strcmp(world.claimed, from) != 0)
		return true;
	SET(world.left, to);
	world.claimed[0] = '\0';
	return true;
}

bool scheduler_numa_of_server(struct store *db, const char *server_id, char **json, struct error *err)
{
	(void)db;
	(void)server_id;
	(void)err;
	*json = NULL;
	return true;
}

bool scheduler_devices_of_server(struct store *db, const char *server_id, struct scheduler_device **devices,
				 size_t *count, struct error *err)
{
	(void)db;
	(void)err;
	*devices = NULL;
	*count = 0;
	if (strcmp(world.claimed, server_id) == 0)
		fill_device(ARRAY_ADD(*devices, *count), DOUBLE_PORT);
	return true;
}

void scheduler_build_begins(struct store *db, const char *host_id)
{
	(void)db;
	(void)host_id;
}

void scheduler_build_ends(struct store *db, const char *host_id, enum scheduler_build build)
{
	(void)db;
	(void)host_id;
	(void)build;
}

/* --- security groups: there are none --- */

bool network_security_group_find(struct store *db, const char *project_id, const char *name, char id[37],
				 struct error *err)
{
	(void)db;
	(void)project_id;
	(void)id;
	return error_set(err, ERROR_NOT_FOUND, "Security group %s not found.", name);
}

bool network_server_add_group(struct store *db, const char *server_id, const char *group_id,
			      struct error *err)
{
	(void)db;
	(void)server_id;
	return error_set(err, ERROR_NOT_FOUND, "Security group %s not found.", group_id);
}

bool network_server_remove_group(struct store *db, const char *server_id, const char *group_id,
				 struct error *err)
{
	return network_server_add_group(db, server_id, group_id, err);
}

bool scheduler_filter_is_enabled(enum scheduler_filter filter)
{
	(void)filter;
	return false;
}
