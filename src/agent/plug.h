/* Plugging ports and devices into a guest that runs, and taking them out of it.  What is taken from the host
 * stands in the grant journal first and is struck from it last, so that the next attempt, also of a later
 * life of the agent, finds what an earlier one left.  Blocking: a guest may take minutes to let go, or never
 * do. */
#pragma once

#include "agent/lifecycle.h"

/* [libvirt] device_detach_attempts and device_detach_timeout (seconds for each attempt). */
void plug_configure(int attempts, int seconds);

/* Ports that the running guest is not to have any more go out of it and back to the host, missing ones come
 * in; devices that it was given before (it was suspended) come back.  `wanted` is the server without the
 * ports that are wanted absent.  Trouble with one port is told (life->trouble) and is no failure; false:
 * nothing can be done now (libvirt is away). */
bool plug_settle(const struct lifecycle *life, const char *folder, yyjson_val *server, yyjson_val *wanted,
		 struct error *err);
/* Only the first part of that. */
bool plug_unneeded_out(const struct lifecycle *life, const char *folder, yyjson_val *server,
		       yyjson_val *wanted, struct error *err);
/* Has the running guest lost one of its ports?  One that was asked to let go may do so long after that was
 * given up. */
bool plug_is_loose(const struct host_folders *folders, const char *server_id);
enum plug_out {
	PLUG_OUT_TO_SAVE,    /* all but macvtaps, which are QEMU's */
	PLUG_OUT_TO_MIGRATE, /* of ports only, with macvtaps: those of the flavor go along */
};
/* Takes host devices out of the guest, which keeps them as its own.  ERROR_TIMEOUT: it does not let go. */
bool plug_all_out(const struct lifecycle *life, yyjson_val *server, enum plug_out why, struct error *err);
