/* POST /agent/v1/status: what a host says of its servers moves their lives; and what becomes of servers whose
 * host says nothing. */
#include "compute/agent.h"
#include "compute/clock_step.h"

#include "base/log.h"
#include "compute/compute.h"
#include "compute/late.h"
#include "compute/leftover.h"
#include "compute/move.h"
#include "compute/server_interface.h"
#include "compute/server_retry.h"
#include "compute/shelve.h"

#include <string.h>

/* --- the body --- */

static const struct schema uuid_text = {.types = SCHEMA_STRING, .format = SCHEMA_UUID};
static const struct schema number = {.types = SCHEMA_INTEGER,
				     .ranged = true,
				     .minimum = 0,
				     .maximum = INT64_MAX};
static const struct schema words = {.types = SCHEMA_STRING, .longest = 64};
static const struct schema fault_text = {.types = SCHEMA_STRING | SCHEMA_NULL, .longest = 65536};
static const struct schema optional_words = {.types = SCHEMA_STRING | SCHEMA_NULL, .longest = 255};
static const char *const port_statuses[] = {"ACTIVE", "DOWN", "GONE", NULL};
static const struct schema port_status = {.types = SCHEMA_STRING, .choices = port_statuses};
static const struct schema port_object = {
	.types = SCHEMA_OBJECT,
	.open = true,
	.fields = (const struct schema_field[]){{"id", &uuid_text, .required = true},
						{"status", &port_status, .required = true},
						{"fault", &fault_text},
						{0}}};
static const struct schema port_list = {.types = SCHEMA_ARRAY, .items = &port_object, .longest = 1000};
/* Of a guest that is to go to another host (live.h). */
static const struct schema disk_size = {.types = SCHEMA_INTEGER,
					.ranged = true,
					.minimum = 0,
					.maximum = INT64_C(1) << 50};
static const struct schema drive_text = {.types = SCHEMA_STRING,
					 .longest = 6 * 1024 * 1024,
					 .format = SCHEMA_BASE64};
static const struct schema migration_object = {
	.types = SCHEMA_OBJECT,
	.open = true,
	.fields = (const struct schema_field[]){{"disk_bytes", &disk_size, .required = true},
						{"config_drive", &drive_text, .required = true},
						{0}}};
static const struct schema server_object = {
	.types = SCHEMA_OBJECT,
	.open = true,
	.fields = (const struct schema_field[]){{"id", &uuid_text, .required = true},
						{"generation", &number, .required = true},
						{"state", &words, .required = true},
						{"step", &optional_words},
						{"fault", &fault_text},
						{"fault_kind", &optional_words},
						{"ports", &port_list},
						{"migration", &migration_object},
						{0}}};
static const struct schema server_list = {.types = SCHEMA_ARRAY, .items = &server_object, .longest = 100000};
static const struct schema status_body = {
	.types = SCHEMA_OBJECT,
	.open = true,
	.fields = (const struct schema_field[]){{"servers", &server_list, .required = true}, {0}}};

/* --- one report --- */

static bool report_ports(struct store *db, const struct server *server, yyjson_val *ports, struct error *err)
{
	size_t i, max;
	yyjson_val *item;

	yyjson_arr_foreach (ports, i, max, item) {
		const char *id = yyjson_get_str(yyjson_obj_get(item, "id"));
		const char *status = yyjson_get_str(yyjson_obj_get(item, "status"));
		struct network_port port;

		if (!network_port_load(db, id, &port, err)) {
			if (err->kind != ERROR_NOT_FOUND)
				return false;
			continue; /* deleted meanwhile */
		}
		/* A port whose binding moved to another host is that host's to report. */
		if (strcmp(port.device_id, server->id) != 0 || strcmp(port.host_id, server->host_name) != 0 ||
		    strcmp(port.status, status) == 0 || strcmp(status, "GONE") == 0)
			continue;
		if (!network_port_set_status(db, id, status, err))
			return false;
	}
	return true;
}

bool agent_report_fault(struct store *db, const struct server *server, const char *fault, struct error *err)
{
	const char *details = fault && *fault ? fault : "The host gave no reason.";
	size_t length = strlen(details);
	char message[256];

	if (length > 255)
		for (length = 255; length > 0 && ((unsigned char)details[length] & 0xc0) == 0x80; length--)
			;
	snprintf(message, sizeof message, "%.*s", (int)length, details);
	log_warning("server %s on %s: %s", server->id, server->host_name, message);
	return server_set_fault(db, server->id, message, details, err);
}

/* refused: the host could not do it, and the server goes on as before. */
static bool settle_action(struct store *db, const struct server *server, bool refused, struct error *err)
{
	enum server_state state = server->life.state;

	if (state == SERVER_ACTIVE || state == SERVER_PAUSED || state == SERVER_SUSPENDED ||
	    state == SERVER_STOPPED)
		return server_action_end(db, server->id, refused, err);
	if (state == SERVER_ERROR || state == SERVER_ERROR_DELETING)
		return server_action_end(db, server->id, true, err);
	return true;
}

/* The password has been written into the guest's config drive: nobody needs it any more. */
static bool forget_password(struct store *db, const struct server *server, struct error *err)
{
	return store_exec(db, err,
			  "UPDATE server SET admin_pass = NULL WHERE id = ?1 AND admin_pass IS NOT NULL",
			  V((const char *)server->id));
}

