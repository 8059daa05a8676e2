/* Within the compute room: the image that a server is made from. */
#pragma once

#include "compute/flavor.h"
#include "image/image.h"

/* Texts belong to the request. */
struct server_image {
	struct image image;
	const char *json;			/* as the agent gets it (docs/agent-protocol.md) */
	const char *kernel_json, *ramdisk_json; /* or NULL */
};

/* The image, if this requester may use it and it fits the flavor, with its kernel and ramdisk;
 * ERROR_BAD_REQUEST in Nova's words if not. */
bool server_image_find(struct http_request *request, const char *id, const struct flavor *flavor,
		       struct server_image *out, struct error *err);
