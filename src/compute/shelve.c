/* shelve, shelveOffload, unshelve. */
#include "compute/shelve.h"

#include "compute/agent.h"
#include "compute/flavor.h"
#include "compute/move.h"
#include "compute/move_step.h"
#include "compute/server_action.h"
#include "compute/server_place.h"
#include "compute/snapshot.h"
#include "image/image.h"

#include <string.h>

static const struct schema zone_text = {.types = SCHEMA_STRING, .shortest = 1, .longest = 255};
static const struct schema zone_object = {.types = SCHEMA_OBJECT | SCHEMA_NULL,
					  .fields =
						  (const struct schema_field[]){{"availability_zone",
										 &zone_text, .required = true,
										 .since = 2077},
										{0}}};
const struct schema action_unshelve_schema = zone_object;

/* --- the image of a shelved server --- */

static bool set_image(struct store *db, const char *server_id, const char *image_id, struct error *err)
{
	return store_exec(db, err, "UPDATE server SET shelved_image = ?2 WHERE id = ?1", V(server_id),
			  V(image_id));
}

static bool get_image(struct store *db, const char *server_id, char id[37], struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	id[0] = '\0';
	if (!store_query(db, &rows, err, "SELECT shelved_image FROM server WHERE id = ?1", V(server_id)))
		return false;
	if (store_next(&rows) && !store_is_null(&rows, 0))
		snprintf(id, 37, "%s", store_text(&rows, 0));
	return store_end(&rows, err);
}

static bool drop_image(struct store *db, const char *server_id, struct error *err)
{
	char id[37];

	return get_image(db, server_id, id, err) &&
	       (!*id || (image_discard(db, id, err) && set_image(db, server_id, NULL, err)));
}

/* --- steps --- */

static bool step_to(struct store *db, struct server *server, enum server_state next, struct error *err)
{
	server->life.generation++;
	return server_move(&server->life, next, err) && server_save(db, server, err);
}

/* The guest is off and its disk is an image, or it could not be sent: then the guest is as it was. */
static bool shelved(struct store *db, struct server *server, const char *fault, struct error *err)
{
	bool was_on = server->life.state == SERVER_SHELVING;
	char id[37];

	if (!snapshot_of(db, server->id, id, err))
		return false;
	if (!*id || !snapshot_came(db, id))
		return snapshot_drop(db, server->id, err) && set_image(db, server->id, NULL, err) &&
		       server_order_disk(db, server->id, NULL, err) &&
		       agent_report_fault(db, server, fault ? fault : "The host did not send the disk.",
					  err) &&
		       server_action_end(db, server->id, true, err) &&
		       step_to(db, server, was_on ? SERVER_POWERING_ON : SERVER_STOPPED, err);
	if (!server_order_disk(db, server->id, NULL, err) || !server_action_end(db, server->id, false, err) ||
	    !server_move(&server->life, SERVER_SHELVED, err) || !server_save(db, server, err))
		return false;
	return compute_settings.offload_time != 0 || step_to(db, server, SERVER_OFFLOADING, err);
}

/* Nothing is left on the host: devices are free again, the ports stay the server's. */
static bool offloaded(struct store *db, struct server *server, struct error *err)
{
	server->life.has_host = false;
	return scheduler_release(db, server->id, err) && network_ports_keep(db, server->id, err) &&
	       server_order_disk(db, server->id, NULL, err) &&
	       store_exec(db, err,
			  "UPDATE server SET host_id = NULL, host_name = NULL, host_hash = '', "
			  "availability_zone = '' "
			  "WHERE id = ?1",
			  V((const char *)server->id)) &&
	       server_move(&server->life, SERVER_OFFLOADED, err) && server_save(db, server, err) &&
	       server_action_end(db, server->id, false, err);
}

/* It could not be built: it is shelved as before when the host has cleaned up. */
static bool not_unshelved(struct store *db, struct server *server, const char *fault, struct error *err)
{
	return agent_report_fault(db, server, fault, err) && server_action_end(db, server->id, true, err) &&
	       step_to(db, server, SERVER_OFFLOADING, err);
}

static bool unshelved(struct store *db, struct server *server, bool runs, struct error *err)
{
	server->life.launched_at = sys_now();
	return drop_image(db, server->id, err) && server_order_disk(db, server->id, NULL, err) &&
	       server_move(&server->life, runs ? SERVER_ACTIVE : SERVER_STOPPED, err) &&
	       server_save(db, server, err) && server_action_end(db, server->id, false, err);
}

bool shelve_report(struct store *db, struct server *server, enum server_report report, const char *fault,
		   bool *taken, struct error *err)
{
	*taken = true;
	switch (server->life.state) {
	case SERVER_SHELVING:
	case SERVER_SHELVING_OFF:
		if (report == REPORT_STOPPED || report == REPORT_FAILED)
			return shelved(db, server, fault, err);
		break;
	case SERVER_OFFLOADING:
		return report != REPORT_GONE || offloaded(db, server, err);
	case SERVER_UNSHELVING_ANEW:
		if (report == REPORT_FAILED || report == REPORT_GONE)
			return not_unshelved(db, server, fault, err);
		/* fall through */
	case SERVER_UNSHELVING:
		if (report == REPORT_RUNNING || report == REPORT_STOPPED)
			return unshelved(db, server, report == REPORT_RUNNING, err);
		break;
	default:
		return snapshot_report(db, server, report, fault, taken, err);
	}
	*taken = report != REPORT_FAILED && report != REPORT_GONE;
	return true;
}

