/* Within the compute room: interfaces of servers that come and go after those were made, and what is kept
 * about them: tags, and what is under way on the host.
 *
 * An interface is attached when its device is claimed and its port bound; the host plugs it in.  One that is
 * to go stays the server's, port and device, until the host says that it is out of the guest and clean. */
#pragma once

#include "compute/server.h"

/* C(name, text in the database) */
#define INTERFACE_CHANGES(C) \
	C(NONE, "") \
	C(ATTACHING, "attaching") \
	C(DETACHING, "detaching") \
	C(WITHDRAWING, "withdrawing") /* it could not be attached: goes again */

enum interface_change {
#define C(name, text) INTERFACE_##name,
	INTERFACE_CHANGES(C)
#undef C
};

struct server_interface {
	char port_id[37];
	char tag[61]; /* or "" */
	enum interface_change change;
	char request_id[64]; /* of the action, or "" */
};

/* Those of the server about which there is something to know, *list freed by the caller. */
bool server_interfaces_load(struct store *db, const char *server_id, struct server_interface **list,
			    size_t *count, struct error *err);
/* NULL if there is none. */
const struct server_interface *server_interface_find(const struct server_interface *list, size_t count,
						     const char *port_id);
/* Notes the tag that an interface was given with a new server. */
bool server_interface_tag(struct store *db, const char *server_id, const char *port_id, const char *tag,
			  struct error *err);
/* Is the host to take the port out? */
bool server_interface_goes(const struct server_interface *interface); /* NULL: no */

/* Answers 200 {"interfaceAttachment": ...}; 404 if the server has no such port. */
bool server_interface_answer(struct http_request *request, struct http_response *response,
			     const char *server_id, const char *port_id, struct error *err);

/* A host's report of a server at its current generation, with the state that it has there ("ports" of the
 * protocol): ends what is under way.  *touch: the host is to be told of a change. */
bool server_interfaces_report(struct store *db, const struct server *server, yyjson_val *ports, bool *touch,
			      struct error *err);
