/* Within the compute room: servers in the database, and what the files about them share. */
#pragma once

#include "compute/server_state.h"
#include "compute/service.h"
#include "network/network.h"
#include "scheduler/scheduler.h"

/* --- rows for views: one query has all that a view needs --- */

#define SERVER_COLUMN_TABLE(C) \
	C(NUMBER, "number") \
	C(ID, "id") \
	C(PROJECT, "project_id") \
	C(USER, "user_id") \
	C(NAME, "name") \
	C(HOSTNAME, "hostname") \
	C(DESCRIPTION, "description") \
	C(STATE, "state") \
	C(WANT, "want") \
	C(GENERATION, "generation") \
	C(HOST_ID, "host_id") \
	C(HOST_NAME, "host_name") \
	C(HOST_HASH, "host_hash") \
	C(ZONE, "availability_zone") \
	C(FLAVOR_ID, "flavor_id") \
	C(FLAVOR, "flavor") \
	C(VCPUS, "vcpus") \
	C(MEMORY, "memory_mb") \
	C(DISK, "disk_gb") \
	C(IMAGE_ID, "image_id") \
	C(IMAGE, "image") \
	C(KERNEL, "kernel") \
	C(RAMDISK, "ramdisk") \
	C(KEY_NAME, "key_name") \
	C(KEY_DATA, "key_data") \
	C(USER_DATA, "user_data") \
	C(CONFIG_DRIVE, "config_drive") \
	C(ADMIN_PASS, "admin_pass") \
	C(METADATA, "metadata") \
	C(TAGS, "tags") \
	C(SECURITY_GROUPS, "security_groups") \
	C(DISK_CONFIG, "disk_config") \
	C(RESERVATION, "reservation_id") \
	C(LAUNCH_INDEX, "launch_index") \
	C(ACCESS_IPV4, "access_ipv4") \
	C(ACCESS_IPV6, "access_ipv6") \
	C(LOCKED, "locked") \
	C(LOCKED_REASON, "locked_reason") \
	C(FAULT_CODE, "fault_code") \
	C(FAULT_MESSAGE, "fault_message") \
	C(FAULT_DETAILS, "fault_details") \
	C(FAULT_AT, "fault_at") \
	C(CREATED, "created_at") \
	C(UPDATED, "updated_at") \
	C(LAUNCHED, "launched_at") \
	C(DISK_ORDER, "disk_order") \
	C(DISK_GENERATION, "disk_generation")

enum server_column {
#define C(name, column) COLUMN_##name,
	SERVER_COLUMN_TABLE(C)
#undef C
};

#define SERVER_COLUMN_TEXT(name, column) column ", "
/* "number, id, ... launched_at, 0": for SELECT. */
#define SERVER_COLUMNS SERVER_COLUMN_TABLE(SERVER_COLUMN_TEXT) "0"

/* Begins a query that stands on the server's row; 404 if there is none that this requester may see. */
bool server_query(struct http_request *request, const char *id, struct store_rows *rows, struct error *err);

enum server_view {
	SERVER_VIEW_BRIEF,  /* id, name, links */
	SERVER_VIEW_DETAIL, /* of a list */
	SERVER_VIEW_SHOW,
	SERVER_VIEW_UPDATE, /* the answer of PUT, shorter before 2.75 */
};

/* Adds the members of a server's view.  `rows` stands on a row with SERVER_COLUMNS. */
bool server_view(struct http_request *request, struct store_rows *rows, yyjson_mut_doc *doc,
		 yyjson_mut_val *object, enum server_view view, struct error *err);
/* The server's addresses; `bare` without the members of the extensions OS-EXT-IPS and OS-EXT-IPS-MAC, which
 * Nova leaves out of some answers. */
bool server_addresses(struct store *db, const char *id, yyjson_mut_doc *doc, yyjson_mut_val *object,
		      bool bare, struct error *err);
/* Answers 200 {"server": ...}. */
bool server_answer(struct http_request *request, struct http_response *response, const char *id,
		   enum server_view view, struct error *err);

/* --- one server, to be changed --- */

struct server {
	char id[37];
	char project_id[65];
	char user_id[65];
	char host_id[37]; /* "": none */
	char host_name[256];
	int64_t vcpus, memory_mb;
	bool locked;
	struct server_life life;
	int64_t stored_generation;
};

/* `auth` NULL: no check of visibility.  404 "Instance ... could not be found.". */
bool server_load(struct store *db, const char *id, const struct auth *auth, struct server *server,
		 struct error *err);
/* Writes the life back; a new generation moves the host's revision, so that its agent is told. */
bool server_save(struct store *db, struct server *server, struct error *err);
/* A port of the server was changed through the Network API (network_on_port_change): its host is told. */
bool server_port_changed(struct store *db, const char *server_id, struct error *err);
/* What is wanted of the server changed in something that is not its state (its ports): tells the host. */
bool server_touch(struct store *db, struct server *server, struct error *err);
/* Notes why it failed; shown while the server is in ERROR. */
bool server_set_fault(struct store *db, const char *id, const char *message, const char *details,
		      struct error *err);
/* Nothing of it is left anywhere: gives back devices and ports, forgets the row. */
bool server_remove(struct store *db, const struct server *server, struct error *err);
/* A change by the user is refused while the server is locked (administrators may). */
bool server_check_unlocked(const struct server *server, const struct auth *auth, struct error *err);
/* Moves as a user's request: 409 with Nova's sentence if the state does not allow it. */
bool server_user_move(struct server *server, enum server_state next, const char *action, struct error *err);

/* --- the log of actions --- */

bool server_action_begin(struct http_request *request, const char *server_id, const char *action,
			 struct error *err);
/* Ends one, by the request that began it. */
bool server_action_finish(struct store *db, const char *server_id, const char *request_id, bool failed,
			  struct error *err);
/* The same of one that is done with this. */
bool server_action_note(struct http_request *request, const char *server_id, const char *action,
			struct error *err);
/* Ends those of the server that are under way. */
bool server_action_end(struct store *db, const char *server_id, bool failed, struct error *err);

/* --- handlers of the other files --- */

http_handler server_remote_console, server_index, server_detail, server_create, server_delete, server_update,
	server_metadata_index, server_metadata_replace, server_metadata_merge, server_metadata_show,
	server_metadata_put, server_metadata_delete, server_tags_index, server_tags_replace, server_tags_show,
	server_tags_put, server_tags_delete, server_tags_clear, server_action, server_action_prepare,
	server_ips_index, server_ips_show, server_interfaces_index, server_interfaces_show,
	server_interfaces_attach, server_interfaces_detach, server_security_groups, server_actions_index,
	server_actions_show, server_diagnostics, live_index, live_show, live_delete, live_action;