bool shelve_server_removed(struct store *db, const char *server_id, struct error *err)
{
	return snapshot_drop(db, server_id, err) && drop_image(db, server_id, err);
}

/* --- the actions --- */

bool action_shelve(struct http_request *request, struct http_response *response, struct server *server,
		   yyjson_val *argument, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	bool off = server->life.state == SERVER_STOPPED;
	const char *name = "server";
	char id[37];

	(void)argument;
	server->life.generation++;
	if (!server_user_move(server, off ? SERVER_SHELVING_OFF : SERVER_SHELVING, "shelve", err) ||
	    !move_check_settled(request->db, server->id, err) ||
	    !store_query(request->db, &rows, err, "SELECT name FROM server WHERE id = ?1",
			 V((const char *)server->id)))
		return false;
	if (store_next(&rows))
		name = http_copy(request, store_text(&rows, 0));
	return store_end(&rows, err) &&
	       snapshot_order(request, server, http_printf(request, "%s-shelved", name), NULL, id, err) &&
	       set_image(request->db, server->id, id, err) &&
	       server_action_begin(request, server->id, "shelve", err) &&
	       server_save(request->db, server, err) && compute_empty(response, 202);
}

bool action_shelve_offload(struct http_request *request, struct http_response *response,
			   struct server *server, yyjson_val *argument, struct error *err)
{
	(void)argument;
	return server_user_move(server, SERVER_OFFLOADING, "shelveOffload", err) &&
	       server_action_begin(request, server->id, "shelveOffload", err) &&
	       server_save(request->db, server, err) && compute_empty(response, 202);
}

/* Places it anew, with the disk of its image. */
static bool unshelve_anew(struct http_request *request, struct server *server, const char *zone,
			  struct error *err)
{
	_cleanup_free_ struct scheduler_grant *grant = memory_alloc(sizeof *grant);
	_cleanup_(flavor_done) struct flavor flavor = {0};
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	struct store *db = request->db;
	char image[37], hash[SERVER_HOST_HASH_SIZE];

	if (!store_query(db, &rows, err, "SELECT flavor_id, flavor FROM server WHERE id = ?1",
			 V((const char *)server->id)) ||
	    !store_next(&rows) || !flavor_stored(store_text(&rows, 0), store_text(&rows, 1), &flavor, err) ||
	    !store_end(&rows, err) || !get_image(db, server->id, image, err))
		return false;
	if (!*image || !snapshot_came(db, image))
		return error_set(err, ERROR_CONFLICT,
				 "Unshelve attempted but the image of instance %s cannot be found.",
				 server->id);
	if (!server_replace(db,
			    &(struct server_replace){.server_id = server->id,
						     .claim_id = server->id,
						     .flavor = &flavor,
						     .zone = zone},
			    grant, NULL, err))
		return false;
	server_host_hash(server->project_id, grant->host_name, hash);
	snprintf(server->host_id, sizeof server->host_id, "%s", grant->host_id);
	server->life.has_host = true;
	return store_exec(db, err,
			  "UPDATE server SET host_id = ?2, host_name = ?3, host_hash = ?4, availability_zone "
			  "= ?5 "
			  "WHERE id = ?1",
			  V((const char *)server->id), V((const char *)grant->host_id),
			  V((const char *)grant->host_name), V((const char *)hash),
			  V((const char *)grant->availability_zone)) &&
	       server_ports_bind(db, server->id, grant->host_name, grant->availability_zone, err) &&
	       server_order_fetch(db, server->id, image, err);
}

bool action_unshelve(struct http_request *request, struct http_response *response, struct server *server,
		     yyjson_val *argument, struct error *err)
{
	const char *zone = yyjson_get_str(yyjson_obj_get(argument, "availability_zone"));
	bool anew = server->life.state == SERVER_OFFLOADED;

	if (zone && !anew)
		return error_set(
			err, ERROR_CONFLICT,
			"Unshelving a server with a new availability zone is only possible while it is "
			"SHELVED_OFFLOADED, which instance %s is not.",
			server->id);
	server->life.generation++;
	return (!anew || unshelve_anew(request, server, zone, err)) &&
	       server_user_move(server, anew ? SERVER_UNSHELVING_ANEW : SERVER_UNSHELVING, "unshelve", err) &&
	       server_action_begin(request, server->id, "unshelve", err) &&
	       server_save(request->db, server, err) && compute_empty(response, 202);
}

/* --- time --- */

bool shelve_housekeeping(struct store *db, struct error *err)
{
	struct server server;
	char id[37] = "";
	struct store_rows rows;

	if (compute_settings.offload_time < 0)
		return true;
	if (!store_query(db, &rows, err,
			 "SELECT id FROM server WHERE state = 'shelved' AND updated_at < ?1 LIMIT 1",
			 V(sys_now() - compute_settings.offload_time)))
		return false;
	if (store_next(&rows))
		snprintf(id, sizeof id, "%s", store_text(&rows, 0));
	if (!store_end(&rows, err) || !*id)
		return !*id;
	return server_load(db, id, NULL, &server, err) && step_to(db, &server, SERVER_OFFLOADING, err);
}