/* For the weighers of hosts: a build is over. */
static void settle_build(struct store *db, enum server_state before, const struct server *server)
{
	bool failed = server->life.state == SERVER_ERROR;

	if (before == SERVER_SPAWNING && server->life.state != SERVER_SPAWNING)
		scheduler_build_ends(db, server->host_id,
				     failed ? SCHEDULER_BUILD_FAILED : SCHEDULER_BUILD_DONE);
}

static bool report_life(struct store *db, struct server *server, enum server_report report, const char *fault,
			yyjson_val *facts, struct error *err)
{
	enum server_state before = server->life.state;
	bool taken;
	bool lost, refused = report == REPORT_RUNNING && (server->life.state == SERVER_PAUSING ||
							  server->life.state == SERVER_SUSPENDING);

	if (!move_report(db, server, report, fault, facts, &taken, err) ||
	    (!taken && !shelve_report(db, server, report, fault, &taken, err)))
		return false;
	if (taken)
		return true;
	if (!server_life_report(&server->life, report, sys_now(), &lost))
		return true;
	settle_build(db, before, server);
	if (strcmp(server_state_info(before)->status, "REBUILD") == 0 &&
	    !move_evacuation_built(db, server->id, server->life.state == SERVER_ERROR, err))
		return false;
	if (lost)
		fault = "The host says that nothing of the server is left on it. Its disk is gone with it; "
			"the server "
			"can only be deleted.";
	if ((report == REPORT_FAILED || lost) && !agent_report_fault(db, server, fault, err))
		return false;
	if (report == REPORT_RUNNING && !forget_password(db, server, err))
		return false;
	if (refused)
		log_warning("server %s on %s: %s", server->id, server->host_name,
			    fault ? fault : "it runs on");
	return server_save(db, server, err) && settle_action(db, server, refused, err);
}

bool agent_report_failed(struct store *db, struct server *server, const char *fault, struct error *err)
{
	return report_life(db, server, REPORT_FAILED, fault, NULL, err);
}

static bool report_interfaces(struct store *db, struct server *server, yyjson_val *ports, struct error *err)
{
	bool touch = false;

	return server_interfaces_report(db, server, ports, &touch, err) &&
	       (!touch || server_touch(db, server, err));
}

static bool is_failed_build(const struct server *server, enum server_report report)
{
	return report == REPORT_FAILED && server->life.state == SERVER_SPAWNING;
}

/* Of a server that is not this host's, or no more, or gone. */
static bool report_elsewhere(struct http_request *request, const char *id, enum server_report report,
			     yyjson_val *item, struct error *err)
{
	const char *host_id = agent_of(request)->host_id;

	return move_report_other(request->db, id, host_id, report,
				 schema_integer(yyjson_obj_get(item, "generation"), 0),
				 yyjson_get_str(yyjson_obj_get(item, "fault")), err) &&
	       leftover_report(request->db, id, host_id, report, err);
}

static bool report_server(struct http_request *request, yyjson_val *item, struct error *err)
{
	const char *id = yyjson_get_str(yyjson_obj_get(item, "id"));
	int64_t generation = schema_integer(yyjson_obj_get(item, "generation"), 0);
	enum server_report report;
	struct server server;

	if (!server_report_parse(yyjson_get_str(yyjson_obj_get(item, "state")), &report))
		return error_set(err, ERROR_BAD_REQUEST, "%.64s is not a state of a server",
				 yyjson_get_str(yyjson_obj_get(item, "state")));
	if (!server_load(request->db, id, NULL, &server, err))
		return err->kind == ERROR_NOT_FOUND && /* forgotten: fine */
		       report_elsewhere(request, id, report, item, err);
	if (strcmp(server.host_id, agent_of(request)->host_id) != 0)
		return report_elsewhere(request, id, report, item, err);
	if (report == REPORT_GONE && server_is_deleting(server.life.state))
		return server_remove(request->db, &server, err);
	if (generation < server.life.generation &&
	    !(report == REPORT_GONE && server.life.want == WANT_ABSENT))
		return true; /* about something that is not wanted any more */
	if (is_failed_build(&server, report))
		return server_build_failed(request->db, &server,
					   yyjson_get_str(yyjson_obj_get(item, "fault")),
					   yyjson_get_str(yyjson_obj_get(item, "fault_kind")), err);
	const char *fault = yyjson_get_str(yyjson_obj_get(item, "fault"));
	/* `penstock explain` says what a server that will not go waits for. */
	if (report == REPORT_BUILDING && fault && server_is_deleting(server.life.state) &&
	    !agent_report_fault(request->db, &server, fault, err))
		return false;
	yyjson_val *ports = yyjson_obj_get(item, "ports");
	return report_ports(request->db, &server, ports, err) &&
	       (report == REPORT_BUILDING || report_interfaces(request->db, &server, ports, err)) &&
	       report_life(request->db, &server, report, fault, yyjson_obj_get(item, "migration"), err);
}

bool agent_status(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = compute_body(request, &status_body, err);
	size_t i, max;
	yyjson_val *item;

	if (!body || !scheduler_host_heard(request->db, agent_of(request)->host_id, err))
		return false;
	yyjson_arr_foreach (yyjson_obj_get(body, "servers"), i, max, item) {
		if (!report_server(request, item, err))
			return false;
	}
	http_json_object(response, 200);
	return true;
}

/* --- deadlines --- */

bool compute_housekeeping(struct store *db, struct error *err)
{
	return clock_step_follow(db, err) && move_housekeeping(db, err) && shelve_housekeeping(db, err) &&
	       retry_housekeeping(db, err) && late_housekeeping(db, err);
}
