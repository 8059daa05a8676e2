/* Within what makes servers so: steps that a server's coming from another host needs as well. */
#pragma once

#include "agent/grant.h"
#include "agent/lifecycle.h"

void lifecycle_step(const struct lifecycle *life, const char *name);
/* Freed by the caller. */
char *lifecycle_folder(const struct host_folders *folders, const char *server_id);
/* Notes in the folder what is wanted of the server. */
bool lifecycle_remember(const char *folder, yyjson_val *server, struct error *err);
/* Kernel and ramdisk, if it has them. */
bool lifecycle_boot_files(const struct lifecycle *life, const char *folder, yyjson_val *server,
			  struct error *err);
/* Writes down what the server takes of the host, and gives back what it has beyond that. */
bool lifecycle_grant(const struct lifecycle *life, const char *folder, yyjson_val *server,
		     struct grant *grant, struct error *err);
/* Of a guest that runs: all as it is wanted.  `wanted`: without the ports that are to be taken out. */
enum server_outcome lifecycle_settle_running(const struct lifecycle *life, const char *folder,
					     yyjson_val *server, yyjson_val *wanted, struct error *err);
