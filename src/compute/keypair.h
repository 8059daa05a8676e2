/* Within the compute room: a key pair as the creation of servers needs it. */
#pragma once

#include "compute/service.h"

/* The public key, in the request's memory; 400 "Invalid key_name provided." if the user has none of this
 * name. */
bool keypair_public_key(struct http_request *request, const char *name, const char **key, struct error *err);
