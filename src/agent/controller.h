/* Speaking to penstockd (docs/agent-protocol.md).  Any thread; each call is one HTTP request. */
#pragma once

#include "base/error.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

struct controller {
	char url[256]; /* "http://10.0.0.1:5000" */
	char host_id[37];
	char credential[128];
};

/* Joins with a token, or reads host_id and credential from `file`, where a join leaves them (mode 0600). */
bool controller_join(struct controller *controller, const char *file, const char *token, const char *host,
		     struct error *err);
/* One request; kind of *err is the HTTP status where there was an answer, ERROR_UNAVAILABLE where there was
 * none. */
bool controller_send(const struct controller *controller, const char *method, const char *path,
		     const char *content_type, const char *body, size_t size, int seconds,
		     struct text *answer, struct error *err);
/* Downloads an image's bytes to `path`; what is there of it already is continued. */
bool controller_download(const struct controller *controller, const char *image_id, const char *path,
			 struct error *err);
/* Uploads the bytes at `path` as those of an image, whose SHA-512 they have. */
bool controller_upload(const struct controller *controller, const char *image_id, const char *sha512,
		       const char *path, struct error *err);
