/* Within the compute room: the actions of POST /servers/{id}/action that have files of their own. */
#pragma once

#include "compute/server.h"

/* The server is loaded and not locked; `argument` fits the action's schema. */
typedef bool action_handler(struct http_request *request, struct http_response *response,
			    struct server *server, yyjson_val *argument, struct error *err);

/* resize.c */
extern const struct schema action_resize_schema, action_migrate_schema;
action_handler action_resize, action_migrate, action_confirm_resize, action_revert_resize;
/* live_api.c */
extern const struct schema action_live_schema;
action_handler action_migrate_live;
/* snapshot.c */
extern const struct schema action_image_schema;
action_handler action_create_image;
/* server_rebuild.c */
extern const struct schema action_rebuild_schema;
action_handler action_rebuild;
/* evacuate.c */
extern const struct schema action_evacuate_schema;
action_handler action_evacuate;
/* reset_state.c */
extern const struct schema action_reset_schema;
action_handler action_reset_state;
/* server_groups.c */
extern const struct schema action_group_schema;
action_handler action_add_group, action_remove_group;
/* actions_without.c */
extern const struct schema action_password_schema, action_vnc_schema, action_spice_schema, action_rdp_schema,
	action_serial_schema;
action_handler action_gone, action_restore, action_change_password, action_remote_console;
/* shelve.c */
extern const struct schema action_unshelve_schema;
action_handler action_shelve, action_shelve_offload, action_unshelve;
