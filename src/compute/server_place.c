/* Placing servers, and binding their ports where they are. */
#include "compute/server_place.h"

#include "compute/leftover.h"
#include "compute/server_numa.h"
#include "compute/server_port.h"
#include "compute/server_retry.h"

#include <openssl/evp.h>
#include <string.h>

/* --- what the client wished --- */

static void add_ids(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, const char *const *ids,
		    size_t count)
{
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, object, name);

	for (size_t i = 0; i < count; i++)
		yyjson_mut_arr_add_str(doc, list, ids[i]);
}

char *server_wish_json(const struct server_request *wish, const struct auth *auth)
{
	const struct placement_hints *hints = &wish->hints;
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *object = yyjson_mut_obj(doc);

	yyjson_mut_doc_set_root(doc, object);
	if (wish->zone)
		yyjson_mut_obj_add_str(doc, object, "zone", wish->zone);
	if (wish->host)
		yyjson_mut_obj_add_str(doc, object, "host", wish->host);
	/* Whose servers a hint may name. */
	if (auth->admin)
		yyjson_mut_obj_add_bool(doc, object, "admin", true);
	if (hints->has_same_host)
		add_ids(doc, object, "same_host", hints->same_host, hints->same_host_count);
	if (hints->different_host_count)
		add_ids(doc, object, "different_host", hints->different_host, hints->different_host_count);
	if (hints->query)
		yyjson_mut_obj_add_str(doc, object, "query", hints->query);
	char *text = yyjson_mut_write(doc, 0, NULL);
	yyjson_mut_doc_free(doc);
	return text;
}

/* What is known of the server that matters for its place. */
struct known {
	struct placement_hints hints;
	struct auth auth; /* of who made it */
	const char *zone;
	char *image, *image_id, *group_id, *project_id;
	struct network_port *ports;
	size_t port_count;
	yyjson_doc *wish; /* texts of hints and zone */
};

static void known_done(struct known *known)
{
	free(known->hints.same_host);
	free(known->hints.different_host);
	free(known->image);
	free(known->image_id);
	free(known->ports);
	free(known->group_id);
	free(known->project_id);
	yyjson_doc_free(known->wish);
}

static void read_ids(yyjson_val *list, const char ***ids, size_t *count)
{
	yyjson_val *item;
	size_t i, max;

	yyjson_arr_foreach (list, i, max, item)
		*ARRAY_ADD(*ids, *count) = yyjson_get_str(item);
}

static void known_read_wish(struct known *known, const char *text)
{
	known->wish = yyjson_read(text, strlen(text), 0);
	yyjson_val *wish = yyjson_doc_get_root(known->wish), *same = yyjson_obj_get(wish, "same_host");

	known->zone = yyjson_get_str(yyjson_obj_get(wish, "zone"));
	known->auth.admin = yyjson_get_bool(yyjson_obj_get(wish, "admin"));
	known->hints.query = yyjson_get_str(yyjson_obj_get(wish, "query"));
	known->hints.has_same_host = same;
	read_ids(same, &known->hints.same_host, &known->hints.same_host_count);
	read_ids(yyjson_obj_get(wish, "different_host"), &known->hints.different_host,
		 &known->hints.different_host_count);
}

static bool known_load(struct store *db, const char *server_id, struct known *known, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err,
			 "SELECT wish, group_id, image, project_id, image_id FROM server WHERE id = ?1",
			 V(server_id)))
		return false;
	if (!store_next(&rows))
		return store_end(&rows, err);
	known_read_wish(known, store_text(&rows, 0));
	known->group_id = store_is_null(&rows, 1) ? NULL : memory_copy_text(store_text(&rows, 1));
	known->image = memory_copy_text(store_text(&rows, 2));
	known->project_id = memory_copy_text(store_text(&rows, 3));
	known->image_id = memory_copy_text(store_text(&rows, 4));
	known->hints.group_id = known->group_id;
	known->hints.self = server_id;
	known->auth.project_id = known->project_id;
	return store_end(&rows, err) &&
	       network_ports_of_server(db, server_id, &known->ports, &known->port_count, err);
}

/* --- asking the scheduler --- */

static size_t ask_for_ports(const struct known *known, struct scheduler_port_request *asks)
{
	size_t count = 0;

	for (size_t i = 0; i < known->port_count && count < SCHEDULER_MAX_REQUESTS; i++) {
		if (server_port_takes_device(known->ports[i].vnic_type))
			server_port_request(&known->ports[i], &asks[count++]);
	}
	return count;
}

void server_no_host(const char *refusals, char *message, size_t size)
{
	const char *end = strchr(refusals, '\n');

	if (!*refusals)
		snprintf(message, size, "No valid host was found. There are no hosts.");
	else if (!end || !end[1])
		snprintf(message, size, "No valid host was found. %.*s", (int)strcspn(refusals, "\n"),
			 refusals);
	else
		snprintf(message, size,
			 "No valid host was found. Each host was refused; the details say why.");
}

