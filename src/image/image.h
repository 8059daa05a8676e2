/* Image v2 (Glance's API): the door for the other services. */
#pragma once

#include "base/error.h"
#include "config/config.h"
#include "http/http.h"
#include "identity/identity.h"
#include "store/store.h"

/* What a server needs to know of its image.  Fixed texts, no ownership. */
struct image {
	char id[37];
	char name[1021]; /* 255 characters */
	char status[16];
	char owner[64];
	char visibility[16];
	char disk_format[16];
	char container_format[16];
	char checksum[33]; /* MD5, hex; "" until uploaded */
	char sha512[129];
	int64_t size; /* bytes */
	int64_t min_disk_gb, min_ram_mb;
};

/* Looks an image up that this requester may see; else ERROR_NOT_FOUND.  `auth` NULL: no check. */
bool image_load(struct store *db, const char *id, const struct auth *auth, struct image *image,
		struct error *err);
/* One additional property (e.g. "kernel_id"), copied into the request's memory; NULL if not set. */
const char *image_property(struct store *db, struct http_request *request, const char *image_id,
			   const char *name);
/* Adds all additional properties as members of `object`. */
bool image_properties(struct store *db, const char *image_id, yyjson_mut_doc *doc, yyjson_mut_val *object,
		      struct error *err);
/* Opens the bytes of an active image for reading: a descriptor, or -1 and *err. */
int image_open(const char *id, struct error *err);

/* --- images that compute makes of servers' disks --- */

/* A server's disk on its way between two hosts: the Image API shows it to nobody. */
#define IMAGE_IN_TRANSIT "transit"

struct image_wish {
	const char *name, *owner, *visibility, *disk_format; /* owner may be NULL */
	int64_t min_disk_gb, min_ram_mb;
	yyjson_val *properties; /* texts, an object; may be NULL */
};

/* Makes an image without bytes ("queued") with this new id. */
bool image_make(struct store *db, const char *id, const struct image_wish *wish, struct error *err);
/* Its bytes, as a host sends them: image_receive_begin() is an upload's `begin`, then go the chunks,
 * `prepare` and the handler of a route.  410 if nobody waits for the bytes (any more).  With the header
 * X-Image-Checksum-Sha512 they must be what it says. */
bool image_receive_begin(struct http_request *request, const char *id, struct error *err);
bool image_receive_chunk(struct http_request *request, const char *bytes, size_t count, struct error *err);
void image_receive_abandon(struct http_request *request);
bool image_receive_prepare(struct http_request *request, struct http_response *response, struct error *err);
bool image_receive_finish(struct http_request *request, struct http_response *response, struct error *err);
/* Forgets the image and its bytes; none is fine. */
bool image_discard(struct store *db, const char *id, struct error *err);

extern const struct store_migration image_migrations[];
extern const size_t image_migration_count;

/* The service at /image; bytes lie in `state_dir`/images. */
const struct http_service *image_service(const struct config *config, const char *state_dir,
					 struct error *err);
/* At start: throws away what an upload left that a crash cut short. */
bool image_recover(struct store *db, struct error *err);
