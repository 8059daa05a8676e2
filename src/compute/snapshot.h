/* Within the compute room: images that are made of servers' disks. */
#pragma once

#include "compute/server.h"

/* Makes the image, still without bytes, and orders the server's host to send the disk.  `metadata`: of the
 * request (texts), or NULL; `id` gets the image's. */
bool snapshot_order(struct http_request *request, const struct server *server, const char *name,
		    yyjson_val *metadata, char id[37], struct error *err);
/* Did the bytes come? */
bool snapshot_came(struct store *db, const char *image_id);
/* The host has the guest as wanted and has sent the disk, or not: the server goes on. */
bool snapshot_report(struct store *db, struct server *server, enum server_report report, const char *fault,
		     bool *taken, struct error *err);
/* Discards the image that the server's host was to send, if it has not come. */
bool snapshot_drop(struct store *db, const char *server_id, struct error *err);
/* The image that the host is ordered to send; "" if none. */
bool snapshot_of(struct store *db, const char *server_id, char id[37], struct error *err);