/* One rule for each reason. */
struct not_for_live {
	struct placement *placement;
	struct scheduler_rule *rule;
};

static void add_not_for_live(const char *host_id, const char *reason, void *argument)
{
	struct not_for_live *live = argument;

	if (!live->rule || strcmp(live->rule->reason, reason) != 0)
		live->rule = placement_rule(live->placement, memory_copy_text(reason), false);
	placement_host_add(live->placement, live->rule, host_id);
}

/* Hosts that are out of the question whatever they have. */
static bool exclude_hosts(struct store *db, const struct server_replace *wish, struct placement *placement,
			  struct error *err)
{
	if (wish->not_host_id)
		placement_host_add(placement,
				   placement_rule(placement, memory_copy_text("is where the server is now"),
						  false),
				   wish->not_host_id);
	if (wish->live && !scheduler_hosts_not_for_live(db, wish->not_host_id, add_not_for_live,
							&(struct not_for_live){.placement = placement}, err))
		return false;
	return leftover_rule(db, wish->server_id, placement, err) &&
	       (!wish->retry || retry_rule(db, wish->server_id, placement, err));
}

static bool replace_claim(struct store *db, const struct server_replace *wish, const struct known *known,
			  struct placement *placement, struct numa_guest *numa, struct scheduler_grant *grant,
			  struct text *refusals, struct error *err)
{
	struct scheduler_port_request ports[SCHEDULER_MAX_REQUESTS];
	const struct flavor *flavor = wish->flavor;
	_cleanup_free_ char *alias_spec = flavor_spec(flavor, "pci_passthrough:alias");
	struct scheduler_request ask = {.server_id = wish->claim_id,
					.vcpus = flavor->vcpus,
					.memory_mb = flavor->memory_mb,
					.disk_gb = flavor->disk_gb + flavor->ephemeral_gb,
					.alias_spec = alias_spec,
					.ports = ports,
					.availability_zone = wish->zone ? wish->zone : known->zone,
					.host = wish->host,
					.numa = numa,
					.networks = &placement->networks,
					.isolate = flavor_isolates(flavor)};
	const struct placement_subject subject = {.project_id = known->project_id,
						  .flavor_name = flavor->name,
						  .extra_specs = flavor->extra_specs,
						  .image_id = known->image_id,
						  .image = known->image,
						  .query = known->hints.query};

	if (!placement_make(db, &known->auth, &known->hints, flavor->extra_specs, placement, err) ||
	    !exclude_hosts(db, wish, placement, err) ||
	    !placement_filters(db, &subject, placement, &ask, err))
		return false;
	placement_networks(known->ports, known->port_count, placement);
	ask.port_count = ask_for_ports(known, ports);
	if (scheduler_claim(db, &ask, grant, refusals, err))
		return true;
	if (err->kind == ERROR_CONFLICT)
		error_set(err, ERROR_BAD_REQUEST, "No valid host was found. %.900s",
			  refusals->data ? refusals->data : "There are no hosts.");
	return false;
}

bool server_replace(struct store *db, const struct server_replace *wish, struct scheduler_grant *grant,
		    struct text *refusals, struct error *err)
{
	_cleanup_(placement_done) struct placement placement = {0};
	_cleanup_(known_done) struct known known = {0};
	_cleanup_(text_done) struct text unread = {0};
	struct numa_guest numa = {0};

	return known_load(db, wish->server_id, &known, err) &&
	       server_numa_read(wish->flavor, known.image, &numa, err) &&
	       replace_claim(db, wish, &known, &placement, &numa, grant, refusals ? refusals : &unread, err);
}

/* --- ports --- */

const struct scheduler_device *server_port_device(const struct scheduler_device *devices, size_t count,
						  const char *port_id)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(devices[i].port_id, port_id) == 0)
			return &devices[i];
	}
	return NULL;
}

bool server_ports_bind(struct store *db, const char *server_id, const char *host, const char *zone,
		       struct error *err)
{
	_cleanup_free_ struct scheduler_device *devices = NULL;
	_cleanup_free_ struct network_port *ports = NULL;
	const struct server_seat seat = {.server_id = server_id, .host_name = host, .zone = zone};
	size_t count, device_count;

	if (!scheduler_devices_of_server(db, server_id, &devices, &device_count, err) ||
	    !network_ports_of_server(db, server_id, &ports, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct scheduler_device *device =
			server_port_device(devices, device_count, ports[i].id);

		if (!server_port_bind(db, &seat, &ports[i], device, (int)i, err))
			return false;
	}
	return true;
}

void server_host_hash(const char *project, const char *host, char hash[SERVER_HOST_HASH_SIZE])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int size = 0;
	char text[400];

	hash[0] = '\0';
	if (!host)
		return;
	snprintf(text, sizeof text, "%s%s", project, host);
	if (!EVP_Digest(text, strlen(text), digest, &size, EVP_sha224(), NULL))
		return;
	for (unsigned int i = 0; i < size && i < 28; i++)
		snprintf(hash + 2 * i, 3, "%02x", digest[i]);
}
