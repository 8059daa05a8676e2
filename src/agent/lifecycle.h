/* One server on this host: making it so and undoing it.  Every step looks before it acts, so that the same
 * list runs again after a crash at any point.  Blocking: call on a worker, one at a time for a server. */
#pragma once

#include "agent/controller.h"
#include "agent/server.h"

struct host_folders {
	char instances[256], cache[256];
};

/* May this device be given to guests?  (The controller's word is not enough.) */
typedef bool device_offered(const char *address);
/* Addresses of devices that go with this one, ended by NULL, for world_list_free(); or NULL. */
typedef char **device_mates(const char *address);
/* Is told the step that begins (static text). */
typedef void server_step(const char *step, void *argument);
/* Is told what is wrong with one port of a running server, which runs on; held: the guest did not let go. */
typedef void port_trouble(const char *port_id, bool held, const char *why, void *argument);

/* Is something else wanted of the server meanwhile?  Then waiting for its guest is not worth while. */
typedef bool server_superseded(void *argument);

/* What work on a server needs of its surroundings. */
struct lifecycle {
	const struct host_folders *folders;
	const struct controller *controller;
	device_offered *offered;
	device_mates *mates;	       /* or NULL */
	server_step *step;	       /* or NULL */
	port_trouble *trouble;	       /* or NULL */
	server_superseded *superseded; /* or NULL */
	void *argument;		       /* of these */
};

enum server_outcome {
	SERVER_RUNS,
	SERVER_PAUSED,
	SERVER_SUSPENDED, /* its memory is in a file */
	SERVER_INCOMING,  /* all is there for a guest that comes from another host (migration.h) */
	SERVER_LEFT,	  /* it has got to another host */
	SERVER_REFUSED,	  /* it runs on, because it could not be suspended: *err says why */
	SERVER_ENDED,	  /* it was started in this generation and has ended by itself since: it is left so */
	SERVER_FAILED, /* what was set up is undone as far as it goes; a disk that was there before stays */
	SERVER_LATER,  /* something is away that will come back (libvirt, the controller), or the guest runs
			  but not  all of it is as wanted: try again */
};

/* `want` is running, paused or suspended.  Image, overlay, config drive, networks, devices, domain, or from
 * the memory that was saved; of a guest that runs already: its ports, VFs and links as they shall be.  A
 * running guest is never ended by this, but for having its memory saved. */
enum server_outcome server_setup(const struct lifecycle *life, yyjson_val *server, struct error *err);
/* Ends the guest; what it has of the host stays its own, but for what `server` does not name any more. */
bool server_stop(const struct lifecycle *life, yyjson_val *server, struct error *err);
/* Ends the guest; disk and devices stay as they are, for a move that may be reverted. */
bool server_keep(const struct lifecycle *life, const char *server_id, struct error *err);
/* Domain, devices, networks, files: all away, devices verified clean. */
bool server_teardown(const struct lifecycle *life, const char *server_id, struct error *err);

/* The server as it was wanted when it was last set up, or NULL. */
yyjson_doc *server_remembered(const struct host_folders *folders, const char *server_id);
