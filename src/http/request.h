/* Within the http room: what exchange.c needs of request.c. */
#pragma once

#include "http/http.h"

struct http_internal;

/* Percent-decodes into the request's memory ('+' becomes a blank where `plus`); false if the result is not
 * UTF-8 or contains NUL. */
bool http_decode(struct http_request *request, const char *from, size_t count, bool plus, const char **out);
void http_chunks_done(struct http_internal *internal);
